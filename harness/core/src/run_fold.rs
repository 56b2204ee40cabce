//! The verdicts of a run, as a fold over its journal.
//!
//! The journal folds every record that it writes, and a run takes its verdicts from there. A reader of the journal folds it
//! again and gets the same: `dfota-hil judge` does, and `verify` with it.

mod answer_gap;
mod attempts;

pub use attempts::Conviction;

use crate::campaign::{CampaignPart, Role, Tallied, Tally};
use crate::case::Case;
use crate::claim::Claim;
use crate::event::watched::{Attempt, Halted, Purpose};
use crate::event::{CaseEnded, Event};
use crate::event_id::EventId;
use crate::judge::{Judgement, judge};
use crate::measure::{Measure, MeasuredValue};
use crate::observation::Observation;
use crate::outcome::Outcome;
use crate::pool::skipped_sentence;
use crate::pool_fold::PoolFold;
use crate::verdict::{Rule, Verdict};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use answer_gap::AnswerGap;
use attempts::Watch;

/// The claim of a campaign that is judged by what its cuts tallied.
#[derive(Debug)]
struct Pending {
    campaign: String,
    claim: Claim,
}

/// What is known of the try that is being made.
#[derive(Debug, Default)]
struct Try {
    watches: Vec<Watch>,
    halted: Option<Halted>,
    taken: Vec<MeasuredValue>,
    /// What was last done to the module: where a procedure stood that could not go on.
    latest: Option<EventId>,
    /// Where the module said last who it is.
    said: Option<EventId>,
}

/// The case that left the image that the module runs.
#[derive(Debug)]
struct Last {
    ended: CaseEnded,
    said: Option<EventId>,
    /// What is seen of its image after its end, until another update begins.
    seen: Option<Box<Observation>>,
}

#[derive(Debug, Default)]
pub struct RunFold {
    claims: BTreeMap<(String, String), Pending>,
    tallied: Vec<Tallied>,
    pools: PoolFold,
    /// Suite and id of the case that is run.
    present: Option<(String, String)>,
    present_try: Try,
    answer_gap: AnswerGap,
    /// The image was written by a sound update since the last case.
    fresh: bool,
    /// An earlier try of the present case may have written it.
    own: bool,
    last: Option<Last>,
}

impl RunFold {
    /// Takes the next event.
    pub fn on(&mut self, id: EventId, event: &Event) {
        self.pools.on(event);
        match event {
            Event::CasePlanned { case, .. } => self.plan(case),
            Event::CaseStarted { id, suite } => {
                self.present = Some((suite.clone(), id.clone()));
                self.present_try = Try::default();
                (self.fresh, self.own) = (false, false);
            }
            Event::Attempt(attempt) => self.begin(attempt),
            Event::Halted(halted) => self.present_try.halted = Some(halted.clone()),
            Event::Tallied(tallied) => self.tallied.push(tallied.clone()),
            Event::TryEnded(_) => {
                self.own |= self.wrote();
                self.fresh &= !self.wrote();
                self.present_try = Try::default();
            }
            Event::CaseEnded(ended) => self.end(ended),
            // Another rig speaks, or the run itself: what was known of a module is of another one.
            Event::Fleet(_) => {
                (self.present, self.last) = (None, None);
                (self.fresh, self.own) = (false, false);
                self.present_try = Try::default();
                self.answer_gap = AnswerGap::default();
            }
            // What was known of the image is gone with it.
            Event::Recovered { .. } => self.last = None,
            _ => self.look(id, event),
        }
    }

    fn look(&mut self, id: EventId, event: &Event) {
        match event {
            Event::Tx { .. } | Event::Line { .. } => self.present_try.latest = Some(id),
            Event::Identity { .. } => self.present_try.said = Some(id),
            Event::Measured(measured) => self.measured(id, &measured.name, measured.value),
            _ => {}
        }
        self.answer_gap.on(id, event);
        let later = self.last.as_mut().and_then(|last| last.seen.as_mut());
        match (self.present_try.watches.last_mut(), later) {
            (Some(watch), _) => watch.seen.on(id, event),
            (None, Some(seen)) => seen.on(id, event),
            (None, None) => {}
        }
    }

    fn plan(&mut self, case: &Case) {
        if let Some(CampaignPart {
            campaign,
            role: Role::Claim(claim),
        }) = &case.part
        {
            let (campaign, claim) = (campaign.clone(), *claim);
            let name = (case.suite.clone(), case.id.clone());
            self.claims.insert(name, Pending { campaign, claim });
        }
    }

    fn begin(&mut self, attempt: &Attempt) {
        if let Some(last) = &mut self.last {
            last.seen = None;
        }
        self.fresh |= self.present_try.watches.last().is_some_and(Watch::prepared);
        self.present_try.watches.push(Watch {
            seen: Observation::new(attempt.clone()),
            fresh: self.fresh,
        });
    }

