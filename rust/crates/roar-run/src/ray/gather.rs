//! What the processes of a cluster have left, put together with what the run itself has seen.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use roar_fragments::{Assembled, PieceName, Store, StoreError, assemble};
use serde::Deserialize;
use tracer_host::{Recovery, recover_moved};
use tracer_schema::{Gap, GapKind, PathBytes, TracerReport};

use crate::merge::merge;
use crate::options::Surroundings;
use crate::ray::content::Elsewhere;
use crate::ray::fetch::keep_report;
use crate::ray::settings::{Said, private_key, run_name};
use crate::ray::worker::{UNSEEN, WORKERS_DIR, is_carried, origin};
use crate::run_dir::{PREFIX, RunDir, job_id, wait_for_end};
use crate::tasks::TaskNames;
use crate::tracer::recover_journal;

/// What the Python package tells of Ray jobs (`python/roar/backends/ray/run.py`), in the run directory.
const JOBS_FILE: &str = "ray-jobs.jsonl";

/// Name of the directory in the run directory for pieces.
const PIECES_DIR: &str = "pieces";

/// How long workers are waited for that still run when the job has ended: Ray gives its own some seconds to end.
pub(crate) const WORKERS_END: Duration = Duration::from_secs(10);

/// How often a store is looked into for what may still come.
const STORE_LOOK: Duration = Duration::from_millis(300);

/// A Ray job of the run, as the Python package tells of it.
#[derive(Debug, Deserialize)]
struct Job {
    kind: JobKind,
    /// The interpreter that can ask Ray.
    python: String,
    /// The head of the cluster, as it was reached; of a job that was joined.
    #[serde(default)]
    head: String,
    /// The id that Ray gave it; of a job that was submitted.
    #[serde(default)]
    submission: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum JobKind {
    /// The driver is part of the cluster.
    Joined,
    /// The driver reaches the cluster by Ray Client.
    Client,
    Submitted,
}

/// What was learned of a submitted job.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    /// Why nothing was.
    error: Option<String>,
    has_ended: bool,
    status: String,
    /// Where its driver ran.
    host: Option<String>,
}

/// What has come from a cluster.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) elsewhere: Elsewhere,
    /// Whether more may come, if it is asked for later.
    pub(crate) is_unfinished: bool,
    /// Whether the driver that was submitted is among it.
    has_driver: bool,
}

/// Returns whether a run directory is of a run that has submitted that job.
pub(crate) fn has_submission(run_dir: &Path, submission: &str) -> bool {
    let lines = fs::read_to_string(run_dir.join(JOBS_FILE)).unwrap_or_default();
    lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Job>(line).ok())
        .any(|job| job.submission == submission)
}

/// Adds to the report of a run what was seen on clusters. What has not come is waited for as long as `patience`.
pub(crate) fn gather(
    run_dir: &Path,
    report: &mut TracerReport,
    names: &mut TaskNames,
    around: &Surroundings,
    patience: Duration,
) -> Gathered {
    let lines = fs::read_to_string(run_dir.join(JOBS_FILE)).unwrap_or_default();
    let jobs: Vec<(&str, Job)> =
        lines.lines().filter_map(|line| Some((line, serde_json::from_str(line).ok()?))).collect();
    let Some(said) = Said::read(run_dir).ok().filter(|_| !jobs.is_empty()) else {
        return Gathered::default();
    };
    // Without it the rest cannot be fetched later.
    let is_kept = keep_report(run_dir, report).is_ok();
    let mut gathering = Gathering {
        run_dir,
        report,
        names,
        streams: BTreeSet::new(),
        parts: Vec::new(),
        gathered: Gathered::default(),
    };
    let until = Instant::now() + patience;
    if let Err(error) = gathering.make_directories() {
        gathering.miss(format!("what was seen on the cluster has no place here: {error}"));
    }
    let mut answers = Vec::new();
    for (line, job) in &jobs {
        match job.kind {
            JobKind::Joined if Said::is_ray(&said.joined) => gathering.drain(job, patience),
            JobKind::Client if Said::is_ray(&said.submitted) => gathering.drain(job, patience),
            JobKind::Joined | JobKind::Client => {}
            JobKind::Submitted => {
                // What comes another way is not to be waited for there.
                let patience = if Said::is_ray(&said.submitted) { patience } else { Duration::ZERO };
                answers.push((job, gathering.fetch(job, line, patience)));
            }
        }
    }
    if let Some(bucket) = said.bucket(&run_name(run_dir), &around.environment) {
        // A job that goes on is not waited for.
        let goes_on = answers.iter().any(|(_, answer)| answer.error.is_none() && !answer.has_ended);
        let patience = if goes_on { Duration::ZERO } else { patience };
        if let Err(error) = bucket.and_then(|bucket| gathering.copy(&Store::S3(Box::new(bucket)), patience)) {
            gathering.miss(format!("what was seen on the cluster cannot be fetched: {error}"));
        }
    }
    gathering.open_pieces();
    let own = run_dir.join(WORKERS_DIR);
    let directories = said.directories();
    for store in directories.into_iter().filter(|store| *store != own).chain([&*own]) {
        gathering.collect(store, &around.programs, until);
    }
    for (job, answer) in &answers {
        gathering.judge(job, answer);
    }
    let Gathering { report, parts, mut gathered, .. } = gathering;
    gathered.is_unfinished &= is_kept;
    if !parts.is_empty() {
        merge(report, parts);
    }
    gathered
}

