//! Every defect against every suite of the repository, up to the first verdict that is no pass: what the suites find as
//! they are. `just defects` prints the table.

use crate::defects::pool;
use crate::junit;
use crate::lab::Lab;
use bc66_sim::defect::Defect;

const SUITES: [&str; 4] = ["smoke", "forced-resume", "refusals", "download-cuts"];
const SPEED: u32 = 200;

/// What no suite of the repository is made for, and finds by luck alone: it shows inside one flash operation, within
/// milliseconds of a line, over a flickering supply, or with a server that cannot continue a download.
const BEYOND: [Defect; 7] = [
    Defect::MarkerClearedEarly,
    Defect::NoBackup,
    Defect::BackupNotVerified,
    Defect::TornBackupTrusted,
    Defect::BricksNearPercent,
    Defect::IgnoresUpdateAfterGlitch,
    Defect::RangeIgnored,
];

/// One suite's end.
struct Found {
    code: Option<i32>,
    /// Type of the first verdict that is no pass.
    kind: String,
    report: String,
}

#[test]
#[ignore = "minutes: `just defects` runs it"]
fn the_suites_find_what_they_are_made_for() {
    let modules: Vec<Option<Defect>> = std::iter::once(None)
        .chain(Defect::ALL.into_iter().map(Some))
        .collect();
    let runs: Vec<(Option<Defect>, &str)> = modules
        .iter()
        .flat_map(|defect| SUITES.map(|suite| (*defect, suite)))
        .collect();
    let found = pool::each(&runs, |(defect, suite)| {
        let busy = |found: &Found| {
            ["inconclusive.", "rig."]
                .iter()
                .any(|class| found.kind.starts_with(class))
        };
        pool::unspoilt(|| run(*defect, suite), busy)
    });
    let rows: Vec<(Option<Defect>, &[Found])> = modules.into_iter().zip(found.chunks(SUITES.len())).collect();
    println!("\n{}", table(&rows));
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(defect, found)| wrong(*defect, found))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run(defect: Option<Defect>, suite: &str) -> Found {
    let lab = Lab::new();
    lab.rig(SPEED, defect.map_or("", Defect::name));
    let file = format!("suites/{suite}.yaml");
    let ran = lab.run(&[
        "run",
        &file,
        "--rig",
        "rig.yaml",
        "--out",
        "out",
        "--seed",
        "7",
        "--fail-fast",
    ]);
    let cases = if lab.path("out/junit.xml").exists() {
        junit::cases(&lab.read("out/junit.xml"))
    } else {
        Vec::new()
    };
    let judged = |kind: &String| kind.contains('.');
    let kind = cases.into_iter().map(|case| case.kind).find(judged);
    Found {
        code: ran.code.filter(|_| !ran.stderr.contains("panicked")),
        kind: kind.unwrap_or_default(),
        report: format!("{}{}", ran.stdout, ran.stderr),
    }
}

fn table(rows: &[(Option<Defect>, &[Found])]) -> String {
    let mut text = format!(
        "| defect | {} |\n|---|{}\n",
        SUITES.join(" | "),
        "---|".repeat(SUITES.len())
    );
    for (defect, found) in rows {
        let name = defect.map_or("none".to_owned(), |defect| format!("`{}`", defect.name()));
        let cells: Vec<String> = found.iter().map(cell).collect();
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    }
    text
}

fn cell(found: &Found) -> String {
    match (found.code, found.kind.split_once('.')) {
        (Some(0), _) => "pass".to_owned(),
        (Some(1), Some((_, rule))) => format!("**fail** `{rule}`"),
        (_, Some((class, rule))) => format!("{class} `{rule}`"),
        (code, None) => format!("{code:?}"),
    }
}

fn wrong(defect: Option<Defect>, found: &[Found]) -> Option<String> {
    let reports = |of: fn(&Found) -> bool| {
        let reports = found.iter().filter(|found| of(found));
        reports.map(|found| found.report.as_str()).collect::<String>()
    };
    let odd = reports(|found| !matches!(found.code, Some(0 | 1 | 3)));
    let name = defect.map_or("the sound module", Defect::name);
    if !odd.is_empty() {
        return Some(format!("{name}: a suite did not end as it should\n{odd}"));
    }
    let caught = found.iter().any(|found| found.code == Some(1));
    match defect {
        None => {
            let alarms = reports(|found| found.code != Some(0));
            (!alarms.is_empty()).then(|| format!("{name}: an alarm\n{alarms}"))
        }
        Some(defect) if !caught && !BEYOND.contains(&defect) => {
            Some(format!("{name}: caught by no suite of the repository"))
        }
        Some(_) => None,
    }
}
