//! Debian packages of any release and architecture, fetched by the ordinary apt with a state of its own and unpacked into a folder:
//! neither apt nor dpkg of the machine learns of it.

mod compiler;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};
use xshell::{Cmd, Shell, cmd};

pub(crate) use compiler::unpack as unpack_compiler;

/// What cases run: the shells, the everyday tools, and an interpreter.
pub(crate) const USERLAND: &[&str] = &[
    "bash",
    "coreutils",
    "dash",
    "diffutils",
    "findutils",
    "git",
    "grep",
    "gzip",
    "mawk",
    "patch",
    "python3",
    "rsync",
    "sed",
    "sqlite3",
    "tar",
    "util-linux",
    "zip",
];

/// The release that has a Rust compiler with a standard library for another architecture, newer than ours.
pub(crate) const COMPILER_RELEASE: &str = "bookworm";

/// The release that others are made from.
const UNSTABLE: &str = "sid";

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Fails unless the programs can be started; each has the names of the Debian packages that it takes.
pub(crate) fn require_programs(needed: &[(&str, &str)]) -> Result<()> {
    let is_missing = |program: &str| Command::new(program).arg("--version").output().is_err();
    let missing: Vec<&str> =
        needed.iter().filter(|(program, _)| is_missing(program)).map(|(_, packages)| *packages).collect();
    if !missing.is_empty() {
        bail!("not installed yet; run `apt-get install --no-install-recommends {}`", missing.join(" "));
    }
    Ok(())
}

/// The packages of one release for one architecture.
pub(crate) struct Archive<'a> {
    shell: &'a Shell,
    /// Lists and settings of apt.
    state: PathBuf,
    release: &'static str,
    architecture: &'static str,
}

impl<'a> Archive<'a> {
    /// Reads the lists of packages, once: `state` keeps them.
    pub(crate) fn open(
        shell: &'a Shell,
        release: &'static str,
        architecture: &'static str,
        state: PathBuf,
    ) -> Result<Self> {
        let archive = Self { shell, state, release, architecture };
        for folder in ["etc/apt.conf.d", "etc/preferences.d", "lists/partial", "cache/archives/partial"] {
            shell.create_dir(archive.state.join(folder))?;
        }
        let complete = archive.state.join("complete");
        if !complete.is_file() {
            shell.write_file(archive.state.join("status"), "")?;
            shell.write_file(archive.state.join("etc/sources.list"), archive.sources()?)?;
            archive.fetch(&["update"], "the lists of packages")?;
            shell.write_file(complete, "")?;
        }
        Ok(archive)
    }

    /// Fetches exactly these packages and unpacks them into `folder`, once.
    pub(crate) fn unpack(&self, packages: &[String], folder: &Path) -> Result<()> {
        self.unpack_by(packages, folder, |fetched| {
            let packages = packages.iter().map(String::as_str);
            let words: Vec<&str> = ["download"].into_iter().chain(packages).collect();
            let _here = self.shell.push_dir(fetched);
            self.fetch(&words, "packages")
        })
    }

    /// Fetches these packages with all they depend on and unpacks them into `folder`, once.
    pub(crate) fn unpack_with_dependencies(&self, packages: &[String], folder: &Path) -> Result<()> {
        self.unpack_by(packages, folder, |fetched| {
            let packages = packages.iter().map(String::as_str);
            let cache = format!("Dir::Cache::archives={}", fetched.display());
            self.shell.create_dir(fetched.join("partial"))?;
            let words = ["-o", &cache, "-y", "--download-only", "install"];
            let words: Vec<&str> = words.into_iter().chain(packages).collect();
            self.fetch(&words, "packages")
        })
    }

