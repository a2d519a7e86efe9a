//! The rights that this program has beyond those of whoever starts it, and what having them changes.
//!
//! As `roar tracer enable ebpf` sets it up, it begins with two capabilities more than its caller has. It loads the kernel side with them,
//! and gives them up before it touches anything that the caller names and before the command is made. What it then still has that
//! the caller could not have is a few descriptors; so nobody but root may look into it, for as long as it runs.
//!
//! A program that begins with more than its caller has is treated otherwise by the kernel and the C library, all of which its child would
//! inherit; [`Original`] gives the command what it would have had.
//!
//! # Safety
//!
//! `unsafe` is calls that take numbers, and the strings of the environment, which lie where the kernel has put them (proc_pid_stat(5))
//! for as long as the process has this program, and which nobody changes.

use std::fs;
use std::io;
use std::os::unix::process::parent_id;
use std::ptr;

use rustix::process::{DumpableBehavior, getegid, geteuid, getgid, getuid, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use tracer_host::Origin;

/// Why it is better not to begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivilegeError {
    #[error(
        "this program runs as another user than the one who started it: it must not be setuid or setgid; remove that with `chmod ug-s` and use `roar tracer enable ebpf`"
    )]
    OtherUser,
    #[error(
        "the caller has ambient capabilities, which the command would lack: a program with file capabilities clears them (capabilities(7))"
    )]
    Ambient,
    #[error("prctl(PR_SET_DUMPABLE): {0}")]
    Secluded(io::Error),
    #[error("the capabilities cannot be given up: capset(2): {0}")]
    Kept(io::Error),
}

/// Returns whether this program has begun with more rights than its caller has (AT_SECURE in getauxval(3)).
pub(crate) fn has_gained() -> bool {
    // SAFETY: takes a number.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Sees to it that nobody but root can look into this process: not by ptrace(2), nor by /proc/PID/mem and /proc/PID/fd, pidfd_getfd(2) or
/// in a core dump. For a program that has gained rights the kernel has done so already, unless it was told otherwise (fs.suid_dumpable).
pub(crate) fn seclude() -> Result<(), PrivilegeError> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|errno| PrivilegeError::Secluded(errno.into()))?;
    if getuid() != geteuid() || getgid() != getegid() {
        return Err(PrivilegeError::OtherUser);
    }
    if has_gained()
        && has_ambient(&fs::read_to_string(format!("/proc/{}/status", parent_id())).unwrap_or_default())
    {
        return Err(PrivilegeError::Ambient);
    }
    Ok(())
}

/// Returns whether a process has ambient capabilities, by its `status` (proc_pid_status(5)).
fn has_ambient(status: &str) -> bool {
    let set = status.lines().find_map(|line| line.strip_prefix("CapAmb:"));
    set.is_some_and(|set| set.trim().bytes().any(|digit| digit != b'0'))
}

/// Gives up what this program has gained. The inheritable set stays: it is the caller's, and by itself it allows nothing.
///
/// Where nothing was gained, whatever there is is the caller's own: root's rights to the files of others, for one.
pub(crate) fn relinquish() -> Result<(), PrivilegeError> {
    if !has_gained() {
        return Ok(());
    }
    let kept = |errno: rustix::io::Errno| PrivilegeError::Kept(errno.into());
    let CapabilitySets { inheritable, .. } = capabilities(None).map_err(kept)?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable }).map_err(kept)
}

/// What the command is to have that this program, having gained rights, has not.
pub(crate) struct Original {
    origin: Option<Origin>,
    /// Pointers to the variables of the environment, and a null: the loader has removed those that it does not trust (ld.so(8)).
    environment: Option<Vec<*const libc::c_char>>,
}

unsafe extern "C" {
    /// environ(7).
    static mut environ: *const *const libc::c_char;
}

impl Original {
    /// Finds it out. Where nothing was gained nothing is missing.
    pub(crate) fn find(origin: Option<Origin>) -> Self {
        if !has_gained() {
            return Self { origin: None, environment: None };
        }
        let environment = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(places);
        Self { origin, environment: environment.map(|(start, end)| variables(start, end)) }
    }

    /// Makes it so, in the child that becomes the command; async-signal-safe.
    pub(crate) fn restore(&self) {
        if let Some(environment) = &self.environment {
            let place = &raw mut environ;
            // SAFETY: the only thread of the child; the pointers are to strings that stay where they are, with a null behind them.
            unsafe { *place = environment.as_ptr() };
        }
        let Some(Origin { closed, personality, stack_bytes }) = self.origin else { return };
        for fd in (0..3).filter(|fd| closed & 1 << fd != 0) {
            // SAFETY: it was closed when the program began: what is there is the loader's.
            unsafe { libc::close(fd) };
        }
        // SAFETY: takes a number. What is refused was refused to the caller as well.
        unsafe { libc::personality(personality.into()) };
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: a valid place.
        unsafe { libc::getrlimit(libc::RLIMIT_STACK, &raw mut limit) };
        limit.rlim_cur = stack_bytes.min(limit.rlim_max);
        // SAFETY: a valid limit.
        unsafe { libc::setrlimit(libc::RLIMIT_STACK, &raw const limit) };
    }
}

/// Returns where the environment begins and ends, by the `stat` of the process: fields 50 and 51, of which the third is the first behind
/// the name (proc_pid_stat(5)).
fn places(stat: &str) -> Option<(usize, usize)> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace().skip(47);
    let start = fields.next()?.parse().ok()?;
    let end = fields.next()?.parse().ok()?;
    (start != 0 && start <= end).then_some((start, end))
}

fn variables(start: usize, end: usize) -> Vec<*const libc::c_char> {
    let bytes: *const u8 = ptr::with_exposed_provenance(start);
    // SAFETY: see the module.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, end - start) };
    let strings = bytes.split_inclusive(|byte| *byte == 0).filter(|string| string.ends_with(&[0]));
    strings.map(|string| string.as_ptr().cast()).chain([ptr::null()]).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn the_environment_is_found_where_the_kernel_has_put_it() {
        let (start, end) = places(&fs::read_to_string("/proc/self/stat").unwrap()).unwrap();
        let mut found = variables(start, end);
        assert_eq!(found.pop(), Some(ptr::null()));
        // SAFETY: strings of this process.
        let found: Vec<&[u8]> =
            found.into_iter().map(|one| unsafe { CStr::from_ptr(one) }.to_bytes()).collect();
        let told = fs::read("/proc/self/environ").unwrap();
        let told: Vec<&[u8]> = told.strip_suffix(&[0]).unwrap().split(|byte| *byte == 0).collect();
        assert_eq!(found, told);
    }

    #[test]
    fn ambient_capabilities_are_seen() {
        assert!(has_ambient("CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000400\n"));
        assert!(!has_ambient("CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\n"));
        assert!(!has_ambient(""));
    }
}
