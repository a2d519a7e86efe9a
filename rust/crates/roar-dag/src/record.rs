//! What the graph is made of.

/// What names a content: equal contents are one artifact, wherever they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Content {
    /// Its hash, lowercase hex.
    pub hash: String,
    /// Whether it is the target of a symbolic link, which is no file of the same bytes.
    pub is_link: bool,
}

/// What a job did to a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// It took content from before it began; `None`: not hashed.
    Consumed(Option<Content>),
    /// It wrote it, anew or over what was there; `None`: not hashed.
    Produced(Option<Content>),
    /// It changed what was there, and kept the rest of it.
    Updated {
        /// Before; `None`: not known.
        before: Option<Content>,
        /// After; `None`: not hashed.
        after: Option<Content>,
    },
    /// It removed it.
    Deleted,
}

/// A file of a job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileUse {
    /// Where it was.
    pub path: Vec<u8>,
    /// What the job did to it.
    pub usage: Use,
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
    /// Its files.
    pub files: Vec<FileUse>,
}
