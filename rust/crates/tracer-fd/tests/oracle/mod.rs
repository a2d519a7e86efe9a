//! Says what a run did from the files before and after it, slowly and without a look at any event.

use std::collections::{BTreeMap, BTreeSet};

use tracer_schema::{FileSummary, Prior, Role};

use crate::model::Machine;
use crate::model::files::{Files, Path};

/// The versions of the files at their paths.
pub(crate) type Snapshot = BTreeMap<Path, (usize, u64)>;

pub(crate) fn snapshot(files: &Files) -> Snapshot {
    let subjects = files.names.iter().filter(|(_, name)| {
        let kind = &files.inodes[name.inode].kind;
        kind.is_subject()
    });
    subjects.map(|(path, name)| (path.clone(), (name.inode, files.inodes[name.inode].version))).collect()
}

/// Paths that must be in a role, and paths that may be.
#[derive(Default)]
struct Bounds {
    must: BTreeSet<Path>,
    may: BTreeSet<Path>,
}

impl Bounds {
    fn check(&self, role: Role, files: &[FileSummary]) -> Result<(), String> {
        let of_role = files.iter().filter(|file| file.role == role);
        let found: BTreeSet<Path> = of_role.map(|file| file.path.0.clone()).collect();
        let show = |paths: Vec<&Path>| {
            let paths: Vec<_> = paths.iter().map(|path| path.escape_ascii().to_string()).collect();
            paths.join(" ")
        };
        let missing: Vec<_> = self.must.difference(&found).collect();
        let surplus: Vec<_> =
            found.iter().filter(|path| !self.must.contains(*path) && !self.may.contains(*path)).collect();
        if missing.is_empty() && surplus.is_empty() {
            return Ok(());
        }
        Err(format!("{role:?}: missing [{}], surplus [{}]", show(missing), show(surplus)))
    }
}

fn inputs(machine: &Machine, before: &Snapshot) -> Bounds {
    let mut bounds = Bounds::default();
    for take in &machine.takes {
        let names = before.iter().filter(|(_, (inode, _))| *inode == take.inode);
        let names: BTreeSet<Path> = names.map(|(path, _)| path.clone()).collect();
        if names.len() == 1 {
            bounds.must.extend(names);
        } else {
            // Of several names, the one that was used if it is one from before; else any may stand for the file.
            bounds.must.extend(take.origin.clone());
            bounds.may.extend(names);
        }
    }
    bounds
}

/// Checks the entries of a run on that machine.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn check(machine: &Machine, files: &[FileSummary]) -> Result<(), String> {
    let (before, after) = (snapshot(&machine.before), snapshot(&machine.files));
    let (mut outputs, mut deleted, mut temporary) = (Bounds::default(), Bounds::default(), Bounds::default());
    let paths: BTreeSet<&Path> = before.keys().chain(after.keys()).chain(&machine.files.ever).collect();
    for path in paths {
        let is_touched = machine.touched.contains(path);
        match (before.get(path), after.get(path)) {
            (Some(was), Some(is)) if was == is => {}
            // Another name of a file that was changed, which the run itself may have done nothing by.
            (Some((was, _)), Some((is, _))) if was == is && !is_touched => {
                outputs.may.insert(path.clone());
            }
            (_, Some(_)) => {
                outputs.must.insert(path.clone());
            }
            (Some(_), None) => {
                deleted.must.insert(path.clone());
            }
            // A file that was carried through a name by its directory alone is not known to have had it.
            (None, None) if is_touched => {
                temporary.must.insert(path.clone());
            }
            (None, None) => {
                temporary.may.insert(path.clone());
            }
        }
    }
    inputs(machine, &before).check(Role::Input, files)?;
    outputs.check(Role::Output, files)?;
    deleted.check(Role::Deleted, files)?;
    temporary.check(Role::Temporary, files)?;
    for file in files.iter().filter(|file| file.role == Role::Output) {
        check_output(machine, &before, file)?;
    }
    for file in files.iter().filter(|file| file.role == Role::Input) {
        check_input(machine, &before, file)?;
    }
    Ok(())
}

fn expect<T: PartialEq + std::fmt::Debug>(
    file: &FileSummary,
    what: &str,
    found: T,
    expected: T,
) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what} of {} is {found:?} and should be {expected:?}", file.path))
}

fn check_output(machine: &Machine, before: &Snapshot, file: &FileSummary) -> Result<(), String> {
    let path = &file.path.0;
    let name = &machine.files.names[path];
    let was = before.get(path).map(|(inode, _)| *inode);
    let is_kept = was == Some(name.inode) && !machine.files.inodes[name.inode].was_emptied;
    let prior = was.map(|_| if is_kept { Prior::Kept } else { Prior::Replaced });
    expect(file, "prior", file.prior, prior)?;
    let came_from = name.origin.clone().filter(|origin| origin != path);
    expect(file, "renamed_from", file.renamed_from.clone().map(|from| from.0), came_from)?;
    expect(file, "after", file.after, Some(machine.files.stamp(name.inode)))?;
    expect(file, "created", file.created, was.is_none())?;
    let size = was.map(|inode| machine.before.inodes[inode].size);
    expect(file, "size before", file.before.map(|before| before.size), size)
}

/// Where an input can still be read there is its old content, and where the run left any there is such a place.
fn check_input(machine: &Machine, before: &Snapshot, file: &FileSummary) -> Result<(), String> {
    let version = before.get(&file.path.0);
    let after = snapshot(&machine.files);
    let is_there = |path: &Path| after.get(path) == version;
    if let Some(at) = &file.content_at {
        return expect(file, "content_at", is_there(&at.0), true);
    }
    let known: Vec<&Path> =
        after.keys().filter(|path| is_there(path) && machine.touched.contains(*path)).collect();
    expect(file, "content left at", known, Vec::new())
}
