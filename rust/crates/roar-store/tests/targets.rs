//! What a word stands for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest")]
mod sample;

use roar_store::{Found, Store, Target};
use sample::{file, hex, job};
use tempfile::TempDir;
use tracer_schema::{PathBytes, Role};

/// Two jobs: `@1` reads `/p/data.csv` and writes `/p/model.bin`, `@2` reads that.
fn store() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(&directory.path().join(".roar")).unwrap();
    let files = [file("/p/data.csv", Role::Input, 1), file("/p/model.bin", Role::Output, 2)];
    store.record_job(job("train"), files).unwrap();
    store.record_job(job("test"), [file("/p/model.bin", Role::Input, 2)]).unwrap();
    (directory, store)
}

fn steps(found: &Found) -> String {
    let name = |target: &Target| match target {
        Target::Job(job) => format!("@{}", job.step),
        Target::Artifact(artifact) => artifact.hash[..6].to_owned(),
        Target::Path(path) => path.to_string(),
    };
    match found {
        Found::One(target) => name(target),
        Found::Ambiguous(targets) => format!("? {}", targets.iter().map(name).collect::<Vec<_>>().join(" ")),
        Found::Unknown(near) => format!("none {}", near.iter().map(name).collect::<Vec<_>>().join(" ")),
    }
}

#[test]
fn a_word_is_a_step_a_job_an_artifact_or_a_path() {
    let (_directory, store) = store();
    let find = |word: &str, path: &str| steps(&store.find_target(word, &[PathBytes::from(path)]).unwrap());
    let id = store.job_by_step(1).unwrap().unwrap().id;
    assert_eq!(find("@1", ""), "@1");
    assert_eq!(find("@last", ""), "@2");
    assert_eq!(find(&id, ""), "@1");
    assert_eq!(find(&id.to_uppercase(), ""), "@1");
    assert_eq!(find(&hex(2), ""), hex(2)[..6]);
    assert_eq!(find(&hex(2)[..6], ""), hex(2)[..6]);
    assert_eq!(find("model.bin", "/p/model.bin"), "/p/model.bin");
}

#[test]
fn five_digits_are_no_hash() {
    let (_directory, store) = store();
    assert_eq!(steps(&store.find_target(&hex(2)[..5], &[]).unwrap()), "none ");
}

#[test]
fn several_meanings_are_all_listed() {
    let (_directory, store) = store();
    // Six digits of an id are some hours of time.
    let id = store.job_by_step(1).unwrap().unwrap().id;
    assert_eq!(steps(&store.find_target(&id[..6], &[]).unwrap()), "? @2 @1");
    let path = PathBytes::from("/p/model.bin");
    let both = store.find_target(&hex(1)[..8], &[path]).unwrap();
    assert_eq!(steps(&both), format!("? {} /p/model.bin", &hex(1)[..6]));
}

#[test]
fn an_unknown_word_is_answered_with_what_is_near() {
    let (_directory, store) = store();
    let find = |word: &str, path: &str| steps(&store.find_target(word, &[PathBytes::from(path)]).unwrap());
    assert_eq!(find("@9", ""), "none @2");
    assert_eq!(find("@-1", ""), "none @2");
    assert_eq!(find("@first", ""), "none @2");
    assert_eq!(find("modle.bin", "/p/modle.bin"), "none /p/model.bin");
    assert_eq!(find("sub/model.bin", "/p/sub/model.bin"), "none /p/model.bin");
    assert_eq!(find("elsewhere", "/p/elsewhere"), "none ");
}

#[test]
fn an_empty_store_knows_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_or_create(&directory.path().join(".roar")).unwrap();
    for word in ["@1", "@last", "abcdef", "x", ""] {
        assert_eq!(steps(&store.find_target(word, &[PathBytes::from("/x")]).unwrap()), "none ");
    }
}
