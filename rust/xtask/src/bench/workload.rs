//! The workloads of the overhead benchmark: a table of what is run, and what has to be there for it.

use std::fs;

use anyhow::{Context, Result};
use xshell::cmd;

use super::Effort;
use super::scratch::Scratch;
use crate::workspace;

/// One workload.
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    work: Work,
}

enum Work {
    /// A program of `benches/programs`, how many times it does its call, and the file or program it works on.
    Loop { program: &'static str, count: u64, on: &'static str },
    /// A line for the shell.
    Shell(&'static str),
    /// One program.
    Program(&'static [&'static str]),
    /// `python3 -c pass`, by the interpreter itself: `python3` may be a script that looks for one.
    Python,
}

/// Files for `cat` and `tar`, and their size: a source tree's.
const TREE_FILES: u64 = 2000;
const TREE_FILE_BYTES: u64 = 4096;

/// Sources for `make`.
const SOURCES: u64 = 30;

pub(super) const WORKLOADS: &[Workload] = &[
    workload(
        "read",
        "200,000 reads of one byte",
        Work::Loop { program: "read", count: 200_000, on: "input" },
    ),
    workload(
        "write",
        "200,000 writes of one byte",
        Work::Loop { program: "write", count: 200_000, on: "output" },
    ),
    workload(
        "pread",
        "200,000 preads of one byte",
        Work::Loop { program: "pread", count: 200_000, on: "input" },
    ),
    workload("open", "50,000 × open, close", Work::Loop { program: "open", count: 50_000, on: "input" }),
    workload(
        "open-read",
        "50,000 × open, read, close",
        Work::Loop { program: "open_read", count: 50_000, on: "input" },
    ),
    workload("stat", "200,000 × stat", Work::Loop { program: "stat", count: 200_000, on: "input" }),
    workload("cat", "cat of 2,000 files", Work::Shell("cat tree/* > /dev/null")),
    workload(
        "spawn",
        "300 × fork, exec of true",
        Work::Loop { program: "spawn", count: 300, on: "/bin/true" },
    ),
    workload("make-j1", "make of 30 C files", Work::Program(&["make", "-B", "-s", "-j1", "-C", "sources"])),
    workload(
        "make-j2",
        "the same, two at a time",
        Work::Program(&["make", "-B", "-s", "-j2", "-C", "sources"]),
    ),
    workload("tar", "tar of 2,000 files", Work::Program(&["tar", "-cf", "tree.tar", "tree"])),
    workload("python", "python3 -c pass", Work::Python),
    workload("true", "true", Work::Program(&["/bin/true"])),
];

const fn workload(name: &'static str, about: &'static str, work: Work) -> Workload {
    Workload { name, about, work }
}

impl Workload {
    /// Returns the program and arguments to run in the scratch folder.
    pub(super) fn command(&self, effort: Effort, scratch: &Scratch) -> Result<Vec<String>> {
        Ok(match self.work {
            Work::Loop { program, count, on } => {
                vec![format!("./programs/{program}"), effort.count(count).to_string(), on.to_owned()]
            }
            Work::Shell(line) => ["sh", "-c", line].map(str::to_owned).to_vec(),
            Work::Program(words) => words.iter().map(|&word| word.to_owned()).collect(),
            Work::Python => {
                let print = "import sys; print(sys.executable)";
                let interpreter = cmd!(scratch.shell(), "python3 -c {print}").quiet().read()?;
                vec![interpreter, "-c".to_owned(), "pass".to_owned()]
            }
        })
    }
}

/// Makes everything that the workloads need.
pub(super) fn prepare(scratch: &Scratch) -> Result<()> {
    compile_programs(scratch)?;
    let line = b"a line of the file that is read again and again\n";
    scratch.shell().write_file("input", line.repeat(1000))?;
    scratch.files("tree", TREE_FILES, |number| vec![b'a' + (number % 26) as u8; TREE_FILE_BYTES as usize])?;
    write_sources(scratch)
}

fn compile_programs(scratch: &Scratch) -> Result<()> {
    let shell = scratch.shell();
    let sources = workspace::root().join("benches/programs");
    shell.create_dir("programs")?;
    for entry in fs::read_dir(&sources).with_context(|| sources.display().to_string())? {
        let source = entry?.path();
        if source.extension().is_some_and(|extension| extension == "c") {
            let name = source.file_stem().expect("a C file has a name");
            let program = scratch.path().join("programs").join(name);
            cmd!(shell, "gcc -O1 -Wall -o {program} {source}").quiet().run()?;
        }
    }
    Ok(())
}

/// Sources that include what everyday C includes, since opening headers is most of what a compiler does to files.
fn write_sources(scratch: &Scratch) -> Result<()> {
    let shell = scratch.shell();
    let names: Vec<String> = (0..SOURCES).map(|number| format!("part{number:02}")).collect();
    for name in &names {
        let text = format!(
            "#include <errno.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n\n\
             int {name}(const char *text) {{\n    char *copy = strdup(text);\n    int length = printf(\"%s\\n\", copy);\n    \
             free(copy);\n    return length;\n}}\n"
        );
        shell.write_file(format!("sources/{name}.c"), text)?;
    }
    let declared: String = names.iter().map(|name| format!("int {name}(const char *);\n")).collect();
    let called: String = names.iter().map(|name| format!("    {name}(\"{name}\");\n")).collect();
    shell.write_file(
        "sources/main.c",
        format!("{declared}\nint main(void) {{\n{called}    return 0;\n}}\n"),
    )?;
    let objects: String = names.iter().map(|name| format!(" {name}.o")).collect();
    shell.write_file(
        "sources/Makefile",
        format!("CFLAGS = -O1\nobjects = main.o{objects}\n\nall: $(objects)\n\t$(CC) -o all $(objects)\n"),
    )?;
    Ok(())
}
