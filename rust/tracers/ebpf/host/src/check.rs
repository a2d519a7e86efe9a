//! Can this tracer be used here?
//!
//! # Safety
//!
//! Calls with places that live through them.

use std::fs::{self, File};
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use tracer_host::preflight::{
    CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN, CheckArguments, Checklist, Fact, Machine, errno_words,
};
use tracer_host::programs::has_file_capabilities;

use crate::btf::KERNEL_BTF;
use crate::probe::Probe;
use crate::{StartError, bpf, run};

/// The first kernel with ring buffers and with these two capabilities.
const OLDEST_KERNEL: (u32, u32) = (5, 8);

/// From this kernel on what BPF takes is accounted to the control group, and no limit of a process holds.
const NO_LIMIT_KERNEL: (u32, u32) = (5, 11);

/// What the maps and programs of a run take of RLIMIT_MEMLOCK on older kernels.
const LOCKED_BYTES: u64 = 32 << 20;

/// What gives the program its capabilities.
const ENABLE: &str = "`sudo roar tracer enable ebpf`";

const CONTAINER: &str = "start the container with `--privileged`, or with `--cap-add BPF --cap-add PERFMON` and a seccomp profile that \
    allows bpf(2)";

/// An answer on standard output.
pub(crate) type Answer = Checklist<io::Stdout>;

/// Begins to answer: with what can be read, before the kernel side is loaded.
pub(crate) fn begin() -> Answer {
    let machine = Machine::read();
    let mut list = Checklist::begin(io::stdout(), "ebpf");
    list.tell(&machine.kernel_fact(OLDEST_KERNEL));
    list.tell(&types_fact());
    list.tell(&call_fact(&machine));
    machine.filter_fact().iter().for_each(|fact| list.tell(fact));
    privilege_facts(&machine).iter().for_each(|fact| list.tell(fact));
    [lockdown_fact(), memory_fact(&machine)].iter().flatten().for_each(|fact| list.tell(fact));
    list.tell(&tracefs_fact());
    list.trying("to load the programs into the kernel");
    list
}

/// Ends it, with what came of loading the kernel side.
pub(crate) fn end(
    mut list: Answer,
    loaded: Result<Probe, StartError>,
    question: &CheckArguments,
    mask: &libc::sigset_t,
) -> ExitCode {
    let fact =
        |is_met, found, remedy| Fact::deciding("programs", is_met, found, "the kernel takes them", remedy);
    match loaded {
        Ok(probe) => {
            list.tell(&fact(true, loaded_text(&probe.looked), ""));
            list.try_out(question, "", |arguments| run::trace(probe, arguments, None, mask));
        }
        // These say themselves what to do.
        Err(error @ StartError::Privilege(_)) => list.tell(&fact(false, error.to_string(), "")),
        Err(error @ StartError::Load(_)) => list.tell(&fact(false, error.to_string(), ENABLE)),
    }
    // Whatever program it is, its calls are the kernel's.
    list.target(question, |target| target.fact(true, "any program", ""));
    list.end()
}

/// Returns what was loaded, and how long the kernel looked at it, on as many processors as there are: in all, and where it took longest.
fn loaded_text(looked: &[(&str, Duration)]) -> String {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let total: Duration = looked.iter().map(|(_, time)| *time).sum();
    let longest = looked.iter().max_by_key(|(_, time)| *time);
    let longest = longest.map_or(String::new(), |(name, time)| format!(" ({name} {:.0})", ms(*time)));
    format!("{} programs, loaded in {:.0} ms{longest} and attached", looked.len(), ms(total))
}

fn types_fact() -> Fact {
    let needed = "readable: where the kernel's structures have their fields";
    let remedy = "use a kernel that was built with CONFIG_DEBUG_INFO_BTF, as those of distributions are";
    match File::open(KERNEL_BTF) {
        Ok(_) => Fact::met("BTF", KERNEL_BTF, needed),
        Err(error) => Fact::explaining("BTF", false, format!("{KERNEL_BTF}: {error}"), needed, remedy),
    }
}

