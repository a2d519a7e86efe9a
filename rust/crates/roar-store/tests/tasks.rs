//! The tasks of a job come back as they were given.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest")]
mod sample;

use roar_store::Store;
use tracer_schema::{PathBytes, Role, Task, TaskUse};

fn used(file: u64, path: &str, role: Role) -> TaskUse {
    TaskUse { file, path: PathBytes::from(path), role, is_shared: false, is_rewritten: false }
}

#[test]
fn tasks_come_back_with_the_files_that_they_used() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(directory.path()).unwrap();
    let reader = Task {
        id: "aa".to_owned(),
        attempt: 2,
        name: "f".to_owned(),
        actor: Some("cc".to_owned()),
        node: Some("dd".to_owned()),
        worker: Some("ee".to_owned()),
        pid: 7,
        started_ns: u64::MAX,
        ended_ns: None,
        files: vec![
            used(1, "/p/a", Role::Input),
            TaskUse { is_shared: true, ..used(0, "/p/b", Role::Input) },
        ],
    };
    let writer = Task {
        attempt: 0,
        actor: None,
        node: None,
        worker: None,
        ended_ns: Some(9),
        files: vec![TaskUse { is_rewritten: true, ..used(1, "/p/a", Role::Output) }],
        ..reader.clone()
    };
    let mut job = store.begin_job(sample::job("true"));
    job.file(sample::file("/p/b", Role::Input, 1)).unwrap();
    job.file(sample::file("/p/a", Role::Output, 2)).unwrap();
    job.set_tasks(vec![writer.clone(), reader.clone()]);
    let job = job.finish().unwrap();
    assert_eq!(store.tasks(job.key).unwrap(), [writer.clone(), reader.clone()]);
    assert_eq!(store.report(job.key).unwrap().tasks, [writer, reader]);
    let other = store.record_job(sample::job("true"), []).unwrap();
    assert_eq!(store.tasks(other.key).unwrap(), []);
}
