//! Files and their names during a run, and the rules that make roles of what happened to them.
//!
//! A *node* is a file: (device, inode), with what the run did to its content. A *name* is a path, with the node it had
//! before the run and the node it has now. Every rule follows from these two:
//!
//! - **input**: a name whose node from before had its content taken while that content was still the old one;
//! - **output**: a name that has a node now, and either had none before, or had another, or had this one and it was changed;
//! - **deleted**: a name that had a node before and has none now; **temporary**: one that had none and has none.

use rustc_hash::FxHashMap;
use tracer_schema::{Act, EventKind, FileStamp, FileSummary, NodeKind, PathBytes, Pid, Prior, Role};

use crate::moves::{Moves, Origin, rebase};
use crate::tasks::{self, Use};
use crate::texts::{Symbol, Texts};

/// How far the clock that files are stamped with may be behind, in nanoseconds: the kernel's coarse one, at most a tick of it
/// (ktime_get_coarse_real_ts64, CONFIG_HZ of 100).
const CLOCK_NS: i64 = 10_000_000;

/// Index of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

/// A number of bytes, or the knowledge that it is not known.
#[derive(Clone, Copy)]
struct Count(Option<u64>);

impl Count {
    fn add(&mut self, bytes: Option<u64>) {
        self.0 = self.0.zip(bytes).map(|(sum, more)| sum.saturating_add(more));
    }
}

struct Node {
    dev: u64,
    ino: u64,
    kind: NodeKind,
    /// The run made it.
    is_born: bool,
    /// Its content is not the one from before the run.
    is_changed: bool,
    /// How many directories had been renamed when it was first changed.
    moves_before_change: usize,
    /// It was emptied at some time in the run.
    is_emptied: bool,
    /// A name of it came or went.
    is_moved: bool,
    /// How many names it had when it was last told of.
    names_told: u32,
    /// Its last name was removed: what has its number under a name again is another file.
    is_gone: bool,
    is_read: bool,
    is_executed: bool,
    /// Its content from before the run was taken.
    is_taken: bool,
    /// The file that had its number before.
    previous: Option<NodeId>,
    /// As it was when the run first touched it.
    before: Option<FileStamp>,
    /// The name from before the run by which it was first touched.
    origin: Option<Symbol>,
    /// Its names now, as far as the run touched them.
    names: Vec<Symbol>,
    bytes_read: Count,
    bytes_written: Count,
    pids: Vec<Pid>,
    uses: Vec<Use>,
    /// The first act that took its content from before the run.
    first_taken: Option<Act>,
    /// The first act that changed its content.
    first_changed: Option<Act>,
}

#[derive(Clone, Copy)]
struct Name {
    before: Option<NodeId>,
    now: Option<NodeId>,
    /// The last node it had in the run.
    last: NodeId,
    /// The name from before the run that the file it has now came from, by renames alone; itself if it never moved.
    from: Option<Symbol>,
    is_input: bool,
    /// Something was done by it: that it was opened alone is nothing.
    is_used: bool,
    /// What last gave it a node or took that away.
    act: Option<Act>,
}

impl Name {
    /// Returns a name that no file has or had, but for `node` which is about to get it.
    fn vacant(node: NodeId) -> Self {
        Self { before: None, now: None, last: node, from: None, is_input: false, is_used: false, act: None }
    }
}

/// How an event names the file that it is about.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The path, `None` where the file has no name.
    pub(crate) path: Option<Symbol>,
    /// The file.
    pub(crate) stamp: FileStamp,
    /// Whether the path may be an old one: the file was opened by it, and may have been renamed since.
    pub(crate) is_stale: bool,
}

/// What a change does to the content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Some bytes differ.
    Bytes,
    /// Nothing is left of it.
    Emptied,
}

/// The files that a run touched.
#[derive(Default)]
pub(crate) struct Namespace {
    nodes: Vec<Node>,
    by_identity: FxHashMap<(u64, u64), NodeId>,
    names: FxHashMap<Symbol, Name>,
    pub(crate) moves: Moves,
    /// What was changed last before that was so when the run began; nothing where that is not known.
    old_until_ns: i64,
    /// Paths of a file from before the run that were used as the path of another one from before it.
    ambiguous: Vec<Symbol>,
    /// What is being told of.
    now: Option<Act>,
    /// The tasks that do it.
    pub(crate) doers: Vec<u32>,
}

