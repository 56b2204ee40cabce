//! Branches of the judge that only rare traces take, each with what tells its two sides apart.

use crate::judgement::script::{UPDATING_50, judged, reading, ruled, then, verdict};
use dfota_core::campaign::{CampaignPart, Role};
use dfota_core::capabilities::Capabilities;
use dfota_core::event::Event;
use dfota_core::event::watched::{ObjectFact, Watched};
use dfota_core::expect::{Becomes, Expect};
use dfota_core::fault::OrderFault;
use dfota_core::moment::Moment;
use dfota_core::observation::Observation;
use dfota_core::outcome::Outcome;
use dfota_core::percent::Percent;
use rstest::rstest;

/// What is missing may have been said in a gap, or not: each rule looks at its own time.
#[rstest]
#[case::resumed_since(
    "U50 gap cut U20 U30 over-update cycle",
    "source",
    UPDATING_50,
    "update-stalled"
)]
#[case::silent_since("U50 cut gap over-resume cycle rdy", "target", UPDATING_50, "serial-lost")]
#[case::gap_after_end("U50 cut rdy end0 gap", "target", UPDATING_50, "finished-before-cut")]
#[case::end_missing_since("U50 gap cut U20 U100 rdy cycle rdy", "target", UPDATING_50, "end-missing")]
#[case::heard_before_the_cut("gap start cut rdy", "source", Moment::Start, "pass")]
#[case::heard_afterwards("gap start cut rdy end1", "source", Moment::Start, "pass")]
#[case::resume_unheard("cut gap rdy", "source", Moment::Start, "serial-lost")]
#[case::unheard_before_the_cut("gap cut rdy", "source", Moment::Start, "serial-lost")]
#[case::target_after_a_gap("cut gap U20 U100 rdy end0", "target", Moment::Start, "pass")]
fn a_gap_hides_what_it_covers(
    #[case] rest: &str,
    #[case] version: &str,
    #[case] at: Moment,
    #[case] rule: &str,
) {
    let verdict = verdict(&format!("uart order start {rest}"), version, Some(at), |_| {});
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// Parts of a sentence that are there in one case and not in another.
#[rstest]
#[case::never_cut("uart order start U20", "dead", |_: &mut Observation| {}, "after the update over uart the module does not answer")]
#[case::revived(
    "uart order start U50 cut",
    "dead",
    revive,
    "also after 2 × a power cycle, a reset; expected"
)]
#[case::fetched_once("http order hstart D100 hend0 start U50 cut U100 rdy end0", "target", |seen: &mut Observation| seen.fetches.again = 1, "(1 request)")]
#[case::fetched_twice("http order hstart D100 hend0 start U50 cut U100 rdy end0", "target", |seen: &mut Observation| seen.fetches.again = 2, "(2 requests)")]
#[case::downloads_again(
    "http order hstart D100 hend0 start U50 cut rdy hstart",
    "target",
    |_: &mut Observation| {},
    "the module downloads again; expected a forced resume from what is in flash"
)]
#[case::second_cut_missed(
    "uart order start U50 cut U20 U100 rdy end0",
    "target",
    |seen: &mut Observation| seen.plan.cuts.push("updating@50%+0ms/power/5s".parse().expect("a cut")),
    "1 of 2 cuts were made: `updating 50%` was not met again"
)]
#[case::stood_in_an_earlier_life("uart order start U50 cut U20 U30 over-update cycle", "source", |_: &mut Observation| {}, "stood at UPDATING 30%")]
#[case::stood_before_the_cycle("uart order start U30 over-update cycle U20 U60 cycle", "source", |_: &mut Observation| {}, "stood at UPDATING 30%")]
fn sentences(
    #[case] script: &str,
    #[case] version: &str,
    #[case] change: fn(&mut Observation),
    #[case] part: &str,
) {
    let verdict = verdict(script, version, Some(UPDATING_50), change);
    let sentence = &verdict.finding().expect("a finding").sentence;
    assert!(sentence.contains(part), "{sentence}");
}

fn revive(seen: &mut Observation) {
    for by in ["a power cycle", "a power cycle", "a reset"] {
        then(seen, &Event::Watched(Watched::Revival { by: by.into() }));
    }
}

