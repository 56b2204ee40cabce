//! What is legal without a cut, and after one at each kind of moment.

use crate::judgement::script::{UPDATING_50, case, judged, observe, reading, ruled, then, verdict};
use dfota_core::case::Anomalies;
use dfota_core::cut::CutKind;
use dfota_core::expect::{Becomes, Expect};
use dfota_core::judge::judge;
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
#[case::after_start_gave_up(
    "uart order start cut start U20 rdy end1",
    "source",
    Moment::Start,
    "update-failed"
)]
#[case::after_start_in_vain(
    "uart order start cut U20 U100 rdy",
    "source",
    Moment::Start,
    "target-not-reached"
)]
#[case::after_start_given_up_at_once("uart order start cut rdy end1", "source", Moment::Start, "pass")]
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
    let mut case = case(Some(at), Expect::success());
    (case.expect.update, case.expect.version) = (Some(254), Some(Becomes::Unchanged));
    let version = if rule == "pass" { "source" } else { "target" };
    let mut seen = observe(&case, script);
    then(&mut seen, &reading(version));
    let verdict = judge(&seen).verdict;
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

#[rstest]
#[case("uart order start U50 over-update cycle", "source", None, "update-stalled")]
#[case::still_updating(
    "uart order start U50 cut U20 U30 over-update cycle",
    "dead",
    Some(UPDATING_50),
    "update-stalled"
)]
#[case(
    "uart order start U50 cut over-resume cycle rdy",
    "target",
    Some(UPDATING_50),
    "resume-timeout"
)]
#[case::dead(
    "uart order start U50 cut over-resume cycle",
    "dead",
    Some(UPDATING_50),
    "unresponsive"
)]
#[case::boots_and_dies(
    "uart order start U20 U100 brom rdy over-update cycle brom",
    "dead",
    None,
    "unresponsive"
)]
#[case::silent_and_sound("uart order start U20 U100 over-update", "target", None, "end-missing")]
// It answers without ever having booted: it was never without its supply.
#[case::never_cut(
    "uart order start U20 U100 brom rdy end0 cut over-resume cycle",
    "target",
    Some(Moment::End),
    "power-not-cut"
)]
#[case("http order hstart D50 over-download", "source", None, "download-stalled")]
fn limits_that_run_out(
    #[case] script: &str,
    #[case] version: &str,
    #[case] cut: Option<Moment>,
    #[case] rule: &str,
) {
    let verdict = verdict(script, version, cut, |_| {});
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

#[test]
fn a_reset_that_does_nothing_is_the_lines_fault() {
    let mut by_reset = case(Some(Moment::End), Expect::success());
    by_reset.cut.as_mut().expect("a cut").kind = CutKind::Reset;
    let mut seen = observe(
        &by_reset,
        "uart order start U20 U100 brom rdy end0 cut over-resume cycle",
    );
    then(&mut seen, &reading("target"));
    assert_eq!(ruled(&judge(&seen).verdict), "line-failed");
}

/// A forced resume that ends with an error code is a fail, whatever follows, over every transport.
#[rstest]
fn a_resume_that_gives_up(
    #[values("uart order", "http order hstart D100 hend0", "coap order cstart cend0")] transfer: &str,
    #[values("1", "2", "254", "255", "502")] code: &str,
    #[values("U20 U45 ", "")] resume: &str,
    #[values("", " cycle rdy", " cycle brom rdy cycle rdy")] later: &str,
) {
    let script = format!("{transfer} start U50 cut {resume}brom end{code} rdy{later}");
    let verdict = verdict(&script, "source", Some(UPDATING_50), |_| {});
    assert_eq!(ruled(&verdict), "update-failed", "{verdict:?}");
    let sentence = &verdict.finding().expect("a finding").sentence;
    assert!(sentence.contains(&format!("END,{code}")), "{sentence}");
    assert_eq!(
        sentence.contains("no UPDATING came"),
        resume.is_empty(),
        "{sentence}"
    );
}

/// What was not heard is not evidence; what the module became is asked over an open ear.
#[rstest]
#[case::end_in_the_gap("uart order start U100 gap", "target", None, "serial-lost")]
#[case::end_after_the_gap("uart order start U50 gap U60 U100 rdy end0", "target", None, "pass")]
#[case::no_end_after_the_gap("uart order start U50 gap U60 U100 rdy", "target", None, "end-missing")]
#[case::stands_in_the_gap("uart order start U50 gap over-update", "target", None, "serial-lost")]
#[case::dead("uart order start U50 gap", "dead", None, "unresponsive")]
#[case::other("uart order start U50 gap", "BC66NBR01A07", None, "wrong-version")]
#[case::failed("uart order start U50 gap end255", "source", None, "update-failed")]
#[case::source("uart order start U50 gap", "source", None, "target-not-reached")]
#[case::download_end_in_the_gap("http order hstart D50 gap start U20 U100 rdy end0", "target", None, "pass")]
#[case::second_download_in_the_gap(
    "http order hstart D50 hend12 gap start U20 U100 rdy end0",
    "target",
    None,
    "pass"
)]
#[case::reboots_in_the_gap("http order hstart D50 gap rdy rdy end0", "target", None, "pass")]
#[case::nothing_heard("http order gap", "source", None, "serial-lost")]
#[case::resume_in_the_gap(
    "uart order start U50 cut gap rdy end0",
    "target",
    Some(UPDATING_50),
    "serial-lost"
)]
#[case::no_resume(
    "uart order start U50 cut gap rdy",
    "source",
    Some(UPDATING_50),
    "target-not-reached"
)]
#[case::fed_by_the_supply(
    "uart order start U50 off away cut back rdy",
    "source",
    Some(UPDATING_50),
    "target-not-reached"
)]
#[case::back_before_the_supply(
    "uart order start U50 off away back cut rdy",
    "source",
    Some(UPDATING_50),
    "no-resume"
)]
#[case::gap_before_the_cut("uart order gap start U50 cut rdy", "source", Some(UPDATING_50), "no-resume")]
fn gaps(#[case] script: &str, #[case] version: &str, #[case] cut: Option<Moment>, #[case] rule: &str) {
    let verdict = verdict(script, version, cut, |_| {});
    assert_eq!(ruled(&verdict), rule, "{verdict:?}");
}

