//! The table of legal outcomes, case by case: what happened, written as a script, and the rule that fires.
//!
//! A script is a list of words: `http`/`uart` the transport (first word), `order`, `block` (upload of block 2), `start`,
//! `D50` DOWNLOADING, `U50` UPDATING, `hend0` HTTPEND,0, `end0` END,0, `brom`, `rdy`, `cut`, `glitch`, `cycle`.

use bc66_wire::code::{DownloadCode, UpdateCode};
use bc66_wire::lwm2m::{State, UpdateResult};
use dfota_core::case::{Case, Package, Via};
use dfota_core::cut::{CutPlan, Kind};
use dfota_core::evidence::evidence;
use dfota_core::expect::{Becomes, Expect, Reply};
use dfota_core::fault::OrderFault;
use dfota_core::function::Function;
use dfota_core::judge::{Asked, Became, Facts, Fetches, Lwm2m, TimedOut, Told, judge, story};
use dfota_core::lwm2m::firmware_update::Ending;
use dfota_core::mark::Mark;
use dfota_core::measure::{self, Declared, Measure, Taken};
use dfota_core::moment::Moment;
use dfota_core::outcome::Outcome;
use dfota_core::percent::Percent;
use dfota_core::update::{Input, Update};
use dfota_core::urc::{Fota, Urc};
use dfota_core::verdict::{Class, Finding, Rule, Verdict};
use rstest::rstest;
use std::time::Duration;

const SOURCE: &str = "BC66NBR01A01";
const TARGET: &str = "BC66NBR01A02";

fn percent(word: &str) -> Percent {
    Percent::new(word.parse().expect("a number")).expect("at most 100")
}

fn input(word: &str) -> Input {
    let fota = |fota| Input::Urc(Urc::Fota(fota));
    match word {
        "order" => Input::Order,
        "refused" => Input::Refused,
        "block" => Input::Block(2),
        "cut" => Input::Cut { glitch: false },
        "glitch" => Input::Cut { glitch: true },
        "cycle" => Input::Cycle,
        "brom" => Input::Urc(Urc::BootRom),
        "rdy" => Input::Urc(Urc::Rdy),
        "start" => fota(Fota::Start),
        "hstart" => fota(Fota::HttpStart),
        "cstart" => fota(Fota::CoapStart),
        _ => {
            if let Some(code) = word.strip_prefix("hend") {
                fota(Fota::HttpEnd(DownloadCode::from_raw(
                    code.parse().expect("a code"),
                )))
            } else if let Some(code) = word.strip_prefix("end") {
                fota(Fota::End(UpdateCode::from_raw(code.parse().expect("a code"))))
            } else if let Some(at) = word.strip_prefix('D') {
                fota(Fota::Downloading(percent(at)))
            } else if let Some(at) = word.strip_prefix('U') {
                fota(Fota::Updating {
                    percent: percent(at),
                    total: Some(1),
                    current: Some(1),
                })
            } else {
                panic!("no word of a script: {word}")
            }
        }
    }
}

fn play(script: &str) -> Update {
    let mut words = script.split_whitespace();
    let via = match words.next() {
        Some("http") => Via::Http,
        Some("uart") => Via::Uart,
        other => panic!("no transport: {other:?}"),
    };
    let mut update = Update::new(via);
    for word in words {
        update.on(input(word));
    }
    update
}

fn case(cut: Option<Moment>, expect: Expect) -> Case {
    let package = Package {
        name: "a-to-b".into(),
        from: SOURCE.parse().expect("a version"),
        to: TARGET.parse().expect("a version"),
        bytes: 1,
        sha256: String::new(),
    };
    Case {
        cut: cut.map(|at| CutPlan {
            at,
            after_min: Duration::ZERO,
            after_max: Duration::ZERO,
            off: Duration::from_secs(5),
            kind: Kind::Power,
            times: 1,
        }),
        expect,
        ..Case::plain("case", "suite", package, Via::Uart)
    }
}

fn became(version: &str) -> Became {
    match version {
        "source" => Became::Runs(SOURCE.parse().expect("a version")),
        "target" => Became::Runs(TARGET.parse().expect("a version")),
        "dead" => Became::Unresponsive,
        other => Became::Runs(other.parse().expect("a version")),
    }
}

