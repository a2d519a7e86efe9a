//! The changelog: its newest section has a name, known headings and something under each.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Breach;

const FILE: &str = "CHANGELOG.md";
const HEADINGS: &[&str] = &["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

pub(super) fn check(checkout: &Path, found: &mut Vec<Breach>) -> Result<()> {
    let text = fs::read_to_string(checkout.join(FILE)).context(FILE)?;
    if let Err((line, what)) = parse_newest(&text) {
        found.push(Breach { path: FILE.into(), line, what });
    }
    Ok(())
}

/// Reads the first section, or says at which line it stops making sense.
fn parse_newest(text: &str) -> Result<(), (usize, String)> {
    let mut lines = (1..).zip(text.lines());
    let Some((start, title)) = lines.find(|(_, line)| line.starts_with("## ")) else {
        return Err((0, "no section".to_owned()));
    };
    let name = &title[3..];
    if name != "Unreleased" && !is_version(name) {
        return Err((start, format!("a section is `Unreleased` or a version, not `{name}`")));
    }
    // The heading whose first entry is still to come.
    let mut bare = Some(start);
    for (number, line) in lines.take_while(|(_, line)| !line.starts_with("## ")) {
        if let Some(heading) = line.strip_prefix("### ") {
            if bare.is_some_and(|bare| bare != start) {
                break;
            }
            if !HEADINGS.contains(&heading) {
                return Err((number, format!("a heading is one of {HEADINGS:?}, not `{heading}`")));
            }
            bare = Some(number);
        } else if line.starts_with("- ") && bare != Some(start) {
            bare = None;
        } else if !line.is_empty() && bare.is_some() {
            return Err((number, "an entry starts with `- `, under a heading".to_owned()));
        }
    }
    match bare {
        Some(number) => Err((number, "nothing under it".to_owned())),
        None => Ok(()),
    }
}

fn is_version(name: &str) -> bool {
    let numbers: Vec<&str> = name.split('.').collect();
    numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::parse_newest;

    #[test]
    fn a_section_with_entries_is_accepted() {
        assert!(
            parse_newest("# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing,\n  and more.\n").is_ok()
        );
        assert!(parse_newest("## 0.2.0\n\n### Fixed\n- It.\n\n## 0.1.0\n").is_ok());
    }

    #[test]
    fn an_empty_or_misnamed_section_is_not() {
        assert!(parse_newest("# Changelog\n").is_err());
        assert!(parse_newest("## Soon\n### Added\n- A\n").is_err());
        assert!(parse_newest("## Unreleased\n").is_err());
        assert!(parse_newest("## Unreleased\n- A\n").is_err());
        assert!(parse_newest("## Unreleased\n### Added\n### Fixed\n- B\n").is_err());
        assert!(parse_newest("## Unreleased\n### New\n- A\n").is_err());
    }
}
