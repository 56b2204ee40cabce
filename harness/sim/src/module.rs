//! The module process: one boot, from the mask ROM's banner to the application.
//!
//! It runs on the board's supply and nothing else: killed, it is off. It reboots by executing itself again, which is as
//! thorough as a reset: nothing but the flash file is left.

use crate::app::App;
use crate::bootloader::{Bootloader, Next, Progress};
use crate::clock::{Clock, Pace};
use crate::defect::Defect;
use crate::durations::{BOOTLOADER_TO_RDY, BROM_TO_BOOTLOADER, POWER_ON_TO_BROM, RESULT_TO_REBOOT};
use crate::flash::{FileFlash, FlashError};
use crate::image;
use crate::layout::Layout;
use crate::phrase;
use crate::random::Random;
use crate::settings::Settings;
use crate::uart::Uart;
use crate::update_info::UpdateInfo;
use bc66_wire::boot::{BROM, BROM_LINE_END};
use bc66_wire::urc::FotaUrc;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::ffi::OsString;
use std::io;
use std::num::NonZeroU64;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// The name under which a program that links this crate is a module.
pub const ARGV0: &str = "bc66-module";

/// Why a module process ends without having been told to.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// Its command line is not the board's.
    #[error("a module is started by the simulator alone, not by hand")]
    Settings,
    /// The system failed it.
    #[error("module process: {0}")]
    System(#[from] io::Error),
    /// Its flash failed it.
    #[error(transparent)]
    Flash(#[from] FlashError),
}

/// Runs the module and never returns, if this process was started as one. To be called first in every `main`.
pub fn run_module_if_asked() {
    let mut args = std::env::args_os();
    if args.next().is_none_or(|name| name != ARGV0) {
        return;
    }
    let args: Vec<OsString> = args.collect();
    let ended = Settings::from_args(&args)
        .ok_or(ModuleError::Settings)
        .and_then(run);
    if let Err(error) = &ended {
        eprintln!("bc66-module: {error}");
    }
    std::process::exit(i32::from(ended.is_err()));
}

/// Wakes sleepers as exactly as the kernel can; inherited by all threads to come.
pub fn sharpen_timers() -> io::Result<()> {
    Ok(rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?)
}

fn run(settings: Settings) -> Result<(), ModuleError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    if getppid().is_none_or(|parent| parent.as_raw_nonzero().get() as u32 != settings.board) {
        return Ok(());
    }
    sharpen_timers()?;
    let clock = settings.clock().ok_or(ModuleError::Settings)?;
    let (sender, inputs) = channel();
    let bytes = sender.clone();
    let line = io::stdin().as_fd().try_clone_to_owned()?;
    let uart = Uart::start(line, clock, move |received| {
        let _ = bytes.send(crate::app::Input::Bytes(received));
    })?;
    let mut flash = FileFlash::open(&settings.flash, clock, settings.boot_seed())?;
    boot(&settings, clock, &uart, &mut flash)?;
    App::start(settings, clock, uart, flash, sender, inputs)?.run()
}

/// Everything before the application. Returns when that may start; reboots and dead ends do not return.
fn boot(settings: &Settings, clock: Clock, uart: &Uart, flash: &mut FileFlash) -> Result<(), ModuleError> {
    let layout = Layout::BC66;
    clock.sleep(POWER_ON_TO_BROM);
    if settings.defects.has(Defect::DeadAfterCut)
        && matches!(UpdateInfo::load(flash, &layout)?, UpdateInfo::Patching { .. })
    {
        hang();
    }
    uart.send(banner());
    clock.sleep(BROM_TO_BOOTLOADER);
    let mut progress = Reporter::new(settings, clock, uart);
    let next = Bootloader {
        flash,
        layout: &layout,
        progress: &mut progress,
        defects: settings.defects,
    }
    .run()?;
    if next == Next::Reboot {
        clock.sleep(RESULT_TO_REBOOT);
        return Err(reboot(settings, uart).into());
    }
    if image::version(flash, &layout)?.is_none() {
        eprintln!("bc66-module: nothing that could run stands in the flash");
        hang();
    }
    clock.sleep(BOOTLOADER_TO_RDY);
    Ok(())
}

/// The mask ROM's block: each line is ended, and the first one begun, the wrong way round.
fn banner() -> String {
    let lines = BROM.map(|line| format!("{line}{BROM_LINE_END}"));
    format!("{BROM_LINE_END}{}", lines.concat())
}

/// Starts the same module once more; returns only if that fails.
pub fn reboot(settings: &Settings, uart: &Uart) -> io::Error {
    uart.flush();
    let next = Settings {
        boot: settings.boot + 1,
        ..settings.clone()
    };
    match std::env::current_exe() {
        Ok(exe) => Command::new(exe).arg0(ARGV0).args(next.to_args()).exec(),
        Err(error) => error,
    }
}

/// Does nothing until the supply goes.
fn hang() -> ! {
    loop {
        thread::park();
    }
}

/// Prints the bootloader's progress.
struct Reporter<'a> {
    uart: &'a Uart,
    clock: Clock,
    pace: Pace,
    hang_at: Option<u8>,
}

impl<'a> Reporter<'a> {
    fn new(settings: &Settings, clock: Clock, uart: &'a Uart) -> Self {
        let hangs = settings.defects.has(Defect::HangsInUpdating);
        let hang_at = hangs.then(|| 30 + Random::for_purpose(settings.seed, "hang").below(51) as u8);
        Self {
            uart,
            clock,
            pace: Pace::new(),
            hang_at,
        }
    }
}

impl Progress for Reporter<'_> {
    fn resumes(&mut self) {
        self.uart.line(&phrase::fota(FotaUrc::Start));
    }

    fn percent(&mut self, percent: u8) {
        self.uart.line(&phrase::updating(percent));
        if self.hang_at.is_some_and(|limit| percent >= limit) {
            hang();
        }
    }

    fn computes(&mut self, module_time: Duration) {
        self.pace.restart();
        self.pace.pass(self.clock.real(module_time));
    }
}
