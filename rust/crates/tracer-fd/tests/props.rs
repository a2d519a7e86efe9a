//! What holds for every run: generated sequences of calls, in the language of the cases, so that one that fails can be
//! put into a case as it is printed.

mod model;
mod oracle;
mod runs;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tracer_fd::{Aggregator, RunSummary, World};
use tracer_schema::event::FRAME_BYTES;
use tracer_schema::stream::{Item, Reader, put_text};
use tracer_schema::{FileStamp, FileSummary, Role, TextId};

use model::{Form, Machine, Refused};
use runs::Run;

fn config() -> ProptestConfig {
    ProptestConfig {
        // A run that fails becomes a case, not a line in a file of seeds.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A world that is not there: what a summary says then comes from the events alone.
struct Nowhere;

impl World for Nowhere {
    fn look(&mut self, _path: &[u8]) -> Option<FileStamp> {
        None
    }

    fn list(&mut self, _directory: &[u8], _each: &mut dyn FnMut(&[u8], FileStamp)) -> Result<(), String> {
        Ok(())
    }
}

fn play(world: &[String], lines: &[String], form: Form, is_reusing: bool) -> Machine {
    play_and(world, lines, form, is_reusing, |_| {})
}

/// Performs the lines, calling `each` after every one.
fn play_and(
    world: &[String],
    lines: &[String],
    form: Form,
    is_reusing: bool,
    mut each: impl FnMut(&Machine),
) -> Machine {
    let world: Vec<&str> = world.iter().map(String::as_str).collect();
    let mut machine = Machine::new(&world, form, is_reusing).expect("the generated world is possible");
    for line in lines {
        match machine.perform(line) {
            Ok(()) | Err(Refused::ByKernel(_)) => each(&machine),
            Err(Refused::Syntax(what)) => panic!("{what}"),
        }
    }
    machine.finish();
    machine
}

fn summarize(frames: &[u8], world: &mut dyn World) -> RunSummary {
    let mut aggregator = Aggregator::new();
    aggregator.apply_stream(frames);
    aggregator.finish(world)
}

fn files_of(machine: &mut Machine) -> Vec<FileSummary> {
    let frames = std::mem::take(&mut machine.tape.frames);
    let summary = summarize(&frames, &mut machine.files);
    assert!(summary.coverage.complete, "{:?}", summary.coverage);
    let mut files = summary.files;
    // Its time depends on how the events are told.
    files.iter_mut().for_each(|file| file.first = None);
    files
}

/// Returns the entries without what depends on which numbers and times the files got.
fn without_numbers(mut files: Vec<FileSummary>) -> Vec<FileSummary> {
    for file in &mut files {
        for stamp in [&mut file.before, &mut file.after].into_iter().flatten() {
            (stamp.ino, stamp.mtime_ns, stamp.ctime_ns) = (1, 0, 0);
        }
    }
    files
}

fn merge(left: &[String], right: &[String], turns: &[bool]) -> Vec<String> {
    let (mut left, mut right, mut turns) = (left.iter(), right.iter(), turns.iter());
    let mut merged = Vec::new();
    loop {
        let next = if *turns.next().unwrap_or(&true) {
            left.next().or_else(|| right.next())
        } else {
            right.next().or_else(|| left.next())
        };
        match next {
            Some(line) => merged.push(line.clone()),
            None => return merged,
        }
    }
}

/// Returns the paths that have another version now than before the run, or one only now.
fn changes(machine: &Machine) -> impl Iterator<Item = Vec<u8>> {
    let before = oracle::snapshot(&machine.before);
    let mut after = oracle::snapshot(&machine.files);
    after.retain(|path, version| before.get(path) != Some(version));
    after.into_keys()
}

/// Returns where the items of a stream end.
fn ends(frames: &[u8]) -> Vec<usize> {
    let mut ends = vec![0];
    for item in Reader::new(frames) {
        let text_bytes = match item {
            Item::Text(_, text) => text.len().next_multiple_of(FRAME_BYTES),
            Item::Event(_) | Item::Unknown(_) => 0,
        };
        ends.push(ends.last().expect("it begins with one") + FRAME_BYTES + text_bytes);
    }
    ends
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn roles_are_what_the_files_before_and_after_say(run in runs::run(), is_reusing: bool, is_told_by_path: bool) {
        let form = if is_told_by_path { Form::Resolved } else { Form::Descriptors };
        let mut machine = play(&run.world, &run.lines, form, is_reusing);
        let files = files_of(&mut machine);
        oracle::check(&machine, &files).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn both_forms_tell_the_same(run in runs::run(), is_reusing: bool) {
        // Of a file that had several names, a path cannot tell which one a descriptor was opened by once that is gone.
        let mut run = run;
        run.world.retain(|line| !line.starts_with("link "));
        let by_descriptor = files_of(&mut play(&run.world, &run.lines, Form::Descriptors, is_reusing));
        let by_path = files_of(&mut play(&run.world, &run.lines, Form::Resolved, is_reusing));
        prop_assert_eq!(by_descriptor, by_path);
    }

    #[test]
    fn using_numbers_again_changes_nothing(run in runs::run()) {
        let fresh = files_of(&mut play(&run.world, &run.lines, Form::Descriptors, false));
        let used_again = files_of(&mut play(&run.world, &run.lines, Form::Descriptors, true));
        prop_assert_eq!(without_numbers(fresh), without_numbers(used_again));
    }

    #[test]
    fn interleaving_processes_with_files_of_their_own_changes_nothing(
        left in runs::run_of(100, "p/"),
        right in runs::run_of(101, "q/"),
        turns in prop::collection::vec(any::<bool>(), 60),
        is_reusing: bool,
    ) {
        let world = [&left.world[..], &right.world].concat();
        let fork = ["fork 100 101".to_owned()];
        let one_by_one = [&fork, &left.lines[..], &right.lines].concat();
        let interleaved = [&fork, &merge(&left.lines, &right.lines, &turns)[..]].concat();
        let expected = files_of(&mut play(&world, &one_by_one, Form::Descriptors, is_reusing));
        let found = files_of(&mut play(&world, &interleaved, Form::Descriptors, is_reusing));
        prop_assert_eq!(without_numbers(expected), without_numbers(found));
    }

    #[test]
    fn duplicating_and_closing_changes_nothing(
        run in runs::run(),
        at in prop::collection::vec((any::<prop::sample::Index>(), 3..7), 1..6),
    ) {
        let mut lines = run.lines.clone();
        for (index, fd) in at {
            let index = index.index(lines.len() + 1);
            let duplicate = [format!("dup 100 {fd} 99"), "close 100 99".to_owned()];
            lines.splice(index..index, duplicate);
        }
        let expected = files_of(&mut play(&run.world, &run.lines, Form::Descriptors, true));
        let found = files_of(&mut play(&run.world, &lines, Form::Descriptors, true));
        prop_assert_eq!(expected, found);
    }

    #[test]
    fn a_file_only_read_is_an_input_and_nothing_else(
        run in runs::run(),
        reads in prop::collection::vec(runs::reading("only"), 1..10),
        turns in prop::collection::vec(any::<bool>(), 60),
        is_reusing: bool,
    ) {
        let world = [&run.world[..], &["file only 5".to_owned()]].concat();
        let lines = merge(&run.lines, &reads, &turns);
        let files = files_of(&mut play(&world, &lines, Form::Descriptors, is_reusing));
        for file in files.iter().filter(|file| file.path.as_bytes() == b"/w/only") {
            prop_assert_eq!(file.role, Role::Input);
            prop_assert!(!file.written);
        }
    }

    #[test]
    fn nothing_that_the_run_made_is_an_input(run in runs::run(), is_reusing: bool) {
        let mut machine = play(&run.world, &run.lines, Form::Descriptors, is_reusing);
        for file in files_of(&mut machine).iter().filter(|file| file.role == Role::Input) {
            prop_assert!(machine.before.names.contains_key(&file.path.0), "{}", file.path);
            prop_assert!(!file.created);
        }
    }

    #[test]
    fn a_stream_is_the_sum_of_its_events(run in runs::run(), cut: prop::sample::Index) {
        let mut machine = play(&run.world, &run.lines, Form::Descriptors, true);
        let frames = machine.tape.frames.clone();
        let whole = summarize(&frames, &mut machine.files);

        let mut one_by_one = Aggregator::new();
        for item in Reader::new(&frames) {
            match item {
                Item::Text(id, text) => one_by_one.define(id, text),
                Item::Event(event) => one_by_one.apply(&event),
                Item::Unknown(number) => panic!("{number} was not told"),
            }
        }
        prop_assert_eq!(&one_by_one.finish(&mut machine.files), &whole);

        let ends = ends(&frames);
        let (first, second) = frames.split_at(ends[cut.index(ends.len())]);
        let mut in_two = Aggregator::new();
        in_two.apply_stream(first);
        in_two.apply_stream(second);
        prop_assert_eq!(&in_two.finish(&mut machine.files), &whole);
    }

    #[test]
    fn a_cut_stream_tells_of_no_output_that_never_was_one(run in runs::run(), cut: prop::sample::Index) {
        let mut changed = BTreeSet::new();
        let machine = play_and(&run.world, &run.lines, Form::Descriptors, true, |machine| {
            changed.extend(changes(machine));
        });
        let frames = &machine.tape.frames;
        let cut = FRAME_BYTES * cut.index(frames.len() / FRAME_BYTES + 1);
        for file in summarize(&frames[..cut], &mut Nowhere).files {
            prop_assert!(file.role != Role::Output || changed.contains(&file.path.0), "{}", file.path);
        }
    }

    #[test]
    fn damaged_frames_never_panic(
        run in runs::run(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut machine = play(&run.world, &run.lines, Form::Descriptors, true);
        let mut frames = machine.tape.frames.clone();
        for (at, byte) in damage {
            let at = at.index(frames.len());
            frames[at] = byte;
        }
        summarize(&frames, &mut machine.files);
    }

    #[test]
    fn frames_of_any_bytes_never_panic(
        frames in prop::collection::vec(runs::any_frame(), 0..60),
    ) {
        let mut machine = play(&[], &[], Form::Descriptors, false);
        let mut bytes = Vec::new();
        for (id, text) in [(1, "/w/d"), (2, "/w/d/a"), (3, "/w/d/s"), (4, "/"), (5, "")] {
            put_text(&mut bytes, TextId(id), text.as_bytes());
        }
        bytes.extend(frames.concat());
        summarize(&bytes, &mut machine.files);
    }
}

#[test]
fn generated_runs_do_things() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut performed, mut refused) = (0, BTreeMap::new());
    for _ in 0..100 {
        let Run { world, lines } =
            runs::run().new_tree(&mut runner).expect("runs are not filtered").current();
        let world: Vec<&str> = world.iter().map(String::as_str).collect();
        let mut machine = Machine::new(&world, Form::Descriptors, true).expect("the world is possible");
        for line in &lines {
            match machine.perform(line) {
                Ok(()) => performed += 1,
                Err(Refused::ByKernel(error)) => *refused.entry(error).or_insert(0) += 1,
                Err(Refused::Syntax(what)) => panic!("{what}"),
            }
        }
    }
    assert!(
        performed > refused.values().sum::<usize>() / 2,
        "only {performed} calls did not fail: {refused:?}"
    );
}
