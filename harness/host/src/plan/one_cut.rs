//! `--cut`: one case, with this cut in place of its own.

use crate::config::suite::{Suite, SuiteCase};
use crate::plan::PlanError;
use dfota_core::cut::{Cut, CutPlan};

/// The one case that is selected, or the first cut of the one campaign, with this cut in place of its own.
pub fn with_cut<'s>(
    taken: &[&(&'s Suite, SuiteCase)],
    cut: &Cut,
) -> Result<(&'s Suite, SuiteCase), PlanError> {
    let campaign_of = |(_, case): &(&Suite, SuiteCase)| {
        let part = case.case.part.as_ref()?;
        Some((case.case.suite.clone(), part.campaign.clone()))
    };
    let first = campaign_of(taken[0]);
    let one_campaign = first.is_some() && taken.iter().all(|case| campaign_of(case) == first);
    if taken.len() > 1 && !one_campaign {
        let some: Vec<String> = taken
            .iter()
            .take(3)
            .map(|(_, case)| format!("`{}`", case.case.id))
            .collect();
        return Err(PlanError::CutOfMany {
            cases: taken.len(),
            some: some.join(", ") + if taken.len() > 3 { ", …" } else { "" },
        });
    }
    let is_cut = |taken: &&&(&Suite, SuiteCase)| taken.1.case.slot().is_some();
    let (suite, case) = taken.iter().find(is_cut).unwrap_or(&taken[0]);
    let mut case = case.clone();
    if !cut.at.comes_via(case.case.via) {
        return Err(PlanError::CutElsewhere {
            cut: cut.clone(),
            moment: cut.at,
            via: case.case.via,
        });
    }
    if let (true, Some(part)) = (taken.len() > 1, &case.case.part) {
        case.case.id.clone_from(&part.campaign);
    }
    case.case.part = None;
    case.case.cut = Some(CutPlan::from_cut(cut, 1));
    case.off_is_discharge = false;
    Ok((suite, case))
}
