//! io_uring: operations are read from the submission queue when the thread enters the kernel with them, and their results
//! from the completion queue when it leaves.
//!
//! The queues are memory that the process shares with the kernel. For the length of a stop the tracer takes a duplicate of
//! the ring's descriptor (pidfd_getfd(2)) and maps them as well; it keeps neither, so that a ring lives and dies as it
//! would untraced. What cannot be seen this way (a kernel thread that polls the queue, queues in the user's own memory,
//! descriptors that exist in the ring alone) is a gap.

use rustc_hash::FxHashMap;
use tracer_schema::{EventKind, GapKind};

use crate::calls::{Pending, is_told};
use crate::files::FileRef;
use crate::observer::{Observer, Who};
use crate::ring_memory::{CompletionQueue, Offsets, RingMemory, Sqe};
use crate::sys::{Tid, read_memory};
use crate::words::{u32_at, u64_at};

/// Setup flags (include/uapi/linux/io_uring.h).
mod setup {
    pub(super) const SQPOLL: u32 = 1 << 1;
    /// NO_MMAP, REGISTERED_FD_ONLY, and the modes that mix entries of two sizes.
    pub(super) const OUT_OF_SIGHT: u32 = 1 << 14 | 1 << 15 | 1 << 18 | 1 << 19;
}

/// io_uring_enter(2): the ring is named by its index among the registered ones.
const ENTER_REGISTERED_RING: u32 = 1 << 4;

/// io_uring_register(2) opcodes that change the table of files.
mod register {
    pub(super) const FILES: u32 = 2;
    pub(super) const UNREGISTER_FILES: u32 = 3;
    pub(super) const FILES_UPDATE: u32 = 6;
    pub(super) const FILES2: u32 = 13;
    pub(super) const FILES_UPDATE2: u32 = 14;
    pub(super) const RING_FDS: u32 = 20;
}

/// Flags of a submission.
mod flag {
    pub(super) const FIXED_FILE: u8 = 1;
}

/// Highest opcode whose effects are known here: those of Linux 6.18. A later one is a gap.
const OPCODE_MAX: u8 = 64;

/// Registered files that are looked at in one call: the kernel's own limit (IORING_MAX_FIXED_FILES).
const FILES_MAX: u32 = 1 << 20;

/// A call about a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RingCall {
    /// io_uring_setup(2).
    Setup {
        /// Address of struct io_uring_params.
        params: u64,
    },
    /// io_uring_enter(2).
    Enter {
        /// The ring.
        ring: i32,
    },
    /// io_uring_register(2).
    Register {
        /// The ring.
        ring: i32,
        /// IORING_REGISTER_*.
        opcode: u32,
        /// Address of what is registered.
        argument: u64,
        /// Number of entries.
        count: u32,
    },
}

/// What is known of a ring.
#[derive(Debug)]
struct Ring {
    offsets: Offsets,
    /// Files registered, by index.
    files: Vec<Option<FileRef>>,
    /// Operations whose completion was not seen yet, in the order of submission.
    under_way: Vec<(u64, Pending)>,
    completions: CompletionQueue,
    is_gap_told: bool,
}

/// The rings of the run, by process and descriptor.
#[derive(Debug, Default)]
pub(crate) struct Rings {
    open: FxHashMap<(Tid, i32), Ring>,
}

impl Observer {
    /// The process has ended or executed another program: what was under way is taken as done.
    pub(crate) fn close_rings(&mut self, who: Who) {
        if self.rings.open.is_empty() {
            return;
        }
        let closed: Vec<(Tid, i32)> =
            self.rings.open.keys().filter(|key| key.0 == who.pid).copied().collect();
        for key in closed {
            for (_, pending) in self.rings.open.remove(&key).map(|ring| ring.under_way).unwrap_or_default() {
                if let Pending::Transfer { from: Some((_, file)), .. } = &pending {
                    self.tell_uncounted(EventKind::Read, who, file);
                }
                self.abandon(who, pending);
            }
        }
    }

    fn ring_gap(&mut self, who: Who, ring: i32, detail: &str) {
        if let Some(known) = self.rings.open.get_mut(&(who.pid, ring)) {
            if known.is_gap_told {
                return;
            }
            known.is_gap_told = true;
        }
        let exe = self.resolver.proc_link(who.tid, "exe").ok();
        self.recorder.tell_gap(GapKind::IoUring, who.pid.as_pid(), exe.as_deref(), detail);
    }

