//! Files: paths, inodes, and what became of both since the run began.

use std::collections::{BTreeMap, BTreeSet};

use tracer_fd::World;
use tracer_schema::FileStamp;

use super::Refused;

pub(crate) type Path = Vec<u8>;

/// Longest chain of symbolic links that is followed (MAXSYMLINKS of the kernel).
const LINKS_MAX: usize = 40;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Symlink(Path),
    Directory,
    Fifo,
}

impl Kind {
    fn mode(&self) -> u32 {
        match self {
            Self::File => 0o100_644,
            Self::Symlink(_) => 0o120_777,
            Self::Directory => 0o040_755,
            Self::Fifo => 0o010_644,
        }
    }

    pub(crate) fn is_subject(&self) -> bool {
        matches!(self, Self::File | Self::Symlink(_))
    }
}

/// A file. Its index never comes again, its inode number may.
#[derive(Clone, Debug)]
pub(crate) struct Inode {
    pub(crate) kind: Kind,
    pub(crate) ino: u64,
    pub(crate) size: u64,
    /// Number of the version of the content; no two versions of any files have the same.
    pub(crate) version: u64,
    pub(crate) was_emptied: bool,
    nlink: u32,
    holders: u32,
    mtime: i64,
    ctime: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) inode: usize,
    /// The path from before the run that this name came from, by nothing but renames.
    pub(crate) origin: Option<Path>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    pub(crate) inodes: Vec<Inode>,
    pub(crate) names: BTreeMap<Path, Name>,
    /// Every path that was a file or a link at some time.
    pub(crate) ever: BTreeSet<Path>,
    free: Vec<u64>,
    clock: i64,
    is_reusing: bool,
}

fn below<'a>(path: &'a [u8], directory: &[u8]) -> Option<&'a [u8]> {
    path.strip_prefix(directory).filter(|rest| rest.first() == Some(&b'/'))
}

fn parent(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    &path[..slash]
}

impl Files {
    /// Returns a file system with the root, where inode numbers are used again if `is_reusing`.
    pub(crate) fn new(is_reusing: bool) -> Self {
        let mut files = Self { is_reusing, ..Self::default() };
        let root = files.add_inode(Kind::Directory);
        files.put(b"", root, None);
        files
    }

    /// What is there now was there before the run.
    pub(crate) fn begin(&mut self) {
        for (path, name) in &mut self.names {
            name.origin = Some(path.clone());
        }
        for inode in &mut self.inodes {
            inode.was_emptied = false;
        }
    }

    pub(crate) fn add_inode(&mut self, kind: Kind) -> usize {
        self.clock += 1;
        // The number freed last comes first, as ext4 and tmpfs do it.
        let ino = self.free.pop().unwrap_or(self.inodes.len() as u64 + 10);
        let version = self.clock as u64;
        self.inodes.push(Inode {
            size: if let Kind::Symlink(target) = &kind { target.len() as u64 } else { 0 },
            kind,
            ino,
            version,
            was_emptied: false,
            nlink: 0,
            holders: 0,
            mtime: self.clock,
            ctime: self.clock,
        });
        self.inodes.len() - 1
    }

    pub(crate) fn stamp(&self, inode: usize) -> FileStamp {
        let inode = &self.inodes[inode];
        FileStamp {
            dev: 1,
            ino: inode.ino,
            size: inode.size,
            mtime_ns: inode.mtime,
            ctime_ns: inode.ctime,
            mode: inode.kind.mode(),
            nlink: inode.nlink,
        }
    }

    pub(crate) fn inode_at(&self, path: &[u8]) -> Option<usize> {
        self.names.get(path).map(|name| name.inode)
    }

    pub(crate) fn kind_at(&self, path: &[u8]) -> Option<&Kind> {
        self.inode_at(path).map(|inode| &self.inodes[inode].kind)
    }

    fn is_subject(&self, inode: usize) -> bool {
        self.inodes[inode].kind.is_subject()
    }

    /// Changes the content of a file.
    pub(crate) fn change(&mut self, inode: usize, size: u64) {
        self.clock += 1;
        let clock = self.clock;
        let inode = &mut self.inodes[inode];
        inode.version = clock as u64;
        inode.was_emptied |= size == 0;
        inode.size = size;
        (inode.mtime, inode.ctime) = (clock, clock);
    }

