//! The objects of object stores that a run used: from what its programs said, in the order in which they said it.
//!
//! No tracer sees them: they are calls over a network, encrypted. The Python package `roar` says one line for each.

use rustc_hash::FxHashMap;
use serde::Deserialize;
use tracer_schema::{ObjectRecord, PathBytes, Pid, Role, Task, TaskRecord, TaskUse};

/// What was done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Deed {
    /// Content was taken from it.
    Read,
    /// It was made anew: an object is only ever replaced as a whole.
    Write,
    /// It was removed, or one version of it.
    Delete,
}

/// A line that says what was done to an object.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Told {
    object: Deed,
    url: String,
    #[serde(default)]
    endpoint: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    etag: Option<String>,
    #[serde(default)]
    size: Option<u64>,
    pid: Pid,
    /// Wall clock when the store had answered, nanoseconds since 1970.
    time_ns: u64,
    /// The number of the task, where there is one.
    #[serde(default)]
    task: Option<u64>,
    /// Whose line it is. Not in the line.
    #[serde(skip)]
    pub(crate) teller: PathBytes,
}

impl Told {
    /// Returns whether the object was as it was then: `None` if the store did not say enough.
    fn is_as(&self, object: &ObjectRecord) -> Option<bool> {
        let same = |one: &Option<String>, other: &Option<String>| Some(one.as_ref()? == other.as_ref()?);
        same(&self.version, &object.version).or_else(|| same(&self.etag, &object.etag))
    }
}

/// What a task had to do with an object.
#[derive(Clone, Debug)]
struct Concern {
    teller: PathBytes,
    task: u64,
    role: Role,
    /// The object was another later.
    is_rewritten: bool,
}

/// An object in one role, with the tasks that it concerned.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) record: ObjectRecord,
    concerns: Vec<Concern>,
}

impl Object {
    fn new(told: &Told, role: Role) -> Self {
        let Told { url, endpoint, version, etag, size, .. } = told;
        let record = ObjectRecord {
            file: 0,
            url: url.clone(),
            endpoint: endpoint.clone(),
            role,
            version: version.clone(),
            etag: etag.clone(),
            size: *size,
            pids: Vec::new(),
            tasks: Vec::new(),
        };
        Self { record, concerns: Vec::new() }
    }

    /// Adds who did it, and what one answer told that another had not.
    fn add(&mut self, told: &Told, role: Role) {
        let known = &mut self.record;
        if let Err(at) = known.pids.binary_search(&told.pid) {
            known.pids.insert(at, told.pid);
        }
        known.size = known.size.or(told.size);
        known.version = known.version.take().or_else(|| told.version.clone());
        known.etag = known.etag.take().or_else(|| told.etag.clone());
        if let Some(task) = told.task {
            self.concerns.push(Concern { teller: told.teller.clone(), task, role, is_rewritten: false });
        }
    }
}

/// Returns what objects were to the run, by name and role.
pub(crate) fn objects_of(mut lines: Vec<Told>) -> Vec<Object> {
    lines.sort_by_key(|told| told.time_ns);
    let mut histories: FxHashMap<(String, Option<String>), History> = FxHashMap::default();
    for told in &lines {
        let history = histories.entry((told.url.clone(), told.endpoint.clone())).or_default();
        match told.object {
            Deed::Read => history.read(told),
            Deed::Write => history.write(told),
            Deed::Delete => history.delete(told),
        }
    }
    let mut objects: Vec<Object> = histories.into_values().flat_map(|history| history.objects).collect();
    objects.sort_by_cached_key(|object| {
        let ObjectRecord { role, version, etag, .. } = &object.record;
        (object.record.path(), *role, version.clone(), etag.clone())
    });
    objects
}

/// What a run did to one object, in order.
#[derive(Debug, Default)]
struct History {
    objects: Vec<Object>,
}

