//! What the verdict on a trace has to be: the contract as a table of rows. The first row that names all the facts of a
//! trace holds. The rows stand in the contract's order: what the module became, what it said, what could not be heard,
//! whether the experiment was the planned one.

use super::heard::*;
use super::trace::Trace;
use std::fmt;

/// The verdicts that are right: ids of rules of one class, or `pass` alone. More than one where more than one is true
/// and the contract does not say which comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected(pub &'static [&'static str]);

impl Expected {
    /// Whether this verdict is among them.
    pub(crate) fn allows(self, judged: &str) -> bool {
        self.0.contains(&judged)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" or "))
    }
}

/// The right verdict on a trace.
pub(crate) fn expected(trace: &Trace) -> Expected {
    let heard = Heard::of(trace);
    let row = ROWS
        .iter()
        .flat_map(|part| part.iter())
        .find(|row| row.names(heard));
    row.expect("the last row names everything").allowed
}

/// The values of each fact for which the row holds, and the verdict then.
#[derive(Debug, Clone, Copy)]
struct Row {
    facts: Heard,
    allowed: Expected,
}

const fn row(allowed: &'static [&'static str]) -> Row {
    Row {
        facts: Heard {
            version: ANY,
            expect: ANY,
            landed: ANY,
            kind: ANY,
            after: ANY,
            codes: ANY,
            wait: ANY,
            gap: ANY,
            plan: ANY,
            again: ANY,
            reboots: ANY,
            late: ANY,
        },
        allowed: Expected(allowed),
    }
}

macro_rules! narrowed_by {
    ($($fact:ident)+) => {
        impl Row {
            $(const fn $fact(mut self, values: Bits) -> Self {
                self.facts.$fact = values;
                self
            })+

            fn names(&self, heard: Heard) -> bool {
                $(self.facts.$fact & heard.$fact != 0 &&)+ true
            }
        }
    };
}

narrowed_by!(version expect landed kind after codes wait gap plan again reboots late);

/// Cuts after which the target has to run, whatever the case expects.
const FORCED: Bits = UPDATING | UPDATING_PERHAPS;
/// Cuts after which source and target are legal.
const EITHER: Bits = ORDERED | ORDERED_PERHAPS;
/// An END that is missing was not lost.
const HEARD: Bits = NO_GAP | CLEARED;
/// What is missing since the last cut was not lost.
const HEARD_SINCE: Bits = NO_GAP | CLEARED | BEFORE;
/// An END that is missing may have been lost.
const HIDDEN: Bits = TAIL | BEFORE;
/// A wait for END.
const FOR_END: Bits = STANDING | BEGUN;

/// In the order in which they are tried.
const ROWS: [&[Row]; 8] = [
    BROKEN,
    SOURCE_AFTER_END,
    SOURCE_AFTER_FORCED,
    SOURCE_OTHERWISE,
    TARGET_REFUSED,
    WAITS,
    SAID,
    LAST,
];

/// It does not answer, or runs something else.
#[rustfmt::skip]
const BROKEN: &[Row] = &[
    row(&["unresponsive", "update-stalled"]).version(DEAD).wait(FOR_END).gap(HEARD),
    row(&["unresponsive"]).version(DEAD),
    row(&["wrong-version"]).version(OTHER),
];

/// The source runs, and the last cut landed after END,0: the target has to run on.
#[rustfmt::skip]
const SOURCE_AFTER_END: &[Row] = &[
    row(&["end-without-update", "update-code"]).version(SOURCE).landed(ENDED_WELL).expect(REFUSAL),
    row(&["end-without-update", "update-failed"]).version(SOURCE).landed(ENDED_WELL).codes(BOTH),
    row(&["end-without-update"]).version(SOURCE).landed(ENDED_WELL),
];

