//! What cases of one run say about each other: whoever left an image answers for it.

use crate::judgement::script::{SOURCE, TARGET, case, events, reading, ruled, rx};
use dfota_core::case::{Case, Package};
use dfota_core::event::watched::{Attempt, Gap, Halted, Purpose};
use dfota_core::event::{CaseEnded, Event};
use dfota_core::event_id::EventId;
use dfota_core::expect::Expect;
use dfota_core::judge::Judgement;
use dfota_core::outcome::Outcome;
use dfota_core::run_fold::RunFold;
use dfota_core::transport::Via;
use dfota_core::verdict::{Class, Rule, Verdict};
use rstest::rstest;

/// A run, event by event.
#[derive(Default)]
struct Run {
    fold: RunFold,
    next: u64,
}

impl Run {
    fn take(&mut self, event: &Event) {
        self.fold.on(EventId(self.next), event);
        self.next += 1;
    }

    fn script(&mut self, script: &str) {
        for event in script.split_whitespace().flat_map(events) {
            self.take(&event);
        }
    }

    fn begin(&mut self, id: &str) {
        self.take(&Event::CaseStarted {
            id: id.into(),
            suite: "suite".into(),
        });
    }

    /// An update there or back, over the UART.
    fn update(&mut self, purpose: Purpose, back: bool, script: &str) {
        let there = case(None, Expect::success());
        let [from, to] = if back { [TARGET, SOURCE] } else { [SOURCE, TARGET] };
        let package = Package {
            from: from.parse().expect("a version"),
            to: to.parse().expect("a version"),
            ..there.package.clone()
        };
        let case = Case {
            on: package.from.clone(),
            package,
            via: Via::Uart,
            ..there
        };
        self.take(&Event::Attempt(Box::new(Attempt {
            purpose,
            case,
            cuts: Vec::new(),
            before: None,
            bound_ns: 0,
        })));
        self.script(script);
    }

    /// The case ends as its journal says.
    fn end(&mut self, id: &str) -> Judgement {
        let judged = self.fold.settled();
        self.take(&Event::CaseEnded(CaseEnded {
            id: id.into(),
            suite: "suite".into(),
            verdict: judged.verdict.clone(),
            outcome: judged.outcome,
            evidence: judged.evidence.clone(),
            tries: 1,
            took_ns: 0,
            summary: judged.summary.clone(),
            rerun: String::new(),
        }));
        judged
    }

    /// A case that passes.
    fn sound(&mut self, id: &str) {
        self.begin(id);
        self.update(Purpose::Case, false, SOUND);
        assert_eq!(self.end(id).verdict, Verdict::Pass);
    }
}

const SOUND: &str = "order start brom U20 U100 brom rdy end0 =target cycle brom rdy =target";
const REFUSED: &str = "order start brom brom rdy end255 =target";

#[test]
fn a_delta_that_is_refused_twice_convicts_the_image() {
    let mut run = Run::default();
    run.sound("a");
    run.begin("b");
    run.update(Purpose::Preparation, true, REFUSED);
    assert_eq!(run.fold.revision(), None, "one refusal is no proof");
    run.update(Purpose::CounterProof, true, REFUSED);
    let revised = run.fold.revision().expect("a says something else now");
    assert_eq!(
        (revised.id.as_str(), ruled(&revised.verdict).as_str()),
        ("a", "image-corrupt")
    );
    assert_eq!(revised.outcome, Some(Outcome::SilentCorruption));
    let lines = revised.evidence.clone();
    run.take(&Event::CaseEnded(revised));
    assert_eq!(run.fold.revision(), None, "it is said once");
    let cause = run.fold.caused_by().map(|cause| cause.id.clone());
    assert_eq!(cause.as_deref(), Some("a"), "whoever makes it again needs both");
    let judged = run.end("b");
    // It cites the lines of its cause, which came before it began.
    assert_eq!(judged.evidence, lines);
    assert_eq!(ruled(&judged.verdict), "preparation-failed");
    let finding = judged.verdict.finding().expect("a finding");
    assert!(
        finding.sentence.starts_with("`a` left a corrupt image"),
        "{finding:?}"
    );
    assert!(judged.evidence.len() > 2, "{judged:?}");
    assert_eq!(finding.rule.class(), Class::Product);
}

#[test]
fn a_delta_that_is_taken_in_another_way_convicts_nobody() {
    let mut run = Run::default();
    run.sound("a");
    run.begin("b");
    run.update(Purpose::Preparation, true, REFUSED);
    let back = "order start brom U20 U100 brom rdy end0 =source";
    run.update(Purpose::CounterProof, true, back);
    assert_eq!(run.fold.revision(), None);
    run.update(Purpose::Case, false, SOUND);
    assert_eq!(run.end("b").verdict, Verdict::Pass);
}

/// The module stores large blocks wrongly: that is the finding, and not the image before it.
#[test]
fn the_way_in_which_it_was_given_is_the_finding() {
    let mut run = Run::default();
    run.begin("a");
    run.update(Purpose::Case, false, "order start brom brom rdy end255 =source");
    run.update(Purpose::CounterProof, false, SOUND);
    let judged = run.end("a");
    assert_eq!(ruled(&judged.verdict), "update-failed");
    let sentence = &judged.verdict.finding().expect("a finding").sentence;
    assert!(sentence.contains("the same package was accepted"), "{sentence}");
}

