//! The module process: one boot, from the mask ROM's banner to the application.
//!
//! It runs on the board's supply and nothing else: killed, it is off. It reboots by executing itself again, which is as
//! thorough as a reset: nothing but the flash file is left.

use crate::app::{App, ApplicationInput, Inbox};
use crate::bootloader::{Bootloader, Next};
use crate::brick::is_bricked;
use crate::clock::ModuleClock;
use crate::defect::Defect;
use crate::dialect::Dialect;
use crate::durations::{
    BOOTLOADER_TO_RDY, BROM_TO_BOOTLOADER, POWER_ON_TO_BROM, RESULT_TO_REBOOT, SLOW_BOOTLOADER_TO_RDY,
    WATCHDOG,
};
use crate::flash::{FileFlash, FlashError};
use crate::image;
use crate::layout::FlashLayout;
use crate::life::{ARGV0, ModuleError, hang, noise, reboot};
use crate::nvdm::{self, DownloadPosition, NvdmKey};
use crate::reporter::Reporter;
use crate::settings::Settings;
use crate::uart::Uart;
use crate::update_info::UpdateInfo;
use bc66_spec::boot::{BROM, BROM_LINE_END};
use bc66_spec::urc::FotaUrc;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::ffi::OsString;
use std::io;
use std::num::NonZeroU64;
use std::os::fd::AsFd;

const LAYOUT: FlashLayout = FlashLayout::BC66;

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
pub(crate) fn sharpen_timers() -> io::Result<()> {
    Ok(rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?)
}

fn run(settings: Settings) -> Result<(), ModuleError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    if getppid().is_none_or(|parent| parent.as_raw_nonzero().get() as u32 != settings.board) {
        return Ok(());
    }
    sharpen_timers()?;
    let clock = settings.clock().ok_or(ModuleError::Settings)?;
    let inbox = Inbox::new();
    let host = inbox.sender();
    let line = io::stdin().as_fd().try_clone_to_owned()?;
    let uart = Uart::start(line, clock, move |received| {
        let _ = host.send(ApplicationInput::Bytes(received));
    })?;
    let mut flash = FileFlash::open(&settings.flash, clock, settings.boot_seed())?;
    boot(&settings, clock, &uart, &mut flash)?;
    App::start(settings, clock, uart, flash, inbox)?.run()
}

/// Everything before the application. Returns when that may start; does not return to reboot or to hang.
fn boot(
    settings: &Settings,
    clock: ModuleClock,
    uart: &Uart,
    flash: &mut FileFlash,
) -> Result<(), ModuleError> {
    clock.sleep(POWER_ON_TO_BROM);
    if is_bricked(flash, &LAYOUT, settings.defects)? {
        hang();
    }
    uart.send(rom_block(settings));
    clock.sleep(BROM_TO_BOOTLOADER);
    let patching = matches!(UpdateInfo::load(flash, &LAYOUT)?, UpdateInfo::Patching { .. });
    if patching && settings.defects.has(Defect::RebootLoop) {
        clock.sleep(WATCHDOG);
        return Err(reboot(settings, uart).into());
    }
    print_pending_start(settings, uart, flash)?;
    let mut progress = Reporter::new(settings, clock, uart);
    let next = if patching && downloads_again(settings, flash)? {
        Next::Application
    } else {
        Bootloader::new(flash, &LAYOUT, &mut progress, settings.bootloader_defects()).run()?
    };
    if next == Next::Reboot {
        clock.sleep(RESULT_TO_REBOOT);
        return Err(reboot(settings, uart).into());
    }
    if image::version(flash, &LAYOUT)?.is_none() {
        eprintln!("bc66-module: the flash holds no firmware that could run");
        hang();
    }
    clock.sleep(if settings.dialects.has(Dialect::SlowBoot) {
        SLOW_BOOTLOADER_TO_RDY
    } else {
        BOOTLOADER_TO_RDY
    });
    Ok(())
}

/// Prints the `START` that the application could not print: [`Dialect::TornHttpEnd`].
fn print_pending_start(settings: &Settings, uart: &Uart, flash: &mut FileFlash) -> Result<(), FlashError> {
    if !nvdm::flag(flash, NvdmKey::StartPending)? {
        return Ok(());
    }
    if matches!(UpdateInfo::load(flash, &LAYOUT)?, UpdateInfo::Ordered { .. }) {
        uart.line(&settings.phrases().fota(FotaUrc::Start));
    }
    nvdm::set_flag(flash, NvdmKey::StartPending, false)
}

/// Does the application download the package again before the bootloader goes on? Only where it knows the URL.
fn downloads_again(settings: &Settings, flash: &FileFlash) -> Result<bool, ModuleError> {
    let position = DownloadPosition::load(flash)?;
    Ok(settings.defects.has(Defect::DownloadsAgain) && !settings.has_rebooted() && position.is_some())
}

/// The mask ROM's block as it arrives: always at the default rate, and with noise around it in some modules (GK).
fn rom_block(settings: &Settings) -> Vec<u8> {
    let block = banner().into_bytes();
    if !settings.dialects.has(Dialect::NoisyBootRom) {
        return block;
    }
    let [before, behind] = ["before", "behind"].map(|place| noise(settings, place));
    [before, block, behind].concat()
}

/// The mask ROM's block: it begins, and ends each line, with CR and LF swapped.
fn banner() -> String {
    let lines = BROM.map(|line| format!("{line}{BROM_LINE_END}"));
    format!("{BROM_LINE_END}{}", lines.concat())
}
