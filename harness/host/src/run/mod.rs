//! A run: case after case on one rig, with its campaigns and what restores a module between them.

pub mod cut_orders;
pub mod fleet;
#[cfg(feature = "lab")]
pub mod lab;
mod readable;
pub mod runner;
pub mod session;