/// Why a download over CoAP failed: nothing acknowledges its last block.
#[rstest]
#[case::failed("cend12", "download-broken")]
#[case::deactivated("cend13", "download-code")]
fn downloads_over_coap(#[case] end: &str, #[case] rule: &str) {
    let verdict = verdict(&format!("coap order cstart {end}"), "source", None, |_| {});
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// One that did not answer once and answers all but one command now was not seen to answer only some of them.
#[rstest]
#[case::one(&["AT+CIMI"], Outcome::New)]
#[case::two(&["AT+CIMI", "AT+CPIN?"], Outcome::Unresponsive)]
fn silent_once_and_to_some_commands(#[case] unanswered: &[&str], #[case] outcome: Outcome) {
    let after = Capabilities {
        unanswered: unanswered.iter().map(|command| (*command).to_owned()).collect(),
        ..Capabilities::default()
    };
    let judged = judged("uart order start U20 U100 rdy end0", "dead", None, |seen| {
        then(seen, &reading("target"));
        seen.plan.before = Some(Capabilities::default());
        let (when, capabilities) = (dfota_core::event::CapabilityTime::After, after);
        then(seen, &Event::Capabilities { when, capabilities });
    });
    assert_eq!(ruled(&judged.verdict), "unresponsive", "{judged:?}");
    assert_eq!(judged.outcome, Some(outcome));
}

/// A cut that came before there was anything to update with: a fault of the update waits for the order that is to come.
#[rstest]
#[case::codes_expected(Some(0), "pass")]
#[case::no_codes_expected(None, "fault-not-met")]
fn a_fault_of_the_order_to_come(#[case] update: Option<u32>, #[case] rule: &str) {
    let cut = Some(Moment::Downloading(Percent::FULL));
    let verdict = verdict("http order hstart D50 cut rdy", "source", cut, |seen| {
        seen.plan.case.faults.http.status = Some(404);
        seen.plan.case.expect = Expect {
            update,
            ..Expect::default()
        };
    });
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// The refusal of a second order is no result of the first; other codes are.
#[rstest]
#[case::second_order(true, "end2", "pass")]
#[case::other_code(true, "end2 end7", "update-code")]
#[case::busy_at_once(false, "end2", "update-code")]
fn the_code_of_a_second_order(#[case] twice: bool, #[case] end: &str, #[case] rule: &str) {
    let script = format!("http order hstart D20 {end} D100 hend0 start U20 U100 rdy end0");
    let verdict = verdict(&script, "target", None, |seen| {
        if twice {
            seen.plan.case.faults.order = Some(OrderFault::Again(Percent::new(20).expect("20")));
            then(seen, &Event::Watched(Watched::FaultMet));
        }
    });
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// Over LwM2M state and result are read back where something is expected of them, and where the module was asked to register.
#[rstest]
#[case::not_updated(&[ObjectFact::Rests { state: 0, result: 8 }], "source", "pass")]
#[case::read_back_in_vain(&[ObjectFact::ReadBack], "target", "lwm2m-silent")]
#[case::nobody_asked(&[], "target", "pass")]
fn the_object_afterwards(#[case] facts: &[ObjectFact], #[case] version: &str, #[case] rule: &str) {
    let (script, cut) = match version {
        "source" => ("coap order cstart cut rdy", Some(Moment::CoapStart)),
        _ => ("coap order cstart cend0 U20 U100 rdy end0", None),
    };
    let verdict = verdict(script, version, cut, |seen| {
        for fact in facts {
            then(seen, &Event::Watched(Watched::Object(fact.clone())));
        }
    });
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// Waits that ran out, and a module that had nothing to say.
#[rstest]
#[case::glitch_at_rest(
    "uart order start U20 U100 rdy end0 glitch over-resume cycle rdy",
    "target",
    Moment::End,
    "pass"
)]
#[case::glitch_while_booting(
    "uart order start U20 U100 brom glitch over-resume cycle rdy",
    "target",
    UPDATING_50,
    "resume-timeout"
)]
#[case::glitch_at_rest_without_end(
    "uart order start U100 rdy glitch over-resume cycle rdy end0",
    "target",
    UPDATING_50,
    "pass"
)]
#[case::glitch_after_end(
    "uart order start U100 end0 glitch over-resume cycle rdy",
    "target",
    Moment::End,
    "pass"
)]
#[case::cut_at_rest(
    "uart order start U20 U100 rdy end0 cut over-resume cycle rdy",
    "target",
    Moment::End,
    "resume-timeout"
)]
#[case::up_in_time(
    "uart order start U50 cut U20 U100 rdy over-update",
    "target",
    UPDATING_50,
    "end-missing"
)]
#[case::dead_at_updating(
    "uart order start U50 cut U20 over-update cycle",
    "dead",
    UPDATING_50,
    "update-stalled"
)]
#[case::dead_after_rdy(
    "uart order start U50 cut U20 over-update cycle rdy",
    "dead",
    UPDATING_50,
    "unresponsive"
)]
#[case::dead_after_an_end(
    "uart order start U50 cut U20 over-update cycle end1",
    "dead",
    UPDATING_50,
    "unresponsive"
)]
#[case::dead_without_updating(
    "uart order start U50 cut over-resume cycle",
    "dead",
    UPDATING_50,
    "unresponsive"
)]
fn waits_that_ran_out(#[case] script: &str, #[case] version: &str, #[case] at: Moment, #[case] rule: &str) {
    let verdict = verdict(script, version, Some(at), |_| {});
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// Nobody cut, so nothing can have failed to.
#[test]
fn without_a_cut_the_supply_never_failed() {
    let verdict = verdict("uart order over-resume cycle", "target", None, |_| {});
    assert_eq!(ruled(&verdict), "resume-timeout", "{verdict:?}");
}

/// The summary names three oddities, and counts the others.
#[rstest]
#[case(3, false)]
#[case(4, true)]
fn oddities(#[case] count: u64, #[case] counted: bool) {
    let percents: String = (0..count).map(|n| format!("U{} ", 130 + n)).collect();
    let script = format!("uart order start {percents} U100 rdy end0");
    let summary = judged(&script, "target", None, |_| {}).summary;
    assert_eq!(summary.contains("and 1 more oddities"), counted, "{summary}");
    assert_eq!(summary.contains("more oddities"), counted, "{summary}");
}

/// A campaign arms its cuts for the last moment before a time: there it counts where one landed.
#[rstest]
#[case::of_a_campaign(true, "U50 U100", "pass")]
#[case::landed_earlier(true, "U50", "finished-before-cut")]
#[case::of_no_campaign(false, "U50 U100", "finished-before-cut")]
fn finished_before_a_cut_at_100(#[case] campaign: bool, #[case] until: &str, #[case] rule: &str) {
    let script = format!("uart order start {until} cut rdy end0");
    let verdict = verdict(&script, "target", Some(UPDATING_50), |seen| {
        seen.plan.case.part = campaign.then(|| CampaignPart {
            campaign: "night".into(),
            role: Role::Control,
        });
    });
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// A refusal is declared, and the module does the update all the same: what is held against it depends on when it was cut.
#[rstest]
#[case::had_ended("uart order start U20 U100 rdy end0 cut rdy", Moment::End, "update-code")]
#[case::had_started("uart order start cut U20 U100 rdy end0", Moment::Start, "version-changed")]
fn a_refusal_that_did_not_come(#[case] script: &str, #[case] at: Moment, #[case] rule: &str) {
    let verdict = verdict(script, "target", Some(at), |seen| {
        seen.plan.case.expect = Expect {
            update: Some(254),
            version: Some(Becomes::Unchanged),
            ..Expect::default()
        };
    });
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// Where source and target are one version, END alone says that there was an update.
#[rstest]
#[case::ended("uart order start U20 U100 rdy end0", "pass")]
#[case::silent("uart order start U20 U100 rdy", "end-missing")]
fn from_a_version_to_itself(#[case] script: &str, #[case] rule: &str) {
    let verdict = verdict(script, "source", None, |seen| {
        seen.plan.case.package.to = seen.plan.case.package.from.clone();
    });
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// A download that never began: the state of the object says more than that no request came.
#[rstest]
#[case::nothing_fetched(0, "object-state")]
#[case::fetching(1, "download-stalled")]
fn a_download_that_stood(#[case] requests: u32, #[case] rule: &str) {
    let verdict = verdict("coap order over-download", "source", None, |seen| {
        seen.fetches.requests = requests;
        let (resource, value) = (3, 1);
        then(
            seen,
            &Event::Watched(Watched::Object(ObjectFact::Told { resource, value })),
        );
    });
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}
