//! The history as a table: a row for each case, and one for each campaign with all of its cuts.

use super::figures::Figures;
use super::run::{HistoryCase, HistoryRun};
use super::trend::worse;
use crate::case_name::CaseName;
use dfota_core::measure::Measure;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// By how much a time has to grow, or shrink, to be told: a tenth.
const SLACK: f64 = 0.1;

/// A case, or a campaign, over some runs.
#[derive(Debug)]
pub struct Row<'e> {
    pub suite: &'e str,
    /// Its id; of a campaign, that of the case that declares it.
    pub id: String,
    /// How many cases of a campaign it stands for; 0: it is a case.
    pub parts: usize,
    /// Its results in each run, the oldest first.
    pub by_run: Vec<Vec<&'e HistoryCase>>,
    pub figures: Figures,
}

/// The rows of these runs, the oldest of which comes first: those that did not pass last time come first, then those that
/// passed least often. Cases that were never run have none.
pub fn rows(runs: &[HistoryRun], folds: bool) -> Vec<Row<'_>> {
    let campaigns = if folds { campaigns(runs) } else { BTreeSet::new() };
    let mut cases: BTreeMap<CaseName<'_>, Vec<Vec<&HistoryCase>>> = BTreeMap::new();
    for (n, run) in runs.iter().enumerate() {
        for case in &run.results {
            let name = folded(case, &campaigns);
            let by_run = cases.entry(name).or_insert_with(|| vec![Vec::new(); runs.len()]);
            by_run[n].push(case);
        }
    }
    let mut rows: Vec<Row<'_>> = cases
        .into_iter()
        .map(|(name, by_run)| row(name, by_run))
        .collect();
    rows.retain(|row| row.figures.runs > 0);
    rows.sort_by_cached_key(|row| {
        let passed = row.figures.pass_rate.unwrap_or(0.0);
        (
            row.letters().trim_end_matches('.').ends_with('P'),
            (passed * 1e6) as u64,
        )
    });
    rows
}

fn row<'e>(name: CaseName<'e>, by_run: Vec<Vec<&'e HistoryCase>>) -> Row<'e> {
    let CaseName { suite, id } = name;
    let all = || by_run.iter().flatten().copied();
    let names: BTreeSet<&str> = all().map(|case| case.case.as_str()).collect();
    let is_campaign = names.iter().any(|name| *name != id);
    // The way of writing is the suite's: `night[via=uart,cut=007]` is of `night[via=uart]`.
    let closed = if id.contains('[') && !id.ends_with(']') {
        "]"
    } else {
        ""
    };
    Row {
        suite,
        id: format!("{id}{closed}"),
        parts: if is_campaign { names.len() } else { 0 },
        figures: Figures::new(all()),
        by_run,
    }
}

/// Suite and beginning of the id of every campaign: what has been calibrated.
fn campaigns(runs: &[HistoryRun]) -> BTreeSet<CaseName<'_>> {
    let all = runs.iter().flat_map(|run| &run.results);
    let calibrated = all.filter_map(|case| {
        let (base, part) = part(&case.case)?;
        part.starts_with("calibration=")
            .then_some(CaseName::new(&case.suite, base))
    });
    calibrated.collect()
}

/// An id without the last item in its brackets, and that item.
fn part(id: &str) -> Option<(&str, &str)> {
    let open = id.strip_suffix(']')?;
    let at = open.rfind([',', '['])?;
    Some((&open[..at], &open[at + 1..]))
}

