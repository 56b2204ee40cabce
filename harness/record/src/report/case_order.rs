//! Where the cases of a journal begin and end, on the way through it.

use super::CaseRun;
use super::case_run::{LostAttempt, Restored};
use super::fleet::{FleetRun, PartRun};
use crate::case_name::CaseName;
use crate::counted::{Counted, CountedResults};
use dfota_core::campaign::Role;
use dfota_core::cut::Cut;
use dfota_core::event::fleet::{FleetEvent, Taken};
use dfota_core::event::{CaseEnded, Event, Record};
use dfota_core::pool_fold::PoolFold;
use dfota_core::verdict::{Finding, Rule, Verdict};
use std::collections::HashMap;
use std::fmt::Write as _;

/// The cases in the order of the plan, as far as the journal was read.
pub(super) struct CaseOrder<'a> {
    records: &'a [Record],
    cases: Vec<CaseRun<'a>>,
    /// Places of cases in the plan.
    index: HashMap<CaseName<'a>, usize>,
    /// The case that has begun and not ended, and the place of its first record.
    began: Option<Begun<'a>>,
    latest: Option<CaseName<'a>>,
    /// Which results count, of a run on several rigs.
    counted: CountedResults,
    /// Cases that ended in a part. Such an end is lost if its rig was, and the case ends again.
    ends: HashMap<CaseName<'a>, LostAttempt<'a>>,
    /// Cuts that the parent names, in order.
    ordered: Vec<OrderedCut<'a>>,
    /// The parts in which each case began, by what there is of their journals.
    begun_in: HashMap<CaseName<'a>, Vec<&'a Taken>>,
}

/// A cut of which the parent was told before it was made.
#[derive(Debug, Clone, Copy)]
struct OrderedCut<'a> {
    name: CaseName<'a>,
    rig: &'a str,
    cut: &'a Cut,
}

/// A case that has begun and not ended.
#[derive(Debug, Clone, Copy)]
struct Begun<'a> {
    name: CaseName<'a>,
    /// Place of its first record.
    from: usize,
    /// Of a run on several rigs, the part in which it began: if that ends before the case does, this run of it is lost.
    taken: Option<&'a Taken>,
}

impl<'a> CaseOrder<'a> {
    pub(super) fn new(records: &'a [Record]) -> Self {
        Self {
            records,
            cases: Vec::new(),
            index: HashMap::new(),
            began: None,
            latest: None,
            counted: CountedResults::default(),
            ends: HashMap::new(),
            ordered: Vec::new(),
            begun_in: HashMap::new(),
        }
    }

    /// The cases, once the journal was read to its end.
    pub(super) fn end(mut self, fleet: &FleetRun<'a>) -> Vec<CaseRun<'a>> {
        self.leave(self.records.len());
        self.not_begun(fleet);
        for case in &mut self.cases {
            for lost in &mut case.lost {
                let mut parts = fleet.parts.iter();
                let part =
                    parts.find(|part| (&*part.taken.batch, part.taken.attempt) == (lost.batch, lost.attempt));
                lost.why = part.and_then(|part| part.lost);
            }
            // A batch that was stopped and goes on in a resumed run has not lost what ended in it.
            case.lost
                .retain(|lost| lost.verdict.is_none() || lost.why.is_some());
        }
        for part in &fleet.parts {
            self.unread(part);
        }
        let claims = self.cases.iter_mut().filter(|case| case.case.is_claim());
        claims.for_each(|case| claim_without_parts(case, &fleet.pools));
        self.cases
    }

    /// The journal of a part may have lost its end with its machine. What the parent was told of a cut stands in its own.
    fn not_begun(&mut self, fleet: &FleetRun<'a>) {
        for OrderedCut { name, rig, cut } in std::mem::take(&mut self.ordered) {
            let begun = self.begun_in.get(&name);
            let is_without = |part: &&PartRun<'a>| {
                part.taken.rig == rig
                    && part.given.suite == name.suite
                    && part.given.cases.iter().any(|case| case == name.id)
                    && begun.is_none_or(|begun| !begun.contains(&part.taken))
            };
            let part = fleet.parts.iter().find(is_without);
            if let Some((part, case)) = part.zip(self.find(name)) {
                case.lost.push(LostAttempt {
                    open_cut: Some(cut),
                    ..LostAttempt::in_part(part.taken, &[])
                });
                if case.verdict == Verdict::NotReached {
                    (case.verdict, case.rig) = (unfinished(), Some(&*part.taken.rig));
                }
            }
        }
    }

