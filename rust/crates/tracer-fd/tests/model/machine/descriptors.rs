//! Calls that make, copy and close descriptors.

use super::{
    CLOEXEC, CREAT, EXCL, Form, Kind, Machine, NOFOLLOW, Open, PATH, Performed, Refused, Slot, TMPFILE,
    TRUNC, Told, WRITING, flag, kernel, number, open_flags, path,
};
use tracer_schema::{EventFlags, EventKind};

impl Machine {
    pub(super) fn table(&mut self, pid: u32) -> Result<&mut std::collections::BTreeMap<i32, Slot>, Refused> {
        match self.table_of.get(&pid) {
            Some(index) => Ok(&mut self.tables[*index]),
            None => kernel("ESRCH"),
        }
    }

    pub(super) fn slot(&self, pid: u32, fd: i32) -> Result<Slot, Refused> {
        let slot = self.table_of.get(&pid).and_then(|index| self.tables[*index].get(&fd));
        slot.copied().map_or_else(|| kernel("EBADF"), Ok)
    }

    /// Puts a slot into a table, closing what was there.
    fn put_slot(&mut self, pid: u32, fd: i32, slot: Slot) -> Performed {
        let replaced = self.table(pid)?.insert(fd, slot);
        self.release_open(replaced);
        Ok(())
    }

    /// Lets go of an open file if no slot refers to it any more.
    pub(super) fn release_open(&mut self, closed: Option<Slot>) {
        let Some(slot) = closed else { return };
        let mut slots = self.tables.iter().flat_map(|table| table.values());
        if !slots.any(|other| other.open == slot.open) {
            self.files.release(self.opens[slot.open].inode);
        }
    }

    fn add_open(&mut self, open: Open) -> usize {
        self.files.hold(open.inode);
        self.opens.push(open);
        self.opens.len() - 1
    }

    fn tell_descriptor(&mut self, told: &Told<'_>) {
        if self.form == Form::Descriptors {
            self.tape.tell(told);
        }
    }

    pub(super) fn open(&mut self, pid: &str, at: &str, flags: &str, fd: &str) -> Performed {
        let (pid, fd, flags) = (number(pid)?, number(fd)?, open_flags(flags)?);
        if self.slot(pid, fd).is_ok() {
            return kernel("the descriptor is in use");
        }
        self.table(pid)?;
        let at = self.files.resolve(&path(at)?, flags & NOFOLLOW == 0)?;
        let existing = self.files.inode_at(&at);
        let mut told = Told {
            value: flags,
            fd: if self.form == Form::Descriptors { fd } else { -1 },
            ..Told::new(EventKind::Open, pid)
        };
        let mut name = Some(at.clone());
        let inode = if flags & TMPFILE != 0 {
            self.files.check_parent(&[&at[..], b"/x"].concat())?;
            name = None;
            told.flags = EventFlags::NAMELESS;
            self.files.add_inode(Kind::File)
        } else if let Some(inode) = existing {
            self.check_open(inode, flags)?;
            told.flags = EventFlags::EXISTED;
            inode
        } else if flags & CREAT != 0 && flags & PATH == 0 {
            self.files.check_parent(&at)?;
            let inode = self.files.add_inode(Kind::File);
            self.files.put(&at, inode, None);
            self.touch(Some(&at));
            inode
        } else {
            return kernel("ENOENT");
        };
        told.text = name.as_deref();
        told.stamp = self.files.stamp(inode);
        self.tape.tell(&told);
        if told.flags == EventFlags::EXISTED {
            self.opened.insert(at.clone());
        }
        let is_emptied = flags & TRUNC != 0 && flags & PATH == 0 && told.flags == EventFlags::EXISTED;
        if is_emptied && self.files.inodes[inode].kind == Kind::File {
            self.files.change(inode, 0);
            self.touch(Some(&at));
        }
        let open = self.add_open(Open {
            inode,
            path: name,
            can_read: flags & (PATH | 1) == 0,
            can_write: flags & PATH == 0 && flags & WRITING != 0,
        });
        let slot = Slot { open, is_cloexec: flags & CLOEXEC != 0, is_told: true };
        self.put_slot(pid, fd, slot)
    }

    fn check_open(&self, inode: usize, flags: u64) -> Performed {
        match self.files.inodes[inode].kind {
            Kind::Directory if flags & (WRITING | CREAT | TRUNC) != 0 => kernel("EISDIR"),
            Kind::Symlink(_) if flags & PATH == 0 => kernel("ELOOP"),
            Kind::Directory | Kind::Symlink(_) | Kind::File | Kind::Fifo => {
                if flags & (CREAT | EXCL) == CREAT | EXCL {
                    return kernel("EEXIST");
                }
                Ok(())
            }
        }
    }

