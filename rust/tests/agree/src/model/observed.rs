//! What of all this is an input, an output and so on: `docs/observation-model.md`, for a world of which everything is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conformance::report::{Kind as FileKind, Prior, Role};

use super::tree::{Content, Den, Dentry, Ino, Kind};
use super::{Model, Task};

/// What a change leaves of the content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Some of it.
    Bytes,
    /// Nothing.
    Emptied,
}

/// A path at which the run put a file.
#[derive(Clone, Debug)]
pub(super) struct Lived {
    /// The last one that was put there.
    inode: Ino,
    /// It was put there itself, not only a directory above it.
    is_by_name: bool,
}

/// A record that is to be in the report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the report")]
pub struct Expected {
    pub path: String,
    pub role: Role,
    pub read: bool,
    pub written: bool,
    pub executed: bool,
    pub created: bool,
    pub deleted: bool,
    pub prior: Option<Prior>,
    pub kind: FileKind,
    pub renamed_from: Option<String>,
    pub bytes_read: Option<u64>,
    pub bytes_written: Option<u64>,
    /// The processes, by their first tasks.
    pub processes: BTreeSet<Task>,
    /// The version that an input or output is of; `^/` at the front of a link's target stands for the world.
    pub content: Option<Content>,
    /// Whether the observation model leaves it open if there is a record.
    pub is_open: bool,
}

impl Model {
    pub(super) fn done_by(&mut self, task: Task, inode: Ino) {
        let process = self.process_of[&task];
        self.inodes[inode].processes.insert(process);
    }

    /// Content is taken by this name.
    pub(super) fn takes(&mut self, dentry: Den) {
        self.dentries[dentry].is_touched = true;
        if self.inode(dentry).is_changed {
            return;
        }
        // What was opened by a name that is gone has no name, and of several that it had the model says nothing.
        let inode = self.dentries[dentry].inode;
        let is_of_file = |dentry: &&mut Dentry| dentry.inode == inode && dentry.before.is_some();
        let count = self.dentries.iter_mut().filter(is_of_file).count();
        if !self.dentries[dentry].is_there && count > 1 {
            self.dentries.iter_mut().filter(is_of_file).for_each(|dentry| dentry.is_perhaps_taken = true);
        } else {
            let dentry = &mut self.dentries[dentry];
            dentry.is_taken |= dentry.before.is_some();
        }
    }

    /// Content was read; `bytes` where they can be counted.
    pub(super) fn reads(&mut self, task: Task, dentry: Den, bytes: Option<u64>) {
        self.takes(dentry);
        self.done_by(task, self.dentries[dentry].inode);
        let inode = self.inode_mut(dentry);
        inode.is_read = true;
        inode.bytes_read = inode.bytes_read.zip(bytes).map(|(sum, more)| sum + more);
    }

    /// Content was changed.
    pub(super) fn changes(&mut self, task: Task, dentry: Den, bytes: Option<u64>, change: Change) {
        self.dentries[dentry].is_touched = true;
        self.done_by(task, self.dentries[dentry].inode);
        let inode = self.inode_mut(dentry);
        inode.is_changed = true;
        inode.is_emptied |= change == Change::Emptied;
        inode.bytes_written = inode.bytes_written.zip(bytes).map(|(sum, more)| sum + more);
    }

    /// A file came to this name.
    pub(super) fn arrives(&mut self, task: Task, dentry: Den) {
        self.dentries[dentry].is_touched = true;
        let inode = self.dentries[dentry].inode;
        self.done_by(task, inode);
        let lived = self.lived.entry(self.path_of(dentry)).or_insert(Lived { inode, is_by_name: true });
        *lived = Lived { inode, is_by_name: true };
    }

