//! `history`: runs, pass rate, flake rate and percentiles by case, from the run store.

use crate::cli::{Common, Failed, complain, print};
use crate::history::entry::Kept;
use crate::history::figures::{Figures, by_case};
use crate::history::store::{Wanted, rebuild};
use crate::history::{Entry, Store, candidates};
use crate::journal::is_run;
use crate::plan::filter::Filter;
use crate::report::Run;
use crate::state::StateFlag;
use dfota_core::measure::Measure;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Show what the runs have come to, by case: pass rate, flake rate, percentiles
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only cases that match, with every percentile and each run; a filter as `run` takes it
    #[arg(value_name = "CASE")]
    case: Option<Filter>,
    /// Only so many of the latest runs of each rig
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    last: u32,
    /// Only runs on the rig of this name
    #[arg(long, value_name = "NAME")]
    rig: Option<String>,
    /// Make the store again from these run folders, or folders of run folders [default: reports]
    #[arg(long, value_name = "DIR", num_args = 0.., conflicts_with_all = ["case", "rig"])]
    rebuild: Option<Vec<PathBuf>>,
    /// Show JSON in place of lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: StoreArgs,
}

/// Which store.
#[derive(Debug, clap::Args)]
pub struct StoreArgs {
    /// The store [default: history.sqlite in --state-dir, else in `reports`, else in the state folder]
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    #[command(flatten)]
    state: StateFlag,
}

impl StoreArgs {
    /// The store that is meant; says so when another one is there as well.
    pub fn path(&self) -> Result<PathBuf, Failed> {
        if let Some(path) = &self.store {
            return Ok(path.clone());
        }
        let stores = candidates(&self.state)?;
        if let [first, other] = &stores[..]
            && other.exists()
        {
            complain(format_args!(
                "note: this is `{}`; runs with `--out` elsewhere are in `{}` (`--store`)",
                first.display(),
                other.display()
            ));
        }
        Ok(stores[0].clone())
    }
}

/// Shows it; 2 where there is nothing to show.
pub fn main(args: &Args, _common: Common) -> Result<u8, Failed> {
    let path = args.place.path()?;
    if let Some(folders) = &args.rebuild {
        return rebuilt(&path, folders);
    }
    let rigs = rigs(&Store::read(&path).map_err(Failed::usage)?, args)?;
    let text = match args.json {
        true => {
            let rigs: Vec<Value> = rigs.iter().map(|(rig, runs)| rig_json(rig, runs, args)).collect();
            let value = json!({ "store": path.display().to_string(), "rigs": rigs });
            format!("{value:#}\n")
        }
        false => rigs.iter().map(|(rig, runs)| rig_text(rig, runs, args)).collect(),
    };
    print(&text);
    Ok(0)
}

/// A rig as the history tells it from others: name, module type, simulated.
type RigKey = (String, String, bool);

/// The runs by rig, with the cases alone that are asked for: what a simulator did says nothing about a bench.
fn rigs(store: &Store, args: &Args) -> Result<BTreeMap<RigKey, Vec<Entry>>, Failed> {
    let wanted = Wanted {
        rig: args.rig.as_deref(),
        ..Wanted::default()
    };
    let mut rigs: BTreeMap<RigKey, Vec<Entry>> = BTreeMap::new();
    for run in store.runs(&wanted).map_err(Failed::ours)? {
        let key = (run.rig.clone(), run.module.clone(), run.simulated);
        rigs.entry(key).or_default().push(run);
    }
    for runs in rigs.values_mut() {
        if let Some(filter) = &args.case {
            let takes = |kept: &Kept| filter.takes(&kept.suite, &kept.case, None);
            runs.iter_mut().for_each(|run| run.results.retain(takes));
            runs.retain(|run| !run.results.is_empty());
        }
        runs.drain(..runs.len().saturating_sub(args.last as usize));
    }
    rigs.retain(|_, runs| !runs.is_empty());
    if rigs.is_empty() {
        let what = match (&args.case, &args.rig) {
            (Some(case), _) => format!("no case that `{case}` matches"),
            (None, Some(rig)) => format!("no run on the rig `{rig}`"),
            (None, None) => "no run".to_owned(),
        };
        return Err(Failed::usage(format!(
            "the history has {what}: `dfota-hil history` shows what it has"
        )));
    }
    Ok(rigs)
}