    pub(super) fn close(&mut self, pid: &str, fd: &str) -> Performed {
        let (pid, fd) = (number(pid)?, number(fd)?);
        self.slot(pid, fd)?;
        let slot = self.table(pid)?.remove(&fd);
        self.release_open(slot);
        self.tell_descriptor(&Told { fd, ..Told::new(EventKind::Close, pid) });
        Ok(())
    }

    pub(super) fn close_range(&mut self, pid: &str, first: &str, last: &str, is_cloexec: bool) -> Performed {
        let (pid, first): (u32, i32) = (number(pid)?, number(first)?);
        // As close_range(2) has it: the last descriptor is an unsigned int.
        let last: u32 = number(last)?;
        let covered: Vec<i32> =
            self.table(pid)?.keys().copied().filter(|fd| *fd >= first && *fd as u32 <= last).collect();
        for fd in covered {
            if is_cloexec {
                self.table(pid)?.entry(fd).and_modify(|slot| slot.is_cloexec = true);
            } else {
                let slot = self.table(pid)?.remove(&fd);
                self.release_open(slot);
            }
        }
        self.tell_descriptor(&Told {
            fd: first,
            value: last.into(),
            flags: flag(is_cloexec, EventFlags::CLOEXEC),
            ..Told::new(EventKind::CloseRange, pid)
        });
        Ok(())
    }

    pub(super) fn duplicate(&mut self, pid: &str, from: &str, to: &str, is_cloexec: bool) -> Performed {
        let (pid, from, to): (u32, i32, i32) = (number(pid)?, number(from)?, number(to)?);
        let slot = self.slot(pid, from)?;
        if from == to {
            return kernel("dup2 of a descriptor to itself does nothing");
        }
        self.put_slot(pid, to, Slot { is_cloexec, ..slot })?;
        self.tell_descriptor(&Told {
            fd: from,
            value: to as u64,
            flags: flag(is_cloexec, EventFlags::CLOEXEC),
            ..Told::new(EventKind::Duplicate, pid)
        });
        Ok(())
    }

    pub(super) fn close_on_exec(&mut self, pid: &str, fd: &str, is_cloexec: bool) -> Performed {
        let (pid, fd) = (number(pid)?, number(fd)?);
        let slot = self.slot(pid, fd)?;
        self.table(pid)?.insert(fd, Slot { is_cloexec, ..slot });
        self.tell_descriptor(&Told {
            fd,
            flags: flag(is_cloexec, EventFlags::CLOEXEC),
            ..Told::new(EventKind::CloseOnExec, pid)
        });
        Ok(())
    }

    /// Gives a process a descriptor that was opened before the run, and tells it at once or when it is first used.
    pub(super) fn inherit(&mut self, pid: &str, fd: &str, at: &str, is_told: bool) -> Performed {
        let (pid, fd) = (number(pid)?, number(fd)?);
        let at = self.files.resolve(&path(at)?, true)?;
        let Some(inode) = self.files.inode_at(&at) else {
            return kernel("ENOENT");
        };
        let open = self.add_open(Open { inode, path: Some(at), can_read: true, can_write: true });
        let slot = Slot { open, is_cloexec: false, is_told: false };
        self.put_slot(pid, fd, slot)?;
        if is_told {
            self.receive_untold(pid, fd)?;
        }
        Ok(())
    }

    /// Sends a descriptor from one process to another.
    pub(super) fn pass(
        &mut self,
        from: &str,
        from_fd: &str,
        pid: &str,
        fd: &str,
        is_cloexec: bool,
    ) -> Performed {
        let (pid, fd) = (number(pid)?, number(fd)?);
        let slot = self.slot(number(from)?, number(from_fd)?)?;
        let is_told = false;
        let slot = Slot { is_cloexec, is_told, ..slot };
        self.put_slot(pid, fd, slot)?;
        self.receive_untold(pid, fd)
    }

    /// Tells what a descriptor refers to, unless that was told.
    pub(super) fn receive_untold(&mut self, pid: u32, fd: i32) -> Performed {
        let slot = self.slot(pid, fd)?;
        if slot.is_told || self.form == Form::Resolved {
            return Ok(());
        }
        let open = self.opens[slot.open].clone();
        let nameless = flag(open.path.is_none(), EventFlags::NAMELESS);
        self.tape.tell(&Told {
            fd,
            flags: flag(slot.is_cloexec, EventFlags::CLOEXEC).with(nameless),
            text: open.path.as_deref(),
            stamp: self.files.stamp(open.inode),
            ..Told::new(EventKind::Receive, pid)
        });
        self.opened.extend(open.path);
        self.table(pid)?.insert(fd, Slot { is_told: true, ..slot });
        Ok(())
    }
}
