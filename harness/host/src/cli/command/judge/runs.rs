//! `judge RUN…`: every verdict of a run again, from its journal alone.

use crate::exit::{CommandError, ExitCode};
use crate::terminal::{print, print_warning};
use dfota_record::journal::{self, merge};
use dfota_record::rejudge::{self, RejudgeError, Rejudged};
use dfota_record::report::anew;
use std::path::{Path, PathBuf};

/// `Failed` where a verdict is not the recorded one, `Usage` where a journal cannot be read or does not hold what its verdicts rest
/// on. Of several runs the highest.
pub(super) fn judge(runs: &[PathBuf], write: bool, json: bool) -> Result<ExitCode, CommandError> {
    let mut exit = ExitCode::Success;
    for run in runs {
        let rejudged = match one(run, write) {
            Ok(rejudged) => rejudged,
            Err(failed) if runs.len() == 1 => return Err(failed),
            Err(failed) => {
                failed.print();
                exit = exit.max(failed.code);
                continue;
            }
        };
        let name = run.display().to_string();
        print(&if json {
            format!("{}\n", rejudged.json(&name))
        } else {
            format!("{name}: {rejudged}\n")
        });
        let differs = rejudged.differing().next().is_some();
        if differs || rejudged.exit.is_some() {
            exit = exit.max(ExitCode::Failed);
        }
        let faults = merge::faults(run).map_err(CommandError::usage)?;
        for fault in &faults {
            print_warning(format_args!("warning: {name}: {fault}"));
        }
        if !faults.is_empty() {
            exit = exit.max(ExitCode::Usage);
        }
    }
    Ok(exit)
}

fn one(run: &Path, write: bool) -> Result<Rejudged, CommandError> {
    let why = |why: RejudgeError| CommandError::usage(format!("`{}`: {why}", run.display()));
    if !write {
        return rejudge::folder(run).map_err(why);
    }
    let records = journal::read(run, false).map_err(|error| why(error.into()))?;
    let rejudged = rejudge::records(&records).map_err(why)?;
    let to = anew::write(run, records, &rejudged).map_err(CommandError::error)?;
    print_warning(format_args!(
        "reports with these verdicts are in `{}`",
        to.display()
    ));
    Ok(rejudged)
}
