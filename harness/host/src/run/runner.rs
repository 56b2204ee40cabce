//! The runner: one case after the other, each from a known version to a verdict. What breaks the rig ends the cases after it
//! with the first cause.

mod bisect;
mod bring_up;
mod campaigns;
mod case_run;
mod closing;
mod module_record;
mod oracle;
mod recovery;
pub mod rig_watch;
pub mod stop_signal;
mod tries;

use crate::config::suite::Suite;
use crate::device::dut::{Dut, Stop, UpdateSeen};
use crate::device::open_rig::OpenRig;
use crate::plan::filter;
use dfota_core::campaign::Role;
use dfota_core::case::Case;
use dfota_core::event::watched::Halted;
use dfota_core::event::{CaseEnded, Event, TryEnded};
use dfota_core::judge::Judgement;
use dfota_core::landing::CutLanding;
use dfota_core::outcome::Outcome;
use dfota_core::run_fold::RunFold;
use dfota_core::seed::Seed;
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::shell_word::shell_word;
use module_record::ModuleRecord;
use rig_watch::RigWatch;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stop_signal::{StopLevel, StopSignal};
use tries::Again;

pub use bisect::BisectOptions;
pub use campaigns::{BatchCampaigns, Campaigns};

/// How a run goes on and when it stops.
#[derive(Debug, Clone)]
pub struct RunOptions {
    pub seed: Seed,
    /// Stop at the first case that is neither a pass nor skipped.
    pub fail_fast: bool,
    /// Stop before the next case when this much real time is over.
    pub max_time: Option<Duration>,
    /// The command that reruns a case, up to its filter.
    pub rerun: String,
    /// The same for a case that this rig alone runs.
    pub rerun_here: String,
    /// The cut was given with `--cut`.
    pub cut_given: bool,
    /// Once it is raised, no further case is begun.
    pub stop: Option<Arc<StopSignal>>,
    /// The cases are a batch of a run on several rigs: the image that the last one leaves is proven before the next batch.
    pub is_batch: bool,
    /// What makes a simulated module an individual.
    pub module_seed: Seed,
}

/// What a try came to.
#[derive(Debug, Clone)]
struct TryResult {
    judgement: Judgement,
    /// Where its first cut landed; nothing where none was to be made, or the try was halted.
    landed: Option<CutLanding>,
    /// The first cut of a try that was halted before the module was asked what became of it.
    unjudged: Option<CutLanding>,
}

impl TryResult {
    /// What the journal says of the present try; with `settled`, when no further try follows.
    fn from_journal(fold: &RunFold, settled: bool) -> Self {
        let judgement = if settled { fold.settled() } else { fold.judged() };
        let first_cut = fold.main().and_then(CutLanding::seen);
        let (landed, unjudged) = if fold.is_halted() {
            (None, first_cut)
        } else {
            (first_cut, None)
        };
        Self {
            judgement,
            landed,
            unjudged,
        }
    }

    /// A verdict about no update.
    fn bare(verdict: Verdict) -> Self {
        Self {
            judgement: Judgement::bare(verdict),
            landed: None,
            unjudged: None,
        }
    }
}

/// Whether further cases are begun. A later state wins over an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum RunProgress {
    Running,
    /// A case did not pass, and the run is to fail fast.
    Stopped,
    /// Nothing brings the module back.
    GivenUp,
    Interrupted,
}

/// The runner of one rig.
pub struct Runner<'a> {
    rig: &'a mut OpenRig,
    suites: &'a [Suite],
    /// What `ATI` has to call the module.
    model: &'static str,
    options: RunOptions,
    began: Instant,
    progress: RunProgress,
    record: ModuleRecord,
    /// What was seen of the updates of the present try.
    seen: UpdateSeen,
    /// The cases that are over, in order.
    ended: Vec<CaseEnded>,
    /// The case that is bisected, by its id.
    bisected: Option<String>,
    campaigns: Campaigns,
    watch: RigWatch,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub verdicts: Vec<Verdict>,
    pub interrupted: bool,
    pub rig: RigWatch,
    pub campaigns: Campaigns,
}

impl<'a> Runner<'a> {
    /// A runner over the packages of `suites`, which checks the rig before and after the cases of each.
    pub fn new(
        rig: &'a mut OpenRig,
        suites: &'a [Suite],
        model: &'static str,
        options: RunOptions,
        campaigns: Campaigns,
        watch: RigWatch,
    ) -> Self {
        Self {
            rig,
            suites,
            model,
            options,
            began: Instant::now(),
            progress: RunProgress::Running,
            record: ModuleRecord::default(),
            seen: UpdateSeen::default(),
            ended: Vec::new(),
            bisected: None,
            campaigns,
            watch,
        }
    }

