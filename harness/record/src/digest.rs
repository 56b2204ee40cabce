//! SHA-256 of files, as they are recorded: packages, rigs and suites are known by it.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How much of a file is in memory at a time: the program itself is one of them, and larger than all that a run needs.
const PART: usize = 1 << 17;

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
        hex.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    hex
}

/// The SHA-256 of `bytes` in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Length and SHA-256, in lower-case hex, of the file at `path`.
pub fn file_digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut part = vec![0; PART];
    loop {
        match file.read(&mut part)? {
            0 => return Ok((size, hex(&hash.finalize()))),
            read => {
                hash.update(&part[..read]);
                size += read as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_example() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_file_longer_than_a_part() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let bytes = vec![0xA5; 3 * PART + 1];
        std::io::Write::write_all(&mut file, &bytes).expect("room for it");
        let digest = file_digest(file.path()).expect("it is there");
        assert_eq!(digest, (bytes.len() as u64, sha256_hex(&bytes)));
        assert!(file_digest(Path::new("/nowhere")).is_err());
    }
}
