//! The part of a transcript that the page quotes: the moments, not every percentage.

use super::Book;
use crate::journal::places;
use crate::report::{CaseRun, transcript};
use dfota_core::event::{Event, Record};
use dfota_core::urc::{Fota, Urc};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Most lines of a case that are quoted.
const MOST: usize = 160;

/// Lines of a case's transcript, with their places in the journal.
#[derive(Debug)]
pub struct Excerpt<'a> {
    lines: Vec<(&'a Record, String)>,
    /// How many lines the transcript has.
    all: usize,
    seqs: BTreeSet<u64>,
}

impl<'a> Excerpt<'a> {
    /// Of a case: its last lines, without percentages between the first and the last of a stretch. What the verdict rests on
    /// is always in it.
    pub fn new(case: &CaseRun<'a>) -> Self {
        let shown: Vec<(&Record, String)> = case
            .records
            .iter()
            .filter_map(|record| Some((record, transcript::shown(record)?)))
            .collect();
        let all = shown.len();
        let percent: Vec<bool> = shown.iter().map(|(record, _)| is_percent(record)).collect();
        let inner = |n: usize| n > 0 && percent[n - 1] && percent[n] && percent.get(n + 1) == Some(&true);
        let evidence = |record: &Record| case.evidence.contains(&record.seq);
        let mut lines: Vec<(&Record, String)> = shown
            .into_iter()
            .enumerate()
            .filter(|(n, (record, _))| !inner(*n) || evidence(record))
            .map(|(_, line)| line)
            .collect();
        let from = lines.len().saturating_sub(MOST);
        let mut n = 0;
        lines.retain(|(record, _)| {
            n += 1;
            n > from || evidence(record) || matters(record)
        });
        let seqs = lines.iter().map(|(record, _)| record.seq).collect();
        Self { lines, all, seqs }
    }

    /// Whether this record is quoted.
    pub fn has(&self, seq: u64) -> bool {
        self.seqs.contains(&seq)
    }

    /// Numbers of the records that are quoted.
    pub fn seqs(&self) -> impl Iterator<Item = u64> {
        self.seqs.iter().copied()
    }

    /// The lines, each with an anchor.
    pub fn write(&self, case: &CaseRun<'_>) -> Markup {
        let file = format!(
            "{}/{}",
            crate::run_folder::TRANSCRIPTS,
            transcript::name(case.case)
        );
        let left_out = self.all - self.lines.len();
        html! {
            p.quiet {
                "Journal line, seconds since the run began, and what happened: " code { "<" } " from the module, "
                code { ">" } " to it, " code { "!" } " lines of the rig, " code { "@" } " servers, " code { "#" }
                " the harness. "
                @if left_out > 0 { (left_out) " of " (self.all) " lines are left out here. " }
                "All of it: " a href=(file) { (file) } "."
            }
            div.transcript tabindex="0" role="region" aria-label=(format!("Transcript of {}", case.case.id)) {
                ol {
                    @for (record, text) in &self.lines {
                        li id=(format!("e{}", record.seq)) class=[class(case, record)] {
                            span.at { (record.seq + 1) } " "
                            span.time { (format!("{:.6}", record.mono_ns as f64 / 1e9)) } " "
                            (text)
                        }
                    }
                }
            }
        }
    }
}

/// Evidence and cuts stand out.
fn class(case: &CaseRun<'_>, record: &Record) -> Option<&'static str> {
    match record.event {
        Event::CutMade(_) | Event::CutMissed { .. } => Some("cut"),
        _ if case.evidence.contains(&record.seq) => Some("evidence"),
        _ => None,
    }
}

/// The lines of the journal that the verdict on a case rests on, with links to those that are quoted.
pub fn evidence<'a>(book: &Book<'_, 'a>, case: &CaseRun<'a>) -> Markup {
    let said = |seq: &u64| transcript::shown(book.record(case, *seq)?);
    html! {
        ul.evidence {
            @for seq in case.evidence {
                li {
                    @let place = places(&[*seq]);
                    @if book.quotes(*seq) { a href=(format!("#e{seq}")) { (place) } } @else { (place) }
                    @if let Some(said) = said(seq) { " " code { (said) } }
                }
            }
        }
    }
}

fn is_percent(record: &Record) -> bool {
    let Event::Rx { text, .. } = &record.event else {
        return false;
    };
    matches!(
        Urc::parse(text.as_bytes()),
        Some(Urc::Fota(Fota::Downloading(_) | Fota::Updating { .. }))
    )
}

/// What the timeline leads to is quoted however long ago it was.
fn matters(record: &Record) -> bool {
    match &record.event {
        Event::CutMade(_) | Event::CutMissed { .. } | Event::Line { .. } | Event::TryEnded(_) => true,
        Event::Rx { text, .. } => text.contains("START\"") || text.contains("\"END\""),
        _ => false,
    }
}
