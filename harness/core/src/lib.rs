//! Decisions: what a byte means and what to do next.
//!
//! No clock, file, socket or thread exists here: time comes in as an argument and everything that happened comes in as
//! data. So each decision can be tested with a table, and one made in the lab can be made again from the journal.
//!
//! - From bytes to meaning: [`lexer`] → [`urc`], [`reply`], [`address`].
//! - The experiment: [`case`] (what was planned), [`moment`] and [`cut`] (where the power goes), [`chain`] (how to get to
//!   the version a case starts from), [`seed`] (every random choice).
//! - The judgement: [`observation`] (what was seen of one update, a fold over its events; [`update`] is the machine in it),
//!   [`judge`] (whether it was legal), [`verdict`], [`outcome`] (what became of the module), [`measure`], [`capabilities`].
//! - The verdicts of a run, now or from its journal: [`run_fold`]. What is in anybody's serial log: [`log`].
//! - The record: [`event`]; what a rig's self-check saw: [`rig_check`]; what the module's flash has seen: [`wear`].
#![no_std]
#![warn(clippy::print_stdout)]

extern crate alloc;

pub mod address;
pub mod bisect;
pub mod campaign;
pub mod capabilities;
pub mod case;
pub mod chain;
pub mod claim;
pub mod coap;
pub mod cut;
pub mod duration;
pub mod escape;
pub mod event;
pub mod event_id;
pub mod exit_code;
pub mod expect;
pub mod fault;
pub mod fleet;
pub mod folder_name;
pub mod judge;
pub mod landing;
pub mod lexer;
pub mod log;
pub mod lwm2m;
mod macros;
pub mod measure;
pub mod moment;
pub mod observation;
pub mod outcome;
pub mod percent;
pub mod percentiles;
pub mod pool;
pub mod pool_fold;
pub mod rate;
pub mod reply;
pub mod retries;
pub mod rig_check;
pub mod rng;
pub mod run_fold;
pub mod seed;
pub mod sweep;
pub mod timeline;
pub mod transport;
pub mod update;
pub mod urc;
pub mod verdict;
pub mod version;
pub mod wear;
