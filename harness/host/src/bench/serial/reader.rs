//! The reader thread: byte → line → URC → armed cut? → supply, in one place.
//!
//! Nothing between the byte and the line of the supply allocates, hops to another thread or takes a lock that anyone holds
//! for long: the armed cut and the lines are behind mutexes that the runner takes for an instant, never while this thread
//! is about to fire. Everything else of a read, also of the lines before the moment, goes to the journal and to the runner
//! afterwards.

use super::port::Port;
use super::timespec;
use super::written::Written;
use crate::bench::line::LineError;
use crate::bench::lines::RigLines;
use dfota_clock::priority::PriorityRefused;
use dfota_core::cut::{Cut, CutKind};
use dfota_core::event::watched::{Gap, Watched};
use dfota_core::event::{Event, Line};
use dfota_core::lexer::{Lexer, LexerToken};
use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use dfota_core::urc::Urc;
use dfota_record::journal::Journal;
use dfota_servers::coap::CoapEvent;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the runner hears, in the order in which it happened.
#[derive(Debug)]
pub enum BenchMessage {
    /// A line from the module.
    Line {
        /// Its bytes, without the line end.
        text: Vec<u8>,
        /// What it says unasked, if it does.
        urc: Option<Urc>,
        /// When its last byte had been read.
        at: Instant,
    },
    /// The prompt of data mode.
    Prompt {
        /// When it had been read.
        at: Instant,
    },
    /// The armed cut was made.
    Cut(CutInstants),
    /// Everything that could be read when [`SerialReader::drain`] was called has been handed over.
    Drained {
        /// Bytes read since the reader started.
        bytes: u64,
        /// Those of a line that has not ended.
        partial: Vec<u8>,
    },
    Lost(String),
    /// The port is there again.
    Back,
    /// One of the servers answered a request for a package of this case.
    Request(dfota_core::event::Request),
    /// The CoAP file server saw that the module has so much of the package.
    Served(Percent),
    /// Something happened at the LwM2M server.
    Lwm2m(CoapEvent),
    /// The run is to end.
    Interrupt,
}

/// A cut that was made, with the times of its parts.
#[derive(Debug)]
pub struct CutInstants {
    pub cut: Cut,
    /// When the last byte of its moment had been read.
    pub trigger: Instant,
    /// When the cut was due: that, and its delay.
    pub due: Instant,
    /// When the line was commanded.
    pub commanded: Instant,
    /// When the command had returned.
    pub returned: Instant,
    /// What the driver said.
    pub result: Result<(), LineError>,
}

/// A cut that waits for its moment.
#[derive(Debug, Clone)]
pub struct Armed {
    pub cut: Cut,
    /// Its delay in real time.
    pub after: Duration,
}

#[derive(Debug, Default)]
enum Trigger {
    #[default]
    None,
    Armed(Armed),
    Due {
        armed: Armed,
        trigger: Instant,
        at: Instant,
    },
}

#[derive(Debug)]
struct Shared {
    trigger: Mutex<Trigger>,
    wake: OwnedFd,
    /// Lines of the present case.
    written: Written,
    /// The share of the package that was told last.
    served: AtomicU8,
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    drain: bool,
    stop: bool,
    /// The port is to be closed until this is gone; it is told when it is.
    lent: Option<SyncSender<()>>,
}

/// The reader thread, from outside. It ends when this is dropped.
#[derive(Debug)]
pub struct SerialReader {
    cutter: Cutter,
    shared: Arc<Shared>,
    refused: Option<PriorityRefused>,
    thread: Option<JoinHandle<()>>,
}

/// Makes the armed cut where a server sees its moment: over CoAP the module prints no DOWNLOADING.
#[derive(Debug, Clone)]
pub struct Cutter {
    shared: Arc<Shared>,
    lines: Arc<RigLines>,
    journal: Journal,
    runner: Sender<BenchMessage>,
}

