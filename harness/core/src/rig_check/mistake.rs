//! Wiring mistakes of a rig: identifies one from what the UART received, and says what to do about it.
//!
//! Voltages, pins and times are those of the vendor's hardware design for this footprint and of the manual of the TE-B
//! evaluation board. Where several mistakes look alike, the advice lists them in the order in which to check.

use super::overheard::{Overheard, Sound};

macro_rules! mistakes {
    ($($(#[$doc:meta])* $name:ident: $meaning:literal, $advice:literal
        $(, where programs move the lines: $with_programs:literal)?;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mistake {
            $($(#[$doc])* $name,)+
        }

        impl Mistake {
            /// All mistakes.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What it means, after a figure of what was seen.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// What to do, likeliest first.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)+ }
            }

            /// What to do where programs move the lines, and nothing is called `active`.
            pub const fn advice_with_programs(self) -> &'static str {
                match self {
                    $($(Self::$name => $with_programs,)?)+
                    _ => self.advice(),
                }
            }
        }
    };
}

mistakes! {
    /// The supply stays on.
    NotCut: "the module still runs",
        "check that the line switches VBAT and `active` is right, that neither USB nor the level shifter of the UART feeds the module, and that `discharge` is long enough for the rail",
        where programs move the lines: "check with a meter that the program `off` of `power` switches VBAT, that neither USB nor the level shifter of the UART feeds the module, and that `discharge` is long enough for the rail";
    /// The supply is on where it should be off.
    SupplyInverted: "the module runs while `power` is off, and does not while it is on",
        "`active` of `power` is the wrong way round: name the other level",
        where programs move the lines: "`on` and `off` of `power` are the wrong way round: exchange the two programs, or the contacts of the relay (normally open, normally closed)";
    /// RESET is asserted where it should not be.
    ResetInverted: "the module runs only while `reset` is asserted",
        "`active` of `reset` is the wrong way round: a transistor in the line, as on the TE-B board, makes it `active: high`; a line that is low to press without one is `active: low`",
        where programs move the lines: "`pulse` of `reset` leaves RESET asserted and releases it for the pulse: swap the two levels in the program, or the contacts of the relay; the transistor of a TE-B board inverts the level";
    /// PWRKEY is pressed where it should not be.
    PwrkeyInverted: "the module starts with `pwrkey` released, and does not with it pressed",
        "`active` of `pwrkey` is the wrong way round, so that the key is held down all the time: a transistor in the line, as on the TE-B board, makes it `active: high`; a line that is low to press without one is `active: low`",
        where programs move the lines: "`pulse` of `pwrkey` leaves the key down and releases it for the pulse: swap the two levels in the program, or the contacts of the relay; the transistor of a TE-B board inverts the level";
    /// TX and RX of this machine are one wire.
    LoopBack: "`AT` comes back as it was sent, without an answer",
        "TX and RX of this machine are connected: remove the loop-back plug or bridge, and connect RX only to the module's TXD";
    /// The rates or levels of the two sides differ.
    Garbled: "noise in place of text",
        "in this order: `baud` (the main UART has 115200 unless `AT+IPR` was stored); the level, which is 1.8 V on the module's pins and needs a level shifter, not an RS-232 adapter; a common ground";
    /// The same, while there is no supply.
    NoiseWhileOff: "noise where silence should be",
        "in this order: the module still runs, at another `baud`; RX floats while the module has no supply, and needs a pull-up on this machine's side";
    /// The firmware speaks at another rate than the boot ROM.
    BaudSet: "the boot ROM is read, and noise comes after it",
        "the boot ROM always uses 115200, the firmware the rate that `AT+IPR` stored: set `baud` to that rate, or the module to 115200 with `AT+IPR=115200`";
    /// The module starts again and again.
    BootLoop: "the module starts again and again",
        "in this order: the supply drops (it has to give 0.5 A and stay above 2.1 V: short wires, 100 µF at VBAT); its voltage is wrong (3.3 V, at most 3.63 V); PWRKEY or RESET is held down (`active`); the firmware crashes, which its watchdog ends every 30 s",
        where programs move the lines: "in this order: the supply drops (it has to give 0.5 A and stay above 2.1 V: short wires, 100 µF at VBAT); its voltage is wrong (3.3 V, at most 3.63 V); PWRKEY or RESET is held down (by what the program of a `pulse` leaves behind); the firmware crashes, which its watchdog ends every 30 s";
    /// The boot ROM speaks, the firmware does not.
    Stuck: "the module begins to start and does not get ready",
        "in this order: a module in the middle of an update says UPDATING and takes longer (`--boot`); one that is autobauding says no RDY before the first `AT`: connect its RXD; the supply drops when the radio starts (it has to give 0.5 A); the firmware is broken: see the dialogue with `-v`";
    /// No sign of life.
    NoSign: "no sign of life",
        "in this order: check the supply (VBAT behind the switch; 1.8 V at VDD_EXT say that the module runs); check PWRKEY (tied down, or a `pwrkey` in the rig file) and that RESET is released; check TX and RX, which may be swapped: this machine's RX goes to the module's TXD; on a TE-B board check that J302 connects the main UART to USB; check the `port`";
    /// A supply, it seems, and no start.
    NotStarted: "the line moved with the supply, but nothing was sent",
        "in this order: check PWRKEY (tied down, or a `pwrkey` in the rig file with a `hold` above 500ms); check that RESET is released (`active`); check supply and `baud`",
        where programs move the lines: "in this order: check PWRKEY (tied down, or a `pwrkey` in the rig file whose `pulse` is longer than 500 ms); check that RESET is released; check supply and `baud`";
    /// Somebody else is at the other end.
    OtherPort: "text, but not from a BC66",
        "in this order: `port` is another device's; it is the module's debug UART: connect the main one (CH A of a TE-B board)";
    /// The module boots and answers no command.
    Deaf: "the module boots, and answers no command",
        "check the wire from this machine's TX to the module's RXD, and the level shifter in that direction";
    /// The firmware says nothing before it is spoken to. No mistake of a wire, and no reason against the rig.
    Autobaud: "autobauding, so that no RDY comes before the first `AT`",
        "it can be tested this way, but each boot takes its whole limit, and lines before the first `AT` may be lost, even the END of an update: `AT+IPR=115200` sets a fixed rate and `AT&W` stores it, for instance in `dfota-hil console`";
}

impl Mistake {
    /// What it is when something is heard although the supply is off. `on` is what was heard with the supply switched on,
    /// where that was tried.
    pub fn while_off(off: &Overheard, on: Option<&Overheard>) -> Self {
        let silent_on = on.is_some_and(|on| on.bytes == 0);
        match off.sound() {
            Sound::Echo => Self::LoopBack,
            Sound::Module | Sound::Noise | Sound::Text if silent_on => Self::SupplyInverted,
            Sound::Noise | Sound::Edges => Self::NoiseWhileOff,
            Sound::Module | Sound::Text | Sound::Silence => Self::NotCut,
        }
    }

    /// What it is when there is neither RDY nor an answer after the supply came.
    pub fn at_boot(heard: &Overheard) -> Self {
        match heard.sound() {
            Sound::Silence => Self::NoSign,
            Sound::Edges => Self::NotStarted,
            Sound::Echo => Self::LoopBack,
            Sound::Module if heard.boots > 1 => Self::BootLoop,
            Sound::Module if heard.is_noisy() => Self::BaudSet,
            Sound::Module => Self::Stuck,
            Sound::Noise => Self::Garbled,
            Sound::Text => Self::OtherPort,
        }
    }

    /// What it is when RDY came and no answer to `AT`; `heard` is what came after RDY.
    pub fn after_ready(heard: &Overheard) -> Self {
        match heard.boots {
            0 => Self::Deaf,
            _ => Self::BootLoop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const SILENT: Overheard = Overheard {
        bytes: 0,
        strange: 0,
        boots: 0,
        words: 0,
        firmware: 0,
        echoes: 0,
    };
    const EDGE: Overheard = Overheard {
        bytes: 1,
        strange: 1,
        ..SILENT
    };
    const ECHO: Overheard = Overheard {
        bytes: 9,
        echoes: 3,
        ..SILENT
    };
    const NOISE: Overheard = Overheard {
        bytes: 90,
        strange: 60,
        ..SILENT
    };
    const TEXT: Overheard = Overheard { bytes: 90, ..SILENT };
    const ONE_BOOT: Overheard = Overheard {
        bytes: 140,
        boots: 1,
        words: 8,
        ..SILENT
    };
    const TWO_BOOTS: Overheard = Overheard {
        bytes: 280,
        boots: 2,
        words: 16,
        ..SILENT
    };
    const ROM_AND_NOISE: Overheard = Overheard {
        bytes: 200,
        strange: 50,
        ..ONE_BOOT
    };
    const ANSWER: Overheard = Overheard {
        bytes: 9,
        words: 1,
        echoes: 1,
        ..SILENT
    };

    #[rstest]
    #[case(ANSWER, None, Mistake::NotCut)]
    #[case(ANSWER, Some(ANSWER), Mistake::NotCut)]
    #[case(ANSWER, Some(SILENT), Mistake::SupplyInverted)]
    #[case(ONE_BOOT, Some(SILENT), Mistake::SupplyInverted)]
    #[case::at_another_rate(NOISE, Some(SILENT), Mistake::SupplyInverted)]
    #[case(ECHO, Some(ECHO), Mistake::LoopBack)]
    #[case(NOISE, Some(NOISE), Mistake::NoiseWhileOff)]
    #[case::one_edge_is_no_module(EDGE, Some(SILENT), Mistake::NoiseWhileOff)]
    fn while_off(#[case] off: Overheard, #[case] on: Option<Overheard>, #[case] expected: Mistake) {
        assert_eq!(Mistake::while_off(&off, on.as_ref()), expected);
    }

    #[rstest]
    #[case(SILENT, Mistake::NoSign)]
    #[case(EDGE, Mistake::NotStarted)]
    #[case(ECHO, Mistake::LoopBack)]
    #[case(NOISE, Mistake::Garbled)]
    #[case(TEXT, Mistake::OtherPort)]
    #[case(ONE_BOOT, Mistake::Stuck)]
    #[case(TWO_BOOTS, Mistake::BootLoop)]
    #[case(ROM_AND_NOISE, Mistake::BaudSet)]
    fn at_boot(#[case] heard: Overheard, #[case] expected: Mistake) {
        assert_eq!(Mistake::at_boot(&heard), expected);
    }

    /// Programs have no `active`, and no GPIO has an `on`.
    #[test]
    fn advice_is_about_keys_that_are_there() {
        for mistake in Mistake::ALL {
            let programs = mistake.advice_with_programs();
            assert!(!programs.contains("`active`"), "{mistake:?}: {programs}");
        }
        assert!(!Mistake::SupplyInverted.advice().contains("`on`"));
    }

    #[rstest]
    #[case(SILENT, Mistake::Deaf)]
    #[case(ONE_BOOT, Mistake::BootLoop)]
    fn after_ready(#[case] heard: Overheard, #[case] expected: Mistake) {
        assert_eq!(Mistake::after_ready(&heard), expected);
    }
}