    /// Before io_uring_enter(2): reads what is about to be submitted.
    pub(crate) fn enter_ring(&mut self, who: Who, ring: i32, to_submit: u32, flags: u32) -> Option<Pending> {
        if flags & ENTER_REGISTERED_RING != 0 {
            self.ring_gap(who, -1, "an io_uring is used by a registered index, not by a descriptor");
            return None;
        }
        let Some(known) = self.rings.open.get(&(who.pid, ring)) else {
            // A ring that came by inheritance or over a socket: its layout was never told.
            self.ring_gap(who, ring, "an io_uring is used that another process made");
            return None;
        };
        if known.is_gap_told {
            return None;
        }
        let offsets = known.offsets;
        let memory = match RingMemory::map(who.pid, ring, &offsets) {
            Ok(memory) => memory,
            Err(error) => {
                self.ring_gap(who, ring, &format!("the queues of an io_uring cannot be looked at: {error}"));
                return None;
            }
        };
        self.drain(who, ring, &memory);
        for sqe in memory.submissions(&offsets, to_submit) {
            let user_data = sqe.user_data();
            if let Some(pending) = self.enter_operation(who, ring, &sqe)
                && let Some(known) = self.rings.open.get_mut(&(who.pid, ring))
            {
                known.under_way.push((user_data, pending));
            }
        }
        Some(Pending::Ring(RingCall::Enter { ring }))
    }

    /// Tells what the completions say that were not seen before.
    fn drain(&mut self, who: Who, ring: i32, memory: &RingMemory) {
        let Some(known) = self.rings.open.get_mut(&(who.pid, ring)) else {
            return;
        };
        let mut done = Vec::new();
        for (user_data, result) in known.completions.take(memory, &known.offsets) {
            if let Some(at) = known.under_way.iter().position(|(waiting, _)| *waiting == user_data) {
                done.push((known.under_way.remove(at).1, result));
            }
        }
        for (pending, result) in done {
            self.leave(who, pending, result.into());
        }
    }

    fn ring_file(&mut self, who: Who, ring: i32, fd: i32, is_fixed: bool) -> Option<FileRef> {
        if !is_fixed {
            return self.file(who, fd);
        }
        let known = self.rings.open.get(&(who.pid, ring))?;
        *known.files.get(usize::try_from(fd).ok()?)?
    }

    /// Looks at an operation before it happens.
    fn enter_operation(&mut self, who: Who, ring: i32, sqe: &Sqe) -> Option<Pending> {
        let is_fixed = sqe.flags() & flag::FIXED_FILE != 0;
        let fd = sqe.fd();
        // Never the number of an open descriptor: what is counted for descriptors is not for registered files.
        let key = if is_fixed { -1 } else { fd };
        match sqe.opcode() {
            // READV, READ_FIXED, READ, READ_MULTISHOT, READV_FIXED.
            1 | 4 | 22 | 49 | 60 => {
                let file = self.ring_file(who, ring, fd, is_fixed)?;
                Some(Pending::Transfer { from: Some((key, file)), to: None })
            }
            // WRITEV, WRITE_FIXED, WRITE, WRITEV_FIXED.
            2 | 5 | 23 | 61 => {
                let file = self.ring_file(who, ring, fd, is_fixed)?;
                Some(Pending::Transfer { from: None, to: Some((key, file)) })
            }
            // FALLOCATE: the mode is in the length.
            17 if sqe.length() == tracer_syscalls::constants::FALLOC_FL_KEEP_SIZE => None,
            17 => Some(Pending::Resize { file: self.ring_file(who, ring, fd, is_fixed)?, length: None }),
            // FTRUNCATE.
            55 => Some(Pending::Resize {
                file: self.ring_file(who, ring, fd, is_fixed)?,
                length: Some(sqe.offset()),
            }),
            // OPENAT, OPENAT2.
            18 | 28 => {
                if sqe.file_index() != 0 {
                    self.ring_gap(who, ring, "a file is opened into an io_uring alone, without a descriptor");
                    return None;
                }
                let flags = if sqe.opcode() == 18 {
                    sqe.op_flags().into()
                } else {
                    self.read_word(who, sqe.offset())?
                };
                let path = self.read_path(who, sqe.address())?;
                self.enter_open(who, fd, &path, flags)
            }
            // SPLICE: the descriptor to read from may be registered as well.
            30 => {
                const SPLICE_F_FD_IN_FIXED: u32 = 1 << 31;
                let from_fixed = sqe.op_flags() & SPLICE_F_FD_IN_FIXED != 0;
                let from =
                    self.ring_file(who, ring, sqe.file_index() as i32, from_fixed).map(|file| (-1, file));
                let to = self.ring_file(who, ring, fd, is_fixed).map(|file| (key, file));
                (from.is_some() || to.is_some()).then_some(Pending::Transfer { from, to })
            }
            // RENAMEAT: the second directory is in the length.
            35 => {
                let from = self.read_path(who, sqe.address())?;
                let to = self.read_path(who, sqe.offset())?;
                let from = self.name_at(who, fd, &from)?;
                let to = self.name_at(who, sqe.length() as i32, &to)?;
                let is_exchange =
                    u64::from(sqe.op_flags()) & tracer_syscalls::constants::RENAME_EXCHANGE != 0;
                Some(Pending::Rename { from, to, is_exchange })
            }
            // UNLINKAT.
            36 if sqe.op_flags() & tracer_syscalls::constants::AT_REMOVEDIR != 0 => None,
            36 => {
                let path = self.read_path(who, sqe.address())?;
                let name = self.name_at(who, fd, &path)?;
                is_told(&name).then_some(Pending::Unlink(name))
            }
            // SYMLINKAT.
            38 => {
                let target = self.read_path(who, sqe.address())?;
                Some(Pending::Make {
                    dir: fd,
                    path: self.read_path(who, sqe.offset())?,
                    target: Some(target),
                })
            }
            // LINKAT.
            39 => {
                let path = self.read_path(who, sqe.address())?;
                let from = self.link_source(who, fd, &path, sqe.op_flags().into())?;
                let to = self.read_path(who, sqe.offset())?;
                Some(Pending::Link { from, to: self.name_at(who, sqe.length() as i32, &to)? })
            }
            // FILES_UPDATE: as the call of that name.
            20 => {
                self.update_files(who, ring, sqe.offset() as usize, sqe.address(), sqe.length());
                None
            }
            opcode if opcode > OPCODE_MAX => {
                self.ring_gap(who, ring, &format!("io_uring operation {opcode} is not known here"));
                None
            }
            // No effect on the content or names of files.
            _ => None,
        }
    }

