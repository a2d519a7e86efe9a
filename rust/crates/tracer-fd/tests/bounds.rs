//! What the policy does where no case can lead it: at its bounds, and with what a backend knows only afterwards.

use tracer_fd::{Aggregator, World};
use tracer_schema::{EventFlags, EventKind, FileStamp, Gap, GapKind, Prior, TextId, TraceEvent};

/// Gaps that a summary keeps in full.
const GAPS_KEPT: u32 = 1000;

fn gap(pid: u32) -> Gap {
    Gap { kind: GapKind::UntracedProcess, pid, path: None, detail: "not followed".to_owned() }
}

/// A world of directories of which none can be listed.
struct Sealed;

impl World for Sealed {
    fn look(&mut self, _path: &[u8]) -> Option<FileStamp> {
        Some(directory())
    }

    fn list(&mut self, _directory: &[u8], _each: &mut dyn FnMut(&[u8], FileStamp)) -> Result<(), String> {
        Err("permission denied".to_owned())
    }
}

fn directory() -> FileStamp {
    FileStamp { dev: 1, ino: 7, mode: 0o040_755, nlink: 2, ..FileStamp::default() }
}

#[test]
fn gaps_beyond_the_bound_are_counted_in_the_last() {
    let mut aggregator = Aggregator::new();
    for pid in 0..GAPS_KEPT + 5 {
        aggregator.add_gap(gap(pid));
    }
    let coverage = aggregator.finish(&mut Sealed).coverage;
    assert!(!coverage.complete);
    assert_eq!(coverage.gaps.len(), 1000);
    assert_eq!(coverage.gaps[999].detail, "not followed (and 5 more gaps)");
}

#[test]
fn a_renamed_directory_that_cannot_be_listed_is_a_gap() {
    let mut aggregator = Aggregator::new();
    aggregator.define(TextId(1), b"/w/d");
    aggregator.define(TextId(2), b"/w/e");
    aggregator.apply(&TraceEvent {
        text: TextId(1),
        text2: TextId(2),
        stamp: directory(),
        ..TraceEvent::new(EventKind::Rename, 0, 100, 100)
    });
    let gaps = aggregator.finish(&mut Sealed).coverage.gaps;
    let expected = Gap {
        kind: GapKind::UnlistedDirectory,
        pid: 0,
        path: Some("/w/e".into()),
        detail: "permission denied".to_owned(),
    };
    assert_eq!(gaps, [expected]);
}

/// Returns how a file was before it was emptied, as the summary has it.
fn before(events: &[TraceEvent]) -> Option<FileStamp> {
    let mut aggregator = Aggregator::new();
    aggregator.define(TextId(1), b"/w/x");
    for event in events {
        aggregator.apply(&TraceEvent { text: TextId(1), ..*event });
    }
    let files = aggregator.finish(&mut Sealed).files;
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].prior, Some(Prior::Replaced));
    files[0].before
}

#[test]
fn what_a_file_was_before_is_not_what_it_is_afterwards() {
    /// O_TRUNC (open(2)).
    const O_TRUNC: u64 = 0o1000;
    let file = FileStamp { dev: 1, ino: 8, mode: 0o100_644, nlink: 1, ..FileStamp::default() };
    let whole = FileStamp { size: 10, ..file };
    let open = |flags| TraceEvent {
        stamp: file,
        value: O_TRUNC,
        flags: EventFlags::EXISTED.with(flags),
        ..TraceEvent::new(EventKind::Open, 0, 100, 100)
    };
    let seen = TraceEvent { stamp: whole, ..TraceEvent::new(EventKind::Seen, 0, 100, 100) };
    let truncated = TraceEvent {
        stamp: file,
        flags: EventFlags::AFTERWARDS,
        ..TraceEvent::new(EventKind::Truncate, 0, 100, 100)
    };
    assert_eq!(before(&[open(EventFlags::default())]), Some(file));
    assert_eq!(before(&[open(EventFlags::AFTERWARDS)]), None);
    assert_eq!(before(&[truncated]), None);
    assert_eq!(before(&[seen, open(EventFlags::AFTERWARDS)]), Some(whole));
}
