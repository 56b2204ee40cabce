//! A rig as it will be used: one module, the lines that move it, the servers that it can reach.

pub mod line_file;
pub mod reflash;
pub mod rig_file;
pub mod rig_keys;
pub mod rig_literals;
pub mod serial_address;

use crate::config::rig::reflash::Reflash;
use crate::config::rig::serial_address::Address;
use bc66_spec::module::Module;
use dfota_core::event::lab::Lab;
use dfota_core::version::Version;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A rig, its file read and found sound.
#[derive(Debug, Clone)]
pub struct Rig {
    pub name: String,
    /// The module on it.
    pub module: Module,
    /// Its file, as the path was given.
    pub file: PathBuf,
    /// The same with links resolved: leases and quarantine are kept under it.
    pub canonical: PathBuf,
    pub text: String,
    /// Its SHA-256 in hex.
    pub sha256: String,
    /// How the module is reached and moved.
    pub link: Link,
    /// What the module reaches over the air.
    pub network: Network,
    /// Updates that the module's flash may see over all runs.
    pub wear: Option<u64>,
    pub lab: RigLab,
    pub labels: Vec<String>,
    /// A simulated rig that is given several times is so many rigs: the second, the third, and so on. Nothing for the first.
    pub copy: Option<u32>,
}

/// The laboratory that a rig is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RigLab {
    /// Who tests with it, for whom, and what.
    pub report: Option<Lab>,
    /// The place of labgrid that an agent acquires for each batch.
    pub labgrid: Option<String>,
}

/// How the module is reached and moved.
#[derive(Debug, Clone, PartialEq)]
pub enum Link {
    Bench(Box<Bench>),
    /// It is a process.
    Simulated(Simulated),
}

/// A module with wires on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bench {
    pub serial: Serial,
    pub power: Power,
    /// RESET, where it is wired.
    pub reset: Option<Pulse>,
    /// PWRKEY, where it is wired.
    pub pwrkey: Option<Pulse>,
    /// The input that shows whether the module is supplied, where it is wired.
    pub sense: Option<Driver>,
    /// What puts the lines of the UART in high impedance while the supply is off, where the rig has it.
    pub isolate: Option<Driver>,
    /// How a module that does not boot any more is restored.
    pub reflash: Option<Reflash>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serial {
    /// Where the port is.
    pub port: Address,
    pub baud: u32,
    /// The longest time that a byte may be on its way from the module: in the adapter, and in a network; real time.
    pub latency: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Power {
    pub driver: Driver,
    /// What is left when the run ends.
    pub safe: Safe,
    /// After this long off, the rail counts as really down.
    pub discharge: Duration,
}

/// The state of the supply that is left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Safe {
    #[default]
    Off,
    On,
}

/// A line that is asserted for a while: RESET or PWRKEY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    pub driver: Driver,
    /// For how long. A `command` that pulses by itself holds as long as it likes.
    pub hold: Duration,
}

/// What moves a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    /// A program for each move.
    Command {
        /// Program and arguments that assert the line.
        on: Vec<String>,
        /// Program and arguments that release it.
        off: Vec<String>,
        /// Longest run of the program.
        timeout: Duration,
    },
    /// One program that asserts the line and releases it.
    PulseCommand {
        pulse: Vec<String>,
        /// Longest run of the program.
        timeout: Duration,
    },
    /// A module simulated by another process, by its control socket.
    Simulated { control: PathBuf },
    /// A line of a GPIO chip.
    GpioChip {
        /// The chip's device; where none is named, the only one that has a line of that name.
        chip: Option<PathBuf>,
        line: LineId,
        /// Whether high means asserted.
        active_high: bool,
    },
    /// A pin of a Raspberry Pi's header.
    Rppal {
        pin: u8,
        /// Whether high means asserted.
        active_high: bool,
    },
}

impl Driver {
    /// As rig files write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Command { .. } | Self::PulseCommand { .. } => "command",
            Self::Simulated { .. } => "simulated",
            Self::GpioChip { .. } => "gpiochip",
            Self::Rppal { .. } => "rppal",
        }
    }

    /// The longest run of its program, where it has one.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Command { timeout, .. } | Self::PulseCommand { timeout, .. } => Some(*timeout),
            Self::Simulated { .. } | Self::GpioChip { .. } | Self::Rppal { .. } => None,
        }
    }
}

/// A line of a GPIO chip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineId {
    Offset(u32),
    Name(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Simulated {
    /// What it runs at first.
    pub firmware: Version,
    /// How much faster than real time it lives: above 0, at most 10000.
    pub speed: f64,
    /// Defects that it simulates.
    pub defects: Vec<String>,
    /// Legal variations of its dialogue.
    pub dialects: Vec<String>,
    pub seed: Option<u64>,
}

/// What the module reaches over the air.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The HTTP package server.
    pub http: Option<Server>,
    /// The CoAP file server and LwM2M server.
    pub coap: Option<Server>,
    pub apn: Option<String>,
    pub pin: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub listen: SocketAddr,
    /// How the module reaches it: scheme, host and port, without a slash at the end.
    pub advertise: String,
}

impl Rig {
    /// After this long off, the rail counts as really down.
    pub fn discharge(&self) -> Duration {
        match &self.link {
            Link::Bench(bench) => bench.power.discharge,
            Link::Simulated(_) => Self::DISCHARGE,
        }
    }

    /// The discharge time of a rig that does not state one.
    pub const DISCHARGE: Duration = Duration::from_secs(3);

    /// Whether the rig file says that the module is no real one: it is a process, or its supply is the control socket of one.
    pub fn is_simulated(&self) -> bool {
        match &self.link {
            Link::Bench(bench) => matches!(bench.power.driver, Driver::Simulated { .. }),
            Link::Simulated(_) => true,
        }
    }

    /// Whether updates can go over the air.
    pub fn has_network(&self) -> bool {
        let Network { http, coap, .. } = &self.network;
        http.is_some() || coap.is_some() || matches!(self.link, Link::Simulated(_))
    }

    /// How often its file has to be given until one of the copies has its name.
    pub fn times_given(&self) -> usize {
        let number = self.copy.and_then(|_| self.name.rsplit_once('-')?.1.parse().ok());
        number.unwrap_or(1)
    }

    /// How much faster than real time the module lives.
    pub fn speed(&self) -> f64 {
        match &self.link {
            Link::Bench(_) => 1.0,
            Link::Simulated(simulated) => simulated.speed,
        }
    }

    /// The longest time that a byte may sit in the serial adapter, where there is one.
    pub fn latency(&self) -> Option<Duration> {
        match &self.link {
            Link::Bench(bench) => Some(bench.serial.latency),
            Link::Simulated(_) => None,
        }
    }

    /// Whether the updates of its module are counted. A simulated module has a new flash with each run, and another IMEI
    /// with each seed: only a budget makes it count.
    pub fn counts_wear(&self) -> bool {
        self.wear.is_some() || matches!(self.link, Link::Bench(_))
    }

    /// Whether RESET can be moved.
    pub fn has_reset(&self) -> bool {
        match &self.link {
            Link::Bench(bench) => bench.reset.is_some(),
            Link::Simulated(_) => true,
        }
    }
}

/// A module type as rigs name it.
pub const fn module_word(module: Module) -> &'static str {
    match module {
        Module::Bc66 => "bc66",
        Module::Bc66Na => "bc66-na",
    }
}
