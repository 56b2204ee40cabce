//! What a module process is told on its command line.

use crate::clock::ModuleClock;
use crate::defect::{Defect, Defects};
use crate::dialect::Dialects;
use crate::durations::{GLITCH, LONG_OFF};
use crate::phrase::Phrases;
use bc66_spec::module::Module;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

/// All that the board tells the module, in the order of its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which module this is.
    pub module: Module,
    /// Module time divided by real time.
    pub speed: f64,
    /// Every random choice derives from it, from [`Settings::boot`] and from a purpose.
    pub seed: u64,
    /// Counts boots, the module's own reboots included.
    pub boot: u64,
    /// Process id of the board: without it the module has no supply.
    pub board: u32,
    /// For how long of its time the module had no supply before this start, if it had none.
    pub off: Option<Duration>,
    /// What is wrong with the module.
    pub defects: Defects,
    pub dialects: Dialects,
    /// Exponent of the block size that a download over CoAP asks for.
    pub coap_exponent: u8,
    /// Does the configuration of `AT+QLWCONFIG` survive a reboot? Not known of the real module.
    pub lwm2m_config_kept: bool,
    pub flash: PathBuf,
}

/// The name that a module goes by on the command line and in rig files.
pub fn module_name(module: Module) -> &'static str {
    match module {
        Module::Bc66 => "bc66",
        Module::Bc66Na => "bc66-na",
    }
}

/// The module of that name.
pub fn module_named(name: &str) -> Option<Module> {
    Module::ALL
        .into_iter()
        .find(|module| module_name(*module) == name)
}

impl Settings {
    /// A module counts its own reboots from its start on: room for them between two starts.
    pub const BOOTS_PER_START: u64 = 1000;

    pub fn to_args(&self) -> Vec<OsString> {
        let texts = [
            module_name(self.module).to_owned(),
            self.speed.to_string(),
            self.seed.to_string(),
            self.boot.to_string(),
            self.board.to_string(),
            self.off
                .map(|off| off.as_millis().to_string())
                .unwrap_or_default(),
            self.defects.to_list(),
            self.dialects.to_list(),
            self.coap_exponent.to_string(),
            self.lwm2m_config_kept.to_string(),
        ];
        texts
            .into_iter()
            .map(OsString::from)
            .chain([self.flash.clone().into_os_string()])
            .collect()
    }

    /// Reads a command line back; `None` if this program did not write it.
    pub fn from_args(args: &[OsString]) -> Option<Self> {
        let [
            module,
            speed,
            seed,
            boot,
            board,
            off,
            defects,
            dialects,
            exponent,
            kept,
            flash,
        ] = args
        else {
            return None;
        };
        Some(Self {
            module: module_named(module.to_str()?)?,
            speed: parse(speed)?,
            seed: parse(seed)?,
            boot: parse(boot)?,
            board: parse(board)?,
            off: parse_off(off)?,
            defects: Defects::from_list(defects.to_str()?).ok()?,
            dialects: Dialects::from_list(dialects.to_str()?).ok()?,
            coap_exponent: parse(exponent)?,
            lwm2m_config_kept: parse(kept)?,
            flash: flash.into(),
        })
    }

    pub fn clock(&self) -> Option<ModuleClock> {
        ModuleClock::new(self.speed)
    }

    /// How the module spells what it prints of its own accord.
    pub fn phrases(&self) -> Phrases {
        Phrases::new(self.dialects)
    }

    /// What is wrong with the bootloader in this boot.
    pub fn bootloader_defects(&self) -> Defects {
        let shorter_than = |limit| self.off.is_some_and(|off| off < limit);
        let forgets = self.defects.has(Defect::IgnoresUpdateAfterGlitch) && shorter_than(GLITCH)
            || self.defects.has(Defect::NeedsLongOff) && shorter_than(LONG_OFF);
        if forgets {
            self.defects.with(Defect::ForgetsResume)
        } else {
            self.defects
        }
    }

    /// Has the module rebooted by itself since it was switched on or reset?
    pub fn has_rebooted(&self) -> bool {
        !self.boot.is_multiple_of(Self::BOOTS_PER_START)
    }

    /// The seed of this boot.
    pub fn boot_seed(&self) -> u64 {
        self.seed.wrapping_mul(0x1_0000_0001).wrapping_add(self.boot)
    }
}

/// Nothing, or a number of milliseconds.
fn parse_off(text: &OsStr) -> Option<Option<Duration>> {
    if text.is_empty() {
        return Some(None);
    }
    let millis = parse::<u128>(text)?;
    Some(Some(Duration::from_millis(millis.try_into().unwrap_or(u64::MAX))))
}

fn parse<T: std::str::FromStr>(text: &OsStr) -> Option<T> {
    text.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_reads_what_the_board_wrote() {
        let settings = Settings {
            module: Module::Bc66Na,
            speed: 0.1,
            seed: u64::MAX,
            boot: 3,
            board: 77,
            off: Some(Duration::from_millis(7)),
            defects: [Defect::DeadAfterCut, Defect::ForgetsResume]
                .into_iter()
                .collect(),
            dialects: Dialects::from_list("no-start").expect("a dialect"),
            coap_exponent: 5,
            lwm2m_config_kept: true,
            flash: "/a b/flash".into(),
        };
        assert_eq!(Settings::from_args(&settings.to_args()), Some(settings.clone()));
        let never_off = Settings {
            off: None,
            ..settings
        };
        assert_eq!(Settings::from_args(&never_off.to_args()), Some(never_off));
        assert_eq!(Settings::from_args(&[]), None);
    }
}
