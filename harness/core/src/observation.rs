//! The observation of one update: a fold over its events, and the only input of the judge.
//!
//! Each fact has the id of the event that it rests on. While a run goes on, the journal folds the very records that it
//! writes; a later reader folds them again. So a run and a reader reach each verdict in the same way.

mod anomaly;
mod answers;
mod hearing;
mod object;
mod supply;

pub use answers::{CapabilityCheck, IdentityReply, ModuleAnswers, Reading};
pub use hearing::{GapSeen, Hearing};
pub use object::{ObjectEnding, ObjectSeen};

use crate::case::Case;
use crate::escape;
use crate::event::watched::{Attempt, Gap, ReplyTo, TimedOut, Watched};
use crate::event::{Event, Line, Request};
use crate::event_id::EventId;
use crate::expect::CommandReply;
use crate::fault::HttpFaults;
use crate::transport::Via;
use crate::update::{Update, UpdateInput};
use crate::urc::Urc;
use crate::version::Version;
use alloc::string::String;
use alloc::vec::Vec;
use anomaly::AnomaliesSeen;
use supply::Supply;

/// What was seen, and the event that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenEvent<T> {
    pub id: EventId,
    pub what: T,
}

/// A wait that ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitOver {
    pub id: EventId,
    pub limit: TimedOut,
    /// In which of the update's lives.
    pub life: usize,
    /// The application had come up by then.
    pub ready: bool,
}

/// What the package server saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageRequests {
    /// Requests for the package.
    pub requests: u32,
    /// Requests after power was lost while UPDATING.
    pub again: u32,
    /// ModuleAnswers that broke off without a fault that asked for it.
    pub broken: u32,
    /// An answer had the fault that the case declares.
    pub faulty: bool,
    pub ids: Vec<EventId>,
}

/// Everything that was seen of one update.
#[derive(Debug, Clone)]
pub struct Observation {
    pub plan: Attempt,
    /// How the update went.
    pub update: Update,
    pub answers: ModuleAnswers,
    /// The wait that ran out.
    pub limit_over: Option<LimitOver>,
    pub fetches: PackageRequests,
    /// What the firmware update object said and did.
    pub object: ObjectSeen,
    /// Cuts that were not made.
    pub missed: Vec<EventId>,
    /// What is legal but unusual.
    pub anomalies: AnomaliesSeen,
    /// While it was left alone after its last boot, its line was busy for so many thousandths of the time.
    pub busy: Option<SeenEvent<u64>>,
    pub hearing: Hearing,
    fault_met: bool,
    supply: Supply,
}

impl Observation {
    /// An update that begins to be watched.
    pub fn new(plan: Attempt) -> Self {
        Self {
            update: Update::new(plan.case.via),
            plan,
            answers: ModuleAnswers::default(),
            limit_over: None,
            fetches: PackageRequests::default(),
            object: ObjectSeen::default(),
            missed: Vec::new(),
            anomalies: AnomaliesSeen::default(),
            busy: None,
            hearing: Hearing::default(),
            fault_met: false,
            supply: Supply::default(),
        }
    }

    /// Takes the next event.
    pub fn on(&mut self, id: EventId, event: &Event) {
        match event {
            Event::Rx { text, partial: false } => self.hear(id, text),
            Event::Line {
                line: Line::Power,
                active: false,
                ..
            } => self.hearing.supply_lost(),
            Event::CutMade(made) => {
                self.supply.cut(made.kind);
                self.tell(id, UpdateInput::Cut { glitch: made.glitch });
            }
            Event::CutMissed { .. } => self.missed.push(id),
            Event::Request(request) if request.ours => self.fetched(id, request),
            Event::Lwm2m { fact: Some(fact), .. } => self.object.on(id, fact),
            Event::Identity { version, imei, .. } => {
                let (version, imei) = (version.clone(), imei.clone());
                self.read(id, IdentityReply::Identity { version, imei });
            }
            Event::Capabilities { when, capabilities } => {
                let (when, capabilities) = (*when, capabilities.clone());
                let what = CapabilityCheck { when, capabilities };
                self.answers.capabilities.push(SeenEvent { id, what });
            }
            Event::Watched(watched) => self.watched(id, watched),
            Event::Gap(gap) => self.gap(id, gap),
            _ => {}
        }
    }

    fn tell(&mut self, id: EventId, input: UpdateInput) {
        if matches!(input, UpdateInput::Cut { .. } | UpdateInput::Cycle) {
            self.anomalies.begin_boot();
        }
        self.update.on_event(input, id);
    }

    fn hear(&mut self, id: EventId, text: &str) {
        let line = escape::bytes(text);
        let Some(urc) = Urc::parse(&line) else {
            // Noise around a line of the update: what it said is lost.
            let damaged = line.iter().any(|byte| !matches!(byte, b' '..=b'~' | b'\t'));
            if damaged && text.contains("FOTA") {
                self.shut(id, Some("a line of the update arrived damaged".into()));
            }
            return;
        };
        let phase = self.update.phase();
        self.anomalies.look(id, &urc, text, phase);
        self.tell(id, UpdateInput::Urc(urc));
    }

