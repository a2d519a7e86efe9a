//! Calls that take or change content.

use super::{At, Form, Kind, Machine, Path, Performed, Refused, Take, Told, kernel, number, path};
use tracer_schema::{EventFlags, EventKind};

/// The effects that take content; the others change it.
const TAKING: &[EventKind] = &[EventKind::Read, EventKind::MapRead, EventKind::Execute];

impl Machine {
    /// Returns the file that a word names: a descriptor if it is a number, else a path.
    pub(super) fn at(&self, pid: u32, word: &str) -> Result<At, Refused> {
        if let Ok(fd) = word.parse() {
            let slot = self.slot(pid, fd)?;
            let open = self.opens[slot.open].clone();
            return Ok(At {
                inode: open.inode,
                path: open.path,
                fd: Some(fd),
                can_read: open.can_read,
                can_write: open.can_write,
            });
        }
        let path = self.files.resolve(&path(word)?, true)?;
        match self.files.inode_at(&path) {
            Some(inode) => Ok(At::of_path(path, inode)),
            None => kernel("ENOENT"),
        }
    }

    /// Tells an event about a file, in the form of this backend.
    pub(super) fn tell_at(&mut self, pid: u32, at: &At, told: Told<'_>) -> Performed {
        if let (Some(fd), Form::Descriptors) = (at.fd, self.form) {
            self.receive_untold(pid, fd)?;
            self.tape.tell(&Told { fd, ..told });
            return Ok(());
        }
        let flags = if at.path.is_none() { told.flags.with(EventFlags::NAMELESS) } else { told.flags };
        self.tape.tell(&Told { flags, text: at.path.as_deref(), stamp: self.files.stamp(at.inode), ..told });
        Ok(())
    }

    /// Notes that content was taken, for the oracle.
    pub(super) fn take(&mut self, inode: usize, path: Option<&Path>) {
        if !self.files.inodes[inode].kind.is_subject() {
            return;
        }
        let original = self.before.inodes.get(inode).map(|before| before.version);
        if original == Some(self.files.inodes[inode].version) {
            let name = path.and_then(|path| self.files.names.get(path));
            let origin = name.and_then(|name| name.origin.clone());
            self.takes.push(Take { inode, origin });
        }
    }

    pub(super) fn touch(&mut self, path: Option<&Path>) {
        self.touched.extend(path.cloned());
    }

    pub(super) fn effect(&mut self, kind: EventKind, pid: &str, at: &str, count: &str) -> Performed {
        let pid = number(pid)?;
        let at = self.at(pid, at)?;
        self.check_effect(kind, &at)?;
        let mut told = Told::new(kind, pid);
        if count == "?" {
            told.flags = EventFlags::UNCOUNTED;
        } else {
            told.value = number(count)?;
        }
        let (value, is_uncounted) = (told.value, count == "?");
        self.tell_at(pid, &at, told)?;
        let size = self.files.inodes[at.inode].size;
        if kind == EventKind::Write && value == 0 && !is_uncounted {
            return Ok(());
        }
        if TAKING.contains(&kind) {
            self.take(at.inode, at.path.as_ref());
        } else {
            // A mapping and an allocation change some bytes of a file, and the length of an empty one.
            let grown = if kind == EventKind::Write { size + value.max(1) } else { size.max(1) };
            let size = if kind == EventKind::Truncate { value } else { grown };
            self.files.change(at.inode, size);
        }
        self.touch(at.path.as_ref());
        Ok(())
    }

    fn check_effect(&self, kind: EventKind, at: &At) -> Performed {
        use EventKind::{MapRead, MapWrite, Read};
        let is_reading = matches!(kind, Read | MapRead | MapWrite);
        let is_writing = !TAKING.contains(&kind);
        if matches!(self.files.inodes[at.inode].kind, Kind::Directory | Kind::Symlink(_)) {
            return kernel("EISDIR or EBADF");
        }
        if is_reading && !at.can_read || is_writing && !at.can_write {
            return kernel("EBADF or EACCES");
        }
        Ok(())
    }

    /// Tells of a descriptor of which nothing was told.
    pub(super) fn blind(&mut self, kind: EventKind, pid: &str, fd: &str) -> Performed {
        self.tape.tell(&Told { fd: number(fd)?, value: 1, ..Told::new(kind, number(pid)?) });
        Ok(())
    }
}
