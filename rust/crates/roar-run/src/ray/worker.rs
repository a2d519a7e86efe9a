//! A process of the cluster under a tracer of its own, which leaves what it sees in a run directory.
//!
//! The tracer's spool there has what was seen: by ptrace before the worker goes on, by the others within a tenth of a second. Where the
//! directory is the node's own, it is carried away in pieces by this process, which outlives the worker.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use roar_config::{Settings, TracerMode};
use roar_fragments::{Origin, S3, Shipper, Store, Stream};
use roar_hash::Algorithm;
use tracer_host::{REPORT_FILE, SPOOL_FILE, TASKS_DIR, TracerArguments, read_report};
use tracer_schema::{Exit, PathBytes};

use crate::env;
use crate::error::RunError;
use crate::options::Surroundings;
use crate::preflight::Preflight;
use crate::ray::content::{HASHES_FILE, hash_here};
use crate::ray::place::{Agent, Place, head_of, is_sent, tell_head};
use crate::ray::settings::{Destination, Sealed, run_name, variable};
use crate::run::{START_PATIENCE, exit_of, make_tasks_dir, tasks_dir, tasks_variable};
use crate::run_dir::{META_FILE, Meta, RunDir};
use crate::surroundings::filter_for;
use crate::tasks::NAMES_ENDING;
use crate::tracer::{Tracing, trace};

/// Name of the directory in the run directory for the workers.
pub(crate) const WORKERS_DIR: &str = "workers";

/// How the names of files begin by which a worker without a tracer is told of.
pub(crate) const UNSEEN: &str = "unseen.";

/// How long a store is tried that does not take the last pieces: as long as the run may wait for them.
const STORE_PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether the last piece has been taken.
const SENT_LOOK: Duration = Duration::from_millis(20);

/// What a process is to its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It runs tasks.
    Worker,
    /// It is the program that was submitted.
    Driver,
}

/// Runs a process of the cluster under a tracer, and leaves what that sees where the run finds it.
///
/// # Errors
/// The command has not run.
pub fn run_worker(
    destination: &Destination,
    part: Part,
    command: Vec<OsString>,
    settings: &Settings,
    around: &Surroundings,
) -> Result<Exit, RunError> {
    let (store, sender) = match destination {
        Destination::Directory(store) => (store.clone(), None),
        Destination::Ray(sealed) | Destination::S3 { sealed, .. } => {
            let failed = |source| RunError::RunDir { path: around.temp.clone(), source };
            let place = Place::enter(&around.temp, &sealed.run).map_err(failed)?;
            let sender = if let Destination::S3 { bucket, .. } = destination {
                Sender::by_bucket(sealed, bucket)
            } else {
                Sender::by_ray(&place, sealed, part, &command, around).map_err(failed)?
            };
            (place.path().to_owned(), Some((place, sender)))
        }
    };
    let run_dir =
        RunDir::create_in(&store, true).map_err(|source| RunError::RunDir { path: store.clone(), source })?;
    make_tasks_dir(&run_dir, around);
    if part == Part::Driver {
        // Without it the driver's workers are not seen, which it says.
        let _unseen = destination.pass_on(&run_dir, &around.environment);
    }
    let mut variables = tasks_variable(&run_dir);
    if part == Part::Worker {
        variables.push((env::RAY_WORKER.into(), "1".into()));
    }
    let arguments = TracerArguments {
        run_dir: run_dir.path().to_owned(),
        control: None,
        linger_ms: settings.run_linger_ms,
        wants_log: false,
        wants_spool: true,
        origin: None,
        variables,
        command,
    };
    // Of all that could be chosen preload starts fastest and costs tasks least, and a worker is an interpreter, which it can enter.
    let is_auto = settings.tracer_mode == TracerMode::Auto;
    let mode = if is_auto { TracerMode::Preload } else { settings.tracer_mode };
    let tracing = Tracing {
        mode,
        is_fallback_allowed: is_auto || settings.tracer_fallback_enabled,
        programs: &around.programs,
        arguments: &arguments,
        preflight: Preflight::new(settings, around, None),
        patience: Duration::from_millis(settings.tracer_preflight_timeout_ms) * START_PATIENCE,
        has_put_off: false,
        log: None,
    };
    let mut shipper = None;
    let traced = trace(tracing, |backend| {
        let meta = Meta {
            backend: backend.name().to_owned(),
            is_build: false,
            labels: Vec::new(),
            wants_hashes: true,
            is_driver: part == Part::Driver,
            tasks: tasks_dir(&run_dir).map(|path| PathBytes::from(path.as_os_str().as_bytes())),
        };
        // Without it the report is of a backend that is not named rightly.
        let _unnamed = run_dir.write_meta(&meta);
        // Not before now: signals that come to the process are for the thread that waits for the tracer.
        if let (None, Some((_, sender))) = (&shipper, &sender) {
            shipper = Some(sender.ship(&run_dir));
        }
    });
    if let (Ok(_), Some(shipper), Some((_, sender))) = (&traced, shipper, &sender) {
        if let Ok(report) = read_report(run_dir.path()) {
            let algorithms: Vec<Algorithm> =
                settings.hash_algorithms.iter().filter_map(|name| Algorithm::from_name(name)).collect();
            let root = variable(&around.environment, env::RAY_ROOT).map_or(&*around.cwd, Path::new);
            // Without hashes the files are there by name.
            let _unhashed =
                hash_here(run_dir.path(), &report, &filter_for(settings, around, root), &algorithms);
        }
        sender.finish(shipper, &run_dir);
    }
    if traced.is_err() || sender.is_some() {
        let _left = run_dir.remove();
    }
    if let Some((place, Sender { agent: None, .. })) = sender {
        place.leave();
    }
    traced.map(|traced| exit_of(&traced))
}

