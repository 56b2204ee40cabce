//! This program, to be started once more: as a worker, as the guard, as a simulated module.

use dfota_record::digest::file_digest;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Its name in lists of processes. Started through [`running`], it would be called `exe`.
pub const NAME: &str = "dfota-hil";

/// The program that runs, by the kernel's link to it. The file at its path may be another one by now: a build or an upgrade replaces
/// it while a run goes on, and a rig that is opened later has to get the same program.
pub fn running() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// SHA-256 of the program that runs, in hex.
static DIGEST: OnceLock<String> = OnceLock::new();
/// Where a worker finds it: the same program has read itself already.
const DIGEST_KEY: &str = "DFOTA_HIL_PROGRAM_SHA256";

/// SHA-256 of the program that runs, in hex: it is read once.
pub fn digest() -> io::Result<String> {
    if let Some(digest) = DIGEST.get() {
        return Ok(digest.clone());
    }
    let (_, sha256) = file_digest(&running())?;
    Ok(DIGEST.get_or_init(|| sha256).clone())
}

/// Passes the digest to this program, started again by `command`: it takes it with [`take_passed_digest`].
pub fn pass_digest(command: &mut Command) {
    if let Ok(digest) = digest() {
        command.env(DIGEST_KEY, digest);
    }
}

/// For a program that another one of the same file has started: the digest that it was passed.
pub fn take_passed_digest() {
    if let Ok(digest) = std::env::var(DIGEST_KEY) {
        let _ = DIGEST.set(digest);
    }
}
