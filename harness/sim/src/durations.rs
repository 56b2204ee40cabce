//! Every duration of the simulated module, each with its source or the word *assumed*.
//!
//! These are the module's own times. `--speed` divides all of them (see `clock`) and nothing else, so no other
//! file may hold a literal duration that stands for something the module does. Sources: **AN** is the application note;
//! **GK**, **AL** and **Wiz-IO** are drivers and guides for the BC66; **sibling** is a transcript of the BC26.

use std::time::Duration;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Supply or reset released → first byte of the mask ROM's block. Assumed.
pub(crate) const POWER_ON_TO_BROM: Duration = ms(50);
/// Mask ROM's block sent → the bootloader looks at the update marker. Assumed.
pub(crate) const BROM_TO_BOOTLOADER: Duration = ms(450);
/// Bootloader done → `RDY`. Assumed: GK and AL wait 3 to 5 s for the whole boot.
pub(crate) const BOOTLOADER_TO_RDY: Duration = ms(1500);
/// The same of a module that boots slowly, so that supply to `RDY` takes 10 s. Assumed.
pub(crate) const SLOW_BOOTLOADER_TO_RDY: Duration = ms(9500);
/// `RDY` → `+CFUN: 1`. Assumed.
pub(crate) const RDY_TO_CFUN: Duration = ms(100);
/// `+CFUN: 1` → the stored result of an update, if there is one. Assumed; the order is the note's (AN §6.1).
pub(crate) const CFUN_TO_END: Duration = ms(100);
/// `+CFUN: 1` → `+CPIN: READY`. Assumed.
pub(crate) const CFUN_TO_CPIN: Duration = ms(500);
/// `+CFUN: 1` → registered and `+IP:`, with stored cell data (Wiz-IO: about 4 s).
pub(crate) const ATTACH: Duration = ms(4000);

/// Registered → the address, of a network that takes its time. Assumed.
pub(crate) const LATE_ADDRESS: Duration = ms(3000);
/// How long a client in queue mode listens after the last message (TS10 §8.3 leaves it to the client). Assumed.
pub(crate) const QUEUE_AWAKE: Duration = ms(5000);
/// However fast the module runs, a server answers in its own time: a client sleeps no sooner than after so much real time.
pub(crate) const QUEUE_AWAKE_REAL_MIN: Duration = ms(100);

/// Command line complete → first byte of its reply (sibling: 21 to 42 ms).
pub const REPLY: Duration = ms(30);
/// How long the line must stay quiet before a run of surplus data bytes counts as over. Assumed.
pub const QUIET: Duration = ms(10);

/// Erase one 4 KiB sector. Assumed: typical of serial NOR flash.
pub const ERASE_SECTOR: Duration = ms(45);
/// Program up to one page of 256 bytes. Assumed: typical of serial NOR flash.
pub const PROGRAM_PAGE: Duration = Duration::from_micros(700);
/// Digest of one 4 KiB sector. Assumed.
pub(crate) const DIGEST_SECTOR: Duration = ms(3);
/// Decompress and patch one 4 KiB chunk, so that a chunk takes about half a second with its flash operations. Assumed.
pub(crate) const PATCH_CHUNK: Duration = ms(380);

/// A bootloader that crashes is reset after this long (FW: `hal_wdt_enable for 30s`).
pub(crate) const WATCHDOG: Duration = Duration::from_secs(30);
/// A shorter loss of supply is a glitch, for firmware that distinguishes it. Assumed.
pub(crate) const GLITCH: Duration = ms(20);
/// A shorter loss of supply leaves charge in the memory, which some firmware does not survive. Assumed.
pub(crate) const LONG_OFF: Duration = Duration::from_secs(10);
/// `END`, or its place in a boot → the failure of an updated application that fails later. Assumed.
pub(crate) const LATER: Duration = ms(5000);
/// `END` → the second boot of an updated application that boots twice. Assumed.
pub(crate) const END_TO_SECOND_BOOT: Duration = ms(1800);
/// The same for one that crashes and is reset. Assumed.
pub(crate) const CRASH: Duration = Duration::from_secs(10);
/// Pause after each handful of lines of a flood, so that commands get through. Assumed.
pub(crate) const FLOOD_PAUSE: Duration = ms(1);
/// How long firmware that rewrites its update info at each percentage must not be cut. Assumed.
pub(crate) const FRAGILE: Duration = ms(50);

/// Order accepted, or download complete → `START`. Assumed.
pub(crate) const ORDER_TO_START: Duration = ms(300);
/// `START` sent → the application reboots into the bootloader. Assumed.
pub(crate) const START_TO_REBOOT: Duration = ms(200);
/// Result stored → the bootloader reboots. Assumed.
pub(crate) const RESULT_TO_REBOOT: Duration = ms(100);

/// Order accepted → `HTTPSTART`. Assumed.
pub(crate) const ORDER_TO_HTTPSTART: Duration = ms(200);
/// Time of one downlink transport of [`DOWNLINK_PIECE`] bytes: about 2.5 KB/s. Assumed: NB-IoT, one user, good cover.
pub(crate) const DOWNLINK: Duration = ms(50);
/// Bytes that arrive together over the air. Assumed.
pub(crate) const DOWNLINK_PIECE: usize = 128;
/// A server that neither answers nor sends for this long has failed (BC660K in the field: `HTTPEND,12` after 2 minutes).
pub(crate) const HTTP_SILENCE: Duration = Duration::from_secs(120);

/// ACK_TIMEOUT (RFC 7252 §4.8); that the module uses the standard's value is assumed.
pub(crate) const COAP_ACK_TIMEOUT: Duration = ms(2000);
/// However fast the module runs, a host answers in its own time: no retransmission comes before so much real time.
pub(crate) const COAP_ACK_TIMEOUT_REAL_MIN: Duration = ms(20);
/// An acknowledged request waits so long for its answer: MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2). Assumed.
pub(crate) const COAP_SEPARATE_ANSWER: Duration = Duration::from_secs(93);
/// A message id is remembered for so long, and never for less real time, because a host repeats itself in its own time:
/// EXCHANGE_LIFETIME (RFC 7252 §4.8.2).
pub(crate) const COAP_EXCHANGE_LIFETIME: Duration = Duration::from_secs(247);
/// URI written, or order accepted → `COAPSTART`. Assumed.
pub(crate) const ORDER_TO_COAPSTART: Duration = ms(200);
/// `/3/0/4` executed → the module reboots. Assumed.
pub(crate) const EXECUTE_TO_REBOOT: Duration = ms(500);
/// One exchange of a block over the air, beside the transport of its bytes ([`DOWNLINK`]): with 512 bytes a block, 76 KB
/// take about 7 minutes (AN §6.3.2: "76 KB takes 5 to 10 minutes").
pub(crate) const COAP_BLOCK: Duration = ms(2600);
