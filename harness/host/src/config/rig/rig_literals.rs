//! What the scalars of a rig file can be read as.

use crate::config::rig::{LineId, Safe, module_word};
use crate::config::yaml::literal::{
    Literal, Mistake, any_schema, choice_schema, one_of, pattern_schema, whole, whole_schema,
};
use bc66_spec::module::Module;
use dfota_core::escape::quoted;
use schemars::{Schema, json_schema};
use std::net::SocketAddr;

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

/// What moves a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverName {
    /// A line of a GPIO chip.
    GpioChip,
    /// A pin of a Raspberry Pi's header.
    Rppal,
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

    /// The keys that belong to this driver and to no other, for a line that is used so.
    pub fn keys(self, used: Use) -> &'static [&'static str] {
        match (self, used) {
            (Self::GpioChip, _) => &["chip", "line", "active"],
            (Self::Rppal, _) => &["pin", "active"],
            (Self::Command, Use::Pulse) => &["pulse", "timeout"],
            (Self::Command, _) => &["on", "off", "timeout"],
            (Self::Simulated, _) => &["control"],
        }
    }

    /// Why this driver cannot be used so, where it cannot.
    pub fn unfit(self, used: Use) -> Option<&'static str> {
        match (self, used) {
            (Self::Command, Use::Sense) => Some("a sense line is read, and a program only moves lines"),
            (Self::Simulated, Use::Isolate) => Some("a simulated module has no lines that could be isolated"),
            _ => None,
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
    High,
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

/// Updates of a module's flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Updates(pub u64);

impl Updates {
    const MAX: u64 = 1_000_000_000;
}

impl Literal for Updates {
    const NAME: &'static str = "Updates";

    fn read(text: &str) -> Result<Self, Mistake> {
        whole(text, 1..=Self::MAX).map(Self)
    }

    fn schema() -> Schema {
        whole_schema(1, Self::MAX)
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAddress(pub String);
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
