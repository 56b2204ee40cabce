//! The wires of a rig: its lines, which a guard holds before any is moved, and how its port is reached.

use crate::bench::guard::{Guard, GuardError, HandedOver, RigOutput, SafeLine, SafeState};
use crate::bench::lease::Lease;
use crate::bench::line::driven::{driven, sensed};
use crate::bench::line::gpiochip::HeldLine;
use crate::bench::line::simulated::SimulatedLine;
use crate::bench::line::{DriverError, LineError, OutputLine};
use crate::bench::lines::RigLines;
use crate::bench::sim_process::SimProcess;
use crate::config::rig::serial_address::Address;
use crate::config::rig::{self, Link, Pulse, Rig};
use bc66_spec::timing;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

/// How long a byte may stay between a pty's two sides: it does not.
const PTY_LATENCY: Duration = Duration::ZERO;
/// How long the simulated rig presses PWRKEY and holds RESET: as the example of a bench does, above the driver's figures.
const SIMULATED_PWRKEY: Duration = Duration::from_millis(700);
const SIMULATED_RESET: Duration = Duration::from_millis(100);

/// What is fixed about a rig's lines, in the module's time.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How long the supply must be off to count as gone.
    pub discharge: Duration,
    /// How long a byte may stay in the serial adapter.
    pub latency: Duration,
    /// How long reset is held.
    pub reset_hold: Duration,
    /// How long PWRKEY is held.
    pub pwrkey_hold: Duration,
}

/// The wires of a rig: the lines alone, for `power`, or with the port.
pub struct Wires {
    pub lines: RigLines,
    /// Where the port is.
    pub port: Address,
    /// Its bits per second.
    pub baud: u32,
    pub timing: Timing,
}

