//! The kernels: in which of Debian's suites each is, and its image.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::Shell;

use crate::debian::Archive;
use crate::initramfs::{Item, MTIME_BUILT};
use crate::workspace;

/// A release of Linux that the tracers are tried on.
pub(super) struct Kernel {
    pub(super) release: &'static str,
    /// The suite of Debian that has it.
    suite: &'static str,
}

/// The oldest that Debian still has, those of its releases, and the newest.
pub(super) const KERNELS: [Kernel; 4] = [
    Kernel { release: "5.10", suite: "bullseye" },
    Kernel { release: "6.1", suite: "bookworm" },
    Kernel { release: "6.12", suite: "bookworm" },
    Kernel { release: "7.3", suite: "trixie-backports" },
];

/// Beginnings of the packages that may hold an image. Since Linux 7.0 there are two, and `linux-image` holds none.
const PACKAGES: &[&str] = &["linux-binary", "linux-image"];

/// Beginning of the package that has the modules since Linux 7.0; before, they are with the image.
const MODULES: &str = "linux-modules-";

/// Modules that cases need, and that need no others: a file's name up to its endings.
const LOADED: &[&str] = &["overlay"];

/// For virtual machines: small, and what a machine without disks needs is not in modules.
const FLAVOUR: &str = "-cloud-amd64";

/// Where a package has its image, and its modules.
const PLACES: &[&str] = &["boot", MODULES_PLACE];
const MODULES_PLACE: &str = "usr/lib/modules";

/// A kernel that can be booted.
pub(super) struct Image {
    pub(super) release: &'static str,
    /// The whole version, as the package has it in its name.
    version: String,
    pub(super) path: PathBuf,
    /// Modules that the guest loads, where its kernel's folder of them is in the guest as well.
    pub(super) modules: Vec<Item>,
}

impl fmt::Display for Image {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Linux {} ({})", self.release, self.version)
    }
}

impl Kernel {
    /// Fetches the newest package of this release and finds its image.
    pub(super) fn fetch(&self, shell: &Shell) -> Result<Image> {
        let Self { release, suite } = *self;
        let folder = workspace::target("kernels");
        let archive = Archive::open(shell, suite, "amd64", folder.join(format!("apt-{suite}")))?;
        let names = archive.names("linux-")?;
        let package = newest(&names, release)
            .with_context(|| format!("Debian {suite} has no kernel of this release any more"))?;
        let version = version_of(package);
        let modules = format!("{MODULES}{version}{FLAVOUR}");
        let packages = names.iter().filter(|name| *name == package || **name == modules);
        let unpacked = folder.join(release);
        archive.unpack(&packages.cloned().collect::<Vec<_>>(), &unpacked)?;
        let path = PLACES.iter().find_map(|place| find(&unpacked.join(place), "vmlinuz"));
        let path = path.with_context(|| format!("the package {package} holds no image"))?;
        let modules = LOADED.iter().map(|name| {
            let from = find(&unpacked.join(MODULES_PLACE), &format!("{name}.ko"));
            let from = from.with_context(|| format!("Debian has no module {name} of this release"))?;
            let path = Path::new("/").join(from.strip_prefix(&unpacked)?);
            Ok(Item { path, from, mtime: MTIME_BUILT })
        });
        Ok(Image { release, version: version.to_owned(), path, modules: modules.collect::<Result<_>>()? })
    }
}

/// Returns the package with the highest version.
fn newest<'a>(names: &'a [String], release: &str) -> Option<&'a str> {
    let is_of_release = |name: &&str| {
        let rest = version_of(name).strip_prefix(release);
        name.ends_with(FLAVOUR) && rest.is_some_and(|rest| rest.starts_with('.'))
    };
    PACKAGES.iter().find_map(|package| {
        let names = names.iter().map(String::as_str).filter(|name| name.starts_with(package));
        names.filter(is_of_release).max_by_key(|name| numbers(name))
    })
}

/// Returns `6.12.117+deb12` of `linux-image-6.12.117+deb12-cloud-amd64`.
fn version_of(package: &str) -> &str {
    let package = package.strip_suffix(FLAVOUR).unwrap_or(package);
    package.find(|byte: char| byte.is_ascii_digit()).map_or("", |at| &package[at..])
}

fn numbers(name: &str) -> Vec<u64> {
    name.split(|byte: char| !byte.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// Returns the first file below `folder` whose name begins so.
fn find(folder: &Path, beginning: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let is_it = |path: &&PathBuf| {
        path.is_file() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(beginning))
    };
    let here = paths.iter().find(is_it).cloned();
    here.or_else(|| paths.iter().filter(|path| path.is_dir()).find_map(|path| find(path, beginning)))
}

#[cfg(test)]
mod tests {
    use super::newest;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let names = names(&[
            "linux-image-6.1-cloud-amd64",
            "linux-image-6.1.0-56-cloud-amd64",
            "linux-image-6.1.0-9-cloud-amd64",
            "linux-image-6.1.0-57-cloud-amd64-unsigned",
            "linux-image-6.12.117+deb12-cloud-amd64",
        ]);
        assert_eq!(newest(&names, "6.1"), Some("linux-image-6.1.0-56-cloud-amd64"));
        assert_eq!(newest(&names, "6.12"), Some("linux-image-6.12.117+deb12-cloud-amd64"));
        assert_eq!(newest(&names, "6.2"), None);
    }

    #[test]
    fn the_package_that_holds_the_image_is_preferred() {
        let names = names(&["linux-image-7.3.4+deb13-cloud-amd64", "linux-binary-7.3.4+deb13-cloud-amd64"]);
        assert_eq!(newest(&names, "7.3"), Some("linux-binary-7.3.4+deb13-cloud-amd64"));
    }
}
