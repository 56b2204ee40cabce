//! The serial port through real ptys: what is lost, what comes back, and that a cut needs no runner.

use dfota_clock::Clock;
use dfota_core::cut::{Cut, CutKind};
use dfota_core::event::Record;
use dfota_core::urc::Urc;
use dfota_hil::bench::line::{LineError, OutputLine};
use dfota_hil::bench::lines::RigLines;
use dfota_hil::bench::serial::message::BenchMessage;
use dfota_hil::bench::serial::port::Port;
use dfota_hil::bench::serial::reader::SerialReader;
use dfota_hil::bench::serial::trigger::Armed;
use dfota_record::journal::{Journal, JournalWriter, Observer};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);

/// A line that tells where it was moved, and when.
struct Told(Sender<(bool, Instant)>);

impl OutputLine for Told {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        let _ = self.0.send((active, Instant::now()));
        Ok(())
    }
}

/// A line that tells where it is moved and does not return before it is let go.
struct Held {
    told: Sender<(bool, Instant)>,
    go: Receiver<()>,
}

impl OutputLine for Held {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        let _ = self.told.send((active, Instant::now()));
        let _ = self.go.recv_timeout(LIMIT);
        Ok(())
    }
}

struct Keep(Arc<Mutex<Vec<Record>>>);

impl Observer for Keep {
    fn on(&mut self, record: &Record) {
        self.0.lock().expect("records").push(record.clone());
    }
}

/// A pty, raw, both sides held open.
struct Pty {
    master: File,
    path: PathBuf,
    slave: OwnedFd,
}

impl Pty {
    fn new() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
        grantpt(&master).expect("grantpt");
        unlockpt(&master).expect("unlockpt");
        let path = PathBuf::from(
            ptsname(&master, Vec::new())
                .expect("ptsname")
                .to_string_lossy()
                .into_owned(),
        );
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let slave = rustix::fs::open(&path, flags, rustix::fs::Mode::empty()).expect("the other side");
        let mut raw = rustix::termios::tcgetattr(&slave).expect("tcgetattr");
        raw.make_raw();
        rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &raw).expect("tcsetattr");
        Self {
            master: File::from(master),
            path,
            slave,
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).expect("the module speaks");
    }
}

/// A reader on a port, everything it tells, and every move of the supply.
struct Set {
    reader: SerialReader,
    messages: Receiver<BenchMessage>,
    moves: Receiver<(bool, Instant)>,
    journal: Option<(Journal, JournalWriter)>,
    records: Arc<Mutex<Vec<Record>>>,
    _folder: tempfile::TempDir,
}

impl Set {
    fn on(path: &Path) -> Self {
        Self::moving(path, |told| Box::new(Told(told)))
    }

    fn moving(path: &Path, power: impl FnOnce(Sender<(bool, Instant)>) -> Box<dyn OutputLine>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (clock, records) = (Clock::system(), Arc::default());
        let (journal, writer) =
            JournalWriter::start(folder.path(), clock, Box::new(Keep(Arc::clone(&records))))
                .expect("a journal");
        let (told, moves) = channel();
        let lines = Arc::new(RigLines::new(power(told), None, None, false).unguarded());
        let (inbox, messages) = channel();
        let port = Port::open(path, 115_200).expect("the port");
        let reader = SerialReader::start(port, lines, journal.clone(), inbox).expect("the reader");
        Self {
            reader,
            messages,
            moves,
            journal: Some((journal, writer)),
            records,
            _folder: folder,
        }
    }

    fn next(&self, awaited: &str) -> BenchMessage {
        self.messages
            .recv_timeout(LIMIT)
            .unwrap_or_else(|_| panic!("awaited {awaited} for {LIMIT:?}"))
    }

    /// The next line's text.
    fn line(&self, awaited: &str) -> String {
        match self.next(awaited) {
            BenchMessage::Line { text, .. } => String::from_utf8_lossy(&text).into_owned(),
            other => panic!("awaited {awaited}, heard {other:?}"),
        }
    }

    /// Everything that was written down.
    fn records(mut self) -> Vec<Record> {
        drop(self.reader);
        if let Some((journal, writer)) = self.journal.take() {
            drop(journal);
            writer.finish().expect("the journal");
        }
        std::mem::take(&mut *self.records.lock().expect("records"))
    }
}

fn cut(at: &str, after: Duration) -> Armed {
    let cut = Cut {
        at: at.parse().expect("a moment"),
        after,
        off: Duration::from_secs(3),
        kind: CutKind::Power,
    };
    Armed { cut, after }
}

