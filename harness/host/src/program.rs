//! This program, to be started once more: as a worker, as the guard, as a simulated module.

use std::path::PathBuf;

/// Its name in lists of processes. Started through [`running`], it would be called `exe`.
pub const NAME: &str = "dfota-hil";

/// The program that runs, by the kernel's link to it. The file at its path may be another one by now: a build or an upgrade replaces
/// it while a run goes on, and a rig that is opened later has to get the same program.
pub fn running() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}
