//! The page looks back where the journal knows of earlier runs.

use super::browser::Browser;
use super::{all, only, page, records, text};
use dfota_core::event::trend::{PastMeasure, PastRun, Trend};
use dfota_core::event::{Event, Record};
use dfota_core::percentiles::Percentiles;
use dfota_record::report::{Run, html};
use serde_json::json;

/// The measurements of the earlier runs, in the order of the page.
const MEASURES: [&str; 5] = [
    "time-to-resume",
    "update-time",
    "cut-latency",
    "first-urc",
    "attach-time",
];

/// The example, with so many earlier runs in its journal.
pub(crate) fn with_trend(runs: u32) -> Vec<Record> {
    let mut records = records();
    let mut record = records[0].clone();
    let runs = (0..runs).map(|n| PastRun {
        run: format!("night-{n}"),
        utc: format!("2026-10-{:02}T01:00:00Z", n + 1),
        passed: 40 + n,
        flaky: 1,
        failed: n % 3,
        other: 0,
        not_run: 2,
        measures: MEASURES.map(|name| past(name, n)).into(),
    });
    record.event = Event::Trend(Trend {
        runs: runs.collect(),
        cases: Vec::new(),
    });
    records.insert(1, record);
    for (seq, record) in records.iter_mut().enumerate() {
        record.seq = seq as u64;
    }
    records
}

fn past(name: &str, n: u32) -> PastMeasure {
    let p50 = if name == "cut-latency" { 0.2 } else { 20_000.0 } * (1.0 + f64::from(n * 7 % 5) / 10.0);
    let (p90, p99, max) = (p50 * 1.2, p50 * 1.6, p50 * 2.0);
    let spread = Percentiles {
        count: 40,
        p50,
        p90,
        p99,
        max,
    };
    PastMeasure {
        name: name.into(),
        unit: "ms".into(),
        spread,
    }
}

#[test]
fn a_first_run_looks_back_on_nothing() {
    let page = page(&records());
    assert!(all(&page, "#trend, .trends").is_empty());
}

#[test]
fn each_measurement_that_earlier_runs_took_has_a_picture() {
    let page = page(&with_trend(20));
    assert_eq!(only(&page, "#trend"), "Over the last runs");
    let captions: Vec<String> = all(&page, ".trends figcaption").into_iter().map(text).collect();
    let names = [
        "Time to resume, s",
        "Update time, ms",
        "Cut latency, µs",
        "Time to the first URC, ms",
        "Attach time, ms",
    ];
    assert_eq!(captions, names);
    for picture in all(&page, ".trends svg") {
        let label = picture.attr("aria-label").unwrap_or_default();
        assert!(
            label.starts_with("Trend of ") && label.contains("in 20 earlier runs the median was "),
            "{label}"
        );
        // The example's run did not resume.
        let taken = usize::from(!label.contains("in this run not taken"));
        assert_eq!(
            taken == 0,
            label.starts_with("Trend of Time to resume"),
            "{label}"
        );
        let circles = picture.html().matches("<circle").count();
        assert_eq!(
            circles,
            2 * (20 + taken),
            "a point for each run and line: {label}"
        );
    }
    let rows = all(&page, "#measurements details tbody tr");
    assert_eq!(rows.len(), 21);
    assert!(
        text(rows[0]).starts_with("night-0 2026-10-01 40 1 0 0 2 "),
        "{}",
        text(rows[0])
    );
    assert!(text(rows[20]).starts_with("this run "));
}

#[test]
fn a_trend_without_runs_breaks_nothing() {
    assert!(all(&page(&with_trend(0)), ".trends figure").is_empty());
}

/// Nothing is cut off: on a phone, and on an A4 sheet between its margins.
#[test]
fn the_pictures_fit_a_phone_and_a_sheet() {
    let file = tempfile::Builder::new()
        .suffix(".html")
        .tempfile()
        .expect("a file");
    let records = with_trend(20);
    let page = html::write(&Run::new(&records).expect("a run"));
    std::fs::write(file.path(), page).expect("a page");
    let widest = |what: &str| {
        format!(
            "Math.max(...[...document.querySelectorAll({what:?})].map((e) => e.getBoundingClientRect().right)) <= innerWidth"
        )
    };
    for (size, printed) in [((390, 844), false), ((688, 960), true)] {
        let Some(mut browser) = Browser::open(file.path(), size, true) else {
            return;
        };
        if printed {
            browser.print();
            assert_eq!(browser.value(&widest("#measurements td")), json!(true));
        }
        let pictures = browser.value("document.querySelectorAll('.trends svg').length");
        assert_eq!(pictures, json!(5));
        assert_eq!(
            browser.value(&widest(".trends svg, .trends svg text")),
            json!(true),
            "{size:?}"
        );
    }
}
