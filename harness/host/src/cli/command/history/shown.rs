//! The history on a terminal: a screen of it, or everything about some cases.

use super::{Rigs, percent};
use crate::terminal::paint::{DIM, GREEN, Paint, RED, YELLOW};
use dfota_core::measure::Measure;
use dfota_record::count::count_of;
use dfota_record::history::HistoryRun;
use dfota_record::history::figures::{Figures, by_place};
use dfota_record::history::rows::{Row, rows};
use dfota_record::history::run::{HistoryCase, RigIdentity};
use std::fmt::Write;
use std::io::stdout;

/// Lines of a screen that does not say how many it has, or of none.
const SCREEN: usize = 24;
/// Lines of a rig beside its cases: who it is, and how many more there are.
const AROUND: usize = 2;
/// What the marks mean.
const LEGEND: &str = "✓ passed  ~ passed at a later try  ✗ failed  ! error  ? inconclusive  · not run\n";
/// The width of the marks at least: that of their heading.
const MARKS: usize = 12;

/// A line for each case and campaign of each rig: those that fail first, as many as there is room for.
pub(super) fn table(rigs: &Rigs, all: bool, paint: Paint) -> String {
    let mut shown: Vec<(&RigIdentity, &Vec<HistoryRun>, Vec<Row<'_>>)> = rigs
        .iter()
        .map(|(rig, runs)| (rig, runs, rows(runs, !all)))
        .collect();
    // The rig that ran last comes first.
    let last = |runs: &Vec<HistoryRun>| runs.last().map(|run| run.utc.clone());
    shown.sort_by_key(|(_, runs, _)| std::cmp::Reverse(last(runs)));
    let mut room = if all { usize::MAX } else { lines() };
    // The prompt, the heading, and the two lines of the end.
    room = room.saturating_sub(4);
    let most = (room / (AROUND + 1)).max(1);
    let rest = shown.split_off(shown.len().min(most));
    // What is told of rigs and modules takes lines as well.
    let told: usize = shown
        .iter()
        .map(|(_, runs, _)| places(runs).lines().count())
        .sum();
    room = room.saturating_sub(told);
    let shares = shares(
        &shown.iter().map(|(.., rows)| rows.len()).collect::<Vec<_>>(),
        room,
    );
    let width = shown.iter().map(|(_, runs, _)| runs.len()).max();
    let width = width.unwrap_or_default().max(MARKS);
    let mut text = String::new();
    for (n, ((rig, runs, rows), share)) in shown.iter().zip(shares).enumerate() {
        head(&mut text, rig, runs);
        text += &places(runs);
        if n == 0 {
            let heading = format!(
                " {:<width$}   pass  flaky  resume p50      p90  trend   case\n",
                "last results"
            );
            text += &heading;
        }
        for row in &rows[..share] {
            text += &line(row, width, paint);
        }
        let left = &rows[share..];
        if !left.is_empty() {
            let sound = left.iter().all(|row| row.figures.passed == row.figures.runs);
            let sound = if sound { ", which always passed" } else { "" };
            let _ = writeln!(
                text,
                " and {} more{sound}: `--all`, or name one",
                count_of(left.len(), "case")
            );
        }
    }
    if !rest.is_empty() {
        let names: Vec<&str> = rest.iter().map(|(rig, ..)| rig.name.as_str()).take(3).collect();
        let _ = writeln!(
            text,
            "and {} more, such as {}: `--rig NAME`",
            count_of(rest.len(), "rig"),
            names.join(", ")
        );
    }
    text + LEGEND
}

/// The lines of this terminal.
fn lines() -> usize {
    let size = rustix::termios::tcgetwinsize(stdout()).ok();
    let rows = size.map(|size| usize::from(size.ws_row));
    rows.filter(|rows| *rows > 0).unwrap_or(SCREEN)
}

/// How many of its cases each rig may show: what small ones do not need is there for the others.
fn shares(cases: &[usize], room: usize) -> Vec<usize> {
    let mut by_size: Vec<usize> = (0..cases.len()).collect();
    by_size.sort_by_key(|n| cases[*n]);
    let (mut room, mut rigs) = (room, cases.len());
    let mut shares = vec![0; cases.len()];
    for n in by_size {
        let share = (room / rigs).saturating_sub(AROUND).max(1).min(cases[n]);
        (shares[n], room, rigs) = (share, room.saturating_sub(share + AROUND), rigs - 1);
    }
    shares
}

/// When a run began, to the minute.
fn minute(run: &HistoryRun) -> &str {
    run.utc.get(..16).unwrap_or(&run.utc)
}

fn head(text: &mut String, rig: &RigIdentity, runs: &[HistoryRun]) {
    let simulated = if rig.simulated { " (SIMULATED)" } else { "" };
    let _ = writeln!(
        text,
        "rig {}, {}{simulated}: {} from {} to {}",
        rig.name,
        rig.module,
        count_of(runs.len(), "run"),
        runs.first().map_or("", minute),
        runs.last().map_or("", minute)
    );
}

/// The pass rate by rig and by module, where the runs were on several.
fn places(runs: &[HistoryRun]) -> String {
    let kinds = [
        ("rig", by_place(runs, |on| on.rig.as_ref())),
        ("module", by_place(runs, |on| on.imei.as_ref())),
    ];
    let mut text = String::new();
    for (what, places) in kinds {
        let shown: Vec<String> = places
            .iter()
            .map(|(name, figures)| {
                let (rate, run) = (percent(figures.pass_rate), figures.runs);
                format!("{name} {rate} of {run}")
            })
            .collect();
        if !shown.is_empty() {
            let _ = writeln!(text, " passed by {what}: {}", shown.join(", "));
        }
    }
    text
}

fn line(row: &Row<'_>, width: usize, paint: Paint) -> String {
    let marks: String = row.letters().chars().map(|letter| mark(letter, paint)).collect();
    let fill = " ".repeat(width.saturating_sub(row.by_run.len()));
    let times = row.figures.measure(Measure::TimeToResume);
    let [p50, p90] = match times {
        None => ["-", "-"].map(String::from),
        Some(times) => [times.p50, times.p90].map(|ms| format!("{:.2}s", ms / 1e3)),
    };
    let cases = match row.parts {
        0 => String::new(),
        parts => format!("  ({parts} cases)"),
    };
    format!(
        " {marks}{fill} {:>6} {:>6} {p50:>11} {p90:>8}  {:<6}  {}::{}{cases}\n",
        percent(row.figures.pass_rate),
        percent(row.figures.flake_rate),
        row.trend(),
        row.suite,
        row.id
    )
}

/// A verdict as a mark.
fn mark(letter: char, paint: Paint) -> String {
    let (colour, mark) = match letter {
        'P' => (GREEN, "✓"),
        'L' => (YELLOW, "~"),
        'F' => (RED, "✗"),
        'E' => (YELLOW, "!"),
        'I' => (YELLOW, "?"),
        _ => (DIM, "·"),
    };
    paint.styled(colour, mark)
}

/// Everything about each case; of a campaign, the result of each run.
pub(super) fn in_full(rigs: &Rigs, all: bool) -> String {
    let mut text = String::new();
    for (rig, runs) in rigs {
        head(&mut text, rig, runs);
        text += &places(runs);
        for row in rows(runs, !all) {
            case(&mut text, &row, runs);
        }
    }
    text
}

fn case(text: &mut String, row: &Row<'_>, runs: &[HistoryRun]) {
    let figures = &row.figures;
    let _ = writeln!(
        text,
        "{}::{}\n  run {}: passed {} ({}), flaky {} ({}), failed {}, errors and inconclusive {}; not run {}; trend: {}",
        row.suite,
        row.id,
        figures.runs,
        figures.passed,
        percent(figures.pass_rate),
        figures.flaky,
        percent(figures.flake_rate),
        figures.failed,
        figures.other,
        figures.not_run,
        row.trend()
    );
    for (name, measured) in &figures.measures {
        let percentiles = measured.percentiles;
        let _ = writeln!(
            text,
            "  {name:<15} p50 {}, p90 {}, p99 {}, max {} {} of {}",
            percentiles.p50,
            percentiles.p90,
            percentiles.p99,
            percentiles.max,
            measured.unit,
            count_of(percentiles.count as usize, "value")
        );
    }
    for (run, kept) in runs.iter().zip(&row.by_run).rev() {
        if row.parts > 0 && !kept.is_empty() {
            campaign(text, run, kept);
        } else {
            kept.iter().for_each(|kept| one(text, run, kept));
        }
    }
}

/// The result of a campaign in a run, and its cases that did not pass.
fn campaign(text: &mut String, run: &HistoryRun, kept: &[&HistoryCase]) {
    let figures = Figures::new(kept.iter().copied());
    let _ = writeln!(
        text,
        "  {} {} run: {} passed, {} failed, {} errors and inconclusive; {} not run  {}",
        minute(run),
        count_of(figures.runs as usize, "case"),
        figures.passed,
        figures.failed,
        figures.other,
        figures.not_run,
        run.run
    );
    let bad = kept.iter().filter(|kept| kept.was_run() && !kept.passed());
    for kept in bad {
        let rule = kept.rule.as_deref().unwrap_or_default();
        let _ = writeln!(text, "    {:<12} {rule}  {}", kept.verdict, kept.case);
    }
}

fn one(text: &mut String, run: &HistoryRun, kept: &HistoryCase) {
    let flaky = if kept.is_flaky() { ", flaky" } else { "" };
    let rule = kept
        .rule
        .as_ref()
        .map_or(String::new(), |rule| format!(" {rule}"));
    let _ = writeln!(
        text,
        "  {} {:<12}{rule}{flaky}  {} -> {}  {}",
        minute(run),
        kept.verdict,
        kept.source,
        kept.target,
        run.run
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::all_fits(&[3, 4], 20, &[3, 4])]
    #[case::one_is_cut_short(&[30], 20, &[18])]
    #[case::the_small_one_leaves_room(&[30, 2], 20, &[14, 2])]
    #[case::each_has_one(&[30, 30, 30], 2, &[1, 1, 1])]
    #[case::none(&[], 20, &[])]
    fn room_is_shared(#[case] cases: &[usize], #[case] room: usize, #[case] expected: &[usize]) {
        assert_eq!(shares(cases, room), expected);
    }
}