    /// A file or directory was moved, and is at its new name.
    pub(super) fn moves(&mut self, task: Task, dentry: Den) {
        let inode = self.dentries[dentry].inode;
        if !self.is_directory(inode) {
            self.takes(dentry);
            self.arrives(task, dentry);
            return;
        }
        for (path, below) in self.subjects() {
            let Some((directory, _)) = self.dentries[below].place.clone() else { continue };
            if !self.is_below(directory, inode) {
                continue;
            }
            self.takes(below);
            let inode = self.dentries[below].inode;
            self.done_by(task, inode);
            let is_by_name = self.lived.get(&path).is_some_and(|lived| lived.is_by_name);
            self.lived.insert(path, Lived { inode, is_by_name });
        }
    }

    /// Returns what is to be reported of the world, by path and role.
    pub fn expected(&self) -> Vec<Expected> {
        let after = self.subjects();
        let mut records = Vec::new();
        let taken = self.dentries.iter().filter(|dentry| dentry.is_taken || dentry.is_perhaps_taken);
        for dentry in taken {
            let Some(path) = &dentry.before else { continue };
            let content = self.inodes[dentry.inode].before.clone();
            let is_open = !dentry.is_taken;
            records.push(Expected {
                content,
                is_open,
                ..self.describe(path, dentry.inode, Role::Input, &after)
            });
        }
        let paths: BTreeSet<&String> =
            self.before.keys().chain(after.keys()).chain(self.lived.keys()).collect();
        for path in paths {
            records.extend(self.end_of(path, &after));
        }
        records.sort_by(|one, other| (&one.path, one.role).cmp(&(&other.path, other.role)));
        records
    }

    /// Returns what became of a path, if that is to be told.
    fn end_of(&self, path: &str, after: &BTreeMap<String, Den>) -> Option<Expected> {
        let inode = |dentry: &Den| self.dentries[*dentry].inode;
        let before = self.before.get(path).map(inode);
        let Some(&now) = after.get(path) else {
            let lived = self.lived.get(path);
            return match before {
                Some(before) => Some(self.describe(path, before, Role::Deleted, after)),
                None => lived.map(|lived| {
                    let record = self.describe(path, lived.inode, Role::Temporary, after);
                    Expected { is_open: !lived.is_by_name, ..record }
                }),
            };
        };
        let there = inode(&now);
        let file = &self.inodes[there];
        if before == Some(there) && !(file.is_changed && self.dentries[now].is_touched) {
            return None;
        }
        let is_kept = before == Some(there) && !file.is_emptied;
        let came_from = self.dentries[now].before.clone();
        Some(Expected {
            written: true,
            prior: before.map(|_| if is_kept { Prior::Kept } else { Prior::Replaced }),
            renamed_from: came_from.filter(|from| from != path),
            content: Some(match &file.kind {
                Kind::File(content) => Arc::clone(content),
                Kind::Symlink(target) => Arc::new(target.clone().into_bytes()),
                Kind::Directory { .. } => Arc::default(),
            }),
            ..self.describe(path, there, Role::Output, after)
        })
    }

    fn describe(&self, path: &str, inode: Ino, role: Role, after: &BTreeMap<String, Den>) -> Expected {
        let file = &self.inodes[inode];
        Expected {
            path: path.to_owned(),
            role,
            read: file.is_read,
            written: file.is_changed,
            executed: file.is_executed,
            created: !self.before.contains_key(path),
            deleted: !after.contains_key(path),
            prior: None,
            kind: if matches!(file.kind, Kind::Symlink(_)) { FileKind::Symlink } else { FileKind::File },
            renamed_from: None,
            bytes_read: file.bytes_read,
            bytes_written: file.bytes_written,
            processes: file.processes.clone(),
            content: None,
            is_open: false,
        }
    }

    /// Returns what is in the world: each path with the content of a file, or the target of a link.
    pub fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let text = |dentry: Den| match &self.inode(dentry).kind {
            Kind::File(content) => content.to_vec(),
            Kind::Symlink(target) => format!("-> {target}").into_bytes(),
            Kind::Directory { .. } => Vec::new(),
        };
        let directories = self.directories().into_keys().map(|path| (format!("{path}/"), Vec::new()));
        self.subjects().into_iter().map(|(path, dentry)| (path, text(dentry))).chain(directories).collect()
    }
}
