//! Files that loaders have mapped, and what else executing a program takes.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;
use tracer_host::programs::{INTERPRETERS_MAX, elf_loader, has_privilege, interpreter};
use tracer_host::{resolve, stamp_of};
use tracer_schema::{FileStamp, GapKind};

use crate::journal_file::as_path;

/// A file and its path, empty if it has none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) path: Vec<u8>,
    pub(crate) stamp: FileStamp,
}

/// Who loads a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Loader {
    /// This one.
    Named(Located),
    /// It names none, or one that is not there.
    Nobody,
    /// The program is gone.
    Unknown,
}

/// What is known of files by the names that loaders gave.
#[derive(Debug, Default)]
pub(crate) struct Images {
    known: FxHashMap<Vec<u8>, Option<Located>>,
    loaders: FxHashMap<(u64, u64, i64), Option<Vec<u8>>>,
}

impl Images {
    /// Returns the file of a name, seen from a directory, links followed. `root` is the root directory of who says the name, empty where
    /// it is the run's; the directory's path has it already.
    pub(crate) fn locate(&mut self, root: &[u8], directory: &[u8], name: &[u8]) -> Option<Located> {
        if is_own(name) {
            return None;
        }
        let is_absolute = name.starts_with(b"/");
        // A name that a run changes is asked for again: what is below these nobody changes while programs run from there.
        let is_kept = name.starts_with(b"/usr/") || name.starts_with(b"/lib");
        let name = if is_absolute { [root, name].concat() } else { [directory, b"/", name].concat() };
        if let Some(known) = self.known.get(&name) {
            return known.clone();
        }
        let found = resolve(as_path(root), as_path(&name)).and_then(|path| find(&path));
        if is_kept {
            self.known.insert(name, found.clone());
        }
        found
    }

    /// Returns the program that the kernel runs for an executed file: the file, or what interprets it if it is a script.
    pub(crate) fn interpreter(&mut self, root: &[u8], directory: &[u8], mut executed: Located) -> Located {
        for _ in 0..INTERPRETERS_MAX {
            let name = File::open(as_path(&executed.path)).ok().and_then(|file| interpreter(&file));
            match name.and_then(|name| self.locate(root, directory, &name)) {
                Some(next) => executed = next,
                None => break,
            }
        }
        executed
    }

    /// Returns the loader that a program names, as seen from the directory it was executed in. `running`: where it can be read as well, while
    /// it runs.
    pub(crate) fn loader(
        &mut self,
        root: &[u8],
        directory: &[u8],
        program: &Located,
        running: &[u8],
    ) -> Loader {
        let key = (program.stamp.dev, program.stamp.ino, program.stamp.ctime_ns);
        let name = match self.loaders.get(&key) {
            Some(known) => known.clone(),
            None => {
                // Its name may have gone to another file since.
                let open = |path: &[u8]| {
                    let file = File::open(as_path(path)).ok()?;
                    let stamp = file.metadata().ok().map(|found| stamp_of(&found))?;
                    program.is_file(&stamp).then_some(file)
                };
                let Some(file) = open(&program.path).or_else(|| open(running)) else {
                    return Loader::Unknown;
                };
                let name = elf_loader(&file);
                self.loaders.insert(key, name.clone());
                name
            }
        };
        let located = name.and_then(|name| self.locate(root, directory, &name));
        located.map_or(Loader::Nobody, Loader::Named)
    }

    /// Returns the scripts by way of which `program` was executed, if `given` is not its own path. `executed` is what was executed, as far as
    /// that is known.
    pub(crate) fn scripts(
        &mut self,
        root: &[u8],
        directory: &[u8],
        given: &[u8],
        executed: Option<Located>,
        program: &FileStamp,
    ) -> Vec<Located> {
        let mut scripts = Vec::new();
        let named = match &executed {
            Some(executed) if is_own(given) => self.locate(b"", b"", &executed.path),
            _ if is_own(given) => None,
            _ => self.locate(root, directory, given),
        };
        // Its name may have gone to another file since, or be gone.
        let (mut next, mut is_certain) = match executed {
            Some(executed) if executed.stamp.is_some() => {
                // As it was then: by now it may have been changed.
                let stamp = executed.stamp;
                let named = named.filter(|named| named.is_file(&stamp));
                (Some(named.map_or(executed, |named| Located { stamp, ..named })), true)
            }
            executed => (named.or(executed.filter(|_| is_own(given))), false),
        };
        while let Some(located) = next.filter(|located| !located.is_file(program)) {
            let name = File::open(as_path(&located.path)).ok().and_then(|file| interpreter(&file));
            // A name that has gone to what is no script was the program's.
            if name.is_none() && !is_certain {
                break;
            }
            is_certain = false;
            scripts.push(located);
            let is_last = scripts.len() == INTERPRETERS_MAX;
            next = name.filter(|_| !is_last).and_then(|name| self.locate(root, directory, &name));
        }
        scripts
    }
}

impl Located {
    /// Returns whether it is that file.
    pub(crate) fn is_file(&self, file: &FileStamp) -> bool {
        self.stamp.is_same_file(file)
    }
}

/// Returns whether a path is another one for each process: the kernel calls a script so that was executed by descriptor (execveat(2)), musl's
/// loader each such program.
fn is_own(path: &[u8]) -> bool {
    [&b"/dev/fd/"[..], b"/proc/self/", b"/proc/thread-self/"].iter().any(|start| path.starts_with(start))
}

fn find(path: &Path) -> Option<Located> {
    let stamp = fs::metadata(path).ok().map(|found| stamp_of(&found))?;
    stamp.is_regular().then(|| Located { path: path.as_os_str().as_bytes().to_vec(), stamp })
}

/// What is said wherever the library was not in a program.
pub(crate) const ADVICE: &str = "what it did, and what its children did unless the library is in them, was not seen: use `--tracer ptrace`";

/// Says why the library cannot be in a program, if it cannot.
pub(crate) fn obstacle(path: &[u8]) -> Option<(GapKind, &'static str)> {
    let at = as_path(path);
    if has_privilege(at) {
        let words = "a privileged program (set-user-ID, set-group-ID or with capabilities), into which no loader puts a library";
        return Some((GapKind::PrivilegedProgram, words));
    }
    let head = fs::read(at).unwrap_or_default();
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    if cfg!(target_arch = "x86_64") && !crate::elf::is_x86_64(&head) {
        return Some((GapKind::UntracedProcess, "a program for another architecture"));
    }
    let is_static = File::open(at).is_ok_and(|file| elf_loader(&file).is_none());
    is_static.then_some((GapKind::StaticProgram, "a static program, into which no loader puts a library"))
}

/// Returns the path of a running process's program.
pub(crate) fn program_of(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Returns the file at a path as it is now, a link not followed.
pub(crate) fn stamp_now(path: &[u8]) -> FileStamp {
    fs::symlink_metadata(as_path(path)).map(|found| stamp_of(&found)).unwrap_or_default()
}
