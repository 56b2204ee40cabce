//! One rig: its module, and what it does now.

use dfota_core::event::watched::{Attempt, Purpose};
use dfota_core::event::{CutMade, Event, Record, RigFacts};
use dfota_core::event_id::EventId;
use dfota_core::observation::Observation;
use dfota_core::update::Phase;
use dfota_core::version::Imei;
use dfota_core::wear::WearCount;

/// What a rig does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LiveRigState {
    /// Between two cases.
    #[default]
    Idle,
    /// It brings the module to the version that a case starts from.
    Preparing,
    /// An update is under way.
    Running,
    /// It has no batch.
    Waiting,
    /// Its process ended or fell silent in the middle of a batch.
    Lost,
    /// It did not pass its check.
    Quarantined,
    /// It gets nothing more in this run, for another reason: its module is dead.
    Out,
    /// The run is over.
    Done,
}

impl LiveRigState {
    pub(super) const ALL: [Self; 8] = [
        Self::Idle,
        Self::Preparing,
        Self::Running,
        Self::Waiting,
        Self::Lost,
        Self::Quarantined,
        Self::Out,
        Self::Done,
    ];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Lost => "lost",
            Self::Quarantined => "quarantined",
            Self::Out => "out",
            Self::Done => "done",
        }
    }

    /// Whether the rig gets no further batch.
    pub(super) const fn is_out(self) -> bool {
        matches!(self, Self::Lost | Self::Quarantined | Self::Out | Self::Done)
    }
}

/// What is known of a rig before its module answers.
#[derive(Debug, Clone, Default)]
pub(super) struct RigLabel {
    pub(super) module: String,
    pub(super) simulated: bool,
    /// How much faster its module lives.
    pub(super) speed: f64,
}

/// What the module said that it is.
#[derive(Debug, Clone)]
pub(super) struct SeenIdentity {
    pub(super) model: String,
    pub(super) version: String,
    pub(super) imei: Option<Imei>,
}

/// The case that a rig is at.
#[derive(Debug)]
pub(super) struct PresentCase {
    pub(super) suite: String,
    pub(super) id: String,
    pub(super) began_ms: u64,
    pub(super) attempt: Option<PresentAttempt>,
    /// A cut waits for its moment, or was made.
    is_armed: bool,
}

/// A batch that its rig lost, and where it stood then.
#[derive(Debug)]
pub(super) struct LostBatch {
    pub(super) batch: String,
    /// Nothing between two cases.
    pub(super) case: Option<LostCase>,
}

/// The case that a rig was lost in.
#[derive(Debug)]
pub(super) struct LostCase {
    pub(super) suite: String,
    pub(super) id: String,
    pub(super) last_line: String,
    /// Its cut had been ordered, and nobody knows what it did.
    pub(super) was_ordered: bool,
}

/// What a part has said so far.
#[derive(Debug, Default)]
struct PartHeard {
    /// It has its last record: the program did not die.
    is_whole: bool,
    /// The module was given up.
    has_given_up: bool,
    /// What the module said last.
    last_line: String,
}

/// The update that is watched.
#[derive(Debug)]
pub(super) struct PresentAttempt {
    seen: Box<Observation>,
    /// Bytes of the package that went over the UART.
    uploaded: u64,
    pub(super) began_ms: u64,
    /// The longest time that it may take, in real milliseconds.
    pub(super) limit_ms: u64,
}

impl PresentAttempt {
    fn new(attempt: &Attempt, speed: f64, began_ms: u64) -> Self {
        Self {
            seen: Box::new(Observation::new(attempt.clone())),
            uploaded: 0,
            began_ms,
            limit_ms: (attempt.bound_ns as f64 / 1e6 / speed.max(f64::MIN_POSITIVE)) as u64,
        }
    }

    pub(super) fn purpose(&self) -> Purpose {
        self.seen.plan.purpose
    }

