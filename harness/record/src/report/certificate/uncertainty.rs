//! How well the time of a cut is known.
//!
//! The journal has four times of each cut, of one monotonic clock: when the byte that completed the trigger was read, when
//! the cut was due (that, and the delay), when the line was commanded, and when the command had returned. The cut itself
//! fell between the last two, nobody knows where: a rectangular distribution over that interval, so its standard
//! uncertainty is half of the width divided by √3 (JCGM 100:2008, 4.3.7). A serial adapter may hold the byte back for its
//! latency, which is another rectangle. They are independent and added in squares; the expanded uncertainty is twice that.

use super::measurements::rank;
use crate::report::Run;
use dfota_core::event::Event;
use serde::Serialize;

/// How well the time of a cut is known, over all cuts of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Uncertainty {
    pub cuts: usize,
    /// Times of the journal, in milliseconds.
    pub spreads: Vec<Spread>,
    /// The widest interval in which a cut fell, in milliseconds.
    pub width: String,
    /// Standard uncertainty out of it.
    pub carried_out: String,
    /// Longest time that the adapter may hold a byte; nothing for a simulated module, which has none.
    pub adapter: Option<String>,
    /// Standard uncertainty out of that.
    pub read: Option<String>,
    pub combined: String,
    pub expanded: String,
}

/// How one of the times was spread.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// From what to what.
    pub name: &'static str,
    /// The smallest, in milliseconds.
    pub min: String,
    /// The one in the middle.
    pub median: String,
    /// The one that 95 % do not exceed (nearest rank).
    pub p95: String,
    pub max: String,
}

/// Of every cut that this run made; nothing where it made none.
pub(super) fn of(run: &Run<'_>) -> Option<Uncertainty> {
    let (mut before, mut command, mut done) = (Vec::new(), Vec::new(), Vec::new());
    for record in run.cases.iter().flat_map(|case| case.records) {
        if let Event::CutMade(made) = &record.event {
            before.push(ms(made.due_ns, made.commanded_ns));
            command.push(ms(made.commanded_ns, made.returned_ns));
            done.push(ms(made.due_ns, made.returned_ns));
        }
    }
    let widest = command.iter().copied().fold(0.0, f64::max);
    let carried_out = widest / 2.0 / 3.0_f64.sqrt();
    let adapter = run.started.rig.latency_ns.map(|ns| ms(0, ns));
    let read = adapter.map(|latency| latency / 2.0 / 3.0_f64.sqrt());
    let combined = carried_out.hypot(read.unwrap_or(0.0));
    Some(Uncertainty {
        cuts: before.len(),
        spreads: vec![
            spread("due → commanded", before)?,
            spread("commanded → returned", command)?,
            spread("due → returned", done)?,
        ],
        width: shown(widest),
        carried_out: shown(carried_out),
        adapter: adapter.map(shown),
        read: read.map(shown),
        combined: shown(combined),
        expanded: shown(2.0 * combined),
    })
}

fn spread(name: &'static str, mut values: Vec<f64>) -> Option<Spread> {
    values.sort_by(f64::total_cmp);
    Some(Spread {
        name,
        min: shown(*values.first()?),
        median: shown(rank(&values, 0.5)?),
        p95: shown(rank(&values, 0.95)?),
        max: shown(*values.last()?),
    })
}

fn ms(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e6
}

/// Whole microseconds, rounded up: an uncertainty must not look smaller than it is.
fn shown(ms: f64) -> String {
    format!("{:.3}", (ms * 1e3).ceil() / 1e3)
}
