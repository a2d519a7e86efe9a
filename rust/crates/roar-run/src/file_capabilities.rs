//! File capabilities of the eBPF tracer: what lets users load its kernel side who may not otherwise (capabilities(7)).
//!
//! Whoever owns a file can have it mapped, and write to it through the mapping after it was given capabilities, which only writes through
//! descriptors take away. So it is never the file found that gets them but a copy that is root's, which takes its place.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    Gid, Mode, OFlags, RenameFlags, StatVfsMountFlags, Uid, XattrFlags, fchmod, fchown, fremovexattr,
    fsetxattr, fstat, fstatvfs, fsync, open, openat, renameat_with, unlinkat,
};
use rustix::io::Errno;

/// The attribute that the kernel looks for.
const ATTRIBUTE: &str = "security.capability";

/// Capabilities of the eBPF tracer: their numbers (linux/capability.h), names, and what each is for.
pub const CAPABILITIES: &[(u32, &str, &str)] = &[
    (38, "cap_perfmon", "programs for tracepoints, and reading the kernel's memory in them"),
    (39, "cap_bpf", "loading programs and making maps"),
];

/// Others who may write to a file or directory.
const OTHERS_WRITE: u32 = 0o022;

/// Why a program was not given capabilities, or not rid of them.
#[derive(Debug, thiserror::Error)]
pub enum CapabilityError {
    /// There is no such program.
    #[error("there is no {0}")]
    Missing(PathBuf),
    /// Not this kind of file, or not in such hands.
    #[error("{path} {what}")]
    Refused {
        /// The program or its directory.
        path: PathBuf,
        /// What of it, and what to do about it.
        what: String,
    },
    /// A call failed.
    #[error("{call} of {path} failed")]
    Failed {
        /// Which.
        call: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A program that was looked at and found to be fit for it.
#[derive(Debug)]
pub struct Candidate {
    path: PathBuf,
    name: PathBuf,
    directory: std::os::fd::OwnedFd,
    file: File,
    mode: u32,
    gid: u32,
}

impl Candidate {
    /// Looks at a program. `owner`: whom it may belong to beside root.
    ///
    /// # Errors
    /// It is none that should have capabilities.
    pub fn find(path: &Path, owner: u32) -> Result<Self, CapabilityError> {
        let failed = |call, source: Errno| match source {
            Errno::NOENT => CapabilityError::Missing(path.to_owned()),
            source => CapabilityError::Failed { call, path: path.to_owned(), source: source.into() },
        };
        let refused =
            |what: &str| Err(CapabilityError::Refused { path: path.to_owned(), what: what.to_owned() });
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return refused("is no program");
        };
        let directory = open(parent, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|source| failed("open(2)", source))?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&directory, name, flags, Mode::empty()) {
            Err(Errno::LOOP) => {
                return refused("is a symbolic link: use the roar that is beside the program itself");
            }
            opened => File::from(opened.map_err(|source| failed("open(2)", source))?),
        };
        let found = file.metadata().map_err(|source| CapabilityError::Failed {
            call: "fstat(2)",
            path: path.to_owned(),
            source,
        })?;
        if !found.is_file() {
            return refused("is no regular file");
        }
        if found.uid() != 0 && found.uid() != owner {
            return refused(&format!(
                "belongs to user {}, neither to root nor to the owner of roar: `chown root` it first",
                found.uid()
            ));
        }
        if found.mode() & OTHERS_WRITE != 0 {
            return refused("can be written to by others: `chmod go-w` it first");
        }
        if fstat(&directory).map_err(|source| failed("fstat(2)", source))?.st_mode & OTHERS_WRITE != 0 {
            return refused("is in a directory that others can write to: `chmod go-w` that first");
        }
        let mounted = fstatvfs(&file).map_err(|source| failed("fstatvfs(3)", source))?.f_flag;
        if mounted.contains(StatVfsMountFlags::NOSUID) {
            return refused(
                "is on a file system that is mounted with nosuid, which makes capabilities have no effect: install roar elsewhere",
            );
        }
        Ok(Self {
            path: path.to_owned(),
            name: name.into(),
            directory,
            mode: found.mode() & 0o777,
            gid: found.gid(),
            file,
        })
    }

    /// Puts a copy in its place that is root's and has the capabilities.
    ///
    /// # Errors
    /// It is as it was before.
    pub fn enable(&mut self) -> Result<(), CapabilityError> {
        let new = PathBuf::from(format!(".{}.{}", self.name.display(), std::process::id()));
        let done = self.copy_to(&new);
        if done.is_err() {
            // It need not have been made.
            let _none = unlinkat(&self.directory, &new, rustix::fs::AtFlags::empty());
        }
        done
    }

    fn copy_to(&mut self, new: &Path) -> Result<(), CapabilityError> {
        let path = self.path.clone();
        let failed = |call: &'static str| {
            let path = path.clone();
            move |source: Errno| CapabilityError::Failed { call, path, source: source.into() }
        };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = openat(&self.directory, new, flags, Mode::RUSR | Mode::WUSR).map_err(failed("open(2)"))?;
        let mut made = File::from(made);
        let mut program = Vec::new();
        let copied = self.file.read_to_end(&mut program).and_then(|_| made.write_all(&program));
        copied.map_err(|source| CapabilityError::Failed { call: "copying", path: path.clone(), source })?;
        fchown(&made, Some(Uid::ROOT), Some(Gid::from_raw(self.gid))).map_err(failed("fchown(2)"))?;
        fchmod(&made, Mode::from_raw_mode(self.mode)).map_err(failed("fchmod(2)"))?;
        fsetxattr(&made, ATTRIBUTE, &attribute(), XattrFlags::empty()).map_err(failed("fsetxattr(2)"))?;
        fsync(&made).map_err(failed("fsync(2)"))?;
        drop(made);
        renameat_with(&self.directory, new, &self.directory, &self.name, RenameFlags::empty())
            .map_err(failed("rename(2)"))
    }

    /// Takes the capabilities away; returns whether there were any.
    ///
    /// # Errors
    /// They are still there.
    pub fn disable(&self) -> Result<bool, CapabilityError> {
        match fremovexattr(&self.file, ATTRIBUTE) {
            Ok(()) => Ok(true),
            Err(Errno::NODATA) => Ok(false),
            Err(source) => Err(CapabilityError::Failed {
                call: "fremovexattr(2)",
                path: self.path.clone(),
                source: source.into(),
            }),
        }
    }
}

/// Returns the attribute's value: struct vfs_cap_data of revision 2 (linux/capability.h), for the capabilities permitted and effective.
fn attribute() -> [u8; 20] {
    const REVISION_2: u32 = 0x0200_0000;
    const EFFECTIVE: u32 = 1;
    let permitted = CAPABILITIES.iter().fold(0_u64, |set, (number, ..)| set | 1 << number);
    let words = [REVISION_2 | EFFECTIVE, permitted as u32, 0, (permitted >> 32) as u32, 0];
    let mut value = [0; 20];
    for (place, word) in value.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    value
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attribute_is_that_of_setcap() {
        // What `setcap cap_bpf,cap_perfmon=ep` writes, as getfattr(1) shows it.
        let expected = [1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(attribute(), expected);
    }
}
