//! Every defect against what shows it, by the real program or by the sweep; and the table of it in docs/defects.md.

use crate::defects::catalogue::{AIMED, Exhibit, Suite, asked_for, exhibit, is_slow};
use crate::defects::flash_sweep;
use crate::defects::pool;
use crate::junit;
use crate::lab::Lab;
use bc66_sim::defect::{Defect, Defects};
use dfota_core::verdict::Rule;
use std::collections::BTreeSet;
use std::path::Path;

/// What came of one defect.
pub(crate) struct Outcome {
    defect: Defect,
    /// The case that failed, its verdict and its rule.
    shown: [String; 3],
    /// What is not as it has to be.
    wrong: Option<String>,
}

#[test]
fn every_defect_fails_by_its_rule() {
    let mut defects: Vec<Defect> = asked_for().filter(|defect| !is_slow(*defect)).collect();
    // The slow ones first: the others fill in beside them.
    defects.sort_by_key(|defect| match exhibit(*defect) {
        Exhibit::Suite(suite) => suite.speed,
        Exhibit::FlashSweep(_) => u32::MAX,
    });
    let mut outcomes = pool::each(&defects, |defect| outcome(*defect));
    outcomes.sort_by_key(|outcome| Defect::ALL.iter().position(|defect| *defect == outcome.defect));
    each_failed_by_its_rule(&outcomes);
}

/// Shows them as a table.
pub(crate) fn each_failed_by_its_rule(outcomes: &[Outcome]) {
    println!("\n{}", table(outcomes));
    let wrong: Vec<&String> = outcomes
        .iter()
        .filter_map(|outcome| outcome.wrong.as_ref())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn table(outcomes: &[Outcome]) -> String {
    let mut text =
        "| defect | what it does | shown by | verdict | rule |\n|---|---|---|---|---|\n".to_owned();
    for Outcome { defect, shown, .. } in outcomes {
        let [by, verdict, rule] = shown;
        let about = defect.about();
        text += &format!(
            "| `{}` | {about} | {by} | {verdict} | `{rule}` |\n",
            defect.name()
        );
    }
    text
}

pub(crate) fn outcome(defect: Defect) -> Outcome {
    let exhibit = exhibit(defect);
    let rule = exhibit.rule();
    let known = Rule::ALL.iter().any(|other| other.id() == rule);
    assert!(known, "{}: no rule `{rule}`", defect.name());
    let (shown, wrong) = match exhibit {
        Exhibit::Suite(suite) => {
            // On a busy machine a cut comes late: where it is aimed at milliseconds, the module is right to pass.
            let aimed = suite.speed <= AIMED;
            let spoilt = |seen: &Seen| seen.wrong.is_some() && (aimed || seen.busy);
            let seen = pool::unspoilt(|| in_suite(defect, &suite), spoilt);
            (seen.shown, seen.wrong)
        }
        Exhibit::FlashSweep(sweep) => {
            let seen = flash_sweep::rules([defect].into_iter().collect(), sweep.cuts);
            let by = match sweep.cuts {
                1 => "a cut at every flash operation",
                _ => "two cuts, over the flash operations of an update and its resume",
            };
            let fair = seen.contains(rule) && seen.iter().all(|rule| sweep.rules.contains(rule));
            let expected = sweep.rules;
            let wrong =
                (!fair).then(|| format!("{}: the sweep saw {seen:?}, expected {expected:?}", defect.name()));
            let verdict = if seen.contains(rule) { "fail" } else { "pass" };
            ([by, verdict, rule].map(str::to_owned), wrong)
        }
    };
    Outcome { defect, shown, wrong }
}

/// What a suite showed.
struct Seen {
    shown: [String; 3],
    wrong: Option<String>,
    /// A cut was missed, or the simulator did not keep up.
    busy: bool,
}

fn in_suite(defect: Defect, suite: &Suite) -> Seen {
    let lab = Lab::new();
    lab.rig(suite.speed, defect.name());
    let cases: String = suite
        .cases
        .iter()
        .map(|(case, _)| format!("  - {case}\n"))
        .collect();
    lab.suite(&format!("{}cases:\n{cases}", suite.head));
    let ran = lab.run(&lab.arguments(&[]));
    let cases = if lab.path("out/junit.xml").exists() {
        junit::cases(&lab.read("out/junit.xml"))
    } else {
        Vec::new()
    };
    let seen: Vec<&str> = cases.iter().map(|case| case.kind.as_str()).collect();
    let expected: Vec<&str> = suite.cases.iter().map(|(_, kind)| *kind).collect();
    let fair = seen == expected && ran.code == Some(1) && !ran.stderr.contains("panicked");
    let wrong = (!fair).then(|| {
        let Some(end) = ran.code else {
            return format!("{}: killed", defect.name());
        };
        format!(
            "{}: ended with {end} and {seen:?}, expected 1 and {expected:?}\n{}{}",
            defect.name(),
            ran.stdout,
            ran.stderr
        )
    });
    let failed = cases.iter().find(|case| !case.kind.is_empty());
    let shown = failed.map_or(["-", "pass", "-"].map(str::to_owned), |case| {
        let (class, rule) = case.kind.split_once('.').unwrap_or(("-", "-"));
        let verdict = match class {
            "product" => "fail",
            "inconclusive" => class,
            _ => "error",
        };
        [case.name.as_str(), verdict, rule].map(str::to_owned)
    });
    let busy = |kind: &&str| kind.starts_with("inconclusive.") || kind.starts_with("rig.");
    Seen {
        shown,
        wrong,
        busy: seen.iter().any(busy),
    }
}

/// The sweeps say nothing against a sound module: that is what makes them evidence against another.
#[test]
fn a_sound_module_passes_the_sweeps() {
    for cuts in [1, 2] {
        let seen = flash_sweep::rules(Defects::default(), cuts);
        assert!(seen.is_empty(), "{cuts} cuts: {seen:?}");
    }
}

/// Nor do the suites: what fails a defect there is the defect.
#[test]
fn a_sound_module_passes_the_suites() {
    let suites: BTreeSet<String> = Defect::ALL
        .into_iter()
        .filter_map(|defect| match exhibit(defect) {
            Exhibit::Suite(suite) => Some(suite.text()),
            Exhibit::FlashSweep(_) => None,
        })
        .collect();
    let suites: Vec<String> = suites.into_iter().collect();
    let alarms = pool::each(&suites, |suite| {
        let run = || {
            let lab = Lab::new();
            lab.rig(100, "");
            lab.suite(suite);
            lab.run(&lab.arguments(&[]))
        };
        let ran = pool::unspoilt(run, |ran| ran.code == Some(3));
        (ran.code != Some(0)).then(|| format!("{suite}\n{}{}", ran.stdout, ran.stderr))
    });
    let alarms: Vec<String> = alarms.into_iter().flatten().collect();
    assert!(alarms.is_empty(), "{}", alarms.join("\n"));
}

/// The table of docs/defects.md has a row for each defect, in order, and tells its rule.
#[test]
fn the_page_tells_the_same() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/defects.md");
    let page = std::fs::read_to_string(page).expect("docs/defects.md");
    let table = page.split("| defect | rule |\n|---|---|\n").nth(1);
    let rows: Vec<&str> = table
        .expect("the table of defects")
        .lines()
        .take_while(|line| line.starts_with('|'))
        .collect();
    let expected: Vec<String> = Defect::ALL
        .iter()
        .map(|defect| format!("| `{}` | `{}` |", defect.name(), exhibit(*defect).rule()))
        .collect();
    assert_eq!(rows, expected);
}
