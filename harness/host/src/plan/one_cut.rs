//! `--cut`: one case, with this cut in place of its own.

use crate::plan::{ExpandedCase, PlanError};
use dfota_core::cut::{Cut, CutPlan};

/// The one case that is selected, or the first cut of the one campaign, with this cut in place of its own.
pub fn with_cut<'s>(taken: &[&ExpandedCase<'s>], cut: &Cut) -> Result<ExpandedCase<'s>, PlanError> {
    let campaign_of = |expanded: &ExpandedCase<'s>| {
        let case = &expanded.case.case;
        Some((case.suite.clone(), case.part.as_ref()?.campaign.clone()))
    };
    let first = campaign_of(taken[0]);
    let one_campaign = first.is_some() && taken.iter().all(|case| campaign_of(case) == first);
    if taken.len() > 1 && !one_campaign {
        let some: Vec<String> = taken
            .iter()
            .take(3)
            .map(|expanded| format!("`{}`", expanded.case.case.id))
            .collect();
        return Err(PlanError::CutOfMany {
            cases: taken.len(),
            some: some.join(", ") + if taken.len() > 3 { ", …" } else { "" },
        });
    }
    let is_cut = |expanded: &&&ExpandedCase<'_>| expanded.case.case.slot().is_some();
    let expanded = taken.iter().find(is_cut).unwrap_or(&taken[0]);
    let mut case = expanded.case.clone();
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
    Ok(ExpandedCase {
        case,
        ..(*expanded).clone()
    })
}
