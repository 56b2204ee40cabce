//! What stands in the test report of a run, as data: the items of ISO/IEC 17025:2017 §7.8.2.1, the decision rule
//! (§7.8.6.1), the requirements that the suites name, and how well the time of a cut is known (§7.8.3.1 c).
//!
//! A function of the journal and of the day of issue, nothing else: how it looks on paper is `dfota-pdf`'s. It claims no
//! accreditation, names nobody who authorises it, and says "not stated" where the rig file has no `lab`.

mod deviations;
mod measurements;
mod requirements;
mod results;
mod sampling;
mod uncertainty;

pub use deviations::Deviation;
pub use measurements::{MeasurementSummary, ShownRange};
pub use requirements::{Family, Requirement};
pub use results::CaseResult;
pub use sampling::{CampaignSampling, WindowCount};
pub use uncertainty::{CutTime, Uncertainty};

use super::fleet::RigRun;
use super::{CaseRun, Run};
use crate::day::Day;
use dfota_core::event::lab::Lab;
use dfota_core::event::{Event, FileFacts, Record};
use dfota_core::outcome::Outcome;
use dfota_core::verdict::Verdict;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestReport {
    #[serde(flatten)]
    pub issue: Issue,
    #[serde(flatten)]
    pub identification: Identification,
    /// What the cases showed, in words.
    pub conclusion: Vec<String>,
    /// How many cases ended how.
    pub counts: Vec<(&'static str, usize)>,
    /// The requirements that the suites name, and what their cases say.
    pub requirements: Vec<Requirement>,
    /// How the cuts were sampled (k).
    pub sampling: Sampling,
    /// What was measured, with units (m).
    pub measurements: Vec<MeasurementSummary>,
    /// How well the time of a cut is known; nothing where none was made.
    pub uncertainty: Option<Uncertainty>,
    /// Additions, deviations and exclusions (n).
    pub deviations: Vec<Deviation>,
    pub results: Vec<CaseResult>,
    /// What counts as a brick.
    pub brick_means: &'static str,
}

/// Which report it is, of which run, and of which day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Issue {
    /// Name of the run, which is the report's number; on every page.
    pub run: String,
    /// The module was simulated: nothing here says anything about a real one.
    pub simulated: bool,
    /// How much faster than real time a simulated module lived.
    pub speed: f64,
    /// The day of issue.
    pub issued: String,
    /// Year, month and day of the same.
    pub issued_parts: [u16; 3],
    /// The journal that this is made of.
    pub journal: JournalFacts,
}

/// Who tested what, when, and with what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Identification {
    /// Name, address and location (b, c), customer (e).
    pub laboratory: Vec<ReportItem>,
    /// What was tested (g).
    pub item: Vec<ReportItem>,
    /// Receipt, performance and issue (h, i, j).
    pub dates: Vec<ReportItem>,
    /// What was tested with, and under which conditions (f, 7.8.3.1 a).
    pub method: Vec<ReportItem>,
    pub packages: Vec<PackageFacts>,
    /// What others provided (p).
    pub external: Vec<String>,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportItem {
    pub name: &'static str,
    /// Nothing where nobody stated it.
    pub value: Option<String>,
    /// The key of the rig file that states it, where one does.
    pub key: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalFacts {
    pub file: &'static str,
    /// SHA-256 of its file, in hex.
    pub sha256: String,
    pub records: usize,
}

/// A package that the suites declare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageFacts {
    pub name: String,
    /// From which version to which.
    pub versions: String,
    /// Its length in bytes.
    pub bytes: u64,
    pub sha256: String,
}

/// How the cuts were sampled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sampling {
    /// Of every random choice.
    pub seed: u64,
    pub campaigns: Vec<CampaignSampling>,
}

/// The day of issue is before the tests were over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a report cannot be issued on {issued}: the run went on until {ended}; give that day or a later one with `--issued`"
)]
pub struct TooEarly {
    issued: Day,
    ended: Day,
}

