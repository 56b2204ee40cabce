//! `evidence.tar.zst`: a compressed archive of files, with a seal after it.

pub mod archive;
pub mod member;
pub mod stream;
