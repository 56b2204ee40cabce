//! A YAML file, read whole: its text, and where each node of it stands.

use super::file_error::{FileError, Problem};
use super::tree::{KeyPlace, Tree};
use dfota_record::digest::sha256_hex;
use std::path::Path;
use std::sync::Arc;

/// One sound YAML document.
#[derive(Debug, Clone)]
pub struct Document {
    name: String,
    text: Arc<str>,
    sha256: String,
    tree: Tree,
}

impl Document {
    /// Largest file that is taken.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads a file; messages call it as it was given.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let name = path.display().to_string();
        let refuse = |why: String| FileError::new(name.clone(), "", vec![Problem::whole(why)]);
        if path.is_dir() {
            return Err(refuse("expected a YAML file, found a directory".to_owned()));
        }
        let bytes = std::fs::read(path).map_err(|why| refuse(unreadable(&why)))?;
        Self::parse(&name, &bytes)
    }

    /// Takes the bytes of the file `name`.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, FileError> {
        if bytes.len() > Self::MAX_BYTES {
            let why = format!(
                "the file has {} bytes, expected at most {}",
                bytes.len(),
                Self::MAX_BYTES
            );
            return Err(FileError::new(name, "", vec![Problem::whole(why)]));
        }
        let text: Arc<str> = decode(name, bytes)?.into();
        let refuse = |problem| FileError::new(name, text.clone(), vec![problem]);
        without_control_characters(&text).map_err(refuse)?;
        let tree = Tree::parse(&text).map_err(refuse)?;
        Ok(Self {
            name: name.to_owned(),
            text,
            sha256: sha256_hex(bytes),
            tree,
        })
    }

    /// The path, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The SHA-256 of the file's bytes in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Line and column of a value, both from 1.
    pub fn line_and_column(&self, at: KeyPlace) -> (usize, usize) {
        super::file_error::line_and_column(&self.text, self.tree.mark(at).start)
    }

    /// Refuses a document of the `other` format, which is known by its first key: files are easily swapped.
    pub fn expect_key(&self, wanted: &str, other: &str, advice: &str) -> Result<(), FileError> {
        let entries = self.tree.node(Tree::ROOT).entries();
        let find = |key: &str| entries.iter().find(|entry| self.tree.key(entry.key) == key);
        match find(other) {
            Some(entry) if find(wanted).is_none() => {
                let at = self.tree.node(entry.key).bytes.clone();
                let message = format!("this is a {other}, not a {wanted}");
                let problem = Problem::at(at, message, format!("a {other} has this key"));
                Err(self.refuse(vec![problem.help(advice)]))
            }
            _ => Ok(()),
        }
    }

    /// The file, refused for these problems.
    pub fn refuse(&self, problems: Vec<Problem>) -> FileError {
        FileError::new(self.name.clone(), self.text.clone(), problems)
    }
}

fn unreadable(why: &std::io::Error) -> String {
    match why.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "no permission to read the file".to_owned(),
        _ => format!("the file cannot be read: {why}"),
    }
}

fn decode(name: &str, bytes: &[u8]) -> Result<String, FileError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(why) => {
            let at = why.valid_up_to();
            let text = String::from_utf8_lossy(bytes).into_owned();
            let message = format!(
                "expected UTF-8, found the byte 0x{:02X} at offset {at}",
                bytes[at]
            );
            let mark = at..at + '\u{fffd}'.len_utf8();
            let help = match bytes {
                [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "the file looks like UTF-16: save it as UTF-8",
                _ => "save the file as UTF-8",
            };
            let problem = Problem::at(mark, message, "this byte").help(help);
            Err(FileError::new(name, text, vec![problem]))
        }
    }
}

/// YAML forbids them, and the parser does not mind.
fn without_control_characters(text: &str) -> Result<(), Problem> {
    let is_forbidden = |c: &(usize, char)| c.1.is_control() && !matches!(c.1, '\t' | '\n' | '\r' | '\u{85}');
    match text.char_indices().find(is_forbidden) {
        None => Ok(()),
        Some((at, c)) => {
            let message = "invalid YAML: control characters are not allowed";
            Err(Problem::at(at..at + c.len_utf8(), message, "here"))
        }
    }
}
