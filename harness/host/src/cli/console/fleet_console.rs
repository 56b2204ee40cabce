//! The output of a run on several rigs: the lines of one rig's run, with the rig's name, and a line of progress for each.

use super::progress::spinner;
use super::time_estimate::short_time;
use super::{Console, SpeakingRig};
use crate::run::fleet::memory_queue::FleetObserver;
use crate::run::fleet::work_queue::RigPresence;
use crate::terminal::paint::Paint;
use dfota_core::event::fleet::{FleetEvent, PauseCause};
use dfota_core::event::{Event, Record};
use dfota_core::fleet::WorkDone;
use dfota_core::update::Phase;
use dfota_core::urc::{Fota, Urc};
use dfota_record::journal::Observer;
use indicatif::{MultiProgress, ProgressBar};
use std::collections::{BTreeMap, HashMap};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shared by the journal of the parent and the rigs.
#[derive(Clone)]
pub struct FleetConsole {
    inner: Arc<Mutex<FleetLines>>,
}

struct FleetLines {
    /// `None`: nothing is to be shown.
    console: Option<Console>,
    rigs: BTreeMap<String, RigLine>,
    /// The rest of the run.
    total: Option<ProgressBar>,
    began: Instant,
    /// The rig that lost each batch last.
    lost: BTreeMap<String, String>,
    /// Why no further batch is begun, as long as that is so.
    paused: Option<PauseCause>,
}

/// What is shown of one rig.
struct RigLine {
    bar: Option<ProgressBar>,
    case: String,
    transcript: String,
    erred: bool,
    /// The folder of its batch.
    part: String,
    /// What was said of it last: it is not said again.
    told: String,
}

impl FleetConsole {
    /// For the terminal this program runs in; with `quiet`, nothing is shown.
    pub fn new(paint: Paint, verbose: bool, quiet: bool, rigs: &[String]) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let bars = shown.then(MultiProgress::new);
        let width = rigs.iter().map(String::len).max().unwrap_or(0);
        let bar = |name: &String| {
            let head = format!("{name:width$}");
            let bar = spinner(move |_, to| {
                let _ = to.write_str(&head);
            });
            bars.as_ref().map(|bars| bars.add(bar))
        };
        let line = |name: &String| {
            let line = RigLine {
                bar: bar(name),
                case: String::new(),
                transcript: String::new(),
                erred: false,
                part: String::new(),
                told: String::new(),
            };
            (name.clone(), line)
        };
        let lines = FleetLines {
            rigs: rigs.iter().map(line).collect(),
            total: bars.as_ref().map(|bars| bars.add(spinner(|_, _| {}))),
            console: None,
            began: Instant::now(),
            lost: BTreeMap::new(),
            paused: None,
        };
        let console = (!quiet).then(|| {
            let mut console = Console::new(paint, verbose, HashMap::new(), None);
            console.progress.replace(lines.total.clone());
            console
        });
        Self {
            inner: Arc::new(Mutex::new(FleetLines { console, ..lines })),
        }
    }

    /// What sees the parent's journal.
    pub fn of_parent(&self) -> ParentLines {
        ParentLines(self.clone())
    }

    fn lines(&self) -> MutexGuard<'_, FleetLines> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the lines of progress.
    pub fn finish(&self) {
        let lines = self.lines();
        let bars = lines.rigs.values().filter_map(|rig| rig.bar.as_ref());
        bars.chain(&lines.total).for_each(ProgressBar::finish_and_clear);
    }
}

impl FleetObserver for FleetConsole {
    fn record(&mut self, rig: &str, record: &Record) {
        let lines = &mut *self.lines();
        let Some(line) = lines.rigs.get_mut(rig) else {
            return;
        };
        line.on(record);
        let Some(console) = &mut lines.console else { return };
        // The console follows one case at a time: each rig has its own.
        console.rig = Some(SpeakingRig {
            name: rig.to_owned(),
            part: line.part.clone(),
        });
        std::mem::swap(&mut console.transcript, &mut line.transcript);
        std::mem::swap(&mut console.erred, &mut line.erred);
        console.on_rig(record);
        std::mem::swap(&mut console.transcript, &mut line.transcript);
        std::mem::swap(&mut console.erred, &mut line.erred);
        console.rig = None;
    }

    fn presence(&mut self, rig: &str, presence: &RigPresence) {
        let lines = &mut *self.lines();
        if let Some(line) = lines.rigs.get_mut(rig) {
            line.case.clear();
            line.show(&match presence {
                RigPresence::Working => "begins a batch".to_owned(),
                RigPresence::Waiting(why) => why.clone(),
                RigPresence::Out(why) => format!("out: {why}"),
                RigPresence::Done => "done".to_owned(),
            });
        }
    }

    fn progress(&mut self, done: WorkDone) {
        let lines = &*self.lines();
        let Some(total) = &lines.total else { return };
        total.set_message(left(done, lines.began.elapsed()));
    }
}

