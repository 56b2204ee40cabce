//! The module on the rig (the DUT): its dialogue and supply, and what is done with it in one try.

pub mod attempt;
pub mod bench;
pub mod function;
pub mod module;
pub mod offered;
pub mod prepare;
pub mod registration;
pub mod upload;
