//! Calls on paths.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustix::io::Errno;

use super::observed::Change;
use super::tree::{Den, Found, Ino, Inode, Kind};
use super::{At, Base, Call, Flags, Line, Model, Object, Open, Other, Refusal, Returned, Task, Word};

impl Model {
    pub(super) fn perform_on_names(&mut self, line: &Line) -> Result<Call<Returned>, Other> {
        use Word::{Made, Number, Options, Path};
        let task = line.task;
        let done = match (line.call.as_str(), &line.words[..]) {
            ("open", [Path(at), Options(flags)]) => return Ok(self.open(line, at, *flags)),
            ("rename", [Path(from), Path(to), Options(flags)]) => self.rename(task, from, to, *flags),
            ("link", [Path(from), Path(to), Options(flags)]) => self.link(task, from, to, *flags),
            ("link_fd", [Made(fd), Path(to), Options(flags)]) => self.link_fd(task, *fd, to, *flags),
            ("symlink", [Path(target), Path(at)]) => self.symlink(task, target, at),
            ("unlink", [Path(at)]) => self.unlink(task, at),
            ("rmdir", [Path(at)]) => self.rmdir(task, at),
            ("mkdir", [Path(at)]) => self.mkdir(task, at),
            ("mknod", [Path(at)]) => self.mknod(task, at),
            ("truncate", [Path(at), Number(size)]) => self.truncate(task, at, *size),
            ("chdir", [Path(at)]) => self.chdir(task, at),
            ("stat", [Path(at)]) => self.existing(task, at, true).map(drop),
            ("readlink", [Path(at)]) => self.readlink(task, at),
            ("chmod", [Path(at)]) => self.chmod(task, at),
            _ => return Err(Other),
        };
        Ok(done.map(|()| Returned::default()))
    }

    /// Follows a path to something that is there; a directory reached by a dot is not looked at further.
    fn existing(&self, task: Task, at: &At, follow: bool) -> Call<Found> {
        let found = self.resolve(task, at, follow)?;
        if found.dentry.is_none() && !found.is_dot {
            return Err(Errno::NOENT.into());
        }
        Ok(found)
    }

    /// Follows a path to a place where something is to be made or removed.
    fn place(&self, task: Task, at: &At) -> Call<Found> {
        let found = self.resolve(task, at, false)?;
        if found.is_dot { Err(Refusal::Unmodelled) } else { Ok(found) }
    }

    /// Follows a path to a place where there is nothing yet.
    fn vacant(&self, task: Task, at: &At) -> Call<Found> {
        let found = self.place(task, at)?;
        match found.dentry {
            Some(_) => Err(Errno::EXIST.into()),
            None if self.is_dead(found.directory) => Err(Errno::NOENT.into()),
            None => Ok(found),
        }
    }

    fn inode_found(&self, found: &Found) -> Ino {
        found.dentry.map_or(found.directory, |dentry| self.dentries[dentry].inode)
    }

    /// A path that the call cannot take relative to a descriptor.
    fn without_directory(at: &At) -> Call<()> {
        if matches!(at.base, Base::Directory(_)) { Err(Refusal::Unmodelled) } else { Ok(()) }
    }

    fn open(&mut self, line: &Line, at: &At, flags: Flags) -> Call<Returned> {
        let outcome = self.open_object(line.task, at, flags);
        self.make_descriptor(line, flags.has(Flags::CLOEXEC), outcome)
    }