fn is_subject(stamp: &FileStamp) -> bool {
    stamp.is_some() && (stamp.is_regular() || stamp.is_symlink())
}

impl Namespace {
    /// The run begins, so many nanoseconds since 1970.
    pub(crate) fn start(&mut self, unix_ns: i64) {
        self.old_until_ns = unix_ns.saturating_sub(CLOCK_NS);
    }

    /// Returns the next path that was that of several files from before the run, which only several mount namespaces can have, or
    /// a mount that came or went: a rename would have changed the file that it moved.
    pub(crate) fn ambiguous(&mut self) -> Option<Symbol> {
        self.ambiguous.pop()
    }

    /// Says what the following calls are about.
    pub(crate) fn begin(&mut self, act: Act) {
        self.now = Some(act);
    }

    /// Adds bytes that a process has read or written of a file, of which the first were told of before.
    pub(crate) fn count(&mut self, stamp: &FileStamp, pid: Pid, is_written: bool, bytes: u64) {
        let Some(last) = self.by_identity.get(&(stamp.dev, stamp.ino)).copied() else { return };
        // Of several files that had this number one after the other, the last one that the process has used.
        let mut used = Some(last);
        while let Some(node) = used.filter(|node| self.node(*node).pids.binary_search(&pid).is_err()) {
            used = self.node(node).previous;
        }
        let node = self.node(used.unwrap_or(last));
        let count = if is_written { &mut node.bytes_written } else { &mut node.bytes_read };
        count.add(Some(bytes));
    }

    /// Returns whether something was told of the file.
    pub(crate) fn knows(&self, stamp: &FileStamp) -> bool {
        self.by_identity.contains_key(&(stamp.dev, stamp.ino))
    }

    /// Returns whether a file of the run has or had that name.
    pub(crate) fn has_named(&self, path: Symbol) -> bool {
        self.names.contains_key(&path)
    }

    /// What was told of the file is how it is since the run has changed it: what it was before is not known.
    pub(crate) fn forget_before(&mut self, stamp: &FileStamp) {
        if let Some(node) = self.by_identity.get(&(stamp.dev, stamp.ino)).copied() {
            self.node(node).before = None;
        }
    }

