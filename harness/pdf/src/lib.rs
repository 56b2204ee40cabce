//! Sets a test report as PDF/A-2b: data in, bytes out, the same bytes for the same data.
//!
//! What stands in the report is decided elsewhere and comes as JSON; here is how it looks. The typesetter is some 285
//! crates, so all of it hides behind the feature `pdf`, and this crate is empty without.

#[cfg(feature = "pdf")]
mod printable;
#[cfg(feature = "pdf")]
mod sheet;

#[cfg(feature = "pdf")]
pub use sheet::{PdfError, typeset};
