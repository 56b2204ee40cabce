//! The bench: the emulated computer, the simulated module, and the wires between them. What is tried on it stands in the tests.

use crate::lab::Lab;
use crate::pi::guest::Guest;
use crate::pi::pins::Pins;
use crate::pi::pl061::{self, Pl061};
use crate::pi::qemu::{Machine, Qemu};
use crate::sim::Sim;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How much faster than real time the module lives. The harness inside knows nothing of it: its clock is the real one. A percent
/// of an update lasts 20 ms then, several times the delay of the wires.
const SPEED: &str = "20";
/// What the rig calls discharged, in real time: 3 s of the module's time, and a margin for wires that a busy machine delays.
const DISCHARGE: &str = "300ms";
/// A press or a reset that such wires cannot miss; the module asks for 25 ms of real time.
const HOLD: &str = "200ms";
/// How long a run folder may be on its way.
const FETCH: Duration = Duration::from_secs(120);

/// How long the contract of the drivers may take.
const CONTRACT: Duration = Duration::from_secs(120);

/// How the harness moves the pins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Driver {
    GpioChip,
    Rppal,
}

impl Driver {
    /// As rig files name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GpioChip => "gpiochip",
            Self::Rppal => "rppal",
        }
    }

    fn pin(self, pin: usize) -> String {
        match self {
            Self::GpioChip => format!("driver: gpiochip, chip: /dev/gpiochip0, line: {pin}"),
            Self::Rppal => format!("driver: rppal, pin: {pin}"),
        }
    }
}

/// What becomes of the supply when the harness ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Safe {
    Off,
    On,
}

/// The bench, with the wires at the computer's pins. Its parts end in the order of the fields.
pub(crate) struct Board<W = Pins> {
    pub guest: Guest,
    pub pins: W,
    #[cfg_attr(
        not(feature = "lab"),
        expect(dead_code, reason = "the machine ends with the board")
    )]
    qemu: Qemu,
    pub sim: Sim,
    pub lab: Lab,
    http: u16,
    coap: u16,
}

impl Board {
    /// Boots the Pi, with a module at its pins that has no supply.
    pub(crate) fn boot() -> Self {
        Self::of(Machine::Pi, |qemu, sim| {
            Pins::wire(qemu.monitor("pins"), qemu.qtest(), &sim.control)
        })
    }

    /// Writes `rig.yaml` in the guest, with the pins of `rigs/bench-example.yaml`.
    pub(crate) fn rig(&self, driver: Driver, safe: Safe) {
        let pins = [17, 27, 22].map(|pin| driver.pin(pin));
        self.write_rig(driver.name(), pins, safe, None);
    }
}

impl Board<Pl061> {
    /// Boots the machine with inputs, with a module at its lines that has no supply.
    pub(crate) fn with_inputs() -> Self {
        Self::of(Machine::Virt, |qemu, sim| {
            Pl061::wire(qemu.qtest(), qemu.device("pl061"), &sim.control)
        })
    }

    /// Writes `rig.yaml` in the guest, with a sense line for which `active` means a supply.
    pub(crate) fn rig(&self, active: &str) {
        let [power, reset, pwrkey, sense] =
            [pl061::POWER, pl061::RESET, pl061::PWRKEY, pl061::SENSE].map(|line| Driver::GpioChip.pin(line));
        let sense = format!("{sense}, active: {active}");
        self.write_rig("sense", [power, reset, pwrkey], Safe::Off, Some(sense));
    }
}

impl<W> Board<W> {
    fn of(machine: Machine, wire: impl FnOnce(&mut Qemu, &Sim) -> W) -> Self {
        let lab = Lab::new();
        let sim = Sim::start(&lab, &["--speed", SPEED]);
        let mut qemu = Qemu::boot(machine, &parts(), &lab.path("tmp"), &sim.pty);
        let pins = wire(&mut qemu, &sim);
        let (guest, http, coap) = qemu.guest();
        set_clock(&guest);
        Self {
            guest,
            pins,
            qemu,
            sim,
            lab,
            http,
            coap,
        }
    }

    /// The computer loses its power, and has it again at once: its pins are inputs, its memory is empty, and it boots.
    #[cfg(feature = "lab")]
    pub(crate) fn interrupt_supply(&mut self) {
        self.qemu.reset();
    }

    /// Waits until it has booted again.
    #[cfg(feature = "lab")]
    pub(crate) fn await_boot(&mut self) {
        self.qemu.await_boots(2);
        set_clock(&self.guest);
    }

    /// `rigs/bench-example.yaml` with the lines and the ports of this bench, and the times of a faster module.
    fn write_rig(&self, name: &str, [power, reset, pwrkey]: [String; 3], safe: Safe, sense: Option<String>) {
        let (http, coap) = (self.http, self.coap);
        let safe = match safe {
            Safe::Off => "off",
            Safe::On => "on",
        };
        let sense = sense.map_or(String::new(), |sense| format!("sense: {{{sense}}}\n"));
        self.guest.write(
            "rig.yaml",
            &format!(
                "rig: pi-{name}
module: bc66
serial: {{port: /dev/ttyUSB0, baud: 115200}}
power: {{{power}, active: high, safe: {safe}, discharge: {DISCHARGE}}}
reset: {{{reset}, active: high, hold: {HOLD}}}
pwrkey: {{{pwrkey}, active: high, hold: {HOLD}}}
{sense}network:
  http: {{listen: \"0.0.0.0:8080\", advertise: \"http://127.0.0.1:{http}\"}}
  coap: {{listen: \"0.0.0.0:5683\", advertise: \"coap://127.0.0.1:{coap}\"}}
"
            ),
        );
    }

    /// Runs the contract of the lines' drivers inside: those of its tests that `filter` names, with these `variables`.
    pub(crate) fn keeps_contract(&self, variables: &str, filter: &str) {
        let script = format!("{variables} lines --test-threads=1 --nocapture {filter}");
        let ran = self.guest.run_within(CONTRACT, &script);
        println!("{}", ran.stdout);
        let ran = ran.ends(0);
        assert!(
            !ran.stdout.contains("skipped:"),
            "a test did not run: {}",
            ran.stdout
        );
    }

    /// Takes the run folder `out` out of the guest as `target/pi/NAME`, and verifies it.
    pub(crate) fn fetch(&self, name: &str) -> PathBuf {
        let folder = parts().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let archive = self.guest.bytes(FETCH, "tar c -C out .");
        std::fs::write(folder.join("run.tar"), archive).expect("a file");
        let unpacked = Command::new("tar")
            .args(["-x", "-f", "run.tar"])
            .current_dir(&folder)
            .status();
        assert!(unpacked.expect("`tar` starts").success());
        self.lab.run(&["verify", &folder.display().to_string()]).ends(0);
        folder
    }
}

/// The Pi has no clock that runs without it.
fn set_clock(guest: &Guest) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    guest.run(&format!("date -s @{}", now.as_secs())).ends(0);
}

/// What `.ci/pi` prepares: kernel, device tree, initial RAM disk.
pub(crate) fn parts() -> PathBuf {
    let parts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/pi");
    assert!(
        parts.join("initrd").exists(),
        "`{}` holds no `initrd`: `just pi` prepares the parts and runs these tests",
        parts.display()
    );
    parts
}
