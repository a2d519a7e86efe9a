//! Writing a file that is there as a whole or not at all.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a file where the user wants it. A file is replaced whole, through a rename; anything else (a FIFO, `/dev/fd/3`) is
/// written to as it is.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let is_special = std::fs::metadata(path).is_ok_and(|found| !found.is_file());
    if is_special {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.unfinished", std::process::id()));
    let unfinished = target.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&unfinished, &target));
    if written.is_err() {
        // Not there, or not ours to remove; the first error is the one to tell.
        let _left = std::fs::remove_file(&unfinished);
    }
    written
}
