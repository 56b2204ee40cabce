//! YAML as rigs and suites use it: one document, read whole, every mistake reported where it stands.
//!
//! The format of a file is the structs that it fills, with serde and schemars: their fields are its keys, for the reader
//! and for editors. [`document`] parses a file once, into a [`tree`] of nodes with their places. The [`deserializer`] fills
//! the structs from it and notes every key that is wrong. Scalars keep their text ([`scalar`]) until the [`reader`] has
//! put the values of the matrix into it; then each becomes a value by its [`literal`], and only so.
//! What the keys mean is not known here.

pub mod containers;
pub mod deserializer;
pub mod document;
pub mod file_error;
pub mod literal;
pub mod nearest;
pub mod reader;
pub mod scalar;
pub mod tree;
