//! Sets a test report as PDF/A-2b: data in, bytes out, the same bytes for the same data.
//!
//! The content of the report is decided elsewhere and comes as JSON; this crate decides how it looks. The typesetter is some
//! 285 crates, so all of it is behind the feature `pdf`, and this crate is empty without it.

#[cfg(feature = "pdf")]
mod printable;
#[cfg(feature = "pdf")]
mod typesetter;

#[cfg(feature = "pdf")]
pub use typesetter::{PdfError, typeset};
