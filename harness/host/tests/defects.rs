//! The proof that the harness can fail: every defect of the simulated module is caught by its rule, and no dialect of a
//! sound one raises an alarm. `just defects` runs all of it and prints the table.

#[path = "defects/catalogue.rs"]
mod catalogue;
#[path = "defects/dialects.rs"]
mod dialects;
#[path = "defects/flash_sweep.rs"]
mod flash_sweep;
#[path = "cli/junit.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line")]
mod junit;
#[path = "cli/lab.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line")]
mod lab;
#[path = "defects/matrix.rs"]
mod matrix;
#[path = "defects/pool.rs"]
mod pool;
#[path = "cli/process.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the command line"
)]
mod process;
#[path = "defects/suites.rs"]
mod suites;