    /// Something of what the rig wrote down is missing: its cases without a result are errors, and so are those that passed, for
    /// what the module did later may have changed that. A failure was seen, and stays.
    fn unread(&mut self, part: &PartRun<'a>) {
        let Some(why) = part.unread else { return };
        let (given, taken) = (part.given, part.taken);
        let sentence = format!(
            "the result of this case on the rig {} is not known: {}: {why}",
            taken.rig, taken.folder
        );
        for case in self
            .cases
            .iter_mut()
            .filter(|case| case.case.suite == given.suite)
        {
            if !given.cases.contains(&case.case.id) && !is_for(&case.case.id, &taken.rig) {
                continue;
            }
            let here = case.rig == Some(&*taken.rig);
            let is_unknown = match &case.verdict {
                Verdict::NotReached => true,
                Verdict::Pass => here,
                Verdict::Inconclusive(finding) => here && finding.rule == Rule::Interrupted,
                _ => false,
            };
            if is_unknown {
                case.verdict = Verdict::by(Rule::RigLost, sentence.clone());
                (case.rig, case.outcome, case.summary) = (Some(taken.rig.as_str()), None, "");
            }
        }
    }

    fn find(&mut self, name: CaseName<'_>) -> Option<&mut CaseRun<'a>> {
        self.cases.get_mut(*self.index.get(&name)?)
    }

    /// Takes what the record at this place says of a case; of a run on several rigs, the part says it.
    pub(super) fn take(&mut self, at: usize, part: Option<&PartRun<'a>>) {
        let record = &self.records[at];
        let counted = self.counted.on(&record.event);
        match &record.event {
            Event::CasePlanned { case, skip } => {
                // Of two cases of one name, events speak of the first.
                self.index
                    .entry(CaseName::from(&**case))
                    .or_insert(self.cases.len());
                self.cases.push(CaseRun::planned(case, skip.as_ref()));
            }
            // Another part speaks from here on, or the parent.
            Event::Fleet(fleet) => {
                self.leave(at);
                if let FleetEvent::Ordered {
                    rig,
                    suite,
                    case,
                    cut,
                } = fleet
                {
                    let name = CaseName::new(suite, case);
                    self.ordered.push(OrderedCut { name, rig, cut });
                }
            }
            Event::CaseStarted { id, suite } => {
                self.began = None;
                self.latest = None;
                let name = CaseName::new(suite, id);
                if let Some(part) = part {
                    self.begun_in.entry(name).or_default().push(part.taken);
                }
                if counted != Counted::Extra {
                    self.started(at, name, part);
                }
            }
            Event::Recovered { by, version } => {
                if let Some(case) = self.latest.and_then(|latest| self.find(latest)) {
                    case.restored = Some(Restored { by, version });
                }
            }
            Event::TryEnded(tried) if counted != Counted::Extra => {
                if let Some(case) = self.find(CaseName::new(&tried.suite, &tried.id)) {
                    case.earlier.push(tried);
                }
            }
            Event::CaseEnded(end) if counted != Counted::Extra => self.ended(at, end, part),
            _ => {}
        }
    }

    fn started(&mut self, at: usize, name: CaseName<'a>, part: Option<&PartRun<'a>>) {
        let (records, record) = (self.records, &self.records[at]);
        let ends = records.last().map_or(0, |last| last.mono_ns);
        let taken = part.map(|part| part.taken);
        self.began = Some(Begun {
            name,
            from: at,
            taken,
        });
        self.latest = Some(name);
        let before = self.ends.remove(&name);
        if let Some(case) = self.find(name) {
            if taken.is_some() {
                // What an attempt that was lost came to is not a part of this one.
                let (planned, lost) = (case.case, std::mem::take(&mut case.lost));
                *case = CaseRun::planned(planned, None);
                case.lost = lost;
                case.lost.extend(before);
            }
            case.verdict = unfinished();
            case.rig = taken.map(|taken| &*taken.rig);
            // Whatever comes until its end is its own, also when that end never comes.
            case.records = &records[at..];
            case.took_ns = ends.saturating_sub(record.mono_ns);
        }
    }

    fn ended(&mut self, at: usize, end: &'a CaseEnded, part: Option<&PartRun<'a>>) {
        let records = self.records;
        let name = CaseName::new(&end.suite, &end.id);
        let began = self.began.take_if(|began| began.name == name);
        // The result of a later part, or of the run itself, replaces the earlier result of the case.
        let is_other = |before: &LostAttempt<'_>| {
            part.is_none_or(|part| (&*part.taken.batch, part.taken.attempt) != (before.batch, before.attempt))
        };
        let before = self.ends.remove(&name).filter(is_other);
        let Some(case) = self.find(name) else { return };
        case.lost.extend(before);
        case.verdict = end.verdict.clone();
        // A later case may revise this one; the records in between belong to that later case.
        if let Some(began) = began {
            case.records = &records[began.from..=at];
        }
        if let Some(part) = part {
            case.rig = Some(&part.taken.rig);
        }
        (case.took_ns, case.summary, case.rerun) = (end.took_ns, &end.summary, &end.rerun);
        (case.outcome, case.evidence) = (end.outcome, &end.evidence);
        if let Some(part) = part.filter(|_| end.tries > 0) {
            let attempt = LostAttempt::ended(part.taken, case.records, end);
            self.ends.insert(name, attempt);
        }
    }

