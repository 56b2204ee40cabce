//! How a rig stands when a run is over: in quarantine or out of it, and what is said of that last.

use super::unopened;
use crate::device::bench::OpenError;
use crate::exit::ExitCode;
use crate::plan::Plan;
use crate::run::runner::Ran;
use crate::state::quarantine::Found;
use crate::state::run_state::RunState;
use dfota_core::event::Event;
use dfota_core::rig_check::Probe;
use dfota_core::verdict::Rule;
use dfota_record::journal::Journal;

/// How the rig of a run stands when its cases are over.
pub(super) struct Stood {
    /// What of the rig failed its self-check, and at which look.
    pub unfit: Option<(String, Probe)>,
    /// What of this machine ended the run.
    pub machine: Option<String>,
    found: Option<Found>,
    released: Option<String>,
}

impl Stood {
    pub(super) fn of(ran: Ran) -> Self {
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
    why: &OpenError,
) -> (ExitCode, Vec<String>) {
    let (rule, last) = if why.probe.is_of_the_machine() {
        (Rule::ServerFailed, Some(by_this_machine(found, &why.to_string())))
    } else {
        (
            Rule::RigBroken,
            found.map(|found| found.goes_on(&why.to_string())),
        )
    };
    if let Some(text) = last.clone() {
        journal.post(Event::Note { text });
    }
    let exit = unopened(plan, journal, rule, &why.to_string());
    (exit, last.into_iter().collect())
}
