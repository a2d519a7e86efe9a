//! What the running kernel has: where fields of its structures are, what programs can be attached to, and what it can do.

use std::io;
use std::os::fd::OwnedFd;

use rustc_hash::FxHashSet;
use tracer_ebpf_abi::{FIELDS, Features, NO_FIELD};

use crate::bpf::{self, Hook};
use crate::btf::{Btf, KernelTypes};
use crate::fit::Functions;
use crate::load::{Part, Refused, Way};
use crate::probe::{ENTER_ALL, LoadError, RING, RING_BYTES};

/// Where a program may be attached to, by its name in the kernel's type information.
#[derive(Clone, Copy)]
enum Place {
    Tracepoint(&'static str),
    /// The beginning of a function. Not all kernels let programs see that.
    Function(&'static str),
}

use Place::{Function, Tracepoint};

/// What is to be seen, and the programs that see it, each with its place: the best one first. Those first that the verifier takes longest
/// for.
const PARTS: &[(Need, &[(&str, Place)])] = &[
    (Need::Always, &[(EXIT, Tracepoint("btf_trace_sys_exit"))]),
    (Need::Preemptible, &[(EXIT_AGAIN, Tracepoint("btf_trace_sys_exit"))]),
    (Need::Always, &[("exec", Tracepoint("btf_trace_sched_process_exec"))]),
    (Need::Untold, &[(ENTER_ALL, Tracepoint("btf_trace_sys_enter"))]),
    (
        Need::UntoldPerhaps,
        &[
            ("map_pages", Tracepoint("btf_trace_mm_filemap_map_pages")),
            ("want_write", Function("mnt_want_write")),
        ],
    ),
    (
        Need::Rings,
        &[
            ("ring_submit", Tracepoint("btf_trace_io_uring_submit_req")),
            ("ring_submit", Tracepoint("btf_trace_io_uring_submit_sqe")),
        ],
    ),
    (Need::Rings, &[("ring_complete", Tracepoint(COMPLETE))]),
    (
        Need::UntoldPerhaps,
        &[
            (NAME_UNLINKED, Function("security_inode_unlink")),
            (EXT4_UNLINKED, Tracepoint("btf_trace_ext4_unlink_enter")),
        ],
    ),
    (
        Need::UntoldPerhaps,
        &[
            (NAME_REPLACED, Function("security_inode_rename")),
            (EXT4_DIRTIED, Tracepoint("btf_trace_ext4_mark_inode_dirty")),
        ],
    ),
    (Need::Told, &[("path_rename", Function(PATH_RENAME))]),
    (Need::Told, &[("path_unlink", Function("security_path_unlink"))]),
    (Need::Always, &[("exit", Tracepoint("btf_trace_sched_process_exit"))]),
    (Need::Always, &[("fork", Tracepoint("btf_trace_sched_process_fork"))]),
];

/// The program for the end of every call, and the one behind it for calls that the kernel leaves it out of.
pub(crate) const EXIT: &str = "sys_exit";
pub(crate) const EXIT_AGAIN: &str = "sys_exit_again";

const PATH_RENAME: &str = "security_path_rename";

pub(crate) const NAME_UNLINKED: &str = "name_unlinked";
pub(crate) const NAME_REPLACED: &str = "name_replaced";
pub(crate) const EXT4_UNLINKED: &str = "unlinked";
pub(crate) const EXT4_DIRTIED: &str = "dirtied";

const COMPLETE: &str = "btf_trace_io_uring_complete";

/// When a part is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Always,
    /// Where programs may be preempted.
    Preemptible,
    /// Where what is done by way of io_urings is seen.
    Rings,
    /// Where names that calls remove or change are told of by the kernel's own functions.
    Told,
    /// Where they are not.
    Untold,
    /// There, if it can be had: what is unknown without it is told of as such.
    UntoldPerhaps,
}

/// A type that there is only where programs may be preempted (since Linux 7): that of the lock that tracepoints hold meanwhile.
const PREEMPTIBLE: &str = "class_srcu_fast_notrace_t";

/// Functions of the kernel that programs may call.
const CAST: &str = "bpf_rdonly_cast";
const PREEMPTION: [&str; 2] = ["bpf_preempt_disable", "bpf_preempt_enable"];

/// What is to be known and had of the kernel.
pub(crate) struct Kernel {
    pub(crate) offsets: Vec<u32>,
    pub(crate) parts: Vec<Part>,
    pub(crate) features: Features,
    /// Whether what is done by way of io_urings is seen: since Linux 5.18.
    pub(crate) sees_rings: bool,
    /// Whether names that calls remove or change are told of by the kernel's own functions: since Linux 5.15, if programs may be attached
    /// to functions, and the kernel asks security modules about paths.
    pub(crate) tells_names: bool,
    pub(crate) functions: Functions,
    /// The ring: the kernel takes as long to make it as all the other maps.
    pub(crate) ring: OwnedFd,
}

impl Kernel {
    pub(crate) fn find() -> Result<Self, LoadError> {
        let kernel = KernelTypes::open().map_err(LoadError::NoBtf)?;
        let structs = FIELDS.iter().flat_map(|names| names.iter()).filter_map(|name| name.split('.').next());
        let places = || PARTS.iter().flat_map(|(_, ways)| ways.iter().map(|(_, place)| *place));
        let names = places().filter_map(|place| if let Tracepoint(name) = place { Some(name) } else { None });
        let wanted: FxHashSet<&[u8]> = structs.chain(names).chain([PREEMPTIBLE]).map(str::as_bytes).collect();
        let functions =
            places().filter_map(|place| if let Function(name) = place { Some(name) } else { None });
        let functions: Vec<&str> = functions.chain([CAST]).chain(PREEMPTION).collect();
        let btf = Btf::parse(&kernel, &wanted, &functions).ok_or(LoadError::NoField("anything"))?;
        let rings = ring_form(&btf);
        let release = release();
        // bpf_task_pt_regs() is younger than programs for functions.
        let tells_names = release >= (5, 15) && btf.function(PATH_RENAME).is_some_and(bpf::may_see_function);
        // Since Linux 6.16 it takes any address.
        let cast = btf.function(CAST).filter(|_| release >= (6, 16));
        let preemption = if may_be_preempted() && btf.typedef(PREEMPTIBLE).is_some() {
            let [disable, enable] = PREEMPTION.map(|name| btf.function(name).ok_or(LoadError::NoField(name)));
            Some([disable?, enable?])
        } else {
            None
        };
        Ok(Self {
            offsets: FIELDS.iter().map(|names| offset(&btf, names)).collect::<Result<_, _>>()?,
            parts: parts(&btf, preemption.is_some(), rings.is_some(), tells_names)?,
            features: Features {
                loads: u32::from(cast.is_some()),
                typed_task: u32::from(release >= (5, 11) && cast.is_none()),
                ring_result: u32::from(rings == Some(RingForm::Result)),
                preemptible: u32::from(preemption.is_some()),
            },
            sees_rings: rings.is_some(),
            tells_names,
            functions: Functions { cast, preemption },
            ring: bpf::make_ring(RING, RING_BYTES).map_err(|error| Refused::new("map ring", error))?,
        })
    }
}

fn offset(btf: &Btf<'_>, names: &[&'static str]) -> Result<u32, LoadError> {
    let found = names.iter().find_map(|name| btf.offset(name));
    // What an io_uring does with names can be left unseen; of mappings a kernel has a list or a tree.
    const OPTIONAL: &[&str] =
        &["io_", "filename.", "mm_struct.mmap", "mm_struct.mm_mt.", "vm_area_struct.vm_next", "maple_"];
    let is_optional = OPTIONAL.iter().any(|start| names[0].starts_with(start));
    found.or(is_optional.then_some(NO_FIELD)).ok_or(LoadError::NoField(names[0]))
}