    fn open_object(&mut self, task: Task, at: &At, flags: Flags) -> Call<Open> {
        if flags.has(Flags::TMPFILE) {
            return self.open_nameless(task, at, flags);
        }
        if flags.has(Flags::CREAT) && (flags.has(Flags::DIRECTORY) || flags.has(Flags::PATH)) {
            return Err(Refusal::Unmodelled);
        }
        let creates = flags.has(Flags::CREAT);
        let is_exclusive = creates && flags.has(Flags::EXCL);
        let found = self.resolve(task, at, !flags.has(Flags::NOFOLLOW) && !is_exclusive)?;
        if found.is_dot {
            return if creates {
                Err(Refusal::Unmodelled)
            } else {
                self.open_directory(found.directory, flags)
            };
        }
        let Some(dentry) = found.dentry else {
            if !creates || self.is_dead(found.directory) {
                return Err(Errno::NOENT.into());
            }
            let dentry = self.make(task, &found, Kind::File(Arc::default()));
            return Ok(self.opened(Object::File(dentry), flags));
        };
        if is_exclusive {
            return Err(Errno::EXIST.into());
        }
        self.open_existing(task, dentry, flags)
    }

    /// Opens a file that is there, by whatever way it was found.
    pub(super) fn open_existing(&mut self, task: Task, dentry: Den, flags: Flags) -> Call<Open> {
        let inode = self.dentries[dentry].inode;
        match &self.inodes[inode].kind {
            Kind::Directory { .. } if flags.has(Flags::CREAT) => Err(Errno::ISDIR.into()),
            Kind::Directory { .. } => self.open_directory(inode, flags),
            Kind::File(_) | Kind::Symlink(_) if flags.has(Flags::DIRECTORY) => Err(Errno::NOTDIR.into()),
            Kind::Symlink(_) if flags.has(Flags::PATH) => Ok(self.opened(Object::Symlink(dentry), flags)),
            Kind::Symlink(_) => Err(Errno::LOOP.into()),
            Kind::File(_) if flags.has(Flags::PATH) => Ok(self.opened(Object::File(dentry), flags)),
            Kind::File(_) => {
                let writes = [Flags::WRONLY, Flags::RDWR, Flags::TRUNC].iter().any(|flag| flags.has(*flag));
                if writes && self.is_running(inode) {
                    return Err(Errno::TXTBSY.into());
                }
                if flags.has(Flags::TRUNC) {
                    self.resize(dentry, 0);
                    self.changes(task, dentry, Some(0), Change::Emptied);
                }
                Ok(self.opened(Object::File(dentry), flags))
            }
        }
    }

    fn open_directory(&self, directory: Ino, flags: Flags) -> Call<Open> {
        let writes = [Flags::WRONLY, Flags::RDWR, Flags::TRUNC].iter().any(|flag| flags.has(*flag));
        if writes && !flags.has(Flags::PATH) {
            return Err(Errno::ISDIR.into());
        }
        Ok(self.opened(Object::Directory(directory), flags))
    }

    fn open_nameless(&mut self, task: Task, at: &At, flags: Flags) -> Call<Open> {
        let writes = flags.has(Flags::WRONLY) || flags.has(Flags::RDWR);
        if !self.machine.is_ext4 || !writes || flags.has(Flags::CREAT) || flags.has(Flags::PATH) {
            return Err(Refusal::Unmodelled);
        }
        let found = self.existing(task, at, !flags.has(Flags::NOFOLLOW))?;
        let directory = self.inode_found(&found);
        if !self.is_directory(directory) {
            return Err(Errno::NOTDIR.into());
        }
        if self.is_dead(directory) {
            return Err(Refusal::Unmodelled);
        }
        let inode = Inode { is_linkable: !flags.has(Flags::EXCL), ..Inode::new(Kind::File(Arc::default())) };
        let inode = self.add(inode);
        let dentry = self.add_name(inode);
        self.done_by(task, inode);
        Ok(self.opened(Object::File(dentry), flags))
    }

    fn opened(&self, object: Object, flags: Flags) -> Open {
        let is_path = flags.has(Flags::PATH);
        let is_only_written = flags.has(Flags::WRONLY);
        Open {
            object,
            offset: 0,
            reads: !is_path && !is_only_written,
            writes: !is_path && (is_only_written || flags.has(Flags::RDWR)),
            appends: flags.has(Flags::APPEND),
            is_path,
        }
    }

