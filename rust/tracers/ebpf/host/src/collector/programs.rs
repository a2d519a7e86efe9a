//! Programs that are executed, their loaders, and the scripts by way of which they are.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tracer_ebpf_abi::{Head, loader};
use tracer_host::programs::{INTERPRETERS_MAX, elf_loader, interpreter};
use tracer_host::{resolve, stamp_of};
use tracer_schema::{EventKind, FileStamp, GapKind};

use super::{Collector, Named, Told, stamp};

impl Collector {
    pub(super) fn exec(&mut self, told: &Told<'_>) {
        let mut event = self.event(EventKind::Exec, &told.head);
        let program = self.path_of(told.texts[0]);
        event.text = self.recorder.text(&program);
        event.text2 = self.recorder.text(told.texts[1]);
        self.running.insert(told.head.pid, program.clone());
        self.executed.insert(told.head.tid, (program, stamp(&told.head)));
        self.recorder.tell(&event);
        self.tell(EventKind::Execute, told);
    }

    /// Tells of the loader of a program that is executed, and of the scripts by way of which it is.
    pub(super) fn loader(&mut self, told: &Told<'_>) {
        let head = told.head;
        let root = self.path_of(told.texts[1]);
        let Some((program, file)) = self.executed.remove(&head.tid) else { return };
        if let Some(given) = self.scripts.remove(&head.tid) {
            self.scripts(&head, &root, &file, given);
        }
        match head.value {
            loader::NONE => {}
            loader::TOLD => self.tell(EventKind::Execute, told),
            _ => {
                // Its name may have gone to another file since.
                let is_it =
                    |found: &File| found.metadata().is_ok_and(|found| stamp_of(&found).is_same_file(&file));
                let open = |path: &Path| File::open(path).ok().filter(is_it);
                let running = || open(Path::new(&format!("/proc/{}/exe", head.pid)));
                let name = open(Path::new(OsStr::from_bytes(&program)))
                    .or_else(running)
                    .and_then(|file| elf_loader(&file));
                if let Some(loader) = name.and_then(|name| follow(&root, &name)) {
                    self.tell_named(EventKind::Execute, &head, &loader, None);
                }
            }
        }
    }

    /// Tells of the scripts by way of which a program was executed, in a process of that root directory.
    fn scripts(&mut self, head: &Head, root: &[u8], program: &FileStamp, mut given: Named) {
        for _ in 0..INTERPRETERS_MAX {
            if given.path.starts_with(b"/proc/") {
                return;
            }
            let script = if given.stamp.is_some() && !given.path.is_empty() {
                given
            } else {
                let Some(found) = follow(root, &given.path) else {
                    let words = "a script was executed, and which file it is was not found out";
                    self.recorder.tell_gap(GapKind::UnresolvedPath, head.pid, Some(&given.path), words);
                    return;
                };
                found
            };
            if script.stamp.is_same_file(program) {
                return;
            }
            self.tell_named(EventKind::Execute, head, &script, None);
            let path = Path::new(OsStr::from_bytes(&script.path));
            let Some(next) = File::open(path).ok().and_then(|file| interpreter(&file)) else { return };
            given = Named { path: next, ..Named::default() };
        }
    }
}

/// Returns what a path leads to in a process of that root directory, as it is now. Paths that were made of a directory of the process begin
/// with that root already.
pub(super) fn follow(root: &[u8], path: &[u8]) -> Option<Named> {
    let is_whole = root == b"/" || path.strip_prefix(root).is_some_and(|below| below.starts_with(b"/"));
    let below = if is_whole { path.to_vec() } else { [root, b"/", path].concat() };
    let path = resolve(Path::new(OsStr::from_bytes(root)), Path::new(OsStr::from_bytes(&below)))?;
    let stamp = path.symlink_metadata().map(|found| stamp_of(&found)).ok()?;
    // On an overlay of several file systems stat(2) names other devices than the kernel does within, but for directories
    // (Documentation/filesystems/overlayfs.rst, "Inode properties"): it would be taken for another file.
    let device = path.parent()?.metadata().ok()?.dev();
    (stamp.dev == device).then(|| Named {
        path: path.into_os_string().into_vec(),
        stamp,
        is_known: true,
        ..Named::default()
    })
}
