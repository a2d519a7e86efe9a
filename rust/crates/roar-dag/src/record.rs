//! What the graph is made of.

use rustc_hash::FxHashMap;

use crate::graph::{ContentIndex, PathIndex};
use crate::names::Names;

/// BLAKE3 of no bytes, which names the content of every empty file.
pub const NOTHING: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

/// What names a content: equal contents are one artifact, wherever they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Content {
    /// Its hash, lowercase hex; of an object of an object store, what that calls it, in words.
    pub hash: String,
    /// Whether it is the target of a symbolic link, which is no file of the same bytes.
    pub is_link: bool,
}

impl Content {
    /// Returns it as those of a graph are.
    pub fn view(&self) -> ContentRef<'_> {
        ContentRef { hash: &self.hash, is_link: self.is_link }
    }
}

/// A content of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentRef<'g> {
    /// Its hash, lowercase hex; of an object of an object store, what that calls it, in words.
    pub hash: &'g str,
    /// Whether it is the target of a symbolic link.
    pub is_link: bool,
}

impl<'g> ContentRef<'g> {
    /// Returns whether it is that of an object of an object store, whose name is no hash.
    pub fn is_object(self) -> bool {
        self.hash.contains(' ')
    }

    /// Returns the ETag, of an object.
    pub fn as_etag(self) -> Option<&'g str> {
        Some(self.hash.strip_prefix("ETag ")?.split_once(" at ")?.0)
    }

    /// Returns its hash, if what names it is one.
    pub fn as_hash(self) -> Option<&'g str> {
        (!self.is_object()).then_some(self.hash)
    }

    /// Returns a copy that needs no graph.
    pub fn to_content(self) -> Content {
        Content { hash: self.hash.to_owned(), is_link: self.is_link }
    }
}

/// What a job did to a file, whose contents are named by `C`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use<C = Content> {
    /// It took content from before it began; `None`: not hashed.
    Consumed(Option<C>),
    /// It is a symbolic link by which it came to what it consumed. That counts if another job has made the link.
    Followed,
    /// It wrote it, anew or over what was there; `None`: not hashed.
    Produced(Option<C>),
    /// It changed what was there, and kept the rest of it.
    Updated {
        /// Before; `None`: not known.
        before: Option<C>,
        /// After; `None`: not hashed.
        after: Option<C>,
    },
    /// It removed it.
    Deleted,
}

impl<C> Use<C> {
    /// Returns the same, of contents that are named otherwise.
    fn map<D>(&self, mut name: impl FnMut(&C) -> D) -> Use<D> {
        match self {
            Self::Consumed(content) => Use::Consumed(content.as_ref().map(name)),
            Self::Produced(content) => Use::Produced(content.as_ref().map(name)),
            Self::Updated { before, after } => {
                Use::Updated { before: before.as_ref().map(&mut name), after: after.as_ref().map(name) }
            }
            Self::Followed => Use::Followed,
            Self::Deleted => Use::Deleted,
        }
    }
}

/// A file of a job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileUse {
    /// Where it was.
    pub path: Vec<u8>,
    /// What the job did to it.
    pub usage: Use,
    /// When the file from before had last been changed, nanoseconds since 1970; `None`: not known.
    pub since_unix_ns: Option<i64>,
}

/// A file of a job, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NumberedUse {
    /// Where it was.
    pub path: PathIndex,
    /// What the job did to it.
    pub usage: Use<ContentIndex>,
    /// When the file from before had last been changed, nanoseconds since 1970; `None`: not known.
    pub since_unix_ns: Option<i64>,
}

/// When a job ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// From, nanoseconds since 1970.
    pub start_unix_ns: i64,
    /// To, nanoseconds since 1970.
    pub end_unix_ns: i64,
}

/// How far behind the time of a file can be that is changed now: a kernel keeps the time of files by its tick, of 10 ms at most, and
/// wall clocks are set.
const TICK_NS: i64 = 20_000_000;

