//! Rules for Rust files.

use std::path::{Component, Path};

use super::Breach;
use super::source::Source;

/// A file longer than this has more than one subject.
const LINES_MAX: usize = 800;

/// Crates with unsafe code; each other crate forbids it at its root.
const UNSAFE_CRATES: &[&str] = &["rust/tracers", "rust/crates/tracer-host", "rust/crates/tracer-schema"];

/// Words that begin an SQL statement.
const SQL: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "DROP ",
    "PRAGMA ",
];

const PRINTING: &[&str] = &["println!", "print!", "eprintln!", "eprint!"];

pub(super) fn check(path: &Path, text: &str, found: &mut Vec<Breach>) {
    let source = Source::new(text);
    let mut breach = |line: usize, what: &str| {
        found.push(Breach { path: path.to_owned(), line, what: what.to_owned() });
    };
    let count = source.lines.len() - 1;
    if count > LINES_MAX {
        breach(0, &format!("{count} lines, more than {LINES_MAX}"));
    }
    if !text.trim_start().starts_with("//!") {
        breach(1, "no module documentation");
    }
    if is_crate_root(path) && !may_be_unsafe(path) && !text.contains("#![forbid(unsafe_code)]") {
        breach(1, "a crate root without #![forbid(unsafe_code)]");
    }
    for (line, parts) in source.numbered() {
        let code = parts.code.as_str();
        if code.contains("[allow(") || code.contains(", allow(") {
            breach(line, "#[allow]; use #[expect(…, reason = \"…\")]");
        }
        if !may_be_unsafe(path) && has_word(code, "unsafe") {
            breach(line, "unsafe code outside the tracers");
        }
    }
    for (line, parts) in source.shipped() {
        let code = parts.code.as_str();
        if !may_print(path) && PRINTING.iter().any(|printing| has_word(code, printing)) {
            breach(line, "printing outside ui.rs");
        }
        if !may_read_environment(path) && (code.contains("env::var") || parts.literal.contains("ROAR_")) {
            breach(line, "an environment variable outside env.rs");
        }
        if !may_hold_sql(path) && SQL.iter().any(|sql| parts.literal.trim_start().starts_with(sql)) {
            breach(line, "SQL outside roar-store");
        }
    }
}

fn is_crate_root(path: &Path) -> bool {
    path.ends_with("src/lib.rs") || path.ends_with("src/main.rs")
}

fn may_be_unsafe(path: &Path) -> bool {
    UNSAFE_CRATES.iter().any(|folder| path.starts_with(folder))
}

/// Tests and tasks talk to whoever runs them, a build script to cargo, and a tracer's `main` to the person who started it
/// by hand.
fn may_print(path: &Path) -> bool {
    let is_tracer_main = path.starts_with("rust/tracers") && path.ends_with("src/main.rs");
    is_for_developers(path) || is_tracer_main || path.ends_with("ui.rs") || path.ends_with("build.rs")
}

fn may_read_environment(path: &Path) -> bool {
    path.ends_with("env.rs") || path.ends_with("build.rs") || is_test(path) || names_the_forbidden(path)
}

fn may_hold_sql(path: &Path) -> bool {
    path.starts_with("rust/crates/roar-store") || is_test(path) || names_the_forbidden(path)
}

/// The rules themselves hold the words they look for.
fn names_the_forbidden(path: &Path) -> bool {
    path.starts_with("rust/xtask/src/tidy")
}

fn is_for_developers(path: &Path) -> bool {
    path.starts_with("rust/xtask") || is_test(path)
}

/// Tells whether it is a test, or an example or benchmark of a crate: all that a developer runs and a user does not.
fn is_test(path: &Path) -> bool {
    let is_folder = |part: Component<'_>| {
        part.as_os_str().to_str().is_some_and(|name| matches!(name, "tests" | "examples" | "benches"))
    };
    path.components().any(is_folder) || path.ends_with("tests.rs")
}

/// Tells whether `word` stands in `code` with no word character on either side.
fn has_word(code: &str, word: &str) -> bool {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(is_part) && !code[at + word.len()..].starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::check;

    fn breaches(path: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        check(Path::new(path), text, &mut found);
        found.into_iter().map(|breach| format!("{}: {}", breach.line, breach.what)).collect()
    }

    #[test]
    fn code_is_judged_and_comments_are_not() {
        let clean = "//! Doc.\n\n// unsafe println! env::var\n";
        assert!(breaches("rust/crates/roar-dag/src/a.rs", clean).is_empty());
        let dirty = "//! Doc.\n\nunsafe {}\nprintln!();\nenv::var(X);\nlet a = \"SELECT 1\";\n#[allow(x)]\n";
        assert_eq!(breaches("rust/crates/roar-dag/src/a.rs", dirty).len(), 5);
    }

    #[test]
    fn each_rule_has_its_place_of_exception() {
        let unsafe_code = "//! Doc.\nunsafe {}\n";
        assert!(breaches("rust/tracers/ptrace/src/a.rs", unsafe_code).is_empty());
        let sql = "//! Doc.\nlet a = \"SELECT 1\";\n";
        assert!(breaches("rust/crates/roar-store/src/a.rs", sql).is_empty());
        let print = "//! Doc.\nprintln!();\n";
        assert!(breaches("rust/crates/roar/src/ui.rs", print).is_empty());
        assert_eq!(breaches("rust/crates/roar/src/cli.rs", print).len(), 1);
    }

    #[test]
    fn a_file_has_a_subject_and_a_bound() {
        assert_eq!(breaches("rust/crates/roar/src/a.rs", "fn f() {}\n").len(), 1);
        let long = "//! Doc.\n".repeat(801);
        assert_eq!(breaches("rust/crates/roar/src/a.rs", &long), ["0: 801 lines, more than 800"]);
        assert_eq!(breaches("rust/crates/roar/src/lib.rs", "//! Doc.\n").len(), 1);
    }
}
