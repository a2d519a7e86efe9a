//! Putting a name in place of everything that differs from one run to the next.

use std::iter::once;

/// Words after a number that depends on the machine.
const COUNTED: &[&str] = &["event", "events", "events,", "temporary"];

/// Units of a duration.
const UNITS: &[&str] = &["ms", "s", "ms,", "s,", "ms)", "s)"];

/// Rewrites ids, times, durations, and counts of events; blanks between words become one or two, since the width of
/// columns depends on the rest.
#[must_use]
pub fn rewrite(text: &str) -> String {
    text.split_inclusive('\n').map(rewrite_line).collect()
}

fn rewrite_line(line: &str) -> String {
    let body = line.trim_end_matches('\n');
    let indent = body.len() - body.trim_start_matches(' ').len();
    let mut out = body[..indent].to_owned();
    let mut words: Vec<(String, &str)> = words(&body[indent..]);
    for at in 0..words.len() {
        let next = words.get(at + 1).map(|(word, _)| word.clone()).unwrap_or_default();
        words[at].0 = rewrite_word(&words[at].0, &next);
    }
    let mut at = 0;
    while at < words.len() {
        let (word, gap) = &words[at];
        out.push_str(word);
        // The unit after a duration, and the time after a date, are part of what was rewritten.
        let is_pair = word.ends_with("[TOOK]") || word.ends_with("[TIME]");
        let following = words.get(at + usize::from(is_pair));
        if is_pair && let Some((next, _)) = following {
            out.push_str(next.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == ':'));
        }
        let gap = if is_pair { following.map_or("", |(_, gap)| gap) } else { gap };
        out.push_str(&"  "[..gap.len().min(2)]);
        at += 1 + usize::from(is_pair);
    }
    out.push_str(&line[body.len()..]);
    out
}

/// Returns the words, each with the blanks after it.
fn words(text: &str) -> Vec<(String, &str)> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(' ').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let next = after.len() - after.trim_start_matches(' ').len();
        words.push((word.to_owned(), &after[..next]));
        rest = &after[next..];
    }
    words
}

fn rewrite_word(word: &str, next: &str) -> String {
    let core_start = word.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(0);
    let (before, core) = word.split_at(core_start);
    if is_number(core) && UNITS.contains(&next) {
        return format!("{before}[TOOK]");
    }
    if is_shaped(core, "dddd-dd-dd") && next.get(..8).is_some_and(|time| is_shaped(time, "dd:dd:dd")) {
        return format!("{before}[TIME]");
    }
    if is_number(core) && COUNTED.contains(&next) {
        return format!("{before}[N]");
    }
    let end = core.find(|c: char| !c.is_ascii_hexdigit() && c != '-').unwrap_or(core.len());
    let (core, after) = core.split_at(end);
    let name = match core {
        id if is_shaped(id, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") => "[JOB-ID]",
        id if is_shaped(id, "xxxxxxxx-xxxx") => "[JOB]",
        other => other,
    };
    once(before).chain([name, after]).collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',')
}

/// Returns whether the text has that shape: `d` a digit, `x` a hexadecimal one.
fn is_shaped(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            other => byte == other,
        })
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    #[test]
    fn what_differs_is_named_and_the_rest_stays() {
        for (text, rewritten) in [
            (
                "roar: @1 recorded: 1 input, 1 output (12 ms)\n",
                "roar: @1 recorded: 1 input, 1 output ([TOOK])\n",
            ),
            ("@1    01a20578-d484  2026-11-22 22:55:34    3 ms  0\n", "@1  [JOB]  [TIME]  [TOOK]  0\n"),
            ("  started    2026-11-22 22:55:34, took 1.3 s\n", "  started  [TIME], took [TOOK]\n"),
            ("job @1  01a20578-d484-7046-8991-152ce0599744", "job @1  [JOB-ID]"),
            ("    in   a.csv  3 B\n", "    in  a.csv  3 B\n"),
            ("42 events, 1.0 ms of CPU time", "[N] events, [TOOK] of CPU time"),
            ("\n", "\n"),
        ] {
            assert_eq!(rewrite(text), rewritten);
        }
    }
}
