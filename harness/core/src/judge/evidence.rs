//! The evidence of a verdict: the event ids of what its rule looked at.

use crate::event_id::EventId;
use crate::observation::{Observation, SeenEvent};
use crate::update::{NotedInput, UpdateInput};
use crate::urc::{Fota, Urc};
use crate::verdict::Rule;
use alloc::vec::Vec;

/// Most requests that are named; a download over a bad network has hundreds.
const MAX_REQUESTS: usize = 8;

/// The records on which this rule fired, in the order of the journal, none twice.
pub(super) fn of(seen: &Observation, rule: Rule) -> Vec<u64> {
    let looked = Looked {
        noted: seen.update.noted(),
        seen,
    };
    let mut ids: Vec<u64> = looked.at(rule).into_iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

struct Looked<'a> {
    noted: &'a [NotedInput],
    seen: &'a Observation,
}

impl Looked<'_> {
    fn at(&self, rule: Rule) -> Vec<EventId> {
        let seen = self.seen;
        match rule {
            Rule::Unresponsive => {
                let asked = [self.revivals(), self.readings(), self.capabilities()];
                [self.cuts(), self.last_signs(), asked.concat()].concat()
            }
            Rule::WrongVersion
            | Rule::NoResume
            | Rule::TargetNotReached
            | Rule::VersionChanged
            | Rule::ReadingsDiffer
            | Rule::IdentityLost
            | Rule::EndMissing
            | Rule::FinishedBeforeCut => [self.cuts(), self.last_signs(), self.readings()].concat(),
            Rule::ImeiChanged | Rule::FunctionLost => {
                [self.cuts(), self.readings(), self.capabilities()].concat()
            }
            Rule::EndWithoutUpdate | Rule::UpdateFailed => {
                [self.cuts(), self.ends(), self.readings()].concat()
            }
            Rule::UpdateCode => [self.cuts(), self.ends()].concat(),
            Rule::UpdateStalled | Rule::ResumeTimeout => {
                [self.cuts(), self.last_signs(), self.limit_over()].concat()
            }
            Rule::DownloadCode
            | Rule::DownloadEndMissing
            | Rule::ServerNotReached
            | Rule::DownloadBroken
            | Rule::DownloadStalled => [self.downloads(), self.requests(), self.limit_over()].concat(),
            Rule::DownloadedAgain => [self.cuts(), self.requests_after_cut(), self.broke(rule)].concat(),
            Rule::UnexpectedReply | Rule::NoReply => one(seen.answers.reply.map(|reply| reply.id)),
            Rule::UpdateUnasked
            | Rule::UpdatingAfterEnd
            | Rule::StartBeforeDownloadEnd
            | Rule::StartAfterFailedDownload
            | Rule::RebootsByItself
            | Rule::WrongTransport => [self.cuts(), self.ends(), self.broke(rule)].concat(),
            Rule::ExecuteTooEarly
            | Rule::ResultNotReset
            | Rule::ObserveRefused
            | Rule::UpdateWithoutResult
            | Rule::ObjectContradiction
            | Rule::ObjectState
            | Rule::Lwm2mSilent => [self.ends(), seen.object.ids.clone(), self.limit_over()].concat(),
            Rule::CutMissed => [self.cuts(), seen.missed.clone(), self.ends()].concat(),
            Rule::CutLate => [self.cuts(), self.ends()].concat(),
            Rule::FaultNotMet => [self.downloads(), self.ends()].concat(),
            Rule::PowerNotCut | Rule::NoSupply | Rule::LineFailed => [self.cuts(), self.readings()].concat(),
            Rule::SerialLost => {
                let gaps = seen.hearing.gaps.iter().map(|gap| gap.id).collect();
                [self.cuts(), gaps, self.readings()].concat()
            }
            Rule::FloodsTheLine => one(seen.busy.map(|busy| busy.id)),
            Rule::Anomaly => [self.cuts(), ids(&seen.anomalies.list)].concat(),
            // Rules of the campaign, of measurements, and of what was never tried: their evidence is found where they fire. A new
            // rule of the judge needs an arm above.
            _ => Vec::new(),
        }
    }

    fn readings(&self) -> Vec<EventId> {
        self.seen
            .answers
            .readings
            .iter()
            .map(|reading| reading.id)
            .collect()
    }

    fn capabilities(&self) -> Vec<EventId> {
        ids(&self.seen.answers.capabilities)
    }

    fn revivals(&self) -> Vec<EventId> {
        ids(&self.seen.answers.revivals)
    }

    fn limit_over(&self) -> Vec<EventId> {
        one(self.seen.limit_over.map(|over| over.id))
    }

    fn which(&self, is: impl Fn(&NotedInput) -> bool) -> Vec<EventId> {
        self.noted
            .iter()
            .filter(|noted| is(noted))
            .map(|noted| noted.id)
            .collect()
    }

    fn cuts(&self) -> Vec<EventId> {
        self.which(|noted| matches!(noted.input, UpdateInput::Cut { .. }))
    }

    fn ends(&self) -> Vec<EventId> {
        self.which(|noted| matches!(noted.input, UpdateInput::Urc(Urc::Fota(Fota::End(_)))))
    }

    fn broke(&self, rule: Rule) -> Vec<EventId> {
        let first = self.noted.iter().find(|noted| noted.broke == Some(rule));
        one(first.map(|noted| noted.id))
    }

    fn downloads(&self) -> Vec<EventId> {
        let ends = |noted: &NotedInput| {
            matches!(
                noted.input,
                UpdateInput::Urc(Urc::Fota(Fota::HttpEnd(_) | Fota::CoapEnd(_)))
            )
        };
        self.which(ends)
    }

    /// What the module said last of the update before the first cut or cycle, and all that it said of itself after that:
    /// of each life the first and the last UPDATING, RDY, and END.
    fn last_signs(&self) -> Vec<EventId> {
        let mut signs = Vec::new();
        let last = self.noted.last().map_or(0, |noted| noted.life);
        for life in 0..=last {
            let of_life = |is: fn(&Urc) -> bool| {
                self.noted.iter().filter(move |noted| {
                    noted.life == life && matches!(&noted.input, UpdateInput::Urc(urc) if is(urc))
                })
            };
            let mut updating = of_life(|urc| matches!(urc, Urc::Fota(Fota::Updating { .. } | Fota::Start)));
            let first = updating.next();
            signs.extend(updating.next_back().or(first).map(|noted| noted.id));
            signs.extend(first.filter(|_| life > 0).map(|noted| noted.id));
            let end = of_life(|urc| matches!(urc, Urc::Fota(Fota::End(_)))).next_back();
            signs.extend(end.map(|noted| noted.id));
            let up = of_life(|urc| matches!(urc, Urc::Rdy | Urc::BootRom)).next_back();
            signs.extend(up.filter(|_| life > 0).map(|noted| noted.id));
        }
        signs
    }

    fn requests(&self) -> Vec<EventId> {
        let skip = self.seen.fetches.ids.len().saturating_sub(MAX_REQUESTS);
        self.seen.fetches.ids[skip..].to_vec()
    }

    fn requests_after_cut(&self) -> Vec<EventId> {
        let cut = self.cuts().first().copied();
        let after = |id: &&EventId| cut.is_none_or(|cut| **id > cut);
        self.seen
            .fetches
            .ids
            .iter()
            .filter(after)
            .take(MAX_REQUESTS)
            .copied()
            .collect()
    }
}

fn one(id: Option<EventId>) -> Vec<EventId> {
    id.into_iter().collect()
}

fn ids<T>(seen: &[SeenEvent<T>]) -> Vec<EventId> {
    seen.iter().map(|seen| seen.id).collect()
}