impl Span {
    /// Returns when a job must have started, nanoseconds since 1970, that a file may come from that had last been changed at that time.
    ///
    /// Whatever brings a content to another place, be it a copy, a renaming or a new link, sets the time of the last change
    /// (`st_ctime` of stat(2)), which nobody can set back.
    pub fn latest_start(since_unix_ns: Option<i64>) -> i64 {
        since_unix_ns.map_or(i64::MAX, |since| since.saturating_add(TICK_NS))
    }

    /// Returns whether a file that had last been changed at that time may come from the job.
    pub fn may_have_led_to(self, since_unix_ns: Option<i64>) -> bool {
        self.start_unix_ns <= Self::latest_start(since_unix_ns)
    }

    /// Returns whether a file was last changed while the job ran.
    pub fn has(self, since_unix_ns: Option<i64>) -> bool {
        since_unix_ns.is_some_and(|since| since <= self.end_unix_ns) && self.may_have_led_to(since_unix_ns)
    }
}

/// A job, as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobRecord {
    /// Its id.
    pub id: String,
    /// Its number within the session.
    pub step: u64,
    /// The command as given.
    pub command: Vec<Vec<u8>>,
    /// Where it was started.
    pub cwd: Vec<u8>,
    /// When it ran.
    pub span: Span,
    /// The job that it was to run again.
    pub rerun_of: Option<String>,
    /// Its files.
    pub files: Vec<FileUse>,
}

/// Contents by their numbers. Each is set once, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Lowercase hex, or words.
    hashes: Names,
    are_links: Vec<bool>,
}

impl Contents {
    /// Returns room for as many.
    pub fn with_len(len: usize) -> Self {
        Self { hashes: Names::with_len(len), are_links: vec![false; len] }
    }

    /// Sets one that is not set so far.
    pub fn set(&mut self, number: usize, content: ContentRef<'_>) {
        self.hashes.set(number, content.hash.as_bytes());
        self.are_links[number] = content.is_link;
    }
}

/// What the numbers stand for in a graph: paths and contents, each there once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Legend {
    /// The paths.
    pub paths: Names,
    /// The contents.
    pub contents: Contents,
}

impl Legend {
    pub(crate) fn paths_len(&self) -> usize {
        self.paths.len()
    }

    pub(crate) fn path(&self, index: PathIndex) -> &[u8] {
        self.paths.get(index.index())
    }

    pub(crate) fn content(&self, index: ContentIndex) -> ContentRef<'_> {
        let Contents { hashes, are_links } = &self.contents;
        let hash = std::str::from_utf8(hashes.get(index.index())).expect("it was set from text");
        ContentRef { hash, is_link: are_links[index.index()] }
    }
}

/// Numbers paths and contents as they come up.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    paths: FxHashMap<Vec<u8>, PathIndex>,
    contents: FxHashMap<Content, ContentIndex>,
    /// The content that has no bytes.
    pub(crate) nothing: Option<ContentIndex>,
    pub(crate) legend: Legend,
}

impl Numbering {
    pub(crate) fn file(&mut self, file: &FileUse) -> NumberedUse {
        let FileUse { path, usage, since_unix_ns } = file;
        let usage = usage.map(|content| self.content(content));
        NumberedUse { path: self.path(path), usage, since_unix_ns: *since_unix_ns }
    }

    fn path(&mut self, path: &[u8]) -> PathIndex {
        if let Some(index) = self.paths.get(path) {
            return *index;
        }
        let index = PathIndex::new(self.legend.paths.len());
        self.legend.paths.push(path);
        self.paths.insert(path.to_owned(), index);
        index
    }

    fn content(&mut self, content: &Content) -> ContentIndex {
        if let Some(index) = self.contents.get(content) {
            return *index;
        }
        let Contents { hashes, are_links } = &mut self.legend.contents;
        let index = ContentIndex::new(hashes.len());
        hashes.push(content.hash.as_bytes());
        are_links.push(content.is_link);
        if content.hash == NOTHING && !content.is_link {
            self.nothing = Some(index);
        }
        self.contents.insert(content.clone(), index);
        index
    }
}
