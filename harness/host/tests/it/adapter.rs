//! A serial adapter that goes and comes back, alone or with the supply that feeds it, under a module that has to be heard all
//! the same. The adapter is a pty behind a link; nobody has it any more when it has gone.

use dfota_clock::Clock;
use dfota_core::event::watched::Gap;
use dfota_core::event::{Event, Record, Request};
use dfota_core::lwm2m::{Operation, UpdateEnding};
use dfota_core::verdict::Rule;
use dfota_hil::bench::line::{LineError, OutputLine};
use dfota_hil::bench::lines::RigLines;
use dfota_hil::bench::serial::message::BenchMessage;
use dfota_hil::bench::serial::port::Port;
use dfota_hil::bench::serial::reader::SerialReader;
use dfota_hil::bench::wires::Timing;
use dfota_hil::device::dut::{COMES_BACK, Dut, Stop, Wiring};
use dfota_record::journal::{JournalWriter, Observer};
use dfota_servers::coap::CoapEvent;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than anything here takes, but for what is waited for to its end.
const LIMIT: Duration = Duration::from_secs(20);
/// From the supply to the adapter.
const ENUMERATED: Duration = Duration::from_millis(500);

/// The adapter, and the module behind it.
struct Adapter {
    link: PathBuf,
    plugged: Mutex<Option<(Arc<AtomicBool>, JoinHandle<()>)>>,
}

impl Adapter {
    /// Plugs it in; the module says `first` when it is there.
    fn plug(&self, first: &str) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
        grantpt(&master).expect("grantpt");
        unlockpt(&master).expect("unlockpt");
        let name = ptsname(&master, Vec::new()).expect("ptsname");
        let path = PathBuf::from(name.to_string_lossy().into_owned());
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let slave = rustix::fs::open(&path, flags, rustix::fs::Mode::empty()).expect("the other side");
        let mut raw = rustix::termios::tcgetattr(&slave).expect("tcgetattr");
        raw.make_raw();
        rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &raw).expect("tcsetattr");
        let gone = Arc::new(AtomicBool::new(false));
        let (end, first) = (gone.clone(), first.to_owned());
        let thread = std::thread::spawn(move || {
            serve(File::from(master), &first, &end);
            drop(slave);
        });
        *self.plugged.lock().expect("the adapter") = Some((gone, thread));
        symlink(&path, &self.link).expect("a link");
    }

    fn unplug(&self) {
        let Some((gone, thread)) = self.plugged.lock().expect("the adapter").take() else {
            return;
        };
        std::fs::remove_file(&self.link).expect("the link");
        gone.store(true, Ordering::SeqCst);
        thread.join().expect("the module");
    }
}

/// A module that answers OK to everything, and who it is. Its first word waits for a reader: a port that is opened throws away what
/// came before.
fn serve(mut master: File, first: &str, gone: &AtomicBool) {
    let tick = Timespec {
        tv_sec: 0,
        tv_nsec: 5_000_000,
    };
    let (mut line, mut said) = (Vec::new(), Instant::now());
    while !gone.load(Ordering::SeqCst) {
        if !first.is_empty() && said.elapsed() > Duration::from_millis(200) {
            said = Instant::now();
            let _ = master.write_all(format!("\r\n{first}\r\n").as_bytes());
        }
        let mut fds = [PollFd::new(&master, PollFlags::IN)];
        if poll(&mut fds, Some(&tick)).is_ok_and(|n| n == 0) {
            continue;
        }
        let mut byte = [0];
        if master.read_exact(&mut byte).is_err() {
            return;
        }
        line.push(byte[0]);
        if byte == *b"\r" {
            let answer = match line.trim_ascii() {
                b"ATI" => "\r\nQuectel_Ltd\r\nQuectel_BC66\r\nRevision: BC66NBR01A06\r\n\r\nOK\r\n",
                _ => "\r\nOK\r\n",
            };
            line.clear();
            let _ = master.write_all(answer.as_bytes());
        }
    }
}

