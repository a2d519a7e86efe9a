//! The file of the journal: made, mapped, found again, removed.
//!
//! # Safety
//!
//! The mapping is of the whole file and lasts as long as the process: what is made of it may live as long.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use tracer_preload_journal::head::MAGIC;
use tracer_preload_journal::plans::OFFSET;
use tracer_preload_journal::{FILE_BYTES, HEAD_BYTES, Log};

use crate::view::View;

/// Name of the link in the run directory, and of the file.
const NAME: &str = tracer_host::JOURNAL_LINK;

/// Where files are in memory, and private to nobody until their directory is.
const MEMORY: &str = "/dev/shm";

/// Memory that the journal has from the start: enough for a short command.
const POPULATED_BYTES: u64 = 64 * 1024;

/// Shorter than this it is not worth having: some hundred thousand entries.
const FILE_BYTES_MIN: u64 = 64 << 20;

/// Attempts at a name that is not taken.
const ATTEMPTS: u32 = 16;

/// A journal.
#[derive(Clone, Debug)]
pub(crate) struct JournalFile {
    /// The directory that holds it, and nothing of anybody else's.
    pub(crate) directory: PathBuf,
    /// The file.
    pub(crate) path: PathBuf,
    link: PathBuf,
    pub(crate) log: View,
}

impl JournalFile {
    /// Makes a journal for a run.
    ///
    /// # Errors
    /// There is no place for it.
    pub(crate) fn create(run_dir: &Path) -> io::Result<Self> {
        let link = run_dir.join(NAME);
        let (directory, file) = match Self::create_in(Path::new(MEMORY), &link) {
            Ok(made) => made,
            Err(_) => Self::create_in(run_dir, &link)?,
        };
        let path = directory.join(NAME);
        let (log, bytes) = map_longest(&file)?;
        let head = log.head();
        head.bytes.store(bytes, Ordering::Relaxed);
        head.used.0.store(HEAD_BYTES, Ordering::Relaxed);
        head.populated.0.store(HEAD_BYTES + POPULATED_BYTES, Ordering::Relaxed);
        head.magic.store(MAGIC, Ordering::Release);
        Ok(Self { directory, path, link, log: View::new(log, file) })
    }

    /// Makes the directory and the file. The link to it comes first, so that whoever clears up after a collector that was killed
    /// finds whatever there is.
    fn create_in(place: &Path, link: &Path) -> io::Result<(PathBuf, File)> {
        let mut failed = io::Error::from(io::ErrorKind::AlreadyExists);
        for attempt in 0..ATTEMPTS {
            let mut random = [0; 8];
            rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
            let name =
                format!("roar-{}-{:016x}", rustix::process::getuid().as_raw(), u64::from_le_bytes(random));
            let directory = place.join(name);
            symlink(directory.join(NAME), link)?;
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => {
                    return Self::fill(&directory).map(|file| (directory.clone(), file)).inspect_err(|_| {
                        // Nothing is in it that anybody needs.
                        let _left = fs::remove_dir_all(&directory);
                        let _left = fs::remove_file(link);
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt + 1 < ATTEMPTS => {
                    fs::remove_file(link)?;
                    failed = error
                }
                Err(error) => {
                    fs::remove_file(link)?;
                    return Err(error);
                }
            }
        }
        Err(failed)
    }

    fn fill(directory: &Path) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(directory.join(NAME))?;
        file.set_len(FILE_BYTES_MIN)?;
        let populate =
            |start, len| rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::KEEP_SIZE, start, len);
        // What is between gets memory when plans are written there.
        populate(0, OFFSET)?;
        populate(HEAD_BYTES, POPULATED_BYTES)?;
        Ok(file)
    }

    /// Returns where the journal of a run is, or was.
    pub(crate) fn path_of(run_dir: &Path) -> Option<PathBuf> {
        fs::read_link(run_dir.join(NAME)).ok()
    }

    /// Finds the journal that a run left.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn find(run_dir: &Path) -> io::Result<Self> {
        let link = run_dir.join(NAME);
        let path = fs::read_link(&link)?;
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(&path)?;
        let found = file.metadata()?;
        if !found.is_file() || found.len() < FILE_BYTES_MIN || found.len() > FILE_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let log = map(&file, found.len())?;
        if log.head().magic.load(Ordering::Acquire) != MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let directory = path.parent().unwrap_or(run_dir).to_path_buf();
        Ok(Self { directory, path, link, log: View::new(log, file) })
    }

    /// Removes what a run left of its journal, whatever there is.
    pub(crate) fn clear(run_dir: &Path) {
        let Some(path) = Self::path_of(run_dir) else { return };
        if let Some(directory) = path.parent().filter(|directory| is_made_here(directory)) {
            // What cannot be removed is tried again by the next.
            let _left = fs::remove_dir_all(directory);
        }
        let _left = fs::remove_file(run_dir.join(NAME));
    }

    /// Adds plans for the library to those that are there: one thread at a time does.
    ///
    /// # Errors
    /// There is no room for them: the library hooks functions instead.
    pub(crate) fn add_plans(&self, plans: &[u8]) -> io::Result<()> {
        let there = self.log.head().plans_bytes.load(Ordering::Relaxed);
        let end = u64::from(there) + plans.len() as u64;
        if end > HEAD_BYTES - OFFSET {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(&self.path)?;
        file.write_all_at(plans, OFFSET + u64::from(there))?;
        self.log.head().plans_bytes.store(end as u32, Ordering::Release);
        Ok(())
    }

    /// Removes everything of it from the file system.
    pub(crate) fn remove(&self) {
        // What is left is found and removed by a later roar.
        let _left = fs::remove_dir_all(&self.directory);
        let _left = fs::remove_file(&self.link);
    }

    /// Returns a path by which loaders can find the library: they take no space, colon or dollar sign for part of one.
    pub(crate) fn loadable(&self, library: &Path) -> io::Result<PathBuf> {
        if !library.as_os_str().as_bytes().iter().any(|byte| b" :$".contains(byte)) {
            return Ok(library.to_path_buf());
        }
        let short = self.directory.join("l.so");
        symlink(library, &short)?;
        Ok(short)
    }
}

/// Returns whether a directory is named as [`JournalFile::create`] names them.
fn is_made_here(directory: &Path) -> bool {
    let name = directory.file_name().unwrap_or_default().as_bytes();
    name.starts_with(format!("roar-{}-", rustix::process::getuid().as_raw()).as_bytes())
}

/// Makes the file as long as limits on the length of files and on memory allow, and maps it.
fn map_longest(file: &File) -> io::Result<(Log<'static>, u64)> {
    let mut bytes = FILE_BYTES;
    loop {
        match file.set_len(bytes).and_then(|()| map(file, bytes)) {
            Ok(log) => return Ok((log, bytes)),
            Err(error) if bytes / 4 < FILE_BYTES_MIN => return Err(error),
            Err(_) => bytes /= 4,
        }
    }
}

fn map(file: &File, bytes: u64) -> io::Result<Log<'static>> {
    let len = bytes as usize;
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, file.as_raw_fd(), 0) };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::InvalidData)?;
    // SAFETY: a mapping of the whole file that is never undone.
    Ok(unsafe { Log::new(base, bytes) })
}

/// Returns bytes as a path.
pub(crate) fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
