//! Rules for every text file: work left for later names its issue, and nothing points at one machine.

use std::path::Path;

use super::Breach;
use crate::workspace;

/// Marks of unfinished work; one followed by `(#12)` names the issue that tracks it.
const UNFINISHED: &[&str] = &["TODO", "FIXME", "XXX"];

/// Beginnings of paths that exist on one machine only, or outside the checkout.
const FOREIGN_PATHS: &[&str] = &["/root/", "/work/", "/Users/", "../shared"];

pub(super) fn check(path: &Path, text: &str, found: &mut Vec<Breach>) {
    // The rules themselves have to name what they forbid.
    if path.starts_with("rust/xtask/src/tidy") {
        return;
    }
    let checkout = workspace::checkout().display().to_string();
    for (at, line) in text.lines().enumerate() {
        let mut breach = |what: String| found.push(Breach { path: path.to_owned(), line: at + 1, what });
        if let Some(mark) = UNFINISHED.iter().find(|mark| is_untracked(line, mark)) {
            breach(format!("{mark} without an issue, as in {mark}(#12)"));
        }
        if line.contains(&checkout) {
            breach("the path of this checkout".to_owned());
        } else if let Some(place) = FOREIGN_PATHS.iter().find(|place| holds_path(line, place)) {
            breach(format!("`{place}` means nothing on another machine"));
        }
    }
}

/// Tells whether `mark` stands in `line` as a word of its own with no issue behind it.
fn is_untracked(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let is_word = |char: char| char.is_alphanumeric() || char == '_';
        let before = line[..at].chars().next_back();
        let after = &line[at + mark.len()..];
        !before.is_some_and(is_word) && !after.starts_with(is_word) && !after.starts_with("(#")
    })
}

/// Tells whether a path of `line` begins with `place`.
fn holds_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|char| char.is_alphanumeric() || matches!(char, '_' | '.' | '}' | '/' | '-'))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::check;

    fn breaches(text: &str) -> usize {
        let mut found = Vec::new();
        check(Path::new("a.md"), text, &mut found);
        found.len()
    }

    #[test]
    fn unfinished_work_names_its_issue() {
        assert_eq!(breaches("TODO: later\n// FIXME"), 2);
        assert_eq!(breaches("TODO(#7): later\nmktemp XXXXXX"), 0);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let here = env!("CARGO_MANIFEST_DIR");
        assert_eq!(breaches(&format!("see /root/x\nbelow ../shared\n({here}/src)")), 3);
        assert_eq!(breaches("/p/work/x, $dir/root/y, /home/u/z"), 0);
    }
}
