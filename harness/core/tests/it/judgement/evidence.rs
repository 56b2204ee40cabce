//! Which lines of the journal a verdict rests on.

use crate::judgement::script::{UPDATING_50, case, judged, observe, reading, ruled, then, verdict};
use dfota_core::capabilities::Capabilities;
use dfota_core::case::Anomalies;
use dfota_core::event::watched::{ObjectFact, Watched};
use dfota_core::event::{CapabilityTime, Event};
use dfota_core::event_id::EventId;
use dfota_core::expect::Expect;
use dfota_core::judge::judge;
use dfota_core::measure::{self, Measure, MeasureLimits, MeasuredValue};
use dfota_core::observation::Observation;
use dfota_core::verdict::{Finding, Rule, Verdict};
use rstest::rstest;

/// Each event of a script has the number of its place, a cut two; what the module says of itself comes at 1000.
#[rstest]
#[case::forgot("uart order start U20 U50 cut brom rdy", "source", "no-resume", &[3, 4, 7, 1000])]
#[case::lies("uart order start U20 U100 rdy end0", "source", "end-without-update", &[5, 1000])]
#[case::again("uart order start U20 U100 rdy end0 cycle rdy U20 U30", "target", "updating-after-end", &[5, 8])]
#[case::code("uart order start U20 rdy end0 end7", "target", "update-code", &[4, 5])]
#[case::gave_up("uart order start U50 cut U20 brom rdy end502", "source", "update-failed", &[3, 8, 1000])]
#[case::late("uart order start U50 rdy end0 cut rdy", "target", "cut-late", &[4, 5])]
#[case::gap("uart order start U100 gap", "target", "serial-lost", &[3, 1000])]
#[case::reboots("uart order start U100 brom rdy end0 brom", "target", "reboots-by-itself", &[5, 6])]
#[case::never_cut("uart order start U20 U100 rdy end0", "target", "pass", &[])]
#[case::boot_before_the_cut("uart order brom start U50 cut", "dead", "unresponsive", &[3, 4, 1000])]
#[case::signs_of_each_life("uart order start U20 U50 cut start U20 U100 rdy", "source", "target-not-reached", &[3, 4, 6, 8, 9, 1000])]
#[case::never_left("uart order start U50 cut over-resume cycle", "target", "power-not-cut", &[3, 1000])]
#[case::refused_order("uart refused", "source", "unexpected-reply", &[1])]
#[case::broken_download("http order hstart D50 hend12 rdy", "source", "download-code", &[3])]
#[case::downloads_again("http order hstart D100 hend0 start U50 cut rdy hstart", "target", "downloaded-again", &[6, 9])]
fn what_a_verdict_rests_on(
    #[case] script: &str,
    #[case] version: &str,
    #[case] rule: &str,
    #[case] places: &[u64],
) {
    let cut = script.contains("cut").then_some(UPDATING_50);
    let judged = judged(script, version, cut, |_| {});
    assert_eq!(ruled(&judged.verdict), rule, "{judged:?}");
    assert_eq!(judged.evidence, places);
}

/// What is not a line of the module: a wait for a cut, requests, readings, what it can do, how busy its line is.
#[rstest]
#[case::cut_missed("cut-missed", UPDATED, |seen: &mut Observation| seen.missed.push(EventId(77)), &[5, 77])]
#[case::requests_after_the_cut(
    "downloaded-again",
    "http order hstart D100 hend0 start U50 cut U60 U100 rdy end0",
    |seen: &mut Observation| {
        seen.fetches.again = 1;
        seen.fetches.ids = [2, 6, 7, 8].map(EventId).to_vec();
    },
    &[6, 7, 8],
)]
#[case::fault_not_met(
    "fault-not-met",
    "http order hstart D100 hend0 start U20 U100 rdy end0",
    |seen: &mut Observation| seen.plan.case.faults.http.status = Some(404),
    &[3, 8],
)]
#[case::flood("floods-the-line", UPDATED, |seen: &mut Observation| settled(seen, 251), &[1000])]
#[case::busy("pass", UPDATED, |seen: &mut Observation| settled(seen, 250), &[])]
#[case::anomaly("anomaly", "uart order start U140 U100 rdy end0", |seen: &mut Observation| seen.plan.case.anomalies = Anomalies::Fail, &[2])]
#[case::lost("function-lost", UPDATED, lose_the_sim, &[500, 1000])]
#[case::object("observe-refused", "coap order cstart cend0 U20 U100 rdy end0", found, &[6, 600])]
#[case::silent_and_awake("unresponsive", UPDATED, |seen: &mut Observation| seen.on(EventId(2000), &reading("dead")), &[3, 5, 1000, 2000])]
#[case::awake_and_silent("unresponsive", UPDATED, |seen: &mut Observation| {
    seen.on(EventId(2000), &reading("dead"));
    seen.on(EventId(3000), &reading("target"));
}, &[3, 5, 1000, 2000, 3000])]
fn what_else_a_verdict_rests_on(
    #[case] rule: &str,
    #[case] script: &str,
    #[case] change: fn(&mut Observation),
    #[case] places: &[u64],
) {
    let cut = (script.contains("cut") || rule == "cut-missed").then_some(UPDATING_50);
    let judged = judged(script, "target", cut, change);
    assert_eq!(ruled(&judged.verdict), rule, "{judged:?}");
    assert_eq!(judged.evidence, places);
}

