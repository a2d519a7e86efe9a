//! What of the machine and of this process's rights decides which backends can work, as far as it can be read.
//!
//! # Safety
//!
//! Plain calls with places that live through them.

use std::fs;
use std::io;

use super::Fact;

/// Numbers of capabilities (linux/capability.h).
pub const CAP_SYS_PTRACE: u32 = 19;
/// See [`CAP_SYS_PTRACE`].
pub const CAP_SYS_ADMIN: u32 = 21;
/// See [`CAP_SYS_PTRACE`].
pub const CAP_PERFMON: u32 = 38;
/// See [`CAP_SYS_PTRACE`].
pub const CAP_BPF: u32 = 39;

/// What gVisor answers to uname(2) and in `/proc/version`, whatever kernel is below it.
const GVISOR: &str = "#1 SMP Sun Jan 10 15:06:54 PST 2016";

/// The whole range of user ids, as the first user namespace has it (user_namespaces(7)).
const ALL_IDS: [&str; 3] = ["0", "0", "4294967295"];

/// What was read of the machine and of this process.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// `uname -r`.
    pub release: String,
    /// `uname -v`.
    version: String,
    /// `/proc/self/status`.
    status: String,
    /// `/proc/self/uid_map`.
    uid_map: String,
    /// `kernel.yama.ptrace_scope`, where the kernel has Yama.
    pub yama_scope: Option<u32>,
}

impl Machine {
    /// Reads it.
    pub fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let yama = text("/proc/sys/kernel/yama/ptrace_scope");
        let line = |path: &str| text(path).trim().to_owned();
        Self {
            release: line("/proc/sys/kernel/osrelease"),
            version: line("/proc/sys/kernel/version"),
            status: text("/proc/self/status"),
            uid_map: text("/proc/self/uid_map"),
            yama_scope: yama.trim().parse().ok(),
        }
    }

    /// Returns a field of the process's status (proc_pid_status(5)).
    pub fn status(&self, name: &str) -> Option<&str> {
        self.status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    /// Returns whether this process has the capability in force.
    pub fn has(&self, capability: u32) -> bool {
        let set = self.status("CapEff").and_then(|set| u64::from_str_radix(set, 16).ok());
        set.is_some_and(|set| set >> capability & 1 != 0)
    }

    /// Returns whether capabilities count in this user namespace alone.
    pub fn is_in_user_namespace(&self) -> bool {
        let mut words = self.uid_map.split_ascii_whitespace();
        let is_first = words.by_ref().take(ALL_IDS.len()).eq(ALL_IDS) && words.next().is_none();
        !is_first && !self.uid_map.is_empty()
    }

    /// Returns whether this process may gain no privilege by what it executes.
    pub fn has_no_new_privs(&self) -> bool {
        self.status("NoNewPrivs") == Some("1")
    }

    /// Returns whether system calls of this process pass a filter.
    pub fn has_filter(&self) -> bool {
        self.status("Seccomp").is_some_and(|mode| mode != "0")
    }

    /// Returns major and minor number of the kernel.
    pub fn kernel(&self) -> (u32, u32) {
        let mut numbers =
            self.release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }

    /// Returns whether this is gVisor's kernel and not Linux.
    pub fn is_gvisor(&self) -> bool {
        self.version == GVISOR
    }

    /// Returns the fact about the kernel's age.
    pub fn kernel_fact(&self, oldest: (u32, u32)) -> Fact {
        let needed = format!("{}.{} or newer", oldest.0, oldest.1);
        let found =
            if self.is_gvisor() { format!("{} (gVisor)", self.release) } else { self.release.clone() };
        let is_met = self.kernel() >= oldest && !self.is_gvisor();
        let remedy = if self.is_gvisor() {
            "nothing can be done inside gVisor: use `--tracer preload`"
        } else {
            "use a newer kernel, or another backend"
        };
        Fact::explaining("kernel", is_met, found, &needed, remedy)
    }

    /// Returns the fact about filters on system calls, where there are some. Whether they let through what is needed is tried.
    pub fn filter_fact(&self) -> Option<Fact> {
        let count = match self.status("Seccomp_filters").unwrap_or("1") {
            "1" => "1 filter is in force".to_owned(),
            count => format!("{count} filters are in force"),
        };
        self.has_filter().then(|| Fact::met("seccomp", count, "any that lets through what is tried"))
    }

    /// Returns the fact about Yama (Documentation/admin-guide/LSM/Yama.rst in the kernel's sources).
    pub fn yama_fact(&self) -> Fact {
        const NAME: &str = "kernel.yama.ptrace_scope";
        const NEEDED: &str = "0 or 1; 2 with CAP_SYS_PTRACE";
        match self.yama_scope {
            None => Fact::met(NAME, "not there: this kernel has no Yama", NEEDED),
            Some(scope @ 0..=1) => Fact::met(NAME, format!("{scope}: own children may be traced"), NEEDED),
            Some(2) => Fact::explaining(
                NAME,
                self.has(CAP_SYS_PTRACE),
                "2: CAP_SYS_PTRACE is needed",
                NEEDED,
                "`sudo sysctl kernel.yama.ptrace_scope=1`, or run roar as root",
            ),
            Some(scope) => Fact::explaining(
                NAME,
                false,
                format!("{scope}: nobody may trace, until the machine is started anew"),
                NEEDED,
                "set kernel.yama.ptrace_scope to 1 in /etc/sysctl.d and restart the machine, or use another backend",
            ),
        }
    }

    /// Returns the fact about somebody who traces this very process, where there is one.
    pub fn traced_fact(&self) -> Option<Fact> {
        let tracer = self.status("TracerPid").filter(|pid| *pid != "0")?;
        let name = fs::read_to_string(format!("/proc/{tracer}/comm")).unwrap_or_default();
        let found = format!("process {tracer} ({}) traces this one", name.trim());
        let needed = "nobody: a process has one tracer";
        Some(Fact::explaining(
            "tracer",
            false,
            found,
            needed,
            "run it without debugger, `strace` or an outer `roar run --tracer ptrace`",
        ))
    }
}