impl Cutter {
    /// The module has so much of the package.
    pub fn served(&self, percent: Percent) {
        let due = trip(
            &self.shared.trigger,
            |moment| moment.reached_by_download(percent),
            Instant::now(),
        );
        let made = due.map(|(armed, trigger)| cut(&armed.cut, trigger, trigger, &self.lines));
        if self.shared.served.swap(percent.get(), Ordering::Relaxed) != percent.get() {
            self.journal.watched(Watched::Served { percent });
        }
        let _ = self.runner.send(BenchMessage::Served(percent));
        if let Some(made) = made {
            tell(made, &self.journal, &self.runner);
        }
        // A cut with a delay is made by the reader thread, which has to know of it.
        self.shared.wake();
    }
}

impl SerialReader {
    /// Starts reading `port`; `lines` are what a cut moves.
    pub fn start(
        port: Port,
        lines: Arc<RigLines>,
        journal: Journal,
        runner: Sender<BenchMessage>,
    ) -> std::io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let shared = Arc::new(Shared {
            trigger: Mutex::default(),
            wake,
            written: Written::default(),
            served: AtomicU8::default(),
            asked: Mutex::default(),
        });
        let cutter = Cutter {
            shared: shared.clone(),
            lines: lines.clone(),
            journal: journal.clone(),
            runner: runner.clone(),
        };
        let on_thread = OnThread {
            port,
            lines,
            journal,
            runner,
            shared: shared.clone(),
            lexer: Lexer::new(),
            bytes: 0,
        };
        let (goes_first, refused) = sync_channel(1);
        let thread = std::thread::Builder::new().name("reader".into()).spawn(move || {
            let _ = goes_first.send(dfota_clock::priority::set_real_time().err());
            on_thread.run();
        })?;
        Ok(Self {
            cutter,
            shared,
            refused: refused.recv().ok().flatten(),
            thread: Some(thread),
        })
    }

    /// What the system did not grant to the thread.
    pub fn refused(&self) -> Option<PriorityRefused> {
        self.refused
    }

    /// What makes the armed cut from elsewhere.
    pub fn cutter(&self) -> Cutter {
        self.cutter.clone()
    }

    /// Arms a cut. One at a time: it replaces one that is armed.
    pub fn arm(&self, armed: Armed) {
        *lock(&self.shared.trigger) = Trigger::Armed(armed);
    }

    /// Gives an armed cut back, if it has not been made.
    pub fn disarm(&self) -> Option<Cut> {
        match std::mem::take(&mut *lock(&self.shared.trigger)) {
            Trigger::None => None,
            Trigger::Armed(armed) | Trigger::Due { armed, .. } => Some(armed.cut),
        }
    }

    /// Whether the moment of the armed cut has been met and its delay runs.
    pub fn is_due(&self) -> bool {
        matches!(*lock(&self.shared.trigger), Trigger::Due { .. })
    }

    /// Whether a cut still waits for its moment.
    pub fn is_armed(&self) -> bool {
        matches!(*lock(&self.shared.trigger), Trigger::Armed(_))
    }

    /// Closes the port, so that another program can have it; whether that was done in time. [`Self::take_back`] ends it.
    pub fn lend(&self, limit: Duration) -> bool {
        let (closed, is_closed) = sync_channel(1);
        lock(&self.shared.asked).lent = Some(closed);
        self.shared.wake();
        is_closed.recv_timeout(limit).is_ok()
    }

    /// Has the port opened again.
    pub fn take_back(&self) {
        lock(&self.shared.asked).lent = None;
        self.shared.wake();
    }

    /// A case begins, or has ended: its lines are counted anew. Gives how many of those before were left out.
    pub fn count_anew(&self) -> u64 {
        self.shared.written.anew()
    }

    /// Asks the thread to read what is there and then to say [`BenchMessage::Drained`]. What was sent before the call is told
    /// before that message.
    pub fn drain(&self) {
        lock(&self.shared.asked).drain = true;
        self.shared.wake();
    }
}

