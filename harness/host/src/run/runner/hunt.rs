//! `bisect`: from a cut that fails and one that does not to the smallest window in which cuts fail.
//!
//! Each probe is a case of its own, run several times: it fails when one of them does.

use super::Runner;
use crate::plan::campaign::with;
use dfota_core::bisect::{Bisect, BisectEnd};
use dfota_core::campaign::{CampaignPart, Role};
use dfota_core::case::Case;
use dfota_core::cut::{Cut, CutKind, CutPlan};
use dfota_core::event::Event;
use dfota_core::event::bisected::{Bisected, ProbedCut, WindowEdge};
use dfota_core::moment::Moment;
use dfota_core::timeline::{Anchor, Timeline};
use dfota_core::verdict::Verdict;
use std::time::Duration;

/// Tries of a probe that may come to nothing (a cut that was missed, an error of the rig) before the search is given up.
const SPOILT: u32 = 5;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Hunt {
    /// A cut after which the module comes back.
    pub good: Cut,
    /// A cut after which it does not.
    pub bad: Cut,
    /// How often each probe is run.
    pub tries: u32,
    /// How finely the edges are wanted; they cannot be told finer than cuts fall.
    pub resolution: Duration,
}

/// Why a search ended without a window.
enum Lost {
    Interrupted,
    Because(String),
}

