//! The environment: every variable that roar itself looks at, the working directory, and where its programs are.
//!
//! The `ROAR_…` twins of the configuration keys are in `roar-config`'s table; `NO_COLOR` and its like are looked at by
//! `anstream`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{CliError, Kind};

/// The variable that says where the tracers are.
pub(crate) const PROGRAMS: &str = "ROAR_TRACERS";

/// The variable that has the key for an OpenLineage server, as its other clients have it.
pub(crate) const OPENLINEAGE_KEY: &str = "OPENLINEAGE_API_KEY";

/// What the wheel puts into an environment, beside `bin`.
const PYTHON_PACKAGE: &str = "share/roar/python-package";

/// Where temporary files go unless `TMPDIR` says otherwise.
const TEMP: &str = "/tmp";

/// What roar finds around itself.
#[derive(Debug)]
pub(crate) struct Environment {
    /// The working directory.
    pub(crate) cwd: PathBuf,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// `XDG_CACHE_HOME`, or where it is usually.
    pub(crate) caches: Option<PathBuf>,
    /// `TMPDIR`.
    pub(crate) temp: PathBuf,
    /// `COLUMNS`: the width of the terminal, which wins over what the terminal says.
    pub(crate) columns: Option<usize>,
    /// `PAGER`: the program that shows what is longer than the terminal; an empty one, or `cat`: none.
    pub(crate) pager: Option<OsString>,
    /// `SUDO_UID` and `SUDO_GID`: who has become root by sudo(8).
    pub(crate) sudo: Option<(u32, u32)>,
    /// This program.
    pub(crate) program: PathBuf,
    /// Where the tracers are: `ROAR_TRACERS`, for packagers and tests, else the directory of this program.
    pub(crate) programs: PathBuf,
    /// All variables.
    pub(crate) variables: Vec<(OsString, OsString)>,
}

impl Environment {
    /// Reads the environment.
    #[expect(clippy::disallowed_methods, reason = "this is where it is passed in from")]
    pub(crate) fn read() -> Result<Self, CliError> {
        let cwd = std::env::current_dir().map_err(|source| {
            CliError::new(Kind::Environment, "cannot find out the working directory")
                .with_source(&source)
                .with_hint("change to a directory that is there")
        })?;
        let variables: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value).filter(|value| !value.is_empty())
        };
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let number = |name: &str| variable(name)?.to_str()?.parse().ok();
        let programs = match variable(PROGRAMS) {
            Some(programs) => PathBuf::from(programs),
            None => own_directory()?,
        };
        Ok(Self {
            cwd,
            home: variable("HOME").map(PathBuf::from),
            caches: absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache"))),
            temp: variable("TMPDIR").map_or_else(|| PathBuf::from(TEMP), PathBuf::from),
            columns: variable("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok()),
            pager: variables.iter().find(|(key, _)| key == "PAGER").map(|(_, value)| value.clone()),
            sudo: number("SUDO_UID").zip(number("SUDO_GID")),
            program: own_program()?,
            programs,
            variables,
        })
    }

    /// Returns `OPENLINEAGE_API_KEY`.
    pub(crate) fn openlineage_key(&self) -> Option<&str> {
        let (_, key) = self.variables.iter().find(|(name, _)| name == OPENLINEAGE_KEY)?;
        key.to_str().filter(|key| !key.is_empty())
    }
}

impl Environment {
    /// Returns the variables that make a Python environment the one that is used.
    pub(crate) fn with_python(&self, place: &Path) -> Vec<(OsString, OsString)> {
        let mut path = place.join("bin").into_os_string();
        if let Some((_, before)) = self.variables.iter().find(|(name, _)| name == "PATH") {
            path.push(":");
            path.push(before);
        }
        vec![("PATH".into(), path), ("VIRTUAL_ENV".into(), place.into())]
    }
}

/// Returns whether a program was installed with the Python package: by pip, which puts a file of that name beside it.
pub(crate) fn has_python_package(program: &Path) -> bool {
    let prefix = program.parent().and_then(Path::parent);
    prefix.is_some_and(|prefix| fs::metadata(prefix.join(PYTHON_PACKAGE)).is_ok())
}

fn own_program() -> Result<PathBuf, CliError> {
    std::env::current_exe().map_err(|source| {
        CliError::new(Kind::Environment, "cannot find out where roar is installed").with_source(&source)
    })
}

fn own_directory() -> Result<PathBuf, CliError> {
    Ok(own_program()?.parent().unwrap_or(Path::new("/")).to_owned())
}
