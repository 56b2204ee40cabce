//! A run whose parent was killed: what it left behind, and how it goes on.

use super::{Begun, Ready, observers};
use crate::cli::Common;
use crate::cli::command::run::resume::RecordedRun;
use crate::cli::command::run::{RunArgs, begin, unwritable};
use crate::cli::live::LivePage;
use crate::exit::CommandError;
use crate::run::fleet::keeper::CampaignKeeper;
use crate::run::fleet::memory_queue::{FleetObserver, LostCut, MemoryQueue, QueueSoFar};
use crate::run::fleet::part::PartRead;
use crate::run::fleet::wire::RigTimeline;
use crate::run::fleet::work_queue::{BatchEnding, UnreadBatch, WorkQueue};
use dfota_clock::Clock;
use dfota_core::campaign::Tallied;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::event::fleet::{FleetEvent, PartEnd, PauseCause, Taken};
use dfota_core::event::{Event, Record};
use dfota_core::fleet::{Fleet, FleetRules, ReplayedFleet};
use dfota_record::journal::{self, Observer};
use dfota_record::retention::hold;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::Path;

/// Why a batch is not over.
const WHY: &str = "the program that had the queue of the run ended";
/// Why a batch on another machine is given up.
const UNHEARD: &str = "its agent is not in the lab, and did not send its journal to the end";

/// What a dead parent left behind.
pub(in super::super) struct LeftBehind {
    rigs: Vec<String>,
    so_far: QueueSoFar,
    /// What follows from the journal and is not in it.
    owed: Vec<FleetEvent>,
    /// Batches that rigs had.
    open: Vec<Taken>,
    /// The folders of those that may still go on: their rigs are on other machines, and did not send their journals to the end.
    unheard: BTreeSet<String>,
    /// The run stays paused for good: its end was being written.
    stays_paused: bool,
    /// What each rig timed.
    timed: Vec<Vec<RigTimeline>>,
    /// Journals of the open batches. Their workers have ended, and none can begin any more.
    held: Vec<File>,
}

impl LeftBehind {
    /// Makes the queue again, and takes the parts that are open.
    pub(in super::super) fn read(
        recorded: &RecordedRun,
        rigs: Vec<String>,
        rules: FleetRules,
    ) -> Result<Self, CommandError> {
        let replayed = Fleet::replay(rigs.clone(), rules, recorded.fleet());
        let replayed = replayed.map_err(|why| {
            let folder = recorded.folder.display();
            CommandError::usage(format!("`{folder}` cannot be resumed: {why}"))
        })?;
        let ReplayedFleet {
            mut fleet,
            mut owed,
            open,
        } = replayed;
        let was_paused = fleet.paused().is_some();
        owed.extend(fleet.go_on());
        let held = open
            .iter()
            .map(|taken| take_over(&recorded.folder, taken))
            .collect::<Result<_, CommandError>>()?;
        Ok(Self {
            stays_paused: was_paused && recorded.has_concluded() && fleet.paused().is_none(),
            so_far: QueueSoFar::new(fleet),
            timed: vec![Vec::new(); rigs.len()],
            rigs,
            owed,
            open,
            unheard: BTreeSet::new(),
            held,
        })
    }

    /// The batches in these folders may still go on, and cannot be stopped.
    #[cfg(feature = "lab")]
    pub(in super::super) fn give_up(&mut self, folders: BTreeSet<String>) {
        self.unheard = folders;
    }

    /// How the open batches ended, by their parts.
    fn endings(&self, parts: Vec<PartRead>) -> Vec<ClosedPart> {
        let ended = |(taken, part): (&Taken, PartRead)| {
            let may_go_on = self.unheard.contains(&taken.folder);
            ClosedPart {
                ending: ending(&self.so_far.fleet, taken, part, may_go_on),
                taken: taken.clone(),
            }
        };
        self.open.iter().zip(parts).map(ended).collect()
    }

    /// Whether a rig may get a batch.
    pub(in super::super) fn has_work_for(&self, rig: usize) -> bool {
        let fleet = &self.so_far.fleet;
        !fleet.is_out(rig) && fleet.paused().is_none() && !self.stays_paused
    }

    fn rig(&self, name: &str) -> usize {
        let place = self.rigs.iter().position(|rig| rig == name);
        place.unwrap_or(self.rigs.len())
    }

    /// Reads the run again, for the queue and for everybody who has to have seen it. Gives the parts of the open batches.
    fn see(
        &mut self,
        recorded: &RecordedRun,
        keeper: &mut CampaignKeeper,
        live: Option<&LivePage>,
    ) -> Result<Vec<PartRead>, CommandError> {
        let mut parts: Vec<ReadPart> = Vec::new();
        for record in recorded.journal.records() {
            if let Some(page) = live {
                page.observer(None).on(record);
            }
            let Event::Fleet(event) = &record.event else {
                continue;
            };
            match event {
                FleetEvent::Taken(taken) => {
                    parts.push(self.see_part(&recorded.folder, taken, keeper, live));
                }
                FleetEvent::Ordered {
                    rig,
                    suite,
                    case,
                    cut,
                } => {
                    let (suite, case, cut) = (suite.clone(), case.clone(), cut.clone());
                    self.so_far.ordered(self.rig(rig), LostCut { suite, case, cut });
                }
                FleetEvent::Closed(end) => self.ended(end, &parts, false)?,
                FleetEvent::Lost {
                    end, parent_ended, ..
                } => self.ended(end, &parts, !parent_ended)?,
                _ => {}
            }
        }
        keeper.has_caught_up();
        let open = self.open.clone().into_iter();
        Ok(open.map(|taken| self.open_part(&taken, &mut parts)).collect())
    }

