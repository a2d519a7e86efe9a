//! The system calls: what each is about to do ([`Observer::enter`]), and what it did ([`Observer::leave`]).
//!
//! At the entry everything is looked at that the call will change: afterwards it is too late. What happens is told at the
//! exit, when it is known that it did.

use std::io;

use tracer_schema::{EventFlags, EventKind, GapKind};
use tracer_syscalls::constants::{
    AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, CLONE_UNTRACED, FICLONE, FS_IOC_UNRESVSP, FS_IOC_UNRESVSP64,
    FS_IOC_ZERO_RANGE, MAP_ANONYMOUS, MAP_SHARED, O_CREAT, O_EXCL, O_TMPFILE, O_TRUNC, PROT_READ, PROT_WRITE,
    RENAME_EXCHANGE,
};
use tracer_syscalls::{Arch, Effect, OpenFlags, PathAt, ROWS};

use crate::aio::AioBatch;
use crate::files::FileRef;
use crate::memory_map::{may_be_written, shared_files_in};
use crate::observer::{Call, Observer, Who};
use crate::resolve::Located;
use crate::rings::RingCall;
use crate::sys::{read_memory, read_string, registers, write_memory};

/// Longest path argument that the kernel takes, bytes with the NUL (PATH_MAX).
const PATH_BYTES_MAX: usize = 4096;

/// A call whose result is awaited, with what was looked at before it.
#[derive(Debug)]
pub(crate) enum Pending {
    /// A transfer: read from the first, written to the second, each where it is a subject.
    Transfer {
        /// Descriptor and file read.
        from: Option<(i32, FileRef)>,
        /// Descriptor and file written.
        to: Option<(i32, FileRef)>,
    },
    /// FICLONE and its kin: 0 is success.
    Clone {
        /// Read.
        from: Option<FileRef>,
        /// Written.
        to: Option<FileRef>,
    },
    /// An open that creates or empties.
    Open {
        /// Flags of open(2).
        flags: u64,
        /// The file as it was, absent if there was none; `None` where that could not be looked at.
        before: Option<Located>,
    },
    /// A mapping.
    Map {
        /// The descriptor.
        fd: i32,
        /// The file.
        file: FileRef,
        /// Its content can be seen.
        is_read: bool,
        /// Its content can be changed.
        is_written: bool,
    },
    /// Memory made writable: the files that are mapped there, shared.
    Protect(Vec<FileRef>),
    /// A length set, or bytes allocated (`length` is `None`).
    Resize {
        /// The file.
        file: FileRef,
        /// The new length.
        length: Option<u64>,
    },
    /// A rename.
    Rename {
        /// The source.
        from: Located,
        /// The destination, with the file that was there.
        to: Located,
        /// The two change places.
        is_exchange: bool,
    },
    /// A hard link.
    Link {
        /// The source.
        from: Located,
        /// The new name.
        to: Located,
    },
    /// A new file that is no open one: mknod, or a symbolic link with its target.
    Make {
        /// Descriptor of the directory that the path starts from.
        dir: i32,
        /// The path.
        path: Vec<u8>,
        /// The target of a symbolic link.
        target: Option<Vec<u8>>,
    },
    /// A name removed.
    Unlink(Located),
    /// Kernel AIO.
    Aio(AioBatch),
    /// A call about an io_uring.
    Ring(RingCall),
    /// Root or mounts may change.
    Namespace,
    /// A clone(2) whose flags were changed, to be put back: the convention, the flags.
    Clone2(Arch, u64),
    /// A clone3(2) whose flags were changed, to be put back: their address, the flags.
    Clone3(u64, u64),
}

