//! Which version the module is likely to run as the cases go by, and how many updates it takes to get where each case
//! starts: every one of them wears its flash.

use crate::config::suite::Suite;
use dfota_core::case::{Case, Package};
use dfota_core::chain::chain;
use dfota_core::cut::CutPlan;
use dfota_core::expect::Becomes;
use dfota_core::moment::Moment;
use dfota_core::version::Version;

/// The version that the module is expected to run.
#[derive(Debug, Clone)]
pub struct Route {
    runs: Option<Version>,
}

/// How many updates lead to the version that a case starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteLength {
    Updates(u32),
    /// The module's version is not known.
    AtMost(u32),
    /// None of the suite's packages leads there.
    Nowhere,
}

impl RouteLength {
    pub fn updates(self) -> u32 {
        match self {
            Self::Updates(updates) | Self::AtMost(updates) => updates,
            Self::Nowhere => 0,
        }
    }
}

impl Route {
    /// Begins where the module is known to be, or anywhere.
    pub fn starting_at(runs: Option<Version>) -> Self {
        Self { runs }
    }

    /// The version that the module is thought to run.
    pub fn runs(&self) -> Option<&Version> {
        self.runs.as_ref()
    }

    /// The way to the version that `case` starts from.
    pub fn to(&self, suite: &Suite, case: &Case) -> RouteLength {
        let packages: Vec<&Package> = suite.packages.iter().map(|loaded| &loaded.package).collect();
        let count = |steps: Vec<usize>| u32::try_from(steps.len()).unwrap_or(u32::MAX);
        match &self.runs {
            Some(runs) => chain(&packages, runs, &case.on)
                .map_or(RouteLength::Nowhere, |steps| RouteLength::Updates(count(steps))),
            None => {
                let anywhere = packages.iter().flat_map(|package| [&package.from, &package.to]);
                let worst = anywhere
                    .filter_map(|from| chain(&packages, from, &case.on).ok())
                    .map(count)
                    .max();
                RouteLength::AtMost(worst.unwrap_or(0))
            }
        }
    }

    /// The case was run and went as it should: whether it spent an update. Where it left the module counts for the next.
    pub fn pass(&mut self, case: &Case) -> bool {
        let becomes = becomes(case);
        let spent = becomes != case.on;
        self.runs = Some(becomes);
        spent
    }
}

/// The version that a case leaves behind when it goes as it should.
fn becomes(case: &Case) -> Version {
    let fails = |code: Option<u32>| code.is_some_and(|code| code != 0);
    if case.cut.as_ref().is_some_and(before_update) {
        // The cut leaves nothing to resume, and the same update is done again, to its end.
        return case.package.to.clone();
    }
    match &case.expect.version {
        Some(Becomes::Version(version)) => version.clone(),
        Some(Becomes::Unchanged) => case.on.clone(),
        Some(Becomes::Target) => case.package.to.clone(),
        None if fails(case.expect.update) || fails(case.expect.download) => case.on.clone(),
        None => case.package.to.clone(),
    }
}

/// Whether the cut falls before the update itself.
pub fn before_update(cut: &CutPlan) -> bool {
    matches!(
        cut.at,
        Moment::HttpStart | Moment::CoapStart | Moment::Downloading(_) | Moment::UploadBlock(_)
    )
}
