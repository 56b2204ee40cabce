//! `run.json`: what ran, with what, on what, and how it ended.

use super::campaigns::{self, CampaignReport};
use super::{CaseRun, Run};
use dfota_core::case::Package;
use dfota_core::cut::Cut;
use dfota_core::event::bisected::Bisected;
use dfota_core::event::{Event, FileFacts, Record, TryEnded};
use dfota_core::measure::Measure;
use dfota_core::outcome::Outcome;
use dfota_core::rig_check::{Check, CheckTime};
use dfota_core::transport::Via;
use dfota_core::update::Phase;
use dfota_core::verdict::{Rule, Verdict};
use dfota_core::version::{Imei, Version};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// What came of a run: `run.json` of its folder, and what `run --json` prints.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "run.json of dfota-hil")]
pub struct Summary<'r, 'a> {
    /// Version of the journal's vocabulary and of this file's.
    schema: u32,
    /// Name of the run: its folder's.
    run: &'a str,
    tool: Tool<'a>,
    /// The command line.
    args: &'a [String],
    /// The seed of every random choice.
    seed: u64,
    /// The machine's name.
    host: &'a str,
    /// UTC of the start, RFC 3339.
    started: &'a str,
    /// Real time that it took.
    seconds: f64,
    rig: RigSummary<'a>,
    suites: &'a [FileFacts],
    /// Every package that the suites declare.
    packages: &'a [Package],
    module: Modules<'a>,
    /// The rig's self-checks.
    rig_checks: Vec<RigCheck<'a>>,
    /// The exit code; `null` of a run that was killed.
    exit: Option<u8>,
    /// A signal ended it, or it was killed.
    interrupted: bool,
    /// The lines ended in the state that the rig file declares; `null` of a run that was killed.
    rig_safe: Option<bool>,
    /// What `bisect` came to.
    bisected: Option<&'a Bisected>,
    campaigns: Vec<CampaignReport>,
    /// Cases that ended with a brick.
    bricks: usize,
    /// What counts as one.
    brick_means: &'static str,
    /// Why no further case was begun.
    not_reached_because: Option<&'a str>,
    /// The cases, in the order of the plan.
    #[serde(serialize_with = "each")]
    #[schemars(with = "Vec<CaseSummary<'_>>")]
    cases: &'r [CaseRun<'a>],
}

/// The program.
#[derive(Serialize, JsonSchema)]
struct Tool<'a> {
    name: &'static str,
    version: &'a str,
    /// The commit it was built from, where it is known.
    commit: Option<&'a str>,
}

/// The rig.
#[derive(Serialize, JsonSchema)]
struct RigSummary<'a> {
    #[serde(flatten)]
    file: &'a FileFacts,
    /// The module type it names.
    module: &'a str,
    simulated: bool,
    /// How much faster than real time the module lives; 1 on a bench.
    speed: f64,
}

/// Who the module said it was.
#[derive(Serialize, JsonSchema)]
struct Modules<'a> {
    /// First.
    before: Option<Identity<'a>>,
    /// Last.
    after: Option<Identity<'a>>,
}

/// An answer to `ATI` and `AT+CGSN=1`.
#[derive(Clone, Copy, Serialize, JsonSchema)]
struct Identity<'a> {
    model: &'a str,
    version: &'a Version,
    imei: Option<&'a Imei>,
}

/// A self-check of the rig.
#[derive(Serialize, JsonSchema)]
struct RigCheck<'a> {
    when: CheckTime,
    suite: &'a str,
    checks: &'a [Check],
}

/// A case.
#[derive(Serialize, JsonSchema)]
struct CaseSummary<'a> {
    id: &'a str,
    suite: &'a str,
    /// File and line of the suite.
    place: &'a str,
    via: Via,
    /// Name of its package.
    package: &'a str,
    #[serde(flatten)]
    judged: Judged<'a>,
    /// Whether what became of the module counts as a brick; `null` where it was not asked.
    brick: Option<bool>,
    /// The tries before the last one.
    tries: Vec<TrySummary<'a>>,
    /// It passed, but not at once.
    flaky: bool,
    measurements: Vec<Measurement<'a>>,
    cuts: Vec<CutSummary<'a>>,
    /// Ids of the requirements that it speaks to.
    requirements: &'a [String],
    /// The command that reruns it.
    rerun: &'a str,
}

/// How a case or a try ended.
#[derive(Serialize, JsonSchema)]
struct Judged<'a> {
    /// `pass`, `fail`, `error`, `inconclusive`, `skip` or `not-reached`.
    verdict: &'static str,
    /// Whose fault it is: `product`, `rig`, `network`, `server`, `suite`, `harness`, or `inconclusive` for nobody's.
    class: Option<String>,
    /// The rule that fired.
    rule: Option<Rule>,
    /// What was expected and what was seen.
    sentence: Option<&'a str>,
    /// What became of the module, where it was asked.
    outcome: Option<Outcome>,
    /// Numbers (`seq`) of the journal's records that the verdict rests on.
    evidence: &'a [u64],
    /// Where cuts landed and how the module came back.
    story: &'a str,
    /// Real time.
    seconds: f64,
}

/// A try that was followed by another one.
#[derive(Serialize, JsonSchema)]
struct TrySummary<'a> {
    /// From 1.
    number: u32,
    #[serde(flatten)]
    judged: Judged<'a>,
    /// Why there was another one.
    again: &'a str,
}

