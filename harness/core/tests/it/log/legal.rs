//! What is legal in a log and what is not, by what was heard; a line that is missing never convicts.

use crate::log::script::{A, B, only, rules, told};
use dfota_core::log::found::LogOutcome;
use dfota_core::log::summary::{headline, summary};
use rstest::rstest;

/// Each log, the summary that is told of it, and the rule that it breaks.
#[rstest]
// Sound, in each transport.
#[case(
    "A order-http http down-1 down-100 http-end-0 start rom up-20 up-100 rom rdy end-0 B",
    "UPDATING 20%..100% · END,0 · BC66NBR01A02",
    ""
)]
#[case(
    "A block-0 block-1 order-uart start rom up-20 up-100 rom rdy end-0 B",
    "UPDATING 20%..100% · END,0 · BC66NBR01A02",
    ""
)]
#[case(
    "A at coap coap-end-0 start rom up-20 up-100 rom rdy end-0 B",
    "UPDATING 20%..100% · END,0 · BC66NBR01A02",
    ""
)]
// Resets, and what the table allows behind them.
#[case(
    "A order-uart start rom up-20 up-50 rom up-20 up-100 rom rdy end-0 B",
    "UPDATING 20%..50% · reset while UPDATING 50% · resumed 20%..100% · END,0 · BC66NBR01A02",
    ""
)]
#[case(
    "A order-uart start rom up-20 up-50 rom start up-20 up-100 rom rdy end-0 B",
    "UPDATING 20%..50% · reset while UPDATING 50% · resumed 20%..100% · END,0 · BC66NBR01A02",
    ""
)]
#[case(
    "A order-uart start rom up-20 rom rom up-20 rom up-20 up-100 rom rdy end-0 B",
    "UPDATING 20%..20% · reset 2 times while UPDATING 20% · resumed 20%..20% · reset while UPDATING 20% · resumed 20%..100% · END,0 · BC66NBR01A02",
    ""
)]
#[case(
    "A order-uart start rom rom up-20 up-100 rom rdy end-0 B",
    "reset after START · resumed 20%..100% · END,0 · BC66NBR01A02",
    ""
)]
#[case("A order-uart start rom rom rdy A", "reset after START · BC66NBR01A01", "")]
#[case("A order-uart start rom rdy A", "START · BC66NBR01A01", "")]
#[case(
    "A order-uart start rom up-20 up-50 rom rdy end-0 B",
    "UPDATING 20%..50% · END,0 · BC66NBR01A02",
    ""
)]
#[case(
    "A order-uart start rom up-20 up-100 rom up-20 up-100 rom rdy end-0 B",
    "UPDATING 20%..100% · reset while UPDATING 100% · resumed 20%..100% · END,0 · BC66NBR01A02",
    ""
)]
#[case(
    "A order-http http down-43 rom rdy A",
    "reset while DOWNLOADING 43% · version not heard",
    ""
)]
#[case(
    "A block-0 block-1 rom rdy",
    "reset while uploading block 1 · version not heard",
    ""
)]
#[case(
    "A order-uart start rom up-20 up-100 rom rdy end-0 B rom rdy B",
    "UPDATING 20%..100% · END,0 · BC66NBR01A02",
    ""
)]
// It fell back, or another module is at the port.
#[case(
    "A order-uart start rom up-20 up-100 rom rdy end-0 B rom rdy A",
    "UPDATING 20%..100% · END,0 · BC66NBR01A02, then BC66NBR01A01",
    ""
)]
// END with an error code.
#[case(
    "A order-uart start rom up-20 up-50 rom up-20 up-45 rom rdy end-502 A",
    "UPDATING 20%..50% · reset while UPDATING 50% · resumed 20%..45% · reset while UPDATING 45% · END,502 · BC66NBR01A01",
    "update-failed"
)]
#[case(
    "A order-uart start rom up-20 up-50 rom rdy end-1 A",
    "UPDATING 20%..50% · reset while UPDATING 50% · END,1 · BC66NBR01A01",
    "update-failed"
)]
#[case(
    "A order-uart start rom up-20 up-100 rom rdy end-255",
    "UPDATING 20%..100% · END,255 · version not heard",
    "update-failed"
)]
#[case("A order-uart start rom rdy end-254 A", "END,254 · BC66NBR01A01", "")]
#[case("A order-http http http-end-12 A", "download 12 · BC66NBR01A01", "")]
#[case(
    "A order-http http down-50 order-http end-2 down-100 http-end-0 start rom up-20 up-100 rom rdy end-0 B",
    "END,2 · UPDATING 20%..100% · END,0 · BC66NBR01A02",
    ""
)]
// What the module names afterwards.
#[case(
    "A order-uart start rom up-20 up-100 rom rdy end-0 A",
    "UPDATING 20%..100% · END,0 · BC66NBR01A01",
    "end-without-update"
)]
#[case(
    "A order-uart start rom up-20 up-50 rom rdy A",
    "UPDATING 20%..50% · reset while UPDATING 50% · BC66NBR01A01",
    "no-resume"
)]
#[case(
    "A order-uart start rom rdy end-254 B",
    "END,254 · BC66NBR01A02",
    "version-changed"
)]
#[case(
    "A order-http http http-end-12 C",
    "download 12 · BC66NBR01A99",
    "version-changed"
)]
// What comes although nothing was ordered; the log shows commands.
#[case(
    "A order-uart start rom up-20 up-100 rom rdy end-0 B rom up-20",
    "UPDATING 20%..100% · END,0 · UPDATING 20%..20% · BC66NBR01A02",
    "updating-after-end"
)]
#[case(
    "A order-http http http-end-12 start",
    "download 12 · version not heard",
    "start-after-failed-download"
)]
#[case(
    "A order-http http http-end-0 start rom up-20 up-50 rom rdy http down-1",
    "UPDATING 20%..50% · reset while UPDATING 50% · version not heard",
    "downloaded-again"
)]
fn by_what_was_heard(#[case] words: &str, #[case] expected: &str, #[case] rule: &str) {
    let update = only(words, told("", ""));
    let expected_rules: Vec<&str> = [rule].into_iter().filter(|rule| !rule.is_empty()).collect();
    assert_eq!(
        (summary(&update).as_str(), rules(&update)),
        (expected, expected_rules)
    );
    assert_eq!(update.outcome() == LogOutcome::Illegal, !rule.is_empty());
}

