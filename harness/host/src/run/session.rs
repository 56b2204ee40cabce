//! The cases of a run on its rig: opens the rig, runs what is planned or bisects, and leaves the rig safe.

use super::runner::rig_watch::{RigWatch, ended_by_machine};
use super::runner::{BisectOptions, Campaigns, Ran, RunOptions, Runner};
use crate::bench::signals::Signalled;
use crate::check::CheckTerms;
use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::device::open_rig::{OpenRig, RigHold, RigUnavailable, RigWork, with_rig};
use crate::plan::Planned;
use crate::plan::campaign::CampaignCut;
use crate::state::quarantine::Found;
use crate::state::run_state::RunState;
use dfota_clock::Clock;
use dfota_core::case::Case;
use dfota_core::event::bisected::Bisected;
use dfota_core::event::watched::Halted;
use dfota_core::event::{CaseEnded, Event};
use dfota_core::exit_code::ExitCode;
use dfota_core::run_fold::RunFold;
use dfota_core::verdict::{Rule, Verdict, exit_code};
use dfota_record::journal::Journal;

/// What a run does, and on what.
pub struct Session<'r> {
    pub rig: &'r Rig,
    pub suites: &'r [Suite],
    pub cases: &'r [Planned],
    /// Every cut that the rig can make of the campaigns of the cases: they are done when these are.
    pub slots: &'r [CampaignCut],
    pub options: RunOptions,
    /// Bisects the one case of the plan.
    pub bisect: Option<BisectOptions>,
    /// What of the rig is there before it is opened.
    pub hold: RigHold<'r>,
    /// How the rig is checked around the suites.
    pub terms: CheckTerms,
    /// The quarantine of the rig, which this run may end.
    pub found: Option<Found>,
    /// Where a rig that fails its check is put into quarantine.
    pub state: RunState<'r>,
    pub clock: Clock,
    pub journal: &'r Journal,
}

/// How a run ended.
#[derive(Debug)]
pub struct SessionEnded {
    pub exit: ExitCode,
    /// What a user has to know of the rig.
    pub notes: Vec<String>,
    /// The rig failed its check, could not be opened or made safe, or this machine ended the run.
    pub has_failed: bool,
}

/// The cases are over, and what the rig needs is written down.
struct CasesEnded {
    exit: ExitCode,
    interrupted: bool,
    /// The rig did not pass its check, or this machine ended the run.
    has_failed: bool,
    notes: Vec<String>,
}

