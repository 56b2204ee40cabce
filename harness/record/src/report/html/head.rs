//! The head of the page: the verdict, whether the module was real, what failed, where and since when, what ran, the claim and
//! its bound.

use super::book::Book;
use super::book::since;
use super::failures;
use super::look::seconds;
use crate::count::count_of;
use crate::report::Run;
use crate::report::campaigns::{self, CampaignReport};
use crate::report::case_run::RecordedIdentity;
use crate::report::fleet::RigRun;
use dfota_core::claim::Claim;
use dfota_core::outcome::Outcome;
use dfota_core::verdict::Verdict;
use dfota_core::verdict::exit_code;
use dfota_core::version::Version;
use maud::{Markup, html};

/// Rules that did not pass and are named at once.
const RULES: usize = 6;
/// Ways from version to version that are.
const WAYS: usize = 3;

/// The head of the page.
pub fn write(book: &Book<'_, '_>) -> Markup {
    let run = book.run;
    let (class, verdict, why) = verdict(run);
    html! {
        header {
            p.kicker { "dfota-hil report" }
            h1 { (run.started.run) }
            @if run.started.rig.simulated {
                p.simulated role="note" {
                    strong { "SIMULATED" }
                    " The module was a program. Nothing here says anything about a real module."
                }
            }
            div.verdict.(class) {
                p.big { (verdict) }
                p { (why) }
            }
            (failed(book))
            (facts(book))
            (counts(run))
            (rigs(run))
            dl.claim { (claims(book)) }
        }
    }
}

/// Class, word and sentence of the verdict on the run.
fn verdict(run: &Run<'_>) -> (&'static str, &'static str, String) {
    let all = run.cases.len();
    let failed = run.count(|verdict| matches!(verdict, Verdict::Fail(_)));
    let passed = run.count(|verdict| *verdict == Verdict::Pass);
    let ours = run.count(|verdict| matches!(verdict, Verdict::Error(_)));
    let unclear = run.count(|verdict| matches!(verdict, Verdict::Inconclusive(_)));
    let unreached = run.count(|verdict| *verdict == Verdict::NotReached);
    let killed = run.ended.is_none();
    let exit = run
        .exit()
        .unwrap_or_else(|| exit_code(run.cases.iter().map(|case| &case.verdict), true).code());
    let rest = if unreached > 0 {
        format!(" {} not reached.", count_of(unreached, "case"))
    } else {
        String::new()
    };
    match exit {
        // A search ends with 0 by what it found, whatever the module did in it.
        _ if run.bisected.is_some() => (
            "unclear",
            "SEARCH",
            format!(
                "{} made to find where the module begins to fail; {failed} failed.",
                count_of(all, "try")
            ),
        ),
        1 => (
            "failed",
            "FAILED",
            format!(
                "The module is at fault in {failed} of {}.{rest}",
                count_of(all, "case")
            ),
        ),
        0 => (
            "passed",
            "PASSED",
            format!("{passed} of {} passed.", count_of(all, "case")),
        ),
        130 if killed => (
            "unclear",
            "NOT FINISHED",
            format!("The harness was killed: this journal has no end.{rest}"),
        ),
        130 => (
            "unclear",
            "INTERRUPTED",
            format!("The run was ended before it was done.{rest}"),
        ),
        _ => (
            "unclear",
            "NO VERDICT",
            format!(
                "The module did not fail, but the run did not go as planned: {}, {unclear} inconclusive, {passed} passed.{rest}",
                count_of(ours, "error")
            ),
        ),
    }
}

/// What did not pass, where, and since when: a line for each rule.
fn failed(book: &Book<'_, '_>) -> Markup {
    let (shown, more) = book.groups.split_at(book.groups.len().min(RULES));
    let looks_back = book.run.trend.is_some_and(|trend| !trend.runs.is_empty());
    html! {
        @if !shown.is_empty() {
            ul.failed aria-label="What did not pass" {
                @for group in shown {
                    li { a href=(format!("#{}", group.anchor)) { (failures::head(group)) }
                        @if let Some(since) = since::words(book, group.entries()) { ": " (since) }
                    }
                }
                @if !more.is_empty() { li { a href="#failures" { "and " (count_of(more.len(), "more rule")) } } }
            }
            @if !looks_back { p.quiet { "Since when: no earlier run of these cases is known." } }
        }
    }
}

