//! The module in the rig's hands: its supply, its AT dialogue and everything it says, for procedures that read from top to
//! bottom like a lab sheet.
//!
//! Everything arrives in one inbox, in order. [`Module::next`] takes one message, brings the watched [`Update`] up to date
//! and gives it to whoever waits. [`supply`] moves its lines, [`dialogue`] talks AT to it.

pub mod dialogue;
mod ear;
pub mod measures;
pub mod supply;

pub use self::ear::COMES_BACK;
use self::ear::Ear;
use crate::bench::lines::RigLines;
use crate::bench::serial::message::{BenchMessage, CutInstants};
use crate::bench::serial::port::Port;
use crate::bench::serial::reader::SerialReader;
use crate::bench::wires::Timing;
use crate::device::module::measures::Measures;
use dfota_clock::Clock;
use dfota_core::cut::CutKind;
use dfota_core::event::{Line, Request};
use dfota_core::moment::Moment;
use dfota_core::rig_check::overheard::Overheard;
use dfota_core::timeline::Timeline;
use dfota_core::update::{Update, UpdateInput};
use dfota_core::urc::{Fota, Urc};
use dfota_core::verdict::Rule;
use dfota_record::journal::Journal;
use dfota_servers::coap::CoapEvent;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Why a procedure cannot go on.
#[derive(Debug)]
pub enum Stop {
    /// The run is to end.
    Interrupted,
    /// The update has not come to an end within the bound that follows from the limits of its case.
    Unbounded,
    /// The case ends with this rule.
    Rule(Rule, String),
}

impl Stop {
    /// A rule with its sentence.
    pub fn rule(rule: Rule, sentence: impl Into<String>) -> Self {
        Self::Rule(rule, sentence.into())
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Interrupted => f.write_str("the run was interrupted"),
            Self::Unbounded => f.write_str("the bound of the case was over"),
            Self::Rule(rule, sentence) => write!(f, "{rule}: {sentence}"),
        }
    }
}

/// How the module gets onto the network.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub apn: Option<String>,
    pub pin: Option<String>,
}

/// What the module has said since its supply came.
#[derive(Debug, Default, Clone, Copy)]
pub struct Awake {
    /// The boot ROM spoke.
    pub boot_rom: bool,
    /// Something else did, unasked.
    pub firmware: bool,
    /// The port was away meanwhile: what was said then was not heard.
    pub missed: bool,
    /// When it was there again.
    pub back_at: Option<Instant>,
    pub ready: bool,
    /// `+CPIN: READY`: whatever END there is has come before it.
    pub sim_ready: bool,
    pub ip: bool,
    /// The result of the last registration at the LwM2M server.
    pub lw_reg: Option<u32>,
    /// The result of its last update.
    pub lw_update: Option<u32>,
    /// When its block began.
    pub boot_rom_at: Option<Instant>,
    /// When the first of it was read.
    pub first: Option<Instant>,
    pub ready_at: Option<Instant>,
    /// When `+IP:` was.
    pub ip_at: Option<Instant>,
}

/// What [`Module::next`] gives to whoever waits.
#[derive(Debug)]
pub enum Heard {
    /// A line, already taken into account where it is a URC.
    Line {
        text: Vec<u8>,
        /// When it had been read.
        at: Instant,
    },
    /// The prompt of data mode.
    Prompt {
        /// When it had been read.
        at: Instant,
    },
    /// The answer to [`Module::drain`].
    Drained {
        /// Bytes read since the reader started.
        bytes: u64,
    },
    /// Something else has changed: a cut was made, a request served, the port is back.
    Change,
}

