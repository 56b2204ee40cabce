//! Third: whether the experiment was the planned one. A cut that missed is never a pass.

use super::Admitted;
use crate::fault::Faults;
use crate::moment::Moment;
use crate::observation::Observation;
use crate::percent::Percent;
use crate::update::{AfterCut, Phase};
use crate::verdict::{Rule, Verdict};
use alloc::format;
use alloc::string::ToString;

pub(super) fn look(rules: &mut Admitted<'_>) -> Option<Verdict> {
    let seen = rules.seen;
    let fired = [
        seen.missed_cut(),
        seen.late_cut(),
        seen.finished_before(),
        seen.fault_not_met(),
    ];
    fired.into_iter().find_map(|fired| rules.admit(fired))
}

impl Observation {
    fn fault_not_met(&self) -> Option<Verdict> {
        let later = self.to_be_ordered_again() && self.case().again().faults != Faults::default();
        (!self.fault_met() && !later).then(|| {
            let sentence =
                "the update ended before the fault that the case declares was injected".to_string();
            Verdict::by(Rule::FaultNotMet, sentence)
        })
    }

    fn missed_cut(&self) -> Option<Verdict> {
        let (planned, made) = (self.cuts_planned(), self.cuts_made());
        let plan = self.case().cut.as_ref().filter(|_| made < planned)?;
        let met = if made == 0 {
            "was not met"
        } else {
            "was not met again"
        };
        let sentence = format!(
            "{made} of {planned} cuts were made: `{}` {met} before the update ended (last seen: {})",
            plan.at,
            self.update.phase()
        );
        Some(Verdict::by(Rule::CutMissed, sentence))
    }

    fn late_cut(&self) -> Option<Verdict> {
        let plan = self.case().cut.as_ref().filter(|plan| plan.at != Moment::End)?;
        let landed = self.cut_lives().find_map(|life| match life.cut {
            Some(phase @ Phase::Ended { .. }) => Some(phase),
            _ => None,
        })?;
        let sentence = format!(
            "the cut was armed at `{}` and landed {landed}: the delay was longer than the update",
            plan.at
        );
        Some(Verdict::by(Rule::CutLate, sentence))
    }

    fn finished_before(&self) -> Option<Verdict> {
        let plan = self.case().cut.as_ref()?;
        let armed_at_the_end = matches!(plan.at, Moment::End | Moment::Updating(Percent::FULL));
        // A campaign arms its cuts for the last moment before a time: there it counts where one landed.
        let full = Some(Phase::Updating {
            percent: Percent::FULL,
        });
        let landed_there = self.cut_lives().last().is_some_and(|life| life.cut == full);
        let armed_at_the_end = armed_at_the_end || (self.case().part.is_some() && landed_there);
        let whole = self.cut_lives().next_back().is_some_and(|life| !life.glitch);
        let cut_while_updating = whole && self.update.expected_after_cuts() == AfterCut::MustResume;
        (cut_while_updating && !self.resumed() && !armed_at_the_end).then(|| {
            let sentence = format!(
                "{} only RDY, END,0 and {} came: the update had been finished before the cut, so no forced resume was seen",
                self.after(),
                self.target()
            );
            Verdict::by(Rule::FinishedBeforeCut, sentence)
        })
    }
}
