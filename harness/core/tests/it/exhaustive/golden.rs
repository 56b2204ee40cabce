//! The contract's table of what is legal after a cut, row by row, and what else is written down word by word. The big
//! table is held against these, so that a slip in it is not taken for the judge's.

use super::table::expected;
use super::trace::Became::{Dead, Other, Source, Target};
use super::trace::Expectation::{Refusal255, Refusal502, Success};
use super::trace::{Armed, Became, Expectation, Trace};

/// The trace, what was read back, what the case expects, and what is right.
type Golden = (&'static str, Became, Expectation, &'static str);

/// Without a cut.
const UNCUT: &[Golden] = &[
    ("START LOW HIGH BROM RDY END0", Target, Success, "pass"),
    (
        "BROM BROM START LOW HIGH BROM BROM RDY END0 END0",
        Target,
        Success,
        "pass",
    ),
    ("START LOW HIGH BROM RDY END0", Other, Success, "wrong-version"),
    ("START LOW HIGH BROM RDY END0", Dead, Success, "unresponsive"),
    (
        "START LOW HIGH BROM RDY END0",
        Source,
        Success,
        "end-without-update",
    ),
    ("START LOW RDY END502", Source, Success, "update-failed"),
    ("START LOW RDY", Source, Success, "target-not-reached"),
    ("RDY", Source, Success, "target-not-reached"),
    ("START LOW TIMEOUT", Source, Success, "update-stalled"),
    ("START LOW HIGH TIMEOUT", Target, Success, "update-stalled"),
    ("START LOW HIGH RDY", Target, Success, "end-missing"),
    ("START LOW HIGH GAP", Target, Success, "serial-lost"),
    ("START LOW HIGH GAP TIMEOUT", Target, Success, "serial-lost"),
    ("START GAP LOW HIGH RDY END0", Target, Success, "pass"),
    ("START GAP LOW HIGH RDY", Target, Success, "end-missing"),
    ("START LOW HIGH RDY END502", Target, Success, "update-code"),
    ("START LOW RDY END0 LOW", Target, Success, "updating-after-end"),
    (
        "START LOW HIGH RDY END0 RDY",
        Target,
        Success,
        "reboots-by-itself",
    ),
    ("START LOW RDY END502", Source, Refusal502, "pass"),
    ("RDY END502", Source, Refusal502, "pass"),
    ("START LOW RDY END502", Source, Refusal255, "update-code"),
    ("START LOW RDY END502", Target, Refusal502, "version-changed"),
    ("START LOW RDY", Source, Refusal502, "end-missing"),
    ("START LOW GAP RDY", Source, Refusal502, "serial-lost"),
];

/// After the order or START, before UPDATING.
const ORDERED: &[Golden] = &[
    ("CUT RDY", Source, Success, "pass"),
    ("START CUT BROM RDY", Source, Success, "pass"),
    ("START CUT START LOW HIGH RDY END0", Target, Success, "pass"),
    ("START CUT LOW HIGH RDY END0", Target, Success, "pass"),
    ("START CUT RDY END502", Source, Success, "pass"),
    ("START CUT RDY END0", Source, Success, "end-without-update"),
    ("START CUT START LOW RDY END502", Source, Success, "update-failed"),
    ("START CUT START LOW RDY", Source, Success, "target-not-reached"),
    ("START CUT START LOW HIGH RDY", Target, Success, "end-missing"),
    ("START CUT TIMEOUT", Dead, Success, "unresponsive"),
    ("START GLITCH LOW HIGH RDY END0", Target, Success, "pass"),
    ("START GLITCH RDY", Source, Success, "pass"),
];