#[derive(Debug)]
pub struct Module {
    pub clock: Clock,
    pub journal: Journal,
    /// The reader, for arming cuts.
    pub reader: SerialReader,
    lines: Arc<RigLines>,
    port: Port,
    timing: Timing,
    inbox: Receiver<BenchMessage>,
    /// How it gets onto the network.
    pub access: Access,
    /// The update that is being watched.
    pub update: Option<Update>,
    /// A cut that was made and has not been dealt with.
    pub cut: Option<CutInstants>,
    /// The dialogue over LwM2M about this update has come to an end.
    pub object_ended: bool,
    /// Requests for packages of this case.
    pub requests: Vec<Request>,
    /// What is measured in this try.
    pub measures: Measures,
    /// What the module has said since its supply came.
    pub awake: Awake,
    /// When the supply last came.
    pub since: Instant,
    powered: bool,
    ear: Ear,
    /// What was heard since [`Self::overhear`] was last called.
    overheard: Overheard,
    /// Bytes read until then.
    overheard_until: u64,
    /// It says nothing after a boot before it is spoken to.
    pub autobauding: bool,
    /// Nothing is left over from an earlier case.
    pub clean: bool,
    /// When the update that is made has to have come to its verdict; what a module does in a loop ends then.
    pub bound: Option<Instant>,
    /// When it answered last, its version could not be read: this is what it said.
    pub unreadable: Option<String>,
    /// What the last `AT` was answered with in place of OK.
    pub refused: Option<String>,
    /// When the present attempt began.
    pub attempted: Instant,
    /// The moments of the update since then.
    pub timeline: Timeline,
    /// How late the last cut was, in the module's time.
    pub cut_late: Duration,
    /// The shortest real time in which supply and reset came back after they were told to.
    comes_back: [Option<Duration>; 2],
}

impl Module {
    /// A module that is in an unknown state.
    pub fn new(
        (port, lines, timing): (Port, Arc<RigLines>, Timing),
        reader: SerialReader,
        inbox: Receiver<BenchMessage>,
        clock: Clock,
        journal: Journal,
    ) -> Self {
        Self {
            clock,
            journal,
            reader,
            lines,
            port,
            timing,
            inbox,
            access: Access::default(),
            update: None,
            cut: None,
            object_ended: false,
            requests: Vec::new(),
            measures: Measures::default(),
            awake: Awake::default(),
            since: Instant::now(),
            powered: false,
            ear: Ear::default(),
            overheard: Overheard::default(),
            overheard_until: 0,
            autobauding: false,
            clean: false,
            bound: None,
            unreadable: None,
            refused: None,
            attempted: Instant::now(),
            timeline: Timeline::default(),
            cut_late: Duration::ZERO,
            comes_back: [None; 2],
        }
    }

    /// Whether the rig has this line.
    pub fn has(&self, line: Line) -> bool {
        self.lines.has(line)
    }

