//! The self-check of a rig, as it is written down: what was looked at, what was seen, and what to do about it.

pub mod mistake;
pub mod overheard;

use crate::macros::named_enum;
use alloc::string::String;
use core::fmt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One look at one part of a rig.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What was looked at.
    pub probe: Probe,
    /// Its result.
    pub outcome: CheckOutcome,
    /// What was seen, with its figure; for one that was not made, why not.
    pub seen: String,
    /// The likely mistakes and what to do, where it failed; or what would be better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// As it has to be.
    Ok,
    /// Not as it has to be.
    Fail,
    /// Not looked at.
    Skip,
}

named_enum! {
    /// When a rig was checked.
    pub enum CheckTime {
        /// Before the first case of a suite.
        Before = "before",
        /// After the last case of a suite.
        After = "after",
    }
}

named_enum! {
    /// What of a rig is looked at.
    pub enum Probe {
        /// Port, lines and servers can be opened.
        Open = "open",
        /// Switching the supply off silences the module.
        Power = "power",
        /// Switching it on boots it.
        Boot = "boot",
        /// `AT` is answered.
        Answers = "answers",
        /// The module is of the type that the rig file names.
        Module = "module",
        /// The version can be read, by two commands that agree.
        Version = "version",
        /// The IMEI can be read.
        Imei = "imei",
        /// RESET boots the module.
        Reset = "reset",
        /// PWRKEY starts the module.
        Pwrkey = "pwrkey",
        /// The SIM is ready.
        Sim = "sim",
        /// The module registers and gets an address.
        Registration = "registration",
        /// How strong the signal is.
        Signal = "signal",
        /// The HTTP server answers.
        Http = "http",
        /// The CoAP server answers.
        Coap = "coap",
        /// This machine's clock is sane.
        Clock = "clock",
        /// There is room for a night's journal.
        Disk = "disk",
        /// How fast the supply can be switched off and on.
        Switch = "switch",
    }
}

impl Probe {
    /// Whether it is about the machine that runs the harness: that ends a run, and says nothing about the rig.
    pub const fn is_of_the_machine(self) -> bool {
        matches!(self, Self::Http | Self::Coap | Self::Clock | Self::Disk)
    }

    /// Whether the check before a suite, made thoroughly, shows that what failed this is mended: that passing ends a quarantine.
    /// Not so for a port that came and went, and for what that check does not look at.
    pub const fn is_mended_where_a_run_passes_it(self) -> bool {
        matches!(
            self,
            Self::Power | Self::Boot | Self::Answers | Self::Module | Self::Version | Self::Imei
        )
    }

    /// Whether the module alone can be what fails it: a dead module answers nothing, on the soundest rig.
    pub const fn needs_a_sound_module(self) -> bool {
        !matches!(
            self,
            Self::Open | Self::Power | Self::Http | Self::Coap | Self::Clock | Self::Disk | Self::Switch
        )
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            CheckOutcome::Ok => "ok",
            CheckOutcome::Fail => "FAIL",
            CheckOutcome::Skip => "skip",
        };
        write!(f, "{outcome:4} {:12} {}", self.probe.name(), self.seen)?;
        match &self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

/// Whether a rig is sound: nothing failed.
pub fn is_sound(checks: &[Check]) -> bool {
    first_failure(checks).is_none()
}

/// The first look that failed.
pub fn first_failure(checks: &[Check]) -> Option<&Check> {
    checks.iter().find(|check| check.outcome == CheckOutcome::Fail)
}

/// The failure that a rig answers for. Where an earlier finding says that the module itself is at fault, what needs a sound
/// module says nothing about the rig.
pub fn rigs_failure(checks: &[Check], module_at_fault: bool) -> Option<&Check> {
    checks.iter().find(|check| {
        check.outcome == CheckOutcome::Fail && !(module_at_fault && check.probe.needs_a_sound_module())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use rstest::rstest;

    fn check(probe: Probe, outcome: CheckOutcome) -> Check {
        Check {
            probe,
            outcome,
            seen: "seen".into(),
            advice: (outcome == CheckOutcome::Fail).then(|| "advice".into()),
        }
    }

    #[rstest]
    #[case(&[(Probe::Power, CheckOutcome::Ok), (Probe::Reset, CheckOutcome::Skip)], false, None)]
    #[case(&[(Probe::Boot, CheckOutcome::Fail)], false, Some(Probe::Boot))]
    #[case::a_dead_module_is_no_broken_rig(&[(Probe::Boot, CheckOutcome::Fail), (Probe::Answers, CheckOutcome::Fail)], true, None)]
    #[case::but_a_full_disk_is(&[(Probe::Boot, CheckOutcome::Fail), (Probe::Disk, CheckOutcome::Fail)], true, Some(Probe::Disk))]
    #[case(&[(Probe::Power, CheckOutcome::Fail)], true, Some(Probe::Power))]
    fn blame(
        #[case] seen: &[(Probe, CheckOutcome)],
        #[case] module_at_fault: bool,
        #[case] blamed: Option<Probe>,
    ) {
        let checks: alloc::vec::Vec<Check> = seen
            .iter()
            .map(|(probe, outcome)| check(*probe, *outcome))
            .collect();
        let failure = rigs_failure(&checks, module_at_fault);
        assert_eq!(failure.map(|check| check.probe), blamed);
        assert_eq!(
            is_sound(&checks),
            seen.iter().all(|(_, outcome)| *outcome != CheckOutcome::Fail)
        );
    }

    #[test]
    fn a_full_disk_is_no_broken_rig() {
        let of_the_machine = [Probe::Http, Probe::Coap, Probe::Clock, Probe::Disk];
        for probe in Probe::ALL {
            assert_eq!(
                probe.is_of_the_machine(),
                of_the_machine.contains(&probe),
                "{probe}"
            );
        }
    }

    #[test]
    fn what_a_run_can_see_mended() {
        let mended = [
            Probe::Power,
            Probe::Boot,
            Probe::Answers,
            Probe::Module,
            Probe::Version,
            Probe::Imei,
        ];
        for probe in Probe::ALL {
            assert_eq!(
                probe.is_mended_where_a_run_passes_it(),
                mended.contains(&probe),
                "{probe}"
            );
        }
    }

    #[test]
    fn a_line_has_outcome_name_figure_and_advice() {
        let shown = check(Probe::Disk, CheckOutcome::Fail).to_string();
        assert_eq!(shown, "FAIL disk         seen; advice");
        assert_eq!(
            check(Probe::Sim, CheckOutcome::Ok).to_string(),
            "ok   sim          seen"
        );
    }
}
