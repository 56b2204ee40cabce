//! How long a case is likely to take. Guesses for planning a night, never limits: those are the suite's.

use dfota_core::case::{Case, Via};
use dfota_core::cut::Cut;
use dfota_core::moment::Moment;
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

/// The module's time that a case is likely to take: `preparing` updates first, then its own with its cuts.
pub fn module_time(case: &Case, cuts: &[Cut], preparing: u32, discharge: Duration) -> Duration {
    let whole = BOOT + DIALOGUE + transfer(case) + update(case);
    let interrupted = cuts
        .iter()
        .map(|cut| cut.after + cut.off.max(discharge) + BOOT)
        .sum::<Duration>();
    let own = match case.cut.as_ref().map(|cut| cut.at) {
        _ if case.faults.order.is_some() || refused(case) => BOOT + DIALOGUE + transfer(case),
        Some(Moment::HttpStart | Moment::CoapStart) => BOOT + DIALOGUE,
        Some(Moment::Downloading(percent)) => BOOT + DIALOGUE + share(transfer(case), percent.get()),
        Some(Moment::UploadBlock(_)) => BOOT + DIALOGUE + transfer(case) / 2,
        _ => whole,
    };
    discharge + whole * preparing + own + interrupted
}

/// Whether the case ends before an update begins.
fn refused(case: &Case) -> bool {
    case.expect.download.is_some_and(|code| code != 0) || case.expect.update.is_some_and(|code| code != 0)
}

fn share(time: Duration, percent: u8) -> Duration {
    time * u32::from(percent) / 100
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