    /// The part of an open batch. The dead parent may not have heard of the cuts that its worker was told to make last.
    fn open_part(&mut self, taken: &Taken, parts: &mut Vec<ReadPart>) -> PartRead {
        let Some(at) = parts.iter().position(|part| part.taken == *taken) else {
            return PartRead::default();
        };
        let ReadPart { part, armed, .. } = parts.swap_remove(at);
        for cut in armed {
            self.so_far.ordered(self.rig(&taken.rig), cut);
        }
        part
    }

    /// Reads a part, for everybody. One without a journal says nothing.
    fn see_part(
        &mut self,
        run: &Path,
        taken: &Taken,
        keeper: &mut CampaignKeeper,
        live: Option<&LivePage>,
    ) -> ReadPart {
        let rig = taken.rig.as_str();
        let place = self.rig(rig);
        let mut sink = live.map(LivePage::sink);
        let mut present = (String::new(), String::new());
        let mut armed = Vec::new();
        let part = PartRead::from_folder_with(&run.join(&taken.folder), |record| {
            keeper.record(rig, record);
            if let Some(sink) = &mut sink {
                FleetObserver::record(sink, rig, record);
            }
            match &record.event {
                Event::CaseStarted { suite, id } => present = (suite.clone(), id.clone()),
                Event::CutArmed { cut } => {
                    let ((suite, case), cut) = (present.clone(), cut.clone());
                    armed.push(LostCut { suite, case, cut });
                }
                _ => self.timed(place, record),
            }
        });
        ReadPart {
            taken: taken.clone(),
            part,
            armed,
        }
    }

    fn timed(&mut self, rig: usize, record: &Record) {
        let Event::Calibrated {
            suite,
            campaign,
            package,
            timeline,
        } = &record.event
        else {
            return;
        };
        if let Some(timed) = self.timed.get_mut(rig) {
            // As the rig itself has it: the last one.
            timed.retain(|old| (&old.suite, &old.campaign, &old.package) != (suite, campaign, package));
            timed.push(RigTimeline {
                suite: suite.clone(),
                campaign: campaign.clone(),
                package: package.clone(),
                timeline: timeline.clone(),
            });
        }
    }

    fn ended(&mut self, end: &PartEnd, parts: &[ReadPart], is_lost: bool) -> Result<(), CommandError> {
        let of_end = |part: &&ReadPart| {
            let taken = &part.taken;
            (&taken.batch, taken.attempt, &taken.rig) == (&end.batch, end.attempt, &end.rig)
        };
        let suite = self
            .so_far
            .fleet
            .suite_of(&end.batch)
            .unwrap_or_default()
            .to_owned();
        if let Some(part) = parts.iter().rev().find(of_end) {
            part.is_as_it_ended(end)?;
            self.so_far.ended(self.rig(&end.rig), &suite, &part.part, is_lost);
        }
        Ok(())
    }
}

/// A part, and what its journal says.
struct ReadPart {
    taken: Taken,
    part: PartRead,
    /// The cuts that it was told to make.
    armed: Vec<LostCut>,
}

impl ReadPart {
    /// Checks that every line that the run recorded at the end of the batch can still be read. A resume without them would lose
    /// results.
    fn is_as_it_ended(&self, end: &PartEnd) -> Result<(), CommandError> {
        let lines = self.part.lines;
        if lines >= end.lines {
            return Ok(());
        }
        let why = self.part.unread().unwrap_or("it ends there");
        Err(CommandError::usage(format!(
            "the run cannot be resumed: the journal in `{}` had {} lines when its batch ended, and {lines} of them can be read: {why}",
            self.taken.folder, end.lines
        )))
    }
}

/// How a batch ended whose parent died meanwhile.
fn ending(fleet: &Fleet, taken: &Taken, part: PartRead, may_go_on: bool) -> BatchEnding {
    let cases = fleet.cases_of(&taken.batch);
    if let Some(unread) = UnreadBatch::from_part(&part, &taken.folder, cases, Some(WHY)) {
        return BatchEnding::Unread(unread);
    }
    // What a bricked module left of a claim's slots stays open: survivors would make the claim look better.
    let stays_open = fleet.is_of_claim(&taken.batch) && part.bricks() > 0;
    let left = if stays_open { Vec::new() } else { part.left(cases) };
    let unheard = if may_go_on {
        part.without_result(cases)
    } else {
        Vec::new()
    };
    let why = part.unrestored();
    if let Some(why) = why.or_else(|| (!unheard.is_empty()).then(|| UNHEARD.to_owned())) {
        return BatchEnding::Lost {
            part,
            why,
            left,
            unheard,
            parent_ended: false,
        };
    }
    if part.has_ended() && left.is_empty() && !stays_open {
        return BatchEnding::Closed { part, left };
    }
    BatchEnding::Lost {
        part,
        why: WHY.to_owned(),
        left,
        unheard,
        parent_ended: true,
    }
}

