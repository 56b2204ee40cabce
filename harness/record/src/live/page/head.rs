//! The head: what runs, how far it is, how it stands.

use super::clock;
use crate::count::count_of;
use crate::live::cases::LiveCounts;
use crate::live::remaining::{self, TimeLeft};
use crate::live::{LiveRun, short_time};
use maud::{Markup, html};

pub(super) fn write(run: &LiveRun, now_ms: u64) -> Markup {
    let counts = run.cases.counts();
    let (class, word, why) = standing(run, counts);
    let (over, all) = (counts.over(), counts.wanted());
    html! {
        header #head {
            p.kicker {
                @if run.in_lab { a href="../../" { "Back to the lab" } } @else { "dfota-hil live" }
                span #link role="status" {}
            }
            h1 { (name(run)) }
            @if run.is_simulated() {
                p.simulated role="note" {
                    strong { "SIMULATED" } " The module is a program. Nothing here says anything about a real module."
                }
            }
            div.verdict.(class) {
                p.big { (word) }
                p { (why) }
                @if all > 0 {
                    p.bar {
                        progress value=(over) max=(all) aria-label="Cases that are over" {}
                        span { (over) " of " (count_of(all, "case")) }
                    }
                }
                p.times {
                    span { (clock(run.took_ms(now_ms), run.ended.is_none())) @if run.ended.is_none() { " so far" } @else { " in all" } }
                    @if let Some(left) = remaining::time_left(run, now_ms) { (time_left(&left)) }
                }
            }
            (facts(run))
            (numbers(counts))
            noscript { p.quiet { "This page loads itself again every few seconds. " a href="" { "Load it now" } "." } }
        }
    }
}

fn time_left(left: &TimeLeft) -> Markup {
    html! { span { "about " strong data-left=(left.ms) { (short_time(left.ms)) } " left, " (left.from) } }
}

fn name(run: &LiveRun) -> &str {
    run.started
        .as_deref()
        .map_or("the run has not begun", |started| &started.run)
}

/// Class, word and sentence of how the run stands.
fn standing(run: &LiveRun, counts: LiveCounts) -> (&'static str, &'static str, String) {
    let bad = [
        (counts.fail, "failed"),
        (counts.error, "ended with an error"),
        (counts.inconclusive, "inconclusive"),
        (counts.not_reached, "not reached"),
    ];
    let words: Vec<String> = bad
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let so_far = match (&words[..], counts.pass) {
        ([], 0) => "No case is over yet.".to_owned(),
        ([], passed) => format!("{passed} passed."),
        (words, passed) => format!("{passed} passed, {}.", words.join(", ")),
    };
    let stopped = run.given_up.as_ref().or(run.queue.paused.as_ref());
    match (run.ended, stopped) {
        (Some(ended), _) => {
            let (class, word) = match ended.exit {
                0 => ("passed", "PASSED"),
                1 => ("failed", "FAILED"),
                _ if ended.interrupted => ("unclear", "INTERRUPTED"),
                _ => ("unclear", "NO VERDICT"),
            };
            (class, word, format!("The run is over. {so_far}"))
        }
        (None, Some(why)) => (
            "unclear",
            "STOPPED",
            format!("No further case is begun: {why}. {so_far}"),
        ),
        (None, None) if counts.fail > 0 => ("failed", "FAILING", so_far),
        (None, None) if counts.over() > counts.pass => ("unclear", "RUNNING", so_far),
        (None, None) => ("", "RUNNING", so_far),
    }
}

fn facts(run: &LiveRun) -> Markup {
    let Some(started) = run.started.as_deref() else {
        return html! {};
    };
    let suites: Vec<&str> = started.suites.iter().map(|suite| suite.name.as_str()).collect();
    let fact = |name: &str, value: &str| html! { div { dt { (name) } dd { (value) } } };
    html! {
        dl.head {
            (fact("Suites", &suites.join(", ")))
            (fact("Rigs", &run.tiles.len().to_string()))
            (fact("Seed", &started.seed.to_string()))
            (fact("Machine", &started.host))
            (fact("Tool", &format!("dfota-hil {}", started.tool)))
            (fact("Run folder", &started.out))
        }
    }
}

fn numbers(counts: LiveCounts) -> Markup {
    let numbers = [
        ("pass", "passed", counts.pass),
        ("fail", "failed", counts.fail),
        ("brick", "bricks", counts.bricks),
        ("error", "errors", counts.error),
        ("inconclusive", "inconclusive", counts.inconclusive),
        ("skip", "skipped", counts.skip),
    ];
    html! {
        ul.counts aria-label="Cases by verdict" {
            @for (class, word, count) in numbers {
                li.(class).none[count == 0] { span.number { (count) } (word) }
            }
        }
    }
}
