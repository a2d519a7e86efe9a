//! The objects of a job come back as they were given, and are none of its files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest")]
mod sample;

use roar_store::{Found, RecordedJob, Store, Target, file_of_object};
use tracer_schema::{ObjectRecord, Role, Task, TaskUse};

fn object(url: &str, role: Role) -> ObjectRecord {
    ObjectRecord {
        file: 0,
        url: url.to_owned(),
        endpoint: None,
        role,
        version: Some("v1".to_owned()),
        etag: Some("0123abcd".to_owned()),
        size: Some(u64::MAX),
        pids: vec![7, 9],
        tasks: Vec::new(),
    }
}

fn record(store: &mut Store, objects: &[ObjectRecord], tasks: Vec<Task>) -> RecordedJob {
    let files: Vec<_> = objects.iter().map(file_of_object).collect();
    let mut job = store.begin_job(sample::job("true"));
    job.file(sample::file("/p/a", Role::Input, 1)).unwrap();
    for file in files {
        job.file(file).unwrap();
    }
    job.set_tasks(tasks);
    job.set_objects(objects.to_vec());
    job.finish().unwrap()
}

#[test]
fn objects_come_back_with_their_tasks_and_are_no_files() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(directory.path()).unwrap();
    let mut objects = [object("s3://b/in", Role::Input), object("s3://b/out", Role::Output)];
    objects[0].file = 1;
    objects[0].endpoint = Some("http://127.0.0.1:9000".to_owned());
    objects[1].file = 2;
    (objects[1].version, objects[1].etag, objects[1].size) = (None, None, None);
    objects[1].tasks = vec!["aa".to_owned()];
    let task = Task {
        id: "aa".to_owned(),
        attempt: 0,
        name: "f".to_owned(),
        actor: None,
        node: None,
        worker: None,
        pid: 7,
        started_ns: 1,
        ended_ns: None,
        files: vec![TaskUse {
            file: 2,
            path: objects[1].path(),
            role: Role::Output,
            is_shared: false,
            is_rewritten: true,
        }],
    };
    let job = record(&mut store, &objects, vec![task.clone()]);
    assert_eq!((job.counts.inputs, job.counts.outputs), (2, 1));
    let report = store.report(job.key).unwrap();
    assert_eq!(report.objects, objects);
    assert_eq!(report.tasks, [task]);
    assert_eq!(report.files.iter().map(|file| file.path.to_string()).collect::<Vec<_>>(), ["/p/a"]);
}

#[test]
fn an_object_is_found_by_its_url_and_no_hash_finds_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(directory.path()).unwrap();
    let mut objects = [
        object("s3://b/one", Role::Input),
        object("s3://b/two", Role::Input),
        object("s3://b/two", Role::Input),
    ];
    objects[1].endpoint = Some("http://one".to_owned());
    objects[2].endpoint = Some("http://two".to_owned());
    for (object, file) in objects.iter_mut().zip(1..) {
        object.file = file;
    }
    record(&mut store, &objects, vec![]);
    let find = |word: &str| store.find_target(word, &[word.into()]).unwrap();
    let path = |object: &ObjectRecord| Target::Path(object.path());
    assert_eq!(find("s3://b/one"), Found::One(Box::new(path(&objects[0]))));
    assert_eq!(find("s3://b/two"), Found::Ambiguous(vec![path(&objects[1]), path(&objects[2])]));
    assert_eq!(find("s3://b/two?endpoint=http://two"), Found::One(Box::new(path(&objects[2]))));
    // "ETag" begins with these bytes.
    assert!(matches!(find("45546167"), Found::Unknown(_)));
}
