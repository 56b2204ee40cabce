//! How long a case is likely to take. Guesses for planning a night, never limits: those are the suite's.

use crate::plan::route::before_update;
use dfota_core::case::{Case, Via};
use dfota_core::cut::Cut;
use std::time::Duration;

/// Power-on → RDY → registered, with stored cell data.
const BOOT: Duration = Duration::from_secs(8);
/// Getting to know the module and its network before an update.
const DIALOGUE: Duration = Duration::from_secs(1);
/// Bytes a second over NB-IoT with one user and good cover; bad cover is ten times slower.
const DOWNLINK: u64 = 2_500;
/// What the module takes for each block of an upload beside its bytes: prompt and result.
const BLOCK_REPLIES: Duration = Duration::from_millis(60);
/// START → END for packages of the size that the vendor shows.
const UPDATE: Duration = Duration::from_secs(40);
/// How much an update grows with each KiB of its package.
const UPDATE_KIB: Duration = Duration::from_millis(500);

/// The module's time that a case is likely to take: so many updates first, then its own, with its cuts, if it comes to one.
pub fn module_time(
    case: &Case,
    cuts: &[Cut],
    (preparing, own): (u32, bool),
    discharge: Duration,
) -> Duration {
    let refused = BOOT + DIALOGUE + transfer(case);
    let whole = refused + update(case);
    let interrupted = cuts
        .iter()
        .map(|cut| cut.after + cut.off.max(discharge) + BOOT)
        .sum::<Duration>();
    let again = match &case.cut {
        Some(cut) if before_update(cut) => BOOT + DIALOGUE + transfer(case) / 2,
        _ => Duration::ZERO,
    };
    discharge + whole * preparing + if own { whole } else { refused } + again + interrupted
}

fn transfer(case: &Case) -> Duration {
    let bytes = case.package.bytes;
    match case.via {
        Via::Uart => {
            let bits = bytes * u64::from(bc66_wire::timing::BITS_PER_BYTE);
            let blocks = bytes.div_ceil(u64::from(case.block_size.max(1)));
            let wire = Duration::from_secs_f64(bits as f64 / f64::from(bc66_wire::timing::BAUD_DEFAULT));
            wire + BLOCK_REPLIES * u32::try_from(blocks).unwrap_or(u32::MAX)
        }
        Via::Http | Via::Coap => {
            let rate = case
                .faults
                .http
                .throttle
                .map_or(DOWNLINK, |rate| DOWNLINK.min(rate.into()));
            let stall = case.faults.http.stall.map_or(Duration::ZERO, |stall| stall.lasts);
            Duration::from_millis(bytes * 1000 / rate.max(1)) + stall
        }
    }
}

fn update(case: &Case) -> Duration {
    let kib = u32::try_from(case.package.bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    UPDATE + UPDATE_KIB * kib
}
