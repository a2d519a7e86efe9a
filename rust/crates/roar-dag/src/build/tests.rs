//! The rules of the graph, one by one.

use crate::record::{Content, FileUse, JobRecord, Span, Use};
use crate::{Evidence, Graph};

const SECOND: i64 = 1_000_000_000;

fn content(name: &str) -> Option<Content> {
    (name != "?").then(|| Content { hash: name.to_owned(), is_link: false })
}

/// Reads a job from words: `a=X` consumes content X at `a`, `>a=X` produces, `a=X>Y` updates, `!a` deletes; `?` is a
/// content that was not hashed. `a/7=X` had last been changed at second 7. `@a` is a link that
/// was followed.
fn record(step: u64, span: Span, command: &str, files: &str) -> JobRecord {
    let file = |word: &str| {
        if let Some(link) = word.strip_prefix('@') {
            return FileUse { path: link.into(), usage: Use::Followed, since_unix_ns: None };
        }
        let (path, usage) = match word.strip_prefix('!') {
            Some(path) => (path, Use::Deleted),
            None => {
                let (path, contents) = word.trim_start_matches('>').split_once('=').unwrap();
                let usage = match contents.split_once('>') {
                    Some((before, after)) => Use::Updated { before: content(before), after: content(after) },
                    None if word.starts_with('>') => Use::Produced(content(contents)),
                    None => Use::Consumed(content(contents)),
                };
                (path, usage)
            }
        };
        let (path, since) = path.split_once('/').map_or((path, None), |(path, since)| (path, Some(since)));
        let since_unix_ns = since.map(|since| since.parse::<i64>().unwrap() * SECOND);
        FileUse { path: path.into(), usage, since_unix_ns }
    };
    JobRecord {
        id: format!("job-{step}"),
        step,
        command: command.split(' ').map(Into::into).collect(),
        cwd: b"/p".to_vec(),
        span,
        rerun_of: None,
        files: files.split_whitespace().map(file).collect(),
    }
}

fn graph(jobs: &[(&str, &str)]) -> Graph {
    let records: Vec<JobRecord> = (1..)
        .zip(jobs)
        .map(|(step, (command, files))| record(step, Span::default(), command, files))
        .collect();
    Graph::from_records(&records)
}

/// As [`graph`], of jobs that ran from one second to another.
fn graph_at(jobs: &[(i64, i64, &str)]) -> Graph {
    let job = |(step, (start, end, files)): (u64, &(i64, i64, &str))| {
        let span = Span { start_unix_ns: start * SECOND, end_unix_ns: end * SECOND };
        record(step, span, &format!("job {step}"), files)
    };
    let records: Vec<JobRecord> = (1..).zip(jobs).map(job).collect();
    Graph::from_records(&records)
}

/// Says for each job what it takes from which step: `2: a@1 b`.
fn edges(graph: &Graph) -> Vec<String> {
    let name = |edge: &crate::Edge| {
        let path = String::from_utf8_lossy(graph.path(edge.path)).into_owned();
        let version = graph.version(edge.version);
        let producer = version.producer.map(|job| format!("@{}", graph.job(job).step));
        let superseded = version.superseded_producer.map(|step| format!("@{step}(old)"));
        let guess = if edge.evidence == Evidence::Path { "~" } else { "" };
        format!(" {guess}{path}{}", producer.or(superseded).unwrap_or_default())
    };
    let line =
        |job: &crate::Job| format!("{}:{}", job.step, job.consumes.iter().map(name).collect::<String>());
    graph.jobs.iter().map(line).collect()
}

fn stale(graph: &Graph) -> Vec<String> {
    let path = |path| String::from_utf8_lossy(graph.path(path)).into_owned();
    let stale = graph.stale().into_iter();
    stale
        .map(|found| {
            let (job, by) = (graph.job(found.job), graph.job(found.newest_producer));
            format!("@{} {} by @{}", job.step, path(found.path), by.step)
        })
        .collect()
}

