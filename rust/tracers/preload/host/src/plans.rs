//! The plans for the library: worked out once for each C library, and kept among the user's caches.
//!
//! What is kept is code that will run in the user's processes, so that it is trusted only where nobody else could have written it.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;
use syscalls::Sysno;
use tracer_syscalls::{Arch, lookup};

use crate::elf;
use crate::env;
use crate::patch::{Slots, patch};
use crate::sites::find;

/// Raised whenever the bytes that are written change: what older versions kept is not used.
const VERSION: u32 = 3;

/// Name of the plan, beside the image.
const PLAN: &str = "plan";

/// Calls that matter beside those of the table: they change what descriptors and paths mean, make processes, or end them.
const ALSO: &[Sysno] = &[
    Sysno::close,
    Sysno::close_range,
    Sysno::dup,
    Sysno::dup2,
    Sysno::dup3,
    Sysno::fcntl,
    Sysno::chdir,
    Sysno::fchdir,
    Sysno::execve,
    Sysno::execveat,
    Sysno::exit_group,
    Sysno::wait4,
    Sysno::waitid,
    Sysno::fork,
    Sysno::vfork,
    Sysno::clone,
    Sysno::clone3,
    Sysno::prctl,
];

/// What the loader does to files: it opens, maps and closes libraries.
const OF_LOADER: &[Sysno] = &[Sysno::openat, Sysno::close, Sysno::mmap, Sysno::read, Sysno::pread64];

/// Returns whether a call matters although it is none of the table's.
pub(crate) fn also_matters(name: &str) -> bool {
    ALSO.iter().any(|call| call.name() == name)
}

fn is_of_library(number: u32) -> bool {
    lookup(Arch::X86_64, number.into()).is_some() || ALSO.iter().any(|call| *call as u32 == number)
}

fn is_of_loader(number: u32) -> bool {
    OF_LOADER.iter().any(|call| *call as u32 == number)
}

/// Returns the plans for the C library and the loader of this machine, in the journal's form. `directory` is for what is kept nowhere
/// else. Where none can be made the library hooks functions instead.
pub(crate) fn plans(directory: &Path) -> Vec<u8> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mut files: Vec<&str> = maps.lines().filter_map(|line| line.split_ascii_whitespace().nth(5)).collect();
    files.sort_unstable();
    files.dedup();
    let named =
        |path: &&&str, start: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with(start));
    let mut bytes = Vec::new();
    for (start, slots) in [("libc.so.6", Slots::Data), ("ld-linux-x86-64", Slots::Code)] {
        if let Some(path) = files.iter().find(|path| named(path, start)) {
            // One that cannot be planned is hooked.
            bytes.extend(plan(Path::new(path), start, slots, directory).unwrap_or_default());
        }
    }
    bytes
}

fn plan(path: &Path, name: &str, slots: Slots, directory: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(4096).read_to_end(&mut head)?;
    let build_id = elf::build_id(&head).ok_or(io::ErrorKind::InvalidData)?;
    let hex: String = build_id.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("{hex}-{VERSION}");
    if let Some(kept) = kept_in().map(|place| place.join(&key)) {
        if let Ok(bytes) = read_kept(&kept) {
            return Ok(bytes);
        }
        // Somebody else may be making it at the same time: whoever comes first has made it.
        if let Ok(bytes) = make(path, name, slots, &kept) {
            return Ok(bytes);
        }
    }
    make(path, name, slots, &directory.join(&key))
}

/// Returns the directory of what is kept, if nobody but this user can write there.
pub(crate) fn kept_in() -> Option<PathBuf> {
    let place = env::cache_home()?.join("roar").join("preload");
    DirBuilder::new().recursive(true).mode(0o700).create(&place).ok()?;
    is_own(&place).then_some(place)
}

pub(crate) fn is_own(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|found| found.uid() == user && found.mode() & 0o022 == 0)
}

fn read_kept(directory: &Path) -> io::Result<Vec<u8>> {
    let plan = directory.join(PLAN);
    if !is_own(directory) || !is_own(&plan) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    fs::read(plan)
}

/// Returns whether programs may be mapped from there.
fn is_executable(directory: &Path) -> bool {
    rustix::fs::statvfs(directory).is_ok_and(|found| !found.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

/// Works out a plan, and keeps it with its image in `directory`.
fn make(path: &Path, name: &str, slots: Slots, directory: &Path) -> io::Result<Vec<u8>> {
    let elf = fs::read(path)?;
    let is_wanted: &dyn Fn(u32) -> bool = if slots == Slots::Data { &is_of_library } else { &is_of_loader };
    let found = find(&elf, is_wanted).ok_or(io::ErrorKind::InvalidData)?;
    if !found.unpatched.is_empty() && slots == Slots::Data {
        return Err(io::Error::other(format!("{} calls cannot be patched", found.unpatched.len())));
    }
    let patched = patch(&elf, &found.sites, slots).map_err(io::Error::other)?;
    let draft = directory.with_extension(format!("{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&draft)?;
    let image = directory.join(name);
    let has_image = slots == Slots::Data && is_executable(&draft);
    if has_image {
        fs::write(draft.join(name), patched.image(&elf))?;
    }
    let bytes = patched.to_bytes(if has_image { image.as_os_str().as_bytes() } else { b"" });
    fs::write(draft.join(PLAN), &bytes)?;
    match fs::rename(&draft, directory) {
        Ok(()) => Ok(bytes),
        Err(_) => {
            // Another roar was first: what it kept is the same.
            let _gone = fs::remove_dir_all(&draft);
            read_kept(directory)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine_library(name: &str) -> Vec<u8> {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let path = maps
            .lines()
            .filter_map(|line| line.split_ascii_whitespace().nth(5))
            .find(|path| path.ends_with(name));
        fs::read(path.unwrap()).unwrap()
    }

    #[test]
    fn every_call_of_interest_in_the_c_library_can_be_patched() {
        let library = machine_library("libc.so.6");
        let found = find(&library, &is_of_library).unwrap();
        let unpatched: Vec<String> =
            found.unpatched.iter().map(|(address, number)| format!("{address:#x} {number:?}")).collect();
        assert!(found.sites.len() > 50, "{} sites", found.sites.len());
        assert_eq!(unpatched, Vec::<String>::new());
        // The code behind a signal handler is known to debuggers by its bytes, and the kernel finds the frame by the stack pointer.
        let returns = memchr::memmem::find(&library, b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05").unwrap() as u32;
        assert!(found.sites.iter().all(|site| !(returns..returns + 9).contains(&site.address)));
    }

    #[test]
    fn the_c_library_and_the_loader_are_patched() {
        for (name, is_wanted, slots) in [
            ("libc.so.6", is_of_library as fn(u32) -> bool, Slots::Data),
            ("ld-linux-x86-64.so.2", is_of_loader, Slots::Code),
        ] {
            let elf = machine_library(name);
            let found = find(&elf, &is_wanted).unwrap();
            assert_eq!(patch(&elf, &found.sites, slots).err(), None, "{name}: {} sites", found.sites.len());
        }
    }
}
