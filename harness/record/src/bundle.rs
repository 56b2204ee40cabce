//! `evidence.tar.zst`: files in one archive, compressed, with a seal behind it.

pub mod archive;
pub mod member;
pub mod stream;
