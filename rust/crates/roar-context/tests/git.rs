//! `GitProbe` on real repositories, made by the git program.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test's helper functions may fail the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use roar_context::{GitProbe, GitState, WorkTree};
use tempfile::TempDir;
use tracer_schema::PathBytes;

const TIMEOUT: Duration = Duration::from_secs(60);

struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    /// Runs git in a folder, apart from the user's own configuration.
    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.org",
            "-c",
            "init.defaultBranch=main",
        ]);
        command
            .args(arguments)
            .current_dir(self.path(folder))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", self.path(""));
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Makes a repository with one commit of a file `a` and a file `sub/b`.
    fn repository(&self, name: &str, init: &[&str]) -> String {
        fs::create_dir(self.path(name)).unwrap();
        self.git(name, &[&["init", "-q"], init].concat());
        fs::create_dir(self.path(name).join("sub")).unwrap();
        fs::write(self.path(name).join("a"), "a").unwrap();
        fs::write(self.path(name).join("sub/b"), "b").unwrap();
        self.git(name, &["add", "."]);
        self.git(name, &["commit", "-q", "-m", "First"]);
        self.git(name, &["rev-parse", "HEAD"])
    }

    fn state(&self, folder: &str) -> GitState {
        state(&self.path(folder)).unwrap()
    }
}

fn state(dir: &Path) -> Option<GitState> {
    GitProbe::start(dir).wait(TIMEOUT)
}

#[test]
fn outside_of_a_repository_there_is_no_state() {
    let world = World::new();
    fs::create_dir(world.path("plain")).unwrap();
    fs::create_dir_all(world.path("plain/.git/objects")).unwrap();
    assert_eq!(state(&world.path("plain")), None);
}

#[test]
fn a_clean_repository_is_found_from_below() {
    let world = World::new();
    let commit = world.repository("r", &[]);
    fs::write(world.path("r/untracked"), "x").unwrap();
    let expected = GitState {
        top_level: world.path("r"),
        commit: Some(commit),
        branch: Some("main".to_owned()),
        remote_url: None,
        work_tree: WorkTree::Clean,
    };
    assert_eq!(world.state("r"), expected);
    assert_eq!(world.state("r/sub"), expected);
    assert_eq!(GitProbe::start(&world.path("r/sub")).top_level(), Some(world.path("r").as_path()));
}

#[test]
fn changed_staged_deleted_and_renamed_files_make_it_dirty() {
    let world = World::new();
    world.repository("r", &[]);
    fs::write(world.path("r/a"), "changed").unwrap();
    fs::write(world.path("r/new name\n"), "new").unwrap();
    world.git("r", &["add", "new name\n"]);
    world.git("r", &["mv", "sub/b", "c"]);
    let changed = ["a", "c", "new name\n", "sub/b"].map(PathBytes::from).to_vec();
    assert_eq!(world.state("r/sub").work_tree, WorkTree::Dirty { changed, is_complete: true });
}

#[test]
fn asking_writes_nothing() {
    let world = World::new();
    world.repository("r", &[]);
    // Same content, another time: the program would like to refresh its index.
    fs::write(world.path("r/a"), "a").unwrap();
    let index = || fs::read(world.path("r/.git/index")).unwrap();
    let before = index();
    assert_eq!(world.state("r").work_tree, WorkTree::Clean);
    assert_eq!(index(), before);
}

#[test]
fn a_detached_head_has_no_branch_and_a_new_repository_no_commit() {
    let world = World::new();
    let commit = world.repository("r", &[]);
    world.git("r", &["checkout", "-q", "--detach"]);
    assert_eq!((world.state("r").branch, world.state("r").commit), (None, Some(commit)));
    fs::create_dir(world.path("new")).unwrap();
    world.git("new", &["init", "-q"]);
    let GitState { branch, commit, work_tree, .. } = world.state("new");
    assert_eq!((branch.as_deref(), commit, work_tree), (Some("main"), None, WorkTree::Clean));
}

#[test]
fn packed_references_linked_work_trees_and_submodules_are_understood() {
    let world = World::new();
    let commit = Some(world.repository("r", &[]));
    world.git("r", &["branch", "topic/x"]);
    world.git("r", &["pack-refs", "--all"]);
    assert_eq!(world.state("r").commit, commit);
    world.git("r", &["worktree", "add", "-q", "../linked", "topic/x"]);
    let linked = world.state("linked/sub");
    assert_eq!((linked.branch.as_deref(), linked.commit), (Some("topic/x"), commit.clone()));
    assert_eq!(linked.top_level, world.path("linked"));

    world.repository("outer", &[]);
    world.git("outer", &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../r", "inner"]);
    let inner = world.state("outer/inner");
    assert_eq!((inner.top_level, inner.commit), (world.path("outer/inner"), commit));
}

#[test]
fn what_files_do_not_tell_the_program_does() {
    let world = World::new();
    let (major, minor) = {
        let version = Command::new("git").arg("version").output().unwrap().stdout;
        let version = String::from_utf8(version).unwrap();
        let mut numbers = version
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|part| part.parse::<u32>().ok());
        (numbers.next().unwrap(), numbers.next().unwrap())
    };
    // The first version with references in a reftable.
    if (major, minor) < (2, 45) {
        return;
    }
    let commit = world.repository("r", &["--ref-format=reftable"]);
    let state = world.state("r");
    assert_eq!((state.branch.as_deref(), state.commit), (Some("main"), Some(commit)));
}

#[test]
fn ids_may_be_of_either_hash_function() {
    let world = World::new();
    let commit = world.repository("r", &["--object-format=sha256"]);
    assert_eq!(commit.len(), 64);
    assert_eq!(world.state("r").commit, Some(commit));
}

#[test]
fn the_remote_is_told_without_credentials() {
    let world = World::new();
    world.repository("r", &[]);
    world.git("r", &["remote", "add", "fork", "https://user:secret@example.org/fork.git"]);
    assert_eq!(world.state("r").remote_url.as_deref(), Some("https://example.org/fork.git"));
    world.git("r", &["remote", "add", "origin", "git@example.org:x.git"]);
    assert_eq!(world.state("r").remote_url.as_deref(), Some("git@example.org:x.git"));
    world.git("r", &["config", "branch.main.remote", "fork"]);
    assert_eq!(world.state("r").remote_url.as_deref(), Some("https://example.org/fork.git"));
}

#[test]
fn a_repository_that_git_refuses_is_unknown_with_the_reason() {
    let world = World::new();
    let commit = world.repository("r", &[]);
    fs::write(world.path("r/.git/index"), "not an index").unwrap();
    let state = world.state("r");
    let WorkTree::Unknown { reason } = state.work_tree else { panic!("{state:?}") };
    assert!(reason.contains("index"), "{reason}");
    assert_eq!(state.commit, Some(commit));
}
