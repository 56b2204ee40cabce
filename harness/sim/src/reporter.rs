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

/// What [`Dialect::PercentRestartsLow`] counts through before an update goes on.
const LOW_PERCENTS: [u8; 4] = [1, 7, 13, 19];
/// One in so many percentages is printed with [`Dialect::PercentJumps`], and the last one always.
const JUMP: usize = 4;

/// What [`Defect::PercentOutOfRange`] prints before a percentage: another one, and of which program.
const ODD: [(u8, u8, u8); 3] = [(50, 35, CURRENT_BIN), (70, 70, 3), (100, 140, CURRENT_BIN)];

/// The one who watches an update on a UART.
pub struct Reporter<'a> {
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
    pub fn new(settings: &Settings, clock: ModuleClock, uart: &'a Uart) -> Self {
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
        let odd = ODD.into_iter().filter(|(at, ..)| *at == percent);
        for (_, said, program) in odd.filter(|_| self.defects.has(Defect::PercentOutOfRange)) {
            self.uart.line(&self.phrases.updating(said, program));
        }
        for said in self.percents.of(percent) {
            self.uart.line(&self.phrases.updating(said, CURRENT_BIN));
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
pub struct Percents {
    dialects: Dialects,
    random: Random,
    low: bool,
}

impl Percents {
    /// Of one boot and one purpose.
    pub fn new(settings: &Settings, purpose: &str) -> Self {
        Self {
            dialects: settings.dialects,
            random: Random::for_purpose(settings.boot_seed(), purpose),
            low: false,
        }
    }

    /// What is printed for this one.
    pub fn of(&mut self, percent: u8) -> Vec<u8> {
        let mut said = Vec::new();
        if std::mem::take(&mut self.low) {
            said.extend(LOW_PERCENTS);
        }
        let left_out =
            self.dialects.has(Dialect::PercentJumps) && percent < 100 && self.random.below(JUMP) > 0;
        if !left_out {
            let times = 1 + usize::from(self.dialects.has(Dialect::PercentRepeats));
            said.extend(std::iter::repeat_n(percent, times));
        }
        said
    }
}
