//! The private key that signs: from a file that its owner alone can read, or from the environment. It is kept in memory
//! that is wiped, and no function of it but `keygen`'s gives it away.

use super::public_key::PublicKey;
use ed25519_dalek::Signer;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use rustix::rand::{GetRandomFlags, getrandom};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The environment variable that may hold the key, as PEM.
pub const VARIABLE: &str = "DFOTA_HIL_SIGNING_KEY";
/// What stands for it on the command line.
pub const FROM_ENVIRONMENT: &str = "env";
/// Longest file that is read as a key, in bytes; they have 119.
const LONGEST: u64 = 16 << 10;

pub struct SigningKey(ed25519_dalek::SigningKey);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public().id())
    }
}

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key itself was typed.
    #[error(
        "`--sign` got a key, expected the path of one: other users can see the command line, and the journal records it; write the key into a file of mode 0600, or set {VARIABLE} and give `--sign {FROM_ENVIRONMENT}`; this key is no longer secret, make a new one"
    )]
    Typed,
    #[error("key `{}`: {why}; `dfota-hil keygen` makes one", path.display())]
    Unreadable { path: PathBuf, why: io::Error },
    /// Others may read it.
    #[error("key `{}` has mode {mode:04o}: other users can read it; expected 0600, run `chmod 600 {}`", path.display(), path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("{VARIABLE} is not set, or no text: `--sign {FROM_ENVIRONMENT}` takes the key from it, as PEM")]
    NoVariable,
    /// No key. What stood there is not repeated.
    #[error(
        "{place} holds no Ed25519 key: expected PKCS#8 PEM (`-----BEGIN PRIVATE KEY-----`), as `dfota-hil keygen` writes it"
    )]
    NoKey { place: String },
    /// It could not be written.
    #[error("`{}` could not be written: {why}; a key is never overwritten", path.display())]
    Unwritten { path: PathBuf, why: io::Error },
    #[error("cannot get random numbers from the system: {0}")]
    NoRandom(io::Error),
}

impl SigningKey {
    pub fn draw() -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        let drawn = getrandom(&mut secret[..], GetRandomFlags::empty());
        match drawn.map_err(|why| KeyError::NoRandom(why.into()))? {
            32 => Ok(Self(ed25519_dalek::SigningKey::from_bytes(&secret))),
            _ => Err(KeyError::NoRandom(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// The key that `--sign` names: a file, or `env`.
    pub fn load(named: &Path) -> Result<Self, KeyError> {
        if named.as_os_str() == FROM_ENVIRONMENT {
            let pem = std::env::var(VARIABLE).map_err(|_| KeyError::NoVariable)?;
            return Self::from_pem(&Zeroizing::new(pem), || VARIABLE.to_owned());
        }
        if named.to_string_lossy().contains("-----BEGIN") {
            return Err(KeyError::Typed);
        }
        let unreadable = |why| KeyError::Unreadable {
            path: named.to_owned(),
            why,
        };
        let file = File::open(named).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            let path = named.to_owned();
            return Err(KeyError::Open { path, mode });
        }
        let mut pem = Zeroizing::new(String::new());
        file.take(LONGEST).read_to_string(&mut pem).map_err(unreadable)?;
        Self::from_pem(&pem, || format!("`{}`", named.display()))
    }

    fn from_pem(pem: &str, place: impl Fn() -> String) -> Result<Self, KeyError> {
        let key = ed25519_dalek::SigningKey::from_pkcs8_pem(pem.trim());
        key.map(Self).map_err(|_| KeyError::NoKey { place: place() })
    }

    /// Writes the key to a new file that its owner alone can read.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        let pair = KeypairBytes {
            secret_key: self.0.to_bytes(),
            // The form without the public key is the one that OpenSSL 3.0 reads too.
            public_key: None,
        };
        let place = || path.display().to_string();
        let pem = pair.to_pkcs8_pem(LineEnding::LF);
        let pem = pem.map_err(|_| KeyError::NoKey { place: place() })?;
        write_new(path, 0o600, pem.as_bytes())
    }

    pub fn public(&self) -> PublicKey {
        PublicKey::new(self.0.verifying_key())
    }

    /// Signs; the same bytes give the same signature.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Writes a file that was not there.
pub fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), KeyError> {
    let write = || {
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|why| KeyError::Unwritten {
        path: path.to_owned(),
        why,
    })
}
