//! What is exported.

use std::collections::BTreeMap;

use crate::text;

/// Jobs, and the artifacts that went from one to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// What it is the lineage of, by the names that are asked for.
    pub targets: Vec<Flow>,
    /// The jobs, each after those that it takes from.
    pub jobs: Vec<Job>,
    /// The artifacts: a content as one job made it, or as it was there before all of them.
    pub artifacts: Vec<Artifact>,
    /// The directory of the project.
    pub root: Vec<u8>,
    /// Version of this program.
    pub version: String,
    /// When it was exported, as RFC 3339 has it.
    pub exported_at: String,
    /// A UUID for this export.
    pub id: String,
}

/// A content, as one job made it or as it was there before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifact {
    /// Where it is; absolute.
    pub path: Vec<u8>,
    /// Its hashes by algorithm, lowercase hex; none: not hashed.
    pub hashes: BTreeMap<String, String>,
    /// Length, where it is known. Bytes.
    pub size: Option<u64>,
    /// Whether it is the target of a symbolic link.
    pub is_link: bool,
    /// Who made it, by place in `jobs`; `None`: nobody in this lineage.
    pub producer: Option<usize>,
    /// What it is an update of.
    pub prior: Option<usize>,
    /// Whether the file is there with that content.
    pub is_on_disk: bool,
}

/// A job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Its id, a UUID.
    pub id: String,
    /// Its number within the session.
    pub step: u64,
    /// Whether it set things up for the others, whatever those took from it.
    pub is_set_up: bool,
    /// The command as given.
    pub command: Vec<Vec<u8>>,
    /// The command as bash(1) reads it.
    pub command_line: String,
    /// Where it was started; absolute.
    pub cwd: Vec<u8>,
    /// When it began, as RFC 3339 has it.
    pub started_at: String,
    /// When it ended.
    pub ended_at: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether everything was seen.
    pub is_complete: bool,
    /// The backend that saw it.
    pub backend: String,
    /// Its standard streams, as far as they were files.
    pub streams: Vec<Stream>,
    /// The git repository around it.
    pub git: Option<Git>,
    /// Packages that it used.
    pub packages: Vec<Package>,
    /// Environment variables whose values are recorded.
    pub environment: Vec<Environment>,
    /// The user's labels.
    pub labels: Vec<(String, String)>,
    /// What it took, also what it only updated.
    pub inputs: Vec<Flow>,
    /// What it made.
    pub outputs: Vec<Flow>,
    /// What it removed.
    pub deleted: Vec<Vec<u8>>,
    /// Directories that were there before, in which it has left something; absolute.
    pub directories: Vec<Vec<u8>>,
}

/// A file that a job took or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its content, by place in [`Lineage::artifacts`].
    pub artifact: usize,
    /// By which name; absolute.
    pub path: Vec<u8>,
}

/// A standard stream that was a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// 0, 1 or 2.
    pub fd: u8,
    /// The file; absolute.
    pub path: Vec<u8>,
    /// Whether what is written is appended.
    pub is_append: bool,
}

/// How a job ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// With status 0.
    #[default]
    Done,
    /// Otherwise; in words.
    Failed(String),
    /// That is not known.
    Unknown,
}

/// A commit, as it was checked out around a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Git {
    /// URL of the remote.
    pub remote: Option<String>,
    /// The commit.
    pub commit: String,
    /// The branch.
    pub branch: Option<String>,
    /// Whether files differed from it.
    pub is_dirty: bool,
}

/// Who installed a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PackageKind {
    /// dpkg.
    Debian,
    /// pip and its like.
    Python,
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Who installed it.
    pub kind: PackageKind,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Architecture; empty where the kind has none.
    pub arch: String,
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

impl Lineage {
    /// Returns a name for an artifact that no other has, in this export or in any other: its content, and who made it. It is of
    /// letters, digits and `-`.
    pub(crate) fn artifact_name(&self, index: usize) -> String {
        let artifact = &self.artifacts[index];
        let content = match artifact.hashes.iter().next() {
            Some((algorithm, hash)) => format!("{algorithm}-{hash}"),
            None => format!("unhashed-{}-{index}", self.id),
        };
        match artifact.producer {
            Some(job) => format!("{content}-of-{}", self.jobs[job].id),
            None => content,
        }
    }

    /// Returns a path for people: below the project's directory as seen from there.
    pub(crate) fn shown(&self, path: &[u8]) -> String {
        text::lossy(self.below_root(path).unwrap_or(path))
    }

    /// Returns the path as seen from the project's directory, if it is below.
    pub(crate) fn below_root<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        let below = path.strip_prefix(self.root.as_slice())?.strip_prefix(b"/")?;
        (!below.is_empty()).then_some(below)
    }

    /// Returns what came in from outside: the artifacts that some job took and none made.
    pub(crate) fn sources(&self) -> Vec<usize> {
        let is_source = |index: &usize| self.artifacts[*index].producer.is_none();
        (0..self.artifacts.len()).filter(is_source).collect()
    }

    /// Returns the packages of all jobs, each once.
    pub(crate) fn packages(&self) -> Vec<&Package> {
        let mut packages: Vec<&Package> = self.jobs.iter().flat_map(|job| &job.packages).collect();
        packages.sort();
        packages.dedup();
        packages
    }

    /// Returns the commits of all jobs, each once.
    pub(crate) fn commits(&self) -> Vec<&Git> {
        let mut commits: Vec<&Git> = self.jobs.iter().filter_map(|job| job.git.as_ref()).collect();
        commits.sort_by_key(|git| (&git.remote, &git.commit));
        commits.dedup_by_key(|git| (&git.remote, &git.commit));
        commits
    }
}