/// When, what and with what, at a glance.
fn facts(book: &Book<'_, '_>) -> Markup {
    let run = book.run;
    let (started, rig) = (run.started, &run.started.rig);
    let fact = |name: &str, value: &Markup| html! { div { dt { (name) } dd { (value) } } };
    let commit = started.commit.as_ref();
    // Those of several rigs are of several modules, which have a table.
    let identities = run.identities().filter(|_| !run.fleet.is_fleet());
    html! {
        dl.head {
            (fact("Started", &html! { (date(run.utc)) }))
            (fact("Took", &html! { (seconds(run.took_ns)) }))
            (fact("Firmware", &html! { (firmware(run)) }))
            (fact("Module", &html! { (rig.module) (model(identities)) }))
            @if !run.fleet.is_fleet() { (fact("IMEI", &html! { (imei(identities)) })) }
            (fact("Seed", &html! { (started.seed) }))
            (fact("Rig", &html! {
                @if run.fleet.is_fleet() { a href="#rigs" { (count_of(run.fleet.rigs.len(), "rig")) } } @else { (rig.file.name) }
                @if rig.simulated { ", " strong { "SIMULATED" } ", " (rig.speed) " times faster" }
            }))
            (fact("Tool", &html! { "dfota-hil " (started.tool) @if let Some(commit) = commit { ", commit " code { (commit) } } }))
        }
    }
}

/// The rigs of a run on several, each with its module and what its cases came to.
fn rigs(run: &Run<'_>) -> Markup {
    let rigs = &run.fleet.rigs;
    html! {
        @if !rigs.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Rigs" {
                table.rigs #rigs {
                    thead { tr {
                        th scope="col" { "Rig" } th scope="col" { "Module" } th scope="col" { "IMEI" } th scope="col" { "Version, last" }
                        @for head in ["Cases", "Passed", "Pass rate"] { th.number scope="col" { (head) } }
                        th scope="col" { "Out" }
                    } }
                    tbody { @for rig in rigs { (rig_row(run, rig)) } }
                }
            }
            @for unread in run.fleet.unread() {
                p { strong { "Not in this report: " } (unread) ". What was not heard is not evidence: its cases are errors, and its claims open." }
            }
            @if let Some(why) = run.fleet.paused { p { strong { "The run was paused: " } (why) } }
        }
    }
}

fn rig_row(run: &Run<'_>, rig: &RigRun<'_>) -> Markup {
    let tally = rig.tally(&run.cases);
    let imei = rig.identity.and_then(|identity| identity.imei);
    html! {
        tr {
            th scope="row" { (rig.name()) @if rig.facts.simulated { ", " strong { "SIMULATED" } } }
            td { (rig.facts.module) @if let Some(identity) = rig.identity { ", " (identity.model) } }
            td { @if let Some(imei) = imei { (imei) } @else { "it was not read" } }
            td { @if let Some(identity) = rig.identity { (identity.version) } }
            td.number { (tally.cases) } td.number { (tally.passed) }
            td.number { @if let Some(rate) = tally.pass_rate() { (format!("{:.1} %", 100.0 * rate)) } }
            td { (rig.out.unwrap_or_default()) @if tally.lost > 0 { @if rig.out.is_some() { "; " } (count_of(tally.lost, "case")) " lost" } }
        }
    }
}

/// A UTC time, for reading; as it stands where it is none of the journal's form.
fn date(utc: &str) -> String {
    match (utc.get(..10), utc.get(10..11), utc.get(11..19)) {
        (Some(day), Some("T"), Some(time)) if utc.ends_with('Z') => format!("{day} {time} UTC"),
        _ => utc.to_owned(),
    }
}

