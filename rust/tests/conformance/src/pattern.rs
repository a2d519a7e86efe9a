//! How cases write paths: escapes for bytes, `{1..300}` for many, `*` for names that only the run knows.

use crate::Result;

/// Returns the bytes that `text` stands for: `\n`, `\t`, `\"`, `\\` and `\xHH` are one byte each.
pub fn unescape(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'\\' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let (byte, length) = match after.first() {
            Some(b'n') => (b'\n', 1),
            Some(b't') => (b'\t', 1),
            Some(b'"') => (b'"', 1),
            Some(b'\\') => (b'\\', 1),
            Some(b'x') => (hex_byte(after.get(1..3)).ok_or_else(|| bad_escape(text))?, 3),
            _ => return Err(bad_escape(text)),
        };
        bytes.push(byte);
        rest = &after[length..];
    }
    Ok(bytes)
}

fn hex_byte(digits: Option<&[u8]>) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok()
}

fn bad_escape(text: &str) -> String {
    format!("bad escape in {text:?}: use \\n, \\t, \\\", \\\\ or \\xHH")
}

/// Returns how a person would write those bytes in a case.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => text.push_str("\\n"),
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                other if other.is_control() => push_hex(&mut text, u32::from(other)),
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            push_hex(&mut text, u32::from(*byte));
        }
    }
    if text.is_empty() || text.contains(' ') || text.contains('"') { format!("\"{text}\"") } else { text }
}

fn push_hex(text: &mut String, number: u32) {
    text.push_str("\\x");
    text.extend([number / 16, number % 16].into_iter().filter_map(|digit| char::from_digit(digit, 16)));
}

/// Returns `text` once for each number of its first range `{A..B}`, or `text` alone if it has none. The same range
/// elsewhere in the text is the same number.
pub fn expand_range(text: &str) -> Result<Vec<String>> {
    let Some((range, first, last)) = find_range(text) else {
        return Ok(vec![text.to_owned()]);
    };
    if first > last {
        return Err(format!("empty range in {text:?}"));
    }
    Ok((first..=last).map(|number| text.replace(range, &number.to_string())).collect())
}

fn find_range(text: &str) -> Option<(&str, u64, u64)> {
    let open = text.find('{')?;
    let close = open + text[open..].find('}')?;
    let (first, last) = text[open + 1..close].split_once("..")?;
    Some((&text[open..=close], first.parse().ok()?, last.parse().ok()?))
}

/// Returns whether `path` is what `pattern` describes: `*` is any run of bytes without a slash, `**` any run at all.
pub fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let Some((&first, rest)) = pattern.split_first() else {
        return path.is_empty();
    };
    if first != b'*' {
        return path.split_first().is_some_and(|(&byte, after)| byte == first && matches(rest, after));
    }
    let (crosses_slash, rest) = match rest.strip_prefix(b"*") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let reach =
        if crosses_slash { path.len() } else { path.iter().take_while(|&&byte| byte != b'/').count() };
    (0..=reach).any(|length| matches(rest, &path[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_bytes() {
        assert_eq!(unescape(r"caf\xe9\n").unwrap(), b"caf\xe9\n");
        assert_eq!(unescape(r"a\\b").unwrap(), b"a\\b");
        unescape(r"\q").unwrap_err();
        unescape(r"\x4").unwrap_err();
    }

    #[test]
    fn escaping_comes_back() {
        assert_eq!(escape(b"caf\xe9 x"), "\"caf\\xe9 x\"");
        assert_eq!(escape("é".as_bytes()), "é");
        for bytes in [&b"\n"[..], b"a\\", b"\xff\xfe", b"x"] {
            assert_eq!(unescape(&escape(bytes)).unwrap(), bytes);
        }
    }

    #[test]
    fn a_range_is_each_of_its_numbers() {
        assert_eq!(expand_range("o{9..11} output").unwrap(), ["o9 output", "o10 output", "o11 output"]);
        assert_eq!(expand_range("b{1..2} from=a{1..2}").unwrap(), ["b1 from=a1", "b2 from=a2"]);
        assert_eq!(expand_range("{id}").unwrap(), ["{id}"]);
        expand_range("{2..1}").unwrap_err();
    }

    #[test]
    fn one_star_stays_in_its_directory_and_two_do_not() {
        assert!(matches(b"tmp*", b"tmpab12"));
        assert!(matches(b"tmp*", b"tmp"));
        assert!(!matches(b"tmp*", b"tmp/x"));
        assert!(matches(b".git/**", b".git/objects/ab/cd"));
        assert!(!matches(b"a", b"ab"));
        assert!(matches(b"*.o", b"x.o"));
    }
}