#[test]
fn a_device_that_is_enumerated_anew_is_opened_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("module");
    let mut first = Pty::new();
    symlink(&first.path, &link).expect("a link");
    let set = Set::on(&link);
    first.say(b"\r\nRDY\r\n");
    assert_eq!(set.line("RDY"), "RDY");
    // The adapter goes in the middle of a line and comes back under another number.
    first.say(b"\r\n+QIND: \"FO");
    std::fs::remove_file(&link).expect("the link");
    drop(first);
    assert!(matches!(set.next("the loss"), BenchMessage::Lost(why) if why.contains("module")));
    let mut second = Pty::new();
    symlink(&second.path, &link).expect("a link");
    assert!(matches!(set.next("the return"), BenchMessage::Back));
    second.say(b"\r\n+CFUN: 1\r\n");
    assert_eq!(
        set.line("+CFUN: 1"),
        "+CFUN: 1",
        "nothing of the torn line is glued to it"
    );
}

#[test]
fn a_port_belongs_to_one_program() {
    let pty = Pty::new();
    let _first = Port::open(&pty.path, 115_200).expect("the port");
    let second = Port::open(&pty.path, 115_200)
        .expect_err("it is locked")
        .to_string();
    assert!(second.contains("another program may hold it"), "{second}");
    let missing = Port::open(Path::new("/dev/serial/by-id/none"), 115_200)
        .expect_err("it is not there")
        .to_string();
    assert!(missing.contains("is the adapter plugged in?"), "{missing}");
}

#[test]
fn a_cut_is_made_before_its_line_is_told() {
    let mut pty = Pty::new();
    let set = Set::on(&pty.path);
    set.reader.arm(cut("updating 50%", Duration::ZERO));
    pty.say(b"\r\n+QIND: \"FOTA\",\"UPDATING\",49%,1,1\r\n");
    set.line("49 %");
    assert!(set.moves.try_recv().is_err(), "49 % is not the moment");
    pty.say(b"\r\n+QIND: \"FOTA\",\"UPDATING\",53%,1,1\r");
    let (active, _) = set
        .moves
        .recv_timeout(LIMIT)
        .expect("the supply moves on the last byte of the URC");
    assert!(!active);
    assert!(set.line("53 %").contains("53%"));
    assert!(
        matches!(set.next("the cut"), BenchMessage::Cut(made) if made.result.is_ok() && made.commanded >= made.trigger)
    );
    assert!(set.reader.disarm().is_none());
    let events: Vec<String> = set
        .records()
        .iter()
        .map(|record| format!("{:?}", record.event))
        .collect();
    assert!(
        events.last().is_some_and(|event| event.contains("Power")),
        "{events:?}"
    );
}

/// Ten lines and the moment in one read: the supply goes before anything of them is told or written down.
#[test]
fn a_cut_is_made_before_the_earlier_lines_of_the_same_read_are_told() {
    let mut pty = Pty::new();
    let (let_go, go) = channel();
    let set = Set::moving(&pty.path, |told| Box::new(Held { told, go }));
    let moved = |awaited: &str| set.moves.recv_timeout(LIMIT).expect(awaited);
    // The reader stands in its first cut until the burst is there as a whole.
    set.reader.arm(cut("updating 20%", Duration::ZERO));
    pty.say(b"\r\n+QIND: \"FOTA\",\"UPDATING\",20%,1,1\r");
    moved("the first cut");
    let burst: String = (41..=50)
        .map(|percent| format!("\r\n+QIND: \"FOTA\",\"UPDATING\",{percent}%,1,1\r\n"))
        .collect();
    pty.say(b"\n");
    pty.say(burst.as_bytes());
    let begun = Instant::now();
    while rustix::io::ioctl_fionread(&pty.slave).expect("the pty") < burst.len() as u64 + 1 {
        assert!(begun.elapsed() < LIMIT, "the burst did not get through the pty");
        std::thread::yield_now();
    }
    set.reader.arm(cut("updating 50%", Duration::ZERO));
    let_go.send(()).expect("the line waits");
    moved("the second cut");
    assert!(set.line("the first line").contains("20%"));
    assert!(matches!(set.next("the first cut"), BenchMessage::Cut(_)));
    let told = set.messages.try_recv();
    assert!(told.is_err(), "told before the supply went: {told:?}");
    let_go.send(()).expect("the line waits");
    for percent in 41..=50 {
        assert!(set.line("a line of the burst").contains(&format!("{percent}%")));
    }
    assert!(matches!(set.next("the second cut"), BenchMessage::Cut(_)));
    let events: Vec<_> = set.records().into_iter().map(|record| record.event).collect();
    let is_line = |event: &dfota_core::event::Event| matches!(event, dfota_core::event::Event::Line { .. });
    let edges: Vec<usize> = (0..events.len()).filter(|n| is_line(&events[*n])).collect();
    assert_eq!(
        edges,
        [1, 12],
        "each edge is written down behind its line: {events:?}"
    );
}

#[test]
fn a_delayed_cut_hears_what_is_said_meanwhile() {
    let mut pty = Pty::new();
    let set = Set::on(&pty.path);
    let after = Duration::from_millis(150);
    set.reader.arm(cut("start", after));
    pty.say(b"\r\n+QIND: \"FOTA\",\"START\"\r\n");
    set.line("START");
    assert!(set.reader.is_due());
    pty.say(b"\r\n+QIND: \"FOTA\",\"UPDATING\",20%,1,1\r\n");
    assert!(matches!(
        set.next("20 %"),
        BenchMessage::Line {
            urc: Some(Urc::Fota(_)),
            ..
        }
    ));
    let BenchMessage::Cut(made) = set.next("the cut") else {
        panic!("the cut comes next")
    };
    assert_eq!(made.due, made.trigger + after);
    assert!(made.commanded >= made.due, "never early");
}

