//! Programs from numbers: the same from the same number, on every machine.

use crate::model::{Handle, Machine, Model, Refusal};
use crate::script::{At, Base, Entry, Flags, Id, Line, Program, Task, Word};

/// Lines of a program, at least and at most; what a run needs besides is added to them.
const LINES: (usize, usize) = (10, 60);
/// Tasks that live at a time.
const LIVING_MAX: usize = 5;
/// One call of so many that fail is kept: failing calls must leave no record, but say little.
const FAILING_KEPT: u64 = 4;
/// Attempts for each line; a state in which nothing more can be done ends the program early.
const ATTEMPTS: usize = 10;

/// Calls, and how often each is tried.
const CALLS: &[(&str, u64)] = &[
    ("open", 24),
    ("read", 8),
    ("pread", 4),
    ("readv", 2),
    ("write", 8),
    ("pwrite", 4),
    ("writev", 2),
    ("seek", 3),
    ("close", 4),
    ("dup", 2),
    ("dup2", 3),
    ("dup3", 1),
    ("fcntl_dup", 2),
    ("set_cloexec", 1),
    ("close_range", 1),
    ("pipe", 2),
    ("reopen", 3),
    ("map", 5),
    ("store", 4),
    ("protect", 2),
    ("unmap", 1),
    ("rename", 12),
    ("link", 4),
    ("link_fd", 3),
    ("symlink", 3),
    ("unlink", 6),
    ("rmdir", 2),
    ("mkdir", 3),
    ("mknod", 1),
    ("truncate", 3),
    ("ftruncate", 3),
    ("fallocate", 3),
    ("sendfile", 3),
    ("copy_range", 3),
    ("splice", 5),
    ("chdir", 2),
    ("fchdir", 1),
    ("stat", 1),
    ("readlink", 1),
    ("chmod", 1),
    ("fork", 4),
    ("thread", 3),
    ("wait", 2),
    ("exec", 4),
    ("exec_fd", 1),
    ("send", 2),
    ("receive", 2),
    ("get_fd", 1),
];

const NAMES: &[&str] = &["a", "b", "c", "f", "g", "h"];
const DIRECTORIES: &[&str] = &["d", "e", "d/s", "e/t", "d/s/u"];

