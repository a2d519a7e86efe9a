//! Calls that make, move and remove names.

use super::{At, Kind, Machine, Path, Performed, Refused, Told, kernel, number, path};
use tracer_schema::{EventFlags, EventKind};

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.first() == Some(&b'/'))
}

impl Machine {
    /// Returns a path as a call on the name itself sees it: links in directories followed, the last not.
    fn name_path(&self, word: &str) -> Result<Path, Refused> {
        self.files.resolve(&path(word)?, false)
    }

    fn existing(&self, word: &str) -> Result<At, Refused> {
        let path = self.name_path(word)?;
        match self.files.inode_at(&path) {
            Some(inode) => Ok(At::of_path(path, inode)),
            None => kernel("ENOENT"),
        }
    }

    fn free(&self, word: &str) -> Result<Path, Refused> {
        let path = self.name_path(word)?;
        self.files.check_parent(&path)?;
        if self.files.inode_at(&path).is_some() {
            return kernel("EEXIST");
        }
        Ok(path)
    }

    pub(super) fn make(
        &mut self,
        told: EventKind,
        pid: &str,
        at: &str,
        kind: Kind,
        target: Option<&[u8]>,
    ) -> Performed {
        let pid = number(pid)?;
        let path = self.free(at)?;
        let inode = self.files.add_inode(kind);
        self.files.put(&path, inode, None);
        self.tape.tell(&Told {
            text: Some(&path),
            text2: target,
            stamp: self.files.stamp(inode),
            ..Told::new(told, pid)
        });
        self.touch(Some(&path));
        Ok(())
    }

    pub(super) fn link(&mut self, pid: &str, from: &str, to: &str) -> Performed {
        let pid = number(pid)?;
        let from = if from.parse::<i32>().is_ok() { self.at(pid, from)? } else { self.existing(from)? };
        if self.files.inodes[from.inode].kind == Kind::Directory {
            return kernel("EPERM");
        }
        let to = self.free(to)?;
        let told = Told { text2: Some(&to), ..Told::new(EventKind::Link, pid) };
        self.tell_at(pid, &from, told)?;
        self.take(from.inode, from.path.as_ref());
        self.files.put(&to, from.inode, None);
        self.touch(from.path.as_ref());
        self.touch(Some(&to));
        Ok(())
    }

    pub(super) fn unlink(&mut self, pid: &str, at: &str) -> Performed {
        let pid = number(pid)?;
        let at = self.existing(at)?;
        let path = at.path.clone().expect("it was found by a path");
        if self.files.has_below(&path) {
            return kernel("ENOTEMPTY");
        }
        self.tell_at(pid, &at, Told::new(EventKind::Unlink, pid))?;
        self.files.remove(&path);
        self.unname(&path);
        self.touch(Some(&path));
        Ok(())
    }

    pub(super) fn mkdir(&mut self, at: &str) -> Performed {
        let path = self.free(at)?;
        let inode = self.files.add_inode(Kind::Directory);
        self.files.put(&path, inode, None);
        Ok(())
    }

    fn is_directory(&self, at: &At) -> bool {
        self.files.inodes[at.inode].kind == Kind::Directory
    }

    pub(super) fn rename(&mut self, pid: &str, from: &str, to: &str) -> Performed {
        let pid = number(pid)?;
        let (from, target) = (self.existing(from)?, self.name_path(to)?);
        let source = from.path.clone().expect("it was found by a path");
        self.files.check_parent(&target)?;
        if is_below(&target, &source) || is_below(&source, &target) {
            return kernel("EINVAL or ENOTEMPTY");
        }
        let there = self.existing(to).ok();
        if let Some(there) = &there {
            if there.inode != from.inode && self.is_directory(there) != self.is_directory(&from) {
                return kernel("EISDIR or ENOTDIR");
            }
            if there.inode != from.inode && self.files.has_below(&target) {
                return kernel("ENOTEMPTY");
            }
            self.tell_at(pid, there, Told::new(EventKind::Seen, pid))?;
        }
        let told = Told { text2: Some(&target), ..Told::new(EventKind::Rename, pid) };
        self.tell_at(pid, &from, told)?;
        if there.is_some_and(|there| there.inode == from.inode) {
            // Two names of one file, or one name: rename(2) does nothing.
            return Ok(());
        }
        self.take_all(&source);
        if !self.is_directory(&from) {
            self.touch(Some(&source));
            self.touch(Some(&target));
        }
        if self.files.remove(&target).is_some() {
            self.unname(&target);
        }
        self.files.carry(&source, &target);
        self.rename_opens(&source, &target);
        Ok(())
    }

