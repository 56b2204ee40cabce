//! What two runs of one campaign have to have in common.

use crate::yaml::bench::{rig, suite, suite_of};
use dfota_hil::config::rig::Rig;
use dfota_hil::state::campaign_terms::{CampaignOnRigs, CampaignTerms};
use rstest::rstest;

const CAMPAIGN: &str =
    "  - name: some\n    update: {package: a-to-b, via: uart}\n    claim: {brick_rate_below: 1%}\n";
const FIXED: &str =
    "  - name: some\n    update: {package: a-to-b, via: uart}\n    claim: {brick_rate_below: 1%, off: 5s}\n";

fn bench(name: &str, module: &str, discharge: &str, more: &str) -> Rig {
    let text = format!(
        "rig: {name}\nmodule: {module}\nserial: {{port: /dev/ttyS1}}\npower: {{driver: rppal, pin: 17, discharge: {discharge}}}\n{more}"
    );
    rig(text.as_bytes()).unwrap()
}

fn simulated(name: &str) -> Rig {
    let text = format!("rig: {name}\nmodule: bc66\nsimulated: {{firmware: BC66NBR01A01}}\n");
    rig(text.as_bytes()).unwrap()
}

fn terms(cases: &str, rigs: &[&Rig], program: &str) -> CampaignTerms {
    let suite = suite(suite_of(cases).as_bytes()).unwrap();
    CampaignTerms::new(&suite, &suite.cases[0], "some", rigs, program)
}

fn base() -> Rig {
    bench("a", "bc66", "2s", "")
}

#[rstest]
#[case::another_name(&[bench("b", "bc66", "2s", "")])]
#[case::another_port_and_labels(&[bench("a", "bc66", "2s", "labels: [roof]\n")])]
#[case::one_more(&[base(), bench("b", "bc66", "2s", "")])]
#[case::one_more_that_discharges_faster(&[base(), bench("b", "bc66", "1s", "")])]
fn these_rigs_go_on(#[case] rigs: &[Rig]) {
    let rigs: Vec<&Rig> = rigs.iter().collect();
    let (first, second) = (terms(CAMPAIGN, &[&base()], "p"), terms(CAMPAIGN, &rigs, "p"));
    assert_eq!(first.key(), second.key());
    assert_eq!(second.changed_from(&first), Vec::<String>::new());
}

#[rstest]
#[case::another_type(CAMPAIGN, &[bench("a", "bc66-na", "2s", "")], "p", "of another type: bc66-na, before bc66")]
#[case::one_more_of_another_type(CAMPAIGN, &[base(), bench("b", "bc66-na", "2s", "")], "p", "of another type")]
#[case::a_simulated_one(CAMPAIGN, &[simulated("a")], "p", "of another type: bc66 simulated, before bc66")]
#[case::a_longer_discharge(CAMPAIGN, &[base(), bench("b", "bc66", "4s", "")], "p", "`discharge` of the rigs is 4s, before 2s")]
#[case::another_program(CAMPAIGN, &[base()], "q", "the program has changed")]
#[case::another_suite(FIXED, &[base()], "p", "the suite file has changed")]
fn these_begin_anew(#[case] cases: &str, #[case] rigs: &[Rig], #[case] program: &str, #[case] why: &str) {
    let rigs: Vec<&Rig> = rigs.iter().collect();
    let (first, second) = (terms(CAMPAIGN, &[&base()], "p"), terms(cases, &rigs, program));
    assert_ne!(first.key(), second.key());
    let changed = second.changed_from(&first).join("; ");
    assert!(changed.contains(why), "{changed}");
}

#[test]
fn a_suite_that_says_how_long_the_supply_stays_off_needs_no_discharge() {
    let slow = bench("b", "bc66", "4s", "");
    let keys = [&base(), &slow].map(|rig| terms(FIXED, &[rig], "p").key());
    assert_eq!(keys[0], keys[1]);
}

/// A rig keeps its name, and what a cut on it does may be another thing.
#[rstest]
#[case::labels("labels: [roof]\n", "2s", true)]
#[case::reset("reset: {driver: rppal, pin: 27}\n", "2s", false)]
#[case::discharge("", "4s", false)]
fn what_a_cut_depends_on(#[case] more: &str, #[case] discharge: &str, #[case] same: bool) {
    let other = bench("a", "bc66", discharge, more);
    let on = |rig: &Rig| CampaignOnRigs::new(terms(FIXED, &[rig], "p"), &[rig]).cutting;
    assert_eq!(on(&base()) == on(&other), same);
}
