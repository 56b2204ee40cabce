//! A log that was opened: its first bytes show its format, or that it is not a serial log.

use dfota_core::log::format::{FormatDetector, LogFormat};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes by which the format is found out.
const HEAD: u64 = 128 * 1024;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The system says so.
    #[error("cannot read the log `{}`: {why}", path.display())]
    Unreadable {
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// It is a folder.
    #[error(
        "`{path}` is a folder, expected a log file; judge a run folder without `--log`: `dfota-hil judge {path}`"
    )]
    Folder { path: String },
    /// It is written in two or four bytes a character.
    #[error(
        "the log `{path}` is {encoding}, expected the bytes that the module sent: convert it with `iconv -f {encoding} -t UTF-8 {path} > log.txt` and give that file"
    )]
    Wide {
        path: String,
        /// As `iconv` names it.
        encoding: &'static str,
    },
    #[error(
        "the log `{path}` is packed by {by}: unpack it first, or `{unpack} {path} | dfota-hil judge --log -`"
    )]
    Packed {
        path: String,
        by: &'static str,
        unpack: &'static str,
    },
    /// It is the journal of a run.
    #[error(
        "`{path}` is the journal of a run, not a serial log: a run is judged by its folder, without `--log`"
    )]
    Journal { path: String },
}

pub struct Log {
    /// Where it is; `-` is the standard input.
    pub path: PathBuf,
    /// How it is written.
    pub format: LogFormat,
    /// Nobody said so: it was found out.
    pub detected: bool,
    /// The byte by which editors count its lines.
    pub counted: u8,
    /// What follows the head.
    pub rest: Box<dyn Read>,
    head: Vec<u8>,
}

impl Log {
    /// Opens it; `format` is what its owner says.
    pub fn open(path: &Path, format: Option<LogFormat>) -> Result<Self, LogError> {
        let unreadable = |why| LogError::Unreadable {
            path: path.to_owned(),
            why,
        };
        let mut rest: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            let file = File::open(path).map_err(unreadable)?;
            if file.metadata().map_err(unreadable)?.is_dir() {
                return Err(LogError::Folder {
                    path: path.display().to_string(),
                });
            }
            Box::new(file)
        };
        let mut head = Vec::new();
        rest.by_ref()
            .take(HEAD)
            .read_to_end(&mut head)
            .map_err(unreadable)?;
        refuse(path, &head)?;
        // A byte order mark is not a part of the first line.
        if head.starts_with(b"\xEF\xBB\xBF") {
            head.drain(..3);
        }
        Ok(Self {
            path: path.to_owned(),
            format: format.unwrap_or_else(|| detect(&head)),
            detected: format.is_none(),
            counted: if head.contains(&b'\n') { b'\n' } else { b'\r' },
            rest,
            head,
        })
    }

    /// Its first bytes, which were read to find out the format.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    pub(super) fn unreadable(&self, why: io::Error) -> LogError {
        LogError::Unreadable {
            path: self.path.clone(),
            why,
        }
    }
}

fn detect(head: &[u8]) -> LogFormat {
    let mut detector = FormatDetector::default();
    let lines = head.split(|byte| matches!(byte, b'\r' | b'\n'));
    let said = lines.filter(|line| !line.trim_ascii().is_empty());
    said.take(FormatDetector::ENOUGH as usize)
        .for_each(|line| detector.look(line));
    detector.format()
}

/// Refuses what is not a serial log, and what cannot be read byte by byte.
fn refuse(path: &Path, head: &[u8]) -> Result<(), LogError> {
    const PACKED: [(&[u8], &str, &str); 5] = [
        (b"\x1F\x8B", "gzip", "gunzip -c"),
        (b"\x28\xB5\x2F\xFD", "zstd", "zstd -dc"),
        (b"\xFD7zXZ\0", "xz", "xz -dc"),
        (b"BZh", "bzip2", "bzip2 -dc"),
        (b"PK\x03\x04", "zip", "unzip -p"),
    ];
    let path = path.display().to_string();
    if let Some(encoding) = wide(head) {
        return Err(LogError::Wide { path, encoding });
    }
    if let Some((_, by, unpack)) = PACKED.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Err(LogError::Packed { path, by, unpack });
    }
    if head.starts_with(b"{\"seq\":") {
        return Err(LogError::Journal { path });
    }
    Ok(())
}

/// The encoding of a text in more than one byte a character: by its mark, or because nearly every second byte is 0 and the
/// others are not.
fn wide(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xFF, 0xFE, 0, 0, ..] => return Some("UTF-32LE"),
        [0, 0, 0xFE, 0xFF, ..] => return Some("UTF-32BE"),
        [0xFF, 0xFE, ..] => return Some("UTF-16LE"),
        [0xFE, 0xFF, ..] => return Some("UTF-16BE"),
        _ => {}
    }
    let pairs = head.len().min(4096) / 2;
    let zeros = |at: usize| {
        head.chunks_exact(2)
            .take(pairs)
            .filter(|pair| pair[at] == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let nearly_all = |zeros: usize| pairs >= 8 && zeros * 10 >= pairs * 9;
    match (nearly_all(even), nearly_all(odd)) {
        (false, true) if even * 10 < pairs => Some("UTF-16LE"),
        (true, false) if odd * 10 < pairs => Some("UTF-16BE"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"\xFF\xFER\0D\0Y\0", Some("UTF-16LE"))]
    #[case(b"\xFE\xFF\0R\0D\0Y", Some("UTF-16BE"))]
    #[case(b"+\0C\0F\0U\0N\0:\0 \x001\0\r\0\n\0", Some("UTF-16LE"))]
    #[case(b"\0+\0C\0F\0U\0N\0:\0 \x001\0\r\0\n", Some("UTF-16BE"))]
    // The supply came, and with it zeros; a module that says nothing else.
    #[case(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0RDY\r\n", None)]
    #[case(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", None)]
    #[case(b"RDY\r\n+CFUN: 1\r\n", None)]
    #[case(b"", None)]
    fn encodings(#[case] head: &[u8], #[case] expected: Option<&str>) {
        assert_eq!(wide(head), expected);
    }
}
