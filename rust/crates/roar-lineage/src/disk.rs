//! What is on disk now, by content.

use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use roar_dag::{Content, ContentRef};
use roar_hash::{HashCache, NoCache, Outcome, Request, Unwatched, hash_files, stamp_at};
use roar_store::{CachedHash, Error, Store};
use rustc_hash::FxHashMap;
use tracer_schema::{BLAKE3, FileStamp, Hashes, NodeKind, PathBytes, to_hex};

/// What is found at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnDisk {
    /// A file, or a link where one was looked for.
    There(Content),
    /// Nothing, or something of another kind.
    Missing,
    /// It cannot be read, or changes while it is.
    Unknown(String),
}

impl OnDisk {
    /// Returns whether it has that content.
    pub fn is(&self, content: ContentRef<'_>) -> bool {
        matches!(self, Self::There(found) if found.view() == content)
    }
}

/// Looks at files, each once. What has to be hashed is remembered in the store.
#[derive(Debug, Default)]
pub struct Disk {
    found: FxHashMap<(PathBytes, bool), OnDisk>,
}

/// Hashes known by the stamps that were looked up.
struct Known(FxHashMap<FileStamp, Hashes>);

impl HashCache for Known {
    fn lookup(&self, stamp: &FileStamp) -> Option<Hashes> {
        self.0.get(stamp).cloned()
    }
}

impl Disk {
    /// Looks at all of the paths, as files or as links, in one go.
    ///
    /// # Errors
    /// Those of the store.
    pub fn look(&mut self, store: &mut Store, wanted: &[(PathBytes, bool)]) -> Result<(), Error> {
        let mut wanted: Vec<&(PathBytes, bool)> =
            wanted.iter().filter(|key| !self.found.contains_key(*key)).collect();
        wanted.sort();
        wanted.dedup();
        let mut stamps = Vec::with_capacity(wanted.len());
        let mut there = Vec::with_capacity(wanted.len());
        for key in wanted {
            let (path, is_link) = key;
            if is_object(path.as_bytes()) {
                self.found.insert(key.clone(), OnDisk::Unknown("it is in an object store".to_owned()));
                continue;
            }
            let is_wanted =
                |stamp: &FileStamp| if *is_link { stamp.is_symlink() } else { stamp.is_regular() };
            let absent = match stamp_at(path.as_path()) {
                Ok(Some(stamp)) if is_wanted(&stamp) => {
                    stamps.push(stamp);
                    there.push(key);
                    continue;
                }
                Ok(_) => OnDisk::Missing,
                Err(error) => OnDisk::Unknown(error.to_string()),
            };
            self.found.insert(key.clone(), absent);
        }
        let cached = store.hash_cache_lookup(&stamps)?;
        let known = stamps.iter().zip(cached).filter_map(|(stamp, hashes)| Some((*stamp, hashes?))).collect();
        let requests: Vec<Request<'_>> = there
            .iter()
            .zip(&stamps)
            .map(|((path, is_link), stamp)| Request {
                path: path.as_path(),
                expect: Some(*stamp),
                kind: if *is_link { NodeKind::Symlink } else { NodeKind::File },
                moved: false,
            })
            .collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let hashed_at_unix_ns = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        let learned = RefCell::new(Vec::new());
        hash_files(
            &requests,
            &[],
            &Known(known),
            &mut |request, outcome| {
                let key = there[request].clone();
                let found = match outcome {
                    Outcome::Hashed { hashes, stamp, from_cache, is_settled } => {
                        let hash = hashes.get(BLAKE3).map(to_hex).unwrap_or_default();
                        if is_settled && !from_cache {
                            learned.borrow_mut().push(CachedHash { stamp, hashed_at_unix_ns, hashes });
                        }
                        OnDisk::There(Content { hash, is_link: key.1 })
                    }
                    Outcome::Changed { .. } => OnDisk::Unknown("it changes just now".to_owned()),
                    Outcome::Gone => OnDisk::Missing,
                    Outcome::Unreadable { source } => OnDisk::Unknown(source.to_string()),
                };
                self.found.insert(key, found);
            },
            &Unwatched,
        );
        let learned = learned.into_inner();
        if !learned.is_empty() {
            // It is a cache: what cannot be kept is hashed again.
            drop(store.hash_cache_put(&learned));
        }
        Ok(())
    }

    /// Returns what was found. Nothing is known of a path that was not looked at.
    pub fn at(&self, path: &[u8], is_link: bool) -> &OnDisk {
        static UNSEEN: OnDisk = OnDisk::Missing;
        self.found.get(&(PathBytes::from(path), is_link)).unwrap_or(&UNSEEN)
    }

    /// Forgets what was found, since something was run.
    pub fn forget(&mut self) {
        self.found.clear();
    }
}

/// Returns the content of the file at a path, or of the link; `None` where there is none, or it cannot be read.
pub fn content_now(path: &Path) -> Option<Content> {
    let stamp = stamp_at(path).ok()??;
    let kind = if stamp.is_symlink() { NodeKind::Symlink } else { NodeKind::File };
    let request = Request { path, expect: Some(stamp), kind, moved: false };
    let mut content = None;
    hash_files(
        &[request],
        &[],
        &NoCache,
        &mut |_, outcome| {
            if let Outcome::Hashed { hashes, .. } = outcome {
                let is_link = kind == NodeKind::Symlink;
                content = hashes.get(BLAKE3).map(|hash| Content { hash: to_hex(hash), is_link });
            }
        },
        &Unwatched,
    );
    content
}

/// Returns whether a path is the name of an object of an object store: those of files are absolute.
pub fn is_object(path: &[u8]) -> bool {
    !path.starts_with(b"/")
}

/// Returns the directory that was there before a job began which has left something in `directory`: that one, or the nearest above it that is
/// no younger than the job. The job has made those below, as far as is known, and file systems tell the birth of directories (statx(2)).
pub fn standing_directory(directory: &Path, began_unix_ns: Option<i64>) -> &Path {
    let began = began_unix_ns.and_then(|began| u64::try_from(began).ok());
    let Some(began) = began.map(|began| UNIX_EPOCH + Duration::from_nanos(began)) else { return directory };
    let is_of_job = |directory: &&Path| {
        let born = directory.symlink_metadata().and_then(|found| found.created());
        born.is_ok_and(|born| born > began)
    };
    directory.ancestors().find(|directory| !is_of_job(directory)).unwrap_or(directory)
}

/// Returns whether something is at the path, of whatever kind.
pub(crate) fn is_there(path: &[u8]) -> bool {
    stamp_at(PathBytes::from(path).as_path()).is_ok_and(|stamp| stamp.is_some())
}
