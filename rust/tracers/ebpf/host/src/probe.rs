//! The kernel side, loaded and attached: its maps.
use std::io;
use std::os::unix::fs::MetadataExt;

use aya::maps::{Array, MapData, PerCpuArray, RingBuf};
use aya::programs::{BtfTracePoint, Program};
use aya::{Btf as KernelBtf, Ebpf, EbpfLoader};
use tracer_ebpf_abi::{Action, FIELDS, Launcher, NO_FIELD, ROWS, SLOTS, Slot};

use crate::actions::actions;
use crate::btf::Btf;
use crate::collector::Finds;
use crate::ring::Ring;

/// The object, as `cargo xtask probe` makes it.
static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../object/probe.bpf"));

/// Where the kernel has its type information.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Length of the ring: what is told while the reader sleeps. A power of two.
const RING_BYTES: u32 = 16 << 20;

/// What may wait in it before a reader is woken.
const WAKE_BYTES: u64 = RING_BYTES as u64 / 8;

/// Programs, and the tracepoints that they are for.
const PROGRAMS: &[(&str, &str)] = &[
    ("sys_exit", "sys_exit"),
    ("map_pages", "mm_filemap_map_pages"),
    ("ring_submit", "io_uring_submit_req"),
    ("ring_complete", "io_uring_complete"),
    ("unlinked", "ext4_unlink_enter"),
    ("dirtied", "ext4_mark_inode_dirty"),
    ("fork", "sched_process_fork"),
    ("exec", "sched_process_exec"),
    ("exit", "sched_process_exit"),
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

/// The program for the beginning of every call, where there is no tracefs to be read.
const ENTER_ALL: &str = "sys_enter";

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
    #[error("{0}")]
    Refused(String),
}

/// What the kernel side is loaded as.
pub(crate) struct Probe {
    pub(crate) ring: Ring,
    slots: Array<MapData, SlotValue>,
    lost: PerCpuArray<MapData, u64>,
    pub(crate) finds: Finds,
    /// Attached as long as it lives.
    _programs: Ebpf,
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct SlotValue(Slot);

// SAFETY: plain numbers, without padding.
unsafe impl aya::Pod for SlotValue {}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Table([Action; ROWS]);

// SAFETY: plain numbers, without padding.
unsafe impl aya::Pod for Table {}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct LauncherValue(Launcher);

// SAFETY: plain numbers, without padding.
unsafe impl aya::Pod for LauncherValue {}

impl Probe {
    /// Loads the kernel side and attaches it.
    pub(crate) fn load() -> Result<Self, LoadError> {
        let kernel = std::fs::read(KERNEL_BTF).map_err(LoadError::NoBtf)?;
        let offsets = offsets(&kernel)?;
        let btf =
            KernelBtf::parse(&kernel, aya::Endianness::default()).map_err(|error| refused("BTF", &error))?;
        let tables = actions();
        let table = |actions: &[Action]| {
            let mut table = Table([Action::default(); ROWS]);
            table.0.copy_from_slice(actions);
            table
        };
        let (before, after) = (table(&tables.before), table(&tables.after));
        let launcher = LauncherValue(launcher()?);
        let mut loader = EbpfLoader::new();
        loader.btf(Some(&btf)).map_max_entries("ring", RING_BYTES);
        loader
            .override_global("OFFSETS", &offsets[..], true)
            .override_global("ACTIONS", &after, true)
            .override_global("BEFORE", &before, true)
            .override_global("WAKE_BYTES", &WAKE_BYTES, true)
            .override_global("LAUNCHER", &launcher, true);
        let mut programs = loader.load(OBJECT).map_err(|error| refused("the maps", &error))?;
        for (name, tracepoint) in PROGRAMS {
            load(&mut programs, name, tracepoint, &btf)?;
        }
        let mut take =
            |name: &str| programs.take_map(name).ok_or_else(|| LoadError::Refused(format!("no map {name}")));
        let ring = Ring::new(RingBuf::try_from(take("ring")?).map_err(|error| refused("ring", &error))?);
        let slots = Array::try_from(take("slots")?).map_err(|error| refused("slots", &error))?;
        let lost = PerCpuArray::try_from(take("lost")?).map_err(|error| refused("lost", &error))?;
        if !attach_entered(&mut programs) {
            load(&mut programs, ENTER_ALL, ENTER_ALL, &btf)?;
            attach(&mut programs, ENTER_ALL)?;
        }
        for (name, _) in PROGRAMS {
            attach(&mut programs, name)?;
        }
        let finds = Finds { ext4: true };
        Ok(Self { ring, slots, lost, finds, _programs: programs })
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

fn refused(what: &str, error: &dyn std::error::Error) -> LoadError {
    LoadError::Refused(format!("{what}: {}", chain(error)))
}

fn tracepoint<'a>(programs: &'a mut Ebpf, name: &str) -> Result<&'a mut BtfTracePoint, LoadError> {
    match programs.program_mut(name) {
        Some(Program::BtfTracePoint(program)) => Ok(program),
        _ => Err(LoadError::Refused(format!("{name} is no program for a tracepoint"))),
    }
}

fn load(programs: &mut Ebpf, name: &str, at: &str, btf: &KernelBtf) -> Result<(), LoadError> {
    tracepoint(programs, name)?.load(at, btf).map_err(|error| refused(name, &error))
}

fn attach(programs: &mut Ebpf, name: &str) -> Result<(), LoadError> {
    tracepoint(programs, name)?.attach().map(drop).map_err(|error| refused(name, &error))
}

/// Attaches to the beginnings of the calls that matter; `false` if that cannot be done here.
fn attach_entered(programs: &mut Ebpf) -> bool {
    let Some(Program::TracePoint(program)) = programs.program_mut(ENTER_CALL) else { return false };
    if program.load().is_err() {
        return false;
    }
    let attached = ENTERED.iter().filter(|call| program.attach("syscalls", call).is_ok()).count();
    attached > 0
}

/// Returns who starts the command: the calling thread.
fn launcher() -> Result<Launcher, LoadError> {
    let namespace = std::fs::metadata(OWN_NAMESPACE).map_err(LoadError::NoNamespace)?;
    // SAFETY: takes nothing.
    Ok(Launcher { pid: unsafe { libc::gettid() } as u32, namespace: namespace.ino() as u32 })
}

fn offsets(kernel: &[u8]) -> Result<Vec<u32>, LoadError> {
    let structs: Vec<&str> =
        FIELDS.iter().flat_map(|names| names.iter()).filter_map(|name| name.split('.').next()).collect();
    let btf = Btf::parse(kernel, &structs).ok_or(LoadError::NoField("anything"))?;
    FIELDS
        .iter()
        .map(|names| {
            let found = names.iter().find_map(|name| btf.offset(name));
            // What an io_uring does with names can be left unseen.
            let is_optional = names[0].starts_with("io_") || names[0].starts_with("filename.");
            found.or(is_optional.then_some(NO_FIELD)).ok_or(LoadError::NoField(names[0]))
        })
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
