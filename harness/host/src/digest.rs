//! SHA-256 of files, as they are recorded: packages, rigs and suites are known by it.

use crate::journal::hex;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// How much of a file is in memory at a time: the program itself is one of them, and larger than all that a run needs.
const PART: usize = 1 << 16;

/// The SHA-256 of `bytes` in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The SHA-256 of the file at `path` in lower-case hex.
pub fn file_sha256_hex(path: &Path) -> io::Result<String> {
    let mut file = BufReader::with_capacity(PART, File::open(path)?);
    let mut hasher = Sha256::new();
    loop {
        let part = file.fill_buf()?;
        let length = part.len();
        if length == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(part);
        file.consume(length);
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
        assert_eq!(
            file_sha256_hex(file.path()).expect("it is there"),
            sha256_hex(&bytes)
        );
        assert!(file_sha256_hex(Path::new("/nowhere")).is_err());
    }
}
