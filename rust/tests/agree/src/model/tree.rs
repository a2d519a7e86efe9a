//! Files, directories and the names that they have.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rustix::io::Errno;

use super::{At, Base, Call, Entry, Model, Object, ROOT, Refusal, Task};

/// Index of a file.
pub(super) type Ino = usize;
/// Index of a name.
pub(super) type Den = usize;
/// Bytes of a file.
pub type Content = Arc<Vec<u8>>;

/// Symbolic links that the kernel follows in one path (path_resolution(7)).
const LINKS_MAX: usize = 40;

#[derive(Clone, Debug)]
pub(super) enum Kind {
    File(Content),
    /// Its names, its own (the root has none), and whether it was removed.
    Directory {
        entries: BTreeMap<String, Den>,
        at: Option<Den>,
        is_dead: bool,
    },
    Symlink(String),
}

/// A file, and what the run did with its content.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) kind: Kind,
    /// The content before the run; none of a file that the run made.
    pub(super) before: Option<Content>,
    pub(super) is_executable: bool,
    /// It has no name, and may be given one (`O_TMPFILE` without `O_EXCL`).
    pub(super) is_linkable: bool,
    pub(super) is_changed: bool,
    pub(super) is_emptied: bool,
    pub(super) is_read: bool,
    pub(super) is_executed: bool,
    pub(super) bytes_read: Option<u64>,
    pub(super) bytes_written: Option<u64>,
    pub(super) processes: BTreeSet<Task>,
}

impl Inode {
    /// Returns a file that the run makes.
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            before: None,
            is_executable: false,
            is_linkable: false,
            is_changed: true,
            is_emptied: false,
            is_read: false,
            is_executed: false,
            bytes_read: Some(0),
            bytes_written: Some(0),
            processes: BTreeSet::new(),
        }
    }

    pub(super) fn content(&self) -> Option<&Content> {
        match &self.kind {
            Kind::File(content) => Some(content),
            Kind::Directory { .. } | Kind::Symlink(_) => None,
        }
    }
}

/// A name: what the kernel calls a dentry. It stays the same when it is moved.
#[derive(Clone, Debug)]
pub(super) struct Dentry {
    pub(super) inode: Ino,
    /// Where it is, or was when it was removed; none for a file that never had a name.
    pub(super) place: Option<(Ino, String)>,
    pub(super) is_there: bool,
    /// Where it was before the run.
    pub(super) before: Option<String>,
    /// Content from before was taken by it.
    pub(super) is_taken: bool,
    /// Content from before was taken by it or another name of its file, all of which may be gone.
    pub(super) is_perhaps_taken: bool,
    /// Something was done by it.
    pub(super) is_touched: bool,
}

/// Where a path leads.
pub(super) struct Found {
    pub(super) directory: Ino,
    pub(super) name: String,
    pub(super) dentry: Option<Den>,
    /// The directory itself is what was found: the path ended with a dot or two.
    pub(super) is_dot: bool,
}

impl Model {
    pub(super) fn inode(&self, dentry: Den) -> &Inode {
        &self.inodes[self.dentries[dentry].inode]
    }

    pub(super) fn inode_mut(&mut self, dentry: Den) -> &mut Inode {
        &mut self.inodes[self.dentries[dentry].inode]
    }

    pub(super) fn is_directory(&self, inode: Ino) -> bool {
        matches!(self.inodes[inode].kind, Kind::Directory { .. })
    }

    pub(super) fn is_empty(&self, inode: Ino) -> bool {
        matches!(&self.inodes[inode].kind, Kind::Directory { entries, .. } if entries.is_empty())
    }

    pub(super) fn is_dead(&self, inode: Ino) -> bool {
        matches!(self.inodes[inode].kind, Kind::Directory { is_dead: true, .. })
    }

    fn entries(&mut self, directory: Ino) -> Option<&mut BTreeMap<String, Den>> {
        match &mut self.inodes[directory].kind {
            Kind::Directory { entries, .. } => Some(entries),
            Kind::File(_) | Kind::Symlink(_) => None,
        }
    }

    pub(super) fn lookup(&self, directory: Ino, name: &str) -> Option<Den> {
        match &self.inodes[directory].kind {
            Kind::Directory { entries, .. } => entries.get(name).copied(),
            Kind::File(_) | Kind::Symlink(_) => None,
        }
    }

