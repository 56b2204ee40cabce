//! The module in the rig's hands: its supply, its AT dialogue and everything it says, for procedures that read from top to
//! bottom like a lab sheet.
//!
//! Everything arrives in one inbox, in order. [`Module::next`] takes one message, brings the watched [`Update`] up to date
//! and gives it to whoever waits.

use crate::clock::Clock;
use crate::journal::Journal;
use crate::line::sense::Shown;
use crate::lines::Lines;
use crate::measures::Measures;
use crate::registration::ObjectSeen;
use crate::serial::port::Port;
use crate::serial::reader::{CutMade, Message, Reader};
use dfota_core::cut::{Cut, Kind};
use dfota_core::event::{Event, Line, Request};
use dfota_core::judge::Marks;
use dfota_core::mark::Mark;
use dfota_core::moment::Moment;
use dfota_core::reply::{Final, Pending, Said, revision};
use dfota_core::rig_check::overheard::Overheard;
use dfota_core::timeline::Timeline;
use dfota_core::update::{Input, Phase, Update};
use dfota_core::urc::{Fota, Urc};
use dfota_core::verdict::Rule;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Between supply and PWRKEY: the rail has to be up before the key counts. Assumed; the vendor's figure is not public.
pub const SETTLE: Duration = Duration::from_millis(50);
/// How long silence is listened for after a discharge.
pub const LISTEN: Duration = Duration::from_millis(200);
/// How long a command may take whose answer is not limited by the application note.
pub const COMMAND: Duration = Duration::from_secs(10);
/// How long one `AT` of the synchronisation may stay without an answer. The first one after a boot may be lost (AL).
const SYNC: Duration = Duration::from_millis(500);
/// The same for this machine's scheduler, in real time, for the first `AT`, and at most. Nothing is decided by it: the next
/// `AT` follows. The first one is lost after nearly every boot, so it is not waited for long.
const SYNC_GRACE: Duration = Duration::from_millis(2);
const SYNC_GRACE_MAX: Duration = Duration::from_millis(30);

/// Why a procedure cannot go on.
#[derive(Debug)]
pub enum Stop {
    /// The run is to end.
    Interrupted,
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
            Self::Rule(rule, sentence) => write!(f, "{rule}: {sentence}"),
        }
    }
}

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

/// How the module gets onto the network.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The access point.
    pub apn: Option<String>,
    /// The SIM's PIN.
    pub pin: Option<String>,
}

/// The answer to a command.
#[derive(Debug)]
pub struct Answer {
    /// How it ended.
    pub end: Final,
    /// The lines before the end.
    pub info: Vec<String>,
    /// Place of the end in the journal.
    pub mark: Mark,
}

impl Answer {
    /// What follows `NAME:` in the first line that has it.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.info
            .iter()
            .find_map(|line| dfota_core::reply::value(line, name))
    }
}

/// What the module has said since its supply came.
#[derive(Debug, Default, Clone, Copy)]
pub struct Awake {
    /// The boot ROM spoke.
    pub boot_rom: bool,
    /// RDY.
    pub ready: bool,
    /// `+CPIN: READY`: whatever END there is has come before it.
    pub sim_ready: bool,
    /// `+IP:`.
    pub ip: bool,
    /// The result of the last registration at the LwM2M server.
    pub lw_reg: Option<u32>,
    /// The result of its last update.
    pub lw_update: Option<u32>,
    /// When the first of it was read.
    pub first: Option<Instant>,
    /// When RDY was.
    pub ready_at: Option<Instant>,
    /// When `+IP:` was.
    pub ip_at: Option<Instant>,
}

