//! What backends have answered, kept in a file for the next run: to be asked takes them tens of milliseconds, and nothing
//! changes from one run to the next.
//!
//! A verdict holds under the circumstances in which it was given: this boot of this kernel, these rights of this process, these
//! files of the tracer. They are kept as they are, not as a hash, so that a person can see what changed.

use std::fmt::Write as _;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{Resource, geteuid, getrlimit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::preflight::{Reason, Verdict};
use crate::repo::make_private_dir;
use crate::tracer::Backend;

/// The format's name and number.
const FORMAT: &str = "roar.verdicts/1";

/// Most verdicts that are kept: each backend in as many environments (containers, users, builds) as one works in by turns.
const KEPT_MAX: usize = 24;

/// Longest file that is read, bytes; a verdict has less than 4 KiB.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Fields of `/proc/self/status` that say which rights this process has (proc_pid_status(5)).
const RIGHTS: &[&str] = &[
    "Uid:",
    "Gid:",
    "CapInh:",
    "CapPrm:",
    "CapEff:",
    "CapBnd:",
    "CapAmb:",
    "NoNewPrivs:",
    "Seccomp:",
    "Seccomp_filters:",
];

/// Files and links that say where this process is, and what the kernel's policy is.
const PLACES: &[&str] =
    &["/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/yama/ptrace_scope"];
const NAMESPACES: &[&str] = &["/proc/self/ns/user", "/proc/self/ns/pid"];

/// Verdicts, and the file that they are kept in.
#[derive(Debug)]
pub(crate) struct Verdicts {
    folders: Vec<PathBuf>,
    kept: Vec<Kept>,
    /// What the circumstances of every backend begin with.
    shared: String,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    format: String,
    verdicts: Vec<Kept>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    backend: String,
    circumstances: String,
    /// Why it cannot be used; `None`: it can.
    reason: Option<KeptReason>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptReason {
    found: String,
    remedy: String,
}

impl Verdicts {
    /// Reads what is kept in the first of the folders that has something. What cannot be understood counts as nothing.
    pub(crate) fn load(folders: Vec<PathBuf>) -> Self {
        let kept = folders.iter().find_map(|folder| read(&file_in(folder)).ok()).unwrap_or_default();
        Self { folders, kept, shared: shared_circumstances() }
    }

    fn circumstances(&self, backend: Backend, programs: &Path) -> String {
        circumstances(&self.shared, &backend.files(programs))
    }

    /// Returns what was said of a backend, of those programs, under the circumstances that there are.
    pub(crate) fn get(&self, backend: Backend, programs: &Path) -> Option<Verdict> {
        let circumstances = self.circumstances(backend, programs);
        let is_it = |kept: &&Kept| kept.backend == backend.name() && kept.circumstances == circumstances;
        self.kept.iter().find(is_it).map(|kept| match &kept.reason {
            None => Verdict::Usable,
            Some(KeptReason { found, remedy }) => {
                Verdict::Unusable(Reason { found: found.clone(), remedy: remedy.clone() })
            }
        })
    }

    pub(crate) fn put(&mut self, backend: Backend, programs: &Path, verdict: Verdict) {
        let circumstances = self.circumstances(backend, programs);
        let reason = match verdict {
            Verdict::Usable => None,
            Verdict::Unusable(Reason { found, remedy }) => Some(KeptReason { found, remedy }),
        };
        let new = Kept { backend: backend.name().to_owned(), circumstances, reason };
        if self.kept.first() == Some(&new) {
            return;
        }
        self.kept.retain(|kept| kept.backend != new.backend || kept.circumstances != new.circumstances);
        self.kept.insert(0, new);
        self.kept.truncate(KEPT_MAX);
        self.save();
    }

    pub(crate) fn forget(&mut self, backend: Backend) {
        let before = self.kept.len();
        self.kept.retain(|kept| kept.backend != backend.name());
        if self.kept.len() < before {
            self.save();
        }
    }

    /// Writes it where that can be. Of two writers at once the later wins: what the other knew is asked again.
    fn save(&self) {
        let contents = Contents { format: FORMAT.to_owned(), verdicts: self.kept.clone() };
        let Ok(bytes) = serde_json::to_vec(&contents) else { return };
        // Without the file the next run asks again.
        let _kept_nowhere = self.folders.iter().any(|folder| write(folder, &bytes).is_ok());
    }
}

/// Returns the file: one for each user, since root may come with another user's home.
fn file_in(folder: &Path) -> PathBuf {
    folder.join(format!("verdicts-{}", geteuid().as_raw()))
}

fn read(path: &Path) -> io::Result<Vec<Kept>> {
    let file = OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(path)?;
    let found = file.metadata()?;
    if found.uid() != geteuid().as_raw() || !found.is_file() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    let contents: Contents = serde_json::from_slice(&bytes)?;
    if contents.format != FORMAT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(contents.verdicts)
}

/// A symbolic link in its place is nobody's of ours.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// Whole, or not at all, and for nobody else to read.
fn write(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        // Where that fails, the next line says so.
        let _there = make_private_dir(parent);
    }
    make_private_dir(folder)?;
    let new = folder.join(format!(".verdicts-{}", Uuid::now_v7().simple()));
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&new, file_in(folder)));
    if written.is_err() {
        // There need not be one.
        let _none = fs::remove_file(&new);
    }
    written
}