/// While UPDATING.
const UPDATING: &[Golden] = &[
    ("START LOW CUT START LOW HIGH RDY END0", Target, Success, "pass"),
    ("START LOW CUT LOW RDY END0", Target, Success, "pass"),
    ("START LOW CUT LOW CUT LOW HIGH RDY END0", Target, Success, "pass"),
    ("START LOW CUT RDY END0", Target, Success, "finished-before-cut"),
    ("START LOW CUT GAP RDY END0", Target, Success, "serial-lost"),
    ("START LOW HIGH CUT RDY END0", Target, Success, "pass"),
    ("START LOW GLITCH HIGH RDY END0", Target, Success, "pass"),
    ("START LOW GLITCH BROM LOW HIGH RDY END0", Target, Success, "pass"),
    ("START LOW GLITCH RDY END0", Target, Success, "pass"),
    (
        "START LOW CUT LOW LOW RDY END502",
        Source,
        Success,
        "update-failed",
    ),
    (
        "START LOW CUT LOW LOW RDY END502",
        Source,
        Refusal502,
        "update-failed",
    ),
    (
        "START LOW CUT RDY END502",
        Source,
        Success,
        "update-failed or no-resume",
    ),
    (
        "START LOW CUT LOW HIGH RDY END502",
        Target,
        Success,
        "update-failed or update-code",
    ),
    (
        "START LOW CUT LOW HIGH RDY END502 END0",
        Target,
        Success,
        "update-failed or update-code",
    ),
    ("START LOW CUT RDY", Source, Success, "no-resume"),
    ("START LOW CUT RDY", Source, Refusal502, "no-resume"),
    ("START LOW GLITCH RDY", Source, Success, "no-resume"),
    ("START LOW CUT GAP RDY", Source, Success, "target-not-reached"),
    ("START LOW CUT LOW RDY", Source, Success, "target-not-reached"),
    (
        "START LOW CUT LOW HIGH RDY END0",
        Source,
        Success,
        "end-without-update",
    ),
    ("START LOW CUT LOW HIGH RDY", Target, Success, "end-missing"),
    ("START LOW CUT LOW HIGH GAP RDY", Target, Success, "serial-lost"),
    (
        "START LOW CUT LOW HIGH RDY END0",
        Target,
        Refusal502,
        "update-code",
    ),
    (
        "START LOW CUT LOW RDY END502 CUT RDY",
        Source,
        Success,
        "update-failed or no-resume",
    ),
    ("START LOW CUT TIMEOUT", Target, Success, "resume-timeout"),
    (
        "START LOW CUT TIMEOUT",
        Source,
        Success,
        "resume-timeout or no-resume",
    ),
    (
        "START LOW CUT LOW TIMEOUT",
        Dead,
        Success,
        "unresponsive or update-stalled",
    ),
    ("START LOW CUT LOW GAP TIMEOUT", Dead, Success, "unresponsive"),
    ("START LOW CUT LOW RDY", Dead, Success, "unresponsive"),
    ("START LOW CUT RDY", Other, Refusal502, "wrong-version"),
];

/// After END.
const ENDED: &[Golden] = &[
    ("START LOW HIGH RDY END0 CUT RDY", Target, Success, "pass"),
    ("START LOW HIGH RDY END0 GLITCH", Target, Success, "pass"),
    (
        "START LOW HIGH RDY END0 CUT RDY",
        Source,
        Success,
        "end-without-update",
    ),
    (
        "START LOW HIGH RDY END0 CUT LOW RDY",
        Target,
        Success,
        "updating-after-end",
    ),
    (
        "START LOW HIGH RDY END0 CUT TIMEOUT",
        Target,
        Success,
        "resume-timeout",
    ),
    ("START LOW CUT LOW RDY END0 CUT RDY", Target, Success, "cut-late"),
    (
        "START LOW CUT LOW RDY END0 CUT RDY",
        Source,
        Success,
        "end-without-update",
    ),
    ("START LOW RDY END502 CUT RDY", Source, Success, "update-failed"),
    ("START LOW RDY END502 CUT RDY", Source, Refusal502, "pass"),
];

#[test]
fn the_table_says_what_the_contract_says() {
    for (words, became, expect, right) in [UNCUT, ORDERED, UPDATING, ENDED].concat() {
        let trace = Trace::parse(words, became, expect);
        assert_eq!(expected(&trace).to_string(), right, "{trace}");
    }
}

#[test]
fn a_cut_is_judged_by_where_it_landed_and_by_where_it_was_armed() {
    let armed = |words, plan| {
        let mut trace = Trace::parse(words, Target, Success);
        trace.plan = Some(plan);
        expected(&trace).to_string()
    };
    let after_end = "START LOW HIGH RDY END0 CUT RDY";
    assert_eq!(armed(after_end, Armed::Low(20)), "cut-late");
    assert_eq!(armed(after_end, Armed::High), "cut-late");
    assert_eq!(armed(after_end, Armed::End), "pass");
    let after_all = "START LOW HIGH CUT RDY END0";
    assert_eq!(armed(after_all, Armed::High), "pass");
    assert_eq!(armed(after_all, Armed::Low(20)), "finished-before-cut");
    assert_eq!(armed(after_all, Armed::Start), "finished-before-cut");
}
