//! One try of a case, from a module that is brought to its version to the judgement.

use super::{Judged, Runner};
use crate::attempt::{Job, Source, Tried};
use crate::bench::Bench;
use crate::module::{Module, Stop};
use crate::offered::Offered;
use bc66_wire::code::UpdateCode;
use bytes::Bytes;
use dfota_core::case::{Case, Via};
use dfota_core::expect::Expect;
use dfota_core::fault::{Faults, HttpFaults};
use dfota_core::judge::{Became, Facts, Fetches, Lwm2m, judge, story};
use dfota_core::update::{Due, Update};
use dfota_core::verdict::{Rule, Verdict};
use dfota_core::version::Imei;
use std::time::{Duration, Instant};

/// How long a package server's report of a faulty answer may lag behind the module's, in real time.
const SERVER_LAG: Duration = Duration::from_secs(2);

impl Runner<'_> {
    pub(super) fn case(&mut self, case: &Case) -> Result<Judged, Stop> {
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
            return Ok(Judged { verdict, story: told });
        }
        // The cut left nothing to resume: the source version runs on, and the same update has to work now.
        self.module().journal.step("the same update again, to its end");
        let again = case.again();
        offered
            .set_faults(&again.faults)
            .map_err(|why| Stop::rule(Rule::ServerFailed, why.to_string()))?;
        self.prepare(&again)?;
        let (verdict, rest, _) = self.try_and_judge(&again, &package, &offered, before)?;
        let story = format!("{told} · again: {rest}");
        Ok(Judged { verdict, story })
    }

    pub(super) fn try_and_judge(
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
