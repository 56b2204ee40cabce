//! The distribution of each measurement, with its limits.

use super::book::{Book, CaseEntry};
use super::histogram::{Histogram, Limit};
use super::plot::number;
use super::trend;
use dfota_core::measure::Measure;
use maud::{Markup, html};

/// The measurements in the order of the page, with their names for people.
const SHOWN: [(Measure, &str); 8] = [
    (Measure::TimeToResume, "Time to resume"),
    (Measure::UpdateTime, "Update time"),
    (Measure::CutLatency, "Cut latency"),
    (Measure::FirstUrc, "Time to the first URC"),
    (Measure::ResumedAt, "Percent resumed at"),
    (Measure::AttachTime, "Attach time"),
    (Measure::BytesAgain, "Bytes sent again"),
    (Measure::UnexplainedResets, "Unexplained resets"),
];
/// How many of them have a picture; the others are in the table.
const PICTURED: usize = 3;

pub fn write(book: &Book<'_, '_>) -> Markup {
    let histograms: Vec<(&str, Histogram)> = SHOWN
        .into_iter()
        .filter_map(|(measure, name)| Some((name, histogram(book, measure)?)))
        .collect();
    html! {
        section #measurements aria-labelledby="measurements-head" {
            h2 #measurements-head { "Measurements" }
            @if histograms.is_empty() { p { "Nothing was measured." } } @else {
                p.quiet {
                    "Times are the module's, but for the cut latency, which is the rig's in real time: from the moment at which a cut was due until its line had been moved. "
                    "Cases that ended as an error count as well."
                }
                div.histograms {
                    @for (name, histogram) in histograms.iter().filter(|(name, _)| pictured(name)) {
                        figure { figcaption { (name) } (histogram.draw(name)) }
                    }
                }
                (table(&histograms))
            }
            (trend::write(book, &SHOWN))
        }
    }
}

fn pictured(name: &str) -> bool {
    SHOWN[..PICTURED].iter().any(|(_, pictured)| *pictured == name)
}

fn table(histograms: &[(&str, Histogram)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Measurements in figures" {
            table {
                thead { tr {
                    th scope="col" { "Measurement" }
                    @for head in ["taken", "least", "median", "95 %", "99 %", "most", "out of limits"] { th.number scope="col" { (head) } }
                } }
                tbody {
                    @for (name, histogram) in histograms {
                        tr {
                            th scope="row" { (name) ", " (histogram.unit()) }
                            td.number { (histogram.count()) }
                            @for percent in [0, 50, 95, 99, 100] { td.number { (number(histogram.percentile(percent))) } }
                            td.number { (histogram.beyond()) }
                        }
                    }
                }
            }
        }
    }
}

/// The values of a measurement, with every limit that a case had for it.
fn histogram(book: &Book<'_, '_>, measure: Measure) -> Option<Histogram> {
    let (mut values, mut limits, mut beyond) = (Vec::new(), Vec::<Limit>::new(), 0);
    for entry in &book.entries {
        let resume = resume_limit(entry).filter(|_| measure == Measure::TimeToResume);
        for limit in resume.into_iter().chain(declared(entry, measure)) {
            if !limits.contains(&limit) {
                limits.push(limit);
            }
        }
        for taken in entry.case.values(measure) {
            values.push(taken.value);
            let mut own = of_shown(taken.min, taken.limit).chain(resume);
            beyond += usize::from(own.any(|limit| limit.excludes(taken.value)));
        }
    }
    Histogram::new(values, measure.unit().name(), limits, beyond)
}

fn of_shown(least: Option<f64>, most: Option<f64>) -> impl Iterator<Item = Limit> {
    let limit = |at: Option<f64>, least| at.map(|at| Limit { at, least });
    [limit(least, true), limit(most, false)].into_iter().flatten()
}

/// What a case declares, also one in which nothing was measured.
fn declared(entry: &CaseEntry<'_, '_>, measure: Measure) -> impl Iterator<Item = Limit> {
    let declared = entry.case.declared(measure);
    let shown = |limit: Option<u64>| limit.map(|limit| measure.unit().shown(limit));
    of_shown(
        shown(declared.and_then(|declared| declared.min)),
        shown(declared.and_then(|declared| declared.max)),
    )
}

/// A resume has a limit in every case with a cut, also where the suite declares no measurement.
fn resume_limit(entry: &CaseEntry<'_, '_>) -> Option<Limit> {
    let at = entry.case.case.limits.resume.as_secs_f64() * 1e3;
    let cut = entry.case.was_begun() && !entry.cuts.is_empty();
    cut.then_some(Limit { at, least: false })
}