    pub(super) fn phase(&self) -> Phase {
        self.seen.update.phase()
    }

    /// How far the phase is, where that is known.
    pub(super) fn percent(&self) -> Option<u8> {
        match self.phase() {
            Phase::Updating { percent } => Some(percent.get()),
            Phase::Downloading { percent } => Some(percent.map_or(0, |percent| percent.get())),
            Phase::Uploading { .. } => {
                let bytes = self.seen.plan.case.package.bytes.max(1);
                Some((self.uploaded.saturating_mul(100) / bytes).min(100) as u8)
            }
            Phase::Ended { .. } => Some(100),
            Phase::Idle | Phase::Ordered | Phase::DownloadFailed { .. } => None,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct RigTile {
    pub(super) name: String,
    pub(super) label: RigLabel,
    pub(super) identity: Option<SeenIdentity>,
    pub(super) state: LiveRigState,
    /// Why it is in its state, where that has to be said.
    pub(super) why: String,
    /// The batch, and which attempt at it.
    pub(super) batch: Option<String>,
    pub(super) present: Option<PresentCase>,
    /// What the harness does, for people.
    pub(super) step: String,
    pub(super) last_cut: Option<String>,
    pub(super) lost: Option<LostBatch>,
    part: PartHeard,
    wear: WearCount,
}

impl RigTile {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn know(&mut self, rig: &RigFacts) {
        self.label = RigLabel {
            module: rig.module.clone(),
            simulated: rig.simulated,
            speed: rig.speed,
        };
    }

    /// Updates of its modules in this run.
    pub(super) fn wear(&self) -> u64 {
        self.wear.updates().map(|(_, updates)| updates).sum()
    }

    pub(super) fn done(&mut self) {
        if !self.state.is_out() {
            self.state = LiveRigState::Done;
        }
        self.clear();
    }

    pub(super) fn take_batch(&mut self, batch: &str, attempt: u32) {
        self.batch = Some(match attempt {
            0 | 1 => batch.to_owned(),
            _ => format!("{batch}, attempt {attempt}"),
        });
        self.why.clear();
        if self.present.is_none() && !self.state.is_out() {
            self.state = LiveRigState::Idle;
        }
    }

    /// Its batch was closed at `at_ms`. What the rig does may be news before the run's own journal says so: a case that began
    /// later is one of the next batch.
    pub(super) fn close_batch(&mut self, at_ms: u64) {
        self.batch = None;
        if self
            .present
            .as_ref()
            .is_none_or(|present| present.began_ms < at_ms)
        {
            self.clear();
            if !self.state.is_out() {
                self.state = LiveRigState::Waiting;
            }
        }
    }

    /// It stopped in the middle of its batch; `open`: cases whose cut had been ordered.
    pub(super) fn lose_batch(&mut self, batch: &str, why: &str, open: &[String]) {
        let state = match self.part {
            PartHeard {
                has_given_up: true, ..
            } => LiveRigState::Out,
            PartHeard { is_whole: true, .. } => LiveRigState::Quarantined,
            PartHeard { .. } => LiveRigState::Lost,
        };
        let last_line = std::mem::take(&mut self.part.last_line);
        let case = self.present.take().map(|present| LostCase {
            was_ordered: present.is_armed || open.contains(&present.id),
            suite: present.suite,
            id: present.id,
            last_line,
        });
        self.lost = Some(LostBatch {
            batch: self.batch.take().unwrap_or_else(|| batch.to_owned()),
            case,
        });
        self.leave(state, why);
    }

    /// The program that had the queue ended while the rig had a batch. The rig is not at fault, and goes on.
    pub(super) fn interrupt_batch(&mut self) {
        self.leave(LiveRigState::Waiting, "");
    }

    /// It gets no further batch.
    pub(super) fn leave(&mut self, state: LiveRigState, why: &str) {
        self.clear();
        // The first reason is the one that matters.
        if !self.state.is_out() {
            self.state = state;
            why.clone_into(&mut self.why);
        }
    }

    fn clear(&mut self) {
        self.batch = None;
        self.present = None;
        self.step.clear();
    }

    pub(super) fn on(&mut self, record: &Record, at_ms: u64) {
        self.wear.on(&record.event);
        match &record.event {
            Event::RunStarted(started) if started.rigs.is_empty() => {
                self.part = PartHeard::default();
                self.know(&started.rig);
            }
            Event::RunEnded { .. } => self.part.is_whole = true,
            Event::Identity { model, version, imei } => {
                self.identity = Some(SeenIdentity {
                    model: model.clone(),
                    version: version.to_string(),
                    imei: imei.clone(),
                });
            }
            Event::CaseStarted { id, suite } => self.begin(suite, id, at_ms),
            Event::Attempt(attempt) => self.attempt(attempt, at_ms),
            Event::Step { text } => self.step.clone_from(text),
            Event::CutMade(made) => self.last_cut = Some(cut_words(made)),
            Event::CutArmed { .. } => self.arm(true),
            Event::CutMissed { cut } => {
                self.last_cut = Some(format!("{cut} never met its moment"));
                self.arm(false);
            }
            Event::CaseEnded(ended) => self.end(&ended.suite, &ended.id),
            Event::GivenUp { cause } => {
                self.part.has_given_up = true;
                self.give_up(cause);
            }
            _ => {}
        }
        self.watch(record);
    }

    fn begin(&mut self, suite: &str, id: &str, at_ms: u64) {
        if self.state.is_out() {
            return;
        }
        self.state = LiveRigState::Preparing;
        self.step.clear();
        self.present = Some(PresentCase {
            suite: suite.to_owned(),
            id: id.to_owned(),
            began_ms: at_ms,
            attempt: None,
            is_armed: false,
        });
    }

    /// The module is given up. The batch goes on to its end, for what has to be said of its cases.
    fn give_up(&mut self, cause: &str) {
        self.present = None;
        self.step.clear();
        if !self.state.is_out() {
            self.state = LiveRigState::Out;
            cause.clone_into(&mut self.why);
        }
    }

    fn arm(&mut self, is_armed: bool) {
        if let Some(present) = &mut self.present {
            present.is_armed = is_armed;
        }
    }

    fn attempt(&mut self, attempt: &Attempt, at_ms: u64) {
        let Some(present) = &mut self.present else {
            return;
        };
        self.state = match attempt.purpose {
            Purpose::Preparation | Purpose::CounterProof => LiveRigState::Preparing,
            Purpose::Case | Purpose::Again => LiveRigState::Running,
        };
        present.attempt = Some(PresentAttempt::new(attempt, self.label.speed, at_ms));
    }

    /// A case ended: the present one, or an earlier one that a later case revises.
    fn end(&mut self, suite: &str, id: &str) {
        let is_present = |present: &PresentCase| present.suite == suite && present.id == id;
        if self.present.as_ref().is_some_and(is_present) {
            self.present = None;
            self.step.clear();
            if !self.state.is_out() {
                self.state = LiveRigState::Idle;
            }
        }
    }

    fn watch(&mut self, record: &Record) {
        if let Event::Rx { text, .. } = &record.event {
            self.part.last_line.clone_from(text);
        }
        let present = self.present.as_mut();
        let Some(attempt) = present.and_then(|present| present.attempt.as_mut()) else {
            return;
        };
        if let Event::TxData { bytes, .. } = &record.event {
            attempt.uploaded = attempt.uploaded.saturating_add(*bytes);
        }
        if !matches!(record.event, Event::Attempt(_)) {
            attempt.seen.on(EventId(record.seq), &record.event);
        }
    }
}

fn cut_words(made: &CutMade) -> String {
    let late = made.commanded_late_ns() as f64 / 1e3;
    format!("{} at {}, {late:.0} µs after it was due", made.cut, made.landed)
}
