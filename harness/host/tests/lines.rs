//! One contract over every driver of a line; `lines/sense.rs` has that of the inputs.
//!
//! The drivers of GPIOs need hardware. Where it is there, environment variables name a free line with nothing on it that
//! minds to be moved: `DFOTA_HIL_TEST_GPIOCHIP=/dev/gpiochip0:17`, `DFOTA_HIL_TEST_RPPAL=17`. Without them these cases say that
//! they are skipped.

#[path = "lines/sense.rs"]
mod sense;

use dfota_hil::bench::line::OutputLine;
use dfota_hil::bench::line::command::ProgramLine;
use dfota_hil::bench::line::gpiochip::{GpioLine, HeldLine};
use dfota_hil::bench::line::rppal::Rppal;
use dfota_hil::bench::line::simulated::{self, SimulatedLine};
use dfota_hil::bench::sim_process::SimProcess;
use dfota_hil::config::rig::{LineId, Link, Rig};
use gpiocdev_uapi::v2::{LineValues, get_line_values};
use rppal::gpio::Gpio;
use rstest::rstest;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A driver, and a way to see from outside what it did.
trait Wiring {
    /// Opens the line; the driver's level is `initially`, where it has one.
    fn open(&self, initially: Option<bool>) -> Result<Box<dyn OutputLine>, String>;
    /// Whether the line is at its active level; `held` is a duplicate of its descriptor, where it has one.
    fn is_active(&self, held: Option<&OwnedFd>) -> bool;
    /// Whether opening the line puts it at a level.
    fn begins_at_a_level(&self) -> bool {
        true
    }
    /// Moves the line away from its active level through a duplicate of its descriptor, as a guard does when the program is
    /// gone.
    fn take_away(&self, held: OwnedFd) -> Result<(), String> {
        let mut line = HeldLine::new("power", held);
        line.set(false).map_err(|why| why.to_string())
    }
}

/// Files that the programs of the driver `command` write.
struct Program {
    folder: tempfile::TempDir,
}

impl Wiring for Program {
    fn open(&self, _: Option<bool>) -> Result<Box<dyn OutputLine>, String> {
        let program = |level: &str| {
            let script = format!("echo {level} > {}", self.folder.path().join("level").display());
            ["sh", "-c", &script].map(String::from).to_vec()
        };
        let timeout = Duration::from_secs(10);
        Ok(Box::new(ProgramLine::new(
            "power",
            program("on"),
            program("off"),
            timeout,
        )))
    }

    fn is_active(&self, _: Option<&OwnedFd>) -> bool {
        std::fs::read_to_string(self.folder.path().join("level")).expect("a level") == "on\n"
    }

    fn begins_at_a_level(&self) -> bool {
        false
    }
}

/// The power line of a simulated module.
struct Sim(SimProcess);

impl Sim {
    fn start() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rigs/sim.yaml");
        let rig = Rig::load(&file).expect("the rig of the repository");
        let Link::Simulated(simulated) = &rig.link else {
            panic!("`{}` is no simulated rig", file.display())
        };
        let program = Path::new(env!("CARGO_BIN_EXE_dfota-hil"));
        Self(SimProcess::start(program, &rig, simulated, 1).expect("a simulator"))
    }

    fn control(&self) -> &Path {
        &self.0.control
    }
}

impl Wiring for Sim {
    fn open(&self, _: Option<bool>) -> Result<Box<dyn OutputLine>, String> {
        let line = SimulatedLine::connect("power", self.control()).map_err(|why| why.to_string())?;
        Ok(Box::new(line))
    }

    fn is_active(&self, _: Option<&OwnedFd>) -> bool {
        let mut socket = UnixStream::connect(self.control()).expect("the control socket answers");
        socket.write_all(b"state\n").expect("it takes a request");
        let mut answer = String::new();
        BufReader::new(socket).read_line(&mut answer).expect("it answers");
        answer.starts_with("ok power=on ")
    }

    fn take_away(&self, held: OwnedFd) -> Result<(), String> {
        simulated::drive(held.as_fd(), "power", false).map_err(|why| why.to_string())
    }

    fn begins_at_a_level(&self) -> bool {
        false
    }
}

/// A line of a GPIO chip.
struct OnChip {
    chip: PathBuf,
    line: u32,
    active_high: bool,
}

impl OnChip {
    fn named(active_high: bool) -> Option<Self> {
        let named = asked("DFOTA_HIL_TEST_GPIOCHIP", "/dev/gpiochip0:17")?;
        let (chip, line) = named.rsplit_once(':').expect("CHIP:LINE");
        Some(Self {
            chip: chip.into(),
            line: line.parse().expect("the number of a line"),
            active_high,
        })
    }
}

impl Wiring for OnChip {
    fn open(&self, initially: Option<bool>) -> Result<Box<dyn OutputLine>, String> {
        let line = LineId::Offset(self.line);
        let line = GpioLine::open("power", Some(&self.chip), &line, self.active_high, initially);
        Ok(Box::new(line.map_err(|why| why.to_string())?))
    }

    fn is_active(&self, held: Option<&OwnedFd>) -> bool {
        let held = held.expect("this driver has a descriptor");
        let line = File::from(held.try_clone().expect("a duplicate"));
        let mut level = LineValues::from_slice(&[false]);
        get_line_values(&line, &mut level).expect("a level");
        level.get(0).expect("one line")
    }
}

/// A pin of a Raspberry Pi, seen from another process: the kernel knows nothing of it, and would make it an input after a
/// look through its GPIO chip.
struct OnHeader {
    pin: u8,
    active_high: bool,
}

