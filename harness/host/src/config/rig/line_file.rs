//! Reads what moves a line of a rig: one of four drivers, each with keys of its own.

use crate::config::rig::rig_keys::{IsolateKeys, PowerKeys, PulseKeys, SenseKeys};
use crate::config::rig::rig_literals::{ActiveHigh, DriverName, Pin};
use crate::config::rig::{Driver, LineId};
use crate::config::yaml::containers::Part;
use crate::config::yaml::literal::{InvalidValue, Literal};
use crate::config::yaml::nearest::ticked;
use crate::config::yaml::reader::ValueReader;
use crate::config::yaml::scalar::Raw;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest run of a program that moves a line.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the lines of one rig.
pub struct LineFile<'r, 'd> {
    pub reader: &'r mut ValueReader<'d>,
    /// Where the rig file is: programs are looked for from there.
    pub folder: &'r Path,
}

/// What a line is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The supply: switched on and off.
    Supply,
    /// RESET and PWRKEY: asserted for a while.
    Pulse,
    /// Read: shows the supply.
    Sense,
    /// Switched after the supply: isolates the UART.
    Isolate,
}

type Words = Option<Part<Vec<Raw<String>>>>;

/// The keys of one line, of whatever driver; those that its mapping does not have are `&None`.
#[derive(Debug)]
pub struct LineKeys<'k> {
    purpose: Use,
    driver: &'k Raw<DriverName>,
    chip: &'k Option<Raw<String>>,
    line: &'k Option<Raw<LineId>>,
    pin: &'k Option<Raw<Pin>>,
    active: &'k Option<Raw<ActiveHigh>>,
    on: &'k Words,
    off: &'k Words,
    pulse: &'k Words,
    timeout: &'k Option<Raw<Duration>>,
    control: &'k Option<Raw<String>>,
}

/// The line in a mapping that has the keys of every driver with pins, and these.
macro_rules! line {
    ($purpose:expr, $keys:ident, $($key:ident),+) => {
        LineKeys {
            purpose: $purpose,
            driver: &$keys.driver,
            chip: &$keys.chip,
            line: &$keys.line,
            pin: &$keys.pin,
            active: &$keys.active,
            $($key: &$keys.$key,)+
            ..LineKeys::new(&$keys.driver)
        }
    };
}

impl<'k> LineKeys<'k> {
    fn new(driver: &'k Raw<DriverName>) -> Self {
        Self {
            purpose: Use::Supply,
            driver,
            chip: &None,
            line: &None,
            pin: &None,
            active: &None,
            on: &None,
            off: &None,
            pulse: &None,
            timeout: &None,
            control: &None,
        }
    }

    pub fn power(keys: &'k PowerKeys) -> Self {
        line!(Use::Supply, keys, on, off, timeout, control)
    }

    pub fn pulse(keys: &'k PulseKeys) -> Self {
        line!(Use::Pulse, keys, pulse, timeout, control)
    }

    pub fn sense(keys: &'k SenseKeys) -> Self {
        line!(Use::Sense, keys, control)
    }

    pub fn isolate(keys: &'k IsolateKeys) -> Self {
        line!(Use::Isolate, keys, on, off, timeout)
    }
}

impl DriverName {
    /// The keys that belong to this driver and to no other, for a line that is used so.
    fn keys(self, purpose: Use) -> &'static [&'static str] {
        match (self, purpose) {
            (Self::GpioChip, _) => &["chip", "line", "active"],
            (Self::Rppal, _) => &["pin", "active"],
            (Self::Command, Use::Pulse) => &["pulse", "timeout"],
            (Self::Command, _) => &["on", "off", "timeout"],
            (Self::Simulated, _) => &["control"],
        }
    }

    /// Why this driver cannot be used so, where it cannot.
    fn unfit(self, purpose: Use) -> Option<&'static str> {
        match (self, purpose) {
            (Self::Command, Use::Sense) => Some("a sense line is read, and a program only moves lines"),
            (Self::Simulated, Use::Isolate) => Some("a simulated module has no lines that could be isolated"),
            _ => None,
        }
    }
}

