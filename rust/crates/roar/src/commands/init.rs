//! `roar init`: makes `.roar` here.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use roar_run::Repo;
use roar_store::Store;

use crate::cli::InitArgs;
use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::ui;

/// What makes git ignore `.roar`, wherever in the repository it is.
const IGNORED: &str = ".roar/";

/// Lines of a .gitignore that do the same.
const IGNORED_FORMS: &[&str] = &[".roar/", ".roar", "/.roar/", "/.roar", "**/.roar/", "**/.roar"];

pub(crate) fn init(args: &InitArgs, environment: &Environment) -> Result<(), CliError> {
    let repo = Repo { root: environment.cwd.clone() };
    let was_there = Store::open(&repo.dir()).is_ok();
    repo.create().map_err(|source| {
        CliError::new(Kind::Environment, format!("cannot make {}", repo.dir().display())).with_source(&source)
    })?;
    drop(Store::open_or_create(&repo.dir())?);
    if was_there {
        ui::say(format_args!("Found {}", repo.dir().display()));
    } else {
        ui::say(format_args!("Made {}", repo.dir().display()));
    }
    match git_root(&environment.cwd) {
        Some(git_root) => ignore(args, &git_root, &environment.cwd, was_there),
        None => Ok(()),
    }
}

fn git_root(cwd: &Path) -> Option<PathBuf> {
    let root = cwd.ancestors().find(|directory| fs::symlink_metadata(directory.join(".git")).is_ok());
    root.map(Path::to_owned)
}

/// Has git ignore `.roar`, if the user wants that.
fn ignore(args: &InitArgs, git_root: &Path, cwd: &Path, was_there: bool) -> Result<(), CliError> {
    let file = git_root.join(".gitignore");
    let failed = |verb: &str, source| {
        CliError::new(Kind::Environment, format!("cannot {verb} {}", file.display())).with_source(&source)
    };
    let between = cwd.ancestors().take_while(|directory| directory.starts_with(git_root));
    for directory in between {
        if is_ignored_by(&directory.join(".gitignore")).map_err(|source| failed("read", source))? {
            return Ok(());
        }
    }
    let question = format!("Add {IGNORED} to {}?", file.display());
    let answer = match (args.yes, args.no) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        // Whoever was asked once is not asked again.
        _ if was_there => Some(false),
        _ => ui::ask(&question),
    };
    match answer {
        Some(true) => {
            append(&file).map_err(|source| failed("write", source))?;
            ui::say(format_args!("Added {IGNORED} to {}", file.display()));
        }
        Some(false) => {}
        None => ui::hint(format_args!("have git ignore `{IGNORED}` with `roar init -y`")),
    }
    Ok(())
}

fn is_ignored_by(file: &Path) -> io::Result<bool> {
    match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(text) => {
            let mut lines = text.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
            Ok(lines.any(|line| IGNORED_FORMS.iter().any(|form| form.as_bytes() == line)))
        }
    }
}

fn append(file: &Path) -> io::Result<()> {
    let is_line_open = match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error),
        Ok(text) => text.last().is_some_and(|byte| *byte != b'\n'),
    };
    let line = format!("{}{IGNORED}\n", if is_line_open { "\n" } else { "" });
    OpenOptions::new().create(true).append(true).open(file)?.write_all(line.as_bytes())
}