impl TestReport {
    /// The report of a run. Without a day of issue it is that on which the run ended.
    pub fn new(
        run: &Run<'_>,
        records: &[Record],
        journal: JournalFacts,
        issued: Option<Day>,
    ) -> Result<Self, TooEarly> {
        let until = records.last().map_or(run.utc, |record| record.utc.as_str());
        let ended = Day::from_utc(until);
        if let (Some(issued), Some(ended)) = (issued, ended)
            && issued < ended
        {
            return Err(TooEarly { issued, ended });
        }
        // What was decided after the end is no test.
        let end = records
            .iter()
            .find(|record| matches!(record.event, Event::RunEnded { .. }));
        let tested_until = end.map_or(until, |record| record.utc.as_str());
        let started = run.started;
        let issued = issued.or(ended);
        let issue = Issue {
            run: started.run.clone(),
            simulated: started.rig.simulated,
            speed: started.rig.speed,
            issued: issued.map_or_else(|| "unknown".to_owned(), |day| day.to_string()),
            issued_parts: issued.map_or([1970, 1, 1], Day::parts),
            journal,
        };
        Ok(Self {
            identification: Identification::new(run, tested_until, &issue.issued),
            issue,
            conclusion: conclusion(run),
            counts: counts(run),
            requirements: requirements::requirements(run),
            sampling: Sampling {
                seed: started.seed,
                campaigns: sampling::sampling(run),
            },
            measurements: measurements::measurements(run),
            uncertainty: uncertainty::uncertainty(run),
            deviations: deviations::deviations(run),
            results: run.cases.iter().map(|case| results::result(run, case)).collect(),
            brick_means: Outcome::BRICK,
        })
    }
}

impl Identification {
    fn new(run: &Run<'_>, until: &str, issued: &str) -> Self {
        let lab = run.started.rig.lab.as_deref();
        Self {
            laboratory: laboratory(lab),
            item: item(run, lab),
            dates: dates(run, lab, until, issued),
            method: method(run, lab),
            packages: packages(run),
            external: lab.map_or_else(Vec::new, |lab| lab.external.clone()),
        }
    }
}

impl ReportItem {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self {
            name,
            value: Some(value.into()),
            key: None,
        }
    }

    fn stated(name: &'static str, key: &'static str, value: Option<&String>) -> Self {
        Self {
            name,
            value: value.cloned(),
            key: Some(key),
        }
    }
}

fn laboratory(lab: Option<&Lab>) -> Vec<ReportItem> {
    let of = |pick: fn(&Lab) -> Option<&String>| lab.and_then(pick);
    vec![
        ReportItem::stated("Laboratory", "lab.name", of(|lab| Some(&lab.name))),
        ReportItem::stated("Address", "lab.address", of(|lab| Some(&lab.address))),
        ReportItem::stated(
            "Location of the tests",
            "lab.location",
            of(|lab| lab.location.as_ref()),
        ),
        ReportItem::stated("Customer", "lab.customer", of(|lab| lab.customer.as_ref())),
    ]
}

const UNREAD: &str = "not read: no case got so far";

/// Each value once, in the order in which they were said.
fn distinct(values: &mut dyn Iterator<Item = String>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    if seen.is_empty() {
        UNREAD.to_owned()
    } else {
        seen.join(", ")
    }
}

/// The firmware that was read first and last; of a run on several rigs, of each.
fn firmware(run: &Run<'_>) -> [String; 2] {
    if !run.fleet.is_fleet() {
        let versions = run
            .identities()
            .map(|both| both.map(|identity| identity.version.to_string()));
        return versions.unwrap_or([UNREAD, UNREAD].map(str::to_owned));
    }
    let each = |pick: fn(&RigRun<'_>) -> Option<String>| {
        let rigs = run.fleet.rigs.iter();
        let line = |rig: &RigRun<'_>| {
            format!(
                "{} on `{}`",
                pick(rig).as_deref().unwrap_or("not read"),
                rig.name()
            )
        };
        rigs.map(line).collect::<Vec<_>>().join(", ")
    };
    [
        each(|rig| Some(rig.first_identity?.version.to_string())),
        each(|rig| Some(rig.identity?.version.to_string())),
    ]
}

fn item(run: &Run<'_>, lab: Option<&Lab>) -> Vec<ReportItem> {
    let stated = lab.map(|lab| &lab.item);
    let told = || run.cases.iter().flat_map(CaseRun::identities);
    let [first, last] = firmware(run);
    let kind = if run.started.rig.simulated {
        format!(
            "{}, SIMULATED by a program: no hardware was tested",
            run.started.rig.module
        )
    } else {
        run.started.rig.module.clone()
    };
    vec![
        ReportItem::new("Module type", kind),
        ReportItem::new(
            "Model, as it says (ATI)",
            distinct(&mut told().map(|identity| identity.model.to_owned())),
        ),
        ReportItem::new(
            "IMEI",
            distinct(&mut told().filter_map(|identity| Some(identity.imei?.to_string()))),
        ),
        ReportItem::new("Firmware, first read", first),
        ReportItem::new("Firmware, last read", last),
        ReportItem::stated(
            "Hardware",
            "lab.item.hardware",
            stated.and_then(|item| item.hardware.as_ref()),
        ),
        ReportItem::stated(
            "Condition",
            "lab.item.condition",
            stated.and_then(|item| item.condition.as_ref()),
        ),
    ]
}