    fn node(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    fn add_node(&mut self, stamp: &FileStamp, is_born: bool) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("a run touches fewer than 2^32 files"));
        self.nodes.push(Node {
            dev: stamp.dev,
            ino: stamp.ino,
            kind: if stamp.is_symlink() { NodeKind::Symlink } else { NodeKind::File },
            is_born,
            is_changed: is_born,
            moves_before_change: 0,
            is_emptied: false,
            is_moved: false,
            names_told: stamp.nlink,
            is_gone: false,
            is_read: false,
            is_executed: false,
            is_taken: false,
            previous: self.by_identity.get(&(stamp.dev, stamp.ino)).copied(),
            before: if is_born { None } else { Some(*stamp) },
            origin: None,
            names: Vec::new(),
            bytes_read: Count(Some(0)),
            bytes_written: Count(Some(0)),
            pids: Vec::new(),
            uses: Vec::new(),
            first_taken: None,
            first_changed: if is_born { self.now } else { None },
        });
        self.by_identity.insert((stamp.dev, stamp.ino), id);
        id
    }

    /// Finds the node of a file that something is done to by this name, as [`Self::see`] does.
    fn touch(&mut self, texts: &mut Texts, place: &Place) -> Option<NodeId> {
        let node = self.see(texts, place)?;
        let Some(path) = place.path else { return Some(node) };
        let is_old = self.is_old(node);
        if let Some(name) = self.names.get_mut(&path).filter(|name| name.now == Some(node)) {
            name.is_used = true;
            let is_another = name.before.is_some_and(|before| before != node);
            if is_old && is_another && name.from.is_none() && !self.ambiguous.contains(&path) {
                self.ambiguous.push(path);
            }
        }
        Some(node)
    }

    /// Finds the node of a file that exists, or makes it: then it existed before the run.
    ///
    /// Returns `None` for what is not a subject.
    pub(crate) fn see(&mut self, texts: &mut Texts, place: &Place) -> Option<NodeId> {
        if !is_subject(&place.stamp) {
            return None;
        }
        let is_named = place.path.is_some() && !place.is_stale;
        let known = self.by_identity.get(&(place.stamp.dev, place.stamp.ino)).copied();
        let known = known.filter(|node| !(is_named && self.nodes[node.0 as usize].is_gone));
        if let Some(node) = known {
            self.node(node).names_told = place.stamp.nlink;
        }
        let Some(path) = place.path else {
            return Some(known.unwrap_or_else(|| self.add_node(&place.stamp, false)));
        };
        if let Some(node) = known {
            let has_moved = place.is_stale && !self.node(node).names.contains(&path);
            if !has_moved {
                self.recognize(texts, path, node);
            }
            return Some(node);
        }
        let is_made_unseen = !self.was_old(&place.stamp)
            && self.origin(texts, path).is_none()
            && self.names.get(&path).is_some_and(|name| {
                name.before.is_none() || name.now.is_some_and(|node| self.nodes[node.0 as usize].is_changed)
            });
        let node = self.add_node(&place.stamp, is_made_unseen);
        if is_made_unseen {
            self.attach(path, node, None);
        } else {
            self.recognize(texts, path, node);
        }
        Some(node)
    }

    /// Returns whether a file was last changed, moved or linked before the run.
    fn was_old(&self, stamp: &FileStamp) -> bool {
        stamp.ctime_ns != 0 && stamp.ctime_ns < self.old_until_ns
    }

    /// Returns whether that was so when the run first saw it, and no name of it is known from before.
    fn is_old(&self, node: NodeId) -> bool {
        let node = &self.nodes[node.0 as usize];
        node.origin.is_none() && node.before.is_some_and(|before| self.was_old(&before))
    }

    /// Returns how the file at `path` came there with its directory, if a file from before the run did.
    fn origin(&self, texts: &mut Texts, path: Symbol) -> Option<(Symbol, Origin)> {
        let origin = self.moves.origin(texts.bytes(path))?;
        let before = texts.intern(&origin.path);
        let is_taken = self.names.get(&before).is_some_and(|name| name.before.is_some());
        (!is_taken).then_some((before, origin))
    }

    /// Makes known that `path` is a name of `node`, and which name it was before the run.
    fn recognize(&mut self, texts: &mut Texts, path: Symbol, node: NodeId) {
        let is_known = self.names.get(&path).is_some_and(|name| name.now == Some(node));
        if is_known || self.node(node).is_born {
            return self.bind(path, node);
        }
        match self.origin(texts, path) {
            Some((before, origin)) => self.arrive(before, path, node, &origin),
            None => self.bind(path, node),
        }
    }

    /// The file that was `before` was moved to `path` with its directory, which nothing told when it happened.
    fn arrive(&mut self, before: Symbol, path: Symbol, node: NodeId, origin: &Origin) {
        self.names.entry(before).or_insert(Name::vacant(node)).before = Some(node);
        let known = self.node(node);
        known.origin.get_or_insert(before);
        if !known.is_changed || known.moves_before_change > origin.first_move {
            self.names.entry(before).or_insert(Name::vacant(node)).is_input = true;
        }
        self.attach(path, node, Some(before));
        self.node(node).is_moved = true;
        for pid in &origin.pids {
            self.done_by(node, *pid);
        }
    }

    /// Makes known that `path` is, and unless the run changed that was, a name of `node`.
    fn bind(&mut self, path: Symbol, node: NodeId) {
        match self.names.get(&path).map(|name| name.now) {
            Some(Some(now)) if now == node => {}
            // Somebody outside the run put another file there, or took this one away and back.
            Some(_) => {
                let is_first = self.names.get(&path).is_some_and(|name| name.before.is_none());
                let is_from_before = is_first && self.is_old(node);
                self.attach(path, node, is_from_before.then_some(path));
                if is_from_before {
                    // The run made a file by that path where others see another.
                    self.names.entry(path).or_insert(Name::vacant(node)).before = Some(node);
                    self.node(node).origin = Some(path);
                }
            }
            None => {
                let before = if self.node(node).is_born { None } else { Some(node) };
                self.names.insert(
                    path,
                    Name {
                        before,
                        now: Some(node),
                        last: node,
                        from: before.map(|_| path),
                        is_input: false,
                        is_used: false,
                        act: None,
                    },
                );
                let known = self.node(node);
                known.names.push(path);
                if before.is_some() {
                    known.origin.get_or_insert(path);
                }
            }
        }
    }

    /// Gives the name to `node`, taking it from whichever had it. `from`: as in [`Name`].
    fn attach(&mut self, path: Symbol, node: NodeId, from: Option<Symbol>) {
        self.detach(path);
        let act = self.now;
        let name = self.names.entry(path).or_insert(Name::vacant(node));
        name.act = act;
        name.is_used = true;
        name.now = Some(node);
        name.last = node;
        name.from = from;
        let node = self.node(node);
        node.names.push(path);
        node.is_gone = false;
    }

    /// The name was taken off `node` for good.
    fn forget(&mut self, node: NodeId) {
        let node = self.node(node);
        node.is_gone = node.names.is_empty() && node.names_told <= 1;
    }

    fn detach(&mut self, path: Symbol) {
        let Some(name) = self.names.get_mut(&path) else { return };
        let Some(node) = name.now.take() else { return };
        name.act = self.now;
        let node = self.node(node);
        node.names.retain(|name| *name != path);
        node.is_moved = true;
    }

    /// Takes the content of `node`: an input, if that content is the one from before the run.
    fn take(&mut self, node: NodeId, via: Option<Symbol>) {
        let Node { is_born: false, is_changed: false, origin, .. } = *self.node(node) else {
            return;
        };
        let act = self.now;
        let known = self.node(node);
        let is_first = !std::mem::replace(&mut known.is_taken, true);
        known.first_taken = known.first_taken.or(act);
        let direct = via.and_then(|path| {
            let name = self.names.get(&path)?;
            match name.now {
                // It may have gone from this name, and come back to it from another.
                Some(now) if now == node => name.from,
                _ if name.before == Some(node) => Some(path),
                _ => None,
            }
        });
        // By a name that the run has given it, which took it from one that it had: that is an input already.
        if let Some(name) = direct.or(origin.filter(|_| is_first)).and_then(|path| self.names.get_mut(&path))
        {
            name.is_input = true;
        }
    }

    fn done_by(&mut self, node: NodeId, pid: Pid) {
        let Self { nodes, doers, now, .. } = self;
        let node = &mut nodes[node.0 as usize];
        if let Err(at) = node.pids.binary_search(&pid) {
            node.pids.insert(at, pid);
        }
        if let Some(now) = now
            && !doers.is_empty()
        {
            let is_read = matches!(now.kind, EventKind::Read | EventKind::MapRead | EventKind::Execute);
            tasks::note(&mut node.uses, doers, is_read, now.time_ns);
        }
    }

    /// The content was read or mapped; `bytes` where they can be counted.
    pub(crate) fn read(&mut self, texts: &mut Texts, place: &Place, pid: Pid, bytes: Option<u64>) {
        let Some(node) = self.touch(texts, place) else {
            return;
        };
        self.take(node, place.path);
        let known = self.node(node);
        known.is_read = true;
        known.bytes_read.add(bytes);
        self.done_by(node, pid);
    }

    /// The file was executed, which is a read of it.
    pub(crate) fn execute(&mut self, texts: &mut Texts, place: &Place, pid: Pid) {
        self.read(texts, place, pid, None);
        if let Some(node) = self.touch(texts, place) {
            self.node(node).is_executed = true;
        }
    }

    /// The content was changed; `bytes` where they can be counted.
    pub(crate) fn write(
        &mut self,
        texts: &mut Texts,
        place: &Place,
        pid: Pid,
        bytes: Option<u64>,
        change: Change,
    ) {
        let Some(node) = self.touch(texts, place) else {
            return;
        };
        let (moves, act) = (self.moves.count(), self.now);
        let known = self.node(node);
        known.first_changed = known.first_changed.or(act);
        if !known.is_changed {
            known.moves_before_change = moves;
        }
        known.is_changed = true;
        known.is_emptied |= change == Change::Emptied;
        known.bytes_written.add(bytes);
        self.done_by(node, pid);
    }

    /// A file was made, under a name or without one.
    pub(crate) fn create(&mut self, path: Option<Symbol>, stamp: &FileStamp, pid: Pid) {
        if !is_subject(stamp) {
            return;
        }
        let known = self.by_identity.get(&(stamp.dev, stamp.ino)).copied();
        let here = path.and_then(|path| self.names.get(&path)).and_then(|name| name.now);
        let node = match known {
            // Two callers of the same O_CREAT: the second found the file of the first.
            Some(node) if here == Some(node) => node,
            // An inode number is used again once its file is gone.
            _ => self.add_node(stamp, true),
        };
        if let Some(path) = path.filter(|_| here != Some(node)) {
            self.attach(path, node, None);
        }
        self.done_by(node, pid);
    }

    /// `to` became a name of the file that `from` names.
    pub(crate) fn link(&mut self, texts: &mut Texts, from: &Place, to: Symbol, pid: Pid) {
        let Some(node) = self.touch(texts, from) else {
            return;
        };
        self.take(node, from.path);
        self.node(node).is_moved = true;
        self.attach(to, node, None);
        self.done_by(node, pid);
    }

    /// The name was removed.
    pub(crate) fn unlink(&mut self, texts: &mut Texts, place: &Place, pid: Pid) {
        let Some(node) = self.touch(texts, place) else {
            return;
        };
        self.done_by(node, pid);
        if let Some(path) = place.path {
            self.detach(path);
            self.forget(node);
        }
    }

    /// `from` was renamed to `to`, or the two changed places.
    pub(crate) fn rename(
        &mut self,
        texts: &mut Texts,
        from: &Place,
        to: Symbol,
        is_exchange: bool,
        pid: Pid,
    ) {
        let Some(source) = from.path.filter(|path| *path != to) else {
            return;
        };
        let moved = self.see(texts, from);
        let there = self.names.get(&to).and_then(|name| name.now);
        if moved.is_some() && moved == there {
            // Two names of one file: rename(2) does nothing.
            return;
        }
        let back = there.filter(|_| is_exchange).map(|node| (node, self.carry(node, to, pid)));
        if let Some(node) = moved {
            let came_from = self.carry(node, source, pid);
            self.attach(to, node, came_from);
        } else {
            self.detach(to);
        }
        if let Some(replaced) = there.filter(|_| !is_exchange) {
            self.forget(replaced);
        }
        // What a file changed places with, if it is no file, may be a directory.
        if from.stamp.is_directory() || (is_exchange && there.is_none()) {
            self.move_below(texts, source, to, is_exchange, pid);
        }
        if let Some((node, came_from)) = back {
            self.attach(source, node, came_from);
        }
    }

    /// Takes the name `from` off `node`, which is about to get another; returns what that one's [`Name::from`] is.
    fn carry(&mut self, node: NodeId, from: Symbol, pid: Pid) -> Option<Symbol> {
        self.take(node, Some(from));
        self.node(node).is_moved = true;
        self.done_by(node, pid);
        self.detach(from);
        self.names.get(&from).and_then(|name| name.from)
    }

    /// Moves every known name below the directory `from` to below `to`.
    fn move_below(&mut self, texts: &mut Texts, from: Symbol, to: Symbol, is_exchange: bool, pid: Pid) {
        let (old, new) = (texts.bytes(from).to_vec(), texts.bytes(to).to_vec());
        let below = |root: &[u8], other: &[u8], names: &FxHashMap<Symbol, Name>, texts: &Texts| -> Vec<_> {
            names
                .iter()
                .filter_map(|(path, name)| {
                    let target = rebase(texts.bytes(*path), root, other)?;
                    Some((*path, name.now?, target))
                })
                .collect()
        };
        let mut going = below(&old, &new, &self.names, texts);
        if is_exchange {
            going.extend(below(&new, &old, &self.names, texts));
        }
        // Let go of all of them first: in an exchange a name may be both left and taken.
        let going: Vec<_> = going
            .into_iter()
            .map(|(path, node, target)| (self.carry(node, path, pid), node, target))
            .collect();
        for (came_from, node, target) in going {
            let target = texts.intern(&target);
            self.attach(target, node, came_from);
        }
        self.moves.push(&old, &new, is_exchange, pid);
    }

    /// The file was found, when the run was over, below a directory that the run had renamed.
    pub(crate) fn found(&mut self, texts: &mut Texts, place: &Place) {
        if let Some(node) = self.touch(texts, place) {
            self.take(node, place.path);
        }
    }

    /// Returns what each name was to the run, by path and role.
    ///
    /// `look` says what is at a path now.
    pub(crate) fn summarize(
        &self,
        texts: &Texts,
        look: &mut dyn FnMut(&[u8]) -> Option<FileStamp>,
    ) -> Vec<(FileSummary, &[Use])> {
        let mut names: Vec<_> = self.names.iter().map(|(path, name)| (*path, name)).collect();
        names.sort_unstable_by_key(|(path, _)| texts.bytes(*path));
        let mut files = Vec::with_capacity(names.len());
        for (path, name) in names {
            self.summarize_name(texts, path, name, look, &mut files);
        }
        files
    }

    /// Adds what a name was to the run, by role.
    fn summarize_name<'n>(
        &'n self,
        texts: &Texts,
        path: Symbol,
        name: &Name,
        look: &mut dyn FnMut(&[u8]) -> Option<FileStamp>,
        files: &mut Vec<(FileSummary, &'n [Use])>,
    ) {
        let uses = |node: NodeId| self.nodes[node.0 as usize].uses.as_slice();
        // What happened by that path where others see another file has not happened to the one that is there.
        let is_in_place = name.before.filter(|before| Some(*before) != name.now).is_some_and(|before| {
            look(texts.bytes(path)).is_some_and(|there| self.is_still(before, name.now, &there))
        });
        let name = &Name { now: if is_in_place { name.before } else { name.now }, ..*name };
        if let Some(before) = name.before.filter(|_| name.is_input) {
            let mut file = self.describe(texts, path, name, before, Role::Input);
            let node = &self.nodes[before.0 as usize];
            let names = node.names.iter().map(|at| texts.bytes(*at));
            file.content_at = names.min().filter(|_| !node.is_changed).map(PathBytes::from);
            files.push((file, uses(before)));
        }
        match (name.before, name.now) {
            (None, None) => {
                files.push((self.describe(texts, path, name, name.last, Role::Temporary), uses(name.last)));
            }
            (Some(before), None) => {
                files.push((self.describe(texts, path, name, before, Role::Deleted), uses(before)));
            }
            (Some(before), Some(now))
                if before == now && !(name.is_used && self.nodes[now.0 as usize].is_changed) => {}
            (before, Some(now)) => {
                let node = &self.nodes[now.0 as usize];
                let mut file = self.describe(texts, path, name, now, Role::Output);
                file.written = true;
                file.prior =
                    before.map(
                        |before| {
                            if before == now && !node.is_emptied { Prior::Kept } else { Prior::Replaced }
                        },
                    );
                file.before = before.and_then(|before| self.nodes[before.0 as usize].before);
                let came_from = name.from.filter(|from| *from != path);
                file.renamed_from = came_from.map(|from| texts.bytes(from).into());
                file.after = look(texts.bytes(path)).filter(|at| (at.dev, at.ino) == (node.dev, node.ino));
                files.push((file, uses(now)));
            }
        }
    }

    /// Returns whether what is at a path now is the file that was there before the run, and not another with its number.
    fn is_still(&self, before: NodeId, told: Option<NodeId>, there: &FileStamp) -> bool {
        let is_it = |node: &Node| (node.dev, node.ino) == (there.dev, there.ino);
        let before = &self.nodes[before.0 as usize];
        let is_unchanged = before.before.is_some_and(|before| before.ctime_ns == there.ctime_ns);
        match told {
            Some(told) => is_it(before) && !before.is_gone && !is_it(&self.nodes[told.0 as usize]),
            None => is_it(before) && is_unchanged,
        }
    }

    fn describe(&self, texts: &Texts, path: Symbol, name: &Name, node: NodeId, role: Role) -> FileSummary {
        let node = &self.nodes[node.0 as usize];
        let first = match role {
            Role::Input => node.first_taken,
            Role::Output => node.first_changed.or(name.act),
            Role::Temporary => node.first_changed,
            Role::Deleted => name.act,
        };
        FileSummary {
            path: PathBytes::from(texts.bytes(path)),
            role,
            read: node.is_read,
            written: node.is_changed,
            executed: node.is_executed,
            created: name.before.is_none(),
            deleted: name.now.is_none(),
            prior: None,
            kind: node.kind,
            renamed_from: None,
            bytes_read: node.bytes_read.0,
            bytes_written: node.bytes_written.0,
            pids: node.pids.clone(),
            before: node.before,
            content_at: None,
            moved: node.is_moved,
            after: None,
            first,
        }
    }
}
