//! File stamps from the kernel, and whether two of them speak of the same content.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;
use tracer_schema::FileStamp;

const NS_PER_S: i64 = 1_000_000_000;

/// Longest tick of the clock that file times are taken from: a jiffy, at most 10 ms (CONFIG_HZ=100), and as much again
/// for a tick that came late.
const TICK_NS: i64 = 20_000_000;

/// As [`TICK_NS`], for file systems that keep whole seconds, or two of them (FAT).
const COARSE_TICK_NS: i64 = 2 * NS_PER_S;

/// Returns the stamp of what stat(2) said.
pub fn stamp_of(stat: &Stat) -> FileStamp {
    let ns = |seconds: i64, ns: i64| seconds.saturating_mul(NS_PER_S).saturating_add(ns);
    FileStamp {
        dev: stat.st_dev,
        ino: stat.st_ino,
        size: stat.st_size.cast_unsigned(),
        mtime_ns: ns(stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
        ctime_ns: ns(stat.st_ctime, stat.st_ctime_nsec.cast_signed()),
        mode: stat.st_mode,
        nlink: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
    }
}

/// Returns whether `now` is the version `expect`.
///
/// A change of `ctime` alone counts, except where something else than a change of content explains it: another mode
/// (chmod), another number of names (link, unlink), or that the run is known to have moved the file.
pub(crate) fn is_same_version(expect: &FileStamp, now: &FileStamp, is_moved: bool) -> bool {
    let content = |stamp: &FileStamp| (stamp.dev, stamp.ino, stamp.size, stamp.mtime_ns);
    let is_explained = || is_moved || expect.mode != now.mode || expect.nlink != now.nlink;
    content(expect) == content(now) && (expect.ctime_ns == now.ctime_ns || is_explained())
}

/// Returns whether nothing touched the file between two stamps taken by us: nothing may explain a new `ctime` here.
pub(crate) fn is_untouched(before: &FileStamp, after: &FileStamp) -> bool {
    is_same_version(before, after, false)
}

/// Returns whether a change of the file after `now_ns` is sure to give it another stamp.
pub(crate) fn is_settled(stamp: &FileStamp, now_ns: i64) -> bool {
    let newest_ns = stamp.mtime_ns.max(stamp.ctime_ns);
    let is_coarse = newest_ns % NS_PER_S == 0;
    let tick_ns = if is_coarse { COARSE_TICK_NS } else { TICK_NS };
    newest_ns.saturating_add(tick_ns) < now_ns
}

pub(crate) fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: FileStamp =
        FileStamp { dev: 1, ino: 2, size: 3, mtime_ns: 4, ctime_ns: 5, mode: 0o100_644, nlink: 1 };

    #[test]
    fn another_identity_size_or_mtime_is_another_version() {
        for now in [
            FileStamp { dev: 9, ..OLD },
            FileStamp { ino: 9, ..OLD },
            FileStamp { size: 9, ..OLD },
            FileStamp { mtime_ns: 9, ..OLD },
        ] {
            assert!(!is_same_version(&OLD, &now, false), "{now:?}");
            assert!(!is_same_version(&OLD, &now, true), "{now:?}");
        }
    }

    #[test]
    fn another_ctime_counts_unless_a_rename_link_or_chmod_explains_it() {
        let now = FileStamp { ctime_ns: 9, ..OLD };
        assert!(!is_same_version(&OLD, &now, false));
        assert!(is_same_version(&OLD, &now, true));
        assert!(is_same_version(&OLD, &FileStamp { nlink: 2, ..now }, false));
        assert!(is_same_version(&OLD, &FileStamp { mode: 0o100_600, ..now }, false));
    }

    #[test]
    fn a_file_changed_within_the_last_tick_is_not_settled() {
        let second = 1_700_000_000 * NS_PER_S;
        let fine = FileStamp { mtime_ns: second - 7, ctime_ns: second + 1, ..OLD };
        assert!(!is_settled(&fine, second + TICK_NS));
        assert!(is_settled(&fine, second + TICK_NS + 2));
        let coarse = FileStamp { mtime_ns: second, ctime_ns: second, ..OLD };
        assert!(!is_settled(&coarse, second + NS_PER_S));
        assert!(is_settled(&coarse, second + 2 * NS_PER_S + 1));
    }
}