    /// Returns the directory above, if there is one in the world.
    pub(super) fn parent(&self, directory: Ino) -> Option<Ino> {
        match &self.inodes[directory].kind {
            Kind::Directory { at: Some(at), is_dead: false, .. } => {
                self.dentries[*at].place.as_ref().map(|(parent, _)| *parent)
            }
            Kind::Directory { .. } | Kind::File(_) | Kind::Symlink(_) => None,
        }
    }

    /// Returns the path of a directory, relative to the world.
    pub(super) fn path_of_directory(&self, directory: Ino) -> String {
        match &self.inodes[directory].kind {
            Kind::Directory { at: Some(at), .. } => self.path_of(*at),
            Kind::Directory { .. } | Kind::File(_) | Kind::Symlink(_) => String::new(),
        }
    }

    /// Returns the path of a name, relative to the world.
    pub(super) fn path_of(&self, dentry: Den) -> String {
        match &self.dentries[dentry].place {
            None => String::new(),
            Some((ROOT, name)) => name.clone(),
            Some((parent, name)) => format!("{}/{name}", self.path_of_directory(*parent)),
        }
    }

    /// Gives the name to a file.
    pub(super) fn attach(&mut self, directory: Ino, name: &str, dentry: Den) {
        self.dentries[dentry].place = Some((directory, name.to_owned()));
        self.dentries[dentry].is_there = true;
        let inode = self.dentries[dentry].inode;
        if let Kind::Directory { at, .. } = &mut self.inodes[inode].kind {
            *at = Some(dentry);
        }
        if let Some(entries) = self.entries(directory) {
            entries.insert(name.to_owned(), dentry);
        }
    }

    /// Takes the name off its file.
    pub(super) fn detach(&mut self, dentry: Den) {
        self.dentries[dentry].is_there = false;
        let Some((directory, name)) = self.dentries[dentry].place.clone() else { return };
        if let Some(entries) = self.entries(directory) {
            entries.remove(&name);
        }
    }

    pub(super) fn add(&mut self, inode: Inode) -> Ino {
        self.inodes.push(inode);
        self.inodes.len() - 1
    }

    /// Makes a name, in no directory yet.
    pub(super) fn add_name(&mut self, inode: Ino) -> Den {
        self.dentries.push(Dentry {
            inode,
            place: None,
            is_there: false,
            before: None,
            is_taken: false,
            is_perhaps_taken: false,
            is_touched: false,
        });
        self.dentries.len() - 1
    }

    /// Returns whether the file still has a name.
    pub(super) fn has_name(&self, inode: Ino) -> bool {
        self.dentries.iter().any(|dentry| dentry.inode == inode && dentry.is_there)
    }

    /// Returns every name of a file or link that is there, with its path.
    pub(super) fn subjects(&self) -> BTreeMap<String, Den> {
        let all = (0..self.dentries.len()).filter(|dentry| self.is_reachable(*dentry));
        let subjects = all.filter(|dentry| !self.is_directory(self.dentries[*dentry].inode));
        subjects.map(|dentry| (self.path_of(dentry), dentry)).collect()
    }

    /// Returns every directory that is there, with its path, but for the root.
    pub(super) fn directories(&self) -> BTreeMap<String, Ino> {
        let all = (0..self.dentries.len()).filter(|dentry| self.is_reachable(*dentry));
        let inodes = all.map(|dentry| (self.path_of(dentry), self.dentries[dentry].inode));
        inodes.filter(|(_, inode)| self.is_directory(*inode)).collect()
    }

    fn is_reachable(&self, dentry: Den) -> bool {
        let Dentry { is_there, place, .. } = &self.dentries[dentry];
        *is_there && place.as_ref().is_some_and(|(parent, _)| !self.is_dead(*parent))
    }

    /// Returns whether `directory` is `above` or lies below it.
    pub(super) fn is_below(&self, directory: Ino, above: Ino) -> bool {
        let mut here = Some(directory);
        while let Some(inode) = here {
            if inode == above {
                return true;
            }
            here = self.parent(inode);
        }
        false
    }

