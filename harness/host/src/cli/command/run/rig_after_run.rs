//! Whether a rig is in quarantine after a run, and what is said of that last.

use super::{RunEnd, unopened};
use crate::cli::on_rig::BenchUnavailable;
use crate::plan::Plan;
use crate::run::runner;
use crate::state::quarantine::Found;
use crate::state::run_state::RunState;
use dfota_core::event::Event;
use dfota_core::rig_check::Probe;
use dfota_core::verdict::Rule;
use dfota_record::journal::Journal;

/// The rig when the cases of a run are over.
pub(super) struct RigAfterRun {
    /// What of the rig failed its self-check, and in which check.
    pub unfit: Option<(String, Probe)>,
    /// What of this machine ended the run.
    pub machine: Option<String>,
    found: Option<Found>,
    released: Option<String>,
}

impl RigAfterRun {
    pub(super) fn new(ran: runner::Ran) -> Self {
        Self {
            unfit: ran.unfit,
            machine: ran.machine,
            found: ran.found,
            released: ran.released,
        }
    }

    /// What is said last: of a quarantine that this run has ended, and of the one in which the rig is now. The journal has the
    /// first already.
    pub(super) fn last_words(self, run: &RunState<'_>, journal: &Journal) -> Vec<String> {
        let stands = match (self.machine, self.found, self.unfit) {
            (Some(why), found, _) => Some(by_this_machine(found.as_ref(), &why)),
            (None, Some(_), Some((why, _))) => Some(why),
            (None, Some(found), None) => Some(found.goes_on("this run has not checked it")),
            (None, None, Some((why, cause))) => Some(run.quarantine(&why, cause)),
            (None, None, None) => None,
        };
        if let Some(text) = stands.clone() {
            journal.post(Event::Note { text });
        }
        self.released.into_iter().chain(stands).collect()
    }
}

/// What ended a run is wrong with the machine: nothing is held against the rig for it.
fn by_this_machine(found: Option<&Found>, why: &str) -> String {
    match found {
        None => format!(
            "the run was ended by this machine, not by the rig, which is not in quarantine for it: {why}"
        ),
        Some(found) => found.goes_on(&format!(
            "this run was ended by the machine, not by the rig: {why}"
        )),
    }
}

/// A rig that could not be opened, or a server of this machine that could not listen.
pub(super) fn not_opened(
    plan: &Plan,
    journal: &Journal,
    found: Option<&Found>,
    why: &BenchUnavailable,
) -> RunEnd {
    let said = why.to_string();
    let (rule, last) = match why {
        BenchUnavailable::Runtime(_) => (Rule::HarnessFailed, None),
        BenchUnavailable::Rig(why) if why.probe.is_of_the_machine() => {
            (Rule::ServerFailed, Some(by_this_machine(found, &said)))
        }
        BenchUnavailable::Rig(_) => (Rule::RigBroken, found.map(|found| found.goes_on(&said))),
    };
    if let Some(text) = last.clone() {
        journal.post(Event::Note { text });
    }
    unopened(plan, journal, rule, &said, last.into_iter().collect())
}