/// Makes the call with a command that there is not: what answers EINVAL is there and asks for nothing more.
fn call_fact(machine: &Machine) -> Fact {
    let error = bpf::ask_nothing();
    let is_met = error.raw_os_error() == Some(libc::EINVAL);
    let has_rights = machine.has(CAP_BPF) || machine.has(CAP_SYS_ADMIN);
    let found = if is_met { "it answers".to_owned() } else { errno_words(&error) };
    let remedy = match error.raw_os_error() {
        Some(libc::ENOSYS) if machine.is_gvisor() => {
            "nothing can be done inside gVisor: use `--tracer preload`"
        }
        Some(libc::ENOSYS) => CONTAINER,
        _ if has_rights && !machine.is_in_user_namespace() => CONTAINER,
        _ => ENABLE,
    };
    Fact::explaining("bpf(2)", is_met, found, "the kernel answers it", remedy)
}

fn privilege_facts(machine: &Machine) -> Vec<Fact> {
    let is_root = machine.has(CAP_SYS_ADMIN);
    let is_inside = machine.is_in_user_namespace();
    let enabled = std::env::current_exe().is_ok_and(|own| has_file_capabilities(&own));
    let mut facts = Vec::new();
    if is_inside {
        facts.push(Fact::explaining(
            "user namespace",
            false,
            "capabilities count inside this user namespace alone",
            "the first one, or capabilities from outside",
            "run roar outside of the namespace (rootless containers are one), or use another backend",
        ));
    }
    if enabled && machine.has_no_new_privs() {
        facts.push(Fact::explaining(
            "no_new_privs",
            false,
            "set: the capabilities of the tracer's file have no effect",
            "not set",
            "start roar outside of what sets it: a sandbox, `setpriv --no-new-privs`, systemd's NoNewPrivileges=, \
             Kubernetes' allowPrivilegeEscalation: false",
        ));
    }
    let remedy = if enabled {
        "put the tracer on a file system without `nosuid`, and start it by nobody who is traced or may gain no privileges"
    } else {
        ENABLE
    };
    for (name, capability, purpose) in [
        ("CAP_BPF", CAP_BPF, "to load programs and make maps"),
        ("CAP_PERFMON", CAP_PERFMON, "to attach them and read the kernel's memory"),
    ] {
        let found = match (machine.has(capability), is_root, enabled) {
            (true, ..) if is_inside => "there, for this namespace alone",
            (true, ..) => "there",
            (false, true, _) => "CAP_SYS_ADMIN stands for it",
            (false, false, true) => "the tracer's file has it, without effect",
            (false, false, false) => "not there",
        };
        let is_met = (machine.has(capability) || is_root) && !is_inside;
        facts.push(Fact::explaining(name, is_met, found, purpose, remedy));
    }
    facts
}

/// Returns the fact about the kernel being locked down, where it is so far that BPF may not read (kernel_lockdown(7)).
fn lockdown_fact() -> Option<Fact> {
    let text = fs::read_to_string("/sys/kernel/security/lockdown").ok()?;
    let is_locked = text.contains("[confidentiality]");
    let remedy = "start the machine without lockdown=confidentiality, or use another backend";
    is_locked.then(|| Fact::explaining("lockdown", false, "confidentiality", "none, or integrity", remedy))
}

fn memory_fact(machine: &Machine) -> Option<Fact> {
    if machine.kernel() >= NO_LIMIT_KERNEL {
        return None;
    }
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a valid place.
    unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) };
    let is_met = limit.rlim_cur >= LOCKED_BYTES;
    let found = format!("{} KiB", limit.rlim_cur / 1024);
    let needed = format!("{} KiB on kernels before 5.11", LOCKED_BYTES / 1024);
    Some(Fact::explaining(
        "RLIMIT_MEMLOCK",
        is_met,
        found,
        &needed,
        "`ulimit -l unlimited`, which may take root",
    ))
}

/// Without it a run costs other programs more; nothing fails.
fn tracefs_fact() -> Fact {
    let is_there = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"]
        .iter()
        .any(|path| File::open(path).is_ok());
    let found = if is_there {
        "readable"
    } else {
        "not readable: runs longer than 100 ms cost other programs a little more"
    };
    Fact::met("tracefs", found, "not needed")
}
