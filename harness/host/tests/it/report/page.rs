//! What the page holds, and in which order.

use super::{all, many, only, page, records, text};
use dfota_core::event::{Event, Line, Record};
use dfota_core::measure::{Measure, MeasureLimits};
use dfota_record::report::Run;
use dfota_record::report::html::timeline::{CaseTimeline, UpdateStage};
use std::collections::BTreeSet;

#[test]
fn the_verdict_comes_first_and_simulated_cannot_be_missed() {
    let page = page(&records());
    assert_eq!(
        only(&page, "header .verdict"),
        "FAILED The module is at fault in 1 of 2 cases."
    );
    assert!(only(&page, "header .simulated").starts_with("SIMULATED The module was a program."));
    assert_eq!(only(&page, "nav .simulated"), "SIMULATED");
    let claim = only(&page, "dl.claim");
    assert!(
        claim.starts_with("Claim none") && claim.contains("Bound none: 1 cut"),
        "{claim}"
    );
    let heads: Vec<String> = all(&page, "h1, h2").into_iter().map(text).collect();
    let expected = [
        "example",
        "Where the cuts landed",
        "What did not pass",
        "Measurements",
        "Timelines",
        "All cases",
        "Checks of the rig",
        "What ran",
    ];
    assert_eq!(heads, expected);
}

#[test]
fn a_run_on_a_bench_is_not_called_simulated() {
    let mut records = records();
    if let Event::RunStarted(started) = &mut records[0].event {
        started.rig.simulated = false;
    }
    assert!(all(&page(&records), ".simulated").is_empty());
}

#[test]
fn a_failure_has_all_that_is_needed_to_act_on_it() {
    let page = page(&records());
    let failures = all(&page, "#failures article");
    assert_eq!(failures.len(), 1);
    let failure = text(failures[0]);
    let parts = [
        "✗ fail forced-resume",
        "came back without a single UPDATING",
        "Rule no-resume : Power was lost while UPDATING",
        "Class product",
        "The module old and intact",
        "--seed 7 --filter '=example::forced-resume'",
        "Cuts updating@50%+",
        "# cut made: updating@50%+",
        "The lines about it",
    ];
    for part in parts {
        assert!(failure.contains(part), "`{part}` is not in {failure}");
    }
    let evidence = all(&page, "#failures ul.evidence li");
    assert!(evidence.len() > 3);
    assert!(
        evidence
            .iter()
            .all(|line| text(*line).starts_with("events.jsonl:"))
    );
}

/// Where the other case of the example begins, and the first line from the module in it.
fn other_case(records: &[Record]) -> (usize, u64) {
    let other =
        |record: &Record| matches!(&record.event, Event::CaseStarted { id, .. } if id != "forced-resume");
    let said = |record: &Record| matches!(&record.event, Event::Rx { text, .. } if text == "RDY");
    let from = records.iter().position(other).expect("another case");
    let line = records[from..].iter().find(|record| said(record));
    (from, line.expect("a line").seq)
}

#[test]
fn a_line_of_another_case_that_a_verdict_rests_on_is_quoted() {
    let mut records = records();
    let (_, line) = other_case(&records);
    for record in &mut records {
        if let Event::CaseEnded(ended) = &mut record.event
            && ended.id == "forced-resume"
        {
            ended.evidence.push(line);
        }
    }
    let page = page(&records);
    let evidence = all(&page, "#failures ul.evidence li");
    let last = text(*evidence.last().expect("evidence"));
    assert_eq!(last, format!("events.jsonl:{} < RDY", line + 1));
}

#[test]
fn a_module_that_was_restored_after_a_case_is_told_with_it() {
    let mut records = records();
    let ends =
        |record: &Record| matches!(&record.event, Event::CaseEnded(ended) if ended.id == "forced-resume");
    let next = records.iter().position(ends).expect("its end") + 1;
    let restored = Event::Recovered {
        by: "reflash".into(),
        version: "BC66NBR01A01".parse().expect("a version"),
    };
    let record = records[next].clone();
    records.insert(
        next,
        Record {
            event: restored,
            ..record
        },
    );
    let failure = only(&page(&records), "#failures article");
    assert!(
        failure.contains("Afterwards restored by reflash to BC66NBR01A01"),
        "{failure}"
    );
}

