//! Hashes of one content.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The algorithm that names a content wherever it is among its hashes.
pub const BLAKE3: &str = "blake3";

/// BLAKE3 of no bytes, lowercase hex.
pub const BLAKE3_OF_NOTHING: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

/// Hashes of one content by algorithm; in reports a map from the algorithm to lowercase hex.
///
/// Nearly every file has one by BLAKE3 and no other: that takes no memory of its own.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hashes {
    blake3: Option<[u8; 32]>,
    /// By algorithm; also what is said to be by BLAKE3 and is not of its length.
    others: BTreeMap<String, Vec<u8>>,
}

impl Hashes {
    /// Returns no hashes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a hash, in place of another by the same algorithm.
    pub fn insert(&mut self, algorithm: &str, hash: &[u8]) {
        match hash.try_into() {
            Ok(hash) if algorithm == BLAKE3 => self.blake3 = Some(hash),
            Ok(_) | Err(_) => drop(self.others.insert(algorithm.to_owned(), hash.to_owned())),
        }
    }

    /// Returns the hash by an algorithm.
    pub fn get(&self, algorithm: &str) -> Option<&[u8]> {
        self.iter().find_map(|(name, hash)| (name == algorithm).then_some(hash))
    }

    /// Returns the algorithms and their hashes: BLAKE3, then the others by name. The first names the content.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let blake3 = self.blake3.iter().map(|hash| (BLAKE3, &hash[..]));
        blake3.chain(self.others.iter().map(|(name, hash)| (name.as_str(), hash.as_slice())))
    }

    /// Keeps the hashes by those algorithms that `is_wanted` says.
    pub fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.blake3 = self.blake3.filter(|_| is_wanted(BLAKE3));
        self.others.retain(|name, _| is_wanted(name));
    }
}

impl<N: AsRef<str>, H: AsRef<[u8]>> FromIterator<(N, H)> for Hashes {
    fn from_iter<I: IntoIterator<Item = (N, H)>>(pairs: I) -> Self {
        let mut hashes = Self::new();
        for (algorithm, hash) in pairs {
            hashes.insert(algorithm.as_ref(), hash.as_ref());
        }
        hashes
    }
}

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, hash)| (name, to_hex(hash)))).finish()
    }
}

impl Serialize for Hashes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(name, hash)| (name, to_hex(hash))))
    }
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = BTreeMap::<String, String>::deserialize(deserializer)?.into_iter();
        let bytes = |(name, hex): (String, String)| match from_hex(&hex) {
            Some(hash) => Ok((name, hash)),
            None => Err(D::Error::custom(format_args!("{hex:?} is not a hash in lowercase hex"))),
        };
        pairs.map(bytes).collect()
    }
}

/// Returns the bytes as lowercase hex.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// Returns the bytes that lowercase hex stands for, at least one.
pub fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = hex.as_bytes().as_chunks::<2>();
    if !odd.is_empty() || pairs.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blake3_names_a_content_and_else_the_first_algorithm_does() {
        let names = |text: &str| -> String {
            let hashes: Hashes = text.split(' ').map(|name| (name, [7; 32])).collect();
            hashes.iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("sha256 blake3 a"), "blake3 a sha256");
        assert_eq!(names("sha256 md5"), "md5 sha256");
        assert_eq!(Hashes::new().iter().next(), None);
    }

    #[test]
    fn a_hash_of_any_length_comes_back_by_any_name() {
        for bytes in [1, 16, 32, 64] {
            for name in [BLAKE3, "sha256", "another"] {
                let hashes: Hashes = [(name, vec![0xa5; bytes])].into_iter().collect();
                assert_eq!(hashes.get(name), Some(&vec![0xa5; bytes][..]));
                let json = serde_json::to_string(&hashes).unwrap();
                assert_eq!(json, format!(r#"{{"{name}":"{}"}}"#, "a5".repeat(bytes)));
                assert_eq!(serde_json::from_str::<Hashes>(&json).unwrap(), hashes);
                let binary = rmp_serde::to_vec_named(&hashes).unwrap();
                assert_eq!(rmp_serde::from_slice::<Hashes>(&binary).unwrap(), hashes);
            }
        }
    }

    #[test]
    fn only_lowercase_hex_of_whole_bytes_is_a_hash() {
        assert_eq!(to_hex(&from_hex("00ff1a").unwrap()), "00ff1a");
        for bad in ["", "0", "0g", "0G", "AB", "é"] {
            assert_eq!(from_hex(bad), None, "{bad}");
            assert!(serde_json::from_str::<Hashes>(&format!(r#"{{"blake3":"{bad}"}}"#)).is_err(), "{bad}");
        }
    }
}
