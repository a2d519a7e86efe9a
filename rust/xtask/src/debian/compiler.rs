//! Debian's Rust compiler, unpacked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Archive;

/// Beginnings of the packages that the compiler needs and a machine with gcc need not have.
const PARTS: &[&str] =
    &["libstd-rust-web", "libllvm", "libz3", "libedit", "libxml2", "libicu", "libbsd", "libmd0"];

/// Unpacks the compiler, and packages that go with it, into `folder`, and returns the path of what starts it with its libraries.
pub(crate) fn unpack(archive: &Archive<'_>, extra: &[&str], folder: &Path) -> Result<PathBuf> {
    let is_part = |name: &String| PARTS.iter().any(|part| name.starts_with(part));
    let mut packages: Vec<String> = archive.dependencies("rustc-web")?.into_iter().filter(is_part).collect();
    packages.push("rustc-web".to_owned());
    packages.extend(extra.iter().map(|package| (*package).to_owned()));
    archive.unpack(&packages, folder)?;

    let rustc = folder.with_file_name("rustc");
    let root = folder.display();
    let script = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH={root}/usr/lib/x86_64-linux-gnu exec {root}/usr/bin/rustc --sysroot {root}/usr \"$@\"\n"
    );
    fs::write(&rustc, script)?;
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755))?;
    Ok(rustc)
}