    pub(crate) fn leave_ring(&mut self, who: Who, call: RingCall, result: i64) {
        match call {
            RingCall::Setup { params } if result >= 0 => self.ring_made(who, result as i32, params),
            // An error does not undo what was submitted before it.
            RingCall::Enter { ring } => {
                let Some(known) = self.rings.open.get(&(who.pid, ring)) else {
                    return;
                };
                let offsets = known.offsets;
                match RingMemory::map(who.pid, ring, &offsets) {
                    Ok(memory) => self.drain(who, ring, &memory),
                    Err(error) => {
                        self.ring_gap(who, ring, &format!("the results of an io_uring are lost: {error}"))
                    }
                }
            }
            RingCall::Register { ring, opcode, argument, count } if result >= 0 => {
                self.registered(who, ring, opcode, argument, count);
            }
            RingCall::Setup { .. } | RingCall::Register { .. } => {}
        }
    }

    fn ring_made(&mut self, who: Who, ring: i32, params: u64) {
        let mut bytes = [0; 120];
        let read = read_memory(who.tid, params, &mut bytes);
        let offsets = Offsets::parse(&bytes);
        let known = Ring {
            offsets,
            files: Vec::new(),
            under_way: Vec::new(),
            completions: CompletionQueue::default(),
            is_gap_told: false,
        };
        self.rings.open.insert((who.pid, ring), known);
        if read.is_err() || offsets.flags & setup::OUT_OF_SIGHT != 0 {
            self.ring_gap(who, ring, "the queues of an io_uring are out of sight");
        } else if offsets.flags & setup::SQPOLL != 0 {
            self.ring_gap(
                who,
                ring,
                "an io_uring has a poller in the kernel: what it submits is not seen (IORING_SETUP_SQPOLL)",
            );
        }
    }

    fn registered(&mut self, who: Who, ring: i32, opcode: u32, argument: u64, count: u32) {
        // The structures of the newer calls: struct io_uring_rsrc_register, struct io_uring_rsrc_update2.
        let mut words = [0; 32];
        match opcode {
            register::FILES => {
                self.clear_files(who, ring);
                self.update_files(who, ring, 0, argument, count);
            }
            register::UNREGISTER_FILES => self.clear_files(who, ring),
            register::FILES2 if read_memory(who.tid, argument, &mut words).is_ok() => {
                self.clear_files(who, ring);
                self.update_files(who, ring, 0, u64_at(&words, 16), u32_at(&words, 0));
            }
            register::FILES_UPDATE if read_memory(who.tid, argument, &mut words).is_ok() => {
                self.update_files(who, ring, u32_at(&words, 0) as usize, u64_at(&words, 8), count);
            }
            register::FILES_UPDATE2 if read_memory(who.tid, argument, &mut words).is_ok() => {
                self.update_files(
                    who,
                    ring,
                    u32_at(&words, 0) as usize,
                    u64_at(&words, 8),
                    u32_at(&words, 24),
                );
            }
            register::RING_FDS => {
                self.ring_gap(who, ring, "an io_uring is registered to be used without a descriptor")
            }
            _ => {}
        }
    }

    fn clear_files(&mut self, who: Who, ring: i32) {
        if let Some(known) = self.rings.open.get_mut(&(who.pid, ring)) {
            known.files.clear();
        }
    }

    fn update_files(&mut self, who: Who, ring: i32, first: usize, address: u64, count: u32) {
        for index in 0..count.min(FILES_MAX) {
            let mut word = [0; 4];
            let at = address.wrapping_add(4 * u64::from(index));
            if address == 0 || read_memory(who.tid, at, &mut word).is_err() {
                return;
            }
            let fd = i32::from_le_bytes(word);
            let file = self.file(who, fd);
            let Some(known) = self.rings.open.get_mut(&(who.pid, ring)) else {
                return;
            };
            let place = first.saturating_add(index as usize);
            if place >= FILES_MAX as usize {
                return;
            }
            if known.files.len() <= place {
                known.files.resize(place + 1, None);
            }
            // -2 leaves the entry as it is (IORING_REGISTER_FILES_SKIP).
            if fd != -2 {
                known.files[place] = file;
            }
        }
    }
}
