//! What a generated program is: the world that it begins in, and its lines. Both are lists from which anything may be taken away.

use std::fmt;
use std::str::FromStr;

use conformance::Result;

/// Number of a line; `%ID` in a script is what that line made.
pub type Id = u16;
/// Number of a process or thread of the script; the first is 0.
pub type Task = u8;

/// Ids are below this number; the actor has as much room.
pub const IDS_MAX: Id = 512;
/// Tasks are below this number; the actor has as much room.
pub const TASKS_MAX: Task = 16;

/// Declares the bits that the words of a script have names for.
macro_rules! flags {
    ($($name:ident = $bit:expr),+ $(,)?) => {
        /// Options of a call, as a set of named bits.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct Flags(u32);

        #[expect(missing_docs, reason = "the names are those of the C library")]
        impl Flags {
            $(pub const $name: Self = Self(1 << $bit);)+
            const NAMES: &[(&'static str, u32)] = &[$((stringify!($name), 1 << $bit)),+];
        }
    };
}

flags! {
    RDONLY = 0, WRONLY = 1, RDWR = 2, CREAT = 3, EXCL = 4, TRUNC = 5, APPEND = 6, CLOEXEC = 7, NOFOLLOW = 8, DIRECTORY = 9, PATH = 10,
    TMPFILE = 11, NOREPLACE = 12, EXCHANGE = 13, READ = 14, WRITE = 15, SHARED = 16, KEEP_SIZE = 17, PUNCH_HOLE = 18, ZERO_RANGE = 19,
    FOLLOW = 20, BY_PROC = 21,
}

impl Flags {
    /// No option.
    pub const NONE: Self = Self(0);

    /// Returns whether all of `other` are there.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns these and `other`.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            Self::NAMES.iter().filter(|(_, bit)| self.0 & bit != 0).map(|(name, _)| *name).collect();
        out.write_str(if names.is_empty() { "NONE" } else { "" })?;
        out.write_str(&names.join("|"))
    }
}

impl FromStr for Flags {
    type Err = String;

    fn from_str(text: &str) -> Result<Self> {
        let mut flags = Self::NONE;
        for word in text.split('|').filter(|word| *word != "NONE") {
            let found = Self::NAMES.iter().find(|(name, _)| *name == word);
            flags.0 |= found.ok_or_else(|| format!("there is no flag {word:?}"))?.1;
        }
        Ok(flags)
    }
}

/// Where a path begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// The working directory.
    Cwd,
    /// The root of the world: the path is absolute.
    World,
    /// The directory that a descriptor refers to.
    Directory(Id),
}

/// A path as a call is given it. Names are of lowercase letters and digits, and begin with a letter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct At {
    /// Where it begins.
    pub base: Base,
    /// The rest, without a slash at its front.
    pub path: String,
}

/// An argument of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word {
    /// A descriptor or a mapping, by the line that made it.
    Made(Id),
    /// A number: a length, an offset, a task, a descriptor as such.
    Number(i64),
    /// A path.
    Path(At),
    /// Options.
    Options(Flags),
}

impl fmt::Display for Word {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made(id) => write!(out, "%{id}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Options(flags) => write!(out, "{flags}"),
            Self::Path(At { base, path }) => match base {
                Base::Cwd => out.write_str(path),
                Base::World => write!(out, "^/{path}"),
                Base::Directory(id) => write!(out, "%{id}:{path}"),
            },
        }
    }
}

impl FromStr for Word {
    type Err = String;

    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| text.parse().map_err(|error| format!("{text:?}: {error}"));
        if let Some(path) = text.strip_prefix("^/") {
            return Ok(Self::Path(At { base: Base::World, path: path.to_owned() }));
        }
        if let Some(made) = text.strip_prefix('%') {
            return Ok(match made.split_once(':') {
                Some((id, path)) => {
                    Self::Path(At { base: Base::Directory(number(id)?), path: path.to_owned() })
                }
                None => Self::Made(number(made)?),
            });
        }
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            return text.parse().map(Self::Number).map_err(|error| format!("{text:?}: {error}"));
        }
        if text.starts_with(|first: char| first.is_ascii_uppercase()) {
            return text.parse().map(Self::Options);
        }
        Ok(Self::Path(At { base: Base::Cwd, path: text.to_owned() }))
    }
}

