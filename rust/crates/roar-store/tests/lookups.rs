//! What a job looked up comes back as it was given, and is dropped with the job.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use the rest")]
mod sample;

use roar_store::Store;
use tracer_schema::{Found, Listing, Lookup, LookupKind, Lookups, PathBytes};

fn lookup(path: &str, found: Found) -> Lookup {
    Lookup { path: PathBytes::from(path), found, program: PathBytes::from("/usr/bin/sh") }
}

fn listing(names: Option<&[&str]>, byte: &str) -> Found {
    let names = names.map(|names| names.iter().copied().map(PathBytes::from).collect::<Vec<_>>());
    Found::Listing(Listing {
        count: names.as_ref().map_or(20_000, |names| names.len() as u64),
        names,
        blake3: byte.repeat(32),
    })
}

#[test]
fn lookups_come_back_and_are_dropped_with_their_jobs() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(directory.path()).unwrap();
    let lookups = Lookups {
        kinds: vec![LookupKind::Absent, LookupKind::Listing],
        found: vec![
            lookup("/p", listing(Some(&["a", "sub/"]), "ab")),
            lookup("/p/big", listing(None, "cd")),
            lookup("/p/cur", Found::Link { target: PathBytes::from("v1") }),
            lookup("/p/empty", listing(Some(&[]), "ef")),
            lookup("/p/x", Found::Absent),
        ],
        left_out: 3,
    };
    let nothing = Lookups { kinds: vec![LookupKind::Listing], ..Lookups::default() };
    let mut keys = Vec::new();
    for lookups in [&lookups, &nothing, &Lookups::default(), &lookups] {
        let mut job = store.begin_job::<tracer_schema::FileRecord>(sample::job("true"));
        job.set_lookups(lookups.clone());
        keys.push(job.finish().unwrap().key);
    }
    assert_eq!(store.lookups(keys[0]).unwrap(), lookups);
    assert_eq!(store.report(keys[3]).unwrap().looked_up, lookups);
    let all = store.lookups_of_jobs(keys.clone()).unwrap();
    assert_eq!(all, [lookups.clone(), nothing, Lookups::default(), lookups.clone()]);
    let newest = store.jobs(1).unwrap().pop().unwrap();
    store.forget(&newest).unwrap();
    store.collect_garbage(None, false).unwrap();
    assert_eq!(store.lookups(keys[0]).unwrap(), lookups);
    assert_eq!(store.lookups(keys[3]).unwrap(), Lookups::default());
}