    /// Runs the case, or leaves it out for the reason that `skip` gives.
    pub fn run(&mut self, case: &Case, skip: Option<&str>) {
        // A claim is judged by the cuts so far, also when the run ends early.
        let is_claim = case.is_claim();
        let left_out = if self.is_over() && !is_claim && !self.proves_the_last_cut(case) {
            Some(Verdict::NotReached)
        } else if let Some(reason) = skip {
            let reason = reason.to_owned();
            Some(Verdict::Skip { reason })
        } else if !is_claim && self.enter(case).is_err() {
            self.reach(RunProgress::Interrupted);
            Some(Verdict::NotReached)
        } else {
            None
        };
        if let Some(verdict) = left_out {
            self.ended.push(CaseEnded::untried(case, verdict));
            return;
        }
        self.run_case(case);
        let good = matches!(self.last_verdict(), Some(Verdict::Pass | Verdict::Skip { .. }));
        if self.options.fail_fast && !good {
            self.reach(RunProgress::Stopped);
        }
    }

    /// Whether no further case is to be begun.
    pub fn is_over(&self) -> bool {
        let limit = self.options.max_time;
        self.progress > RunProgress::Running
            || limit.is_some_and(|limit| self.began.elapsed() >= limit)
            || self.told() > StopLevel::GoesOn
    }

    fn told(&self) -> StopLevel {
        let stop = self.options.stop.as_ref();
        stop.map_or(StopLevel::GoesOn, |stop| stop.level())
    }

    /// Whether the case is the control without which the last cut says nothing: it is run also when the time is over.
    fn proves_the_last_cut(&self, case: &Case) -> bool {
        let is_only_late = self.progress == RunProgress::Running && self.told() < StopLevel::Stop;
        is_only_late && self.campaigns.is_proven_by(case)
    }

    pub fn is_interrupted(&self) -> bool {
        self.progress == RunProgress::Interrupted
    }

    fn last_verdict(&self) -> Option<&Verdict> {
        self.ended.last().map(|case| &case.verdict)
    }

    fn reach(&mut self, progress: RunProgress) {
        self.progress = self.progress.max(progress);
    }

    pub fn finish(mut self) -> Ran {
        let interrupted = self.is_interrupted() || self.leave().is_err();
        self.revise_earlier();
        Ran {
            verdicts: self.ended.into_iter().map(|case| case.verdict).collect(),
            interrupted,
            rig: self.watch,
            campaigns: self.campaigns,
        }
    }

    /// Runs one case, in as many tries as it takes, and writes its end down.
    fn run_case(&mut self, case: &Case) {
        let began = Instant::now();
        let journal = self.module().journal.clone();
        journal.post(Event::CaseStarted {
            id: case.id.clone(),
            suite: case.suite.clone(),
        });
        self.module().reader.count_anew();
        let mut earlier: Vec<Again> = Vec::new();
        let result = loop {
            let tried = Instant::now();
            let result = self.try_once(case, &earlier);
            // What this try shows about an earlier case is written before its own end.
            self.revise_earlier();
            self.tally(case, &result);
            self.after_try(&result.judgement.verdict);
            let number = earlier.len() as u32 + 1;
            let again = tries::again(case, &result, &earlier);
            let Some(again) = again.filter(|_| !self.is_interrupted()) else {
                break match result.judgement.verdict {
                    Verdict::Skip { .. } => result,
                    _ => self.result(true),
                };
            };
            let judgement = result.judgement;
            journal.post(Event::TryEnded(TryEnded {
                id: case.id.clone(),
                suite: case.suite.clone(),
                number,
                verdict: judgement.verdict,
                outcome: judgement.outcome,
                evidence: judgement.evidence,
                again: again.to_string(),
                took_ns: tried.elapsed().as_nanos() as u64,
                summary: judgement.summary,
            }));
            earlier.push(again);
        };
        let left_out = self.module().reader.count_anew();
        if left_out > 0 {
            let text = format!("{left_out} lines of the module were left out of the journal of this case");
            journal.post(Event::Note { text });
        }
        let judgement = result.judgement;
        let ended = CaseEnded {
            id: case.id.clone(),
            suite: case.suite.clone(),
            rerun: self.rerun(case, result.landed.as_ref()),
            verdict: judgement.verdict,
            outcome: judgement.outcome,
            evidence: judgement.evidence,
            tries: earlier.len() as u32 + 1,
            took_ns: began.elapsed().as_nanos() as u64,
            summary: judgement.summary,
        };
        journal.post(Event::CaseEnded(ended.clone()));
        self.ended.push(ended.clone());
        self.watch.case_ended(&ended);
        self.recover(&ended);
    }

    /// What the journal says of the present try.
    fn result(&mut self, settled: bool) -> TryResult {
        let journal = &self.rig.module.journal;
        let result = journal.look(move |fold| TryResult::from_journal(fold, settled));
        result.unwrap_or_else(|| {
            let sentence = "the journal could not be written, and verdicts come out of it".to_owned();
            TryResult::bare(Verdict::by(Rule::HarnessFailed, sentence))
        })
    }