/// What its owner tells changes what can be held against it.
#[rstest]
#[case("start rom up-20 up-100 rom rdy end-0 A", "", "", "")]
#[case("start rom up-20 up-100 rom rdy end-0 A", A, "", "end-without-update")]
#[case("start rom up-20 up-100 rom rdy end-0 C", "", B, "wrong-version")]
#[case("start rom up-20 up-100 rom rdy end-0 C", A, B, "wrong-version")]
#[case("start rom up-20 up-100 rom rdy end-0 B", A, B, "")]
// `--to` speaks of the way there, not of the way back.
#[case("B order-uart start rom up-20 up-100 rom rdy end-0 A", A, B, "")]
#[case("start rom up-20 up-50 rom rdy A", A, "", "no-resume")]
#[case("start rom up-20 up-50 rom rdy C", A, "", "")]
#[case("start rom up-20 up-50 rom rdy C", A, B, "wrong-version")]
fn by_what_was_told(#[case] words: &str, #[case] from: &str, #[case] to: &str, #[case] rule: &str) {
    let update = only(words, told(from, to));
    let expected: Vec<&str> = [rule].into_iter().filter(|rule| !rule.is_empty()).collect();
    assert_eq!(rules(&update), expected, "{}", summary(&update));
}

/// Where a line may be missing, nothing rests on it.
#[rstest]
// The order may stand in the torn line, or in what is noise.
#[case("A order-uart start rom up-20 up-100 rom rdy end-0 B torn rom up-20")]
#[case("A order-http http http-end-12 noise start")]
#[case("A order-http http http-end-0 start rom up-20 up-50 rom noise rdy http down-1")]
// No command is in the log: one that is missing may have been given.
#[case("start rom up-20 up-100 rom rdy end-0 start rom up-20")]
#[case("http http-end-12 start rom up-20")]
#[case("http http-end-0 start rom up-20 up-50 rom rdy http down-1")]
// Over LwM2M it is ordered without a word on this port.
#[case("at coap coap-end-0 start rom rdy end-255 start rom up-20")]
#[case("at coap coap-end-0 start rom up-20 up-50 rom rdy coap")]
// No END, no version: the log ends too early.
#[case("A order-uart start rom up-20 up-50 rom rdy")]
#[case("A order-uart start rom up-20 up-100 rom rdy rom rdy rom rdy")]
// Somebody started the terminal again: the module may have been anything in between.
#[case("A order-uart start rom up-20 up-50 putty rom rdy A")]
#[case("A order-uart start rom up-20 up-100 rom rdy end-0 putty A")]
#[case("A order-uart start rom up-20 up-50 putty rom rdy end-254")]
// Nothing was updated, and somebody may have flashed it since.
#[case("A order-http http http-end-12 rom rdy C")]
// The order may be the rest of the torn command, or the one that `A/` repeats; or it was not echoed.
#[case("A order-uart start rom up-20 up-100 rom rdy end-0 AT+QFO start rom up-20")]
#[case("A order-uart start rom up-20 up-100 rom rdy end-0 A/ start rom up-20")]
#[case("A order-uart start rom up-20 up-100 rom rdy end-0 ATE0 start rom up-20")]
#[case("ATE1 A order-uart start rom up-20 up-100 rom rdy end-0 start rom up-20")]
fn nothing_is_held_against_it(#[case] words: &str) {
    for update in crate::log::script::updates(crate::log::script::log(words).as_bytes(), told("", "")) {
        assert_eq!(rules(&update), [""; 0], "{}", summary(&update));
    }
}

