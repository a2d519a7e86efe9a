//! Names and commands as a person can read them and a shell can take them back.

use std::fmt::Write;

/// Returns a command as one line that a POSIX shell reads as the same words.
pub(crate) fn command(words: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut line = String::new();
    push_command(&mut line, words);
    line
}

/// Adds a command as one line that a POSIX shell reads as the same words.
pub(crate) fn push_command(line: &mut String, words: impl IntoIterator<Item = impl AsRef<[u8]>>) {
    for (at, word) in words.into_iter().enumerate() {
        if at > 0 {
            line.push(' ');
        }
        push_word(line, word.as_ref());
    }
}

/// Returns a word, quoted where a shell would take it for something else.
///
/// What cannot be seen (control characters, broken UTF-8, marks that turn the direction of the text) is escaped within
/// `$'…'`, so that no name can say something that it is not.
pub(crate) fn word(bytes: &[u8]) -> String {
    let mut text = String::new();
    push_word(&mut text, bytes);
    text
}

/// Returns a sentence in which what cannot be seen is escaped, for one that has names in it as they are.
pub(crate) fn sentence(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unseen(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn push_word(line: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        // Nearly every word.
        Ok(text) if !text.is_empty() && bytes.iter().copied().all(is_plain_ascii) => {
            line.push_str(text);
        }
        Ok(text) if text.chars().any(is_unseen) => push_escaped(line, bytes),
        Ok(text) if !text.is_empty() && text.chars().all(is_plain) => line.push_str(text),
        Ok(text) => {
            line.push('\'');
            line.push_str(&text.replace('\'', "'\\''"));
            line.push('\'');
        }
        Err(_) => push_escaped(line, bytes),
    }
}

fn is_plain_ascii(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'@' | b'%' | b'+' | b'=' | b':' | b',' | b'.' | b'/' | b'-')
}

fn is_plain(character: char) -> bool {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() => is_plain_ascii(byte),
        Ok(_) | Err(_) => !character.is_whitespace(),
    }
}

fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn push_escaped(text: &mut String, bytes: &[u8]) {
    text.push_str("$'");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\r' => text.push_str("\\r"),
                '\'' | '\\' => text.extend(['\\', character]),
                character if is_unseen(character) => {
                    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                        push_byte(text, byte);
                    }
                }
                character => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            push_byte(text, *byte);
        }
    }
    text.push('\'');
}

/// Three octal digits: unlike hexadecimal ones, they end where they end.
fn push_byte(text: &mut String, byte: u8) {
    write!(text, "\\{byte:03o}").expect("a string takes what is written to it");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_left_alone_and_others_are_quoted() {
        for (bytes, quoted) in [
            (&b"sort"[..], "sort"),
            (b"--key=2,3", "--key=2,3"),
            ("naïve/日本".as_bytes(), "naïve/日本"),
            (b"", "''"),
            (b"a b", "'a b'"),
            (b"it's", "'it'\\''s'"),
            (b"$HOME", "'$HOME'"),
            (b"~", "'~'"),
            (b"*.csv", "'*.csv'"),
        ] {
            assert_eq!(word(bytes), quoted);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        for (bytes, quoted) in [
            (&b"a\nb"[..], "$'a\\nb'"),
            (b"bad\xff1", "$'bad\\3771'"),
            (b"\x1b[31mred", "$'\\033[31mred'"),
            ("a\u{202e}b".as_bytes(), "$'a\\342\\200\\256b'"),
            (b"it's\t\\", "$'it\\'s\\t\\\\'"),
        ] {
            assert_eq!(word(bytes), quoted);
        }
    }

    #[test]
    fn a_shell_reads_back_every_word() {
        let words: Vec<Vec<u8>> = (1..=255_u8)
            .map(|byte| vec![b'a', byte, b'7'])
            .chain([b"".to_vec(), b"-n".to_vec(), "é\u{202e}".into(), b"'\\''$'".to_vec()])
            .collect();
        let script = format!("printf '%s\\0' {}", command(&words));
        // bash, since dash reads no `$'…'`.
        let Ok(output) = std::process::Command::new("bash").args(["-c", &script]).output() else {
            return;
        };
        let read: Vec<&[u8]> = output.stdout.split_inclusive(|byte| *byte == 0).collect();
        let read: Vec<&[u8]> = read.iter().map(|word| &word[..word.len() - 1]).collect();
        assert_eq!(read, words);
    }
}
