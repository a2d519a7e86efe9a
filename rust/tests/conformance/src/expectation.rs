//! One line of a case's `expect`: `PATH ROLE [kept|replaced] [symlink] [from=PATH] [count=N] [bytes_read=N] [bytes_written=N] [filtered]
//! [flags]`.

use std::fmt::Display;
use std::str::FromStr;

use crate::Result;
use crate::pattern;
use crate::report::{FileRecord, Kind, Prior, Role};

/// The boolean fields of a record that a case may name, as `executed` or `!executed`.
const FLAGS: [&str; 5] = ["read", "written", "executed", "created", "deleted"];

/// What one line says. The path may hold `*`; a line speaks of exactly one record unless it says `count=N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The line, for messages.
    pub line: String,
    /// Path, relative to the world unless it begins with a slash.
    pub path: Vec<u8>,
    /// Role.
    pub role: Role,
    /// What became of the version from before.
    pub prior: Option<Prior>,
    /// Regular file or symbolic link.
    pub kind: Kind,
    /// The path that an output was renamed from.
    pub renamed_from: Option<Vec<u8>>,
    /// How many records there must be.
    pub count: usize,
    /// Bytes read and written, of a backend that counts them.
    pub bytes: [Option<u64>; 2],
    /// Whether the record is one that people are not shown. Other such records are not looked at.
    pub filtered: bool,
    /// Boolean fields that the case insists on.
    pub flags: Vec<(&'static str, bool)>,
}

impl Expectation {
    /// Reads a line; a range in it makes several.
    pub fn parse(line: &str) -> Result<Vec<Self>> {
        pattern::expand_range(line)?.iter().map(|line| Self::parse_one(line)).collect()
    }

    fn parse_one(line: &str) -> Result<Self> {
        let mut words = split_words(line)?.into_iter();
        let path = words.next().ok_or("an empty line in `expect`")?;
        let role = words.next().ok_or_else(|| format!("no role in {line:?}"))?;
        let role = Role::from_word(&role).ok_or_else(|| format!("no such role as {role:?} in {line:?}"))?;
        let mut expectation = Self {
            line: line.to_owned(),
            path: pattern::unescape(&path)?,
            role,
            prior: None,
            kind: Kind::File,
            renamed_from: None,
            count: 1,
            bytes: [None; 2],
            filtered: false,
            flags: Vec::new(),
        };
        for word in words {
            expectation.take_word(&word)?;
        }
        Ok(expectation)
    }

    fn take_word(&mut self, word: &str) -> Result<()> {
        let (flag, value) = match word.strip_prefix('!') {
            Some(flag) => (flag, false),
            None => (word, true),
        };
        if let Some(known) = FLAGS.into_iter().find(|&known| known == flag) {
            self.flags.push((known, value));
            return Ok(());
        }
        match word.split_once('=') {
            None if word == "kept" => self.prior = Some(Prior::Kept),
            None if word == "replaced" => self.prior = Some(Prior::Replaced),
            None if word == "symlink" => self.kind = Kind::Symlink,
            None if word == "filtered" => self.filtered = true,
            Some(("from", path)) => self.renamed_from = Some(pattern::unescape(path)?),
            Some(("count", number)) => self.count = parse_number(word, number)?,
            Some(("bytes_read", number)) => self.bytes[0] = Some(parse_number(word, number)?),
            Some(("bytes_written", number)) => self.bytes[1] = Some(parse_number(word, number)?),
            _ => return Err(format!("{word:?} is not understood in {:?}", self.line)),
        }
        Ok(())
    }

    /// Returns whether the record has the path and role that the line names.
    pub fn names(&self, path: &[u8], role: Role) -> bool {
        self.role == role && pattern::matches(&self.path, path)
    }

    /// Returns what is wrong with a record that the line names, one phrase for each field.
    pub fn faults(&self, record: &FileRecord, relative: impl Fn(&[u8]) -> Vec<u8>) -> Vec<String> {
        let mut faults = Vec::new();
        let renamed_from = record.renamed_from.as_ref().map(|path| relative(&path.0));
        if record.prior != self.prior {
            faults.push(format!("prior is {}, not {}", prior_word(record.prior), prior_word(self.prior)));
        }
        if record.kind != self.kind {
            faults.push(format!("kind is {:?}, not {:?}", record.kind, self.kind));
        }
        if renamed_from != self.renamed_from {
            let words = |path: &Option<Vec<u8>>| path.as_deref().map_or("null".to_owned(), pattern::escape);
            faults.push(format!(
                "renamed_from is {}, not {}",
                words(&renamed_from),
                words(&self.renamed_from)
            ));
        }
        for &(flag, expected) in &self.flags {
            let actual = match flag {
                "read" => record.read,
                "written" => record.written,
                "executed" => record.executed,
                "created" => record.created,
                _ => record.deleted,
            };
            if actual != expected {
                faults.push(format!("{flag} is {actual}"));
            }
        }
        let counted = [("bytes_read", record.bytes_read), ("bytes_written", record.bytes_written)];
        for ((name, actual), expected) in counted.into_iter().zip(self.bytes) {
            if let (Some(actual), Some(expected)) = (actual, expected)
                && actual != expected
            {
                faults.push(format!("{name} is {actual}, not {expected}"));
            }
        }
        faults
    }
}

fn parse_number<T: FromStr<Err: Display>>(word: &str, number: &str) -> Result<T> {
    number.parse().map_err(|error| format!("{word}: {error}"))
}

fn prior_word(prior: Option<Prior>) -> &'static str {
    match prior {
        None => "null",
        Some(Prior::Kept) => "kept",
        Some(Prior::Replaced) => "replaced",
    }
}

/// Splits at spaces, but not within double quotes; the quotes go, escapes stay.
fn split_words(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut is_quoted = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => is_quoted = !is_quoted,
            '\\' => {
                word.push('\\');
                word.extend(characters.next());
            }
            ' ' if !is_quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if is_quoted {
        return Err(format!("a quote is not closed in {line:?}"));
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_path_role_and_the_rest() {
        let [one] =
            &Expectation::parse(r#""a b\n" output replaced symlink from="c d" !executed"#).unwrap()[..]
        else {
            panic!("one line");
        };
        assert_eq!(one.path, b"a b\n");
        assert_eq!((one.role, one.prior, one.kind), (Role::Output, Some(Prior::Replaced), Kind::Symlink));
        assert_eq!(one.renamed_from.as_deref(), Some(&b"c d"[..]));
        assert_eq!(one.flags, [("executed", false)]);
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "",
            "x",
            "x inputt",
            "x input sometimes",
            "\"x input",
            "x output count=many",
            "x input bytes_read=-1",
        ] {
            Expectation::parse(line).unwrap_err();
        }
    }

    #[test]
    fn a_range_makes_many_lines() {
        assert_eq!(Expectation::parse("o{1..300} output").unwrap().len(), 300);
    }
}
