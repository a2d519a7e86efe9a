//! Files of other machines: their contents are hashed there, at the end of each worker, and the hashes travel with what was seen.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use roar_context::Filter;
use roar_hash::{Algorithm, NoCache, Outcome, Request, Unwatched, hash_files};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use tracer_schema::{FileRecord, FileStamp, FileSummary, Hashes, PathBytes, TracerReport};

use crate::job::request_of;

/// Name of the file of hashes in a worker's run directory.
pub(crate) const HASHES_FILE: &str = "hashes.jsonl";

/// One version of a file, hashed: a line.
#[derive(Serialize, Deserialize)]
struct Line {
    path: PathBytes,
    ino: u64,
    size: u64,
    mtime_ns: i64,
    hashes: Hashes,
}

/// What tells one version of a file. Machines may number devices differently.
type Version = (PathBytes, u64, u64, i64);

/// What is known of files that this machine does not have.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    hashes: FxHashMap<Version, Hashes>,
    paths: FxHashSet<PathBytes>,
}

impl Elsewhere {
    /// Reads the hashes that a part of the job came with. A line that is not whole is of nothing.
    pub(crate) fn read(&mut self, run_dir: &Path) {
        let Ok(file) = fs::File::open(run_dir.join(HASHES_FILE)) else { return };
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        for line in lines.filter_map(|line| serde_json::from_str::<Line>(&line).ok()) {
            self.hashes.insert((line.path, line.ino, line.size, line.mtime_ns), line.hashes);
        }
    }

    /// Takes note that files of a part are on another machine.
    pub(crate) fn add(&mut self, report: &TracerReport) {
        self.paths.extend(report.files.iter().map(|file| file.path.clone()));
    }

    /// Returns the hashes of a version.
    pub(crate) fn hashes(&self, path: &PathBytes, stamp: &FileStamp) -> Option<&Hashes> {
        self.hashes.get(&(path.clone(), stamp.ino, stamp.size, stamp.mtime_ns))
    }

    /// Returns whether a file is not to be looked at here: it is on another machine, or what is asked for is known.
    pub(crate) fn knows(&self, file: &FileSummary, request: Option<Request<'_>>) -> bool {
        let version = request.and_then(|request| request.expect);
        self.paths.contains(&file.path)
            || version.is_some_and(|version| self.hashes(&file.path, &version).is_some())
    }
}

/// Keeps the hashes of what was recorded, for when it is recorded again. `files` are those of the report, in its order.
pub(crate) fn keep_hashes(run_dir: &Path, report: &TracerReport, files: &[FileRecord]) -> io::Result<()> {
    let mut lines = Vec::new();
    for (file, record) in report.files.iter().zip(files) {
        let stamp = request_of(file).and_then(|request| request.expect);
        if let (Some(stamp), Some(hashes)) = (stamp, &record.hash) {
            push_line(&mut lines, file.path.clone(), &stamp, hashes.clone());
        }
    }
    let path = run_dir.join(HASHES_FILE);
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(&lines)
}

fn push_line(lines: &mut Vec<u8>, path: PathBytes, stamp: &FileStamp, hashes: Hashes) {
    let line = Line { path, ino: stamp.ino, size: stamp.size, mtime_ns: stamp.mtime_ns, hashes };
    if let Ok(line) = serde_json::to_vec(&line) {
        lines.extend(line);
        lines.push(b'\n');
    }
}

/// Hashes the files of a worker, where it is, and leaves the hashes in its run directory.
pub(crate) fn hash_here(
    run_dir: &Path,
    report: &TracerReport,
    filter: &Filter,
    algorithms: &[Algorithm],
) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(run_dir.join(HASHES_FILE))?;
    let wanted = |file: &&FileSummary| filter.excludes(file.path.as_bytes()).is_none();
    let requests: Vec<_> = report.files.iter().filter(wanted).filter_map(request_of).collect();
    let mut lines = Vec::new();
    let mut each = |index: usize, outcome: Outcome| {
        let Outcome::Hashed { hashes, stamp, .. } = outcome else { return };
        push_line(&mut lines, PathBytes::from(requests[index].path), &stamp, hashes);
    };
    hash_files(&requests, algorithms, &NoCache, &mut each, &Unwatched);
    file.write_all(&lines)
}