const UPDATED: &str = "uart order start U20 U100 rdy end0";

/// The module was left alone, and its line was busy for so many parts of a thousand.
fn settled(seen: &mut Observation, busy: u64) {
    let watched_ns = 45_000_000_000;
    then(seen, &Event::Watched(Watched::Settled { watched_ns, busy }));
}

fn lose_the_sim(seen: &mut Observation) {
    let with = |sim| Capabilities {
        sim: Some(sim),
        ..Capabilities::default()
    };
    seen.plan.before = Some(with(true));
    let (when, capabilities) = (CapabilityTime::After, with(false));
    seen.on(EventId(500), &Event::Capabilities { when, capabilities });
}

fn found(seen: &mut Observation) {
    let rule = Rule::ObserveRefused;
    let finding = Finding {
        rule,
        sentence: rule.meaning().into(),
    };
    for fact in [
        ObjectFact::Found { finding },
        ObjectFact::Rests { state: 0, result: 1 },
    ] {
        seen.on(EventId(600), &Event::Watched(Watched::Object(fact)));
    }
}

/// An update in which much is wrong, so that each rule finds what it rests on.
#[test]
fn a_verdict_against_the_module_rests_on_something() {
    let scripts = [
        ("uart order start U50 cut brom rdy", "source"),
        ("uart order start U50 cut brom", "dead"),
        ("uart order start U50 cut over-resume cycle rdy", "target"),
        ("uart order start U50 cut U20 over-update cycle", "target"),
        ("uart order start U50 cut U20 U100 rdy", "target"),
        ("uart order start U50 cut U20 U100 rdy end0", "BC66NBR01A07"),
        ("uart order start U50 cut U20 U100 rdy end0", "unreadable"),
        ("http order hstart D50 start U50 cut U100 rdy end0", "target"),
        ("uart order hstart start U50 cut U100 rdy end0", "target"),
    ];
    for (script, version) in scripts {
        let judged = judged(script, version, Some(UPDATING_50), |_| {});
        assert!(matches!(judged.verdict, Verdict::Fail(_)), "{script}: {judged:?}");
        assert!(!judged.evidence.is_empty(), "{script}: {judged:?}");
    }
}

fn taken(measure: Measure, value: u64) -> MeasuredValue {
    let id = EventId(value);
    MeasuredValue { measure, value, id }
}

#[rstest]
#[case::within(Measure::ResumedAt, Some(20), Some(60), &[20, 60], "pass")]
#[case::below(Measure::ResumedAt, Some(20), None, &[40, 19], "measurement-out-of-limits")]
#[case::above(Measure::BytesAgain, None, Some(0), &[0, 1], "measurement-out-of-limits")]
#[case::any(Measure::FirstUrc, None, None, &[7], "pass")]
#[case::slow(Measure::CutLatency, None, Some(5_000_000), &[5_000_001], "cut-slow")]
#[case::never(Measure::UpdateTime, None, Some(1), &[], "measurement-missing")]
fn measurements(
    #[case] what: Measure,
    #[case] min: Option<u64>,
    #[case] max: Option<u64>,
    #[case] values: &[u64],
    #[case] rule: &str,
) {
    let declared = [MeasureLimits {
        measure: what,
        min,
        max,
    }];
    // Another one than the declared one is nobody's business.
    let other = taken(Measure::AttachTime, u64::MAX);
    let taken: Vec<MeasuredValue> = values
        .iter()
        .map(|&value| taken(what, value))
        .chain([other])
        .collect();
    let out = measure::out_of_limits(&declared, &taken);
    if let Some(measure::OutOfLimits { id, .. }) = &out {
        assert_eq!(Some(id.0), values.last().copied(), "the one that is out");
    }
    let found = out
        .map(|out| out.verdict)
        .or_else(|| measure::missing(&declared, &taken))
        .unwrap_or(Verdict::Pass);
    assert_eq!(ruled(&found), rule, "{found:?}");
}

/// What was not legal in itself counts although the update went well.
#[rstest]
#[case(Rule::ObserveRefused)]
#[case(Rule::ResultNotReset)]
fn a_finding_of_the_object_fails_a_good_update(#[case] rule: Rule) {
    let finding = Finding {
        rule,
        sentence: rule.meaning().into(),
    };
    let facts = [
        ObjectFact::Found { finding },
        ObjectFact::Rests { state: 0, result: 1 },
    ];
    let script = "coap order cstart cend0 U20 U100 rdy end0";
    let judged = verdict(script, "target", None, |seen| {
        for fact in &facts {
            then(seen, &Event::Watched(Watched::Object(fact.clone())));
        }
    });
    assert_eq!(ruled(&judged), rule.id());
}

/// A case that was cut before there was anything to update with is judged by what runs, not by codes that could not come.
#[test]
fn a_cut_in_the_upload_rests_on_nothing_more() {
    let case = case(
        Some(dfota_core::moment::Moment::UploadBlock(2)),
        Expect::success(),
    );
    let mut seen = observe(&case, "uart block cut brom rdy");
    then(&mut seen, &reading("source"));
    let judged = judge(&seen);
    assert_eq!(
        (ruled(&judged.verdict).as_str(), judged.evidence.len()),
        ("pass", 0)
    );
}
