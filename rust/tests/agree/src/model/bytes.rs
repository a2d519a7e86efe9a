//! Calls on what is in files and pipes.

use std::sync::Arc;

use rustix::io::Errno;

use super::observed::Change;
use super::processes::Mapping;
use super::tree::{Content, Den, Kind};
use super::{
    Call, FILLS_MAX, Flags, Id, Line, Model, Object, Open, Other, PIPE_BYTES, Refusal, Returned, Task, Word,
};

/// Files are no longer than this; the actor's buffer has as much room.
const SIZE_MAX: i64 = 60_000;

impl Model {
    pub(super) fn perform_on_bytes(&mut self, line: &Line) -> Result<Call<Returned>, Other> {
        use Word::{Made, Number, Options};
        let task = line.task;
        let count = |outcome: Call<usize>| outcome.map(|count| Returned::value(count as i64));
        Ok(match (line.call.as_str(), &line.words[..]) {
            ("read" | "readv", [Made(fd), Number(size)]) => self.read(task, *fd, *size, None),
            ("pread", [Made(fd), Number(size), Number(offset)]) => self.read(task, *fd, *size, Some(*offset)),
            ("write" | "writev", [Made(fd), Number(size)]) => count(self.write(line, *fd, *size, None)),
            ("pwrite", [Made(fd), Number(size), Number(offset)]) => {
                count(self.write(line, *fd, *size, Some(*offset)))
            }
            ("seek", [Made(fd), Number(offset)]) => self.seek(task, *fd, *offset),
            ("ftruncate", [Made(fd), Number(size)]) => self.ftruncate(task, *fd, *size),
            ("fallocate", [Made(fd), Options(flags), Number(offset), Number(size)]) => {
                self.fallocate(task, *fd, *flags, *offset, *size)
            }
            ("sendfile", [Made(out), Made(from), Number(size)]) => {
                count(self.sendfile(task, *out, *from, *size))
            }
            ("copy_range", [Made(from), Made(out), Number(size)]) => {
                count(self.copy_range(task, *from, *out, *size))
            }
            ("splice", [Made(from), Made(out), Number(size)]) => count(self.splice(task, *from, *out, *size)),
            ("map", [Made(fd), Number(size), Options(flags)]) => self.map(line, *fd, *size, *flags),
            ("store", [Made(map), Number(offset)]) => self.store(line, *map, *offset),
            ("protect", [Made(map), Options(flags)]) => self.protect(task, *map, *flags),
            ("unmap", [Made(map)]) => {
                let removed = self.process_mut(task).mappings.remove(map);
                removed.map(|_| Returned::default()).ok_or(Refusal::Unmodelled)
            }
            _ => return Err(Other),
        })
    }

    pub(super) fn content(&self, dentry: Den) -> Content {
        self.inode(dentry).content().map(Arc::clone).unwrap_or_default()
    }

    /// Changes what is in a file.
    fn edit(&mut self, dentry: Den, change: impl FnOnce(&mut Vec<u8>)) {
        if let Kind::File(content) = &mut self.inode_mut(dentry).kind {
            change(Arc::make_mut(content));
        }
    }

    pub(super) fn resize(&mut self, dentry: Den, size: usize) {
        self.edit(dentry, |bytes| bytes.resize(size, 0));
    }

    fn put_bytes(&mut self, dentry: Den, offset: usize, bytes: &[u8]) {
        self.edit(dentry, |content| {
            let end = offset + bytes.len();
            content.resize(content.len().max(end), 0);
            content[offset..end].copy_from_slice(bytes);
        });
    }

    /// Returns an open file that is not only of a path.
    fn usable(&self, task: Task, fd: Id) -> Call<(usize, Open)> {
        let index = self.open_index(task, fd)?;
        let open = self.opens[index].clone();
        match open.object {
            Object::Outside => Err(Refusal::Unmodelled),
            _ if open.is_path => Err(Errno::BADF.into()),
            Object::File(_) | Object::Directory(_) | Object::Symlink(_) | Object::PipeEnd { .. } => {
                Ok((index, open))
            }
        }
    }

    fn read(&mut self, task: Task, fd: Id, size: i64, at: Option<i64>) -> Call<Returned> {
        let (index, open) = self.usable(task, fd)?;
        let size = length(size)?;
        let dentry = match open.object {
            Object::PipeEnd { .. } if at.is_some() => return Err(Errno::SPIPE.into()),
            _ if !open.reads => return Err(Errno::BADF.into()),
            Object::PipeEnd { pipe, .. } => return self.drain(pipe, size).map(|bytes| returned(&bytes)),
            Object::Directory(_) if size > 0 => return Err(Errno::ISDIR.into()),
            Object::Directory(_) | Object::Symlink(_) | Object::Outside => return Err(Refusal::Unmodelled),
            Object::File(dentry) => dentry,
        };
        let offset = match at {
            Some(offset) => length(offset)?,
            None => open.offset,
        };
        let content = self.content(dentry);
        let rest = content.get(offset..).unwrap_or_default();
        let bytes = &rest[..rest.len().min(size)];
        if at.is_none() {
            self.opens[index].offset = offset + bytes.len();
        }
        self.reads(task, dentry, Some(bytes.len() as u64));
        Ok(returned(bytes))
    }

