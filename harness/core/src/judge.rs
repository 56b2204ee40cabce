//! The judgement of one case, in the fixed order: what the module became, what it said, whether the experiment was the
//! planned one. A dead, wrong or corrupted module is a fail wherever the cut landed; a cut that missed is never a pass.

use crate::case::{Case, Via};
use crate::expect::{Becomes, Expect, Reply};
use crate::fault::{Faults, OrderFault};
use crate::function::Function;
use crate::lwm2m::firmware_update::Ending;
use crate::mark::Mark;
use crate::moment::Moment;
use crate::percent::Percent;
use crate::update::{Due, Life, Phase, Update, Violation};
use crate::verdict::{Finding, Rule, Verdict};
use crate::version::{Imei, Version};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bc66_wire::code::{DownloadCode, UpdateCode};
use bc66_wire::lwm2m::{State, UpdateResult};

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

/// Judges one case.
pub fn judge(facts: &Facts<'_>) -> Verdict {
    facts
        .became()
        .or_else(|| facts.said())
        .or_else(|| facts.planned())
        .unwrap_or(Verdict::Pass)
}

/// The versions that are legal afterwards.
enum Wanted<'a> {
    Source,
    Target,
    Either,
    Exactly(&'a Version),
}

impl Facts<'_> {
    fn source(&self) -> &Version {
        &self.case.on
    }

    fn target(&self) -> &Version {
        &self.case.package.to
    }

    fn cut_lives(&self) -> impl Iterator<Item = &Life> {
        self.update.lives().iter().filter(|life| life.cut.is_some())
    }

    fn cuts_made(&self) -> u32 {
        self.cut_lives().count() as u32
    }

    /// Whether the update was seen to go on after the last cut.
    fn resumed(&self) -> bool {
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

    fn ends(&self) -> Vec<UpdateCode> {
        self.update.ends().collect()
    }

    /// "after power was cut at UPDATING 50 %", for the start of a sentence.
    fn after(&self) -> String {
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

    fn wanted(&self) -> Wanted<'_> {
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

    // What it became.

    fn became(&self) -> Option<Verdict> {
        let version = match &self.became {
            Became::Unresponsive => return Some(self.unresponsive()),
            Became::Runs(version) => version,
        };
        let wanted = self.wanted();
        if let Wanted::Exactly(expected) = wanted {
            return (version != expected).then(|| {
                let sentence = format!("{} the module runs {version}, expected {expected}", self.after());
                Verdict::of(Rule::TargetNotReached, sentence)
            });
        }
        if version != self.source() && version != self.target() {
            let sentence = format!(
                "{} the module runs {version}, which is neither the source {} nor the target {}",
                self.after(),
                self.source(),
                self.target()
            );
            return Some(Verdict::of(Rule::WrongVersion, sentence));
        }
        if let Some(first) = self.asked.first.as_ref().filter(|first| *first != version) {
            let sentence = format!(
                "{} the module ran {first}, and after one more power cycle it runs {version}; expected the same twice",
                self.after()
            );
            return Some(Verdict::of(Rule::ReadingsDiffer, sentence));
        }
        match wanted {
            Wanted::Target if version == self.source() && self.source() != self.target() => {
                Some(self.not_updated())
            }
            Wanted::Source if version != self.source() => {
                let sentence = format!(
                    "{} the module runs {version}, expected {} to run on",
                    self.after(),
                    self.source()
                );
                Some(Verdict::of(Rule::VersionChanged, sentence))
            }
            _ => self
                .stalled()
                .filter(|_| !self.finished_silently())
                .or_else(|| self.changed_imei())
                .or_else(|| self.lost_function()),
        }
    }

    /// The wait for END ran out because there was none: after UPDATING the application came up and runs the target. That
    /// is no stall, and `end-missing` says it.
    fn finished_silently(&self) -> bool {
        let came_up = |life: &Life| life.updating.is_some() && life.ready;
        self.timed_out == Some(TimedOut::Update)
            && self.became == Became::Runs(self.target().clone())
            && self.ends().is_empty()
            && self.update.lives().iter().any(came_up)
    }

    fn unresponsive(&self) -> Verdict {
        if let Some(stalled) = self
            .stalled()
            .filter(|_| self.timed_out == Some(TimedOut::Update))
        {
            return stalled;
        }
        let seen = match self.update.life() {
            life if life.boot_roms > 0 && !life.ready => "the boot ROM's block came and nothing after it",
            life if life.ready => "RDY came, but no command is answered",
            _ => "not a byte came",
        };
        let revivals = match &self.asked.revivals[..] {
            [] => "further attempts".to_string(),
            revivals => revivals.join(", "),
        };
        let before = match &self.asked.first {
            Some(first) => format!("it had answered as {first} before one more power cycle; "),
            None => String::new(),
        };
        let sentence = format!(
            "{} the module does not answer any more: {before}{seen}, also after {revivals}; expected it to run {} or {}",
            self.after(),
            self.source(),
            self.target()
        );
        Verdict::of(Rule::Unresponsive, sentence)
    }

    /// The source version runs where the target had to.
    fn not_updated(&self) -> Verdict {
        let (after, source, target) = (self.after(), self.source(), self.target());
        if let Some(finding) = self.lwm2m.and_then(|lwm2m| lwm2m.findings.first()) {
            // Why it is not updated is worth more than that it is not.
            let sentence = format!("{}; {source} runs on", finding.sentence);
            return Verdict::of(finding.rule, sentence);
        }
        let ends = self.ends();
        if ends.contains(&UpdateCode::Success) {
            let sentence =
                format!("{after} the module reported END,0 but still runs {source}; expected {target}");
            return Verdict::of(Rule::EndWithoutUpdate, sentence);
        }
        if let Some(code) = ends.last() {
            let sentence = format!(
                "{after} the update ended with END,{code} and {source} runs on; expected END,0 and {target}"
            );
            return Verdict::of(Rule::UpdateFailed, sentence);
        }
        if let Some(verdict) = self.stalled() {
            return verdict;
        }
        if self.cuts_made() > 0 {
            let again = |violation: &Violation| violation.rule == Rule::DownloadedAgain;
            if self.update.violations().iter().any(again) {
                // Why it did not resume is worth more than that it did not.
                let sentence = format!(
                    "{after} the module began to download again instead of resuming, and runs {source}; expected a forced resume to {target} from what is in flash (application note §2.2.1 note 1)"
                );
                return Verdict::of(Rule::DownloadedAgain, sentence);
            }
            let resumed = self.resumed();
            let (rule, how) = if resumed {
                (
                    Rule::TargetNotReached,
                    "the module resumed the update, reported no END",
                )
            } else {
                (
                    Rule::NoResume,
                    "the module came back without a single UPDATING: it forgot the update",
                )
            };
            let sentence = format!(
                "{after} {how} and runs {source}; expected a forced resume to {target} (application note §2.2.1 note 1)"
            );
            return Verdict::of(rule, sentence);
        }
        match self.update.download() {
            Some(code) if code != DownloadCode::Success => self.download_failed(code),
            _ if self.lwm2m.is_some_and(|lwm2m| lwm2m.ending.is_some()) => self.not_ordered(),
            _ if self.reply == Some(Reply::Error) => {
                let sentence =
                    format!("the order to update was answered with ERROR, expected OK; {source} runs on");
                Verdict::of(Rule::UnexpectedReply, sentence)
            }
            _ => {
                let sentence =
                    format!("{after} the module runs {source}, expected {target}; no END was reported");
                Verdict::of(Rule::TargetNotReached, sentence)
            }
        }
    }

    /// An update over LwM2M that came to an end before the module had anything to report by END or COAPEND.
    fn not_ordered(&self) -> Verdict {
        let ending = self.lwm2m.and_then(|lwm2m| lwm2m.ending);
        let rule = match ending {
            Some(Ending::Rests(_, UpdateResult::ConnectionLost)) => Rule::DownloadBroken,
            Some(Ending::Unanswered(_)) => Rule::Lwm2mSilent,
            _ => Rule::ObjectState,
        };
        let ending = ending.map_or(String::new(), |ending| ending.to_string());
        let sentence = format!(
            "the dialogue over LwM2M ended: {ending}, and the module runs {}; expected state 0, result 1 and {}",
            self.source(),
            self.target()
        );
        Verdict::of(rule, sentence)
    }

    /// A download that failed although nothing was done to it. Whose fault that is, the server's log tells.
    fn download_failed(&self, code: DownloadCode) -> Verdict {
        let (rule, seen) = match self.fetches {
            Fetches { requests: 0, .. } => (
                Rule::ServerNotReached,
                "and no request reached the package server",
            ),
            Fetches { broken: 1.., .. } => (Rule::DownloadBroken, "and the connection had broken off"),
            // Nothing acknowledges the last block of a CoAP download: that it was sent does not say that it arrived.
            _ if self.case.via == Via::Coap && code == DownloadCode::DownloadFailed => (
                Rule::DownloadBroken,
                "and whether the last block arrived nobody knows",
            ),
            _ => (
                Rule::DownloadCode,
                "although the server had sent everything it was asked for",
            ),
        };
        Verdict::of(rule, format!("the download ended with {code} {seen}; expected 0"))
    }

    fn stalled(&self) -> Option<Verdict> {
        let (rule, sentence) = match self.timed_out? {
            TimedOut::Update => {
                let at = self.update.lives().iter().rev().find_map(|life| life.updating);
                let at = at.map_or("START".to_string(), |(_, last)| format!("UPDATING {last}"));
                (
                    Rule::UpdateStalled,
                    format!(
                        "{} the module stood at {at} and reported no END within the limit `update`",
                        self.after()
                    ),
                )
            }
            TimedOut::Resume if self.never_left() => return Some(self.not_cut()),
            TimedOut::Resume => (
                Rule::ResumeTimeout,
                format!(
                    "{} neither START, UPDATING nor RDY came within the limit `resume` after the supply had returned",
                    self.after()
                ),
            ),
            TimedOut::Download if self.fetches.requests == 0 && self.told_state().is_some() => (
                Rule::ObjectState,
                format!(
                    "nothing was downloaded within the limit `download`: the module is registered over LwM2M, and its state `/5/0/3` is {}",
                    self.told_state().unwrap_or_default()
                ),
            ),
            TimedOut::Download => {
                let rule = if self.fetches.requests == 0 {
                    Rule::ServerNotReached
                } else {
                    Rule::DownloadStalled
                };
                let requests = match self.fetches.requests {
                    0 => "no request".to_string(),
                    1 => "one request".to_string(),
                    many => format!("{many} requests"),
                };
                (
                    rule,
                    format!(
                        "the download did not end within the limit `download`; the server had seen {requests}"
                    ),
                )
            }
        };
        Some(Verdict::of(rule, sentence))
    }

    /// It answers although it has not booted since the cut, not even when its supply was taken once more: then it never
    /// was without one.
    fn never_left(&self) -> bool {
        let silent =
            |life: &Life| life.boot_roms == 0 && !life.ready && !life.updates() && life.ends.is_empty();
        let since = self
            .update
            .lives()
            .iter()
            .rev()
            .take_while(|life| life.cut.is_none());
        self.cuts_made() > 0 && matches!(self.became, Became::Runs(_)) && since.clone().all(silent)
    }

    fn not_cut(&self) -> Verdict {
        let resets = |plan: &crate::cut::CutPlan| plan.kind == crate::cut::Kind::Reset;
        let (rule, line) = match &self.case.cut {
            Some(plan) if resets(plan) => (Rule::LineFailed, "reset"),
            _ => (Rule::PowerNotCut, "power"),
        };
        let sentence = format!(
            "{} the module answers, but neither the boot ROM nor RDY came, also after a further power cycle: it never left; check that the line `{line}` reaches it, and that nothing else feeds it",
            self.after()
        );
        Verdict::of(rule, sentence)
    }

    /// The state of the firmware update object as it was told last.
    fn told_state(&self) -> Option<i64> {
        self.lwm2m.and_then(|lwm2m| lwm2m.told.state)
    }

    fn changed_imei(&self) -> Option<Verdict> {
        if let Some((before, after)) = self.imei.as_ref().filter(|(before, after)| before != after) {
            let sentence = format!("{} the IMEI is {after}, it was {before}", self.after());
            return Some(Verdict::of(Rule::ImeiChanged, sentence));
        }
        let (before, after) = self.asked.function.as_ref()?;
        let before = before.imei.as_ref().filter(|_| after.imei.is_none())?;
        let sentence = format!(
            "{} the module tells no IMEI any more, it was {before}",
            self.after()
        );
        Some(Verdict::of(Rule::ImeiChanged, sentence))
    }

    fn lost_function(&self) -> Option<Verdict> {
        let (before, after) = self.asked.function.as_ref()?;
        let lost = before.lost(after)?;
        let sentence = format!(
            "{} the version is right, but the module has lost what it could do before: {lost}",
            self.after()
        );
        Some(Verdict::of(Rule::FunctionLost, sentence))
    }

    // What it said.

    fn said(&self) -> Option<Verdict> {
        self.violation()
            .or_else(|| self.downloaded_again())
            .or_else(|| self.wrong_reply())
            .or_else(|| self.wrong_download())
            .or_else(|| self.wrong_end())
            .or_else(|| self.wrong_object())
    }

    fn violation(&self) -> Option<Verdict> {
        let violation = self.update.violations().first()?;
        let sentence = format!(
            "{:?} came in the phase \"{}\": {}",
            violation.urc,
            violation.phase,
            violation.rule.meaning()
        );
        Some(Verdict::of(violation.rule, sentence))
    }

    fn downloaded_again(&self) -> Option<Verdict> {
        if self.fetches.again == 0 {
            return None;
        }
        let sentence = format!(
            "{} the package was fetched again ({} requests); a forced resume works from what is in flash",
            self.after(),
            self.fetches.again
        );
        Some(Verdict::of(Rule::DownloadedAgain, sentence))
    }

    fn wrong_reply(&self) -> Option<Verdict> {
        if let Some(OrderFault::Again(_)) = self.case.faults.order {
            // Which of the two a module answers is not documented: both refuse.
            let refused = self.reply == Some(Reply::Error) || self.ends().contains(&UpdateCode::Busy);
            return (self.fault_met && !refused).then(|| {
                let sentence =
                    "a second order while one was under way was accepted; expected ERROR, or END,2"
                        .to_string();
                Verdict::of(Rule::UnexpectedReply, sentence)
            });
        }
        let expected = self.case.expect.reply?;
        let seen = match self.reply {
            Some(reply) if reply == expected => return None,
            Some(reply) => reply.name(),
            None => "nothing",
        };
        Some(Verdict::of(
            Rule::UnexpectedReply,
            format!("the module answered {seen}, expected {}", expected.name()),
        ))
    }

    /// The cut came before there was anything to update with: the codes that the case expects belong to the same update,
    /// ordered again.
    fn to_be_ordered_again(&self) -> bool {
        let due = self.update.due() == Due::Nothing;
        due && self.cuts_made() > 0 && !self.cut_lives().any(|life| life.glitch)
    }

    fn wrong_download(&self) -> Option<Verdict> {
        let expected = self.case.expect.download.filter(|_| !self.to_be_ordered_again());
        let expected = DownloadCode::from_raw(expected?);
        match self.update.download() {
            Some(seen) if seen == expected => None,
            Some(seen) => Some(Verdict::of(
                Rule::DownloadCode,
                format!("the download ended with {seen}, expected {expected}"),
            )),
            None => Some(Verdict::of(
                Rule::DownloadCode,
                format!("no end of the download was reported, expected {expected}"),
            )),
        }
    }

    fn wrong_end(&self) -> Option<Verdict> {
        let ends = self.ends();
        let updated = self.became == Became::Runs(self.target().clone()) && self.source() != self.target();
        if ends.is_empty() && updated {
            let sentence = format!(
                "{} the module runs {}, but reported no END, not even on one further boot",
                self.after(),
                self.target()
            );
            return Some(Verdict::of(Rule::EndMissing, sentence));
        }
        let expected = self.expected_end(updated).filter(|_| !self.to_be_ordered_again());
        let expected = UpdateCode::from_raw(expected?);
        // The refusal of a second order is no result of the first.
        let again = matches!(self.case.faults.order, Some(OrderFault::Again(_)));
        let mut ends = ends
            .into_iter()
            .filter(|&code| !(again && code == UpdateCode::Busy));
        match ends.find(|&code| code != expected) {
            Some(seen) => Some(Verdict::of(
                Rule::UpdateCode,
                format!("{} END,{seen} was reported, expected {expected}", self.after()),
            )),
            None if self.ends().is_empty() => Some(Verdict::of(
                Rule::UpdateCode,
                format!("{} no END was reported, expected {expected}", self.after()),
            )),
            None => None,
        }
    }

    /// The END that has to come. After a cut, the table of legal outcomes says; without one, the case does.
    fn expected_end(&self, updated: bool) -> Option<u32> {
        if self.cuts_made() > 0 && self.case.expect == Expect::success() {
            return updated.then_some(UpdateCode::Success.raw());
        }
        self.case.expect.update
    }

    /// AT and LwM2M must tell the same story.
    fn wrong_object(&self) -> Option<Verdict> {
        let lwm2m = self.lwm2m?;
        if let Some(finding) = lwm2m.findings.first() {
            return Some(Verdict::of(finding.rule, finding.sentence.clone()));
        }
        let updated = self.became == Became::Runs(self.target().clone()) && self.source() != self.target();
        let declared = self.case.expect.lwm2m;
        let (state, result) = match declared {
            Some(declared) => (declared.state, declared.result),
            None if updated => (Some(State::Idle.raw()), Some(UpdateResult::Success.raw())),
            None => return None,
        };
        let expected = |value: Option<u8>| value.map_or("any".to_string(), |value| value.to_string());
        let expected = format!("state {} and result {}", expected(state), expected(result));
        match lwm2m.ending {
            Some(Ending::Rests(seen_state, seen_result)) => {
                let same = state.is_none_or(|state| state == seen_state.raw())
                    && result.is_none_or(|result| result == seen_result.raw());
                (!same).then(|| {
                    let (seen_state, seen_result) = (seen_state.raw(), seen_result.raw());
                    let sentence = format!(
                        "{} `/5/0` was read with state {seen_state} and result {seen_result}, expected {expected}",
                        self.after()
                    );
                    Verdict::of(Rule::ObjectState, sentence)
                })
            }
            Some(other) => {
                let sentence = format!(
                    "{} the dialogue over LwM2M ended: {other}; expected {expected}",
                    self.after()
                );
                Some(Verdict::of(Rule::Lwm2mSilent, sentence))
            }
            None if !lwm2m.awaited => None,
            None => Some(self.not_read_back(lwm2m.told, &expected)),
        }
    }

    /// No end came over LwM2M although the module was registered again: what it says of itself there decides.
    fn not_read_back(&self, told: Told, expected: &str) -> Verdict {
        let after = self.after();
        let Told {
            state: Some(state),
            result,
        } = told
        else {
            let sentence = format!(
                "{after} state and result of `/5/0` were not read back within the limit, expected {expected}"
            );
            return Verdict::of(Rule::Lwm2mSilent, sentence);
        };
        let result = result.map_or("unknown".to_string(), |result| result.to_string());
        let sentence = format!(
            "{after} `/5/0` still says state {state} and result {result} although END and the version say that the update is over; expected {expected}"
        );
        Verdict::of(Rule::ObjectState, sentence)
    }

    // Whether it was the planned experiment.

    fn planned(&self) -> Option<Verdict> {
        self.missed()
            .or_else(|| self.late())
            .or_else(|| self.finished_before())
            .or_else(|| {
                let later = self.to_be_ordered_again() && self.case.again().faults != Faults::default();
                (!self.fault_met && !later).then(|| {
                    let sentence =
                        "the update ended before the fault that the case declares was brought about"
                            .to_string();
                    Verdict::of(Rule::FaultNotMet, sentence)
                })
            })
    }

    fn missed(&self) -> Option<Verdict> {
        let (planned, made) = (self.cuts_planned, self.cuts_made());
        let plan = self.case.cut.as_ref().filter(|_| made < planned)?;
        let sentence = format!(
            "{made} of {planned} cuts were made: `{}` was not met again before the update ended (last seen: {})",
            plan.at,
            self.update.phase()
        );
        Some(Verdict::of(Rule::CutMissed, sentence))
    }

    fn late(&self) -> Option<Verdict> {
        let plan = self.case.cut.as_ref().filter(|plan| plan.at != Moment::End)?;
        let landed = self.cut_lives().find_map(|life| match life.cut {
            Some(phase @ Phase::Ended { .. }) => Some(phase),
            _ => None,
        })?;
        let sentence = format!(
            "the cut was armed at `{}` and landed {landed}: the delay was longer than the update",
            plan.at
        );
        Some(Verdict::of(Rule::CutLate, sentence))
    }

    fn finished_before(&self) -> Option<Verdict> {
        let plan = self.case.cut.as_ref()?;
        let armed_at_the_end = matches!(plan.at, Moment::End | Moment::Updating(Percent::FULL));
        // A campaign arms its cuts for the last moment before a time: there it counts where one landed.
        let full = Some(Phase::Updating {
            percent: Percent::FULL,
        });
        let landed_there = self.cut_lives().last().is_some_and(|life| life.cut == full);
        let armed_at_the_end = armed_at_the_end || (self.case.part.is_some() && landed_there);
        let updating = |life: &&Life| !life.glitch && matches!(life.cut, Some(Phase::Updating { .. }));
        let cut_while_updating = self.cut_lives().last().filter(updating).is_some();
        (cut_while_updating && !self.resumed() && !armed_at_the_end).then(|| {
            let sentence = format!(
                "{} only RDY, END,0 and {} came: the update had been finished before the cut, so no forced resume was seen",
                self.after(),
                self.target()
            );
            Verdict::of(Rule::FinishedBeforeCut, sentence)
        })
    }
}

/// In a few words: where the cuts landed and how the module came back.
pub fn story(update: &Update, became: &Became) -> String {
    let mut parts: Vec<String> = Vec::new();
    for life in update.lives() {
        if let Some((first, last)) = life.updating {
            let resumed = parts.last().is_some_and(|part: &String| part.starts_with("cut"));
            parts.push(if resumed {
                format!("resumed {first}..{last}")
            } else {
                format!("UPDATING {first}..{last}")
            });
        }
        parts.extend(
            life.download
                .filter(|code| *code != DownloadCode::Success)
                .map(|code| format!("download {}", code.raw())),
        );
        parts.extend(life.ends.iter().map(|code| format!("END,{}", code.raw())));
        parts.extend(life.cut.map(|phase| format!("cut at {phase}")));
    }
    parts.push(match became {
        Became::Runs(version) => version.to_string(),
        Became::Unresponsive => "unresponsive".to_string(),
    });
    parts.join(" · ")
}
