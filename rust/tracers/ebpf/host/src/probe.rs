//! The kernel side, loaded and attached: its maps.
//!
//! # Safety
//!
//! What is handed to the kernel side is plain numbers.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use aya::maps::{PerCpuArray, RingBuf};
use tracer_ebpf_abi::{Action, Launcher, SLOTS, Slot};

use crate::actions::actions;
use crate::btf::KERNEL_BTF;
use crate::collector::Finds;
use crate::kernel::{
    EXT4_DIRTIED, EXT4_UNLINKED, Kernel, NAME_REPLACED, NAME_UNLINKED, Unlimited, may_be_preempted,
};
use crate::load::{Loaded, Prepared, Refused, prepare};
use crate::losses::{Loss, Losses};
use crate::ring::Ring;
use crate::{bpf, calls};

/// The object, as `cargo xtask probe` makes it.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("PROBE_OBJECT"));

/// The map that is the ring.
pub(crate) const RING: &str = "ring";

/// Length of the ring: what is told while the reader sleeps. A power of two.
pub(crate) const RING_BYTES: u32 = 16 << 20;

/// What may wait in it before a reader is woken.
const WAKE_BYTES: u64 = RING_BYTES as u64 / 8;

/// The program for the beginning of every call.
pub(crate) const ENTER_ALL: &str = "sys_enter";

/// The program for the beginning of some calls.
const ENTER_CALL: &str = "enter_call";

/// A run that lasts longer than this is worth the change from the one to the other.
const CHANGE_AFTER: Duration = Duration::from_millis(30);

/// The PID namespace of this process.
const OWN_NAMESPACE: &str = "/proc/self/ns/pid";

