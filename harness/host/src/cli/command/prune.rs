//! `prune`: old runs go, by the rules that are asked for or by those of this machine.

use crate::config::machine_config::{MachineConfig, PLACE};
use crate::exit::{CommandError, ExitCode};
use crate::terminal::{print, print_warning};
use dfota_record::count::count_of;
use dfota_record::evidence::pack;
use dfota_record::retention::{Fate, FoundRun, Rules, fates, find};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Where run folders are, unless something else is said.
const REPORTS: &str = "reports";

/// Remove old runs by the given rules, never signed or pinned ones
///
/// A run is removed only if every rule allows it: with `--keep 30 --older-than 90d`, only runs that are older than 90 days and
/// not among the newest 30 of their rig. Without a rule, the rules in `reports` of this machine's configuration apply. A file
/// `pinned` in a run folder keeps it (`touch RUN/pinned`). Exit code 0: done; 2: no rule, or no such folder; 3: something could
/// not be removed.
#[derive(Debug, clap::Args)]
pub struct PruneArgs {
    /// The folder of the run folders [default: `reports`; with the rules of the configuration, the folder that it names]
    #[arg(value_name = "RUNS_FOLDER")]
    folder: Option<PathBuf>,
    /// Keep the newest N runs of each rig
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
    /// Remove only runs older than this, for example `90d`
    #[arg(long, value_name = "T", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Keep runs in which a case failed
    #[arg(long)]
    keep_failed: bool,
    /// Also pack the remaining runs, except the newest of each rig: journal and transcripts are then only in the bundle,
    /// compressed
    #[arg(long)]
    pack: bool,
    /// Show what would be removed and how much that frees, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// The machine's configuration, read if no flag gives a rule
    #[arg(long, value_name = "FILE", default_value = PLACE)]
    config: PathBuf,
    /// Show JSON in place of lines
    #[arg(long)]
    json: bool,
}

/// What was done with a run, or would be.
struct Done<'f> {
    run: &'f FoundRun,
    fate: Fate,
    /// Bytes that it frees.
    frees: u64,
    failed: Option<String>,
}

pub fn main(args: &PruneArgs) -> Result<ExitCode, CommandError> {
    let (folder, rules) = folder_and_rules(args)?;
    let (found, left) = find(&folder).map_err(|why| {
        CommandError::usage(format!(
            "`{}` could not be read: {why}; expected a folder of run folders",
            folder.display()
        ))
    })?;
    let fates = fates(&found, &rules, SystemTime::now());
    let done: Vec<Done<'_>> = found
        .iter()
        .zip(fates)
        .map(|(run, fate)| one(run, fate, args.dry_run))
        .collect();
    left.iter().for_each(print_warning);
    print(&if args.json {
        as_json(&done, &left, args.dry_run)
    } else {
        as_text(&done, args.dry_run)
    });
    let mut exit = ExitCode::Success;
    for done in &done {
        if let Some(why) = &done.failed {
            print_warning(format_args!("error: `{}`: {why}", done.run.folder.display()));
            exit = ExitCode::Error;
        }
    }
    Ok(exit)
}

/// The folder and the rules: the flags', else the machine's.
fn folder_and_rules(args: &PruneArgs) -> Result<(PathBuf, Rules), CommandError> {
    let given = Rules {
        keep: args.keep,
        older_than: args.older_than,
        keep_failed: args.keep_failed,
        pack: args.pack,
    };
    let has_rule = |rules: &Rules| rules.keep.is_some() || rules.older_than.is_some() || rules.pack;
    let config = if has_rule(&given) || !(args.config.exists() || args.config != Path::new(PLACE)) {
        MachineConfig::default()
    } else {
        MachineConfig::load(&args.config).map_err(|error| super::shown(&[error]))?
    };
    let rules = if has_rule(&given) {
        given
    } else {
        Rules {
            keep_failed: given.keep_failed || config.rules.keep_failed,
            ..config.rules
        }
    };
    if !has_rule(&rules) {
        return Err(CommandError::usage(format!(
            "no rule says which runs stay: give `--keep N`, `--older-than T` or `--pack`, or write `reports: {{keep: 30, keep-failed: true}}` into `{}`",
            args.config.display()
        )));
    }
    let folder = args.folder.clone().or(config.folder);
    Ok((folder.unwrap_or_else(|| PathBuf::from(REPORTS)), rules))
}