#[rstest]
#[case("A order-uart start rom up-20 up-100 rom rdy end-0 B", "nothing illegal seen")]
#[case(
    "A order-uart start rom rdy end-254",
    "nothing illegal seen; it failed before any UPDATING was heard: 254 (delta firmware package mismatch)"
)]
#[case(
    "A order-http http http-end-12",
    "nothing illegal seen; the download failed: 12 (download failed)"
)]
#[case("A order-uart start rom up-20", "no END heard, nothing illegal seen")]
#[case("A order-uart start rom up-20 rom rdy end-1", "illegal")]
fn headlines(#[case] words: &str, #[case] expected: &str) {
    assert_eq!(headline(&only(words, told("", ""))), expected);
}

#[rstest]
#[case(
    "start rom up-20 up-60 up-40 up-100",
    "UPDATING went back from 60% to 40%, and no boot was heard between"
)]
#[case("start rom up-20 up-140", "UPDATING 140%: more than 100%")]
#[case(
    "http down-50 down-40",
    "DOWNLOADING went back from 50% to 40%, and no boot was heard between"
)]
#[case(
    "start rom up-20 up-100 rom rdy end-0 end-0",
    "END came again, with 0 (updated successfully)"
)]
#[case(
    "start rom up-20 up-100 rom rdy end-0 end-1",
    "END came again, with 1 (unknown error)"
)]
#[case("start rom rdy end-0", "END,0 came, and no UPDATING was heard before it")]
#[case(
    "http down-100 start rom up-20",
    "the update began at DOWNLOADING 100%, and no end of the download was heard"
)]
#[case(
    "http down-57 rom up-20",
    "the update began at DOWNLOADING 57%, and no end of the download was heard"
)]
#[case("start start rom up-20", "START came again, and no boot was heard between")]
#[case(
    "A order-http http http-end-12 rom rdy C",
    "nothing was updated, and BC66NBR01A99 was named after another boot"
)]
#[case(
    "A order-uart start rom up-20 up-100 rom rdy end-0 B rom rdy A",
    "BC66NBR01A02 was named after END,0, and BC66NBR01A01 after another boot: its version changed, or it is another module"
)]
#[case(
    "A order-uart start rom up-20 up-100 rom rdy end-0 rom rdy B A",
    "BC66NBR01A02 was named, and then BC66NBR01A01 without a boot: it is another module, or another log"
)]
#[case("http down-5 http down-1", "the download began again")]
#[case(
    "http down-5 coap-end-0",
    "URCs of an update over http and over coap in one update"
)]
#[case(
    "A order-http http down-5 order-http down-100",
    "the update was ordered again while it ran"
)]
#[case("http http-end-0 start http-end-0", "the end of a download came after START")]
fn odd_and_legal(#[case] words: &str, #[case] expected: &str) {
    let update = only(words, told("", ""));
    let odd: Vec<String> = update.notes.iter().map(|note| note.odd.to_string()).collect();
    assert_eq!((odd, rules(&update)), (vec![expected.to_string()], vec![]));
}

/// A resume may begin low: that is not odd.
#[test]
fn a_resume_may_go_back() {
    let update = only(
        "start rom up-20 up-60 rom up-20 up-100 rom rdy end-0",
        told("", ""),
    );
    assert_eq!(update.notes, []);
}

#[test]
fn the_target_without_an_end() {
    let update = only("A order-uart start rom up-20 up-100 rom rdy B", told("", B));
    let odd: Vec<String> = update.notes.iter().map(|note| note.odd.to_string()).collect();
    assert_eq!(
        (odd, rules(&update)),
        (vec!["the target runs, and no END was heard".to_string()], vec![])
    );
}
