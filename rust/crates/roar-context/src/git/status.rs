//! What `git status --porcelain=v2 --branch -z` says (git-status(1), "Porcelain Format Version 2").

use tracer_schema::PathBytes;

use crate::git::repository::{Head, object_id};

/// Output of the program, in words of ours.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// What is checked out.
    pub(crate) head: Head,
    /// Tracked paths that differ, sorted.
    pub(crate) changed: Vec<PathBytes>,
}

/// Fields before the path, by the letter that begins an entry: changed, renamed or copied, unmerged.
const FIELDS: &[(u8, usize)] = &[(b'1', 8), (b'2', 9), (b'u', 10)];

/// Reads the output as far as it goes: an entry without its final NUL was cut off.
pub(crate) fn parse(output: &[u8]) -> Status {
    let mut status = Status::default();
    let complete = output.iter().rposition(|byte| *byte == 0).map_or(&[][..], |end| &output[..end]);
    let mut entries = complete.split(|byte| *byte == 0);
    while let Some(entry) = entries.next() {
        if let Some(header) = entry.strip_prefix(b"# ") {
            read_header(&String::from_utf8_lossy(header), &mut status.head);
            continue;
        }
        let fields =
            FIELDS.iter().find(|(letter, _)| entry.first() == Some(letter)).map(|(_, fields)| *fields);
        let Some(path) = fields.and_then(|fields| entry.splitn(fields + 1, |byte| *byte == b' ').nth(fields))
        else {
            continue;
        };
        status.changed.push(PathBytes::from(path));
        if entry.first() == Some(&b'2') {
            status.changed.extend(entries.next().map(PathBytes::from));
        }
    }
    status.changed.sort();
    status.changed.dedup();
    status
}

fn read_header(header: &str, head: &mut Head) {
    match header.split_once(' ') {
        Some(("branch.oid", id)) => head.commit = object_id(id),
        Some(("branch.head", name)) => head.branch = (name != "(detached)").then(|| name.to_owned()),
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn every_kind_of_entry_gives_its_paths() {
        let output = format!(
            "# branch.oid {ID}\0# branch.head a b\0# branch.upstream o/m\0\
             1 .M N... 100644 100644 100644 {ID} {ID} z with space\0\
             2 R. N... 100644 100644 100644 {ID} {ID} R100 new\0old\0\
             u UU N... 100644 100644 100644 100644 {ID} {ID} {ID} both\0? untracked\0"
        );
        let status = parse(output.as_bytes());
        assert_eq!(status.head, Head { branch: Some("a b".to_owned()), commit: Some(ID.to_owned()) });
        assert_eq!(status.changed, ["both", "new", "old", "z with space"].map(PathBytes::from));
    }

    #[test]
    fn a_branch_without_commits_a_detached_head_and_no_output_are_understood() {
        let unborn = parse(b"# branch.oid (initial)\0# branch.head main\0");
        assert_eq!(unborn.head, Head { branch: Some("main".to_owned()), commit: None });
        let detached = parse(format!("# branch.oid {ID}\0# branch.head (detached)\0").as_bytes());
        assert_eq!(detached.head, Head { branch: None, commit: Some(ID.to_owned()) });
        assert_eq!(parse(b""), Status::default());
    }

    #[test]
    fn an_entry_that_was_cut_off_is_left_out() {
        let output = format!("1 .M N... 1 1 1 {ID} {ID} whole\0001 .M N... 1 1 1 {ID} {ID} ha");
        assert_eq!(parse(output.as_bytes()).changed, [PathBytes::from("whole")]);
    }
}
