//! What a case may say, and where cases come from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::Result;
use crate::backend::{KNOWN_BACKENDS, tracer};

/// One behaviour: the world before, what is run, and what the report must say of the world afterwards.
///
/// In every text of a case `{id}` is a word unique to this run of it, `{world}` the absolute path of its directory and
/// `{bin:NAME}` the absolute path of the program NAME. Paths are relative to the world; see [`crate::pattern`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A sentence with underscores, unique.
    pub name: String,
    /// A file of `programs/`, without its extension. Exactly one of `program`, `shell`, `command` is given.
    pub program: Option<String>,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Words for `sh -c`.
    pub shell: Option<String>,
    /// A command with its arguments, looked up on `PATH`.
    pub command: Option<Vec<String>>,

    /// Directories to make. Parents of files are made without being asked for.
    #[serde(default)]
    pub dirs: Vec<String>,
    /// Files to make: the content, or a table.
    #[serde(default)]
    pub files: BTreeMap<String, FileSpec>,
    /// Symbolic links to make: name and target.
    #[serde(default)]
    pub symlinks: BTreeMap<String, String>,
    /// Hard links to make: new name and old.
    #[serde(default)]
    pub hardlinks: BTreeMap<String, String>,
    /// FIFOs to make.
    #[serde(default)]
    pub fifos: Vec<String>,
    /// A shell script run in the world before the command, untraced.
    pub before: Option<String>,

    /// Environment of the command, beside the harness's own.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// File opened as standard input by the harness, as a shell's `<` would.
    pub stdin: Option<String>,
    /// File opened as standard output: `name` as `>`, `>>name` as `>>`, `<>name` for reading and writing.
    pub stdout: Option<String>,
    /// File opened as standard error, likewise.
    pub stderr: Option<String>,
    /// Signal sent to roar alone (bare: to the command) once the command has written a line into the FIFO `../ready`.
    pub send: Option<i32>,

    /// A shell script run in the world after the command, untraced; it must succeed.
    pub after: Option<String>,
    /// How the command ends.
    #[serde(default)]
    pub exit: ExpectedExit,
    /// The records of the world, all that are not filtered. A record elsewhere is looked at only if a line names it by its
    /// absolute path.
    pub expect: Vec<String>,
    /// Paths whose records are not looked at unless a line of `expect` names them.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// What is looked up in the world, as `absent PATH` or `listing PATH NAME…`; where it is not given, that is not looked at. Of a
    /// backend, the kinds that it says it sees.
    pub looked_up: Option<Vec<String>>,
    /// The gaps, as `KIND` or `KIND PROGRAM`. None: the run is complete.
    #[serde(default)]
    pub gaps: Vec<String>,
    /// Why sizes and counts of the records are others in each run: then backends need not agree on these.
    pub varies: Option<String>,
    /// Why backends do not see the same lookups; where it is given, those are not compared.
    pub lookups_vary: Option<String>,
    /// What the machine must have: `root`, `reflink`, `overlay`, or a tool on `PATH`.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Run only when `ROAR_SLOW=1`.
    #[serde(default)]
    pub slow: bool,
    /// Whether there must be a report; a command that cannot be started need not have one.
    #[serde(default = "yes")]
    pub report: bool,
    /// What is different under a backend.
    #[serde(default)]
    pub differs: BTreeMap<String, Difference>,
}

fn yes() -> bool {
    true
}

/// A file of the world before the run.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum FileSpec {
    /// Its content; `{world}` and the like are replaced.
    Text(String),
    /// More than content.
    Detailed(DetailedFile),
}

/// A file that is more than a text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailedFile {
    /// Content.
    pub text: Option<String>,
    /// Length of a content of repeating letters, bytes.
    pub size: Option<usize>,
    /// A copy of a program of `programs/`.
    pub program: Option<String>,
    /// A copy of a file of the machine.
    pub copy: Option<String>,
    /// Permissions.
    pub mode: Option<u32>,
}

/// How the command must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ExpectedExit {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal {
        /// Its number.
        signal: i32,
    },
}

impl Default for ExpectedExit {
    fn default() -> Self {
        Self::Code(0)
    }
}