/// From which version to which the cases that were begun update; of all where none was.
fn firmware(run: &Run<'_>) -> String {
    let begun = run.cases.iter().any(|case| case.was_begun());
    let mut ways: Vec<(&Version, &Version)> = Vec::new();
    for case in run.cases.iter().filter(|case| !begun || case.was_begun()) {
        let way = (&case.case.package.from, &case.case.package.to);
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let (shown, more) = ways.split_at(ways.len().min(WAYS));
    let mut shown: Vec<String> = shown.iter().map(|(from, to)| format!("{from} → {to}")).collect();
    if !more.is_empty() {
        shown.push(format!("{} more", more.len()));
    }
    if shown.is_empty() {
        "no case was planned".into()
    } else {
        shown.join(", ")
    }
}

/// Model and version that the module told, first and last.
fn model(identities: Option<[RecordedIdentity<'_>; 2]>) -> String {
    match identities {
        Some([first, last]) if first.version != last.version => {
            let model = first.model;
            format!(", {model}, {} at first, {} at last", first.version, last.version)
        }
        Some([first, _]) => format!(", {}, {}", first.model, first.version),
        None => String::new(),
    }
}

fn imei(identities: Option<[RecordedIdentity<'_>; 2]>) -> String {
    let [first, last] = identities.map_or([None; 2], |both| both.map(|identity| identity.imei));
    match (first, last) {
        (Some(first), Some(last)) if first != last => format!("{first} at first, {last} at last"),
        (Some(imei), _) | (None, Some(imei)) => imei.to_string(),
        (None, None) => "it was not read".into(),
    }
}

/// The claim of each campaign and its bound, in a line each.
fn claims(book: &Book<'_, '_>) -> Markup {
    let campaigns = campaigns::reports(book.run);
    let cuts: usize = book.entries.iter().map(|entry| entry.cuts.len()).sum();
    html! {
        @if campaigns.is_empty() {
            dt { "Claim" }
            dd { "none: this run has no campaign of random cuts" }
            dt { "Bound" }
            dd { @if cuts == 0 { "none: no cut was made" } @else { "none: " (count_of(cuts, "cut")) " at chosen places, however they ended, give no rate" } }
        }
        @for campaign in &campaigns {
            dt { "Claim" }
            dd { (claim(campaign)) }
            dt { "Bound" }
            dd { (bound(campaign)) }
        }
    }
}

fn claim(campaign: &CampaignReport) -> Markup {
    let Some(claim) = &campaign.claim else {
        return html! { "none is made in " code { (campaign.campaign) } };
    };
    html! {
        "fewer than " (claim.brick_rate_below) " of the cuts in " code { (claim.over) } " brick the module, with "
        (claim.confidence) " confidence: "
        strong { (shown(campaign, claim)) }
    }
}

/// The status of a claim.
fn shown(campaign: &CampaignReport, claim: &Claim) -> String {
    let counted = campaign.counted_cuts().cuts;
    let open = match campaign.open_attempts() {
        0 => String::new(),
        some => format!(", {}", count_of(some, "open attempt")),
    };
    match (campaign.verdict, &campaign.pool) {
        (Some("open"), Some(pool)) => format!(
            "open, {counted} of {} cuts count so far, {} of {} slots not judged{open}",
            claim.cuts(),
            pool.unjudged,
            pool.slots
        ),
        (Some("open"), None) => format!("open, {counted} of {} cuts count so far", claim.cuts()),
        (Some(decided), Some(_)) => decided.replace('-', " "),
        _ => campaign.tally.status(claim).to_string(),
    }
}

fn bound(campaign: &CampaignReport) -> Markup {
    let counted = campaign.counted_cuts();
    let confidence = campaign.confidence();
    html! {
        (counted.bricks) " of " (count_of(counted.cuts as usize, "counted cut")) " bricked the module"
        @if let (Some(confidence), true) = (confidence, counted.cuts > 0) {
            @let bounds = campaign.bounds();
            ", so " @if campaign.pool.is_some() { "the mean rate of these modules" } @else { "the rate" } " is " strong { (bounds.below()) } " with " (confidence) " confidence, and "
            strong { (bounds.above()) } " with " (confidence) " confidence (each bound for itself)"
        }
    }
}

/// Verdicts and bricks, counted.
fn counts(run: &Run<'_>) -> Markup {
    let count = |like: fn(&Verdict) -> bool| run.count(like);
    let figures = [
        (
            "fail",
            "✗",
            "failed",
            count(|verdict| matches!(verdict, Verdict::Fail(_))),
        ),
        (
            "error",
            "!",
            "errors",
            count(|verdict| matches!(verdict, Verdict::Error(_))),
        ),
        (
            "inconclusive",
            "?",
            "inconclusive",
            count(|verdict| matches!(verdict, Verdict::Inconclusive(_))),
        ),
        ("pass", "✓", "passed", count(|verdict| *verdict == Verdict::Pass)),
        (
            "skip",
            "–",
            "skipped",
            count(|verdict| matches!(verdict, Verdict::Skip { .. })),
        ),
        (
            "not-reached",
            "–",
            "not reached",
            count(|verdict| *verdict == Verdict::NotReached),
        ),
    ];
    html! {
        ul.counts aria-label="Cases by verdict" {
            @for (class, sign, word, number) in figures {
                li.(class).none[number == 0] { span.number { (number) } " " span { span aria-hidden="true" { (sign) " " } (word) } }
            }
            li.brick.none[run.bricks() == 0] { span.number { (run.bricks()) } " " span { "bricked" } }
            li.none[run.flaky() == 0] { span.number { (run.flaky()) } " " span { "of the passed, flaky" } }
        }
        details.quiet { summary { "What counts as a brick" } p { (Outcome::BRICK) "." } }
        @if let Some(cause) = run.given_up { p { strong { "No further case was begun: " } (cause) } }
    }
}
