//! One try of a case, from a module that is brought to its version to the judgement.

use super::campaigns::Landed;
use super::oracle::Answered;
use super::{Judged, Runner};
use crate::attempt::{Job, Source, Tried};
use crate::bench::Bench;
use crate::measures::Measures;
use crate::module::{Module, Stop};
use crate::offered::Offered;
use bytes::Bytes;
use dfota_core::case::{Case, Via};
use dfota_core::cut::Cut;
use dfota_core::expect::Expect;
use dfota_core::fault::{Faults, HttpFaults};
use dfota_core::function::Function;
use dfota_core::judge::{Asked, Became, Facts, Fetches, Lwm2m};
use dfota_core::measure;
use dfota_core::update::{Due, Update};
use dfota_core::verdict::{Rule, Verdict};
use std::time::{Duration, Instant};

/// How long a package server's report of a faulty answer may lag behind the module's, in real time.
const SERVER_LAG: Duration = Duration::from_secs(2);

impl Runner<'_> {
    pub(super) fn case(&mut self, case: &Case) -> Result<Judged, Stop> {
        self.fresh = false;
        self.module().measures.begin(&case.measures);
        let before = self.prepare(case)?;
        let package = self.package(case)?;
        let offered = self.offer(case, &package)?;
        let (judged, landed) = self.try_and_judge(case, &package, &offered, Some(&before))?;
        if let Verdict::Fail(finding) = &judged.verdict
            && case.expect == Expect::success()
            && let Some(accused) = self.accuse(finding)
        {
            return Err(accused);
        }
        if judged.verdict != Verdict::Pass || landed != Some(Due::Nothing) {
            return Ok(self.measured(case, judged));
        }
        // The cut left nothing to resume: the source version runs on, and the same update has to work now.
        self.module().journal.step("the same update again, to its end");
        let again = case.again();
        offered
            .set_faults(&again.faults)
            .map_err(|why| Stop::rule(Rule::ServerFailed, why.to_string()))?;
        let before = self.prepare(&again)?;
        let (rest, _) = self.try_and_judge(&again, &package, &offered, Some(&before))?;
        let passed = rest.verdict == Verdict::Pass;
        let judged = Judged {
            story: format!("{} · again: {}", judged.story, rest.story),
            // What the cut did to the module is the outcome of the case; the second update is its proof.
            outcome: if passed { judged.outcome } else { rest.outcome },
            landed: judged.landed,
            ..rest
        };
        Ok(self.measured(case, judged))
    }

    /// What the declared measurements add to a try that nothing else was wrong with.
    fn measured(&mut self, case: &Case, judged: Judged) -> Judged {
        self.module().measure_bytes_again(case.via);
        let Measures { declared, taken, .. } = &self.bench.module.measures;
        let verdict = match &judged.verdict {
            Verdict::Pass | Verdict::Inconclusive(_) => measure::out_of_limits(declared, taken),
            _ => None,
        };
        if let Some((verdict, mark)) = verdict {
            return Judged {
                verdict,
                evidence: vec![mark.0],
                ..judged
            };
        }
        match measure::missing(declared, taken).filter(|_| judged.verdict == Verdict::Pass) {
            Some(verdict) => Judged { verdict, ..judged },
            None => judged,
        }
    }

    /// One update, judged; with what the module could do `before`, it is asked twice what it became. Gives what was due
    /// after the cuts, where there were any.
    pub(super) fn try_and_judge(
        &mut self,
        case: &Case,
        package: &[u8],
        offered: &Offered,
        before: Option<&Function>,
    ) -> Result<(Judged, Option<Due>), Stop> {
        let cuts = self.cuts(case);
        (self.known, self.touched) = (None, true);
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
            cuts: cuts.clone(),
        })?;
        let tried = self.wait_for_server(case, tried)?;
        let mut answered = self.ask(case, &tried)?;
        // An update that prepares the case is none of its measurements.
        if before.is_some() {
            self.module().measure_update();
        }
        let read_back = self.read_back(case, offered, &answered.became());
        // A module that is dead or has lost its network cannot be read over it: that is the finding, and no other.
        let lost = match before {
            Some(before) if !matches!(read_back, Err(Stop::Interrupted)) => {
                self.confirm(case, before, &mut answered)?;
                answered.has_lost(before)
            }
            _ => false,
        };
        if !lost {
            read_back?;
        }
        self.dead = answered.identity.is_none();
        self.judged(case, offered, (cuts, tried), before, answered)
    }

    /// The cuts of a case: the same in each of its tries, for the seed and the case's name give them.
    fn cuts(&self, case: &Case) -> Vec<Cut> {
        let id = format!("{}::{}", case.suite, case.id);
        let plan = case.cut.as_ref();
        plan.map_or(Vec::new(), |plan| {
            (0..plan.times)
                .map(|n| plan.cut(self.options.seed, &id, n))
                .collect()
        })
    }

    fn judged(
        &mut self,
        case: &Case,
        offered: &Offered,
        (cuts, tried): (Vec<Cut>, Tried),
        before: Option<&Function>,
        answered: Answered,
    ) -> Result<(Judged, Option<Due>), Stop> {
        let module = self.module();
        let update = module.update.take().unwrap_or_else(|| Update::new(case.via));
        let object = std::mem::take(&mut module.object);
        let asked = Asked {
            first: answered.first.clone(),
            function: before.cloned().zip(answered.function.clone()),
            revivals: counted(&module.revivals),
            marks: std::mem::take(&mut module.marks),
        };
        let facts = Facts {
            case,
            update: &update,
            became: answered.became(),
            cuts_planned: cuts.len() as u32,
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
            imei: before.and_then(|before| before.imei.clone()).zip(answered.imei()),
            asked,
        };
        let judged = Judged {
            landed: Landed::of(cuts.first(), &update),
            ..Judged::of(&facts)
        };
        let sound = case.faults == Faults::default() && case.on == case.package.from;
        self.refused = update.refused().filter(|_| sound);
        self.said = facts.asked.marks.identities.last().copied();
        let passed = judged.verdict == Verdict::Pass;
        self.module().clean = answered.identity.is_some() && passed && case.faults == Faults::default();
        self.known = answered.identity;
        if before.is_some() {
            self.function = answered.function.filter(|_| passed);
        }
        let cut = update.lives().iter().any(|life| life.cut.is_some());
        Ok((judged, cut.then(|| update.due())))
    }

    /// What the module calls itself at the LwM2M server: its IMEI, as in the application note.
    pub(super) fn endpoint(&self) -> String {
        let imei = self.known.as_ref().and_then(|known| known.imei.as_ref());
        imei.map_or_else(|| "dfota-hil".to_owned(), |imei| imei.as_str().to_owned())
    }

    /// Over LwM2M the update ends with state and result, read back after another registration.
    pub(super) fn read_back(&mut self, case: &Case, offered: &Offered, became: &Became) -> Result<(), Stop> {
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
    pub(super) fn wait_for_server(&mut self, case: &Case, tried: Tried) -> Result<Tried, Stop> {
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

    pub(super) fn fetches(&mut self, case: &Case, tried: &Tried) -> Fetches {
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

    pub(super) fn package(&self, case: &Case) -> Result<Bytes, Stop> {
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

    pub(super) fn offer(&self, case: &Case, package: &Bytes) -> Result<Offered, Stop> {
        let servers = (self.bench.http.as_ref(), self.bench.coap.as_ref());
        Offered::new(case, package, servers, self.endpoint(), self.options.seed)
    }
}

/// `2 × a power cycle`, `a reset`: what was done, in order, repetitions together.
fn counted(revivals: &[&str]) -> Vec<String> {
    let runs = revivals.chunk_by(|one, next| one == next);
    runs.map(|run| match run {
        [one] => (*one).to_owned(),
        _ => format!("{} × {}", run.len(), run[0]),
    })
    .collect()
}