impl Runner<'_> {
    /// Searches with the cuts of `hunt` in place of the case's; gives what was found, and whether a signal ended it.
    pub fn hunt(&mut self, case: &Case, hunt: &Hunt) -> (Bisected, bool) {
        self.searched = Some(case.id.clone());
        let mut probes = Vec::new();
        let result = match self.enter(case) {
            Ok(()) => self.search(case, hunt, &mut probes),
            Err(_) => Err(Lost::Interrupted),
        };
        let interrupted = matches!(result, Err(Lost::Interrupted));
        let bisected = match result {
            Ok(bisected) => Bisected { probes, ..bisected },
            Err(Lost::Interrupted) => Bisected::lost(probes, "the run was interrupted".to_owned()),
            Err(Lost::Because(why)) => Bisected::lost(probes, why),
        };
        self.module().journal.post(Event::Bisected(bisected.clone()));
        (bisected, interrupted)
    }

    fn search(&mut self, case: &Case, hunt: &Hunt, probes: &mut Vec<ProbedCut>) -> Result<Bisected, Lost> {
        let timeline = self.calibrate(case)?;
        let place = |cut: &Cut| {
            timeline
                .time_of_cut(cut)
                .ok_or_else(|| Lost::Because(format!("`{cut}`: the uncut update never came to `{}`", cut.at)))
        };
        let moments = timeline.moments();
        let ends = moments.first().zip(moments.last());
        let (first, last) = ends.ok_or_else(|| Lost::Because("the uncut update said nothing".to_owned()))?;
        let limits = (Duration::from_nanos(first.ns), Duration::from_nanos(last.ns));
        let (good, bad) = (place(&hunt.good)?, place(&hunt.bad)?);
        let limits = limits.0.min(good.min(bad))..=limits.1.max(good.max(bad));
        let mut bisect = Bisect::new(good, bad, limits, hunt.resolution);
        while let Some(at) = bisect.next() {
            let cut = cut_at(&timeline, at, hunt);
            let (probed, jitter) = self.probe(case, at, cut, hunt.tries, probes.len() + 1)?;
            let failed = probed.failed > 0;
            self.module().journal.post(Event::Step {
                text: format!("probe {}: {probed}", probes.len() + 1),
            });
            probes.push(probed);
            bisect.record(failed, jitter);
        }
        match bisect.end() {
            Some(BisectEnd::BadIsGood) => Err(Lost::Because(format!(
                "`{}` was said to fail, and did not in {} {}",
                hunt.bad,
                hunt.tries,
                if hunt.tries == 1 { "try" } else { "tries" }
            ))),
            Some(BisectEnd::GoodIsBad) => Err(Lost::Because(format!(
                "`{}` was said not to fail, and did: there is nothing to search between",
                hunt.good
            ))),
            _ => Ok(found(&bisect, &timeline, hunt)),
        }
    }

    /// An uncut update, whose moments are what times are told by.
    fn calibrate(&mut self, case: &Case) -> Result<Timeline, Lost> {
        let part = CampaignPart {
            campaign: case.id.clone(),
            role: Role::Calibration,
        };
        let calibration = Case {
            id: with(&case.id, "bisect=calibration"),
            cut: None,
            part: Some(part),
            ..case.clone()
        };
        self.planned(&calibration)?;
        match self.verdicts.last() {
            Some(Verdict::Pass) => Ok(self.campaigns.calibrated.take().unwrap_or_default()),
            _ => Err(Lost::Because(
                "the uncut update did not pass: see its verdict".to_owned(),
            )),
        }
    }

    /// Runs a case that the plan does not have.
    fn planned(&mut self, case: &Case) -> Result<(), Lost> {
        if self.is_over() {
            return Err(Lost::Because("`--max-time` was over".to_owned()));
        }
        self.module().journal.post(Event::CasePlanned {
            case: Box::new(case.clone()),
            skip: None,
        });
        self.interrupted |= self.one(case);
        if self.interrupted {
            return Err(Lost::Interrupted);
        }
        Ok(())
    }

    /// One cut, several times; gives what came of it, and how late the cuts were at most.
    fn probe(
        &mut self,
        case: &Case,
        at: Duration,
        cut: Cut,
        tries: u32,
        number: usize,
    ) -> Result<(ProbedCut, Duration), Lost> {
        let mut probed = ProbedCut {
            cut: cut.clone(),
            ns: at.as_nanos() as u64,
            tries: 0,
            failed: 0,
        };
        let (mut spoilt, mut late) = (0, Duration::ZERO);
        while probed.tries < tries {
            let run = probed.tries + spoilt + 1;
            let probe = Case {
                id: with(&case.id, &format!("bisect={number:03},try={run}")),
                cut: Some(CutPlan::from_cut(&cut, 1)),
                ..case.clone()
            };
            self.planned(&probe)?;
            if self.given_up {
                return Err(Lost::Because(
                    "the module is dead, and the rig cannot restore it for another probe (key `reflash`)"
                        .to_owned(),
                ));
            }
            late = late.max(self.bench.module.cut_late);
            match self.verdicts.last() {
                Some(Verdict::Fail(_)) => {
                    (probed.tries, probed.failed) = (probed.tries + 1, probed.failed + 1)
                }
                Some(Verdict::Pass) => probed.tries += 1,
                _ => spoilt += 1,
            }
            if spoilt == SPOILT {
                return Err(Lost::Because(format!(
                    "`{cut}` came to nothing {SPOILT} times: see the verdicts"
                )));
            }
        }
        Ok((probed, late))
    }
}

/// The cut at a time, in the manner of the cuts that are searched between.
fn cut_at(timeline: &Timeline, at: Duration, hunt: &Hunt) -> Cut {
    let (kind, off): (CutKind, Duration) = (hunt.bad.kind, hunt.bad.off);
    // Both ends are tried as they were given.
    for given in [&hunt.bad, &hunt.good] {
        if timeline.time_of_cut(given) == Some(at) {
            return given.clone();
        }
    }
    let Anchor { at, after } = timeline.anchor(at).unwrap_or(Anchor {
        at: Moment::Start,
        after: Duration::ZERO,
    });
    Cut { at, after, off, kind }
}

fn found(bisect: &Bisect, timeline: &Timeline, hunt: &Hunt) -> Bisected {
    let window = bisect.window();
    let edge = |at: Duration| WindowEdge {
        cut: cut_at(timeline, at, hunt),
        ns: at.as_nanos() as u64,
    };
    Bisected {
        good_before: window.good_before.map(edge),
        first_bad: Some(edge(window.first_bad)),
        last_bad: Some(edge(window.last_bad)),
        good_after: window.good_after.map(edge),
        resolution_ns: bisect.resolution().as_nanos() as u64,
        probes: Vec::new(),
        lost: None,
    }
}