/// Nothing was cut there: a line through the picture would say otherwise.
#[test]
fn a_cut_that_was_missed_has_words_and_no_line() {
    let mut records = records();
    let (from, _) = other_case(&records);
    let cut = records.iter().find_map(|record| match &record.event {
        Event::CutMade(made) => Some(made.cut.clone()),
        _ => None,
    });
    let missed = Event::CutMissed {
        cut: cut.expect("a cut"),
    };
    let record = records[from + 2].clone();
    records.insert(
        from + 2,
        Record {
            event: missed,
            ..record
        },
    );
    let page = page(&records);
    let pictures = all(&page, "#timelines svg");
    let picture = pictures[1].html();
    let label = pictures[1].value().attr("aria-label").unwrap_or_default();
    assert!(label.contains("never met its moment"), "{label}");
    assert!(text(pictures[1]).contains("never met its moment"), "{picture}");
    assert!(!picture.contains("stroke=\"#CF222E\""), "{picture}");
    assert!(pictures[0].html().contains("stroke=\"#CF222E\""));
}

/// A limit that no value was held against is the limit of the experiment all the same.
#[test]
fn limits_of_a_measurement_are_drawn_by_what_the_cases_declare() {
    let mut records = records();
    for record in &mut records {
        if let Event::CasePlanned { case, .. } = &mut record.event {
            case.measures
                .retain(|declared| declared.measure != Measure::CutLatency);
            case.measures.push(MeasureLimits {
                measure: Measure::CutLatency,
                min: None,
                max: Some(5_000_000),
            });
        }
    }
    let page = page(&records);
    let labels = all(&page, "#measurements svg");
    let latency = labels
        .iter()
        .filter_map(|svg| svg.value().attr("aria-label"))
        .find(|label| label.starts_with("Histogram of Cut latency"));
    let latency = latency.expect("a histogram");
    assert!(latency.contains("limit at most 5"), "{latency}");
}

#[test]
fn the_map_shows_cuts_and_holes_and_leads_to_the_cases() {
    let page = page(&records());
    let cells = all(&page, "table.map td");
    assert_eq!(cells.len(), 3 * 3 * 17);
    assert_eq!(all(&page, "table.map td.hole").len(), cells.len() - 1);
    let links = all(&page, "table.map td.fail a");
    assert_eq!(links.len(), 1);
    let link = links[0].value();
    assert_eq!(link.attr("href"), Some("#at-uart-power-u5"));
    assert_eq!(
        link.attr("aria-label"),
        Some("uart, power cut, UPDATING 50–59 %: 1 cut, 1 fail")
    );
    assert_eq!(text(links[0]), "✗ 1");
    let rows = all(&page, "table#at-uart-power-u5 tbody tr");
    assert_eq!(rows.len(), 1);
    assert!(text(rows[0]).contains("forced-resume no-resume : after power"));
}

#[test]
fn every_case_has_a_timeline_with_its_cut_and_its_moments() {
    let page = page(&records());
    let labels: Vec<&str> = all(&page, "#timelines svg")
        .iter()
        .filter_map(|svg| svg.value().attr("aria-label"))
        .collect();
    assert_eq!(labels.len(), 2);
    assert!(
        labels[1].starts_with("Timeline of wrong-base-version-is-refused") && labels[1].contains("no cut")
    );
    assert!(labels[0].contains("cut updating@50%+") && labels[0].contains("µs after it was due"));
    let moments = only(&page, "#timelines article:first-of-type details.moments");
    for moment in ["power on", "power off", "START", "RDY", "cut updating@50%+"] {
        assert!(moments.contains(moment), "{moments}");
    }
    let cut = only(&page, ".transcript li.cut");
    assert!(cut.contains("# cut made: updating@50%+"), "{cut}");
}

#[test]
fn links_lead_somewhere_and_names_are_unique() {
    let page = page(&records());
    let mut names = BTreeSet::new();
    for element in all(&page, "[id]") {
        let id = element.value().attr("id").expect("it has one");
        assert!(names.insert(id), "`{id}` twice");
    }
    let mut inside = 0;
    for link in all(&page, "a") {
        let to = link.value().attr("href").expect("a link leads somewhere");
        match to.strip_prefix('#') {
            Some(name) => {
                assert!(names.contains(name), "`{to}` leads nowhere");
                inside += 1;
            }
            None => assert!(super::folder().join(to).exists(), "`{to}` does not exist"),
        }
    }
    assert!(inside > 50, "only {inside} links were found");
}

