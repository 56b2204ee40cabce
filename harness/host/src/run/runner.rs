//! The runner: one case after the other, each from a known version to a verdict. Broken stays broken: what breaks the rig
//! ends the cases after it with the first cause.

mod bring_up;
mod campaigns;
mod case_run;
mod hunt;
mod oracle;
mod recovery;
pub mod rig_watch;
mod tries;

use crate::config::suite::Suite;
use crate::device::bench::Bench;
use crate::device::module::{Module, Stop};
use crate::device::prepare::Identity;
use crate::plan::filter;
use crate::state::quarantine::Found;
use dfota_core::campaign::Role;
use dfota_core::capabilities::Capabilities;
use dfota_core::case::Case;
use dfota_core::event::watched::Halted;
use dfota_core::event::{CaseEnded, Event, TryEnded};
use dfota_core::landing::CutLanding;
use dfota_core::outcome::Outcome;
use dfota_core::rig_check::Probe;
use dfota_core::run_fold::RunFold;
use dfota_core::seed::Seed;
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::shell_word::shell_word;
use rig_watch::RigWatch;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use tries::Again;

pub use campaigns::Campaigns;
pub use hunt::Hunt;

/// How a run goes on and when it stops.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed of every random choice.
    pub seed: Seed,
    /// Stop at the first case that is neither a pass nor skipped.
    pub fail_fast: bool,
    /// Stop before the next case when this much real time is over.
    pub max_time: Option<Duration>,
    /// What reruns a case, up to its filter.
    pub rerun: String,
    /// The cut was given with `--cut`.
    pub cut_given: bool,
}

#[derive(Debug, Clone)]
struct Judged {
    verdict: Verdict,
    /// What became of the module, where it was asked.
    outcome: Option<Outcome>,
    /// Numbers of the records that the verdict rests on.
    evidence: Vec<u64>,
    summary: String,
    /// Where its first cut landed; nothing where none was to be made.
    landed: Option<CutLanding>,
}

impl Judged {
    /// What the journal says of the present try, `finally` when there is no further one; a halted one has landed nowhere.
    fn told(fold: &RunFold, finally: bool) -> Self {
        let judged = if finally { fold.settled() } else { fold.judged() };
        Self {
            landed: fold
                .main()
                .filter(|_| !fold.is_halted())
                .and_then(CutLanding::seen),
            verdict: judged.verdict,
            outcome: judged.outcome,
            evidence: judged.evidence,
            summary: judged.summary,
        }
    }

    /// A verdict about no update.
    fn bare(verdict: Verdict) -> Self {
        Self {
            verdict,
            outcome: None,
            evidence: Vec::new(),
            summary: String::new(),
            landed: None,
        }
    }

    /// The module is not what it was meant to be, and does not get there by itself.
    fn is_brick(&self) -> bool {
        self.outcome.is_some_and(Outcome::is_brick)
    }
}

/// The runner of one rig.
pub struct Runner<'a> {
    bench: &'a mut Bench,
    suites: &'a [Suite],
    model: &'static str,
    options: Options,
    /// Who the module said it was, as long as nothing has happened since.
    known: Option<Identity>,
    broken: Option<String>,
    /// The module was found dead.
    dead: bool,
    /// No delta fits the image any more.
    spoilt: bool,
    /// The first cut of a try that ended before anybody could ask what became of the module.
    made: Option<CutLanding>,
    /// What the module can do, as long as nothing has happened since.
    function: Option<Capabilities>,
    /// It has registered in this run: the network is there.
    registers: bool,
    /// Registration was waited for in this run.
    asked_for_network: bool,
    /// No further case is begun: nothing brings the module back.
    given_up: bool,
    verdicts: Vec<Verdict>,
    /// Where the verdicts of cases stand, by suite and id.
    places: BTreeMap<(String, String), usize>,
    began: Instant,
    /// A case ended so that no further one is begun.
    stopped: bool,
    interrupted: bool,
    /// The case that a search is made with, by its id.
    searched: Option<String>,
    campaigns: Campaigns,
    /// The rig's self-check around the suites.
    watch: RigWatch,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    /// The verdicts of the cases.
    pub verdicts: Vec<Verdict>,
    /// A signal ended it.
    pub interrupted: bool,
    /// What of the rig failed its self-check, and at which look.
    pub unfit: Option<(String, Probe)>,
    /// What of this machine failed, which ended the run.
    pub machine: Option<String>,
    /// The quarantine in which the rig was found, and is still.
    pub found: Option<Found>,
    /// How it was ended.
    pub released: Option<String>,
    /// The campaigns as they stand now.
    pub campaigns: Campaigns,
}

