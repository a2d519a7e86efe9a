//! Where records are kept: `.roar` here or above, else beside the git root, else here.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Name of the directory.
pub(crate) const DIRECTORY_NAME: &str = ".roar";

/// A place where records are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repo {
    /// The directory that holds `.roar`: the project.
    pub root: PathBuf,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// `.roar` is there.
    Existing(Repo),
    /// It is not; it belongs there.
    Missing(Repo),
}

impl Found {
    /// Returns the place, there or not.
    pub fn repo(&self) -> &Repo {
        match self {
            Self::Existing(repo) | Self::Missing(repo) => repo,
        }
    }
}

impl Repo {
    /// Returns `.roar`.
    pub fn dir(&self) -> PathBuf {
        self.root.join(DIRECTORY_NAME)
    }

    /// Returns the configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.dir().join("config.toml")
    }

    /// Returns the directory of runs that are under way.
    pub fn runs_dir(&self) -> PathBuf {
        self.dir().join("runs")
    }

    /// Makes `.roar` with an empty configuration, private to the user; what is there already stays.
    ///
    /// # Errors
    /// Those of mkdir(2) and open(2).
    pub fn create(&self) -> io::Result<()> {
        make_private_dir(&self.dir())?;
        let config = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.config_file());
        match config {
            Ok(mut file) => file.write_all(roar_config::template().as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Makes a directory that only the user can enter; one that is there already stays.
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn is_dir(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir())
}

/// Finds the place for records of what happens in `cwd`.
///
/// The user's own configuration directory `~/.roar` is none, unless it holds records itself.
pub fn find_repo(cwd: &Path, home: Option<&Path>) -> Found {
    for directory in cwd.ancestors() {
        let candidate = directory.join(DIRECTORY_NAME);
        let is_users = home == Some(directory) && fs::metadata(candidate.join("roar.db")).is_err();
        if is_dir(&candidate) && !is_users {
            return Found::Existing(Repo { root: directory.to_owned() });
        }
    }
    let git_root = cwd.ancestors().find(|directory| fs::symlink_metadata(directory.join(".git")).is_ok());
    Found::Missing(Repo { root: git_root.unwrap_or(cwd).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_place_wins_then_the_git_root_then_here() {
        let top = tempfile::tempdir().unwrap();
        let deep = top.path().join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(find_repo(&deep, None), Found::Missing(Repo { root: deep.clone() }));
        fs::create_dir(top.path().join("a/.git")).unwrap();
        assert_eq!(find_repo(&deep, None), Found::Missing(Repo { root: top.path().join("a") }));
        let repo = Repo { root: top.path().to_owned() };
        repo.create().unwrap();
        assert_eq!(find_repo(&deep, None), Found::Existing(repo.clone()));
        repo.create().unwrap();
    }

    #[test]
    fn the_users_configuration_is_no_place_for_records() {
        let home = tempfile::tempdir().unwrap();
        let project = home.path().join("project");
        fs::create_dir_all(&project).unwrap();
        fs::create_dir(home.path().join(DIRECTORY_NAME)).unwrap();
        assert_eq!(find_repo(&project, Some(home.path())), Found::Missing(Repo { root: project }));
    }
}