/// Returns what the verdict on any backend depends on, in words.
fn shared_circumstances() -> String {
    let mut words = format!("roar {}\n", env!("CARGO_PKG_VERSION"));
    for place in PLACES {
        put_line(&mut words, place, &fs::read_to_string(place).unwrap_or_default());
    }
    for namespace in NAMESPACES {
        let target = fs::read_link(namespace).unwrap_or_default();
        put_line(&mut words, namespace, &target.to_string_lossy());
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for right in status.lines().filter(|line| RIGHTS.iter().any(|name| line.starts_with(name))) {
        put_line(&mut words, "right", right);
    }
    // Who traces it does not matter, that somebody does.
    put_line(&mut words, "traced", if status.contains("\nTracerPid:\t0\n") { "no" } else { "yes" });
    put_line(&mut words, "memlock", &format!("{:?}", getrlimit(Resource::Memlock).current));
    put_line(&mut words, "root", &state_of(Path::new("/"), |root| format!("{} {}", root.dev(), root.ino())));
    words
}

/// Returns what the verdict on a backend depends on: `files` are the tracer's.
fn circumstances(shared: &str, files: &[PathBuf]) -> String {
    let mut words = shared.to_owned();
    for file in files {
        let state = state_of(file, |found| {
            let (dev, ino, size) = (found.dev(), found.ino(), found.size());
            let (changed, touched) =
                ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
            format!("{dev} {ino} {size} {changed:?} {touched:?}")
        });
        put_line(&mut words, &file.to_string_lossy(), &state);
    }
    words
}

fn state_of(path: &Path, words: impl FnOnce(&Metadata) -> String) -> String {
    fs::metadata(path).map_or_else(|error| error.kind().to_string(), |found| words(&found))
}

fn put_line(words: &mut String, name: &str, value: &str) {
    writeln!(words, "{name} {}", value.trim()).expect("a string takes what is written to it");
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn unusable() -> Verdict {
        Verdict::Unusable(Reason { found: "EPERM".to_owned(), remedy: "be root".to_owned() })
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("caches/roar");
        (folder, path)
    }

    fn load(folder: &Path) -> Verdicts {
        Verdicts::load(vec![folder.to_owned()])
    }

    #[test]
    fn a_verdict_is_found_again_and_nobody_else_reads_it() {
        let (_folder, path) = place();
        let mut verdicts = load(&path);
        verdicts.put(Backend::Ebpf, &path, unusable());
        verdicts.put(Backend::Ptrace, &path, Verdict::Usable);
        let again = load(&path);
        assert_eq!(again.get(Backend::Ebpf, &path), Some(unusable()));
        assert_eq!(again.get(Backend::Ptrace, &path), Some(Verdict::Usable));
        assert_eq!(again.get(Backend::Preload, &path), None);
        let mode = fs::metadata(file_in(&path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn another_kernel_or_other_rights_have_other_verdicts() {
        let (_folder, path) = place();
        let mut verdicts = load(&path);
        verdicts.put(Backend::Ebpf, &path, unusable());
        verdicts.shared = verdicts.shared.replace("CapEff:", "CapEff: f");
        assert_eq!(verdicts.get(Backend::Ebpf, &path), None);
        verdicts.put(Backend::Ebpf, &path, Verdict::Usable);
        // One verdict does not push the other out.
        assert_eq!(load(&path).get(Backend::Ebpf, &path), Some(unusable()));
    }

    #[test]
    fn a_new_file_of_the_tracer_changes_the_circumstances_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let tracer = Backend::Ptrace.program(folder.path());
        let mut verdicts = load(folder.path());
        verdicts.put(Backend::Ptrace, folder.path(), unusable());
        assert!(verdicts.get(Backend::Ptrace, folder.path()).is_some());
        fs::write(&tracer, "1").unwrap();
        assert!(verdicts.get(Backend::Ptrace, folder.path()).is_none());
        verdicts.put(Backend::Ptrace, folder.path(), Verdict::Usable);
        fs::rename(&tracer, folder.path().join("old")).unwrap();
        fs::write(&tracer, "1").unwrap();
        assert!(verdicts.get(Backend::Ptrace, folder.path()).is_none());
        assert!(verdicts.shared.contains("CapEff:") && verdicts.shared.contains("boot_id "));
    }

    #[test]
    fn what_a_backend_did_not_keep_to_is_forgotten() {
        let (_folder, path) = place();
        let mut verdicts = load(&path);
        verdicts.put(Backend::Preload, &path, Verdict::Usable);
        verdicts.forget(Backend::Preload);
        assert_eq!(load(&path).get(Backend::Preload, &path), None);
    }

    #[test]
    fn a_file_that_is_damaged_or_a_link_counts_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let file = file_in(path);
        fs::write(&file, "{\"format\": \"roar.verdicts/1\", \"verd").unwrap();
        load(path).put(Backend::Preload, path, Verdict::Usable);
        assert!(load(path).get(Backend::Preload, path).is_some());
        let other = path.join("other");
        fs::rename(&file, &other).unwrap();
        std::os::unix::fs::symlink(&other, &file).unwrap();
        assert!(load(path).get(Backend::Preload, path).is_none());
    }

    #[test]
    fn another_place_is_taken_where_the_first_is_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let places = || vec![folder.path().join("file/roar"), folder.path().join("repo")];
        Verdicts::load(places()).put(Backend::Preload, folder.path(), Verdict::Usable);
        assert!(Verdicts::load(places()).get(Backend::Preload, folder.path()).is_some());
    }
}