/// Removes or packs a run; with `dry`, only finds out what that would free.
fn one(run: &FoundRun, fate: Fate, dry: bool) -> Done<'_> {
    let mut frees = 0;
    let done = match fate {
        Fate::Stays => Ok(()),
        Fate::Removed => {
            frees = run.size;
            if dry {
                Ok(())
            } else {
                run.remove().map_err(|why| format!("could not be removed: {why}"))
            }
        }
        Fate::Packed => pack::plan(&run.folder)
            .and_then(|paths| {
                let sizes = paths.iter().flat_map(|path| dfota_record::retention::size(path));
                frees = sizes.sum();
                if dry || paths.is_empty() {
                    Ok(())
                } else {
                    run.pack()
                }
            })
            .map_err(|why| format!("was not packed: {why}")),
    };
    let failed = done.err();
    Done {
        run,
        fate: if fate == Fate::Packed && frees == 0 {
            Fate::Stays
        } else {
            fate
        },
        frees: if failed.is_some() { 0 } else { frees },
        failed,
    }
}

fn as_text(done: &[Done<'_>], dry: bool) -> String {
    let mut text = String::new();
    // The oldest first, as they would go.
    for done in done.iter().rev().filter(|done| done.failed.is_none()) {
        let word = match (done.fate, dry) {
            (Fate::Stays, _) => continue,
            (Fate::Removed, true) => "would remove",
            (Fate::Removed, false) => "removed",
            (Fate::Packed, true) => "would pack",
            (Fate::Packed, false) => "packed",
        };
        let failed = if done.run.failed { "  failed" } else { "" };
        text += &format!(
            "{word:<12} {:>10}  {}{failed}\n",
            bytes(done.frees),
            done.run.folder.display()
        );
    }
    let count = |fate| {
        done.iter()
            .filter(|done| done.fate == fate && done.failed.is_none())
            .count()
    };
    let (removed, packed) = (count(Fate::Removed), count(Fate::Packed));
    let frees: u64 = done.iter().map(|done| done.frees).sum();
    let stays = done
        .iter()
        .filter(|done| done.fate != Fate::Removed || done.failed.is_some());
    let (mut kept, mut why) = (0, std::collections::BTreeMap::<&str, usize>::new());
    for done in stays {
        kept += 1;
        if let Some(spared) = done.run.spared {
            *why.entry(spared.words()).or_default() += 1;
        }
    }
    let why: String = why
        .iter()
        .map(|(why, count)| format!(", {count} {why}"))
        .collect();
    let [would, frees_word] = if dry {
        ["would be ", "would free"]
    } else {
        ["", "freed"]
    };
    let packed = match packed {
        0 => String::new(),
        packed => format!(", {packed} {would}packed"),
    };
    text + &format!(
        "{removed} of {} {would}removed{packed}: {frees_word} {}; {kept} stay{why}\n",
        count_of(done.len(), "run"),
        bytes(frees)
    )
}

fn as_json(done: &[Done<'_>], left: &[String], dry: bool) -> String {
    let runs = done.iter().map(|done| {
        json!({
            "folder": done.run.folder.display().to_string(),
            "rig": done.run.rig,
            "failed": done.run.failed,
            "bytes": done.run.size,
            "fate": match (done.fate, &done.failed) {
                (_, Some(_)) | (Fate::Stays, _) => "stays",
                (Fate::Packed, _) => "packed",
                (Fate::Removed, _) => "removed",
            },
            "frees": done.frees,
            "spared": done.run.spared.map(|spared| spared.words()),
            "error": done.failed,
        })
    });
    let value = json!({
        "dry_run": dry,
        "frees": done.iter().map(|done| done.frees).sum::<u64>(),
        "runs": runs.collect::<Vec<Value>>(),
        "left_alone": left,
    });
    format!("{value:#}\n")
}

/// Bytes as people read them.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
