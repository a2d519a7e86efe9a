//! What the backends say of one case, held against each other: the same `files`, byte for byte, but for what the format lets differ.
//!
//! Each run of a case leaves its records where those of the others find them, in the same run of the tests; whoever comes later compares.
//! So it costs no run more, and every two are compared, in whatever order they come.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::Result;
use crate::case::Case;
use crate::compare::Expected;
use crate::env;
use crate::pattern;
use crate::report::Role;

/// Differences that are told of, each in a line or two; more nobody reads.
const TOLD_MAX: usize = 20;

/// Process ids differ, and so does a count that one backend has and another has not (docs/report-format.md).
const PIDS: &str = "pids";
const COUNTS: [&str; 2] = ["bytes_read", "bytes_written"];
const SIZE: &str = "size";
const PRIOR_HASH: &str = "prior_hash";

/// Where roar keeps its own things in the world; one case looks into it.
const ROAR: &[u8] = b".roar/";

/// Who is held against each other. The other names are of preload where it can do less, or of programs of its own.
const BACKENDS: [&str; 3] = ["ptrace", "preload", "ebpf"];

/// Where the backends leave their records in one run of the tests.
#[derive(Clone, Debug)]
pub struct Agreement {
    place: PathBuf,
}

/// What is left of a run of a case: its records, and how much of them is compared.
#[derive(serde::Serialize, serde::Deserialize)]
struct Statement {
    /// Those outside of the world as well.
    is_whole: bool,
    /// In the order of their paths, as the report has them.
    records: Vec<Map<String, Value>>,
    /// The kinds of lookups that the backend sees.
    lookup_kinds: Vec<String>,
    /// What was looked up in the world.
    lookups: Vec<Map<String, Value>>,
}

/// What is different in each run of a case, and is put as the case puts it.
pub struct Names<'a> {
    /// The directory that holds the world.
    pub base: &'a [u8],
    /// The world.
    pub world: &'a [u8],
    /// The word of the run.
    pub id: &'a [u8],
}

impl Agreement {
    /// Returns the place for this run of the tests, below a directory.
    pub fn below(scratch: &Path) -> Self {
        Self { place: scratch.join("agreement").join(env::test_run()) }
    }

    /// Makes the place for a case. The first who comes removes those of other runs of the tests: if one is still in use, less is compared there.
    fn place_for(&self, case: &Case) -> Result<PathBuf> {
        let parent = self.place.parent().unwrap_or(&self.place);
        if fs::create_dir_all(parent).is_ok() && fs::create_dir(&self.place).is_ok() {
            let others = fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path());
            for other in others.filter(|other| *other != self.place) {
                let _in_use = fs::remove_dir_all(other);
            }
        }
        let place = self.place.join(&case.name);
        fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
        Ok(place)
    }

    /// Compares the files of a report with what other backends have said, and leaves them for those to come.
    pub fn judge(&self, case: &Case, backend: &str, report: &[u8], names: &Names<'_>) -> Result<Vec<String>> {
        let difference = case.difference_under(backend);
        if !BACKENDS.contains(&backend)
            || difference.is_some_and(|difference| difference.expect.is_some() || difference.exit.is_some())
        {
            return Ok(Vec::new());
        }
        let expected = Expected::of(case, backend, |text| names.fill(text))?;
        let report: Value = serde_json::from_slice(report).map_err(|error| error.to_string())?;
        let records = report["files"].as_array().into_iter().flatten().filter_map(Value::as_object);
        let mut records: Vec<_> = records.filter_map(|record| names.normal(record, &expected)).collect();
        for record in records.iter_mut().filter(|_| case.varies.is_some()) {
            for count in COUNTS.iter().chain([&SIZE, &PRIOR_HASH]) {
                record.remove(*count);
            }
        }
        // The names that a case does not fix have other places in the order each time.
        let written = |record: &Map<String, Value>| record.get("bytes_written").and_then(Value::as_u64);
        records.sort_by_key(|record| {
            (text(record, "path").to_owned(), text(record, "role").to_owned(), written(record))
        });
        let looked_up = &report["looked_up"];
        let kinds = looked_up["kinds"].as_array().into_iter().flatten();
        let found = looked_up["found"].as_array().into_iter().flatten().filter_map(Value::as_object);
        let lookups = found.filter(|_| case.varies.is_none() && case.lookups_vary.is_none());
        let lookups = lookups.filter_map(|found| Some(names.without_id(names.normal(found, &expected)?)));
        let own = Statement {
            is_whole: expected.gaps.is_empty(),
            records,
            lookup_kinds: kinds.filter_map(Value::as_str).map(str::to_owned).collect(),
            lookups: lookups.filter(|lookup| !is_outside(lookup)).collect(),
        };
        let place = self.place_for(case)?;
        let text = serde_json::to_vec(&own).map_err(|error| error.to_string())?;
        // Aside and moved: whoever reads it finds all of it.
        let aside = place.join(format!(".{backend}"));
        fs::write(&aside, text)
            .and_then(|()| fs::rename(&aside, place.join(backend)))
            .map_err(|error| format!("{}: {error}", aside.display()))?;
        let mut faults = Vec::new();
        for other in fs::read_dir(&place).into_iter().flatten().flatten() {
            let name = other.file_name().to_string_lossy().into_owned();
            if name == backend || name.starts_with('.') {
                continue;
            }
            let text = fs::read(other.path()).map_err(|error| error.to_string())?;
            let theirs: Statement = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
            faults.extend(differences(&own, &theirs).into_iter().map(|words| format!("{name}: {words}")));
        }
        Ok(faults)
    }
}