    pub(crate) fn put(&mut self, path: &[u8], inode: usize, origin: Option<Path>) {
        self.clock += 1;
        self.inodes[inode].nlink += 1;
        self.inodes[inode].ctime = self.clock;
        if self.is_subject(inode) {
            self.ever.insert(path.to_vec());
        }
        self.names.insert(path.to_vec(), Name { inode, origin });
    }

    pub(crate) fn remove(&mut self, path: &[u8]) -> Option<Name> {
        let name = self.names.remove(path)?;
        self.clock += 1;
        self.inodes[name.inode].nlink -= 1;
        self.inodes[name.inode].ctime = self.clock;
        self.free_if_unused(name.inode);
        Some(name)
    }

    pub(crate) fn hold(&mut self, inode: usize) {
        self.inodes[inode].holders += 1;
    }

    pub(crate) fn release(&mut self, inode: usize) {
        self.inodes[inode].holders -= 1;
        self.free_if_unused(inode);
    }

    fn free_if_unused(&mut self, inode: usize) {
        let Inode { nlink, holders, ino, .. } = self.inodes[inode];
        if self.is_reusing && nlink == 0 && holders == 0 {
            self.free.push(ino);
        }
    }

    /// Moves a name and, of a directory, all below it. `there` is free.
    pub(crate) fn carry(&mut self, from: &[u8], there: &[u8]) {
        let moving: Vec<Path> =
            self.names.keys().filter(|path| *path == from || below(path, from).is_some()).cloned().collect();
        for path in moving {
            let name = self.names.remove(&path).expect("the path was listed");
            let target = [there, &path[from.len()..]].concat();
            if self.is_subject(name.inode) {
                self.ever.insert(target.clone());
            }
            self.names.insert(target, name);
        }
    }

    pub(crate) fn has_below(&self, directory: &[u8]) -> bool {
        self.below(directory).next().is_some()
    }

    /// Returns the paths below a directory, at any depth.
    pub(crate) fn below<'a>(&'a self, directory: &'a [u8]) -> impl Iterator<Item = &'a Path> {
        self.names.keys().filter(move |path| below(path, directory).is_some())
    }

    /// Returns whether a name can be made there.
    pub(crate) fn check_parent(&self, path: &[u8]) -> Result<(), Refused> {
        match self.kind_at(parent(path)) {
            Some(Kind::Directory) => Ok(()),
            _ => Err(Refused::ByKernel("ENOTDIR or ENOENT of the parent")),
        }
    }

    /// Returns a path with the links in it followed, the last one too if `is_last_followed`.
    pub(crate) fn resolve(&self, path: &[u8], is_last_followed: bool) -> Result<Path, Refused> {
        let mut path = path.to_vec();
        for _ in 0..LINKS_MAX {
            let ends = (1..=path.len()).filter(|end| *end == path.len() || path[*end] == b'/');
            let link = ends.filter(|end| is_last_followed || *end < path.len()).find_map(|end| {
                match self.kind_at(&path[..end]) {
                    Some(Kind::Symlink(target)) => Some((end, target)),
                    _ => None,
                }
            });
            let Some((end, target)) = link else {
                return Ok(path);
            };
            path = if target.first() == Some(&b'/') {
                [target, &path[end..]].concat()
            } else {
                [parent(&path[..end]), b"/", target, &path[end..]].concat()
            };
        }
        Err(Refused::ByKernel("ELOOP"))
    }
}

impl World for Files {
    fn look(&mut self, path: &[u8]) -> Option<FileStamp> {
        self.inode_at(path).map(|inode| self.stamp(inode))
    }

    fn list(&mut self, directory: &[u8], each: &mut dyn FnMut(&[u8], FileStamp)) -> Result<(), String> {
        if self.kind_at(directory) != Some(&Kind::Directory) {
            return Err("there is no such directory".to_owned());
        }
        for path in self.below(directory) {
            let inode = self.names[path].inode;
            if self.is_subject(inode) {
                each(path, self.stamp(inode));
            }
        }
        Ok(())
    }
}
