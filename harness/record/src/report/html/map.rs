//! The coverage map: where cuts landed, how the cases ended, and where nothing was tried.

use super::book::{Book, rank};
use super::look::sign;
use super::place::{Column, MapCell};
use crate::count::count_of;
use dfota_core::cut::CutKind;
use dfota_core::transport::Via;
use dfota_core::verdict::Verdict;
use maud::{Markup, html};
use std::collections::HashMap;

/// What a cell says.
#[derive(Debug, Default, Clone, Copy)]
struct Cell<'a> {
    cuts: usize,
    /// Those whose case ended as badly as the worst.
    worst: usize,
    verdict: Option<&'a Verdict>,
}

impl<'a> Cell<'a> {
    fn add(&mut self, verdict: &'a Verdict) {
        self.cuts += 1;
        let worse = self.verdict.is_none_or(|worst| rank(verdict) < rank(worst));
        if worse {
            (self.verdict, self.worst) = (Some(verdict), 1);
        } else if self.verdict.is_some_and(|worst| rank(verdict) == rank(worst)) {
            self.worst += 1;
        }
    }
}

pub fn write(book: &Book<'_, '_>) -> Markup {
    let (cells, planned) = cells(book);
    let tried = cells
        .keys()
        .filter(|place| place.column != Column::NotMet)
        .count();
    let possible = Via::ALL.len() * CutKind::ALL.len() * (Column::ALL.len() - 1);
    html! {
        section #map aria-labelledby="map-head" {
            h2 #map-head { "Where the cuts landed" }
            p.quiet {
                "Columns are the progress of the update, rows the transport and the kind of cut. A cell counts the cuts that landed there; its sign is that of the worst case: ✗ failed, ! error, ? inconclusive, ✓ passed. "
                "Striped cells are holes: no cut landed there. " (tried) " of " (possible) " cells were met. "
                "A cell leads to its cases."
                span.narrow { " The map goes on to the right." }
            }
            div.scroll tabindex="0" role="region" aria-labelledby="map-head" {
                table.map {
                    thead {
                        tr {
                            th scope="col" rowspan="2" { "via" }
                            th scope="col" rowspan="2" { "cut" }
                            @for (group, span) in groups() { th scope="colgroup" colspan=(span) { (group) } }
                        }
                        tr { @for column in Column::ALL { th scope="col" { (column.head()) } } }
                    }
                    @for via in Via::ALL {
                        tbody {
                            @for (n, kind) in CutKind::ALL.into_iter().enumerate() {
                                tr {
                                    @if n == 0 { th scope="rowgroup" rowspan=(CutKind::ALL.len()) { (via.name()) } }
                                    th scope="row" { (kind.name()) }
                                    @for column in Column::ALL {
                                        @let place = MapCell { via, kind, column };
                                        (cell(place, cells.get(&place), planned.get(&place)))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

type Cells<'a> = HashMap<MapCell, Cell<'a>>;

/// Cuts by cell, and cases that were planned there and not run.
fn cells<'b>(book: &'b Book<'_, '_>) -> (Cells<'b>, HashMap<MapCell, usize>) {
    let mut cells = Cells::new();
    let mut planned = HashMap::new();
    for entry in &book.entries {
        for cut in &entry.cuts {
            cells.entry(cut.cell).or_default().add(&entry.case.verdict);
        }
        let unrun = rank(&entry.case.verdict) == 4;
        if let Some(cut) = entry.case.case.cut.as_ref().filter(|_| unrun) {
            let (via, kind) = (entry.case.case.via, cut.kind);
            let column = Column::planned(entry.case.case, cut.at);
            *planned.entry(MapCell { via, kind, column }).or_default() += 1;
        }
    }
    (cells, planned)
}

fn cell(place: MapCell, cell: Option<&Cell<'_>>, planned: Option<&usize>) -> Markup {
    let unrun = planned.map_or(String::new(), |planned| {
        format!(", {} planned and not run", count_of(*planned, "case"))
    });
    let Some((cell, verdict)) = cell.and_then(|cell| Some((cell, cell.verdict?))) else {
        let words = format!("{}: no cut{unrun}", place.words());
        return html! {
            td.hole title=(words) {
                span.unseen { "no cut" (unrun) }
                @if let Some(planned) = planned { span aria-hidden="true" { "(" (planned) ")" } }
            }
        };
    };
    let word = verdict.name();
    // Large numbers stand below each other.
    let shown = html! { (cell.worst) @if cell.worst < cell.cuts { "/" wbr; (cell.cuts) } };
    let words = format!(
        "{}: {}, {} {word}{unrun}",
        place.words(),
        count_of(cell.cuts, "cut"),
        cell.worst
    );
    html! {
        td.(word) { a href=(format!("#{}", place.anchor())) title=(words) aria-label=(words) { (sign(verdict)) " " (shown) } }
    }
}

/// Groups of columns, and how many each has.
fn groups() -> Vec<(&'static str, usize)> {
    let mut groups: Vec<(&str, usize)> = Vec::new();
    for column in Column::ALL {
        match groups.last_mut() {
            Some((name, span)) if *name == column.group() => *span += 1,
            _ => groups.push((column.group(), 1)),
        }
    }
    groups
}
