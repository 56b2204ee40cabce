//! `run.json`: what ran, with what, on what, and how it ended.

use super::campaigns::{self, CampaignReport};
use super::case_run::{LostAttempt, RecordedIdentity};
use super::fleet::{PartRun, RigRun};
use super::{CaseRun, Run, SelfCheck};
use dfota_core::case::Package;
use dfota_core::cut::Cut;
use dfota_core::event::CutMade;
use dfota_core::event::Measured;
use dfota_core::event::bisected::Bisected;
use dfota_core::event::{FileFacts, RigFacts, TryEnded};
use dfota_core::outcome::Outcome;
use dfota_core::transport::Via;
use dfota_core::update::Phase;
use dfota_core::verdict::{Rule, Verdict};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// The results of a run: `run.json` of its folder, and what `run --json` prints.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "run.json of dfota-hil")]
pub struct Summary<'r, 'a> {
    #[serde(flatten)]
    start: StartSummary<'a>,
    #[serde(flatten)]
    setup: SetupSummary<'r, 'a>,
    #[serde(flatten)]
    ending: EndingSummary,
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

/// What was started, and when.
#[derive(Serialize, JsonSchema)]
struct StartSummary<'a> {
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
}

/// What it ran with and on what.
#[derive(Serialize, JsonSchema)]
struct SetupSummary<'r, 'a> {
    rig: RigSummary<'a>,
    suites: &'a [FileFacts],
    /// Every package that the suites declare.
    packages: &'a [Package],
    module: Modules<'a>,
    /// The rigs of a run on several, each with its module. `rig` is what they have in common, and `module` is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    rigs: Option<Vec<RigOfRun<'a>>>,
    /// Of a run on several rigs: the parts that its journal was merged from, in the order in which they were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<PartSummary<'a>>>,
    /// The rig's self-checks.
    rig_checks: &'r [SelfCheck<'a>],
}

/// How it ended.
#[derive(Serialize, JsonSchema)]
struct EndingSummary {
    /// The exit code; `null` of a run that was killed.
    exit: Option<u8>,
    /// A signal ended it, or it was killed.
    interrupted: bool,
    /// The lines ended in the state that the rig file declares; `null` of a run that was killed.
    rig_safe: Option<bool>,
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

/// A rig of a run on several.
#[derive(Serialize, JsonSchema)]
struct RigOfRun<'a> {
    #[serde(flatten)]
    rig: RigSummary<'a>,
    /// What its module said last that it is.
    identity: Option<RecordedIdentity<'a>>,
    /// Cases that were run on it.
    cases: usize,
    passed: usize,
    failed: usize,
    /// Runs of cases that do not count, because it was lost.
    lost: usize,
    /// Why it got no further batch, if that was so.
    out: Option<&'a str>,
}

/// A batch on a rig.
#[derive(Serialize, JsonSchema)]
struct PartSummary<'a> {
    batch: &'a str,
    /// Counts from 1: a batch that was lost is taken again.
    attempt: u32,
    rig: &'a str,
    /// Folder of its journal in the run folder.
    folder: &'a str,
    /// Lines of its journal; `null` where the run was killed before it ended.
    lines: Option<u64>,
    /// SHA-256 of the last of them, in hex.
    head: Option<&'a str>,
    /// Why the rig stopped in the middle of it, if it did.
    lost: Option<&'a str>,
    /// What of its journal is missing or was changed, if anything.
    missing: Option<&'a str>,
}

/// Who the module said it was.
#[derive(Serialize, JsonSchema)]
struct Modules<'a> {
    /// First.
    before: Option<RecordedIdentity<'a>>,
    /// Last.
    after: Option<RecordedIdentity<'a>>,
}

/// A case.
#[derive(Serialize, JsonSchema)]
struct CaseSummary<'a> {
    #[serde(flatten)]
    planned: PlannedSummary<'a>,
    #[serde(flatten)]
    judged: VerdictSummary<'a>,
    /// Whether the state of the module counts as a brick; `null` where it was not asked.
    brick: Option<bool>,
    /// The tries before the last one.
    tries: Vec<TrySummary<'a>>,
    /// It passed, but not at once.
    flaky: bool,
    measurements: Vec<Measurement<'a>>,
    cuts: Vec<CutSummary<'a>>,
    /// Ids of the requirements that the case covers.
    requirements: &'a [String],
    /// The command that reruns it.
    rerun: &'a str,
    /// Of a run on several rigs: where it was run.
    #[serde(flatten)]
    on: Option<OnRig<'a>>,
}

/// Where a case of a run on several rigs was run.
#[derive(Serialize, JsonSchema)]
struct OnRig<'a> {
    rig: &'a str,
    /// Its runs that do not count, on rigs that were lost meanwhile.
    lost: &'a [LostAttempt<'a>],
}

/// A case as it was planned.
#[derive(Serialize, JsonSchema)]
struct PlannedSummary<'a> {
    id: &'a str,
    suite: &'a str,
    /// File and line of the suite.
    place: &'a str,
    via: Via,
    /// Name of its package.
    package: &'a str,
}

