//! What a report says against what a case says.

use std::collections::HashMap;

use crate::Result;
use crate::case::{Case, ExpectedExit};
use crate::expectation::Expectation;
use crate::pattern;
use crate::report::{Exit, FileRecord, Kind, Lookup, LookupKind, Lookups, Prior, Report};

/// What is expected of one run under one backend, with all replacements made.
#[derive(Debug)]
pub struct Expected {
    /// Records.
    pub files: Vec<Expectation>,
    /// Patterns of paths that are not looked at.
    pub ignore: Vec<Vec<u8>>,
    /// What is looked up.
    pub looked_up: Option<Vec<String>>,
    /// Gaps.
    pub gaps: Vec<String>,
    /// How the command ends.
    pub exit: ExpectedExit,
}

impl Expected {
    /// Returns what the case expects of the backend; `fill` makes the replacements.
    pub fn of(case: &Case, backend: &str, fill: impl Fn(&str) -> String) -> Result<Self> {
        let difference = case.difference_under(backend);
        let lines = difference.and_then(|difference| difference.expect.as_ref()).unwrap_or(&case.expect);
        let gaps = difference.and_then(|difference| difference.gaps.as_ref()).unwrap_or(&case.gaps);
        Self::new(case, lines, gaps, case.exit_under(backend), fill)
    }

    /// Returns what the case expects of every backend that has no difference.
    pub fn in_common(case: &Case, fill: impl Fn(&str) -> String) -> Result<Self> {
        Self::new(case, &case.expect, &case.gaps, case.exit, fill)
    }

    fn new(
        case: &Case,
        lines: &[String],
        gaps: &[String],
        exit: ExpectedExit,
        fill: impl Fn(&str) -> String,
    ) -> Result<Self> {
        let mut files = Vec::new();
        for line in lines {
            files.extend(Expectation::parse(&fill(line))?);
        }
        let ignore = case.ignore.iter().map(|text| pattern::unescape(text)).collect::<Result<_>>()?;
        let looked_up = case.looked_up.as_ref();
        let looked_up = looked_up.map(|lines| lines.iter().map(|line| fill(line)).collect());
        Ok(Self { files, ignore, looked_up, gaps: gaps.to_vec(), exit })
    }
}

/// Returns every difference between the report and what is expected of it, one line each; none means that all is well.
pub fn compare(expected: &Expected, report: &Report, world: &[u8]) -> Vec<String> {
    let mut differences = Vec::new();
    compare_exit(expected.exit, report, &mut differences);
    compare_gaps(&expected.gaps, report, &mut differences);
    compare_files(expected, report, world, &mut differences);
    if let Some(lines) = &expected.looked_up {
        compare_lookups(lines, report, world, &mut differences);
    }
    differences
}

fn compare_exit(expected: ExpectedExit, report: &Report, differences: &mut Vec<String>) {
    let expected = match expected {
        ExpectedExit::Code(code) => Exit::Code { code },
        ExpectedExit::Signal { signal } => Exit::Signal { signal },
    };
    if report.exit != Some(expected) {
        differences.push(format!("  exit is {:?}, not {expected:?}", report.exit));
    }
}

fn compare_gaps(expected: &[String], report: &Report, differences: &mut Vec<String>) {
    let coverage = &report.coverage;
    if coverage.complete != expected.is_empty() {
        differences.push(format!("  coverage.complete is {}", coverage.complete));
    }
    let mut unused: Vec<_> = coverage.gaps.iter().collect();
    for line in expected {
        let (kind, program) = match line.split_once(' ') {
            Some((kind, program)) => (kind, Some(program)),
            None => (line.as_str(), None),
        };
        let found = unused.iter().position(|gap| {
            let is_named = program.is_none_or(|program| {
                let path = gap.path.as_ref().map_or(&b""[..], |path| &path.0);
                gap.pid.is_some_and(|pid| pid != 0)
                    && path.rsplit(|&byte| byte == b'/').next() == Some(program.as_bytes())
            });
            gap.kind == kind && is_named
        });
        match found {
            Some(index) => drop(unused.remove(index)),
            None => differences.push(format!("- gap {line}")),
        }
    }
    for gap in unused {
        let path = gap.path.as_ref().map_or(String::new(), |path| pattern::escape(&path.0));
        differences.push(format!("+ gap {} pid {:?} {path}: {}", gap.kind, gap.pid, gap.detail));
    }
}

