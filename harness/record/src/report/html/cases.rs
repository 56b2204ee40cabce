//! Every case: those that are shown in full, and a list of all, grouped by where their cuts landed.

use super::book::excerpt::{self, Excerpt};
use super::book::{Book, CaseEntry};
use super::drawing;
use super::look::{badge, seconds, try_badge};
use super::place::MapCell;
use super::plot;
use super::timeline::CaseTimeline;
use crate::count::count_of;
use crate::report::transcript;
use crate::run_folder::TRANSCRIPTS;
use dfota_core::verdict::Verdict;
use maud::{Markup, html};
use std::collections::HashMap;

/// Groups are open from the beginning where the run has no more cases than this.
const FEW: usize = 60;

/// Timelines, and the moments in the transcript.
pub fn details(book: &Book<'_, '_>) -> Markup {
    let shown = book.detailed().len();
    let begun = book.begun();
    html! {
        section #timelines aria-labelledby="timelines-head" {
            h2 #timelines-head { "Timelines" }
            p.quiet {
                @if shown == begun { "Every case that was begun. " } @else {
                    (shown) " of " (begun) " cases that were begun: the first that did not pass, one of each cell of the map, and others. "
                    "The rest has transcripts. "
                }
                "Seconds are the module's time since the case began."
            }
            @for (entry, excerpt) in book.detailed() { (detail(book, entry, excerpt)) }
        }
    }
}

fn detail(book: &Book<'_, '_>, entry: &CaseEntry<'_, '_>, excerpt: &Excerpt<'_>) -> Markup {
    let case = entry.case;
    let timeline = CaseTimeline::new(case);
    html! {
        article.case id=(entry.detail()) {
            h3 { (badge(case)) " " span.id { (case.case.id) } }
            @if let Some(finding) = case.verdict.finding() { p.sentence { (finding.sentence) } }
            @if !case.summary.is_empty() { p { (case.summary) } }
            (drawing::draw(&timeline, &case.case.id, |seq| excerpt.has(seq)))
            details.moments {
                summary { "Moments as a list" }
                ol {
                    @for mark in timeline.moments() {
                        li { (plot::number(mark.at.seconds)) " s: "
                            @if excerpt.has(mark.at.seq) { a href=(format!("#e{}", mark.at.seq)) { (mark.text) } } @else { (mark.text) }
                        }
                    }
                }
            }
            details.lines { summary { "Transcript" } (excerpt.write(case)) }
            details.facts { summary { "Facts" } (facts(book, entry)) }
        }
    }
}

fn facts(book: &Book<'_, '_>, entry: &CaseEntry<'_, '_>) -> Markup {
    let case = entry.case;
    let package = &case.case.package;
    html! {
        dl.facts {
            @if let Some(rig) = case.rig { dt { "Rig" } dd { (rig) } }
            @for lost in &case.lost { dt { "Lost" } dd { (lost.sentence()) } }
            dt { "Suite" } dd { (case.case.suite) ", " code { (case.case.place) } }
            dt { "Update" } dd { (package.name) " over " (case.case.via) ", " (package.from) " → " (package.to) }
            @if let Some(outcome) = case.outcome { dt { "The module" } dd { (outcome.words()) } }
            @if let Some(restored) = case.restored { dt { "Afterwards" } dd { "restored by " (restored.by) " to " (restored.version) } }
            @for cut in &entry.cuts {
                dt { "Cut" }
                dd { code { (cut.cut) } ", " (cut.cell.column.words())
                    @if let Some((commanded, done)) = cut.late_ns {
                        "; commanded " (micro(commanded)) " after it was due, done after " (micro(done))
                    }
                }
            }
            @for tried in &case.earlier {
                dt { "Try " (tried.number) }
                dd { (try_badge(&tried.verdict)) " " @if let Some(finding) = tried.verdict.finding() { (finding.sentence) "; " } (tried.again) }
            }
            @for (_, taken) in case.measured() { dt { (taken.name) } dd { (plot::number(taken.value)) " " (taken.unit) } }
            @if !case.evidence.is_empty() { dt { "Rests on" } dd { (excerpt::evidence(book, case)) } }
            @if !case.case.requirements.is_empty() { dt { "Requirements" } dd { (case.case.requirements.join(", ")) } }
            @if !case.rerun.is_empty() { dt { "Again" } dd { code.command { (case.rerun) } } }
        }
    }
}

fn micro(ns: u64) -> String {
    format!("{:.1} µs", ns as f64 / 1e3)
}

/// A group of the list.
struct CaseGroup<'b, 'r, 'a> {
    anchor: String,
    title: String,
    cases: Vec<&'b CaseEntry<'r, 'a>>,
}

