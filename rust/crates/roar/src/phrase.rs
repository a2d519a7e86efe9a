//! Numbers and times in words.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracer_schema::Exit;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_S: u64 = 1_000 * NS_PER_MS;

/// Shown where text was cut.
const CUT: char = '…';

/// Where the user is.
static ZONE: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);

/// Names of the signals from 1 on (signal(7), the numbers of x86 and ARM).
const SIGNALS: &[&str] = &[
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// Returns a duration to two or three digits.
pub(crate) fn duration(ns: u64) -> String {
    made(|text| push_duration(text, ns))
}

/// Adds a duration to two or three digits.
pub(crate) fn push_duration(text: &mut String, ns: u64) {
    let seconds = ns / NS_PER_S;
    let written = match ns {
        0..NS_PER_MS => write!(text, "{:.1} ms", ns as f64 / NS_PER_MS as f64),
        NS_PER_MS..NS_PER_S => write!(text, "{} ms", ns / NS_PER_MS),
        _ if seconds < 60 => write!(text, "{:.1} s", (ns / (NS_PER_S / 10)) as f64 / 10.0),
        _ if seconds < 3600 => write!(text, "{} m {:02} s", seconds / 60, seconds % 60),
        _ => write!(text, "{} h {:02} m", seconds / 3600, seconds / 60 % 60),
    };
    written.expect("a string takes what is written to it");
}

/// Returns a length in bytes to two or three digits.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: &[&str] = &["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        if amount < 1024.0 {
            break;
        }
        (amount, unit) = (amount / 1024.0, next);
    }
    if amount < 10.0 { format!("{amount:.1} {unit}") } else { format!("{amount:.0} {unit}") }
}

/// Returns a number with commas between the thousands.
pub(crate) fn number(number: u64) -> String {
    made(|text| push_number(text, number))
}

/// Adds a number with commas between the thousands.
pub(crate) fn push_number(text: &mut String, number: u64) {
    if number >= 1000 {
        push_number(text, number / 1000);
        text.push(',');
        push_digits(text, number % 1000, 3);
    } else {
        write!(text, "{number}").expect("a string takes what is written to it");
    }
}

/// Adds the last digits of a number, so many of them.
fn push_digits(text: &mut String, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        text.push(char::from(b'0' + (number / 10_u64.pow(place) % 10) as u8));
    }
}

/// Returns the text that something adds to none.
fn made(push: impl FnOnce(&mut String)) -> String {
    let mut text = String::new();
    push(&mut text);
    text
}

/// Returns a number of things: `1 file`, `2 files`.
pub(crate) fn count(count: u64, thing: &str) -> String {
    let ending = match count {
        1 => "",
        _ if thing.ends_with("sh") => "es",
        _ => "s",
    };
    format!("{} {thing}{ending}", number(count))
}

/// Returns the time that it is, nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    i64::try_from(Timestamp::now().as_nanosecond()).expect("it is before the year 2262")
}

/// Returns a time where the user is, to the second.
pub(crate) fn time(unix_ns: i64) -> String {
    made(|text| push_time(text, unix_ns))
}

/// Adds a time where the user is, to the second.
pub(crate) fn push_time(text: &mut String, unix_ns: i64) {
    let Ok(time) = Timestamp::from_nanosecond(i128::from(unix_ns)) else {
        return text.push_str(&roar_store::rfc3339(unix_ns));
    };
    let time = ZONE.to_datetime(time);
    // By the digit, without the formatter: a list of many jobs has one of these for each.
    let parts = [
        (u64::from(time.year().unsigned_abs()), 4, '-'),
        (u64::from(time.month().unsigned_abs()), 2, '-'),
        (u64::from(time.day().unsigned_abs()), 2, ' '),
        (u64::from(time.hour().unsigned_abs()), 2, ':'),
        (u64::from(time.minute().unsigned_abs()), 2, ':'),
    ];
    for (number, digits, after) in parts {
        push_digits(text, number, digits);
        text.push(after);
    }
    push_digits(text, u64::from(time.second().unsigned_abs()), 2);
}

/// Returns how something ended: a code, or the name of a signal.
pub(crate) fn exit(exit: Option<Exit>) -> String {
    made(|text| push_exit(text, exit))
}

/// Adds how something ended: a code, or the name of a signal.
pub(crate) fn push_exit(text: &mut String, exit: Option<Exit>) {
    let written = match exit {
        None => write!(text, "unknown"),
        Some(Exit::Code { code }) => write!(text, "{code}"),
        Some(Exit::Signal { signal, core }) => {
            let name = usize::try_from(signal - 1).ok().and_then(|at| SIGNALS.get(at));
            let core = if core { " (core)" } else { "" };
            match name {
                Some(name) => write!(text, "{name}{core}"),
                None => write!(text, "signal {signal}{core}"),
            }
        }
    };
    written.expect("a string takes what is written to it");
}

/// Returns how many columns of a terminal text takes: two for a wide character, none for one that combines with another.
pub(crate) fn columns(text: &str) -> usize {
    // Nearly all text, and nothing in it is unseen: see `quote`.
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Returns text that takes so many columns at most.
pub(crate) fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if columns(text) <= max {
        return text.into();
    }
    let mut used = 1;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= max
    };
    text.chars().take_while(fits).chain([CUT]).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(cut("sort", 4), "sort");
        assert_eq!(cut(&"é".repeat(100), 3), "éé…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
    }

    #[test]
    fn durations_have_two_or_three_digits() {
        for (ns, text) in [
            (0, "0.0 ms"),
            (300_000, "0.3 ms"),
            (81_234_567, "81 ms"),
            (999_999_999, "999 ms"),
            (1_000_000_000, "1.0 s"),
            (59_990_000_000, "59.9 s"),
            (61_000_000_000, "1 m 01 s"),
            (3_600_000_000_000, "1 h 00 m"),
        ] {
            assert_eq!(duration(ns), text);
        }
    }

    #[test]
    fn sizes_have_two_or_three_digits() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (15_360, "15 KiB"), (u64::MAX, "16 EiB")]
        {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        for (given, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(given), text);
        }
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(10_000, "file"), "10,000 files");
        assert_eq!(count(2, "hash"), "2 hashes");
    }

    #[test]
    fn signals_have_names() {
        let signal = |signal, core| exit(Some(Exit::Signal { signal, core }));
        assert_eq!(signal(11, true), "SIGSEGV (core)");
        assert_eq!(signal(31, false), "SIGSYS");
        assert_eq!(signal(34, false), "signal 34");
        assert_eq!(exit(Some(Exit::Code { code: 3 })), "3");
    }
}
