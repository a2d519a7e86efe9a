//! From a tracer's report to a job in the store: what is filtered, which versions are hashed, what is known already.

use std::cell::OnceCell;
use std::time::{SystemTime, UNIX_EPOCH};

use roar_context::Filter;
use roar_hash::{Algorithm, HashCache, Outcome, Request, hash_files};
use roar_store::{CachedHash, Job, JobContext, JobWriter, NewJob, RecordedJob, Store, file_of_object};
use rustc_hash::{FxBuildHasher, FxHashMap};
use tracer_schema::{
    BLAKE3, BLAKE3_OF_NOTHING, FileRecord, FileStamp, FileSummary, Hashes, Lookups, ObjectRecord, Role, Task,
    TracerReport, from_hex,
};

use crate::error::RecordError;
use crate::lookups::lookups_of;
use crate::monitor::Monitor;
use crate::objects::attribute;
use crate::options::JobKind;
use crate::ray::Elsewhere;
use crate::report::record_of;
use crate::tasks::{TaskNames, tasks_of};

/// What a job is recorded with, beside the report.
pub(crate) struct Recording<'a> {
    /// Id that the job is to have, so that it can be known again; `None`: any.
    pub(crate) id: Option<String>,
    /// What was recorded of the job before, whose place this takes.
    pub(crate) replaced: Option<Job>,
    pub(crate) kind: JobKind,
    /// The id of the job that it was to run again.
    pub(crate) rerun_of: Option<String>,
    /// The time that files were given when it began, nanoseconds since 1970.
    pub(crate) began_unix_ns: Option<i64>,
    pub(crate) filter: &'a Filter,
    /// `None`: contents are not hashed.
    pub(crate) algorithms: Option<&'a [Algorithm]>,
    pub(crate) context: JobContext,
    pub(crate) task_names: TaskNames,
    /// What is known of files that are on other machines.
    pub(crate) elsewhere: &'a Elsewhere,
    pub(crate) monitor: &'a dyn Monitor,
}

/// Hashes known from earlier runs, looked up in one go.
#[derive(Default)]
struct Known(FxHashMap<(u64, u64, i64, i64), Hashes>);

fn key_of(stamp: &FileStamp) -> (u64, u64, i64, i64) {
    (stamp.dev, stamp.ino, stamp.mtime_ns, stamp.ctime_ns)
}

impl Known {
    fn look_up(store: &Store, files: &[FileSummary]) -> Result<Self, roar_store::Error> {
        let stamps: Vec<FileStamp> = files
            .iter()
            .flat_map(|file| [file.before, file.after])
            .flatten()
            .filter(FileStamp::is_some)
            .collect();
        let hashes = store.hash_cache_lookup(&stamps)?;
        let mut known = FxHashMap::with_capacity_and_hasher(stamps.len(), FxBuildHasher);
        known.extend(stamps.iter().map(key_of).zip(hashes).filter_map(|(key, found)| Some((key, found?))));
        Ok(Self(known))
    }

    fn of(&self, stamp: Option<&FileStamp>) -> Option<Hashes> {
        self.0.get(&key_of(stamp?)).cloned()
    }
}

impl HashCache for Known {
    fn lookup(&self, stamp: &FileStamp) -> Option<Hashes> {
        self.of(Some(stamp))
    }
}

/// Forwards progress.
struct Progress<'a>(&'a dyn Monitor);

impl roar_hash::Monitor for Progress<'_> {
    fn add_total(&self, bytes: u64) {
        self.0.add_to_hash(bytes);
    }

    fn add_done(&self, bytes: u64) {
        self.0.add_hashed(bytes);
    }
}

/// Returns what is to be hashed for a file, and `None` where no version of it can be.
pub(crate) fn request_of(file: &FileSummary) -> Option<Request<'_>> {
    let (path, expect) = match file.role {
        Role::Output => (&file.path, file.after?),
        Role::Input => (file.content_at.as_ref()?, file.before?),
        Role::Temporary | Role::Deleted => return None,
    };
    Some(Request { path: path.as_path(), expect: Some(expect), kind: file.kind, moved: file.moved })
}