impl Session<'_> {
    /// Opens the rig, runs the cases and leaves the rig safe.
    pub fn run(self, campaigns: Campaigns) -> SessionEnded {
        let journal = self.journal;
        let seed = self.options.module_seed.0;
        // Whoever can stop a run after its case is its parent.
        let signalled = match self.options.stop {
            Some(_) => Signalled::ByParent,
            None => Signalled::ByUser,
        };
        let work = with_rig(self.rig, self.hold, seed, self.clock, journal, signalled, |rig| {
            self.run_cases(rig, campaigns)
        });
        let (ended, safe) = match work {
            Ok(RigWork { result, safe }) => (result, safe),
            Err(why) => return self.not_opened(&why),
        };
        if let Err(why) = &safe {
            let text = format!("the rig could not be made safe: {why}");
            journal.post(Event::Note { text });
        }
        let exit = match ended.exit {
            ExitCode::Success if safe.is_err() || ended.has_failed => ExitCode::Error,
            exit => exit,
        };
        journal.post(Event::RunEnded {
            exit: exit.code(),
            interrupted: ended.interrupted,
            safe: safe.is_ok(),
        });
        SessionEnded {
            exit,
            notes: ended.notes,
            has_failed: ended.has_failed || safe.is_err(),
        }
    }

    fn run_cases(&self, rig: &mut OpenRig, campaigns: Campaigns) -> CasesEnded {
        let watch = RigWatch::new(self.terms.clone(), self.found.clone());
        let model = self.rig.module.ati_model();
        let options = self.options.clone();
        let mut runner = Runner::new(rig, self.suites, model, options, campaigns, watch);
        match (&self.bisect, self.cases) {
            (Some(options), [Planned { case, skip: None, .. }, ..]) => {
                let bisected = runner.bisect(case, options);
                let interrupted = runner.is_interrupted();
                let exit = bisect_exit(&bisected, interrupted);
                self.concluded(exit, interrupted, runner.finish().rig)
            }
            _ => {
                for planned in self.cases {
                    runner.run(&planned.case, planned.skip.as_deref());
                }
                self.repeat_until_stopped(&mut runner);
                let unproven = self.closed_by().and_then(|case| runner.close(case));
                let mut ended = self.cases_ended(runner.finish());
                ended.has_failed |= unproven.is_some();
                ended.notes.extend(unproven);
                ended
            }
        }
    }

    /// The case whose limits an update has that closes the batch. The blocks of a campaign end with a control, which is such an
    /// update.
    fn closed_by(&self) -> Option<&Case> {
        let last = self.cases.last().map(|planned| &planned.case);
        last.filter(|case| self.options.is_batch && case.part.is_none())
    }

    fn cases_ended(&self, mut ran: Ran) -> CasesEnded {
        let bricks = |fold: &RunFold| {
            let mut left = fold.pools().left_over();
            // What is open is known to later runs since it was ordered.
            left.retain(|left| left.brick);
            left
        };
        let bricks = self.journal.look(bricks).unwrap_or_default();
        let closed = self.journal.look(|fold| fold.pools().closed_earlier());
        let unwritten = ran.campaigns.leave_over(bricks, &closed.unwrap_or_default());
        for why in unwritten.into_iter().chain(ran.campaigns.end(self.slots).err()) {
            let text = why.to_string();
            self.journal.post(Event::Note { text });
        }
        let exit = exit_code(&ran.verdicts, ran.interrupted);
        self.concluded(exit, ran.interrupted, ran.rig)
    }

    /// Puts a rig that failed into quarantine. Before the lines are moved: a second signal may end the program meanwhile.
    fn concluded(&self, exit: ExitCode, interrupted: bool, rig: RigWatch) -> CasesEnded {
        CasesEnded {
            exit,
            interrupted,
            has_failed: rig.has_failed(),
            notes: rig.conclude(&self.state, self.journal),
        }
    }

    /// Repeats the cases of suites that go on until they are told to stop, each planned when its turn comes.
    fn repeat_until_stopped(&self, runner: &mut Runner<'_>) {
        let endless = |case: &Case| {
            let suite = self.suites.iter().find(|suite| suite.name == case.suite);
            suite.is_some_and(|suite| suite.until_stopped)
        };
        let run = |planned: &&Planned| planned.skip.is_none() && endless(&planned.case);
        let cases: Vec<&Planned> = self.cases.iter().filter(run).collect();
        for (turn, planned) in cases.iter().cycle().enumerate() {
            if runner.is_over() {
                return;
            }
            let mut case = planned.case.clone();
            case.id = format!("{}#{}", case.id, turn / cases.len() + 2);
            self.journal.post(Event::CasePlanned {
                case: Box::new(case.clone()),
                skip: None,
            });
            runner.run(&case, None);
        }
    }

    /// A rig could not be opened, or a server of this machine could not listen.
    fn not_opened(&self, why: &RigUnavailable) -> SessionEnded {
        let (found, text) = (self.found.as_ref(), why.to_string());
        let (rule, note) = match why {
            RigUnavailable::Runtime(_) => (Rule::HarnessFailed, None),
            RigUnavailable::Rig(why) if why.probe.is_of_the_machine() => {
                (Rule::ServerFailed, Some(ended_by_machine(found, &text)))
            }
            RigUnavailable::Rig(_) => (Rule::RigBroken, found.map(|found| found.goes_on(&text))),
        };
        self.refused(rule, &text, note)
    }

    /// Ends a run whose rig cannot be opened, or must not be: every case is an error.
    pub fn refused(&self, rule: Rule, why: &str, note: Option<String>) -> SessionEnded {
        if let Some(text) = note.clone() {
            self.journal.post(Event::Note { text });
        }
        for Planned { case, skip, .. } in self.cases {
            if skip.is_none() {
                let sentence = why.to_owned();
                let verdict = Verdict::by(rule, sentence.clone());
                self.journal.halted(Halted { rule, sentence });
                self.journal
                    .post(Event::CaseEnded(CaseEnded::untried(case, verdict)));
            }
        }
        self.journal.post(Event::RunEnded {
            exit: ExitCode::Error.code(),
            interrupted: false,
            safe: true,
        });
        SessionEnded {
            exit: ExitCode::Error,
            notes: note.into_iter().collect(),
            has_failed: true,
        }
    }
}

/// What a bisection found is a success, whatever the module did in it.
fn bisect_exit(bisected: &Bisected, interrupted: bool) -> ExitCode {
    match (interrupted, &bisected.lost) {
        (true, _) => ExitCode::Interrupted,
        (false, None) => ExitCode::Success,
        (false, Some(_)) => ExitCode::Error,
    }
}
