//! `judge --log`: logs that other programs captured, each read as a person would read it.

use crate::lab::{Lab, Ran};
use rstest::rstest;
use std::path::Path;

/// A log of the folder `tests/logs`, by its path from there.
fn judged(file: &str, more: &[&str]) -> Ran {
    let lab = Lab::new();
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    let text = std::fs::read(logs.join(file)).expect("a log");
    lab.write(file, text);
    let arguments: Vec<&str> = ["judge", "--log", file]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    lab.run(&arguments)
}

/// Ten formats, and logs that are hard to read: the whole output, and the exit code.
#[rstest]
#[case("plain", 0)]
#[case("minicom", 0)]
#[case("teraterm", 1)]
#[case("teraterm-4", 0)]
#[case("picocom", 0)]
#[case("grabserial", 1)]
#[case("screen", 0)]
#[case("labgrid", 0)]
#[case("qcom", 1)]
#[case("sscom", 1)]
#[case("torn", 0)]
#[case("reboot-loop", 0)]
#[case("no-update", 3)]
fn logs(#[case] name: &str, #[case] exit: i32) {
    let ran = judged(&format!("{name}.log"), &[]);
    insta::assert_snapshot!(format!("log-{name}"), ran.stdout);
    ran.ends(exit);
}

/// What a log does not hold, its owner may know: a source that runs after END,0 is illegal, and a target is not.
#[test]
fn versions_that_are_told() {
    let told = judged("plain.log", &["--to", "BC66NBR01A09"]).ends(1);
    assert!(told.stdout.contains("BC66NBR01A09"), "{}", told.stdout);
}

#[test]
fn as_json() {
    let ran = judged("minicom.log", &["--json"]).ends(0);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(
        json["updates"].as_array().map(Vec::len),
        Some(1),
        "{}",
        ran.stdout
    );
}

/// The page is one file without a network, says that it is of a log, and never that anything passed.
#[test]
fn a_page_of_a_log() {
    let lab = Lab::new();
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs/minicom.log");
    std::fs::copy(log, lab.path("minicom.log")).expect("a copy");
    lab.run(&["judge", "--log", "minicom.log", "--html", "page.html"])
        .ends(0);
    let page = lab.read("page.html");
    for part in ["LOG", "nothing illegal seen", "reset while UPDATING 50%", "<svg"] {
        assert!(page.contains(part), "`{part}` in the page");
    }
    for never in ["PASS", "http://", "src=\"http"] {
        assert!(!page.contains(never), "`{never}` in the page");
    }
}

/// Each gets a sentence that says what to do.
#[rstest]
#[case::missing(None)]
#[case::empty(Some(&b""[..]))]
#[case::utf_16(Some(&b"\xff\xfeA\0T\0\r\0\n\0O\0K\0\r\0\n\0"[..]))]
fn what_cannot_be_read(#[case] bytes: Option<&[u8]>) {
    let lab = Lab::new();
    if let Some(bytes) = bytes {
        lab.write("some.log", bytes);
    }
    let ran = lab.run(&["judge", "--log", "some.log"]);
    assert!(matches!(ran.code, Some(2 | 3)), "{:?}: {}", ran.code, ran.stderr);
    assert!(
        bytes.is_some_and(<[u8]>::is_empty) || ran.code == Some(2),
        "{:?}",
        ran.code
    );
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

/// Noise, NULs and a line of a megabyte between the lines of an update.
#[test]
fn noise_around_an_update() {
    let lab = Lab::new();
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs/plain.log");
    let mut bytes = vec![0_u8; 4_096];
    bytes.extend(std::fs::read(log).expect("a log"));
    bytes.extend(std::iter::repeat_n(b'x', 1 << 20));
    bytes.extend((0..=255_u8).cycle().take(10_000));
    lab.write("noisy.log", bytes);
    let ran = lab.run(&["judge", "--log", "noisy.log"]).ends(0);
    assert!(ran.stdout.contains("END,0 · BC66NBR01A02"), "{}", ran.stdout);
}