/// The rule id, `pass` otherwise; and the class for a look.
fn ruled(verdict: &Verdict) -> String {
    match verdict.finding() {
        Some(finding) => {
            assert!(!finding.sentence.is_empty());
            assert_eq!(
                matches!(verdict, Verdict::Fail(_)),
                finding.rule.class() == Class::Product
            );
            finding.rule.id().into()
        }
        None => {
            assert_eq!(*verdict, Verdict::Pass);
            "pass".into()
        }
    }
}

fn verdict(script: &str, version: &str, cut: Option<Moment>, change: impl FnOnce(&mut Facts<'_>)) -> Verdict {
    let (update, case) = (play(script), case(cut, Expect::success()));
    let mut facts = Facts {
        case: &case,
        update: &update,
        became: became(version),
        cuts_planned: u32::from(cut.is_some()),
        timed_out: None,
        reply: Some(Reply::Ok),
        fault_met: true,
        fetches: Fetches {
            requests: 1,
            ..Fetches::default()
        },
        lwm2m: None,
        imei: None,
        asked: Asked::default(),
    };
    change(&mut facts);
    judge(&facts)
}

#[rstest]
#[case::over_uart("uart block order start brom U20 U60 U100 brom rdy end0", "target", "pass")]
#[case::over_http(
    "http order hstart D1 D100 hend0 start brom U20 U100 brom rdy end0",
    "target",
    "pass"
)]
#[case::end_twice("uart order start U20 U100 rdy end0 end0", "target", "pass")]
#[case::percent_jumps_and_repeats("uart order start U20 U57 U57 U30 U100 rdy end0", "target", "pass")]
#[case::no_start("uart order U20 U100 rdy end0", "target", "pass")]
#[case::dead("uart order start U20", "dead", "unresponsive")]
#[case::third_version("uart order start U20 U100 rdy end0", "BC66NBR01A07", "wrong-version")]
#[case::lies("uart order start U20 U100 rdy end0", "source", "end-without-update")]
#[case::refused_package("uart order start rdy end255", "source", "update-failed")]
#[case::undocumented_code("uart order start U20 rdy end504", "target", "update-code")]
#[case::nothing_happened("uart order", "source", "target-not-reached")]
#[case::end_lost("uart order start U20 U100 rdy cycle rdy", "target", "end-missing")]
#[case::end_one_boot_later("uart order start U20 U100 rdy cycle rdy end0", "target", "pass")]
#[case::updating_after_end(
    "uart order start U20 U100 rdy end0 U20 U100 end0",
    "target",
    "updating-after-end"
)]
#[case::start_too_early(
    "http order hstart D50 start U20 U100 rdy end0",
    "target",
    "start-before-download-end"
)]
#[case::start_after_failure(
    "http order hstart D50 hend12 start U20 end0",
    "target",
    "start-after-failed-download"
)]
#[case::wrong_transport("uart order hstart hend0 start U20 U100 end0", "target", "wrong-transport")]
#[case::never_ordered("uart refused U20 U100 end0", "target", "update-unasked")]
fn without_a_cut(#[case] script: &str, #[case] version: &str, #[case] rule: &str) {
    assert_eq!(ruled(&verdict(script, version, None, |_| {})), rule);
}

const UPDATING_50: Moment = Moment::Updating(Percent::new(50).unwrap());

