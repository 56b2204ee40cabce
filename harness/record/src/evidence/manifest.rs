//! The manifest: every file of the bundle with its size and digest, and where the journal ends.

use crate::bundle::member;
use crate::digest::sha256_hex;
use crate::journal::chain::Chain;
use serde::{Deserialize, Serialize};

/// Name of the manifest in the bundle.
pub const FILE: &str = "manifest.json";
/// Version of its form; readers refuse a newer one.
pub const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: u32,
    /// Version of the program that made it.
    pub tool: String,
    /// Name of the run.
    pub run: String,
    /// Where the journal ends: nothing can be cut off behind it.
    pub journal: JournalEnd,
    /// The files, by name.
    pub files: Vec<Listed>,
}

/// The end of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEnd {
    /// Number of whole lines.
    pub lines: u64,
    /// SHA-256 of the last one, in hex: the end of the chain.
    pub head: String,
    /// Whether the run ended; one that was killed has no `run-ended`.
    pub ended: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its path in the bundle.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
}

impl From<&Chain> for JournalEnd {
    fn from(chain: &Chain) -> Self {
        Self {
            lines: chain.lines,
            head: chain.head.clone(),
            ended: chain.ended,
        }
    }
}

/// A manifest that this program did not write, or a later version of it did.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("invalid manifest: {0}")]
    Json(#[from] serde_json::Error),
    #[error("invalid file name `{}`: expected a relative path inside the run folder", name.escape_debug())]
    Name { name: String },
    #[error("its files are not sorted by name")]
    Order,
    #[error("schema {seen}, this version reads up to {SCHEMA}: use a newer one")]
    Schema { seen: u32 },
}

impl Manifest {
    /// That of a part of a run on several rigs: its journal, and where that ends. It lies beside the journal in the bundle.
    pub fn for_part(tool: &str, run: &str, journal: &Listed, chain: &Chain) -> Self {
        let (folder, file) = journal.name.rsplit_once('/').unwrap_or(("", &journal.name));
        Self {
            schema: SCHEMA,
            tool: tool.to_owned(),
            run: format!("{run}/{folder}"),
            journal: JournalEnd::from(chain),
            files: vec![Listed {
                name: file.to_owned(),
                ..journal.clone()
            }],
        }
    }

    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes)?;
        if let Some(file) = manifest.files.iter().find(|file| !member::is_safe(&file.name)) {
            let name = file.name.clone();
            return Err(ManifestError::Name { name });
        }
        if manifest.schema > SCHEMA {
            let seen = manifest.schema;
            return Err(ManifestError::Schema { seen });
        }
        if !manifest.files.is_sorted_by(|one, next| one.name < next.name) {
            return Err(ManifestError::Order);
        }
        Ok(manifest)
    }

    /// A file by its name.
    pub fn find(&self, name: &str) -> Option<&Listed> {
        let found = self.files.binary_search_by(|file| file.name.as_str().cmp(name));
        found.ok().map(|at| &self.files[at])
    }

    /// The digest that the statement is bound to.
    pub fn sha256(&self) -> String {
        sha256_hex(self.text().as_bytes())
    }
}
