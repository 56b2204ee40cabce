//! A simulated BC66.

pub mod clock;
pub mod durations;
pub mod flash;
pub mod layout;
pub mod random;
pub mod record_log;