/// How long the rest is likely to take, by how long the batches took that are over.
fn left(done: WorkDone, elapsed: Duration) -> String {
    let WorkDone { over_ms, all_ms } = done;
    if over_ms == 0 {
        return String::new();
    }
    let share = over_ms as f64 / all_ms.max(1) as f64;
    let left = elapsed.mul_f64((1.0 - share) / share);
    if over_ms >= all_ms {
        return "every batch is over".to_owned();
    }
    format!(
        "{:.0} % of the batches · about {} left",
        share * 100.0,
        short_time(left)
    )
}

impl RigLine {
    fn on(&mut self, record: &Record) {
        match &record.event {
            Event::CaseStarted { id, .. } => {
                self.case.clone_from(id);
                self.show("preparing");
            }
            Event::Step { text } => self.show(text),
            Event::Rx { text, .. } => match Urc::parse(text.as_bytes()) {
                Some(Urc::Fota(Fota::Updating { percent, .. })) => {
                    self.show(&Phase::Updating { percent }.to_string());
                }
                Some(Urc::Fota(Fota::Downloading(percent))) => {
                    let percent = Some(percent);
                    self.show(&Phase::Downloading { percent }.to_string());
                }
                _ => {}
            },
            Event::CaseEnded(_) => self.case.clear(),
            Event::Note { text } | Event::GivenUp { cause: text } => self.told.clone_from(text),
            _ => {}
        }
    }

    /// A cause behind a sentence; nothing where it was said last.
    fn once(&mut self, why: &str) -> String {
        if self.told == why {
            return String::new();
        }
        self.told = why.to_owned();
        format!(": {why}")
    }

    fn show(&self, what: &str) {
        let Some(bar) = &self.bar else { return };
        let parts = [self.case.as_str(), what];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        bar.set_message(parts.join(" · "));
        bar.tick();
    }
}

/// Shows what the parent writes down.
pub struct ParentLines(FleetConsole);

impl Observer for ParentLines {
    fn on(&mut self, record: &Record) {
        let lines = &mut *self.0.lines();
        if let Event::Fleet(FleetEvent::Taken(taken)) = &record.event
            && let Some(line) = lines.rigs.get_mut(&taken.rig)
        {
            line.part.clone_from(&taken.folder);
        }
        let said = match &record.event {
            Event::Fleet(event) => lines.said(event),
            _ => None,
        };
        let Some(console) = &mut lines.console else { return };
        match said {
            Some(text) => console.remark("note", &text),
            None => console.on(record),
        }
    }
}

impl FleetLines {
    /// What is said of an event, if anything.
    fn said(&mut self, event: &FleetEvent) -> Option<String> {
        match event {
            FleetEvent::Lost {
                end,
                why,
                parent_ended,
                ..
            } => {
                // No rig is blamed for the end of the run's program.
                if !parent_ended {
                    self.lost.insert(end.batch.clone(), end.rig.clone());
                }
                let why = self.once(&end.rig, why);
                Some(format!("rig {}: lost its batch {}{why}", end.rig, end.batch))
            }
            FleetEvent::RigOut { rig, why } => {
                let why = self.once(rig, why);
                Some(format!("rig {rig} gets no further batch{why}"))
            }
            // Of a run that is paused no rig gets it: why was said.
            FleetEvent::Again { batch, cases } if self.paused.is_none() => {
                let lost = self.lost.get(batch);
                let lost = lost.map_or(String::new(), |rig| format!(", after {rig} was lost"));
                let cases = some_of(cases);
                Some(format!("batch {batch} waits for a rig again{lost}: {cases}"))
            }
            FleetEvent::GivenUp { batch, why } => Some(format!("batch {batch} is given up: {why}")),
            FleetEvent::Paused { why, cause } => {
                self.paused = Some(*cause);
                Some(format!("no further batch is begun: {why}"))
            }
            FleetEvent::CanaryPassed { suite, rigs } => {
                let rigs = rigs.join(", ");
                let follows = match self.paused {
                    None => "every rig may have its packages",
                    Some(_) => "no other rig gets its packages now, for no further batch is begun",
                };
                Some(format!("{suite}: a batch passed on {rigs}: {follows}"))
            }
            FleetEvent::Resumed { .. } => {
                self.paused.take_if(|cause| cause.ends_when_resumed());
                Some("the run goes on".to_owned())
            }
            _ => None,
        }
    }

    /// A cause behind a sentence about a rig, unless it was said of it last.
    fn once(&mut self, rig: &str, why: &str) -> String {
        let line = self.rigs.get_mut(rig);
        line.map_or_else(|| format!(": {why}"), |line| line.once(why))
    }
}

/// The names of cases, of many the first.
fn some_of(cases: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = cases.get(..SHOWN).unwrap_or(cases).join(", ");
    match cases.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
