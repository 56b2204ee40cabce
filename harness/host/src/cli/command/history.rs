//! `history`: runs, pass rate, flake rate and percentiles by case, from the run store.

mod shown;

use crate::cli::Common;
use crate::exit::{CommandError, ExitCode};
use crate::plan::filter::Filter;
use crate::state::StateFlag;
use crate::state::history_place::candidates;
use crate::terminal::paint::Paint;
use crate::terminal::{print, print_warning};
use dfota_record::case_name::CaseName;
use dfota_record::count::count_of;
use dfota_record::history::figures::{Figures, by_case, by_place};
use dfota_record::history::rows::{Row, rows};
use dfota_record::history::run::{HistoryCase, RigIdentity};
use dfota_record::history::store::{RunQuery, rebuild};
use dfota_record::history::{HistoryRun, HistoryStore};
use dfota_record::journal::is_run;
use dfota_record::report::Run;
use dfota_record::shell_word::shell_word;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// Show the results of runs by case: pass rate, flake rate, percentiles
#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    /// A folder of run folders, or one of them, to read in place of the store; and a filter as `run` takes it: only cases that
    /// match, with every percentile and each run
    #[arg(value_name = "RUNS_FOLDER|CASE", num_args = 0..=2)]
    what: Vec<String>,
    /// Show every case and every cut of a campaign; without this flag, one screen
    #[arg(long)]
    all: bool,
    /// Only the latest N runs of each rig
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    last: u32,
    /// Only runs on the rig of this name; of runs on several rigs, only its cases
    #[arg(long, value_name = "NAME")]
    rig: Option<String>,
    /// Make the store again from these run folders, or folders of run folders [default: reports]
    #[arg(long, value_name = "DIR", num_args = 0.., conflicts_with_all = ["what", "rig"])]
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
    /// The command that shows what is in it, as it has to be typed.
    pub fn command(&self) -> String {
        let store = self.store.as_ref().map_or_else(String::new, |store| {
            format!(" --store {}", shell_word(&store.display().to_string()))
        });
        format!("dfota-hil history{store}{}", self.state.words())
    }

    /// The store that is meant; says so when another one is there as well.
    pub fn path(&self) -> Result<PathBuf, CommandError> {
        if let Some(path) = &self.store {
            return Ok(path.clone());
        }
        let stores = candidates(&self.state)?;
        if let [first, other] = &stores[..]
            && other.exists()
        {
            print_warning(format_args!(
                "note: this is `{}`; for runs with `--out` elsewhere: `dfota-hil history --store {}`",
                first.display(),
                shell_word(&other.display().to_string())
            ));
        }
        Ok(stores[0].clone())
    }
}

/// The runs and cases that are to be shown.
struct HistoryQuery {
    folder: Option<PathBuf>,
    case: Option<Filter>,
}

impl HistoryQuery {
    /// Tells folders from filters: what holds a run is a folder.
    fn parse(args: &HistoryArgs) -> Result<Self, CommandError> {
        let (mut folder, mut case) = (None, None);
        for what in &args.what {
            let path = Path::new(what);
            let twice = if run_folders(path).is_ok_and(|runs| !runs.is_empty()) {
                folder.replace(path.to_owned()).is_some()
            } else if what.contains('/') && path.is_dir() {
                return Err(CommandError::usage(format!(
                    "no run was found in `{what}`: expected a run folder, or a folder that holds them"
                )));
            } else {
                case.replace(what.parse().map_err(CommandError::usage)?).is_some()
            };
            if twice {
                return Err(CommandError::usage(format!(
                    "`{what}` is one too many: expected one folder of runs, one filter, or one of each"
                )));
            }
        }
        Ok(Self { folder, case })
    }
}

pub fn main(args: &HistoryArgs, common: Common) -> Result<ExitCode, CommandError> {
    if let Some(folders) = &args.rebuild {
        return rebuilt(&args.place.path()?, folders);
    }
    let query = HistoryQuery::parse(args)?;
    let (place, runs) = match &query.folder {
        Some(folder) => (folder.clone(), of_folder(folder)?),
        None => {
            let path = args.place.path()?;
            let store = HistoryStore::read(&path).map_err(CommandError::usage)?;
            let runs = store.runs(&RunQuery::default()).map_err(CommandError::error)?;
            (path, runs)
        }
    };
    let runs = match &args.rig {
        Some(rig) => runs.into_iter().filter_map(|run| run.on_rig(rig)).collect(),
        None => runs,
    };
    let rigs = rigs(runs, args, &query)?;
    let is_one_case = query.case.is_some();
    print(&if args.json {
        let rigs: Vec<Value> = rigs
            .iter()
            .map(|(rig, runs)| rig_json(rig, runs, is_one_case))
            .collect();
        let value = json!({ "store": place.display().to_string(), "rigs": rigs });
        format!("{value:#}\n")
    } else if is_one_case {
        shown::in_full(&rigs, args.all)
    } else {
        shown::table(&rigs, args.all, Paint::new(common.color))
    });
    Ok(ExitCode::Success)
}

/// The runs in a folder, the oldest first, with a note on each that cannot be read.
fn of_folder(folder: &Path) -> Result<Vec<HistoryRun>, CommandError> {
    let (mut runs, _) = entries(&run_folders(folder)?);
    runs.sort_by(|one, other| one.utc.cmp(&other.utc));
    Ok(runs)
}

/// The runs of each rig, the oldest first.
type Rigs = BTreeMap<RigIdentity, Vec<HistoryRun>>;