impl<'a> Runner<'a> {
    /// A runner over the packages of `suites`; the module must call itself `model`.
    pub fn new(
        bench: &'a mut Bench,
        suites: &'a [Suite],
        model: &'static str,
        options: Options,
        campaigns: Campaigns,
    ) -> Self {
        Self {
            bench,
            suites,
            model,
            options,
            known: None,
            broken: None,
            dead: false,
            spoilt: false,
            made: None,
            function: None,
            registers: false,
            asked_for_network: false,
            given_up: false,
            verdicts: Vec::new(),
            places: BTreeMap::new(),
            began: Instant::now(),
            stopped: false,
            interrupted: false,
            searched: None,
            campaigns,
            watch: RigWatch::default(),
        }
    }

    /// Checks the rig before and after the cases of each suite.
    pub fn watched(self, watch: RigWatch) -> Self {
        Self { watch, ..self }
    }

    /// Runs the cases; those that are not reached any more are written off.
    pub fn run<'c>(&mut self, cases: impl IntoIterator<Item = (&'c Case, Option<&'c str>)>) {
        for (case, skip) in cases {
            // What the cuts so far say about a claim is worth knowing also when the night ends early.
            let is_claim = case.is_claim();
            if self.is_over() && !is_claim {
                self.verdicts.push(Verdict::NotReached);
                continue;
            }
            if let Some(reason) = skip {
                self.verdicts.push(Verdict::Skip {
                    reason: reason.to_owned(),
                });
                continue;
            }
            if !is_claim && self.enter(case).is_err() {
                self.interrupted = true;
                self.verdicts.push(Verdict::NotReached);
                continue;
            }
            self.interrupted |= self.one(case);
            let good = matches!(self.verdicts.last(), Some(Verdict::Pass | Verdict::Skip { .. }));
            self.stopped |= self.given_up || self.options.fail_fast && !good;
        }
    }

    /// Whether no further case is to be begun.
    pub fn is_over(&self) -> bool {
        let limit = self.options.max_time;
        let over = limit.is_some_and(|limit| self.began.elapsed() >= limit);
        self.stopped || self.interrupted || over
    }

    pub fn finish(mut self) -> Ran {
        let interrupted = self.interrupted || self.leave().is_err();
        self.think_over();
        Ran {
            verdicts: self.verdicts,
            interrupted,
            unfit: self.watch.failed,
            machine: self.watch.machine,
            found: self.watch.found,
            released: self.watch.released,
            campaigns: self.campaigns,
        }
    }

    /// Runs one case, in as many tries as it takes, and writes its end down; whether the run was interrupted in it.
    fn one(&mut self, case: &Case) -> bool {
        let began = Instant::now();
        let journal = self.module().journal.clone();
        journal.post(Event::CaseStarted {
            id: case.id.clone(),
            suite: case.suite.clone(),
        });
        self.module().reader.count_anew();
        let mut earlier: Vec<Again> = Vec::new();
        let (judged, interrupted) = loop {
            let tried = Instant::now();
            let (judged, interrupted) = self.try_once(case, &earlier);
            // What this try says about an earlier case comes before its own end.
            self.think_over();
            self.tally(case, &judged);
            self.after_try(&judged.verdict);
            let number = earlier.len() as u32 + 1;
            let Some(again) = tries::again(case, &judged, &earlier).filter(|_| !interrupted) else {
                let settled = match judged.verdict {
                    Verdict::Skip { .. } => judged,
                    _ => self.told(true),
                };
                break (settled, interrupted);
            };
            journal.post(Event::TryEnded(TryEnded {
                id: case.id.clone(),
                suite: case.suite.clone(),
                number,
                verdict: judged.verdict,
                outcome: judged.outcome,
                evidence: judged.evidence,
                again: again.to_string(),
                took_ns: tried.elapsed().as_nanos() as u64,
                summary: judged.summary,
            }));
            earlier.push(again);
        };
        let left_out = self.module().reader.count_anew();
        if left_out > 0 {
            let text = format!("{left_out} lines of the module were left out of the journal of this case");
            journal.post(Event::Note { text });
        }
        let rerun = self.rerun(case, judged.landed.as_ref());
        let ended = CaseEnded {
            id: case.id.clone(),
            suite: case.suite.clone(),
            verdict: judged.verdict,
            outcome: judged.outcome,
            evidence: judged.evidence,
            tries: earlier.len() as u32 + 1,
            took_ns: began.elapsed().as_nanos() as u64,
            summary: judged.summary,
            rerun,
        };
        journal.post(Event::CaseEnded(ended.clone()));
        let name = (ended.suite.clone(), ended.id.clone());
        self.places.insert(name, self.verdicts.len());
        self.verdicts.push(ended.verdict.clone());
        self.after_case(ended);
        interrupted
    }

    /// What the journal says of the present try.
    fn told(&mut self, finally: bool) -> Judged {
        let told = self
            .module()
            .journal
            .look(move |fold| Judged::told(fold, finally));
        told.unwrap_or_else(|| {
            let sentence = "the journal could not be written, and verdicts come out of it".to_owned();
            Judged::bare(Verdict::by(Rule::HarnessFailed, sentence))
        })
    }

    /// What was seen since may say something else about the case that left the image.
    fn think_over(&mut self) {
        let revised = self.module().journal.look(RunFold::revision).flatten();
        let Some(revised) = revised else { return };
        self.module().journal.post(Event::CaseEnded(revised.clone()));
        let name = (revised.suite.clone(), revised.id.clone());
        let place = self.places.get(&name).copied();
        if let Some(slot) = place.and_then(|place| self.verdicts.get_mut(place)) {
            *slot = revised.verdict.clone();
        }
        self.watch.heed(&revised.verdict);
        self.spoilt |= revised.outcome.is_some_and(Outcome::is_brick);
        self.tally_revised(&revised);
    }

    /// One try, to its verdict whatever happens; whether the run was interrupted in it.
    fn try_once(&mut self, case: &Case, earlier: &[Again]) -> (Judged, bool) {
        self.made = None;
        if let Some(Role::Claim(_)) = case.part.as_ref().map(|part| &part.role) {
            let judged = self.told(false);
            self.claimed(case, &judged.verdict);
            return (judged, false);
        }
        let result = match &self.broken {
            Some(first) => Err(Stop::rule(self.watch.rule(), first.clone())),
            // A bug of the harness is an error of one case: the rig must be left safe, and the night goes on.
            None => {
                catch_unwind(AssertUnwindSafe(|| self.place_and_run(case, earlier))).unwrap_or_else(|_| {
                    Err(Stop::rule(
                        Rule::HarnessFailed,
                        "the harness panicked; its message is in the log",
                    ))
                })
            }
        };
        let halted = match result {
            Ok(Some(judged)) => return (judged, false),
            Ok(None) => return (self.told(false), false),
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
        let interrupted = halted.rule == Rule::Interrupted;
        let journal = self.module().journal.clone();
        journal.halted(halted);
        self.made = journal
            .look(|fold| fold.main().and_then(CutLanding::seen))
            .flatten();
        (self.told(false), interrupted)
    }

    /// A verdict alone where nothing was tried; otherwise it stands in the journal.
    fn place_and_run(&mut self, case: &Case, earlier: &[Again]) -> Result<Option<Judged>, Stop> {
        if let Some(reason) = self.too_short(case) {
            return Ok(Some(Judged::bare(Verdict::Skip { reason })));
        }
        let placed = self.placed(case, tries::made_up(earlier));
        let placed = placed.map_err(|(rule, sentence)| Stop::Rule(rule, sentence))?;
        self.case(placed.as_ref().unwrap_or(case))?;
        Ok(None)
    }

    /// What makes the same again. A cut that was drawn, or given, is named; a probe of a search is a run of its case. One that
    /// ended for what an earlier case had left needs that case as well.
    fn rerun(&mut self, case: &Case, landed: Option<&CutLanding>) -> String {
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
            return format!("{} --filter {}{cut}", self.options.rerun, shell_word(&both));
        }
        let id = self.searched.as_ref().unwrap_or(&case.id);
        let filter = shell_word(&filter::exactly(&case.suite, id));
        let named = case.part.is_some() || self.options.cut_given || self.searched.is_some();
        let cut = landed.filter(|_| named).map_or(String::new(), |landed| {
            format!(" --cut {}", shell_word(&landed.cut.to_string()))
        });
        format!("{} --filter {filter}{cut}", self.options.rerun)
    }

    /// Nothing of a try is left over for the next one.
    fn after_try(&mut self, verdict: &Verdict) {
        let module = self.module();
        module.reader.disarm();
        module.update = None;
        module.bound = None;
        if *verdict != Verdict::Pass {
            module.clean = false;
            self.function = None;
        }
    }

    /// What a case means for those after it.
    fn after_case(&mut self, ended: CaseEnded) {
        self.watch.heed(&ended.verdict);
        if let Some(finding) = ended.verdict.finding()
            && finding.rule.breaks_the_rig()
            && self.broken.is_none()
        {
            self.broken = Some(format!(
                "broken since `{}`: {}: {}",
                ended.id, finding.rule, finding.sentence
            ));
        }
        let dead = std::mem::take(&mut self.dead);
        let wrong = ended.outcome == Some(Outcome::WrongImage);
        let spoilt = std::mem::take(&mut self.spoilt) || wrong;
        if dead {
            self.bring_back(&ended);
        } else if spoilt && self.bench.reflash.is_some() {
            self.replace_image(&ended);
        }
    }

    fn module(&mut self) -> &mut Module {
        &mut self.bench.module
    }
}
