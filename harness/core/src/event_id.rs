//! The name of an event.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names one event of the journal: the number of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EventId(pub u64);