impl Observer {
    /// Looks at a call before it happens. Returns what to do when it has happened, or `None` if its result does not matter.
    pub(crate) fn enter(&mut self, who: Who, call: &Call) -> Option<Pending> {
        let arg = |position: u8| call.args[usize::from(position)];
        let fd = |position: u8| arg(position) as i32;
        match ROWS[call.row].effect {
            // The buffer, or the vector of buffers, is the second argument of every call of the read family.
            Effect::Read { fd: from } if self.is_foregone(who, fd(from), arg(1)) => None,
            Effect::Read { fd: from } => self.enter_transfer(who, Some(fd(from)), None),
            Effect::Write { fd: to } => self.enter_transfer(who, None, Some(fd(to))),
            Effect::Copy { from, to } => self.enter_transfer(who, Some(fd(from)), Some(fd(to))),
            Effect::CloneUntraced { flags } => {
                let untraced = arg(flags);
                let changed = registers::set_first_argument(who.tid, call.arch, untraced & !CLONE_UNTRACED);
                self.tell_untraced(who, changed);
                // On 64-bit Arm the result takes the place of the first argument anyway.
                (call.arch != Arch::Aarch64).then_some(Pending::Clone2(call.arch, untraced))
            }
            Effect::Clone3 { arguments } => {
                let flags = self.read_word(who, arg(arguments))?;
                if flags & CLONE_UNTRACED == 0 {
                    return None;
                }
                let traced = (flags & !CLONE_UNTRACED).to_le_bytes();
                let changed = write_memory(who.tid, arg(arguments), &traced);
                self.tell_untraced(who, changed);
                Some(Pending::Clone3(arg(arguments), flags))
            }
            Effect::Clone { to, request, .. }
                if matches!(
                    arg(request) & 0xffff_ffff,
                    FS_IOC_UNRESVSP | FS_IOC_UNRESVSP64 | FS_IOC_ZERO_RANGE
                ) =>
            {
                Some(Pending::Resize { file: self.file(who, fd(to))?, length: None })
            }
            Effect::Clone { to, request, source } => {
                let source = if arg(request) & 0xffff_ffff == FICLONE {
                    Some(fd(source))
                } else {
                    self.read_word(who, arg(source)).map(|word| word as i32)
                };
                let from = source.and_then(|source| self.file(who, source));
                Some(Pending::Clone { from, to: self.file(who, fd(to)) })
            }
            Effect::Open { at, flags } => {
                let flags = match flags {
                    OpenFlags::Arg(position) => arg(position),
                    OpenFlags::How(position) => self.read_word(who, arg(position))?,
                    OpenFlags::Fixed(flags) => flags,
                };
                let (dir, path) = self.path_argument(who, call, at)?;
                self.enter_open(who, dir, &path, flags)
            }
            Effect::OpenHandle { flags } => Some(Pending::Open { flags: arg(flags), before: None }),
            Effect::Map { fd: file, prot, flags } => self.enter_map(who, fd(file), arg(prot), arg(flags)),
            Effect::MapIndirect { arguments } => {
                let mut words = [0; 24];
                read_memory(who.tid, arg(arguments), &mut words).ok()?;
                let word = |index: usize| {
                    u32::from_le_bytes([
                        words[4 * index],
                        words[4 * index + 1],
                        words[4 * index + 2],
                        words[4 * index + 3],
                    ])
                };
                if u64::from(word(3)) & MAP_ANONYMOUS != 0 {
                    return None;
                }
                self.enter_map(who, word(4) as i32, word(2).into(), word(3).into())
            }
            Effect::Protect { address, length } => self.enter_protect(who, arg(address), arg(length)),
            Effect::Truncate { at, length } => {
                let located = self.file_argument(who, call, at)?;
                self.enter_resize(&located, Some(length_of(call, length)))
            }
            Effect::TruncateFd { fd: file, length } => {
                let file = self.file(who, fd(file))?;
                Some(Pending::Resize { file, length: Some(length_of(call, length)) })
            }
            Effect::Allocate { fd: file } => {
                Some(Pending::Resize { file: self.file(who, fd(file))?, length: None })
            }
            Effect::Rename { from, to, flags } => {
                let from = self.name_argument(who, call, from)?;
                let to = self.name_argument(who, call, to)?;
                let is_exchange = flags.is_some_and(|flags| arg(flags) & RENAME_EXCHANGE != 0);
                Some(Pending::Rename { from, to, is_exchange })
            }
            Effect::Link { from, to, flags } => {
                let (dir, path) = self.path_argument(who, call, from)?;
                let from = self.link_source(who, dir, &path, flags.map_or(0, arg))?;
                let to = self.name_argument(who, call, to)?;
                Some(Pending::Link { from, to })
            }
            Effect::Symlink { target, at } => {
                let target = self.read_path(who, arg(target))?;
                let (dir, path) = self.path_argument(who, call, at)?;
                Some(Pending::Make { dir, path, target: Some(target) })
            }
            Effect::Mknod { at } => {
                let (dir, path) = self.path_argument(who, call, at)?;
                Some(Pending::Make { dir, path, target: None })
            }
            Effect::Unlink { at } => {
                let name = self.name_argument(who, call, at)?;
                is_told(&name).then_some(Pending::Unlink(name))
            }
            Effect::List { fd: directory } => {
                self.enter_list(who, fd(directory));
                None
            }
            // In a table that no filter is made of.
            Effect::Look { .. } => None,
            // The context is the first argument (io_submit(2)).
            Effect::AioSubmit { count, blocks } => self.enter_aio(who, call, arg(0), arg(count), arg(blocks)),
            Effect::RingSetup { params } => Some(Pending::Ring(RingCall::Setup { params: arg(params) })),
            Effect::RingEnter { fd: ring } => {
                // The number to submit and the flags are the second and fourth argument (io_uring_enter(2)).
                self.enter_ring(who, fd(ring), call.args[1] as u32, call.args[3] as u32)
            }
            Effect::RingRegister { fd: ring, opcode, argument, count } => {
                let (opcode, argument, count) = (arg(opcode) as u32, arg(argument), arg(count) as u32);
                Some(Pending::Ring(RingCall::Register { ring: fd(ring), opcode, argument, count }))
            }
            Effect::Namespace => Some(Pending::Namespace),
            Effect::SeccompListener => {
                let exe = self.resolver.proc_link(who.tid, "exe").ok();
                let detail = "a supervisor of its own answers system calls before the tracer can see them";
                self.recorder.tell_gap(GapKind::SeccompListener, who.pid.as_pid(), exe.as_deref(), detail);
                None
            }
        }
    }

