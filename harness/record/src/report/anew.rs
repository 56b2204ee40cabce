//! A run's reports with the verdicts that are derived now, beside those that it has.

use crate::rejudge::{Compared, Rejudged};
use crate::report::{self, ReportError, Run};
use dfota_core::event::{Event, Record};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The folder in a run's, in which its reports stand with verdicts that were derived later.
pub const FOLDER: &str = "judged-again";

/// Writes them; gives the folder.
pub fn write(folder: &Path, mut records: Vec<Record>, rejudged: &Rejudged) -> Result<PathBuf, ReportError> {
    let derived: HashMap<u64, &Compared> = rejudged
        .verdicts
        .iter()
        .map(|compared| (compared.seq, compared))
        .collect();
    for record in &mut records {
        let Some(Compared { derived, .. }) = derived.get(&record.seq) else {
            continue;
        };
        match &mut record.event {
            Event::CaseEnded(ended) => {
                ended.verdict = derived.verdict.clone();
                (ended.outcome, ended.evidence) = (derived.outcome, derived.evidence.clone());
            }
            Event::TryEnded(tried) => {
                tried.verdict = derived.verdict.clone();
                (tried.outcome, tried.evidence) = (derived.outcome, derived.evidence.clone());
            }
            _ => {}
        }
    }
    let to = folder.join(FOLDER);
    let run = Run::of_folder(folder, &records)?;
    report::each(&run, &HashSet::new(), None, |name, bytes| {
        crate::run_folder::replace(&to.join(name), bytes)
    })?;
    Ok(to)
}