fn dates(run: &Run<'_>, lab: Option<&Lab>, until: &str, issued: &str) -> Vec<ReportItem> {
    let received = lab.and_then(|lab| lab.item.received.as_ref());
    vec![
        ReportItem::stated("Receipt of the item", "lab.item.received", received),
        ReportItem::new(
            "Performance of the tests",
            format!("{} to {} (UTC)", minute(run.utc), minute(until)),
        ),
        ReportItem::new("Issue of this report", issued),
    ]
}

/// `2026-11-22 21:03:04` of a time of the journal.
fn minute(utc: &str) -> String {
    utc.get(..19).unwrap_or(utc).replace('T', " ")
}

fn method(run: &Run<'_>, lab: Option<&Lab>) -> Vec<ReportItem> {
    let started = run.started;
    let file = |file: &FileFacts| format!("{} (`{}`), SHA-256 `{}`", file.name, file.path, file.sha256);
    let mut entries: Vec<ReportItem> = started
        .suites
        .iter()
        .map(|suite| ReportItem::new("Suite", file(suite)))
        .collect();
    let commit = started.commit.as_ref();
    let commit = commit.map_or("built from an unrecorded commit".to_owned(), |commit| {
        format!("commit {commit}")
    });
    if run.fleet.is_fleet() {
        let rigs = run.fleet.rigs.iter();
        entries.extend(rigs.map(|rig| ReportItem::new("Rig", file(&rig.facts.file))));
    } else {
        entries.push(ReportItem::new("Rig", file(&started.rig.file)));
    }
    entries.extend([
        ReportItem::new(
            "Harness",
            format!("dfota-hil {}, {commit}, on `{}`", started.tool, started.host),
        ),
        ReportItem::new(
            "Command line",
            format!("`{}`", deviations::command_line(&started.args)),
        ),
        ReportItem::stated(
            "Conditions",
            "lab.environment",
            lab.and_then(|lab| lab.environment.as_ref()),
        ),
    ]);
    entries
}

fn packages(run: &Run<'_>) -> Vec<PackageFacts> {
    let facts = run.started.packages.iter().map(|package| PackageFacts {
        name: package.name.clone(),
        versions: format!("{} → {}", package.from, package.to),
        bytes: package.bytes,
        sha256: package.sha256.clone(),
    });
    let mut all: Vec<PackageFacts> = Vec::new();
    for package in facts {
        if !all.contains(&package) {
            all.push(package);
        }
    }
    all
}

/// How many cases ended how, in the order in which the reader asks.
fn counts(run: &Run<'_>) -> Vec<(&'static str, usize)> {
    let words = ["pass", "fail", "error", "inconclusive", "skip", "not-reached"];
    let count = |word: &'static str| (word, run.count(|verdict| verdict.name() == word));
    words.map(count).into()
}

fn conclusion(run: &Run<'_>) -> Vec<String> {
    let all = run.cases.len();
    let [pass, fail] = ["pass", "fail"].map(|word| run.count(|verdict| verdict.name() == word));
    let undecided = run.count(|verdict| {
        matches!(
            verdict,
            Verdict::Error(_) | Verdict::Inconclusive(_) | Verdict::NotReached
        )
    });
    let skipped = run.count(|verdict| matches!(verdict, Verdict::Skip { .. }));
    let mut lines = vec![match (pass, fail, undecided) {
        (_, fail, _) if fail > 0 => {
            format!("The item did not do what was expected in {fail} of {all} cases.")
        }
        (0, ..) => "No case was decided: this report shows nothing about the item.".to_owned(),
        (_, _, undecided) if undecided > 0 => {
            format!("No case failed, but {undecided} of {all} cases were not decided: they show nothing.")
        }
        _ => format!("The item did what was expected in every case that was run: {pass} of {all}."),
    }];
    if fail > 0 && undecided > 0 {
        lines.push(format!("{undecided} of {all} cases were not decided."));
    }
    if skipped > 0 {
        lines.push(format!("{skipped} of {all} cases were left out, see Deviations."));
    }
    for campaign in super::campaigns::reports(run) {
        let Some(claim) = &campaign.claim else { continue };
        let sentence = campaign.sentence(claim);
        lines.push(format!("{}::{}: {sentence}.", campaign.suite, campaign.campaign));
    }
    lines
}
