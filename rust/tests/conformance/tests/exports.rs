//! The library of the preload tracer, as it was built: it has the functions of its table and no others, and needs nothing of anybody. And the
//! table: it has every function of this machine's C library that is another form of one that it has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use conformance::backend::roar_binary;
use conformance::elf::Library;

#[path = "../../../tracers/preload/library/src/hooks/table.rs"]
#[macro_use]
mod table;

macro_rules! names {
    ($($name:ident = $word:ident $(($($given:tt)+))?;)+) => {
        const HOOKED: &[&str] = &[$(stringify!($name)),+];
    };
}

hook_table!(names);

/// A function that is no C library's: runtimes of sanitizers call it, and it jumps nowhere.
const CALLED: &str = "__sanitizer_on_print";

/// What the library may ask for: symbols by which loaders and C libraries are told apart, each of which may be missing.
const WANTED: [&str; 3] = ["_dl_debug_addr", "_r_debug", "environ"];

/// Functions that look like forms of hooked ones by their names, and why they are not hooked.
const NOT_HOOKED: &[(&str, &[&str])] = &[
    ("only the C library itself calls it, for a stream that has passed a hook", &["_IO_getline"]),
    (
        "what it runs before the process ends has hooks, and how the process has ended is told by who waits for it",
        &["exit"],
    ),
];

fn library() -> Library {
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("cargo names a directory in the target directory");
    let roar = roar_binary(target_dir).expect("the programs of roar are built");
    Library::read(&roar.with_file_name("libroar_preload.so")).expect("the library is built")
}

/// Returns the C library of this machine.
fn c_library() -> Library {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
    let path = maps.lines().filter_map(|line| line.split_ascii_whitespace().nth(5)).find(|path| {
        Path::new(path).file_name().is_some_and(|name| name.to_string_lossy().starts_with("libc."))
    });
    Library::read(&PathBuf::from(path.expect("the test is linked with it"))).expect("it is loaded")
}

/// Returns what the forms of a function have in common: `__fgets_unlocked_chk` and `fgets` are forms of the same.
fn root(name: &str) -> &str {
    const BEFORE: [&str; 6] = ["__isoc99_", "__isoc23_", "__libc_", "_IO_", "__", "_"];
    const BEHIND: [&str; 6] = ["_chk", "_nocancel", "_unlocked", "_2", "64", "64v2"];
    let mut root = BEFORE.iter().find_map(|start| name.strip_prefix(start)).unwrap_or(name);
    while let Some(shorter) = BEHIND.iter().find_map(|end| root.strip_suffix(end)) {
        root = shorter;
    }
    // Not a form, but a name: preadv64v2 is preadv2.
    root.strip_prefix('x').filter(|root| root.starts_with("mknod")).unwrap_or(root)
}

#[test]
fn library_has_the_functions_of_its_table_and_one_for_sanitizers() {
    let symbols = library().symbols();
    let exported: BTreeSet<&str> =
        symbols.iter().filter(|symbol| symbol.is_defined).map(|symbol| symbol.name.as_str()).collect();
    assert_eq!(exported, HOOKED.iter().copied().chain([CALLED]).collect());
}

#[test]
fn library_needs_nothing() {
    let library = library();
    assert_eq!(library.needed(), Vec::<String>::new());
    assert!(!library.wants_versions());
    assert!(!library.has_thread_memory());
    let symbols = library.symbols();
    let wanted: Vec<_> = symbols.iter().filter(|symbol| !symbol.is_defined).collect();
    let mut names: Vec<&str> = wanted.iter().map(|symbol| symbol.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, WANTED);
    assert!(wanted.iter().all(|symbol| symbol.is_weak));
}

#[test]
fn no_function_is_hooked_twice() {
    let mut counts = BTreeMap::new();
    for name in HOOKED {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts.retain(|_, count| *count > 1);
    assert_eq!(counts, BTreeMap::new());
}

#[test]
fn every_form_of_a_hooked_function_is_hooked() {
    let roots: BTreeSet<&str> = HOOKED.iter().map(|name| root(name)).collect();
    let excluded: BTreeSet<&str> = NOT_HOOKED.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let symbols = c_library().symbols();
    let missing: BTreeSet<&str> = symbols
        .iter()
        .filter(|symbol| symbol.is_defined && symbol.is_function)
        .map(|symbol| symbol.name.as_str())
        .filter(|name| roots.contains(root(name)) && !HOOKED.contains(name) && !excluded.contains(name))
        .collect();
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn what_is_excluded_is_a_form_and_is_not_hooked() {
    let roots: BTreeSet<&str> = HOOKED.iter().map(|name| root(name)).collect();
    let excluded = NOT_HOOKED.iter().flat_map(|(_, names)| names.iter());
    let idle: Vec<_> = excluded.filter(|name| HOOKED.contains(name) || !roots.contains(root(name))).collect();
    assert_eq!(idle, Vec::<&&str>::new());
}
