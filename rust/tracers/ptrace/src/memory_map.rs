//! The shared file mappings of a process, read from /proc/PID/maps when memory is made writable.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;

use tracer_schema::FileStamp;

use crate::resolve::Located;
use crate::sys::{Tid, stat_at};

/// Returns the files that are mapped shared within `length` bytes from `address` on, and whether those are all.
pub(crate) fn shared_files_in(tid: Tid, address: u64, length: u64) -> (Vec<Located>, bool) {
    let end = address.saturating_add(length);
    let Ok(maps) = File::open(format!("/proc/{}/maps", tid.0)) else {
        return (Vec::new(), false);
    };
    let mut found = Vec::new();
    let mut is_whole = true;
    for line in BufReader::new(maps).split(b'\n').map_while(Result::ok) {
        let Some((start, stop, flags)) = parse(&line) else {
            continue;
        };
        if start >= end || stop <= address || flags.get(3) != Some(&b's') {
            continue;
        }
        // The link names the file itself, even if its path was renamed; it is for the privileged alone.
        let link = format!("/proc/{}/map_files/{start:x}-{stop:x}", tid.0);
        match locate(&link).or_else(|| locate_by_line(&line)) {
            Some(located) => found.push(located),
            None => is_whole = false,
        }
    }
    (found, is_whole)
}

/// Returns whether what a descriptor of a thread refers to was opened for writing too, or that cannot be found out: the kernel gives the
/// link the permission bits of the open file (proc_pid_fd(5)).
pub(crate) fn may_be_written(tid: Tid, fd: i32) -> bool {
    let link = fs::symlink_metadata(format!("/proc/{}/fd/{fd}", tid.0));
    link.map_or(true, |link| link.permissions().mode() & 0o200 != 0)
}

/// Returns the file that a line of maps names, if it is still there under that name.
fn locate_by_line(line: &[u8]) -> Option<Located> {
    let slash = line.iter().position(|byte| *byte == b'/')?;
    let inode = line[..slash].split(|byte| *byte == b' ').rfind(|word| !word.is_empty())?;
    let inode: u64 = std::str::from_utf8(inode).ok()?.parse().ok()?;
    // A newline in a name is written as `\\012` (proc_pid_maps(5)).
    let path = unescape(&line[slash..]);
    let stamp = stat_at(libc::AT_FDCWD, &std::ffi::CString::new(path.clone()).ok()?, 0).ok()?;
    (stamp.ino == inode && stamp.is_regular()).then_some(Located { path, stamp })
}

fn unescape(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        match after.strip_prefix(b"012") {
            Some(after) if *first == b'\\' => {
                plain.push(b'\n');
                rest = after;
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

/// Takes apart `start-stop flags offset dev inode path` (proc_pid_maps(5)).
fn parse(line: &[u8]) -> Option<(u64, u64, &[u8])> {
    let mut words = line.split(|byte| *byte == b' ');
    let range = std::str::from_utf8(words.next()?).ok()?;
    let (start, stop) = range.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(start)?, number(stop)?, words.next()?))
}

fn locate(link: &str) -> Option<Located> {
    use std::os::unix::ffi::OsStrExt;
    let target = std::fs::read_link(link).ok()?;
    let c_link = std::ffi::CString::new(link).ok()?;
    let stamp: FileStamp = stat_at(libc::AT_FDCWD, &c_link, 0).ok()?;
    let path = crate::resolve::live_path(target.as_os_str().as_bytes(), &stamp);
    stamp.is_regular().then_some(Located { path, stamp })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newline_in_a_name_comes_back() {
        assert_eq!(unescape(b"/a\\012b\\c"), b"/a\nb\\c");
    }

    #[test]
    fn a_line_of_maps_is_taken_apart() {
        let line = b"7f0000-7f1000 rw-s 00000000 fe:00 12 /a b";
        assert_eq!(parse(line), Some((0x7f_0000, 0x7f_1000, &b"rw-s"[..])));
    }
}
