//! Which lines of the journal a verdict rests on.

use crate::script::{UPDATING_50, became, case, input, play, ruled};
use bc66_wire::lwm2m::{State, UpdateResult};
use dfota_core::case::Via;
use dfota_core::evidence::evidence;
use dfota_core::expect::Expect;
use dfota_core::judge::{Asked, Facts, Fetches, Lwm2m, Told, judge};
use dfota_core::lwm2m::firmware_update::Ending;
use dfota_core::mark::Mark;
use dfota_core::measure::{self, Declared, Measure, Taken};
use dfota_core::update::Update;
use dfota_core::verdict::{Class, Finding, Rule, Verdict};
use rstest::rstest;

/// A script of which every word has a place in the journal, counted from 0; asking for the identity comes after it.
#[rstest]
#[case::forgot("uart order start U20 U50 cut brom rdy", "source", Rule::NoResume, &[3, 4, 6, 100])]
#[case::lies("uart order start U20 U100 rdy end0", "source", Rule::EndWithoutUpdate, &[5, 100])]
#[case::again("uart order start U20 U100 rdy end0 cycle rdy U20 U30", "target", Rule::UpdatingAfterEnd, &[5, 8])]
#[case::code("uart order start U20 rdy end0 end7", "target", Rule::UpdateCode, &[4, 5])]
#[case::fetched("http order hstart D100 hend0 start U50 cut hstart", "target", Rule::DownloadedAgain, &[6, 7])]
#[case::late("uart order start U50 rdy end0 cut rdy", "target", Rule::CutLate, &[4, 5])]
fn what_a_verdict_rests_on(
    #[case] script: &str,
    #[case] version: &str,
    #[case] rule: Rule,
    #[case] places: &[u64],
) {
    let via = if script.starts_with("http") {
        Via::Http
    } else {
        Via::Uart
    };
    let mut update = Update::new(via);
    for (place, word) in script.split_whitespace().skip(1).enumerate() {
        update.on_marked(input(word), Mark(place as u64));
    }
    let case = case(Some(UPDATING_50), Expect::success());
    let facts = Facts {
        case: &case,
        update: &update,
        became: became(version),
        cuts_planned: 1,
        timed_out: None,
        reply: None,
        fault_met: true,
        fetches: Fetches::default(),
        lwm2m: None,
        imei: None,
        asked: Asked {
            marks: dfota_core::judge::Marks {
                identities: vec![Mark(100)],
                ..Default::default()
            },
            ..Asked::default()
        },
    };
    let found: Vec<u64> = evidence(&facts, rule).into_iter().map(|mark| mark.0).collect();
    assert_eq!(found, places);
}

/// The table of rules and that of evidence belong together: a rule that judges a module rests on something.
#[test]
fn every_rule_of_the_module_rests_on_something() {
    let script = "http order hstart D50 hend0 start U20 U50 cut start rdy end0 U20";
    let mut update = Update::new(Via::Http);
    for (place, word) in script.split_whitespace().skip(1).enumerate() {
        update.on_marked(input(word), Mark(place as u64));
    }
    let case = case(Some(UPDATING_50), Expect::success());
    let mark = || vec![Mark(100)];
    let facts = Facts {
        case: &case,
        update: &update,
        became: became("target"),
        cuts_planned: 1,
        timed_out: None,
        reply: None,
        fault_met: true,
        fetches: Fetches::default(),
        lwm2m: None,
        imei: None,
        asked: Asked {
            marks: dfota_core::judge::Marks {
                identities: mark(),
                functions: mark(),
                revivals: mark(),
                reply: Some(Mark(100)),
                timed_out: Some(Mark(100)),
                missed: mark(),
                requests: mark(),
                object: mark(),
            },
            ..Asked::default()
        },
    };
    // These name their places themselves: the journal of another case, a measurement, the cuts of a campaign.
    let elsewhere = [
        Rule::ImageCorrupt,
        Rule::MeasurementOutOfLimits,
        Rule::ClaimRefuted,
    ];
    for &rule in Rule::ALL {
        if rule.class() == Class::Product && !elsewhere.contains(&rule) {
            assert!(!evidence(&facts, rule).is_empty(), "{rule}");
        }
    }
}

fn taken(measure: Measure, value: u64) -> Taken {
    let mark = Mark(value);
    Taken { measure, value, mark }
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
    let declared = [Declared {
        measure: what,
        min,
        max,
    }];
    // Another one than the declared one is nobody's business.
    let other = taken(Measure::AttachTime, u64::MAX);
    let taken: Vec<Taken> = values
        .iter()
        .map(|&value| taken(what, value))
        .chain([other])
        .collect();
    let out = measure::out_of_limits(&declared, &taken);
    if let Some((_, mark)) = &out {
        assert_eq!(Some(mark.0), values.last().copied(), "the one that is out");
    }
    let found = out
        .map(|(verdict, _)| verdict)
        .or_else(|| measure::missing(&declared, &taken))
        .unwrap_or(Verdict::Pass);
    assert_eq!(ruled(&found), rule, "{found:?}");
}

/// What was not legal in itself counts although the update went well.
#[rstest]
#[case(Rule::ObserveRefused)]
#[case(Rule::ResultNotReset)]
fn a_finding_of_the_object_fails_a_good_update(#[case] rule: Rule) {
    let findings = [Finding {
        rule,
        sentence: rule.meaning().into(),
    }];
    let update = play("uart order start U20 U100 rdy end0");
    let case = case(None, Expect::success());
    let ending = Ending::Rests(State::Idle, UpdateResult::Success);
    let judged = judge(&Facts {
        case: &case,
        update: &update,
        became: became("target"),
        cuts_planned: 0,
        timed_out: None,
        reply: None,
        fault_met: true,
        fetches: Fetches::default(),
        imei: None,
        lwm2m: Some(Lwm2m {
            findings: &findings,
            ending: Some(&ending),
            awaited: true,
            told: Told::default(),
        }),
        asked: Asked::default(),
    });
    assert_eq!(ruled(&judged), rule.id());
}
