//! The judgement of one update: a pure function of what was planned and what was seen.
//!
//! The order is fixed: what the module became, what it said, whether the experiment was the planned one. A dead, wrong or
//! corrupted module is a fail wherever the cut landed; a cut that missed is never a pass. What was not heard is not
//! evidence: a rule that rests on something missing ([`Basis::Missing`]) does not fire over a gap that could hide it.

mod became;
mod evidence;
mod expectation;
mod module_outcome;
mod planned;
mod said;
mod stalled;
mod summary;

use crate::observation::Observation;
use crate::outcome::Outcome;
use crate::verdict::{Basis, Rule, Verdict};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A verdict, and what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// What became of the module, where it was asked.
    pub outcome: Option<Outcome>,
    /// Numbers of the records that the verdict rests on.
    pub evidence: Vec<u64>,
    /// In a few words: where cuts landed and how the module came back.
    pub summary: String,
}

impl Judgement {
    /// A verdict without an observation of the module.
    pub fn bare(verdict: Verdict) -> Self {
        Self {
            verdict,
            outcome: None,
            evidence: Vec::new(),
            summary: String::new(),
        }
    }
}

pub fn judge(seen: &Observation) -> Judgement {
    let verdict = verdict(seen);
    let outcome = module_outcome::outcome(seen, &verdict);
    let evidence = verdict
        .finding()
        .map_or(Vec::new(), |finding| evidence::of(seen, finding.rule));
    Judgement {
        outcome: Some(outcome),
        evidence,
        summary: format!("{} ({})", summary::summarize(seen), outcome.words()),
        verdict,
    }
}

fn verdict(seen: &Observation) -> Verdict {
    let mut rules = Admitted { seen, unheard: None };
    became::look(&mut rules)
        .or_else(|| said::look(&mut rules))
        .or_else(|| rules.unheard())
        .or_else(|| planned::look(&mut rules))
        .or_else(|| rules.unheard())
        .unwrap_or(Verdict::Pass)
}

/// Lets rules fire only where the module could be heard.
struct Admitted<'a> {
    seen: &'a Observation,
    /// The first that could not, for it rests on something missing.
    unheard: Option<Rule>,
}

impl Admitted<'_> {
    /// Lets a rule fire, unless what it misses may not have been heard.
    fn admit(&mut self, fired: Option<Verdict>) -> Option<Verdict> {
        let fired = fired?;
        let missing = fired
            .finding()
            .filter(|finding| finding.rule.basis() == Basis::Missing);
        match missing {
            Some(finding) if self.is_hidden(finding.rule) => {
                self.unheard.get_or_insert(finding.rule);
                None
            }
            _ => Some(fired),
        }
    }

    /// Whether what this rule misses may have come in a gap.
    fn is_hidden(&self, rule: Rule) -> bool {
        let seen = self.seen;
        match rule {
            // Silence after the supply had returned, or at UPDATING, counts only while the module could be heard.
            Rule::ResumeTimeout | Rule::UpdateStalled => seen.may_be_unheard(),
            Rule::FinishedBeforeCut => seen.may_be_unheard_before_end(),
            Rule::EndMissing => seen.may_end_unheard(),
            _ => seen.may_be_unheard() || seen.update.is_uncertain(),
        }
    }

    /// Nothing else was wrong: what is missing may have been said in a gap.
    fn unheard(&self) -> Option<Verdict> {
        let rule = self.unheard?;
        let gap = self.seen.hearing.gaps.last()?;
        let sentence = format!(
            "{} `{rule}` cannot be decided: at {} the module could not be heard ({}), and the missing line may have been sent then",
            self.seen.after(),
            gap.phase,
            gap.why
        );
        Some(Verdict::by(Rule::SerialLost, sentence))
    }
}
