//! What the kernel does, and what is expected of it, in programs of a few lines.

use conformance::report::{Prior, Role};

use super::*;

fn settle(text: &str) -> Settled {
    let program: Program = text.parse().unwrap();
    let settled = Model::settle(&Machine::anywhere(), &program);
    assert_eq!(settled.program.lines.len(), program.lines.len() + 1, "{}", settled.program);
    settled
}

/// Says what is expected of a program, in the words of the conformance cases.
fn records(text: &str) -> Vec<String> {
    let words = |record: &Expected| {
        let mut words = format!("{} {}", record.path, record.role.word());
        match record.prior {
            Some(Prior::Kept) => words.push_str(" kept"),
            Some(Prior::Replaced) => words.push_str(" replaced"),
            None => {}
        }
        if let Some(from) = &record.renamed_from {
            words.push_str(" from=");
            words.push_str(from);
        }
        words
    };
    settle(text).model.expected().iter().map(words).collect()
}

#[test]
fn what_was_there_and_is_read_is_an_input_until_it_is_changed() {
    let read = "+ file a xyz\n0 0 open a RDWR\n1 0 read %0 2\n";
    assert_eq!(records(read), ["a input"]);
    assert_eq!(records(&format!("{read}2 0 write %0 1\n")), ["a input", "a output kept"]);
    assert_eq!(records("+ file a xyz\n0 0 open a RDWR|TRUNC\n1 0 read %0 2\n"), ["a output replaced"]);
    assert_eq!(records("+ file a xyz\n0 0 open a RDWR\n1 0 write %0 0\n"), [""; 0]);
}

#[test]
fn content_moves_with_a_name() {
    let moved = records("+ file a x\n0 0 rename a b NONE\n");
    assert_eq!(moved, ["a input", "a deleted", "b output from=a"]);
    let tree = "+ directory d\n+ file d/a x\n";
    let moved = records(&format!("{tree}0 0 rename d e NONE\n"));
    assert_eq!(moved, ["d/a input", "d/a deleted", "e/a output from=d/a"]);
    assert_eq!(records("+ file a x\n+ link b a\n0 0 rename a b NONE\n"), [""; 0]);
    let exchanged = records("+ file a x\n+ file b y\n0 0 rename a b EXCHANGE\n");
    assert_eq!(exchanged, ["a input", "a output replaced from=b", "b input", "b output replaced from=a"]);
}

#[test]
fn another_name_of_a_changed_file_is_an_output_if_something_was_done_by_it() {
    let world = "+ file a x\n+ link b a\n0 0 open b WRONLY\n1 0 open a RDONLY\n2 0 write %0 1\n";
    assert_eq!(records(world), ["b output kept"]);
    assert_eq!(records(&format!("{world}3 0 read %1 1\n")), ["a output kept", "b output kept"]);
}

#[test]
fn a_program_that_is_written_cannot_run_and_one_that_runs_cannot_be_written() {
    let text = "+ program p\n0 0 open p WRONLY\n1 0 exec p\n2 0 close %0\n3 0 exec p\n4 0 open p WRONLY\n5 0 truncate p 0\n";
    let outcomes = settle(text).outcomes;
    let busy = Err(Refusal::Failed(Errno::TXTBSY));
    assert_eq!(outcomes[1], busy);
    assert_eq!(outcomes[3], Ok(Returned::default()));
    assert_eq!(outcomes[4..6], [busy, busy]);
}

#[test]
fn a_thread_that_executes_a_program_is_all_that_is_left_of_its_process() {
    let settled =
        settle("+ program p\n0 0 fork 1\n1 1 thread 2\n2 2 exec p\n3 2 fork 3\n4 2 wait 3\n5 0 wait 2\n");
    assert!(settled.outcomes.iter().all(Result::is_ok));
    let ends_early = "+ program p\n0 0 fork 1\n1 1 thread 2\n2 2 exec p\n3 1 stat p\n";
    let program: Program = ends_early.parse().unwrap();
    let calls = Model::settle(&Machine::anywhere(), &program).program.lines;
    assert!(calls.iter().all(|line| line.call != "stat"));
}

#[test]
fn what_would_wait_forever_is_left_out() {
    let program: Program = "0 0 pipe\n1 0 read %0 1\n2 0 receive NONE\n3 0 wait 5\n".parse().unwrap();
    let settled = Model::settle(&Machine::anywhere(), &program);
    let calls: Vec<&str> = settled.program.lines.iter().map(|line| line.call.as_str()).collect();
    assert_eq!(calls, ["pipe", "end"]);
}

#[test]
fn what_is_open_to_discussion_is_marked() {
    let settled = settle("+ directory d\n+ file d/a x\n0 0 rename d e NONE\n1 0 rename e f NONE\n");
    let between: Vec<Expected> =
        settled.model.expected().into_iter().filter(|record| record.role == Role::Temporary).collect();
    assert_eq!(
        between.iter().map(|record| (record.path.as_str(), record.is_open)).collect::<Vec<_>>(),
        [("e/a", true)]
    );
}
