//! Reading small files that somebody else wrote.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Returns the file's bytes, or `None` where there is no such file, it cannot be read, or is longer than can be right.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    read_into(path, bytes_max, &mut bytes).then_some(bytes)
}

/// As [`read`], into a buffer whose memory is used again. Returns whether there is anything to look at.
pub(crate) fn read_into(path: &Path, bytes_max: u64, bytes: &mut Vec<u8>) -> bool {
    bytes.clear();
    let Ok(file) = File::open(path) else { return false };
    let is_read = file.take(bytes_max + 1).read_to_end(bytes).is_ok();
    is_read && bytes.len() as u64 <= bytes_max
}

/// As [`read`], for text.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Option<String> {
    String::from_utf8(read(path, bytes_max)?).ok()
}