/// The source runs, and a cut landed while UPDATING: the target has to run. An END with an error before that cut, which
/// may have been lost, would have ended the update: then a refusal was as expected.
#[rustfmt::skip]
const SOURCE_AFTER_FORCED: &[Row] = &[
    row(&["end-without-update", "update-code"]).version(SOURCE).landed(FORCED).codes(ZERO).expect(REFUSAL),
    row(&["end-without-update"]).version(SOURCE).landed(FORCED).codes(ZERO),
    row(&["end-without-update", "update-failed"]).version(SOURCE).landed(FORCED).codes(BOTH),
    row(&["serial-lost"]).version(SOURCE).landed(UPDATING_PERHAPS).codes(ERROR).expect(REFUSAL_502),
    row(&["update-failed", "update-code"]).version(SOURCE).landed(UPDATING_PERHAPS).codes(ERROR).expect(REFUSAL_255),
    row(&["update-failed", "no-resume"])
        .version(SOURCE).landed(FORCED).codes(ERROR).after(NOTHING).gap(HEARD_SINCE),
    row(&["update-failed"]).version(SOURCE).landed(FORCED).codes(ERROR),
    row(&["resume-timeout"]).version(SOURCE).landed(UPDATING_PERHAPS).expect(REFUSAL).after(NOTHING).wait(SILENT),
    row(&["serial-lost"]).version(SOURCE).landed(UPDATING_PERHAPS).expect(REFUSAL),
    row(&["resume-timeout", "no-resume", "update-stalled"])
        .version(SOURCE).landed(FORCED).after(NOTHING).wait(SILENT).kind(GLITCH),
    row(&["resume-timeout", "no-resume"]).version(SOURCE).landed(FORCED).after(NOTHING).wait(SILENT),
    row(&["no-resume", "target-not-reached"]).version(SOURCE).landed(UPDATING_PERHAPS).after(NOTHING),
    row(&["no-resume"]).version(SOURCE).landed(FORCED).after(NOTHING),
    row(&["target-not-reached"]).version(SOURCE).landed(FORCED).after(NOTHING_HEARD),
    row(&["update-stalled", "target-not-reached"]).version(SOURCE).landed(FORCED).wait(FOR_END).gap(HEARD),
    row(&["target-not-reached"]).version(SOURCE).landed(FORCED),
];

/// The source runs where success is expected, and no cut forces the target. A cut before UPDATING may leave the source,
/// unless a resume began.
#[rustfmt::skip]
const SOURCE_OTHERWISE: &[Row] = &[
    row(&["end-without-update"]).version(SOURCE).expect(SUCCESS).codes(ZERO),
    row(&["end-without-update", "update-failed"]).version(SOURCE).expect(SUCCESS).codes(BOTH),
    row(&["update-failed"]).version(SOURCE).expect(SUCCESS).codes(ERROR).landed(UNCUT | ENDED_BADLY),
    row(&["update-failed"]).version(SOURCE).expect(SUCCESS).codes(ERROR).after(SOMETHING),
    row(&["update-stalled"]).version(SOURCE).expect(SUCCESS).landed(UNCUT).wait(STANDING).gap(HEARD),
    row(&["update-stalled", "target-not-reached"]).version(SOURCE).expect(SUCCESS).wait(FOR_END).gap(HEARD),
    row(&["serial-lost"]).version(SOURCE).expect(SUCCESS).landed(UNCUT).after(NOTHING_HEARD),
    row(&["target-not-reached"]).version(SOURCE).expect(SUCCESS).landed(UNCUT),
    row(&["target-not-reached"]).version(SOURCE).expect(SUCCESS).after(SOMETHING),
];

/// The target runs where a refusal is expected. A cut after END,0 decides that the target runs on; the code is wrong then.
#[rustfmt::skip]
const TARGET_REFUSED: &[Row] = &[
    row(&["version-changed"]).version(TARGET).expect(REFUSAL).landed(UNCUT | EITHER | ENDED_BADLY),
    row(&["version-changed", "update-code", "resume-timeout"])
        .version(TARGET).expect(REFUSAL).landed(ENDED_WELL).wait(SILENT).gap(HEARD_SINCE),
    row(&["version-changed", "update-code", "update-stalled", "updating-after-end"])
        .version(TARGET).expect(REFUSAL).landed(ENDED_WELL).wait(FOR_END).gap(HEARD),
    row(&["version-changed", "update-code"]).version(TARGET).expect(REFUSAL).landed(ENDED_WELL),
];

/// From here on the version is legal. A limit ran out, and the module came back only with a power cycle.
#[rustfmt::skip]
const WAITS: &[Row] = &[
    row(&["resume-timeout", "end-missing"]).version(SOURCE).wait(SILENT).gap(HEARD).expect(REFUSAL).codes(NO_END),
    row(&["resume-timeout", "update-stalled"])
        .wait(SILENT).gap(HEARD_SINCE).kind(GLITCH).landed(FORCED),
    row(&["resume-timeout"]).wait(SILENT).gap(HEARD_SINCE),
    row(&["update-stalled", "updating-after-end"]).wait(FOR_END).gap(HEARD).again(YES),
    row(&["update-stalled", "end-missing"]).wait(BEGUN).gap(HEARD).codes(NO_END),
    row(&["update-stalled", "end-missing"]).wait(STANDING).gap(HEARD).version(SOURCE).codes(NO_END),
    row(&["update-stalled"]).wait(FOR_END).gap(HEARD),
];

