//! The runner: one case after the other, each from a known version to a verdict. Broken stays broken: what breaks the rig
//! ends the cases after it with the first cause.

use crate::attempt::{Job, Source, Tried};
use crate::bench::Bench;
use crate::module::{Module, Stop};
use crate::offered::Offered;
use crate::prepare::Identity;
use crate::shell_word::shell_word;
use crate::suite::Suite;
use bc66_wire::code::UpdateCode;
use bytes::Bytes;
use dfota_core::case::{Case, Limits, Via};
use dfota_core::chain::chain;
use dfota_core::event::{Event, Line};
use dfota_core::expect::Expect;
use dfota_core::fault::{Faults, HttpFaults};
use dfota_core::judge::{Became, Facts, Fetches, Lwm2m, TimedOut, judge, story};
use dfota_core::seed::Seed;
use dfota_core::update::{Due, Update};
use dfota_core::verdict::{Class, Finding, Rule, Verdict};
use dfota_core::version::{Imei, Version};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How often a module that does not answer is given another supply before it counts as dead.
const REVIVALS: u32 = 2;
/// How long a package server's report of a faulty answer may lag behind the module's, in real time.
const SERVER_LAG: Duration = Duration::from_secs(2);

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
}

/// A case that ended, as far as a later one may have to say something about it.
struct Ended {
    id: String,
    suite: String,
    took_ns: u64,
    story: String,
    rerun: String,
    passed: bool,
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
    /// The last update ended with 254 or 255 although nothing was done to its package.
    refused: bool,
    /// The image was written by a sound update since the last case.
    fresh: bool,
    last: Option<Ended>,
    verdicts: Vec<Verdict>,
}

impl<'a> Runner<'a> {
    /// A runner over the packages of `suites`; the module must call itself `model`.
    pub fn new(bench: &'a mut Bench, suites: &'a [Suite], model: &'static str, options: Options) -> Self {
        Self {
            bench,
            suites,
            model,
            options,
            known: None,
            broken: None,
            dead: false,
            refused: false,
            fresh: false,
            last: None,
            verdicts: Vec::new(),
        }
    }

