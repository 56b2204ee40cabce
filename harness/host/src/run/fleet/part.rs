//! What there is of a batch, by its journal.

use dfota_core::campaign::{Role, Tallied};
use dfota_core::event::{CaseEnded, Event, Record};
use dfota_core::exit_code::ExitCode;
use dfota_core::outcome::Outcome;
use dfota_core::verdict::{Class, Rule, Verdict};
use dfota_record::journal::reopened::ReopenedJournal;
use dfota_record::journal::{self, ReadError, chain};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A batch's journal, as far as it goes.
#[derive(Debug, Clone, Default)]
pub struct PartRead {
    /// Whole lines.
    pub lines: u64,
    /// SHA-256 of the last one, in hex; nothing where there is none.
    pub head: String,
    /// The verdict of each case that ended.
    pub verdicts: BTreeMap<String, Verdict>,
    /// Its cases, but for those that are left out.
    planned: BTreeSet<String>,
    /// Cases that ended with a brick.
    bricked: BTreeSet<String>,
    /// What its journal says at its end; nothing where it has none.
    end: Option<PartExit>,
    /// Cases that are a cut of a campaign: they are complete when they are tallied.
    cuts: BTreeSet<String>,
    /// Cuts of a campaign that are settled: the next delta has shown what they left.
    settled: BTreeSet<String>,
    /// The case that has begun and not ended.
    present: Option<String>,
    /// Its cut was armed.
    armed: bool,
}

/// How a batch ended, by the last line of its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PartExit {
    has_erred: bool,
    safe: bool,
}

impl PartRead {
    /// Reads the journal in a part's folder; nothing where it has none.
    pub fn from_folder(folder: &Path) -> Result<Self, ReadError> {
        let mut part = Self::default();
        match journal::each(folder, false, |record| part.on(&record)) {
            Ok(()) => {}
            Err(ReadError::Empty { .. }) => return Ok(part),
            Err(ReadError::Io { why, .. }) if why.kind() == std::io::ErrorKind::NotFound => return Ok(part),
            Err(why) => return Err(why),
        }
        if let Ok(Ok(chain)) = chain::follow_file(&folder.join(journal::FILE)) {
            (part.lines, part.head) = (chain.lines, chain.head);
        }
        Ok(part)
    }

    /// The part of this journal.
    pub fn from_journal(journal: &ReopenedJournal) -> Self {
        let mut part = Self {
            lines: journal.lines(),
            head: journal.head().to_owned(),
            ..Self::default()
        };
        journal.records().iter().for_each(|record| part.on(record));
        part
    }

    /// Takes the next record.
    pub fn on(&mut self, record: &Record) {
        match &record.event {
            Event::CasePlanned { case, skip } => {
                if skip.is_none() {
                    self.planned.insert(case.id.clone());
                }
                let role = case.part.as_ref().map(|part| &part.role);
                if matches!(role, Some(Role::Cut(_))) {
                    self.cuts.insert(case.id.clone());
                }
            }
            Event::CaseStarted { id, .. } => {
                self.present = Some(id.clone());
                self.armed = false;
            }
            Event::CutArmed { .. } => self.armed = true,
            Event::CaseEnded(ended) => self.ended(ended),
            Event::Tallied(Tallied {
                case, settled: true, ..
            }) => {
                self.settled.insert(case.clone());
            }
            Event::RunEnded { exit, safe, .. } => {
                self.end = Some(PartExit {
                    has_erred: *exit == ExitCode::Error.code(),
                    safe: *safe,
                });
            }
            _ => {}
        }
    }

    fn ended(&mut self, ended: &CaseEnded) {
        if self.present.as_ref() == Some(&ended.id) {
            self.present = None;
            self.armed = false;
        }
        self.verdicts.insert(ended.id.clone(), ended.verdict.clone());
        // A later case may revise one to a brick, also one that failed: the same one is not counted twice.
        if ended.outcome.is_some_and(Outcome::is_brick) {
            self.bricked.insert(ended.id.clone());
        }
    }

    /// Cases that ended with a brick.
    pub fn bricks(&self) -> u32 {
        u32::try_from(self.bricked.len()).unwrap_or(u32::MAX)
    }

    /// The rig could not be made safe at its end.
    pub fn was_left_unsafe(&self) -> bool {
        self.end.is_some_and(|end| !end.safe)
    }

