//! The bench: lines and port of a rig, who holds them, and what leaves them safe however the program ends.

pub mod guard;
pub mod lease;
pub mod line;
pub mod lines;
pub mod reflash;
pub mod serial;
pub mod signals;
pub mod sim_process;
pub mod wires;