    /// Makes an entry of the world before the run; `None` if that is not possible.
    pub(super) fn put(&mut self, entry: &Entry) -> Option<()> {
        let (Entry::Directory(path)
        | Entry::File(path, _)
        | Entry::Symlink(path, _)
        | Entry::Link(path, _)
        | Entry::Program(path)
        | Entry::Interpreted(path)) = entry;
        let (directory, name) = self.vacancy(path)?;
        let empty = Kind::Directory { entries: BTreeMap::new(), at: None, is_dead: false };
        let mut inode = match entry {
            Entry::Directory(_) => Inode::new(empty),
            Entry::File(_, content) => Inode::new(Kind::File(Arc::new(content.clone().into_bytes()))),
            Entry::Symlink(_, target) => Inode::new(Kind::Symlink(target.clone())),
            Entry::Program(_) => Inode::new(Kind::File(Arc::clone(&self.machine.actor))),
            Entry::Interpreted(_) => Inode::new(Kind::File(Arc::clone(&self.machine.interpreted))),
            Entry::Link(_, old) => {
                let old = self.look(old).filter(|old| self.inode(*old).content().is_some())?;
                let second = self.add_name(self.dentries[old].inode);
                self.attach(directory, &name, second);
                return Some(());
            }
        };
        inode.is_executable = matches!(entry, Entry::Program(_) | Entry::Interpreted(_));
        let inode = self.add(inode);
        let dentry = self.add_name(inode);
        self.attach(directory, &name, dentry);
        Some(())
    }

    /// Returns where a plain path is that nothing has, in a directory that is there.
    fn vacancy(&self, path: &str) -> Option<(Ino, String)> {
        let (above, name) = path.rsplit_once('/').map_or((None, path), |(above, name)| (Some(above), name));
        let directory = match above {
            None => ROOT,
            Some(above) => self.dentries[self.look(above)?].inode,
        };
        let is_vacant = self.is_directory(directory) && self.lookup(directory, name).is_none();
        is_vacant.then(|| (directory, name.to_owned()))
    }

    /// Finds a plain path without any link in it.
    fn look(&self, path: &str) -> Option<Den> {
        let mut directory = ROOT;
        let mut found = None;
        for name in path.split('/') {
            let dentry = self.lookup(directory, name)?;
            directory = self.dentries[dentry].inode;
            found = Some(dentry);
        }
        found
    }

    /// The world is complete: all that is there is from before.
    pub(super) fn begin(&mut self) {
        for (path, dentry) in self.subjects() {
            let inode = self.inode_mut(dentry);
            inode.is_changed = false;
            inode.before = Some(match &inode.kind {
                Kind::File(content) => Arc::clone(content),
                Kind::Symlink(target) => Arc::new(target.clone().into_bytes()),
                Kind::Directory { .. } => continue,
            });
            self.dentries[dentry].before = Some(path.clone());
            self.before.insert(path, dentry);
        }
    }

    /// Follows a path as the kernel does; `follow`: a link at its end as well.
    pub(super) fn resolve(&self, task: Task, at: &At, follow: bool) -> Call<Found> {
        let mut here = match at.base {
            Base::World => ROOT,
            Base::Cwd => self.process(task).cwd,
            Base::Directory(id) => match self.open_of(task, id)?.object {
                Object::Directory(directory) => directory,
                Object::File(_) | Object::Symlink(_) | Object::PipeEnd { .. } => {
                    return Err(Errno::NOTDIR.into());
                }
                Object::Outside => return Err(Refusal::Unmodelled),
            },
        };
        let mut left: VecDeque<String> = at.path.split('/').map(str::to_owned).collect();
        let mut links = 0;
        while let Some(name) = left.pop_front() {
            let is_last = left.is_empty();
            if !self.is_directory(here) {
                return Err(Errno::NOTDIR.into());
            }
            if name == "." || name == ".." {
                if name == ".." {
                    here = self.parent(here).ok_or(Refusal::Unmodelled)?;
                }
                if is_last {
                    return Ok(Found { directory: here, name, dentry: None, is_dot: true });
                }
                continue;
            }
            let Some(dentry) = self.lookup(here, &name) else {
                let found = Found { directory: here, name, dentry: None, is_dot: false };
                return if is_last { Ok(found) } else { Err(Errno::NOENT.into()) };
            };
            if let Kind::Symlink(target) = &self.inode(dentry).kind
                && (!is_last || follow)
            {
                links += 1;
                if links > LINKS_MAX {
                    return Err(Errno::LOOP.into());
                }
                let relative = target.strip_prefix("^/");
                if relative.is_some() {
                    here = ROOT;
                }
                for name in relative.unwrap_or(target).rsplit('/') {
                    left.push_front(name.to_owned());
                }
                continue;
            }
            if is_last {
                return Ok(Found { directory: here, name, dentry: Some(dentry), is_dot: false });
            }
            here = self.dentries[dentry].inode;
        }
        Err(Refusal::Unmodelled)
    }
}