#[rstest]
// While downloading or uploading: the source version runs on, no forced resume.
#[case::in_download(
    "http order hstart D50 cut brom rdy",
    "source",
    Moment::Downloading(Percent::FULL),
    "pass"
)]
#[case::in_upload("uart block cut brom rdy", "source", Moment::UploadBlock(2), "pass")]
#[case::changed_in_download(
    "http order hstart D50 cut rdy",
    "target",
    Moment::HttpStart,
    "version-changed"
)]
#[case::resumed_from_download(
    "http order hstart D50 cut start U20 U100 rdy end0",
    "source",
    Moment::HttpStart,
    "update-unasked"
)]
#[case::dead_in_upload("uart block cut", "dead", Moment::UploadBlock(2), "unresponsive")]
// After START or the order, before the first UPDATING: either.
#[case::after_start_kept("uart order start cut rdy", "source", Moment::Start, "pass")]
#[case::after_start_resumed(
    "uart order start cut start U20 U100 rdy end0",
    "target",
    Moment::Start,
    "pass"
)]
#[case::after_start_no_end(
    "uart order start cut start U20 U100 rdy cycle rdy",
    "target",
    Moment::Start,
    "end-missing"
)]
#[case::after_start_third("uart order start cut rdy", "BC66NBR01A07", Moment::Start, "wrong-version")]
#[case::package_complete(
    "http order hstart D100 cut start U20 U100 rdy end0",
    "target",
    Moment::Downloading(Percent::FULL),
    "pass"
)]
// UPDATING seen, END not: forced resume.
#[case::resumed(
    "uart order start U20 U50 cut brom start U20 U100 brom rdy end0",
    "target",
    UPDATING_50,
    "pass"
)]
#[case::resumed_without_start(
    "uart order start U20 U50 cut brom U53 U100 rdy end0",
    "target",
    UPDATING_50,
    "pass"
)]
#[case::forgot("uart order start U20 U50 cut brom rdy", "source", UPDATING_50, "no-resume")]
#[case::resumed_in_vain(
    "uart order start U20 U50 cut U20 U100 rdy",
    "source",
    UPDATING_50,
    "target-not-reached"
)]
#[case::resumed_and_failed(
    "uart order start U20 U50 cut U20 rdy end1",
    "source",
    UPDATING_50,
    "update-failed"
)]
#[case::resumed_and_lied(
    "uart order start U20 U50 cut U20 U100 rdy end0",
    "source",
    UPDATING_50,
    "end-without-update"
)]
#[case::resumed_without_end(
    "uart order start U20 U50 cut U20 U100 rdy cycle rdy",
    "target",
    UPDATING_50,
    "end-missing"
)]
#[case::downloads_again(
    "http order hstart D100 hend0 start U50 cut rdy hstart D100 hend0 start U20 U100 rdy end0",
    "target",
    UPDATING_50,
    "downloaded-again"
)]
#[case::begins_to_download_again(
    "http order hstart D100 hend0 start U50 cut rdy hstart",
    "source",
    UPDATING_50,
    "downloaded-again"
)]
#[case::dead("uart order start U20 U50 cut brom", "dead", UPDATING_50, "unresponsive")]
#[case::finished_before(
    "uart order start U20 U50 cut brom rdy end0",
    "target",
    UPDATING_50,
    "finished-before-cut"
)]
#[case::finished_at_100(
    "uart order start U20 U100 cut brom rdy end0",
    "target",
    Moment::Updating(Percent::FULL),
    "pass"
)]
#[case::end_twice(
    "uart order start U50 cut U20 U100 rdy end0 end0",
    "target",
    UPDATING_50,
    "pass"
)]
#[case::resume_still_due(
    "uart order start U50 cut rdy cycle start U20 U100 rdy end0",
    "target",
    UPDATING_50,
    "pass"
)]
// After END.
#[case::after_end("uart order start U20 U100 rdy end0 cut rdy", "target", Moment::End, "pass")]
#[case::after_end_reported_again(
    "uart order start U20 U100 rdy end0 cut rdy end0",
    "target",
    Moment::End,
    "pass"
)]
#[case::after_end_redone(
    "uart order start U20 U100 rdy end0 cut start U20 U100 rdy end0",
    "target",
    Moment::End,
    "updating-after-end"
)]
#[case::after_end_fell_back(
    "uart order start U20 U100 rdy end0 cut rdy",
    "source",
    Moment::End,
    "end-without-update"
)]
// The experiment was another one.
#[case::never_cut("uart order start U20 U100 rdy end0", "target", UPDATING_50, "cut-missed")]
#[case::never_cut_and_dead("uart order start U20", "dead", UPDATING_50, "unresponsive")]
#[case::too_late(
    "uart order start U20 U100 rdy end0 cut rdy",
    "target",
    UPDATING_50,
    "cut-late"
)]
#[case::too_late_and_lied(
    "uart order start U20 U100 rdy end0 cut rdy",
    "source",
    UPDATING_50,
    "end-without-update"
)]
// A glitch: riding through it, or rebooting and resuming.
#[case::rode_through(
    "uart order start U50 glitch U51 U100 rdy end0",
    "target",
    UPDATING_50,
    "pass"
)]
#[case::glitch_resumed(
    "uart order start U50 glitch brom start U20 U100 rdy end0",
    "target",
    UPDATING_50,
    "pass"
)]
#[case::glitch_forgot("uart order start U50 glitch brom rdy", "source", UPDATING_50, "no-resume")]
#[case::glitch_in_download(
    "http order hstart D50 glitch D51 D100 hend0 start U20 U100 rdy end0",
    "target",
    Moment::HttpStart,
    "pass"
)]
// Cut again inside the resume.
#[case::twice(
    "uart order start U50 cut start U20 U50 cut start U20 U100 rdy end0",
    "target",
    UPDATING_50,
    "pass"
)]
#[case::twice_second_before_updating(
    "uart order start U50 cut start cut start U20 U100 rdy end0",
    "target",
    Moment::Start,
    "pass"
)]
#[case::twice_forgot(
    "uart order start U50 cut start cut rdy",
    "source",
    Moment::Start,
    "no-resume"
)]
fn with_a_cut(#[case] script: &str, #[case] version: &str, #[case] at: Moment, #[case] rule: &str) {
    let verdict = verdict(script, version, Some(at), |_| {});
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// The codes that a case expects are those of the whole update, not of one that was cut before it could begin.
#[rstest]
#[case::upload("uart block cut brom rdy", Moment::UploadBlock(2), "pass")]
#[case::download("http order hstart D50 cut brom rdy", Moment::HttpStart, "pass")]
#[case::updating("uart order start U50 cut U20 U100 rdy end0", UPDATING_50, "update-code")]
fn expected_codes_after_a_cut(#[case] script: &str, #[case] at: Moment, #[case] rule: &str) {
    let (update, mut case) = (play(script), case(Some(at), Expect::success()));
    (case.expect.update, case.expect.version) = (Some(254), Some(Becomes::Unchanged));
    let version = if rule == "pass" { "source" } else { "target" };
    let verdict = judge(&Facts {
        case: &case,
        update: &update,
        became: became(version),
        cuts_planned: 1,
        timed_out: None,
        reply: None,
        fault_met: true,
        fetches: Fetches::default(),
        imei: None,
        asked: Asked::default(),
        lwm2m: None,
    });
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

#[test]
fn limits_that_run_out() {
    let ruled_when = |script, version, limit, cut| {
        ruled(&verdict(script, version, cut, |facts| {
            facts.timed_out = Some(limit)
        }))
    };
    let cut = Some(UPDATING_50);
    assert_eq!(
        ruled_when("uart order start U50", "source", TimedOut::Update, None),
        "update-stalled"
    );
    assert_eq!(
        ruled_when(
            "uart order start U50 cut U20 U30 cycle",
            "dead",
            TimedOut::Update,
            cut
        ),
        "update-stalled"
    );
    assert_eq!(
        ruled_when(
            "uart order start U50 cut cycle rdy",
            "target",
            TimedOut::Resume,
            cut
        ),
        "resume-timeout"
    );
    assert_eq!(
        ruled_when("uart order start U50 cut cycle", "dead", TimedOut::Resume, cut),
        "unresponsive"
    );
    // It answers without ever having booted: it was never without its supply.
    let at_the_end = "uart order start U20 U100 brom rdy end0 cut cycle";
    assert_eq!(
        ruled_when(at_the_end, "target", TimedOut::Resume, Some(Moment::End)),
        "power-not-cut"
    );
    let mut by_reset = case(Some(Moment::End), Expect::success());
    by_reset.cut.as_mut().expect("a cut").kind = Kind::Reset;
    let update = play(at_the_end);
    let reset = judge(&Facts {
        case: &by_reset,
        update: &update,
        became: became("target"),
        cuts_planned: 1,
        timed_out: Some(TimedOut::Resume),
        reply: Some(Reply::Ok),
        fault_met: true,
        fetches: Fetches::default(),
        imei: None,
        asked: Asked::default(),
        lwm2m: None,
    });
    assert_eq!(ruled(&reset), "line-failed");
    assert_eq!(
        ruled_when("http order hstart D50", "source", TimedOut::Download, None),
        "download-stalled"
    );
}

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
