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
    /// It stopped in the middle of a batch.
    Lost,
    /// It gets nothing more in this run.
    Quarantined,
    /// The run is over.
    Done,
}

impl LiveRigState {
    pub(super) const ALL: [Self; 7] = [
        Self::Idle,
        Self::Preparing,
        Self::Running,
        Self::Waiting,
        Self::Lost,
        Self::Quarantined,
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
            Self::Done => "done",
        }
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

/// A module under a claim. By its rig as well: of a masked run, the IMEIs of all modules are alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ModuleKey {
    pub(super) rig: String,
    pub(super) imei: Option<String>,
}

impl ModuleKey {
    /// The module of an earlier run, as the tally of its cut names it: `bench-03/86…`.
    pub(super) fn named(module: &str) -> Self {
        let (rig, imei) = module.rsplit_once('/').unwrap_or((module, ""));
        Self {
            rig: rig.to_owned(),
            imei: Some(imei.to_owned()).filter(|imei| !imei.is_empty()),
        }
    }
}

/// The case that a rig is at.
#[derive(Debug)]
pub(super) struct PresentCase {
    pub(super) suite: String,
    pub(super) id: String,
    pub(super) began_ms: u64,
    pub(super) attempt: Option<PresentAttempt>,
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

    pub(super) fn module_key(&self) -> ModuleKey {
        let imei = self.identity.as_ref().and_then(|seen| seen.imei.as_ref());
        ModuleKey {
            rig: self.name.clone(),
            imei: imei.map(|imei| imei.as_str().to_owned()),
        }
    }

    /// Updates of its modules in this run.
    pub(super) fn wear(&self) -> u64 {
        self.wear.updates().map(|(_, updates)| updates).sum()
    }

    pub(super) fn done(&mut self) {
        if !matches!(self.state, LiveRigState::Lost | LiveRigState::Quarantined) {
            self.state = LiveRigState::Done;
        }
        self.present = None;
        self.batch = None;
        self.step.clear();
    }

    pub(super) fn take_batch(&mut self, batch: &str, attempt: u32) {
        self.batch = Some(match attempt {
            0 | 1 => batch.to_owned(),
            _ => format!("{batch}, attempt {attempt}"),
        });
        self.why.clear();
        if self.present.is_none() {
            self.state = LiveRigState::Idle;
        }
    }

    pub(super) fn leave_batch(&mut self, state: LiveRigState, why: &str) {
        self.batch = None;
        self.present = None;
        self.step.clear();
        // A rig that is out stays out, whatever becomes of its last batch.
        if self.state != LiveRigState::Quarantined {
            self.state = state;
            why.clone_into(&mut self.why);
        }
    }

    pub(super) fn on(&mut self, record: &Record, at_ms: u64) {
        self.wear.on(&record.event);
        match &record.event {
            Event::RunStarted(started) if started.rigs.is_empty() => self.know(&started.rig),
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
            Event::CutMissed { cut } => self.last_cut = Some(format!("{cut} never met its moment")),
            Event::CaseEnded(ended) => self.end(&ended.suite, &ended.id),
            Event::GivenUp { cause } => self.leave_batch(LiveRigState::Quarantined, cause),
            _ => {}
        }
        self.watch(record);
    }

    fn begin(&mut self, suite: &str, id: &str, at_ms: u64) {
        self.state = LiveRigState::Preparing;
        self.step.clear();
        self.present = Some(PresentCase {
            suite: suite.to_owned(),
            id: id.to_owned(),
            began_ms: at_ms,
            attempt: None,
        });
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

    /// A case ended: the present one, or an earlier one on which a later one has the last word.
    fn end(&mut self, suite: &str, id: &str) {
        let is_present = |present: &PresentCase| present.suite == suite && present.id == id;
        if self.present.as_ref().is_some_and(is_present) {
            self.present = None;
            self.step.clear();
            self.state = LiveRigState::Idle;
        }
    }

    fn watch(&mut self, record: &Record) {
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
