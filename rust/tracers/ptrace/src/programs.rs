//! Programs that are executed, and the files that executing them takes: `#!` interpreters and ELF loaders.

use std::fs::File;
use std::io::Read;

use rustc_hash::FxHashMap;
use tracer_host::programs::{INTERPRETERS_MAX, elf_loader, has_privilege, interpreter};
use tracer_schema::{EventKind, GapKind};
use tracer_syscalls::constants::AT_FDCWD;

use crate::files::FileRef;
use crate::observer::{Observer, Who};
use crate::resolve::Located;
use crate::sys::{Tid, read_string};
use crate::words::{u32_at, u64_at};

/// Longest argument list that is kept, bytes.
const ARGUMENTS_BYTES_MAX: u64 = 16 * 1024;

/// What is known of a program file.
#[derive(Clone, Debug, Default)]
struct Program {
    /// Path of its loader, as its header names it.
    loader: Option<Vec<u8>>,
    /// It would run with a privilege of its own.
    is_privileged: bool,
}

/// What is known of program files.
#[derive(Default)]
pub(crate) struct Programs {
    known: FxHashMap<(u64, u64, i64), Program>,
    loaders: FxHashMap<(Vec<u8>, bool), Located>,
    /// Whether the tracer may keep the privilege of the programs it traces.
    keeps_privilege: Option<bool>,
}

impl Observer {
    /// A thread has executed a program.
    pub(crate) fn exec(&mut self, who: Who) {
        let program = match self.resolver.locate_program(who.tid) {
            Ok(program) => program,
            // Killed meanwhile: it never began.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => return,
            Err(error) => {
                let detail =
                    format!("the program that it executed cannot be looked at, nor what it does: {error}");
                self.recorder.tell_gap(GapKind::UntracedProcess, who.pid.as_pid(), None, &detail);
                return;
            }
        };
        self.close_rings(who);
        let process = self.process(who.pid);
        process.threads = 1;
        let mut event = self.event(EventKind::Exec, who);
        event.text = self.recorder.text(&program.path);
        event.text2 = self.recorder.text(&arguments(who.tid));
        self.recorder.tell(&event);
        if let Ok(cwd) = self.resolver.proc_link(who.tid, "cwd") {
            let mut event = self.event(EventKind::Directory, who);
            event.text = self.recorder.text(&cwd);
            self.recorder.tell(&event);
        }
        self.tell_executed(who, &program);
        self.tell_scripts(who, &program);
        let known = self.program(who, &program);
        if let Some(loader) = &known.loader {
            self.tell_loader(who, loader);
        }
        if known.is_privileged && !self.keeps_privilege() && is_in_own_user_namespace(who.tid) {
            let detail = "a privileged program (set-user-ID, set-group-ID or with capabilities) ran without its \
                          privilege: trace it as root, or use the eBPF tracer";
            let path = program.path.clone();
            self.recorder.tell_gap(GapKind::PrivilegedProgram, who.pid.as_pid(), Some(&path), detail);
        }
    }

    fn keeps_privilege(&mut self) -> bool {
        // SAFETY: takes nothing, cannot fail.
        *self.programs.keeps_privilege.get_or_insert_with(|| unsafe { libc::geteuid() } == 0)
    }

    fn tell_executed(&mut self, who: Who, located: &Located) {
        if located.is_subject() {
            let file: FileRef = self.refer(located);
            self.tell_file(EventKind::Execute, who, &file, 0);
        }
    }

    fn program(&mut self, who: Who, located: &Located) -> Program {
        let stamp = &located.stamp;
        let key = (stamp.dev, stamp.ino, stamp.ctime_ns);
        if let Some(known) = self.programs.known.get(&key) {
            return known.clone();
        }
        let link = format!("/proc/{}/exe", who.tid.0);
        let is_privileged = has_privilege(std::path::Path::new(&link));
        let loader = File::open(&link).ok().and_then(|file| elf_loader(&file));
        let known = Program { loader, is_privileged };
        self.programs.known.insert(key, known.clone());
        known
    }

    fn tell_loader(&mut self, who: Who, path: &[u8]) {
        let is_home = self.is_home(who);
        let key = (path.to_vec(), is_home);
        let known = if is_home { self.programs.loaders.get(&key).cloned() } else { None };
        let loader = known.or_else(|| self.resolver.locate_file(who.tid, is_home, AT_FDCWD, path).ok());
        if let Some(loader) = loader {
            self.tell_executed(who, &loader);
            self.programs.loaders.insert(key, loader);
        }
    }

    /// Tells the scripts, if the program was started as the interpreter of one.
    fn tell_scripts(&mut self, who: Who, program: &Located) {
        let Some(mut path) = executed_path(who.tid) else {
            return;
        };
        let is_home = self.is_home(who);
        for _ in 0..INTERPRETERS_MAX {
            let Ok(located) = self.resolver.locate_file(who.tid, is_home, AT_FDCWD, &path) else {
                return;
            };
            if located.stamp.is_same_file(&program.stamp) {
                return;
            }
            self.tell_executed(who, &located);
            let next = self
                .resolver
                .open_path(who.tid, is_home, AT_FDCWD, &path, 0)
                .ok()
                .and_then(|file| reopen(&file))
                .and_then(|file| interpreter(&file));
            let Some(next) = next else { return };
            path = next;
        }
    }
}

/// Returns whether the bits that give privilege mean anything to a thread: in a user namespace of its own they do not.
fn is_in_own_user_namespace(tid: Tid) -> bool {
    let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/user")).ok();
    of(&tid.0.to_string()) == of("self")
}

/// Opens for reading what was opened only as a path.
fn reopen(file: &std::os::fd::OwnedFd) -> Option<File> {
    use std::os::fd::AsRawFd;
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

/// Returns the argument list of a process, NUL-separated.
fn arguments(tid: Tid) -> Vec<u8> {
    let mut joined = Vec::new();
    if let Ok(file) = File::open(format!("/proc/{}/cmdline", tid.0)) {
        // What cannot be read is left out: it is for the record only.
        let _read = file.take(ARGUMENTS_BYTES_MAX).read_to_end(&mut joined);
    }
    joined
}

/// Returns the path that was given to execve(2): the kernel leaves it in the new program's auxiliary vector (AT_EXECFN).
fn executed_path(tid: Tid) -> Option<Vec<u8>> {
    const AT_EXECFN: u64 = 31;
    let bytes = std::fs::read(format!("/proc/{}/auxv", tid.0)).ok()?;
    // A 32-bit program has a vector of 32-bit words: its entries are told by AT_EXECFN alone being in the right place.
    let wide = bytes.chunks_exact(16).map(|pair| (u64_at(pair, 0), u64_at(pair, 8)));
    let narrow = bytes.chunks_exact(8).map(|pair| (u64::from(u32_at(pair, 0)), u64::from(u32_at(pair, 4))));
    let find = |mut pairs: Box<dyn Iterator<Item = (u64, u64)>>| {
        pairs.find(|(kind, _)| *kind == AT_EXECFN).map(|(_, address)| address)
    };
    let address = find(Box::new(wide.collect::<Vec<_>>().into_iter()))
        .or_else(|| find(Box::new(narrow.collect::<Vec<_>>().into_iter())))?;
    read_string(tid, address, 4096).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_given_to_exec_is_in_the_auxiliary_vector() {
        let path = executed_path(Tid(std::process::id() as i32)).unwrap();
        let exe = std::env::current_exe().unwrap();
        assert_eq!(std::fs::canonicalize(String::from_utf8(path).unwrap()).unwrap(), exe);
    }
}
