//! Faults of servers and orders, what a case expects, and what others say: AT, LwM2M, a line on the console.

use crate::judgement::script::{
    TARGET, UPDATING_50, case, judged, observe, percent, reading, replied, ruled, then, verdict,
};
use dfota_core::event::Event;
use dfota_core::event::watched::{ObjectFact, ReplyTo, Watched};
use dfota_core::expect::{Becomes, CommandReply, Expect};
use dfota_core::fault::OrderFault;
use dfota_core::judge::judge;
use dfota_core::observation::{Observation, PackageRequests};
use dfota_core::transport::Via;
use rstest::rstest;

#[test]
fn whose_fault_a_failed_download_is() {
    let ruled_with = |fetches| {
        let script = "http order hstart hend12";
        ruled(&verdict(script, "source", None, |seen| seen.fetches = fetches))
    };
    assert_eq!(ruled_with(PackageRequests::default()), "server-not-reached");
    assert_eq!(
        ruled_with(PackageRequests {
            requests: 1,
            broken: 1,
            ..PackageRequests::default()
        }),
        "download-broken"
    );
    assert_eq!(
        ruled_with(PackageRequests {
            requests: 1,
            ..PackageRequests::default()
        }),
        "download-code"
    );
}

#[test]
fn a_second_fetch_after_a_cut_while_updating() {
    let script = "http order hstart D100 hend0 start U50 cut start U20 U100 rdy end0";
    let again = |seen: &mut Observation| seen.fetches.again = 1;
    assert_eq!(
        ruled(&verdict(script, "target", Some(UPDATING_50), again)),
        "downloaded-again"
    );
}

#[test]
fn an_imei_that_changed() {
    let script = "uart order start U20 U100 rdy end0";
    let other = |seen: &mut Observation| {
        seen.plan.before = Some(dfota_core::capabilities::Capabilities {
            imei: Some("867725030029312".parse().unwrap()),
            ..Default::default()
        });
        let Event::Identity { model, version, .. } = reading("target") else {
            panic!("an identity")
        };
        let imei = Some("867725030029313".parse().unwrap());
        then(seen, &Event::Identity { model, version, imei });
    };
    assert_eq!(ruled(&verdict(script, "target", None, other)), "imei-changed");
}

#[rstest]
#[case("uart order start rdy end254", "source", Expect { update: Some(254), version: Some(Becomes::Unchanged), ..Expect::default() }, CommandReply::Ok, "pass")]
#[case("uart order start rdy end255", "source", Expect { update: Some(254), version: Some(Becomes::Unchanged), ..Expect::default() }, CommandReply::Ok, "update-code")]
#[case("uart order start rdy", "source", Expect { update: Some(254), version: Some(Becomes::Unchanged), ..Expect::default() }, CommandReply::Ok, "end-missing")]
#[case("uart order start rdy end254", "target", Expect { update: Some(254), version: Some(Becomes::Unchanged), ..Expect::default() }, CommandReply::Ok, "version-changed")]
#[case("http order hend12", "source", Expect { download: Some(12), version: Some(Becomes::Unchanged), ..Expect::default() }, CommandReply::Ok, "pass")]
#[case("http order hend13", "source", Expect { download: Some(12), version: Some(Becomes::Unchanged), ..Expect::default() }, CommandReply::Ok, "download-code")]
#[case("http order hstart", "source", Expect { download: Some(12), version: Some(Becomes::Unchanged), ..Expect::default() }, CommandReply::Ok, "download-end-missing")]
#[case("uart refused", "source", Expect { reply: Some(CommandReply::Error), version: Some(Becomes::Unchanged), ..Expect::default() }, CommandReply::Error, "pass")]
#[case("uart order", "source", Expect { reply: Some(CommandReply::Error), version: Some(Becomes::Unchanged), ..Expect::default() }, CommandReply::Ok, "unexpected-reply")]
#[case("uart order start U20 rdy end0", "target", Expect { version: Some(Becomes::Version(TARGET.parse().unwrap())), ..Expect::default() }, CommandReply::Ok, "pass")]
#[case("uart order start U20 rdy end0", "source", Expect { version: Some(Becomes::Version(TARGET.parse().unwrap())), ..Expect::default() }, CommandReply::Ok, "target-not-reached")]
fn expectations(
    #[case] script: &str,
    #[case] version: &str,
    #[case] expect: Expect,
    #[case] reply: CommandReply,
    #[case] rule: &str,
) {
    let mut seen = observe(&case(None, expect), script);
    then(&mut seen, &replied(ReplyTo::Order, reply));
    then(&mut seen, &reading(version));
    assert_eq!(ruled(&judge(&seen).verdict), rule);
}

