//! A simulated BC66.

pub mod clock;
pub mod durations;
pub mod flash;
pub mod image;
pub mod layout;
pub mod package;
pub mod random;
pub mod record_log;
pub mod version;
