//! One case of a run: how it ended, and what its records hold.

use crate::journal::places;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::event::CutMade;
use dfota_core::event::Measured;
use dfota_core::event::fleet::Taken;
use dfota_core::event::{CaseEnded, Event, Record, TryEnded};
use dfota_core::measure::{Measure, MeasureLimits};
use dfota_core::outcome::Outcome;
use dfota_core::verdict::{Rule, Verdict};
use dfota_core::version::{Imei, Version};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Debug)]
pub struct CaseRun<'a> {
    /// The case as it was planned.
    pub case: &'a Case,
    /// How it ended. A later case may revise it, if it finds that this case left a corrupt image.
    pub verdict: Verdict,
    /// Its records, from its start to its end.
    pub records: &'a [Record],
    /// Real nanoseconds it took.
    pub took_ns: u64,
    /// Where cuts landed and how the module came back.
    pub summary: &'a str,
    /// The command that runs it again.
    pub rerun: &'a str,
    /// The tries before the last one.
    pub earlier: Vec<&'a TryEnded>,
    /// The state of the module afterwards, where it was asked.
    pub outcome: Option<Outcome>,
    /// Numbers of the records that the verdict rests on.
    pub evidence: &'a [u64],
    pub restored: Option<Restored<'a>>,
    /// The rig, of a run on several.
    pub rig: Option<&'a str>,
    /// Its runs that do not count, on rigs that were lost meanwhile.
    pub lost: Vec<LostAttempt<'a>>,
}

/// How the module was restored after a case, and the version that it runs since.
#[derive(Debug, Clone, Copy)]
pub struct Restored<'a> {
    pub by: &'a str,
    pub version: &'a Version,
}

/// A run of a case that does not count, because its rig was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LostAttempt<'a> {
    pub rig: &'a str,
    pub batch: &'a str,
    /// Counts from 1.
    pub attempt: u32,
    /// Why, for people; nothing where the parent was killed.
    pub why: Option<&'a str>,
    /// How the case had ended there; nothing where it came to no end.
    pub verdict: Option<&'static str>,
    /// The rule of that verdict.
    pub rule: Option<Rule>,
    /// The cut that had been ordered, where nobody knows what it did to the module.
    pub open_cut: Option<&'a Cut>,
}

/// An answer to `ATI` and `AT+CGSN=1`.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[schemars(rename = "Identity")]
pub struct RecordedIdentity<'a> {
    pub model: &'a str,
    pub version: &'a Version,
    pub imei: Option<&'a Imei>,
}

impl<'a> CaseRun<'a> {
    pub(super) fn planned(case: &'a Case, skip: Option<&String>) -> Self {
        let verdict = match skip {
            Some(reason) => Verdict::Skip {
                reason: reason.clone(),
            },
            None => Verdict::NotReached,
        };
        Self {
            case,
            verdict,
            records: &[],
            took_ns: 0,
            summary: "",
            rerun: "",
            earlier: Vec::new(),
            outcome: None,
            evidence: &[],
            restored: None,
            rig: None,
            lost: Vec::new(),
        }
    }

    pub fn was_begun(&self) -> bool {
        !self.records.is_empty()
    }

    /// Whether it still has all records that its transcript has.
    pub fn is_whole(&self) -> bool {
        let any = |like: fn(&Event) -> bool| self.records.iter().any(|record| like(&record.event));
        any(|event| matches!(event, Event::Line { .. } | Event::Tx { .. }))
            || !any(|event| matches!(event, Event::CaseEnded(_)))
    }

    /// The lines of the journal that the verdict rests on: `events.jsonl:17, events.jsonl:42`.
    pub fn evidence_lines(&self) -> String {
        places(self.evidence)
    }

    /// Whether it passed after an error; the loss of a rig is one. A cut that was repeated after it missed does not make a case
    /// flaky.
    pub fn is_flaky(&self) -> bool {
        let mut earlier = self.earlier.iter();
        let error = earlier.any(|tried| matches!(tried.verdict, Verdict::Error(_)));
        self.verdict == Verdict::Pass && (error || !self.lost.is_empty())
    }