impl LineFile<'_, '_> {
    /// What moves the line.
    pub fn driver(&mut self, keys: &LineKeys<'_>) -> Option<Driver> {
        let name = self.reader.read(keys.driver)?;
        if let Some(why) = name.unfit(keys.purpose) {
            let why = format!("the driver `{}` does not fit here: {why}", name.name());
            self.reader.mistake(keys.driver.at, why);
            return None;
        }
        self.keys_of_other_drivers(name, keys);
        match name {
            DriverName::GpioChip => {
                let chip = self.reader.option(keys.chip);
                let line = self.required(keys, "line", keys.line);
                if let (None, Some(LineId::Offset(offset)), Some(raw)) = (keys.chip, &line, keys.line) {
                    // The same number is another line of another chip, and chips are numbered as the kernel likes.
                    let why = InvalidValue::new(format!("the number {offset} needs `chip`: every chip has such a line"))
                        .label("needs `chip`")
                        .help(format!("a name needs no chip, and stays right when the kernel numbers chips anew: `line: GPIO{offset}`; `gpioinfo` lists names"));
                    self.reader.mistake(raw.at, why);
                }
                Some(Driver::GpioChip {
                    active_high: self.reader.option(keys.active).unwrap_or(true),
                    chip: chip.map(PathBuf::from),
                    line: line?,
                })
            }
            DriverName::Rppal => {
                let pin = self.required(keys, "pin", keys.pin);
                Some(Driver::Rppal {
                    active_high: self.reader.option(keys.active).unwrap_or(true),
                    pin: pin?,
                })
            }
            DriverName::Simulated => Some(Driver::Simulated {
                control: PathBuf::from(self.required(keys, "control", keys.control)?),
            }),
            DriverName::Command => self.command(keys),
        }
    }

    fn keys_of_other_drivers(&mut self, name: DriverName, keys: &LineKeys<'_>) {
        let present = [
            keys.chip.as_ref().map(|raw| raw.at),
            keys.line.as_ref().map(|raw| raw.at),
            keys.pin.as_ref().map(|raw| raw.at),
            keys.active.as_ref().map(|raw| raw.at),
            keys.on.as_ref().map(|words| words.at),
            keys.off.as_ref().map(|words| words.at),
            keys.pulse.as_ref().map(|words| words.at),
            keys.timeout.as_ref().map(|raw| raw.at),
            keys.control.as_ref().map(|raw| raw.at),
        ];
        let own = name.keys(keys.purpose);
        for at in present.into_iter().flatten() {
            if !own.contains(&self.reader.key(at)) {
                let why = InvalidValue::new(format!("is not a key of the driver `{}`", name.name()))
                    .label("of another driver")
                    .help(format!("its keys are {}", ticked(own)));
                self.reader.key_mistake(at, why);
            }
        }
    }

    fn command(&mut self, keys: &LineKeys<'_>) -> Option<Driver> {
        let timeout = self.reader.option(keys.timeout).unwrap_or(COMMAND_TIMEOUT);
        if keys.purpose == Use::Pulse {
            let pulse = self.words(keys, "pulse", keys.pulse)?;
            return Some(Driver::PulseCommand { pulse, timeout });
        }
        let on = self.words(keys, "on", keys.on);
        let off = self.words(keys, "off", keys.off);
        Some(Driver::Command {
            on: on?,
            off: off?,
            timeout,
        })
    }

    fn words(&mut self, keys: &LineKeys<'_>, key: &str, words: &Words) -> Option<Vec<String>> {
        let Some(words) = words else {
            self.absent(keys, key);
            return None;
        };
        if words.is_empty() {
            let why = InvalidValue::new("expected a program and its arguments, found an empty list")
                .label("nothing to run")
                .help("as in `[relay, \"1\", \"on\"]`");
            self.reader.mistake(words.at, why);
        }
        self.program(words.iter())
    }

    /// A program and its arguments; one with a `/` is looked for from the folder of the file.
    pub fn program<'k>(&mut self, words: impl Iterator<Item = &'k Raw<String>>) -> Option<Vec<String>> {
        let mut words = self.reader.list(words);
        let program = words.first_mut()?;
        if program.contains('/') {
            let found = self.folder.join(program.strip_prefix("./").unwrap_or(program));
            *program = found.to_string_lossy().into_owned();
        }
        Some(words)
    }

    fn required<T: Literal>(
        &mut self,
        keys: &LineKeys<'_>,
        key: &str,
        raw: &Option<Raw<T>>,
    ) -> Option<T::Value> {
        if raw.is_none() {
            self.absent(keys, key);
        }
        self.reader.option(raw)
    }

    fn absent(&mut self, keys: &LineKeys<'_>, key: &str) {
        let name = keys.driver.text.as_deref().unwrap_or_default();
        let why = InvalidValue::new(format!("the driver `{name}` needs `{key}`, which is missing"));
        self.reader
            .mistake(keys.driver.at, why.label(format!("needs `{key}`")));
    }
}
