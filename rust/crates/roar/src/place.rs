//! Finding the repository, its store and its configuration.

use std::path::{Path, PathBuf};

use roar_config::{Config, Override, Sources};
use roar_run::{Found, Repo, find_repo};
use roar_store::Store;
use tracer_schema::PathBytes;

use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::quote;
use crate::ui;

/// Returns the repository around the working directory, if there is one.
pub(crate) fn repo(environment: &Environment) -> Option<Repo> {
    match find_repo(&environment.cwd, environment.home.as_deref()) {
        Found::Existing(repo) => Some(repo),
        Found::Missing(_) => None,
    }
}

/// Opens the store of the repository around the working directory.
pub(crate) fn store(environment: &Environment) -> Result<Store, CliError> {
    let Some(repo) = repo(environment) else {
        return Err(CliError::new(Kind::Environment, "no `.roar` here or in a directory above")
            .with_hint("make one with `roar init`, or record something with `roar run CMD`"));
    };
    Ok(Store::open(&repo.dir())?)
}

/// Returns where the user's configuration file is.
pub(crate) fn user_config_file(environment: &Environment) -> Option<PathBuf> {
    environment.home.as_ref().map(|home| home.join(".roar/config.toml"))
}

/// Reads the configuration, and warns of what looks like a slip of the pen.
pub(crate) fn config(environment: &Environment, overrides: &[Override<'_>]) -> Result<Config, CliError> {
    let user_file = user_config_file(environment);
    let repository_file = repo(environment).map(|repo| repo.config_file());
    let sources =
        Sources { user_file: user_file.as_deref(), repository_file: repository_file.as_deref(), overrides };
    let config = Config::load(&sources, environment.variables.iter().cloned())?;
    for suspect in &config.suspects {
        ui::warn(format_args!(
            "environment variable {} is not known, nearest is {}",
            suspect.variable, suspect.nearest
        ));
    }
    Ok(config)
}

/// Writes a file that the user has named, whole or not at all.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), CliError> {
    roar_run::write_whole(path, text.as_bytes()).map_err(|source| {
        let shown = quote::word(path.as_os_str().as_encoded_bytes());
        CliError::new(Kind::Environment, format!("cannot write {shown}"))
            .with_source(&source)
            .with_hint("name a file in a directory that is there, and that you may write to")
    })
}

/// Returns a path as a person in the working directory would type it.
pub(crate) fn shown_path(environment: &Environment, path: &PathBytes) -> String {
    let path = path.as_path();
    let near = path.strip_prefix(&environment.cwd).unwrap_or(path);
    let near = if near.as_os_str().is_empty() { Path::new(".") } else { near };
    quote::word(near.as_os_str().as_encoded_bytes())
}

/// Returns the path of a directory as a person in the working directory would type it.
pub(crate) fn shown_directory(environment: &Environment, path: &PathBytes) -> String {
    let path = path.as_path();
    if path == environment.cwd {
        return ".".to_owned();
    }
    let near = path.strip_prefix(&environment.cwd).unwrap_or(path);
    quote::word(near.join("").as_os_str().as_encoded_bytes())
}
