//! The plans for the library: worked out once for each C library, and kept among the user's caches.
//!
//! What is kept is code that will run in the user's processes, so that it is trusted only where nobody else could have written it.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::StatVfsMountFlags;
use syscalls::Sysno;
use tracer_syscalls::{Arch, is_lookup, lookup};

use tracer_host::stamp_of;
use tracer_preload_journal::entry::Stamp;
use tracer_preload_journal::plans::{BUILD_ID_BYTES, Identity};
use tracer_schema::FileStamp;

use crate::elf;
use crate::env;
use crate::patch::{Patched, Room, Unpatched, patch, refusal};
use crate::sites::{Sites, find};

/// Raised whenever the bytes that are written change: what older versions kept is not used.
const VERSION: u32 = 5;

/// Name of the plan.
const PLAN: &str = "plan";

/// Name of the image beside it.
const IMAGE: &str = "image";

/// How the names of glibc's loader begin; musl's is its C library as well.
const LOADER: &str = "ld-linux-x86-64";

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
    lookup(Arch::X86_64, number.into()).is_some()
        || is_lookup(Arch::X86_64, number.into())
        || ALSO.iter().any(|call| *call as u32 == number)
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
    for start in ["libc.so.6", LOADER] {
        if let Some(path) = files.iter().find(|path| named(path, start)) {
            // One that cannot be planned now is asked for by the first process that has it.
            let planned = File::open(path)
                .and_then(|file| Ok((identity_of(&file)?, file)))
                .and_then(|(identity, file)| plan(&file, &identity, start, directory));
            bytes.extend(planned.unwrap_or_default());
        }
    }
    bytes
}

/// Returns how the library knows a file.
pub(crate) fn identity_of(file: &File) -> io::Result<Identity> {
    // Build ids stand at the beginning of a file, in the page that loaders map first.
    let mut head = [0; 4096];
    let len = file.read_at(&mut head, 0)?;
    match head.get(..len).and_then(elf::build_id) {
        Some(build_id) if build_id.len() >= BUILD_ID_BYTES => Ok(Identity::of_build_id(build_id)),
        _ => {
            let found = stamp_of(&file.metadata()?);
            let FileStamp { dev, ino, size, mtime_ns, ctime_ns, mode, nlink } = found;
            Ok(Identity::of_file(&Stamp { dev, ino, size, mtime_ns, ctime_ns, mode, nlink }))
        }
    }
}

/// Returns the plan for a file, in the journal's form; `name` is what the library calls it, and `directory` for what is kept nowhere else. That a
/// file cannot be patched is a plan as well.
///
/// # Errors
/// The file cannot be read, or there is no place for what is made.
pub(crate) fn plan(file: &File, identity: &Identity, name: &str, directory: &Path) -> io::Result<Vec<u8>> {
    let hex: String = identity.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("{hex}-{VERSION}");
    if let Some(kept) = kept_in().map(|place| place.join(&key)) {
        if let Ok(bytes) = read_kept(&kept) {
            return Ok(bytes);
        }
        // Somebody else may be making it at the same time: whoever comes first has made it.
        if let Ok(bytes) = make(file, identity, name, &kept) {
            return Ok(bytes);
        }
    }
    make(file, identity, name, &directory.join(&key))
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

fn is_loader(name: &str) -> bool {
    name.starts_with(LOADER)
}

/// Returns what is to be changed of a file; `None` if that is not known for every call of interest: then it is left alone, for a
/// library that is patched in part would tell half of what happens.
fn work_out(elf: &[u8], identity: Identity, name: &str) -> Option<Patched> {
    let sites = |is_wanted: &dyn Fn(u32) -> bool| find(elf, is_wanted);
    if !elf::is_x86_64(elf) {
        return None;
    }
    if is_loader(name) {
        let Sites { sites, .. } = sites(&is_of_loader)?;
        return patch(elf, identity, &sites, Room::Code).ok();
    }
    let Sites { sites, unpatched } = sites(&is_of_library)?;
    // What is looked up is worth less than all the rest.
    let is_effect = |(_, number): &(u64, Option<u32>)| {
        number.is_none_or(|number| !is_lookup(Arch::X86_64, number.into()))
    };
    if unpatched.iter().any(is_effect) {
        return None;
    }
    // musl gives what is behind its data to malloc (ldso/dynlink.c, reclaim_gaps).
    let is_musl = memchr::memmem::find(elf, b"musl libc (").is_some();
    let behind = if is_musl { Err(Unpatched::Data) } else { patch(elf, identity, &sites, Room::Behind) };
    behind.or_else(|_| patch(elf, identity, &sites, Room::Far)).ok()
}

/// Works out a plan, and keeps it with its image in `directory`.
fn make(file: &File, identity: &Identity, name: &str, directory: &Path) -> io::Result<Vec<u8>> {
    let mut elf = Vec::new();
    Read::read_to_end(&mut &*file, &mut elf)?;
    let patched = work_out(&elf, *identity, name);
    let draft = directory.with_extension(format!("{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&draft)?;
    let bytes = match patched {
        None => refusal(*identity),
        // A few edits in two pages cost less than to open a file.
        Some(patched) if is_loader(name) || patched.is_empty() || !is_executable(&draft) => {
            patched.to_bytes(b"")
        }
        Some(patched) => {
            fs::write(draft.join(IMAGE), patched.image(&elf))?;
            patched.to_bytes(directory.join(IMAGE).as_os_str().as_bytes())
        }
    };
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
        for name in ["libc.so.6", "ld-linux-x86-64.so.2"] {
            let elf = machine_library(name);
            let patched = work_out(&elf, Identity::of_build_id(b"any"), name).unwrap();
            assert!(!patched.is_empty(), "{name}");
        }
    }
}