    /// Runs the cases; gives their verdicts and whether a signal ended the run.
    pub fn run<'c>(
        mut self,
        cases: impl IntoIterator<Item = (&'c Case, Option<&'c str>)>,
    ) -> (Vec<Verdict>, bool) {
        let began = Instant::now();
        let mut stopped = false;
        let mut interrupted = false;
        for (case, skip) in cases {
            let over = self
                .options
                .max_time
                .is_some_and(|limit| began.elapsed() >= limit);
            if stopped || interrupted || over {
                self.verdicts.push(Verdict::NotReached);
                continue;
            }
            if let Some(reason) = skip {
                self.verdicts.push(Verdict::Skip {
                    reason: reason.to_owned(),
                });
                continue;
            }
            interrupted = self.one(case);
            let good = matches!(self.verdicts.last(), Some(Verdict::Pass | Verdict::Skip { .. }));
            stopped = self.options.fail_fast && !good;
        }
        (self.verdicts, interrupted)
    }

    /// Runs one case and writes its end down; whether the run was interrupted in it.
    fn one(&mut self, case: &Case) -> bool {
        let began = Instant::now();
        let journal = self.module().journal.clone();
        journal.post(Event::CaseStarted {
            id: case.id.clone(),
            suite: case.suite.clone(),
        });
        let result = match &self.broken {
            Some(first) => Err(Stop::rule(Rule::RigBroken, first.clone())),
            // A bug of the harness is an error of one case: the rig must be left safe, and the night goes on.
            None => catch_unwind(AssertUnwindSafe(|| self.case(case))).unwrap_or_else(|_| {
                Err(Stop::rule(
                    Rule::HarnessFailed,
                    "the harness panicked; its message is in the log",
                ))
            }),
        };
        let interrupted = matches!(result, Err(Stop::Interrupted));
        let (verdict, story) = match result {
            Ok(judged) => judged,
            Err(Stop::Rule(rule, sentence)) => (Verdict::of(rule, sentence), String::new()),
            Err(Stop::Interrupted) => {
                let sentence = "the run was interrupted in the middle of this case".into();
                (
                    Verdict::Inconclusive(Finding {
                        rule: Rule::Interrupted,
                        sentence,
                    }),
                    String::new(),
                )
            }
        };
        self.after(case, &verdict);
        let ended = Ended {
            id: case.id.clone(),
            suite: case.suite.clone(),
            took_ns: began.elapsed().as_nanos() as u64,
            story,
            rerun: format!(
                "{} --filter {}",
                self.options.rerun,
                shell_word(&format!("={}::{}", case.suite, case.id))
            ),
            passed: verdict == Verdict::Pass,
        };
        journal.post(ended.event(verdict.clone()));
        self.last = Some(ended);
        self.verdicts.push(verdict);
        interrupted
    }

    /// What a verdict means for the cases after it.
    fn after(&mut self, case: &Case, verdict: &Verdict) {
        let dead = self.dead;
        let module = self.module();
        module.reader.disarm();
        module.update = None;
        if *verdict != Verdict::Pass {
            module.clean = false;
        }
        let Some(finding) = verdict.finding() else { return };
        let breaks = finding.rule.class() == Class::Rig || dead;
        if breaks && self.broken.is_none() {
            self.broken = Some(format!(
                "broken since `{}`: {}: {}",
                case.id, finding.rule, finding.sentence
            ));
        }
    }

    fn module(&mut self) -> &mut Module {
        &mut self.bench.module
    }

    // One case, from top to bottom.

    fn case(&mut self, case: &Case) -> Result<(Verdict, String), Stop> {
        self.fresh = false;
        self.prepare(case)?;
        let before = self.known.as_ref().and_then(|known| known.imei.clone());
        let package = self.package(case)?;
        let offered = self.offer(case, &package)?;
        let (verdict, told, landed) = self.try_and_judge(case, &package, &offered, before.clone())?;
        if let Verdict::Fail(finding) = &verdict
            && case.expect == Expect::success()
            && let Some(accused) = self.accuse(finding)
        {
            return Err(accused);
        }
        if verdict != Verdict::Pass || landed != Some(Due::Nothing) {
            return Ok((verdict, told));
        }
        // The cut left nothing to resume: the source version runs on, and the same update has to work now.
        self.module().journal.step("the same update again, to its end");
        let again = case.again();
        offered
            .set_faults(&again.faults)
            .map_err(|why| Stop::rule(Rule::ServerFailed, why.to_string()))?;
        self.prepare(&again)?;
        let (verdict, rest, _) = self.try_and_judge(&again, &package, &offered, before)?;
        Ok((verdict, format!("{told} · again: {rest}")))
    }

    fn try_and_judge(
        &mut self,
        case: &Case,
        package: &[u8],
        offered: &Offered,
        imei: Option<Imei>,
    ) -> Result<(Verdict, String, Option<Due>), Stop> {
        let seed = self.options.seed;
        let cuts = case.cut.as_ref().map_or(Vec::new(), |plan| {
            (0..plan.times)
                .map(|n| plan.cut(seed, &format!("{}::{}", case.suite, case.id), n))
                .collect()
        });
        let planned = cuts.len() as u32;
        self.known = None;
        let Bench { module, coap, .. } = &mut *self.bench;
        module.requests.clear();
        module
            .journal
            .step(format!("{} over {}", case.package.name, case.via));
        let source = offered.source(coap.as_ref(), case)?;
        let tried = module.attempt(&Job {
            case,
            package,
            source,
            cuts,
        })?;
        let tried = self.wait_for_server(case, tried)?;
        let (became, identity) = self.ask(case, &tried)?;
        self.dead = became == Became::Unresponsive;
        self.read_back(case, offered, &became)?;
        let module = self.module();
        let update = module.update.take().unwrap_or_else(|| Update::new(case.via));
        let object = std::mem::take(&mut module.object);
        let after = identity.as_ref().and_then(|identity| identity.imei.clone());
        let facts = Facts {
            case,
            update: &update,
            became: became.clone(),
            cuts_planned: planned,
            timed_out: tried.timed_out,
            reply: tried.reply,
            fault_met: tried.fault_met,
            fetches: self.fetches(case, &tried),
            lwm2m: matches!(offered, Offered::Coap { .. }).then_some(Lwm2m {
                findings: &object.findings,
                ending: object.ending.as_ref(),
                awaited: object.awaited,
                told: object.told,
            }),
            imei: imei.zip(after),
        };
        let verdict = judge(&facts);
        let sound = case.faults == Faults::default() && case.on == case.package.from;
        let last = update.ends().last();
        self.refused = sound && matches!(last, Some(UpdateCode::Mismatch | UpdateCode::Invalid));
        self.module().clean =
            identity.is_some() && verdict == Verdict::Pass && case.faults == Faults::default();
        self.known = identity;
        let landed = update
            .lives()
            .iter()
            .any(|life| life.cut.is_some())
            .then(|| update.due());
        Ok((verdict, story(&update, &became), landed))
    }

    /// What the module calls itself at the LwM2M server: its IMEI, as in the application note.
    fn endpoint(&self) -> String {
        let imei = self.known.as_ref().and_then(|known| known.imei.as_ref());
        imei.map_or_else(|| "dfota-hil".to_owned(), |imei| imei.as_str().to_owned())
    }

    /// Over LwM2M the update ends with state and result, read back after another registration.
    fn read_back(&mut self, case: &Case, offered: &Offered, became: &Became) -> Result<(), Stop> {
        let Offered::Coap { offer, endpoint } = offered else {
            return Ok(());
        };
        // An update that did not come to its end is given up: registered again, the module would be told to go on with it.
        let update = self.bench.module.update.as_ref();
        let over = update.is_some_and(|update| update.ends().next().is_some());
        let Bench { module, coap, .. } = &mut *self.bench;
        let mut result = Ok(());
        if let Source::Coap(lwm2m) = offered.source(coap.as_ref(), case)?
            && *became != Became::Unresponsive
            && (over || case.expect.lwm2m.is_some())
        {
            result = module.read_back_over_lwm2m(&lwm2m, &case.limits);
        }
        if let Some((server, _)) = coap {
            server.release(endpoint);
        }
        // A download that broke off is reported now, and not when nobody waits for it any more.
        offer.settle();
        self.module().drain()?;
        result
    }

    /// A fault of the server is met when an answer says so; its report may come a little after the module's.
    fn wait_for_server(&mut self, case: &Case, tried: Tried) -> Result<Tried, Stop> {
        if case.faults.http == HttpFaults::default() {
            let met = tried.fault_met || (case.faults.uart.is_none() && case.faults.order.is_none());
            return Ok(Tried {
                fault_met: met,
                ..tried
            });
        }
        let met = |module: &Module| module.requests.iter().any(|request| request.fault.is_some());
        let fault_met = self.module().wait_until(Instant::now() + SERVER_LAG, met)?;
        Ok(Tried { fault_met, ..tried })
    }

    fn fetches(&mut self, case: &Case, tried: &Tried) -> Fetches {
        // Over CoAP a fault loses datagrams, as a network does; what breaks off then broke off on the way.
        let on_the_way = case.via == Via::Coap;
        let broken = |request: &&dfota_core::event::Request| {
            (on_the_way || request.fault.is_none()) && request.sent < request.wanted
        };
        Fetches {
            requests: tried.fetched,
            again: tried.fetched_again,
            broken: self.module().requests.iter().filter(broken).count() as u32,
        }
    }

    fn package(&self, case: &Case) -> Result<Bytes, Stop> {
        let suite = self.suites.iter().find(|suite| suite.name == case.suite);
        let package = suite.and_then(|suite| suite.package(&case.package.name));
        let missing = || {
            Stop::rule(
                Rule::HarnessFailed,
                format!("package `{}` is not loaded", case.package.name),
            )
        };
        package.map(|package| package.bytes.clone()).ok_or_else(missing)
    }

    fn offer(&self, case: &Case, package: &Bytes) -> Result<Offered, Stop> {
        let servers = (self.bench.http.as_ref(), self.bench.coap.as_ref());
        Offered::new(case, package, servers, self.endpoint(), self.options.seed)
    }

    // Before.

    /// Brings the module to life, to the version that the case starts from, and onto the network.
    fn prepare(&mut self, case: &Case) -> Result<(), Stop> {
        let identity = match self.known.clone().filter(|_| self.bench.module.clean) {
            Some(known) => known,
            None => self.wake(&case.limits)?,
        };
        if identity.version != case.on {
            self.bring_to(&identity.version, case)?;
        }
        if case.via != Via::Uart {
            self.module().wait_for_network(&case.limits)?;
        }
        Ok(())
    }

    /// From an unknown state to a module that answers.
    fn wake(&mut self, limits: &Limits) -> Result<Identity, Stop> {
        self.module().cycle()?;
        self.module().boot(limits.boot)?;
        let identity = self.identify(limits)?;
        let Some(identity) = identity else {
            let rdy = if self.module().awake.ready {
                "RDY came"
            } else {
                "no RDY came"
            };
            let sentence = format!(
                "the module does not answer: {rdy}, `AT` got no OK after {REVIVALS} further power cycles; check supply, PWRKEY, TX and RX"
            );
            return Err(Stop::rule(Rule::NoModule, sentence));
        };
        let awake = self.module().awake;
        if !awake.ready && !awake.boot_rom {
            let sentence = "`AT` is answered although no boot was seen after the supply had been off: the line does not remove the module's power, or another path feeds it";
            return Err(Stop::rule(Rule::PowerNotCut, sentence));
        }
        if identity.model != self.model {
            let sentence = format!(
                "ATI says `{}`, the rig file names a module that says `{}`",
                identity.model, self.model
            );
            return Err(Stop::rule(Rule::WrongModule, sentence));
        }
        self.known = Some(identity.clone());
        Ok(identity)
    }

    /// Brings the module from `from` to the version of the case, over the UART.
    fn bring_to(&mut self, from: &Version, case: &Case) -> Result<(), Stop> {
        let suite = self.suites.iter().find(|suite| suite.name == case.suite);
        let packages: Vec<_> = suite.map_or(&[][..], |suite| &suite.packages).to_vec();
        let edges: Vec<_> = packages
            .iter()
            .map(|loaded| (&loaded.package.from, &loaded.package.to))
            .collect();
        let Some(steps) = chain(&edges, from, &case.on) else {
            let known: Vec<String> = edges.iter().map(|(from, to)| format!("{from} → {to}")).collect();
            let known = known.join(", ");
            let sentence = format!(
                "the module runs {from} and the case needs {}: no chain of packages leads there; known are {known}",
                case.on
            );
            return Err(Stop::rule(Rule::NoChain, sentence));
        };
        for step in steps {
            let loaded = &packages[step];
            let text = format!(
                "bringing the module to {} by {} over uart",
                loaded.package.to, loaded.package.name
            );
            self.module().journal.step(text);
            let plain = Case {
                package: loaded.package.clone(),
                via: Via::Uart,
                on: loaded.package.from.clone(),
                faults: Faults::default(),
                cut: None,
                expect: Expect::success(),
                ..case.clone()
            };
            let (verdict, ..) = self.try_and_judge(&plain, &loaded.bytes, &Offered::Uart, None)?;
            let Some(finding) = verdict.finding() else {
                self.fresh = true;
                continue;
            };
            if self
                .known
                .as_ref()
                .is_none_or(|known| known.version != plain.package.to)
            {
                return Err(self.preparation_failed(finding));
            }
            // The version is what the case needs; what was odd on the way there is not its business.
            let text = format!(
                "while the case was prepared: {}: {}",
                finding.rule, finding.sentence
            );
            self.module().journal.post(Event::Note { text });
        }
        Ok(())
    }

    fn preparation_failed(&mut self, finding: &Finding) -> Stop {
        let (rule, seen) = (finding.rule, &finding.sentence);
        self.accuse(finding).unwrap_or_else(|| {
            let sentence = format!("the update that was to prepare the case failed: {rule}: {seen}");
            Stop::rule(Rule::PreparationFailed, sentence)
        })
    }

    /// A known-good delta that the module refuses accuses the image that an earlier case left behind, as long as nothing
    /// has been written over it since. The case before gets another verdict; this one ends without.
    fn accuse(&mut self, finding: &Finding) -> Option<Stop> {
        let last = self
            .last
            .as_ref()
            .filter(|last| self.refused && !self.fresh && last.passed)?;
        let sentence = format!(
            "the next, known-good delta was refused: {}; the image that this case left was not what its version said",
            finding.sentence
        );
        let verdict = Verdict::of(Rule::ImageCorrupt, sentence);
        let event = last.event(verdict.clone());
        let sentence = format!("`{}` left a corrupt image: {}", last.id, finding.sentence);
        self.module().journal.post(event);
        let mut before = self.verdicts.iter_mut().rev();
        if let Some(slot) = before.find(|verdict| **verdict == Verdict::Pass) {
            *slot = verdict;
        }
        Some(Stop::rule(Rule::PreparationFailed, sentence))
    }

    // Afterwards.

    /// Asks the module what it became, and gives it every chance to answer.
    fn ask(&mut self, case: &Case, tried: &Tried) -> Result<(Became, Option<Identity>), Stop> {
        let limits = &case.limits;
        if matches!(tried.timed_out, Some(TimedOut::Update | TimedOut::Resume)) {
            self.module().cycle()?;
        }
        self.module().boot_if_needed(limits.boot)?;
        let Some(mut identity) = self.identify(limits)? else {
            return Ok((Became::Unresponsive, None));
        };
        let silent = self
            .bench
            .module
            .update
            .as_ref()
            .is_some_and(|update| update.ends().next().is_none());
        if silent && identity.version == case.package.to && case.on != case.package.to {
            self.module()
                .journal
                .step("no END was reported: one further boot");
            self.module().cycle()?;
            self.module().boot(limits.boot)?;
            self.module().wait(limits.boot, |module| module.awake.sim_ready)?;
            match self.identify(limits)? {
                Some(again) => identity = again,
                None => return Ok((Became::Unresponsive, None)),
            }
        }
        Ok((Became::Runs(identity.version.clone()), Some(identity)))
    }

    /// Asks who the module is; one that does not answer gets further power cycles, and a reset where the rig can.
    fn identify(&mut self, limits: &Limits) -> Result<Option<Identity>, Stop> {
        let module = self.module();
        if let Some(identity) = module.identify(limits.boot)? {
            return Ok(Some(identity));
        }
        for _ in 0..REVIVALS {
            module.journal.step("no answer: another power cycle");
            module.cycle()?;
            if module.boot(limits.boot)?
                && let Some(identity) = module.identify(limits.boot)?
            {
                return Ok(Some(identity));
            }
        }
        if module.has(Line::Reset) {
            module.journal.step("no answer: a reset");
            module.reset()?;
            if module.boot(limits.boot)? {
                return module.identify(limits.boot);
            }
        }
        Ok(None)
    }
}

impl Ended {
    fn event(&self, verdict: Verdict) -> Event {
        Event::CaseEnded {
            id: self.id.clone(),
            suite: self.suite.clone(),
            verdict,
            took_ns: self.took_ns,
            story: self.story.clone(),
            rerun: self.rerun.clone(),
        }
    }
}
