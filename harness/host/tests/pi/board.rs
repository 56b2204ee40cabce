//! The bench: the emulated Pi, the simulated module, and the wires between them. What is tried on it stands in the tests.

use crate::guest::Guest;
use crate::lab::Lab;
use crate::pins::Pins;
use crate::qemu::Qemu;
use crate::sim::Sim;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How much faster than real time the module lives. The harness inside knows nothing of it: its clock is the real one. A percent
/// of an update lasts 20 ms then, several times the delay of the wires.
const SPEED: &str = "20";
/// What the rig calls discharged, in real time: 3 s of the module's time, and a margin for wires that a busy machine delays.
const DISCHARGE: &str = "300ms";
/// A press or a reset that such wires cannot miss; the module asks for 25 ms of real time.
const HOLD: &str = "200ms";

/// How the harness moves the pins.
#[derive(Debug, Clone, Copy)]
pub enum Driver {
    GpioChip,
    Rppal,
}

impl Driver {
    /// As rig files name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::GpioChip => "gpiochip",
            Self::Rppal => "rppal",
        }
    }

    fn pin(self, pin: u8) -> String {
        match self {
            Self::GpioChip => format!("driver: gpiochip, chip: /dev/gpiochip0, line: {pin}"),
            Self::Rppal => format!("driver: rppal, pin: {pin}"),
        }
    }
}

/// What becomes of the supply when the harness ends.
#[derive(Debug, Clone, Copy)]
pub enum Safe {
    Off,
    On,
}

/// The bench. Its parts end in the order of the fields.
pub struct Board {
    pub guest: Guest,
    pub pins: Pins,
    _qemu: Qemu,
    pub sim: Sim,
    pub lab: Lab,
    http: u16,
    coap: u16,
}

impl Board {
    /// Boots the Pi, with a module at its pins that has no supply.
    pub fn boot() -> Self {
        let lab = Lab::new();
        let sim = Sim::start(&lab, &["--speed", SPEED]);
        let mut qemu = Qemu::boot(&parts(), &lab.path("tmp"), &sim.pty);
        let pins = Pins::wire(qemu.monitor("pins"), &sim.control);
        let (guest, http, coap) = qemu.guest();
        // The Pi has no clock that runs without it.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
        guest.run(&format!("date -s @{}", now.as_secs())).ends(0);
        Self {
            guest,
            pins,
            _qemu: qemu,
            sim,
            lab,
            http,
            coap,
        }
    }

    /// Writes `rig.yaml` in the guest: `rigs/bench-example.yaml`, with the ports of this bench and the times of a faster module.
    pub fn rig(&self, driver: Driver, safe: Safe) {
        let (http, coap) = (self.http, self.coap);
        let safe = match safe {
            Safe::Off => "off",
            Safe::On => "on",
        };
        let [power, reset, pwrkey] = [17, 27, 22].map(|pin| driver.pin(pin));
        self.guest.write(
            "rig.yaml",
            &format!(
                "rig: pi-{}
module: bc66
serial: {{port: /dev/ttyUSB0, baud: 115200}}
power: {{{power}, active: high, safe: {safe}, discharge: {DISCHARGE}}}
reset: {{{reset}, active: low, hold: {HOLD}}}
pwrkey: {{{pwrkey}, active: low, hold: {HOLD}}}
network:
  http: {{listen: \"0.0.0.0:8080\", advertise: \"http://127.0.0.1:{http}\"}}
  coap: {{listen: \"0.0.0.0:5683\", advertise: \"coap://127.0.0.1:{coap}\"}}
",
                driver.name()
            ),
        );
    }
}

/// What `.ci/pi` prepares: kernel, device tree, initial RAM disk.
pub fn parts() -> PathBuf {
    let parts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/pi");
    assert!(
        parts.join("initrd").exists(),
        "`{}` holds no `initrd`: `just pi` prepares the parts and runs these tests",
        parts.display()
    );
    parts
}
