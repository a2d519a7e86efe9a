//! What a run did to objects, in lines that are written by hand.

use super::*;

/// Returns lines, in the order of their time: a deed, a version or `-`, an ETag or `-`, and the task.
fn lines(text: &[&str]) -> Vec<Told> {
    let line = |(time_ns, line): (u64, &&str)| {
        let words: Vec<&str> = line.split(' ').collect();
        let word = |at: usize| words.get(at).filter(|word| **word != "-").map(|word| (*word).to_owned());
        Told {
            object: match words[0] {
                "read" => Deed::Read,
                "write" => Deed::Write,
                _ => Deed::Delete,
            },
            url: "s3://b/k".to_owned(),
            endpoint: None,
            version: word(1),
            etag: word(2),
            size: None,
            pid: 7,
            time_ns,
            task: word(3).map(|task| task.parse().unwrap()),
            teller: PathBytes::from("t"),
        }
    };
    (1..).zip(text).map(line).collect()
}

/// Returns the objects as text: role, version, ETag, and the tasks with what it was to them.
fn check(text: &[&str]) -> Vec<String> {
    let role = |role| match role {
        Role::Input => "input",
        Role::Output => "output",
        Role::Temporary => "temporary",
        Role::Deleted => "deleted",
    };
    let concern = |concern: &Concern| {
        let sign = if concern.role == Role::Input { '<' } else { '>' };
        let rewritten = if concern.is_rewritten { "!" } else { "" };
        format!(" {sign}{}{rewritten}", concern.task)
    };
    let object = |object: Object| {
        let concerns: String = object.concerns.iter().map(concern).collect();
        let word = |word: Option<String>| word.unwrap_or_else(|| "-".to_owned());
        format!(
            "{} {} {}{concerns}",
            role(object.record.role),
            word(object.record.version),
            word(object.record.etag)
        )
    };
    objects_of(lines(text)).into_iter().map(object).collect()
}

#[test]
fn what_the_run_has_written_is_none_of_its_inputs() {
    assert_eq!(check(&["write - a 1", "read - a 2"]), ["output - a >1 <2"]);
    assert_eq!(check(&["write - a 1", "read - - 2"]), ["output - a >1 <2"]);
}

#[test]
fn what_is_read_before_it_is_replaced_is_an_input() {
    assert_eq!(check(&["read - a 1", "write - b 1"]), ["input - a <1", "output - b >1"]);
}

#[test]
fn what_somebody_else_has_put_there_meanwhile_is_an_input() {
    assert_eq!(check(&["write - a 1", "read - b 2"]), ["input - b <2", "output - a >1"]);
}

#[test]
fn without_versions_the_last_one_stays_and_with_them_all_do() {
    assert_eq!(check(&["write - a 1", "read - a 2", "write - b 3"]), ["output - b >1! <2! >3"]);
    assert_eq!(check(&["write x a 1", "write y b 2", "read x a 3"]), ["output x a >1 <3", "output y b >2"]);
}

#[test]
fn versions_are_told_apart_whose_content_is_the_same() {
    assert_eq!(check(&["read x a 1", "read y a 2"]), ["input x a <1", "input y a <2"]);
}

#[test]
fn ranges_of_one_object_are_one_input() {
    assert_eq!(check(&["read - a 1", "read - a 1", "read - a 2"]), ["input - a <1 <1 <2"]);
}

#[test]
fn what_is_made_and_removed_is_temporary_and_what_was_there_before_is_deleted() {
    assert_eq!(check(&["write - a 1", "delete - - 2"]), ["temporary - a >1 >2"]);
    assert_eq!(check(&["delete - - 1"]), ["deleted - - >1"]);
    assert_eq!(check(&["read - a", "write - b", "delete"]), ["input - a", "deleted - b"]);
    assert_eq!(check(&["write x a 1", "delete w - 1"]), ["output x a >1", "deleted w - >1"]);
    assert_eq!(
        check(&["write - a 1", "delete - - 1", "write - b 2"]),
        ["output - b >2", "temporary - a >1 >1"]
    );
}

#[test]
fn a_server_of_ones_own_is_part_of_the_name() {
    let mut both = lines(&["write - a", "read - a"]);
    both[1].endpoint = Some("http://127.0.0.1:9000".to_owned());
    let names =
        objects_of(both).into_iter().map(|object| (object.record.path().to_string(), object.record.role));
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            ("s3://b/k".to_owned(), Role::Output),
            ("s3://b/k?endpoint=http://127.0.0.1:9000".to_owned(), Role::Input)
        ]
    );
}
