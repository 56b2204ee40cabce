//! Reads the journal of one batch: verdicts, bricks, and cases that have to be run again.

use dfota_core::campaign::{Role, Tallied};
use dfota_core::event::watched::Watched;
use dfota_core::event::{CaseEnded, Event, Record, TryEnded};
use dfota_core::exit_code::ExitCode;
use dfota_core::outcome::Outcome;
use dfota_core::verdict::{Class, Rule, Verdict};
use dfota_core::version::Version;
use dfota_record::journal::prefix::{self, JournalPrefix};
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
    present: Option<PresentCase>,
    /// The case that bricked the module, since when nothing has restored it.
    unrestored: Option<String>,
    /// An update or a cut was ordered, and since then nothing says what the module is.
    is_unheard: bool,
    /// The version that the update leads to which closes the batch.
    closing: Option<Version>,
    /// Why its journal cannot be read any further, if that is not its end.
    unread: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct PresentCase {
    id: String,
    /// Its cut was armed.
    is_armed: bool,
}

/// How a batch ended, by the last line of its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PartExit {
    has_erred: bool,
    safe: bool,
}

impl PartRead {
    /// Reads the journal in a part's folder, as far as it goes; nothing where it has none.
    pub fn from_folder(folder: &Path) -> Self {
        let mut part = Self::default();
        let prefix = prefix::each(folder, false, |record| part.on(&record));
        part.reached(prefix);
        part
    }

    /// The same, and tells each of its records.
    pub fn from_folder_with(folder: &Path, mut tell: impl FnMut(&Record)) -> Self {
        let mut part = Self::default();
        let prefix = prefix::each(folder, true, |record| {
            part.on(&record);
            tell(&record);
        });
        part.reached(prefix);
        part
    }

    fn reached(&mut self, prefix: JournalPrefix) {
        if prefix.lines > 0 {
            (self.lines, self.head) = (prefix.lines, prefix.head);
        }
        self.unread = prefix.broken;
    }

    /// Why its journal cannot be read any further, if that is not its end: what the rig did then is not known.
    pub fn unread(&self) -> Option<&str> {
        self.unread.as_deref()
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
                self.present = Some(PresentCase {
                    id: id.clone(),
                    is_armed: false,
                });
                self.closing = None;
            }
            Event::CutArmed { .. } => {
                self.is_unheard = true;
                if let Some(present) = &mut self.present {
                    present.is_armed = true;
                }
            }
            Event::Watched(Watched::Order) => self.is_unheard = true,
            // An update is given to a module that answers.
            Event::Attempt(attempt) => {
                self.is_unheard = false;
                let closes = self.present.is_none();
                self.closing = closes.then(|| attempt.case.package.to.clone());
            }
            Event::Identity { version, .. } if self.closing.as_ref() == Some(version) => {
                self.is_unheard = false;
                self.unrestored = None;
            }
            Event::Recovered { .. } => self.unrestored = None,
            Event::TryEnded(TryEnded { outcome: Some(_), .. }) => self.is_unheard = false,
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
        self.present.take_if(|present| present.id == ended.id);
        self.is_unheard &= ended.outcome.is_none();
        self.verdicts.insert(ended.id.clone(), ended.verdict.clone());
        // A later case may revise one to a brick, also one that failed: the same one is not counted twice.
        match ended.outcome {
            Some(outcome) if outcome.is_brick() => {
                self.bricked.insert(ended.id.clone());
                self.unrestored = Some(ended.id.clone());
            }
            // It has taken a delta: the image under it was sound.
            Some(Outcome::New | Outcome::NewAfterResume) => self.unrestored = None,
            _ => {}
        }
    }

    /// Cases that ended with a brick.
    pub fn bricks(&self) -> u32 {
        u32::try_from(self.bricked.len()).unwrap_or(u32::MAX)
    }

    /// Why the rig cannot have another batch: its module was bricked, and nothing has restored it since.
    pub fn unrestored(&self) -> Option<String> {
        let case = self.unrestored.as_ref()?;
        Some(format!("its module was bricked in `{case}` and was not restored"))
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
        let present = self.present.as_ref().filter(|present| present.is_armed);
        present.map(|present| present.id.as_str())
    }

    /// Whether an update or a cut may have been ordered, and nobody has heard what the module became. A verdict about the rig is no
    /// news of the module, and behind a line that cannot be read anything may stand.
    pub fn is_unheard(&self) -> bool {
        self.is_unheard || self.unread.is_some()
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

    /// The cases of a batch that have no result that can be read.
    pub fn without_result(&self, cases: &[String]) -> Vec<String> {
        let open = cases.iter().filter(|case| !self.is_complete(case));
        open.cloned().collect()
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
    fn an_ordered_update_is_unheard_of_until_the_module_answers() {
        let record = |event| Record {
            seq: 0,
            mono_ns: 0,
            module_ns: 0,
            utc: String::new(),
            prev: String::new(),
            event,
        };
        let mut part = PartRead::default();
        assert!(!part.is_unheard());
        part.on(&record(Event::Watched(Watched::Order)));
        assert!(part.is_unheard());
        let broken = Verdict::by(Rule::RigBroken, "the port is gone".to_owned());
        part.ended(&ended("a", broken, None));
        assert!(
            part.is_unheard(),
            "a verdict about the rig is no news of the module"
        );
        part.ended(&ended("b", Verdict::Pass, Some(Outcome::New)));
        assert!(!part.is_unheard());
    }

    /// Nothing says what the module became while the update is under way that closes the batch.
    #[test]
    fn the_update_that_closes_a_batch_is_heard_of_when_its_version_runs() {
        let record = |event| Record {
            seq: 0,
            mono_ns: 0,
            module_ns: 0,
            utc: String::new(),
            prev: String::new(),
            event,
        };
        let identity = |version: &str| {
            record(Event::Identity {
                model: "BC66".to_owned(),
                version: version.parse().expect("a version"),
                imei: None,
            })
        };
        let mut part = PartRead {
            closing: Some("BC66NBR01A01".parse().expect("a version")),
            ..PartRead::default()
        };
        part.on(&record(Event::Watched(Watched::Order)));
        part.on(&identity("BC66NBR01A02"));
        assert!(part.is_unheard(), "it was to become another version");
        part.on(&identity("BC66NBR01A01"));
        assert!(!part.is_unheard());
    }

    #[test]
    fn a_brick_is_one_until_the_module_is_restored_or_takes_a_delta() {
        let record = |event| Record {
            seq: 0,
            mono_ns: 0,
            module_ns: 0,
            utc: String::new(),
            prev: String::new(),
            event,
        };
        let mut part = PartRead::default();
        let restored = Event::Recovered {
            by: "reflash".to_owned(),
            version: "BC66NBR01A01".parse().expect("a version"),
        };
        let mended = [
            restored,
            Event::CaseEnded(ended("b", Verdict::Pass, Some(Outcome::New))),
        ];
        for event in mended {
            part.ended(&ended("a", failed(), Some(Outcome::WrongImage)));
            part.ended(&ended("b", failed(), Some(Outcome::OldIntact)));
            let why = part.unrestored().expect("nothing has restored it");
            assert_eq!(why, "its module was bricked in `a` and was not restored");
            part.on(&record(event));
            assert_eq!(part.unrestored(), None);
        }
        assert_eq!(part.bricks(), 1);
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
