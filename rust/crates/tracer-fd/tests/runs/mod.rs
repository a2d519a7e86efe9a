//! Generates runs: a world and lines in the language of the cases, of which the kernel may refuse some.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use tracer_schema::EventKind;
use tracer_schema::event::FRAME_BYTES;

/// A world, and what is done in it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) world: Vec<String>,
    pub(crate) lines: Vec<String>,
}

/// Longest run, groups of lines: long enough for several moves and what was open across them.
const GROUPS_MAX: usize = 25;

/// What may be there before; a line may need the ones before it.
const WORLD: &[(&str, &[&str])] = &[
    ("file a 1", &["link h a", "link d/h a", "symlink l a"]),
    ("file b 2", &["link e/h b"]),
    ("file d/a 3", &["link d/b d/a", "symlink e/l ../d/a"]),
    ("file d/s/a 4", &["link c d/s/a"]),
    ("file e/a 5", &[]),
    ("file e/s/a 6", &["symlink m d"]),
];

const FILES: &[&str] = &[
    "a", "b", "c", "d/a", "d/b", "d/h", "d/s/a", "e/a", "e/h", "e/s/a", "h", "l", "e/l", "m/a", "f/a",
    "f/s/a",
];
const DIRECTORIES: &[&str] = &["d", "e", "f", "d/s", "e/s", "f/s"];
const FLAGS: &[&str] = &[
    "RDONLY",
    "RDONLY|CLOEXEC",
    "RDWR",
    "WRONLY|CREAT",
    "RDWR|CREAT",
    "RDWR|CREAT|EXCL",
    "RDWR|CREAT|TRUNC",
    "WRONLY|TRUNC",
    "PATH",
];

/// Generates the lines of a world below `prefix`.
fn world(prefix: &'static str) -> impl Strategy<Value = Vec<String>> {
    let groups: Vec<_> = WORLD
        .iter()
        .map(|(file, more)| {
            let more = subsequence(more.to_vec(), 0..=more.len());
            (prop::bool::weighted(0.8), more).prop_map(move |(is_there, more)| {
                let mut lines = Vec::new();
                if is_there {
                    lines.push(*file);
                    lines.extend(more);
                }
                lines
            })
        })
        .collect();
    groups.prop_map(move |groups| {
        let directories = ["dir d", "dir e", "dir d/s"];
        // The names that a line links to exist once every file does.
        let mut lines: Vec<&str> = groups.iter().flatten().copied().collect();
        lines.sort_by_key(|line| !line.starts_with("file"));
        directories.iter().chain(&lines).map(|line| with_prefix(line, prefix)).collect()
    })
}

/// Puts the prefix before the paths of a line of a world, but for the targets of symbolic links, which are relative.
fn with_prefix(line: &str, prefix: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["link", at, to] => format!("link {prefix}{at} {prefix}{to}"),
        [kind, at, rest @ ..] => [&[*kind, &format!("{prefix}{at}")], rest].concat().join(" "),
        _ => line.to_owned(),
    }
}

fn file(prefix: &'static str) -> impl Strategy<Value = String> {
    select(FILES).prop_map(move |path| format!("{prefix}{path}"))
}

fn directory(prefix: &'static str) -> impl Strategy<Value = String> {
    select(DIRECTORIES).prop_map(move |path| format!("{prefix}{path}"))
}

/// Generates what content is used by: a descriptor, now and then a path.
fn at(prefix: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        1 => (3..7).prop_map(|fd: i32| fd.to_string()),
        2 => file(prefix).prop_map(|path| format!("@{path}")),
    ]
}

fn on_content(pid: u32, prefix: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (at(prefix), 0..9).prop_map(move |(at, count)| format!("read {pid} {at} = {count}")),
        4 => (at(prefix), 0..9).prop_map(move |(at, count)| format!("write {pid} {at} = {count}")),
        1 => at(prefix).prop_map(move |at| format!("read {pid} {at} = ?")),
        1 => at(prefix).prop_map(move |at| format!("mapread {pid} {at}")),
        1 => at(prefix).prop_map(move |at| format!("mapwrite {pid} {at}")),
        1 => (at(prefix), 0..3).prop_map(move |(at, size)| format!("truncate {pid} {at} {size}")),
        1 => at(prefix).prop_map(move |at| format!("allocate {pid} {at}")),
        1 => file(prefix).prop_map(move |path| format!("exec {pid} {path} arg")),
    ]
}

/// Generates an open, and what is then done with the descriptor.
fn opening(pid: u32, prefix: &'static str) -> impl Strategy<Value = Vec<String>> {
    let uses = select(
        &["read P F = 3", "write P F = 3", "mapread P F", "mapwrite P F", "truncate P F 1", "close P F"][..],
    );
    let uses = prop::collection::vec(uses, 0..3);
    (file(prefix), select(FLAGS), 3..7_i32, uses).prop_map(move |(path, flags, fd, uses)| {
        let mut lines = vec![format!("open {pid} {path} {flags} = {fd}")];
        lines.extend(
            uses.iter().map(|line| line.replace('P', &pid.to_string()).replace('F', &fd.to_string())),
        );
        lines
    })
}

