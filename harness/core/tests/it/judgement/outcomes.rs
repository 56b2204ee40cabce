//! What became of the module: what it says when it is asked twice, what it can still do, and what is measured.

use crate::judgement::script::{UPDATING_50, judged, reading, ruled, then, verdict};
use dfota_core::capabilities::{Capabilities, SimNumber};
use dfota_core::event::{CapabilityTime, Event};
use dfota_core::moment::Moment;
use dfota_core::observation::Observation;
use dfota_core::outcome::Outcome;
use rstest::rstest;

const SOUND: &str = "uart order start U20 U100 rdy end0 cycle rdy";

fn able() -> Capabilities {
    Capabilities {
        imei: Some("867725030029312".parse().expect("an IMEI")),
        sim: Some(true),
        cfun: Some(true),
        registered: Some(true),
        ip: Some(true),
        iccid: SimNumber::Is("89860000000000000001".into()),
        imsi: SimNumber::Is("262010000000001".into()),
        unanswered: Vec::new(),
    }
}

/// No answer comes to these.
fn silent(unanswered: &[&str]) -> Capabilities {
    Capabilities {
        unanswered: unanswered.iter().map(|command| (*command).to_owned()).collect(),
        ..able()
    }
}

/// What the module could do before the update, and what it can do now.
fn compare(seen: &mut Observation, before: Capabilities, capabilities: Capabilities) {
    seen.plan.before = Some(before);
    let when = CapabilityTime::After;
    then(seen, &Event::Capabilities { when, capabilities });
}

/// What was true before has to be true after; what was not known or not true is not judged.
#[rstest]
#[case::the_same(able(), able(), "pass")]
#[case::sim(able(), Capabilities { sim: Some(false), ..able() }, "function-lost")]
#[case::cfun(able(), Capabilities { cfun: Some(false), ..able() }, "function-lost")]
#[case::registration(able(), Capabilities { registered: Some(false), ..able() }, "function-lost")]
#[case::address(able(), Capabilities { ip: Some(false), ..able() }, "function-lost")]
#[case::imei(able(), Capabilities { imei: None, ..able() }, "imei-changed")]
#[case::iccid_silent(able(), Capabilities { iccid: SimNumber::Nothing, ..able() }, "function-lost")]
#[case::imsi_silent(able(), Capabilities { imsi: SimNumber::Nothing, ..able() }, "function-lost")]
#[case::other_sim(able(), Capabilities { iccid: SimNumber::Is("89860000000000000002".into()), ..able() }, "function-lost")]
#[case::never_told(Capabilities { iccid: SimNumber::Nothing, ..able() }, able(), "pass")]
#[case::not_asked(able(), Capabilities { imsi: SimNumber::NotAsked, ..able() }, "pass")]
#[case::never_known(Capabilities::default(), Capabilities { registered: Some(false), ..able() }, "pass")]
#[case::never_registered(Capabilities { registered: Some(false), ip: Some(false), ..able() }, Capabilities { registered: Some(false), ip: Some(false), ..able() }, "pass")]
#[case::registers_now(Capabilities { registered: Some(false), ..able() }, able(), "pass")]
#[case::refuses_to_tell(able(), Capabilities { registered: None, ..able() }, "function-lost")]
#[case::refuses_cfun(able(), Capabilities { cfun: None, ..able() }, "function-lost")]
#[case::never_answered(silent(&["AT+CIMI"]), silent(&["AT+CIMI"]), "pass")]
#[case::answers_all_but_one(able(), silent(&["AT+CIMI"]), "function-lost")]
#[case::answers_all_but_the_sim(able(), Capabilities { sim: None, ..silent(&["AT+CPIN?"]) }, "function-lost")]
#[case::answers_some(able(), silent(&["AT+CIMI", "AT+CFUN?"]), "unresponsive")]
#[case::answers_one_in_two(able(), Capabilities { imei: None, ..silent(&["AT+CFUN?"]) }, "unresponsive")]
fn the_function_check(#[case] before: Capabilities, #[case] after: Capabilities, #[case] rule: &str) {
    let judged = verdict(SOUND, "target", None, |seen| compare(seen, before, after));
    assert_eq!(ruled(&judged), rule, "{judged:?}");
}

