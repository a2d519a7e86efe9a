//! The kernel side, loaded and attached: its maps.
//!
//! # Safety
//!
//! The marks are a mapping of a map of the kernel side, which lasts as long as this does.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use aya::maps::{Array, Map, MapData, PerCpuArray, RingBuf};
use aya::programs::Program;
use aya::{Btf as KernelBtf, Ebpf, EbpfLoader};
use tracer_ebpf_abi::{Action, CALLS, FIELDS, PIDS, SLOTS, Slot};

use crate::actions::actions;
use crate::btf::Btf;

/// The object, as `cargo xtask probe` makes it.
static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../object/probe.bpf"));

/// Where the kernel has its type information.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Length of the ring: what is told while the reader sleeps. A power of two.
const RING_BYTES: u32 = 16 << 20;

/// Programs, and the tracepoints that they are for.
const PROGRAMS: &[(&str, &str)] = &[
    ("sys_exit", "sys_exit"),
    ("sys_enter", "sys_enter"),
    ("map_pages", "mm_filemap_map_pages"),
    ("ring_complete", "io_uring_complete"),
    ("fork", "sched_process_fork"),
    ("exec", "sched_process_exec"),
    ("exit", "sched_process_exit"),
];

/// A mark of a process of the run.
const MEMBER: u8 = 0x80;

/// Why the kernel side could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("the kernel's type information {KERNEL_BTF} cannot be read: {0}")]
    NoBtf(io::Error),
    #[error("the kernel's type information does not say where {0} is")]
    NoField(&'static str),
    #[error("{0}")]
    Refused(String),
}

/// What the kernel side is loaded as.
pub(crate) struct Probe {
    pub(crate) ring: RingBuf<MapData>,
    pub(crate) marks: Marks,
    slots: Array<MapData, SlotValue>,
    lost: PerCpuArray<MapData, u64>,
    /// Attached as long as it lives.
    _programs: Ebpf,
}

/// The table of marks, shared with the kernel side.
pub(crate) struct Marks(*mut u8);

impl Marks {
    /// Marks the calling process; async-signal-safe.
    pub(crate) fn mark_self(&self) {
        // SAFETY: takes nothing.
        let pid = unsafe { libc::getpid() } as usize;
        // SAFETY: the mask keeps it within the table.
        let mark = unsafe { self.0.add(pid & (PIDS - 1)) };
        // SAFETY: a byte of the mapping.
        unsafe { mark.write_volatile(MEMBER) };
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        // SAFETY: mapped by `load`.
        unsafe { libc::munmap(self.0.cast(), PIDS) };
    }
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct SlotValue(Slot);

// SAFETY: plain numbers, without padding.
unsafe impl aya::Pod for SlotValue {}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Table([Action; CALLS]);

// SAFETY: plain numbers, without padding.
unsafe impl aya::Pod for Table {}

impl Probe {
    /// Loads the kernel side and attaches it.
    pub(crate) fn load() -> Result<Self, LoadError> {
        let refused = |what: &str, error: &dyn std::error::Error| {
            LoadError::Refused(format!("{what}: {}", chain(error)))
        };
        let kernel = std::fs::read(KERNEL_BTF).map_err(LoadError::NoBtf)?;
        let offsets = offsets(&kernel)?;
        let btf =
            KernelBtf::parse(&kernel, aya::Endianness::default()).map_err(|error| refused("BTF", &error))?;
        let tables = actions();
        let table = |actions: &[Action]| {
            let mut table = Table([Action::default(); CALLS]);
            table.0.copy_from_slice(actions);
            table
        };
        let (before, after) = (table(&tables.before), table(&tables.after));
        let mut loader = EbpfLoader::new();
        loader.btf(Some(&btf)).map_max_entries("ring", RING_BYTES);
        loader
            .override_global("OFFSETS", &offsets[..], true)
            .override_global("ACTIONS", &after, true)
            .override_global("BEFORE", &before, true);
        let mut programs = loader.load(OBJECT).map_err(|error| refused("the maps", &error))?;
        for (name, tracepoint) in PROGRAMS {
            let program =
                programs.program_mut(name).ok_or_else(|| LoadError::Refused(format!("no program {name}")))?;
            let Program::BtfTracePoint(program) = program else {
                return Err(LoadError::Refused(format!("{name} is no program for a tracepoint")));
            };
            program.load(tracepoint, &btf).map_err(|error| refused(name, &error))?;
        }
        let mut take =
            |name: &str| programs.take_map(name).ok_or_else(|| LoadError::Refused(format!("no map {name}")));
        let marks = map_marks(&take("tracked")?)?;
        let ring = RingBuf::try_from(take("ring")?).map_err(|error| refused("ring", &error))?;
        let slots = Array::try_from(take("slots")?).map_err(|error| refused("slots", &error))?;
        let lost = PerCpuArray::try_from(take("lost")?).map_err(|error| refused("lost", &error))?;
        for (name, _) in PROGRAMS {
            if let Some(Program::BtfTracePoint(program)) = programs.program_mut(name) {
                program.attach().map_err(|error| refused(name, &error))?;
            }
        }
        Ok(Self { ring, marks, slots, lost, _programs: programs })
    }

    /// Returns how many events were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.get(&0, 0).map_or(0, |counts| counts.iter().sum())
    }

    /// Returns what was counted and not told.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        (0..SLOTS as u32)
            .filter_map(|at| self.slots.get(&at, 0).ok())
            .map(|SlotValue(slot)| slot)
            .filter(|slot| slot.bytes != [0, 0])
            .collect()
    }
}

fn map_marks(map: &Map) -> Result<Marks, LoadError> {
    let Map::Array(data) = map else {
        return Err(LoadError::Refused("the table of processes is no array".to_owned()));
    };
    let fd = data.fd().as_fd().as_raw_fd();
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let place = unsafe { libc::mmap(ptr::null_mut(), PIDS, protection, libc::MAP_SHARED, fd, 0) };
    if place == libc::MAP_FAILED {
        return Err(LoadError::Refused(format!("the table of processes: {}", io::Error::last_os_error())));
    }
    Ok(Marks(place.cast()))
}

fn offsets(kernel: &[u8]) -> Result<Vec<u32>, LoadError> {
    let structs: Vec<&str> =
        FIELDS.iter().flat_map(|names| names.iter()).filter_map(|name| name.split('.').next()).collect();
    let btf = Btf::parse(kernel, &structs).ok_or(LoadError::NoField("anything"))?;
    FIELDS
        .iter()
        .map(|names| names.iter().find_map(|name| btf.offset(name)).ok_or(LoadError::NoField(names[0])))
        .collect()
}

/// Returns an error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words += ": ";
        words += &error.to_string();
        cause = error.source();
    }
    words
}
