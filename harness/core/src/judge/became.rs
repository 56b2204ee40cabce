//! First: what the module became. A dead, wrong or corrupted one is a fail wherever the cut landed.

use super::Admitted;
use super::expectation::LegalVersion;
use crate::capabilities::Capabilities;
use crate::event::CapabilityTime;
use crate::expect::{Becomes, CommandReply};
use crate::observation::{IdentityReply, ObjectEnding, Observation, SeenEvent};
use crate::transport::Via;
use crate::update::Violation;
use crate::verdict::{Rule, Verdict};
use crate::version::{Imei, Version};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bc66_spec::code::{DownloadCode, UpdateCode};
use bc66_spec::lwm2m::UpdateResult;

pub(super) fn look(rules: &mut Admitted<'_>) -> Option<Verdict> {
    let seen = rules.seen;
    let version = match seen.became().map(|reading| &reading.said) {
        None => {
            let sentence = "the module was never read after the update".to_string();
            return Some(Verdict::by(Rule::HarnessFailed, sentence));
        }
        // Once it did not answer, whatever woke it afterwards.
        Some(_) if seen.fell_silent().is_some() => {
            return seen.fell_silent().map(|heard| seen.unresponsive(heard));
        }
        Some(IdentityReply::Nothing(heard)) => return Some(seen.unresponsive(heard)),
        Some(IdentityReply::Unreadable(said)) => return Some(seen.unreadable(said)),
        Some(IdentityReply::Identity { version, .. }) => version,
    };
    let legal = seen.legal_version();
    if let LegalVersion::Exactly(expected) = legal {
        return (version != expected).then(|| {
            let sentence = format!("{} the module runs {version}, expected {expected}", seen.after());
            Verdict::by(Rule::TargetNotReached, sentence)
        });
    }
    if version != seen.source() && version != seen.target() {
        return Some(seen.wrong_version(version));
    }
    if let Some(verdict) = seen.other_reading(version) {
        return Some(verdict);
    }
    let changes = seen.source() != seen.target();
    let on_the_source = changes && version == seen.source();
    match legal {
        // Whether the update had ended before the cut, as the case declares, may not have been heard.
        LegalVersion::Target if on_the_source && seen.may_have_been_refused() => {
            rules.unheard.get_or_insert(Rule::NoResume);
        }
        LegalVersion::Target if on_the_source => return not_updated(rules),
        // Nothing had to come after the cut; what went on all the same has to lead somewhere.
        LegalVersion::Either if on_the_source && (seen.resumed_after_cut() || seen.claims_success()) => {
            return not_updated(rules);
        }
        // A resume that failed may have been said in a gap.
        LegalVersion::Either
            if on_the_source && (seen.may_be_unheard_before_end() || seen.update.is_uncertain()) =>
        {
            rules.unheard.get_or_insert(Rule::TargetNotReached);
        }
        LegalVersion::Source if version != seen.source() => return Some(seen.changed_version(version)),
        _ => {}
    }
    let stalled = seen.stalled();
    rules.admit(stalled).or_else(|| what_it_can_do(rules))
}

/// What the module could do before the update, and cannot do after it.
fn what_it_can_do(rules: &mut Admitted<'_>) -> Option<Verdict> {
    let seen = rules.seen;
    let silent = seen.fell_silent_to();
    // A missing answer is evidence only while the module could be heard.
    if !silent.is_empty() && seen.may_be_unheard() {
        rules.unheard.get_or_insert(Rule::Unresponsive);
        return None;
    }
    match silent[..] {
        [] => seen.changed_imei().or_else(|| seen.lost_function()),
        [_] => seen.lost_function(),
        _ => Some(seen.partly_unresponsive(&silent)),
    }
}