    fn write(&mut self, line: &Line, fd: Id, size: i64, at: Option<i64>) -> Call<usize> {
        let (index, open) = self.usable(line.task, fd)?;
        let bytes = vec![b'A' + (line.id % 26) as u8; length(size)?];
        match open.object {
            Object::PipeEnd { .. } if at.is_some() => Err(Errno::SPIPE.into()),
            _ if !open.writes => Err(Errno::BADF.into()),
            Object::PipeEnd { pipe, .. } => self.fill(pipe, &bytes),
            Object::File(dentry) => {
                let offset = at.map_or(Ok(open.offset), length)?;
                // pwrite(2), BUGS: with O_APPEND the offset does not count.
                let offset = if open.appends { self.content(dentry).len() } else { offset };
                if bytes.is_empty() {
                    return Ok(0);
                }
                if offset + bytes.len() > SIZE_MAX as usize {
                    return Err(Refusal::Unmodelled);
                }
                self.put_bytes(dentry, offset, &bytes);
                if at.is_none() {
                    self.opens[index].offset = offset + bytes.len();
                }
                self.changes(line.task, dentry, Some(bytes.len() as u64), Change::Bytes);
                Ok(bytes.len())
            }
            Object::Directory(_) | Object::Symlink(_) | Object::Outside => Err(Refusal::Unmodelled),
        }
    }

    fn has_end(&self, pipe: usize, writes: bool) -> bool {
        self.all_opens().any(|open| self.opens[open].object == Object::PipeEnd { pipe, writes })
    }

    /// Takes bytes out of a pipe.
    fn drain(&mut self, pipe: usize, size: usize) -> Call<Vec<u8>> {
        if size == 0 || (self.pipes[pipe].bytes.is_empty() && self.has_end(pipe, true)) {
            return Err(Refusal::Unmodelled);
        }
        let is_changed = |(source, content): &(Den, Content)| self.content(*source) != *content;
        if self.pipes[pipe].sources.iter().any(is_changed) {
            return Err(Refusal::Unmodelled);
        }
        let there = &mut self.pipes[pipe];
        let count = there.bytes.len().min(size);
        let bytes = there.bytes.drain(..count).collect();
        if there.bytes.is_empty() {
            there.fills = 0;
            there.sources.clear();
        }
        Ok(bytes)
    }

    fn fill(&mut self, pipe: usize, bytes: &[u8]) -> Call<usize> {
        let has_reader = self.has_end(pipe, false);
        let there = &mut self.pipes[pipe];
        if bytes.is_empty() || there.fills >= FILLS_MAX || there.bytes.len() + bytes.len() > PIPE_BYTES {
            return Err(Refusal::Unmodelled);
        }
        if !has_reader {
            return Err(Errno::PIPE.into());
        }
        there.fills += 1;
        there.bytes.extend(bytes);
        Ok(bytes.len())
    }