    fn measured(&mut self, id: EventId, name: &str, value: f64) {
        let measure = Measure::ALL.into_iter().find(|measure| measure.name() == name);
        self.present_try
            .taken
            .extend(measure.map(|measure| MeasuredValue {
                measure,
                value: measure.unit().steps(value),
                id,
            }));
    }

    /// Whether an update of the case itself was made in this try.
    fn wrote(&self) -> bool {
        let watches = &self.present_try.watches;
        watches
            .iter()
            .any(|watch| matches!(watch.seen.plan.purpose, Purpose::Case | Purpose::Again))
    }

    fn end(&mut self, ended: &CaseEnded) {
        let present = self
            .present
            .as_ref()
            .is_some_and(|(suite, id)| *suite == ended.suite && *id == ended.id);
        if !present {
            // A later case may revise an earlier one.
            if let Some(last) = self.last.as_mut().filter(|last| last.is(ended)) {
                last.ended = ended.clone();
            }
            self.present_try.halted = None;
            return;
        }
        self.present = None;
        let attempt = core::mem::take(&mut self.present_try);
        // What follows, up to the next case, is no try of this one.
        self.fresh = false;
        let own = core::mem::take(&mut self.own);
        if attempt.watches.is_empty() && !own {
            return;
        }
        let sound = ended.outcome.is_some_and(|outcome| !outcome.is_brick());
        let seen = attempt.watches.into_iter().next_back();
        let seen = seen.filter(|watch| matches!(watch.seen.plan.purpose, Purpose::Case | Purpose::Again));
        self.last = sound.then(|| Last {
            ended: ended.clone(),
            said: attempt.said,
            seen: seen.map(|watch| Box::new(watch.seen)),
        });
    }

    /// The modules of a run on several rigs, and their cuts.
    pub fn pools(&self) -> &PoolFold {
        &self.pools
    }

    /// The update that is watched.
    pub fn observation(&self) -> Option<&Observation> {
        self.present_try.watches.last().map(|watch| &watch.seen)
    }

    /// The last update of the case itself in this try.
    pub fn main(&self) -> Option<&Observation> {
        let watches = self.present_try.watches.iter().map(|watch| &watch.seen);
        watches.rev().find(|seen| seen.plan.purpose == Purpose::Case)
    }

    /// Whether a procedure of the present try could not go on.
    pub fn is_halted(&self) -> bool {
        self.present_try.halted.is_some()
    }

    /// The verdict of the present try, as far as it has come.
    pub fn judged(&self) -> Judgement {
        if let Some((name, pending)) = self.claim() {
            return self.judge_claim(&name.0, pending);
        }
        if let Some(halted) = &self.present_try.halted {
            let latest = self.present_try.latest.into_iter();
            let (verdict, gap) = self.answer_gap.judge(halted);
            return Judgement {
                evidence: latest.chain(gap).map(|id| id.0).collect(),
                ..Judgement::bare(verdict)
            };
        }
        self.present_try.judged(self.convicted())
    }

    /// The same with what the campaign adds, once there is no further try: a pass outside the window says nothing.
    pub fn settled(&self) -> Judgement {
        let judged = self.judged();
        let main = self.main();
        let slot = main.and_then(|seen| seen.case().slot());
        let landed = main.and_then(crate::landing::CutLanding::seen);
        let outside = slot.and_then(|slot| slot.outside(&judged.verdict, landed.as_ref()));
        Judgement {
            verdict: outside.unwrap_or(judged.verdict),
            ..judged
        }
    }

    fn claim(&self) -> Option<(&(String, String), &Pending)> {
        let present = self.present.as_ref()?;
        self.claims.get_key_value(present)
    }

    fn judge_claim(&self, suite: &str, pending: &Pending) -> Judgement {
        let cuts: Vec<Tallied> = self
            .tallied
            .iter()
            .filter(|cut| cut.suite == suite && cut.campaign == pending.campaign)
            .cloned()
            .collect();
        if self.pools.is_pooled(suite, &pending.campaign) {
            let pool = self.pools.pool(suite, &pending.campaign);
            let verdict = pool.judge(&pending.claim);
            let summary = match verdict {
                Verdict::Pass => pool.sentence(&pending.claim),
                _ => String::new(),
            };
            return Judgement {
                summary,
                ..Judgement::bare(verdict)
            };
        }
        let tally = Tally::from_cuts(&cuts);
        let mut verdict = tally.judge(&pending.claim);
        if let Verdict::Inconclusive(open) = &mut verdict {
            let skipped = self.pools.count_skipped(suite, &pending.campaign);
            let skipped = skipped_sentence(skipped).map(|skipped| format!("; {skipped}"));
            open.sentence.extend(skipped);
        }
        let summary = match verdict {
            Verdict::Pass => tally.sentence(&pending.claim),
            _ => String::new(),
        };
        Judgement {
            summary,
            ..Judgement::bare(verdict)
        }
    }