    /// Every case was run and is well, and the batch is an error all the same: the rig did not pass its check afterwards. What was
    /// measured on it stands, but not without a word.
    pub fn has_failed_afterwards(&self) -> bool {
        let all = self.planned.iter().all(|case| self.verdicts.contains_key(case));
        all && self.has_passed() && self.end.is_some_and(|end| end.has_erred)
    }

    /// The case whose cut was ordered and which has no verdict.
    pub fn open(&self) -> Option<&str> {
        self.present.as_deref().filter(|_| self.armed)
    }

    /// Whether nothing has to be done again of a case: it has a verdict about the module, and a cut is tallied.
    pub fn is_complete(&self, case: &str) -> bool {
        match self.verdicts.get(case) {
            None | Some(Verdict::NotReached) => false,
            Some(Verdict::Fail(_) | Verdict::Skip { .. }) => true,
            Some(Verdict::Error(finding)) => finding.rule.class() != Class::Rig,
            Some(Verdict::Pass) => !self.cuts.contains(case) || self.settled.contains(case),
            Some(Verdict::Inconclusive(finding)) => finding.rule != Rule::Interrupted,
        }
    }

    /// The cases of a batch that have to be run again, or for the first time; with a cut, the control that closes it. A control
    /// that failed is not: another module would pass it, and the failure would be gone.
    pub fn left(&self, cases: &[String]) -> Vec<String> {
        let last = cases.last().filter(|last| {
            !self.cuts.is_empty() && !matches!(self.verdicts.get(*last), Some(Verdict::Fail(_)))
        });
        let open: Vec<&String> = cases.iter().filter(|case| !self.is_complete(case)).collect();
        let again = |case: &&String| open.contains(case) || (!open.is_empty() && last == Some(case));
        cases.iter().filter(again).cloned().collect()
    }

    /// The cases that a rig which was told to stop did not run, or did not prove.
    pub fn not_reached(&self, cases: &[String]) -> Vec<String> {
        let mut left = self.left(cases);
        left.retain(|case| !matches!(self.verdicts.get(case), Some(Verdict::Error(_))));
        left
    }

    /// Whether the rig came to the end of its journal.
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether every case passed or was skipped, and one passed.
    pub fn has_passed(&self) -> bool {
        let good = |verdict: &Verdict| matches!(verdict, Verdict::Pass | Verdict::Skip { .. });
        self.verdicts.values().all(good) && self.verdicts.values().any(|verdict| *verdict == Verdict::Pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(id: &str, verdict: Verdict, outcome: Option<Outcome>) -> CaseEnded {
        CaseEnded {
            id: id.to_owned(),
            suite: "s".to_owned(),
            verdict,
            outcome,
            evidence: Vec::new(),
            tries: 1,
            took_ns: 0,
            summary: String::new(),
            rerun: String::new(),
        }
    }

    fn failed() -> Verdict {
        Verdict::by(Rule::NoResume, "it forgot".to_owned())
    }

    /// A block of two cuts, the first of which is proven, and a control with this verdict.
    fn block(control: Option<Verdict>) -> PartRead {
        let mut part = PartRead {
            cuts: ["cut-1", "cut-2"].map(str::to_owned).into(),
            settled: ["cut-1".to_owned()].into(),
            ..PartRead::default()
        };
        part.ended(&ended("cut-1", Verdict::Pass, None));
        part.ended(&ended("cut-2", Verdict::Pass, None));
        if let Some(verdict) = control {
            part.ended(&ended("control", verdict, None));
        }
        part
    }

    fn left(part: &PartRead) -> Vec<String> {
        part.left(&["cut-1", "cut-2", "control"].map(str::to_owned))
    }

    #[test]
    fn a_cut_that_is_not_proven_is_made_again_with_its_control() {
        assert_eq!(left(&block(None)), ["cut-2", "control"]);
        assert_eq!(left(&block(Some(Verdict::Pass))), ["cut-2", "control"]);
    }

    #[test]
    fn a_control_that_failed_is_not_run_again() {
        assert_eq!(left(&block(Some(failed()))), ["cut-2"]);
    }

    #[test]
    fn a_failure_that_turns_out_to_be_a_brick_counts_once() {
        let mut part = PartRead::default();
        part.ended(&ended("a", failed(), None));
        assert_eq!(part.bricks(), 0);
        part.ended(&ended("a", failed(), Some(Outcome::SilentCorruption)));
        part.ended(&ended("a", failed(), Some(Outcome::SilentCorruption)));
        assert_eq!(part.bricks(), 1);
    }
}
