//! Derives the outcome of a module from the observation of an update and its verdict.

use crate::observation::{IdentityReply, Observation};
use crate::outcome::Outcome;
use crate::update::Life;
use crate::verdict::{Rule, Verdict};

/// What an update left, by what was seen of it and its verdict.
pub(super) fn outcome(seen: &Observation, verdict: &Verdict) -> Outcome {
    let version = match seen.became().map(|reading| &reading.said) {
        None | Some(IdentityReply::Nothing(_)) if still_updates(seen.update.life()) => {
            return Outcome::StillUpdating;
        }
        None | Some(IdentityReply::Nothing(_)) => return Outcome::Unresponsive,
        // It does not tell any more what it could tell before.
        Some(IdentityReply::Unreadable(_)) => return Outcome::SilentCorruption,
        // It tells its version, and does not answer other commands.
        Some(IdentityReply::Identity { .. }) if is(verdict, Rule::Unresponsive) && seen.answers_partly() => {
            return Outcome::Unresponsive;
        }
        Some(IdentityReply::Identity { version, .. }) => version,
    };
    let (source, target) = (&seen.case().on, &seen.case().package.to);
    if version != source && version != target {
        return Outcome::WrongImage;
    }
    let lost = [
        Rule::FunctionLost,
        Rule::ImeiChanged,
        Rule::ReadingsDiffer,
        Rule::ImageCorrupt,
    ];
    if lost.into_iter().any(|rule| is(verdict, rule)) {
        return Outcome::SilentCorruption;
    }
    match version {
        version if version == source => Outcome::OldIntact,
        _ if seen.resumed_after_cut() => Outcome::NewAfterResume,
        _ => Outcome::New,
    }
}

fn is(verdict: &Verdict, rule: Rule) -> bool {
    verdict.finding().is_some_and(|finding| finding.rule == rule)
}

fn still_updates(life: &Life) -> bool {
    life.updates() && !life.ready && life.ends.is_empty()
}