#[test]
fn a_job_takes_from_the_job_that_made_the_content_there() {
    let graph = graph(&[("sort", "in=A >out=B"), ("uniq", "out=B >end=C")]);
    assert_eq!(edges(&graph), ["1: in", "2: out@1"]);
}

#[test]
fn a_file_that_was_there_before_a_job_comes_from_none_of_its_equal_products() {
    let graph = graph_at(&[(10, 11, ">status=0"), (20, 21, "zero/5=0"), (30, 31, "copy/15=0")]);
    assert_eq!(edges(&graph), ["1:", "2: zero", "3: copy@1"]);
    // One job of several that may be meant: the newest that can have led there.
    let graph = graph_at(&[(10, 11, ">one=0"), (20, 21, ">two=0"), (30, 31, "copy/15=0")]);
    assert_eq!(edges(&graph)[2], "3: copy@1");
}

#[test]
fn what_a_job_read_while_another_made_it_comes_from_that() {
    let graph = graph_at(&[(12, 13, "log/11=L >copy=L2"), (10, 20, "in=A >log=L")]);
    assert_eq!(edges(&graph), ["1: log@2", "2: in"]);
    // It was there before.
    let graph = graph_at(&[(12, 13, "log/9=L >copy=L2"), (10, 20, "in=A >log=L")]);
    assert_eq!(edges(&graph), ["1: log", "2: in"]);
    // Who answers what it is asked by turns: no circle.
    let graph = graph_at(&[(12, 18, "log/11=L >copy=L2"), (10, 20, "copy/14=L2 >log=L")]);
    assert_eq!(edges(&graph), ["1: log", "2: copy@1"]);
}

#[test]
fn what_was_read_meanwhile_comes_from_who_made_it_there_whoever_else_has_the_same() {
    // The content was known before: in a source, and as the product of another job.
    let graph = graph_at(&[(12, 13, "mid/11=A >out=B"), (10, 20, "a/1=A >mid=A")]);
    assert_eq!(edges(&graph), ["1: mid@2", "2: a"]);
    let graph = graph_at(&[(5, 6, ">old=K"), (12, 13, "mid/11=K >out=B"), (10, 20, ">mid=K")]);
    assert_eq!(edges(&graph)[1], "2: mid@3");
}

#[test]
fn what_is_not_hashed_comes_from_who_made_something_there_at_that_time() {
    let by_name = |since: i64| {
        let found = format!("f/{since}=?");
        edges(&graph_at(&[(10, 20, ">f=F"), (30, 31, &found)]))[1].clone()
    };
    // Read before it was written, as it was left, and changed since by somebody who was not observed.
    assert_eq!([by_name(5), by_name(15), by_name(25)], ["2: ~f", "2: ~f@1", "2: ~f"]);
}

#[test]
fn a_link_that_was_followed_comes_from_who_made_it() {
    let graph = graph(&[("ln", ">cur=T"), ("cat", "@cur v=V >out=V"), ("cat 2", "@other v=V")]);
    assert_eq!(edges(&graph), ["1:", "2: ~cur@1 v", "3: v"]);
}

