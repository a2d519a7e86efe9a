//! What a case expects, compared with a summary.

use std::fmt::Write as _;

use tracer_fd::RunSummary;
use tracer_schema::{
    Exit, FileSummary, Gap, LookupKind, LookupSummary, NodeKind, PathBytes, Prior, ProcessRecord, Role,
};

/// A line of a summary: what must be the same, and facts of which a case may name any.
struct Line {
    head: String,
    facts: Vec<String>,
}

impl Line {
    fn matches(&self, expected: &str) -> bool {
        let (head, facts) = expected.split_once(" ; ").unwrap_or((expected, ""));
        let is_fact = |fact: &str| self.facts.iter().any(|known| known == fact);
        head == self.head
            && facts.split_whitespace().all(|fact| match fact.strip_prefix('!') {
                Some(denied) => !is_fact(denied),
                None => is_fact(fact),
            })
    }

    fn to_text(&self) -> String {
        format!("{} ; {}", self.head, self.facts.join(" "))
    }
}

fn short(path: &PathBytes) -> String {
    let bytes = path.as_bytes();
    let bytes = bytes.strip_prefix(b"/w/").unwrap_or(bytes);
    bytes.escape_ascii().to_string()
}

fn of_file(file: &FileSummary) -> Line {
    let role = match file.role {
        Role::Input => "input",
        Role::Output => "output",
        Role::Temporary => "temporary",
        Role::Deleted => "deleted",
    };
    let mut head = format!("{} {role}", short(&file.path));
    match file.prior {
        Some(Prior::Kept) => head += " kept",
        Some(Prior::Replaced) => head += " replaced",
        None => {}
    }
    if let Some(from) = &file.renamed_from {
        head = format!("{head} from {}", short(from));
    }
    if file.kind == NodeKind::Symlink {
        head += " symlink";
    }
    let flags = [
        (file.read, "read"),
        (file.written, "written"),
        (file.executed, "executed"),
        (file.created, "created"),
        (file.deleted, "gone"),
        (file.moved, "moved"),
    ];
    let mut facts: Vec<String> =
        flags.iter().filter(|(is_so, _)| *is_so).map(|(_, name)| (*name).to_owned()).collect();
    let count = |bytes: Option<u64>| bytes.map_or("?".to_owned(), |bytes| bytes.to_string());
    facts.push(format!("in={}", count(file.bytes_read)));
    facts.push(format!("out={}", count(file.bytes_written)));
    let pids: Vec<String> = file.pids.iter().map(u32::to_string).collect();
    facts.push(format!("by={}", pids.join(",")));
    facts.extend(file.before.map(|before| format!("was={}", before.size)));
    facts.extend(file.after.map(|after| format!("is={}", after.size)));
    facts.extend(file.content_at.as_ref().map(|at| format!("at={}", short(at))));
    Line { head, facts }
}

fn of_gap(gap: &Gap) -> Line {
    let mut head = format!("gap {} {}", gap.kind.name(), gap.pid);
    if let Some(path) = &gap.path {
        head = format!("{head} {}", short(path));
    }
    let facts = vec![gap.detail.split_whitespace().collect::<Vec<_>>().join("_")];
    Line { head, facts }
}

fn of_lookup(lookup: &LookupSummary) -> Line {
    let kind = match lookup.kind {
        LookupKind::Absent => "absent",
        LookupKind::Listing => "listing",
    };
    Line {
        head: format!("{kind} {}", short(&lookup.path)),
        facts: vec![format!("exe={}", short(&lookup.program))],
    }
}

fn of_exit(exit: Option<Exit>) -> String {
    match exit {
        None => "none".to_owned(),
        Some(Exit::Code { code }) => code.to_string(),
        Some(Exit::Signal { signal, core }) => format!("signal{signal}{}", if core { "core" } else { "" }),
    }
}

fn of_process(process: &ProcessRecord) -> Line {
    let argv: Vec<String> = process.argv.iter().map(|word| format!("'{}'", short(word))).collect();
    let parent = process.parent.map_or("none".to_owned(), |parent| parent.to_string());
    Line {
        head: format!("process {}", process.pid),
        facts: vec![
            format!("parent={parent}"),
            format!("exe={}", short(&process.exe)),
            format!("argv={}", argv.join(",")),
            format!("cwd={}", short(&process.cwd)),
            format!("exit={}", of_exit(process.exit)),
        ],
    }
}

fn has_word(line: &&&str, word: &str) -> bool {
    line.split(' ').next() == Some(word)
}

/// Returns how the summary differs from the lines, one difference a line, nothing if it does not.
pub(super) fn differences(expected: &[&str], summary: &RunSummary) -> String {
    let mut actual: Vec<Line> = summary.files.iter().map(of_file).collect();
    actual.extend(summary.coverage.gaps.iter().map(of_gap));
    actual.extend(summary.looked_up.found.iter().map(of_lookup));
    let says = |word| expected.iter().any(|line| has_word(&line, word));
    let fact = |head: String| Line { head, facts: Vec::new() };
    if says("process") {
        actual.extend(summary.processes.iter().map(of_process));
    }
    if says("lost") {
        actual.push(fact(format!("lost {}", summary.coverage.events_lost)));
    }
    if says("exit") {
        actual.push(fact(format!("exit {}", of_exit(summary.exit))));
    }
    if summary.coverage.complete != (summary.coverage.gaps.is_empty() && summary.coverage.events_lost == 0) {
        actual.push(fact("coverage that contradicts itself".to_owned()));
    }
    let mut text = String::new();
    for line in expected {
        match actual.iter().position(|actual| actual.matches(line)) {
            Some(found) => drop(actual.remove(found)),
            None => writeln!(text, "  expected  {line}").expect("strings take all text"),
        }
    }
    for line in actual {
        writeln!(text, "  found     {}", line.to_text()).expect("strings take all text");
    }
    text
}
