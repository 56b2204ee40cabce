//! Where a cut landed: a cell of the coverage map.

use crate::report::CaseRun;
use dfota_core::case::Case;
use dfota_core::cut::{Cut, CutKind};
use dfota_core::event::{Event, Record};
use dfota_core::moment::Moment;
use dfota_core::transport::Via;
use dfota_core::update::Phase;
use std::fmt::Write as _;

/// A column: a stretch of the update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Uploading or downloading, in quarters.
    Transfer(u8),
    /// Ordered, no START and no UPDATING yet.
    Ordered,
    /// START, no UPDATING yet.
    Start,
    /// UPDATING, in tens of percent; 2 is everything below 30 %.
    Updating(u8),
    /// END had been seen.
    End,
    /// Its moment was not met.
    NotMet,
}

impl Column {
    /// All, in the order of an update.
    pub const ALL: [Self; 17] = [
        Self::Transfer(0),
        Self::Transfer(1),
        Self::Transfer(2),
        Self::Transfer(3),
        Self::Ordered,
        Self::Start,
        Self::Updating(2),
        Self::Updating(3),
        Self::Updating(4),
        Self::Updating(5),
        Self::Updating(6),
        Self::Updating(7),
        Self::Updating(8),
        Self::Updating(9),
        Self::Updating(10),
        Self::End,
        Self::NotMet,
    ];

    /// Where a cut landed that was made in this phase; `start` says that START had been seen.
    pub fn landed(case: &Case, landed: Phase, start: bool) -> Self {
        match landed {
            Phase::Idle | Phase::DownloadFailed { .. } => Self::NotMet,
            Phase::Uploading { block } => Self::of_block(case, block),
            Phase::Downloading { percent } => quarter(percent.map_or(0, |percent| percent.get().into())),
            Phase::Ordered if start => Self::Start,
            Phase::Ordered => Self::Ordered,
            Phase::Updating { percent } => ten(percent.get()),
            Phase::Ended { .. } => Self::End,
        }
    }

    /// Where a cut was to land.
    pub fn planned(case: &Case, at: Moment) -> Self {
        match at {
            Moment::HttpStart | Moment::CoapStart => Self::Transfer(0),
            Moment::Downloading(percent) => quarter(percent.get().into()),
            Moment::UploadBlock(block) => Self::of_block(case, block),
            Moment::Start => Self::Start,
            Moment::Updating(percent) => ten(percent.get()),
            Moment::End => Self::End,
        }
    }

    fn of_block(case: &Case, block: u32) -> Self {
        let before = u64::from(block) * u64::from(case.block_size);
        quarter(before.saturating_mul(100) / case.package.bytes.max(1))
    }

    /// The group of columns that it stands in.
    pub fn group(self) -> &'static str {
        match self {
            Self::Transfer(_) => "Transfer, %",
            Self::Ordered | Self::Start => "Before UPDATING",
            Self::Updating(_) => "UPDATING, %",
            Self::End | Self::NotMet => "",
        }
    }

    /// Its head, below the group's.
    pub fn head(self) -> String {
        match self {
            Self::Transfer(3) => "75–100".into(),
            Self::Transfer(n) => format!("{}–{}", n * 25, n * 25 + 24),
            Self::Ordered => "ordered".into(),
            Self::Start => "START".into(),
            Self::Updating(2) => "<30".into(),
            Self::Updating(10) => "100".into(),
            Self::Updating(n) => format!("{}–{}", n * 10, n * 10 + 9),
            Self::End => "after END".into(),
            Self::NotMet => "not met".into(),
        }
    }

    pub fn words(self) -> String {
        match self {
            Self::Transfer(_) => format!("transfer {} %", self.head()),
            Self::Updating(_) => format!("UPDATING {} %", self.head()),
            Self::NotMet => "moment not met".into(),
            Self::Ordered | Self::Start | Self::End => self.head(),
        }
    }
}

fn quarter(percent: u64) -> Column {
    Column::Transfer((percent / 25).min(3) as u8)
}

fn ten(percent: u8) -> Column {
    Column::Updating((percent / 10).clamp(2, 10))
}

/// A cell of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MapCell {
    pub via: Via,
    pub kind: CutKind,
    /// The stretch of the update.
    pub column: Column,
}

impl MapCell {
    /// Name of its anchor.
    pub fn anchor(self) -> String {
        let mut anchor = format!("at-{}-{}-", self.via.name(), self.kind.name());
        let _ = match self.column {
            Column::Transfer(n) => write!(anchor, "t{n}"),
            Column::Updating(n) => write!(anchor, "u{n}"),
            Column::Ordered => write!(anchor, "ordered"),
            Column::Start => write!(anchor, "start"),
            Column::End => write!(anchor, "end"),
            Column::NotMet => write!(anchor, "not-met"),
        };
        anchor
    }

    pub fn words(self) -> String {
        format!(
            "{}, {} cut, {}",
            self.via.name(),
            self.kind.name(),
            self.column.words()
        )
    }
}

/// A cut of a case.
#[derive(Debug, Clone, Copy)]
pub struct CaseCut<'a> {
    pub cut: &'a Cut,
    pub cell: MapCell,
    /// The percentage of UPDATING at which it landed.
    pub percent: Option<u8>,
    /// Number of its record.
    pub seq: u64,
    /// From the moment at which it was due until the line was commanded and had been moved, in real nanoseconds; nothing
    /// for one that was not made.
    pub late_ns: Option<(u64, u64)>,
}

/// The cuts of a case, in order, of all its tries.
pub fn cuts<'a>(case: &CaseRun<'a>) -> Vec<CaseCut<'a>> {
    cuts_in(case.case, case.records)
}

/// The cuts in the records of a case.
pub fn cuts_in<'a>(case: &Case, records: &'a [Record]) -> Vec<CaseCut<'a>> {
    let mut cuts = Vec::new();
    let mut start = false;
    let cell = |kind, column| MapCell {
        via: case.via,
        kind,
        column,
    };
    for record in records {
        match &record.event {
            Event::Rx { text, .. } => start |= text.contains("\"START\""),
            Event::CutMade(made) => {
                cuts.push(CaseCut {
                    cut: &made.cut,
                    cell: cell(made.cut.kind, Column::landed(case, made.landed, start)),
                    percent: match made.landed {
                        Phase::Updating { percent } => Some(percent.get()),
                        _ => None,
                    },
                    seq: record.seq,
                    late_ns: Some((made.commanded_late_ns(), made.done_late_ns())),
                });
                start = false;
            }
            Event::CutMissed { cut } => cuts.push(CaseCut {
                cut,
                cell: cell(cut.kind, Column::NotMet),
                percent: None,
                seq: record.seq,
                late_ns: None,
            }),
            _ => {}
        }
    }
    cuts
}