    fn watched(&mut self, id: EventId, watched: &Watched) {
        match watched {
            Watched::Block { number } => self.tell(id, UpdateInput::Block(*number)),
            Watched::Order => self.tell(id, UpdateInput::Order),
            Watched::Starts { by } => {
                if let Some(input) = self.supply.starts(*by) {
                    self.tell(id, input);
                }
                self.supplied(id, *by);
            }
            Watched::Replied { to, reply } => {
                if (*to, *reply) == (ReplyTo::Order, CommandReply::Error) {
                    self.tell(id, UpdateInput::Refused);
                }
                // The answer to the faulty block is what the case is about; the order comes after it.
                let about_a_block = self
                    .case()
                    .faults
                    .uart
                    .is_some_and(|fault| fault.block().is_some());
                if *to != ReplyTo::Order || !about_a_block {
                    self.answers.reply = Some(SeenEvent { id, what: *reply });
                }
            }
            Watched::Served { percent } => self.tell(id, UpdateInput::Served(*percent)),
            Watched::FaultMet => self.fault_met = true,
            Watched::LimitOver { limit } => {
                self.limit_over = Some(LimitOver {
                    id,
                    limit: *limit,
                    life: self.update.lives().len() - 1,
                    ready: self.update.life().ready,
                });
            }
            Watched::Fetched { requests, again } => {
                (self.fetches.requests, self.fetches.again) = (*requests, *again);
            }
            Watched::Revival { by } => self.answers.revivals.push(SeenEvent { id, what: by.clone() }),
            Watched::NoAnswer { heard } => self.read(id, IdentityReply::Nothing(heard.clone())),
            Watched::Unreadable { said } => self.read(id, IdentityReply::Unreadable(said.clone())),
            Watched::Object(fact) => self.object.on(id, fact),
            Watched::Settled { busy, .. } => self.busy = Some(SeenEvent { id, what: *busy }),
        }
    }

    fn read(&mut self, id: EventId, said: IdentityReply) {
        let life = self.update.lives().len() - 1;
        self.answers.readings.push(Reading { id, life, said });
    }

    fn fetched(&mut self, id: EventId, request: &Request) {
        // Over CoAP a fault loses datagrams, as a network does; what breaks off then broke off on the way.
        let on_the_way = self.case().via == Via::Coap;
        self.fetches.ids.push(id);
        self.fetches.faulty |= request.fault.is_some();
        self.fetches.broken +=
            u32::from((on_the_way || request.fault.is_none()) && request.sent < request.wanted);
    }

    fn gap(&mut self, id: EventId, gap: &Gap) {
        match gap {
            Gap::PortLost { why } => {
                let missed = self.hearing.port_lost(why);
                self.shut(id, missed);
            }
            Gap::ReaderBehind { .. } => self.shut(id, gap.why()),
            // While it was away nothing was heard, whatever was heard before that in this life.
            Gap::PortBack if self.hearing.port_back() => self.tell(id, UpdateInput::Gap),
            Gap::PortBack => {}
        }
    }

    fn supplied(&mut self, id: EventId, by: Line) {
        if by == Line::Power {
            let missed = self.hearing.supply_returns();
            self.shut(id, missed);
        }
    }

    /// The module cannot be heard any more, where there is a reason.
    fn shut(&mut self, id: EventId, why: Option<String>) {
        if let Some(why) = why {
            let phase = self.update.phase();
            self.hearing.gaps.push(GapSeen { id, why, phase });
            self.tell(id, UpdateInput::Gap);
        }
    }

    pub fn case(&self) -> &Case {
        &self.plan.case
    }

    /// What the module said of itself last.
    pub fn became(&self) -> Option<&Reading> {
        self.answers.readings.last()
    }

    /// The version that it runs, as far as it said so last.
    pub fn version(&self) -> Option<&Version> {
        match &self.became()?.said {
            IdentityReply::Identity { version, .. } => Some(version),
            IdentityReply::Unreadable(_) | IdentityReply::Nothing(_) => None,
        }
    }

    /// Whether it runs the version that the package leads to.
    pub fn runs_target(&self) -> bool {
        self.version() == Some(&self.case().package.to)
    }

    /// Whether the fault that the case declares was brought about; true without one.
    pub fn fault_met(&self) -> bool {
        let faults = &self.case().faults;
        if faults.http != HttpFaults::default() {
            return self.fetches.faulty;
        }
        self.fault_met || (faults.uart.is_none() && faults.order.is_none())
    }

    /// Whether a package with which nothing was done wrong was refused with 254 or 255: where END says so.
    pub fn refused(&self) -> Option<EventId> {
        let case = self.case();
        let sound = case.faults == crate::fault::Faults::default() && case.on == case.package.from;
        self.update.refused().filter(|_| sound)
    }

    /// Boots inside UPDATING that nobody caused.
    pub fn unexplained_resets(&self) -> u32 {
        self.update.unexplained_resets()
    }

    /// Whether a line that is missing now may have come in a gap: since the last cut, and since the last
    /// sign of the update.
    pub fn may_be_unheard(&self) -> bool {
        let mut lives = self.update.lives().iter().rev();
        let since_the_cut = lives.position(|life| life.cut.is_some());
        let count = since_the_cut.unwrap_or(usize::MAX);
        let mut lives = self.update.lives().iter().rev().take(count);
        // A later life in which the update goes on clears what could not be heard before it.
        match lives.find(|life| life.gap || life.updates()) {
            Some(life) => life.gap,
            None => false,
        }
    }

    /// The same of an END: since the last sign of the update, whatever was cut in between.
    pub fn may_end_unheard(&self) -> bool {
        let mut lives = self.update.lives().iter().rev();
        lives
            .find(|life| life.gap || life.updates())
            .is_some_and(|life| life.gap)
    }

    /// The same of what came before the first END since the last cut, where there was one.
    pub fn may_be_unheard_before_end(&self) -> bool {
        let mut lives = self
            .update
            .lives()
            .iter()
            .rev()
            .take_while(|life| life.cut.is_none());
        match lives.find(|life| !life.ends.is_empty()) {
            Some(life) => life.gap_before_end,
            None => self.may_be_unheard(),
        }
    }
}