#[rstest]
#[case::error(
    "http order hstart D50 D100 hend0 start U20 U100 rdy end0",
    CommandReply::Error,
    true,
    "pass"
)]
#[case::busy(
    "http order hstart D50 end2 D100 hend0 start U20 U100 rdy end0",
    CommandReply::Ok,
    true,
    "pass"
)]
#[case::accepted(
    "http order hstart D50 D100 hend0 start U20 U100 rdy end0",
    CommandReply::Ok,
    true,
    "unexpected-reply"
)]
#[case::too_late(
    "http order hstart hend0 start U20 U100 rdy end0",
    CommandReply::Ok,
    false,
    "fault-not-met"
)]
fn a_second_order(#[case] script: &str, #[case] reply: CommandReply, #[case] met: bool, #[case] rule: &str) {
    let mut case = case(None, Expect::success());
    case.faults.order = Some(OrderFault::Again(percent("50")));
    let mut seen = observe(&case, script);
    then(&mut seen, &replied(ReplyTo::SecondOrder, reply));
    if met {
        then(&mut seen, &Event::Watched(Watched::FaultMet));
    }
    then(&mut seen, &reading("target"));
    assert_eq!(ruled(&judge(&seen).verdict), rule);
}

#[test]
fn what_a_line_on_the_console_says() {
    let summary = |script: &str, version, cut| judged(script, version, cut, |_| {}).summary;
    assert_eq!(
        summary(
            "http order hstart D100 hend0 start U20 U50 cut start U20 U100 rdy end0",
            "target",
            Some(UPDATING_50)
        ),
        "UPDATING 20%..50% · cut at UPDATING 50% · resumed 20%..100% · END,0 · BC66NBR01A02 (new after a resume)"
    );
    assert_eq!(
        summary(
            "uart order start U20 U100 rdy end0 cut rdy",
            "target",
            Some(UPDATING_50)
        ),
        "UPDATING 20%..100% · END,0 · cut at END,0 · BC66NBR01A02 (new)"
    );
    assert_eq!(
        summary("http order hend12", "dead", None),
        "download 12 · unresponsive (bricked: unresponsive)"
    );
    assert_eq!(
        summary("uart order start U100 gap", "target", None),
        "UPDATING 100%..100% · BC66NBR01A02 · not heard at UPDATING 100%: serial port `p` failed (new)"
    );
}

/// AT says that the update succeeded; what LwM2M says decides.
#[rstest]
#[case::same_story(&[ObjectFact::Rests { state: 0, result: 1 }], "pass")]
#[case::other_result(&[ObjectFact::Rests { state: 0, result: 8 }], "object-state")]
#[case::stuck(&[ObjectFact::Told { resource: 3, value: 3 }, ObjectFact::Told { resource: 5, value: 0 }], "object-state")]
#[case::silent(&[], "lwm2m-silent")]
fn at_and_lwm2m_tell_the_same_story(#[case] facts: &[ObjectFact], #[case] rule: &str) {
    let script = "coap order cstart cend0 U20 U100 rdy end0";
    let judged = verdict(script, "target", None, |seen| {
        assert_eq!(seen.case().via, Via::Coap);
        for fact in [ObjectFact::ReadBack].iter().chain(facts) {
            then(seen, &Event::Watched(Watched::Object(fact.clone())));
        }
    });
    assert_eq!(ruled(&judged), rule, "{judged:?}");
}

/// An update that came to its end over LwM2M before the module had anything to report.
#[rstest]
#[case::refused(ObjectFact::Refused { words: "execute /5/0/2 was refused with 4.05".into() }, "object-state")]
#[case::unanswered(ObjectFact::Unanswered { words: "write to /5/0/1 led to nothing".into() }, "lwm2m-silent")]
#[case::connection_lost(ObjectFact::Rests { state: 0, result: 4 }, "download-broken")]
#[case::integrity(ObjectFact::Rests { state: 0, result: 5 }, "object-state")]
fn an_update_that_ends_over_lwm2m_alone(#[case] fact: ObjectFact, #[case] rule: &str) {
    let judged = verdict("coap order", "source", None, |seen| {
        then(seen, &Event::Watched(Watched::Object(fact)));
    });
    assert_eq!(ruled(&judged), rule, "{judged:?}");
    let sentence = &judged.finding().expect("a finding").sentence;
    assert!(
        sentence.starts_with("the dialogue over LwM2M ended: "),
        "{sentence}"
    );
}

/// An order that was refused where success was expected, and one that was taken and came to nothing.
#[rstest]
#[case(CommandReply::Error, "unexpected-reply")]
#[case(CommandReply::Ok, "target-not-reached")]
fn an_order_without_an_update(#[case] reply: CommandReply, #[case] rule: &str) {
    let judged = verdict("uart order", "source", None, |seen| {
        then(seen, &replied(ReplyTo::Order, reply));
    });
    assert_eq!(ruled(&judged), rule, "{judged:?}");
}

/// That the version is another one than at first is the finding, unless what the module did in between is.
#[rstest]
#[case::by_itself("uart order start U100 rdy end0", 0, "readings-differ")]
#[case::fetched_again("http order hstart D100 hend0 start U50 cut rdy", 1, "downloaded-again")]
#[case::updated_again("uart order start U100 rdy end0 cycle start U20", 0, "updating-after-end")]
fn readings_that_differ(#[case] script: &str, #[case] again: u32, #[case] rule: &str) {
    let cut = script.contains("cut").then_some(UPDATING_50);
    let judged = verdict(script, "source", cut, |seen| {
        seen.fetches.again = again;
        then(seen, &reading("target"));
    });
    assert_eq!(ruled(&judged), rule, "{judged:?}");
}
