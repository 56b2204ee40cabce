//! temporary
use crate::cli::{Failed, Selection};
use crate::rig::Rig;
use crate::suite::Suite;
use dfota_core::case::Case;
use dfota_core::seed::Seed;
/// p
pub struct Planned {
    /// c
    pub case: Case,
    /// s
    pub skip: Option<String>,
}
/// p
pub struct Plan {
    /// c
    pub cases: Vec<Planned>,
    /// w
    pub warnings: Vec<String>,
}
impl Plan {
    /// of
    pub fn of(suites: &[Suite], rig: &Rig, sel: &Selection, _: Seed) -> Result<Self, Failed> {
        let mut cases = vec![];
        for s in suites {
            for c in &s.cases {
                let mut case = c.case.clone();
                if c.off_is_discharge {
                    if let Some(cut) = &mut case.cut {
                        cut.off = rig.discharge();
                    }
                }
                if sel.filter.as_ref().is_some_and(|f| !case.id.contains(f.as_str())) {
                    continue;
                }
                cases.push(Planned {
                    case,
                    skip: c.skip.clone(),
                });
            }
        }
        Ok(Self {
            cases,
            warnings: vec![],
        })
    }
}
