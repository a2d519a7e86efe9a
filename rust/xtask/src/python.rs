//! Virtual environments of Python, each of the packages that a file of requirements names.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::workspace;

/// Makes `python` in a folder, unless there is one of the same packages, and returns its interpreter.
pub(crate) fn environment(shell: &Shell, root: &Path, requirements: &str) -> Result<String> {
    let wanted = workspace::root().join(requirements);
    let wanted_text = fs::read_to_string(&wanted).with_context(|| wanted.display().to_string())?;
    let (folder, stamp) = (root.join("python"), root.join("python.made"));
    let python = folder.join("bin/python");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted_text) {
        return Ok(python.display().to_string());
    }
    shell.create_dir(root)?;
    shell.remove_path(&folder)?;
    cmd!(shell, "python3 -m venv {folder}").run()?;
    // Most of what is installed is never loaded: what is, is compiled then.
    let install = ["install", "--quiet", "--disable-pip-version-check", "--no-compile", "--requirement"];
    cmd!(shell, "{python} -m pip {install...} {wanted}").run()?;
    fs::write(&stamp, wanted_text).with_context(|| stamp.display().to_string())?;
    Ok(python.display().to_string())
}
