//! A measurement as the journal has it.

use alloc::string::String;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A measurement that was taken, in the unit that it is shown in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// The smallest value that is within its limits, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest value that is within its limit, where it has one.
    pub limit: Option<f64>,
}

impl Measured {
    /// Whether the value lies outside its limits.
    pub fn is_out_of_limits(&self) -> bool {
        self.min.is_some_and(|min| self.value < min) || self.limit.is_some_and(|max| self.value > max)
    }
}