/// Why the kernel side could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("the kernel side knows the registers of x86-64 alone, and this is another machine")]
    OtherMachine,
    #[error("the kernel's type information {KERNEL_BTF} cannot be read: {0}")]
    NoBtf(io::Error),
    #[error("{OWN_NAMESPACE} cannot be read: {0}")]
    NoNamespace(io::Error),
    #[error("the kernel's type information does not say where {0} is")]
    NoField(&'static str),
    #[error("the kernel refuses the {0}")]
    Refused(#[from] Refused),
}

impl LoadError {
    /// Returns the error number that says most.
    pub(crate) fn errno(&self) -> i32 {
        let source = match self {
            Self::NoBtf(source) | Self::NoNamespace(source) => source,
            Self::Refused(refused) => &refused.source,
            Self::OtherMachine | Self::NoField(_) => return libc::EOPNOTSUPP,
        };
        source.raw_os_error().unwrap_or(libc::EIO)
    }
}

/// What the kernel side is loaded as.
pub(crate) struct Probe {
    pub(crate) ring: Ring,
    slots: OwnedFd,
    losses: Arc<Losses>,
    pub(crate) finds: Finds,
    /// How long the kernel looked at each program.
    pub(crate) looked: Vec<(&'static str, Duration)>,
    /// The beginnings of calls.
    pub(crate) enters: Option<Enters>,
    /// Programs are attached as long as these live. Nothing else refers to them or to the other maps.
    links: Vec<OwnedFd>,
}

impl Probe {
    /// Loads the kernel side and attaches it. The calling thread is the one that starts the command.
    pub(crate) fn load() -> Result<Self, LoadError> {
        // It would load there as well, and take other registers for the arguments of calls.
        if !cfg!(target_arch = "x86_64") {
            return Err(LoadError::OtherMachine);
        }
        let launcher = [launcher()?];
        let idle: &[&str] = if may_be_preempted() { &[] } else { &["seen"] };
        let _unlimited = Unlimited::begin();
        let (prepared, found) = thread::scope(|scope| {
            let finding = thread::Builder::new().spawn_scoped(scope, Kernel::find);
            let prepared = prepare(OBJECT, &[RING], &["slots"], idle);
            // Without a thread to be had the one comes after the other.
            (prepared, finding.map_or_else(|_| Ok(Kernel::find()), thread::ScopedJoinHandle::join))
        });
        let mut prepared = prepared?;
        let kernel = found.unwrap_or(Err(LoadError::NoField("anything")))?;
        prepared.give(RING, kernel.ring);
        prepared.fit(&kernel.functions, &kernel.offsets, kernel.features);
        let tables = actions(kernel.sees_rings, kernel.tells_names);
        let constants = HashMap::from([
            ("ACTIONS", bytes_of(&tables.after)),
            ("BEFORE", bytes_of(&tables.before)),
            ("WAKE_BYTES", bytes_of(&[WAKE_BYTES])),
            ("LAUNCHER", bytes_of(&launcher)),
        ]);
        let constants = constants.into_iter().map(|(name, bytes)| (name, (bytes, true))).collect();
        let loaded = prepared.load(constants, &kernel.parts)?;
        let map = |fd| bpf::map_of(fd).map_err(|error| Refused::new("map", error));
        let ring = RingBuf::try_from(map(prepared.take(RING)?)?).map_err(refused)?;
        let lost = PerCpuArray::try_from(map(prepared.take("lost")?)?).map_err(refused)?;
        let caught = PerCpuArray::try_from(map(prepared.take("caught")?)?).map_err(refused)?;
        let losses = Arc::new(Losses::new(lost, caught));
        let slots = prepared.take("slots")?;
        let has = |names: [&str; 2]| names.iter().all(|name| loaded.iter().any(|found| found.name == *name));
        let finds = Finds {
            ext4: has([EXT4_UNLINKED, EXT4_DIRTIED]),
            all: kernel.tells_names || has([NAME_UNLINKED, NAME_REPLACED]),
        };
        let looked = loaded.iter().map(|program| (program.name, program.took)).collect();
        let mut links = Vec::with_capacity(loaded.len());
        let mut enter_all = None;
        for Loaded { name, fd, link, .. } in loaded {
            losses.add(name, fd);
            if name == ENTER_ALL {
                enter_all = Some(link);
            } else {
                links.push(link);
            }
        }
        Ok(Self {
            ring: Ring::new(ring),
            slots,
            losses: Arc::clone(&losses),
            finds,
            looked,
            enters: enter_all.map(|every| Enters { every, prepared, losses }),
            links,
        })
    }

    /// Returns what was lost. Nothing more is seen from here on, on kernels where that is to be known.
    pub(crate) fn losses(&mut self) -> Vec<Loss> {
        // Otherwise that is left to the end of this process, which nobody waits for.
        if self.losses.has_second() {
            self.links.clear();
        }
        self.losses.all()
    }

    /// Returns what was counted and not told.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        // SAFETY: the map has them.
        let slots = unsafe { bpf::read_array::<Slot>(self.slots.as_fd(), SLOTS) };
        let mut slots = slots.unwrap_or_default();
        slots.retain(|slot| slot.bytes != [0, 0]);
        slots
    }
}

fn refused(error: aya::maps::MapError) -> Refused {
    Refused::new("map", io::Error::other(error))
}

/// What the kernel side is told of: numbers without padding between them.
trait Numbers: Copy {}

impl Numbers for u64 {}
impl Numbers for Action {}
impl Numbers for Launcher {}

fn bytes_of<T: Numbers>(numbers: &[T]) -> &[u8] {
    // SAFETY: bytes that are all there, by the trait.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

/// Returns who starts the command: the calling thread.
fn launcher() -> Result<Launcher, LoadError> {
    let namespace = std::fs::metadata(OWN_NAMESPACE).map_err(LoadError::NoNamespace)?;
    // SAFETY: takes nothing.
    Ok(Launcher { pid: unsafe { libc::gettid() } as u32, namespace: namespace.ino() as u32 })
}

/// The program at the beginning of every call, and what another one is made of.
///
/// A program for every call is attached and detached at once, and costs each call of the machine; one for a few calls costs the others
/// nothing, and whoever detaches it waits until no processor can be in it, which takes longer than a short run.
pub(crate) struct Enters {
    every: OwnedFd,
    prepared: Prepared,
    losses: Arc<Losses>,
}

impl Enters {
    /// Stays with every call, and keeps nothing open that only a change would take: a table of who is traced is among it.
    pub(crate) fn stay(self) {
        keep(self.every);
    }

    /// Changes to the program for a few calls, in a thread, if the run lasts. For callers who have the rights that it takes by themselves:
    /// others have given them up.
    pub(crate) fn change(self) {
        let change = move || {
            thread::park_timeout(CHANGE_AFTER);
            let places = calls::tracepoints();
            if places.is_empty() {
                return keep(self.every);
            }
            let few = self.prepared.load_later(ENTER_CALL).and_then(|program| {
                let attach = |id: &u64| calls::attach(*id, program.as_fd());
                let few = places.iter().map(attach).collect::<io::Result<Vec<_>>>();
                self.losses.add(ENTER_CALL, program);
                few.map_err(|error| Refused::new(ENTER_CALL, error))
            });
            // For as long as the process lasts: closing them is left to its end, which nobody waits for.
            if let Ok(few) = few {
                few.into_iter().for_each(keep);
                drop(self.every);
            } else {
                keep(self.every);
            }
        };
        // Without a thread it stays as it is.
        let _unchanged = thread::Builder::new().name("enters".to_owned()).spawn(change);
    }
}

/// Keeps a descriptor open for as long as the process lasts.
fn keep(fd: OwnedFd) {
    let _number = fd.into_raw_fd();
}