/// The name of the row of a case: its own, or its campaign's.
fn folded<'e>(case: &'e HistoryCase, campaigns: &BTreeSet<CaseName<'_>>) -> CaseName<'e> {
    let numbered = |part: &str, what: &str| {
        let number = part.strip_prefix(what);
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let of_campaign = |part: &str| {
        let known = part == "claim" || part.starts_with("calibration=");
        known || numbered(part, "cut=") || numbered(part, "control=")
    };
    let base = part(&case.case)
        .filter(|(_, part)| of_campaign(part))
        .map(|(base, _)| CaseName::new(&case.suite, base));
    base.filter(|base| campaigns.contains(base))
        .unwrap_or_else(|| case.name())
}

impl Row<'_> {
    /// A letter for each run, the worst one that it had in it; `.` where it was not run.
    pub fn letters(&self) -> String {
        let of_run = |cases: &Vec<&HistoryCase>| {
            let run = cases.iter().filter(|case| case.was_run());
            run.fold('.', |letter, case| worse(letter, case.letter()))
        };
        self.by_run.iter().map(of_run).collect()
    }

    /// The newer half of the runs beside the older half; `-` for fewer than two.
    pub fn trend(&self) -> &'static str {
        let run: Vec<&Vec<&HistoryCase>> = self
            .by_run
            .iter()
            .filter(|cases| cases.iter().any(|case| case.was_run()))
            .collect();
        if run.len() < 2 {
            return "-";
        }
        let (older, newer) = run.split_at(run.len() / 2);
        let of = |half: &[&Vec<&HistoryCase>]| Figures::new(half.iter().copied().flatten().copied());
        let (older, newer) = (of(older), of(newer));
        let rate = |figures: &Figures| {
            let share = |rate: Option<f64>| (rate.unwrap_or(0.0) * 1e9) as u64;
            (share(figures.pass_rate), Reverse(share(figures.flake_rate)))
        };
        let resume = |figures: &Figures| figures.measure(Measure::TimeToResume).map(|times| times.p50);
        match (rate(&newer).cmp(&rate(&older)), resume(&older), resume(&newer)) {
            (std::cmp::Ordering::Less, ..) => "worse",
            (std::cmp::Ordering::Greater, ..) => "better",
            // Of two runs each half is one value: that says nothing of times.
            (_, Some(was), Some(is)) if run.len() >= 4 && is > was * (1.0 + SLACK) => "slower",
            (_, Some(was), Some(is)) if run.len() >= 4 && was > is * (1.0 + SLACK) => "faster",
            _ => "same",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn case(id: &str, verdict: &str, resume: f64) -> HistoryCase {
        HistoryCase {
            suite: "s".into(),
            case: id.into(),
            verdict: verdict.into(),
            tries: 1,
            measures: vec![(Measure::TimeToResume, resume)],
            ..HistoryCase::default()
        }
    }

    fn run(results: Vec<HistoryCase>) -> HistoryRun {
        HistoryRun {
            results,
            ..HistoryRun::default()
        }
    }

    #[test]
    fn a_campaign_is_one_row() {
        let parts = |cut| {
            let names = ["calibration=a-to-b", "cut=001", "cut=002", "control=01", "claim"];
            let verdict = |name: &str| if name == "cut=002" { cut } else { "pass" };
            names
                .map(|name| case(&format!("night[via=uart,{name}]"), verdict(name), 1.0))
                .to_vec()
        };
        // A matrix of somebody's own that is called `cut`, and is no campaign.
        let own = || case("own[cut=5]", "pass", 1.0);
        let skipped = || case("never", "skip", 1.0);
        let with = |mut parts: Vec<HistoryCase>| {
            parts.extend([own(), skipped()]);
            run(parts)
        };
        let runs = [with(parts("pass")), with(parts("fail"))];
        let rows = super::rows(&runs, true);
        let shown: Vec<(&str, usize, String)> = rows
            .iter()
            .map(|row| (row.id.as_str(), row.parts, row.letters()))
            .collect();
        let campaign = ("night[via=uart]", 5, "PF".to_owned());
        assert_eq!(shown, [campaign, ("own[cut=5]", 0, "PP".to_owned())]);
        assert_eq!((rows[0].figures.passed, rows[0].figures.failed), (9, 1));
        assert_eq!(super::rows(&runs, false).len(), 6, "each on its own");
    }

    #[test]
    fn what_failed_last_comes_first() {
        let night = |verdicts: [&str; 3]| {
            let ids = ["sound", "mended", "broken"];
            run(ids
                .iter()
                .zip(verdicts)
                .map(|(id, verdict)| case(id, verdict, 1.0))
                .collect())
        };
        let runs = [night(["pass", "fail", "pass"]), night(["pass", "pass", "fail"])];
        let rows = super::rows(&runs, true);
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["broken", "mended", "sound"]);
    }

    #[rstest]
    #[case::one(&[("pass", 1.0)], "-")]
    #[case::same(&[("pass", 1.0), ("pass", 1.0)], "same")]
    #[case::worse(&[("pass", 1.0), ("pass", 1.0), ("fail", 1.0), ("pass", 1.0)], "worse")]
    #[case::better(&[("fail", 1.0), ("pass", 1.0)], "better")]
    #[case::slower(&[("pass", 1.0), ("pass", 1.0), ("pass", 1.2), ("pass", 1.2)], "slower")]
    #[case::faster(&[("pass", 1.2), ("pass", 1.2), ("pass", 1.0), ("pass", 1.0)], "faster")]
    #[case::left_out_since(&[("pass", 1.0), ("fail", 1.0), ("skip", 1.0), ("skip", 1.0)], "worse")]
    fn trends(#[case] nights: &[(&str, f64)], #[case] expected: &str) {
        let nights = nights
            .iter()
            .map(|(verdict, resume)| run(vec![case("c", verdict, *resume)]));
        let runs: Vec<HistoryRun> = nights.collect();
        assert_eq!(rows(&runs, true)[0].trend(), expected);
    }
}