/// Numbers that follow from one another (SplitMix64, by Steele, Lea and Flood).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Returns the numbers that follow from a seed and the number of a program.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut random = Self(seed);
        let start = random.next();
        Self(start ^ number.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`, which is small: that some numbers are a little more likely does not matter.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len() as u64) as usize)
    }

    fn size(&mut self) -> i64 {
        let most = self.pick(&[1, 8, 60, 60, 5000]).copied().unwrap_or(1);
        self.below(most + 1) as i64
    }
}

/// Returns the program of that number.
pub fn generate(seed: u64, number: u64) -> Program {
    let mut random = Random::new(seed, number);
    let entries = world(&mut random);
    let (mut model, world) = Model::new(&Machine::anywhere(), &entries);
    let mut lines = Vec::new();
    let count = LINES.0 + random.below((LINES.1 - LINES.0 + 1) as u64) as usize;
    let mut last = 0;
    for _ in 0..count * ATTEMPTS {
        if lines.len() == count {
            break;
        }
        let mut next = model.clone();
        let mut chooser = Chooser { random: &mut random, model: &model, id: lines.len() as Id, task: last };
        let Some(line) = chooser.line() else { continue };
        let is_kept = match next.apply(&line) {
            Ok(_) => true,
            Err(Refusal::Failed(_)) => random.one_in(FAILING_KEPT),
            Err(Refusal::Unmodelled) => false,
        };
        if is_kept {
            last = line.task;
            lines.push(line);
            model = next;
        }
    }
    Program { world, lines }
}

fn world(random: &mut Random) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut places = vec![String::new()];
    for directory in DIRECTORIES {
        if !random.one_in(3) {
            entries.push(Entry::Directory((*directory).to_owned()));
            places.push(format!("{directory}/"));
        }
    }
    let put = |random: &mut Random, name: &str| {
        format!("{}{name}", random.pick(&places).map_or("", String::as_str))
    };
    let mut files = Vec::new();
    for _ in 0..3 + random.below(6) {
        let name = random.pick(NAMES).copied().unwrap_or("a");
        let path = put(random, name);
        let size = random.pick(&[0, 1, 10, 50]).copied().unwrap_or(0);
        let content = (0..size).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
        files.push(path.clone());
        entries.push(Entry::File(path, content));
    }
    for name in ["k", "b"] {
        if random.one_in(2) {
            let old = random.pick(&files).cloned().unwrap_or_default();
            entries.push(Entry::Link(put(random, name), old));
        }
    }
    for name in ["l", "m"] {
        if random.one_in(2) {
            let target = random.pick(&["a", "^/a", "d", "^/d", "^/e/b", "..", "s", "l", "^/m"]);
            entries.push(Entry::Symlink(put(random, name), target.copied().unwrap_or("a").to_owned()));
        }
    }
    if random.one_in(2) {
        entries.push(Entry::Program(put(random, "p")));
    }
    if random.one_in(3) {
        entries.push(Entry::Interpreted(put(random, "i")));
    }
    entries
}

/// Chooses one line.
struct Chooser<'a> {
    random: &'a mut Random,
    model: &'a Model,
    id: Id,
    task: Task,
}

impl Chooser<'_> {
    fn line(&mut self) -> Option<Line> {
        let tasks: Vec<Task> = self.model.tasks().collect();
        if !tasks.contains(&self.task) || self.random.one_in(3) {
            self.task = *self.random.pick(&tasks)?;
        }
        let total = CALLS.iter().map(|(_, weight)| weight).sum();
        let mut at = self.random.below(total);
        let (call, _) = CALLS.iter().find(|(_, weight)| {
            let is_it = at < *weight;
            at = at.saturating_sub(*weight);
            is_it
        })?;
        let words = self.words(call, &tasks)?;
        Some(Line { id: self.id, task: self.task, call: (*call).to_owned(), words })
    }

    fn words(&mut self, call: &str, tasks: &[Task]) -> Option<Vec<Word>> {
        let size = Word::Number(self.random.size());
        let offset = Word::Number(self.random.size());
        Some(match call {
            "open" => self.opening()?,
            "read" | "readv" => vec![self.readable()?, size],
            "write" | "writev" => vec![self.writable()?, size],
            "pread" => vec![self.readable()?, size, offset],
            "pwrite" => vec![self.writable()?, size, offset],
            "seek" | "ftruncate" => vec![self.file()?, size],
            "close" | "fchdir" | "dup" | "send" => vec![self.any()?],
            "dup2" | "dup3" => vec![self.any()?, Word::Number(self.random.below(12) as i64)],
            "fcntl_dup" => {
                let least = Word::Number(self.random.below(20) as i64);
                vec![self.any()?, least, self.perhaps(Flags::CLOEXEC, 2)]
            }
            "set_cloexec" => vec![self.any()?, Word::Number(self.random.below(2) as i64)],
            "close_range" => {
                let first = self.random.below(12) as i64;
                let last = first + self.random.below(4) as i64;
                vec![Word::Number(first), Word::Number(last), self.perhaps(Flags::CLOEXEC, 2)]
            }
            "pipe" => Vec::new(),
            "reopen" => vec![self.file()?, Word::Options(self.modes(false))],
            "map" => vec![self.readable()?, size, self.protection()],
            "store" => vec![self.mapping()?, Word::Number(self.random.below(12) as i64)],
            "protect" => {
                let flags = if self.random.one_in(4) { Flags::READ } else { Flags::READ.with(Flags::WRITE) };
                vec![self.mapping()?, Word::Options(flags)]
            }
            "unmap" => vec![self.mapping()?],
            "rename" => vec![self.there()?, self.anywhere()?, self.renaming()],
            "link" => vec![self.there()?, self.anywhere()?, self.perhaps(Flags::FOLLOW, 3)],
            "link_fd" => vec![self.file()?, self.anywhere()?, self.perhaps(Flags::BY_PROC, 2)],
            "symlink" => vec![self.target()?, self.anywhere()?],
            "rmdir" => vec![self.directory()?],
            "mkdir" | "mknod" => vec![self.anywhere()?],
            "unlink" | "stat" | "readlink" | "chmod" => vec![self.there()?],
            "truncate" => vec![self.there()?, if self.random.one_in(3) { Word::Number(0) } else { size }],
            "fallocate" => vec![self.file()?, self.allocation(), offset, size],
            "sendfile" => vec![self.writable()?, self.readable()?, size],
            "copy_range" | "splice" => vec![self.readable()?, self.writable()?, size],
            "chdir" => vec![self.directory()?],
            "fork" | "thread" if tasks.len() >= LIVING_MAX => return None,
            "fork" | "thread" => vec![self.new_task()],
            "wait" => vec![Word::Number(i64::from(*self.random.pick(tasks)?))],
            "exec" => vec![self.there()?],
            "exec_fd" => vec![self.file()?],
            "receive" => vec![self.perhaps(Flags::CLOEXEC, 2)],
            "get_fd" => {
                let other = *self.random.pick(tasks)?;
                let handles = self.model.handles(other);
                vec![Word::Number(other.into()), Word::Made(self.random.pick(&handles)?.0)]
            }
            _ => return None,
        })
    }

    fn new_task(&mut self) -> Word {
        Word::Number(1 + self.random.below(u64::from(crate::script::TASKS_MAX) - 1) as i64)
    }

    fn perhaps(&mut self, flag: Flags, one_in: u64) -> Word {
        Word::Options(if self.random.one_in(one_in) { flag } else { Flags::NONE })
    }

    fn handle(&mut self, fits: impl Fn(&Handle) -> bool) -> Option<Word> {
        // Now and then one that was closed, or was never there.
        if self.random.one_in(25) {
            return Some(Word::Made(self.random.below(u64::from(self.id) + 1) as Id));
        }
        let handles = self.model.handles(self.task);
        let is_any = self.random.one_in(12);
        let fitting: Vec<Id> =
            handles.iter().filter(|(_, handle)| is_any || fits(handle)).map(|(id, _)| *id).collect();
        self.random.pick(&fitting).map(|id| Word::Made(*id))
    }

    fn any(&mut self) -> Option<Word> {
        self.handle(|_| true)
    }

    fn file(&mut self) -> Option<Word> {
        self.handle(|handle| matches!(handle, Handle::File { .. } | Handle::Other))
    }

    fn readable(&mut self) -> Option<Word> {
        self.handle(|handle| {
            matches!(handle, Handle::File { reads: true, .. } | Handle::PipeEnd { writes: false })
        })
    }

    fn writable(&mut self) -> Option<Word> {
        self.handle(|handle| {
            matches!(handle, Handle::File { writes: true, .. } | Handle::PipeEnd { writes: true })
        })
    }

    fn mapping(&mut self) -> Option<Word> {
        let mappings = self.model.mapping_ids(self.task);
        self.random.pick(&mappings).map(|id| Word::Made(*id))
    }

    /// A path of something that is there.
    fn there(&mut self) -> Option<Word> {
        self.mostly(Model::file_paths, Model::directory_paths, 4)
    }

    fn directory(&mut self) -> Option<Word> {
        self.mostly(Model::directory_paths, Model::file_paths, 5)
    }

    /// One of these paths; one time in `rarity`, or where there are none, perhaps one of the others.
    fn mostly(
        &mut self,
        these: fn(&Model) -> Vec<String>,
        others: fn(&Model) -> Vec<String>,
        rarity: u64,
    ) -> Option<Word> {
        let mut paths = these(self.model);
        if self.random.one_in(rarity) || paths.is_empty() {
            paths.extend(others(self.model));
        }
        let path = self.random.pick(&paths)?.clone();
        Some(Word::Path(self.at(&path)))
    }

    /// A path of something that may be there or not.
    fn anywhere(&mut self) -> Option<Word> {
        if self.random.one_in(3) {
            return self.there();
        }
        let mut above = self.model.directory_paths();
        above.push(String::new());
        if self.random.one_in(6) {
            // A link to a directory is one as well; most of the time this fails.
            above.extend(self.model.file_paths());
        }
        let above = self.random.pick(&above)?.clone();
        let names = [NAMES, &["x", "y", "z", "d", "e"]].concat();
        let name = self.random.pick(&names)?;
        let path = if above.is_empty() { (*name).to_owned() } else { format!("{above}/{name}") };
        Some(Word::Path(self.at(&path)))
    }

    fn target(&mut self) -> Option<Word> {
        let paths = [self.model.file_paths(), self.model.directory_paths()].concat();
        let path = self.random.pick(&paths)?.clone();
        let base = if self.random.one_in(2) { Base::World } else { Base::Cwd };
        Some(Word::Path(At { base, path }))
    }

    /// Returns one of the ways to say a path.
    fn at(&mut self, path: &str) -> At {
        let handles = self.model.handles(self.task);
        let directories: Vec<(Id, String)> = handles
            .into_iter()
            .filter_map(|(id, handle)| match handle {
                Handle::Directory(path) => Some((id, path)),
                Handle::File { .. } | Handle::PipeEnd { .. } | Handle::Other => None,
            })
            .collect();
        if self.random.one_in(3)
            && let Some((id, from)) = self.random.pick(&directories)
        {
            return At { base: Base::Directory(*id), path: relative(from, path) };
        }
        if self.random.one_in(4) {
            return At { base: Base::World, path: path.to_owned() };
        }
        At { base: Base::Cwd, path: relative(&self.model.cwd_path(self.task), path) }
    }

    fn opening(&mut self) -> Option<Vec<Word>> {
        if self.random.one_in(8) {
            return Some(vec![self.directory()?, Word::Options(Flags::RDONLY.with(Flags::DIRECTORY))]);
        }
        if self.random.one_in(16) {
            let mode = if self.random.one_in(2) { Flags::WRONLY } else { Flags::RDWR };
            let exclusive = if self.random.one_in(4) { Flags::EXCL } else { Flags::NONE };
            return Some(vec![self.directory()?, Word::Options(mode.with(Flags::TMPFILE).with(exclusive))]);
        }
        let creates = self.random.one_in(3);
        let path = if creates { self.anywhere()? } else { self.there()? };
        Some(vec![path, Word::Options(self.modes(creates))])
    }

    fn modes(&mut self, creates: bool) -> Flags {
        let mode = self.random.pick(&[Flags::RDONLY, Flags::RDONLY, Flags::WRONLY, Flags::RDWR, Flags::RDWR]);
        let mut flags = mode.copied().unwrap_or(Flags::RDONLY);
        if creates {
            flags = flags.with(Flags::CREAT);
        }
        let rare = [
            (Flags::EXCL, 6, creates),
            (Flags::TRUNC, 5, true),
            (Flags::APPEND, 6, true),
            (Flags::CLOEXEC, 3, true),
            (Flags::NOFOLLOW, 12, true),
            (Flags::PATH, 12, !creates),
        ];
        for (flag, one_in, _) in rare.into_iter().filter(|(.., is_possible)| *is_possible) {
            if self.random.one_in(one_in) {
                flags = flags.with(flag);
            }
        }
        flags
    }

    fn protection(&mut self) -> Word {
        let (read, write, shared) = (Flags::READ, Flags::WRITE, Flags::SHARED);
        let choices = [
            read,
            read.with(shared),
            read.with(write),
            read.with(write).with(shared),
            write.with(shared),
            shared,
            Flags::NONE,
            read.with(write).with(shared),
            read.with(shared),
        ];
        Word::Options(self.random.pick(&choices).copied().unwrap_or(read))
    }

    fn renaming(&mut self) -> Word {
        let flags = [Flags::NONE, Flags::NONE, Flags::NONE, Flags::NOREPLACE, Flags::EXCHANGE];
        Word::Options(self.random.pick(&flags).copied().unwrap_or(Flags::NONE))
    }

    fn allocation(&mut self) -> Word {
        let flags = [
            Flags::NONE,
            Flags::KEEP_SIZE,
            Flags::KEEP_SIZE.with(Flags::PUNCH_HOLE),
            Flags::ZERO_RANGE,
            Flags::ZERO_RANGE.with(Flags::KEEP_SIZE),
        ];
        Word::Options(self.random.pick(&flags).copied().unwrap_or(Flags::NONE))
    }
}

/// Returns a path as it is called from a directory; both are relative to the world.
fn relative(from: &str, path: &str) -> String {
    if from.is_empty() {
        return path.to_owned();
    }
    if let Some(below) = path.strip_prefix(from).and_then(|rest| rest.strip_prefix('/')) {
        return below.to_owned();
    }
    let up = from.split('/').map(|_| "../").collect::<String>();
    format!("{up}{path}")
}

#[cfg(test)]
mod tests;