impl History {
    fn read(&mut self, told: &Told) {
        // What the run itself has written is none of its inputs. An answer that does not say which it was is of the newest.
        let is_own = |object: &&mut Object| {
            let is_made = matches!(object.record.role, Role::Output | Role::Temporary);
            is_made && told.is_as(&object.record).unwrap_or(true)
        };
        if let Some(own) = self.objects.iter_mut().rfind(is_own) {
            return own.add(told, Role::Input);
        }
        let is_known = |object: &&mut Object| {
            object.record.role == Role::Input && told.is_as(&object.record).unwrap_or(true)
        };
        if let Some(known) = self.objects.iter_mut().rfind(is_known) {
            return known.add(told, Role::Input);
        }
        self.begin(told, Role::Input);
    }

    fn write(&mut self, told: &Told) {
        // Where the bucket keeps no versions, the one from before is gone.
        let is_replaced =
            |object: &Object| object.record.role == Role::Output && object.record.version.is_none();
        if told.version.is_none()
            && let Some(at) = self.objects.iter().position(is_replaced)
        {
            let mut replaced = self.objects.remove(at);
            replaced.concerns.iter_mut().for_each(|concern| concern.is_rewritten = true);
            let mut made = Object::new(told, Role::Output);
            made.record.pids = replaced.record.pids;
            made.concerns = replaced.concerns;
            made.add(told, Role::Output);
            self.objects.push(made);
            return;
        }
        self.begin(told, Role::Output);
    }

    fn delete(&mut self, told: &Told) {
        let is_own = |object: &&mut Object| {
            object.record.role == Role::Output
                && (told.version.is_none() || told.version == object.record.version)
        };
        let had_before = self.objects.iter().any(|object| object.record.role == Role::Input);
        match self.objects.iter_mut().rfind(is_own) {
            Some(own) if !had_before => {
                own.record.role = Role::Temporary;
                own.add(told, Role::Output);
            }
            Some(own) => {
                own.record.role = Role::Deleted;
                own.add(told, Role::Output);
            }
            None => self.begin(told, Role::Deleted),
        }
    }

    fn begin(&mut self, told: &Told, role: Role) {
        let mut object = Object::new(told, role);
        object.add(told, if role == Role::Input { Role::Input } else { Role::Output });
        self.objects.push(object);
    }
}

/// Adds to tasks the objects that they used, which stand among the job's files from `first` on; and to those objects the tasks.
pub(crate) fn attribute(
    objects: Vec<Object>,
    first: u64,
    records: &[TaskRecord],
    tasks: &mut [Task],
) -> Vec<ObjectRecord> {
    let places: FxHashMap<(&PathBytes, u64), usize> =
        records.iter().zip(0..).map(|(record, at)| ((&record.teller, record.number), at)).collect();
    let mut attributed = Vec::with_capacity(objects.len());
    for (file, Object { mut record, concerns }) in (first..).zip(objects) {
        record.file = file;
        let mut concerned = Vec::new();
        for Concern { teller, task, role, is_rewritten } in concerns {
            let Some(at) = places.get(&(&teller, task)).copied() else { continue };
            let used = TaskUse { file, path: record.path(), role, is_shared: false, is_rewritten };
            let same = |known: &&mut TaskUse| known.file == file && known.role == role;
            match tasks[at].files.iter_mut().find(same) {
                // It has seen the last of what it saw, too.
                Some(known) => known.is_rewritten &= is_rewritten,
                None => tasks[at].files.push(used),
            }
            concerned.push(at);
        }
        concerned.sort_unstable();
        concerned.dedup();
        record.tasks = concerned.into_iter().map(|at| tasks[at].id.clone()).collect();
        attributed.push(record);
    }
    for task in tasks {
        task.files.sort_by(|one, other| {
            let key = |used: &TaskUse| (used.path.clone(), used.role, used.is_shared, used.file);
            key(one).cmp(&key(other))
        });
    }
    attributed
}

#[cfg(test)]
mod tests;
