//! The reports as their readers meet them: the example in `reports/example`, the page parsed as a browser parses it.

#[path = "report/browser.rs"]
mod browser;
#[path = "report/clicks.rs"]
mod clicks;
#[path = "report/example.rs"]
mod example;
#[path = "report/hostile.rs"]
mod hostile;
#[path = "report/mask.rs"]
mod mask;
#[path = "report/page.rs"]
mod page;

use dfota_core::event::Record;
use dfota_hil::report::{Run, html};
use scraper::{ElementRef, Html, Selector};
use std::path::{Path, PathBuf};

/// The example's folder.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/example")
}

/// The example's journal.
fn records() -> Vec<Record> {
    dfota_hil::journal::read(&folder()).expect("the journal of reports/example")
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