/// Every case, in groups.
pub fn list(book: &Book<'_, '_>) -> Markup {
    let groups = groups(book);
    let open = book.entries.len() <= FEW;
    let mut named = vec![false; book.entries.len() + 1];
    let rigs = &book.run.fleet.rigs;
    html! {
        section #cases aria-labelledby="cases-head" {
            h2 #cases-head { "All cases" }
            p.quiet { (count_of(book.entries.len(), "case")) ", by where the cuts landed. A case with several cuts stands in each of their groups." }
            form.filter hidden {
                label for="filter" { "Show only " }
                input #filter type="search" placeholder="id, verdict, rule, …" autocomplete="off";
                @if !rigs.is_empty() {
                    label for="filter-rig" { " on " }
                    select #filter-rig {
                        option value="" { "every rig" }
                        @for rig in rigs { option { (rig.name()) } }
                    }
                }
                span #filtered role="status" {}
            }
            @for CaseGroup { anchor, title, cases } in &groups {
                details.group open[open] {
                    summary { h3 { (title) } " " (tally(cases)) }
                    div.scroll tabindex="0" role="region" aria-label=(title) {
                    table.cases id=(anchor) {
                        thead { tr { th scope="col" { "Verdict" } th scope="col" { "Case" } th scope="col" { "What happened" }
                            @if !rigs.is_empty() { th scope="col" { "Rig" } }
                            th scope="col" { "Time" } } }
                        tbody { @for entry in cases { (row(entry, !rigs.is_empty(), &mut named)) } }
                    }
                    }
                }
            }
        }
    }
}

fn row(entry: &CaseEntry<'_, '_>, has_rigs: bool, named: &mut [bool]) -> Markup {
    let case = entry.case;
    // The row of a case that stands in several groups is reached in the first.
    let first = !std::mem::replace(&mut named[entry.number], true);
    let what: &str = match &case.verdict {
        Verdict::Skip { reason } => reason,
        verdict => verdict
            .finding()
            .map_or(case.summary, |finding| &finding.sentence),
    };
    html! {
        tr id=[first.then(|| entry.row())] data-rig=[case.rig] {
            td { (badge(case)) }
            th scope="row" {
                @if entry.excerpt.is_some() { a href=(format!("#{}", entry.detail())) { (case.case.id) } }
                @else if case.records.is_empty() { (case.case.id) }
                @else { a href=(format!("{TRANSCRIPTS}/{}", transcript::name(case.case))) { (case.case.id) } }
            }
            td { @if let Some(finding) = case.verdict.finding() { code { (finding.rule) } ": " } (what) }
            @if has_rigs { td { (case.rig.unwrap_or_default()) } }
            td.number { @if case.took_ns > 0 { (seconds(case.took_ns)) } }
        }
    }
}

fn tally(entries: &[&CaseEntry<'_, '_>]) -> Markup {
    let words = ["fail", "error", "inconclusive", "pass", "skip", "not-reached"];
    let of = |like: &str| {
        entries
            .iter()
            .filter(|entry| entry.case.verdict.name() == like)
            .count()
    };
    html! {
        @for name in words {
            @let number = of(name);
            @if number > 0 { span.badge.(name) { (number) " " (name.replace('-', " ")) } " " }
        }
    }
}

fn groups<'b, 'r, 'a>(book: &'b Book<'r, 'a>) -> Vec<CaseGroup<'b, 'r, 'a>> {
    let mut cut: HashMap<MapCell, Vec<&CaseEntry<'_, '_>>> = HashMap::new();
    let (mut uncut, mut unrun) = (Vec::new(), Vec::new());
    for entry in &book.entries {
        match &entry.cuts[..] {
            [] if entry.case.records.is_empty() && entry.case.verdict.finding().is_none() => {
                unrun.push(entry)
            }
            [] => uncut.push(entry),
            cuts => {
                for landed in cuts {
                    let group = cut.entry(landed.cell).or_default();
                    // Twice in the same cell is one row.
                    if group.last().is_none_or(|last| last.number != entry.number) {
                        group.push(entry);
                    }
                }
            }
        }
    }
    let mut cut: Vec<(MapCell, Vec<&CaseEntry<'_, '_>>)> = cut.into_iter().collect();
    cut.sort_by_key(|(cell, _)| (cell.via.name(), cell.kind.name(), cell.column));
    let group = |anchor: String, title: String, cases| CaseGroup { anchor, title, cases };
    let cut = cut
        .into_iter()
        .map(|(cell, cases)| group(cell.anchor(), cell.words(), cases));
    let others = [
        group("uncut".into(), "no cut".into(), uncut),
        group("unrun".into(), "not run".into(), unrun),
    ];
    let others = others.into_iter().filter(|group| !group.cases.is_empty());
    cut.chain(others).collect()
}
