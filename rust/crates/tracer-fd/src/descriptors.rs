//! File descriptors of the processes of a run, for backends that tell of descriptors rather than of files.
//!
//! A table belongs to one process, or to several (CLONE_FILES); an entry refers to an open file, which several entries
//! may share (dup, fork). Only what names a file is kept: positions and modes are the kernel's business.

use rustc_hash::FxHashMap;
use tracer_schema::{FileStamp, Pid};

use crate::namespace::Place;
use crate::texts::Symbol;

/// An open file: what it was opened as, and when.
#[derive(Clone, Copy)]
pub(crate) struct OpenFile {
    /// The path it was opened by, `None` where it has none.
    pub(crate) path: Option<Symbol>,
    /// The file, when it was opened.
    pub(crate) stamp: FileStamp,
    /// How many directories had been renamed by then.
    pub(crate) moves: usize,
}

impl OpenFile {
    /// Returns the file as it is named at the moment of opening.
    pub(crate) fn place(&self) -> Place {
        Place { path: self.path, stamp: self.stamp, is_stale: false }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    file: OpenFile,
    is_cloexec: bool,
}

#[derive(Clone, Default)]
struct Table {
    entries: FxHashMap<i32, Entry>,
    owners: u32,
}

/// The descriptor tables of all processes.
#[derive(Default)]
pub(crate) struct Descriptors {
    tables: Vec<Table>,
    by_process: FxHashMap<Pid, usize>,
}

impl Descriptors {
    fn table(&mut self, pid: Pid) -> &mut Table {
        let index = *self.by_process.entry(pid).or_insert_with(|| {
            self.tables.push(Table { owners: 1, ..Table::default() });
            self.tables.len() - 1
        });
        &mut self.tables[index]
    }

    /// `fd` refers to `file` from now on.
    pub(crate) fn set(&mut self, pid: Pid, fd: i32, file: OpenFile, is_cloexec: bool) {
        self.table(pid).entries.insert(fd, Entry { file, is_cloexec });
    }

    /// Returns what `fd` refers to.
    pub(crate) fn get(&mut self, pid: Pid, fd: i32) -> Option<OpenFile> {
        self.table(pid).entries.get(&fd).map(|entry| entry.file)
    }

    /// `to` becomes a duplicate of `from`; of nothing known, nothing known.
    pub(crate) fn duplicate(&mut self, pid: Pid, from: i32, to: i32, is_cloexec: bool) {
        match self.get(pid, from) {
            Some(file) => self.set(pid, to, file, is_cloexec),
            None => self.close(pid, to),
        }
    }

    /// `fd` was closed.
    pub(crate) fn close(&mut self, pid: Pid, fd: i32) {
        self.table(pid).entries.remove(&fd);
    }

    /// The descriptors `first..=last` were closed.
    pub(crate) fn close_range(&mut self, pid: Pid, first: i32, last: i32) {
        self.table(pid).entries.retain(|fd, _| !(first..=last).contains(fd));
    }

    /// The descriptors `first..=last` are closed at exec, or no longer.
    pub(crate) fn set_cloexec(&mut self, pid: Pid, first: i32, last: i32, is_cloexec: bool) {
        for (_, entry) in self.table(pid).entries.iter_mut().filter(|(fd, _)| (first..=last).contains(*fd)) {
            entry.is_cloexec = is_cloexec;
        }
    }

    /// `child` begins with a copy of its parent's table, or with the table itself.
    pub(crate) fn fork(&mut self, parent: Pid, child: Pid, is_shared: bool) {
        self.exit(child);
        let table = self.table(parent);
        if is_shared {
            table.owners += 1;
            let index = self.by_process[&parent];
            self.by_process.insert(child, index);
            return;
        }
        let copy = Table { entries: table.entries.clone(), owners: 1 };
        self.tables.push(copy);
        self.by_process.insert(child, self.tables.len() - 1);
    }

    /// A new program: the process has a table of its own from now on (execve(2)), without what is close-on-exec.
    pub(crate) fn exec(&mut self, pid: Pid) {
        if self.table(pid).owners > 1 {
            let table = self.table(pid);
            table.owners -= 1;
            let copy = Table { entries: table.entries.clone(), owners: 1 };
            self.tables.push(copy);
            self.by_process.insert(pid, self.tables.len() - 1);
        }
        self.table(pid).entries.retain(|_, entry| !entry.is_cloexec);
    }

    /// The process is gone.
    pub(crate) fn exit(&mut self, pid: Pid) {
        if let Some(index) = self.by_process.remove(&pid) {
            let table = &mut self.tables[index];
            table.owners -= 1;
            if table.owners == 0 {
                table.entries = FxHashMap::default();
            }
        }
    }
}
