//! The module on the rig (the DUT, device under test): its supply, its AT dialogue and everything it says, for procedures that
//! read from top to bottom like a lab sheet.
//!
//! Everything arrives in one inbox, in order. [`Dut::next`] takes one message, brings the [`UpdateWatch`] up to date and gives the
//! message to the procedure that waits. [`supply`] moves the lines, [`dialogue`] talks AT.

mod awake;
pub mod dialogue;
pub mod measures;
mod port_presence;
pub mod supply;
mod watch;

pub use self::awake::Awake;
use self::measures::Measures;
pub use self::port_presence::COMES_BACK;
use self::port_presence::PortPresence;
use self::supply::SupplyLines;
pub use self::watch::{UpdateSeen, UpdateWatch};
use crate::bench::lines::RigLines;
use crate::bench::serial::message::{BenchMessage, CutInstants};
use crate::bench::serial::port::Port;
use crate::bench::serial::reader::SerialReader;
use crate::bench::wires::Timing;
use dfota_clock::Clock;
use dfota_core::cut::CutKind;
use dfota_core::moment::Moment;
use dfota_core::rig_check::overheard::Overheard;
use dfota_core::update::UpdateInput;
use dfota_core::urc::{Fota, Urc};
use dfota_core::verdict::Rule;
use dfota_record::journal::Journal;
use dfota_servers::coap::CoapEvent;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long the reader thread may take to answer [`Dut::drain`], in real time.
const DRAIN: Duration = Duration::from_secs(10);

/// Why a procedure cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    #[error("the run was interrupted")]
    Interrupted,
    /// The update has not ended within the bound that follows from the limits of its case.
    #[error("the time limit of the case was reached")]
    Unbounded,
    /// The case ends with this rule.
    #[error("{0}: {1}")]
    Rule(Rule, String),
}

impl Stop {
    pub fn rule(rule: Rule, sentence: impl Into<String>) -> Self {
        Self::Rule(rule, sentence.into())
    }
}

/// How the module gets onto the network.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub apn: Option<String>,
    pub pin: Option<String>,
}

/// What [`Dut::next`] gives to the procedure that waits.
#[derive(Debug)]
pub enum Received {
    /// A line and when it had been read. A URC is taken into account already.
    Line { text: Vec<u8>, at: Instant },
    /// The prompt of data mode and when it had been read.
    Prompt { at: Instant },
    /// The answer to [`Dut::drain`]: bytes read since the reader started.
    Drained { bytes: u64 },
    /// Something else has changed: a cut was made, a request served, the port is back.
    Change,
}

/// What connects this machine with the module.
#[derive(Debug)]
pub struct Wiring {
    pub port: Port,
    pub lines: Arc<RigLines>,
    pub timing: Timing,
}

/// What the reader thread and the servers send, and what the module's bytes sounded like.
#[derive(Debug)]
struct DutInbox {
    messages: Receiver<BenchMessage>,
    /// Since [`Dut::overhear`] was last called.
    overheard: Overheard,
    /// Bytes read until then.
    counted: u64,
}

/// The module on the rig.
#[derive(Debug)]
pub struct Dut {
    pub clock: Clock,
    pub journal: Journal,
    /// Arms cuts.
    pub reader: SerialReader,
    port: Port,
    presence: PortPresence,
    supply: SupplyLines,
    inbox: DutInbox,
    pub access: Access,
    /// What the module has said since its supply came.
    pub awake: Awake,
    pub watch: UpdateWatch,
    pub measures: Measures,
    /// It was noted that the module is silent after a boot until it is sent something.
    pub(super) autobauding_noted: bool,
}

impl Dut {
    /// A module that is in an unknown state.
    pub fn new(
        wiring: Wiring,
        reader: SerialReader,
        messages: Receiver<BenchMessage>,
        clock: Clock,
        journal: Journal,
    ) -> Self {
        Self {
            clock,
            journal,
            reader,
            port: wiring.port,
            presence: PortPresence::default(),
            supply: SupplyLines::new(wiring.lines, wiring.timing),
            inbox: DutInbox {
                messages,
                overheard: Overheard::default(),
                counted: 0,
            },
            access: Access::default(),
            awake: Awake::default(),
            watch: UpdateWatch::default(),
            measures: Measures::default(),
            autobauding_noted: false,
        }
    }

    /// The next message, or `None` when `deadline` comes first.
    pub fn next(&mut self, deadline: Instant) -> Result<Option<Received>, Stop> {
        self.watch.within_bound()?;
        let port = self.presence.deadline();
        let until = port.map_or(deadline, |back| back.min(deadline));
        let wait = until.saturating_duration_since(Instant::now());
        match self.inbox.messages.recv_timeout(wait) {
            Ok(message) => self.take(message).map(Some),
            Err(RecvTimeoutError::Timeout) => {
                let overdue = self.presence.overdue(Instant::now());
                overdue.map_or(Ok(None), Err)
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(Stop::rule(Rule::HarnessFailed, "the reader thread has ended"))
            }
        }
    }