    /// The lines, for a cut that is made outside the reader.
    pub fn lines(&self) -> &RigLines {
        &self.lines
    }

    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// The next thing that is heard, or `None` when `deadline` comes first.
    pub fn next(&mut self, deadline: Instant) -> Result<Option<Heard>, Stop> {
        if self.bound.is_some_and(|bound| Instant::now() >= bound) {
            self.bound = None;
            return Err(Stop::Unbounded);
        }
        let until = self.ear.deadline().map_or(deadline, |back| back.min(deadline));
        let message = match self
            .inbox
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => {
                return self.ear.overdue(Instant::now()).map_or(Ok(None), Err);
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Stop::rule(Rule::HarnessFailed, "the reader thread has ended"));
            }
        };
        match message {
            BenchMessage::Interrupt => return Err(Stop::Interrupted),
            BenchMessage::Lost(why) => {
                self.awake.missed = true;
                self.ear.lost(why, Instant::now());
            }
            BenchMessage::Back => {
                self.awake.back_at = Some(Instant::now());
                self.ear.back();
            }
            BenchMessage::Request(request) => {
                self.measures.sent.push((request.first, request.sent));
                self.requests.push(request);
            }
            BenchMessage::Served(percent) => {
                self.came(Moment::Downloading(percent), Instant::now());
                if let Some(update) = &mut self.update {
                    update.on(UpdateInput::Served(percent));
                }
            }
            BenchMessage::Lwm2m(event) => {
                self.object_ended |= matches!(event, CoapEvent::Ended { .. });
            }
            BenchMessage::Cut(made) => self.was_cut(made),
            BenchMessage::Prompt { at } => return Ok(Some(Heard::Prompt { at })),
            BenchMessage::Drained { bytes, partial } => {
                self.overheard.fragment(&partial);
                return Ok(Some(Heard::Drained { bytes }));
            }
            BenchMessage::Line { text, urc, at } => {
                self.overheard.line(&text, urc);
                if let Some(urc) = urc {
                    self.hear(urc, at);
                }
                return Ok(Some(Heard::Line { text, at }));
            }
        }
        Ok(Some(Heard::Change))
    }

    fn hear(&mut self, urc: Urc, at: Instant) {
        self.awake.first.get_or_insert(at);
        self.awake.firmware |= !matches!(urc, Urc::BootRom | Urc::BootRomMore);
        match urc {
            Urc::BootRom => {
                self.awake = Awake {
                    boot_rom: true,
                    boot_rom_at: Some(at),
                    first: self.awake.first,
                    ..Awake::default()
                }
            }
            // Its first line may be lost in the edge of the supply.
            Urc::BootRomMore => self.awake.boot_rom = true,
            Urc::Rdy => (self.awake.ready, self.awake.ready_at) = (true, Some(at)),
            Urc::SimReady => self.awake.sim_ready = true,
            Urc::Ip => (self.awake.ip, self.awake.ip_at) = (true, Some(at)),
            Urc::LwReg(result) => self.awake.lw_reg = Some(result),
            Urc::LwUpdate(result) => self.awake.lw_update = Some(result),
            Urc::Fota(Fota::End(_)) => self.measures.ended = Some(at),
            _ => {}
        }
        if let Some(moment) = Moment::from_urc(&urc) {
            self.came(moment, at);
        }
        if let Some(update) = &mut self.update {
            update.on(UpdateInput::Urc(urc));
        }
    }

    /// A moment of the update that is watched has come.
    pub fn came(&mut self, moment: Moment, at: Instant) {
        if self.update.is_some() {
            let since = self
                .clock
                .module_time(at.saturating_duration_since(self.attempted));
            self.timeline.add(moment, since);
        }
    }

    /// The shortest off time, of the module's time, that the rig was seen to be able to make.
    pub fn least_off(&self, kind: CutKind) -> Option<Duration> {
        let measured = self.comes_back[usize::from(kind == CutKind::Reset)];
        measured.map(|real| self.clock.module_time(real))
    }

    /// A cut was made, by the reader or where bytes are written.
    pub fn was_cut(&mut self, made: CutInstants) {
        if made.cut.kind != CutKind::Reset {
            self.ear.supplied(false, Instant::now());
        }
        self.cut = Some(made);
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

    /// Lets the module's time pass, listening.
    pub fn pause(&mut self, module: Duration) -> Result<(), Stop> {
        self.pause_until(Instant::now() + self.clock.real(module))
    }

    /// The same until a moment.
    pub fn pause_until(&mut self, until: Instant) -> Result<(), Stop> {
        while self.next(until)?.is_some() {}
        Ok(())
    }

    /// Hears everything that has arrived; gives the number of bytes read so far.
    pub fn drain(&mut self) -> Result<u64, Stop> {
        self.reader.drain();
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match self.next(deadline)? {
                Some(Heard::Drained { bytes }) => return Ok(bytes),
                Some(_) => {}
                None => {
                    return Err(Stop::rule(
                        Rule::HarnessFailed,
                        "the reader thread did not answer within 10 s",
                    ));
                }
            }
        }
    }

    /// Hears everything that has arrived, and tells what it was since the last call.
    pub fn overhear(&mut self) -> Result<Overheard, Stop> {
        let until = self.drain()?;
        let mut heard = std::mem::take(&mut self.overheard);
        heard.bytes = until - std::mem::replace(&mut self.overheard_until, until);
        Ok(heard)
    }
}
