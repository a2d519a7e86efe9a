//! A Rust file taken apart into code, text in literals, and comments, line by line.
//!
//! Each of the three keeps the columns of the file: what belongs to another part is blanked. That is all a rule about
//! words needs, and it costs no parser.

/// One line in its three parts.
#[derive(Default)]
pub(super) struct Line {
    pub(super) code: String,
    pub(super) literal: String,
    pub(super) comment: String,
}

/// A file in lines, the tests at its end known as such.
pub(super) struct Source {
    pub(super) lines: Vec<Line>,
    /// Lines from here on belong to `#[cfg(test)] mod …` at the end of the file.
    pub(super) tests_from: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Text,
    RawText { hashes: usize },
}

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let lines = split(text);
        let tests_from = lines
            .windows(2)
            .position(|pair| {
                let [attribute, module] = pair else { return false };
                attribute.code.trim() == "#[cfg(test)]" && module.code.trim().starts_with("mod ")
            })
            .unwrap_or(lines.len());
        Self { lines, tests_from }
    }

    /// Lines outside the tests, numbered from 1.
    pub(super) fn shipped(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.numbered().take(self.tests_from)
    }

    /// All lines, numbered from 1.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().map(|(at, line)| (at + 1, line))
    }
}

fn split(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let mut lines = vec![Line::default()];
    let mut part = Part::Code;
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == '\n' {
            if part == Part::LineComment {
                part = Part::Code;
            }
            lines.push(Line::default());
            at += 1;
            continue;
        }
        let (belongs, length, next) = step(part, &chars[at..], at.checked_sub(1).map(|before| chars[before]));
        let line = lines.last_mut().expect("there is always a line");
        for &char in &chars[at..at + length] {
            line.push(belongs, char);
        }
        at += length;
        part = next;
    }
    lines
}

/// Takes the next few characters of a line: the part they belong to, how many, and the part after them.
fn step(part: Part, rest: &[char], before: Option<char>) -> (Part, usize, Part) {
    let starts = |text: &str| text.chars().enumerate().all(|(at, char)| rest.get(at) == Some(&char));
    match part {
        Part::Code => step_in_code(rest, before),
        Part::LineComment => (part, 1, part),
        Part::BlockComment { depth: 1 } if starts("*/") => (part, 2, Part::Code),
        Part::BlockComment { depth } if starts("*/") => (part, 2, Part::BlockComment { depth: depth - 1 }),
        Part::BlockComment { depth } if starts("/*") => (part, 2, Part::BlockComment { depth: depth + 1 }),
        Part::BlockComment { .. } => (part, 1, part),
        // A backslash before the end of a line leaves the newline to the caller.
        Part::Text if rest[0] == '\\' && rest.get(1).is_some_and(|&char| char != '\n') => (part, 2, part),
        Part::Text if rest[0] == '"' => (Part::Code, 1, Part::Code),
        Part::Text => (part, 1, part),
        Part::RawText { hashes } if rest[0] == '"' && has_hashes(&rest[1..], hashes) => {
            (Part::Code, 1 + hashes, Part::Code)
        }
        Part::RawText { .. } => (part, 1, part),
    }
}

fn step_in_code(rest: &[char], before: Option<char>) -> (Part, usize, Part) {
    let is_after_word = before.is_some_and(|char| char.is_alphanumeric() || char == '_');
    match rest {
        ['/', '/', ..] => (Part::LineComment, 2, Part::LineComment),
        ['/', '*', ..] => (Part::BlockComment { depth: 1 }, 2, Part::BlockComment { depth: 1 }),
        ['"', ..] => (Part::Code, 1, Part::Text),
        ['r' | 'b' | 'c', ..] if !is_after_word => raw_text(rest).unwrap_or((Part::Code, 1, Part::Code)),
        // A character literal, as opposed to a lifetime: it may hold a quote or a slash.
        ['\'', '\\', _, ..] => {
            let length = rest.iter().skip(3).position(|&char| char == '\'').map_or(3, |at| at + 4);
            (Part::Text, length, Part::Code)
        }
        ['\'', _, '\'', ..] => (Part::Text, 3, Part::Code),
        _ => (Part::Code, 1, Part::Code),
    }
}

/// Recognises `r"`, `br#"` and the like.
fn raw_text(rest: &[char]) -> Option<(Part, usize, Part)> {
    let prefix = usize::from(rest[0] != 'r') + 1;
    if *rest.get(prefix - 1)? != 'r' {
        return None;
    }
    let hashes = rest[prefix..].iter().take_while(|&&char| char == '#').count();
    (*rest.get(prefix + hashes)? == '"').then_some((
        Part::Code,
        prefix + hashes + 1,
        Part::RawText { hashes },
    ))
}

fn has_hashes(rest: &[char], hashes: usize) -> bool {
    rest.len() >= hashes && rest[..hashes].iter().all(|&char| char == '#')
}

impl Line {
    fn push(&mut self, part: Part, char: char) {
        let blank = ' ';
        let (code, literal, comment) = match part {
            Part::Code => (char, blank, blank),
            Part::Text | Part::RawText { .. } => (blank, char, blank),
            Part::LineComment | Part::BlockComment { .. } => (blank, blank, char),
        };
        self.code.push(code);
        self.literal.push(literal);
        self.comment.push(comment);
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    fn parts(text: &str) -> [String; 3] {
        let source = Source::new(text);
        let [mut code, mut literal, mut comment] = [const { String::new() }; 3];
        for (_, line) in source.numbered() {
            code += line.code.trim();
            literal += line.literal.trim();
            comment += line.comment.trim();
        }
        [code, literal, comment]
    }

    #[test]
    fn a_comment_mark_in_a_string_is_text() {
        assert_eq!(parts(r#"f("// \" x"); // y"#), [r#"f("       ");"#, r#"// \" x"#, "// y"]);
    }

    #[test]
    fn raw_strings_end_at_their_own_hashes() {
        assert_eq!(parts(r###"r#"a"b"# + c"###)[1], r#"a"b"#);
        assert_eq!(parts("for_r\"x\"")[1], "x");
    }

    #[test]
    fn lifetimes_are_code_and_quotes_in_characters_are_not() {
        assert_eq!(parts("fn f<'a>(x: &'a str) { '\"' }")[0], "fn f<'a>(x: &'a str) {     }");
        assert_eq!(parts(r"('\'', '\u{41}') // z")[2], "// z");
    }

    #[test]
    fn block_comments_nest() {
        assert_eq!(parts("a /* b /* c */ d */ e")[0].replace(' ', ""), "ae");
    }

    #[test]
    fn the_tests_at_the_end_are_not_shipped() {
        let source = Source::new("fn f() {}\n#[cfg(test)]\nmod tests {\n}\n");
        assert_eq!(source.shipped().count(), 1);
    }
}
