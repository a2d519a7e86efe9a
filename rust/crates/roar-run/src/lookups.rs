//! What a run looked up, as the store has it: the paths that people care for, the names in directories as they were before the run, and
//! the symbolic links that led to its inputs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use roar_context::Filter;
use roar_hash::Names;
use rustc_hash::FxHashMap;
use tracer_schema::{
    FileSummary, Found, Lookup, LookupKind, LookupSummaries, LookupSummary, Lookups, PathBytes, Role,
    TracerReport,
};

use crate::links::links_of;

/// Lookups that a job keeps, at most: what a project's programs search for is some dozens, and a person would not read more.
const LOOKUPS_MAX: usize = 10_000;

/// Names of one directory that are kept, at most; of more, their number and hash. They are 200 kB.
const NAMES_MAX: usize = 10_000;

/// Names of all directories of a job that are kept, at most.
const NAMES_IN_ALL_MAX: usize = 100_000;

/// Returns the lookups of a run. Reads the directories that it listed, so it is for the moment when the run is over.
pub(crate) fn lookups_of(report: &TracerReport, filter: &Filter) -> Lookups {
    let LookupSummaries { kinds, found, left_out, is_of_past } = &report.looked_up;
    let changes = Changes::new(&report.files);
    let mut names_left = NAMES_IN_ALL_MAX;
    let links = if *is_of_past { Vec::new() } else { links_of(report, filter) };
    let mut lookups = Lookups { kinds: kinds.clone(), found: links, left_out: *left_out };
    for LookupSummary { path, kind, program } in found {
        if filter.excludes(path.as_bytes()).is_some() {
            continue;
        }
        let found = match kind {
            LookupKind::Absent => Some(Found::Absent),
            LookupKind::Listing => changes.names_before(path, filter).map(|names| {
                let listing = names.to_listing(NAMES_MAX.min(names_left));
                names_left -= listing.names.as_ref().map_or(0, Vec::len);
                Found::Listing(listing)
            }),
        };
        match found.filter(|_| lookups.found.len() < LOOKUPS_MAX) {
            Some(found) => {
                lookups.found.push(Lookup { path: path.clone(), found, program: program.clone() });
            }
            None => lookups.left_out += 1,
        }
    }
    lookups.found.sort_by(|one, other| one.path.cmp(&other.path));
    lookups
}

/// Names that the run has made and removed, by directory.
struct Changes<'r>(FxHashMap<&'r [u8], Vec<(&'r [u8], Change)>>);

#[derive(Clone, Copy)]
enum Change {
    Made,
    Removed,
}

impl<'r> Changes<'r> {
    fn new(files: &'r [FileSummary]) -> Self {
        let mut by_directory: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for file in files {
            let change = match file.role {
                Role::Output if file.created => Change::Made,
                Role::Deleted => Change::Removed,
                Role::Output | Role::Input | Role::Temporary => continue,
            };
            if let Some((directory, name)) = split(file.path.as_bytes()) {
                by_directory.entry(directory).or_default().push((name, change));
            }
        }
        Self(by_directory)
    }

    /// Returns the names in a directory before the run, as far as is known; `None` if it cannot be read. A directory that the run has
    /// made in it counts as one that was there.
    fn names_before(&self, directory: &PathBytes, filter: &Filter) -> Option<Names> {
        let whole = directory.as_path();
        let is_left_out = |name: &OsStr| filter.excludes(whole.join(name).as_os_str().as_bytes()).is_some();
        let mut names = Names::read(whole, &is_left_out).ok()?;
        for (name, change) in self.0.get(directory.as_bytes()).into_iter().flatten() {
            match change {
                Change::Made => names.remove(name),
                Change::Removed if !is_left_out(OsStr::from_bytes(name)) => names.add(name),
                Change::Removed => {}
            }
        }
        Some(names)
    }
}

/// Splits an absolute path into directory and name.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    Some((if slash == 0 { b"/" } else { &path[..slash] }, &path[slash + 1..]))
}
