//! Anomalies: what is legal but unusual. Every report names them; a suite may declare them a fail.

use super::{Observation, SeenEvent};
use crate::event_id::EventId;
use crate::update::{AfterCut, Life, Phase};
use crate::urc::{Fota, Urc};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bc66_spec::code::UpdateCode;

/// Most anomalies that are kept of one update; a module can repeat one for hours.
const KEPT: usize = 32;

/// The anomalies in the lines of an update.
#[derive(Debug, Clone, Default)]
pub struct AnomaliesSeen {
    pub list: Vec<SeenEvent<String>>,
    /// The last percentage of the present boot.
    percent: Option<u8>,
}

impl AnomaliesSeen {
    /// Percentages begin anew.
    pub(super) fn begin_boot(&mut self) {
        self.percent = None;
    }

    /// Looks at a line before it counts; `phase` is where the update stands before it.
    pub(super) fn look(&mut self, id: EventId, urc: &Urc, line: &str, phase: Phase) {
        match urc {
            Urc::BootRom => self.begin_boot(),
            Urc::Fota(Fota::Updating {
                percent,
                total,
                current,
            }) => {
                let now = percent.get();
                if let Some(before) = self.percent.filter(|before| now < *before) {
                    let text = format!("UPDATING went back from {before} % to {now} % within a boot");
                    self.note(id, text);
                }
                self.percent = Some(now);
                // Application note §5.7: both numbers are always 1.
                if total.is_some_and(|total| total != 1) || current.is_some_and(|current| current != 1) {
                    let number =
                        |number: Option<u8>| number.map_or("?".to_string(), |number| number.to_string());
                    let (total, current) = (number(*total), number(*current));
                    let text = format!("UPDATING named program {current} of {total}, expected 1 of 1");
                    self.note(id, text);
                }
            }
            Urc::Fota(Fota::Unknown) if line.contains("UPDATING") => {
                self.note(id, format!("`{}` has no percentage from 0 to 100", line.trim()));
            }
            Urc::Fota(Fota::Start) if matches!(phase, Phase::Downloading { .. }) => {
                self.note(id, "START came without an end of the download".to_string());
            }
            _ => {}
        }
    }

    fn note(&mut self, id: EventId, what: String) {
        if self.list.len() < KEPT {
            self.list.push(SeenEvent { id, what });
        }
    }
}

impl Observation {
    /// Every anomaly in a few words, equal ones once.
    pub fn oddities(&self) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for anomaly in &self.anomalies.list {
            if !texts.contains(&anomaly.what) {
                texts.push(anomaly.what.clone());
            }
        }
        texts.extend(match self.unexplained_resets() {
            0 => None,
            1 => Some("1 unexplained reset while UPDATING".to_string()),
            many => Some(format!("{many} unexplained resets while UPDATING")),
        });
        if self.resumed_without_updating() {
            texts.push("the resume came to END,0 without a single UPDATING".to_string());
        }
        texts
    }

    fn resumed_without_updating(&self) -> bool {
        let silent =
            |life: &Life| life.start && life.updating.is_none() && life.ends.contains(&UpdateCode::Success);
        let after_cut = self
            .update
            .lives()
            .iter()
            .rev()
            .take_while(|life| life.cut.is_none());
        self.update.expected_after_cuts() == AfterCut::MustResume && after_cut.into_iter().any(silent)
    }
}