#[test]
fn who_was_told_to_run_a_step_again_stands_for_it() {
    let mut records = vec![
        record(1, Span::default(), "inc", "c=0 >c=1"),
        record(2, Span::default(), "inc", "c=1 >c=2"),
        record(3, Span::default(), "inc", "c=2 >c=3"),
    ];
    assert_eq!(Graph::from_records(&records).collapse().jobs.len(), 3);
    records[2].rerun_of = Some("job-2".to_owned());
    let graph = Graph::from_records(&records).collapse();
    assert_eq!(graph.jobs.iter().map(|job| job.step).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(edges(&graph), ["1: c", "3: c@2(old)"]);
}

#[test]
fn a_copy_of_what_was_updated_is_no_update() {
    let graph = graph(&[("x", "a=1>2 >b=2")]);
    let job = &graph.jobs[0];
    let updated = job.produces.iter().filter(|made| graph.prior(made).is_some());
    assert_eq!(updated.map(|made| graph.path(made.path)).collect::<Vec<_>>(), [b"a"]);
}

#[test]
fn what_was_read_between_two_updates_is_not_stale() {
    let read_between = graph(&[("cp", ">f=1"), ("read", "f=1 >g=G"), ("sed", "f=1 >f=2"), ("add", "f=2>3")]);
    assert_eq!(stale(&read_between), [""; 0]);
    let made_anew = graph(&[("cp", ">f=1"), ("read", "f=1 >g=G"), ("sed", "f=1 >f=2"), ("other", ">f=3")]);
    assert_eq!(stale(&made_anew), ["@2 f by @4", "@3 f by @4"]);
}

#[test]
fn the_same_bytes_under_two_names_are_one_artifact() {
    let graph = graph(&[("tee", ">a=A >b=A"), ("read", "a=A b=A")]);
    assert_eq!(graph.versions.len(), 1);
    assert_eq!(graph.names(graph.indexed_versions().next().unwrap().0).count(), 2);
    assert_eq!(edges(&graph)[1], "2: a@1 b@1");
}

#[test]
fn a_copy_is_no_cycle_and_its_source_is_not_made_by_it() {
    let graph = graph(&[("cp a b", "a=A >b=A"), ("read a", "a=A"), ("read b", "b=A")]);
    assert_eq!(edges(&graph), ["1: a", "2: a", "3: b@1"]);
    assert_eq!(graph.versions.len(), 2);
}

#[test]
fn an_updated_file_is_two_versions_the_later_of_which_comes_from_the_earlier() {
    let graph = graph(&[("make log", ">log=A"), ("append", "log=A>B"), ("read", "log=B")]);
    assert_eq!(edges(&graph), ["1:", "2:", "3: log@2"]);
    let read = graph.indexed_jobs().nth(2).unwrap().0;
    let steps: Vec<u64> =
        graph.ancestry_of_job(read).jobs.into_iter().map(|job| graph.job(job).step).collect();
    assert_eq!(steps, [1, 2]);
}

#[test]
fn a_file_that_came_back_to_an_earlier_content_comes_from_the_job_that_made_that() {
    let graph = graph(&[("one", ">a=A"), ("two", ">a=B"), ("three", "a=A")]);
    assert_eq!(edges(&graph)[2], "3: a@1");
}

#[test]
fn a_content_brought_elsewhere_by_hand_comes_from_its_maker() {
    let graph = graph(&[("one", ">a=A"), ("two", "b=A")]);
    assert_eq!(edges(&graph)[1], "2: b@1");
}

#[test]
fn a_file_that_somebody_changed_by_hand_comes_from_nowhere() {
    let graph = graph(&[("one", ">a=A"), ("two", "a=B")]);
    assert_eq!(edges(&graph)[1], "2: a");
}

#[test]
fn without_hashes_the_newest_version_there_is_taken() {
    let graph = graph(&[("one", ">a=? >b=? >c=C"), ("two", "a=? b=B c=? d=?"), ("three", "d=?")]);
    assert_eq!(edges(&graph), ["1:", "2: ~a@1 ~b@1 ~c@1 ~d", "3: ~d"]);
    assert_eq!(graph.versions.len(), 4);
}

#[test]
fn what_was_deleted_is_not_taken_by_name() {
    let graph = graph(&[("one", ">a=?"), ("rm", "!a"), ("two", "a=?")]);
    assert_eq!(edges(&graph)[2], "3: ~a");
}

#[test]
fn a_step_that_was_run_again_is_left_out_and_what_used_it_takes_from_the_later_one() {
    let full = graph(&[("gen", ">a=A"), ("use", "a=A >b=B"), ("gen", ">a=A")]);
    assert_eq!(edges(&full), ["1:", "2: a@1", "3:"]);
    let collapsed = full.clone().collapse();
    assert_eq!(edges(&collapsed), ["2: a@3", "3:"]);
    assert_eq!(collapsed.jobs[1].supersedes, [1]);
    assert!(stale(&full).is_empty() && stale(&collapsed).is_empty());
}

#[test]
fn a_step_run_again_with_another_result_makes_its_users_stale() {
    let full = graph(&[("gen", ">a=A"), ("use", "a=A >b=B"), ("gen", ">a=X")]);
    let collapsed = full.clone().collapse();
    assert_eq!(edges(&collapsed), ["2: a@1(old)", "3:"]);
    assert_eq!(stale(&collapsed), ["@2 a by @3"]);
    assert_eq!(stale(&full), ["@2 a by @3"]);
}

#[test]
fn a_step_of_another_directory_supersedes_nothing() {
    let mut records =
        vec![record(1, Span::default(), "gen", ">a=A"), record(2, Span::default(), "gen", ">a=A")];
    records[1].cwd = b"/elsewhere".to_vec();
    assert_eq!(Graph::from_records(&records).collapse().jobs.len(), 2);
}

#[test]
fn a_run_that_comes_from_an_earlier_one_does_not_stand_for_it() {
    // @3 is @1 again, and comes from @2, which took from @1.
    let full = graph(&[("swap", "b=B >a=A"), ("back", "a=A >b=B"), ("swap", "b=B >a=A")]);
    assert_eq!(edges(&full), ["1: b", "2: a@1", "3: b@2"]);
    assert_eq!(edges(&full.clone().collapse()), edges(&full));
    // What is only updated in place is not used: a log that each run adds to.
    let full = graph(&[("fit", "data=D log=L>M >w=W"), ("fit", "data=E log=M>N >w=V")]);
    assert_eq!(edges(&full.collapse()), ["2: data"]);
    // All go on from what the first has left, but the last two from nothing of each other.
    let full = graph(&[("fit", ">w=W"), ("fit", "w=W >m=M"), ("fit", "w=W >m=N")]);
    assert_eq!(edges(&full.collapse()), ["1:", "3: w@1"]);
}

#[test]
fn a_run_that_made_nothing_stands_for_none_that_did() {
    let full = graph(&[("make", "a=A >o=O"), ("cp", "o=O >p=P"), ("make", ""), ("make", "")]);
    assert_eq!(edges(&full.collapse()), ["1: a", "2: o@1", "4:"]);
    let full = graph(&[("make", "a=A >o=O"), ("make", ""), ("make", "a=B >o=Q")]);
    assert_eq!(edges(&full.collapse()), ["3: a"]);
}

#[test]
fn an_empty_file_comes_from_nobody_who_made_another() {
    let nothing = crate::NOTHING;
    let full = graph(&[
        ("touch", &format!(">log={nothing} >x=X")),
        ("use", &format!("init={nothing} y=X log={nothing}")),
    ]);
    assert_eq!(edges(&full), ["1:", "2: init y@1 log@1"]);
}

#[test]
fn a_file_updated_step_by_step_makes_no_step_stale() {
    let graph = graph(&[("one", "log=A log=A>B"), ("two", "log=B log=B>C"), ("three", "log=C")]);
    assert_eq!(stale(&graph), Vec::<String>::new());
}

#[test]
fn a_file_that_was_read_before_another_job_replaced_it_makes_its_reader_stale() {
    let graph = graph(&[("read", "a=A >b=B"), ("replace", ">a=X")]);
    assert_eq!(stale(&graph), ["@1 a by @2"]);
}

#[test]
fn a_file_that_was_changed_by_hand_before_the_step_does_not_make_it_stale() {
    let graph = graph(&[("make", ">a=A"), ("read", "a=X")]);
    assert_eq!(stale(&graph), Vec::<String>::new());
}