    /// How many times it was begun before.
    pub fn tries_before(&self) -> usize {
        self.earlier.len() + self.lost.len()
    }

    /// The IMEI that its module told in it, the last one.
    pub fn imei(&self) -> Option<&'a Imei> {
        self.identities().filter_map(|identity| identity.imei).last()
    }

    /// The limits that the case declares for a measurement, if it was begun.
    pub fn declared(&self, measure: Measure) -> Option<&'a MeasureLimits> {
        let mut declared = self.case.measures.iter();
        declared
            .find(|declared| declared.measure == measure)
            .filter(|_| self.was_begun())
    }

    /// What was measured, in the order in which it was. How long single answers took is in the transcript alone.
    pub fn measured(&self) -> impl Iterator<Item = (Measure, &'a Measured)> + use<'a> {
        self.records.iter().filter_map(|record| match &record.event {
            Event::Measured(measured) => {
                let mut known = Measure::ALL.into_iter();
                Some((known.find(|measure| measure.name() == measured.name)?, measured))
            }
            _ => None,
        })
    }

    /// Every value of a measurement.
    pub fn values(&self, measure: Measure) -> impl Iterator<Item = &'a Measured> + use<'a> {
        let all = self.measured();
        all.filter(move |(taken, _)| *taken == measure)
            .map(|(_, measured)| measured)
    }

    /// The cuts that were made, of all its tries.
    pub fn cuts_made(&self) -> impl Iterator<Item = &'a CutMade> + use<'a> {
        self.records.iter().filter_map(|record| match &record.event {
            Event::CutMade(made) => Some(made),
            _ => None,
        })
    }

    /// What the module said that it is, each time it was asked.
    pub fn identities(&self) -> impl Iterator<Item = RecordedIdentity<'a>> + use<'a> {
        self.records.iter().filter_map(|record| match &record.event {
            Event::Identity { model, version, imei } => Some(RecordedIdentity {
                model,
                version,
                imei: imei.as_ref(),
            }),
            _ => None,
        })
    }
}

impl<'a> LostAttempt<'a> {
    /// A run of a case in this part, with its records so far.
    pub(super) fn in_part(taken: &'a Taken, records: &'a [Record]) -> Self {
        Self {
            rig: &taken.rig,
            batch: &taken.batch,
            attempt: taken.attempt,
            why: None,
            verdict: None,
            rule: None,
            open_cut: open_cut(records),
        }
    }

    /// One in which the case ended so.
    pub(super) fn ended(taken: &'a Taken, records: &'a [Record], end: &'a CaseEnded) -> Self {
        Self {
            verdict: Some(end.verdict.name()),
            rule: end.verdict.finding().map(|finding| finding.rule),
            ..Self::in_part(taken, records)
        }
    }

    /// In a sentence.
    pub fn sentence(&self) -> String {
        let Self {
            rig, batch, attempt, ..
        } = self;
        let why = self.why.unwrap_or("the run was killed");
        let mut sentence = match (self.verdict, self.rule) {
            (None, _) => format!(
                "the rig {rig} was lost in the middle of this case, in attempt {attempt} at batch {batch}: {why}"
            ),
            (Some(verdict), rule) => {
                let rule = rule.map_or(String::new(), |rule| format!(" {rule}"));
                format!(
                    "the rig {rig} was lost in attempt {attempt} at batch {batch}, after this case had ended there with `{verdict}{rule}`: {why}"
                )
            }
        };
        if let Some(cut) = self.open_cut {
            let _ = write!(
                sentence,
                "; the cut `{cut}` had been ordered, and nobody knows what it did to the module on {rig}"
            );
        }
        sentence
    }
}

/// The cut that was ordered last, unless the module was heard of after it.
fn open_cut(records: &[Record]) -> Option<&Cut> {
    let mut open = None;
    for record in records {
        match &record.event {
            Event::CutArmed { cut } => open = Some(cut),
            Event::TryEnded(TryEnded { outcome: Some(_), .. })
            | Event::CaseEnded(CaseEnded { outcome: Some(_), .. }) => open = None,
            _ => {}
        }
    }
    open
}