    /// Revises the verdict of the case that left the image, where what was seen since refutes it.
    fn revise_earlier(&mut self) {
        let revised = self.module().journal.look(RunFold::revision).flatten();
        let Some(revised) = revised else { return };
        self.module().journal.post(Event::CaseEnded(revised.clone()));
        let mut ended = self.ended.iter_mut().rev();
        if let Some(case) = ended.find(|case| case.suite == revised.suite && case.id == revised.id) {
            *case = revised.clone();
        }
        self.watch.note(&revised.verdict);
        self.record.suspect_image |= revised.outcome.is_some_and(Outcome::is_brick);
        self.tally_revised(&revised);
    }

    /// One try, to its verdict whatever happens.
    fn try_once(&mut self, case: &Case, earlier: &[Again]) -> TryResult {
        self.seen = UpdateSeen::default();
        if let Some(Role::Claim(_)) = case.part.as_ref().map(|part| &part.role) {
            self.say_what_is_hidden();
            let result = self.result(false);
            self.claimed(case, &result.judgement.verdict);
            return result;
        }
        let tried = match self.watch.refusal() {
            Some(stop) => Err(stop),
            // A panic is an error of one case: the rig must be left safe, and the run goes on.
            None => {
                catch_unwind(AssertUnwindSafe(|| self.place_and_run(case, earlier))).unwrap_or_else(|_| {
                    Err(Stop::rule(
                        Rule::HarnessFailed,
                        "the harness panicked; its message is in the log",
                    ))
                })
            }
        };
        let halted = match tried {
            Ok(Some(result)) => return result,
            Ok(None) => return self.result(false),
            Err(Stop::Rule(rule, sentence)) => Halted { rule, sentence },
            Err(Stop::Interrupted) => Halted {
                rule: Rule::Interrupted,
                sentence: "the run was interrupted in the middle of this case".into(),
            },
            Err(Stop::Unbounded) => Halted {
                rule: Rule::HarnessFailed,
                sentence: "a bound was over while no update was watched".into(),
            },
        };
        if halted.rule == Rule::Interrupted {
            self.reach(RunProgress::Interrupted);
        }
        self.module().journal.halted(halted);
        self.result(false)
    }

    /// A verdict alone where nothing was tried; otherwise it stands in the journal.
    fn place_and_run(&mut self, case: &Case, earlier: &[Again]) -> Result<Option<TryResult>, Stop> {
        if let Some(reason) = self.too_short(case) {
            return Ok(Some(TryResult::bare(Verdict::Skip { reason })));
        }
        let placed = self.placed(case, tries::made_up(earlier))?;
        self.case(placed.as_ref().unwrap_or(case))?;
        Ok(None)
    }

    /// The command that makes the same again. A cut that was drawn, or given, is named; a probe of a bisection is a run of its
    /// case. A case that ended for what an earlier one had left needs that one as well.
    fn rerun(&mut self, case: &Case, landed: Option<&CutLanding>) -> String {
        let command = match case.rig {
            Some(_) => self.options.rerun_here.clone(),
            None => self.options.rerun.clone(),
        };
        let cause = |fold: &RunFold| {
            let cause = fold.caused_by()?;
            Some((filter::exactly(&cause.suite, &cause.id), cause.rerun.clone()))
        };
        if let Some(Some((cause, rerun))) = self.module().journal.look(cause) {
            // A campaign has settled its cuts. Made twice, the second needs the delta that tells what the first has left.
            let cut = rerun.find(" --cut ").map_or("", |at| &rerun[at..]);
            if !cut.is_empty() && !rerun.contains(" --repeat ") {
                return format!("{rerun} --repeat 2");
            }
            let both = format!("{cause} | {}", filter::exactly(&case.suite, &case.id));
            return format!("{command} --filter {}{cut}", shell_word(&both));
        }
        let id = self.bisected.as_ref().unwrap_or(&case.id);
        let filter = shell_word(&filter::exactly(&case.suite, id));
        let named = case.part.is_some() || self.options.cut_given || self.bisected.is_some();
        let cut = landed.filter(|_| named).map_or(String::new(), |landed| {
            format!(" --cut {}", shell_word(&landed.cut.to_string()))
        });
        format!("{command} --filter {filter}{cut}")
    }

    /// Nothing of a try is left over for the next one.
    fn after_try(&mut self, verdict: &Verdict) {
        self.end_watch();
        if *verdict != Verdict::Pass {
            self.record.not_passed();
        }
    }

    /// Stops watching an update, and takes what was seen of it to what was seen in this try.
    fn end_watch(&mut self) {
        let seen = self.module().end_watch();
        self.seen.add(seen);
    }

    fn module(&mut self) -> &mut Dut {
        &mut self.rig.module
    }
}
