//! The keys of a rig file: the fields of these structs, for the reader and, with their texts, for editors. `rig_file` gives
//! them their meaning and their defaults. The deserializer refuses other keys, and so does the schema.

use crate::config::rig::rig_literals::{
    ActiveHigh, Baud, CoapAddress, DriverName, HttpAddress, LabgridPlace, ModuleSeed, Pin, SimPin, Speed,
    Updates,
};
use crate::config::rig::serial_address::Address;
use crate::config::rig::{LineId, Safe};
use crate::config::yaml::containers::{NotEmpty, Part};
use crate::config::yaml::literal::{Literal, NonZeroDuration};
use crate::config::yaml::scalar::Raw;
use bc66_spec::module::Module;
use dfota_core::version::Version;
use dfota_record::day::Day;
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::SocketAddr;
use std::time::Duration;

/// One module, the lines that move it, and the servers that it can reach.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "rig file")]
pub struct RigKeys {
    /// The rig's name, for reports.
    pub rig: Raw<String>,
    /// The module on it.
    pub module: Raw<Module>,
    /// The module's UART. Not with `simulated`.
    pub serial: Option<Part<SerialKeys>>,
    /// The supply: removes VBAT. Not with `simulated`.
    pub power: Option<Part<PowerKeys>>,
    /// The RESET line, where it is wired. Not with `simulated`.
    pub reset: Option<Part<PulseKeys>>,
    /// The PWRKEY line, where it is wired: power-on is supply, settle, then this pulse. Not with `simulated`.
    pub pwrkey: Option<Part<PulseKeys>>,
    /// An input that shows whether the module is supplied, best its VDD_EXT: confirms cuts. Not with `simulated`.
    pub sense: Option<Part<SenseKeys>>,
    /// An output that puts the lines of the UART in high impedance while the supply is off. Not with `simulated`.
    pub isolate: Option<Part<IsolateKeys>>,
    /// How a module that does not boot any more is restored. Not with `simulated`: such a module always can be.
    pub reflash: Option<Part<ReflashKeys>>,
    /// A simulated module in place of `serial`, `power`, `reset` and `pwrkey`.
    pub simulated: Option<SimulatedKeys>,
    /// What the module reaches over the air; cases over HTTP and CoAP need it on a bench.
    pub network: Option<NetworkKeys>,
    /// How much of the module's flash may be spent.
    pub wear: Option<WearKeys>,
    /// Who tests, for whom, and what, for the test report (`report --pdf`); and the place of labgrid that the rig is.
    pub lab: Option<Part<LabKeys>>,
    /// Free words.
    pub labels: Option<Vec<Raw<String>>>,
}

/// Who tests, for whom, and what, for the test report; and the place of labgrid that the rig is.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(
    deny_unknown_fields,
    title = "lab",
    extend("anyOf" = [{ "required": ["name", "address"] }, { "required": ["labgrid"] }])
)]
pub struct LabKeys {
    /// The laboratory's name. Required, unless `labgrid` is the only key.
    pub name: Option<Raw<String>>,
    /// Its address. Required, unless `labgrid` is the only key.
    pub address: Option<Raw<String>>,
    /// Where the tests are made.
    pub location: Option<Raw<String>>,
    /// For whom: name and contact.
    pub customer: Option<Raw<String>>,
    /// What is tested, beyond what the module says about itself.
    pub item: Option<LabItemKeys>,
    /// Conditions that bear on the results: temperature, supply, antenna.
    pub environment: Option<Raw<String>>,
    /// Results or parts of the set-up that others provide: the network's operator, a cloud.
    pub external: Option<Vec<Raw<String>>>,
    /// The place of labgrid that `agent` acquires for each batch and releases after it.
    pub labgrid: Option<Raw<LabgridPlace>>,
}

/// What is tested, beyond what the module says about itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "item")]
pub struct LabItemKeys {
    /// The day on which it was received: `2026-11-03`.
    pub received: Option<Raw<Day>>,
    /// In what condition.
    pub condition: Option<Raw<String>>,
    /// Its hardware: revision, carrier board, SIM.
    pub hardware: Option<Raw<String>>,
}

/// How much of the module's flash may be spent.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "wear")]
pub struct WearKeys {
    /// Updates that the module's flash may see over all runs; `run` refuses a plan that goes beyond.
    pub updates: Raw<Updates>,
}

/// A serial port.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "serial")]
pub struct SerialKeys {
    /// The device, best by its id: `/dev/serial/by-id/…`; or `socket://HOST:PORT` (raw TCP), or `rfc2217://HOST:PORT`.
    pub port: Raw<Address>,
    /// Bits per second. Default 115200.
    pub baud: Option<Raw<Baud>>,
    /// The longest time that a byte may be on its way: in the adapter, and in the network. Default 20ms.
    pub latency: Option<Raw<Duration>>,
}

/// The supply.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "power")]
pub struct PowerKeys {
    /// What moves the supply.
    pub driver: Raw<DriverName>,
    /// `gpiochip`: the chip's device. Default: the only one that has a line of that name; a number needs it.
    pub chip: Option<Raw<String>>,
    /// `gpiochip`: the line, best by its name, such as `GPIO17`, or by its number.
    pub line: Option<Raw<LineId>>,
    /// `rppal`: the BCM number of the pin.
    pub pin: Option<Raw<Pin>>,
    /// `gpiochip`, `rppal`: the level that means "powered". Default high.
    pub active: Option<Raw<ActiveHigh>>,
    /// `command`: program and arguments that switch the supply on.
    pub on: Option<Part<Vec<Raw<String>>>>,
    /// `command`: program and arguments that switch the supply off.
    pub off: Option<Part<Vec<Raw<String>>>>,
    /// `command`: the longest run of a program. Default 5s.
    pub timeout: Option<Raw<Duration>>,
    /// `simulated`: the control socket that `dfota-hil sim` printed.
    pub control: Option<Raw<String>>,
    /// The safe state: the supply when the run ends or the harness dies. Default off.
    pub safe: Option<Raw<Safe>>,
    /// After this long off, the rail counts as really down. Default 3s.
    pub discharge: Option<Raw<Duration>>,
}

