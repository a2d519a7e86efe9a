//! Names as the formats want them.

use std::fmt::Write;

use crate::lineage::{Git, Package, PackageKind};

/// Returns bytes as text. Bytes that are none are shown as the mark for that; the exact ones are in the URI.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns an absolute path as a URI (RFC 8089); the URL of an object of an object store as it is.
pub(crate) fn file_uri(path: &[u8]) -> String {
    if !path.starts_with(b"/") {
        return percent(path, b"/:?=");
    }
    format!("file://{}", percent(path, b"/"))
}

/// Returns bytes with all but letters, digits, `-._~` and those that are kept as `%XX` (RFC 3986).
pub(crate) fn percent(bytes: &[u8], kept: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || kept.contains(byte) {
            text.push(char::from(*byte));
        } else {
            write!(text, "%{byte:02X}").expect("a string takes what is written to it");
        }
    }
    text
}

/// Returns the package URL of a package (the purl specification, and what it says of the types `deb` and `pypi`).
pub(crate) fn purl(package: &Package) -> String {
    let Package { kind, name, version, arch } = package;
    let version = percent(version.as_bytes(), b":");
    match kind {
        PackageKind::Debian => {
            let arch = if arch.is_empty() { String::new() } else { format!("?arch={arch}") };
            format!("pkg:deb/debian/{}@{version}{arch}", percent(name.as_bytes(), b""))
        }
        PackageKind::Python => {
            let name = name.to_lowercase().replace('_', "-");
            format!("pkg:pypi/{}@{version}", percent(name.as_bytes(), b""))
        }
    }
}

/// Returns where a commit is, as SPDX writes locations.
pub(crate) fn git_uri(git: &Git) -> String {
    match &git.remote {
        Some(remote) => format!("git+{remote}@{}", git.commit),
        None => format!("git:{}", git.commit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_exact_whatever_the_name() {
        assert_eq!(file_uri("/p/a b#ü.csv".as_bytes()), "file:///p/a%20b%23%C3%BC.csv");
        assert_eq!(file_uri(b"/p/bad\xff"), "file:///p/bad%FF");
    }

    #[test]
    fn packages_have_their_url() {
        let package = |kind, name: &str, version: &str, arch: &str| {
            purl(&Package { kind, name: name.into(), version: version.into(), arch: arch.into() })
        };
        assert_eq!(
            package(PackageKind::Debian, "libc6", "2.36-9+deb12u1", "amd64"),
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64"
        );
        assert_eq!(package(PackageKind::Debian, "git", "1:2.39.5", ""), "pkg:deb/debian/git@1:2.39.5");
        assert_eq!(package(PackageKind::Python, "Scikit_Learn", "1.5.0", ""), "pkg:pypi/scikit-learn@1.5.0");
    }
}
