//! The page looks back where the journal knows of earlier runs.

use super::{all, only, page, records, text};
use dfota_core::event::trend::{PastMeasure, PastRun, Trend};
use dfota_core::event::{Event, Record};
use dfota_core::spread::Spread;

/// The example, with so many earlier runs in its journal.
pub fn with_trend(runs: u32) -> Vec<Record> {
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
        measures: ["update-time", "cut-latency"].map(|name| past(name, n)).into(),
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
    let spread = Spread {
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
    assert_eq!(captions.len(), 2, "{captions:?}");
    assert!(captions[0].starts_with("Update time, ") && captions[1].starts_with("Cut latency, "));
    for picture in all(&page, ".trends svg") {
        let label = picture.attr("aria-label").unwrap_or_default();
        assert!(
            label.starts_with("Trend of ") && label.contains("in 20 earlier runs the median was "),
            "{label}"
        );
        assert!(label.contains("in this run "), "{label}");
        let circles = picture.html().matches("<circle").count();
        assert_eq!(circles, 2 * 21, "a point for each run and line");
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

/// One earlier run, and none of its measurements in this one: gaps are no zeros.
#[test]
fn what_was_not_taken_is_no_point() {
    let mut records = with_trend(1);
    records.retain(|record| !matches!(&record.event, Event::Measured { name, .. } if name == "update-time"));
    let page = page(&records);
    let pictures = all(&page, ".trends svg");
    let label = pictures[0].attr("aria-label").unwrap_or_default();
    assert!(label.ends_with("in this run not taken"), "{label}");
    assert_eq!(pictures[0].html().matches("<circle").count(), 2);
}

#[test]
fn a_trend_without_runs_breaks_nothing() {
    assert!(all(&page(&with_trend(0)), ".trends figure").is_empty());
}
