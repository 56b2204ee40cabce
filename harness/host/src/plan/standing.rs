//! The state of a plan's rig: its quarantine, and the updates left in the wear budget of its module's flash.

use crate::config::rig::Rig;
use crate::plan::Planned;
use crate::state::last_check::LastCheck;
use crate::state::quarantine::{Found, Quarantine};
use crate::state::wear::Wear;
use crate::state::{RigState, StateError};
use dfota_core::cut::CutKind;
use dfota_record::count::count_of;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// How a rig stands before a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its quarantine, if it is in one.
    pub quarantine: Option<Quarantine>,
    /// Updates that its module's flash has seen.
    pub spent: u64,
    /// Updates that the plan spends at most.
    pub planned: u64,
    /// Updates that the rig file allows its module.
    pub budget: Option<u64>,
    /// The shortest time for which its supply can be gone, in real nanoseconds, as the last check measured it.
    pub shortest_off_ns: Option<u64>,
    /// The shortest cut of the plan, in real nanoseconds.
    #[serde(skip)]
    shortest_cut_ns: Option<u64>,
    /// How its quarantine ends.
    #[serde(skip)]
    ends: String,
    /// The command that checks it.
    #[serde(skip)]
    check: String,
}

impl Standing {
    /// How `rig` stands before these cases, which write so many `updates` to the flash of its module.
    pub fn new(rig: &Rig, state: &RigState, cases: &[Planned], updates: u32) -> Result<Self, StateError> {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let run = cases.iter().filter(|case| case.skip.is_none());
        let cuts = run
            .flat_map(|case| &case.cuts)
            .filter(|cut| cut.kind != CutKind::Reset);
        let shortest = cuts.map(|cut| cut.off.div_f64(rig.speed())).min();
        let last = LastCheck::read(state)?;
        Ok(Self {
            shortest_off_ns: last.and_then(|last| last.shortest_off()).map(nanoseconds),
            shortest_cut_ns: shortest.map(nanoseconds),
            quarantine: Quarantine::read(state)?,
            spent: Wear::spent(state)?,
            planned: updates.into(),
            budget: rig.wear,
            ends: Quarantine::ends(&rig.file, state),
            check: state.check(&rig.file, ""),
        })
    }

    /// By how many updates the plan is over the budget.
    pub fn over(&self) -> Option<u64> {
        let after = self.spent.saturating_add(self.planned);
        self.budget
            .map(|budget| after.saturating_sub(budget))
            .filter(|over| *over > 0)
    }

    /// Why a case is not run on a rig in quarantine.
    pub fn quarantined(&self, quarantine: &Quarantine) -> String {
        let run = if quarantine.a_run_can_end() {
            "a run checks it first, and goes on where that passes"
        } else {
            "nothing is powered"
        };
        format!("the rig is {quarantine}; {run}; {}", self.ends)
    }

    /// The quarantine that a run can end.
    pub fn found(&self, rig: &Rig, state: &RigState) -> Option<Found> {
        let quarantine = self.quarantine.clone().filter(Quarantine::a_run_can_end)?;
        Some(Found::new(quarantine, &rig.file, state))
    }

    /// Why nothing is to be powered.
    pub fn refused(&self) -> Option<String> {
        let quarantine = self.quarantine.as_ref();
        let quarantine = quarantine.filter(|quarantine| !quarantine.a_run_can_end())?;
        Some(self.quarantined(quarantine))
    }

    /// Why a plan over the budget is refused.
    pub fn refusal(&self) -> Option<String> {
        let over = self.over()?;
        let Self { spent, planned, .. } = self;
        let budget = self.budget.unwrap_or_default();
        Some(format!(
            "the module's flash has seen {}, this plan spends up to {planned}, and `wear.updates` of the rig file allows {budget}: {over} too many; select fewer cases, put another module on the rig and run `{}`, or give `--over-budget`",
            count_of(*spent, "update"),
            self.check
        ))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(budget) = self.budget {
            let Self { spent, planned, .. } = self;
            writeln!(
                f,
                "flash updates: {spent} spent / {planned} planned / {budget} allowed"
            )?;
        }
        if let Some(refusal) = self.refusal() {
            writeln!(f, "warning: {refusal}")?;
        }
        if let (Some(shortest), Some(cut)) = (self.shortest_off_ns, self.shortest_cut_ns)
            && cut < shortest
        {
            let ms = |ns: u64| ns as f64 / 1e6;
            writeln!(
                f,
                "warning: this rig cannot cut the supply for less than {:.1} ms of real time (last check), but a cut asks for {:.1} ms: it will last longer",
                ms(shortest),
                ms(cut)
            )?;
        }
        if let Some(quarantine) = &self.quarantine {
            writeln!(f, "warning: {}", self.quarantined(quarantine))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, 10, None, None)]
    #[case(0, 10, Some(10), None)]
    #[case(1, 10, Some(10), Some(1))]
    #[case(20, 0, Some(10), Some(10))]
    fn budgets(
        #[case] spent: u64,
        #[case] planned: u64,
        #[case] budget: Option<u64>,
        #[case] over: Option<u64>,
    ) {
        let standing = Standing {
            quarantine: None,
            spent,
            planned,
            budget,
            shortest_off_ns: None,
            shortest_cut_ns: None,
            ends: String::new(),
            check: String::new(),
        };
        assert_eq!(standing.over(), over);
        assert_eq!(standing.refusal().is_some(), over.is_some());
    }
}
