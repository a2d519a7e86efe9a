//! The kernel side, loaded and attached: its maps.
//!
//! # Safety
//!
//! What is handed to the kernel side is plain numbers.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

use aya::maps::{MapData, PerCpuArray, RingBuf};
use rustc_hash::FxHashSet;
use tracer_ebpf_abi::{Action, FIELDS, Launcher, NO_FIELD, SLOTS, Slot};

use crate::actions::actions;
use crate::bpf;
use crate::btf::{Btf, KERNEL_BTF, KernelTypes};
use crate::collector::Finds;
use crate::load::{Loaded, Place, Refused, prepare};
use crate::ring::Ring;

/// The object, as `cargo xtask probe` makes it.
static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../object/probe.bpf"));

/// Length of the ring: what is told while the reader sleeps. A power of two.
const RING_BYTES: u32 = 16 << 20;

/// What may wait in it before a reader is woken.
const WAKE_BYTES: u64 = RING_BYTES as u64 / 8;

/// Programs, and the tracepoints that they are for; those first that the verifier takes longest for.
const PROGRAMS: &[(&str, &str)] = &[
    ("sys_exit", "btf_trace_sys_exit"),
    ("exec", "btf_trace_sched_process_exec"),
    ("map_pages", "btf_trace_mm_filemap_map_pages"),
    ("ring_submit", "btf_trace_io_uring_submit_req"),
    ("ring_complete", "btf_trace_io_uring_complete"),
    ("unlinked", "btf_trace_ext4_unlink_enter"),
    ("exit", "btf_trace_sched_process_exit"),
    ("fork", "btf_trace_sched_process_fork"),
    ("dirtied", "btf_trace_ext4_mark_inode_dirty"),
];

/// The program for the beginning of calls, and the calls in whose beginning something is looked at (tracefs, `events/syscalls`): those
/// that are missing here are none of this machine's.
const ENTER_CALL: &str = "enter_call";
const ENTERED: &[&str] = &[
    "sys_enter_rename",
    "sys_enter_renameat",
    "sys_enter_renameat2",
    "sys_enter_unlink",
    "sys_enter_unlinkat",
];

/// Where tracefs is; only root may look into it.
const TRACEFS: &[&str] = &["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// The program for the beginning of every call, where there is no tracefs to be read.
const ENTER_ALL: (&str, &str) = ("sys_enter", "btf_trace_sys_enter");

/// The PID namespace of this process.
const OWN_NAMESPACE: &str = "/proc/self/ns/pid";

/// Why the kernel side could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
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
            Self::NoField(_) => return libc::EOPNOTSUPP,
        };
        source.raw_os_error().unwrap_or(libc::EIO)
    }
}

/// What the kernel side is loaded as.
pub(crate) struct Probe {
    pub(crate) ring: Ring,
    slots: OwnedFd,
    lost: PerCpuArray<MapData, u64>,
    pub(crate) finds: Finds,
    /// How long the kernel looked at each program.
    pub(crate) looked: Vec<(&'static str, Duration)>,
    /// How long everything took.
    pub(crate) took: Duration,
    /// Programs are attached as long as these live. Nothing else refers to them or to the other maps.
    links: Vec<OwnedFd>,
}

impl Drop for Probe {
    /// Detaches. The kernel takes a while for some, until no processor can still be running the program, so it is asked for all at once.
    fn drop(&mut self) {
        thread::scope(|scope| {
            for link in self.links.drain(..) {
                // Without a thread to be had this one does it.
                let _alone = thread::Builder::new().spawn_scoped(scope, move || drop(link));
            }
        });
    }
}

impl Probe {
    /// Loads the kernel side and attaches it. The calling thread is the one that starts the command.
    pub(crate) fn load() -> Result<Self, LoadError> {
        let begun = Instant::now();
        let launcher = [launcher()?];
        let (prepared, found) = thread::scope(|scope| {
            let found = scope.spawn(find);
            let prepared = prepare(OBJECT, &[("ring", RING_BYTES)], &["slots"]);
            (prepared, found.join())
        });
        let mut prepared = prepared?;
        let Found { offsets, tracepoints, enter_all, entered } =
            found.unwrap_or(Err(LoadError::NoField("anything")))?;
        let tables = actions();
        let constants = HashMap::from([
            ("OFFSETS", bytes_of(&offsets)),
            ("ACTIONS", bytes_of(&tables.after)),
            ("BEFORE", bytes_of(&tables.before)),
            ("WAKE_BYTES", bytes_of(&[WAKE_BYTES])),
            ("LAUNCHER", bytes_of(&launcher)),
        ]);
        let constants = constants.into_iter().map(|(name, bytes)| (name, (bytes, true))).collect();
        prepared.complete(constants)?;
        let mut programs = tracepoints;
        programs.push(if entered.is_empty() { enter_all } else { (ENTER_CALL, Place::Event) });
        let mut loaded = prepared.load(&programs)?;
        let map = |fd| bpf::map_of(fd).map_err(|error| Refused::new("map", error));
        let ring = RingBuf::try_from(map(prepared.take("ring")?)?).map_err(refused)?;
        let lost = PerCpuArray::try_from(map(prepared.take("lost")?)?).map_err(refused)?;
        let slots = prepared.take("slots")?;
        // What cannot be attached to costs the others more: the beginnings of all calls are looked at.
        let mut links = attach_entered(&loaded, &entered);
        if links.is_empty() && !entered.is_empty() {
            loaded.extend(prepared.load(&[enter_all])?);
        }
        for program in loaded.iter().filter(|program| program.name != ENTER_CALL) {
            let what = || format!("tracepoint of {}", program.name);
            links.push(bpf::attach(program.fd.as_fd()).map_err(|error| Refused::new(&what(), error))?);
        }
        let looked = loaded.iter().map(|program| (program.name, program.took)).collect();
        let ring = Ring::new(ring);
        Ok(Self { ring, slots, lost, finds: Finds { ext4: true }, looked, took: begun.elapsed(), links })
    }

