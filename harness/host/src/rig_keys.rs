//! The keys of a rig file, as they stand in it. Meaning and defaults are `rig_file`'s; the texts here are the ones that
//! editors show.

use crate::rig::{LineId, Safe, module_word};
use crate::yaml::literal::{
    Literal, Mistake, any_schema, choice_schema, one_of, pattern_schema, quoted, whole, whole_schema,
};
use crate::yaml::raw::Raw;
use bc66_wire::module::Module;
use dfota_core::version::Version;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;
use std::net::SocketAddr;
use std::time::Duration;

/// One module, the lines that move it, and the servers that it can reach.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "rig file")]
pub struct RigKeys {
    /// The rig's name, for reports.
    pub rig: Raw<String>,
    /// The module on it.
    pub module: Raw<Module>,
    /// The module's UART. Not with `simulated`.
    pub serial: Option<SerialKeys>,
    /// The supply: removes VBAT. Not with `simulated`.
    pub power: Option<PowerKeys>,
    /// The RESET line, where it is wired. Not with `simulated`.
    pub reset: Option<PulseKeys>,
    /// The PWRKEY line, where it is wired: power-on is supply, settle, then this pulse. Not with `simulated`.
    pub pwrkey: Option<PulseKeys>,
    /// A simulated module in place of `serial`, `power`, `reset` and `pwrkey`.
    pub simulated: Option<SimulatedKeys>,
    /// What the module reaches over the air; cases over HTTP and CoAP need it on a bench.
    pub network: Option<NetworkKeys>,
    /// Free words.
    pub labels: Option<Vec<Raw<String>>>,
}

/// A serial port.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "serial")]
pub struct SerialKeys {
    /// The device, best by its id: `/dev/serial/by-id/…`.
    pub port: Raw<String>,
    /// Bits per second. Default 115200.
    pub baud: Option<Raw<Baud>>,
    /// The longest time that a byte may sit in the adapter. Default 20ms.
    pub latency: Option<Raw<Duration>>,
}

/// The supply.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "power")]
pub struct PowerKeys {
    /// What moves the supply.
    pub driver: Raw<DriverName>,
    /// `gpiochip`: the chip's device.
    pub chip: Option<Raw<String>>,
    /// `gpiochip`: the line, by number or name.
    pub line: Option<Raw<LineId>>,
    /// `rppal`: the BCM number of the pin.
    pub pin: Option<Raw<Pin>>,
    /// `gpiochip`, `rppal`: the level that means "powered". Default high.
    pub active: Option<Raw<Level>>,
    /// `command`: program and arguments that switch the supply on.
    pub on: Option<Vec<Raw<String>>>,
    /// `command`: program and arguments that switch the supply off.
    pub off: Option<Vec<Raw<String>>>,
    /// `command`: the longest run of a program. Default 5s.
    pub timeout: Option<Raw<Duration>>,
    /// `simulated`: the control socket that `dfota-hil sim` printed.
    pub control: Option<Raw<String>>,
    /// What is left when the run ends or the harness dies. Default off.
    pub safe: Option<Raw<Safe>>,
    /// After this long off, the rail counts as really down. Default 3s.
    pub discharge: Option<Raw<Duration>>,
}

/// A line that is asserted for a while.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pulse line")]
pub struct PulseKeys {
    /// What moves the line.
    pub driver: Raw<DriverName>,
    /// `gpiochip`: the chip's device.
    pub chip: Option<Raw<String>>,
    /// `gpiochip`: the line, by number or name.
    pub line: Option<Raw<LineId>>,
    /// `rppal`: the BCM number of the pin.
    pub pin: Option<Raw<Pin>>,
    /// `gpiochip`, `rppal`: the level that means "asserted". Default high.
    pub active: Option<Raw<Level>>,
    /// `command`: program and arguments that pulse the line.
    pub pulse: Option<Vec<Raw<String>>>,
    /// `command`: the longest run of the program. Default 5s.
    pub timeout: Option<Raw<Duration>>,
    /// `simulated`: the control socket that `dfota-hil sim` printed.
    pub control: Option<Raw<String>>,
    /// How long the line stays asserted. Default 100ms for `reset`, 700ms for `pwrkey`.
    pub hold: Option<Raw<Duration>>,
}