/// What a backend reports otherwise, and why that is not a mistake.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// In place of the case's `expect`.
    pub expect: Option<Vec<String>>,
    /// In place of the case's `gaps`.
    pub gaps: Option<Vec<String>>,
    /// In place of the case's `exit`.
    pub exit: Option<ExpectedExit>,
    /// The reason; a difference that has stopped being true fails.
    pub why: String,
}

impl Case {
    /// Returns the names of the programs that the case uses.
    pub fn programs(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.program.iter().map(String::as_str).collect();
        for file in self.files.values() {
            if let FileSpec::Detailed(DetailedFile { program: Some(program), .. }) = file {
                names.push(program);
            }
        }
        let mut texts: Vec<&str> = self.args.iter().map(String::as_str).collect();
        texts.extend([&self.shell, &self.before, &self.after].into_iter().flatten().map(String::as_str));
        texts.extend(self.command.iter().flatten().map(String::as_str));
        texts.extend(self.env.values().chain(self.symlinks.values()).map(String::as_str));
        names.extend(texts.into_iter().flat_map(programs_named_in));
        names
    }

    /// Returns the name of the program that the command runs, if it is one of these.
    pub fn first_program(&self) -> Option<&str> {
        let place = self.command.as_ref().and_then(|words| words.first()?.strip_prefix("./"));
        let file = place.and_then(|place| match self.files.get(place)? {
            FileSpec::Detailed(file) => file.program.as_deref(),
            FileSpec::Text(_) => None,
        });
        self.program.as_deref().or(file)
    }

    /// Returns what is different under the backend: where nothing is said of it, what is said of the one that it is a variety of.
    pub fn difference_under(&self, backend: &str) -> Option<&Difference> {
        let origin = tracer(backend);
        let inherit = || if origin == backend { None } else { self.difference_under(origin) };
        self.differs.get(backend).or_else(inherit)
    }

    /// Returns how the command ends under the backend.
    pub fn exit_under(&self, backend: &str) -> ExpectedExit {
        self.difference_under(backend).and_then(|difference| difference.exit).unwrap_or(self.exit)
    }

    /// Returns what is wrong with the case itself.
    pub fn fault(&self) -> Option<String> {
        let commands = [self.program.is_some(), self.shell.is_some(), self.command.is_some()];
        if commands.into_iter().filter(|&given| given).count() != 1 {
            return Some("exactly one of `program`, `shell` and `command` is needed".to_owned());
        }
        if self.name.contains(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_') {
            return Some("a name is of lowercase letters, digits and underscores".to_owned());
        }
        for (backend, difference) in &self.differs {
            if !KNOWN_BACKENDS.contains(&backend.as_str()) {
                return Some(format!("there is no backend {backend}"));
            }
            let expect_same = difference.expect.as_ref().is_none_or(|expect| *expect == self.expect);
            let gaps_same = difference.gaps.as_ref().is_none_or(|gaps| *gaps == self.gaps);
            let exit_same = difference.exit.is_none_or(|exit| exit == self.exit);
            if difference.why.is_empty() || (expect_same && gaps_same && exit_same) {
                return Some(format!("differs.{backend} needs a reason and a difference"));
            }
        }
        None
    }
}

/// Returns every NAME of a `{bin:NAME}` in the text.
fn programs_named_in(text: &str) -> Vec<&str> {
    text.split("{bin:").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

/// Reads every `*.toml` of a directory, in the order of their names.
pub fn load_cases(directory: &Path) -> Result<Vec<Case>> {
    let unreadable = |error| format!("{}: {error}", directory.display());
    let mut paths = fs::read_dir(directory)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(unreadable)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file: CaseFile = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        cases.extend(file.case);
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_names_its_programs_wherever_they_are() {
        let case: Case = toml::from_str(
            "name = 'a'\nshell = '{bin:one} x; {bin:two}'\nexpect = []\n[files]\nf = { program = 'three' }",
        )
        .unwrap();
        assert_eq!(case.programs(), ["three", "one", "two"]);
        assert_eq!(case.fault(), None);
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        toml::from_str::<Case>("name = 'a'\nshell = ''\nexpect = []\nexpected = []").unwrap_err();
    }

    #[test]
    fn a_difference_that_differs_in_nothing_is_a_fault() {
        let case = "name = 'a'\nshell = ''\nexpect = []\n[differs.ptrace]\nwhy = 'w'\nexpect = []";
        assert!(toml::from_str::<Case>(case).unwrap().fault().is_some());
    }
}
