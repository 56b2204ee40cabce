//! The record of a run: its journal, and everything that is a function of it. Nothing here can open a rig.
//!
//! [`journal`] writes and reads it, [`report`] turns it into pages, [`evidence`] packs and signs it, [`verify`] detects
//! tampering, [`rejudge`] derives its verdicts again, [`history`] compares it with earlier runs, [`retention`] says how long
//! it stays, and [`live`] shows a run while it goes on.

#![warn(clippy::print_stdout)]

pub mod bundle;
pub mod case_name;
pub mod count;
pub mod counted;
pub mod day;
pub mod digest;
pub mod evidence;
pub mod folders;
pub mod history;
pub mod journal;
pub mod live;
pub mod log;
pub mod rejudge;
pub mod report;
pub mod retention;
mod rig_names;
pub mod run_folder;
pub mod shell_word;
pub mod verify;

pub use journal::merge;