/// Lines that could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum WiresError {
    #[error("a simulated module has lines only while its process runs")]
    NoProcess,
    #[error("the lines of a bench are only for the process that holds its lease")]
    NoLease,
    #[error("the guard that holds the lines of this rig does not hand them over: {0}")]
    NotHandedOver(io::Error),
    #[error("cannot mark the programs that move `{line}`: {why}")]
    NoMark { line: &'static str, why: io::Error },
    #[error(transparent)]
    Driver(#[from] DriverError),
    #[error(transparent)]
    Line(#[from] LineError),
    #[error(transparent)]
    Guard(#[from] GuardError),
}

impl Wires {
    /// Connects the lines of a rig, at their safe levels where the driver has a level. A simulated rig needs its process, one
    /// with wires its lease and `program`, which becomes the guard before any line is moved.
    pub fn connect(
        rig: &Rig,
        program: &Path,
        sim: Option<&SimProcess>,
        lease: Option<&Lease>,
    ) -> Result<Self, WiresError> {
        match (&rig.link, sim) {
            (Link::Bench(bench), _) => Self::of_bench(rig, bench, program, lease, true),
            (Link::Simulated(_), Some(sim)) => Self::of_module(rig, sim),
            (Link::Simulated(_), None) => Err(WiresError::NoProcess),
        }
    }

    /// Connects the lines and leaves them at the levels that they have: for moving them by hand.
    pub fn by_hand(rig: &Rig, program: &Path, lease: Option<&Lease>) -> Result<Self, WiresError> {
        match &rig.link {
            Link::Bench(bench) => Self::of_bench(rig, bench, program, lease, false),
            Link::Simulated(_) => Err(WiresError::NoProcess),
        }
    }

    fn of_module(rig: &Rig, sim: &SimProcess) -> Result<Self, WiresError> {
        let line = |name| -> Result<Box<dyn OutputLine>, DriverError> {
            Ok(Box::new(SimulatedLine::connect(name, &sim.control)?))
        };
        Ok(Self {
            lines: RigLines::new(line("power")?, Some(line("reset")?), Some(line("pwrkey")?), false),
            port: Address::Device(sim.pty.clone()),
            baud: timing::BAUD_DEFAULT,
            timing: Timing {
                discharge: rig.discharge(),
                latency: PTY_LATENCY,
                reset_hold: SIMULATED_RESET,
                pwrkey_hold: SIMULATED_PWRKEY,
            },
        })
    }

    fn of_bench(
        rig: &Rig,
        bench: &rig::Bench,
        program: &Path,
        lease: Option<&Lease>,
        at_safe: bool,
    ) -> Result<Self, WiresError> {
        let lease = lease.ok_or(WiresError::NoLease)?;
        let safe_state = SafeState::new(rig, bench, lease.folder());
        let hold = |pulse: &Option<Pulse>| pulse.as_ref().map_or(Duration::ZERO, |pulse| pulse.hold);
        let sense = bench.sense.as_ref().map(sensed);
        Ok(Self {
            lines: guarded_lines(safe_state, program, lease, at_safe)?.seen_by(sense.transpose()?),
            port: bench.serial.port.clone(),
            baud: bench.serial.baud,
            timing: Timing {
                discharge: bench.power.discharge,
                latency: bench.serial.latency,
                reset_hold: hold(&bench.reset),
                pwrkey_hold: hold(&bench.pwrkey),
            },
        })
    }
}

/// Opens the lines and starts their guard. Lines that the guard of an earlier program still holds are taken from it, so that they
/// stay where they are meanwhile.
fn guarded_lines(
    mut safe_state: SafeState,
    program: &Path,
    lease: &Lease,
    at_safe: bool,
) -> Result<RigLines, WiresError> {
    let mut before = HandedOver::ask(lease.folder()).map_err(WiresError::NotHandedOver)?;
    let take = |line: &SafeLine| before.as_mut()?.take(&line.driver);
    let held: Vec<Option<OwnedFd>> = safe_state.lines.iter().map(take).collect();
    // Lines are left over where the rig file has changed. The earlier guard lets go of them before any line is asked for, because
    // one of them may be asked for under another name.
    release(before.take_if(|before| !before.is_empty()));
    let mut opened = Vec::new();
    for (line, held) in safe_state.lines.iter_mut().zip(held) {
        let driver = open(line, held, lease, at_safe.then_some(line.safe))?;
        line.descriptor = driver.descriptor().is_some();
        opened.push((line.output, driver));
    }
    let mut descriptors = lease.locks();
    safe_state.locks = descriptors.len();
    descriptors.extend(opened.iter().filter_map(|(_, driver)| driver.descriptor()));
    let guard = Guard::start(program, &safe_state, &descriptors)?;
    release(before);
    let [mut power, mut reset, mut pwrkey, mut isolate] = [const { None }; 4];
    for (output, driver) in opened {
        let to = match output {
            RigOutput::Power => &mut power,
            RigOutput::Isolate => &mut isolate,
            RigOutput::Reset => &mut reset,
            RigOutput::Pwrkey => &mut pwrkey,
        };
        *to = Some(driver);
    }
    let power = power.ok_or_else(|| DriverError::new("the rig file names no supply"))?;
    Ok(RigLines::new(power, reset, pwrkey, safe_state.is_supplied())
        .isolated_by(isolate)
        .guarded_by(guard))
}

fn release(before: Option<HandedOver>) {
    if let Some(Err(why)) = before.map(HandedOver::release) {
        tracing::warn!("the previous guard was not released: {why}");
    }
}

fn open(
    line: &SafeLine,
    held: Option<OwnedFd>,
    lease: &Lease,
    initially: Option<bool>,
) -> Result<Box<dyn OutputLine>, WiresError> {
    let name = line.output.name();
    let Some(held) = held else {
        let mark = lease.programs();
        let mark = mark.map_err(|why| WiresError::NoMark { line: name, why })?;
        return Ok(driven(name, &line.driver, initially, Some(mark))?);
    };
    let mut line = HeldLine::new(name, held);
    if let Some(active) = initially {
        line.set(active)?;
    }
    Ok(Box::new(line))
}
