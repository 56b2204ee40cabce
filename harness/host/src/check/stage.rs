//! The stages in which a newcomer connects a bench, in the order in which mistakes cost least: what to connect for each, and
//! what is then to be seen. Text alone: what is looked at is [`super::RigCheck::stage`]'s.

use super::Programs;
use crate::config::rig::{Bench, Link, Pulse, Rig};
use dfota_core::case::Limits;
use dfota_core::duration::Short;
use std::time::Duration;

/// A stage: wires that are connected at once, and looked at together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
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

impl Stage {
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

    /// What it is about.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Switch => "the switch of the supply",
            Self::Boot => "supply, PWRKEY and TXD of the module",
            Self::Answers => "RXD of the module",
            Self::Reset => "RESET",
            Self::Pwrkey => "PWRKEY",
            Self::Air => "SIM and antenna",
            Self::Machine => "this machine",
        }
    }

    /// What to connect, a line each; nothing where the rig does not have these wires, or they are connected by now.
    pub fn connect(self, rig: &Rig) -> Vec<String> {
        let bench = bench(rig);
        match self {
            Self::Switch => vec![
                if Programs::of(rig).power {
                    "the switch (relay, hub, plug) and its supply, as `on` and `off` of `power` reach it"
                } else {
                    "the switch, its supply of 3.3 V and the wire of `power` to this machine"
                }
                .into(),
                "a voltmeter from the output of the switch to ground: 0 V now".into(),
                "no module yet, where it can be taken off".into(),
            ],
            Self::Boot => boot(bench),
            Self::Answers => vec!["this machine's TX, through the level shifter, to the module's RXD".into()],
            Self::Reset if has(bench, |bench| &bench.reset) => {
                vec![
                    "the wire of `reset` to RESET, through its transistor, which a TE-B board has on it"
                        .into(),
                ]
            }
            Self::Air if rig.has_network() => vec!["the SIM".into(), "the antenna".into()],
            Self::Reset | Self::Pwrkey | Self::Air | Self::Machine => Vec::new(),
        }
    }

    /// What is done, and what is then to be seen. `boot` is the longest time from supply to RDY.
    pub fn see(self, rig: &Rig, boot: Duration) -> String {
        let hold = |pick: fn(&Bench) -> &Option<Pulse>| {
            let pulse = bench(rig).and_then(|bench| pick(bench).as_ref());
            pulse.map_or_else(
                || "a pulse".to_owned(),
                |pulse| format!("a pulse of {}", Short(pulse.hold)),
            )
        };
        let boot = Short(boot);
        match self {
            Self::Switch => {
                let wrong = if Programs::of(rig).power {
                    "`on` and `off` of `power` are the wrong way round"
                } else {
                    "`active` of `power` is the wrong way round"
                };
                format!(
                    "the supply is switched on until you have looked: 3.3 V at the meter. Was it 3.3 V before, and is it 0 V then, {wrong}"
                )
            }
            Self::Boot => format!(
                "the supply is switched off and on, twice: silence while it is off, RDY within {boot} when it is on, and 1.8 V at VDD_EXT from then on"
            ),
            Self::Answers => {
                "the module is asked who it is, and has to be the one that the rig file names".into()
            }
            Self::Reset => format!("{} boots it again, within {boot}", hold(|bench| &bench.reset)),
            Self::Pwrkey => format!(
                "supply alone does not start it, {} does, within {boot}",
                hold(|bench| &bench.pwrkey)
            ),
            Self::Air => format!(
                "the SIM is ready, and the module gets an address within {}",
                Short(Limits::default().attach)
            ),
            Self::Machine => "the servers answer, the clock is set, the disks have room".into(),
        }
    }

    /// Whether the rig has what it is about.
    pub fn is_wired(self, rig: &Rig) -> bool {
        match self {
            Self::Reset => has(bench(rig), |bench| &bench.reset),
            Self::Pwrkey => has(bench(rig), |bench| &bench.pwrkey),
            Self::Air => rig.has_network(),
            Self::Switch | Self::Boot | Self::Answers | Self::Machine => true,
        }
    }
}

fn boot(bench: Option<&Bench>) -> Vec<String> {
    let pwrkey = if has(bench, |bench| &bench.pwrkey) {
        "the wire of `pwrkey` to PWRKEY, through its transistor, which a TE-B board has on it"
    } else {
        "PWRKEY to ground: the rig file names no `pwrkey`, so that supply alone has to start the module"
    };
    let mut wires = vec![
        "VBAT of the module to the output of the switch, ground to the ground of this machine",
        pwrkey,
        "the module's TXD, through the level shifter, to this machine's RX; its RXD not yet",
    ];
    if bench.is_some_and(|bench| bench.sense.is_some()) {
        wires.push("VDD_EXT, through its transistor or level shifter, to the line of `sense`");
    }
    if bench.is_some_and(|bench| bench.isolate.is_some()) {
        wires.push("the wire of `isolate` to the enable of the level shifter");
    }
    wires.into_iter().map(str::to_owned).collect()
}

/// The bench of a rig; a simulated one has all wires.
fn bench(rig: &Rig) -> Option<&Bench> {
    match &rig.link {
        Link::Bench(bench) => Some(bench),
        Link::Simulated(_) => None,
    }
}

fn has(bench: Option<&Bench>, line: fn(&Bench) -> &Option<Pulse>) -> bool {
    bench.is_none_or(|bench| line(bench).is_some())
}
