//! The folder that a benchmark works in, with a database of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, TempDir, cmd};

use crate::{env, workspace};

/// A folder that starts with an empty `.roar`.
pub(super) struct Scratch {
    path: PathBuf,
    shell: Shell,
    /// Removes it in the end.
    _guard: Option<TempDir>,
}

impl Scratch {
    /// Returns `target/bench`, with what benchmarks made there before.
    pub(super) fn kept() -> Result<Self> {
        let shell = workspace::shell()?;
        let path = workspace::target("bench");
        shell.create_dir(&path)?;
        Self::begin(shell, path, None)
    }

    /// Returns a new folder outside of any git repository, whose state roar would ask for: that is not tracing.
    pub(super) fn temporary() -> Result<Self> {
        let shell = workspace::shell()?;
        let guard = shell.create_temp_dir()?;
        Self::begin(shell, guard.path().to_owned(), Some(guard))
    }

    fn begin(shell: Shell, path: PathBuf, guard: Option<TempDir>) -> Result<Self> {
        shell.change_dir(&path);
        shell.remove_path(".roar")?;
        let roar = workspace::roar();
        cmd!(shell, "{roar} init -y").env(env::HOME, &path).quiet().ignore_stdout().ignore_stderr().run()?;
        Ok(Self { path, shell, _guard: guard })
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
