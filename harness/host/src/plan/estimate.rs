//! How long a case is likely to take. Guesses for planning a night, never limits: those are the suite's.

use crate::plan::route::before_update;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::fault::CoapFaults;
use dfota_core::transport::Via;
use std::time::Duration;

/// Power-on → RDY → registered, with stored cell data.
const BOOT: Duration = Duration::from_secs(8);
/// Getting to know the module and its network before an update.
const DIALOGUE: Duration = Duration::from_secs(1);
/// Bytes a second over NB-IoT with one user and good cover; bad cover is ten times slower.
const DOWNLINK: u64 = 2_500;
/// One exchange of a block over CoAP beside its bytes: 76 KB in blocks of 512 bytes take 7 minutes (AN §6.3.2: 5 to 10).
const COAP_EXCHANGE: Duration = Duration::from_millis(2_600);
/// Bytes in a block over CoAP where no fault makes them smaller.
const COAP_BLOCK: u16 = 512;
/// Registrations before and after the update, and what is read, observed and written in between.
const LWM2M: Duration = Duration::from_secs(10);
/// Until a CoAP client gives a silent server up: MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2).
const SILENCE: Duration = Duration::from_secs(93);
/// What the module takes for each block of an upload beside its bytes: prompt and result.
const BLOCK_REPLIES: Duration = Duration::from_millis(60);
/// START → END for packages of the size that the vendor shows.
const UPDATE: Duration = Duration::from_secs(40);
/// How much an update grows with each KiB of its package.
const UPDATE_KIB: Duration = Duration::from_millis(500);

/// Updates that are written to flash for a case.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExpectedUpdates {
    /// Before it, to get to the version that it starts from.
    pub preparing: u32,
    /// Whether its own comes to the end.
    pub own: bool,
}

/// The module's time that a case is likely to take.
/// `measured` is how long an update was measured to take, where it was.
pub fn module_time(
    case: &Case,
    cuts: &[Cut],
    updates: ExpectedUpdates,
    discharge: Duration,
    measured: Option<Duration>,
) -> Duration {
    let refused = BOOT + DIALOGUE + transfer(case);
    // Measured is what a calibration took from the first byte of the transfer to END.
    let whole = measured.map_or(refused + update(case), |measured| BOOT + DIALOGUE + measured);
    let interrupted = cuts
        .iter()
        .map(|cut| cut.after + cut.off.max(discharge) + BOOT)
        .sum::<Duration>();
    let again = match &case.cut {
        Some(cut) if before_update(cut) => BOOT + DIALOGUE + transfer(case) / 2,
        _ => Duration::ZERO,
    };
    let queries = (discharge + BOOT) * case.limits.confirm + case.settle();
    discharge
        + whole * updates.preparing
        + if updates.own { whole } else { refused }
        + again
        + interrupted
        + queries
}

/// The module's time that the update is likely to take which proves the image that `case` left, at the end of its batch.
pub fn closing_time(case: &Case, discharge: Duration) -> Duration {
    let plain = case.prepares();
    discharge + BOOT + DIALOGUE + transfer(&plain) + update(&plain)
}

fn transfer(case: &Case) -> Duration {
    let bytes = case.package.bytes;
    match case.via {
        Via::Uart => {
            let bits = bytes * u64::from(bc66_spec::timing::BITS_PER_BYTE);
            let blocks = bytes.div_ceil(u64::from(case.block_size.max(1)));
            let wire = Duration::from_secs_f64(bits as f64 / f64::from(bc66_spec::timing::BAUD_DEFAULT));
            wire + BLOCK_REPLIES * u32::try_from(blocks).unwrap_or(u32::MAX)
        }
        Via::Coap => LWM2M + coap_download(bytes, &case.faults.coap),
        Via::Http => {
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

fn coap_download(package: u64, faults: &CoapFaults) -> Duration {
    let end = [faults.stop_at, faults.change_etag_at].into_iter().flatten();
    let end = end.map(|share| share.of(package)).min();
    let bytes = if faults.not_found {
        0
    } else {
        end.unwrap_or(package)
    };
    let size = faults.max_block.map_or(COAP_BLOCK, |most| most.min(COAP_BLOCK));
    let blocks = u32::try_from(bytes.div_ceil(size.max(1).into())).unwrap_or(u32::MAX);
    let silence = faults.stop_at.map_or(Duration::ZERO, |_| SILENCE);
    let exchange = COAP_EXCHANGE + faults.delay.unwrap_or_default();
    exchange * blocks + Duration::from_millis(bytes * 1000 / DOWNLINK) + silence
}

fn update(case: &Case) -> Duration {
    let kib = u32::try_from(case.package.bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    UPDATE + UPDATE_KIB * kib
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfota_core::percent::Percent;
    use rstest::rstest;

    fn none() -> CoapFaults {
        CoapFaults::default()
    }

    /// The vendor's figure, and what the faults make of it.
    #[rstest]
    #[case::as_the_vendor_says(none(), 300..600)]
    #[case::small_blocks(CoapFaults { max_block: Some(64), ..none() }, 3000..4000)]
    #[case::large_blocks(CoapFaults { max_block: Some(1024), ..none() }, 300..600)]
    #[case::delayed(CoapFaults { delay: Some(Duration::from_secs(1)), ..none() }, 550..650)]
    #[case::stopped(CoapFaults { stop_at: Percent::new(10), ..none() }, 130..150)]
    #[case::not_there(CoapFaults { not_found: true, ..none() }, 0..1)]
    fn a_download_of_76_kb(#[case] faults: CoapFaults, #[case] seconds: std::ops::Range<u64>) {
        let takes = coap_download(76 * 1024, &faults).as_secs();
        assert!(seconds.contains(&takes), "{takes} s");
    }
}
