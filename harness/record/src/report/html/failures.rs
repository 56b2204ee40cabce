//! What did not pass, grouped by rule and place: an example of each, and the rest folded.

use super::book::excerpt;
use super::book::groups::{FailureGroup, PlaceGroup};
use super::book::since;
use super::book::{Book, CaseEntry};
use super::look::{badge, try_badge};
use crate::count::count_of;
use crate::report::transcript;
use dfota_core::verdict::Verdict;
use maud::{Markup, html};

/// How many are told; the rest is in the list of cases. Examples always are.
const MOST: usize = 100;

pub fn write(book: &Book<'_, '_>) -> Markup {
    let all: usize = book.groups.iter().map(FailureGroup::count).sum();
    let failed = book.run.count(|verdict| matches!(verdict, Verdict::Fail(_)));
    let examples: usize = book.groups.iter().map(|group| group.places.len()).sum();
    let mut room = MOST.saturating_sub(examples);
    html! {
        section #failures aria-labelledby="failures-head" {
            h2 #failures-head { "What did not pass" }
            @if all == 0 { p { "Nothing: every case that was run passed." } } @else {
                p.quiet {
                    @match (failed, all - failed) {
                        (failed, 0) => { (count_of(failed, "failure")) " of the module." }
                        (0, ours) => { (count_of(ours, "case")) " not as planned; nothing here is a failure of the module." }
                        (failed, ours) => { (count_of(failed, "failure")) " of the module, then " (count_of(ours, "case")) " not as planned." }
                    }
                    " By rule and by where the cut was, in the order of the update: an example of each, the others folded."
                    @if all > MOST.max(examples) {
                        " " (MOST.max(examples)) " are shown here, the others in the " a href="#cases" { "list of cases" } "."
                    }
                }
            }
            @for (n, group) in book.groups.iter().enumerate() {
                @let begins = n == 0 || book.groups[n - 1].of_module;
                @if !group.of_module && begins && failed > 0 { p.ours { strong { "Not failures of the module" } } }
                (write_group(book, group, &mut room))
            }
        }
    }
}

fn write_group(book: &Book<'_, '_>, group: &FailureGroup, room: &mut usize) -> Markup {
    html! {
        h3 id=(group.anchor) { (head(group)) }
        @if let Some(since) = since::words(book, group.entries()) { p.quiet { "Not passed: " (since) "." } }
        @for place in &group.places { (write_place(book, place, room)) }
    }
}

/// How often, which rule, and where: `18 × unresponsive: UPDATING 20–22 % 9, UPDATING 97–100 % 9`.
pub fn head(group: &FailureGroup) -> Markup {
    html! {
        (group.count()) " × " code { (group.rule) }
        @if !group.of_module { " (" (group.rule.class()) ")" }
        ": "
        @for (n, place) in group.places.iter().enumerate() {
            @if n > 0 { ", " }
            (place.words) @if group.places.len() > 1 { " " strong { (place.entries.len()) } }
        }
    }
}

fn write_place(book: &Book<'_, '_>, place: &PlaceGroup, room: &mut usize) -> Markup {
    let Some((example, rest)) = place.entries.split_first() else {
        return html! {};
    };
    let shown = rest.len().min(*room);
    *room -= shown;
    html! {
        (failure(book, &book.entries[*example]))
        @if !rest.is_empty() {
            details.group {
                summary { (rest.len()) " more: " (place.words) }
                @for entry in &rest[..shown] { (failure(book, &book.entries[*entry])) }
                @if shown < rest.len() { p.quiet { (rest.len() - shown) " of them are in the " a href="#cases" { "list of cases" } "." } }
            }
        }
    }
}

fn failure(book: &Book<'_, '_>, entry: &CaseEntry<'_, '_>) -> Markup {
    let case = entry.case;
    let Some(finding) = case.verdict.finding() else {
        return html! {};
    };
    let lines = transcript::lines_about(case);
    html! {
        article.failure.(case.verdict.name()) id=(format!("failure-{}", entry.number)) {
            h4 { (badge(case)) " " span.id { (case.case.id) } }
            p.sentence { (finding.sentence) }
            dl.facts {
                dt { "Rule" } dd { code { (finding.rule) } ": " (finding.rule.meaning()) }
                dt { "Class" } dd { (finding.rule.class()) }
                @if let Some(rig) = case.rig { dt { "Rig" } dd { (rig) } }
                @if let Some(outcome) = case.outcome { dt { "The module" } dd { (outcome.words()) } }
                @if let Some(restored) = case.restored { dt { "Afterwards" } dd { "restored by " (restored.by) " to " (restored.version) } }
                @if !entry.cuts.is_empty() {
                    dt { "Cuts" }
                    dd { @for (n, cut) in entry.cuts.iter().enumerate() { @if n > 0 { ", " } code { (cut.cut) } } }
                }
                @if !case.rerun.is_empty() { dt { "Again" } dd { code.command { (case.rerun) } } }
                dt { "Case" } dd { code { (case.case.place) } }
            }
            @for lost in &case.lost { p.quiet { (lost.sentence()) } }
            @for tried in &case.earlier {
                p.quiet { "Try " (tried.number) ": " (try_badge(&tried.verdict)) " "
                    @if let Some(finding) = tried.verdict.finding() { (finding.sentence) "; " } (tried.again) }
            }
            @if !case.evidence.is_empty() { details { summary { "What the verdict rests on" } (excerpt::evidence(book, case)) } }
            @if !lines.is_empty() { details { summary { (transcript::ABOUT) } pre tabindex="0" { (lines.join("\n")) } } }
            p.links {
                @if entry.excerpt.is_some() { a href=(format!("#{}", entry.detail())) { "Timeline and transcript" } }
                @else if case.was_begun() {
                    a href=(format!("{}/{}", crate::run_folder::TRANSCRIPTS, transcript::name(case.case))) { "Transcript" }
                }
            }
        }
    }
}