    /// Returns how many events were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.get(&0, 0).map_or(0, |counts| counts.iter().sum())
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

impl Numbers for u32 {}
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

/// Attaches to the beginnings of the calls that matter; nothing if that cannot be done here.
fn attach_entered(loaded: &[Loaded], entered: &[u64]) -> Vec<OwnedFd> {
    let program = loaded.iter().find(|program| program.name == ENTER_CALL);
    let attach = |program: &Loaded| {
        entered.iter().filter_map(|event| bpf::attach_event(program.fd.as_fd(), *event).ok()).collect()
    };
    program.map(attach).unwrap_or_default()
}

/// What is to be known of the kernel.
struct Found {
    offsets: Vec<u32>,
    /// The types of the programs' tracepoints.
    tracepoints: Vec<(&'static str, Place)>,
    /// And of the program for all beginnings.
    enter_all: (&'static str, Place),
    /// The numbers of the beginnings of calls.
    entered: Vec<u64>,
}

fn find() -> Result<Found, LoadError> {
    let kernel = KernelTypes::open().map_err(LoadError::NoBtf)?;
    let structs = FIELDS.iter().flat_map(|names| names.iter()).filter_map(|name| name.split('.').next());
    let wanted: FxHashSet<&[u8]> = structs
        .chain(PROGRAMS.iter().chain([&ENTER_ALL]).map(|(_, tracepoint)| *tracepoint))
        .map(str::as_bytes)
        .collect();
    let btf = Btf::parse(&kernel, &wanted).ok_or(LoadError::NoField("anything"))?;
    let offset = |names: &&[&'static str]| {
        let found = names.iter().find_map(|name| btf.offset(name));
        // What an io_uring does with names can be left unseen.
        let is_optional = names[0].starts_with("io_") || names[0].starts_with("filename.");
        found.or(is_optional.then_some(NO_FIELD)).ok_or(LoadError::NoField(names[0]))
    };
    let type_of = |(name, tracepoint): &(&'static str, &'static str)| {
        let number = btf.typedef(tracepoint).ok_or(LoadError::NoField(tracepoint))?;
        Ok((*name, Place::Type(number)))
    };
    Ok(Found {
        offsets: FIELDS.iter().map(offset).collect::<Result<_, _>>()?,
        tracepoints: PROGRAMS.iter().map(type_of).collect::<Result<_, LoadError>>()?,
        enter_all: type_of(&ENTER_ALL)?,
        entered: ENTERED.iter().filter_map(|call| event_number(call)).collect(),
    })
}

/// Returns the number of an event of system calls.
fn event_number(call: &str) -> Option<u64> {
    TRACEFS.iter().find_map(|tracefs| {
        let number = std::fs::read_to_string(format!("{tracefs}/events/syscalls/{call}/id")).ok()?;
        number.trim().parse().ok()
    })
}
