//! A rig, opened: its port read, its lines in hand, its servers up.

use crate::clock::Clock;
use crate::coap_server::{CoapServer, Happening};
use crate::guard::{Charge, Guard, HandedOver, Kept};
use crate::journal::Journal;
use crate::line::gpiochip::{GpioLine, HeldLine};
use crate::line::{Line, command::Switch, rppal::Rppal, simulated};
use crate::lines::Lines;
use crate::module::{Access, Module, Timing};
use crate::package_server::PackageServer;
use crate::reflash::Reflash;
use crate::rig::{self, Driver, Link, Pulse, Rig};
use crate::serial::port::Port;
use crate::serial::reader::{Cutter, Message, Reader};
use crate::sim_process::SimProcess;
use crate::state::lease::Lease;
use bc66_wire::timing;
use dfota_core::event::{self, Event};
use dfota_core::percent::Percent;
use dfota_core::seed::Seed;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// How long a byte may stay between a pty's two sides: it does not.
const PTY_LATENCY: Duration = Duration::ZERO;
/// How long the simulated rig presses PWRKEY and holds RESET: as the example of a bench does, above the driver's figures.
const SIMULATED_PWRKEY: Duration = Duration::from_millis(700);
const SIMULATED_RESET: Duration = Duration::from_millis(100);

/// The runtime that carries the servers; its threads stand back behind the reader.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(1)
        .enable_all()
        .on_thread_start(crate::priority::stand_back)
        .build()
}

/// A rig that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("rig `{rig}`: {why}")]
pub struct OpenError {
    rig: String,
    why: String,
}

/// An open rig. Its parts end in the order of the fields: first the module's reader, then the supply becomes safe, then the
/// servers and the simulator end.
#[derive(Debug)]
pub struct Bench {
    /// The module.
    pub module: Module,
    /// Its lines.
    pub lines: Arc<Lines>,
    /// Tells the module's inbox.
    pub inbox: Sender<Message>,
    /// The HTTP package server and the base of its URLs, where the rig has a network.
    pub http: Option<(PackageServer, String)>,
    /// The CoAP file server and LwM2M server, and the base of its URIs, where the rig has a network.
    pub coap: Option<(CoapServer, String)>,
    /// How a module that does not boot any more is restored, where the rig can.
    pub reflash: Option<Reflash>,
    _sim: Option<SimProcess>,
}

impl Bench {
    /// Opens a rig; one with wires for whoever holds its lease. Must be called within a tokio runtime, which carries the
    /// servers.
    pub fn open(
        rig: &Rig,
        lease: Option<&Lease>,
        program: &Path,
        seed: u64,
        clock: Clock,
        journal: &Journal,
    ) -> Result<Self, OpenError> {
        let fail = |why: String| OpenError {
            rig: rig.name.clone(),
            why,
        };
        let sim = match &rig.link {
            Link::Bench(_) => None,
            Link::Simulated(simulated) => {
                Some(SimProcess::start(program, rig, simulated, seed).map_err(|why| fail(why.to_string()))?)
            }
        };
        let wires = Wires::of(rig, program, sim.as_ref(), lease).map_err(&fail)?;
        let lines = Arc::new(wires.lines);
        let port = Port::open(&wires.port, wires.baud).map_err(|why| fail(why.to_string()))?;
        let (inbox, messages) = channel();
        let reader = Reader::start(port.clone(), lines.clone(), journal.clone(), inbox.clone())
            .map_err(|why| fail(format!("the reader thread could not be started: {why}")))?;
        let http = http(rig, clock, journal, &inbox).map_err(&fail)?;
        let coap = coap(rig, seed, clock, journal, (&inbox, reader.cutter())).map_err(&fail)?;
        let mut module = Module::new(
            (port, lines.clone(), wires.timing),
            reader,
            messages,
            clock,
            journal.clone(),
        );
        let network = &rig.network;
        module.access = Access {
            apn: network.apn.clone(),
            pin: network.pin.clone(),
        };
        Ok(Self {
            module,
            lines,
            inbox,
            http,
            coap,
            reflash: reflash(rig, sim.as_ref()),
            _sim: sim,
        })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // While the module is still there: servers that hold the lines end later than the simulated one.
        if let Err(error) = self.lines.retire() {
            tracing::error!("the rig could not be made safe: {error}");
        }
    }
}