/// Returns the records of the run's files without hashes: a file is a record of its own in each role.
pub(crate) fn unhashed_records(report: &TracerReport, filter: &Filter) -> Vec<FileRecord> {
    report.files.iter().map(|file| record_of(file, filter.excludes(file.path.as_bytes()).is_some())).collect()
}

/// Hashes what can be hashed, and calls `each` with every record once it is complete.
fn hash_records(
    report: &TracerReport,
    recording: &Recording<'_>,
    known: &Known,
    each: &mut dyn FnMut(usize, FileRecord, Option<CachedHash>),
) {
    let record = |file, is_filtered| {
        let mut record = record_of(file, is_filtered);
        fill_from_memory(&mut record, file, known);
        record
    };
    let mut requests = Vec::new();
    let mut owners = Vec::new();
    for (index, file) in report.files.iter().enumerate() {
        let is_filtered = recording.filter.excludes(file.path.as_bytes()).is_some();
        match request_of(file) {
            request if recording.elsewhere.knows(file, request) => {
                let mut record = record(file, is_filtered);
                let is_wanted = !is_filtered && recording.algorithms.is_some();
                let version = request.and_then(|request| request.expect).filter(|_| is_wanted);
                fill_from_elsewhere(&mut record, version.as_ref(), recording.elsewhere);
                each(index, record, None);
            }
            Some(request) if !is_filtered && recording.algorithms.is_some() => {
                requests.push(request);
                owners.push(index);
            }
            Some(_) | None => each(index, record(file, is_filtered), None),
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ns = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
    let algorithms = recording.algorithms.unwrap_or_default();
    hash_files(
        &requests,
        algorithms,
        known,
        &mut |request, outcome| {
            let index = owners[request];
            let mut record = record(&report.files[index], false);
            let learned = apply(&mut record, outcome, now_ns);
            each(index, record, learned);
        },
        &Progress(recording.monitor),
    );
}

/// Fills in what was hashed where the file is.
fn fill_from_elsewhere(record: &mut FileRecord, version: Option<&FileStamp>, elsewhere: &Elsewhere) {
    let found = version.and_then(|version| elsewhere.hashes(&record.path, version)).cloned();
    let is_unknown = version.is_some() && found.is_none();
    record.hash = found.or(record.hash.take());
    // Whether an output of a machine that cannot be asked is there is not known.
    if is_unknown || record.note.as_deref() == Some("gone") {
        record.note = Some("elsewhere".to_owned());
    }
}

/// Fills in what needs no reading: versions that are gone, as far as their hashes are remembered.
fn fill_from_memory(record: &mut FileRecord, file: &FileSummary, known: &Known) {
    match file.role {
        Role::Output => {
            record.prior_hash = hash_before(file, known);
            if file.after.is_none() {
                record.note = Some("gone".to_owned());
            }
        }
        Role::Input if file.content_at.is_none() => {
            record.hash = known.of(file.before.as_ref());
            if record.hash.is_none() {
                record.note = Some("overwritten".to_owned());
            }
        }
        Role::Deleted => record.hash = known.of(file.before.as_ref()),
        Role::Input | Role::Temporary => {}
    }
}

/// Returns the hash of an output's version from before, where that is known without reading it.
fn hash_before(file: &FileSummary, known: &Known) -> Option<Hashes> {
    let before = file.before.as_ref()?;
    if before.is_regular() && before.size == 0 {
        // As the shell leaves a file that it opens for `> file`.
        return Some([(BLAKE3, from_hex(BLAKE3_OF_NOTHING)?)].into_iter().collect());
    }
    known.of(Some(before))
}

fn apply(record: &mut FileRecord, outcome: Outcome, now_ns: i64) -> Option<CachedHash> {
    match outcome {
        Outcome::Hashed { hashes, stamp, from_cache, is_settled } => {
            record.size = Some(stamp.size);
            record.hash = Some(hashes.clone());
            (is_settled && !from_cache).then_some(CachedHash { stamp, hashed_at_unix_ns: now_ns, hashes })
        }
        Outcome::Changed { .. } => {
            record.note = Some("changed".to_owned());
            None
        }
        Outcome::Gone => {
            record.note = Some("gone".to_owned());
            None
        }
        Outcome::Unreadable { .. } => {
            record.note = Some("unreadable".to_owned());
            None
        }
    }
}

/// A run that was recorded, or as much of it as could be.
pub(crate) struct Recorded {
    /// The files with their hashes, in the order of the tracer's report.
    pub(crate) files: Vec<FileRecord>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) objects: Vec<ObjectRecord>,
    pub(crate) looked_up: Lookups,
    /// The job, if the store took it.
    pub(crate) job: Result<RecordedJob, RecordError>,
}

/// Hashes and stores. A store that fails costs the record, not the report: hashing goes on.
pub(crate) fn record(
    report: &TracerReport,
    recording: &Recording<'_>,
    store: Result<&mut Store, RecordError>,
) -> Recorded {
    // First of all: hashing takes its time, and directories may change meanwhile.
    let looked_up = lookups_of(report, recording.filter);
    // Each is set once, and lent to the writer.
    let files = vec![OnceCell::new(); report.files.len()];
    let objects = recording.task_names.objects();
    let object_files: Vec<FileRecord> = objects.iter().map(|object| file_of_object(&object.record)).collect();
    let mut places = vec![0; report.files.len()];
    let mut placed = 0;
    let mut failure = None;
    let mut writer: Option<JobWriter<'_, &FileRecord>> = None;
    let mut known = Known::default();
    match store {
        Err(error) => failure = Some(error),
        Ok(store) => match Known::look_up(store, &report.files) {
            Err(error) => failure = Some(error.into()),
            Ok(found) => {
                known = found;
                let names =
                    recording.algorithms.unwrap_or_default().iter().map(|name| name.name().to_owned());
                let context = recording.context.clone();
                let job = NewJob::from_report(report, recording.kind, names.collect(), context);
                let job = NewJob {
                    rerun_of: recording.rerun_of.clone(),
                    began_unix_ns: recording.began_unix_ns,
                    ..job
                };
                let mut begun = store.begin_job(job);
                if let Some(id) = &recording.id {
                    begun.set_id(id.clone());
                }
                if let Some(replaced) = &recording.replaced {
                    begun.replace(replaced.clone());
                }
                writer = Some(begun);
            }
        },
    }
    hash_records(report, recording, &known, &mut |index, record, learned| {
        let record = files[index].get_or_init(|| record);
        places[index] = placed;
        placed += 1;
        if let Some(open) = &mut writer {
            if let Some(learned) = learned {
                open.remember_hash(learned);
            }
            if let Err(error) = open.file(record) {
                failure = Some(error.into());
                writer = None;
            }
        }
    });
    let is_left_out = |file: &FileSummary| recording.filter.excludes(file.path.as_bytes()).is_some();
    let mut tasks = tasks_of(report, &recording.task_names, &places, &is_left_out);
    // Objects stand after the files.
    let objects = attribute(objects, placed, &report.tasks, &mut tasks);
    if let Some(mut open) = writer.take() {
        match object_files.iter().try_for_each(|record| open.file(record)) {
            Ok(()) => {
                open.set_tasks(tasks.clone());
                open.set_objects(objects.clone());
                open.set_lookups(looked_up.clone());
                writer = Some(open);
            }
            Err(error) => failure = Some(error.into()),
        }
    }
    let job = match (writer, failure) {
        (Some(writer), None) => writer.finish().map_err(RecordError::from),
        (_, Some(failure)) => Err(failure),
        (None, None) => Err(RecordError::NothingReported("no store".to_owned())),
    };
    let files = files.into_iter().filter_map(OnceCell::into_inner).collect();
    Recorded { files, tasks, objects, looked_up, job }
}