/// A supply that feeds the adapter too, or does not.
struct Supply {
    adapter: Arc<Adapter>,
    feeds: bool,
}

impl OutputLine for Supply {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        match (self.feeds, active) {
            (true, true) => {
                let adapter = self.adapter.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(ENUMERATED);
                    adapter.plug("RDY");
                });
            }
            (true, false) => self.adapter.unplug(),
            (false, _) => {}
        }
        Ok(())
    }
}

struct Keep(Arc<Mutex<Vec<Record>>>);

impl Observer for Keep {
    fn on(&mut self, record: &Record) {
        self.0.lock().expect("records").push(record.clone());
    }
}

/// The module as the harness has it, and everything around it.
struct Set {
    module: Option<Dut>,
    inbox: Sender<BenchMessage>,
    adapter: Arc<Adapter>,
    records: Arc<Mutex<Vec<Record>>>,
    writer: Option<JournalWriter>,
    folder: tempfile::TempDir,
}

impl Set {
    fn new(feeds: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let adapter = Arc::new(Adapter {
            link: folder.path().join("adapter"),
            plugged: Mutex::default(),
        });
        adapter.plug("");
        let (clock, records) = (Clock::system(), Arc::default());
        let keep = Box::new(Keep(Arc::clone(&records)));
        let (journal, writer) = JournalWriter::start(folder.path(), clock, keep).expect("a journal");
        let power = Supply {
            adapter: adapter.clone(),
            feeds,
        };
        let lines = Arc::new(RigLines::new(Box::new(power), None, None, false).unguarded());
        let (inbox, messages) = channel();
        let port = Port::open(&adapter.link, 115_200).expect("the port");
        let reader = SerialReader::start(port.clone(), lines.clone(), journal.clone(), inbox.clone());
        let timing = Timing {
            discharge: Duration::from_millis(100),
            latency: Duration::ZERO,
            reset_hold: Duration::ZERO,
            pwrkey_hold: Duration::ZERO,
        };
        let reader = reader.expect("the reader");
        let module = Dut::new(Wiring { port, lines, timing }, reader, messages, clock, journal);
        Self {
            module: Some(module),
            inbox,
            adapter,
            records,
            writer: Some(writer),
            folder,
        }
    }

    fn module(&mut self) -> &mut Dut {
        self.module.as_mut().expect("the module")
    }

    /// Takes the adapter away and has the harness notice.
    fn unplug(&mut self) {
        self.adapter.unplug();
        let gone = self.module().wait(LIMIT, |module| !module.hears());
        assert!(gone.expect("nothing stops it"), "the loss is noticed");
    }

    /// Plugs it in again some time later, from a thread of its own.
    fn plug_later(&self, later: Duration) {
        let adapter = self.adapter.clone();
        std::thread::spawn(move || {
            std::thread::sleep(later);
            adapter.plug("");
        });
    }

    /// Everything that was written down.
    fn events(mut self) -> Vec<Event> {
        drop(self.module.take());
        self.adapter.unplug();
        self.writer
            .take()
            .expect("a writer")
            .finish()
            .expect("the journal");
        drop(self.folder);
        let records = std::mem::take(&mut *self.records.lock().expect("records"));
        records.into_iter().map(|record| record.event).collect()
    }
}

fn request() -> BenchMessage {
    BenchMessage::Request(Request {
        ours: true,
        ..Request::default()
    })
}