/// The wires of a rig: the lines alone, for `power`, or with the port.
pub struct Wires {
    /// The lines.
    pub lines: Lines,
    port: std::path::PathBuf,
    baud: u32,
    /// Their times.
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
                let line = |name| simulated_line(name, &sim.control);
                Ok(Self {
                    lines: Lines::new(line("power")?, Some(line("reset")?), Some(line("pwrkey")?), false),
                    port: sim.pty.clone(),
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
        let charge = Charge::of(rig, bench, lease.folder());
        let hold = |pulse: &Option<Pulse>| pulse.as_ref().map_or(Duration::ZERO, |pulse| pulse.hold);
        Ok(Self {
            lines: kept_lines(charge, program, lease, at_safe)?,
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

/// Opens the lines of a charge and has a guard keep them. Lines that the guard before holds are taken from it, so that they
/// stay where they are meanwhile.
fn kept_lines(mut charge: Charge, program: &Path, lease: &Lease, at_safe: bool) -> Result<Lines, String> {
    let mut before = HandedOver::ask(lease.folder()).map_err(|why| {
        format!("the guard that holds the lines of this rig does not hand them over: {why}")
    })?;
    let take = |kept: &Kept| before.as_mut()?.take(&kept.driver);
    let held: Vec<Option<OwnedFd>> = charge.lines.iter().map(take).collect();
    // The rig file has changed: what it does not have any more, or has otherwise, is let go of before any line is asked for.
    release(before.take_if(|before| !before.is_empty()));
    let mut opened = Vec::new();
    for (kept, held) in charge.lines.iter_mut().zip(held) {
        let line = open(kept, held, lease, at_safe.then_some(kept.safe))?;
        kept.descriptor = line.descriptor().is_some();
        opened.push((kept.line, line));
    }
    let mut descriptors = vec![lease.lock()];
    descriptors.extend(opened.iter().filter_map(|(_, line)| line.descriptor()));
    let guard = Guard::start(program, &charge, &descriptors).map_err(|why| why.to_string())?;
    release(before);
    let mut take = |line| {
        let at = opened.iter().position(|(name, _)| *name == line)?;
        Some(opened.swap_remove(at).1)
    };
    let power = take(event::Line::Power).ok_or("a rig has a supply")?;
    let (reset, pwrkey) = (take(event::Line::Reset), take(event::Line::Pwrkey));
    let mut lines = charge.lines.iter();
    let safe_on = lines.any(|kept| kept.line == event::Line::Power && kept.safe);
    Ok(Lines::new(power, reset, pwrkey, safe_on).kept_by(guard))
}

fn release(before: Option<HandedOver>) {
    if let Some(Err(why)) = before.map(HandedOver::release) {
        tracing::warn!("the guard before this one was not released: {why}");
    }
}

fn open(
    kept: &Kept,
    held: Option<OwnedFd>,
    lease: &Lease,
    initially: Option<bool>,
) -> Result<Box<dyn Line>, String> {
    let name = kept.line.name();
    let Some(held) = held else {
        let mark = lease.programs();
        let mark = mark.map_err(|why| format!("the mark of the programs that move `{name}`: {why}"))?;
        return driver(name, &kept.driver, initially, Some(mark));
    };
    let mut line = HeldLine::new(name, held);
    if let Some(active) = initially {
        line.set(active).map_err(|why| why.to_string())?;
    }
    Ok(Box::new(line))
}

/// A simulated module can always be restored; a real one by the program that the rig file names.
fn reflash(rig: &Rig, sim: Option<&SimProcess>) -> Option<Reflash> {
    match (&rig.link, sim) {
        (Link::Bench(bench), _) => bench.reflash.clone(),
        (Link::Simulated(_), sim) => sim.map(|sim| Reflash::Simulated {
            control: sim.control.clone(),
        }),
    }
}

fn simulated_line(name: &'static str, control: &Path) -> Result<Box<dyn Line>, String> {
    simulated::Simulated::connect(name, control)
        .map(|line| Box::new(line) as Box<dyn Line>)
        .map_err(|why| {
            format!(
                "control socket `{}` of the simulated module: {why}; is `dfota-hil sim` running?",
                control.display()
            )
        })
}

/// Opens a line; `initially` is the level that it begins with, where its driver has one. Programs that move it hold `mark`.
pub fn driver(
    name: &'static str,
    driver: &Driver,
    initially: Option<bool>,
    mark: Option<File>,
) -> Result<Box<dyn Line>, String> {
    let fail = |why: &dyn std::fmt::Display| format!("the line `{name}`: {why}");
    Ok(match driver {
        Driver::Command { on, off, timeout } => {
            Box::new(Switch::new(name, on.clone(), off.clone(), *timeout).marked(mark))
        }
        Driver::PulseCommand { pulse, timeout } => {
            Box::new(Switch::pulse(name, pulse.clone(), *timeout).marked(mark))
        }
        Driver::Simulated { control } => simulated_line(name, control)?,
        Driver::GpioChip {
            chip,
            line,
            active_high,
        } => Box::new(GpioLine::open(name, chip, line, *active_high, initially).map_err(|why| fail(&why))?),
        Driver::Rppal { pin, active_high } => {
            Box::new(Rppal::open(name, *pin, *active_high, initially).map_err(|why| fail(&why))?)
        }
    })
}

fn http(
    rig: &Rig,
    clock: Clock,
    journal: &Journal,
    inbox: &Sender<Message>,
) -> Result<Option<(PackageServer, String)>, String> {
    let listen = match (&rig.network.http, &rig.link) {
        (Some(server), _) => server.listen,
        (None, Link::Simulated(_)) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        (None, Link::Bench(_)) => return Ok(None),
    };
    let (journal, inbox) = (journal.clone(), inbox.clone());
    let server = PackageServer::bind(listen, clock, move |request| {
        let mark = journal.post(Event::Request(request.clone()));
        if request.ours {
            let _ = inbox.send(Message::Request(request, mark));
        }
    });
    let server = server.map_err(|why| why.to_string())?;
    let base = match &rig.network.http {
        Some(http) => http.advertise.clone(),
        None => format!("http://{}", server.addr()),
    };
    Ok(Some((server, base)))
}

fn coap(
    rig: &Rig,
    seed: u64,
    clock: Clock,
    journal: &Journal,
    (inbox, cutter): (&Sender<Message>, Cutter),
) -> Result<Option<(CoapServer, String)>, String> {
    let listen = match (&rig.network.coap, &rig.link) {
        (Some(server), _) => server.listen,
        (None, Link::Simulated(_)) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        (None, Link::Bench(_)) => return Ok(None),
    };
    let (journal, inbox) = (journal.clone(), inbox.clone());
    let server = CoapServer::bind(listen, clock, Seed(seed), move |happening| match happening {
        Happening::Request(request) => {
            let mark = journal.post(Event::Request(request.clone()));
            if request.ours {
                let _ = inbox.send(Message::Request(request, mark));
            }
        }
        Happening::Acknowledged { bytes, len, .. } => {
            let share = u8::try_from(bytes * 100 / len.max(1)).ok().and_then(Percent::new);
            cutter.served(share.unwrap_or(Percent::FULL));
        }
        happening => {
            let mark = journal.post(Event::Lwm2m {
                text: happening.to_string(),
            });
            let _ = inbox.send(Message::Lwm2m(happening, mark));
        }
    });
    let server = server.map_err(|why| why.to_string())?;
    let base = match &rig.network.coap {
        Some(coap) => coap.advertise.clone(),
        None => format!("coap://{}", server.addr()),
    };
    Ok(Some((server, base)))
}
