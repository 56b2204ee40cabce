//! What the scalars of a rig file can be read as.

use crate::config::rig::{LineId, Safe, module_word};
use crate::config::yaml::literal::{
    InvalidValue, Literal, Whole, any_schema, choice_schema, literals, one_of, pattern_schema, word_literals,
};
use bc66_spec::module::Module;
use schemars::{Schema, json_schema};
use std::net::SocketAddr;

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
    const ALL: [Self; 4] = [Self::GpioChip, Self::Rppal, Self::Command, Self::Simulated];

    /// As rig files write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GpioChip => "gpiochip",
            Self::Rppal => "rppal",
            Self::Command => "command",
            Self::Simulated => "simulated",
        }
    }
}

word_literals! {
    DriverName: "a driver";
}

impl Literal for Module {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        one_of(text, "a module", &Self::ALL.map(module_word)).map(|index| Self::ALL[index])
    }

    fn schema() -> Schema {
        choice_schema(&Self::ALL.map(module_word))
    }
}

impl Literal for Safe {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        one_of(text, "`off` or `on`", &["off", "on"]).map(|index| [Self::Off, Self::On][index])
    }

    fn schema() -> Schema {
        choice_schema(&["off", "on"])
    }
}

impl Literal for LineId {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        if let Ok(offset) = text.parse() {
            return Ok(Self::Offset(offset));
        }
        let is_name = text.starts_with(|c: char| c.is_alphabetic()) && !text.contains(char::is_control);
        is_name
            .then(|| Self::Name(text.to_owned()))
            .ok_or_else(|| InvalidValue::expected("a line's number or name", text))
    }

    fn schema() -> Schema {
        any_schema()
    }
}

/// The BCM number of a pin: 0 to 27 are on the header of every 40-pin Raspberry Pi.
pub type Pin = Whole<u8, 0, 27>;
/// Bits per second.
pub type Baud = Whole<u32, 300, 4_000_000>;
/// Updates of a module's flash.
pub type Updates = Whole<u64, 1, 1_000_000_000>;
/// Where random numbers begin.
pub type ModuleSeed = Whole<u64, 0, { u64::MAX }>;

literals! {
    /// The level at which a line is asserted; whether it is high.
    ActiveHigh -> bool, choice_schema(&["high", "low"]), active_high;
    /// How much faster than real time.
    Speed -> f64, json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": 10000 }), speed;
    /// The PIN of a SIM.
    SimPin -> String, json_schema!({ "type": ["string", "integer"], "pattern": "^[0-9]{4,8}$" }), sim_pin;
    /// The name of a place of labgrid.
    LabgridPlace -> String, pattern_schema("[A-Za-z0-9_][A-Za-z0-9_.:@-]*"), labgrid_place;
    /// How a module reaches the HTTP server.
    HttpAddress -> String, pattern_schema("http://[^/?#]+/?"), |text| advertised(text, "http://");
    /// How a module reaches the CoAP server.
    CoapAddress -> String, pattern_schema("coap://[^/?#]+/?"), |text| advertised(text, "coap://");
}

fn active_high(text: &str) -> Result<bool, InvalidValue> {
    one_of(text, "a level", &["high", "low"]).map(|index| index == 0)
}

fn speed(text: &str) -> Result<f64, InvalidValue> {
    let speed = text.parse().ok();
    speed
        .filter(|speed: &f64| *speed > 0.0 && *speed <= 10_000.0)
        .ok_or_else(|| InvalidValue::expected("a number above 0 and at most 10000", text))
}

fn sim_pin(text: &str) -> Result<String, InvalidValue> {
    if (4..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        // The PIN itself is not repeated: messages end up in logs.
        Err(InvalidValue::new(
            "expected 4 to 8 digits in quotes, as in `\"1234\"`",
        ))
    }
}

/// It becomes an argument of `labgrid-client`, which takes `-…` for an option and `+…` for a reservation.
fn labgrid_place(text: &str) -> Result<String, InvalidValue> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_.:@-".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if begins && text.chars().all(legal) {
        return Ok(text.to_owned());
    }
    Err(InvalidValue::expected("the name of a labgrid place", text).help(
        "letters, digits, `_`, `.`, `:`, `@` and `-`, the first a letter, a digit or `_`; `labgrid-client places` lists the names",
    ))
}

impl Literal for SocketAddr {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        text.parse().map_err(|_| {
            InvalidValue::expected("an address and a port", text)
                .help("as in `0.0.0.0:8080` or `[::]:8080`; a name is not resolved here")
        })
    }

    fn schema() -> Schema {
        pattern_schema(r".+:[0-9]+")
    }
}

/// Scheme, host and port: the path is the harness's own.
fn advertised(text: &str, scheme: &str) -> Result<String, InvalidValue> {
    let form = || {
        InvalidValue::expected(&format!("`{scheme}HOST[:PORT]`"), text).help(format!(
            "as in `{scheme}lab.example.com:8080`; the harness adds the path of the package"
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
        return Err(InvalidValue::new(
            "this address leaves no room for a path: a URL has at most 255 bytes",
        ));
    }
    Ok(format!("{scheme}{host}"))
}
