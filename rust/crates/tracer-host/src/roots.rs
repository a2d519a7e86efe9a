//! Paths as processes see them whose root directory is another (chroot(2)).

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The kernel's own limit of links on the way to a file (include/linux/namei.h, `MAXSYMLINKS`).
const LINKS_MAX: usize = 40;

/// Resolves a path, links followed, as a process does whose root directory is `root`: absolute links begin there, and there is no way up.
/// `root` and `path` are as this process sees them, `root` empty or `/` where it is this process's own. `None`: there is no such file.
pub fn resolve(root: &Path, path: &Path) -> Option<PathBuf> {
    if root.as_os_str().is_empty() || root == Path::new("/") {
        return path.canonicalize().ok();
    }
    let mut found = root.to_path_buf();
    let mut ahead: Vec<OsString> = words(path.strip_prefix(root).ok()?);
    let mut links = 0;
    while let Some(word) = ahead.pop() {
        if word == ".." {
            if found != root {
                found.pop();
            }
            continue;
        }
        found.push(&word);
        let Ok(target) = found.read_link() else { continue };
        links += 1;
        if links > LINKS_MAX {
            return None;
        }
        if target.is_absolute() {
            found = root.to_path_buf();
        } else {
            found.pop();
        }
        ahead.extend(words(&target));
    }
    found.symlink_metadata().is_ok().then_some(found)
}

/// Returns the words of a path, the last first.
fn words(path: &Path) -> Vec<OsString> {
    let word = |part: Component<'_>| match part {
        Component::Normal(word) => Some(word.to_os_string()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(word).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_within_the_root_directory() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        fs::create_dir_all(root.join("usr/lib")).unwrap();
        fs::write(root.join("usr/lib/libc-2.so"), "").unwrap();
        symlink("usr/lib", root.join("lib")).unwrap();
        symlink("/lib/libc-2.so", root.join("usr/lib/libc.so")).unwrap();
        symlink("../../../../lib/libc.so", root.join("usr/lib/up")).unwrap();
        symlink("loop", root.join("usr/lib/loop")).unwrap();
        let resolved = |name: &str| resolve(root, &root.join("lib").join(name));
        assert_eq!(resolved("libc.so"), Some(root.join("usr/lib/libc-2.so")));
        assert_eq!(resolved("up"), Some(root.join("usr/lib/libc-2.so")));
        assert_eq!(resolved("loop"), None);
        assert_eq!(resolved("absent"), None);
    }
}