/// Returns the name and the words of an error number, as `EPERM: Operation not permitted`.
pub fn errno_words(error: &io::Error) -> String {
    let name = match error.raw_os_error() {
        Some(libc::EPERM) => "EPERM: ",
        Some(libc::ENOSYS) => "ENOSYS: ",
        Some(libc::EACCES) => "EACCES: ",
        Some(libc::ENOMEM) => "ENOMEM: ",
        Some(libc::EINVAL) => "EINVAL: ",
        _ => "",
    };
    format!("{name}{error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Bearing;

    #[test]
    fn what_status_says_is_read() {
        let status = "Name:\tx\nTracerPid:\t0\nCapEff:\t000000c000080000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n";
        let machine =
            Machine { status: status.to_owned(), release: "5.10.0-8-amd64".to_owned(), ..Machine::default() };
        assert!(machine.has(CAP_BPF) && machine.has(CAP_PERFMON) && machine.has(CAP_SYS_PTRACE));
        assert!(!machine.has(CAP_SYS_ADMIN));
        assert!(machine.has_no_new_privs());
        assert_eq!(machine.filter_fact().unwrap().found, "3 filters are in force");
        assert_eq!(machine.traced_fact(), None);
        assert_eq!(machine.kernel(), (5, 10));
        assert_eq!(machine.kernel_fact((5, 8)).bearing, Bearing::Met);
        assert_eq!(machine.kernel_fact((5, 11)).bearing, Bearing::Suspect);
    }

    #[test]
    fn each_scope_of_yama_is_judged() {
        let none = "CapEff:\t0000000000000000\n";
        let ptrace = "CapEff:\t0000000000080000\n";
        for (scope, status, bearing) in [
            (None, none, Bearing::Met),
            (Some(0), none, Bearing::Met),
            (Some(1), none, Bearing::Met),
            (Some(2), none, Bearing::Suspect),
            (Some(2), ptrace, Bearing::Met),
            (Some(3), none, Bearing::Suspect),
            (Some(3), ptrace, Bearing::Suspect),
        ] {
            let machine = Machine { yama_scope: scope, status: status.to_owned(), ..Machine::default() };
            let fact = machine.yama_fact();
            assert_eq!(fact.bearing, bearing, "{scope:?} {status}");
            assert_eq!(fact.remedy.is_empty(), bearing == Bearing::Met);
        }
    }

    #[test]
    fn a_user_namespace_is_known_by_its_ids() {
        let with =
            |map: &str| Machine { uid_map: map.to_owned(), ..Machine::default() }.is_in_user_namespace();
        assert!(!with("         0          0 4294967295\n"));
        assert!(with("         0       1000          1\n"));
        assert!(with("0 100000 65536\n"));
        assert!(!with(""));
    }

    #[test]
    fn gvisor_is_known_by_what_it_says_of_itself() {
        let machine = Machine { release: "4.4.0".into(), version: GVISOR.into(), ..Machine::default() };
        assert!(machine.is_gvisor());
        assert_eq!(machine.kernel_fact((3, 0)).bearing, Bearing::Suspect);
    }
}
