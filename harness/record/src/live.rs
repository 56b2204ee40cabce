//! A run while it goes on, as a fold over its records: what a page shows of it. No I/O and no clock: the caller passes the
//! time.
//!
//! Records come out of one journal, or, of a run on several rigs, out of the parent's and those of its parts. A masked run is
//! masked before it is folded, so that nothing here holds what may not be shown.

pub mod api;
mod cases;
mod claims;
pub mod lab;
pub mod metrics;
mod page;
mod pools;
mod queue;
mod remaining;
mod tile;
pub mod view;

use crate::journal::{mask, masked_record};
use cases::{CaseShelf, LiveCounts};
use claims::LiveClaims;
use dfota_core::event::fleet::FleetEvent;
use dfota_core::event::{Event, Record, RunStarted};
pub use page::LiveHtml;
use queue::Queue;
use std::collections::BTreeSet;
use tile::{LiveRigState, RigTile};
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

/// A part of the page, replaced as a whole when something in it has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LivePart {
    /// The run: its counts, its progress, what it waits for.
    Head,
    /// Every tile.
    Rigs,
    /// The tile of one rig, by its number.
    Rig(usize),
    Queue,
    Verdicts,
    Claim,
}

/// How the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LiveEnding {
    exit: u8,
    interrupted: bool,
    at_ms: u64,
}

/// What is known of a run so far.
#[derive(Debug, Default)]
pub struct LiveRun {
    masked: bool,
    in_lab: bool,
    started: Option<Box<RunStarted>>,
    /// Milliseconds since 1970, as everywhere here.
    began_ms: u64,
    last_ms: u64,
    tiles: Vec<RigTile>,
    cases: CaseShelf,
    queue: Queue,
    claims: LiveClaims,
    given_up: Option<String>,
    ended: Option<LiveEnding>,
    changed: BTreeSet<LivePart>,
}

impl LiveRun {
    /// `masked`: shows no IMEI, IMSI, ICCID and IP address, whatever the records say of themselves.
    pub fn new(masked: bool) -> Self {
        Self {
            masked,
            ..Self::default()
        }
    }

    /// Takes the next record: of the run's own journal, or of the part of a `rig`.
    pub fn on(&mut self, rig: Option<&str>, record: &Record) {
        if let Event::RunStarted(started) = &record.event {
            self.masked |= started.masked || started.masked_from.is_some();
        }
        if !self.masked {
            return self.take(rig, record);
        }
        let rig = rig.map(mask::text);
        // One that cannot be masked is not shown.
        if let Ok(record) = masked_record(record) {
            self.take(rig.as_deref(), &record);
        }
    }

    /// Its page is one of those of a lab.
    #[must_use]
    pub fn in_lab(self) -> Self {
        Self { in_lab: true, ..self }
    }

    /// The cases by verdict, and the exit code once the run is over.
    pub fn standing(&self) -> (LiveCounts, Option<u8>) {
        (self.cases.counts(), self.ended.map(|ended| ended.exit))
    }

    /// Whether its beginning was heard.
    pub fn has_begun(&self) -> bool {
        self.started.is_some()
    }

