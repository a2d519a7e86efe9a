//! The shared file mappings of a process, read from /proc/PID/maps when memory is made writable.

use std::fs::File;
use std::io::{BufRead, BufReader};

use tracer_schema::FileStamp;

use crate::resolve::Located;
use crate::sys::{Tid, stat_at};

/// Returns the files that are mapped shared within `length` bytes from `address` on.
pub(crate) fn shared_files_in(tid: Tid, address: u64, length: u64) -> Vec<Located> {
    let end = address.saturating_add(length);
    let Ok(maps) = File::open(format!("/proc/{}/maps", tid.0)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for line in BufReader::new(maps).split(b'\n').map_while(Result::ok) {
        let Some((start, stop, flags)) = parse(&line) else {
            continue;
        };
        if start >= end || stop <= address || flags.get(3) != Some(&b's') {
            continue;
        }
        // The link names the file itself, even if its path was renamed or its bytes are not text.
        let link = format!("/proc/{}/map_files/{start:x}-{stop:x}", tid.0);
        found.extend(locate(&link));
    }
    found
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
    fn a_line_of_maps_is_taken_apart() {
        let line = b"7f0000-7f1000 rw-s 00000000 fe:00 12 /a b";
        assert_eq!(parse(line), Some((0x7f_0000, 0x7f_1000, &b"rw-s"[..])));
    }
}
