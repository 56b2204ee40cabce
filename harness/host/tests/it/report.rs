//! The reports as their readers meet them: the example in `reports/example`, the page parsed as a browser parses it.

pub(crate) mod browser;
mod clicks;
mod example;
mod failures;
mod hostile;
mod long_run;
mod mask;
mod page;
mod trend;

use dfota_core::event::{Event, Record};
use dfota_record::report::{Run, html};
use scraper::{ElementRef, Html, Selector};
use std::path::{Path, PathBuf};

/// The example's folder.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/example")
}

/// The example's journal.
fn records() -> Vec<Record> {
    dfota_record::journal::read(&folder(), false).expect("the journal of reports/example")
}

/// The page of a journal, parsed; what the parser had to guess at is a failure.
#[track_caller]
fn page(records: &[Record]) -> Html {
    let text = html::write(&Run::new(records).expect("a run"));
    let page = Html::parse_document(&text);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    page
}

/// Every element that a CSS selector names.
fn all<'p>(page: &'p Html, selector: &str) -> Vec<ElementRef<'p>> {
    page.select(&Selector::parse(selector).expect("a selector"))
        .collect()
}

/// The text of the only element that a selector names.
#[track_caller]
fn only(page: &Html, selector: &str) -> String {
    let found = all(page, selector);
    assert_eq!(found.len(), 1, "`{selector}`");
    text(found[0])
}

/// Text, with one space between its words and its pieces.
fn text(element: ElementRef<'_>) -> String {
    let text: Vec<&str> = element.text().flat_map(str::split_whitespace).collect();
    text.join(" ")
}

/// The last case of the example, so many times, each under a name of its own.
fn many(number: usize) -> Vec<Record> {
    let records = records();
    let named = |record: &Record| matches!(&record.event, Event::CasePlanned { case, .. } if case.id == "forced-resume");
    let begun =
        |record: &Record| matches!(&record.event, Event::CaseStarted { id, .. } if id == "forced-resume");
    let ended = |record: &Record| matches!(&record.event, Event::CaseEnded(end) if end.id == "forced-resume");
    let planned = records
        .iter()
        .find(|record| named(record))
        .expect("it is planned");
    let from = records.iter().position(begun).expect("it begins");
    let to = records.iter().position(ended).expect("it ends");
    let name = |record: &Record, n: usize| {
        let mut record = record.clone();
        match &mut record.event {
            Event::CasePlanned { case, .. } => case.id = format!("again[{n}]"),
            Event::CaseStarted { id, .. } => *id = format!("again[{n}]"),
            Event::CaseEnded(end) => end.id = format!("again[{n}]"),
            _ => {}
        }
        record
    };
    let mut all = vec![records[0].clone()];
    all.extend((0..number).map(|n| name(planned, n)));
    for n in 0..number {
        all.extend(records[from..=to].iter().map(|record| name(record, n)));
    }
    all.push(records[records.len() - 1].clone());
    for (seq, record) in all.iter_mut().enumerate() {
        record.seq = seq as u64;
    }
    all
}
