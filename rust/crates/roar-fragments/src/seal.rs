//! Sealing: whoever has the public key can close a piece, and only whoever has the private one can open it.
//!
//! It is the sealed box of NaCl (X25519, XSalsa20-Poly1305). It says nothing of who has sealed: whoever may read a job's environment on the
//! cluster has the public key too.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crypto_box::aead::OsRng;

/// Bytes of either key.
const KEY_BYTES: usize = 32;

/// Text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is 64 hexadecimal digits")]
pub struct KeyError;

/// What pieces are opened with. It stays where the job is recorded.
pub struct PrivateKey(crypto_box::SecretKey);

/// What pieces are sealed with.
#[derive(Clone)]
pub struct PublicKey(crypto_box::PublicKey);

impl PrivateKey {
    /// Makes a new one.
    pub fn generate() -> Self {
        Self(crypto_box::SecretKey::generate(&mut OsRng))
    }

    /// Keeps it in a new file that nobody else may read.
    ///
    /// # Errors
    /// Those of open(2) and write(2).
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(hex(&self.0.to_bytes()).as_bytes())
    }

    /// Reads it from its file.
    ///
    /// # Errors
    /// Those of read(2), and that there is none in it.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = from_hex(fs::read_to_string(path)?.trim()).map_err(io::Error::other)?;
        Ok(Self(bytes.into()))
    }

    /// Returns the other half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key())
    }

    /// Opens what was sealed; `None` where it was not sealed for this key, or was changed since.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.0.unseal(sealed).ok()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

impl PublicKey {
    /// Returns it as text.
    pub fn to_hex(&self) -> String {
        hex(self.0.as_bytes())
    }

    /// Reads it from text.
    ///
    /// # Errors
    /// It is none.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        Ok(Self(from_hex(text)?.into()))
    }

    /// Closes bytes.
    pub(crate) fn seal(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.seal(&mut OsRng, bytes).expect("a piece is smaller than what the cipher takes")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_hex())
    }
}

fn hex(bytes: &[u8; KEY_BYTES]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Result<[u8; KEY_BYTES], KeyError> {
    let mut bytes = [0; KEY_BYTES];
    if text.len() != 2 * KEY_BYTES || !text.is_ascii() {
        return Err(KeyError);
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok().ok_or(KeyError)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_by_the_private_key_alone() {
        let (key, other) = (PrivateKey::generate(), PrivateKey::generate());
        let public = PublicKey::from_hex(&key.public().to_hex()).unwrap();
        let sealed = public.seal(b"/secret/path");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        assert_eq!(key.open(&sealed).as_deref(), Some(&b"/secret/path"[..]));
        assert_eq!(other.open(&sealed), None);
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(key.open(&changed), None);
        assert_eq!(key.open(b"forged"), None);
    }

    #[test]
    fn a_private_key_is_kept_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("key"), PrivateKey::generate());
        key.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(PrivateKey::read(&path).unwrap().public().to_hex(), key.public().to_hex());
        assert!(key.write(&path).is_err());
    }
}