    /// Makes a file where nothing is, and puts down that the run made it.
    fn make(&mut self, task: Task, found: &Found, kind: Kind) -> Den {
        let inode = self.add(Inode::new(kind));
        let dentry = self.add_name(inode);
        self.attach(found.directory, &found.name, dentry);
        self.arrives(task, dentry);
        dentry
    }

    fn rename(&mut self, task: Task, from: &At, to: &At, flags: Flags) -> Call<()> {
        let is_exchange = flags.has(Flags::EXCHANGE);
        if is_exchange && flags.has(Flags::NOREPLACE) {
            return Err(Errno::INVAL.into());
        }
        let (from, to) = (self.place(task, from)?, self.place(task, to)?);
        let source = from.dentry.ok_or(Errno::NOENT)?;
        if flags.has(Flags::NOREPLACE) && to.dentry.is_some() {
            return Err(Errno::EXIST.into());
        }
        if is_exchange && to.dentry.is_none() {
            return Err(Errno::NOENT.into());
        }
        let moved = self.dentries[source].inode;
        let is_directory = self.is_directory(moved);
        if is_directory && self.is_below(to.directory, moved) {
            return Err(Errno::INVAL.into());
        }
        let there = to.dentry.map(|dentry| (dentry, self.dentries[dentry].inode));
        if let Some((_, there)) = there
            && self.is_directory(there)
            && self.is_below(from.directory, there)
        {
            return Err(if is_exchange { Errno::INVAL } else { Errno::NOTEMPTY }.into());
        }
        if there.is_some_and(|(_, there)| there == moved) {
            return Ok(());
        }
        if there.is_none() && self.is_dead(to.directory) {
            return Err(Errno::NOENT.into());
        }
        let Some((target, there)) = there else {
            self.detach(source);
            self.attach(to.directory, &to.name, source);
            self.moves(task, source);
            return Ok(());
        };
        if is_exchange {
            self.detach(source);
            self.detach(target);
            self.attach(to.directory, &to.name, source);
            self.attach(from.directory, &from.name, target);
            self.moves(task, source);
            self.moves(task, target);
            return Ok(());
        }
        match (is_directory, self.is_directory(there)) {
            (true, false) => return Err(Errno::NOTDIR.into()),
            (false, true) => return Err(Errno::ISDIR.into()),
            (true, true) if !self.is_empty(there) => return Err(Errno::NOTEMPTY.into()),
            (true, true) => self.kill(there),
            (false, false) => {}
        }
        self.detach(source);
        self.detach(target);
        self.attach(to.directory, &to.name, source);
        self.moves(task, source);
        Ok(())
    }

    fn kill(&mut self, directory: Ino) {
        if let Kind::Directory { is_dead, .. } = &mut self.inodes[directory].kind {
            *is_dead = true;
        }
    }

    fn link(&mut self, task: Task, from: &At, to: &At, flags: Flags) -> Call<()> {
        let found = self.existing(task, from, flags.has(Flags::FOLLOW))?;
        let to = self.vacant(task, to)?;
        match found.dentry {
            Some(source) => self.link_to(task, source, &to),
            None => Err(Errno::PERM.into()),
        }
    }

    fn link_fd(&mut self, task: Task, fd: u16, to: &At, flags: Flags) -> Call<()> {
        let by_proc = flags.has(Flags::BY_PROC);
        if !by_proc && !self.machine.is_root {
            return Err(Refusal::Unmodelled);
        }
        let missing = if by_proc { Errno::NOENT } else { Errno::BADF };
        let open = self.open_of(task, fd).or(Err(missing))?.object;
        let to = self.vacant(task, to)?;
        match open {
            Object::File(source) | Object::Symlink(source) => self.link_to(task, source, &to),
            Object::Directory(_) => Err(Errno::PERM.into()),
            Object::PipeEnd { .. } | Object::Outside => Err(Refusal::Unmodelled),
        }
    }