    fn take(&mut self, message: BenchMessage) -> Result<Received, Stop> {
        match message {
            BenchMessage::Interrupt => return Err(Stop::Interrupted),
            BenchMessage::Lost(why) => {
                self.awake.missed = true;
                self.presence.lost(why, Instant::now());
            }
            BenchMessage::Back => {
                self.awake.back_at = Some(Instant::now());
                self.presence.back();
            }
            BenchMessage::Request(request) => {
                let sent = request.first..request.first + request.sent;
                self.measures.sent.push(sent);
                self.watch.requests.push(request);
            }
            BenchMessage::Served(percent) => {
                self.came(Moment::Downloading(percent), Instant::now());
                self.watch.on(UpdateInput::Served(percent));
            }
            BenchMessage::Lwm2m(happening) => {
                self.watch.object_ended |= matches!(happening, CoapEvent::Ended { .. });
            }
            BenchMessage::Cut(made) => self.was_cut(made),
            BenchMessage::Prompt { at } => return Ok(Received::Prompt { at }),
            BenchMessage::Drained { bytes, partial } => {
                self.inbox.overheard.fragment(&partial);
                return Ok(Received::Drained { bytes });
            }
            BenchMessage::Line { text, urc, at } => {
                self.inbox.overheard.line(&text, urc);
                if let Some(urc) = urc {
                    self.take_urc(urc, at);
                }
                return Ok(Received::Line { text, at });
            }
        }
        Ok(Received::Change)
    }

    fn take_urc(&mut self, urc: Urc, at: Instant) {
        self.awake.take(urc, at);
        if let Urc::Fota(Fota::End(_)) = urc {
            self.watch.ended = Some(at);
        }
        if let Some(moment) = Moment::from_urc(&urc) {
            self.came(moment, at);
        }
        self.watch.on(UpdateInput::Urc(urc));
    }

    /// A moment of the update that is watched has come.
    pub fn came(&mut self, moment: Moment, at: Instant) {
        self.watch.came(moment, at, self.clock);
    }

    /// A cut was made, by the reader or where bytes are written.
    pub fn was_cut(&mut self, made: CutInstants) {
        if made.cut.kind != CutKind::Reset {
            self.presence.supplied(false, Instant::now());
        }
        self.watch.cut = Some(made);
    }

    /// Stops watching, and disarms what is armed; gives what was seen.
    pub fn end_watch(&mut self) -> UpdateSeen {
        self.reader.disarm();
        std::mem::take(&mut self.watch).into()
    }

    /// Takes messages until `done` says so; whether that was before `limit` of the module's time was over.
    pub fn wait(&mut self, limit: Duration, done: impl FnMut(&Self) -> bool) -> Result<bool, Stop> {
        self.wait_until(Instant::now() + self.clock.time_out(limit), done)
    }

    /// The same with a deadline.
    pub fn wait_until(
        &mut self,
        deadline: Instant,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<bool, Stop> {
        loop {
            if done(self) {
                return Ok(true);
            }
            if self.next(deadline)?.is_none() {
                return Ok(false);
            }
        }
    }

    /// Waits for `done` or a cut, whichever comes first.
    pub(super) fn wait_or_cut(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<bool, Stop> {
        self.wait(limit, |dut| dut.watch.cut.is_some() || done(dut))
    }

    /// Lets the module's time pass, listening.
    pub fn pause(&mut self, module: Duration) -> Result<(), Stop> {
        self.pause_until(Instant::now() + self.clock.real(module))
    }

    /// The same until a moment.
    pub fn pause_until(&mut self, until: Instant) -> Result<(), Stop> {
        while self.next(until)?.is_some() {}
        Ok(())
    }

    /// Takes everything that has arrived; gives the number of bytes read so far.
    pub fn drain(&mut self) -> Result<u64, Stop> {
        self.reader.drain();
        let deadline = Instant::now() + DRAIN;
        while let Some(incoming) = self.next(deadline)? {
            if let Received::Drained { bytes } = incoming {
                return Ok(bytes);
            }
        }
        let sentence = format!("the reader thread did not answer within {} s", DRAIN.as_secs());
        Err(Stop::rule(Rule::HarnessFailed, sentence))
    }

    /// Takes everything that has arrived; gives what it sounded like since the last call.
    pub fn overhear(&mut self) -> Result<Overheard, Stop> {
        let bytes = self.drain()?;
        let mut overheard = std::mem::take(&mut self.inbox.overheard);
        overheard.bytes = bytes - std::mem::replace(&mut self.inbox.counted, bytes);
        Ok(overheard)
    }
}