/// The source version runs where the target had to.
fn not_updated(rules: &mut Admitted<'_>) -> Option<Verdict> {
    let seen = rules.seen;
    if let Some(verdict) = seen.reported_failure() {
        return Some(verdict);
    }
    let stalled = seen.stalled();
    if let Some(verdict) = rules.admit(stalled) {
        return Some(verdict);
    }
    if seen.cuts_made() > 0 {
        let forgotten = seen.forgotten();
        let forgotten = rules.admit(Some(forgotten));
        return Some(forgotten.unwrap_or_else(|| seen.not_reached()));
    }
    let download = seen
        .update
        .download()
        .filter(|code| *code != DownloadCode::Success);
    let verdict = match download {
        Some(code) => seen.download_failed(code),
        None if seen.object.ending.is_some() => seen.not_ordered(),
        None if seen
            .answers
            .reply
            .is_some_and(|reply| reply.what == CommandReply::Error) =>
        {
            seen.order_refused()
        }
        // Without a sign of the update, why there is none may have been said in a gap.
        None if seen.may_be_unheard() && !seen.resumed() => {
            rules.unheard.get_or_insert(Rule::TargetNotReached);
            return None;
        }
        None => seen.not_reached(),
    };
    rules.admit(Some(verdict))
}

impl Observation {
    fn claims_success(&self) -> bool {
        self.ends().contains(&UpdateCode::Success)
    }

    /// The case declares a refusal, and an END before the last cut may not have been heard.
    fn may_have_been_refused(&self) -> bool {
        let declared = self.case().expect.version == Some(Becomes::Unchanged);
        declared && self.update.is_uncertain() && !self.claims_success()
    }

    /// What came in place of an answer, where one did not come.
    fn fell_silent(&self) -> Option<&str> {
        self.answers
            .readings
            .iter()
            .find_map(|reading| match &reading.said {
                IdentityReply::Nothing(heard) => Some(heard.as_str()),
                _ => None,
            })
    }

    fn unresponsive(&self, heard: &str) -> Verdict {
        let stuck = self.stalled().filter(|_| self.stuck_at_the_end());
        if let Some(stalled) = stuck.filter(|_| !self.may_be_unheard()) {
            return stalled;
        }
        let revivals = match counted(&self.answers.revivals)[..] {
            [] => "further attempts".to_string(),
            ref revivals => revivals.join(", "),
        };
        let first = self
            .answers
            .readings
            .iter()
            .find_map(|reading| match &reading.said {
                IdentityReply::Identity { version, .. } => Some(version),
                _ => None,
            });
        let before = match first {
            Some(first) => format!("it had answered as {first} before; "),
            None => String::new(),
        };
        let sentence = format!(
            "{} the module does not answer any more: {before}{heard}, also after {revivals}; expected it to run {} or {}",
            self.after(),
            self.source(),
            self.target()
        );
        Verdict::by(Rule::Unresponsive, sentence)
    }

    fn unreadable(&self, said: &str) -> Verdict {
        let sentence = format!(
            "{} the module answers, and its version cannot be read any more: `ATI` was answered with `{said}`, expected a line `Revision: {}` or `Revision: {}`",
            self.after(),
            self.source(),
            self.target()
        );
        Verdict::by(Rule::IdentityLost, sentence)
    }

    fn wrong_version(&self, version: &Version) -> Verdict {
        let sentence = format!(
            "{} the module runs {version}, which is neither the source {} nor the target {}",
            self.after(),
            self.source(),
            self.target()
        );
        Verdict::by(Rule::WrongVersion, sentence)
    }

    fn changed_version(&self, version: &Version) -> Verdict {
        let source = self.source();
        let sentence = format!(
            "{} the module runs {version}, expected {source} to run on",
            self.after()
        );
        Verdict::by(Rule::VersionChanged, sentence)
    }

