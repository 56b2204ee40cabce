//! Who tested, where, for whom, and which item: facts that a test report has to name, and that no run can find out
//! (ISO/IEC 17025:2017, 7.8.2.1 b, c, e, g, h and p; 7.8.3.1 a).

use alloc::string::String;
use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `lab:` of a rig file. What is not stated there is empty here, and a report says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lab {
    /// The laboratory.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Where the tests were made: in the laboratory, at a customer's, in a vehicle.
    pub location: Option<String>,
    /// For whom: name and contact.
    pub customer: Option<String>,
    /// What was tested.
    pub item: LabItem,
    /// Conditions that bear on the results: temperature, supply, attenuation of the antenna.
    pub environment: Option<String>,
    /// Results, or parts of the set-up, that others provided: the network's operator, a cloud.
    pub external: Vec<String>,
}

/// `lab.item:`: the piece on the rig, beyond what it says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LabItem {
    /// The day on which the laboratory received it, `2026-11-03`.
    pub received: Option<String>,
    /// In what condition.
    pub condition: Option<String>,
    /// Its hardware: revision, carrier board, SIM.
    pub hardware: Option<String>,
}