/// One call by one task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Its number, which it keeps when others are taken away.
    pub id: Id,
    /// Who makes the call.
    pub task: Task,
    /// Its name, as the actor knows it.
    pub call: String,
    /// Its arguments.
    pub words: Vec<Word>,
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, task, call, words } = self;
        write!(out, "{id} {task} {call}")?;
        words.iter().try_for_each(|word| write!(out, " {word}"))
    }
}

/// Something that is there before the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A directory.
    Directory(String),
    /// A file and its content.
    File(String, String),
    /// A symbolic link and its target, which begins with `^/` if it is absolute.
    Symlink(String, String),
    /// A second name, and the first.
    Link(String, String),
    /// A copy of the actor.
    Program(String),
    /// A script whose interpreter is the actor.
    Interpreted(String),
}

impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(out, "+ directory {path}"),
            Self::File(path, content) => write!(out, "+ file {path} {content}"),
            Self::Symlink(path, target) => write!(out, "+ symlink {path} {target}"),
            Self::Link(path, old) => write!(out, "+ link {path} {old}"),
            Self::Program(path) => write!(out, "+ program {path}"),
            Self::Interpreted(path) => write!(out, "+ interpreted {path}"),
        }
    }
}

impl FromStr for Entry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.trim_end().split(' ').collect();
        let owned = |text: &str| text.to_owned();
        Ok(match words[..] {
            ["+", "directory", path] => Self::Directory(owned(path)),
            ["+", "file", path] => Self::File(owned(path), String::new()),
            ["+", "file", path, content] => Self::File(owned(path), owned(content)),
            ["+", "symlink", path, target] => Self::Symlink(owned(path), owned(target)),
            ["+", "link", path, old] => Self::Link(owned(path), owned(old)),
            ["+", "program", path] => Self::Program(owned(path)),
            ["+", "interpreted", path] => Self::Interpreted(owned(path)),
            _ => return Err(format!("{text:?} is no part of a world")),
        })
    }
}

/// A world and what is done in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Program {
    /// What is there before.
    pub world: Vec<Entry>,
    /// The calls, in their order over all tasks.
    pub lines: Vec<Line>,
}

impl Program {
    /// Returns the lines as the actor reads them.
    pub fn script(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

impl fmt::Display for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.world.iter().try_for_each(|entry| writeln!(out, "{entry}"))?;
        out.write_str(&self.script())
    }
}

impl FromStr for Program {
    type Err = String;

    fn from_str(text: &str) -> Result<Self> {
        let mut program = Self::default();
        for text in text.lines().filter(|text| !text.is_empty()) {
            if text.starts_with('+') {
                program.world.push(text.parse()?);
                continue;
            }
            let mut words = text.split(' ');
            let mut next = || words.next().ok_or_else(|| format!("{text:?} is too short"));
            let id = next()?.parse().map_err(|error| format!("{text:?}: {error}"))?;
            let task = next()?.parse().map_err(|error| format!("{text:?}: {error}"))?;
            let call = next()?.to_owned();
            let words = words.map(str::parse).collect::<Result<_>>()?;
            program.lines.push(Line { id, task, call, words });
        }
        Ok(program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_read_as_it_is_printed() {
        let text = "+ directory d\n+ file d/a xyz\n+ file e \n+ symlink s ^/d\n+ link l d/a\n+ program p\n+ interpreted i\n\
                    0 0 open d/a WRONLY|CREAT\n1 0 fork 1\n2 1 rename %0:a ^/b NONE\n3 1 splice %0 %512 7\n";
        let program: Program = text.parse().unwrap();
        assert_eq!(program.to_string(), text);
        assert_eq!(
            program.lines[2].words[0],
            Word::Path(At { base: Base::Directory(0), path: "a".to_owned() })
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["+ file", "+ thing a", "x 0 open", "0 0", "0 0 open a RDONLY|SOMETIMES", "0 0 close %x"]
        {
            text.parse::<Program>().unwrap_err();
        }
    }
}