/// An answer that may have come while nobody could hear it is not missing.
#[rstest]
#[case::over_an_open_ear("rdy", "unresponsive", Outcome::Unresponsive)]
#[case::over_a_gap("gap rdy", "serial-lost", Outcome::New)]
fn commands_without_an_answer(#[case] boot: &str, #[case] rule: &str, #[case] outcome: Outcome) {
    let script = format!("uart order start U20 U100 rdy end0 cycle {boot}");
    let after = silent(&["AT+CPIN?", "AT+CFUN?"]);
    let judged = judged(&script, "target", None, |seen| compare(seen, able(), after));
    assert_eq!(ruled(&judged.verdict), rule, "{judged:?}");
    assert_eq!(judged.outcome, Some(outcome));
}

/// The module is asked twice, and has to say the same.
#[rstest]
#[case::the_same("target", "target", "pass")]
#[case::back_again("source", "target", "readings-differ")]
#[case::third("BC66NBR01A07", "target", "wrong-version")]
#[case::dead("dead", "target", "unresponsive")]
fn the_second_reading(#[case] now: &str, #[case] first: &str, #[case] rule: &str) {
    let judged = verdict(SOUND, first, None, |seen| then(seen, &reading(now)));
    assert_eq!(ruled(&judged), rule, "{judged:?}");
}

/// Once it did not answer at all, it failed, whatever woke it again.
#[test]
fn an_answer_that_did_not_come() {
    let judged = judged(SOUND, "dead", None, |seen| then(seen, &reading("target")));
    assert_eq!(ruled(&judged.verdict), "unresponsive", "{judged:?}");
    assert_eq!(judged.outcome, Some(Outcome::New));
}

/// What could be read before the update and cannot be after it is the module's doing.
#[test]
fn a_version_that_cannot_be_read() {
    let judged = judged(SOUND, "unreadable", None, |_| {});
    assert_eq!(ruled(&judged.verdict), "identity-lost", "{judged:?}");
    let sentence = &judged.verdict.finding().expect("a finding").sentence;
    assert!(sentence.contains("Revision: BC66NBR01A0\\xff\\xfe"), "{sentence}");
}

#[rstest]
#[case::new(SOUND, "target", None, Outcome::New)]
#[case::old("uart order start rdy end255", "source", None, Outcome::OldIntact)]
#[case::resumed(
    "uart order start U50 cut U20 U100 rdy end0 cycle rdy",
    "target",
    Some(UPDATING_50),
    Outcome::NewAfterResume
)]
#[case::cut_at_end(
    "uart order start U50 rdy end0 cut rdy cycle rdy",
    "target",
    Some(Moment::End),
    Outcome::New
)]
#[case::forgot(
    "uart order start U50 cut rdy cycle rdy",
    "source",
    Some(UPDATING_50),
    Outcome::OldIntact
)]
#[case::wrong(
    "uart order start U50 cut rdy",
    "BC66NBR01A07",
    Some(UPDATING_50),
    Outcome::WrongImage
)]
#[case::dead(
    "uart order start U50 cut cycle cycle",
    "dead",
    Some(UPDATING_50),
    Outcome::Unresponsive
)]
#[case::loops(
    "uart order start U50 cut brom brom cycle brom brom",
    "dead",
    Some(UPDATING_50),
    Outcome::Unresponsive
)]
#[case::goes_on(
    "uart order start U50 cut U20 cycle U20 U30",
    "dead",
    Some(UPDATING_50),
    Outcome::StillUpdating
)]
fn outcomes(
    #[case] script: &str,
    #[case] version: &str,
    #[case] at: Option<Moment>,
    #[case] outcome: Outcome,
) {
    assert_eq!(judged(script, version, at, |_| {}).outcome, Some(outcome));
}

#[test]
fn what_is_lost_is_a_silent_corruption() {
    let lost = Capabilities {
        registered: Some(false),
        ..able()
    };
    let outcome = judged(SOUND, "target", None, |seen| compare(seen, able(), lost)).outcome;
    assert_eq!(outcome, Some(Outcome::SilentCorruption));
    assert!(Outcome::SilentCorruption.is_brick());
    let bricks: Vec<&str> = Outcome::ALL
        .into_iter()
        .filter(|outcome| outcome.is_brick())
        .map(Outcome::name)
        .collect();
    assert_eq!(
        bricks,
        [
            "wrong-image",
            "silent-corruption",
            "unresponsive",
            "still-updating"
        ]
    );
}
