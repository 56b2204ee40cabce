//! A rig, opened: its port read, its lines in hand, its servers up.

use crate::bench::lease::Lease;
use crate::bench::lines::RigLines;
use crate::bench::serial::cutter::Cutter;
use crate::bench::serial::message::BenchMessage;
use crate::bench::serial::port::Port;
use crate::bench::serial::reader::{REOPEN, SerialReader};
use crate::bench::sim_process::SimProcess;
use crate::bench::wires::Wires;
use crate::config::rig::reflash::Reflash;
use crate::config::rig::serial_address::Address;
use crate::config::rig::{Link, Rig, Safe};
use crate::device::module::{Access, COMES_BACK, Module};
use dfota_clock::Clock;
use dfota_core::event::{Event, Line};
use dfota_core::percent::Percent;
use dfota_core::rig_check::Probe;
use dfota_core::seed::Seed;
use dfota_record::journal::Journal;
use dfota_servers::coap::{CoapEvent, CoapServer};
use dfota_servers::http::HttpServer;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

/// The runtime that carries the servers; its threads stand back behind the reader.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(1)
        .enable_all()
        .on_thread_start(dfota_clock::priority::set_background)
        .build()
}

/// A rig that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("rig `{rig}`: {why}")]
pub struct OpenError {
    rig: String,
    why: String,
    /// The look that this fails. A server that cannot listen is this machine's fault, not the rig's.
    pub probe: Probe,
}

/// An open rig. Its parts end in the order of the fields: first the module's reader, then the supply becomes safe, then the
/// servers and the simulator end.
#[derive(Debug)]
pub struct Bench {
    pub module: Module,
    pub lines: Arc<RigLines>,
    /// Tells the module's inbox.
    pub inbox: Sender<BenchMessage>,
    /// The HTTP package server and the base of its URLs, where the rig has a network.
    pub http: Option<(HttpServer, String)>,
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
        let failed = |probe: Probe, why: String| OpenError {
            rig: rig.name.clone(),
            why,
            probe,
        };
        let fail = |why: String| failed(Probe::Open, why);
        let sim = match &rig.link {
            Link::Bench(_) => None,
            Link::Simulated(simulated) => {
                Some(SimProcess::start(program, rig, simulated, seed).map_err(|why| fail(why.to_string()))?)
            }
        };
        let wires = Wires::connect(rig, program, sim.as_ref(), lease).map_err(|why| fail(why.to_string()))?;
        let lines = Arc::new(wires.lines);
        let port = port(rig, (&wires.port, wires.baud), &lines, journal).map_err(&fail)?;
        let (inbox, messages) = channel();
        let reader = SerialReader::start(port.clone(), lines.clone(), journal.clone(), inbox.clone())
            .map_err(|why| fail(format!("the reader thread could not be started: {why}")))?;
        // A simulated module waits for its own scheduler as well; on a bench somebody can do something about it.
        if let (Some(refused), Link::Bench(_)) = (reader.refused(), &rig.link) {
            tracing::warn!("{refused}");
            journal.post(Event::Note {
                text: refused.to_string(),
            });
        }
        let http = http(rig, clock, journal, &inbox).map_err(|why| failed(Probe::Http, why))?;
        let coap = coap(rig, seed, clock, journal, (&inbox, reader.cutter()))
            .map_err(|why| failed(Probe::Coap, why))?;
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

/// Opens the port. One that is not there while the supply is off may be that of an adapter which the supply feeds: it is
/// switched on, and waited for as long as in a run.
fn port(
    rig: &Rig,
    (address, baud): (&Address, u32),
    lines: &RigLines,
    journal: &Journal,
) -> Result<Port, String> {
    let absent = matches!(address, Address::Device(path) if !path.exists());
    let off = matches!(&rig.link, Link::Bench(bench) if bench.power.safe == Safe::Off);
    let opened = Port::at(address, baud);
    let (Err(why), true, true) = (&opened, absent, off) else {
        return opened.map_err(|why| why.to_string());
    };
    let waited = humantime::format_duration(COMES_BACK);
    let text = format!("{why}; the supply is switched on, for it may feed the adapter");
    tracing::info!("{text}");
    journal.post(Event::Note { text });
    let began = Instant::now();
    let on = lines.set(Line::Power, true).and_then(|()| lines.isolate(false));
    on.map_err(|error| error.to_string())?;
    let moved = Event::Line {
        line: Line::Power,
        active: true,
        took_ns: began.elapsed().as_nanos() as u64,
    };
    journal.post_at(began, moved);
    let deadline = Instant::now() + COMES_BACK;
    loop {
        match Port::at(address, baud) {
            Ok(port) => return Ok(port),
            Err(_) if Instant::now() < deadline => std::thread::sleep(REOPEN),
            Err(why) => return Err(format!("{why}; nor did it come within {waited} of the supply")),
        }
    }
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

fn http(
    rig: &Rig,
    clock: Clock,
    journal: &Journal,
    inbox: &Sender<BenchMessage>,
) -> Result<Option<(HttpServer, String)>, String> {
    let listen = match (&rig.network.http, &rig.link) {
        (Some(server), _) => server.listen,
        (None, Link::Simulated(_)) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        (None, Link::Bench(_)) => return Ok(None),
    };
    let (journal, inbox) = (journal.clone(), inbox.clone());
    let server = HttpServer::bind(listen, clock, move |request| {
        journal.post(Event::Request(request.clone()));
        if request.ours {
            let _ = inbox.send(BenchMessage::Request(request));
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
    (inbox, cutter): (&Sender<BenchMessage>, Cutter),
) -> Result<Option<(CoapServer, String)>, String> {
    let listen = match (&rig.network.coap, &rig.link) {
        (Some(server), _) => server.listen,
        (None, Link::Simulated(_)) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        (None, Link::Bench(_)) => return Ok(None),
    };
    let (journal, inbox) = (journal.clone(), inbox.clone());
    let server = CoapServer::bind(listen, clock, Seed(seed), move |event| match event {
        CoapEvent::Request(request) => {
            journal.post(Event::Request(request.clone()));
            if request.ours {
                let _ = inbox.send(BenchMessage::Request(request));
            }
        }
        CoapEvent::Acknowledged { bytes, len, .. } => {
            let share = u8::try_from(bytes * 100 / len.max(1)).ok().and_then(Percent::new);
            cutter.served(share.unwrap_or(Percent::FULL));
        }
        event => {
            journal.post(Event::Lwm2m {
                text: event.to_string(),
                fact: event.fact(),
            });
            let _ = inbox.send(BenchMessage::Lwm2m(event));
        }
    });
    let server = server.map_err(|why| why.to_string())?;
    let base = match &rig.network.coap {
        Some(coap) => coap.advertise.clone(),
        None => format!("coap://{}", server.addr()),
    };
    Ok(Some((server, base)))
}