    /// Whether a known-good delta was refused twice, given in two ways: then the image that it was for is not what its
    /// version says.
    fn convicted(&self) -> Option<Conviction> {
        let mut conviction = attempts::convicted(&self.present_try.watches)?;
        conviction.left_by = match (&self.last, self.own) {
            (_, true) => None,
            (Some(last), false) => {
                conviction.lines = last.ended.evidence.clone();
                conviction.lines.extend(last.said.map(|id| id.0));
                Some(last.ended.id.clone())
            }
            // Nobody knows who left the image: the rig was taken over like that.
            (None, false) => return None,
        };
        Some(conviction)
    }

    /// The case that left the image that the module runs, as long as no further case was begun with an update: only the next
    /// delta tells whether the image is what its version says.
    pub fn unproven(&self) -> Option<&CaseEnded> {
        self.last.as_ref().map(|last| &last.ended)
    }

    /// The earlier case for which the present one ends, if it does: only both together do the same again.
    pub fn caused_by(&self) -> Option<&CaseEnded> {
        let last = self.last.as_ref()?;
        self.convicted()?.left_by.map(|_| &last.ended)
    }

    /// What has to be said anew about the case that left the image, if anything: a later case may show that the image is
    /// corrupt, or that the module reboots or updates unasked.
    pub fn revision(&self) -> Option<CaseEnded> {
        let last = self.last.as_ref()?;
        if let Some(conviction) = self.convicted().filter(|conviction| conviction.left_by.is_some()) {
            return last.failed_for(&conviction);
        }
        last.judged_again()
    }
}

impl Last {
    fn is(&self, ended: &CaseEnded) -> bool {
        self.ended.suite == ended.suite && self.ended.id == ended.id
    }

    fn failed_for(&self, conviction: &Conviction) -> Option<CaseEnded> {
        if self.ended.outcome == Some(Outcome::SilentCorruption) {
            return None;
        }
        let verdict = match &self.ended.verdict {
            // What it failed for stands; the outcome is another one.
            Verdict::Fail(_) => self.ended.verdict.clone(),
            _ => Verdict::by(Rule::ImageCorrupt, conviction.sentence()),
        };
        let places = self.said.into_iter().chain(conviction.refusals.iter().copied());
        let mut evidence = self.ended.evidence.clone();
        evidence.extend(places.map(|id| id.0));
        Some(CaseEnded {
            verdict,
            outcome: Some(Outcome::SilentCorruption),
            summary: format!(
                "{} · refused the next delta ({})",
                self.ended.summary,
                Outcome::SilentCorruption.words()
            ),
            evidence,
            ..self.ended.clone()
        })
    }

    /// Its verdict, if something was seen of its image after its end that changes it.
    fn judged_again(&self) -> Option<CaseEnded> {
        let seen = self.seen.as_ref()?;
        if matches!(self.ended.verdict, Verdict::Fail(_)) {
            return None;
        }
        let judged = judge(seen);
        let later = [
            Rule::RebootsByItself,
            Rule::UpdateUnasked,
            Rule::UpdatingAfterEnd,
            Rule::ReadingsDiffer,
            Rule::WrongVersion,
            Rule::VersionChanged,
            Rule::EndWithoutUpdate,
        ];
        let finding = judged
            .verdict
            .finding()
            .filter(|finding| later.contains(&finding.rule))?;
        let sentence = format!("{}; it was seen after the case had ended", finding.sentence);
        Some(CaseEnded {
            verdict: Verdict::by(finding.rule, sentence),
            outcome: judged.outcome,
            summary: format!("{} · seen later: {}", self.ended.summary, finding.rule),
            evidence: judged.evidence,
            ..self.ended.clone()
        })
    }
}

impl Conviction {
    fn sentence(&self) -> String {
        format!(
            "the next, known-good delta was refused twice, sent in two ways: {}; the image that this case left does not match its version",
            self.finding.sentence
        )
    }
}

/// The sentence of a case that could not be prepared: a finding of the update that was to bring the module there.
fn preparation(seen: &Observation, finding: &crate::verdict::Finding) -> Verdict {
    let target = seen.case().package.to.to_string();
    let sentence = format!(
        "while the module was brought to {target} by {} over {}: {}",
        seen.case().package.name,
        seen.case().via,
        finding.sentence
    );
    Verdict::by(finding.rule, sentence)
}
