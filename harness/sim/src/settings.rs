//! The command line of a module process.

use crate::clock::ModuleClock;
use crate::defect::{Defect, Defects};
use crate::dialect::Dialects;
use crate::durations::{GLITCH, LONG_OFF};
use crate::phrase::Phrases;
use bc66_spec::module::Module;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

/// What the board passes to the module, in the order of its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) module: Module,
    /// Module time divided by real time.
    pub(crate) speed: f64,
    /// Every random choice derives from it, from [`Settings::boot`] and from a purpose.
    pub(crate) seed: u64,
    /// Counts boots, the module's own reboots included.
    pub(crate) boot: u64,
    /// Process id of the board: without it the module has no supply.
    pub(crate) board: u32,
    /// For how long of its time the module was without supply before this start, if it was.
    pub(crate) off: Option<Duration>,
    pub(crate) defects: Defects,
    pub(crate) dialects: Dialects,
    /// Exponent of the block size that a download over CoAP asks for.
    pub(crate) coap_exponent: u8,
    /// Does the configuration of `AT+QLWCONFIG` survive a reboot? Not known of the real module.
    pub(crate) lwm2m_config_kept: bool,
    pub(crate) flash: PathBuf,
}

/// The name that a module goes by on the command line and in rig files.
pub(crate) fn module_name(module: Module) -> &'static str {
    match module {
        Module::Bc66 => "bc66",
        Module::Bc66Na => "bc66-na",
    }
}

/// The module of that name.
pub(crate) fn module_named(name: &str) -> Option<Module> {
    Module::ALL
        .into_iter()
        .find(|module| module_name(*module) == name)
}

impl Settings {
    /// Room in the count of boots for the module's own reboots between two starts.
    pub(crate) const BOOTS_PER_START: u64 = 1000;

    pub(crate) fn to_args(&self) -> Vec<OsString> {
        let off = self.off.map(|off| off.as_millis().to_string());
        let texts = [
            module_name(self.module).to_owned(),
            self.speed.to_string(),
            self.seed.to_string(),
            self.boot.to_string(),
            self.board.to_string(),
            off.unwrap_or_default(),
            self.defects.to_list(),
            self.dialects.to_list(),
            self.coap_exponent.to_string(),
            self.lwm2m_config_kept.to_string(),
        ];
        let mut args: Vec<OsString> = texts.into_iter().map(OsString::from).collect();
        args.push(self.flash.clone().into());
        args
    }

    /// Reads a command line back; `None` if this program did not write it.
    pub(crate) fn from_args(args: &[OsString]) -> Option<Self> {
        let mut args = args.iter().map(OsString::as_os_str);
        Some(Self {
            module: module_named(args.next()?.to_str()?)?,
            speed: parse(args.next()?)?,
            seed: parse(args.next()?)?,
            boot: parse(args.next()?)?,
            board: parse(args.next()?)?,
            off: match args.next()? {
                off if off.is_empty() => None,
                off => Some(Duration::from_millis(parse(off)?)),
            },
            defects: Defects::from_list(args.next()?.to_str()?)?,
            dialects: Dialects::from_list(args.next()?.to_str()?)?,
            coap_exponent: parse(args.next()?)?,
            lwm2m_config_kept: parse(args.next()?)?,
            flash: args.next()?.into(),
        })
    }

    pub(crate) fn clock(&self) -> Option<ModuleClock> {
        ModuleClock::new(self.speed)
    }

    pub(crate) fn phrases(&self) -> Phrases {
        Phrases::new(self.dialects)
    }

    /// The defects of the bootloader in this boot: some depend on how long the supply was off.
    pub(crate) fn bootloader_defects(&self) -> Defects {
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
    pub(crate) fn has_rebooted(&self) -> bool {
        !self.boot.is_multiple_of(Self::BOOTS_PER_START)
    }

    pub(crate) fn boot_seed(&self) -> u64 {
        self.seed.wrapping_mul(0x1_0000_0001).wrapping_add(self.boot)
    }
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
            defects: Defects::from_list("dead-after-cut,forgets-resume").expect("defects"),
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
