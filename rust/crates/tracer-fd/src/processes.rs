//! The processes of a run, for the record.

use rustc_hash::FxHashMap;
use tracer_schema::{Exit, PathBytes, Pid, ProcessRecord};

/// The processes, in the order of their start.
#[derive(Default)]
pub(crate) struct Processes {
    records: Vec<ProcessRecord>,
    /// The latest process of each id: ids are used again.
    latest: FxHashMap<Pid, usize>,
}

/// Splits NUL-separated arguments as /proc/PID/cmdline has them.
pub(crate) fn split_arguments(joined: &[u8]) -> Vec<PathBytes> {
    if joined.is_empty() {
        return Vec::new();
    }
    let joined = joined.strip_suffix(b"\0").unwrap_or(joined);
    joined.split(|byte| *byte == 0).map(PathBytes::from).collect()
}

impl Processes {
    /// A process begins; it runs what its parent runs.
    pub(crate) fn begin(&mut self, pid: Pid, parent: Option<Pid>, now_ns: u64) {
        let model = parent.and_then(|parent| self.latest.get(&parent)).map(|index| &self.records[*index]);
        let record = ProcessRecord {
            pid,
            parent,
            exe: model.map(|model| model.exe.clone()).unwrap_or_default(),
            argv: model.map(|model| model.argv.clone()).unwrap_or_default(),
            cwd: model.map(|model| model.cwd.clone()).unwrap_or_default(),
            started_ns: now_ns,
            ended_ns: None,
            exit: None,
        };
        self.latest.insert(pid, self.records.len());
        self.records.push(record);
    }

    /// Returns the latest process of that id, making one if it was never seen to begin.
    pub(crate) fn get(&mut self, pid: Pid, now_ns: u64) -> &mut ProcessRecord {
        if !self.latest.contains_key(&pid) {
            self.begin(pid, None, now_ns);
        }
        let index = self.latest[&pid];
        &mut self.records[index]
    }

    /// A process ended with that wait status.
    pub(crate) fn end(&mut self, pid: Pid, status: i32, now_ns: u64) {
        let record = self.get(pid, now_ns);
        record.ended_ns = Some(now_ns);
        record.exit = Some(Exit::from_wait_status(status));
    }

    /// Returns the records.
    pub(crate) fn into_records(self) -> Vec<ProcessRecord> {
        self.records
    }
}