    /// Fills a pipe by a call that looks for its readers at another time than write(2) does.
    fn fill_from_file(&mut self, pipe: usize, source: Den, bytes: &[u8]) -> Call<()> {
        if !self.has_end(pipe, false) {
            return Err(Refusal::Unmodelled);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        self.fill(pipe, bytes)?;
        let content = self.content(source);
        self.pipes[pipe].sources.push((source, content));
        Ok(())
    }

    fn seek(&mut self, task: Task, fd: Id, offset: i64) -> Call<Returned> {
        let (index, open) = self.usable(task, fd)?;
        match open.object {
            Object::PipeEnd { .. } => Err(Errno::SPIPE.into()),
            Object::File(_) => {
                self.opens[index].offset = length(offset)?;
                Ok(Returned::value(offset))
            }
            Object::Directory(_) | Object::Symlink(_) | Object::Outside => Err(Refusal::Unmodelled),
        }
    }

    fn ftruncate(&mut self, task: Task, fd: Id, size: i64) -> Call<Returned> {
        let (_, open) = self.usable(task, fd)?;
        length(size)?;
        match open.object {
            Object::File(dentry) if open.writes => {
                self.set_size(task, dentry, size);
                Ok(Returned::default())
            }
            Object::File(_) | Object::Directory(_) | Object::PipeEnd { .. } => Err(Errno::INVAL.into()),
            Object::Symlink(_) | Object::Outside => Err(Refusal::Unmodelled),
        }
    }

    fn fallocate(&mut self, task: Task, fd: Id, flags: Flags, offset: i64, size: i64) -> Call<Returned> {
        let (_, open) = self.usable(task, fd)?;
        let (offset, size) = (length(offset)?, length(size)?);
        let keeps = flags.has(Flags::KEEP_SIZE);
        let (punches, zeroes) = (flags.has(Flags::PUNCH_HOLE), flags.has(Flags::ZERO_RANGE));
        if (punches && (zeroes || !keeps)) || (zeroes && !self.machine.is_ext4) {
            return Err(Refusal::Unmodelled);
        }
        if size == 0 {
            return Err(Errno::INVAL.into());
        }
        if !open.writes {
            return Err(Errno::BADF.into());
        }
        let dentry = match open.object {
            Object::File(dentry) => dentry,
            Object::PipeEnd { .. } => return Err(Errno::SPIPE.into()),
            Object::Directory(_) | Object::Symlink(_) | Object::Outside => return Err(Refusal::Unmodelled),
        };
        let end = offset + size;
        self.edit(dentry, |bytes| {
            if !keeps {
                bytes.resize(bytes.len().max(end), 0);
            }
            if punches || zeroes {
                let end = bytes.len().min(end);
                bytes[offset.min(end)..end].fill(0);
            }
        });
        // Room that is kept beyond the end changes neither bytes nor size.
        if punches || zeroes || !keeps {
            self.changes(task, dentry, Some(0), Change::Bytes);
        }
        Ok(Returned::default())
    }

    fn sendfile(&mut self, task: Task, out: Id, from: Id, size: i64) -> Call<usize> {
        let (from_index, from) = self.usable(task, from)?;
        if !from.reads {
            return Err(Errno::BADF.into());
        }
        let (out_index, out) = self.usable(task, out)?;
        if !out.writes {
            return Err(Errno::BADF.into());
        }
        let (Object::File(source), 1..) = (from.object, size) else { return Err(Refusal::Unmodelled) };
        let bytes = self.next_bytes(source, from.offset, length(size)?);
        match out.object {
            Object::File(_) if out.appends => return Err(Errno::INVAL.into()),
            Object::File(target) if self.dentries[target].inode != self.dentries[source].inode => {
                self.reads(task, source, Some(bytes.len() as u64));
                self.append_at(task, out_index, target, &bytes);
            }
            Object::PipeEnd { pipe, .. } => {
                self.fill_from_file(pipe, source, &bytes)?;
                self.reads(task, source, Some(bytes.len() as u64));
            }
            Object::File(_) | Object::Directory(_) | Object::Symlink(_) | Object::Outside => {
                return Err(Refusal::Unmodelled);
            }
        }
        self.opens[from_index].offset += bytes.len();
        Ok(bytes.len())
    }

    fn next_bytes(&self, dentry: Den, offset: usize, size: usize) -> Vec<u8> {
        let content = self.content(dentry);
        let rest = content.get(offset..).unwrap_or_default();
        rest[..rest.len().min(size)].to_vec()
    }

    /// Writes where an open file stands.
    fn append_at(&mut self, task: Task, open: usize, dentry: Den, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let offset = self.opens[open].offset;
        self.put_bytes(dentry, offset, bytes);
        self.opens[open].offset += bytes.len();
        self.changes(task, dentry, Some(bytes.len() as u64), Change::Bytes);
    }

    fn copy_range(&mut self, task: Task, from: Id, out: Id, size: i64) -> Call<usize> {
        let (from_index, from) = self.usable(task, from)?;
        let (out_index, out) = self.usable(task, out)?;
        let (source, target) = match (from.object, out.object) {
            (Object::Directory(_), _) | (_, Object::Directory(_)) => return Err(Errno::ISDIR.into()),
            (Object::File(source), Object::File(target)) => (source, target),
            _ => return Err(Errno::INVAL.into()),
        };
        if !from.reads || !out.writes || out.appends {
            return Err(Errno::BADF.into());
        }
        let bytes = self.next_bytes(source, from.offset, length(size)?);
        if size == 0 || from_index == out_index {
            return Err(Refusal::Unmodelled);
        }
        let is_same = self.dentries[source].inode == self.dentries[target].inode;
        let count = bytes.len();
        if is_same && out.offset + count > from.offset && out.offset < from.offset + count {
            return Err(Errno::INVAL.into());
        }
        self.reads(task, source, Some(count as u64));
        self.append_at(task, out_index, target, &bytes);
        self.opens[from_index].offset += count;
        Ok(count)
    }

    fn splice(&mut self, task: Task, from: Id, out: Id, size: i64) -> Call<usize> {
        let (1.., size) = (size, length(size)?) else { return Err(Refusal::Unmodelled) };
        let (from_index, from) = self.usable(task, from)?;
        let (out_index, out) = self.usable(task, out)?;
        if !from.reads || !out.writes {
            return Err(Errno::BADF.into());
        }
        match (from.object, out.object) {
            (Object::File(source), Object::PipeEnd { pipe, .. }) => {
                let bytes = self.next_bytes(source, from.offset, size);
                self.fill_from_file(pipe, source, &bytes)?;
                self.opens[from_index].offset += bytes.len();
                self.reads(task, source, Some(bytes.len() as u64));
                Ok(bytes.len())
            }
            (Object::PipeEnd { .. }, Object::File(_)) if out.appends => Err(Errno::INVAL.into()),
            (Object::PipeEnd { pipe, .. }, Object::File(target)) => {
                let bytes = self.drain(pipe, size)?;
                self.append_at(task, out_index, target, &bytes);
                Ok(bytes.len())
            }
            (Object::File(_), Object::File(_)) => Err(Errno::INVAL.into()),
            _ => Err(Refusal::Unmodelled),
        }
    }

    fn map(&mut self, line: &Line, fd: Id, size: i64, flags: Flags) -> Call<Returned> {
        let (open_index, open) = self.usable(line.task, fd)?;
        if length(size)? == 0 {
            return Err(Errno::INVAL.into());
        }
        let is_shared = flags.has(Flags::SHARED);
        if (is_shared && flags.has(Flags::WRITE) && !open.writes) || !open.reads {
            return Err(Errno::ACCESS.into());
        }
        let dentry = match open.object {
            Object::File(dentry) => dentry,
            Object::Directory(_) | Object::PipeEnd { .. } => return Err(Errno::NODEV.into()),
            Object::Symlink(_) | Object::Outside => return Err(Refusal::Unmodelled),
        };
        let is_written = is_shared && flags.has(Flags::WRITE);
        if !is_written || flags.has(Flags::READ) {
            self.reads(line.task, dentry, None);
        }
        if is_written {
            self.changes(line.task, dentry, None, Change::Bytes);
        }
        let mapping = Mapping { open: open_index, dentry, size: length(size)?, flags };
        self.process_mut(line.task).mappings.insert(line.id, mapping);
        Ok(Returned::default())
    }

    fn mapping(&self, task: Task, id: Id) -> Call<Mapping> {
        self.process(task).mappings.get(&id).cloned().ok_or(Refusal::Unmodelled)
    }

    fn store(&mut self, line: &Line, id: Id, offset: i64) -> Call<Returned> {
        let mapping = self.mapping(line.task, id)?;
        let offset = length(offset)?;
        let is_there = offset < mapping.size.min(self.content(mapping.dentry).len());
        if !is_there || !mapping.flags.has(Flags::WRITE) {
            return Err(Refusal::Unmodelled);
        }
        if mapping.flags.has(Flags::SHARED) {
            self.put_bytes(mapping.dentry, offset, &[b'a' + (line.id % 26) as u8]);
        }
        Ok(Returned::default())
    }

    fn protect(&mut self, task: Task, id: Id, flags: Flags) -> Call<Returned> {
        let mapping = self.mapping(task, id)?;
        if mapping.flags.has(Flags::WRITE) || !mapping.flags.has(Flags::READ) || !flags.has(Flags::READ) {
            return Err(Refusal::Unmodelled);
        }
        let is_shared = mapping.flags.has(Flags::SHARED);
        if is_shared && flags.has(Flags::WRITE) {
            if !self.opens[mapping.open].writes {
                return Err(Errno::ACCESS.into());
            }
            self.changes(task, mapping.dentry, None, Change::Bytes);
        }
        let flags = if is_shared { flags.with(Flags::SHARED) } else { flags };
        self.process_mut(task).mappings.insert(id, Mapping { flags, ..mapping });
        Ok(Returned::default())
    }
}

/// Returns a length or an offset, if it is one that a script may have.
fn length(number: i64) -> Call<usize> {
    if number > SIZE_MAX {
        return Err(Refusal::Unmodelled);
    }
    usize::try_from(number).or(Err(Refusal::Unmodelled))
}

/// Returns what a call says that has read these bytes; the sum is FNV-1a, as the actor has it.
fn returned(bytes: &[u8]) -> Returned {
    let sum =
        bytes.iter().fold(2_166_136_261_u32, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(16_777_619));
    Returned { value: bytes.len() as i64, sum }
}
