//! Everything that a case is judged by.

use crate::case::Case;
use crate::expect::{Becomes, Reply};
use crate::function::Function;
use crate::lwm2m::firmware_update::Ending;
use crate::mark::Mark;
use crate::update::{Due, Life, Update};
use crate::verdict::Finding;
use crate::version::{Imei, Version};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bc66_wire::code::UpdateCode;

/// What the module was when it was asked, after the last boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It runs this version.
    Runs(Version),
    /// It does not answer, whatever the rig can do.
    Unresponsive,
}

/// A wait that ended without what was awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimedOut {
    /// Neither UPDATING nor RDY after the supply returned: limit `resume`.
    Resume,
    /// UPDATING without END: limit `update`.
    Update,
    /// A download without end: limit `download`.
    Download,
}

impl TimedOut {
    /// The limit that was over, as suites write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Update => "update",
            Self::Download => "download",
        }
    }
}

/// What the package server saw of this case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetches {
    /// Requests for the package.
    pub requests: u32,
    /// Requests after UPDATING had begun.
    pub again: u32,
    /// Answers that broke off without a fault that asked for it.
    pub broken: u32,
}

/// State and result of the firmware update object as they were told last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// `/5/0/3`.
    pub state: Option<i64>,
    /// `/5/0/5`.
    pub result: Option<i64>,
}

/// What the LwM2M server saw of this case.
#[derive(Debug, Clone, Copy)]
pub struct Lwm2m<'a> {
    /// What was not legal in itself.
    pub findings: &'a [Finding],
    /// How the update ended, where it did.
    pub ending: Option<&'a Ending>,
    /// State and result were to be read back: the module came back, was configured and asked to register.
    pub awaited: bool,
    /// What they were last; where they were to be read back, since then.
    pub told: Told,
}

/// Everything that a case is judged by.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What was planned.
    pub case: &'a Case,
    /// What happened.
    pub update: &'a Update,
    /// What the module became.
    pub became: Became,
    /// Cuts that were to be made.
    pub cuts_planned: u32,
    /// The wait that ran out first, if one did.
    pub timed_out: Option<TimedOut>,
    /// What answered the faulty block, or the order (the second one where the case gives two).
    pub reply: Option<Reply>,
    /// Whether the declared fault was brought about; true without one.
    pub fault_met: bool,
    /// What the server saw.
    pub fetches: Fetches,
    /// How the dialogue over LwM2M went, where there was one.
    pub lwm2m: Option<Lwm2m<'a>>,
    /// IMEI before and after, where both are known.
    pub imei: Option<(Imei, Imei)>,
    /// What else the oracle asked, and how.
    pub asked: Asked,
}

/// What the oracle did beside reading a version, and where it stands in the journal.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// What the module ran before the one more power cycle after which it became what it is.
    pub first: Option<Version>,
    /// What it could do before the update and after it.
    pub function: Option<(Function, Function)>,
    /// What was done to a module that does not answer: `2 × a power cycle`, `a reset`, `PWRKEY`.
    pub revivals: Vec<String>,
    /// Where everything stands.
    pub marks: Marks,
}

/// Places in the journal of what a verdict may rest on, beside what the watched update knows.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// The module said who it is.
    pub identities: Vec<Mark>,
    /// It said what it can do.
    pub functions: Vec<Mark>,
    /// It was given another chance to answer.
    pub revivals: Vec<Mark>,
    /// It answered the order, or the faulty block.
    pub reply: Option<Mark>,
    /// A limit was over.
    pub timed_out: Option<Mark>,
    /// An armed cut was not made.
    pub missed: Vec<Mark>,
    /// A server was asked for the package.
    pub requests: Vec<Mark>,
    /// Something illegal was seen over LwM2M, the end of the update, or state and result.
    pub object: Vec<Mark>,
}

/// The versions that are legal afterwards.
pub(super) enum Wanted<'a> {
    Source,
    Target,
    Either,
    Exactly(&'a Version),
}

impl Facts<'_> {
    pub(super) fn source(&self) -> &Version {
        &self.case.on
    }

    pub(super) fn target(&self) -> &Version {
        &self.case.package.to
    }

    pub(super) fn cut_lives(&self) -> impl Iterator<Item = &Life> {
        self.update.lives().iter().filter(|life| life.cut.is_some())
    }

    pub(super) fn cuts_made(&self) -> u32 {
        self.cut_lives().count() as u32
    }

    /// Whether the update was seen to go on after the last cut.
    pub(super) fn resumed(&self) -> bool {
        self.update
            .lives()
            .iter()
            .rev()
            .take_while(|life| life.cut.is_none())
            .any(Life::updates)
    }

    /// Whether a cut was made, and the update seen to go on after the last one.
    pub(crate) fn resumed_after_cut(&self) -> bool {
        self.cuts_made() > 0 && self.resumed()
    }

    pub(super) fn ends(&self) -> Vec<UpdateCode> {
        self.update.ends().collect()
    }

    /// "after power was cut at UPDATING 50 %", for the start of a sentence.
    pub(super) fn after(&self) -> String {
        let Some(plan) = self.case.cut.as_ref().filter(|_| self.cuts_made() > 0) else {
            return format!("after the update over {}", self.case.via);
        };
        let places: Vec<String> = self
            .cut_lives()
            .filter_map(|life| life.cut)
            .map(|phase| phase.to_string())
            .collect();
        let what = match plan.kind {
            crate::cut::Kind::Power => "power was cut",
            crate::cut::Kind::Reset => "the module was reset",
            crate::cut::Kind::Both => "power was cut and reset asserted",
        };
        format!("after {what} at {}", places.join(", and again at "))
    }

    pub(super) fn wanted(&self) -> Wanted<'_> {
        if self.cuts_made() > 0 {
            let rode_through = self.cut_lives().any(|life| life.glitch);
            return match self.update.due() {
                Due::Nothing if rode_through => Wanted::Either,
                Due::Nothing => Wanted::Source,
                Due::MayResume => Wanted::Either,
                Due::MustResume => Wanted::Target,
                Due::Finished if self.ends().last() == Some(&UpdateCode::Success) => Wanted::Target,
                Due::Finished => Wanted::Source,
            };
        }
        match &self.case.expect.version {
            Some(Becomes::Target) => Wanted::Target,
            Some(Becomes::Unchanged) => Wanted::Source,
            Some(Becomes::Version(version)) => Wanted::Exactly(version),
            None => Wanted::Either,
        }
    }
}
