//! The beginnings of some system calls (tracefs, `events/syscalls`): a program that is attached to them costs the other calls next to
//! nothing, since the kernel looks at the number of a call before it starts any program (perf_syscall_enter in
//! kernel/trace/trace_syscalls.c).
//!
//! # Safety
//!
//! Attributes are plain numbers, zero where nothing is said.

use std::fs;
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

use aya_obj::generated::{perf_event_attr, perf_type_id};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

/// Where tracefs is, and where it was.
const TRACEFS: &[&str] = &["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// tracefs, wherever it is.
enum Tracefs {
    Mounted(&'static str),
    /// Mounted nowhere but behind this descriptor.
    Detached(OwnedFd),
}

impl Tracefs {
    fn find() -> Option<Self> {
        let is_there = |place: &&&str| fs::exists(Path::new(place).join("events/syscalls")).unwrap_or(false);
        TRACEFS.iter().find(is_there).map(|place| Self::Mounted(place)).or_else(|| Self::mount().ok())
    }

    /// Mounts it where nobody else sees it, and which is over with the descriptor (Linux 5.2).
    fn mount() -> rustix::io::Result<Self> {
        let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_create(context.as_fd())?;
        let flags = MountAttrFlags::MOUNT_ATTR_RDONLY;
        fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags).map(Self::Detached)
    }

    /// Reads the id of the tracepoint for the beginning of a call.
    fn id(&self, call: &str) -> io::Result<String> {
        let file = format!("events/syscalls/sys_enter_{call}/id");
        let root = match self {
            Self::Mounted(place) => (*place).to_owned(),
            Self::Detached(root) => format!("/proc/self/fd/{}", root.as_raw_fd()),
        };
        fs::read_to_string(Path::new(&root).join(file))
    }
}

/// Calls that destroy something, which can be looked at before that alone. Some machines have but the newest of them.
const CALLS: &[&str] = &["rename", "renameat", "renameat2", "unlink", "unlinkat"];

/// Returns the ids of the tracepoints of these calls; none if they cannot all be had.
pub(crate) fn tracepoints() -> Vec<u64> {
    let Some(tracefs) = Tracefs::find() else { return Vec::new() };
    let mut ids = Vec::new();
    for call in CALLS {
        match tracefs.id(call) {
            Ok(id) => ids.extend(id.trim().parse::<u64>()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return Vec::new(),
        }
    }
    ids
}

/// Attaches a program to the tracepoint of that id, of all processes, until the descriptor is closed.
pub(crate) fn attach(id: u64, program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    /// PERF_EVENT_IOC_SET_BPF and PERF_EVENT_IOC_ENABLE (include/uapi/linux/perf_event.h).
    const SET_BPF: libc::c_ulong = 0x4004_2408;
    const ENABLE: libc::c_ulong = 0x2400;
    const ANY_PROCESS: libc::pid_t = -1;
    // Programs run on whichever processor a call is made; the event has to be of one.
    const PROCESSOR: libc::c_int = 0;
    const NO_GROUP: libc::c_int = -1;
    /// PERF_FLAG_FD_CLOEXEC.
    const FD_CLOEXEC: libc::c_ulong = 8;
    // SAFETY: numbers alone.
    let mut attributes: perf_event_attr = unsafe { mem::zeroed() };
    attributes.type_ = perf_type_id::PERF_TYPE_TRACEPOINT as u32;
    attributes.size = size_of::<perf_event_attr>() as u32;
    attributes.config = id;
    attributes.__bindgen_anon_1.sample_period = 1;
    // SAFETY: see the module.
    let fd = unsafe {
        let (how, flags) = (&raw const attributes, FD_CLOEXEC);
        libc::syscall(libc::SYS_perf_event_open, how, ANY_PROCESS, PROCESSOR, NO_GROUP, flags)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made it.
    let event = unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) };
    for (request, argument) in [(SET_BPF, program.as_raw_fd()), (ENABLE, 0)] {
        // SAFETY: requests with a number.
        if unsafe { libc::ioctl(event.as_raw_fd(), request, argument) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(event)
}
