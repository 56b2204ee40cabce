//! The updates of one try, and what they say together.

use super::{Try, preparation};
use crate::event::watched::Purpose;
use crate::event_id::EventId;
use crate::judge::{Judgement, judge};
use crate::measure::{self, OutOfLimits};
use crate::observation::Observation;
use crate::outcome::Outcome;
use crate::verdict::{Finding, Rule, Verdict};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// One update of a try.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) seen: Observation,
    /// When it began, the image had been written by a sound update since the last case.
    pub(super) fresh: bool,
}

impl Watch {
    /// Whether it brought the module to its version, as a preparation or a counter-proof.
    pub(super) fn prepared(&self) -> bool {
        matches!(
            self.seen.plan.purpose,
            Purpose::Preparation | Purpose::CounterProof
        ) && self.seen.runs_target()
    }
}

/// A known-good delta was refused twice, given in two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conviction {
    /// The case that left the image; the present one itself, where that is nothing.
    pub left_by: Option<String>,
    /// What that case rests on, and where the module said last in it who it is.
    pub lines: Vec<u64>,
    /// What was said of the first refusal.
    pub finding: Finding,
    pub refusals: Vec<EventId>,
}

/// Whether the last two updates convict the image that they were for.
pub(super) fn convicted(watches: &[Watch]) -> Option<Conviction> {
    let [.., refused, proof] = watches else {
        return None;
    };
    if proof.seen.plan.purpose != Purpose::CounterProof || refused.fresh {
        return None;
    }
    let refusals = Vec::from([refused.seen.refused()?, proof.seen.refused()?]);
    let finding = judge(&refused.seen).verdict.finding()?.clone();
    Some(Conviction {
        left_by: None,
        lines: Vec::new(),
        finding,
        refusals,
    })
}

impl Try {
    /// What the updates of the try came to.
    pub(super) fn judged(&self, conviction: Option<Conviction>) -> Judgement {
        if let Some(conviction) = conviction {
            return self.convicts(&conviction);
        }
        let of = |purpose: Purpose| move |watch: &&Watch| watch.seen.plan.purpose == purpose;
        let Some(main) = self.watches.iter().rfind(of(Purpose::Case)) else {
            return self.not_prepared();
        };
        let mut judged = judge(&main.seen);
        if let Some(again) = self.watches.iter().rfind(of(Purpose::Again)) {
            judged = followed(judged, judge(&again.seen));
        }
        let proof = self.watches.last().filter(|watch| watch.prepared());
        if let (Some(proof), Verdict::Fail(finding)) = (proof, &mut judged.verdict) {
            let case = proof.seen.case();
            finding.sentence.push_str(&format!(
                "; sent again over {} in blocks of {} bytes, the same package was accepted: the image was sound",
                case.via, case.block_size
            ));
        }
        self.measured(&main.seen, judged)
    }

    /// The case is over before it began, for what another one left, or for what an earlier try of its own did.
    fn convicts(&self, conviction: &Conviction) -> Judgement {
        let seen = &conviction.finding.sentence;
        let verdict = match &conviction.left_by {
            Some(id) => Verdict::by(
                Rule::PreparationFailed,
                format!("`{id}` left a corrupt image: {seen}"),
            ),
            None => Verdict::by(
                Rule::ImageCorrupt,
                format!(
                    "an earlier try of this case left a corrupt image: a known-good delta was refused twice, sent in two ways: {seen}"
                ),
            ),
        };
        // The lines of the case that left the image come first: they are the cause, the refusals are what showed it.
        let mut evidence = conviction.lines.clone();
        evidence.extend(conviction.refusals.iter().map(|id| id.0));
        evidence.sort_unstable();
        evidence.dedup();
        Judgement {
            evidence,
            outcome: conviction.left_by.is_none().then_some(Outcome::SilentCorruption),
            ..Judgement::bare(verdict)
        }
    }

    fn not_prepared(&self) -> Judgement {
        let last = self
            .watches
            .iter()
            .rfind(|watch| watch.seen.plan.purpose == Purpose::Preparation);
        let judged = last.map(|watch| (&watch.seen, judge(&watch.seen)));
        let Some((seen, judged)) = judged else {
            let sentence = "the try ended without an update".to_string();
            return Judgement::bare(Verdict::by(Rule::HarnessFailed, sentence));
        };
        let verdict = judged.verdict.finding().map(|finding| preparation(seen, finding));
        Judgement {
            verdict: verdict.unwrap_or_else(|| {
                let sentence = "the try ended after its preparation".to_string();
                Verdict::by(Rule::HarnessFailed, sentence)
            }),
            outcome: judged.outcome.filter(|outcome| outcome.is_brick()),
            ..judged
        }
    }

    /// What the declared measurements add to a try that nothing else was wrong with.
    fn measured(&self, seen: &Observation, judged: Judgement) -> Judgement {
        let declared = &seen.case().measures;
        let out = match &judged.verdict {
            Verdict::Pass | Verdict::Inconclusive(_) => measure::out_of_limits(declared, &self.taken),
            _ => None,
        };
        if let Some(OutOfLimits { verdict, id }) = out {
            return Judgement {
                verdict,
                evidence: Vec::from([id.0]),
                ..judged
            };
        }
        match measure::missing(declared, &self.taken).filter(|_| judged.verdict == Verdict::Pass) {
            Some(verdict) => Judgement { verdict, ..judged },
            None => judged,
        }
    }
}

/// A cut that left nothing to resume, and the same update again, to its end.
fn followed(cut: Judgement, again: Judgement) -> Judgement {
    if cut.verdict != Verdict::Pass {
        return cut;
    }
    let passed = again.verdict == Verdict::Pass;
    let summary: String = format!("{} · again: {}", cut.summary, again.summary);
    Judgement {
        summary,
        // What the cut did to the module is the outcome of the case; the second update is its proof.
        outcome: if passed { cut.outcome } else { again.outcome },
        ..again
    }
}
