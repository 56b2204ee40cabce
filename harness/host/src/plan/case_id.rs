//! Ids of cases that a suite does not declare one by one.

use crate::config::rig::Rig;
use crate::config::rig_set::plain_name;

/// The id with something more in its brackets.
pub fn with(id: &str, suffix: &str) -> String {
    match id.strip_suffix(']') {
        Some(open) => format!("{open},{suffix}]"),
        None => format!("{id}[{suffix}]"),
    }
}

/// The id of a case that this rig alone runs.
pub fn on_rig(id: &str, rig: &Rig) -> String {
    with(id, &format!("rig={}", plain_name(&rig.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("campaign", "campaign[cut=001]")]
    #[case("campaign[via=uart]", "campaign[via=uart,cut=001]")]
    fn ids(#[case] id: &str, #[case] with_cut: &str) {
        assert_eq!(with(id, "cut=001"), with_cut);
    }
}
