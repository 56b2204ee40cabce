//! The files that a user writes: rigs, suites, and the machine's own.

pub mod machine_config;
pub mod rig;
pub mod rig_set;
pub mod schema;
pub mod suite;
pub mod yaml;
