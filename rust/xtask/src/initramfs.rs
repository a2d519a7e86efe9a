//! The initramfs of an emulated machine: an archive in the kernel's own format (Documentation/driver-api/early-userspace/buffer-format.rst),
//! written here since times and owners are chosen, not taken from files.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// Folders that the first script mounts on.
const MOUNT_POINTS: &[&str] = &["proc", "sys", "dev", "tmp", "root", "run"];

/// Programs must look newer than their sources, or the suite would build them again.
pub(crate) const MTIME_SOURCE: u32 = 1;
pub(crate) const MTIME_BUILT: u32 = 2;

/// A file of the guest.
#[derive(Clone)]
pub(crate) struct Item {
    /// Where it is in the guest. What the suite looks for is where it is on this machine, since it was built to look there.
    pub(crate) path: PathBuf,
    /// Where its content is on this machine.
    pub(crate) from: PathBuf,
    pub(crate) mtime: u32,
}

/// Everything that a guest has.
pub(crate) struct Content<'a> {
    /// A folder that becomes the guest's root directory.
    pub(crate) root: Option<&'a Path>,
    /// A static busybox, for the first script.
    pub(crate) busybox: &'a Path,
    /// The script that the kernel starts.
    pub(crate) init: &'a str,
    /// Files beside or over those of the folder.
    pub(crate) items: &'a [Item],
    /// Symbolic links: path and target.
    pub(crate) links: &'a [(PathBuf, PathBuf)],
}

/// Writes an archive of all that.
pub(crate) fn write(path: &Path, content: &Content<'_>) -> Result<()> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    let mut archive = Cpio { out: BufWriter::new(file), entries: 0, folders: Vec::new() };
    if let Some(root) = content.root {
        archive.tree(root, Path::new(""))?;
    }
    for folder in MOUNT_POINTS {
        archive.folders_of(&Path::new(folder).join("x"))?;
    }
    archive.entry(Path::new("busybox"), REGULAR | 0o755, 0, &fs::read(content.busybox)?)?;
    archive.entry(Path::new("init"), REGULAR | 0o755, 0, content.init.as_bytes())?;
    for item in content.items {
        let name = item.path.strip_prefix("/").unwrap_or(&item.path);
        let metadata = item.from.metadata().with_context(|| item.from.display().to_string())?;
        archive.folders_of(name)?;
        archive.entry(
            name,
            REGULAR | (metadata.permissions().mode() & 0o7777),
            item.mtime,
            &fs::read(&item.from)?,
        )?;
    }
    for (path, target) in content.links {
        let name = path.strip_prefix("/").unwrap_or(path);
        archive.folders_of(name)?;
        archive.entry(name, SYMLINK | 0o777, 0, target.as_os_str().as_bytes())?;
    }
    archive.finish()
}

struct Cpio<W> {
    out: W,
    entries: u32,
    /// Folders that are in the archive already.
    folders: Vec<PathBuf>,
}

impl<W: Write> Cpio<W> {
    /// Adds everything below `root`/`below`.
    fn tree(&mut self, root: &Path, below: &Path) -> Result<()> {
        let here = root.join(below);
        for entry in fs::read_dir(&here).with_context(|| here.display().to_string())? {
            let path = entry?.path();
            let name = path.strip_prefix(root).expect("an entry is below its root");
            let metadata = path.symlink_metadata()?;
            let mode = metadata.permissions().mode() & 0o7777;
            if metadata.is_dir() {
                self.entry(name, DIRECTORY | mode, 0, &[])?;
                self.folders.push(name.to_owned());
                self.tree(root, name)?;
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path)?;
                self.entry(name, SYMLINK | 0o777, 0, target.as_os_str().as_bytes())?;
            } else if metadata.is_file() {
                self.entry(name, REGULAR | mode, 0, &fs::read(&path)?)?;
            }
        }
        Ok(())
    }

    /// Adds the folders that lead to `name`.
    fn folders_of(&mut self, name: &Path) -> Result<()> {
        let mut missing: Vec<&Path> =
            name.ancestors().skip(1).filter(|folder| *folder != Path::new("")).collect();
        missing.retain(|folder| !self.folders.iter().any(|there| there == folder));
        for folder in missing.into_iter().rev() {
            self.entry(folder, DIRECTORY | 0o755, 0, &[])?;
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }

    fn entry(&mut self, name: &Path, mode: u32, mtime: u32, content: &[u8]) -> Result<()> {
        self.entries += 1;
        let name = name.as_os_str().as_bytes();
        let size = u32::try_from(content.len()).context("a file of 4 GiB or more")?;
        let name_size = name.len() as u32 + 1;
        let inode = self.entries;
        // Inode, mode, owner, group, links, time, size, device (2), node (2), length of the name, checksum.
        let fields = [inode, mode, 0, 0, 1, mtime, size, 0, 0, 0, 0, name_size, 0];
        let mut header = b"070701".to_vec();
        for field in fields {
            write!(header, "{field:08x}")?;
        }
        header.extend_from_slice(name);
        header.push(0);
        header.resize(header.len().next_multiple_of(4), 0);
        self.out.write_all(&header)?;
        self.out.write_all(content)?;
        self.out.write_all(&[0; 3][..content.len().next_multiple_of(4) - content.len()])?;
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.entry(Path::new("TRAILER!!!"), 0, 0, &[])?;
        self.out.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Cpio, REGULAR};

    #[test]
    fn entries_are_padded_to_four_bytes() {
        let mut out = Vec::new();
        let mut archive = Cpio { out: &mut out, entries: 0, folders: Vec::new() };
        archive.folders_of(Path::new("a/b/c")).unwrap();
        archive.entry(Path::new("a/b/c"), REGULAR | 0o644, 2, b"hello").unwrap();
        assert_eq!(archive.entries, 3);
        assert_eq!(out.len() % 4, 0);
        assert!(out.starts_with(b"070701"));
    }
}