    /// The part that spoke is over: what had begun in it and not ended is lost.
    fn leave(&mut self, at: usize) {
        self.latest = None;
        let records = self.records;
        let Some(began) = self.began.take() else { return };
        let (Some(taken), Some(last)) = (began.taken, records[..at].last()) else {
            return;
        };
        if let Some(case) = self.find(began.name) {
            case.records = &records[began.from..at];
            case.took_ns = last.mono_ns.saturating_sub(records[began.from].mono_ns);
            case.lost.push(LostAttempt::in_part(taken, case.records));
        }
    }
}

/// Whether the case is one that each rig makes for itself, and of this rig.
fn is_for(id: &str, rig: &str) -> bool {
    let named = format!("rig={rig}");
    let inside = id
        .rsplit_once('[')
        .and_then(|(_, inside)| inside.strip_suffix(']'));
    inside.is_some_and(|inside| inside.split(',').any(|part| part == named))
}

/// A claim is judged by what is there. Where a part is missing, what the run said of it when that part was there does not stand.
fn claim_without_parts(case: &mut CaseRun<'_>, pools: &PoolFold) {
    let suite = &case.case.suite;
    let Some((part, claim)) = case.case.part.as_ref().and_then(|part| match &part.role {
        Role::Claim(claim) => Some((part, claim)),
        _ => None,
    }) else {
        return;
    };
    let is_judged = !matches!(case.verdict, Verdict::Skip { .. } | Verdict::NotReached);
    if !is_judged || pools.unread_of(suite).next().is_none() {
        return;
    }
    let mut verdict = pools.pool(suite, &part.campaign).judge(claim);
    let was = match case.verdict.finding() {
        None => case.verdict.name(),
        Some(finding) => finding.rule.id(),
    };
    if let Verdict::Fail(finding) | Verdict::Error(finding) | Verdict::Inconclusive(finding) = &mut verdict
        && finding.rule.id() != was
    {
        let _ = write!(
            finding.sentence,
            "; with these parts, the run had judged it `{was}`"
        );
    }
    (case.verdict, case.summary) = (verdict, "");
}