struct Gathering<'a> {
    run_dir: &'a Path,
    report: &'a mut TracerReport,
    names: &'a mut TaskNames,
    /// Those of which pieces have come: their directories are made here.
    streams: BTreeSet<String>,
    parts: Vec<TracerReport>,
    gathered: Gathered,
}

impl Gathering<'_> {
    fn make_directories(&self) -> io::Result<()> {
        for name in [PIECES_DIR, WORKERS_DIR] {
            DirBuilder::new().mode(0o700).recursive(true).create(self.run_dir.join(name))?;
        }
        Ok(())
    }

    fn add_gap(&mut self, kind: GapKind, detail: String) {
        self.report.coverage.complete = false;
        self.report.coverage.gaps.push(Gap { kind, pid: 0, path: None, detail });
    }

    /// Names what may still be fetched.
    fn miss(&mut self, detail: String) {
        self.add_gap(GapKind::UntracedProcess, detail);
        self.gathered.is_unfinished = true;
    }

    /// Takes pieces out of Ray's own store.
    fn drain(&mut self, job: &Job, patience: Duration) {
        let pieces = self.run_dir.join(PIECES_DIR);
        let drained = Command::new(&job.python)
            .args(["-m", "roar.backends.ray.agent", "drain"])
            .arg(&pieces)
            .arg(run_name(self.run_dir))
            .arg(&job.head)
            .arg(patience.as_secs().to_string())
            .stdin(Stdio::null())
            .output();
        let said = match drained {
            Ok(drained) if drained.status.success() => return,
            Ok(drained) => last_line(&drained.stderr),
            Err(error) => error.to_string(),
        };
        self.miss(format!("the cluster did not give back what was seen there: {said}"));
    }

    /// Has the pieces fetched that there are of a submitted job.
    fn fetch(&mut self, job: &Job, line: &str, patience: Duration) -> Answer {
        let pieces = self.run_dir.join(PIECES_DIR);
        let asked = Command::new(&job.python)
            .args(["-m", "roar.backends.ray.fetch", &run_name(self.run_dir)])
            .arg(&pieces)
            .arg(patience.as_secs().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let answered = asked.and_then(|mut child| {
            if let Some(mut stdin) = child.stdin.take() {
                // One that does not listen says why.
                let _unheard = stdin.write_all(line.as_bytes());
            }
            child.wait_with_output()
        });
        let failed = |error: String| Answer { error: Some(error), ..Answer::default() };
        match answered {
            Ok(output) => {
                serde_json::from_slice(&output.stdout).unwrap_or_else(|_| failed(last_line(&output.stderr)))
            }
            Err(error) => failed(error.to_string()),
        }
    }

    /// Copies pieces from a store, until every stream has ended that has begun, but for no longer than `patience`.
    fn copy(&self, store: &Store, patience: Duration) -> Result<(), StoreError> {
        let here = Store::Directory(self.run_dir.join(PIECES_DIR));
        let mut known: BTreeSet<PieceName> = here.names()?.into_iter().collect();
        let until = Instant::now() + patience;
        loop {
            let copied = copy_new(store, &here, &mut known);
            let streams: BTreeSet<&str> = known.iter().map(|name| &*name.stream).collect();
            let ended = known.iter().filter(|name| name.is_last).count();
            let is_over = !streams.is_empty() && streams.len() == ended;
            // A store that does not answer now may do so in a moment.
            if is_over || Instant::now() >= until {
                return copied;
            }
            std::thread::park_timeout(STORE_LOOK);
        }
    }

    /// Makes run directories from the pieces that have come.
    fn open_pieces(&mut self) {
        let pieces = Store::Directory(self.run_dir.join(PIECES_DIR));
        self.streams = pieces.names().into_iter().flatten().map(|name| name.stream).collect();
        let workers = self.run_dir.join(WORKERS_DIR);
        let opened = private_key(self.run_dir).map_err(|error| error.to_string()).and_then(|key| {
            let path = |stream: &str| workers.join(format!("{PREFIX}{stream}"));
            assemble(&pieces, &run_name(self.run_dir), &key, &path, &is_carried).map_err(|error| {
                format!(
                    "{error}: {}",
                    std::error::Error::source(&error).map_or(String::new(), ToString::to_string)
                )
            })
        });
        match opened {
            Ok(streams) => streams.iter().for_each(|stream| self.note(stream)),
            Err(error) => self.miss(format!("what was seen on the cluster cannot be read: {error}")),
        }
    }

    /// Names what is missing of a stream.
    fn note(&mut self, stream: &Assembled) {
        let process = match &stream.origin {
            Some(origin) => format!("host {}, process {}", origin.host, origin.pid),
            None => format!("stream {}", stream.stream),
        };
        for fault in &stream.faults {
            self.add_gap(GapKind::EventsLost, format!("of what was seen of a worker ({process}), {fault}"));
            self.report.coverage.events_lost += 1;
        }
        if !stream.has_ended {
            self.gathered.is_unfinished = true;
        }
        let is_here = stream.origin.as_ref().is_some_and(|there| there.boot == origin().boot);
        self.take_part(&stream.path, stream.has_ended, Some((&process, is_here)));
    }

    /// Takes what is in a directory that the workers reach themselves.
    fn collect(&mut self, store: &Path, programs: &Path, until: Instant) {
        for path in fs::read_dir(store).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(host) = name.strip_prefix(UNSEEN) {
                let reason = fs::read_to_string(&path).unwrap_or_default();
                let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
                let reason = reason.unwrap_or("roar is not installed there as it is here");
                let detail = format!("a worker ran without a tracer (host and process {host}): {reason}");
                self.add_gap(GapKind::UntracedProcess, detail);
            } else if job_id(&path).is_some() && !self.streams.contains(&run_name(&path)) {
                let has_ended = wait_for_end(&path, until);
                if has_ended {
                    // Where everyone was killed on this machine more is there than the spool had come to.
                    recover_journal(&path, programs);
                }
                self.take_part(&path, has_ended, None);
            }
        }
    }

    /// Adds a worker's run directory. One that was carried here has `process`, and whether its machine is this one.
    fn take_part(&mut self, path: &Path, has_ended: bool, carried: Option<(&str, bool)>) {
        self.names.add(path);
        let meta = RunDir::meta_at(path).ok();
        let backend = meta.as_ref().map_or("ptrace", |meta| &meta.backend);
        self.gathered.has_driver |= meta.as_ref().is_some_and(|meta| meta.is_driver);
        let kept = "what was seen until then is kept";
        let detail = match (has_ended, carried) {
            (true, _) => format!("a worker's tracer was killed, or its node was lost: {kept}"),
            (false, None) => format!("a worker still ran when the job had ended: {kept}"),
            (false, Some((process, _))) => format!(
                "a worker's tracer was killed, its node was lost, or it still ran when the job had ended ({process}): {kept}"
            ),
        };
        let is_elsewhere = carried.is_some_and(|(_, is_here)| !is_here);
        let tasks = meta.as_ref().and_then(|meta| meta.tasks.as_ref()).map(PathBytes::as_bytes);
        let recovery = recover_moved(path, tasks, is_elsewhere, backend, &detail);
        match recovery {
            Recovery::Report(mut part) | Recovery::Spool(mut part) => {
                // A report that was made after a tracer's death does not say of whom.
                for gap in &mut part.coverage.gaps {
                    if gap.kind == GapKind::TracerDied {
                        gap.detail.clone_from(&detail);
                    }
                }
                if is_elsewhere {
                    self.gathered.elsewhere.read(path);
                    self.gathered.elsewhere.add(&part);
                }
                self.parts.push(*part);
            }
            Recovery::Nothing => {
                let process = carried.map(|(process, _)| format!(" ({process})")).unwrap_or_default();
                let detail = format!("a worker and its tracer were killed before anything was seen{process}");
                self.add_gap(GapKind::TracerDied, detail);
            }
        }
    }

    /// Names what is missing of a submitted job.
    fn judge(&mut self, job: &Job, answer: &Answer) {
        let submission = &job.submission;
        if let Some(error) = &answer.error {
            self.miss(format!("the cluster cannot be asked what the job {submission} did: {error}"));
        } else if !answer.has_ended {
            let status = answer.status.to_lowercase();
            self.add_gap(
                GapKind::DescendantLeft,
                format!("the job {submission} had not ended on the cluster ({status}) when it was asked"),
            );
            self.gathered.is_unfinished = true;
        } else if !self.gathered.has_driver {
            let host = answer.host.as_deref().unwrap_or("unknown");
            self.miss(format!(
                "the driver of the job {submission} ran without a tracer (host {host}), or nothing of it has arrived: is roar installed \
                 there as it is here?"
            ));
        }
    }
}

/// Copies the pieces that are not known yet.
fn copy_new(store: &Store, here: &Store, known: &mut BTreeSet<PieceName>) -> Result<(), StoreError> {
    for name in store.names()? {
        if !known.contains(&name) {
            here.put(&name, &store.get(&name)?)?;
            known.insert(name);
        }
    }
    Ok(())
}

fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing").trim().to_owned()
}
