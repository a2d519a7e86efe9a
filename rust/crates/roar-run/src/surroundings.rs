//! What is recorded of a run beside what its tracer saw: git, packages, environment; and which paths are the machine's.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use roar_config::Settings;
use roar_context::{
    Class, Classes, Filter, GitProbe, Manager, NoPackageCache, PackageCache, Recorded, Uncommitted, WorkTree,
    find_owners, record_variables, uncommitted,
};
use roar_store::{EnvUse, GitState, JobContext, Package, PackageKind, Patch, Store, Stream};
use rustc_hash::FxHashMap;
use tracer_schema::{FileStamp, PathBytes, Role, TracerReport};

use crate::options::{RunOptions, Surroundings};
use crate::streams::standard_streams;

/// How long the command waits for git: its state is to be that from before the command, and is nearly always known by then.
const GIT_BEFORE: Duration = Duration::from_millis(100);

/// How long the record waits for git after the command.
const GIT_AFTER: Duration = Duration::from_secs(10);

/// How long a command has run when it is taken for one that runs on, in which time the store's log can be folded.
const FOLD_AFTER: Duration = Duration::from_millis(100);

/// What is found out while the command runs.
pub(crate) struct Context {
    git: Option<Git>,
    later: Option<Receiver<Option<Git>>>,
    streams: Vec<Stream>,
    store: Option<Opening>,
}

/// The state of the git repository, and the changes that are not committed.
struct Git {
    state: roar_context::GitState,
    uncommitted: Option<Uncommitted>,
}

impl Git {
    fn ask(probe: GitProbe, keeps_patch: bool) -> Option<Self> {
        let state = probe.wait(GIT_AFTER)?;
        let is_changed = matches!(state.work_tree, WorkTree::Dirty { .. }) && state.commit.is_some();
        let uncommitted = (is_changed && keeps_patch).then(|| uncommitted(&state.top_level, GIT_AFTER));
        Some(Self { state, uncommitted })
    }
}

/// A store that is being opened.
struct Opening {
    thread: JoinHandle<Option<Store>>,
    /// Dropped when the store is wanted.
    _until_wanted: Sender<()>,
}

impl Opening {
    fn finish(self) -> Option<Store> {
        let Self { thread, _until_wanted: until_wanted } = self;
        drop(until_wanted);
        thread.join().ok().flatten()
    }
}

impl Context {
    /// Begins to find out.
    pub(crate) fn start(cwd: &Path, settings: &Settings) -> Self {
        let streams = standard_streams();
        let probe = GitProbe::start(cwd);
        if probe.top_level().is_none() {
            return Self { git: None, later: None, streams, store: None };
        }
        let keeps_patch = settings.git_record_patch;
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            // Nobody listens any more only when roar is about to end.
            let _ended = sender.send(Git::ask(probe, keeps_patch));
        });
        Self { git: None, later: Some(receiver), streams, store: None }
    }

    /// Begins to open the store: after a short command that is most of what is left to do.
    pub(crate) fn open_store(&mut self, roar_dir: PathBuf) {
        self.store.get_or_insert_with(|| {
            let (until_wanted, wanted) = channel();
            let thread = std::thread::spawn(move || {
                let store = Store::open(&roar_dir).ok()?;
                // While the command runs on, rather than when everybody waits for the end of the recording.
                if store.has_long_log() && wanted.recv_timeout(FOLD_AFTER) == Err(RecvTimeoutError::Timeout) {
                    store.fold_log();
                }
                Some(store)
            });
            Opening { thread, _until_wanted: until_wanted }
        });
    }

    /// Returns the store; opens it now, and makes what is missing, if it could not be opened before or is another one since.
    pub(crate) fn take_store(&mut self, roar_dir: &Path) -> Result<Store, roar_store::Error> {
        let opened = self.store.take().and_then(Opening::finish);
        match opened.filter(Store::is_in_place) {
            Some(store) => Ok(store),
            None => Store::open_or_create(roar_dir),
        }
    }

    /// Waits a little for what should be known before the command changes it.
    pub(crate) fn settle(&mut self) {
        if let Some(later) = &self.later
            && let Ok(git) = later.recv_timeout(GIT_BEFORE)
        {
            self.git = git;
            self.later = None;
        }
    }

    /// Returns what was found out.
    pub(crate) fn finish(
        self,
        options: &RunOptions,
        settings: &Settings,
        around: &Surroundings,
        report: &TracerReport,
        filter: &Filter,
        store: Option<&mut Store>,
    ) -> JobContext {
        let git = match self.later {
            Some(later) => later.recv_timeout(GIT_AFTER).ok().flatten(),
            None => self.git,
        };
        let env = record_variables(around.environment.iter().cloned(), &settings.env_record_values)
            .into_iter()
            .map(|variable| EnvUse {
                name: variable.name,
                is_redacted: variable.value == Recorded::Redacted,
                value: match variable.value {
                    Recorded::Value(value) => Some(value),
                    Recorded::NameOnly | Recorded::Redacted => None,
                },
            })
            .collect();
        let (state, uncommitted) = git.map(|git| (git.state, git.uncommitted)).unzip();
        JobContext {
            labels: options.labels.clone(),
            git: state.map(git_state),
            patch: uncommitted.flatten().map(|changes| match changes {
                Uncommitted::Patch(text) => Patch::Kept(text),
                Uncommitted::Unknown { reason } => Patch::Left(reason),
            }),
            streams: self.streams,
            packages: packages(report, filter, store),
            env,
        }
    }
}