/// A simulated module.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "simulated")]
pub struct SimulatedKeys {
    /// The version that it runs at first.
    pub firmware: Raw<Version>,
    /// How much faster than real time it lives: above 0, at most 10000. Default 1.
    pub speed: Option<Raw<Speed>>,
    /// What is wrong with it on purpose.
    pub defects: Option<Vec<Raw<String>>>,
    /// Its own dice; without one they follow the run's seed.
    pub seed: Option<Raw<u64>>,
}

/// What the module reaches over the air.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "network")]
pub struct NetworkKeys {
    /// The HTTP package server.
    pub http: Option<HttpKeys>,
    /// The CoAP file server and LwM2M server.
    pub coap: Option<CoapKeys>,
    /// The access point name.
    pub apn: Option<Raw<String>>,
    /// The SIM's PIN, in quotes: `"1234"`.
    pub pin: Option<Raw<SimPin>>,
}

/// The HTTP package server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "http")]
pub struct HttpKeys {
    /// Where it listens: address and port.
    pub listen: Raw<SocketAddr>,
    /// How the module reaches it: `http://HOST[:PORT]`.
    pub advertise: Raw<HttpAddress>,
}

/// The CoAP file server and LwM2M server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "coap")]
pub struct CoapKeys {
    /// Where it listens: address and port.
    pub listen: Raw<SocketAddr>,
    /// How the module reaches it: `coap://HOST[:PORT]`.
    pub advertise: Raw<CoapAddress>,
}

/// What moves a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverName {
    /// A line of a GPIO chip.
    GpioChip,
    /// A pin of a Raspberry Pi's header.
    Rppal,
    /// A program.
    Command,
    /// The control socket of a simulated module.
    Simulated,
}

impl DriverName {
    const NAMES: [&'static str; 4] = ["gpiochip", "rppal", "command", "simulated"];

    /// As rig files write it.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The keys that belong to this driver and to no other, for the supply and for a pulse line.
    pub fn keys(self, pulse: bool) -> &'static [&'static str] {
        match (self, pulse) {
            (Self::GpioChip, _) => &["chip", "line", "active"],
            (Self::Rppal, _) => &["pin", "active"],
            (Self::Command, false) => &["on", "off", "timeout"],
            (Self::Command, true) => &["pulse", "timeout"],
            (Self::Simulated, _) => &["control"],
        }
    }
}

impl Literal for DriverName {
    const NAME: &'static str = "DriverName";

    fn read(text: &str) -> Result<Self, Mistake> {
        let all = [Self::GpioChip, Self::Rppal, Self::Command, Self::Simulated];
        one_of(text, "a driver", &Self::NAMES).map(|index| all[index])
    }

    fn schema() -> Schema {
        choice_schema(&Self::NAMES)
    }
}

impl Literal for Module {
    const NAME: &'static str = "Module";

    fn read(text: &str) -> Result<Self, Mistake> {
        one_of(text, "a module", &Self::ALL.map(module_word)).map(|index| Self::ALL[index])
    }

    fn schema() -> Schema {
        choice_schema(&Self::ALL.map(module_word))
    }
}

impl Literal for Safe {
    const NAME: &'static str = "Safe";

    fn read(text: &str) -> Result<Self, Mistake> {
        one_of(text, "`off` or `on`", &["off", "on"]).map(|index| [Self::Off, Self::On][index])
    }

    fn schema() -> Schema {
        choice_schema(&["off", "on"])
    }
}

/// The level at which a line is asserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// High.
    High,
    /// Low.
    Low,
}

impl Literal for Level {
    const NAME: &'static str = "Level";

    fn read(text: &str) -> Result<Self, Mistake> {
        one_of(text, "a level", &["high", "low"]).map(|index| [Self::High, Self::Low][index])
    }

    fn schema() -> Schema {
        choice_schema(&["high", "low"])
    }
}

impl Literal for LineId {
    const NAME: &'static str = "LineId";

    fn read(text: &str) -> Result<Self, Mistake> {
        if let Ok(offset) = text.parse() {
            return Ok(Self::Offset(offset));
        }
        let is_name = text.starts_with(|c: char| c.is_alphabetic()) && !text.contains(char::is_control);
        is_name.then(|| Self::Name(text.to_owned())).ok_or_else(|| {
            Mistake::new(format!(
                "expected a line's number or name, found {}",
                quoted(text)
            ))
        })
    }

