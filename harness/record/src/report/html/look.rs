//! How verdicts look: a word, a sign and a colour, never the colour alone.

use crate::report::CaseRun;
use dfota_core::verdict::Verdict;
use maud::{Markup, html};

/// A sign for a verdict.
pub fn sign(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Fail(_) => "✗",
        Verdict::Error(_) => "!",
        Verdict::Inconclusive(_) => "?",
        Verdict::Skip { .. } | Verdict::NotReached => "–",
    }
}

/// Sign and word of a verdict.
pub fn badge(case: &CaseRun<'_>) -> Markup {
    let word = case.verdict.name();
    let flaky = case.is_flaky();
    html! {
        span.badge.(word) { (sign(&case.verdict)) " " (word.replace('-', " ")) @if flaky { ", flaky" } }
    }
}

/// The same for one of the tries before the last.
pub fn try_badge(verdict: &Verdict) -> Markup {
    let word = verdict.name();
    html! { span.badge.(word) { (sign(verdict)) " " (word) } }
}

/// Real time, for reading.
pub fn seconds(ns: u64) -> String {
    match ns {
        0..10_000_000_000 => format!("{:.2} s", ns as f64 / 1e9),
        10_000_000_000..600_000_000_000 => format!("{:.1} s", ns as f64 / 1e9),
        _ => format!("{} min", ns / 60_000_000_000),
    }
}
