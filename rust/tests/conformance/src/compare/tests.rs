//! Reports written by hand, one mistake each.

use super::*;

const WORLD: &[u8] = b"/w";

fn record(path: &str, role: &str, more: &str) -> String {
    let mut record = serde_json::json!({
        "path": path, "role": role, "read": role == "input", "written": role == "output", "executed": false,
        "created": false, "deleted": false, "prior": null, "kind": "file", "renamed_from": null,
        "bytes_read": null, "bytes_written": null, "pids": [7], "size": null, "hash": null, "prior_hash": null,
        "filtered": false,
    });
    let more: serde_json::Value = serde_json::from_str(&format!("{{{more}}}")).unwrap();
    let object = record.as_object_mut().unwrap();
    object.extend(more.as_object().unwrap().clone());
    record.to_string()
}

fn report(files: &[String], coverage: &str) -> Report {
    let json = format!(
        r#"{{"format": "roar.report/1", "backend": "ptrace", "command": ["x"], "cwd": "/w", "root_pid": 7,
            "started_at": "", "duration_ns": 1, "exit": {{"code": 0}}, "coverage": {coverage},
            "processes": [{{"pid": 7, "parent": null}}], "files": [{}], "tracer": {{"mode": "seccomp", "events": 1}}}}"#,
        files.join(",")
    );
    Report::parse(json.as_bytes()).unwrap()
}

const COMPLETE: &str = r#"{"complete": true, "events_lost": 0, "gaps": []}"#;

fn differences(case: &str, files: &[String]) -> Vec<String> {
    let case: Case = toml::from_str(&format!("name = 'a'\nshell = ''\n{case}")).unwrap();
    let expected = Expected::of(&case, "ptrace", str::to_owned).unwrap();
    compare(&expected, &report(files, COMPLETE), WORLD)
}

#[test]
fn what_is_expected_and_no_more_is_well() {
    let files = [
        record("/w/a", "input", ""),
        record("/usr/lib/x", "input", ""),
        record("/w/t", "input", r#""filtered": true"#),
    ];
    assert!(differences("expect = ['a input']", &files).is_empty());
}

#[test]
fn a_missing_record_is_a_minus_and_one_too_many_a_plus() {
    let files = [record("/w/b", "output", r#""prior": "kept", "renamed_from": "/w/c d""#)];
    assert_eq!(differences("expect = ['a input']", &files), ["+ b output kept from=\"c d\"", "- a input"]);
}

#[test]
fn prior_kind_and_renamed_from_are_always_compared() {
    let files = [record("/w/a", "output", r#""prior": "kept", "kind": "symlink", "renamed_from": "/w/b""#)];
    let differences = differences("expect = ['a output replaced']", &files);
    assert_eq!(differences.len(), 3, "{differences:?}");
    assert_eq!(differences[0], "~ a output replaced: prior is kept, not replaced");
}

#[test]
fn a_flag_is_compared_where_it_is_named() {
    let files = [record("/w/a", "input", r#""executed": true"#)];
    assert!(differences("expect = ['a input']", &files).is_empty());
    assert!(differences("expect = ['a input executed']", &files).is_empty());
    assert_eq!(differences("expect = ['a input !executed']", &files).len(), 1);
}

#[test]
fn a_wildcard_is_one_record_unless_it_says_how_many() {
    let files = [record("/w/tmp1", "temporary", ""), record("/w/tmp2", "temporary", "")];
    assert_eq!(differences("expect = ['tmp* temporary']", &files).len(), 1);
    assert!(differences("expect = ['tmp* temporary count=2']", &files).is_empty());
    assert_eq!(
        differences("expect = ['tmp* temporary count=3']", &files),
        ["- tmp* temporary count=3 (1 missing)"]
    );
}

#[test]
fn an_ignored_path_may_be_there_or_not_but_a_named_one_must() {
    let files = [record("/w/.git/x", "output", ""), record("/w/.git/HEAD", "output", "")];
    assert!(differences("ignore = ['.git/**']\nexpect = ['.git/HEAD output']", &files).is_empty());
    assert_eq!(differences("ignore = ['.git/**']\nexpect = ['.git/y output']", &files), ["- .git/y output"]);
}

#[test]
fn a_path_outside_the_world_is_compared_when_it_is_named() {
    let files = [record("/dev/shm/x", "output", "")];
    assert!(differences("expect = ['/dev/shm/x output']", &files).is_empty());
    assert!(differences("expect = []", &files).is_empty());
    assert_eq!(differences("expect = ['/dev/shm/y output']", &files), ["- /dev/shm/y output"]);
}

#[test]
fn a_filtered_record_is_compared_when_a_line_says_filtered() {
    let files = [record("/w/x.pyc", "output", r#""filtered": true"#)];
    assert!(differences("expect = []", &files).is_empty());
    assert!(differences("expect = ['x.pyc output filtered']", &files).is_empty());
    assert_eq!(differences("expect = ['x.pyc output']", &files), ["- x.pyc output"]);
    assert_eq!(differences("expect = ['a output filtered']", &[record("/w/a", "output", "")]).len(), 2);
}

#[test]
fn gaps_are_compared_by_kind_and_by_program_where_one_is_named() {
    let partial = r#"{"complete": false, "events_lost": 0,
        "gaps": [{"kind": "io_uring", "pid": 7, "path": "/t/uring_sqpoll", "detail": "d"}]}"#;
    let with_gaps = |gaps: &str| {
        let case: Case =
            toml::from_str(&format!("name = 'a'\nshell = ''\nexpect = []\ngaps = {gaps}")).unwrap();
        compare(&Expected::of(&case, "ptrace", str::to_owned).unwrap(), &report(&[], partial), WORLD)
    };
    assert!(with_gaps("['io_uring']").is_empty());
    assert!(with_gaps("['io_uring uring_sqpoll']").is_empty());
    assert_eq!(with_gaps("['io_uring other']").len(), 2);
    assert_eq!(with_gaps("[]").len(), 2);
}

#[test]
fn a_difference_takes_the_place_of_what_is_common() {
    let case = "expect = ['a input']\n[differs.ptrace]\nwhy = 'w'\nexpect = []";
    assert!(differences(case, &[]).is_empty());
    assert_eq!(differences(case, &[record("/w/a", "input", "")]), ["+ a input"]);
}

#[test]
fn a_report_that_contradicts_itself_is_at_fault() {
    let twice = report(&[record("/w/a", "input", ""), record("/w/a", "input", "")], COMPLETE);
    assert_eq!(twice.faults("ptrace"), ["/w/a input is listed twice"]);
    let stranger = report(&[record("/w/a", "input", r#""pids": [8]"#)], COMPLETE);
    assert_eq!(stranger.faults("ptrace").len(), 1);
    let pipe = report(&[record("pipe:[12]", "input", "")], COMPLETE);
    assert_eq!(pipe.faults("ptrace").len(), 1);
    let lost = report(&[], r#"{"complete": true, "events_lost": 3, "gaps": []}"#);
    assert_eq!(lost.faults("ptrace").len(), 1);
    assert_eq!(report(&[], COMPLETE).faults("preload").len(), 1);
}
