//! Rig and suite files as their authors meet them: what loads, what it becomes, and what a mistake looks like.

mod bad_rigs;
mod bad_suites;
mod bench;
mod campaign_terms;
mod fleets;
mod hostile;
mod loads;
mod plans;
mod schemas;