    /// An earlier reading that said something else.
    fn other_reading(&self, version: &Version) -> Option<Verdict> {
        // What it did in between says more than that it is another now.
        if !self.update.violations().is_empty() || self.fetches.again > 0 {
            return None;
        }
        let first = self
            .answers
            .readings
            .iter()
            .find_map(|reading| match &reading.said {
                IdentityReply::Identity { version: other, .. } if other != version => Some(other),
                _ => None,
            })?;
        let sentence = format!(
            "{} the module ran {first}, and after a further power cycle it runs {version}; expected the same each time",
            self.after()
        );
        Some(Verdict::by(Rule::ReadingsDiffer, sentence))
    }

    /// Why the update did not come about, as the module or its object reported it.
    fn reported_failure(&self) -> Option<Verdict> {
        let (after, source, target) = (self.after(), self.source(), self.target());
        if let Some(finding) = self.object.findings.first() {
            // Why it is not updated is worth more than that it is not.
            let sentence = format!("{}; {source} runs on", finding.sentence);
            return Some(Verdict::by(finding.rule, sentence));
        }
        let ends = self.ends();
        if ends.contains(&UpdateCode::Success) {
            let sentence =
                format!("{after} the module reported END,0 but still runs {source}; expected {target}");
            return Some(Verdict::by(Rule::EndWithoutUpdate, sentence));
        }
        let code = ends.last()?;
        let resume = match (self.cuts_made() > 0, self.resumed()) {
            (true, true) => "the forced resume",
            (true, false) => "no UPDATING came, and the update",
            _ => "the update",
        };
        let sentence =
            format!("{after} {resume} ended with END,{code} and {source} runs; expected END,0 and {target}");
        Some(Verdict::by(Rule::UpdateFailed, sentence))
    }

    /// The source runs after a cut, and the module said nothing of why.
    fn forgotten(&self) -> Verdict {
        let (after, source, target) = (self.after(), self.source(), self.target());
        let again = |violation: &Violation| violation.rule == Rule::DownloadedAgain;
        if self.update.violations().iter().any(again) {
            // Why it did not resume is worth more than that it did not.
            let sentence = format!(
                "{after} the module began to download again instead of resuming, and runs {source}; expected a forced resume to {target} from what is in flash (application note §2.2.1 note 1)"
            );
            return Verdict::by(Rule::DownloadedAgain, sentence);
        }
        if self.resumed() {
            return self.not_reached();
        }
        let sentence = format!(
            "{after} the module came back without a single UPDATING, reported no END, and runs {source}; expected a forced resume to {target} (application note §2.2.1 note 1)"
        );
        Verdict::by(Rule::NoResume, sentence)
    }

    fn not_reached(&self) -> Verdict {
        let (after, source, target) = (self.after(), self.source(), self.target());
        let how = match (self.cuts_made() > 0, self.resumed()) {
            (true, true) => "the update went on, no END was heard, and the module",
            (true, false) => "nothing more of the update was heard, and the module",
            (false, _) => "no END was heard, and the module",
        };
        let sentence = format!("{after} {how} runs {source}; expected {target}");
        Verdict::by(Rule::TargetNotReached, sentence)
    }

    fn order_refused(&self) -> Verdict {
        let source = self.source();
        let sentence = format!("the order to update was answered with ERROR, expected OK; {source} runs on");
        Verdict::by(Rule::UnexpectedReply, sentence)
    }

    /// An update over LwM2M that came to an end before the module had anything to report by END or COAPEND.
    fn not_ordered(&self) -> Verdict {
        let rule = match &self.object.ending {
            Some(ObjectEnding::Rests { result, .. }) if *result == UpdateResult::ConnectionLost.raw() => {
                Rule::DownloadBroken
            }
            Some(ObjectEnding::Unanswered(_)) => Rule::Lwm2mSilent,
            _ => Rule::ObjectState,
        };
        let ending = self
            .object
            .ending
            .as_ref()
            .map_or(String::new(), |ending| ending.to_string());
        let sentence = format!(
            "the dialogue over LwM2M ended: {ending}, and the module runs {}; expected state 0, result 1 and {}",
            self.source(),
            self.target()
        );
        Verdict::by(rule, sentence)
    }