/// What [`Module::next`] gives to whoever waits.
#[derive(Debug)]
pub enum Heard {
    /// A line, already taken into account where it is a URC.
    Line {
        /// Its bytes.
        text: Vec<u8>,
        /// When it had been read.
        at: Instant,
        /// Its place in the journal.
        mark: Mark,
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

/// The module.
#[derive(Debug)]
pub struct Module {
    /// The rig's clock.
    pub clock: Clock,
    /// The journal.
    pub journal: Journal,
    /// The reader, for arming cuts.
    pub reader: Reader,
    lines: Arc<Lines>,
    port: Port,
    timing: Timing,
    inbox: Receiver<Message>,
    /// How it gets onto the network.
    pub access: Access,
    /// The update that is being watched.
    pub update: Option<Update>,
    /// A cut that was made and has not been dealt with.
    pub cut: Option<CutMade>,
    /// What the LwM2M server saw of this update.
    pub object: ObjectSeen,
    /// Requests for packages of this case.
    pub requests: Vec<Request>,
    /// Places in the journal of what this update may be judged by.
    pub marks: Marks,
    /// Place of what was last done to the module: where a procedure stood that could not go on.
    pub latest: Option<Mark>,
    /// What was done to it since it last answered no more.
    pub revivals: Vec<&'static str>,
    /// What is measured in this try.
    pub measures: Measures,
    /// What the module has said since its supply came.
    pub awake: Awake,
    /// When the supply last came.
    pub since: Instant,
    powered: bool,
    /// What was heard since [`Self::overhear`] was last called.
    overheard: Overheard,
    /// Bytes read until then.
    overheard_until: u64,
    /// Nothing is left over from an earlier case.
    pub clean: bool,
    /// When the present attempt began.
    pub attempted: Instant,
    /// The moments of the update since then.
    pub timeline: Timeline,
    /// The cut that was made first in the present attempt, where it landed, and whether START had been seen.
    pub made: Option<(Cut, Phase, bool)>,
    /// How late the last cut was, in the module's time.
    pub cut_late: Duration,
    /// The shortest real time in which supply and reset came back after they were told to.
    comes_back: [Option<Duration>; 2],
}

impl Module {
    /// A module that is in an unknown state.
    pub fn new(
        (port, lines, timing): (Port, Arc<Lines>, Timing),
        reader: Reader,
        inbox: Receiver<Message>,
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
            object: ObjectSeen::default(),
            requests: Vec::new(),
            marks: Marks::default(),
            latest: None,
            revivals: Vec::new(),
            measures: Measures::default(),
            awake: Awake::default(),
            since: Instant::now(),
            powered: false,
            overheard: Overheard::default(),
            overheard_until: 0,
            clean: false,
            attempted: Instant::now(),
            timeline: Timeline::default(),
            made: None,
            cut_late: Duration::ZERO,
            comes_back: [None; 2],
        }
    }

    /// Whether the rig has this line.
    pub fn has(&self, line: Line) -> bool {
        self.lines.has(line)
    }

    /// The lines, for a cut that is made outside the reader.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The rig's times.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    // The inbox.

    /// The next thing that is heard, or `None` when `deadline` comes first.
    pub fn next(&mut self, deadline: Instant) -> Result<Option<Heard>, Stop> {
        let message = match self
            .inbox
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Stop::rule(Rule::HarnessFailed, "the reader thread has ended"));
            }
        };
        match message {
            Message::Interrupt => return Err(Stop::Interrupted),
            Message::Lost(why) => self.wait_for_port(&why)?,
            Message::Back => {}
            Message::Request(request, mark) => {
                self.measures.sent.push((request.first, request.sent));
                self.requests.push(request);
                self.marks.requests.push(mark);
            }
            Message::Served(percent) => {
                self.came(Moment::Downloading(percent), Instant::now());
                if let Some(update) = &mut self.update {
                    update.on(Input::Served(percent));
                }
            }
            Message::Lwm2m(happening, mark) => {
                if self.object.on(happening) {
                    self.marks.object.push(mark);
                }
            }
            Message::Cut(made) => self.cut = Some(made),
            Message::Prompt { at } => return Ok(Some(Heard::Prompt { at })),
            Message::Drained { bytes, partial } => {
                self.overheard.fragment(&partial);
                return Ok(Some(Heard::Drained { bytes }));
            }
            Message::Line { text, urc, at, mark } => {
                self.overheard.line(&text, urc);
                if let Some(urc) = urc {
                    self.hear(urc, at, mark);
                }
                return Ok(Some(Heard::Line { text, at, mark }));
            }
        }
        Ok(Some(Heard::Change))
    }

    fn hear(&mut self, urc: Urc, at: Instant, mark: Mark) {
        self.awake.first.get_or_insert(at);
        match urc {
            Urc::BootRom => {
                self.awake = Awake {
                    boot_rom: true,
                    first: self.awake.first,
                    ..Awake::default()
                }
            }
            Urc::Rdy => (self.awake.ready, self.awake.ready_at) = (true, Some(at)),
            Urc::SimReady => self.awake.sim_ready = true,
            Urc::Ip => (self.awake.ip, self.awake.ip_at) = (true, Some(at)),
            Urc::LwReg(result) => self.awake.lw_reg = Some(result),
            Urc::LwUpdate(result) => self.awake.lw_update = Some(result),
            Urc::Fota(Fota::End(_)) => self.measures.ended = Some(at),
            _ => {}
        }
        if let Some(moment) = Moment::of(&urc) {
            self.came(moment, at);
        }
        if let Some(update) = &mut self.update {
            update.on_marked(Input::Urc(urc), mark);
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
    pub fn least_off(&self, kind: Kind) -> Option<Duration> {
        let measured = self.comes_back[usize::from(kind == Kind::Reset)];
        measured.map(|real| self.clock.module_time(real))
    }

    /// Waits for a port that has gone, for instance because its USB adapter is enumerated anew.
    fn wait_for_port(&mut self, why: &str) -> Result<(), Stop> {
        const COMES_BACK: Duration = Duration::from_secs(10);
        self.journal.post(Event::Note { text: why.to_owned() });
        let deadline = Instant::now() + COMES_BACK;
        loop {
            match self
                .inbox
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(Message::Back) => return Ok(()),
                Ok(Message::Interrupt) => return Err(Stop::Interrupted),
                Ok(Message::Cut(made)) => self.cut = Some(made),
                Ok(_) => {}
                Err(_) => {
                    let waited = humantime::format_duration(COMES_BACK);
                    return Err(Stop::rule(
                        Rule::SerialLost,
                        format!("{why}; it did not come back within {waited}"),
                    ));
                }
            }
        }
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

    // The supply.

    /// Moves a line and writes it down.
    pub fn set(&mut self, line: Line, active: bool) -> Result<(), Stop> {
        let at = Instant::now();
        self.lines
            .set(line, active)
            .map_err(|error| Stop::rule(Rule::LineFailed, error.to_string()))?;
        let took = at.elapsed();
        if line == Line::Power {
            let followed = self.lines.isolate(!active);
            followed.map_err(|error| Stop::rule(Rule::LineFailed, error.to_string()))?;
        }
        let measured = match (line, active) {
            (Line::Power, true) => Some(&mut self.comes_back[0]),
            (Line::Reset, false) => Some(&mut self.comes_back[1]),
            _ => None,
        };
        if let Some(least) = measured {
            *least = Some(least.map_or(took, |least| least.min(took)));
        }
        let took_ns = took.as_nanos() as u64;
        let mark = self.journal.post_at(
            at,
            Event::Line {
                line,
                active,
                took_ns,
            },
        );
        self.latest = Some(mark);
        Ok(())
    }

    /// Switches the supply off and waits until the rail counts as down. What is heard until then may be from before; any
    /// byte after it shows that the module is still supplied.
    pub fn power_off(&mut self) -> Result<(), Stop> {
        self.set(Line::Power, false)?;
        self.discharged(Instant::now())
    }

    /// Waits for the rail to be down after the supply went at `off`, and proves the silence.
    pub fn discharged(&mut self, off: Instant) -> Result<(), Stop> {
        self.powered = false;
        self.fall_silent(off)?;
        self.prove_silence()
    }

    /// Hears what was still on its way when the supply went.
    pub fn fall_silent(&mut self, off: Instant) -> Result<(), Stop> {
        let down = self.timing.discharge + self.timing.latency;
        self.pause_until(off + self.clock.real(down))?;
        self.drain().map(drop)
    }

    pub(crate) fn prove_silence(&mut self) -> Result<(), Stop> {
        self.prove_no_supply()?;
        let before = self.drain()?;
        self.pause(LISTEN)?;
        let after = self.drain()?;
        if after == before {
            return Ok(());
        }
        let sentence = format!(
            "the module still sent {} bytes although its supply was switched off and the discharge of {} was over: the line does not remove its power, or another path feeds it",
            after - before,
            humantime::format_duration(self.timing.discharge)
        );
        Err(Stop::rule(Rule::PowerNotCut, sentence))
    }

    /// What the sense line shows, where the rig has one.
    pub fn look(&self) -> Result<Option<Shown>, Stop> {
        let shown = self.lines.look().transpose();
        shown.map_err(|why| Stop::rule(Rule::LineFailed, why))
    }

    /// The sense line, where there is one, has to have dropped when the discharge is over.
    pub(crate) fn prove_no_supply(&self) -> Result<(), Stop> {
        if !self.look()?.is_some_and(|shown| shown.supplied) {
            return Ok(());
        }
        let sentence = format!(
            "the sense line still shows a supply although it was switched off and the discharge of {} was over: the line does not remove the module's power, another path feeds it, or `sense.active` is the wrong level",
            humantime::format_duration(self.timing.discharge)
        );
        Err(Stop::rule(Rule::PowerNotCut, sentence))
    }

    /// A module that does not boot is not to blame while the sense line shows no supply.
    pub fn must_be_supplied(&self) -> Result<(), Stop> {
        if !self.powered || self.look()?.is_none_or(|shown| shown.supplied) {
            return Ok(());
        }
        Err(Stop::rule(
            Rule::NoSupply,
            "the module does not boot, and the sense line shows no supply although it was switched on: check the supply and its switch, PWRKEY, and the wire of `sense` with its `active`",
        ))
    }

    /// Supplies the module and presses PWRKEY, where the rig has it.
    pub fn power_on(&mut self) -> Result<(), Stop> {
        self.awake = Awake::default();
        self.set(Line::Power, true)?;
        (self.since, self.powered) = (Instant::now(), true);
        self.measures.new_boot();
        self.press_pwrkey()
    }

    fn press_pwrkey(&mut self) -> Result<(), Stop> {
        if !self.has(Line::Pwrkey) {
            return Ok(());
        }
        self.pause(SETTLE)?;
        self.pwrkey()
    }

    /// Presses PWRKEY for as long as the rig file says.
    pub fn pwrkey(&mut self) -> Result<(), Stop> {
        self.set(Line::Pwrkey, true)?;
        self.pause(self.timing.pwrkey_hold)?;
        self.set(Line::Pwrkey, false)
    }

    /// Releases reset after a reset cut.
    pub fn release_reset(&mut self) -> Result<(), Stop> {
        self.awake = Awake::default();
        self.set(Line::Reset, false)?;
        self.since = Instant::now();
        self.measures.new_boot();
        Ok(())
    }

    /// Takes the supply away and gives it back, as no part of the experiment.
    pub fn cycle(&mut self) -> Result<(), Stop> {
        self.power_off()?;
        if let Some(update) = &mut self.update {
            update.on(Input::Cycle);
        }
        self.power_on()
    }

    /// Resets the module, where the rig can.
    pub fn reset(&mut self) -> Result<(), Stop> {
        self.set(Line::Reset, true)?;
        self.pause(self.timing.reset_hold)?;
        if let Some(update) = &mut self.update {
            update.on(Input::Cycle);
        }
        self.release_reset()
    }

    /// Whether it is supplied, as far as this program has done it.
    pub fn is_powered(&self) -> bool {
        self.powered
    }

    /// Waits for RDY.
    pub fn boot(&mut self, limit: Duration) -> Result<bool, Stop> {
        let up = self.wait(limit, |module| module.awake.ready)?;
        self.measure_first_urc();
        if self.awake.first.is_none() {
            self.must_be_supplied()?;
        }
        Ok(up)
    }

    /// Waits for RDY where the module is on its way there; one that has been up all the time sends none.
    pub fn boot_if_needed(&mut self, limit: Duration) -> Result<(), Stop> {
        if self.awake.boot_rom || self.awake.first.is_none() {
            self.boot(limit)?;
        }
        Ok(())
    }

    // AT.

    /// Writes bytes to the module.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        // Ten times the time on the wire, and never less than a second.
        let wire = self.wire_time(bytes.len());
        let limit = self.clock.time_out(wire * 10 + Duration::from_secs(1));
        self.port.write_all(bytes, limit).map_err(|(written, error)| {
            let path = self.port.address();
            let sentence = format!(
                "serial port `{path}` failed after {written} of {} bytes were written: {error}",
                bytes.len()
            );
            Stop::rule(Rule::SerialLost, sentence)
        })
    }

    /// The module's time that bytes take on the wire.
    pub fn wire_time(&self, bytes: usize) -> Duration {
        let bits = bytes as u64 * u64::from(bc66_wire::timing::BITS_PER_BYTE);
        Duration::from_nanos(bits * 1_000_000_000 / u64::from(self.port.baud()))
    }

    /// Sends a command line; `None` when no result comes within `limit`.
    pub fn try_command(&mut self, text: &str, limit: Duration) -> Result<Option<Answer>, Stop> {
        self.send(text)?;
        self.answer(&Pending::new(text), limit)
    }

    /// The same for a command line that holds a secret: what is written down is `shown`.
    pub fn secret_command(&mut self, text: &str, shown: &str) -> Result<Option<Answer>, Stop> {
        self.send_as(text, shown)?;
        self.answer(&Pending::new(text), COMMAND)
    }

    /// Writes a command line and its carriage return.
    pub fn send(&mut self, text: &str) -> Result<(), Stop> {
        self.send_as(text, text)
    }

    fn send_as(&mut self, text: &str, shown: &str) -> Result<(), Stop> {
        let shown = crate::escape::readable(shown.as_bytes());
        self.latest = Some(self.journal.post(Event::Tx { text: shown }));
        self.write(format!("{text}\r").as_bytes())
    }

    /// Waits for the result of a command.
    pub fn answer(&mut self, pending: &Pending, limit: Duration) -> Result<Option<Answer>, Stop> {
        self.answer_until(pending, Instant::now() + self.clock.time_out(limit))
    }

    fn answer_until(&mut self, pending: &Pending, deadline: Instant) -> Result<Option<Answer>, Stop> {
        let mut info = Vec::new();
        while let Some(heard) = self.next(deadline)? {
            let Heard::Line { text, mark, .. } = heard else {
                if self.cut.is_some() {
                    // The supply is gone in the middle of the command.
                    return Ok(None);
                }
                continue;
            };
            match pending.classify(&text) {
                Said::Final(end) => return Ok(Some(Answer { end, info, mark })),
                Said::Info => info.push(String::from_utf8_lossy(&text).trim().to_owned()),
                Said::Echo | Said::Urc(_) | Said::Other => {}
            }
        }
        Ok(None)
    }

    /// Sends `AT` until the module answers OK.
    pub fn sync(&mut self, limit: Duration) -> Result<bool, Stop> {
        let deadline = Instant::now() + self.clock.time_out(limit);
        let pending = Pending::new("AT");
        for tries in 1.. {
            self.send("AT")?;
            let grace = (SYNC_GRACE * tries).min(SYNC_GRACE_MAX);
            let patience = Instant::now() + self.clock.real(SYNC) + grace;
            if self
                .answer_until(&pending, patience)?
                .is_some_and(|answer| answer.end.is_ok())
            {
                if tries > 1 {
                    self.let_late_answers_pass()?;
                }
                return Ok(true);
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        Ok(false)
    }

    /// The answers to earlier commands may still come, however late, and none of them may pass for that of the next
    /// command. The module answers in order, and only the reply to `ATI` names a version: what comes before it is theirs. A
    /// reply that does not come is asked for again, since some adapters hold bytes back until others move; all of them
    /// are waited for then.
    fn let_late_answers_pass(&mut self) -> Result<(), Stop> {
        const QUESTIONS: u32 = 4;
        let pending = Pending::new("ATI");
        let patience = self.clock.time_out(COMMAND) / QUESTIONS;
        let mut open = 0;
        for _ in 0..QUESTIONS {
            self.send("ATI")?;
            open += 1;
            let deadline = Instant::now() + patience;
            while let Some(answer) = self.answer_until(&pending, deadline)? {
                if answer.info.iter().any(|line| revision(line).is_some()) {
                    open -= 1;
                }
                if open == 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Sends a query that the application note does not ask for: without an OK it is unavailable, and that is no failure.
    pub fn query(&mut self, text: &str) -> Result<Option<Answer>, Stop> {
        Ok(self
            .try_command(text, COMMAND)?
            .filter(|answer| answer.end.is_ok()))
    }
}