/// The supply is off for longer than a port may be away, and nobody minds.
#[test]
fn an_adapter_that_is_fed_by_the_supply_is_back_after_it() {
    let mut set = Set::new(true);
    let module = set.module();
    module
        .power_off()
        .expect("it falls silent, and so does the adapter");
    assert!(!module.hears());
    module
        .pause(COMES_BACK + Duration::from_millis(500))
        .expect("nobody waits for it");
    module.write(b"AT\r").expect("there is nobody to write to");
    let on = Instant::now();
    module.power_on().expect("the supply comes");
    assert!(module.awake.missed, "what it says now is not heard");
    assert!(
        module.boot(LIMIT).expect("it boots"),
        "RDY comes when the adapter is there"
    );
    assert!(on.elapsed() >= ENUMERATED && module.hears());
    let identity = module
        .identify(LIMIT)
        .expect("nothing stops it")
        .expect("it answers");
    assert_eq!(identity.version.to_string(), "BC66NBR01A06");
    let gaps: Vec<bool> = set.events().iter().filter_map(of_gap).collect();
    assert_eq!(gaps, [true, false]);
}

/// Whether a port was lost; nothing for other events.
fn of_gap(event: &Event) -> Option<bool> {
    match event {
        Event::Gap(Gap::PortLost { .. }) => Some(true),
        Event::Gap(Gap::PortBack) => Some(false),
        _ => None,
    }
}

#[test]
fn what_happens_while_the_port_is_away_is_not_dropped() {
    let mut set = Set::new(false);
    set.unplug();
    let ended = CoapEvent::Ended {
        endpoint: "e".into(),
        ending: UpdateEnding::Unanswered(Operation::Execute),
    };
    for message in [request(), BenchMessage::Lwm2m(ended), request()] {
        set.inbox.send(message).expect("somebody listens");
    }
    set.plug_later(Duration::from_millis(300));
    let module = set.module();
    let back = module.wait(LIMIT, |module| module.hears());
    assert!(back.expect("nothing stops it"));
    assert_eq!(
        (module.watch.requests.len(), module.watch.object_ended),
        (2, true)
    );
}

#[test]
fn a_port_that_is_away_is_written_to_when_it_is_back() {
    let mut set = Set::new(false);
    set.unplug();
    set.plug_later(Duration::from_millis(300));
    let module = set.module();
    let answer = module.try_command("AT", LIMIT).expect("nothing stops it");
    assert!(answer.is_some_and(|answer| answer.end.is_ok()));
    // Nobody has noticed yet that it has gone: writing does.
    set.adapter.unplug();
    set.plug_later(Duration::from_millis(300));
    let module = set.module();
    let answer = module.try_command("AT", LIMIT).expect("nothing stops it");
    assert!(answer.is_some_and(|answer| answer.end.is_ok()));
}

#[test]
fn the_reader_answers_while_the_port_is_away() {
    let mut set = Set::new(false);
    set.unplug();
    let asked = Instant::now();
    set.module().drain().expect("it answers");
    assert!(asked.elapsed() < COMES_BACK / 2, "{:?}", asked.elapsed());
    assert!(
        set.module().reader.lend(LIMIT),
        "it is given up where there is nothing to give"
    );
    set.module().reader.take_back();
    set.adapter.plug("");
    let back = set.module().wait(LIMIT, |module| module.hears());
    assert!(back.expect("nothing stops it"));
}

/// With the supply on, ten seconds are enough for any adapter. The next power cycle gives it another chance.
#[test]
fn a_port_that_stays_away_is_lost_by_name() {
    let mut set = Set::new(false);
    set.module().power_on().expect("the supply comes");
    set.unplug();
    let gone = Instant::now();
    let stop = set.module().pause(LIMIT).expect_err("it stays away");
    let Stop::Rule(Rule::SerialLost, sentence) = stop else {
        panic!("{stop}");
    };
    assert!(
        sentence.contains("adapter") && sentence.ends_with("within 10s"),
        "{sentence}"
    );
    let took = gone.elapsed();
    assert!(
        took + Duration::from_millis(100) >= COMES_BACK && took < LIMIT,
        "{took:?}"
    );
    set.plug_later(Duration::from_millis(300));
    let module = set.module();
    module.cycle().expect("the supply goes and comes");
    let answer = module.try_command("AT", LIMIT).expect("nothing stops it");
    assert!(answer.is_some_and(|answer| answer.end.is_ok()));
}
