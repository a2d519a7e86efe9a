//! The folder that a benchmark works in, below `target/bench`, with a database of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::{env, workspace};

/// A folder that starts with an empty `.roar` and keeps what benchmarks made there before.
pub(super) struct Scratch {
    path: PathBuf,
    shell: Shell,
}

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        let path = workspace::target("bench");
        let shell = workspace::shell()?;
        shell.create_dir(&path)?;
        shell.change_dir(&path);
        shell.remove_path(".roar")?;
        let roar = workspace::roar();
        cmd!(shell, "{roar} init -y").env(env::HOME, &path).quiet().ignore_stdout().ignore_stderr().run()?;
        Ok(Self { path, shell })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn shell(&self) -> &Shell {
        &self.shell
    }

    /// Makes a folder of `count` files by `content`, unless it is there in that size already.
    pub(super) fn files(&self, folder: &str, count: u64, content: impl Fn(u64) -> Vec<u8>) -> Result<()> {
        let folder = self.path.join(folder);
        if fs::read_dir(&folder).is_ok_and(|entries| entries.count() as u64 == count) {
            return Ok(());
        }
        self.shell.remove_path(&folder)?;
        self.shell.create_dir(&folder)?;
        for number in 0..count {
            let file = folder.join(format!("{number:05}"));
            fs::write(&file, content(number)).with_context(|| file.display().to_string())?;
        }
        Ok(())
    }
}
