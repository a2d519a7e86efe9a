//! Program files: their loaders, the interpreters of scripts, and the privilege with which they run.
//!
//! # Safety
//!
//! `unsafe` is calls of the system on strings that live through them.

use std::ffi::CString;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

/// The kernel's own limit of interpreters of interpreters (fs/exec.c, `exec_binprm`).
pub const INTERPRETERS_MAX: usize = 5;

/// First bytes of a script that the kernel looks at (BINPRM_BUF_SIZE).
const SCRIPT_HEAD_BYTES: usize = 256;

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// Returns whether a program would run with more than this user's privilege.
pub fn has_privilege(program: &Path) -> bool {
    let Ok(found) = std::fs::metadata(program) else { return false };
    // SAFETY: takes nothing, cannot fail.
    let (user, group) = (unsafe { libc::geteuid() }, unsafe { libc::getegid() });
    (found.mode() & libc::S_ISUID != 0 && found.uid() != user)
        || (found.mode() & libc::S_ISGID != 0 && found.gid() != group)
        || has_file_capabilities(program)
}

/// Returns whether a program has file capabilities.
pub fn has_file_capabilities(program: &Path) -> bool {
    CString::new(program.as_os_str().as_bytes()).is_ok_and(|program| has_capabilities(&program))
}

/// Returns whether the file has file capabilities (the extended attribute `security.capability`).
fn has_capabilities(path: &std::ffi::CStr) -> bool {
    // SAFETY: NUL-terminated strings; no buffer is given, the length is asked for.
    let len =
        unsafe { libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), std::ptr::null_mut(), 0) };
    len > 0
}

/// Returns the interpreter that a script names in its first line, as the kernel reads it (fs/binfmt_script.c).
pub fn interpreter(file: &File) -> Option<Vec<u8>> {
    let mut head = [0; SCRIPT_HEAD_BYTES];
    let len = file.read_at(&mut head, 0).ok()?;
    let line = head[..len].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let start = line.iter().position(|byte| !is_blank(byte))?;
    let name = line[start..].split(is_blank).next()?;
    (!name.is_empty()).then(|| name.to_vec())
}

/// Returns the loader that an ELF file names (the segment PT_INTERP, elf(5)).
pub fn elf_loader(file: &File) -> Option<Vec<u8>> {
    const PT_INTERP: u64 = 3;
    let mut head = [0; 64];
    file.read_exact_at(&mut head, 0).ok()?;
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let is_wide = head[4] == 2;
    let half = |at: usize| u64::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let (table, size, count) = if is_wide {
        (u64_at(&head, 32), half(54), half(56))
    } else {
        (u64::from(u32_at(&head, 28)), half(42), half(44))
    };
    for index in 0..count {
        let mut entry = [0; 56];
        let entry = &mut entry[..if is_wide { 56 } else { 32 }];
        file.read_exact_at(entry, table.checked_add(index * size)?).ok()?;
        if u64::from(u32_at(entry, 0)) != PT_INTERP {
            continue;
        }
        let (offset, len) = if is_wide {
            (u64_at(entry, 8), u64_at(entry, 32))
        } else {
            (u64::from(u32_at(entry, 4)), u64::from(u32_at(entry, 16)))
        };
        let mut name = vec![0; usize::try_from(len).ok().filter(|len| *len <= 4096)?];
        file.read_exact_at(&mut name, offset).ok()?;
        name.truncate(name.iter().position(|byte| *byte == 0)?);
        return Some(name);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_of_this_very_program_is_found() {
        let loader = elf_loader(&File::open("/proc/self/exe").unwrap()).unwrap();
        assert!(String::from_utf8_lossy(&loader).contains("ld-linux"), "{loader:?}");
    }
}
