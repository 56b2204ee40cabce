//! The proof that the harness can fail: every defect of the simulated module is caught by its rule, and no dialect of a
//! sound one raises an alarm. `just defects` runs all of it and prints the table.

pub(crate) mod catalogue;
mod dialects;
mod flash_sweep;
pub(crate) mod matrix;
mod pool;
mod suites;
