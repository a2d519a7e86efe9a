//! The folder that a job works in, made anew for each run at the same place, so that paths are the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::environment::Environment;
use super::job::Job;
use crate::{env, workspace};

/// Files in `in`, and lines of `in.csv`.
const FILES: u32 = 100;
const ROWS: u32 = 1000;

pub(super) struct World {
    path: PathBuf,
    home: PathBuf,
    shell: Shell,
}

impl World {
    /// Makes the place, with a database beside it.
    pub(super) fn new(environment: &Environment) -> Result<Self> {
        let shell = workspace::shell()?;
        let root = environment.root();
        let home = root.join("home");
        shell.create_dir(&home)?;
        shell.change_dir(root);
        shell.remove_path(root.join(".roar"))?;
        let roar = workspace::roar();
        cmd!(shell, "{roar} init -y").env(env::HOME, &home).quiet().ignore_stdout().ignore_stderr().run()?;
        Ok(Self { path: root.join("world"), home, shell })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a command that runs in the world, which must have been made.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.path).env(env::HOME, &self.home);
        // These are looked for at home otherwise.
        command.envs(env::rust_homes());
        command
    }

    /// Makes the world of a job.
    pub(super) fn make(&self, job: &Job, environment: &Environment) -> Result<()> {
        self.shell.remove_path(&self.path)?;
        copy(&workspace::root().join("tests/real/programs"), &self.path)?;
        for folder in ["in", "out"] {
            self.shell.create_dir(self.path.join(folder))?;
        }
        for number in 0..FILES {
            self.shell
                .write_file(self.path.join(format!("in/{number}")), format!("line {number}\nmore\n"))?;
        }
        let rows: String = (0..ROWS).map(|number| format!("{number},{}.5\n", number * 2)).collect();
        self.shell.write_file(self.path.join("in.csv"), format!("a,b\n{rows}"))?;
        if !job.before.is_empty() {
            let line = environment.line(&job.before);
            let made = self.command(Path::new("sh")).args(["-c", &line]).status()?;
            ensure!(made.success(), "what comes before {} failed: {line}", job.name);
        }
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| target.display().to_string())?;
        }
    }
    Ok(())
}
