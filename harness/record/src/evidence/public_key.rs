//! The public key that checks a signature.

use crate::digest::sha256_hex;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePublicKey, EncodePublicKey};
use ed25519_dalek::{Signature, VerifyingKey};
use std::io;
use std::path::{Path, PathBuf};

/// An Ed25519 public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A file that holds no public key.
#[derive(Debug, thiserror::Error)]
pub enum PublicKeyError {
    #[error("public key `{}`: {why}", path.display())]
    Unreadable { path: PathBuf, why: io::Error },
    #[error("`{}` is a private key: `--key` takes the public one, which `keygen` wrote beside it", path.display())]
    Private { path: PathBuf },
    #[error("`{}` holds no Ed25519 public key: expected PEM (`-----BEGIN PUBLIC KEY-----`), as `dfota-hil keygen` writes it", path.display())]
    NoKey { path: PathBuf },
}

impl PublicKey {
    pub fn new(key: VerifyingKey) -> Self {
        Self(key)
    }

    pub fn read(path: &Path) -> Result<Self, PublicKeyError> {
        let pem = std::fs::read(path).map_err(|why| PublicKeyError::Unreadable {
            path: path.to_owned(),
            why,
        })?;
        let text = String::from_utf8_lossy(&pem);
        let path = path.to_owned();
        Self::from_pem(&text).ok_or(if text.contains("PRIVATE KEY") {
            PublicKeyError::Private { path }
        } else {
            PublicKeyError::NoKey { path }
        })
    }

    pub fn from_pem(pem: &str) -> Option<Self> {
        VerifyingKey::from_public_key_pem(pem.trim()).ok().map(Self)
    }

    /// As text (SubjectPublicKeyInfo, RFC 8410).
    pub fn pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }

    /// The name of the key: SHA-256 of its DER form, in hex.
    pub fn id(&self) -> String {
        let der = self.0.to_public_key_der();
        der.map_or(String::new(), |der| sha256_hex(der.as_bytes()))
    }

    /// Whether this key signed these bytes.
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}
