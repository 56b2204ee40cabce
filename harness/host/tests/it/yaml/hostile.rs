//! Whatever the bytes: a value or a refusal, in time, and never a panic.

use crate::yaml::bench::{rig, shown, suite, suite_of};
use proptest::prelude::*;
use std::time::{Duration, Instant};

const RIG: &str = include_str!("../../../../../rigs/bench-example.yaml");
const CASES: &str = "  - name: forced resume\n    matrix: {via: [http, uart], at: [20%, 50%]}\n    \
    update: {package: a-to-b, via: \"{via}\"}\n    cut: {at: \"updating {at}\", after: 0ms..400ms, off: 5s}\n  \
    - {name: no, update: &u {package: b-to-a, via: uart}, faults: {uart: {damage: 5%}}, expect: {update: 254, version: unchanged}}\n  \
    - {name: yes, update: *u, limits: {boot: 3s}, requirements: [\"a\"], tags: [b], skip: \"c\"}\n";

/// What was refused can be shown, in colour and without.
fn survives(bytes: &[u8]) {
    if let Err(why) = rig(bytes) {
        let _ = (why.render(false), why.render(true), why.to_string());
    }
    if let Err(why) = suite(bytes) {
        let _ = (why.render(false), why.render(true), why.to_string());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survives(&bytes);
    }

    #[test]
    fn any_text(text in "[ \\t\\r\\n:,{}\\[\\]\"'|>&*!%@#?a-z0-9~.\\-\u{feff}äß漢\u{85}\u{2028}]{0,120}") {
        survives(text.as_bytes());
    }

    #[test]
    fn a_sound_file_with_a_hole(from in 0_usize..900, len in 0_usize..40, put in "[ \\n\\t:{}\\[\\]\"'a-z%&*\u{e9}]{0,6}") {
        for text in [RIG.to_owned(), suite_of(CASES)] {
            let chars: Vec<char> = text.chars().collect();
            let from = from.min(chars.len());
            let to = (from + len).min(chars.len());
            let text: String = chars[..from].iter().copied().chain(put.chars()).chain(chars[to..].iter().copied()).collect();
            survives(text.as_bytes());
        }
    }

    #[test]
    fn a_sound_file_with_a_broken_byte(at in 0_usize..900, byte in any::<u8>()) {
        for text in [RIG.to_owned(), suite_of(CASES)] {
            let mut bytes = text.into_bytes();
            let at = at.min(bytes.len() - 1);
            bytes[at] = byte;
            survives(&bytes);
        }
    }
}

fn aliases(depth: usize) -> String {
    let mut text = "rig: sim\nmodule: bc66\nlabels:\n  - &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..depth {
        let below = format!("*a{}, ", n - 1).repeat(10);
        text += &format!("  - &a{n} [{below}]\n");
    }
    text
}

#[test]
fn aliases_that_multiply_are_refused_in_time() {
    let start = Instant::now();
    let text = shown(rig(aliases(12).as_bytes()));
    assert!(text.starts_with("  × "), "{text}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn an_alias_into_itself_is_refused() {
    let text = shown(rig(b"rig: sim\nmodule: bc66\nlabels: &a [*a]\n"));
    assert!(text.contains("rigs/bench.yaml"), "{text}");
}

#[test]
fn deep_nesting_and_long_lines_are_refused_in_time() {
    let start = Instant::now();
    for text in [
        "[".repeat(5_000),
        "{a: ".repeat(5_000),
        "- ".repeat(5_000),
        "? ".repeat(5_000),
        format!("rig: {}", "x".repeat(900_000)),
        format!("rig: \"{}", "x".repeat(900_000)),
        "a: b\n".repeat(100_000),
        "x".repeat(2_000_000),
    ] {
        survives(text.as_bytes());
    }
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

/// As many keys as the largest file holds: refused before somebody thinks that the program hangs.
#[test]
fn very_many_unknown_keys() {
    let keys: String = (0..120_000).map(|n| format!("k{n:x}:\n")).collect();
    let began = Instant::now();
    let text = shown(rig(keys.as_bytes()));
    assert!(
        text.contains("unknown key `k0`"),
        "{}",
        &text[..500.min(text.len())]
    );
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}
