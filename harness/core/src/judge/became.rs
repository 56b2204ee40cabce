//! First: what the module became. A dead, wrong or corrupted one is a fail wherever the cut landed.

use super::facts::{Became, Facts, Fetches, TimedOut, Wanted};
use crate::case::Via;
use crate::expect::Reply;
use crate::lwm2m::firmware_update::Ending;
use crate::update::{Life, Violation};
use crate::verdict::{Rule, Verdict};
use alloc::format;
use alloc::string::{String, ToString};
use bc66_wire::code::{DownloadCode, UpdateCode};
use bc66_wire::lwm2m::UpdateResult;

impl Facts<'_> {
    pub(super) fn became(&self) -> Option<Verdict> {
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
}
