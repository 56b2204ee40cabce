//! Plans: what is selected, what it costs, and why a case is left out.

use crate::yaml::bench::{rig, same, suite, suite_of};
use dfota_core::cut::Cut;
use dfota_core::seed::Seed;
use dfota_hil::config::rig::Rig;
use dfota_hil::config::suite::Suite;
use dfota_hil::plan::Plan;
use dfota_hil::plan::earlier::Earlier;
use dfota_hil::plan::selection::Selection;
use dfota_hil::terminal::width::Width;
use rstest::rstest;

const CASES: &str = "  - {name: clean, matrix: {via: [http, uart, coap]}, update: {package: a-to-b, via: \"{via}\"}, tags: [clean]}\n  \
    - {name: resume, update: {package: a-to-b, via: uart}, cut: {at: updating 5%, after: 0ms..400ms, off: 5s, times: 2}}\n  \
    - {name: glitch, update: {package: a-to-b, via: uart}, cut: {at: start, off: 100ms, kind: both}}\n  \
    - {name: start over coap, update: {package: a-to-b, via: coap}, cut: {at: start}}\n  \
    - {name: refused, update: {package: b-to-a, via: uart, on: BC66NBR01A01}, expect: {update: 254, version: unchanged}}\n  \
    - {name: beyond, update: {package: a-to-b, via: uart}, faults: {uart: {silence: 9}}}\n  \
    - {name: elsewhere, update: {package: a-to-b, via: uart, on: BC66NBR01A07}}\n  \
    - {name: later, update: {package: a-to-b, via: uart}, skip: the bench is being painted}\n";

fn sim() -> Rig {
    rig(b"rig: sim\nmodule: bc66\nsimulated: {firmware: BC66NBR01A01, speed: 60}\n").unwrap()
}

fn bench() -> Rig {
    rig(b"rig: bench\nmodule: bc66-na\nserial: {port: /dev/ttyS0}\npower: {driver: rppal, pin: 17}\n")
        .unwrap()
}

fn suites() -> Vec<Suite> {
    vec![suite(suite_of(CASES).as_bytes()).unwrap()]
}

fn selection() -> Selection {
    Selection::all(Seed(7))
}

#[test]
fn the_plan_of_a_simulated_rig() {
    let plan = Plan::new(&suites(), &sim(), &selection(), &Earlier::default()).unwrap();
    same("plan-sim", &plan.text(Width::ENDLESS));
}

#[test]
fn the_plan_of_a_bench() {
    let plan = Plan::new(&suites(), &bench(), &selection(), &Earlier::default()).unwrap();
    same("plan-bench", &plan.text(Width::ENDLESS));
}

#[test]
fn a_plan_as_json() {
    let selection = Selection {
        filter: Some("=resume".parse().unwrap()),
        ..selection()
    };
    let plan = Plan::new(&suites(), &sim(), &selection, &Earlier::default()).unwrap();
    same("plan-json", &serde_json::to_string_pretty(&plan).unwrap());
}

#[test]
fn the_same_seed_gives_the_same_cuts_and_ids_that_rerun_them() {
    let cuts = |seed| {
        let selection = Selection {
            repeat: 3,
            ..Selection::all(Seed(seed))
        };
        let plan = Plan::new(&suites(), &sim(), &selection, &Earlier::default()).unwrap();
        plan.cases
            .into_iter()
            .flat_map(|case| case.cuts)
            .collect::<Vec<Cut>>()
    };
    assert_eq!(cuts(1), cuts(1));
    assert_ne!(cuts(1), cuts(2));
    for cut in cuts(1) {
        assert_eq!(cut.to_string().parse::<Cut>().unwrap(), cut);
    }
}

#[test]
fn repeated_cases_can_be_told_apart() {
    let selection = Selection {
        repeat: 2,
        filter: Some("refused".parse().unwrap()),
        ..selection()
    };
    let plan = Plan::new(&suites(), &sim(), &selection, &Earlier::default()).unwrap();
    let ids: Vec<&str> = plan.cases.iter().map(|case| case.case.id.as_str()).collect();
    assert_eq!(ids, ["refused#1", "refused#2"]);
}

#[test]
fn tags_and_shards_select() {
    let of = |selection: Selection| {
        let plan = Plan::new(&suites(), &sim(), &selection, &Earlier::default());
        plan.map_or(0, |plan| plan.cases.len())
    };
    let tagged = Selection {
        tags: vec!["clean".to_owned()],
        ..selection()
    };
    assert_eq!(of(tagged), 3);
    let shards = [1, 2].map(|n| {
        of(Selection {
            shard: Some(format!("{n}/2").parse().unwrap()),
            ..selection()
        })
    });
    assert_eq!(shards.iter().sum::<usize>(), 10);
}

#[test]
fn nothing_selected_is_an_error() {
    let selection = Selection {
        filter: Some("no-such-case".parse().unwrap()),
        tags: vec!["clean".to_owned()],
        ..selection()
    };
    let why = Plan::new(&suites(), &sim(), &selection, &Earlier::default()).unwrap_err();
    let told = "nothing selected: none of the 10 cases fits `--filter 'no-such-case' --tag clean`; ";
    assert!(why.to_string().starts_with(told), "{why}");
}

/// Each case runs after the one before it: what that one left behind decides how many updates lead back.
#[rstest]
#[case("update: {package: a-to-b, via: uart}", 1, 2)]
#[case("update: {package: b-to-a, via: uart}", 2, 2)]
#[case(
    "update: {package: b-to-a, via: uart, on: BC66NBR01A01}, expect: {update: 254}",
    0,
    0
)]
#[case(
    "update: {package: a-to-b, via: uart}, expect: {reply: ERROR, version: unchanged}",
    0,
    0
)]
#[case("update: {package: a-to-b, via: http}, expect: {download: 12}", 0, 0)]
#[case(
    "update: {package: a-to-b, via: http}, cut: {at: downloading 5%}, expect: {version: unchanged}",
    1,
    2
)]
#[case("update: {package: a-to-b, via: uart}, cut: {at: updating 50%}", 1, 2)]
#[case("update: {package: a-to-b, via: coap}", 1, 2)]
#[case("update: {package: a-to-b, via: coap}, expect: {download: 12}", 0, 0)]
#[case(
    "update: {package: a-to-b, via: coap}, cut: {at: coap-start}, expect: {version: unchanged}",
    1,
    2
)]
fn updates_spent(#[case] case: &str, #[case] first: u32, #[case] then: u32) {
    let cases = format!("  - {{name: x, matrix: {{run: [1, 2]}}, {case}}}\n");
    let suites = [suite(suite_of(&cases).as_bytes()).unwrap()];
    let plan = Plan::new(&suites, &sim(), &selection(), &Earlier::default()).unwrap();
    let spent: Vec<u32> = plan.cases.iter().map(|case| case.updates).collect();
    assert_eq!(spent, [first, then]);
}
