//! What the history holds of a run.

use crate::case_name::CaseName;
use crate::report::{CaseRun, Run};
use crate::rig_names;
use dfota_core::measure::Measure;
use dfota_core::verdict::Verdict;

/// A run of the history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryRun {
    /// Its name.
    pub run: String,
    /// When it began, RFC 3339.
    pub utc: String,
    /// The machine it ran on. With name and beginning it tells runs apart.
    pub host: String,
    /// Its folder, as it was.
    pub folder: String,
    pub rig: RigIdentity,
    /// The version of the program.
    pub tool: String,
    /// Its exit code; nothing when it was killed.
    pub exit: Option<u8>,
    pub seconds: f64,
    /// Its cases, in the order of the plan.
    pub results: Vec<HistoryCase>,
}

/// What tells one rig from another: what a simulator did says nothing about a bench.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RigIdentity {
    pub name: String,
    /// The type of its module.
    pub module: String,
    /// Whether the module is simulated.
    pub simulated: bool,
}

impl RigIdentity {
    /// The same, with the names of several rigs by name: whichever came first on the command line, they are the same rigs.
    pub fn in_order(mut self) -> Self {
        self.name = rig_names::in_order(&self.name);
        self
    }
}

/// A case of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryCase {
    pub suite: String,
    /// Its id, without the number of a repeat.
    pub case: String,
    /// Its verdict in a word.
    pub verdict: String,
    /// The rule it rests on.
    pub rule: Option<String>,
    /// The state of the module afterwards.
    pub outcome: Option<String>,
    /// How many tries it took.
    pub tries: u32,
    pub seconds: f64,
    /// The version that the update was begun on.
    pub source: String,
    /// The version that it led to.
    pub target: String,
    /// What was measured, each value in the unit of its measurement.
    pub measures: Vec<(Measure, f64)>,
    /// The piece that it was run on.
    pub on: HistoryPlace,
}

/// The board and the module of a case. What an older version of this program kept has neither.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryPlace {
    /// Name of the rig.
    pub rig: Option<String>,
    /// IMEI of the module.
    pub imei: Option<String>,
}

impl HistoryRun {
    /// What the rig of this name did in it, also as one of several; nothing where it did nothing.
    pub fn on_rig(mut self, name: &str) -> Option<Self> {
        if self.rig.name == name {
            return Some(self);
        }
        self.results.retain(|case| case.on.rig.as_deref() == Some(name));
        let is_one_of_several = self.rig.name.split(", ").any(|rig| rig == name);
        name.clone_into(&mut self.rig.name);
        (is_one_of_several && !self.results.is_empty()).then_some(self)
    }

    /// Takes it from a run. Nothing of a search, nor of one with `--cut`: their cases are not the suite's.
    pub fn from_run(run: &Run<'_>) -> Option<Self> {
        let started = run.started;
        let searches = run.bisected.is_some() || started.args.iter().any(|word| word == "bisect");
        if searches || started.cut.is_some() {
            return None;
        }
        Some(Self {
            run: started.run.clone(),
            utc: run.utc.to_owned(),
            host: started.host.clone(),
            folder: started.folder.clone(),
            rig: RigIdentity {
                name: started.rig.file.name.clone(),
                module: started.rig.module.clone(),
                simulated: started.rig.simulated,
            }
            .in_order(),
            tool: started.tool.clone(),
            exit: run.exit(),
            seconds: run.took_ns as f64 / 1e9,
            results: run.cases.iter().map(|case| HistoryCase::new(run, case)).collect(),
        })
    }
}

impl HistoryCase {
    pub fn name(&self) -> CaseName<'_> {
        CaseName::new(&self.suite, &self.case)
    }

    /// Whether it was run to a verdict.
    pub fn was_run(&self) -> bool {
        !matches!(self.verdict.as_str(), "skip" | "not-reached")
    }

    pub fn passed(&self) -> bool {
        self.verdict == "pass"
    }

    /// Whether it passed, and not at the first try.
    pub fn is_flaky(&self) -> bool {
        self.passed() && self.tries > 1
    }

    /// One letter, as trends have it; later ones of `PLSNIEF` are worse.
    pub fn letter(&self) -> char {
        match self.verdict.as_str() {
            "pass" if self.is_flaky() => 'L',
            "pass" => 'P',
            "fail" => 'F',
            "error" => 'E',
            "inconclusive" => 'I',
            "skip" => 'S',
            _ => 'N',
        }
    }
}

impl HistoryCase {
    fn new(run: &Run<'_>, case: &CaseRun<'_>) -> Self {
        let taken = case.measured().map(|(measure, taken)| (measure, taken.value));
        Self {
            suite: case.case.suite.clone(),
            case: CaseName::from(case.case).without_turn().id.to_owned(),
            verdict: case.verdict.name().to_owned(),
            rule: case.verdict.finding().map(|finding| finding.rule.to_string()),
            outcome: case.outcome.map(|outcome| outcome.to_string()),
            tries: match case.verdict {
                Verdict::Skip { .. } | Verdict::NotReached => 0,
                _ => case.tries_before() as u32 + 1,
            },
            seconds: case.took_ns as f64 / 1e9,
            source: case.case.on.to_string(),
            target: case.case.package.to.to_string(),
            measures: taken.collect(),
            on: HistoryPlace::new(run, case),
        }
    }
}

impl HistoryPlace {
    /// Of a case that was not begun there is none.
    fn new(run: &Run<'_>, case: &CaseRun<'_>) -> Self {
        if !case.was_begun() {
            return Self::default();
        }
        let rig = match case.rig {
            Some(rig) => rig,
            None if run.fleet.is_fleet() => return Self::default(),
            None => &run.started.rig.file.name,
        };
        // A case that did not get so far is of the module that its rig has.
        let of_rig = match run.fleet.rig(rig) {
            Some(rig) => rig.identity,
            None => run.identities().map(|[first, _]| first),
        };
        let imei = case.imei().or_else(|| of_rig?.imei);
        Self {
            rig: Some(rig.to_owned()),
            imei: imei.map(ToString::to_string),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, rig: &str) -> HistoryCase {
        HistoryCase {
            case: name.into(),
            on: HistoryPlace {
                rig: Some(rig.into()),
                imei: None,
            },
            ..HistoryCase::default()
        }
    }

    #[test]
    fn a_rig_has_its_cases_of_a_run_on_several() {
        let of = |name: &str| RigIdentity {
            name: name.into(),
            ..RigIdentity::default()
        };
        assert_eq!(of("b, a").in_order(), of("a, b").in_order());
        let run = HistoryRun {
            rig: of("b, a").in_order(),
            results: vec![case("one", "a"), case("two", "b")],
            ..HistoryRun::default()
        };
        let on_b = run.clone().on_rig("b").expect("it did something");
        assert_eq!((on_b.rig, on_b.results), (of("b"), vec![case("two", "b")]));
        assert_eq!(run.clone().on_rig("c"), None);
        assert_eq!(run.clone().on_rig("a, b"), Some(run));
    }
}