/// Carries a run directory away.
struct Sender {
    sealed: Sealed,
    store: Store,
    /// What carries pieces on from there, where they have to be.
    agent: Option<Agent>,
}

impl Sender {
    fn by_bucket(sealed: &Sealed, bucket: &S3) -> Self {
        Self { sealed: sealed.clone(), store: Store::S3(Box::new(bucket.clone())), agent: None }
    }

    fn by_ray(
        place: &Place,
        sealed: &Sealed,
        part: Part,
        command: &[OsString],
        around: &Surroundings,
    ) -> std::io::Result<Self> {
        if part == Part::Driver {
            place.drain()?;
        }
        // Without a head there is nobody to carry them to: they are missed by the run.
        let head = head_of(command, &around.environment).unwrap_or_default();
        let agent = Some(Agent::new(place.path(), &sealed.run, &around.programs, head));
        Ok(Self { sealed: sealed.clone(), store: Store::Directory(place.outbox()?), agent })
    }

    fn ship(&self, run_dir: &RunDir) -> Shipper {
        let Self { sealed: Sealed { run, key }, store, agent } = self;
        let directory = run_dir.path().to_owned();
        let stream = Stream {
            run: run.clone(),
            name: run_name(&directory),
            origin: origin(),
            directory: directory.clone(),
            key: key.clone(),
            store: store.clone(),
        };
        let agent = agent.clone();
        Shipper::start(stream, move || growing(&directory), move || agent.iter().for_each(Agent::start))
    }

    /// Sends the rest, and waits until it is on its way.
    fn finish(&self, shipper: Shipper, run_dir: &RunDir) {
        let last = [META_FILE, REPORT_FILE, HASHES_FILE].map(str::to_owned).into();
        // What does not arrive is missed by the run.
        let _missed = shipper.finish(last, STORE_PATIENCE);
        if let Store::Directory(outbox) = &self.store {
            let stream = run_name(run_dir.path());
            let until = Instant::now() + STORE_PATIENCE;
            while !is_sent(outbox, &stream) && Instant::now() < until {
                std::thread::park_timeout(SENT_LOOK);
            }
        }
    }
}

/// Returns the files of a run directory that are sent while they grow.
fn growing(run_dir: &Path) -> Vec<String> {
    let names = fs::read_dir(run_dir.join(TASKS_DIR)).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let tasks = names.map(|name| format!("{TASKS_DIR}/{name}")).filter(|name| is_carried(name));
    [META_FILE.to_owned(), SPOOL_FILE.to_owned()].into_iter().chain(tasks).collect()
}

/// Returns whether a run directory's file of that name is one that is carried.
pub(crate) fn is_carried(name: &str) -> bool {
    let names = name.strip_prefix(TASKS_DIR).and_then(|name| name.strip_prefix('/'));
    match names.and_then(|name| name.strip_suffix(NAMES_ENDING)?.strip_suffix('.')) {
        Some(stem) => !stem.is_empty() && stem.bytes().all(|digit| digit.is_ascii_hexdigit()),
        None => [META_FILE, SPOOL_FILE, REPORT_FILE, HASHES_FILE].contains(&name),
    }
}

/// Returns this machine, as others are told of it.
pub(crate) fn origin() -> Origin {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Origin { host: host(), boot: boot.trim().to_owned(), pid: std::process::id() }
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Returns whether a command is a process of Ray's own that it starts as it starts workers: the server of a program that reaches the
/// cluster by Ray Client. It runs no task, and Ray ends it by killing what it has started.
pub fn is_of_ray(command: &[OsString]) -> bool {
    command.windows(2).any(|words| words == ["-m", "ray.util.client.server"])
}

/// Tells the job that a worker runs without a tracer, and why.
pub fn tell_unseen(
    destination: Option<&Destination>,
    command: &[OsString],
    around: &Surroundings,
    reason: &str,
) {
    let process = format!("{}.{}", host(), std::process::id());
    if let Some(Destination::Directory(store)) = destination
        && fs::write(store.join(format!("{UNSEEN}{process}")), reason).is_ok()
    {
        return;
    }
    let run = variable(&around.environment, env::RAY_RUN);
    if let (Some(run), Some(head)) = (run, head_of(command, &around.environment)) {
        tell_head(&around.programs, &[run.as_ref(), &head, process.as_ref(), reason.as_ref()]);
    }
}
