//! The ring that the kernel side writes to, and what of it waits for the collector.
//!
//! The ring is as long as it was made, and what finds no room in it is lost. So two threads empty it: the collector as it goes, and, when
//! the ring is filling up, a thread that does nothing but move what is in it to memory that can grow.
//!
//! # Safety
//!
//! `unsafe` is calls about descriptors that are owned here.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use aya::maps::{MapData, RingBuf};

/// Most that may wait for the collector, bytes: what comes then stays in the ring, and at last is lost and counted.
const WAITING_MAX: usize = 1 << 30;

/// The thread looks this often although nobody has woken it: it is to end some time.
const LOOK: Duration = Duration::from_secs(1);

/// Events in the order in which they were taken out of the ring, each with its length (a u32 of this machine) before it.
#[derive(Default)]
pub(crate) struct Chunk(Vec<u8>);

impl Chunk {
    /// Returns the events.
    pub(crate) fn events(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (len, behind) = rest.split_first_chunk::<4>()?;
            let (event, behind) = behind.split_at_checked(u32::from_ne_bytes(*len) as usize)?;
            rest = behind;
            Some(event)
        })
    }
}

/// The ring, emptied by two threads.
pub(crate) struct Ring {
    shared: Arc<Shared>,
}

struct Shared {
    ring: Mutex<RingBuf<MapData>>,
    /// Taken while the ring is: the order is that of the ring.
    waiting: Mutex<VecDeque<Chunk>>,
    /// The collector has taken what waited.
    taken: Condvar,
    is_over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ring {
    pub(crate) fn new(ring: RingBuf<MapData>) -> Self {
        let shared = Shared {
            ring: Mutex::new(ring),
            waiting: Mutex::default(),
            taken: Condvar::new(),
            is_over: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Starts the thread. Call it once the command is started: a thread is none of a child that is made by fork(2).
    ///
    /// # Errors
    /// Those of fcntl(2), epoll(7) and of starting a thread.
    pub(crate) fn relieve(&self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let fd = {
            let ring = lock(&shared.ring);
            // SAFETY: the descriptor of the ring, which lasts as long as it does.
            unsafe { BorrowedFd::borrow_raw(ring.as_raw_fd()) }.try_clone_to_owned()?
        };
        let bell = Bell::of(fd)?;
        thread::Builder::new().name("ring".to_owned()).spawn(move || shared.move_on(&bell))?;
        Ok(())
    }

    /// Takes all that is there.
    pub(crate) fn take(&self) -> VecDeque<Chunk> {
        self.shared.empty();
        let waiting = std::mem::take(&mut *lock(&self.shared.waiting));
        self.shared.taken.notify_one();
        waiting
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// Moves what is in the ring to what waits.
    fn empty(&self) {
        let mut ring = lock(&self.ring);
        let mut chunk = Chunk::default();
        while let Some(event) = ring.next() {
            chunk.0.extend_from_slice(&(event.len() as u32).to_ne_bytes());
            chunk.0.extend_from_slice(&event);
        }
        if !chunk.0.is_empty() {
            lock(&self.waiting).push_back(chunk);
        }
    }

    fn move_on(&self, bell: &Bell) {
        while !self.is_over.load(Ordering::Relaxed) {
            if !bell.wait(LOOK) {
                continue;
            }
            let is_too_much = |waiting: &mut VecDeque<Chunk>| {
                waiting.iter().map(|chunk| chunk.0.len()).sum::<usize>() > WAITING_MAX
            };
            drop(self.taken.wait_while(lock(&self.waiting), is_too_much));
            self.empty();
        }
    }
}

/// Tells when the kernel side has woken the readers of the ring, which it does when the ring is filling up; not that there is something
/// in it, which is so most of the time.
struct Bell {
    epoll: OwnedFd,
    /// What it is about.
    _ring: OwnedFd,
}

impl Bell {
    fn of(ring: OwnedFd) -> io::Result<Self> {
        // SAFETY: takes no memory.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if epoll < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: epoll_create1 has just made it.
        let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
        let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET) as u32, u64: 0 };
        // SAFETY: a valid event.
        let failed = unsafe {
            libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, ring.as_raw_fd(), &raw mut event)
        };
        if failed != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { epoll, _ring: ring })
    }

    /// Waits for the next time; `false` if the time is over before.
    fn wait(&self, time: Duration) -> bool {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: room for one event.
        unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), &raw mut event, 1, time.as_millis() as i32) > 0 }
    }
}
