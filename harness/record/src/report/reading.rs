//! A journal on its way into the reports: transcripts are written as their cases end, and of long runs only what the other
//! reports need is kept in memory.
//!
//! A night has millions of lines, nearly all of them the UART of cases that passed. Once a case has ended,
//! its transcript has them; later reports need them only for the cases that they show in full.

use super::html::book::groups::{self, Spot};
use super::html::place::{self, CaseCut, MapCell};
use super::{CaseRun, ReportError, transcript};
use crate::counted::{Counted, CountedResults};
use crate::journal::ReadError;
use crate::rejudge::{Deriving, Rejudged};
use crate::run_folder::{TRANSCRIPTS, replace};
use dfota_core::event::fleet::FleetEvent;
use dfota_core::event::{CaseEnded, Event, Record};
use dfota_core::measure::Measure;
use dfota_core::verdict::{Rule, Verdict};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Cases of each kind of verdict that are kept whole, whatever they hold.
const WHOLE: usize = 100;
/// Records before the end of a case that did not pass that are kept in any case, beside the lines about its cut and its verdict:
/// the last ones are quoted where there is neither.
const LAST: usize = 60;

#[derive(Debug, Default)]
pub struct JournalReading {
    /// The records that reports need, in the order of the journal.
    pub records: Vec<Record>,
    /// File names of the transcripts that are written.
    pub written: HashSet<String>,
    /// Places of the plan's records, by suite and id.
    planned: HashMap<(String, String), usize>,
    /// Where the present case began.
    began: Option<usize>,
    /// Cases by verdict so far.
    ended: HashMap<&'static str, usize>,
    /// Where cuts of cases that passed have landed so far.
    met: HashSet<MapCell>,
    /// Where which rules have fired so far.
    fired: HashSet<(Rule, Spot)>,
    /// The verdicts, derived again on the way.
    deriving: Deriving,
    /// Which results count, and the rig that speaks, of a run on several.
    counted: CountedResults,
    rig: Option<String>,
}

impl JournalReading {
    /// Reads the journal of a run folder and writes its transcripts.
    pub fn from_folder(folder: &Path, masked: bool) -> Result<Self, ReportError> {
        let transcripts = folder.join(TRANSCRIPTS);
        Self::with(
            |tell| crate::journal::each(folder, masked, tell),
            |name, text| Ok(replace(&transcripts.join(name), text.as_bytes())?),
        )
    }

    /// Takes what `read` tells, and gives each transcript away under its file name. On one thread: records that another
    /// one frees cost more than is won by reading ahead.
    pub fn with<E: From<ReadError>>(
        read: impl FnOnce(&mut dyn FnMut(Record)) -> Result<(), ReadError>,
        mut give: impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut reading = Self::default();
        let mut taken = Ok(());
        read(&mut |record| {
            // Nothing is taken any more when a transcript could not be written, which is reported.
            if taken.is_ok() {
                taken = reading.take(record, &mut give);
            }
        })?;
        taken.map(|()| reading)
    }

    /// What the verdicts are when they are derived again from all of the journal; `None` for one that does not hold what
    /// they rest on.
    pub fn rejudged(&mut self) -> Option<Rejudged> {
        std::mem::take(&mut self.deriving).end().ok()
    }

    fn take<E>(
        &mut self,
        mut record: Record,
        give: &mut impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        self.deriving.take(&record);
        // The chain is the journal's; no report shows it.
        record.prev = String::new();
        let counted = self.counted.on(&record.event);
        let at = self.records.len();
        match &record.event {
            Event::CasePlanned { case, .. } => {
                let name = (case.suite.clone(), case.id.clone());
                self.planned.entry(name).or_insert(at);
            }
            // The first complete result counts, also where another rig ran the case again.
            Event::CaseStarted { .. } => self.began = (counted != Counted::Extra).then_some(at),
            // What had begun there and not ended is lost.
            Event::Fleet(fleet) => {
                self.began = None;
                self.rig = match fleet {
                    FleetEvent::Taken(taken) => Some(taken.rig.clone()),
                    _ => None,
                };
            }
            _ => {}
        }
        self.records.push(record);
        self.close(at, give)
    }

    /// Where the last record ends the present case: its transcript, and what is left of it.
    fn close<E>(&mut self, at: usize, give: &mut impl FnMut(&str, &str) -> Result<(), E>) -> Result<(), E> {
        let (Some(from), Event::CaseEnded(end)) = (self.began, &self.records[at].event) else {
            return Ok(());
        };
        let begun = matches!(&self.records[from].event, Event::CaseStarted { id, suite } if *id == end.id && *suite == end.suite);
        let name = (end.suite.clone(), end.id.clone());
        let planned = self.planned.get(&name).and_then(|place| self.records.get(*place));
        let Some(Event::CasePlanned { case, .. }) = planned.map(|record| &record.event).filter(|_| begun)
        else {
            return Ok(());
        };
        let mut run = CaseRun::planned(case, None);
        run.records = &self.records[from..=at];
        run.rig = self.rig.as_deref();
        let file = transcript::name(case);
        give(&file, &transcript::write(&run))?;
        self.written.insert(file);
        self.began = None;
        let cuts = place::cuts_in(case, run.records);
        let finding = end.verdict.finding();
        // The first of each rule and place is an example, and shown in full.
        let example = finding.is_some_and(|finding| self.fired.insert((finding.rule, groups::spot(&cuts))));
        if !whole(&mut self.ended, &mut self.met, &cuts, end) && !example {
            let evidence: HashSet<u64> = end.evidence.iter().copied().collect();
            let needed = finding.map(|_| transcript::needed(run.records, &end.evidence));
            let needed: HashSet<u64> = needed.into_iter().flatten().map(|n| run.records[n].seq).collect();
            let passed = end.verdict == Verdict::Pass;
            let last = if passed {
                at
            } else {
                // Its beginning stays where it is.
                at.saturating_sub(LAST).max(from + 1)
            };
            let ending = self.records.split_off(last);
            let told = self.records.split_off(from + 1);
            let shown = |record: &Record| {
                !is_talk(&record.event) || evidence.contains(&record.seq) || needed.contains(&record.seq)
            };
            self.records.extend(told.into_iter().filter(shown));
            self.records.extend(ending);
        }
        Ok(())
    }
}

/// Whether a case is kept as it is: the first of its verdict, and the first that passed of each cell of the map.
fn whole(
    ended: &mut HashMap<&'static str, usize>,
    met: &mut HashSet<MapCell>,
    cuts: &[CaseCut<'_>],
    end: &CaseEnded,
) -> bool {
    let before = ended.entry(end.verdict.name()).or_default();
    *before += 1;
    let new = end.verdict == Verdict::Pass && cuts.first().is_some_and(|cut| met.insert(cut.cell));
    *before <= WHOLE || new
}

/// What only transcripts and timelines show.
fn is_talk(event: &Event) -> bool {
    match event {
        // Tells `ordered` from START on the map.
        Event::Rx { text, .. } => !text.contains("\"START\""),
        // How long single answers took.
        Event::Measured(taken) => Measure::ALL.iter().all(|measure| measure.name() != taken.name),
        Event::Attempt(_)
        | Event::Watched(_)
        | Event::Tx { .. }
        | Event::TxData { .. }
        | Event::Prompt
        | Event::Step { .. }
        | Event::Line { .. }
        | Event::Lwm2m { .. }
        | Event::Request(_) => true,
        _ => false,
    }
}
