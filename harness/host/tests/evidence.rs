//! Bundles and journals that somebody touched, and files that only look like bundles.

#[path = "evidence/fixture.rs"]
mod fixture;
#[path = "evidence/flips.rs"]
mod flips;
#[path = "evidence/hostile.rs"]
mod hostile;
#[path = "evidence/lines.rs"]
mod lines;
#[path = "evidence/links.rs"]
mod links;
