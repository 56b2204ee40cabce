//! What of a machine a rig uses, as its file names it.

use crate::config::rig::serial_address::Address;
use crate::config::rig::{Bench, Driver, LineId, Link, Pulse, Rig};
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};

/// A part of the machine, and where the rig file names it.
pub(super) struct HardwareUse {
    /// The key, with those around it: `serial`, `port`.
    pub(super) keys: Vec<&'static str>,
    pub(super) part: MachinePart,
}

/// A part of the machine that one rig alone can use.
pub(super) enum MachinePart {
    /// A serial port of this machine, with links resolved, and as the file names it.
    Port(PathBuf, String),
    /// A serial port behind a network, by host and port.
    RemotePort(String),
    /// A program, with its arguments, that moves a line.
    Switch(Vec<String>),
    /// The control socket of a simulated module.
    Control(PathBuf),
    /// A line of a chip; without a chip the only one of that name.
    Line(Option<PathBuf>, LineId),
    /// A pin of a Raspberry Pi's header.
    Pin(u8),
    Http(SocketAddr),
    Coap(SocketAddr),
}

impl MachinePart {
    /// Whether both are the same part.
    pub(super) fn is_also(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Port(port, _), Self::Port(other, _)) => port == other,
            (Self::RemotePort(peer), Self::RemotePort(other)) => peer == other,
            (Self::Switch(words), Self::Switch(other)) => words == other,
            (Self::Control(socket), Self::Control(other)) => socket == other,
            (Self::Line(chip, line), Self::Line(other_chip, other)) => {
                line == other && (chip == other_chip || chip.is_none() || other_chip.is_none())
            }
            (Self::Pin(pin), Self::Pin(other)) => pin == other,
            // The header's lines have these names. `rppal` writes to the registers: the kernel would not refuse it.
            (Self::Pin(pin), Self::Line(None, LineId::Name(name)))
            | (Self::Line(None, LineId::Name(name)), Self::Pin(pin)) => *name == format!("GPIO{pin}"),
            (Self::Http(address), Self::Http(other)) | (Self::Coap(address), Self::Coap(other)) => {
                overlap(*address, *other)
            }
            _ => false,
        }
    }

    /// What it is, for messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Port(port, named) if Path::new(named) == port => format!("the serial port `{named}`"),
            Self::Port(port, named) => format!("the serial port `{named}` (`{}`)", port.display()),
            Self::RemotePort(peer) => format!("the serial port at `{peer}`"),
            Self::Switch(words) => format!("the program `{}`", words.join(" ")),
            Self::Control(socket) => format!("the control socket `{}`", socket.display()),
            Self::Line(chip, line) => {
                let line = match line {
                    LineId::Offset(offset) => offset.to_string(),
                    LineId::Name(name) => name.clone(),
                };
                let chip = chip.as_ref().map(|chip| format!(" of `{}`", chip.display()));
                format!("the line `{line}`{}", chip.unwrap_or_default())
            }
            Self::Pin(pin) => format!("the pin GPIO{pin} of the header"),
            Self::Http(address) => format!("the address `{address}` of the HTTP server"),
            Self::Coap(address) => format!("the address `{address}` of the CoAP server"),
        }
    }
}

/// Everything that a rig uses.
pub(super) fn uses(rig: &Rig) -> Vec<HardwareUse> {
    let mut all = match &rig.link {
        Link::Bench(bench) => wires(bench),
        Link::Simulated(_) => Vec::new(),
    };
    let http = rig.network.http.as_ref();
    let coap = rig.network.coap.as_ref();
    all.extend(http.map(|server| HardwareUse {
        keys: vec!["network", "http", "listen"],
        part: MachinePart::Http(server.listen),
    }));
    all.extend(coap.map(|server| HardwareUse {
        keys: vec!["network", "coap", "listen"],
        part: MachinePart::Coap(server.listen),
    }));
    all
}

fn wires(bench: &Bench) -> Vec<HardwareUse> {
    let port = port(&bench.serial.port).map(|part| HardwareUse {
        keys: vec!["serial", "port"],
        part,
    });
    let pulse = |pulse: &Option<Pulse>| pulse.as_ref().map(|pulse| pulse.driver.clone());
    let lines = [
        ("power", Some(bench.power.driver.clone())),
        ("reset", pulse(&bench.reset)),
        ("pwrkey", pulse(&bench.pwrkey)),
        ("sense", bench.sense.clone()),
        ("isolate", bench.isolate.clone()),
    ];
    let parts = lines
        .into_iter()
        .filter_map(|(wire, driver)| Some((wire, driver?)))
        .flat_map(|(wire, driver)| programs(wire, &driver).into_iter().chain(line(wire, &driver)));
    port.into_iter().chain(parts).collect()
}

/// The programs that move a line. What one is for does not matter: the program of one rig's RESET may be that of another one's supply.
fn programs(wire: &'static str, driver: &Driver) -> Vec<HardwareUse> {
    let program = |key, words: &Vec<String>| HardwareUse {
        keys: vec![wire, key],
        part: MachinePart::Switch(words.clone()),
    };
    match driver {
        Driver::Command { on, off, .. } => vec![program("on", on), program("off", off)],
        Driver::PulseCommand { pulse, .. } => vec![program("pulse", pulse)],
        Driver::Simulated { .. } | Driver::GpioChip { .. } | Driver::Rppal { .. } => Vec::new(),
    }
}

fn port(address: &Address) -> Option<MachinePart> {
    match address {
        // No port at all: for a rig whose module is not heard.
        Address::Device(path) if path == Path::new("/dev/null") => None,
        Address::Device(path) => Some(MachinePart::Port(resolved(path), path.display().to_string())),
        Address::Socket(peer) | Address::Rfc2217(peer) => Some(MachinePart::RemotePort(peer.to_lowercase())),
    }
}

fn line(wire: &'static str, driver: &Driver) -> Option<HardwareUse> {
    let (key, part) = match driver {
        Driver::Command { .. } | Driver::PulseCommand { .. } => return None,
        Driver::Simulated { control } => ("control", MachinePart::Control(resolved(control))),
        Driver::GpioChip { chip, line, .. } => (
            "line",
            MachinePart::Line(chip.as_deref().map(resolved), line.clone()),
        ),
        Driver::Rppal { pin, .. } => ("pin", MachinePart::Pin(*pin)),
    };
    let keys = vec![wire, key];
    Some(HardwareUse { keys, part })
}

/// The path without links; where there is nothing yet, such as an adapter that is not plugged in, without those of its folder.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let cleaned = cleaned(path);
        let folder = cleaned.parent().and_then(|folder| folder.canonicalize().ok());
        match (folder, cleaned.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => cleaned,
        }
    })
}

/// The path from the root, without `.`, `..` and `//`.
fn cleaned(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut cleaned = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => {
                cleaned.pop();
            }
            Component::CurDir => {}
            part => cleaned.push(part),
        }
    }
    cleaned
}

/// Whether two servers cannot listen at both. Port 0 is any that is free; an unspecified address is every one.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let (ip, other_ip) = (one.ip().to_canonical(), other.ip().to_canonical());
    one.port() == other.port()
        && one.port() != 0
        && (ip == other_ip || ip.is_unspecified() || other_ip.is_unspecified())
}