/// How a case or a try ended.
#[derive(Serialize, JsonSchema)]
struct VerdictSummary<'a> {
    /// `pass`, `fail`, `error`, `inconclusive`, `skip` or `not-reached`.
    verdict: &'static str,
    /// Whose fault it is: `product`, `rig`, `network`, `server`, `suite`, `harness`, or `inconclusive` for nobody's.
    class: Option<String>,
    /// The rule that fired.
    rule: Option<Rule>,
    /// What was expected and what was seen.
    sentence: Option<&'a str>,
    /// The state of the module afterwards, where it was asked.
    outcome: Option<Outcome>,
    /// Numbers (`seq`) of the journal's records that the verdict rests on.
    evidence: &'a [u64],
    /// Where cuts landed and how the module came back.
    #[serde(rename = "story")]
    summary: &'a str,
    /// Real time.
    seconds: f64,
}

/// A try that was followed by another one.
#[derive(Serialize, JsonSchema)]
struct TrySummary<'a> {
    /// From 1.
    number: u32,
    #[serde(flatten)]
    judged: VerdictSummary<'a>,
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
    // Those of several rigs are of several modules.
    let identities = run.identities().filter(|_| !run.fleet.is_fleet());
    Summary {
        start: StartSummary {
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
        },
        setup: SetupSummary {
            rig: RigSummary::from(&started.rig),
            suites: &started.suites,
            packages: &started.packages,
            module: Modules {
                before: identities.map(|[first, _]| first),
                after: identities.map(|[_, last]| last),
            },
            rigs: run.fleet.is_fleet().then(|| rigs(run)),
            parts: run
                .fleet
                .is_fleet()
                .then(|| run.fleet.parts.iter().map(part).collect()),
            rig_checks: &run.rig_checks,
        },
        ending: EndingSummary {
            exit: run.exit(),
            interrupted: run.ended.is_none_or(|ended| ended.interrupted),
            rig_safe: run.ended.map(|ended| ended.safe),
        },
        bisected: run.bisected,
        campaigns: campaigns::reports(run),
        bricks: run.bricks(),
        brick_means: Outcome::BRICK,
        not_reached_because: run.why_not_reached(),
        cases: &run.cases,
    }
}

impl<'a> From<&'a RigFacts> for RigSummary<'a> {
    fn from(rig: &'a RigFacts) -> Self {
        Self {
            file: &rig.file,
            module: &rig.module,
            simulated: rig.simulated,
            speed: rig.speed,
        }
    }
}

fn rigs<'a>(run: &Run<'a>) -> Vec<RigOfRun<'a>> {
    let rig = |rig: &RigRun<'a>| {
        let tally = rig.tally(&run.cases);
        RigOfRun {
            rig: RigSummary::from(rig.facts),
            identity: rig.identity,
            cases: tally.cases,
            passed: tally.passed,
            failed: tally.failed,
            lost: tally.lost,
            out: rig.out,
        }
    };
    run.fleet.rigs.iter().map(rig).collect()
}

fn part<'a>(part: &PartRun<'a>) -> PartSummary<'a> {
    PartSummary {
        batch: &part.taken.batch,
        attempt: part.taken.attempt,
        rig: &part.taken.rig,
        folder: &part.taken.folder,
        lines: part.end.map(|end| end.lines),
        head: part.end.map(|end| end.head.as_str()),
        lost: part.lost,
        missing: part.unread,
    }
}

fn case<'a>(run: &'a CaseRun<'_>) -> CaseSummary<'a> {
    CaseSummary {
        planned: PlannedSummary {
            id: &run.case.id,
            suite: &run.case.suite,
            place: &run.case.place,
            via: run.case.via,
            package: &run.case.package.name,
        },
        judged: VerdictSummary::new(&run.verdict, run.outcome, run.evidence, run.summary, run.took_ns),
        brick: run.outcome.map(Outcome::is_brick),
        tries: run.earlier.iter().map(|tried| earlier(tried)).collect(),
        flaky: run.is_flaky(),
        measurements: run.measured().map(|(_, measured)| measured.into()).collect(),
        cuts: run.cuts_made().map(CutSummary::from).collect(),
        requirements: &run.case.requirements,
        rerun: run.rerun,
        on: run.rig.map(|rig| OnRig { rig, lost: &run.lost }),
    }
}

impl<'a> VerdictSummary<'a> {
    fn new(
        verdict: &'a Verdict,
        outcome: Option<Outcome>,
        evidence: &'a [u64],
        summary: &'a str,
        took_ns: u64,
    ) -> Self {
        let finding = verdict.finding();
        Self {
            verdict: verdict.name(),
            class: verdict.class().map(|class| class.to_string()),
            rule: finding.map(|finding| finding.rule),
            sentence: finding.map(|finding| finding.sentence.as_str()),
            outcome,
            evidence,
            summary,
            seconds: seconds(took_ns),
        }
    }
}

fn earlier(tried: &TryEnded) -> TrySummary<'_> {
    TrySummary {
        number: tried.number,
        judged: VerdictSummary::new(
            &tried.verdict,
            tried.outcome,
            &tried.evidence,
            &tried.summary,
            tried.took_ns,
        ),
        again: &tried.again,
    }
}

impl<'a> From<&'a Measured> for Measurement<'a> {
    fn from(measured: &'a Measured) -> Self {
        Self {
            name: &measured.name,
            value: measured.value,
            unit: &measured.unit,
            min: measured.min,
            max: measured.limit,
        }
    }
}

impl<'a> From<&'a CutMade> for CutSummary<'a> {
    fn from(made: &'a CutMade) -> Self {
        Self {
            id: &made.cut,
            landed: made.landed,
            commanded_late_ns: made.commanded_late_ns(),
            done_late_ns: made.done_late_ns(),
        }
    }
}

fn seconds(ns: u64) -> f64 {
    (ns as f64 / 1e6).round() / 1e3
}
