//! A rig, opened: its port is read, its lines are in hand, its servers listen.

use crate::bench::lease::Lease;
use crate::bench::line::LineError;
use crate::bench::lines::RigLines;
use crate::bench::serial::cutter::Cutter;
use crate::bench::serial::message::BenchMessage;
use crate::bench::serial::port::Port;
use crate::bench::serial::reader::{REOPEN, SerialReader};
use crate::bench::signals::{self, Signalled};
use crate::bench::sim_process::{SimProcess, StartError};
use crate::bench::wires::Wires;
use crate::config::rig::reflash::Reflash;
use crate::config::rig::serial_address::Address;
use crate::config::rig::{Link, Rig, Safe, Server, Simulated};
use crate::device::dut::{Access, COMES_BACK, Dut, Stop, Wiring};
use crate::program;
use dfota_clock::Clock;
use dfota_core::event::{Event, Line};
use dfota_core::percent::Percent;
use dfota_core::rig_check::Probe;
use dfota_core::seed::Seed;
use dfota_core::verdict::Rule;
use dfota_record::journal::Journal;
use dfota_servers::coap::{CoapEvent, CoapServer};
use dfota_servers::http::HttpServer;
use std::cell::OnceCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

/// The runtime that carries the servers; its threads have a lower priority than the reader.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(1)
        .enable_all()
        .on_thread_start(dfota_clock::priority::set_background)
        .build()
}

type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// A rig could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("rig `{rig}`: {why}")]
pub struct OpenRigError {
    rig: String,
    why: BoxedError,
    /// The check that this fails. A server that cannot listen is this machine's fault, not the rig's.
    pub probe: Probe,
}

/// A server, and the base of its URLs as the module reaches it.
#[derive(Debug)]
pub struct AdvertisedServer<S> {
    pub server: S,
    pub base: String,
}

/// The package servers, where the rig has a network.
#[derive(Debug)]
pub struct Servers {
    pub http: Option<AdvertisedServer<HttpServer>>,
    /// The CoAP file server, which is the LwM2M server too.
    pub coap: Option<AdvertisedServer<Arc<CoapServer>>>,
}

impl Servers {
    pub(super) fn http(&self) -> Result<&AdvertisedServer<HttpServer>, Stop> {
        self.http.as_ref().ok_or_else(|| no_network("network.http"))
    }

    pub(super) fn coap(&self) -> Result<&AdvertisedServer<Arc<CoapServer>>, Stop> {
        self.coap.as_ref().ok_or_else(|| no_network("network.coap"))
    }
}

fn no_network(key: &str) -> Stop {
    Stop::rule(Rule::ServerFailed, format!("the rig has no `{key}`"))
}

/// What a process holds of a rig while it opens and closes it.
#[derive(Debug, Clone, Copy, Default)]
pub struct RigHold<'h> {
    /// That of a rig with wires.
    pub lease: Option<&'h Lease>,
    /// Where a simulated module stays from one opening of the rig to the next. Without it, each opening has a new module.
    pub module: Option<&'h KeptModule>,
}

impl<'h> RigHold<'h> {
    /// For a rig that is opened once.
    pub fn by_lease(lease: Option<&'h Lease>) -> Self {
        Self { lease, module: None }
    }
}

/// The simulated module of a rig that is opened more than once: like a real one, it keeps its flash in between.
pub type KeptModule = OnceCell<Arc<SimProcess>>;

/// An open rig. Its parts end in the order of the fields: first the module's reader, then the supply becomes safe, then the
/// servers end, and the simulator where nobody keeps it.
#[derive(Debug)]
pub struct OpenRig {
    pub module: Dut,
    pub lines: Arc<RigLines>,
    /// Sends to the module's inbox.
    pub inbox: Sender<BenchMessage>,
    pub servers: Servers,
    /// How a module that does not boot any more is restored, where the rig can.
    pub reflash: Option<Reflash>,
    _sim: Option<Arc<SimProcess>>,
}

impl OpenRig {
    /// Opens a rig; one with wires needs its lease. Must be called within a tokio runtime, which carries the servers.
    pub fn open(
        rig: &Rig,
        hold: RigHold<'_>,
        program: &Path,
        seed: u64,
        clock: Clock,
        journal: &Journal,
    ) -> Result<Self, OpenRigError> {
        let fail = |probe: Probe, why: BoxedError| OpenRigError {
            rig: rig.name.clone(),
            why,
            probe,
        };
        let fail_open = |why: BoxedError| fail(Probe::Open, why);
        let sim = match &rig.link {
            Link::Bench(_) => None,
            Link::Simulated(simulated) => {
                let sim = simulated_module(program, rig, simulated, seed, hold.module);
                Some(sim.map_err(|why| fail_open(why.into()))?)
            }
        };
        let wires = Wires::connect(rig, program, sim.as_deref(), hold.lease);
        let wires = wires.map_err(|why| fail_open(why.into()))?;
        let lines = Arc::new(wires.lines);
        let port = open_port(rig, &wires.port, wires.baud, &lines, journal).map_err(fail_open)?;
        let (inbox, messages) = channel();
        let reader = SerialReader::start(port.clone(), lines.clone(), journal.clone(), inbox.clone());
        let reader = reader.map_err(|why| {
            let why = format!("the reader thread could not be started: {why}");
            fail_open(why.into())
        })?;
        // A simulated module waits for its own scheduler as well; on a bench the user can do something about it.
        if let (Some(refused), Link::Bench(_)) = (reader.refused(), &rig.link) {
            tracing::warn!("{refused}");
            let text = refused.to_string();
            journal.post(Event::Note { text });
        }
        let servers = Servers {
            http: http(rig, clock, journal, &inbox).map_err(|why| fail(Probe::Http, why.into()))?,
            coap: coap(rig, seed, clock, journal, &inbox, reader.cutter())
                .map_err(|why| fail(Probe::Coap, why.into()))?,
        };
        let wiring = Wiring {
            port,
            lines: lines.clone(),
            timing: wires.timing,
        };
        let mut module = Dut::new(wiring, reader, messages, clock, journal.clone());
        module.access = Access {
            apn: rig.network.apn.clone(),
            pin: rig.network.pin.clone(),
        };
        Ok(Self {
            module,
            lines,
            inbox,
            servers,
            reflash: reflash(rig, sim.as_deref()),
            _sim: sim,
        })
    }
}

