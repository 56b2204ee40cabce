//! The wires of a rig: its lines, kept by a guard before any is moved, and how its port is reached.

use crate::bench::guard::{Guard, HandedOver, RigOutput, SafeLine, SafeState};
use crate::bench::lease::Lease;
use crate::bench::line::OutputLine;
use crate::bench::line::driven::{driven, simulated};
use crate::bench::line::gpiochip::HeldLine;
use crate::bench::lines::RigLines;
use crate::bench::sim_process::SimProcess;
use crate::config::rig::serial_address::Address;
use crate::config::rig::{self, Link, Pulse, Rig};
use bc66_spec::timing;
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

impl Wires {
    /// Connects the lines of a rig, at their safe levels where the driver has a level. A simulated rig needs its process, one
    /// with wires its lease and `program`, as whose guard it keeps them before any is moved.
    pub fn of(
        rig: &Rig,
        program: &Path,
        sim: Option<&SimProcess>,
        lease: Option<&Lease>,
    ) -> Result<Self, String> {
        match (&rig.link, sim) {
            (Link::Bench(bench), _) => Self::of_bench(rig, bench, (program, lease), true),
            (Link::Simulated(_), Some(sim)) => {
                let line = |name| simulated(name, &sim.control);
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
            (Link::Simulated(_), None) => {
                Err("a simulated module has lines only while its process runs".into())
            }
        }
    }

    /// Connects the lines and leaves them at the levels that they have: for moving them by hand.
    pub fn by_hand(rig: &Rig, program: &Path, lease: Option<&Lease>) -> Result<Self, String> {
        match &rig.link {
            Link::Bench(bench) => Self::of_bench(rig, bench, (program, lease), false),
            Link::Simulated(_) => Self::of(rig, program, None, None),
        }
    }

    fn of_bench(
        rig: &Rig,
        bench: &rig::Bench,
        (program, lease): (&Path, Option<&Lease>),
        at_safe: bool,
    ) -> Result<Self, String> {
        let lease = lease.ok_or("the lines of a bench are for whoever holds its lease")?;
        let safe_state = SafeState::of(rig, bench, lease.folder());
        let hold = |pulse: &Option<Pulse>| pulse.as_ref().map_or(Duration::ZERO, |pulse| pulse.hold);
        let sense = bench.sense.as_ref().map(crate::bench::line::driven::sensed);
        Ok(Self {
            lines: kept_lines(safe_state, program, lease, at_safe)?.seen_by(sense.transpose()?),
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

/// Opens the lines of a safe state and has a guard keep them. Lines that the guard before holds are taken from it, so that they
/// stay where they are meanwhile.
fn kept_lines(
    mut safe_state: SafeState,
    program: &Path,
    lease: &Lease,
    at_safe: bool,
) -> Result<RigLines, String> {
    let mut before = HandedOver::ask(lease.folder()).map_err(|why| {
        format!("the guard that holds the lines of this rig does not hand them over: {why}")
    })?;
    let take = |kept: &SafeLine| before.as_mut()?.take(&kept.driver);
    let held: Vec<Option<OwnedFd>> = safe_state.lines.iter().map(take).collect();
    // The rig file has changed: what it does not have any more, or has otherwise, is let go of before any line is asked for.
    release(before.take_if(|before| !before.is_empty()));
    let mut opened = Vec::new();
    for (kept, held) in safe_state.lines.iter_mut().zip(held) {
        let line = open(kept, held, lease, at_safe.then_some(kept.safe))?;
        kept.descriptor = line.descriptor().is_some();
        opened.push((kept.wire, line));
    }
    let mut descriptors = lease.locks();
    safe_state.locks = descriptors.len();
    descriptors.extend(opened.iter().filter_map(|(_, line)| line.descriptor()));
    let guard = Guard::start(program, &safe_state, &descriptors).map_err(|why| why.to_string())?;
    release(before);
    let mut take = |wire| {
        let at = opened.iter().position(|(name, _)| *name == wire)?;
        Some(opened.swap_remove(at).1)
    };
    let power = take(RigOutput::Power).ok_or("a rig has a supply")?;
    let (reset, pwrkey, isolate) = (
        take(RigOutput::Reset),
        take(RigOutput::Pwrkey),
        take(RigOutput::Isolate),
    );
    let mut lines = safe_state.lines.iter();
    let safe_on = lines.any(|kept| kept.wire == RigOutput::Power && kept.safe);
    Ok(RigLines::new(power, reset, pwrkey, safe_on)
        .isolated_by(isolate)
        .kept_by(guard))
}

fn release(before: Option<HandedOver>) {
    if let Some(Err(why)) = before.map(HandedOver::release) {
        tracing::warn!("the guard before this one was not released: {why}");
    }
}

fn open(
    kept: &SafeLine,
    held: Option<OwnedFd>,
    lease: &Lease,
    initially: Option<bool>,
) -> Result<Box<dyn OutputLine>, String> {
    let name = kept.wire.name();
    let Some(held) = held else {
        let mark = lease.programs();
        let mark = mark.map_err(|why| format!("the mark of the programs that move `{name}`: {why}"))?;
        return driven(name, &kept.driver, initially, Some(mark));
    };
    let mut line = HeldLine::new(name, held);
    if let Some(active) = initially {
        line.set(active).map_err(|why| why.to_string())?;
    }
    Ok(Box::new(line))
}
