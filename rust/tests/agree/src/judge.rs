//! What is wrong with a run: against the model, and against the runs under other backends.

use std::collections::{BTreeMap, BTreeSet};

use conformance::Result;
use conformance::process::Ending;
use conformance::report::{Exit, Kind, Prior, Report, Role};
use serde_json::{Map, Value, json};

use crate::lab::{Lab, Run};
use crate::model::{Expected, Refusal, Returned, Settled};

/// Without a tracer: there the model of the kernel itself is what is tried.
pub const BARE: &str = "bare";

/// Where a program did not go as it should, and how: one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `bare`, a backend, or two of them.
    pub place: String,
    /// What is wrong.
    pub lines: Vec<String>,
}

type Record = Map<String, Value>;

/// Runs a program bare and under the backends, and returns what is wrong.
pub fn judge(lab: &Lab, settled: &Settled, backends: &[&str]) -> Result<Vec<Fault>> {
    let mut faults = Faults::default();
    let bare = lab.run_bare(settled).map_err(|words| format!("{BARE}: {words}"))?;
    faults.add(BARE, judge_run(settled, &bare));
    if !faults.0.is_empty() {
        // What the model says of such a program is worth nothing.
        return Ok(faults.0);
    }
    let mut others: Vec<(&str, Vec<Record>)> = Vec::new();
    for backend in backends {
        let run = match lab.run_under(settled, backend) {
            Ok(run) => run,
            Err(words) => {
                faults.add(backend, vec![words]);
                continue;
            }
        };
        let mut lines = judge_run(settled, &run);
        match read_report(&run, backend) {
            Ok((general, records)) => {
                lines.extend(general);
                lines.extend(judge_records(settled, &run, &records));
                for (other, theirs) in &others {
                    faults.add(
                        &format!("{other} and {backend}"),
                        compare(theirs, &records, &settled.model.expected()),
                    );
                }
                others.push((backend, records));
            }
            Err(words) => lines.push(words),
        }
        faults.add(backend, lines);
    }
    Ok(faults.0)
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, place: &str, lines: Vec<String>) {
        if !lines.is_empty() {
            self.0.push(Fault { place: place.to_owned(), lines });
        }
    }
}

/// Compares what the calls returned, and left behind, with what the model says.
fn judge_run(settled: &Settled, run: &Run) -> Vec<String> {
    let mut faults = Vec::new();
    if run.ending != Ending::Code(0) || !run.stderr.is_empty() {
        faults.push(format!("it ended with {:?} and said {:?}", run.ending, run.stderr));
    }
    let lines = settled.program.lines.iter().zip(&settled.outcomes);
    for (at, (line, outcome)) in lines.enumerate() {
        let expected = match outcome {
            Ok(Returned { value, sum }) => (line.id, *value, 0, *sum),
            Err(Refusal::Failed(errno)) => (line.id, -1, errno.raw_os_error(), 0),
            Err(Refusal::Unmodelled) => continue,
        };
        if run.results.get(at) != Some(&expected) {
            faults.push(format!("`{line}` gave {:?}, not {expected:?}", run.results.get(at)));
        }
    }
    let expected = settled.model.tree();
    let paths: BTreeSet<&String> = expected.keys().chain(run.tree.keys()).collect();
    for path in paths {
        let (there, wanted) = (run.tree.get(path), expected.get(path));
        if there != wanted {
            faults.push(format!("{path} has {}, not {}", words(there), words(wanted)));
        }
    }
    faults
}

fn words(content: Option<&Vec<u8>>) -> String {
    match content {
        None => "nothing".to_owned(),
        Some(bytes) if bytes.len() > 100 => format!("{} bytes", bytes.len()),
        Some(bytes) => format!("{:?}", bytes.escape_ascii().to_string()),
    }
}

/// Reads what is wrong in a report whatever was done, and its records, with what differs in each run put as the model puts it.
fn read_report(run: &Run, backend: &str) -> Result<(Vec<String>, Vec<Record>)> {
    let json = run.report.as_ref().ok_or("there is no report")?;
    let report = Report::parse(json)?;
    let mut faults = report.faults(backend);
    if report.exit != Some(Exit::Code { code: 0 }) {
        faults.push(format!("exit is {:?}", report.exit));
    }
    faults.extend(report.coverage.gaps.iter().map(|gap| format!("gap {}: {}", gap.kind, gap.detail)));
    let value: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let records = value["files"].as_array().into_iter().flatten().filter_map(Value::as_object);
    let mut records: Vec<Record> = records.map(|record| normal(record, run)).collect();
    let key = |record: &Record| (text(record, "path"), role_of(record));
    records.sort_by_key(key);
    Ok((faults, records))
}

