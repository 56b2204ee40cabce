//! A mark: what stands for a record of the journal before it has its number.

use serde::{Deserialize, Serialize};

/// Names one thing that was told to the journal. Whoever writes the journal puts the record's number in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(pub u64);
