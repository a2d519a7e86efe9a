//! Signals: the tracer takes none for itself, and passes on to the command what `roar` was sent.
//!
//! # Safety
//!
//! Signal sets are plain data, valid as zeroed by sigemptyset or filled by sigfillset.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::control::{Control, ToRoar, ToTracer};

/// Time between two attempts to wake a `roar` that is about to stop: the first nearly always does it.
const WAKE_EVERY: Duration = Duration::from_millis(10);

/// Blocks every signal that may be blocked, and returns the mask as it was.
pub fn block_all() -> libc::sigset_t {
    // SAFETY: all zero is a valid set.
    let mut before: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: a valid place.
    unsafe { libc::sigfillset(&raw mut all) };
    for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT] {
        // SAFETY: a valid set and signal.
        unsafe { libc::sigdelset(&raw mut all, signal) };
    }
    // SAFETY: valid sets.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const all, &raw mut before) };
    before
}

/// Returns whether this process was sent the signal as well, by the same sender: then it went to the whole process
/// group, and the command has it already. Takes it away.
fn was_sent_to_group(signal: i32, sender: i32) -> bool {
    // SAFETY: all zero is a valid set.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: a valid set; a signal that does not exist is refused.
    unsafe { libc::sigaddset(&raw mut set, signal) };
    // SAFETY: all zero is valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: valid places; a time limit of zero only looks.
    let found = unsafe { libc::sigtimedwait(&raw const set, &raw mut info, &raw const now) };
    // SAFETY: a signal sent by a process has its sender.
    found == signal && unsafe { info.si_pid() } == sender
}

/// Sends a signal to a process.
///
/// # Errors
/// Those of kill(2).
pub fn kill(pid: libc::pid_t, signal: libc::c_int) -> std::io::Result<()> {
    // SAFETY: numbers only.
    if unsafe { libc::kill(pid, signal) } == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

#[derive(Default)]
struct Wakes {
    told: u64,
    heard: u64,
}

/// The `roar` that started this tracer, which stops and goes on with the command.
#[derive(Clone)]
pub struct Roar {
    control: Arc<Control>,
    process: libc::pid_t,
    /// How many times it was told that the command goes on, and how many times it said that it heard.
    wakes: Arc<(Mutex<Wakes>, Condvar)>,
}

impl Roar {
    /// Returns the parent process, at the other end of the channel.
    pub fn new(control: Control) -> Self {
        let process = std::os::unix::process::parent_id() as libc::pid_t;
        Self { control: Arc::new(control), process, wakes: Arc::default() }
    }

    /// Tells it something.
    pub fn tell(&self, message: ToRoar) {
        // Nobody there any more: the run goes on, and its report is found later.
        let _gone = self.control.tell_roar(message);
    }

    /// Returns the channel.
    pub fn control(&self) -> &Control {
        &self.control
    }

    fn wakes(&self) -> MutexGuard<'_, Wakes> {
        self.wakes.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The command was stopped: so is `roar` to be.
    pub fn stop(&self, signal: i32) {
        self.tell(ToRoar::Stopped(signal));
    }

    /// The command goes on. `roar` may be stopped already, or be about to stop: it is woken until it says that it heard.
    pub fn wake(&self) {
        let mine = {
            let mut wakes = self.wakes();
            wakes.told += 1;
            wakes.told
        };
        self.tell(ToRoar::Continued);
        let roar = self.clone();
        // Without a thread to be had it is woken at the end.
        let _later = std::thread::Builder::new().spawn(move || roar.wake_until(mine));
    }

    /// Sends SIGCONT until that many messages were heard, or `roar` is gone.
    fn wake_until(&self, mine: u64) {
        let mut wakes = self.wakes();
        while wakes.heard < mine && kill(self.process, libc::SIGCONT).is_ok() {
            let waited = self.wakes.1.wait_timeout(wakes, WAKE_EVERY);
            wakes = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns when `roar` has heard all that could wake it: from then on it needs the tracer no more.
    pub fn see_awake(&self) {
        let told = self.wakes().told;
        self.wake_until(told);
    }

    /// Listens, in a thread of its own, and passes on what `roar` was sent to the process in `command`, until that is 0.
    pub fn listen(&self, command: Arc<AtomicI32>) {
        let roar = self.clone();
        // Without a thread to be had the command runs all the same, and is sent signals by whoever knows it.
        let _alone = std::thread::Builder::new().spawn(move || {
            while let Ok(Some(message)) = roar.control.hear_roar() {
                match message {
                    ToTracer::Awake => {
                        roar.wakes().heard += 1;
                        roar.wakes.1.notify_all();
                    }
                    ToTracer::Signal { signal, sender } => {
                        let command = command.load(Ordering::Acquire);
                        if command > 0 && !was_sent_to_group(signal, sender) {
                            // It may have ended just now.
                            let _ended = kill(command, signal);
                        }
                    }
                }
            }
        });
    }
}
