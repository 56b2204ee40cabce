//! What is legal without a cut, and after one at each kind of moment.

use crate::script::{UPDATING_50, became, case, play, ruled, verdict};
use dfota_core::cut::Kind;
use dfota_core::expect::{Becomes, Expect, Reply};
use dfota_core::judge::{Asked, Facts, Fetches, TimedOut, judge};
use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use rstest::rstest;

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
