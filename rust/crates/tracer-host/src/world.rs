//! The file system, as the policy asks for it.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tracer_fd::World;
use tracer_schema::FileStamp;

/// Nanoseconds per second.
const NS: i64 = 1_000_000_000;

/// Returns the stamp of a file whose metadata was read.
pub fn stamp_of(metadata: &Metadata) -> FileStamp {
    FileStamp {
        dev: metadata.dev(),
        ino: metadata.ino(),
        size: metadata.size(),
        mtime_ns: metadata.mtime().saturating_mul(NS).saturating_add(metadata.mtime_nsec()),
        ctime_ns: metadata.ctime().saturating_mul(NS).saturating_add(metadata.ctime_nsec()),
        mode: metadata.mode(),
        nlink: u32::try_from(metadata.nlink()).unwrap_or(u32::MAX),
    }
}

/// The file system of this process.
pub struct Disk;

impl World for Disk {
    fn look(&mut self, path: &[u8]) -> Option<FileStamp> {
        fs::symlink_metadata(Path::new(OsStr::from_bytes(path))).ok().map(|found| stamp_of(&found))
    }

    fn list(&mut self, directory: &[u8], each: &mut dyn FnMut(&[u8], FileStamp)) -> Result<(), String> {
        let mut open = vec![Path::new(OsStr::from_bytes(directory)).to_path_buf()];
        while let Some(directory) = open.pop() {
            let told = |error: std::io::Error| format!("cannot list {}: {error}", directory.display());
            let entries = match fs::read_dir(&directory) {
                // A directory that was removed after it was renamed has no files at the end.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    continue;
                }
                entries => entries.map_err(told)?,
            };
            for entry in entries {
                let entry = entry.map_err(told)?;
                // A file that vanishes meanwhile is not there at the end.
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() {
                    open.push(entry.path());
                } else {
                    each(entry.path().as_os_str().as_bytes(), stamp_of(&metadata));
                }
            }
        }
        Ok(())
    }
}

/// The file system of a machine that cannot be asked.
pub(crate) struct Elsewhere;

impl World for Elsewhere {
    fn look(&mut self, _path: &[u8]) -> Option<FileStamp> {
        None
    }

    fn list(&mut self, _directory: &[u8], _each: &mut dyn FnMut(&[u8], FileStamp)) -> Result<(), String> {
        Err("it is on another machine".to_owned())
    }
}
