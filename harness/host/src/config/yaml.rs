//! YAML as rigs and suites use it: one document, read whole, every mistake reported where it stands.
//!
//! A file goes through three steps. [`document`] makes sure that it is one sound YAML document and remembers where each
//! node stands ([`tree`]); [`shape`] compares its keys with the format's structs, all mistakes at once; `serde_yaml`
//! fills the structs, whose scalars stay text ([`raw`]) until the [`reader`] has filled in the matrix and parses them.
//! What the keys mean is not known here.

pub mod document;
pub mod file_error;
pub mod literal;
pub mod mended;
pub mod nearest;
pub mod node_path;
pub mod one_or_more;
pub mod ordered;
pub mod raw;
pub mod reader;
pub mod shape;
pub mod tree;