    /// A download that failed although nothing was done to it. The server's log shows whose fault that is.
    fn download_failed(&self, code: DownloadCode) -> Verdict {
        let (rule, seen) = if self.fetches.requests == 0 {
            (
                Rule::ServerNotReached,
                "and no request reached the package server",
            )
        } else if self.fetches.broken > 0 {
            (Rule::DownloadBroken, "and the connection had broken off")
        } else if self.case().via == Via::Coap && code == DownloadCode::DownloadFailed {
            // Nothing acknowledges the last block of a CoAP download: that it was sent does not say that it arrived.
            (
                Rule::DownloadBroken,
                "and whether the last block arrived is not known",
            )
        } else {
            (
                Rule::DownloadCode,
                "although the server had sent everything it was asked for",
            )
        };
        Verdict::by(rule, format!("the download ended with {code} {seen}; expected 0"))
    }

    fn changed_imei(&self) -> Option<Verdict> {
        let before = self.plan.before.as_ref()?.imei.as_ref()?;
        let told: Vec<&Imei> = self
            .answers
            .readings
            .iter()
            .filter_map(|reading| match &reading.said {
                IdentityReply::Identity { imei, .. } => imei.as_ref(),
                _ => None,
            })
            .collect();
        if let Some(other) = told.iter().find(|told| **told != before) {
            let sentence = format!("{} the IMEI is {other}, it was {before}", self.after());
            return Some(Verdict::by(Rule::ImeiChanged, sentence));
        }
        let (_, after) = self.capabilities()?;
        after.imei.is_none().then(|| {
            let sentence = format!(
                "{} the module no longer reports an IMEI, it was {before}",
                self.after()
            );
            Verdict::by(Rule::ImeiChanged, sentence)
        })
    }

    /// What it could do before the update and what it can do after it, where it was asked both times.
    fn capabilities(&self) -> Option<(&Capabilities, &Capabilities)> {
        let before = self.plan.before.as_ref()?;
        let last = &self.answers.capabilities.last()?.what;
        (last.when != CapabilityTime::Before).then_some((before, &last.capabilities))
    }

    /// The commands that were answered before the update and are not after it.
    fn fell_silent_to(&self) -> Vec<&str> {
        let Some((before, after)) = self.capabilities() else {
            return Vec::new();
        };
        let mut silent: Vec<&str> = before.fell_silent(after).collect();
        // That the IMEI was not told may have other reasons, where every other command is answered.
        if !silent.is_empty() && before.imei.is_some() && after.imei.is_none() {
            silent.insert(0, "AT+CGSN=1");
        }
        silent
    }

    /// Whether several commands are not answered, and others are.
    pub(crate) fn answers_partly(&self) -> bool {
        self.fell_silent_to().len() > 1
    }

    fn partly_unresponsive(&self, silent: &[&str]) -> Verdict {
        let sentence = format!(
            "{} the module answers only some commands: no answer came to `{}`, also after one more power cycle; expected one to each, as before the update",
            self.after(),
            silent.join("`, `")
        );
        Verdict::by(Rule::Unresponsive, sentence)
    }

    fn lost_function(&self) -> Option<Verdict> {
        let (before, after) = self.capabilities()?;
        let lost = before.lost(after)?;
        let sentence = format!(
            "{} the version is right, but the module has lost capabilities: {lost}",
            self.after()
        );
        Some(Verdict::by(Rule::FunctionLost, sentence))
    }
}

/// `2 × a power cycle`, `a reset`: what was done, in order, repetitions together.
fn counted(revivals: &[SeenEvent<String>]) -> Vec<String> {
    let runs = revivals.chunk_by(|one, next| one.what == next.what);
    runs.map(|run| match run {
        [one] => one.what.clone(),
        _ => format!("{} × {}", run.len(), run[0].what),
    })
    .collect()
}
