//! What became of the module: the axis on which campaigns count, whatever rule a verdict rests on.

use crate::observation::{Observation, Said};
use crate::update::Life;
use crate::verdict::{Rule, Verdict};
use core::fmt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a module became by an update, cut or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The source version runs and does what it did, as far as can be asked. The next delta has the last word: where it is
    /// refused, this becomes [`Self::SilentCorruption`].
    OldIntact,
    /// The target version runs and does what the source did; no resume was seen on the way.
    New,
    /// The same after a forced resume.
    NewAfterResume,
    /// It runs a version that is neither the source nor the target.
    WrongImage,
    /// Its version is a legal one, and it is not what the version says: the next known-good delta is refused with 254 or
    /// 255, or something that it could do before is lost.
    SilentCorruption,
    /// It does not answer, whatever the rig could do about it.
    Unresponsive,
    /// It does not answer, and still shows that it updates.
    StillUpdating,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::OldIntact,
        Self::New,
        Self::NewAfterResume,
        Self::WrongImage,
        Self::SilentCorruption,
        Self::Unresponsive,
        Self::StillUpdating,
    ];

    /// What counts as a brick, for reports: it has to stand beside any figure that counts them.
    pub const BRICK: &str = "a brick is a module that, after the update and whatever the rig can do to revive it (power \
        cycles with discharge, reset, PWRKEY), does not answer, or is still updating, or runs a version that is neither \
        the old nor the new one, or says a legal version but refuses the next known-good delta with 254 or 255 or has \
        lost something that it could do before (IMEI, SIM, full functionality, registration, address)";

    /// Whether it counts as a brick; [`Self::BRICK`] says it in words: unresponsive, still updating, a wrong image, or a
    /// silent corruption.
    pub const fn is_brick(self) -> bool {
        match self {
            Self::WrongImage | Self::SilentCorruption | Self::Unresponsive | Self::StillUpdating => true,
            Self::OldIntact | Self::New | Self::NewAfterResume => false,
        }
    }

    /// As the journal and reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OldIntact => "old-intact",
            Self::New => "new",
            Self::NewAfterResume => "new-after-resume",
            Self::WrongImage => "wrong-image",
            Self::SilentCorruption => "silent-corruption",
            Self::Unresponsive => "unresponsive",
            Self::StillUpdating => "still-updating",
        }
    }

    /// In words, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OldIntact => "old and intact",
            Self::New => "new",
            Self::NewAfterResume => "new after a resume",
            Self::WrongImage => "wrong image",
            Self::SilentCorruption => "silent corruption",
            Self::Unresponsive => "bricked: unresponsive",
            Self::StillUpdating => "still updating",
        }
    }

    /// What an update left, by what was seen of it and its verdict.
    pub fn after(seen: &Observation, verdict: &Verdict) -> Self {
        let version = match seen.became().map(|reading| &reading.said) {
            None | Some(Said::Nothing(_)) if still_updates(seen.update.life()) => return Self::StillUpdating,
            None | Some(Said::Nothing(_)) => return Self::Unresponsive,
            // It does not tell any more what it could tell before.
            Some(Said::Unreadable(_)) => return Self::SilentCorruption,
            // It tells its version, and does not answer other commands.
            Some(Said::Identity { .. }) if is(verdict, Rule::Unresponsive) && seen.answers_partly() => {
                return Self::Unresponsive;
            }
            Some(Said::Identity { version, .. }) => version,
        };
        let (source, target) = (&seen.case().on, &seen.case().package.to);
        if version != source && version != target {
            return Self::WrongImage;
        }
        let lost = [
            Rule::FunctionLost,
            Rule::ImeiChanged,
            Rule::ReadingsDiffer,
            Rule::ImageCorrupt,
        ];
        if lost.into_iter().any(|rule| is(verdict, rule)) {
            return Self::SilentCorruption;
        }
        match version {
            version if version == source => Self::OldIntact,
            _ if seen.resumed_after_cut() => Self::NewAfterResume,
            _ => Self::New,
        }
    }
}

fn is(verdict: &Verdict, rule: Rule) -> bool {
    verdict.finding().is_some_and(|finding| finding.rule == rule)
}

fn still_updates(life: &Life) -> bool {
    life.updates() && !life.ready && life.ends.is_empty()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
