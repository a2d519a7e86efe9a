//! A clean place that stands for the project: a clone of its repository, or an empty directory.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use roar_lineage::{Input, Plan, Step, Supply, standing_directory};
use roar_run::Repo;
use roar_store::{Patch, Stream, StreamKind};
use tracer_schema::PathBytes;

use crate::env::Environment;
use crate::error::{CliError, Kind};
use crate::quote;

/// Names that are tried for a directory that is not there yet.
const NAMES_MAX: u32 = 1_000;

/// The place.
pub(super) struct Checkout<'e> {
    environment: &'e Environment,
    base: PathBytes,
    root: PathBytes,
    /// What is checked out: the commit and the changes.
    state: Option<(String, Option<Vec<u8>>)>,
}

impl<'e> Checkout<'e> {
    /// Makes it: at `root`, else in a new temporary directory.
    pub(super) fn make(
        plan: &Plan,
        root: Option<&Path>,
        environment: &'e Environment,
    ) -> Result<Self, CliError> {
        let root = match root {
            Some(root) => make_empty(&environment.cwd.join(root))?,
            None => make_temporary(&environment.temp)?,
        };
        let checkout =
            Self { environment, base: plan.base.clone(), root: PathBytes::from(root.as_path()), state: None };
        if let Some(git) = plan.git() {
            // Objects are linked, not copied: a commit that no branch has any more is there as well.
            let from = git.top_level.as_path();
            checkout.git(
                Path::new("/"),
                "clone",
                &["-q", "--local", "--no-checkout", "--"],
                &[from, &root],
                None,
            )?;
        }
        Repo { root: root.clone() }
            .create()
            .map_err(|source| failed("make", &root.join(".roar"), &source))?;
        Ok(checkout)
    }

    pub(super) fn root(&self) -> &PathBytes {
        &self.root
    }

    /// Returns where something of the project is in the checkout; what is elsewhere stays there.
    pub(super) fn place(&self, path: &PathBytes) -> PathBytes {
        let (base, root) = (self.base.as_bytes(), self.root.as_bytes());
        match path.as_bytes().strip_prefix(base) {
            Some(rest) if rest.is_empty() || rest.first() == Some(&b'/') => PathBytes([root, rest].concat()),
            Some(_) | None => path.clone(),
        }
    }

    /// Returns a word of a command, in which every mention of the project is one of the checkout.
    pub(super) fn word(&self, word: &PathBytes) -> PathBytes {
        let (base, root) = (self.base.as_bytes(), self.root.as_bytes());
        let mut out = Vec::with_capacity(word.as_bytes().len());
        let mut rest = word.as_bytes();
        while let Some(byte) = rest.first() {
            let before_is_free = out.last().is_none_or(|byte| !is_of_name(*byte));
            match rest.strip_prefix(base) {
                Some(after) if before_is_free && after.first().is_none_or(|byte| !is_of_name(*byte)) => {
                    out.extend_from_slice(root);
                    rest = after;
                }
                Some(_) | None => {
                    out.push(*byte);
                    rest = &rest[1..];
                }
            }
        }
        PathBytes(out)
    }

    /// Returns the streams, those to files of the project to files of the checkout; to files elsewhere nothing is written.
    pub(super) fn streams(&self, streams: &[Stream]) -> Vec<Stream> {
        let moved = streams.iter().map(|stream| {
            let path = stream.path.as_ref().map(|path| self.place(path));
            let is_inside = path != stream.path;
            let kind = if is_inside || stream.fd == 0 { stream.kind } else { StreamKind::Other };
            Stream { path, kind, ..stream.clone() }
        });
        moved.collect()
    }

    /// Makes ready for a step: the code as it was then, and the inputs that no step makes.
    pub(super) fn prepare(&mut self, step: &Step) -> Result<(), CliError> {
        self.check_out(step)?;
        let copied = step.inputs.iter().filter(|input| input.supply == Supply::Copy);
        for input in copied {
            self.copy(input)?;
        }
        // Those that the step has made itself it is to make again.
        let mut directories = vec![self.place(&step.job.cwd)];
        directories.extend(step.outputs.iter().filter_map(|output| {
            let standing = standing_directory(output.path.as_path().parent()?, step.job.began_unix_ns);
            Some(self.place(&PathBytes::from(standing)))
        }));
        for directory in directories {
            let directory = directory.as_path();
            fs::create_dir_all(directory).map_err(|source| failed("make", directory, &source))?;
        }
        for (link, target) in &step.links {
            self.link(link, target)?;
        }
        Ok(())
    }

    /// Makes a link of the project that led to inputs, unless something is there.
    fn link(&self, link: &PathBytes, target: &PathBytes) -> Result<(), CliError> {
        let place = self.place(link);
        let path = place.as_path();
        if place == *link || path.symlink_metadata().is_ok() {
            return Ok(());
        }
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let made = made.and_then(|()| std::os::unix::fs::symlink(self.place(target).as_path(), path));
        made.map_err(|source| failed("make", path, &source))
    }