/// The runs by rig, with the selected cases alone. A simulated rig is another one: its results say nothing about a bench.
fn rigs(all: Vec<HistoryRun>, args: &HistoryArgs, query: &HistoryQuery) -> Result<Rigs, CommandError> {
    let mut rigs = Rigs::new();
    for run in all {
        rigs.entry(run.rig.clone()).or_default().push(run);
    }
    for runs in rigs.values_mut() {
        if let Some(filter) = &query.case {
            let takes = |kept: &HistoryCase| filter.takes(&kept.suite, &kept.case, None);
            runs.iter_mut().for_each(|run| run.results.retain(takes));
            runs.retain(|run| !run.results.is_empty());
        }
        runs.drain(..runs.len().saturating_sub(args.last as usize));
    }
    rigs.retain(|_, runs| !runs.is_empty());
    if rigs.is_empty() {
        let what = match (&query.case, &args.rig) {
            (Some(case), _) => format!("no case that `{case}` matches"),
            (None, Some(rig)) => format!("no run on the rig `{rig}`"),
            (None, None) => "no run".to_owned(),
        };
        let command = match &query.folder {
            Some(folder) => format!("dfota-hil history {}", shell_word(&folder.display().to_string())),
            None => args.place.command(),
        };
        return Err(CommandError::usage(format!(
            "the history has {what}: `{command}` lists its runs"
        )));
    }
    Ok(rigs)
}

fn rig_json(rig: &RigIdentity, runs: &[HistoryRun], in_full: bool) -> Value {
    let rows = rows(runs, false);
    let by_name: HashMap<CaseName<'_>, &Row<'_>> = rows
        .iter()
        .map(|row| (CaseName::new(row.suite, &row.id), row))
        .collect();
    let cases = by_case(runs).into_iter().map(|(name, kept)| {
        let mut value = serde_json::to_value(Figures::new(kept.iter().copied())).unwrap_or_default();
        value["suite"] = json!(name.suite);
        value["id"] = json!(name.id);
        // Of one that was never run there is neither.
        let row = by_name.get(&name);
        value["results"] = json!(row.map(|row| row.letters()));
        value["trend"] = json!(row.map(|row| row.trend()));
        if in_full {
            value["by_run"] = runs.iter().flat_map(|run| one_run(run, name)).collect();
        }
        value
    });
    let all = runs.iter().flat_map(|run| &run.results);
    json!({
        "rig": rig.name,
        "module": rig.module,
        "simulated": rig.simulated,
        "runs": runs.iter().map(run_json).collect::<Vec<_>>(),
        "figures": Figures::new(all),
        "by_rig": by_place(runs, |on| on.rig.as_ref()),
        "by_module": by_place(runs, |on| on.imei.as_ref()),
        "cases": cases.collect::<Vec<_>>(),
    })
}

fn run_json(run: &HistoryRun) -> Value {
    let figures = Figures::new(&run.results);
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

fn one_run<'r>(run: &'r HistoryRun, name: CaseName<'r>) -> impl Iterator<Item = Value> + 'r {
    let mine = run.results.iter().filter(move |kept| kept.name() == name);
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

/// A share, or that there is none.
pub fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1}%", 100.0 * share))
}

fn rebuilt(path: &Path, folders: &[PathBuf]) -> Result<ExitCode, CommandError> {
    let default = [PathBuf::from("reports")];
    let folders = if folders.is_empty() { &default[..] } else { folders };
    let mut runs = Vec::new();
    for folder in folders {
        runs.extend(run_folders(folder)?);
    }
    let (entries, left_out) = entries(&runs);
    if entries.is_empty() {
        let names: Vec<String> = folders
            .iter()
            .map(|folder| format!("`{}`", folder.display()))
            .collect();
        return Err(CommandError::usage(format!(
            "no run was found in {}: nothing was changed; expected run folders, or folders that hold them",
            names.join(", ")
        )));
    }
    rebuild(path, &entries).map_err(CommandError::error)?;
    print(&format!(
        "{}: {} kept, {left_out} left out\n",
        path.display(),
        count_of(entries.len(), "run")
    ));
    Ok(ExitCode::Success)
}

/// The entries of run folders, and how many have none, with a note on each that cannot be read.
fn entries(runs: &[PathBuf]) -> (Vec<HistoryRun>, usize) {
    let read = runs.iter().filter_map(|run| {
        entry(run).unwrap_or_else(|why| {
            print_warning(format_args!("note: {}; it is left out", why.message));
            None
        })
    });
    let entries: Vec<HistoryRun> = read.collect();
    // The others are searches, cuts by hand, or cannot be read.
    let left_out = runs.len() - entries.len();
    (entries, left_out)
}

/// What the history keeps of a run folder.
pub fn entry(folder: &Path) -> Result<Option<HistoryRun>, CommandError> {
    let records = dfota_record::journal::read(folder, false).map_err(CommandError::usage)?;
    let run =
        Run::new(&records).map_err(|why| CommandError::usage(format!("`{}`: {why}", folder.display())))?;
    Ok(HistoryRun::from_run(&run))
}

/// The folder itself, if it is of a run, else those of runs directly in it, by name.
fn run_folders(folder: &Path) -> Result<Vec<PathBuf>, CommandError> {
    if is_run(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let entries = std::fs::read_dir(folder)
        .map_err(|why| CommandError::usage(format!("`{}` could not be read: {why}", folder.display())))?;
    let mut runs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    runs.retain(|path| is_run(path));
    runs.sort();
    Ok(runs)
}
