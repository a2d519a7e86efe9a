//! The hash functions, and the state of several of them over one stream of bytes.

use md5::Md5;
use sha2::{Digest, Sha256};
use tracer_schema::Hashes;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// BLAKE3, 256 bits: what identifies an artifact.
    Blake3,
    /// SHA-256.
    Sha256,
    /// MD5: only because some exchange formats ask for it.
    Md5,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: &[Self] = &[Self::Blake3, Self::Sha256, Self::Md5];

    /// Returns the name used in [`Hashes`] and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blake3 => "blake3",
            Self::Sha256 => "sha256",
            Self::Md5 => "md5",
        }
    }

    /// Returns the algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }
}

/// What is computed beside BLAKE3.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Set {
    sha256: bool,
    md5: bool,
}

impl Set {
    pub(crate) fn new(algorithms: &[Algorithm]) -> Self {
        Self { sha256: algorithms.contains(&Algorithm::Sha256), md5: algorithms.contains(&Algorithm::Md5) }
    }

    /// Returns the algorithms beside BLAKE3: each must see a file from its first byte to its last, in order.
    pub(crate) fn sequential(self) -> impl Iterator<Item = Algorithm> {
        let sha256 = self.sha256.then_some(Algorithm::Sha256);
        let md5 = self.md5.then_some(Algorithm::Md5);
        sha256.into_iter().chain(md5)
    }

    /// Returns whether `hashes` has all that is wanted.
    pub(crate) fn is_covered_by(self, hashes: &Hashes) -> bool {
        let has = |algorithm: Algorithm| hashes.get(algorithm.name()).is_some();
        has(Algorithm::Blake3) && self.sequential().all(has)
    }

    /// Keeps only what is wanted.
    pub(crate) fn restrict(self, mut hashes: Hashes) -> Hashes {
        hashes.retain(|name| {
            name == Algorithm::Blake3.name() || self.sequential().any(|algorithm| algorithm.name() == name)
        });
        hashes
    }

    /// Returns the hashes of content that is at hand in full.
    pub(crate) fn hash(self, content: &[u8]) -> Hashes {
        let mut digests = Digests::new(self);
        digests.update(content);
        digests.finish()
    }
}

/// All wanted algorithms over one stream.
pub(crate) struct Digests {
    blake3: blake3::Hasher,
    sequential: Vec<Sequential>,
}

impl Digests {
    pub(crate) fn new(set: Set) -> Self {
        Self {
            blake3: blake3::Hasher::new(),
            sequential: set.sequential().filter_map(Sequential::new).collect(),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.blake3.update(bytes);
        for digest in &mut self.sequential {
            digest.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> Hashes {
        let mut hashes = Hashes::new();
        hashes.insert(Algorithm::Blake3.name(), self.blake3.finalize().as_bytes());
        for digest in self.sequential {
            digest.finish_into(&mut hashes);
        }
        hashes
    }
}

/// An algorithm without a tree: nothing of it can be done in parallel.
pub(crate) enum Sequential {
    Sha256(Sha256),
    Md5(Md5),
}

impl Sequential {
    /// Returns nothing for BLAKE3, which is not sequential.
    pub(crate) fn new(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Blake3 => None,
            Algorithm::Sha256 => Some(Self::Sha256(Sha256::new())),
            Algorithm::Md5 => Some(Self::Md5(Md5::new())),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(digest) => digest.update(bytes),
            Self::Md5(digest) => digest.update(bytes),
        }
    }

    /// Adds the hash to others.
    pub(crate) fn finish_into(self, hashes: &mut Hashes) {
        match self {
            Self::Sha256(digest) => hashes.insert(Algorithm::Sha256.name(), &digest.finalize()),
            Self::Md5(digest) => hashes.insert(Algorithm::Md5.name(), &digest.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tracer_schema::to_hex;

    use super::*;

    #[test]
    fn every_name_comes_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(*algorithm));
        }
        assert_eq!(Algorithm::from_name("sha1"), None);
    }

    #[test]
    fn the_hashes_are_those_of_the_published_test_vectors() {
        let hashes = Set::new(Algorithm::ALL).hash(b"abc");
        let hex = |name| to_hex(hashes.get(name).unwrap());
        assert_eq!(hex("md5"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex("sha256"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hex("blake3"), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
    }

    #[test]
    fn blake3_is_computed_without_being_asked_for() {
        let names = |algorithms| -> Vec<String> {
            Set::new(algorithms).hash(b"").iter().map(|(name, _)| name.to_owned()).collect()
        };
        assert_eq!(names(&[]), ["blake3"]);
        assert_eq!(names(&[Algorithm::Md5]), ["blake3", "md5"]);
    }
}
