//! What a verdict rests on: the places in the journal of the things that its rule looked at.

use crate::judge::{Facts, Marks};
use crate::mark::Mark;
use crate::update::{Input, Noted};
use crate::urc::{Fota, Urc};
use crate::verdict::Rule;
use alloc::vec::Vec;

/// Most requests that are named; a download over a bad network has hundreds.
const MAX_REQUESTS: usize = 8;

/// The places on which this rule fired, in the order of the journal, none twice.
pub fn evidence(facts: &Facts<'_>, rule: Rule) -> Vec<Mark> {
    let looked = Looked {
        noted: facts.update.noted(),
        marks: &facts.asked.marks,
    };
    let mut marks = looked.at(rule);
    marks.sort_unstable();
    marks.dedup();
    marks
}

struct Looked<'a> {
    noted: &'a [Noted],
    marks: &'a Marks,
}

impl Looked<'_> {
    fn at(&self, rule: Rule) -> Vec<Mark> {
        let marks = self.marks;
        match rule {
            Rule::Unresponsive => [self.cuts(), self.last_signs(), marks.revivals.clone()].concat(),
            Rule::WrongVersion
            | Rule::NoResume
            | Rule::TargetNotReached
            | Rule::VersionChanged
            | Rule::ReadingsDiffer
            | Rule::EndMissing
            | Rule::FinishedBeforeCut => [self.cuts(), self.last_signs(), marks.identities.clone()].concat(),
            Rule::ImeiChanged | Rule::FunctionLost => {
                [self.cuts(), marks.identities.clone(), marks.functions.clone()].concat()
            }
            Rule::EndWithoutUpdate | Rule::UpdateFailed => {
                [self.cuts(), self.ends(), marks.identities.clone()].concat()
            }
            Rule::UpdateCode => [self.cuts(), self.ends()].concat(),
            Rule::UpdateStalled | Rule::ResumeTimeout => {
                [self.cuts(), self.last_signs(), one(marks.timed_out)].concat()
            }
            Rule::DownloadCode | Rule::ServerNotReached | Rule::DownloadBroken | Rule::DownloadStalled => {
                [self.downloads(), self.requests(), one(marks.timed_out)].concat()
            }
            Rule::DownloadedAgain => [self.cuts(), self.requests_after_cut(), self.broke(rule)].concat(),
            Rule::UnexpectedReply | Rule::NoReply => one(marks.reply),
            Rule::UpdateUnasked
            | Rule::UpdatingAfterEnd
            | Rule::StartBeforeDownloadEnd
            | Rule::StartAfterFailedDownload
            | Rule::WrongTransport => [self.cuts(), self.ends(), self.broke(rule)].concat(),
            Rule::ExecuteTooEarly
            | Rule::ResultNotReset
            | Rule::ObserveRefused
            | Rule::UpdateWithoutResult
            | Rule::ObjectContradiction
            | Rule::ObjectState
            | Rule::Lwm2mSilent => [self.ends(), marks.object.clone(), one(marks.timed_out)].concat(),
            Rule::CutMissed => [self.cuts(), marks.missed.clone(), self.ends()].concat(),
            Rule::CutLate => [self.cuts(), self.ends()].concat(),
            Rule::FaultNotMet => [self.downloads(), self.ends()].concat(),
            Rule::PowerNotCut | Rule::NoSupply | Rule::LineFailed => {
                [self.cuts(), marks.identities.clone()].concat()
            }
            _ => Vec::new(),
        }
    }

    fn which(&self, is: impl Fn(&Noted) -> bool) -> Vec<Mark> {
        self.noted
            .iter()
            .filter(|noted| is(noted))
            .map(|noted| noted.mark)
            .collect()
    }

    fn cuts(&self) -> Vec<Mark> {
        self.which(|noted| matches!(noted.input, Input::Cut { .. }))
    }

    fn ends(&self) -> Vec<Mark> {
        self.which(|noted| matches!(noted.input, Input::Urc(Urc::Fota(Fota::End(_)))))
    }

    fn broke(&self, rule: Rule) -> Vec<Mark> {
        let first = self.noted.iter().find(|noted| noted.broke == Some(rule));
        one(first.map(|noted| noted.mark))
    }

    fn downloads(&self) -> Vec<Mark> {
        let ends = |noted: &Noted| {
            matches!(
                noted.input,
                Input::Urc(Urc::Fota(Fota::HttpEnd(_) | Fota::CoapEnd(_)))
            )
        };
        self.which(ends)
    }

    /// What the module said last of the update before the first cut or cycle, and all that it said of itself after that:
    /// of each life the first and the last UPDATING, RDY, and END.
    fn last_signs(&self) -> Vec<Mark> {
        let mut signs = Vec::new();
        let last = self.noted.last().map_or(0, |noted| noted.life);
        for life in 0..=last {
            let of_life = |is: fn(&Urc) -> bool| {
                self.noted.iter().filter(move |noted| {
                    noted.life == life && matches!(&noted.input, Input::Urc(urc) if is(urc))
                })
            };
            let mut updating = of_life(|urc| matches!(urc, Urc::Fota(Fota::Updating { .. } | Fota::Start)));
            let first = updating.next();
            signs.extend(updating.next_back().or(first).map(|noted| noted.mark));
            signs.extend(first.filter(|_| life > 0).map(|noted| noted.mark));
            let end = of_life(|urc| matches!(urc, Urc::Fota(Fota::End(_)))).next_back();
            signs.extend(end.map(|noted| noted.mark));
            let up = of_life(|urc| matches!(urc, Urc::Rdy | Urc::BootRom)).next_back();
            signs.extend(up.filter(|_| life > 0).map(|noted| noted.mark));
        }
        signs
    }

    fn requests(&self) -> Vec<Mark> {
        let skip = self.marks.requests.len().saturating_sub(MAX_REQUESTS);
        self.marks.requests[skip..].to_vec()
    }

    fn requests_after_cut(&self) -> Vec<Mark> {
        let cut = self.cuts().first().copied();
        let after = |mark: &&Mark| cut.is_none_or(|cut| **mark > cut);
        self.marks
            .requests
            .iter()
            .filter(after)
            .take(MAX_REQUESTS)
            .copied()
            .collect()
    }
}

fn one(mark: Option<Mark>) -> Vec<Mark> {
    mark.into_iter().collect()
}
