//! Evidence: what can be checked a year later without trusting this program.
//!
//! ```text
//! evidence.tar.zst         everything below, the journal, the reports and a manifest of digests
//! evidence.intoto.json     the statement: which packages were tested, with what, and how it ended
//! evidence.dsse.json       the statement in an envelope, signed (signed runs alone)
//! evidence.sigstore.json   the envelope as a Sigstore bundle, with the time stamp if there is one
//! evidence.pub.pem         the public key that fits the signature
//! evidence.tsq             a request for a time stamp, until its answer is attached
//! ```
//!
//! All of it is a function of the journal and the key: it can be made again, byte for byte. No private key is ever
//! written anywhere but by `keygen`.

pub mod archive_reader;
pub mod contents;
pub mod envelope;
pub mod maker;
pub mod manifest;
pub mod pack;
pub mod public_key;
pub mod signing_key;
pub mod statement;
pub mod time_stamp;

/// The in-toto statement.
pub const STATEMENT: &str = "evidence.intoto.json";
/// The statement in its signed envelope.
pub const ENVELOPE: &str = "evidence.dsse.json";
/// The envelope as a Sigstore bundle.
pub const SIGSTORE: &str = "evidence.sigstore.json";
/// The public key that fits the signature.
pub const PUBLIC_KEY: &str = "evidence.pub.pem";
/// A request for a time stamp that has no answer yet.
pub const REQUEST: &str = "evidence.tsq";
/// What the manifest cannot list, for it lists the manifest's own digest. In the bundle and beside it.
pub const ABOUT_THE_MANIFEST: [&str; 4] = [ENVELOPE, STATEMENT, PUBLIC_KEY, SIGSTORE];
