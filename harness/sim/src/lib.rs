//! A simulated BC66.

pub mod bootloader;
pub mod clock;
pub mod defect;
pub mod durations;
pub mod flash;
pub mod image;
pub mod layout;
pub mod package;
pub mod random;
pub mod record_log;
pub mod update_info;
pub mod version;
