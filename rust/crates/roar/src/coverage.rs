//! What of a run was not seen, in one line: what, why, and what to do.

use tracer_schema::{Coverage, Gap, GapKind};

use crate::{phrase, quote};

/// Returns the gap that matters most, what to do about it, and how many others there are.
pub(crate) fn partial(coverage: &Coverage, backend: &str, step: u64) -> String {
    let Some(gap) = coverage.gaps.iter().min_by_key(|gap| rank(gap.kind)) else {
        let lost = phrase::count(coverage.events_lost, "event");
        return format!("{lost} lost; {}", advice(GapKind::EventsLost, backend).unwrap_or_default());
    };
    let Gap { kind, pid: _, path, detail } = gap;
    let path = path.as_ref().map(|path| format!("{}: ", quote::word(path.as_bytes()))).unwrap_or_default();
    let advice = advice(*kind, backend).map(|words| format!("; {words}")).unwrap_or_default();
    let more = match coverage.gaps.len() - 1 {
        0 => String::new(),
        more => format!(" ({more} more, see `roar show @{step}`)"),
    };
    format!("{path}{detail}{advice}{more}")
}

/// Returns what comes first: what concerns the whole run.
fn rank(kind: GapKind) -> u8 {
    match kind {
        GapKind::TracerDied => 0,
        GapKind::EventsLost => 1,
        GapKind::StaticProgram
        | GapKind::PrivilegedProgram
        | GapKind::IoUring
        | GapKind::DescendantLeft
        | GapKind::UnresolvedPath
        | GapKind::SeccompListener
        | GapKind::UntracedProcess
        | GapKind::UnlistedDirectory
        | GapKind::UndecodedCall
        | GapKind::RawCalls
        | GapKind::UnseenObjects => 2,
    }
}

/// Returns what to do, where the tracer does not say it itself.
fn advice(kind: GapKind, backend: &str) -> Option<&'static str> {
    match (kind, backend) {
        // What is said of a program names the backends that see it.
        (
            GapKind::StaticProgram
            | GapKind::RawCalls
            | GapKind::PrivilegedProgram
            | GapKind::DescendantLeft
            | GapKind::UnseenObjects,
            _,
        )
        | (GapKind::UntracedProcess | GapKind::IoUring, "preload") => None,
        (GapKind::TracerDied, _) => Some("run it again"),
        (GapKind::EventsLost, _) => {
            Some("run it again when the machine is less busy, or with another `--tracer`")
        }
        (GapKind::IoUring, "ebpf") => Some("use `--tracer ptrace`"),
        (GapKind::SeccompListener, _) => Some("run what is supervised under roar, not its supervisor"),
        (GapKind::UnlistedDirectory, _) => Some("make it readable for yourself"),
        (
            GapKind::IoUring | GapKind::UntracedProcess | GapKind::UndecodedCall | GapKind::UnresolvedPath,
            _,
        ) => Some("try another `--tracer`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(kind: GapKind, path: Option<&str>, detail: &str) -> Gap {
        Gap {
            kind,
            pid: 1,
            path: path.map(|path| path.as_bytes().to_vec().into()),
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn one_line_says_what_and_why_and_what_to_do() {
        let mut coverage = Coverage::default();
        coverage.gaps.push(gap(GapKind::UnresolvedPath, Some("/a b"), "its path is not known"));
        assert_eq!(partial(&coverage, "ebpf", 3), "'/a b': its path is not known; try another `--tracer`");
        coverage.gaps.push(gap(GapKind::TracerDied, None, "the tracer ended before the run did"));
        assert_eq!(
            partial(&coverage, "ebpf", 3),
            "the tracer ended before the run did; run it again (1 more, see `roar show @3`)"
        );
    }

    #[test]
    fn what_was_only_counted_is_told_too() {
        let coverage = Coverage { complete: false, events_lost: 2, gaps: Vec::new() };
        assert!(partial(&coverage, "ebpf", 1).starts_with("2 events lost; run it again"));
    }
}
