//! Faults of servers and orders, what a case expects, and what others say: AT, LwM2M, a line on the console.

use crate::script::{TARGET, UPDATING_50, became, case, percent, play, ruled, verdict};
use bc66_wire::lwm2m::{State, UpdateResult};
use dfota_core::expect::{Becomes, Expect, Reply};
use dfota_core::fault::OrderFault;
use dfota_core::judge::{Asked, Facts, Fetches, Lwm2m, Told, judge, story};
use dfota_core::lwm2m::firmware_update::Ending;
use rstest::rstest;

#[test]
fn whose_fault_a_failed_download_is() {
    let ruled_with = |fetches| {
        let script = "http order hstart hend12";
        ruled(&verdict(script, "source", None, |facts| facts.fetches = fetches))
    };
    assert_eq!(ruled_with(Fetches::default()), "server-not-reached");
    assert_eq!(
        ruled_with(Fetches {
            requests: 1,
            broken: 1,
            again: 0
        }),
        "download-broken"
    );
    assert_eq!(
        ruled_with(Fetches {
            requests: 1,
            broken: 0,
            again: 0
        }),
        "download-code"
    );
}

#[test]
fn a_second_fetch_after_a_cut_while_updating() {
    let script = "http order hstart D100 hend0 start U50 cut start U20 U100 rdy end0";
    let again = |facts: &mut Facts<'_>| facts.fetches.again = 1;
    assert_eq!(
        ruled(&verdict(script, "target", Some(UPDATING_50), again)),
        "downloaded-again"
    );
}

#[test]
fn an_imei_that_changed() {
    let imeis = Some((
        "867725030029312".parse().unwrap(),
        "867725030029313".parse().unwrap(),
    ));
    let script = "uart order start U20 U100 rdy end0";
    assert_eq!(
        ruled(&verdict(script, "target", None, |facts| facts.imei = imeis)),
        "imei-changed"
    );
}

#[rstest]
#[case("uart order start rdy end254", "source", Expect { update: Some(254), version: Some(Becomes::Unchanged), ..Expect::default() }, Reply::Ok, "pass")]
#[case("uart order start rdy end255", "source", Expect { update: Some(254), version: Some(Becomes::Unchanged), ..Expect::default() }, Reply::Ok, "update-code")]
#[case("uart order start rdy", "source", Expect { update: Some(254), version: Some(Becomes::Unchanged), ..Expect::default() }, Reply::Ok, "update-code")]
#[case("uart order start rdy end254", "target", Expect { update: Some(254), version: Some(Becomes::Unchanged), ..Expect::default() }, Reply::Ok, "version-changed")]
#[case("http order hend12", "source", Expect { download: Some(12), version: Some(Becomes::Unchanged), ..Expect::default() }, Reply::Ok, "pass")]
#[case("http order hend13", "source", Expect { download: Some(12), version: Some(Becomes::Unchanged), ..Expect::default() }, Reply::Ok, "download-code")]
#[case("http order hstart", "source", Expect { download: Some(12), version: Some(Becomes::Unchanged), ..Expect::default() }, Reply::Ok, "download-code")]
#[case("uart refused", "source", Expect { reply: Some(Reply::Error), version: Some(Becomes::Unchanged), ..Expect::default() }, Reply::Error, "pass")]
#[case("uart order", "source", Expect { reply: Some(Reply::Error), version: Some(Becomes::Unchanged), ..Expect::default() }, Reply::Ok, "unexpected-reply")]
#[case("uart order start U20 rdy end0", "target", Expect { version: Some(Becomes::Version(TARGET.parse().unwrap())), ..Expect::default() }, Reply::Ok, "pass")]
#[case("uart order start U20 rdy end0", "source", Expect { version: Some(Becomes::Version(TARGET.parse().unwrap())), ..Expect::default() }, Reply::Ok, "target-not-reached")]
fn expectations(
    #[case] script: &str,
    #[case] version: &str,
    #[case] expect: Expect,
    #[case] reply: Reply,
    #[case] rule: &str,
) {
    let (update, case) = (play(script), case(None, expect));
    let facts = Facts {
        case: &case,
        update: &update,
        became: became(version),
        cuts_planned: 0,
        timed_out: None,
        reply: Some(reply),
        fault_met: true,
        fetches: Fetches::default(),
        lwm2m: None,
        imei: None,
        asked: Asked::default(),
    };
    assert_eq!(ruled(&judge(&facts)), rule);
}

#[rstest]
#[case::error(
    "http order hstart D50 D100 hend0 start U20 U100 rdy end0",
    Reply::Error,
    true,
    "pass"
)]
#[case::busy(
    "http order hstart D50 end2 D100 hend0 start U20 U100 rdy end0",
    Reply::Ok,
    true,
    "pass"
)]
#[case::accepted(
    "http order hstart D50 D100 hend0 start U20 U100 rdy end0",
    Reply::Ok,
    true,
    "unexpected-reply"
)]
#[case::too_late(
    "http order hstart hend0 start U20 U100 rdy end0",
    Reply::Ok,
    false,
    "fault-not-met"
)]
fn a_second_order(#[case] script: &str, #[case] reply: Reply, #[case] met: bool, #[case] rule: &str) {
    let update = play(script);
    let mut case = case(None, Expect::success());
    case.faults.order = Some(OrderFault::Again(percent("50")));
    let facts = Facts {
        case: &case,
        update: &update,
        became: became("target"),
        cuts_planned: 0,
        timed_out: None,
        reply: Some(reply),
        fault_met: met,
        fetches: Fetches {
            requests: 1,
            ..Fetches::default()
        },
        lwm2m: None,
        imei: None,
        asked: Asked::default(),
    };
    assert_eq!(ruled(&judge(&facts)), rule);
}

#[test]
fn what_a_line_on_the_console_says() {
    let update = play("http order hstart D100 hend0 start U20 U50 cut start U20 U100 rdy end0");
    assert_eq!(
        story(&update, &became("target")),
        "UPDATING 20%..50% · cut at UPDATING 50% · resumed 20%..100% · END,0 · BC66NBR01A02"
    );
    let update = play("uart order start U20 U100 rdy end0 cut rdy");
    assert_eq!(
        story(&update, &became("target")),
        "UPDATING 20%..100% · END,0 · cut at END,0 · BC66NBR01A02"
    );
    let update = play("http order hend12");
    assert_eq!(story(&update, &became("dead")), "download 12 · unresponsive");
}

/// AT says that the update succeeded; what LwM2M says decides.
#[rstest]
#[case::same_story(
    Some(Ending::Rests(State::Idle, UpdateResult::Success)),
    Told::default(),
    "pass"
)]
#[case::other_result(
    Some(Ending::Rests(State::Idle, UpdateResult::UpdateFailed)),
    Told::default(),
    "object-state"
)]
#[case::stuck(None, Told { state: Some(3), result: Some(0) }, "object-state")]
#[case::silent(None, Told::default(), "lwm2m-silent")]
fn at_and_lwm2m_tell_the_same_story(#[case] ending: Option<Ending>, #[case] told: Told, #[case] rule: &str) {
    let script = "uart order start U20 U100 rdy end0";
    let judged = verdict(script, "target", None, |facts| {
        facts.lwm2m = Some(Lwm2m {
            findings: &[],
            // The facts borrow; a test may leak.
            ending: ending.map(|ending| &*Box::leak(Box::new(ending))),
            awaited: true,
            told,
        });
    });
    assert_eq!(ruled(&judged), rule, "{judged:?}");
}
