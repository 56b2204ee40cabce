//! `compare`: two runs, or two firmware versions, and what got worse.

use super::history::{StoreArgs, entry, percent};
use crate::exit::{CommandError, ExitCode};
use crate::terminal::{print, print_warning};
use dfota_record::count::count_of;
use dfota_record::history::comparison::{CaseChange, ChangeKind, Comparison};
use dfota_record::history::store::RunQuery;
use dfota_record::history::{HistoryRun, HistoryStore};
use serde_json::json;
use std::fmt::Write;
use std::path::Path;

/// Compare two runs or two firmware versions, and show what got worse
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// A run folder, the name of a run in the history, or a firmware version
    #[arg(value_name = "A")]
    a: String,
    /// The run or version to compare A with: shows what got worse from A to B
    #[arg(value_name = "B")]
    b: String,
    /// Which version of an update a firmware version means
    #[arg(long, value_enum, default_value_t)]
    by: By,
    /// By how much a time may grow, in percent, before it counts as worse
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=1000))]
    slack: u32,
    /// Only runs on the rig of this name, where versions are compared
    #[arg(long, value_name = "NAME")]
    rig: Option<String>,
    /// Exit with 1 if something got worse, and with 3 if nothing can be compared
    #[arg(long)]
    fail_on_worse: bool,
    /// Show JSON in place of lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: StoreArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum By {
    /// The version before the update: it carries the update out
    #[default]
    From,
    /// The version after the update
    To,
}

pub fn main(args: &CompareArgs) -> Result<ExitCode, CommandError> {
    let folders = [&args.a, &args.b].into_iter().all(|what| is_run_folder(what));
    let store = if folders { None } else { Some(args.place.path()?) };
    let a = side(&args.a, args, store.as_deref())?;
    let b = side(&args.b, args, store.as_deref())?;
    let same_rig = |one: &HistoryRun, other: &HistoryRun| {
        one.rig.name == other.rig.name && one.rig.simulated == other.rig.simulated
    };
    if b.iter().any(|run| !a.iter().any(|other| same_rig(run, other))) {
        print_warning("note: the two sides were not run on the same rigs");
    }
    let comparison = Comparison::new(&a, &b, f64::from(args.slack) / 100.0);
    let text = if args.json {
        let value = json!({
            "a": args.a, "b": args.b, "runs": [names(&a), names(&b)], "slack_percent": args.slack,
            "worse": comparison.worse(), "comparison": comparison,
        });
        format!("{value:#}\n")
    } else {
        shown(args, &a, &b, &comparison)
    };
    print(&text);
    Ok(match (args.fail_on_worse, comparison.cases.is_empty()) {
        (true, true) => ExitCode::Error,
        (true, false) if comparison.worse() > 0 => ExitCode::Failed,
        _ => ExitCode::Success,
    })
}

fn is_run_folder(what: &str) -> bool {
    dfota_record::journal::is_run(Path::new(what))
}

fn names(side: &[HistoryRun]) -> Vec<&str> {
    side.iter().map(|run| run.run.as_str()).collect()
}

/// The runs that a side means: a folder, a run of the history, or every run of a version with its cases alone.
fn side(what: &str, args: &CompareArgs, store: Option<&Path>) -> Result<Vec<HistoryRun>, CommandError> {
    let Some(store) = store.filter(|_| !is_run_folder(what)) else {
        let entry = entry(Path::new(what))?;
        return entry.map(|entry| vec![entry]).ok_or_else(|| {
            CommandError::usage(format!(
                "`{what}` is a bisection or was made with `--cut`: its cases differ from the suite's"
            ))
        });
    };
    let store = HistoryStore::read(store)
        .map_err(|why| CommandError::usage(format!("`{what}` is not a run folder, and {why}")))?;
    let named = RunQuery {
        run: Some(what),
        last: Some(1),
        ..RunQuery::default()
    };
    let run = store.runs(&named).map_err(CommandError::error)?;
    if !run.is_empty() {
        return Ok(run);
    }
    let wanted = RunQuery {
        rig: args.rig.as_deref(),
        ..RunQuery::default()
    };
    let mut runs = store.runs(&wanted).map_err(CommandError::error)?;
    for run in &mut runs {
        run.results.retain(|kept| match args.by {
            By::From => kept.source == what,
            By::To => kept.target == what,
        });
    }
    runs.retain(|run| !run.results.is_empty());
    if runs.is_empty() {
        return Err(CommandError::usage(format!(
            "`{what}` is neither a run folder nor a run in the history nor a firmware version in it; `{} --json` names its runs",
            args.place.command()
        )));
    }
    Ok(runs)
}

fn shown(args: &CompareArgs, a: &[HistoryRun], b: &[HistoryRun], comparison: &Comparison) -> String {
    let mut text = String::new();
    for (side, name, runs) in [("A", &args.a, a), ("B", &args.b, b)] {
        let _ = writeln!(text, "{side}: {name}, {}", count_of(runs.len(), "run"));
    }
    for case in comparison
        .cases
        .iter()
        .filter(|case| case.change != ChangeKind::Same)
    {
        let _ = writeln!(text, "{}", case_line(case));
    }
    for measure in &comparison.measures {
        let _ = writeln!(
            text,
            "{:<7} {:<15} p50 {} -> {}, p90 {} -> {} {}",
            word(measure.change),
            measure.name,
            measure.a[0],
            measure.b[0],
            measure.a[1],
            measure.b[1],
            measure.unit
        );
    }
    for (side, only) in [("A", &comparison.only_a), ("B", &comparison.only_b)] {
        if !only.is_empty() {
            let first: Vec<&str> = only.iter().take(3).map(String::as_str).collect();
            let more = if only.len() > 3 { ", …" } else { "" };
            let _ = writeln!(
                text,
                "only in {side}: {} ({}{more})",
                count_of(only.len(), "case"),
                first.join(", ")
            );
        }
    }
    let both = count_of(comparison.cases.len(), "case");
    let _ = match (comparison.cases.len(), comparison.worse()) {
        (0, _) => writeln!(text, "nothing can be compared: no case is in both"),
        (_, 0) => writeln!(text, "{both} in both: nothing got worse"),
        (_, worse) => writeln!(text, "{both} in both: {worse} got worse (cases and measurements)"),
    };
    text
}

fn case_line(case: &CaseChange) -> String {
    let rates = |figures: &dfota_record::history::figures::Figures| {
        let flaky = match figures.flaky {
            0 => String::new(),
            flaky => format!(", {flaky} flaky"),
        };
        format!("{} of {}{flaky}", percent(figures.pass_rate), figures.runs)
    };
    let rules = if case.rules.is_empty() {
        String::new()
    } else {
        format!("  {}", case.rules.join(", "))
    };
    format!(
        "{:<7} {}::{}  passed {} -> {}{rules}",
        word(case.change),
        case.suite,
        case.id,
        rates(&case.a),
        rates(&case.b)
    )
}

const fn word(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Worse => "worse",
        ChangeKind::Better => "better",
        ChangeKind::Same => "same",
    }
}