    pub(crate) fn read_word(&mut self, who: Who, address: u64) -> Option<u64> {
        let mut word = [0; 8];
        (read_memory(who.tid, address, &mut word).ok()? == 8).then(|| u64::from_le_bytes(word))
    }

    /// Returns the file that a descriptor refers to, if it is a subject.
    pub(crate) fn file(&mut self, who: Who, fd: i32) -> Option<FileRef> {
        self.descriptor(who, fd)?.file
    }

    /// A child that refused to be traced would have every call refused that the filter traces: the refusal is taken out
    /// of the call. Where that fails the child is a gap.
    fn tell_untraced(&mut self, who: Who, changed: io::Result<()>) {
        if let Err(error) = changed {
            let detail =
                format!("a process that refuses to be traced was made, and cannot be followed: {error}");
            self.recorder.tell_gap(GapKind::UntracedProcess, who.pid.as_pid(), None, &detail);
        }
    }

    /// Tells the first read of a file of the system at its entry, and returns whether it did so.
    ///
    /// A compiler opens, reads once and closes a thousand headers: the second stop of each would cost as much as all the
    /// rest, to learn what is foregone. A regular file open for reading, read into memory that is there, is read.
    fn is_foregone(&mut self, who: Who, fd: i32, buffer: u64) -> bool {
        let Some(file) =
            self.descriptor(who, fd).filter(|known| known.read.is_uncounted()).and_then(|known| known.file)
        else {
            return false;
        };
        let mut byte = [0];
        if !self.resolver.is_readable(who.tid, fd) || read_memory(who.tid, buffer, &mut byte).is_err() {
            return false;
        }
        self.tell_uncounted(EventKind::Read, who, &file);
        if let Some(known) = self.process(who.pid).files.get_mut(&fd) {
            known.read.end();
        }
        true
    }

