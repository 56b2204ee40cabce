//! Under which ids test management systems know a case.

use alloc::string::String;
use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the suite calls the case elsewhere. Empty for most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ids {
    /// The case in TestRail, as in `C123`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub testrail: Option<String>,
    /// The key of the test in Xray, as in `PROJ-45`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xray: Option<String>,
    /// Keys of what the test covers in Xray.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub xray_requirements: Vec<String>,
}

impl Ids {
    /// Whether no system knows the case.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