/// An image that nobody of this run left convicts nobody: the refusal is the case's own.
#[test]
fn without_a_case_before_it_a_refusal_is_its_own() {
    let mut run = Run::default();
    run.begin("a");
    run.update(Purpose::Case, false, "order start brom brom rdy end254 =source");
    run.update(
        Purpose::CounterProof,
        false,
        "order start brom brom rdy end254 =source",
    );
    assert_eq!(run.fold.revision(), None);
    assert_eq!(ruled(&run.end("a").verdict), "update-failed");
}

/// What the module does in a preparation is its own doing, by the rule of what it did.
#[rstest]
#[case::busy_for_ever("order end2 rdy =target", "update-failed")]
#[case::dead("order start brom U20 over-update cycle =dead", "update-stalled")]
#[case::download("order start brom U20 U100 brom rdy end0 =BC66NBR01A09", "wrong-version")]
fn a_preparation_that_fails(#[case] script: &str, #[case] rule: &str) {
    let mut run = Run::default();
    run.sound("a");
    run.begin("b");
    run.update(Purpose::Preparation, true, script);
    let judged = run.end("b");
    assert_eq!(ruled(&judged.verdict), rule);
    let sentence = &judged.verdict.finding().expect("a finding").sentence;
    assert!(
        sentence.starts_with("while the module was brought to"),
        "{sentence}"
    );
}

/// Later in the run, while the next case is prepared or the rig is checked.
#[rstest]
#[case::boots("brom rdy", "reboots-by-itself")]
#[case::after_a_cycle("cycle brom rdy brom rdy", "reboots-by-itself")]
#[case::updates("cycle brom start U20", "updating-after-end")]
#[case::falls_back("cycle brom rdy =source", "readings-differ")]
#[case::goes_on("cycle brom rdy =target cycle brom rdy =target", "pass")]
fn what_is_seen_after_the_end_of_a_case(#[case] later: &str, #[case] rule: &str) {
    let mut run = Run::default();
    run.sound("a");
    run.script(later);
    run.begin("b");
    let revised = run.fold.revision();
    let found = revised
        .as_ref()
        .map_or("pass".into(), |ended| ruled(&ended.verdict));
    assert_eq!(found, rule, "{revised:?}");
    // The next update writes another image: what comes then is not held against this one.
    run.update(Purpose::Case, true, "order brom start U20");
    assert!(run.fold.revision().is_none());
}

#[test]
fn a_procedure_that_stops_is_its_own_verdict() {
    let mut run = Run::default();
    run.begin("a");
    run.update(Purpose::Case, false, "order");
    run.take(&Event::Tx { text: "AT".into() });
    run.take(&Event::Halted(Halted {
        rule: Rule::SerialLost,
        sentence: "the port went".into(),
    }));
    let judged = run.end("a");
    assert_eq!(
        (ruled(&judged.verdict).as_str(), &judged.evidence[..]),
        ("serial-lost", &[3][..])
    );
}

/// An answer that is missing is held against the module only where it could have been heard.
#[rstest]
#[case::heard(&["tx"], "no-reply", &[3])]
#[case::port_lost(&["tx", "lost"], "serial-lost", &[3, 4])]
#[case::port_back(&["tx", "lost", "back"], "serial-lost", &[3, 4])]
#[case::bytes_dropped(&["tx", "behind"], "serial-lost", &[3, 4])]
#[case::sent_without_a_port(&["lost", "tx", "back"], "serial-lost", &[4, 3])]
#[case::heard_again(&["tx", "lost", "back", "tx"], "no-reply", &[6])]
#[case::dropped_before(&["behind", "tx"], "no-reply", &[4])]
fn an_answer_that_was_not_heard(#[case] script: &[&str], #[case] rule: &str, #[case] evidence: &[u64]) {
    let mut run = Run::default();
    run.begin("a");
    run.update(Purpose::Case, false, "order");
    for step in script {
        run.take(&match *step {
            "tx" => Event::Tx {
                text: "AT+QFUPLEX=1024,0".into(),
            },
            "lost" => Event::Gap(Gap::PortLost { why: "gone".into() }),
            "back" => Event::Gap(Gap::PortBack),
            "behind" => Event::Gap(Gap::ReaderBehind { bytes: 4095 }),
            _ => panic!("unknown step `{step}`"),
        });
    }
    run.take(&Event::Halted(Halted {
        rule: Rule::NoReply,
        sentence: "it was not answered".into(),
    }));
    let judged = run.end("a");
    assert_eq!(
        (ruled(&judged.verdict).as_str(), &judged.evidence[..]),
        (rule, evidence)
    );
}

/// A line in the journal that was changed gives another verdict.
#[test]
fn one_line_makes_the_difference() {
    let verdict = |end: &str| {
        let mut run = Run::default();
        run.begin("a");
        run.update(Purpose::Case, false, "order start brom U20 U100 brom rdy");
        run.take(&rx(format!("+QIND: \"FOTA\",\"END\",{end}")));
        run.take(&reading("target"));
        ruled(&run.end("a").verdict)
    };
    assert_eq!(verdict("0"), "pass");
    assert_eq!(verdict("1"), "update-code");
}