    pub(crate) fn enter_transfer(&mut self, who: Who, from: Option<i32>, to: Option<i32>) -> Option<Pending> {
        let reads = from.and_then(|fd| {
            let known = self.descriptor(who, fd)?;
            (!known.read.is_enough()).then_some((fd, known.file?))
        });
        let writes = to.and_then(|fd| {
            let known = self.descriptor(who, fd)?;
            (!known.written.is_enough()).then_some((fd, known.file?))
        });
        (reads.is_some() || writes.is_some()).then_some(Pending::Transfer { from: reads, to: writes })
    }

    /// Returns the directory descriptor and the path of a path argument.
    fn path_argument(&mut self, who: Who, call: &Call, at: PathAt) -> Option<(i32, Vec<u8>)> {
        let dir = at.dir.map_or(AT_FDCWD, |dir| call.args[usize::from(dir)] as i32);
        Some((dir, self.read_path(who, call.args[usize::from(at.path)])?))
    }

    /// Reads a path from a thread's memory. `None` for a bad pointer or an overlong path: the call will fail.
    pub(crate) fn read_path(&mut self, who: Who, address: u64) -> Option<Vec<u8>> {
        match read_string(who.tid, address, PATH_BYTES_MAX) {
            Ok(path) => Some(path),
            Err(error) if matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES)) => self
                .unresolved(
                    who,
                    &format!("the memory of the process cannot be read, nor what it is about to do: {error}"),
                ),
            Err(_) => None,
        }
    }

    /// Returns what was found. An error with a number is one that the call of the thread will have as well.
    fn found(&mut self, who: Who, located: io::Result<Located>) -> Option<Located> {
        match located {
            Ok(located) => Some(located),
            Err(error) if error.raw_os_error().is_none() => {
                self.unresolved(who, &format!("a file was used: {error}"))
            }
            Err(_) => None,
        }
    }

    fn name_argument(&mut self, who: Who, call: &Call, at: PathAt) -> Option<Located> {
        let (dir, path) = self.path_argument(who, call, at)?;
        self.name_at(who, dir, &path)
    }

    fn file_argument(&mut self, who: Who, call: &Call, at: PathAt) -> Option<Located> {
        let (dir, path) = self.path_argument(who, call, at)?;
        self.file_at(who, dir, &path)
    }

    /// Returns the name that a path stands for, its last part not followed.
    pub(crate) fn name_at(&mut self, who: Who, dir: i32, path: &[u8]) -> Option<Located> {
        let is_home = self.is_home(who);
        let located = self.resolver.locate_name(who.tid, is_home, dir, path);
        self.found(who, located)
    }

    /// Returns the file that a path names, links followed.
    fn file_at(&mut self, who: Who, dir: i32, path: &[u8]) -> Option<Located> {
        let is_home = self.is_home(who);
        let located = self.resolver.locate_file(who.tid, is_home, dir, path);
        self.found(who, located)
    }

    /// Returns the file that linkat(2) with those flags gives another name.
    pub(crate) fn link_source(&mut self, who: Who, dir: i32, path: &[u8], flags: u64) -> Option<Located> {
        if flags & AT_SYMLINK_FOLLOW != 0 || (flags & AT_EMPTY_PATH != 0 && path.is_empty()) {
            return self.file_at(who, dir, path);
        }
        self.name_at(who, dir, path)
    }

    pub(crate) fn enter_open(&mut self, who: Who, dir: i32, path: &[u8], flags: u64) -> Option<Pending> {
        if flags & (O_TRUNC | O_CREAT | O_TMPFILE) == 0 {
            return None;
        }
        let is_new = flags & O_TMPFILE != 0 || flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL;
        if is_new {
            return Some(Pending::Open { flags, before: Some(Located::default()) });
        }
        let is_home = self.is_home(who);
        let before = match self.resolver.locate_file(who.tid, is_home, dir, path) {
            Ok(located) => Some(located),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Some(Located::default()),
            // If the open succeeds all the same, the descriptor will tell which file it is.
            Err(_) => None,
        };
        if let Some(Located { stamp, .. }) = &before {
            let is_device = stamp.is_some() && !stamp.is_regular();
            if is_device || (stamp.is_some() && flags & O_TRUNC == 0) {
                // An open without an effect of its own.
                return None;
            }
        }
        Some(Pending::Open { flags, before })
    }

    fn enter_map(&mut self, who: Who, fd: i32, prot: u64, flags: u64) -> Option<Pending> {
        let is_shared = flags & MAP_SHARED != 0;
        let is_written = is_shared && prot & PROT_WRITE != 0;
        let is_read = !is_written || prot & PROT_READ != 0;
        let known = self.descriptor(who, fd)?;
        let file = known.file?;
        let read = known.read;
        if !is_written && read.has_begun() {
            // That its content was taken is known already; all that a mapping adds is that the bytes cannot be counted.
            known.read.end();
        }
        // What is open for reading alone is never made writable in memory (mprotect(2), EACCES): tables of a C library are mapped so.
        if is_shared && !is_written && !self.has_shared_map {
            self.has_shared_map = may_be_written(who.tid, fd);
        }
        if !is_written && read.has_begun() {
            if !read.is_enough() {
                self.tell_file(EventKind::MapRead, who, &file, 0);
            }
            return None;
        }
        Some(Pending::Map { fd, file, is_read, is_written })
    }

    fn enter_protect(&mut self, who: Who, address: u64, length: u64) -> Option<Pending> {
        if !self.has_shared_map {
            return None;
        }
        let (located, is_whole) = shared_files_in(who.tid, address, length);
        if !is_whole {
            self.unresolved::<()>(
                who,
                "shared memory was made writable, and which file it is of cannot be found out",
            );
        }
        let files: Vec<FileRef> = located.iter().map(|located| self.refer(located)).collect();
        (!files.is_empty()).then_some(Pending::Protect(files))
    }

    /// Tells at its entry that a directory is listed: the second stop would say that it was one, which the end of the run shows.
    fn enter_list(&mut self, who: Who, fd: i32) {
        let Some(known) = self.descriptor(who, fd).filter(|known| !known.read.has_begun()) else { return };
        known.read.end();
        let path = known.target.clone();
        let mut event = self.event(EventKind::Listed, who);
        event.text = self.recorder.text(&path);
        self.recorder.tell(&event);
    }

    fn enter_resize(&mut self, located: &Located, length: Option<u64>) -> Option<Pending> {
        let file = located.is_subject().then(|| self.refer(located))?;
        Some(Pending::Resize { file, length })
    }

    /// Tells what a call did. `result` is what it returned, negative for an error.
    pub(crate) fn leave(&mut self, who: Who, pending: Pending, result: i64) {
        if let Pending::Ring(call) = pending {
            self.leave_ring(who, call, result);
            return;
        }
        // What cannot be put back belongs to a thread that was killed.
        if let Pending::Clone2(arch, flags) = pending {
            let _killed = registers::set_first_argument(who.tid, arch, flags);
        }
        if let Pending::Clone3(address, flags) = pending {
            let _killed = write_memory(who.tid, address, &flags.to_le_bytes());
        }
        if result < 0 {
            return;
        }
        match pending {
            Pending::Transfer { from, to } => self.leave_transfer(who, from, to, result as u64),
            Pending::Clone { from, to } => {
                if let Some(from) = from {
                    self.tell_uncounted(EventKind::Read, who, &from);
                }
                if let Some(to) = to {
                    self.tell_uncounted(EventKind::Write, who, &to);
                }
            }
            Pending::Open { flags, before } => self.leave_open(who, result as i32, flags, before),
            Pending::Map { fd, file, is_read, is_written } => {
                if is_read {
                    self.tell_file(EventKind::MapRead, who, &file, 0);
                }
                if is_written {
                    self.tell_file(EventKind::MapWrite, who, &file, 0);
                }
                if let Some(known) = self.process(who.pid).files.get_mut(&fd).filter(|_| is_read) {
                    known.read.end();
                }
            }
            Pending::Protect(files) => {
                for file in files {
                    self.tell_file(EventKind::MapWrite, who, &file, 0);
                }
            }
            Pending::Resize { file, length: Some(length) } => {
                self.tell_file(EventKind::Truncate, who, &file, length)
            }
            Pending::Resize { file, length: None } => self.tell_file(EventKind::Allocate, who, &file, 0),
            Pending::Rename { from, to, is_exchange } => self.leave_rename(who, &from, &to, is_exchange),
            Pending::Link { from, to } => self.leave_link(who, &from, &to),
            Pending::Make { dir, path, target } => self.leave_make(who, dir, &path, target),
            Pending::Unlink(name) => {
                self.names_changed();
                if self.is_unseen(who, &name) {
                    return;
                }
                let file = self.refer(&name);
                self.tell_file(EventKind::Unlink, who, &file, 0);
            }
            Pending::Aio(batch) => self.leave_aio(who, &batch, result as usize),
            Pending::Namespace => self.root_epoch += 1,
            Pending::Ring(..) | Pending::Clone2(..) | Pending::Clone3(..) => {}
        }
    }

    /// A thread was killed between entry and exit. A write that was under way counts; of a name it is looked at whether
    /// it changed.
    pub(crate) fn abandon(&mut self, who: Who, pending: Pending) {
        let now = |observer: &Self, path: &[u8]| observer.resolver.stamp_now(path);
        match pending {
            Pending::Transfer { to: Some((_, file)), .. } | Pending::Clone { to: Some(file), .. } => {
                self.tell_uncounted(EventKind::Write, who, &file);
            }
            Pending::Open { flags, before: Some(before) }
                if before.stamp.is_some() && flags & O_TRUNC != 0 =>
            {
                let file = self.refer(&before);
                self.tell_file(EventKind::Truncate, who, &file, 0);
            }
            Pending::Open { .. } | Pending::Make { .. } => {
                let detail = "it was killed in the middle of a call that may have made a file";
                self.recorder.tell_gap(GapKind::UndecodedCall, who.pid.as_pid(), None, detail);
            }
            Pending::Unlink(name) if !now(self, &name.path).is_same_file(&name.stamp) => {
                self.leave(who, Pending::Unlink(name), 0);
            }
            Pending::Rename { from, to, is_exchange } if now(self, &to.path).is_same_file(&from.stamp) => {
                self.leave(who, Pending::Rename { from, to, is_exchange }, 0);
            }
            Pending::Link { from, to } if now(self, &to.path).is_same_file(&from.stamp) => {
                self.leave(who, Pending::Link { from, to }, 0);
            }
            Pending::Resize { .. } | Pending::Aio(_) => self.leave(who, pending, i64::MAX),
            Pending::Transfer { .. }
            | Pending::Clone { .. }
            | Pending::Unlink(_)
            | Pending::Rename { .. }
            | Pending::Link { .. }
            | Pending::Map { .. }
            | Pending::Protect(_)
            | Pending::Ring(_)
            | Pending::Clone2(..)
            | Pending::Clone3(..)
            | Pending::Namespace => {}
        }
    }

    /// Tells, of a name that was changed although nothing was found under it, that it is not known which it was.
    fn is_unseen(&mut self, who: Who, located: &Located) -> bool {
        if located.stamp.is_some() {
            return false;
        }
        self.unresolved::<()>(who, "a name was changed that could not be found before");
        true
    }

    fn leave_transfer(
        &mut self,
        who: Who,
        from: Option<(i32, FileRef)>,
        to: Option<(i32, FileRef)>,
        bytes: u64,
    ) {
        if let Some((fd, file)) = from {
            let is_counted = self.process(who.pid).files.get_mut(&fd).is_none_or(|known| known.read.add());
            self.tell_transfer(EventKind::Read, who, &file, is_counted.then_some(bytes));
        }
        if let Some((fd, file)) = to.filter(|_| bytes > 0) {
            let is_counted = self.process(who.pid).files.get_mut(&fd).is_none_or(|known| known.written.add());
            self.tell_transfer(EventKind::Write, who, &file, is_counted.then_some(bytes));
        }
    }

    pub(crate) fn tell_transfer(&mut self, kind: EventKind, who: Who, file: &FileRef, bytes: Option<u64>) {
        match bytes {
            Some(bytes) => self.tell_file(kind, who, file, bytes),
            None => self.tell_uncounted(kind, who, file),
        }
    }

    fn leave_open(&mut self, who: Who, fd: i32, flags: u64, before: Option<Located>) {
        let before = before.map(|before| before.stamp);
        let is_created = before.is_some_and(|before| !before.is_some());
        if is_created {
            self.names_changed();
        }
        let Some(file) = self.file(who, fd) else { return };
        let mut event = self.event(EventKind::Open, who);
        self.fill(&mut event, &file);
        event.value = flags;
        if !is_created {
            event.flags = event.flags.with(EventFlags::EXISTED);
            // Should somebody have replaced the file since the entry, it is told as it is now.
            match before.filter(|before| before.is_same_file(&file.stamp)) {
                Some(before) => event.stamp = before,
                None => {
                    event.stamp = file.stamp;
                    event.flags = event.flags.with(EventFlags::AFTERWARDS);
                }
            }
        }
        self.recorder.tell(&event);
    }

    pub(crate) fn leave_rename(&mut self, who: Who, from: &Located, to: &Located, is_exchange: bool) {
        self.names_changed();
        if self.is_unseen(who, from) {
            return;
        }
        self.tell_seen(who, to);
        let file = self.refer(from);
        let mut event = self.event(EventKind::Rename, who);
        self.fill(&mut event, &file);
        event.text2 = self.recorder.text(&to.path);
        if is_exchange {
            event.flags = event.flags.with(EventFlags::EXCHANGE);
        }
        self.recorder.tell(&event);
    }

    fn leave_link(&mut self, who: Who, from: &Located, to: &Located) {
        self.names_changed();
        if self.is_unseen(who, from) {
            return;
        }
        let file = self.refer(from);
        let mut event = self.event(EventKind::Link, who);
        self.fill(&mut event, &file);
        event.text2 = self.recorder.text(&to.path);
        self.recorder.tell(&event);
    }

    pub(crate) fn leave_make(&mut self, who: Who, dir: i32, path: &[u8], target: Option<Vec<u8>>) {
        self.names_changed();
        let is_home = self.is_home(who);
        let Ok(located) = self.resolver.locate_name(who.tid, is_home, dir, path) else {
            return;
        };
        let file = self.refer(&located);
        let kind = if target.is_some() { EventKind::Symlink } else { EventKind::Create };
        let mut event = self.event(kind, who);
        self.fill(&mut event, &file);
        if let Some(target) = target {
            event.text2 = self.recorder.text(&target);
        }
        self.recorder.tell(&event);
    }
}

/// Returns whether the removal of a name is to be told: of a subject, or of what was not there when it was looked for.
pub(crate) fn is_told(name: &Located) -> bool {
    name.is_subject() || !name.stamp.is_some()
}

fn length_of(call: &Call, (low, high): (u8, Option<u8>)) -> u64 {
    let part = |position: u8| call.args[usize::from(position)];
    high.map_or(part(low), |high| part(low) & 0xffff_ffff | part(high) << 32)
}
