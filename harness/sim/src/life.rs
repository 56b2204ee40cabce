//! What a module process can do at any time: reboot, hang, send noise.

use crate::flash::FlashError;
use crate::random::Random;
use crate::settings::Settings;
use crate::uart::Uart;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

/// The name (`argv[0]`) that makes a program that links this crate a module process.
pub(crate) const ARGV0: &str = "bc66-module";
/// The program that runs. The file at its path may be another one by now: a build replaces it while a simulator runs.
pub(crate) const RUNNING: &str = "/proc/self/exe";

/// Why a module process fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModuleError {
    #[error("a module is started by the simulator alone, not by hand")]
    Settings,
    #[error("module process: {0}")]
    System(#[from] io::Error),
    #[error(transparent)]
    Flash(#[from] FlashError),
}

/// A few bytes of any value.
pub(crate) fn noise(settings: &Settings, place: &str) -> Vec<u8> {
    let mut random = Random::for_purpose(settings.boot_seed(), place);
    let mut bytes = vec![0; 1 + random.below(12)];
    random.fill(&mut bytes);
    bytes
}

/// Starts the same module once more; returns only if that fails.
pub(crate) fn reboot(settings: &Settings, uart: &Uart) -> io::Error {
    uart.flush();
    let next = Settings {
        boot: settings.boot + 1,
        off: None,
        ..settings.clone()
    };
    Command::new(RUNNING).arg0(ARGV0).args(next.to_args()).exec()
}

/// Does nothing until the supply goes.
pub(crate) fn hang() -> ! {
    loop {
        thread::park();
    }
}
