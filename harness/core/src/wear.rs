//! Flash wear: counts the updates of a module from the lines that it sent.

use crate::event::Event;
use crate::urc::{Fota, Urc};
use crate::version::Imei;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;

/// Under which name updates are counted of a module that has not said who it is.
pub const UNKNOWN: &str = "unknown";

/// Counts updates by the IMEI of the module. An update counts as soon as the module says UPDATING: from there on it erases
/// and writes. A resume is part of the update that it resumes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WearCount {
    imei: Option<Imei>,
    begun: bool,
    updates: BTreeMap<String, u64>,
}

impl WearCount {
    /// Takes what happened, in order.
    pub fn on(&mut self, event: &Event) {
        match event {
            Event::Identity { imei: Some(imei), .. } => self.imei = Some(imei.clone()),
            // What was begun before is not what comes now.
            Event::Tx { text } if text.contains(bc66_spec::command::QFOTADL) => self.begun = false,
            Event::CaseStarted { .. } => self.begun = false,
            Event::Rx { text, .. } => match Urc::parse(text.as_bytes()) {
                Some(Urc::Fota(Fota::Updating { .. })) if !self.begun => {
                    self.begun = true;
                    let imei = self.imei.as_ref().map_or(UNKNOWN, Imei::as_str);
                    *self.updates.entry(imei.to_owned()).or_default() += 1;
                }
                Some(Urc::Fota(Fota::End(_))) => self.begun = false,
                _ => {}
            },
            _ => {}
        }
    }

    /// The module that said last who it is.
    pub fn imei(&self) -> Option<&Imei> {
        self.imei.as_ref()
    }

    pub fn updates(&self) -> impl Iterator<Item = (&str, u64)> {
        self.updates
            .iter()
            .map(|(imei, updates)| (imei.as_str(), *updates))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use rstest::rstest;

    const ORDER: &str = "> AT+QFOTADL=\"FROM-UART\"";
    const AT_20: &str = "< +QIND: \"FOTA\",\"UPDATING\",20%,1,1";
    const AT_90: &str = "< +QIND: \"FOTA\",\"UPDATING\",90%,1,1";
    const END: &str = "< +QIND: \"FOTA\",\"END\",0";
    const REFUSED: &str = "< +QIND: \"FOTA\",\"END\",254";

    fn counted(lines: &[&str]) -> u64 {
        let mut count = WearCount::default();
        for line in lines {
            let text = line[2..].to_string();
            count.on(&if line.starts_with('<') {
                Event::Rx { text, partial: false }
            } else {
                Event::Tx { text }
            });
        }
        count.updates().map(|(_, updates)| updates).sum()
    }

    #[rstest]
    #[case::one(&[ORDER, AT_20, AT_90, END], 1)]
    #[case::end_twice(&[ORDER, AT_20, END, END], 1)]
    #[case::a_resume_is_part_of_it(&[ORDER, AT_20, AT_90, AT_20, END], 1)]
    #[case::refused_before_it_began(&[ORDER, REFUSED], 0)]
    #[case::given_up_and_ordered_again(&[ORDER, AT_20, ORDER, AT_20, END], 2)]
    #[case::ordered_over_lwm2m(&[AT_20, END, AT_20, END], 2)]
    #[case::nothing(&["< RDY", "< +CFUN: 1"], 0)]
    fn updates(#[case] lines: &[&str], #[case] expected: u64) {
        assert_eq!(counted(lines), expected);
    }

    #[test]
    fn each_module_has_a_count_of_its_own() {
        let mut count = WearCount::default();
        let update = |count: &mut WearCount| {
            for line in [AT_20, END] {
                let text = line[2..].to_string();
                count.on(&Event::Rx { text, partial: false });
            }
        };
        update(&mut count);
        for imei in ["867725036410482", "867725036410490"] {
            count.on(&Event::Identity {
                model: "Quectel_BC66".into(),
                version: "BC66NBR01A01".parse().unwrap(),
                imei: Some(imei.parse().unwrap()),
            });
            update(&mut count);
        }
        let counts: Vec<(&str, u64)> = count.updates().collect();
        assert_eq!(
            counts,
            [("867725036410482", 1), ("867725036410490", 1), (UNKNOWN, 1)]
        );
    }
}
