//! Paths at which nothing is, as the kernel would call what could be there.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// Links that lead to nothing by way of each other, at most, as the kernel has it (MAXSYMLINKS).
const LINKS_MAX: usize = 40;

/// Returns an absolute path with links resolved as far as there is something, also where it is itself a link that leads to nothing.
/// `None`: what could be there has no such path, or it cannot be known.
pub fn absent_path(path: &[u8]) -> Option<Vec<u8>> {
    let mut whole = resolve(Path::new(OsStr::from_bytes(path)))?;
    for _ in 0..LINKS_MAX {
        let Ok(target) = fs::read_link(&whole) else { return Some(whole.into_os_string().into_vec()) };
        whole = resolve(&whole.parent()?.join(target))?;
    }
    None
}

fn resolve(path: &Path) -> Option<PathBuf> {
    let mut there = path;
    let mut missing = Vec::new();
    let found = loop {
        // Above what is not there nothing is, and `..` has no name.
        let Some(Component::Normal(name)) = there.components().next_back() else { return None };
        missing.push(name);
        there = there.parent()?;
        match fs::canonicalize(there) {
            Ok(found) => break found,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(_) => return None,
        }
    };
    let mut whole: PathBuf = found;
    whole.extend(missing.iter().rev());
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_as_far_as_there_is_something() {
        let place = tempfile::tempdir().unwrap();
        let place = fs::canonicalize(place.path()).unwrap();
        fs::create_dir(place.join("real")).unwrap();
        std::os::unix::fs::symlink("real", place.join("link")).unwrap();
        let found = |path: &str| {
            let found = absent_path(place.join(path).as_os_str().as_bytes())?;
            let rest = found.strip_prefix(place.as_os_str().as_bytes()).unwrap();
            Some(String::from_utf8(rest.to_vec()).unwrap())
        };
        assert_eq!(found("x").as_deref(), Some("/x"));
        assert_eq!(found("link/x").as_deref(), Some("/real/x"));
        assert_eq!(found("link/../real/./x//").as_deref(), Some("/real/x"));
        assert_eq!(found("link/no/such/x").as_deref(), Some("/real/no/such/x"));
        assert_eq!(found("no/../x"), None);
        std::os::unix::fs::symlink("link/gone", place.join("dangling")).unwrap();
        assert_eq!(found("dangling").as_deref(), Some("/real/gone"));
    }
}
