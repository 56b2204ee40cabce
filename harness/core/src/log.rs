//! A captured serial log of anybody's module: which updates are in it, how they went, and what was illegal.
//!
//! - [`lines`]: bytes → lines, whatever ends them; [`format`](mod@format), [`stamp`]: what a terminal program puts before a line;
//!   [`text`]: what it leaves in it, such as escape sequences.
//! - [`heard`]: a line → what it says; [`clock`]: time stamps → time that never goes back.
//! - [`fold`]: what was heard → [`found::LogUpdate`], one for each order; [`rules`]: what is illegal in it; [`summary`]: in words.
//! - [`reader`] puts them together.
//!
//! A log knows less than a run: no edges of the supply, no requests, no orders that were given elsewhere. So a rule fires
//! on what was heard alone, never on a line that is missing; and nothing is ever called a pass.
//!
//! It holds the update that is being read and nothing else, and that within bounds: a log may be of any length.

pub mod clock;
pub mod fold;
pub mod format;
pub mod found;
pub mod heard;
pub mod lines;
pub mod place;
pub mod points;
pub mod reader;
pub mod rules;
pub mod stamp;
pub mod steps;
pub mod summary;
pub mod text;
