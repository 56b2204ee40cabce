//! The table of legal outcomes, case by case: what happened, written as a script, and the rule that fires.

mod branches;
mod cuts;
mod evidence;
mod expectations;
mod outcomes;
mod runs;
mod script;
mod sentences;
