//! What did not pass, before anything that did.

use super::book::{Book, Entry};
use super::excerpt;
use super::look::{badge, count, try_badge};
use crate::report::transcript;
use dfota_core::verdict::Verdict;
use maud::{Markup, html};

/// How many are shown with their last lines; the rest is in the list of cases.
const MOST: usize = 100;
/// Lines before the end that are quoted.
const LINES: usize = 12;

/// The section; nothing where everything passed.
pub fn write(book: &Book<'_, '_>) -> Markup {
    let entries = book.not_passed();
    let failed = book.run.count(|verdict| matches!(verdict, Verdict::Fail(_)));
    html! {
        section #failures aria-labelledby="failures-head" {
            h2 #failures-head { "What did not pass" }
            @if entries.is_empty() { p { "Nothing: every case that was run passed." } } @else {
                p.quiet {
                    @match (failed, entries.len() - failed) {
                        (failed, 0) => { (count(failed, "failure")) " of the module." }
                        (0, ours) => { (count(ours, "case")) " not as planned; nothing here is a failure of the module." }
                        (failed, ours) => { (count(failed, "failure")) " of the module, then " (count(ours, "case")) " not as planned." }
                    }
                    @if entries.len() > MOST {
                        " The first " (MOST) " are shown here, the others in the " a href="#cases" { "list of cases" } "."
                    }
                }
            }
            @for entry in entries.iter().take(MOST) { (failure(book, entry)) }
        }
    }
}

fn failure(book: &Book<'_, '_>, entry: &Entry<'_, '_>) -> Markup {
    let case = entry.case;
    let Some(finding) = case.verdict.finding() else {
        return html! {};
    };
    let lines = transcript::last_lines(case, LINES);
    html! {
        article.failure.(crate::report::word(&case.verdict)) id=(format!("failure-{}", entry.number)) {
            h3 { (badge(case)) " " span.id { (case.case.id) } }
            p.sentence { (finding.sentence) }
            dl.facts {
                dt { "Rule" } dd { code { (finding.rule) } ": " (finding.rule.meaning()) }
                dt { "Class" } dd { (finding.rule.class()) }
                @if let Some(outcome) = case.outcome { dt { "The module" } dd { (outcome.words()) } }
                @if let Some((by, version)) = case.restored { dt { "Afterwards" } dd { "restored by " (by) " to " (version) } }
                @if !entry.cuts.is_empty() {
                    dt { "Cuts" }
                    dd { @for (n, cut) in entry.cuts.iter().enumerate() { @if n > 0 { ", " } code { (cut.cut) } } }
                }
                @if !case.rerun.is_empty() { dt { "Again" } dd { code.command { (case.rerun) } } }
                dt { "Case" } dd { code { (case.case.place) } }
                @if !case.evidence.is_empty() { dt { "Rests on" } dd { (excerpt::evidence(book, case)) } }
            }
            @for tried in &case.earlier {
                p.quiet { "Try " (tried.number) ": " (try_badge(&tried.verdict)) " "
                    @if let Some(finding) = tried.verdict.finding() { (finding.sentence) "; " } (tried.again) }
            }
            @if !lines.is_empty() {
                details { summary { "The last lines" } pre tabindex="0" { (lines.join("\n")) } }
            }
            p.links {
                @if entry.excerpt.is_some() { a href=(format!("#{}", entry.detail())) { "Timeline and transcript" } }
                @else if !case.records.is_empty() {
                    a href=(format!("{}/{}", crate::report::TRANSCRIPTS, transcript::name(case.case))) { "Transcript" }
                }
            }
        }
    }
}