    pub(super) fn exchange(&mut self, pid: &str, from: &str, to: &str) -> Performed {
        let pid = number(pid)?;
        let (from, to) = (self.existing(from)?, self.existing(to)?);
        let (source, target) = (from.path.clone().unwrap_or_default(), to.path.clone().unwrap_or_default());
        if is_below(&target, &source) || is_below(&source, &target) {
            return kernel("EINVAL");
        }
        self.tell_at(pid, &to, Told::new(EventKind::Seen, pid))?;
        let told =
            Told { text2: Some(&target), flags: EventFlags::EXCHANGE, ..Told::new(EventKind::Rename, pid) };
        self.tell_at(pid, &from, told)?;
        if from.inode == to.inode {
            return Ok(());
        }
        for path in [&source, &target] {
            self.take_all(path);
            if !(self.is_directory(&from) && self.is_directory(&to)) {
                self.touch(Some(path));
            }
        }
        let aside: &[u8] = b"/aside";
        for (from, to) in [(&source[..], aside), (&target, &source), (aside, &target)] {
            self.files.carry(from, to);
            self.rename_opens(from, to);
        }
        self.files.ever.retain(|path| !path.starts_with(aside));
        Ok(())
    }

    /// Notes that the content of a file, or of every file below a directory, was taken by a rename.
    fn take_all(&mut self, path: &Path) {
        let mut below: Vec<Path> = self.files.below(path).cloned().collect();
        below.push(path.clone());
        for path in below {
            self.take(self.files.names[&path].inode, Some(&path));
        }
    }

    fn rename_opens(&mut self, from: &[u8], to: &[u8]) {
        for path in self.opens.iter_mut().filter_map(|open| open.path.as_mut()) {
            if path == from || is_below(path, from) {
                *path = [to, &path[from.len()..]].concat();
            }
        }
    }

    fn unname(&mut self, path: &[u8]) {
        for open in &mut self.opens {
            if open.path.as_deref() == Some(path) {
                open.path = None;
            }
        }
    }

    pub(super) fn seen(&mut self, pid: &str, at: &str) -> Performed {
        let pid = number(pid)?;
        let at = self.existing(at)?;
        self.tell_at(pid, &at, Told::new(EventKind::Seen, pid))?;
        self.opened.extend(at.path);
        Ok(())
    }

    pub(super) fn found(&mut self, at: &str) -> Performed {
        let at = self.existing(at)?;
        self.tell_at(0, &at, Told::new(EventKind::Found, 0))
    }

    pub(super) fn absent(&mut self, pid: &str, at: &str) -> Performed {
        let path = self.name_path(at)?;
        if self.files.inode_at(&path).is_some() {
            return kernel("no ENOENT: it is there");
        }
        self.tape.tell(&Told { text: Some(&path), ..Told::new(EventKind::Absent, number(pid)?) });
        Ok(())
    }

    pub(super) fn listed(&mut self, pid: &str, at: &str) -> Performed {
        let at = self.existing(at)?;
        if self.files.inodes[at.inode].kind != Kind::Directory {
            return kernel("ENOTDIR");
        }
        let pid = number(pid)?;
        self.tell_at(pid, &at, Told::new(EventKind::Listed, pid))
    }
}