/// The input that shows whether the module is supplied.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "sense line")]
pub struct SenseKeys {
    /// What reads the line: any driver but `command`.
    pub driver: Raw<DriverName>,
    /// `gpiochip`: the chip's device. Default: the only one that has a line of that name; a number needs it.
    pub chip: Option<Raw<String>>,
    /// `gpiochip`: the line, best by its name, such as `GPIO17`, or by its number.
    pub line: Option<Raw<LineId>>,
    /// `rppal`: the BCM number of the pin.
    pub pin: Option<Raw<Pin>>,
    /// `gpiochip`, `rppal`: the level that means "supplied". Default high.
    pub active: Option<Raw<ActiveHigh>>,
    /// `simulated`: the control socket that `dfota-hil sim` printed.
    pub control: Option<Raw<String>>,
}

/// The output that isolates the UART.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "isolate line")]
pub struct IsolateKeys {
    /// What moves the line: any driver but `simulated`.
    pub driver: Raw<DriverName>,
    /// `gpiochip`: the chip's device. Default: the only one that has a line of that name; a number needs it.
    pub chip: Option<Raw<String>>,
    /// `gpiochip`: the line, best by its name, such as `GPIO17`, or by its number.
    pub line: Option<Raw<LineId>>,
    /// `rppal`: the BCM number of the pin.
    pub pin: Option<Raw<Pin>>,
    /// `gpiochip`, `rppal`: the level that means "isolated". Default high.
    pub active: Option<Raw<ActiveHigh>>,
    /// `command`: program and arguments that isolate the lines.
    pub on: Option<Part<Vec<Raw<String>>>>,
    /// `command`: program and arguments that connect them again.
    pub off: Option<Part<Vec<Raw<String>>>>,
    /// `command`: the longest run of a program. Default 5s.
    pub timeout: Option<Raw<Duration>>,
}

/// A line that is asserted for a while.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "pulse line")]
pub struct PulseKeys {
    /// What moves the line.
    pub driver: Raw<DriverName>,
    /// `gpiochip`: the chip's device. Default: the only one that has a line of that name; a number needs it.
    pub chip: Option<Raw<String>>,
    /// `gpiochip`: the line, best by its name, such as `GPIO17`, or by its number.
    pub line: Option<Raw<LineId>>,
    /// `rppal`: the BCM number of the pin.
    pub pin: Option<Raw<Pin>>,
    /// `gpiochip`, `rppal`: the level that means "asserted". Default high.
    pub active: Option<Raw<ActiveHigh>>,
    /// `command`: program and arguments that pulse the line.
    pub pulse: Option<Part<Vec<Raw<String>>>>,
    /// `command`: the longest run of the program. Default 5s.
    pub timeout: Option<Raw<Duration>>,
    /// `simulated`: the control socket that `dfota-hil sim` printed.
    pub control: Option<Raw<String>>,
    /// How long the line stays asserted. Default 100ms for `reset`, 700ms for `pwrkey`.
    pub hold: Option<Raw<NonZeroDuration>>,
}

/// A program that restores a module which nothing else wakes, for instance the vendor's flash tool.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "reflash")]
pub struct ReflashKeys {
    /// Program and arguments; it ends with 0 once the module is restored. The serial port is left to it while it runs,
    /// and the supply is on.
    pub command: NotEmpty<Vec<Raw<String>>>,
    /// The longest run of the program, in real time. Default 5m.
    pub timeout: Option<Raw<Duration>>,
}

/// A simulated module.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "simulated")]
pub struct SimulatedKeys {
    /// The version that it runs at first.
    pub firmware: Raw<Version>,
    /// How much faster than real time it lives: above 0, at most 10000. Default 1.
    pub speed: Option<Raw<Speed>>,
    /// Defects that it simulates.
    pub defects: Option<Vec<Raw<String>>>,
    /// Legal variations of its dialogue.
    pub dialects: Option<Vec<Raw<String>>>,
    /// Seed of its random numbers. Default: derived from the run's seed.
    pub seed: Option<Raw<ModuleSeed>>,
}

/// What the module reaches over the air.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "network")]
pub struct NetworkKeys {
    /// The HTTP package server.
    pub http: Option<ServerKeys<HttpAddress>>,
    /// The CoAP file server and LwM2M server.
    pub coap: Option<ServerKeys<CoapAddress>>,
    /// The access point name.
    pub apn: Option<Raw<String>>,
    /// The SIM's PIN, in quotes: `"1234"`.
    pub pin: Option<Raw<SimPin>>,
}

/// A server that the module reaches over the air.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(
    deny_unknown_fields,
    title = "server",
    rename = "ServerKeys",
    bound = "A: Literal",
    inline
)]
pub struct ServerKeys<A> {
    /// Where it listens: address and port.
    pub listen: Raw<SocketAddr>,
    /// How the module reaches it: `http://HOST[:PORT]`, over CoAP `coap://HOST[:PORT]`.
    pub advertise: Raw<A>,
}
