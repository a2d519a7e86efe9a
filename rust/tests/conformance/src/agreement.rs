//! What the backends say of one case, held against each other: the same `files`, byte for byte, but for what the format lets differ.
//!
//! Each run of a case leaves its records where those of the others find them, in the same run of the tests; whoever comes later compares.
//! So it costs no run more, and every two are compared, in whatever order they come.

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

/// Differences that are told of, each in a line or two; more nobody reads.
const TOLD_MAX: usize = 20;

/// A process's id and counts that a backend cannot make differ (the report's format says so).
const PIDS: &str = "pids";
const COUNTS: [&str; 2] = ["bytes_read", "bytes_written"];

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
    /// In the order of the report.
    records: Vec<Map<String, Value>>,
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
        if difference.is_some_and(|difference| difference.expect.is_some() || difference.exit.is_some()) {
            return Ok(Vec::new());
        }
        let expected = Expected::of(case, backend, |text| names.fill(text))?;
        let report: Value = serde_json::from_slice(report).map_err(|error| error.to_string())?;
        let records = report["files"].as_array().into_iter().flatten();
        let records =
            records.filter_map(Value::as_object).filter_map(|record| names.normal(record, &expected));
        let own = Statement { is_whole: expected.gaps.is_empty(), records: records.collect() };
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

    /// Returns a record with what must be the same, or none if the case does not look at it.
    fn normal(&self, record: &Map<String, Value>, expected: &Expected) -> Option<Map<String, Value>> {
        let mut record = record.clone();
        record.remove(PIDS);
        for value in record.values_mut() {
            let Some(bytes) = bytes_of(value) else { continue };
            let relative = bytes.strip_prefix(self.world).and_then(|rest| rest.strip_prefix(b"/"));
            if let Some(relative) = relative {
                if expected.ignore.iter().any(|ignored| pattern::matches(ignored, relative)) {
                    return None;
                }
                // What a case knows by a pattern has another name each time.
                let known = expected
                    .files
                    .iter()
                    .find(|line| line.path.contains(&b'*') && pattern::matches(&line.path, relative));
                *value = pattern::escape(known.map_or(relative, |line| &line.path)).into();
            } else {
                let text = pattern::escape(&bytes).replace(&*String::from_utf8_lossy(self.base), "{base}");
                *value = text.replace(&*String::from_utf8_lossy(self.id), "{id}").into();
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

fn is_outside(record: &Map<String, Value>) -> bool {
    let path = record.get("path").and_then(Value::as_str).unwrap_or_default();
    path.starts_with('/') || path.starts_with("{base}")
}

/// Returns the records that are not the same, as lines of a difference.
fn differences(own: &Statement, theirs: &Statement) -> Vec<String> {
    let is_whole = own.is_whole && theirs.is_whole;
    let compared = |statement: &Statement| -> Vec<Map<String, Value>> {
        statement.records.iter().filter(|record| is_whole || !is_outside(record)).cloned().collect()
    };
    let (mut own, mut theirs) = (compared(own), compared(theirs));
    let key = |record: &Map<String, Value>| (record.get("path").cloned(), record.get("role").cloned());
    for record in &mut own {
        if let Some(other) = theirs.iter_mut().find(|other| key(other) == key(record)) {
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
        return Vec::new();
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
