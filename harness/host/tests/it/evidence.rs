//! Bundles and journals that somebody touched, and files that only look like bundles.

mod fixture;
mod flips;
mod hostile;
mod lines;
mod links;