/// Boots that nobody asked for: after the application had come up they are held against the module.
#[rstest]
#[case::once("uart order start brom U20 U100 brom rdy end0 brom rdy", "reboots-by-itself")]
#[case::at_another_rate("uart order start U20 U100 rdy end0 rdy", "reboots-by-itself")]
#[case::after_the_last_cycle(
    "uart order start U100 brom rdy end0 cycle brom rdy brom",
    "reboots-by-itself"
)]
#[case::asked_for(
    "uart order start brom U100 brom rdy end0 cycle brom rdy cycle brom rdy",
    "pass"
)]
#[case::inside_updating("uart order start brom U20 brom U30 brom U40 brom U100 brom rdy end0", "pass")]
fn boots_that_nobody_asked_for(#[case] script: &str, #[case] rule: &str) {
    let judged = judged(script, "target", None, |_| {});
    assert_eq!(ruled(&judged.verdict), rule, "{judged:?}");
    let told = judged.summary.contains("3 unexplained resets while UPDATING");
    assert_eq!(told, script.contains("U20 brom"), "{}", judged.summary);
}

/// An anomaly is named; a suite may declare it a fail.
#[rstest]
#[case::torn_end(
    "http order hstart D100 torn start U20 U100 brom rdy end0",
    "START came without an end of the download"
)]
#[case::too_much(
    "uart order start U20 U140 U100 brom rdy end0",
    "has no percentage from 0 to 100"
)]
#[case::back(
    "uart order start U20 U50 U40 U100 brom rdy end0",
    "UPDATING went back from 50 % to 40 %"
)]
#[case::third(
    "uart order start U20,1,3 U100 brom rdy end0",
    "program 3 of 1, expected 1 of 1"
)]
fn oddities(#[case] script: &str, #[case] told: &str) {
    let noted = judged(script, "target", None, |_| {});
    assert_eq!(ruled(&noted.verdict), "pass", "{noted:?}");
    assert!(noted.summary.contains(told), "{}", noted.summary);
    let failed = verdict(script, "target", None, |seen| {
        seen.plan.case.anomalies = Anomalies::Fail;
    });
    assert_eq!(ruled(&failed), "anomaly");
}

#[test]
fn a_resume_without_updating_is_odd() {
    let script = "uart order start U50 cut brom start brom rdy end0";
    let judged = judged(script, "target", Some(UPDATING_50), |_| {});
    assert!(judged.summary.contains("without a single UPDATING"), "{judged:?}");
}
