//! How well the time of a cut is known.
//!
//! The journal has four times of each cut, of one monotonic clock: when the byte that completed the trigger was read, when
//! the cut was due (that, and the delay), when the line was commanded, and when the command had returned. The cut itself
//! fell between the last two, at an unknown time: a rectangular distribution over that interval, so its standard
//! uncertainty is half of the width divided by √3 (JCGM 100:2008, 4.3.7). A serial adapter may hold the byte back for its
//! latency, which is another rectangle. They are independent and added in squares; the expanded uncertainty is twice that.

use super::measurements::ShownRange;
use crate::report::{CaseRun, Run};
use dfota_core::event::CutMade;
use serde::Serialize;

/// How well the time of a cut is known, over all cuts of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Uncertainty {
    pub cuts: usize,
    /// Times of the journal, in milliseconds.
    pub times: Vec<CutTime>,
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

/// How one of the times lies, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CutTime {
    /// From what to what.
    pub name: &'static str,
    #[serde(flatten)]
    pub range: ShownRange,
}

/// Of every cut that this run made; nothing where it made none.
pub(super) fn uncertainty(run: &Run<'_>) -> Option<Uncertainty> {
    let made: Vec<&CutMade> = run.cases.iter().flat_map(CaseRun::cuts_made).collect();
    let command = |made: &CutMade| ms(made.commanded_ns, made.returned_ns);
    let widest = made.iter().map(|made| command(made)).fold(0.0, f64::max);
    let carried_out = widest / 2.0 / 3.0_f64.sqrt();
    let adapter = run.started.rig.latency_ns.map(|ns| ms(0, ns));
    let read = adapter.map(|latency| latency / 2.0 / 3.0_f64.sqrt());
    let combined = carried_out.hypot(read.unwrap_or(0.0));
    let time = |name, of: &dyn Fn(&CutMade) -> f64| {
        let range = ShownRange::new(made.iter().map(|made| of(made)).collect(), shown)?;
        Some(CutTime { name, range })
    };
    Some(Uncertainty {
        cuts: made.len(),
        times: vec![
            time("due → commanded", &|made| ms(made.due_ns, made.commanded_ns))?,
            time("commanded → returned", &command)?,
            time("due → returned", &|made| ms(made.due_ns, made.returned_ns))?,
        ],
        width: shown(widest),
        carried_out: shown(carried_out),
        adapter: adapter.map(shown),
        read: read.map(shown),
        combined: shown(combined),
        expanded: shown(2.0 * combined),
    })
}

fn ms(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e6
}

/// Whole microseconds, rounded up: an uncertainty must not look smaller than it is.
fn shown(ms: f64) -> String {
    format!("{:.3}", (ms * 1e3).ceil() / 1e3)
}