fn git_state(found: roar_context::GitState) -> GitState {
    let (is_dirty, changed_paths) = match found.work_tree {
        WorkTree::Clean => (Some(false), Vec::new()),
        WorkTree::Dirty { changed, is_complete: _ } => (Some(true), changed),
        WorkTree::Unknown { reason: _ } => (None, Vec::new()),
    };
    GitState {
        top_level: found.top_level.as_path().into(),
        commit: found.commit,
        branch: found.branch,
        remote: found.remote_url,
        is_dirty,
        changed_paths,
    }
}

/// Returns the filter that the settings ask for.
pub(crate) fn filter_for(settings: &Settings, around: &Surroundings, project_root: &Path) -> Filter {
    let wanted = [
        (settings.filter_system, Class::System),
        (settings.filter_packages, Class::Package),
        (settings.filter_cache, Class::Cache),
        (settings.filter_temp, Class::Temp),
    ];
    let classes: Classes = wanted.into_iter().filter_map(|(is_on, class)| is_on.then_some(class)).collect();
    let variable = |name: &str| {
        around.environment.iter().find(|(key, _)| key == name).map(|(_, value)| PathBuf::from(value))
    };
    let environments: Vec<PathBuf> =
        ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(variable).collect();
    let environments: Vec<&Path> = environments.iter().map(PathBuf::as_path).collect();
    let surroundings = roar_context::Surroundings {
        home: around.home.as_deref(),
        project_root: Some(project_root),
        cwd: Some(&around.cwd),
        temp_dir: Some(&around.temp),
        environments: &environments,
    };
    Filter::new(&surroundings, classes)
}

/// Returns the packages behind the filtered files that the run read.
fn packages(report: &TracerReport, filter: &Filter, store: Option<&mut Store>) -> Vec<Package> {
    let paths: Vec<&Path> = report
        .files
        .iter()
        .filter(|file| file.role == Role::Input && filter.excludes(file.path.as_bytes()).is_some())
        .map(|file| file.path.as_path())
        .collect();
    let owners = match store {
        None => find_owners(&paths, Path::new("/"), &NoPackageCache),
        Some(store) => {
            let remembered = Remembered::new(store, &paths);
            let owners = find_owners(&paths, Path::new("/"), &remembered);
            let learned = remembered.learned.into_inner();
            keep(store, learned);
            owners
        }
    };
    let mut packages: Vec<Package> = owners
        .into_iter()
        .flat_map(|owners| [owners.debian, owners.python])
        .flatten()
        .map(to_store)
        .collect();
    packages.sort();
    packages.dedup();
    packages
}

fn to_store(package: roar_context::Package) -> Package {
    Package {
        kind: kind_of(package.manager),
        name: package.name,
        version: package.version,
        arch: package.architecture.unwrap_or_default(),
    }
}

fn from_store(package: Package) -> roar_context::Package {
    roar_context::Package {
        manager: match package.kind {
            PackageKind::Debian => Manager::Debian,
            PackageKind::Python => Manager::Python,
        },
        name: package.name,
        version: package.version,
        architecture: Some(package.arch).filter(|arch| !arch.is_empty()),
    }
}

/// An answer: the package, or that there is none.
type Answer = Option<roar_context::Package>;

/// Answers learned in this run, by package manager and state of its database.
type Learned = FxHashMap<(PackageKind, String), Vec<(PathBytes, Option<Package>)>>;

/// What the store remembers of packages, read for all paths at once when a database is first asked about.
struct Remembered<'a> {
    store: &'a Store,
    paths: Vec<PathBytes>,
    known: RefCell<FxHashMap<(PackageKind, String), FxHashMap<PathBytes, Answer>>>,
    learned: RefCell<Learned>,
}

/// Names the state of a package database.
fn state_of(database: &FileStamp) -> String {
    let FileStamp { dev, ino, size, mtime_ns, ctime_ns, mode: _, nlink: _ } = database;
    format!("{dev}:{ino}:{size}:{mtime_ns}:{ctime_ns}")
}

fn kind_of(manager: Manager) -> PackageKind {
    match manager {
        Manager::Debian => PackageKind::Debian,
        Manager::Python => PackageKind::Python,
    }
}

impl<'a> Remembered<'a> {
    fn new(store: &'a Store, paths: &[&Path]) -> Self {
        let paths = paths.iter().map(|path| PathBytes::from(*path)).collect();
        Self { store, paths, known: <_>::default(), learned: <_>::default() }
    }

    fn load(&self, kind: PackageKind, state: &str) -> FxHashMap<PathBytes, Answer> {
        // A cache that cannot be read knows nothing.
        let found = self.store.package_cache_lookup(kind, state, &self.paths).unwrap_or_default();
        let answers = self.paths.iter().zip(found);
        answers.filter_map(|(path, answer)| Some((path.clone(), answer?.map(from_store)))).collect()
    }
}

impl PackageCache for Remembered<'_> {
    fn lookup(&self, path: &Path, manager: Manager, database: &FileStamp) -> Option<Answer> {
        let key = (kind_of(manager), state_of(database));
        let mut known = self.known.borrow_mut();
        let answers = known.entry(key).or_insert_with_key(|(kind, state)| self.load(*kind, state));
        answers.get(&PathBytes::from(path)).cloned()
    }

    fn store(
        &self,
        path: &Path,
        manager: Manager,
        database: &FileStamp,
        package: Option<&roar_context::Package>,
    ) {
        let mut learned = self.learned.borrow_mut();
        let of_state = learned.entry((kind_of(manager), state_of(database))).or_default();
        of_state.push((path.into(), package.cloned().map(to_store)));
    }
}

/// Keeps what was learned. It is a cache: what cannot be kept is found again.
fn keep(store: &mut Store, learned: Learned) {
    for ((kind, state), answers) in learned {
        let _uncached = store.package_cache_put(kind, &state, &answers);
    }
}