    fn schema() -> Schema {
        any_schema()
    }
}

/// The BCM number of a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin(pub u8);

impl Literal for Pin {
    const NAME: &'static str = "Pin";

    fn read(text: &str) -> Result<Self, Mistake> {
        // GPIO 0 to 27 are on the header of every 40-pin Raspberry Pi.
        whole(text, 0..=27).map(Self)
    }

    fn schema() -> Schema {
        whole_schema(0, 27)
    }
}

/// Bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Baud(pub u32);

impl Literal for Baud {
    const NAME: &'static str = "Baud";

    fn read(text: &str) -> Result<Self, Mistake> {
        whole(text, 300..=4_000_000).map(Self)
    }

    fn schema() -> Schema {
        whole_schema(300, 4_000_000)
    }
}

/// How much faster than real time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed(pub f64);

impl Literal for Speed {
    const NAME: &'static str = "Speed";

    fn read(text: &str) -> Result<Self, Mistake> {
        text.parse()
            .ok()
            .filter(|speed: &f64| *speed > 0.0 && *speed <= 10_000.0)
            .map(Self)
            .ok_or_else(|| {
                Mistake::new(format!(
                    "expected a number above 0 and at most 10000, found {}",
                    quoted(text)
                ))
            })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": 10000 })
    }
}

impl Literal for u64 {
    const NAME: &'static str = "Seed";

    fn read(text: &str) -> Result<Self, Mistake> {
        whole(text, 0..=Self::MAX)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0 })
    }
}

/// The PIN of a SIM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimPin(pub String);

impl Literal for SimPin {
    const NAME: &'static str = "SimPin";

    fn read(text: &str) -> Result<Self, Mistake> {
        if (4..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Mistake::new("expected 4 to 8 digits in quotes, as in `\"1234\"`"))
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["string", "integer"], "pattern": "^[0-9]{4,8}$" })
    }
}

impl Literal for SocketAddr {
    const NAME: &'static str = "SocketAddr";

    fn read(text: &str) -> Result<Self, Mistake> {
        text.parse().map_err(|_| {
            Mistake::new(format!("expected an address and a port, found {}", quoted(text)))
                .help("as in `0.0.0.0:8080` or `[::]:8080`; a name is not resolved here")
        })
    }

    fn schema() -> Schema {
        pattern_schema(r".+:[0-9]+")
    }
}

/// `http://HOST[:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAddress(pub String);
/// `coap://HOST[:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoapAddress(pub String);

impl Literal for HttpAddress {
    const NAME: &'static str = "HttpAddress";

    fn read(text: &str) -> Result<Self, Mistake> {
        advertised(text, "http://").map(Self)
    }

    fn schema() -> Schema {
        pattern_schema(r"http://[^/?#]+/?")
    }
}

impl Literal for CoapAddress {
    const NAME: &'static str = "CoapAddress";

    fn read(text: &str) -> Result<Self, Mistake> {
        advertised(text, "coap://").map(Self)
    }

    fn schema() -> Schema {
        pattern_schema(r"coap://[^/?#]+/?")
    }
}

/// Scheme, host and port: the path is the harness's own.
fn advertised(text: &str, scheme: &str) -> Result<String, Mistake> {
    let form = || {
        Mistake::new(format!("expected `{scheme}HOST[:PORT]`, found {}", quoted(text))).help(format!(
            "as in `{scheme}lab.example.com:8080`; the path of a package is the harness's own"
        ))
    };
    let host = text.strip_prefix(scheme).ok_or_else(form)?;
    let host = host.strip_suffix('/').unwrap_or(host);
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    let port_is_sound = match host.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port.parse::<u16>().is_ok_and(|port| port > 0),
        _ => true,
    };
    if host.is_empty() || host.starts_with(':') || !host.bytes().all(legal) || !port_is_sound {
        return Err(form());
    }
    // A URL has at most 255 bytes (AN §2.2.1); the path of a package needs its share.
    if host.len() > 150 {
        return Err(Mistake::new(
            "this address leaves no room for a path: a URL has at most 255 bytes",
        ));
    }
    Ok(format!("{scheme}{host}"))
}
