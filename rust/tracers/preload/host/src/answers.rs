//! Answers processes that have loaded a C library for which there is no plan: another release's in a directory tree of its own, musl's.
//!
//! A thread of its own sleeps until somebody asks, so that an answer waits for nothing else that the collector does. That there is none
//! for a file is remembered like a plan, so that each is asked about once in a run.
//!
//! # Safety
//!
//! Waiting and waking are calls with the address of a word of the journal, whose mapping lasts.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use rustc_hash::FxHashSet;
use tracer_preload_journal::entry::ALIAS;
use tracer_preload_journal::log::{Place, Told};
use tracer_preload_journal::plans::Identity;
use tracer_preload_journal::{Entry, Kind};

use crate::elf;
use crate::journal_file::JournalFile;
use crate::plans::{identity_of, plan};
use crate::view::View;

/// Bytes of code that are compared at a time.
const COMPARED_BYTES: usize = 64 * 1024;

/// The thread that answers.
#[derive(Debug)]
pub(crate) struct Answers {
    log: View,
    thread: Option<JoinHandle<()>>,
}

impl Answers {
    /// Says that somebody will answer, for processes that begin before this one has gone on.
    pub(crate) fn announce(journal: &JournalFile) {
        journal.log.head().is_answering.store(u32::from(cfg!(target_arch = "x86_64")), Ordering::Release);
    }

    /// Begins to answer.
    pub(crate) fn begin(journal: &JournalFile) -> Self {
        let log = journal.log;
        let journal = journal.clone();
        let thread = thread::Builder::new().name("answers".to_owned()).spawn(move || serve(&journal)).ok();
        if thread.is_none() {
            log.head().is_answering.store(0, Ordering::Release);
        }
        Self { log, thread }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        let head = self.log.head();
        head.is_answering.store(0, Ordering::Release);
        head.is_over.store(1, Ordering::Release);
        head.asked.fetch_add(1, Ordering::AcqRel);
        wake(&head.asked);
        if let Some(thread) = self.thread.take() {
            // Whether it has panicked matters to nobody any more.
            let _ended = thread.join();
        }
    }
}

fn serve(journal: &JournalFile) {
    let head = journal.log.head();
    // What was asked about: two processes may ask for the same at the same time.
    let mut known = FxHashSet::default();
    while head.is_over.load(Ordering::Acquire) == 0 {
        let asked = head.asked.load(Ordering::Acquire);
        for request in &head.requests {
            let position = request.load(Ordering::Acquire);
            if position == 0 {
                continue;
            }
            // One that cannot be answered, as its process is gone, is not remembered: the next may be.
            let _unanswered = answer(journal, position, &mut known);
            request.store(0, Ordering::Release);
            head.answered.fetch_add(1, Ordering::AcqRel);
            wake(&head.answered);
            head.is_answering.store(1, Ordering::Release);
        }
        wait(&head.asked, asked);
    }
}

/// futex(2), shared between processes: sleeps while the word is `seen`.
fn wait(word: &AtomicU32, seen: u32) {
    let nobody: *const libc::timespec = std::ptr::null();
    // SAFETY: a word of the journal; without a timeout.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, seen, nobody) };
}

/// futex(2): wakes all that sleep.
fn wake(word: &AtomicU32) {
    // SAFETY: a word of the journal.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}

/// Adds what is to be known of the file that a process asks about.
fn answer(journal: &JournalFile, position: u64, known: &mut FxHashSet<[u8; 28]>) -> io::Result<()> {
    let Place::Entry(told) = journal.log.look(position) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let identity = Identity::from_bytes(told.text2).filter(|_| told.kind == Some(Kind::Unplanned));
    let identity = identity.ok_or(io::ErrorKind::InvalidData)?;
    if known.contains(&identity.to_bytes()) {
        return Ok(());
    }
    let pid = pid_of(journal.log, &told).ok_or(io::ErrorKind::NotFound)?;
    // By way of the process's own descriptor: its root directory and its mounts may be others.
    let file = File::open(format!("/proc/{pid}/fd/{}", told.value2))?;
    let found = file.metadata()?;
    let is_it =
        (found.dev(), found.ino()) == (told.stamp.dev, told.stamp.ino) && identity_of(&file)? == identity;
    if !is_it || !is_loaded(pid, told.value, &file, &identity) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let name = told.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let plan = plan(&file, &identity, &name, &journal.directory)?;
    known.insert(identity.to_bytes());
    journal.add_plans(&plan)
}

/// Returns the process that asks, as this one calls it.
fn pid_of(log: View, told: &Told<'_>) -> Option<u32> {
    if told.pid & ALIAS == 0 {
        return Some(told.pid);
    }
    match log.look(u64::from(told.pid & !ALIAS) * Entry::ALIGN) {
        Place::Entry(fork) if fork.pid & ALIAS == 0 && fork.value != 0 => u32::try_from(fork.value).ok(),
        Place::Entry(_) | Place::Empty | Place::Reserved(_) => None,
    }
}

/// Returns whether that file is what the process has loaded at `base`. The kernel's list of mappings says so by the file's numbers;
/// on stacked file systems those may be others, and the code itself is compared.
fn is_loaded(pid: u32, base: u64, file: &File, identity: &Identity) -> bool {
    let Ok(found) = file.metadata() else { return false };
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let start = format!("{base:x}-");
    let Some(line) = maps.lines().find(|line| line.starts_with(&start)) else { return false };
    let mut words = line.split_ascii_whitespace().skip(3);
    let (major, minor) = (libc::major(found.dev()), libc::minor(found.dev()));
    let device = words.next() == Some(&format!("{major:02x}:{minor:02x}"));
    if device && words.next() == Some(&found.ino().to_string()) {
        return true;
    }
    has_code_of(pid, base, file).unwrap_or(identity.is_build_id())
}

/// Returns whether the code of a process at `base` is that of a file.
fn has_code_of(pid: u32, base: u64, file: &File) -> io::Result<bool> {
    let mut elf = Vec::new();
    io::Read::read_to_end(&mut &*file, &mut elf)?;
    let segment = elf::segments(&elf).into_iter().find(|segment| segment.is_executable);
    let segment = segment.ok_or(io::ErrorKind::InvalidData)?;
    let code = elf.get(segment.offset as usize..(segment.offset + segment.len) as usize);
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let mut there = vec![0; COMPARED_BYTES];
    for (index, part) in code.ok_or(io::ErrorKind::InvalidData)?.chunks(COMPARED_BYTES).enumerate() {
        let there = &mut there[..part.len()];
        memory.read_exact_at(there, base + segment.address + (index * COMPARED_BYTES) as u64)?;
        if there != part {
            return Ok(false);
        }
    }
    Ok(true)
}
