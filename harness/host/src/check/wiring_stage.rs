//! The stages in which a user connects a new bench, in the order in which mistakes cost least: what to connect for each, and
//! what is then to be seen. Text alone: [`super::RigChecker::stage`] looks.

use super::terms::Programs;
use crate::config::rig::{Bench, Link, Pulse, Rig};
use dfota_core::case::Limits;
use dfota_core::duration::Short;
use std::time::Duration;

/// A stage: wires that are connected at once, and looked at together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WiringStage {
    /// The switch of the supply, with nothing behind it.
    Switch,
    /// The module's supply, PWRKEY and TXD: it boots and is heard.
    Boot,
    /// Its RXD: it hears.
    Answers,
    Reset,
    /// PWRKEY, which has been pressed from the second stage on: whether it is what starts the module.
    Pwrkey,
    Air,
    /// The servers, the clock and the disk of this machine.
    Machine,
}

/// What the user does and sees in a stage.
#[derive(Debug)]
pub struct StageText {
    pub title: &'static str,
    /// What to connect, a line each.
    pub connect: Vec<&'static str>,
    /// What is done, and what is then to be seen.
    pub see: String,
    /// Whether the rig has what it is about.
    pub is_wired: bool,
}

impl WiringStage {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Switch,
        Self::Boot,
        Self::Answers,
        Self::Reset,
        Self::Pwrkey,
        Self::Air,
        Self::Machine,
    ];

    /// What the user does and sees in this stage. `boot` is the longest time from supply to RDY.
    pub fn text(self, rig: &Rig, boot: Duration) -> StageText {
        let boot = Short(boot);
        let (reset, pwrkey) = (
            PulseLine::new(rig, |bench| &bench.reset),
            PulseLine::new(rig, |bench| &bench.pwrkey),
        );
        let stage = |is_wired, title, connect, see| StageText {
            title,
            connect,
            see,
            is_wired,
        };
        match self {
            Self::Switch => switch(rig),
            Self::Boot => stage(
                true,
                "supply, PWRKEY and TXD of the module",
                wires_for_boot(rig, &pwrkey),
                format!(
                    "the supply is switched off and on, twice: silence while it is off, RDY within {boot} when it is on, and 1.8 V at VDD_EXT from then on"
                ),
            ),
            Self::Answers => stage(
                true,
                "RXD of the module",
                vec!["this machine's TX, through the level shifter, to the module's RXD"],
                "the module identifies itself and matches the rig file".into(),
            ),
            Self::Reset => stage(
                reset.is_there,
                "RESET",
                vec!["the wire of `reset` to RESET, through its transistor, which a TE-B board has on it"],
                format!("{} boots it again, within {boot}", reset.pulse),
            ),
            Self::Pwrkey => {
                let press = &pwrkey.pulse;
                let see = format!("supply alone does not start it, {press} does, within {boot}");
                stage(pwrkey.is_there, "PWRKEY", Vec::new(), see)
            }
            Self::Air => {
                let attach = Short(Limits::default().attach);
                stage(
                    rig.has_network(),
                    "SIM and antenna",
                    vec!["the SIM", "the antenna"],
                    format!("the SIM is ready, and the module gets an address within {attach}"),
                )
            }
            Self::Machine => stage(
                true,
                "this machine",
                Vec::new(),
                "the servers answer, the clock is set, the disks have room".into(),
            ),
        }
    }
}

fn switch(rig: &Rig) -> StageText {
    let (reach, levels) = if Programs::new(rig).power {
        (
            "the switch (relay, hub, plug) and its supply, as `on` and `off` of `power` reach it",
            "`on` and `off` of `power` are the wrong way round",
        )
    } else {
        (
            "the switch, its supply of 3.3 V and the wire of `power` to this machine",
            "`active` of `power` is the wrong way round",
        )
    };
    StageText {
        title: "the switch of the supply",
        connect: vec![
            reach,
            "a voltmeter from the output of the switch to ground: 0 V now",
            "no module yet, where it can be taken off",
        ],
        see: format!(
            "the supply is on until you press Enter: 3.3 V at the meter. If it was 3.3 V before and is 0 V now, {levels}"
        ),
        is_wired: true,
    }
}

fn wires_for_boot(rig: &Rig, pwrkey: &PulseLine) -> Vec<&'static str> {
    let mut wires = vec![
        "VBAT of the module to the output of the switch, ground to the ground of this machine",
        if pwrkey.is_there {
            "the wire of `pwrkey` to PWRKEY, through its transistor, which a TE-B board has on it"
        } else {
            "PWRKEY to ground: the rig file names no `pwrkey`, so that supply alone has to start the module"
        },
        "the module's TXD, through the level shifter, to this machine's RX; its RXD not yet",
    ];
    if let Link::Bench(bench) = &rig.link {
        if bench.sense.is_some() {
            wires.push("VDD_EXT, through its transistor or level shifter, to the line of `sense`");
        }
        if bench.isolate.is_some() {
            wires.push("the wire of `isolate` to the enable of the level shifter");
        }
    }
    wires
}

/// A line that is pulsed; a simulated rig has all of them.
struct PulseLine {
    is_there: bool,
    pulse: String,
}

impl PulseLine {
    fn new(rig: &Rig, line: fn(&Bench) -> &Option<Pulse>) -> Self {
        let pulse = match &rig.link {
            Link::Bench(bench) => line(bench).as_ref(),
            Link::Simulated(_) => None,
        };
        Self {
            is_there: pulse.is_some() || matches!(rig.link, Link::Simulated(_)),
            pulse: pulse.map_or("a pulse".to_owned(), |pulse| {
                format!("a pulse of {}", Short(pulse.hold))
            }),
        }
    }
}