    /// Returns the packages that `package` depends on, and those that they do.
    pub(crate) fn dependencies(&self, package: &str) -> Result<Vec<String>> {
        let strictly = ["--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces"];
        let words: Vec<&str> =
            ["depends", "--recurse", "--no-enhances"].into_iter().chain(strictly).chain([package]).collect();
        let text = self.apt("apt-cache", &words).read()?;
        let names =
            text.lines().filter_map(|line| line.trim().trim_start_matches('|').strip_prefix("Depends: "));
        let mut names: Vec<String> =
            names.map(|name| name.split(':').next().unwrap_or(name).to_owned()).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Returns the names of all packages that begin so.
    pub(crate) fn names(&self, beginning: &str) -> Result<Vec<String>> {
        let text = self.apt("apt-cache", &["pkgnames", beginning]).read()?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn unpack_by(
        &self,
        packages: &[String],
        folder: &Path,
        fetch: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        let stamp = folder.with_extension("packages");
        let wanted = packages.join("\n");
        if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
            return Ok(());
        }
        let fetched = folder.with_extension("debs");
        self.shell.remove_path(folder)?;
        self.shell.remove_path(&fetched)?;
        self.shell.create_dir(folder)?;
        self.shell.create_dir(&fetched)?;
        fetch(&fetched)?;
        for package in self.shell.read_dir(&fetched)? {
            if package.extension().is_some_and(|extension| extension == "deb") {
                cmd!(self.shell, "dpkg-deb --extract {package} {folder}").quiet().run()?;
            }
        }
        self.merge_usr(folder)?;
        self.shell.remove_path(&fetched)?;
        self.shell.write_file(stamp, wanted)?;
        Ok(())
    }

    /// Runs apt-get, which says itself what it cannot reach.
    fn fetch(&self, words: &[&str], what: &str) -> Result<()> {
        let is_fetched = self.apt("apt-get", words).arg("-qq").ignore_stdout().run().is_ok();
        let state = self.state.display();
        ensure!(
            is_fetched,
            "apt could not fetch {what} of Debian {}; if its lists are old, remove `{state}`",
            self.release
        );
        Ok(())
    }

    /// Makes `/bin` and the like links into `/usr`, as on every installed Debian; its packages hold both.
    fn merge_usr(&self, folder: &Path) -> Result<()> {
        for name in ["bin", "sbin", "lib", "lib64"] {
            let (outer, inner) = (folder.join(name), folder.join("usr").join(name));
            if outer.is_symlink() || !(outer.is_dir() || inner.is_dir()) {
                continue;
            }
            self.shell.create_dir(&inner)?;
            self.shell.create_dir(&outer)?;
            let content = outer.join(".");
            cmd!(self.shell, "cp --archive {content} {inner}").quiet().run()?;
            self.shell.remove_path(&outer)?;
            symlink(Path::new("usr").join(name), outer)?;
        }
        Ok(())
    }

    /// Returns the lines of a `sources.list`, with the mirrors that this machine uses already, for whichever release.
    fn sources(&self) -> Result<String> {
        let format = "$(ORIGIN) $(REPO_URI) $(RELEASE)";
        let known =
            cmd!(self.shell, "apt-get indextargets --format {format} 'Created-By: Packages'").read()?;
        let Self { release, architecture, .. } = self;
        let mut lines = BTreeSet::new();
        for target in known.lines() {
            let Some((mirror, suite)) =
                target.strip_prefix("Debian ").and_then(|target| target.split_once(' '))
            else {
                continue;
            };
            let suite = match suite.split_once('-') {
                None => (*release).to_owned(),
                // What is not released yet has no updates, and what is beside a release has none of its own.
                Some((_, "security")) if *release != UNSTABLE && !release.contains('-') => {
                    format!("{release}-security")
                }
                Some(_) => continue,
            };
            lines.insert(format!("deb [arch={architecture} signed-by={KEYRING}] {mirror} {suite} main\n"));
        }
        ensure!(
            !lines.is_empty(),
            "apt on this machine has no sources of Debian; does it need `apt-get update`?"
        );
        Ok(lines.into_iter().collect())
    }

    fn apt(&self, program: &str, words: &[&str]) -> Cmd<'a> {
        let state = self.state.display();
        let architecture = self.architecture;
        let settings = [
            format!("Dir::State={state}"),
            format!("Dir::State::lists={state}/lists"),
            format!("Dir::State::status={state}/status"),
            format!("Dir::Cache={state}/cache"),
            format!("Dir::Etc::sourcelist={state}/etc/sources.list"),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::Etc::preferencesparts={state}/etc/preferences.d"),
            format!("Dir::Etc::parts={state}/etc/apt.conf.d"),
            format!("APT::Architecture={architecture}"),
            format!("APT::Architectures={architecture}"),
            "APT::Install-Recommends=false".to_owned(),
            "APT::Update::Post-Invoke=".to_owned(),
            "Acquire::Languages=none".to_owned(),
            // The folders are the developer's own, which apt's unprivileged user cannot enter.
            "APT::Sandbox::User=root".to_owned(),
        ];
        let settings = settings.iter().flat_map(|setting| ["-o", setting]);
        cmd!(self.shell, "{program} {settings...} {words...}").quiet()
    }
}
