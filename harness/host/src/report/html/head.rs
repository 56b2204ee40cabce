//! What comes before anything else: the verdict, whether it says anything about a real module, the claim and its bound.

use super::book::Book;
use super::look::count;
use crate::report::campaigns::{self, CampaignReport};
use crate::report::{Run, exit_code};
use dfota_core::claim::{Claim, Standing};
use dfota_core::outcome::Outcome;
use dfota_core::verdict::Verdict;
use maud::{Markup, html};

/// The head of the page.
pub fn write(book: &Book<'_, '_>) -> Markup {
    let run = book.run;
    let (class, verdict, why) = verdict(run);
    html! {
        header {
            p.kicker { "dfota-hil report · " (run.started.rig.module) " on rig " (run.started.rig.file.name) }
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
            dl.claim { (claims(book)) }
            (counts(run))
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
    let exit = run.ended.map_or_else(
        || exit_code(run.cases.iter().map(|case| &case.verdict), true),
        |(exit, ..)| exit,
    );
    let rest = if unreached > 0 {
        format!(" {} not reached.", count(unreached, "case"))
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
                count(all, "try")
            ),
        ),
        1 => (
            "failed",
            "FAILED",
            format!(
                "The module is at fault in {failed} of {}.{rest}",
                count(all, "case")
            ),
        ),
        0 => (
            "passed",
            "PASSED",
            format!("{passed} of {} passed.", count(all, "case")),
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
                "No failure of the module, and not what was planned: {}, {unclear} inconclusive, {passed} passed.{rest}",
                count(ours, "error")
            ),
        ),
    }
}

/// The claim of each campaign and its bound, in a line each.
fn claims(book: &Book<'_, '_>) -> Markup {
    let campaigns = campaigns::of(book.run);
    let cuts: usize = book.entries.iter().map(|entry| entry.cuts.len()).sum();
    html! {
        @if campaigns.is_empty() {
            dt { "Claim" }
            dd { "none: this run has no campaign of random cuts" }
            dt { "Bound" }
            dd { "none: " (count(cuts, "cut")) " at chosen places, however they ended, give no rate" }
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

/// What became of a claim.
fn shown(campaign: &CampaignReport, claim: &Claim) -> String {
    match campaign.tally.standing(claim) {
        Standing::Open { .. } => format!(
            "open, {} of {} cuts count so far",
            campaign.tally.counted.cuts,
            claim.cuts()
        ),
        settled => settled.to_string(),
    }
}

fn bound(campaign: &CampaignReport) -> Markup {
    let counted = campaign.tally.counted;
    let confidence = campaign.confidence();
    html! {
        (counted.bricks) " of " (count(counted.cuts as usize, "counted cut")) " bricked the module"
        @if let (Some(confidence), true) = (confidence, counted.cuts > 0) {
            @let bounds = counted.bounds(confidence);
            ", so the rate is " strong { (bounds.below()) } " with " (confidence) " confidence, and "
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
