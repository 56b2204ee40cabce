//! A YAML file, read whole: its text, and where each node of it stands.

use super::file_error::{FileError, Problem};
use super::node_path::NodePath;
use super::shape;
use super::tree::{Bytes, Content, MAX_DEPTH, NoTree, Tree};
use dfota_record::digest::sha256_hex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
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
                "the file has {} bytes; at most {} are taken",
                bytes.len(),
                Self::MAX_BYTES
            );
            return Err(FileError::new(name, "", vec![Problem::whole(why)]));
        }
        let text: Arc<str> = decode(name, bytes)?.into();
        let refuse = |problem| FileError::new(name, text.clone(), vec![problem]);
        // libyaml first: it explains syntax best, and what it passes is sound for the second parser.
        serde_yaml::Deserializer::from_str(&text)
            .take(1)
            .try_for_each(|document| IgnoredAny::deserialize(document).map(|_| ()))
            .map_err(|why| refuse(syntax(&text, &why)))?;
        several(&text).map_err(refuse)?;
        let tree = Tree::parse(&text).map_err(|why| refuse(no_tree(why)))?;
        if tree.node(tree.root()).is_null() {
            return Err(refuse(Problem::whole("the file is empty")));
        }
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

    /// The line that the node at `path` stands in, from 1.
    pub fn line(&self, path: &NodePath) -> usize {
        super::file_error::line_and_column(&self.text, self.tree.mark(path).start).0
    }

    /// `path:line:col` of a place.
    pub fn place(&self, at: &Bytes) -> String {
        let (line, column) = super::file_error::line_and_column(&self.text, at.start);
        format!("{}:{line}:{column}", self.name)
    }

    /// Refuses a document of the `other` format, which is known by its first key: files are easily swapped.
    pub fn is_a(&self, wanted: &str, other: &str, advice: &str) -> Result<(), FileError> {
        let Content::Map(entries) = &self.tree.node(self.tree.root()).content else {
            return Ok(());
        };
        if entries.iter().any(|entry| entry.key == wanted) {
            return Ok(());
        }
        let Some(entry) = entries.iter().find(|entry| entry.key == other) else {
            return Ok(());
        };
        let message = format!("this is a {other}, not a {wanted}");
        let problem = Problem::at(
            entry.key_bytes.clone(),
            message,
            format!("a {other} has this key"),
        );
        Err(self.refuse(vec![problem.help(advice)]))
    }

    /// The document as the format's struct. Where its keys are not those of the format, what is wrong with them, and the
    /// document as it was probably meant, for looking at its values.
    pub fn keys<T: DeserializeOwned + JsonSchema>(&self) -> Result<(T, Vec<Problem>), FileError> {
        let (problems, mended) = shape::checked::<T>(&self.tree);
        if !problems.is_empty() {
            let meant = mended.and_then(|mended| serde_json::from_value(mended).ok());
            return match meant {
                Some(meant) => Ok((meant, problems)),
                None => Err(self.refuse(problems)),
            };
        }
        let deserializer = serde_yaml::Deserializer::from_str(&self.text);
        let keys = serde_path_to_error::deserialize(deserializer);
        keys.map(|keys| (keys, Vec::new())).map_err(|why| {
            let path = NodePath::from(why.path());
            let message = match why.path().iter().len() {
                0 => format!("{}", why.inner()),
                _ => format!("`{path}`: {}", why.inner()),
            };
            self.refuse(vec![Problem::at(self.tree.mark(&path), message, "here")])
        })
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
            let problem = Problem::at(mark, message, "this byte").help(utf8_help(bytes));
            Err(FileError::new(name, text, vec![problem]))
        }
    }
}

fn utf8_help(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "the file looks like UTF-16: save it as UTF-8",
        _ => "save the file as UTF-8",
    }
}

fn syntax(text: &str, why: &serde_yaml::Error) -> Problem {
    let whole = why.to_string();
    // A character that YAML does not allow comes with an offset instead of line and column.
    let offset = whole
        .rsplit_once(" at position ")
        .and_then(|(_, offset)| offset.parse().ok());
    let located = why
        .location()
        .map(|location| byte_of(text, location.line(), location.column()));
    // What ends too early is shown at the end of its last line, not behind it.
    let end = text.trim_end().len();
    let at = floor(text, offset.or(located).unwrap_or(0).min(end));
    // The position stands before the message already; what remains names the construct that was being read.
    let sentence = whole.split(" at line ").next().unwrap_or(&whole);
    let message = sentence.split(" at position ").next().unwrap_or(sentence);
    let context = whole
        .split_once(", while ")
        .map(|(_, rest)| format!("while {rest}"));
    let rest = &text[at..];
    let mark = at..at + rest.chars().next().map_or(0, char::len_utf8);
    let problem = Problem::at(mark, format!("invalid YAML: {message}"), "here");
    let line_start = text[..at].rfind('\n').map_or(0, |n| n + 1);
    let line = text[line_start..].lines().next().unwrap_or("");
    let indent = &line[..line.len() - line.trim_start().len()];
    if rest.starts_with('\t') || indent.contains('\t') {
        problem.help("YAML is indented with blanks; here stands a tab")
    } else if let Some(context) = context {
        problem.help(context)
    } else {
        problem
    }
}

fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let start = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    text[start..]
        .chars()
        .take(column.saturating_sub(1))
        .map(char::len_utf8)
        .sum::<usize>()
        + start
}

fn floor(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// A second document would be ignored without a word.
fn several(text: &str) -> Result<(), Problem> {
    if serde_yaml::Deserializer::from_str(text).take(2).count() < 2 {
        return Ok(());
    }
    let mut at = 0;
    let mut marks = Vec::new();
    let mut content = false;
    for line in text.split_inclusive('\n') {
        let is_mark = line.starts_with("---") && line[3..].chars().next().is_none_or(char::is_whitespace);
        if is_mark && content {
            marks.push(at..at + 3);
        }
        content |= !is_mark && !line.trim().is_empty() && !line.trim_start().starts_with('#');
        at += line.len();
    }
    let message = "expected one YAML document, found several";
    let problem = match marks.first() {
        Some(mark) => Problem::at(mark.clone(), message, "the second one begins here"),
        None => Problem::whole(message),
    };
    Err(problem.help("write one file for each"))
}

fn no_tree(why: NoTree) -> Problem {
    match why {
        NoTree::Syntax(why, at) => Problem::at(at, format!("invalid YAML: {}", why.info()), "here"),
        NoTree::TooDeep(at) => Problem::at(
            at,
            format!("nested deeper than {MAX_DEPTH} levels"),
            "one level too deep",
        ),
        NoTree::Empty => Problem::whole("the file is empty"),
    }
}