fn text(record: &Record, key: &str) -> String {
    record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn role_of(record: &Record) -> Option<Role> {
    Role::from_word(&text(record, "role"))
}

/// Replaces the places of this run by names, and process ids by tasks.
fn normal(record: &Record, run: &Run) -> Record {
    let [base, world] = &run.places;
    let mut record = record.clone();
    for value in record.values_mut() {
        if let Value::String(text) = value {
            let below = text.strip_prefix(world.as_str()).and_then(|rest| rest.strip_prefix('/'));
            *text = below.map_or_else(|| text.replace(base.as_str(), "{base}"), str::to_owned);
        }
    }
    let pids = record.get("pids").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut tasks: Vec<Value> = pids
        .iter()
        .map(|pid| {
            let task = pid.as_i64().and_then(|pid| run.processes.get(&pid));
            task.map_or_else(|| json!(format!("unknown process {pid}")), |task| json!(task))
        })
        .collect();
    tasks.sort_by_key(|task| (task.as_u64(), task.to_string()));
    record.insert("pids".to_owned(), tasks.into());
    record
}

fn is_of_world(record: &Record) -> bool {
    let path = text(record, "path");
    !path.starts_with('/') && !path.starts_with("{base}")
}

/// Counts, sizes and hashes are `null` where they are not known; what is known must be right.
const MAYBE_UNKNOWN: [&str; 5] = ["bytes_read", "bytes_written", "size", "hash", "prior_hash"];

/// Compares the records of the world with what the model expects.
fn judge_records(settled: &Settled, run: &Run, records: &[Record]) -> Vec<String> {
    let expected = settled.model.expected();
    let mut wanted: BTreeMap<(String, Role), (&Expected, Record)> = BTreeMap::new();
    for record in &expected {
        wanted.insert((record.path.clone(), record.role), (record, record_of(record, &run.places[1])));
    }
    let mut faults = Vec::new();
    for record in records.iter().filter(|record| is_of_world(record)) {
        let key = role_of(record).map(|role| (text(record, "path"), role));
        let Some((_, known)) = key.and_then(|key| wanted.remove(&key)) else {
            faults.push(format!("+ {}", brief(record)));
            continue;
        };
        for (field, value) in &known {
            let found = record.get(field).unwrap_or(&Value::Null);
            let is_unknown = MAYBE_UNKNOWN.contains(&field.as_str()) && (found.is_null() || value.is_null());
            if found != value && !is_unknown {
                faults.push(format!("~ {}: {field} is {found}, not {value}", brief(record)));
            }
        }
    }
    let missing = wanted.into_values().filter(|(record, _)| !record.is_open);
    faults.extend(missing.map(|(_, record)| format!("- {}", brief(&record))));
    faults
}

fn brief(record: &Record) -> String {
    let mut words = format!("{} {}", text(record, "path"), text(record, "role"));
    for key in ["prior", "renamed_from"] {
        if let Some(word) = record.get(key).and_then(Value::as_str) {
            words.extend([" ", key, "=", word]);
        }
    }
    words
}

/// Returns the record as the report would have it.
fn record_of(expected: &Expected, world: &str) -> Record {
    let content = expected.content.as_ref().map(|content| match content.strip_prefix(b"^/") {
        Some(below) if expected.kind == Kind::Symlink => [world.as_bytes(), b"/", below].concat(),
        _ => content.to_vec(),
    });
    let prior = expected.prior.map(|prior| match prior {
        Prior::Kept => "kept",
        Prior::Replaced => "replaced",
    });
    let kind = match expected.kind {
        Kind::File => "file",
        Kind::Symlink => "symlink",
    };
    let hash =
        content.as_ref().map(|content| json!({ "blake3": blake3::hash(content).to_hex().to_string() }));
    let record = json!({
        "path": expected.path, "role": expected.role.word(), "read": expected.read, "written": expected.written,
        "executed": expected.executed, "created": expected.created, "deleted": expected.deleted, "prior": prior, "kind": kind,
        "renamed_from": expected.renamed_from, "bytes_read": expected.bytes_read, "bytes_written": expected.bytes_written,
        "pids": expected.processes, "size": content.map(|content| content.len()), "hash": hash, "filtered": false,
    });
    match record {
        Value::Object(record) => record,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Record::new(),
    }
}

/// Compares the records of two backends, text for text, but for what is not known to one of them and what the observation model leaves open.
fn compare(ones: &[Record], others: &[Record], expected: &[Expected]) -> Vec<String> {
    let is_open = |record: &Record| {
        let key = (text(record, "path"), role_of(record));
        expected.iter().any(|open| open.is_open && (&open.path, Some(open.role)) == (&key.0, key.1))
    };
    let mut theirs: BTreeMap<_, &Record> = BTreeMap::new();
    for record in others.iter().filter(|record| !is_open(record)) {
        theirs.insert((text(record, "path"), text(record, "role")), record);
    }
    let mut faults = Vec::new();
    for one in ones.iter().filter(|record| !is_open(record)) {
        let Some(other) = theirs.remove(&(text(one, "path"), text(one, "role"))) else {
            faults.push(format!("only the first has {}", brief(one)));
            continue;
        };
        let (mut one, mut other) = (one.clone(), other.clone());
        // The target of an absolute link is another one in each world; the model knows which.
        let is_link = text(&one, "kind") == "symlink";
        if !is_of_world(&one) {
            // The loader of a program that is renamed or removed as soon as it runs may be known of some processes only.
            one.remove("pids");
            other.remove("pids");
        }
        for field in MAYBE_UNKNOWN {
            let is_unknown = |record: &Record| record.get(field).is_none_or(Value::is_null);
            if is_unknown(&one) || is_unknown(&other) || (is_link && field == "hash") {
                one.remove(field);
                other.remove(field);
                // It says why.
                one.remove("note");
                other.remove("note");
            }
        }
        let (one, other) = (Value::Object(one).to_string(), Value::Object(other).to_string());
        if one != other {
            faults.push(format!("{one}\n      {other}"));
        }
    }
    faults.extend(theirs.into_values().map(|record| format!("only the second has {}", brief(record))));
    faults
}

#[cfg(test)]
mod tests;
