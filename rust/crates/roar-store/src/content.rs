//! Hashes as rows have them: bytes, with one of the algorithms as the name of the content.

use tracer_schema::{Hashes, NodeKind};

use crate::error::{Error, Result};

/// The algorithm that names a content wherever it is among its hashes.
pub(crate) const BLAKE3: &str = "blake3";

/// The hashes of one content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// File or link: a link's content is its target, and no file with the same bytes.
    pub(crate) kind: NodeKind,
    /// The algorithm of `hash`: BLAKE3, or the first by name of those there are.
    pub(crate) algorithm: String,
    pub(crate) hash: Vec<u8>,
    /// By the other algorithms.
    pub(crate) others: Vec<(String, Vec<u8>)>,
}

impl Content {
    /// Returns the content with those hashes; `None` where there is no hash.
    pub(crate) fn from_hashes(kind: NodeKind, hashes: &Hashes) -> Result<Option<Self>> {
        let named = hashes.get_key_value(BLAKE3).or_else(|| hashes.iter().next());
        let Some((algorithm, hash)) = named else {
            return Ok(None);
        };
        let others = hashes.iter().filter(|(other, _)| *other != algorithm);
        Ok(Some(Self {
            kind,
            algorithm: algorithm.clone(),
            hash: from_hex(hash)?,
            others: others.map(|(name, hash)| Ok((name.clone(), from_hex(hash)?))).collect::<Result<_>>()?,
        }))
    }
}

/// Returns the bytes as lowercase hex.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// Returns the bytes that lowercase hex stands for.
pub(crate) fn from_hex(hash: &str) -> Result<Vec<u8>> {
    let bad = || Error::BadHash { hash: hash.to_owned() };
    let (pairs, odd) = hash.as_bytes().as_chunks::<2>();
    if !odd.is_empty() || pairs.is_empty() {
        return Err(bad());
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect::<Option<_>>()
        .ok_or_else(bad)
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
        let name = |text: &str| {
            let hashes = text.split(' ').map(|name| (name.to_owned(), "00ff".to_owned())).collect();
            let content = Content::from_hashes(NodeKind::File, &hashes).unwrap().unwrap();
            (content.algorithm, content.others.len())
        };
        assert_eq!(name("blake3 sha256 a"), ("blake3".to_owned(), 2));
        assert_eq!(name("sha256 md5"), ("md5".to_owned(), 1));
        assert_eq!(Content::from_hashes(NodeKind::File, &Hashes::new()).unwrap(), None);
    }

    #[test]
    fn only_lowercase_hex_of_whole_bytes_is_a_hash() {
        assert_eq!(to_hex(&from_hex("00ff1a").unwrap()), "00ff1a");
        for bad in ["", "0", "0g", "0G", "AB", "é"] {
            assert!(from_hex(bad).is_err(), "{bad}");
        }
    }
}