fn on_descriptors(pid: u32, prefix: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        1 => (directory(prefix), 3..7)
            .prop_map(move |(path, fd)| format!("open {pid} {path} RDWR|TMPFILE = {fd}")),
        3 => (3..7).prop_map(move |fd| format!("close {pid} {fd}")),
        1 => (3..7, 3..7).prop_map(move |(first, last)| format!("close_range {pid} {first} {last}")),
        1 => (3..7, 3..7).prop_map(move |(from, to)| format!("dup {pid} {from} {to}")),
    ]
}

fn on_names(pid: u32, prefix: &'static str) -> impl Strategy<Value = String> {
    let two_files = || (file(prefix), file(prefix));
    let two_directories = || (directory(prefix), directory(prefix));
    prop_oneof![
        6 => two_files().prop_map(move |(from, to)| format!("rename {pid} {from} {to}")),
        3 => two_directories().prop_map(move |(from, to)| format!("rename {pid} {from} {to}")),
        1 => two_files().prop_map(move |(from, to)| format!("exchange {pid} {from} {to}")),
        1 => two_directories().prop_map(move |(from, to)| format!("exchange {pid} {from} {to}")),
        1 => (file(prefix), directory(prefix)).prop_map(move |(from, to)| format!("exchange {pid} {from} {to}")),
        2 => two_files().prop_map(move |(from, to)| format!("link {pid} {from} {to}")),
        1 => (3..7, file(prefix)).prop_map(move |(fd, to)| format!("link {pid} {fd} {to}")),
        1 => two_files().prop_map(move |(at, to)| format!("symlink {pid} {at} /w/{to}")),
        5 => file(prefix).prop_map(move |path| format!("unlink {pid} {path}")),
        1 => file(prefix).prop_map(move |path| format!("mknod {pid} {path}")),
        1 => directory(prefix).prop_map(move |path| format!("mkdir {pid} {path}")),
        1 => directory(prefix).prop_map(move |path| format!("rmdir {pid} {path}")),
    ]
}

fn on_processes() -> impl Strategy<Value = String> {
    select(&["fork 100 101", "fork 100 101 files", "exit 101 0"][..]).prop_map(str::to_owned)
}

/// Generates a run of one process, on files below a prefix.
pub(crate) fn run_of(pid: u32, prefix: &'static str) -> impl Strategy<Value = Run> {
    let group = prop_oneof![
        2 => opening(pid, prefix),
        1 => one(on_content(pid, prefix)),
        1 => one(on_descriptors(pid, prefix)),
        3 => one(on_names(pid, prefix)),
    ];
    run_of_groups(world(prefix), group)
}

/// Generates a run of two processes that share files.
pub(crate) fn run() -> impl Strategy<Value = Run> {
    let pid = || select(&[100, 100, 101][..]);
    let group = prop_oneof![
        6 => pid().prop_flat_map(|pid| opening(pid, "")),
        3 => one(pid().prop_flat_map(|pid| on_content(pid, ""))),
        3 => one(pid().prop_flat_map(|pid| on_descriptors(pid, ""))),
        9 => one(on_names(100, "")),
        1 => one(on_processes()),
    ];
    run_of_groups(world(""), group).prop_map(|mut run| {
        run.lines.insert(0, "fork 100 101".to_owned());
        run
    })
}

fn one(line: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<String>> {
    line.prop_map(|line| vec![line])
}

fn run_of_groups(
    world: impl Strategy<Value = Vec<String>>,
    group: impl Strategy<Value = Vec<String>>,
) -> impl Strategy<Value = Run> {
    (world, prop::collection::vec(group, 1..GROUPS_MAX))
        .prop_map(|(world, groups)| Run { world, lines: groups.concat() })
}

/// Generates a line that does no more than take the content of a file.
pub(crate) fn reading(path: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        // Descriptors that the rest of a run does not use.
        (10..12).prop_map(move |fd| format!("open 100 {path} RDONLY = {fd}")),
        (10..12).prop_map(|fd| format!("read 100 {fd} = 3")),
        Just(format!("read 100 @{path} = 3")),
        Just(format!("mapread 100 @{path}")),
        Just(format!("execute 100 @{path}")),
        Just(format!("seen 100 {path}")),
    ]
}

/// Generates a frame of any bytes, likely to be an event on few processes, descriptors and texts.
pub(crate) fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::collection::vec(any::<u8>(), FRAME_BYTES);
    let kinds = prop_oneof![9 => 2..=EventKind::ALL.len() as u8, 1 => any::<u8>()];
    (bytes, kinds, any::<bool>(), 0..4u8, 0..4u8, 0..7u8, 0..7u8).prop_map(
        |(mut bytes, kind, is_plain, pid, fd, text, text2)| {
            bytes[16] = kind;
            if is_plain {
                bytes[8..12].copy_from_slice(&u32::from(pid).to_le_bytes());
                bytes[20..24].copy_from_slice(&i32::from(fd).to_le_bytes());
                bytes[24..28].copy_from_slice(&u32::from(text).to_le_bytes());
                bytes[28..32].copy_from_slice(&u32::from(text2).to_le_bytes());
                bytes[32..40].copy_from_slice(&u64::from(fd).to_le_bytes());
                bytes[56..64].copy_from_slice(&u64::from(pid).to_le_bytes());
                let mode: u32 = [0o100_644, 0o040_755, 0o120_777, 0o010_644][usize::from(text % 4)];
                bytes[88..92].copy_from_slice(&mode.to_le_bytes());
            }
            bytes
        },
    )
}