/// Something that was measured.
#[derive(Serialize, JsonSchema)]
struct Measurement<'a> {
    name: &'a str,
    value: f64,
    unit: &'a str,
    /// The smallest value within its limits.
    min: Option<f64>,
    /// The largest one.
    max: Option<f64>,
}

/// A cut that was made.
#[derive(Serialize, JsonSchema)]
struct CutSummary<'a> {
    id: &'a Cut,
    /// Where the update stood, as far as the module had said so.
    landed: Phase,
    /// From when it was due until it was commanded.
    commanded_late_ns: u64,
    /// From when it was due until the command had returned.
    done_late_ns: u64,
}

/// One case after the other: all of a night at once would be the largest thing in memory.
fn each<S: Serializer>(cases: &&[CaseRun<'_>], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(cases.iter().map(case))
}

pub fn write(run: &Run<'_>) -> String {
    let mut text = serde_json::to_string_pretty(&summary(run)).unwrap_or_default();
    text.push('\n');
    text
}

fn summary<'r, 'a>(run: &'r Run<'a>) -> Summary<'r, 'a> {
    let started = run.started;
    Summary {
        schema: started.schema,
        run: &started.run,
        tool: Tool {
            name: "dfota-hil",
            version: &started.tool,
            commit: started.commit.as_deref(),
        },
        args: &started.args,
        seed: started.seed,
        host: &started.host,
        started: run.utc,
        seconds: seconds(run.took_ns),
        rig: RigSummary {
            file: &started.rig.file,
            module: &started.rig.module,
            simulated: started.rig.simulated,
            speed: started.rig.speed,
        },
        suites: &started.suites,
        packages: &started.packages,
        module: modules(run),
        rig_checks: run
            .rig_checks
            .iter()
            .map(|&(when, suite, checks)| RigCheck { when, suite, checks })
            .collect(),
        exit: run.ended.map(|(exit, ..)| exit),
        interrupted: run.ended.is_none_or(|(_, interrupted, _)| interrupted),
        rig_safe: run.ended.map(|(_, _, safe)| safe),
        bisected: run.bisected,
        campaigns: campaigns::of(run),
        bricks: run.bricks(),
        brick_means: Outcome::BRICK,
        not_reached_because: run.given_up,
        cases: &run.cases,
    }
}

fn case<'a>(run: &'a CaseRun<'_>) -> CaseSummary<'a> {
    CaseSummary {
        id: &run.case.id,
        suite: &run.case.suite,
        place: &run.case.place,
        via: run.case.via,
        package: &run.case.package.name,
        judged: judged(&run.verdict, run.outcome, run.evidence, (run.story, run.took_ns)),
        brick: run.outcome.map(Outcome::is_brick),
        tries: run.earlier.iter().map(|tried| earlier(tried)).collect(),
        flaky: run.is_flaky(),
        measurements: measurements(run),
        cuts: run.records.iter().filter_map(cut).collect(),
        requirements: &run.case.requirements,
        rerun: run.rerun,
    }
}

fn judged<'a>(
    verdict: &'a Verdict,
    outcome: Option<Outcome>,
    evidence: &'a [u64],
    (story, took_ns): (&'a str, u64),
) -> Judged<'a> {
    let finding = verdict.finding();
    Judged {
        verdict: verdict.name(),
        class: verdict.class().map(|class| class.to_string()),
        rule: finding.map(|finding| finding.rule),
        sentence: finding.map(|finding| finding.sentence.as_str()),
        outcome,
        evidence,
        story,
        seconds: seconds(took_ns),
    }
}

fn earlier(tried: &TryEnded) -> TrySummary<'_> {
    TrySummary {
        number: tried.number,
        judged: judged(
            &tried.verdict,
            tried.outcome,
            &tried.evidence,
            (&tried.summary, tried.took_ns),
        ),
        again: &tried.again,
    }
}

/// What was measured, in the order in which it was; the times that answers took are the transcript's.
fn measurements<'a>(run: &CaseRun<'a>) -> Vec<Measurement<'a>> {
    let known = |name: &str| Measure::ALL.iter().any(|measure| measure.name() == name);
    let taken = run.records.iter().filter_map(|record| match &record.event {
        Event::Measured(taken) if known(&taken.name) => Some(Measurement {
            name: &taken.name,
            value: taken.value,
            unit: &taken.unit,
            min: taken.min,
            max: taken.limit,
        }),
        _ => None,
    });
    taken.collect()
}

fn cut(record: &Record) -> Option<CutSummary<'_>> {
    let Event::CutMade(made) = &record.event else {
        return None;
    };
    Some(CutSummary {
        id: &made.cut,
        landed: made.landed,
        commanded_late_ns: made.commanded_late_ns(),
        done_late_ns: made.done_late_ns(),
    })
}

fn modules<'a>(run: &Run<'a>) -> Modules<'a> {
    let records = run.cases.iter().flat_map(|case| case.records);
    let mut said = records.filter_map(|record| match &record.event {
        Event::Identity { model, version, imei } => Some(Identity {
            model,
            version,
            imei: imei.as_ref(),
        }),
        _ => None,
    });
    let before = said.next();
    Modules {
        before,
        after: said.next_back().or(before),
    }
}

fn seconds(ns: u64) -> f64 {
    (ns as f64 / 1e6).round() / 1e3
}
