//! Where the cut of a campaign landed, and whether that is inside its window.

use crate::campaign::{Role, Slot};
use crate::case::Case;
use crate::cut::Cut;
use crate::observation::Observation;
use crate::update::Phase;
use crate::verdict::{Rule, Verdict};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::ToString;

/// Where the first cut of a try landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutLanding {
    pub cut: Cut,
    /// The phase; nothing where its moment was not met.
    pub phase: Option<Phase>,
    /// START had been seen.
    pub start: bool,
}

impl CutLanding {
    /// As it was seen; nothing for an update without a cut.
    pub fn seen(seen: &Observation) -> Option<Self> {
        let life = seen.cut_lives().next();
        Some(Self {
            cut: seen.plan.cuts.first()?.clone(),
            phase: life.and_then(|life| life.cut),
            start: life.is_some_and(|life| life.start),
        })
    }
}

impl Case {
    /// The slot of a case, if it is a cut of a campaign.
    pub fn slot(&self) -> Option<&Slot> {
        match &self.part.as_ref()?.role {
            Role::Cut(slot) => Some(slot),
            Role::Calibration | Role::Control | Role::Claim(_) => None,
        }
    }
}

impl Slot {
    /// Whether the cut was made where it was meant to be, and judged by what it did.
    pub fn holds(&self, verdict: &Verdict, landed: Option<&CutLanding>) -> bool {
        let judged_by_what_it_did = matches!(verdict, Verdict::Pass | Verdict::Fail(_));
        let in_window = landed.is_some_and(|landed| {
            landed
                .phase
                .is_some_and(|phase| self.claim.is_none_or(|window| window.holds(phase, landed.start)))
        });
        judged_by_what_it_did && in_window
    }

    /// A pass that did not land in the window of its claim says nothing about it.
    pub fn outside(&self, verdict: &Verdict, landed: Option<&CutLanding>) -> Option<Verdict> {
        let window = self.claim?;
        let landed = landed?;
        let is_outside = *verdict == Verdict::Pass && !self.holds(verdict, Some(landed));
        is_outside.then(|| {
            let place = landed.phase.map_or("nowhere".to_owned(), |phase| phase.to_string());
            let sentence = format!(
                "the cut {} landed at {place}, outside `{window}`, as in the tries before: it does not count for the claim",
                landed.cut
            );
            Verdict::by(Rule::CutOutside, sentence)
        })
    }
}