fn rig_json((rig, module, simulated): &RigKey, runs: &[Entry], args: &Args) -> Value {
    let cases = by_case(runs).into_iter().map(|((suite, id), kept)| {
        let mut value = serde_json::to_value(Figures::of(kept.iter().copied())).unwrap_or_default();
        value["suite"] = json!(suite);
        value["id"] = json!(id);
        if args.case.is_some() {
            value["by_run"] = runs.iter().flat_map(|run| one_run(run, suite, id)).collect();
        }
        value
    });
    let all = runs.iter().flat_map(|run| &run.results);
    json!({
        "rig": rig,
        "module": module,
        "simulated": simulated,
        "runs": runs.iter().map(run_json).collect::<Vec<_>>(),
        "figures": Figures::of(all),
        "cases": cases.collect::<Vec<_>>(),
    })
}

fn run_json(run: &Entry) -> Value {
    let figures = Figures::of(&run.results);
    json!({
        "run": run.run,
        "utc": run.utc,
        "folder": run.folder,
        "tool": run.tool,
        "exit": run.exit,
        "seconds": run.seconds,
        "passed": figures.passed,
        "flaky": figures.flaky,
        "failed": figures.failed,
        "other": figures.other,
        "not_run": figures.not_run,
    })
}

fn one_run<'r>(run: &'r Entry, suite: &'r str, id: &'r str) -> impl Iterator<Item = Value> + 'r {
    let mine = run
        .results
        .iter()
        .filter(move |kept| kept.suite == suite && kept.case == id);
    mine.map(|kept| {
        let measures: Vec<Value> = kept
            .measures
            .iter()
            .map(|(measure, value)| json!({ "name": measure.name(), "value": value, "unit": measure.unit().name() }))
            .collect();
        json!({
            "run": run.run, "utc": run.utc, "verdict": kept.verdict, "rule": kept.rule, "outcome": kept.outcome,
            "tries": kept.tries, "from": kept.source, "to": kept.target, "measures": measures,
        })
    })
}

fn rig_text((rig, module, simulated): &RigKey, runs: &[Entry], args: &Args) -> String {
    let mut text = String::new();
    let simulated = if *simulated { " (SIMULATED)" } else { "" };
    let dates = |run: Option<&Entry>| run.map_or(String::new(), |run| run.utc.chars().take(16).collect());
    let _ = writeln!(
        text,
        "rig {rig}, {module}{simulated}: {} from {} to {}",
        plural(runs.len(), "run"),
        dates(runs.first()),
        dates(runs.last())
    );
    match args.case {
        Some(_) => cases_in_full(&mut text, runs),
        None => cases_in_a_line(&mut text, runs),
    }
    text
}

/// A line for each case.
fn cases_in_a_line(text: &mut String, runs: &[Entry]) {
    let _ = writeln!(text, " run    pass   flaky  resume p50      p90      p99  case");
    for ((suite, id), kept) in by_case(runs) {
        let figures = Figures::of(kept);
        let resume = match figures.measure(Measure::TimeToResume) {
            None => format!("{:>11} {:>8} {:>8}", "-", "-", "-"),
            Some(spread) => format!(
                "{:>11} {:>8} {:>8}",
                seconds(spread.p50),
                seconds(spread.p90),
                seconds(spread.p99)
            ),
        };
        let _ = writeln!(
            text,
            "{:>4} {:>7} {:>7} {resume}  {suite}::{id}",
            figures.runs,
            percent(figures.pass_rate),
            percent(figures.flake_rate)
        );
    }
}