impl OnHeader {
    fn named(active_high: bool) -> Option<Self> {
        let pin = asked("DFOTA_HIL_TEST_RPPAL", "17")?;
        let pin = pin.parse().expect("the BCM number of a pin");
        Some(Self { pin, active_high })
    }
}

impl Wiring for OnHeader {
    fn open(&self, initially: Option<bool>) -> Result<Box<dyn OutputLine>, String> {
        let pin = Rppal::open("power", self.pin, self.active_high, initially);
        Ok(Box::new(pin.map_err(|why| why.to_string())?))
    }

    fn is_active(&self, _: Option<&OwnedFd>) -> bool {
        let this = std::env::current_exe().expect("this program");
        let look = Command::new(this)
            .args(["--exact", "the_level_of_a_pin", "--ignored", "--nocapture"])
            .output()
            .expect("another process");
        let said = String::from_utf8_lossy(&look.stdout);
        assert!(said.contains("the pin is "), "{said}");
        said.contains("the pin is High") == self.active_high
    }
}

#[test]
#[ignore = "a part of other tests, in a process of its own"]
fn the_level_of_a_pin() {
    let Some(OnHeader { pin, .. }) = OnHeader::named(true) else {
        return;
    };
    let pin = Gpio::new().and_then(|gpio| gpio.get(pin)).expect("a pin");
    println!("the pin is {:?}", pin.read());
}

/// The value of a variable that names hardware.
fn asked(variable: &str, example: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        println!(
            "skipped: `{variable}` is not set; `{variable}={example}` names a line of this machine that may be moved"
        );
    }
    value
}

#[rstest]
#[case::command(Some(Program { folder: tempfile::tempdir().expect("a folder") }))]
#[case::simulated(Some(Sim::start()))]
#[case::gpiochip(OnChip::named(true))]
#[case::gpiochip_active_low(OnChip::named(false))]
#[case::rppal(OnHeader::named(true))]
#[case::rppal_active_low(OnHeader::named(false))]
fn every_driver_keeps_the_contract<W: Wiring>(#[case] wiring: Option<W>) {
    let Some(wiring) = wiring else { return };
    for initially in [false, true] {
        let mut line = wiring.open(Some(initially)).expect("a line");
        let held = line
            .descriptor()
            .map(|fd| fd.try_clone_to_owned().expect("a duplicate"));
        if wiring.begins_at_a_level() {
            assert_eq!(wiring.is_active(held.as_ref()), initially, "as it was opened");
        }
        // Asked twice it stays.
        for active in [true, true, false, false, true] {
            line.set(active).expect("a line that moves");
            assert_eq!(wiring.is_active(held.as_ref()), active);
        }
        drop(line);
        assert!(
            wiring.is_active(held.as_ref()),
            "dropping it moves nothing while the descriptor is held"
        );
        let moved = match held.as_ref().map(OwnedFd::try_clone) {
            Some(held) => wiring.take_away(held.expect("a duplicate")),
            None => wiring
                .open(None)
                .and_then(|mut line| line.set(false).map_err(|why| why.to_string())),
        };
        moved.expect("a line that moves");
        assert!(!wiring.is_active(held.as_ref()));
    }
}

/// What moves lines by hand must not move the others.
#[rstest]
#[case::command(Some(Program { folder: tempfile::tempdir().expect("a folder") }))]
#[case::simulated(Some(Sim::start()))]
#[case::rppal(OnHeader::named(true))]
#[case::rppal_active_low(OnHeader::named(false))]
fn a_line_can_be_opened_as_it_is<W: Wiring>(#[case] wiring: Option<W>) {
    let Some(wiring) = wiring else { return };
    for active in [true, false] {
        let mut line = wiring.open(None).expect("a line");
        line.set(active).expect("a line that moves");
        drop(line);
        drop(wiring.open(None).expect("a line"));
        assert_eq!(wiring.is_active(None), active);
    }
}

/// Two rigs on one machine, or a run and a `gpioset`: the second is told who has the line.
#[test]
fn a_gpiochip_line_that_is_held() {
    let Some(wiring) = OnChip::named(true) else { return };
    let _held = wiring.open(Some(false)).expect("a line");
    let why = wiring.open(Some(false)).err().expect("it is held");
    let (line, chip) = (wiring.line, wiring.chip.display());
    assert_eq!(
        why,
        format!("line {line} of `{chip}` is in use by another `dfota-hil`: let it end, or end it")
    );
}

#[test]
fn an_rppal_pin_that_is_held() {
    let Some(wiring) = OnHeader::named(true) else {
        return;
    };
    let held = wiring.open(Some(false)).expect("a pin");
    let why = wiring.open(Some(false)).err().expect("it is held");
    assert!(
        why.contains("of `power` is taken by another line already"),
        "{why}"
    );
    drop(held);
    let mut ask = gpiocdev::Request::builder();
    ask.on_chip("/dev/gpiochip0")
        .with_line(wiring.pin.into())
        .with_consumer("a-fan");
    let fan = ask.as_is().request().expect("a free line");
    let why = wiring.open(Some(false)).err().expect("it is held");
    assert!(why.contains("is in use by `a-fan`"), "{why}");
    drop(fan);
}

/// The simulator gone, a program that fails: the error names the line and where to it was to be moved.
#[test]
fn an_error_names_the_line() {
    let sim = Sim::start();
    let mut power = sim.open(None).expect("a line");
    drop(sim);
    let why = power.set(true).expect_err("nobody is there").to_string();
    assert!(why.starts_with("power could not be switched on: "), "{why}");
    let no = || vec!["false".to_owned()];
    let mut reset = ProgramLine::new("reset", no(), no(), Duration::from_secs(10));
    let why = reset.set(false).expect_err("it fails").to_string();
    assert!(
        why.starts_with("reset could not be switched off: `false` "),
        "{why}"
    );
}