impl Names<'_> {
    fn fill(&self, text: &str) -> String {
        let words = |bytes| String::from_utf8_lossy(bytes).into_owned();
        text.replace("{id}", &words(self.id)).replace("{world}", &words(self.world))
    }

    /// Returns a lookup in which the names, and what is made of them, are the same in each run.
    fn without_id(&self, mut lookup: Map<String, Value>) -> Map<String, Value> {
        lookup.remove("blake3");
        for name in lookup.get_mut("names").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::String(text) = name {
                *text = text.replace(&*String::from_utf8_lossy(self.id), "{id}");
            }
        }
        lookup
    }

    /// Returns a record with what must be the same, or none if the case does not look at it.
    fn normal(&self, record: &Map<String, Value>, expected: &Expected) -> Option<Map<String, Value>> {
        // Temporary files that people are not shown have random names.
        if text(record, "role") == Role::Temporary.word() && record.get("filtered") == Some(&true.into()) {
            return None;
        }
        let mut record = record.clone();
        record.remove(PIDS);
        let with_id = |text: String| text.replace(&*String::from_utf8_lossy(self.id), "{id}");
        for value in record.values_mut() {
            let Some(bytes) = bytes_of(value) else { continue };
            let relative = bytes.strip_prefix(self.world).and_then(|rest| rest.strip_prefix(b"/"));
            if let Some(relative) = relative {
                let is_ignored = |ignored: &Vec<u8>| pattern::matches(ignored, relative);
                if relative.starts_with(ROAR) || expected.ignore.iter().any(is_ignored) {
                    return None;
                }
                // What a case knows by a pattern has another name each time.
                let known = expected
                    .files
                    .iter()
                    .find(|line| line.path.contains(&b'*') && pattern::matches(&line.path, relative));
                *value = with_id(pattern::escape(known.map_or(relative, |line| &line.path))).into();
            } else {
                let text = pattern::escape(&bytes).replace(&*String::from_utf8_lossy(self.base), "{base}");
                *value = with_id(text).into();
            }
        }
        Some(record)
    }
}

/// Returns the bytes of a text, or of what is not one.
fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(object) => STANDARD.decode(object.get("b64")?.as_str()?).ok(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

fn text<'a>(record: &'a Map<String, Value>, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is_outside(record: &Map<String, Value>) -> bool {
    let path = text(record, "path");
    path.starts_with('/') || path.starts_with("{base}")
}

/// Returns the records that are not the same, as lines of a difference.
fn differences(own: &Statement, theirs: &Statement) -> Vec<String> {
    let is_whole = own.is_whole && theirs.is_whole;
    let lookup_differences = if is_whole { differences_of_lookups(own, theirs) } else { Vec::new() };
    let compared = |statement: &Statement| -> Vec<Map<String, Value>> {
        statement.records.iter().filter(|record| is_whole || !is_outside(record)).cloned().collect()
    };
    let (mut own, mut theirs) = (compared(own), compared(theirs));
    let key = |record: &Map<String, Value>| [text(record, "path"), text(record, "role")].map(str::to_owned);
    let mut others: HashMap<_, _> = theirs.iter_mut().map(|record| (key(record), record)).collect();
    for record in &mut own {
        if let Some(other) = others.get_mut(&key(record)) {
            for count in COUNTS {
                if record.get(count).is_some_and(Value::is_null)
                    || other.get(count).is_some_and(Value::is_null)
                {
                    record.remove(count);
                    other.remove(count);
                }
            }
        }
    }
    if own == theirs {
        return lookup_differences;
    }
    let line = |sign: char, record: &Map<String, Value>| format!("{sign} {}", Value::Object(record.clone()));
    let missing = theirs.iter().filter(|record| !own.contains(record)).map(|record| line('-', record));
    let added = own.iter().filter(|record| !theirs.contains(record)).map(|record| line('+', record));
    let mut lines: Vec<String> = missing.chain(added).take(TOLD_MAX).collect();
    if lines.is_empty() {
        lines.push("the same records, in another order or number".to_owned());
    }
    lines
}

/// Returns the lookups that are not the same, of kinds that both see. Who looked first is for them to say.
fn differences_of_lookups(own: &Statement, theirs: &Statement) -> Vec<String> {
    let of = |statement: &Statement| -> Vec<String> {
        let is_of_both = |lookup: &&Map<String, Value>| {
            [own, theirs].iter().all(|seen| seen.lookup_kinds.iter().any(|kind| kind == text(lookup, "kind")))
        };
        let lookups = statement.lookups.iter().filter(is_of_both).map(|lookup| {
            let mut lookup = lookup.clone();
            lookup.remove("program");
            Value::Object(lookup).to_string()
        });
        lookups.collect()
    };
    let (own, theirs) = (of(own), of(theirs));
    let missing = theirs.iter().filter(|line| !own.contains(line)).map(|line| format!("- {line}"));
    let added = own.iter().filter(|line| !theirs.contains(line)).map(|line| format!("+ {line}"));
    missing.chain(added).take(TOLD_MAX).collect()
}