#[test]
fn nothing_is_fetched() {
    let page = page(&records());
    assert!(all(&page, "[src], link, iframe, object, embed, form[action], [style]").is_empty());
    assert!(all(&page, "image, use, foreignObject").is_empty());
    let style = only(&page, "style");
    assert!(!style.contains("url(") && !style.contains("@import"));
    let policies = all(&page, "meta[http-equiv=Content-Security-Policy]");
    let policy = policies[0].value().attr("content").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn it_can_be_read_aloud_and_by_keyboard() {
    let page = page(&records());
    assert_eq!(all(&page, "html[lang=en]").len(), 1);
    assert_eq!(all(&page, "main").len(), 1);
    assert_eq!(all(&page, "nav[aria-label]").len(), 1);
    for svg in all(&page, "svg") {
        assert_eq!(svg.value().attr("role"), Some("img"));
        assert!(
            svg.value()
                .attr("aria-label")
                .is_some_and(|label| label.len() > 20)
        );
    }
    for table in all(&page, "table") {
        assert!(
            table.html().contains("<th scope=\"col\""),
            "a table without heads"
        );
    }
    for scrolls in all(&page, "div.scroll, div.picture, div.transcript") {
        assert_eq!(scrolls.value().attr("tabindex"), Some("0"));
    }
    // No level is left out.
    let mut level = 1;
    for head in all(&page, "h1, h2, h3, h4") {
        let next: u32 = head.value().name()[1..].parse().expect("a level");
        assert!(next <= level + 1, "h{next} after h{level}");
        level = next;
    }
}

#[test]
fn many_cases_are_all_listed_and_some_are_drawn() {
    let page = page(&many(150));
    assert_eq!(all(&page, "#cases tbody tr").len(), 150);
    assert_eq!(all(&page, "#failures article").len(), 100);
    assert_eq!(all(&page, "#timelines article").len(), 50);
    let said = only(&page, "#timelines > p.quiet");
    assert!(said.starts_with("50 of 150 cases that were begun"), "{said}");
    assert!(only(&page, "#failures > p.quiet").contains("100 are shown here"));
    assert_eq!(only(&page, "table.map td.fail"), "✗ 150");
    // Groups of long lists are closed.
    assert!(all(&page, "#cases details[open]").is_empty());
}

#[test]
fn a_journal_that_was_cut_short_has_a_page() {
    let records = records();
    for length in [1, 2, 3, 60, records.len() / 2, records.len() - 1] {
        let page = page(&records[..length]);
        assert!(only(&page, "header .verdict").starts_with("NOT FINISHED") || length > 300);
    }
}

/// Has the module say these of the update behind a record, each a little later.
fn say(records: &mut Vec<Record>, behind: usize, said: &[&str]) {
    for (n, said) in said.iter().enumerate().rev() {
        let mut record = records[behind].clone();
        record.module_ns += 1000 * (n as u64 + 1);
        record.event = Event::Rx {
            text: format!("+QIND: \"FOTA\",{said}"),
            partial: false,
        };
        records.insert(behind + 1, record);
    }
}

/// Nothing was heard while there was no supply: a line through that time would say otherwise. Lines that were on the way when the
/// supply went are read after it, and a module goes on with START or without.
#[rstest::rstest]
fn the_line_of_percent_breaks_where_the_supply_was_off(
    #[values(&["\"START\"", "\"UPDATING\",20%,1,1"], &["\"UPDATING\",51%,1,1"])] after: &[&str],
    #[values(false, true)] late: bool,
) {
    let mut records = records();
    let edge = |record: &Record| {
        matches!(
            record.event,
            Event::Line {
                line: Line::Power,
                ..
            }
        )
    };
    let cut = |record: &Record| matches!(record.event, Event::CutMade(_));
    let cut = records.iter().position(cut).expect("a cut");
    let off = records[..cut].iter().rposition(edge).expect("it is cut");
    let on = cut + records[cut..].iter().position(edge).expect("it is back");
    say(&mut records, on, after);
    if late {
        let late = ["\"UPDATING\",50%,1,1", "\"UPDATING\",51%,1,1"];
        say(&mut records, off, &late);
    }
    let run = Run::new(&records).expect("a run");
    let case = run.cases.iter().find(|case| case.case.id == "forced-resume");
    let timeline = CaseTimeline::new(case.expect("the case"));
    let off = timeline.power.windows(2).filter(|edges| !edges[0].active);
    let off: Vec<(f64, f64)> = off
        .map(|edges| (edges[0].at.seconds, edges[1].at.seconds))
        .collect();
    assert!(!off.is_empty());
    let updating: Vec<_> = timeline
        .percents
        .iter()
        .filter(|line| line.stage == UpdateStage::Update)
        .collect();
    assert!(updating.len() >= 2, "{updating:?}");
    for line in updating {
        let (first, last) = (line.points[0].seconds, line.points[line.points.len() - 1].seconds);
        for (from, to) in &off {
            assert!(
                last <= *from || first >= *to,
                "{first} to {last} s, and no supply from {from} to {to} s"
            );
        }
    }
}

#[test]
fn a_package_names_its_suite() {
    let page = page(&records());
    let heads: Vec<String> = all(&page, "#ran table th[scope=col]")
        .into_iter()
        .map(text)
        .collect();
    assert_eq!(heads[..3], ["Name", "Suite", "From"]);
    for row in all(&page, "#ran table tbody td:nth-child(2)") {
        assert_eq!(text(row), "example");
    }
}
