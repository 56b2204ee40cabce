//! What became of the module: what it says when it is asked twice, what it can still do, and what is measured.

use crate::script::{UPDATING_50, became, ruled, verdict};
use dfota_core::function::Function;
use dfota_core::judge::{Became, judge};
use dfota_core::moment::Moment;
use dfota_core::outcome::Outcome;
use rstest::rstest;

const SOUND: &str = "uart order start U20 U100 rdy end0 cycle rdy";

fn able() -> Function {
    Function {
        imei: Some("867725030029312".parse().expect("an IMEI")),
        sim: Some(true),
        cfun: Some(true),
        registered: Some(true),
        ip: Some(true),
    }
}

/// What was true before has to be true after; what was not known or not true is not judged.
#[rstest]
#[case::the_same(able(), able(), "pass")]
#[case::sim(able(), Function { sim: Some(false), ..able() }, "function-lost")]
#[case::cfun(able(), Function { cfun: Some(false), ..able() }, "function-lost")]
#[case::registration(able(), Function { registered: Some(false), ..able() }, "function-lost")]
#[case::address(able(), Function { ip: Some(false), ..able() }, "function-lost")]
#[case::imei(able(), Function { imei: None, ..able() }, "imei-changed")]
#[case::never_known(Function::default(), Function { registered: Some(false), ..able() }, "pass")]
#[case::never_registered(Function { registered: Some(false), ip: Some(false), ..able() }, Function { registered: Some(false), ip: Some(false), ..able() }, "pass")]
#[case::registers_now(Function { registered: Some(false), ..able() }, able(), "pass")]
#[case::not_taken(able(), Function { registered: None, ip: None, ..able() }, "pass")]
fn the_function_check(#[case] before: Function, #[case] after: Function, #[case] rule: &str) {
    let judged = verdict(SOUND, "target", None, |facts| {
        facts.asked.function = Some((before, after));
    });
    assert_eq!(ruled(&judged), rule, "{judged:?}");
}

/// The module is asked twice, and has to say the same.
#[rstest]
#[case::the_same("target", "target", "pass")]
#[case::back_again("source", "target", "readings-differ")]
#[case::third("BC66NBR01A07", "target", "wrong-version")]
#[case::dead("dead", "target", "unresponsive")]
fn the_second_reading(#[case] now: &str, #[case] first: &str, #[case] rule: &str) {
    let Became::Runs(first) = became(first) else {
        panic!("it had answered")
    };
    let judged = verdict(SOUND, now, None, |facts| facts.asked.first = Some(first));
    assert_eq!(ruled(&judged), rule, "{judged:?}");
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
    let mut found = None;
    verdict(script, version, at, |facts| {
        found = Some(Outcome::of(facts, &judge(facts)));
    });
    assert_eq!(found, Some(outcome));
}

#[test]
fn what_is_lost_is_a_silent_corruption() {
    verdict(SOUND, "target", None, |facts| {
        facts.asked.function = Some((
            able(),
            Function {
                registered: Some(false),
                ..able()
            },
        ));
        let outcome = Outcome::of(facts, &judge(facts));
        assert_eq!(outcome, Outcome::SilentCorruption);
        assert!(outcome.is_brick());
    });
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
