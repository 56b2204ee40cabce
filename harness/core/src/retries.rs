//! How often a case is tried again, by whose fault it was.

use crate::verdict::Class;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Further tries of a case that ended with an error, by its class. What the module did is never tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retries {
    /// After an error of the rig.
    pub rig: u32,
    /// After an error of the network.
    pub network: u32,
    /// After an error of the harness's servers.
    pub server: u32,
}

impl Retries {
    /// Further tries after an error of this class.
    pub fn after(&self, class: Class) -> u32 {
        match class {
            Class::Rig => self.rig,
            Class::Network => self.network,
            Class::Server => self.server,
            Class::Product | Class::Suite | Class::Harness | Class::Inconclusive => 0,
        }
    }
}
