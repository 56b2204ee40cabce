//! `bisect`: from a cut that fails and one that does not to the smallest window in which cuts fail.
//!
//! Each probe is a case of its own, run several times: it fails when one of them does.

use super::{RunProgress, Runner};
use crate::plan::case_id::with;
use dfota_core::bisect::{Bisect, BisectEnd};
use dfota_core::campaign::{CampaignPart, Role};
use dfota_core::case::Case;
use dfota_core::cut::{Cut, CutPlan};
use dfota_core::event::Event;
use dfota_core::event::bisected::{Bisected, ProbedCut, WindowEdge};
use dfota_core::moment::Moment;
use dfota_core::timeline::{Anchor, Timeline};
use dfota_core::verdict::Verdict;
use std::time::Duration;

/// Tries of a probe that may be inconclusive (a cut that was missed, an error of the rig) before the search is given up.
const INCONCLUSIVE: u32 = 5;

/// Between which cuts to search, and how.
#[derive(Debug, Clone)]
pub struct BisectOptions {
    /// A cut after which the module comes back.
    pub good: Cut,
    /// A cut after which the module does not come back.
    pub bad: Cut,
    /// How often each probe is run.
    pub tries: u32,
    /// How close to find the edges of the window; cuts that fall late make it coarser.
    pub resolution: Duration,
}

/// Why a search ended without a window.
enum NoWindow {
    Interrupted,
    Because(String),
}

impl Runner<'_> {
    /// Searches with the cuts of `options` in place of the case's; gives what was found.
    pub fn bisect(&mut self, case: &Case, options: &BisectOptions) -> Bisected {
        self.bisected = Some(case.id.clone());
        let mut probes = Vec::new();
        let result = match self.enter(case) {
            Ok(()) => self.search(case, options, &mut probes),
            Err(_) => {
                self.reach(RunProgress::Interrupted);
                Err(NoWindow::Interrupted)
            }
        };
        let bisected = match result {
            Ok(bisected) => Bisected { probes, ..bisected },
            Err(NoWindow::Interrupted) => Bisected::lost(probes, "the run was interrupted".to_owned()),
            Err(NoWindow::Because(why)) => Bisected::lost(probes, why),
        };
        self.module().journal.post(Event::Bisected(bisected.clone()));
        bisected
    }

    fn search(
        &mut self,
        case: &Case,
        options: &BisectOptions,
        probes: &mut Vec<ProbedCut>,
    ) -> Result<Bisected, NoWindow> {
        let timeline = self.calibrate(case)?;
        let place = |cut: &Cut| {
            timeline.time_of_cut(cut).ok_or_else(|| {
                NoWindow::Because(format!("`{cut}`: the uncut update never reached `{}`", cut.at))
            })
        };
        let moments = timeline.moments();
        let ends = moments.first().zip(moments.last());
        let (first, last) =
            ends.ok_or_else(|| NoWindow::Because("the uncut update said nothing".to_owned()))?;
        let limits = (Duration::from_nanos(first.ns), Duration::from_nanos(last.ns));
        let (good, bad) = (place(&options.good)?, place(&options.bad)?);
        let limits = limits.0.min(good.min(bad))..=limits.1.max(good.max(bad));
        let mut bisect = Bisect::new(good, bad, limits, options.resolution);
        while let Some(at) = bisect.next() {
            let cut = cut_at(&timeline, at, options);
            let number = probes.len() + 1;
            let mut probed = ProbedCut {
                cut,
                ns: at.as_nanos() as u64,
                tries: 0,
                failed: 0,
            };
            let latest = self.probe(case, options.tries, number, &mut probed)?;
            let failed = probed.failed > 0;
            self.module().journal.post(Event::Step {
                text: format!("probe {}: {probed}", number),
            });
            probes.push(probed);
            bisect.record(failed, latest);
        }
        match bisect.end() {
            Some(BisectEnd::BadIsGood) => Err(NoWindow::Because(format!(
                "`{}` was given as failing, but did not fail in {} {}",
                options.bad,
                options.tries,
                if options.tries == 1 { "try" } else { "tries" }
            ))),
            Some(BisectEnd::GoodIsBad) => Err(NoWindow::Because(format!(
                "`{}` was given as passing, but failed: there is no window to search",
                options.good
            ))),
            _ => Ok(found(&bisect, &timeline, options)),
        }
    }

    /// Times the moments of an update without a cut.
    fn calibrate(&mut self, case: &Case) -> Result<Timeline, NoWindow> {
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
        match self.last_verdict() {
            Some(Verdict::Pass) => Ok(self.seen.timeline.clone()),
            _ => Err(NoWindow::Because(
                "the uncut update did not pass: see its verdict".to_owned(),
            )),
        }
    }

    /// Runs a case that the plan does not have.
    fn planned(&mut self, case: &Case) -> Result<(), NoWindow> {
        if self.is_over() {
            return Err(NoWindow::Because("`--max-time` was over".to_owned()));
        }
        self.module().journal.post(Event::CasePlanned {
            case: Box::new(case.clone()),
            skip: None,
        });
        self.run_case(case);
        if self.is_interrupted() {
            return Err(NoWindow::Interrupted);
        }
        Ok(())
    }

    /// Makes the cut of a probe several times, and counts; gives how late the cuts were at most.
    fn probe(
        &mut self,
        case: &Case,
        tries: u32,
        number: usize,
        probed: &mut ProbedCut,
    ) -> Result<Duration, NoWindow> {
        let cut = probed.cut.clone();
        let (mut inconclusive, mut latest) = (0, Duration::ZERO);
        while probed.tries < tries {
            let run = probed.tries + inconclusive + 1;
            let probe = Case {
                id: with(&case.id, &format!("bisect={number:03},try={run}")),
                cut: Some(CutPlan::from_cut(&cut, 1)),
                ..case.clone()
            };
            self.planned(&probe)?;
            if self.progress == RunProgress::GivenUp {
                return Err(NoWindow::Because(
                    "the module is dead, and the rig cannot restore it for another probe (key `reflash`)"
                        .to_owned(),
                ));
            }
            latest = latest.max(self.seen.cut_late);
            match self.last_verdict() {
                Some(Verdict::Fail(_)) => {
                    (probed.tries, probed.failed) = (probed.tries + 1, probed.failed + 1)
                }
                Some(Verdict::Pass) => probed.tries += 1,
                _ => inconclusive += 1,
            }
            if inconclusive == INCONCLUSIVE {
                return Err(NoWindow::Because(format!(
                    "`{cut}` was inconclusive {INCONCLUSIVE} times: see the verdicts"
                )));
            }
        }
        Ok(latest)
    }
}

/// The cut at a time, of the same kind and length as the two that are given.
fn cut_at(timeline: &Timeline, at: Duration, options: &BisectOptions) -> Cut {
    let (kind, off) = (options.bad.kind, options.bad.off);
    // Both given cuts are tried as they were given.
    for given in [&options.bad, &options.good] {
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

fn found(bisect: &Bisect, timeline: &Timeline, options: &BisectOptions) -> Bisected {
    let window = bisect.window();
    let edge = |at: Duration| WindowEdge {
        cut: cut_at(timeline, at, options),
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
