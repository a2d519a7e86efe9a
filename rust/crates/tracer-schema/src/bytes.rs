//! Byte strings that are usually text: paths, arguments, link targets.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path, argument or link target as the kernel has it: any bytes but NUL.
///
/// In JSON it is a string where it is UTF-8 and `{"b64": "…"}` where it is not; in binary formats it is bytes.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathBytes(pub Vec<u8>);

impl PathBytes {
    /// Views the bytes as a path.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Views the bytes as an OS string.
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for PathBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Vec<u8>> for PathBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&str> for PathBytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<&Path> for PathBytes {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }
}

impl From<OsString> for PathBytes {
    fn from(text: OsString) -> Self {
        Self(text.into_vec())
    }
}

impl fmt::Debug for PathBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_os_str())
    }
}

/// Lossy: for people, never for opening a file.
impl fmt::Display for PathBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&self.0))
    }
}

/// Bytes that belong to somebody else, for writing them as [`PathBytes`] are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRef<'b>(pub &'b [u8]);

impl Serialize for PathBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PathRef(&self.0).serialize(serializer)
    }
}

impl Serialize for PathRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(self.0);
        }
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("b64", &STANDARD.encode(self.0))?;
                map.end()
            }
        }
    }
}

struct PathBytesVisitor;

impl<'de> Visitor<'de> for PathBytesVisitor {
    type Value = PathBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, bytes, or {\"b64\": …}")
    }

    fn visit_str<E>(self, text: &str) -> Result<PathBytes, E> {
        Ok(PathBytes::from(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<PathBytes, E> {
        Ok(PathBytes::from(bytes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PathBytes, A::Error> {
        let Some((key, text)) = map.next_entry::<String, String>()? else {
            return Err(A::Error::custom("an empty object is not a path"));
        };
        if key != "b64" {
            return Err(A::Error::unknown_field(&key, &["b64"]));
        }
        STANDARD.decode(text).map(PathBytes).map_err(A::Error::custom)
    }
}

impl<'de> Deserialize<'de> for PathBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathBytesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_json_string_and_other_bytes_are_base64() {
        let human = |bytes: &[u8]| serde_json::to_string(&PathBytes::from(bytes)).unwrap();
        assert_eq!(human(b"/a b"), "\"/a b\"");
        assert_eq!(human(b"\xff"), "{\"b64\":\"/w==\"}");
    }

    #[test]
    fn both_forms_come_back() {
        for bytes in [&b"/a"[..], b"\xff\x00x", b""] {
            let path = PathBytes::from(bytes);
            let json = serde_json::to_vec(&path).unwrap();
            assert_eq!(serde_json::from_slice::<PathBytes>(&json).unwrap(), path);
            let binary = rmp_serde::to_vec_named(&path).unwrap();
            assert_eq!(rmp_serde::from_slice::<PathBytes>(&binary).unwrap(), path);
        }
    }
}