    fn link_to(&mut self, task: Task, source: Den, to: &Found) -> Call<()> {
        let inode = self.dentries[source].inode;
        if self.is_directory(inode) {
            return Err(Errno::PERM.into());
        }
        if !self.has_name(inode) && !self.inodes[inode].is_linkable {
            return Err(Errno::NOENT.into());
        }
        self.inodes[inode].is_linkable = false;
        self.takes(source);
        let second = self.add_name(inode);
        self.attach(to.directory, &to.name, second);
        self.arrives(task, second);
        Ok(())
    }

    fn symlink(&mut self, task: Task, target: &At, at: &At) -> Call<()> {
        let target = match target.base {
            Base::World => format!("^/{}", target.path),
            Base::Cwd => target.path.clone(),
            Base::Directory(_) => return Err(Refusal::Unmodelled),
        };
        let found = self.vacant(task, at)?;
        self.make(task, &found, Kind::Symlink(target));
        Ok(())
    }

    fn unlink(&mut self, task: Task, at: &At) -> Call<()> {
        let found = self.place(task, at)?;
        let dentry = found.dentry.ok_or(Errno::NOENT)?;
        if self.is_directory(self.dentries[dentry].inode) {
            return Err(Errno::ISDIR.into());
        }
        self.dentries[dentry].is_touched = true;
        self.done_by(task, self.dentries[dentry].inode);
        self.detach(dentry);
        Ok(())
    }

    fn rmdir(&mut self, task: Task, at: &At) -> Call<()> {
        let found = self.place(task, at)?;
        let dentry = found.dentry.ok_or(Errno::NOENT)?;
        let directory = self.dentries[dentry].inode;
        if !self.is_directory(directory) {
            return Err(Errno::NOTDIR.into());
        }
        if !self.is_empty(directory) {
            return Err(Errno::NOTEMPTY.into());
        }
        self.detach(dentry);
        self.kill(directory);
        Ok(())
    }

    fn mkdir(&mut self, task: Task, at: &At) -> Call<()> {
        let found = self.vacant(task, at)?;
        let kind = Kind::Directory { entries: BTreeMap::new(), at: None, is_dead: false };
        let inode = self.add(Inode::new(kind));
        let dentry = self.add_name(inode);
        self.attach(found.directory, &found.name, dentry);
        Ok(())
    }

    fn mknod(&mut self, task: Task, at: &At) -> Call<()> {
        let found = self.vacant(task, at)?;
        self.make(task, &found, Kind::File(Arc::default()));
        Ok(())
    }

    fn truncate(&mut self, task: Task, at: &At, size: i64) -> Call<()> {
        Self::without_directory(at)?;
        let found = self.existing(task, at, true)?;
        let inode = self.inode_found(&found);
        let dentry = found.dentry.filter(|_| !self.is_directory(inode)).ok_or(Errno::ISDIR)?;
        if self.is_running(inode) {
            return Err(Errno::TXTBSY.into());
        }
        self.set_size(task, dentry, size);
        Ok(())
    }

    /// Truncates a file, or makes it longer.
    pub(super) fn set_size(&mut self, task: Task, dentry: Den, size: i64) {
        self.resize(dentry, usize::try_from(size).unwrap_or(0));
        let change = if size == 0 { Change::Emptied } else { Change::Bytes };
        self.changes(task, dentry, Some(0), change);
    }

    fn chdir(&mut self, task: Task, at: &At) -> Call<()> {
        Self::without_directory(at)?;
        let found = self.existing(task, at, true)?;
        let directory = self.inode_found(&found);
        if !self.is_directory(directory) {
            return Err(Errno::NOTDIR.into());
        }
        self.process_mut(task).cwd = directory;
        Ok(())
    }

    fn readlink(&self, task: Task, at: &At) -> Call<()> {
        let found = self.existing(task, at, false)?;
        let is_link = matches!(self.inodes[self.inode_found(&found)].kind, Kind::Symlink(_));
        if is_link { Ok(()) } else { Err(Errno::INVAL.into()) }
    }

    fn chmod(&mut self, task: Task, at: &At) -> Call<()> {
        let found = self.existing(task, at, true)?;
        let inode = self.inode_found(&found);
        self.inodes[inode].is_executable = true;
        Ok(())
    }
}