#[test]
fn an_armed_cut_can_be_taken_back() {
    let mut pty = Pty::new();
    let set = Set::on(&pty.path);
    set.reader.arm(cut("end", Duration::ZERO));
    assert!(set.reader.is_armed());
    assert_eq!(
        set.reader.disarm().map(|cut| cut.to_string()),
        Some("end+0ms/power/3s".into())
    );
    pty.say(b"\r\n+QIND: \"FOTA\",\"END\",0\r\n");
    set.line("END");
    set.reader.drain();
    assert!(matches!(
        set.next("the end of what was said"),
        BenchMessage::Drained { .. }
    ));
    assert!(set.moves.try_recv().is_err());
}

#[test]
fn a_torn_line_is_evidence() {
    let mut pty = Pty::new();
    let set = Set::on(&pty.path);
    pty.say(b"\r\n+QIND: \"FOTA\",\"UPD");
    // The bytes are in the pty: a drain has to find them there.
    set.reader.drain();
    assert!(matches!(
        set.next("the end of what was said"),
        BenchMessage::Drained { bytes: 20, .. }
    ));
    let records = set.records();
    let torn = records.iter().any(|record| {
        matches!(&record.event, dfota_core::event::Event::Rx { text, partial: true } if text == "+QIND: \"FOTA\",\"UPD")
    });
    assert!(torn, "{records:?}");
}

/// A module that answers each line by a script, in order; what it was asked is told at the end.
fn answering(mut pty: Pty, script: Vec<(&'static str, &'static str)>) -> std::thread::JoinHandle<Pty> {
    use std::io::Read;
    std::thread::spawn(move || {
        for (expected, answer) in script {
            let (mut line, mut byte) = (Vec::new(), [0]);
            while byte != *b"\r" {
                pty.master.read_exact(&mut byte).expect("a command");
                line.push(byte[0]);
            }
            assert_eq!(String::from_utf8_lossy(&line).trim_end(), expected);
            pty.say(format!("\r\n{answer}\r\n").as_bytes());
        }
        // What is not read yet would be gone with the pty.
        pty
    })
}

#[test]
fn the_pin_is_entered_once_and_written_down_nowhere_and_the_apn_is_set() {
    use dfota_core::case::Limits;
    use dfota_hil::bench::wires::Timing;
    use dfota_hil::device::dut::{Access, Dut, Wiring};
    let pty = Pty::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (clock, records) = (Clock::system(), Arc::<Mutex<Vec<Record>>>::default());
    let keep = Box::new(Keep(Arc::clone(&records)));
    let (journal, writer) = JournalWriter::start(folder.path(), clock, keep).expect("a journal");
    let (told, _moves) = channel();
    let lines = Arc::new(RigLines::new(Box::new(Told(told)), None, None, false).unguarded());
    let (inbox, messages) = channel();
    let port = Port::open(&pty.path, 115_200).expect("the port");
    let reader =
        SerialReader::start(port.clone(), lines.clone(), journal.clone(), inbox).expect("the reader");
    let none = Duration::ZERO;
    let timing = Timing {
        discharge: none,
        latency: none,
        reset_hold: none,
        pwrkey_hold: none,
    };
    let mut module = Dut::new(Wiring { port, lines, timing }, reader, messages, clock, journal);
    module.access = Access {
        apn: Some("iot.example".into()),
        // Eight digits: four are found by chance in a chain of hashes.
        pin: Some("47119283".into()),
    };
    let answers = answering(
        pty,
        vec![
            ("AT+CPIN?", "+CPIN: SIM PIN\r\n\r\nOK"),
            ("AT+CPIN=\"47119283\"", "OK"),
            ("AT+QCGDEFCONT?", "+QCGDEFCONT: \"IP\",\"other\"\r\n\r\nOK"),
            ("AT+CFUN=0", "OK"),
            ("AT+QCGDEFCONT=\"IP\",\"iot.example\"", "OK"),
            ("AT+CFUN=1", "OK"),
            ("AT+CESQ", "+CESQ: 47,6,255,255,0,54\r\n\r\nOK"),
            ("AT+CEREG?", "+CEREG: 0,1\r\n\r\nOK"),
            ("AT+CGPADDR=1", "+CGPADDR:1,10.0.0.1\r\n\r\nOK"),
        ],
    );
    module.wait_for_network(&Limits::default()).expect("registered");
    answers.join().expect("the script was followed");
    drop(module);
    writer.finish().expect("the journal");
    let text = std::fs::read_to_string(folder.path().join("events.jsonl")).expect("the journal");
    assert!(text.contains("AT+CPIN=") && !text.contains("47119283"), "{text}");
}
