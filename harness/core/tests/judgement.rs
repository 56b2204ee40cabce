//! The table of legal outcomes, case by case: what happened, written as a script, and the rule that fires.

#[path = "judgement/branches.rs"]
mod branches;
#[path = "judgement/cuts.rs"]
mod cuts;
#[path = "judgement/evidence.rs"]
mod evidence;
#[path = "judgement/expectations.rs"]
mod expectations;
#[path = "judgement/outcomes.rs"]
mod outcomes;
#[path = "judgement/runs.rs"]
mod runs;
#[path = "judgement/script.rs"]
mod script;
#[path = "judgement/sentences.rs"]
mod sentences;
