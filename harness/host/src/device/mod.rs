//! The module on the rig (the DUT): its dialogue and supply, and what is done with it in one try.

pub mod attempt;
pub mod capabilities;
pub mod dut;
pub mod identity;
pub mod lwm2m_order;
mod network;
pub mod open_rig;
pub mod package_source;
pub mod upload;
