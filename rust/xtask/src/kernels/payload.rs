//! What a guest has: programs of roar and of this machine, with the libraries that they are linked with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::image::Image;
use crate::initramfs::{self, Content, Item, MTIME_BUILT};
use crate::{env, workspace};

/// What lies beside `roar` in a release.
const ROAR: &[&str] =
    &["roar", "roar-tracer-ebpf", "roar-tracer-preload", "roar-tracer-ptrace", "libroar_preload.so"];

/// Where the guest has them.
const ROAR_FOLDER: &str = "/roar";

/// Where Debian's package busybox-static has its program.
const BUSYBOX: &str = "/bin/busybox";

/// What cases run besides our own programs, where this machine has it. Interpreters with libraries of their own are not among them.
const TOOLS: &[&str] = &[
    "ar", "awk", "bash", "basename", "cat", "chmod", "chroot", "cmp", "cp", "cut", "dd", "dirname", "echo",
    "env", "expr", "false", "find", "grep", "gunzip", "gzip", "head", "id", "install", "kill", "ln", "ls",
    "mkdir", "mkfifo", "mktemp", "mount", "mv", "nohup", "od", "patch", "printf", "pwd", "readlink",
    "realpath", "rm", "rmdir", "sed", "seq", "sleep", "setsid", "sh", "sort", "split", "stat", "tail", "tar",
    "tee", "test", "timeout", "touch", "tr", "true", "truncate", "umount", "uname", "uniq", "unshare", "wc",
    "xargs", "zip",
];

/// Writes an initramfs for a command on any of `images`, with more items than roar and the tools, and returns its path.
pub(super) fn write(
    shell: &Shell,
    name: &str,
    images: &[Image],
    command: &str,
    mut items: Vec<Item>,
) -> Result<PathBuf> {
    items.extend(images.iter().flat_map(|image| image.modules.iter().cloned()));
    items.extend(ROAR.iter().map(|name| Item {
        path: Path::new(ROAR_FOLDER).join(name),
        from: workspace::roar().with_file_name(name),
        mtime: MTIME_BUILT,
    }));
    for tool in TOOLS {
        let Some(from) = env::search_path()
            .split(':')
            .map(|folder| Path::new(folder).join(tool))
            .find(|path| path.is_file())
        else {
            continue;
        };
        items.push(Item { path: place_of(&from)?, from, mtime: MTIME_BUILT });
    }
    let links = add_libraries(shell, &mut items)?;
    let quoted = format!("'{}'", command.replace('\'', r"'\''"));
    let init = include_str!("init.sh").replace("{command}", &quoted);
    let path = workspace::target(&format!("kernels/{name}.cpio"));
    initramfs::write(
        &path,
        &Content { root: None, busybox: Path::new(BUSYBOX), init: &init, items: &items, links: &links },
    )?;
    Ok(path)
}

/// Adds what the programs among the items are linked with, the dynamic linker and libraries of this machine, and returns the links by which they
/// find it: a copy in place of a link would be another library.
fn add_libraries(shell: &Shell, items: &mut Vec<Item>) -> Result<Vec<(PathBuf, PathBuf)>> {
    let programs = items.iter().map(|item| &item.from);
    // For what is static it complains, and goes on.
    let said = cmd!(shell, "ldd {programs...}").quiet().ignore_status().ignore_stderr().read()?;
    let words = said.lines().filter_map(|line| {
        line.split_whitespace().find(|word| word.starts_with('/') && !word.ends_with(':'))
    });
    let (mut libraries, mut links) = (BTreeSet::new(), BTreeMap::new());
    for word in words {
        let named = place_of(Path::new(word))?;
        let file = named.canonicalize().with_context(|| word.to_owned())?;
        if file != named {
            links.insert(named, file.clone());
        }
        libraries.insert(file);
    }
    items.extend(libraries.into_iter().map(|file| Item {
        path: file.clone(),
        from: file,
        mtime: MTIME_BUILT,
    }));
    Ok(links.into_iter().collect())
}

/// Returns the path of a file without links among its folders.
fn place_of(file: &Path) -> Result<PathBuf> {
    let (folder, name) = (file.parent(), file.file_name());
    let (folder, name) = folder.zip(name).with_context(|| format!("{} is no file", file.display()))?;
    let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
    Ok(folder.join(name))
}
