//! Prints the bootloader's progress, and lets its time pass.

use crate::bootloader::UpdateObserver;
use crate::clock::{ModuleClock, Pacer};
use crate::defect::{Defect, Defects};
use crate::dialect::{Dialect, Dialects};
use crate::life::hang;
use crate::phrase::Phrases;
use crate::random::Random;
use crate::settings::Settings;
use crate::uart::Uart;
use bc66_spec::urc::{CURRENT_BIN, FotaUrc};
use std::time::Duration;

/// The percentages of [`Dialect::PercentRestartsLow`] before an update goes on.
const LOW_PERCENTS: [u8; 4] = [1, 7, 13, 19];
/// [`Dialect::PercentJumps`] prints one percentage in so many, and the last one always.
const JUMP: usize = 4;

/// Shows an update on the UART.
pub(crate) struct Reporter<'a> {
    uart: &'a Uart,
    clock: ModuleClock,
    pace: Pacer,
    phrases: Phrases,
    percents: Percents,
    hang_at: Option<u8>,
    defects: Defects,
    resumes: bool,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(settings: &Settings, clock: ModuleClock, uart: &'a Uart) -> Self {
        let hangs = settings.defects.has(Defect::HangsInUpdating);
        let hang_at = hangs.then(|| 30 + Random::for_purpose(settings.seed, "hang").below(51) as u8);
        Self {
            uart,
            clock,
            pace: Pacer::new(),
            phrases: settings.phrases(),
            percents: Percents::new(settings, "updating"),
            hang_at,
            defects: settings.defects,
            resumes: false,
        }
    }
}

impl UpdateObserver for Reporter<'_> {
    fn resumes(&mut self) {
        self.resumes = true;
        if self.percents.dialects.has(Dialect::PercentRestartsLow) {
            self.percents.low = true;
        }
        if !self.percents.dialects.has(Dialect::NoStart) {
            self.uart.line(&self.phrases.fota(FotaUrc::Start));
        }
    }

    fn percent(&mut self, percent: u8) {
        if self.resumes && self.defects.has(Defect::ResumeWithoutUpdating) {
            return;
        }
        if self.defects.has(Defect::PercentOutOfRange) {
            // Another percentage comes first: one that goes back, one of a third program, one above 100.
            let odd = match percent {
                50 => Some(self.phrases.updating(35, CURRENT_BIN)),
                70 => Some(self.phrases.updating(70, 3)),
                100 => Some(self.phrases.updating(140, CURRENT_BIN)),
                _ => None,
            };
            odd.iter().for_each(|line| self.uart.line(line));
        }
        for printed in self.percents.printed_at(percent) {
            self.uart.line(&self.phrases.updating(printed, CURRENT_BIN));
        }
        if self.hang_at.is_some_and(|limit| percent >= limit) {
            hang();
        }
    }

    fn computes(&mut self, module_time: Duration) {
        self.pace.restart();
        self.pace.pass(self.clock.real(module_time));
    }
}

/// Which percentages are printed when one is reached.
#[derive(Debug)]
pub(crate) struct Percents {
    dialects: Dialects,
    random: Random,
    /// The low ones come first.
    low: bool,
}

impl Percents {
    pub(crate) fn new(settings: &Settings, purpose: &str) -> Self {
        Self {
            dialects: settings.dialects,
            random: Random::for_purpose(settings.boot_seed(), purpose),
            low: false,
        }
    }

    /// What is printed when this percentage is reached.
    pub(crate) fn printed_at(&mut self, percent: u8) -> Vec<u8> {
        let mut printed = Vec::new();
        if std::mem::take(&mut self.low) {
            printed.extend(LOW_PERCENTS);
        }
        let is_left_out =
            self.dialects.has(Dialect::PercentJumps) && percent < 100 && self.random.below(JUMP) > 0;
        if !is_left_out {
            let times = 1 + usize::from(self.dialects.has(Dialect::PercentRepeats));
            printed.extend(std::iter::repeat_n(percent, times));
        }
        printed
    }
}