/// Everything about each case.
fn cases_in_full(text: &mut String, runs: &[Entry]) {
    for ((suite, id), kept) in by_case(runs) {
        let figures = Figures::of(kept);
        let _ = writeln!(
            text,
            "{suite}::{id}\n  run {}: passed {} ({}), flaky {} ({}), failed {}, errors and inconclusive {}; not run {}",
            figures.runs,
            figures.passed,
            percent(figures.pass_rate),
            figures.flaky,
            percent(figures.flake_rate),
            figures.failed,
            figures.other,
            figures.not_run
        );
        for (name, measured) in &figures.measures {
            let spread = measured.spread;
            let _ = writeln!(
                text,
                "  {name:<15} p50 {}, p90 {}, p99 {}, max {} {} of {}",
                spread.p50,
                spread.p90,
                spread.p99,
                spread.max,
                measured.unit,
                plural(spread.count as usize, "value")
            );
        }
        for run in runs.iter().rev() {
            for kept in run
                .results
                .iter()
                .filter(|kept| kept.suite == suite && kept.case == id)
            {
                let flaky = if kept.is_flaky() { ", flaky" } else { "" };
                let rule = kept
                    .rule
                    .as_ref()
                    .map_or(String::new(), |rule| format!(" {rule}"));
                let _ = writeln!(
                    text,
                    "  {} {:<12}{rule}{flaky}  {} -> {}  {}",
                    &run.utc.get(..16).unwrap_or(&run.utc),
                    kept.verdict,
                    kept.source,
                    kept.target,
                    run.run
                );
            }
        }
    }
}

/// A time in milliseconds as seconds.
fn seconds(ms: f64) -> String {
    format!("{:.2}s", ms / 1e3)
}

/// A share, or that there is none.
pub fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1}%", 100.0 * share))
}

/// A count of something.
pub fn plural(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

fn rebuilt(path: &Path, folders: &[PathBuf]) -> Result<u8, Failed> {
    let default = [PathBuf::from("reports")];
    let folders = if folders.is_empty() { &default[..] } else { folders };
    let mut entries = Vec::new();
    let mut left_out = 0;
    for folder in folders {
        for run in run_folders(folder)? {
            match entry(&run) {
                Ok(Some(entry)) => entries.push(entry),
                // A search, or a cut by hand.
                Ok(None) => left_out += 1,
                Err(why) => {
                    left_out += 1;
                    complain(format_args!("note: {}; it is left out", why.message));
                }
            }
        }
    }
    if entries.is_empty() {
        let names: Vec<String> = folders
            .iter()
            .map(|folder| format!("`{}`", folder.display()))
            .collect();
        return Err(Failed::usage(format!(
            "no run was found in {}: nothing was changed; expected run folders, or folders that hold them",
            names.join(", ")
        )));
    }
    rebuild(path, &entries).map_err(Failed::ours)?;
    print(&format!(
        "{}: {} kept, {left_out} left out\n",
        path.display(),
        plural(entries.len(), "run")
    ));
    Ok(0)
}

/// What the history keeps of a run folder.
pub fn entry(folder: &Path) -> Result<Option<Entry>, Failed> {
    let records = crate::journal::read(folder, false).map_err(Failed::usage)?;
    let run = Run::new(&records).map_err(|why| Failed::usage(format!("`{}`: {why}", folder.display())))?;
    Ok(Entry::of(&run))
}

/// The folder itself, if it is of a run, else those of runs directly in it, by name.
fn run_folders(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    if is_run(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let entries = std::fs::read_dir(folder)
        .map_err(|why| Failed::usage(format!("`{}` could not be read: {why}", folder.display())))?;
    let mut runs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    runs.retain(|path| is_run(path));
    runs.sort();
    Ok(runs)
}