impl Shared {
    fn wake(&self) {
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

impl Drop for SerialReader {
    fn drop(&mut self) {
        lock(&self.shared.asked).stop = true;
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long to wait between two attempts to open a port that has gone.
pub const REOPEN: Duration = Duration::from_millis(100);

struct OnThread {
    port: Port,
    lines: Arc<RigLines>,
    journal: Journal,
    runner: Sender<BenchMessage>,
    shared: Arc<Shared>,
    lexer: Lexer,
    bytes: u64,
}

impl OnThread {
    fn run(mut self) {
        // A timer may be late by this much; the default of 50 µs would stand in every delayed cut.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        let mut device = self.port.device();
        let mut buffer = [0_u8; 4096];
        loop {
            if lock(&self.shared.asked).stop {
                return;
            }
            let lent = lock(&self.shared.asked).lent.clone();
            if let Some(closed) = lent {
                device = self.lent(device, &closed);
                continue;
            }
            let wait = self.until_due();
            match self.ready(&device, wait) {
                Ok(true) => match rustix::io::read(&*device, &mut buffer) {
                    Ok(0) => device = self.lost(device, "the device was closed"),
                    Ok(n) => {
                        let at = Instant::now();
                        let full = n == buffer.len() && self.port.may_drop();
                        let n = self.port.decode(&mut buffer[..n]);
                        self.take(&buffer[..n], at, full);
                    }
                    Err(Errno::AGAIN | Errno::INTR) => {}
                    Err(error) => device = self.lost(device, &error.to_string()),
                },
                Ok(false) => {}
                Err(error) => device = self.lost(device, &error.to_string()),
            }
            self.fire_if_due();
            self.answer_drain(&device);
        }
    }

    /// Leaves the port to another program, until it is to be opened again.
    fn lent(&mut self, device: Arc<OwnedFd>, closed: &SyncSender<()>) -> Arc<OwnedFd> {
        drop(device);
        self.wait_while_lent(closed);
        self.lexer = Lexer::new();
        match self.port.reopen() {
            Ok(()) => self.port.device(),
            Err(error) => self.lost(self.port.device(), &error.to_string()),
        }
    }

    fn wait_while_lent(&mut self, closed: &SyncSender<()>) {
        if self.port.close().is_ok() {
            let _ = closed.try_send(());
        }
        loop {
            let asked = lock(&self.shared.asked);
            if asked.stop || asked.lent.is_none() {
                break;
            }
            drop(asked);
            let mut fds = [PollFd::new(&self.shared.wake, PollFlags::IN)];
            let _ = poll(&mut fds, None);
            let _ = rustix::io::read(&self.shared.wake, &mut [0_u8; 8]);
        }
    }

    /// Waits for a byte, a wake-up or the deadline of a delayed cut; whether there is something to read.
    fn ready(&self, device: &OwnedFd, wait: Option<Duration>) -> rustix::io::Result<bool> {
        let mut fds = [
            PollFd::new(device, PollFlags::IN),
            PollFd::new(&self.shared.wake, PollFlags::IN),
        ];
        match poll(&mut fds, wait.map(timespec).as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        if fds[1].revents().contains(PollFlags::IN) {
            let _ = rustix::io::read(&self.shared.wake, &mut [0_u8; 8]);
        }
        Ok(!fds[0].revents().is_empty())
    }

    /// Takes what one read gave. First of all the cut, wherever in it its moment stands; only then is anything of it escaped,
    /// written down or told, in the order in which it was said.
    fn take(&mut self, bytes: &[u8], at: Instant, full: bool) {
        self.bytes += bytes.len() as u64;
        let mut made = self.cut_if_met(bytes, at);
        if full {
            let bytes = bytes.len() as u64;
            self.journal.post_at(at, Event::Gap(Gap::ReaderBehind { bytes }));
        }
        let mut late = None;
        for (n, &byte) in bytes.iter().enumerate() {
            match self.lexer.push(byte) {
                None => continue,
                Some(LexerToken::Prompt) => {
                    self.journal.post_at(at, Event::Prompt);
                    let _ = self.runner.send(BenchMessage::Prompt { at });
                }
                Some(LexerToken::Line(line)) => {
                    let urc = Urc::parse(line);
                    if self.shared.written.takes(urc, &self.journal) {
                        self.journal.post_at(
                            at,
                            Event::Rx {
                                text: dfota_core::escape::readable(line),
                                partial: false,
                            },
                        );
                    }
                    let text = line.to_vec();
                    let _ = self.runner.send(BenchMessage::Line { text, urc, at });
                }
            }
            if let Some((_, made)) = made.take_if(|(end, _)| *end == n) {
                tell(made, &self.journal, &self.runner);
            }
            // A cut with a delay waits for no line either, but for those that were read before it.
            late = late.or_else(|| self.cut_if_due());
        }
        if let Some(late) = late {
            tell(late, &self.journal, &self.runner);
        }
    }

    /// Looks ahead for the moment of the armed cut and makes the cut; tells at which byte the moment was complete. Nothing
    /// here allocates.
    fn cut_if_met(&self, bytes: &[u8], at: Instant) -> Option<(usize, CutInstants)> {
        if !matches!(*lock(&self.shared.trigger), Trigger::Armed(_)) {
            return None;
        }
        let mut ahead = self.lexer.clone();
        bytes.iter().enumerate().find_map(|(n, &byte)| {
            let Some(LexerToken::Line(line)) = ahead.push(byte) else {
                return None;
            };
            let urc = Urc::parse(line)?;
            let (armed, trigger) = trip(&self.shared.trigger, |moment| moment.matches(&urc), at)?;
            Some((n, cut(&armed.cut, trigger, trigger, &self.lines)))
        })
    }

    fn until_due(&self) -> Option<Duration> {
        match &*lock(&self.shared.trigger) {
            Trigger::Due { at, .. } => Some(at.saturating_duration_since(Instant::now())),
            Trigger::None | Trigger::Armed(_) => None,
        }
    }

    fn fire_if_due(&mut self) {
        if let Some(made) = self.cut_if_due() {
            tell(made, &self.journal, &self.runner);
        }
    }

    fn cut_if_due(&self) -> Option<CutInstants> {
        let due = {
            let mut trigger = lock(&self.shared.trigger);
            match &*trigger {
                Trigger::Due { at, .. } if *at <= Instant::now() => std::mem::take(&mut *trigger),
                _ => return None,
            }
        };
        match due {
            Trigger::Due { armed, trigger, at } => Some(cut(&armed.cut, trigger, at, &self.lines)),
            Trigger::None | Trigger::Armed(_) => None,
        }
    }

    /// Says that everything is told, once nothing can be read any more.
    fn answer_drain(&mut self, device: &OwnedFd) {
        if !lock(&self.shared.asked).drain {
            return;
        }
        let mut fds = [PollFd::new(device, PollFlags::IN)];
        let more = poll(&mut fds, Some(&timespec(Duration::ZERO))).is_ok_and(|n| n > 0);
        if more && fds[0].revents().contains(PollFlags::IN) {
            // The next turn reads it and comes back here.
            return;
        }
        lock(&self.shared.asked).drain = false;
        self.drained();
    }

    fn drained(&mut self) {
        let (bytes, partial) = (self.bytes, self.torn());
        let _ = self.runner.send(BenchMessage::Drained { bytes, partial });
    }

    /// Writes down what there is of a line that does not end any more.
    fn torn(&mut self) -> Vec<u8> {
        let partial = self.lexer.take_partial().unwrap_or_default().to_vec();
        if !partial.is_empty() {
            self.journal.post(Event::Rx {
                text: dfota_core::escape::readable(&partial),
                partial: true,
            });
        }
        partial
    }

    /// Waits until the port can be opened again, or the reader is to stop. Meanwhile it answers as ever.
    fn lost(&mut self, device: Arc<OwnedFd>, why: &str) -> Arc<OwnedFd> {
        // The system gives the same name again only to a device that nobody has open any more.
        drop(device);
        let _ = self.port.close();
        let why = format!("serial port `{}` failed: {why}", self.port.address());
        self.torn();
        self.journal.post(Event::Gap(Gap::PortLost { why: why.clone() }));
        let _ = self.runner.send(BenchMessage::Lost(why));
        loop {
            let asked = lock(&self.shared.asked);
            let (stop, lent) = (asked.stop, asked.lent.clone());
            drop(asked);
            if stop {
                return self.port.device();
            }
            if let Some(closed) = lent {
                self.wait_while_lent(&closed);
            }
            self.fire_if_due();
            if std::mem::take(&mut lock(&self.shared.asked).drain) {
                self.drained();
            }
            let wait = self.until_due().unwrap_or(REOPEN).min(REOPEN);
            let mut fds = [PollFd::new(&self.shared.wake, PollFlags::IN)];
            let _ = poll(&mut fds, Some(&timespec(wait)));
            // Without this a wake-up would end every wait from then on, and a real-time thread would never sleep.
            let _ = rustix::io::read(&self.shared.wake, &mut [0_u8; 8]);
            if self.port.reopen().is_ok() {
                self.lexer = Lexer::new();
                self.journal.post(Event::Gap(Gap::PortBack));
                let _ = self.runner.send(BenchMessage::Back);
                return self.port.device();
            }
        }
    }
}

/// Whether this is the moment that the armed cut waits for, and the cut is due at once. A cut with a delay becomes due later.
fn trip(trigger: &Mutex<Trigger>, met: impl Fn(Moment) -> bool, at: Instant) -> Option<(Armed, Instant)> {
    let mut trigger = lock(trigger);
    match &*trigger {
        Trigger::Armed(armed) if met(armed.cut.at) => {}
        _ => return None,
    }
    let Trigger::Armed(armed) = std::mem::take(&mut *trigger) else {
        return None;
    };
    if armed.after.is_zero() {
        return Some((armed, at));
    }
    let due = at + armed.after;
    *trigger = Trigger::Due {
        armed,
        trigger: at,
        at: due,
    };
    None
}

/// Writes a cut down and hands it to the runner.
fn tell(made: CutInstants, journal: &Journal, runner: &Sender<BenchMessage>) {
    for line in moved(made.cut.kind) {
        let took_ns = made.returned.duration_since(made.commanded).as_nanos() as u64;
        journal.post_at(
            made.commanded,
            Event::Line {
                line: *line,
                active: *line == Line::Reset,
                took_ns,
            },
        );
    }
    let _ = runner.send(BenchMessage::Cut(made));
}

/// The lines that a kind of cut moves, in the order it moves them.
pub fn moved(kind: CutKind) -> &'static [Line] {
    match kind {
        CutKind::Power => &[Line::Power],
        CutKind::Reset => &[Line::Reset],
        CutKind::Both => &[Line::Power, Line::Reset],
    }
}

/// Makes a cut now: the supply off, reset asserted, or both.
pub fn cut(cut: &Cut, trigger: Instant, due: Instant, lines: &RigLines) -> CutInstants {
    let commanded = Instant::now();
    let mut result = Ok(());
    for line in moved(cut.kind) {
        result = result.and(lines.set(*line, *line == Line::Reset));
    }
    let returned = Instant::now();
    if cut.kind != CutKind::Reset {
        result = result.and(lines.isolate(true));
    }
    CutInstants {
        cut: cut.clone(),
        trigger,
        due,
        commanded,
        returned,
        result,
    }
}