fn unfinished() -> Verdict {
    let sentence = "the harness ended in the middle of this case".into();
    Verdict::Inconclusive(Finding {
        rule: Rule::Interrupted,
        sentence,
    })
}

#[cfg(test)]
mod tests {
    use crate::report::Run;
    use dfota_core::case::{Case, Package};
    use dfota_core::event::fleet::{FleetEvent, Taken};
    use dfota_core::event::{CaseEnded, Event, Record, RunStarted};
    use dfota_core::transport::Via;
    use dfota_core::verdict::Verdict;

    const CUT: &str = "updating@50%+0ms/power/3s";

    fn fleet(rig: &str, is_taken: bool) -> Event {
        let rig = rig.to_owned();
        Event::Fleet(if is_taken {
            FleetEvent::Taken(Taken {
                batch: "suite-1".into(),
                attempt: if rig == "a" { 1 } else { 2 },
                folder: format!("rigs/{rig}/suite-1"),
                rig,
            })
        } else {
            FleetEvent::Ordered {
                rig,
                suite: "suite".into(),
                case: "case".into(),
                cut: CUT.parse().expect("a cut"),
            }
        })
    }

    /// Two rigs are ordered to make the same cut; what each wrote down of it.
    fn lost(first: &[Event], second: &[Event]) -> Vec<(String, bool)> {
        let package = Package {
            name: "a-to-b".into(),
            from: "BC66NBR01A01".parse().expect("a version"),
            to: "BC66NBR01A02".parse().expect("a version"),
            bytes: 1,
            sha256: String::new(),
        };
        let case = Box::new(Case::plain("case", "suite", package, Via::Uart));
        let queued = FleetEvent::Queued {
            batch: "suite-1".into(),
            suite: "suite".into(),
            cases: vec!["case".into()],
            real_ms: 1,
            terms: None,
        };
        let before = [
            Event::RunStarted(Box::default()),
            Event::CasePlanned { case, skip: None },
            Event::Fleet(queued),
        ];
        let parts = [("a", first), ("b", second)].into_iter().flat_map(|(rig, part)| {
            let started = Event::RunStarted(Box::<RunStarted>::default());
            let part = [fleet(rig, true), started]
                .into_iter()
                .chain(part.iter().cloned());
            part.chain([fleet(rig, false)])
        });
        let record = |(seq, event)| Record {
            seq,
            mono_ns: seq,
            module_ns: seq,
            utc: String::new(),
            prev: String::new(),
            event,
        };
        let records: Vec<Record> = (0..).zip(before.into_iter().chain(parts)).map(record).collect();
        let run = Run::new(&records).expect("a run");
        let lost = run.cases[0].lost.iter();
        lost.map(|lost| (lost.rig.to_owned(), lost.open_cut.is_some()))
            .collect()
    }

    fn started() -> Event {
        Event::CaseStarted {
            id: "case".into(),
            suite: "suite".into(),
        }
    }

    fn passed() -> Event {
        Event::CaseEnded(CaseEnded {
            id: "case".into(),
            suite: "suite".into(),
            verdict: Verdict::Pass,
            outcome: None,
            evidence: Vec::new(),
            tries: 1,
            took_ns: 0,
            summary: String::new(),
            rerun: String::new(),
        })
    }

    #[test]
    fn a_cut_is_open_where_its_rig_wrote_nothing_of_it() {
        let whole = [started(), passed()];
        assert_eq!(lost(&whole, &[]), [("b".to_owned(), true)]);
        assert_eq!(lost(&[], &whole), [("a".to_owned(), true)]);
    }

    /// Its result is an extra one, and its journal has it all the same.
    #[test]
    fn a_cut_that_was_made_once_more_is_not_open() {
        let whole = [started(), passed()];
        assert_eq!(lost(&whole, &whole), []);
    }
}