    /// The parts that have changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<LivePart> {
        std::mem::take(&mut self.changed)
    }

    fn take(&mut self, rig: Option<&str>, record: &Record) {
        let at_ms = unix_ms(&record.utc).unwrap_or(self.last_ms);
        self.last_ms = self.last_ms.max(at_ms);
        match (&record.event, rig) {
            (Event::RunStarted(started), None) => self.begin(started, at_ms),
            (
                Event::RunEnded {
                    exit, interrupted, ..
                },
                None,
            ) => self.end(*exit, *interrupted, at_ms),
            (Event::Fleet(fleet), _) => self.fleet(fleet, at_ms),
            (Event::CasePlanned { case, skip }, _) => {
                self.cases.plan(case, skip.as_deref());
                self.changed.extend([LivePart::Head, LivePart::Claim]);
            }
            (Event::GivenUp { cause }, None) => {
                self.given_up = Some(cause.clone());
                self.changed.insert(LivePart::Head);
            }
            _ => {}
        }
        let number = self.number_of(rig);
        self.of_a_case(number, record, at_ms);
        if self.claims.on(rig, &record.event) {
            self.changed.insert(LivePart::Claim);
        }
        if let Some(number) = number {
            self.tiles[number].on(record, at_ms);
            self.changed.insert(LivePart::Rig(number));
        }
    }

    /// The tile that a record belongs to. The parent of several rigs has none.
    fn number_of(&mut self, rig: Option<&str>) -> Option<usize> {
        match rig {
            None if self.has_several() => None,
            None => (!self.tiles.is_empty()).then_some(0),
            Some(rig) => Some(self.tile_of(rig)),
        }
    }

    fn has_several(&self) -> bool {
        self.started
            .as_ref()
            .is_some_and(|started| !started.rigs.is_empty())
    }

    fn tile_of(&mut self, rig: &str) -> usize {
        let known = self.tiles.iter().position(|tile| tile.name == rig);
        known.unwrap_or_else(|| {
            self.tiles.push(RigTile::new(rig));
            self.changed.insert(LivePart::Rigs);
            self.tiles.len() - 1
        })
    }

    fn begin(&mut self, started: &RunStarted, at_ms: u64) {
        self.began_ms = at_ms;
        self.started = Some(Box::new(started.clone()));
        let only = std::slice::from_ref(&started.rig);
        let rigs = if started.rigs.is_empty() {
            only
        } else {
            &started.rigs[..]
        };
        for rig in rigs {
            let number = self.tile_of(&rig.file.name);
            self.tiles[number].know(rig);
            if !started.rigs.is_empty() && self.tiles[number].present.is_none() {
                self.tiles[number].state = LiveRigState::Waiting;
            }
        }
        // A rig may have spoken before.
        let place = |tile: &RigTile| rigs.iter().position(|rig| rig.file.name == tile.name);
        self.tiles.sort_by_key(|tile| place(tile).unwrap_or(rigs.len()));
        self.changed.extend([
            LivePart::Head,
            LivePart::Rigs,
            LivePart::Queue,
            LivePart::Verdicts,
            LivePart::Claim,
        ]);
    }

    fn end(&mut self, exit: u8, interrupted: bool, at_ms: u64) {
        self.ended = Some(LiveEnding {
            exit,
            interrupted,
            at_ms,
        });
        for tile in &mut self.tiles {
            tile.done();
        }
        self.changed
            .extend([LivePart::Head, LivePart::Rigs, LivePart::Queue, LivePart::Claim]);
    }

    fn of_a_case(&mut self, number: Option<usize>, record: &Record, at_ms: u64) {
        let rig = number.map(|number| self.tiles[number].name.clone());
        if self.cases.on(rig.as_deref(), record, at_ms) {
            self.changed.extend([LivePart::Head, LivePart::Verdicts]);
        }
    }

    fn fleet(&mut self, event: &FleetEvent, at_ms: u64) {
        self.queue.on(event, at_ms);
        match event {
            FleetEvent::Taken(taken) => {
                let number = self.tile_of(&taken.rig);
                self.tiles[number].take_batch(&taken.batch, taken.attempt);
                self.changed.insert(LivePart::Rig(number));
            }
            FleetEvent::Closed(end) => {
                let number = self.tile_of(&end.rig);
                self.tiles[number].close_batch(at_ms);
                self.changed.insert(LivePart::Rig(number));
            }
            FleetEvent::Lost {
                end,
                why,
                open,
                parent_ended,
                ..
            } => {
                let number = self.tile_of(&end.rig);
                self.cases.lose(&end.rig, why);
                if *parent_ended {
                    self.tiles[number].interrupt_batch();
                } else {
                    self.tiles[number].lose_batch(&end.batch, why, open);
                }
                self.changed.insert(LivePart::Rig(number));
            }
            FleetEvent::RigOut { rig, why } => {
                let number = self.tile_of(rig);
                self.tiles[number].leave(LiveRigState::Out, why);
                self.changed.insert(LivePart::Rig(number));
            }
            _ => {}
        }
        self.changed.extend([LivePart::Head, LivePart::Queue]);
        // Why a rig waits depends on all batches.
        if !matches!(event, FleetEvent::Ordered { .. }) {
            self.changed.insert(LivePart::Rigs);
        }
    }
}

/// Milliseconds since 1970.
fn unix_ms(utc: &str) -> Option<u64> {
    let at = UtcDateTime::parse(utc, &Rfc3339).ok()?;
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// `1m12s`, as the console shows times.
fn short_time(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}
