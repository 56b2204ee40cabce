//! Bundles and journals that somebody touched, and files that only look like bundles.

mod fixture;
mod fleet;
mod flips;
mod hostile;
mod lines;
mod links;