fn compare_files(expected: &Expected, report: &Report, world: &[u8], differences: &mut Vec<String>) {
    let relative = |path: &[u8]| relative_to(world, path);
    let index = LineIndex::new(&expected.files);
    let mut remaining: Vec<usize> = expected.files.iter().map(|expectation| expectation.count).collect();
    for record in &report.files {
        let path = relative(&record.path.0);
        let is_outside = path.starts_with(b"/");
        let candidates = index.find(&path);
        let named = || {
            candidates.clone().filter(|&line| {
                let expectation = &expected.files[line];
                let is_visible = is_outside || record.filtered == expectation.filtered;
                remaining[line] > 0 && is_visible && expectation.names(&path, record.role)
            })
        };
        // A line that fits in every field is preferred: two patterns may both fit the path.
        let exact = named().find(|&line| expected.files[line].faults(record, relative).is_empty());
        let Some(line) = exact.or_else(|| named().next()) else {
            if !is_outside && !record.filtered && !is_ignored(&expected.ignore, &path) {
                differences.push(format!("+ {}", describe(record, world)));
            }
            continue;
        };
        remaining[line] -= 1;
        let expectation = &expected.files[line];
        for fault in expectation.faults(record, relative) {
            differences.push(format!("~ {}: {fault}", expectation.line));
        }
    }
    for (expectation, &missing) in expected.files.iter().zip(&remaining) {
        if missing > 0 {
            let times = if expectation.count > 1 { format!(" ({missing} missing)") } else { String::new() };
            differences.push(format!("- {}{times}", expectation.line));
        }
    }
}

fn compare_lookups(expected: &[String], report: &Report, world: &[u8], differences: &mut Vec<String>) {
    let Lookups { kinds, found } = &report.looked_up;
    let line = |lookup: &Lookup| {
        let mut line = match lookup.kind {
            LookupKind::Absent => "absent ".to_owned(),
            LookupKind::Listing => "listing ".to_owned(),
            LookupKind::Link => "link ".to_owned(),
        };
        let path = relative_to(world, &lookup.path.0);
        line.push_str(&if path == world { ".".to_owned() } else { pattern::escape(&path) });
        for name in &lookup.names {
            line.push(' ');
            line.push_str(&pattern::escape(&name.0));
        }
        line
    };
    let is_seen = |line: &&String| {
        let kind = if line.starts_with("absent ") { LookupKind::Absent } else { LookupKind::Listing };
        kinds.contains(&kind)
    };
    let found =
        found.iter().filter(|lookup| kinds.contains(&lookup.kind) && lookup.path.0.starts_with(world));
    let mut found: Vec<String> = found.map(line).collect();
    for line in expected.iter().filter(is_seen) {
        match found.iter().position(|found| found == line) {
            Some(at) => drop(found.remove(at)),
            None => differences.push(format!("- {line}")),
        }
    }
    differences.extend(found.into_iter().map(|line| format!("+ {line}")));
}

/// Finds the lines that may name a path, without going through all of them: a case may have a hundred thousand.
struct LineIndex<'a> {
    plain: HashMap<&'a [u8], Vec<usize>>,
    patterns: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    fn new(lines: &'a [Expectation]) -> Self {
        let mut index = Self { plain: HashMap::new(), patterns: Vec::new() };
        for (number, line) in lines.iter().enumerate() {
            if line.path.contains(&b'*') {
                index.patterns.push(number);
            } else {
                index.plain.entry(&line.path).or_default().push(number);
            }
        }
        index
    }

    /// Returns the numbers of those lines, those without a pattern first.
    fn find(&self, path: &[u8]) -> impl Iterator<Item = usize> + Clone {
        let plain = self.plain.get(path).map_or(&[][..], Vec::as_slice);
        plain.iter().chain(&self.patterns).copied()
    }
}

fn is_ignored(patterns: &[Vec<u8>], path: &[u8]) -> bool {
    patterns.iter().any(|ignored| pattern::matches(ignored, path))
}

/// Returns the path as cases write it: relative to the world, or absolute where it lies elsewhere.
fn relative_to(world: &[u8], path: &[u8]) -> Vec<u8> {
    let below = path.strip_prefix(world).and_then(|rest| rest.strip_prefix(b"/"));
    below.unwrap_or(path).to_vec()
}

/// Returns the record as a line of a case.
fn describe(record: &FileRecord, world: &[u8]) -> String {
    let mut line = format!("{} {}", pattern::escape(&relative_to(world, &record.path.0)), record.role.word());
    match record.prior {
        None => {}
        Some(Prior::Kept) => line.push_str(" kept"),
        Some(Prior::Replaced) => line.push_str(" replaced"),
    }
    if record.kind == Kind::Symlink {
        line.push_str(" symlink");
    }
    if let Some(from) = &record.renamed_from {
        line.push_str(" from=");
        line.push_str(&pattern::escape(&relative_to(world, &from.0)));
    }
    line
}

#[cfg(test)]
mod tests;