/// Takes the journal of an open batch, so that nobody writes it any more. A worker that has not begun it finds that it is taken.
fn take_over(run: &Path, taken: &Taken) -> Result<File, CommandError> {
    let folder = run.join(&taken.folder);
    let unwritten = |why: io::Error| unwritable(&folder, &why);
    std::fs::create_dir_all(&folder).map_err(unwritten)?;
    let path = folder.join(journal::FILE);
    match File::options().append(true).create_new(true).open(&path) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(unwritten(why)),
        _ => {}
    }
    hold(&folder).map_err(unwritten)?.ok_or_else(|| {
        CommandError::error(format!(
            "rig `{}` still runs the batch `{}`: its worker finishes the present case and ends; resume the run when it has ended",
            taken.rig, taken.batch
        ))
    })
}

/// Cuts that runs before this one made and never judged, by the beginning of its journal.
fn unjudged<'c>(before: impl Iterator<Item = &'c Tallied>) -> BTreeMap<(String, String), Cut> {
    let mut last: BTreeMap<(String, String), &Tallied> = BTreeMap::new();
    for cut in before {
        last.insert((cut.suite.clone(), cut.case.clone()), cut);
    }
    let open = last.into_iter().filter(|(_, cut)| cut.unjudged);
    open.filter_map(|(name, cut)| Some((name, cut.cut.clone()?)))
        .collect()
}

impl Begun<'_> {
    /// Goes on with the journal, and closes what a dead parent left open.
    pub(in super::super) fn go_on(
        &mut self,
        args: &RunArgs,
        common: Common,
        recorded: RecordedRun,
        mut left: LeftBehind,
        live: Option<&LivePage>,
    ) -> Result<Ready, CommandError> {
        let before = || {
            recorded.events().filter_map(|event| match event {
                Event::Tallied(cut) => Some(cut),
                _ => None,
            })
        };
        let again = unjudged(before());
        let earlier = std::mem::take(&mut self.earlier);
        let mut keeper = CampaignKeeper::resumed(&self.name, earlier, before())?;
        let parts = left.see(&recorded, &mut keeper, live)?;
        let calibrations = self.calibrations(&recorded);
        let console = self.console(args, common);
        let observer = begin::with_live(Box::new(console.of_parent()), live);
        let torn = recorded.journal.torn() as u64;
        let (reopened, held) = recorded.into_journal();
        self.held = held;
        let went_on = reopened.go_on(Clock::system(), observer);
        let (journal, writer) = went_on.map_err(|why| unwritable(&self.out, &why))?;
        journal.post(Event::Fleet(FleetEvent::Resumed {
            args: std::env::args().skip(1).collect(),
            torn,
        }));
        let endings = left.endings(parts);
        for owed in left.owed {
            journal.post(Event::Fleet(owed));
        }
        let queue = MemoryQueue::resumed(
            left.rigs.clone(),
            left.so_far,
            journal.clone(),
            observers(&console, &keeper, live),
        );
        for ClosedPart { taken, ending } in &endings {
            if let Some(rig) = left.rigs.iter().position(|rig| *rig == taken.rig) {
                queue.close(rig, taken, ending);
            }
        }
        drop(left.held);
        if left.stays_paused {
            queue.pause(
                "the run had stopped, and its end was being written",
                PauseCause::Modules,
            );
        }
        Ok(Ready {
            journal,
            writer,
            console,
            keeper,
            queue,
            again,
            calibrations,
            timed: left.timed,
        })
    }

    /// What each rig has to have run before a batch of the journal, by rig and batch.
    fn calibrations(&self, recorded: &RecordedRun) -> Vec<BTreeMap<String, Vec<Case>>> {
        let planned = &self.prepared.plan.batches;
        let own = |rig: usize| {
            let queued = recorded.fleet().filter_map(|event| match event {
                FleetEvent::Queued {
                    batch, suite, cases, ..
                } => Some((batch, suite, cases.first()?)),
                _ => None,
            });
            let of_batch = queued.map(|(batch, suite, first)| {
                // Where it stands in the plan now: its name may be another one.
                let same = planned.iter().find(|planned| {
                    planned.suite == *suite && planned.cases.iter().any(|planned| planned.case.id == *first)
                });
                let cases = same.into_iter().flat_map(|planned| planned.calibrations_on(rig));
                (batch.clone(), cases.map(|own| own.case.clone()).collect())
            });
            of_batch.collect()
        };
        (0..self.prepared.rigs.len()).map(own).collect()
    }
}

/// A batch, and how it ended.
struct ClosedPart {
    taken: Taken,
    ending: BatchEnding,
}
