//! One try of a case, from a module that is brought to its version to the judgement.

use super::Runner;
use super::module_record::ModuleContact;
use super::oracle::Answered;
use crate::device::attempt::Job;
use crate::device::dut::{Dut, Stop};
use crate::device::package_source::PackageSource;
use bytes::Bytes;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::event::watched::Purpose;
use dfota_core::expect::Expect;
use dfota_core::fault::{Faults, HttpFaults};
use dfota_core::judge::judge;
use dfota_core::measure::Measure;
use dfota_core::observation::Observation;
use dfota_core::run_fold::RunFold;
use dfota_core::seed::Seed;
use dfota_core::transport::Via;
use dfota_core::update::Update;
use dfota_core::verdict::{Rule, Verdict};
use std::time::{Duration, Instant};

/// How long a package server's report of a faulty answer may lag behind the module's, in real time.
const SERVER_LAG: Duration = Duration::from_secs(2);

impl Runner<'_> {
    /// One try of a case; its result stands in the journal.
    pub(super) fn case(&mut self, case: &Case) -> Result<(), Stop> {
        self.module().measures.begin(&case.measures);
        let Some(before) = self.prepare(case)? else {
            return Ok(());
        };
        let package = self.package(case)?;
        let source = self.offer(case, &package)?;
        let job = Job {
            purpose: Purpose::Case,
            case,
            package: &package,
            source: &source,
            before: Some(&before),
        };
        let seen = self.update(job)?;
        if Self::is_refused(case, &seen) {
            self.give_again(case, &package)?;
        } else if seen.verdict == Verdict::Pass && seen.to_be_ordered_again {
            // The cut left nothing to resume: the source version runs on, and the same update has to work now.
            self.module().journal.step("the same update again, to its end");
            let again = case.again();
            source
                .set_faults(&again.faults)
                .map_err(|why| Stop::rule(Rule::ServerFailed, why.to_string()))?;
            if let Some(before) = self.prepare(&again)? {
                let seen = self.update(Job {
                    purpose: Purpose::Again,
                    case: &again,
                    before: Some(&before),
                    ..job
                })?;
                if Self::is_refused(&again, &seen) {
                    self.give_again(&again, &package)?;
                }
            }
        }
        self.module().measure_bytes_again(case.via);
        Ok(())
    }

    /// One update, watched; with what the module could do before, it is asked more than once what it became.
    pub(super) fn update(&mut self, job: Job<'_>) -> Result<Updated, Stop> {
        let answered = match self.tried(job) {
            Err(Stop::Unbounded) => {
                self.never_rests(job.case);
                Answered::default()
            }
            other => other?,
        };
        let module = self.module();
        if job.before.is_some() {
            let update = module.watch.update.as_ref();
            let resets = update.map_or(0, Update::unexplained_resets);
            module.measure(Measure::UnexplainedResets, resets.into());
        }
        self.end_watch();
        let updated = self.seen_update()?;
        let passed = updated.verdict == Verdict::Pass;
        self.record.state = match answered.identity {
            None => ModuleContact::Dead,
            // What a fault leaves in the module is not known.
            Some(identity) if passed && job.case.faults == Faults::default() => {
                ModuleContact::Clean(identity)
            }
            Some(identity) => ModuleContact::Awake(identity),
        };
        if job.before.is_some() {
            self.record.capabilities = answered.capabilities.filter(|_| passed);
        }
        Ok(updated)
    }

    fn tried(&mut self, job: Job<'_>) -> Result<Answered, Stop> {
        let case = job.case;
        self.record.update_begins();
        // What was seen of the image so far belongs to the case that left it.
        self.revise_earlier();
        let cuts = cuts(case, self.options.seed);
        let module = self.module();
        module
            .journal
            .step(format!("{} over {}", case.package.name, case.via));
        let timed_out = module.attempt(job, cuts)?;
        self.wait_for_server(case)?;
        let mut answered = self.ask(case, timed_out)?;
        // An update that prepares the case is not measured.
        if job.before.is_some() {
            self.module().measure_update();
        }
        let read_back = self.read_back(job, answered.identity.is_some());
        // State and result cannot be read back from a module that is dead or has lost its network: that loss is the finding.
        let lost = match job.before {
            Some(before) if !matches!(read_back, Err(Stop::Interrupted | Stop::Unbounded)) => {
                self.confirm(case, before, &mut answered)?;
                answered.has_lost(before)
            }
            _ => false,
        };
        if !lost {
            read_back?;
        }
        Ok(answered)
    }

    /// What the journal says of the update that was just made.
    fn seen_update(&mut self) -> Result<Updated, Stop> {
        let look = |fold: &RunFold| fold.observation().map(Updated::seen);
        let seen = self.module().journal.look(look).flatten();
        seen.ok_or_else(|| Stop::rule(Rule::HarnessFailed, "the journal could not be written"))
    }

    /// Whether a sound package was refused: an earlier case may have left a wrong image.
    pub(super) fn is_refused(case: &Case, updated: &Updated) -> bool {
        updated.refused && case.expect == Expect::success() && matches!(updated.verdict, Verdict::Fail(_))
    }

    /// Before an earlier case is blamed for a refusal, the same package is given once more in another way: the fault may be in
    /// how it was given.
    pub(super) fn give_again(&mut self, refused: &Case, package: &Bytes) -> Result<Updated, Stop> {
        let block_size = match (refused.via, refused.block_size) {
            (Via::Uart, Case::BLOCK_SIZE) => Case::BLOCK_SIZE / 2,
            _ => Case::BLOCK_SIZE,
        };
        let proof = Case {
            via: Via::Uart,
            block_size,
            ..refused.prepares()
        };
        self.module().journal.step(format!(
            "the module refused a known-good delta: sending it once more over uart, in blocks of {block_size} bytes"
        ));
        let source = self.offer(&proof, package)?;
        self.update(Job {
            purpose: Purpose::CounterProof,
            case: &proof,
            package,
            source: &source,
            before: None,
        })
    }

    /// What the module calls itself at the LwM2M server: its IMEI, as in the application note.
    pub(super) fn endpoint(&self) -> String {
        let identity = self.record.identity();
        let imei = identity.and_then(|identity| identity.imei.as_ref());
        imei.map_or_else(|| "dfota-hil".to_owned(), |imei| imei.as_str().to_owned())
    }

    /// Over LwM2M the update ends with state and result, read back after another registration.
    fn read_back(&mut self, job: Job<'_>, answers: bool) -> Result<(), Stop> {
        let PackageSource::Coap(order) = job.source else {
            return Ok(());
        };
        let module = self.module();
        // An update that did not come to its end is given up: registered again, the module would be told to go on with it.
        let over = module.watch.has_end() || job.case.expect.lwm2m.is_some();
        let mut result = Ok(());
        if answers && over {
            result = module.read_back_over_lwm2m(order, &job.case.limits);
        }
        order.server.release(&order.endpoint);
        // A download that broke off is reported now, while it is waited for.
        order.offer.settle();
        module.drain()?;
        result
    }

    /// A fault of the server is met when an answer says so; its report may come a little after the module's.
    fn wait_for_server(&mut self, case: &Case) -> Result<(), Stop> {
        if case.faults.http == HttpFaults::default() {
            return Ok(());
        }
        let met = |module: &Dut| {
            module
                .watch
                .requests
                .iter()
                .any(|request| request.fault.is_some())
        };
        self.module()
            .wait_until(Instant::now() + SERVER_LAG, met)
            .map(drop)
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

    pub(super) fn offer(&self, case: &Case, package: &Bytes) -> Result<PackageSource, Stop> {
        let seed = self.options.seed;
        PackageSource::offer(case, package, &self.rig.servers, self.endpoint(), seed)
    }
}

/// What the procedure has to know of an update to go on.
#[derive(Debug)]
pub(super) struct Updated {
    /// Its own verdict, whatever the case makes of it.
    pub(super) verdict: Verdict,
    /// The target version runs.
    pub(super) runs_target: bool,
    /// The package was refused although nothing was done wrong with it.
    pub(super) refused: bool,
    /// A cut came before there was anything to resume.
    pub(super) to_be_ordered_again: bool,
}

impl Updated {
    fn seen(seen: &Observation) -> Self {
        Self {
            verdict: judge(seen).verdict,
            runs_target: seen.runs_target(),
            refused: seen.refused().is_some(),
            to_be_ordered_again: seen.to_be_ordered_again(),
        }
    }
}

/// The cuts of a case: the same in each of its tries, for the seed and the case's name give them.
fn cuts(case: &Case, seed: Seed) -> Vec<Cut> {
    let label = case.dice();
    let plan = case.cut.as_ref();
    plan.map_or(Vec::new(), |plan| {
        (0..plan.times).map(|n| plan.cut(seed, &label, n)).collect()
    })
}
