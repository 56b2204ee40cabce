//! Where one update ends and the next begins.

use crate::log::script::{log, told, updates};
use dfota_core::log::summary::{not_known, summary};
use dfota_core::transport::Via;
use rstest::rstest;

const SOUND: &str = "start rom up-20 up-100 rom rdy end-0";

/// Each log, and the transports of the updates that are in it.
#[rstest]
#[case("", &[])]
#[case("rom rdy A at", &[])]
#[case("A order-http http down-1 http-end-0 start", &[Some(Via::Http)])]
#[case("A block-0 block-1 order-uart start", &[Some(Via::Uart)])]
// The terminal shows its own line and the module's echo.
#[case("A order-uart order-uart start", &[Some(Via::Uart)])]
#[case("A order-http order-http http", &[Some(Via::Http)])]
// No commands are shown.
#[case("http down-1 http-end-0 start rom up-20", &[Some(Via::Http)])]
#[case("coap coap-end-0 start rom up-20", &[Some(Via::Coap)])]
#[case("start rom up-20", &[None])]
// The log begins in the middle.
#[case("up-38 up-100 rom rdy end-0", &[None])]
#[case("down-38 http-end-0 start", &[Some(Via::Http)])]
#[case("end-0", &[None])]
// One after the other.
#[case("A order-uart start rom up-20 up-100 rom rdy end-0 B order-http http http-end-12", &[Some(Via::Uart), Some(Via::Http)])]
#[case("http down-43 rom rdy http down-44 http-end-0 start", &[Some(Via::Http), Some(Via::Http)])]
#[case("block-0 rom rdy block-0 order-uart", &[Some(Via::Uart), Some(Via::Uart)])]
#[case("start rom up-20 up-50 rom rdy order-uart start", &[None, Some(Via::Uart)])]
// A resume is the same update.
#[case("start rom up-20 rom up-20 rom start up-20 rom rdy end-0", &[None])]
fn found(#[case] words: &str, #[case] expected: &[Option<Via>]) {
    let found = updates(log(words).as_bytes(), told("", ""));
    let vias: Vec<_> = found
        .iter()
        .map(|update| update.via.map(|via| via.value))
        .collect();
    assert_eq!(vias, expected);
    let numbers: Vec<u64> = found.iter().map(|update| update.number).collect();
    assert_eq!(numbers, (1..=found.len() as u64).collect::<Vec<_>>());
}

/// The version before is the one that was named last, if no update came since.
#[test]
fn the_version_before() {
    let words = format!(
        "A order-uart {SOUND} B order-uart {SOUND} order-uart {SOUND} A order-uart start rom rdy end-254 order-uart {SOUND}"
    );
    let found = updates(log(&words).as_bytes(), told("", ""));
    let from: Vec<_> = found
        .iter()
        .map(|update| update.from.as_ref().map(|from| from.value.as_str()))
        .collect();
    let (a, b) = (Some("BC66NBR01A01"), Some("BC66NBR01A02"));
    assert_eq!(from, [a, b, None, a, a]);
}

#[test]
fn what_is_not_known() {
    let found = updates(
        log("start rom up-20 up-50 rom up-20 torn").as_bytes(),
        told("", ""),
    );
    assert_eq!(
        not_known(&found[0]),
        [
            "how it was ordered: no order is in the log (`--via` tells)",
            "the version before: none was named (`--from` tells)",
            "how it ended: no END was heard",
            "the version that runs now: none was named after the update",
            "whether the reset was a cut of the supply, or the module's own",
            "what stood in a damaged line (the first is line 26)",
        ]
    );
    let found = updates(
        log("A order-uart start rom up-20 up-100 rom rdy end-0 B").as_bytes(),
        told("", ""),
    );
    assert_eq!(not_known(&found[0]), [""; 0]);
}

#[test]
fn the_transport_may_be_told() {
    let mut told = told("", "");
    told.via = Some(Via::Coap);
    let found = updates(log("start rom up-20 up-100 rom rdy end-0 http").as_bytes(), told);
    let vias: Vec<_> = found
        .iter()
        .map(|update| update.via.map(|via| (via.value, via.told)))
        .collect();
    assert_eq!(vias, [Some((Via::Coap, true)), Some((Via::Http, false))]);
}

/// The boot ROM's block at another rate: what of it is heard, and RDY.
#[test]
fn a_boot_is_heard_by_any_part_of_it() {
    let bytes = b"\"x\r\n+QIND: \"FOTA\",\"UPDATING\",50%,1,1\r\nV0: 0000 0000 [0001]\r\n\xFF\xFE\r\nU0: 0000 0001 [0000]\r\n+QIND: \"FOTA\",\"UPDATING\",20%,1,1\r\n+QIND: \"FOTA\",\"UPDATING\",100%,1,1\r\nRbbRDY\r\n+QIND: \"FOTA\",\"END\",0\r\n";
    let found = updates(bytes, told("", ""));
    assert_eq!(
        summary(&found[0]),
        "UPDATING 50%..50% · reset while UPDATING 50% · resumed 20%..100% · END,0 · version not heard"
    );
}