impl Drop for OpenRig {
    fn drop(&mut self) {
        // While the module is still there: servers that hold the lines end later than the simulated one.
        if let Err(error) = self.lines.retire() {
            tracing::error!("the rig could not be made safe: {error}");
        }
    }
}

/// A rig cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum RigUnavailable {
    #[error("no runtime for the servers: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Rig(OpenRigError),
}

/// The result of the work, and whether the lines are in their safe state after it.
pub struct RigWork<T> {
    pub result: T,
    pub safe: Result<(), LineError>,
}

/// Opens a rig, works with it, and leaves it in its safe state. Signals do the same meanwhile.
pub fn with_rig<T>(
    rig: &Rig,
    hold: RigHold<'_>,
    seed: u64,
    clock: Clock,
    journal: &Journal,
    signalled: Signalled,
    work: impl FnOnce(&mut OpenRig) -> T,
) -> Result<RigWork<T>, RigUnavailable> {
    let runtime = runtime().map_err(RigUnavailable::Runtime)?;
    let _within = runtime.enter();
    let opened = OpenRig::open(rig, hold, &program::running(), seed, clock, journal);
    let mut open = opened.map_err(RigUnavailable::Rig)?;
    signals::install_handlers(&runtime, open.inbox.clone(), &open.lines, signalled);
    let result = work(&mut open);
    let safe = open.lines.safe();
    Ok(RigWork { result, safe })
}

/// Opens the port. One that is not there while the supply is off may be that of an adapter which the supply feeds: it is
/// switched on, and waited for as long as in a run.
fn open_port(
    rig: &Rig,
    address: &Address,
    baud: u32,
    lines: &RigLines,
    journal: &Journal,
) -> Result<Port, BoxedError> {
    let absent = matches!(address, Address::Device(path) if !path.exists());
    let off = matches!(&rig.link, Link::Bench(bench) if bench.power.safe == Safe::Off);
    let why = match Port::at(address, baud) {
        Err(why) if absent && off => why,
        opened => return Ok(opened?),
    };
    let text = format!("{why}; switching the supply on, since it may feed the adapter");
    tracing::info!("{text}");
    journal.post(Event::Note { text });
    let began = Instant::now();
    lines.set(Line::Power, true)?;
    lines.isolate(false)?;
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
            Err(why) => {
                let waited = humantime::format_duration(COMES_BACK);
                return Err(format!(
                    "{why}; it did not appear within {waited} of switching the supply on either"
                )
                .into());
            }
        }
    }
}

/// The module that is kept, or a new one. One that has ended is not replaced: a real module does not come back as another one.
fn simulated_module(
    program: &Path,
    rig: &Rig,
    simulated: &Simulated,
    seed: u64,
    kept: Option<&KeptModule>,
) -> Result<Arc<SimProcess>, StartError> {
    if let Some(module) = kept.and_then(OnceCell::get) {
        return Ok(Arc::clone(module));
    }
    let started = Arc::new(SimProcess::start(program, rig, simulated, seed)?);
    Ok(match kept {
        Some(kept) => Arc::clone(kept.get_or_init(|| started)),
        None => started,
    })
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

/// Where a server listens: where the rig file says, or on the loopback for a simulated module.
fn listen(server: Option<&Server>, link: &Link) -> Option<SocketAddr> {
    match (server, link) {
        (Some(server), _) => Some(server.listen),
        (None, Link::Simulated(_)) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        (None, Link::Bench(_)) => None,
    }
}

/// The base of a server's URLs.
fn base(server: Option<&Server>, scheme: &str, addr: SocketAddr) -> String {
    server.map_or_else(|| format!("{scheme}://{addr}"), |server| server.advertise.clone())
}

fn http(
    rig: &Rig,
    clock: Clock,
    journal: &Journal,
    inbox: &Sender<BenchMessage>,
) -> std::io::Result<Option<AdvertisedServer<HttpServer>>> {
    let configured = rig.network.http.as_ref();
    let Some(listen) = listen(configured, &rig.link) else {
        return Ok(None);
    };
    let (journal, inbox) = (journal.clone(), inbox.clone());
    let server = HttpServer::bind(listen, clock, move |request| {
        journal.post(Event::Request(request.clone()));
        if request.ours {
            let _ = inbox.send(BenchMessage::Request(request));
        }
    })?;
    let base = base(configured, "http", server.addr());
    Ok(Some(AdvertisedServer { server, base }))
}

fn coap(
    rig: &Rig,
    seed: u64,
    clock: Clock,
    journal: &Journal,
    inbox: &Sender<BenchMessage>,
    cutter: Cutter,
) -> std::io::Result<Option<AdvertisedServer<Arc<CoapServer>>>> {
    let configured = rig.network.coap.as_ref();
    let Some(listen) = listen(configured, &rig.link) else {
        return Ok(None);
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
    })?;
    let base = base(configured, "coap", server.addr());
    let server = Arc::new(server);
    Ok(Some(AdvertisedServer { server, base }))
}