    fn check_out(&mut self, step: &Step) -> Result<(), CliError> {
        let Some(commit) = step.context.git.as_ref().and_then(|git| git.commit.clone()) else {
            return Ok(());
        };
        let patch = match &step.context.patch {
            Some(Patch::Kept(text)) => Some(text.clone()),
            Some(Patch::Left(_)) | None => None,
        };
        let wanted = Some((commit, patch));
        if self.state == wanted {
            return Ok(());
        }
        let Some((commit, patch)) = &wanted else { return Ok(()) };
        let root = self.root.as_path().to_owned();
        self.git(&root, "checkout", &["-q", "--force", "--detach", commit], &[], None)?;
        if let Some(patch) = patch {
            self.git(&root, "apply", &["--whitespace=nowarn", "--binary", "-"], &[], Some(patch))?;
        }
        self.turn_links()?;
        self.state = wanted;
        Ok(())
    }

    /// Turns links of the commit that lead to the project itself to the checkout.
    fn turn_links(&self) -> Result<(), CliError> {
        let root = self.root.as_path();
        // Mode, object, stage and, behind a tab, the path (git-ls-files(1)).
        let list = self.git(root, "ls-files", &["-s", "-z"], &[], None)?;
        for line in list.split(|byte| *byte == 0).filter(|line| line.starts_with(b"120000 ")) {
            let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { continue };
            let link = root.join(OsStr::from_bytes(&line[tab + 1..]));
            let Ok(target) = fs::read_link(&link) else { continue };
            let target = PathBytes::from(target.as_path());
            let turned = self.place(&target);
            if turned != target {
                fs::remove_file(&link)
                    .and_then(|()| std::os::unix::fs::symlink(turned.as_path(), &link))
                    .map_err(|source| failed("turn", &link, &source))?;
            }
        }
        Ok(())
    }

    fn copy(&self, input: &Input) -> Result<(), CliError> {
        let (from, to) = (input.path.as_path(), self.place(&input.path));
        let to = to.as_path();
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(|source| failed("make", parent, &source))?;
        }
        let is_link = input.content.as_ref().is_some_and(|content| content.is_link);
        let copied = if is_link {
            // There need not be one.
            drop(fs::remove_file(to));
            let place = |target: PathBuf| self.place(&PathBytes::from(target.as_path()));
            fs::read_link(from).and_then(|target| std::os::unix::fs::symlink(place(target).as_path(), to))
        } else {
            fs::copy(from, to).map(drop)
        };
        copied.map_err(|source| failed("copy", from, &source))
    }

    fn git(
        &self,
        directory: &Path,
        subcommand: &str,
        arguments: &[&str],
        paths: &[&Path],
        input: Option<&[u8]>,
    ) -> Result<Vec<u8>, CliError> {
        let mut command = Command::new("git");
        command.arg(subcommand).args(arguments).args(paths).current_dir(directory);
        // Those of a hook that roar runs in would turn git to another repository.
        let variables = self.environment.variables.iter();
        for (name, _) in variables.filter(|(name, _)| name.as_bytes().starts_with(b"GIT_")) {
            command.env_remove(name);
        }
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let ended = command.spawn().and_then(|mut child| {
            if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
                // A git that stops reading says why.
                drop(stdin.write_all(input));
            }
            child.wait_with_output()
        });
        let ended = ended.map_err(|source| {
            CliError::new(Kind::Environment, "git cannot be started").with_source(&source)
        })?;
        if ended.status.success() {
            return Ok(ended.stdout);
        }
        let words = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        Err(CliError::new(Kind::Environment, format!("`git {subcommand}` failed in {}", directory.display()))
            .with_causes(vec![words])
            .with_hint("the commit must still be in the repository; `git fetch` may bring it back"))
    }
}

/// Returns whether a byte belongs to a name, so that a path beside it is a part of a longer one.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_-.~+@%".contains(&byte)
}

fn failed(verb: &str, path: &Path, source: &io::Error) -> CliError {
    let shown = quote::word(OsStr::as_bytes(path.as_os_str()));
    CliError::new(Kind::Environment, format!("cannot {verb} {shown}")).with_source(source)
}

fn make_empty(path: &Path) -> Result<PathBuf, CliError> {
    DirBuilder::new().mode(0o700).create(path).map_err(|source| {
        failed("make", path, &source).with_hint("name a directory that is not there yet")
    })?;
    path.canonicalize().map_err(|source| failed("find", path, &source))
}

fn make_temporary(temp: &Path) -> Result<PathBuf, CliError> {
    let mut last = None;
    for number in 0..NAMES_MAX {
        let path = temp.join(format!("roar-reproduce-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return path.canonicalize().map_err(|source| failed("find", &path, &source)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = Some(error),
            Err(error) => return Err(failed("make", &path, &error)),
        }
    }
    let last = last.unwrap_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists));
    Err(failed("make a directory in", temp, &last))
}