/// Returns the parts that this kernel has something for.
fn parts(
    btf: &Btf<'_>,
    is_preemptible: bool,
    sees_rings: bool,
    tells_names: bool,
) -> Result<Vec<Part>, LoadError> {
    let mut parts = Vec::with_capacity(PARTS.len());
    for (need, ways) in PARTS {
        let is_wanted = match need {
            Need::Always => true,
            Need::Preemptible => is_preemptible,
            Need::Rings => sees_rings,
            Need::Told => tells_names,
            Need::Untold | Need::UntoldPerhaps => !tells_names,
        };
        if !is_wanted {
            continue;
        }
        let found = ways.iter().filter_map(|(program, place)| {
            let hook = match place {
                Tracepoint(name) => Hook::Tracepoint(btf.typedef(name)?),
                Function(name) => Hook::Function(btf.function(name)?),
            };
            Some(Way { program, hook })
        });
        let found: Vec<Way> = found.collect();
        let is_needed = *need != Need::UntoldPerhaps;
        if found.is_empty() && is_needed {
            let (Tracepoint(name) | Function(name)) = ways[0].1;
            return Err(LoadError::NoField(name));
        }
        parts.push(Part { ways: found, is_needed });
    }
    Ok(parts)
}

/// What `io_uring_complete` says of a request that is done (include/trace/events/io_uring.h).
#[derive(Clone, Copy, PartialEq, Eq)]
enum RingForm {
    /// Its entry in the ring.
    Entry,
    /// Its result.
    Result,
}

/// Returns which of the two it is; `None` for the earlier forms, which do not say the request.
fn ring_form(btf: &Btf<'_>) -> Option<RingForm> {
    // What the tracepoint is registered with comes first.
    match btf.parameters(COMPLETE)?[..] {
        [_, true, true, true] => Some(RingForm::Entry),
        [_, true, true, false, ..] => Some(RingForm::Result),
        _ => None,
    }
}

/// Returns whether programs may be preempted on kernels of this age.
pub(crate) fn may_be_preempted() -> bool {
    release() >= (7, 0)
}

/// Returns major and minor number of the kernel's release; zeros if it is none that is understood.
fn release() -> (u32, u32) {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    let mut numbers = release.split(|sign: char| !sign.is_ascii_digit()).map_while(|part| part.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The limit of memory that may be locked, out of the way while this lives: before Linux 5.11 the kernel counts maps and programs there.
/// It is as it was before the command is made.
pub(crate) struct Unlimited(Option<libc::rlimit>);

impl Unlimited {
    pub(crate) fn begin() -> Self {
        if release() >= (5, 11) {
            return Self(None);
        }
        let mut was = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: a valid place.
        if unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut was) } != 0 {
            return Self(None);
        }
        let all = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        let most = libc::rlimit { rlim_cur: was.rlim_max, ..was };
        // Who may not do the one may do the other.
        if set_limit(&all).is_err() {
            let _as_it_is = set_limit(&most);
        }
        Self(Some(was))
    }
}

impl Drop for Unlimited {
    fn drop(&mut self) {
        if let Some(was) = &self.0 {
            let _as_it_is = set_limit(was);
        }
    }
}

fn set_limit(limit: &libc::rlimit) -> io::Result<()> {
    // SAFETY: a valid place.
    let failed = unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, limit) };
    if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