/// Codes, and what came when nothing was due.
#[rustfmt::skip]
const SAID: &[Row] = &[
    row(&["update-failed", "update-code"]).version(TARGET).codes(ERROR | BOTH).landed(FORCED | ENDED_WELL),
    row(&["update-code"]).version(TARGET).codes(ERROR | BOTH),
    row(&["update-code"]).version(TARGET).codes(ZERO).expect(REFUSAL),
    row(&["end-missing"]).version(TARGET).codes(NO_END).gap(HEARD),
    row(&["update-code", "end-without-update"]).version(SOURCE).expect(REFUSAL).codes(ZERO | BOTH),
    row(&["update-code"]).version(SOURCE).expect(REFUSAL_255).codes(ERROR),
    row(&["end-missing"]).version(SOURCE).expect(REFUSAL).codes(NO_END).gap(HEARD),
    row(&["updating-after-end", "reboots-by-itself"]).again(YES).reboots(YES),
    row(&["updating-after-end"]).again(YES),
    row(&["reboots-by-itself"]).reboots(YES),
];

/// What was needed may have been lost; then the experiment; then nothing is wrong.
#[rustfmt::skip]
const LAST: &[Row] = &[
    row(&["serial-lost"]).version(TARGET).codes(NO_END).gap(HIDDEN),
    row(&["serial-lost"]).version(SOURCE).expect(REFUSAL).codes(NO_END).gap(HIDDEN),
    // Whether the source may run: UPDATING before the cut, or a resume after it, would forbid it.
    row(&["serial-lost"]).version(SOURCE).expect(SUCCESS).landed(ORDERED_PERHAPS),
    row(&["serial-lost"]).version(SOURCE).expect(SUCCESS).landed(ORDERED).after(NOTHING_HEARD),
    // Whether it came up by itself.
    row(&["serial-lost"]).wait(SILENT).gap(TAIL),
    row(&["cut-late"]).late(YES),
    row(&["finished-before-cut"]).version(TARGET).landed(FORCED).kind(CUT).after(NOTHING).plan(LOWER),
    row(&["serial-lost"]).version(TARGET).landed(FORCED).kind(CUT).after(NOTHING_HEARD).plan(LOWER),
    row(&["pass"]),
];

mod tests {
    use super::super::enumerate;
    use super::*;
    use dfota_core::verdict::{Basis, Class, Rule};

    /// The class of a verdict, `None` for a pass.
    fn class(id: &str) -> Option<Class> {
        let rule = Rule::ALL.iter().find(|rule| rule.id() == id);
        assert!(rule.is_some() || id == "pass", "`{id}` is not a rule");
        rule.map(|rule| rule.class())
    }

    #[test]
    fn a_row_allows_verdicts_of_one_class() {
        for row in ROWS.iter().flat_map(|part| part.iter()) {
            let ids = row.allowed.0;
            assert!(ids.iter().all(|id| class(id) == class(ids[0])), "{}", row.allowed);
        }
    }

    #[test]
    fn nobody_is_accused_of_what_may_have_been_lost() {
        let missing: Vec<&str> = Rule::ALL
            .iter()
            .filter(|rule| rule.class() == Class::Product && rule.basis() == Basis::Missing)
            .map(|rule| rule.id())
            .collect();
        enumerate::every(&mut |trace| {
            let heard = Heard::of(trace);
            let expected = expected(trace);
            if heard.gap & TAIL != 0 {
                assert!(
                    !missing.iter().any(|id| expected.allows(id)),
                    "{expected}, {trace}"
                );
            }
            if heard.gap & HIDDEN != 0 {
                assert!(!expected.allows("end-missing"), "{expected}, {trace}");
            }
        });
    }

    #[test]
    fn every_row_is_reached() {
        let rows: Vec<&Row> = ROWS.iter().flat_map(|part| part.iter()).collect();
        let mut reached = vec![false; rows.len()];
        enumerate::every(&mut |trace| {
            let heard = Heard::of(trace);
            if let Some(at) = rows.iter().position(|row| row.names(heard)) {
                reached[at] = true;
            }
        });
        for (row, reached) in rows.iter().zip(reached) {
            assert!(reached, "never reached: {row:?}");
        }
    }
}
