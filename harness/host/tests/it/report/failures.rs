//! What did not pass: grouped by rule and place, with an example of each, the lines about it, and since when.

use super::{all, many, only, page, records, text};
use dfota_core::event::trend::{PastCase, PastRun, Trend};
use dfota_core::event::{Event, Record};
use dfota_core::percent::Percent;
use dfota_core::update::Phase;
use dfota_core::verdict::{Rule, Verdict};

/// Cases with a cut at each of these percentages, on which the rule fired.
fn failing(cuts: &[(u8, Rule)]) -> Vec<Record> {
    let mut records = many(cuts.len());
    let mut turn = cuts.iter();
    let mut now = turn.next();
    for record in &mut records {
        match (&mut record.event, now) {
            (Event::CutMade(made), Some((percent, _))) => {
                let percent = Percent::new(*percent).expect("a percentage");
                made.landed = Phase::Updating { percent };
            }
            (Event::CaseEnded(end), Some((_, rule))) => {
                end.verdict = Verdict::by(*rule, "it did not".into());
                now = turn.next();
            }
            _ => {}
        }
    }
    records
}

/// Nineteen cuts, out of order: those at the end of the update come first.
fn nineteen() -> Vec<Record> {
    let late = (0..9).map(|n| (97 + n % 4, Rule::Unresponsive));
    let early = (0..9).map(|n| (20 + n % 3, Rule::Unresponsive));
    let ours = [(50, Rule::SerialLost)];
    failing(&late.chain(early).chain(ours).collect::<Vec<_>>())
}

#[test]
fn failures_are_grouped_by_rule_and_place_in_the_order_of_the_update() {
    let page = page(&nineteen());
    let heads: Vec<String> = all(&page, "#failures h3").into_iter().map(text).collect();
    let expected = [
        "18 × unresponsive : UPDATING 20–22 % 9 , UPDATING 97–100 % 9",
        "1 × serial-lost (rig): UPDATING 50 %",
    ];
    assert_eq!(heads, expected);
    assert_eq!(all(&page, "#failures article").len(), 19);
    assert_eq!(
        all(&page, "#failures > article").len(),
        3,
        "an open example of each"
    );
    let folded: Vec<String> = all(&page, "#failures details.group > summary")
        .into_iter()
        .map(text)
        .collect();
    assert_eq!(folded, ["8 more: UPDATING 20–22 %", "8 more: UPDATING 97–100 %"]);
    assert!(all(&page, "#failures details[open]").is_empty());
    assert_eq!(only(&page, "#failures p.ours"), "Not failures of the module");
}

#[test]
fn the_head_says_what_failed_and_leads_there() {
    let page = page(&nineteen());
    let links = all(&page, "header ul.failed a");
    assert_eq!(links.len(), 2);
    assert_eq!(
        text(links[0]),
        "18 × unresponsive : UPDATING 20–22 % 9 , UPDATING 97–100 % 9"
    );
    assert_eq!(links[0].value().attr("href"), Some("#fail-unresponsive"));
    assert_eq!(links[1].value().attr("href"), Some("#error-serial-lost"));
}

#[test]
fn the_head_says_what_ran() {
    let head = only(&page(&records()), "dl.head");
    let parts = [
        "Started 20",
        " UTC Took ",
        "Firmware BC66NBR01A02 → BC66NBR01A01, BC66NBR01A01 → BC66NBR01A02",
        "Module bc66, Quectel_BC66, BC66NBR01A",
        "IMEI 86",
        "Seed 7",
        "Rig ",
        "Tool dfota-hil ",
    ];
    let mut rest = &head[..];
    for part in parts {
        let at = rest.find(part);
        rest = &rest[at.unwrap_or_else(|| panic!("no `{part}` in {head}"))..];
    }
}

/// The marks of one case in earlier runs, one for each night, and what is said of it.
#[rstest::rstest]
#[case("PPFF", "since 2026-10-03 (night-3)")]
#[case("PEF.", "since 2026-10-03 (night-3)")]
#[case("FFSF", "at least since 2026-10-01 (night-1)")]
#[case("FFP", "new in this run, not so in 2026-10-03 (night-3)")]
#[case("...", "not run before")]
fn since_when_comes_from_earlier_runs(#[case] marks: &str, #[case] said: &str) {
    let mut records = records();
    let run = |n: usize| PastRun {
        run: format!("night-{n}"),
        utc: format!("2026-10-{n:02}T01:00:00Z"),
        passed: 1,
        flaky: 0,
        failed: 0,
        other: 0,
        not_run: 0,
        measures: Vec::new(),
    };
    let case = PastCase {
        suite: "example".into(),
        id: "forced-resume".into(),
        verdicts: marks.into(),
        time_to_resume: None,
    };
    let mut record = records[0].clone();
    record.event = Event::Trend(Trend {
        runs: (1..=marks.len()).map(run).collect(),
        cases: vec![case],
    });
    records.insert(1, record);
    let page = page(&records);
    let head = only(&page, "header ul.failed");
    assert!(head.ends_with(&format!(": {said}")), "{head}");
    assert!(!only(&page, "header").contains("no earlier run"));
}

#[test]
fn without_earlier_runs_nothing_is_said_of_them() {
    let page = page(&records());
    assert!(only(&page, "header").contains("Since when: no earlier run of these cases is known."));
}

/// The recovery of a dead module is long, and says little of why it died.
#[test]
fn the_lines_of_a_failure_are_about_its_cut_and_its_rule() {
    let mut records = records();
    let ends = |record: &Record| matches!(&record.event, Event::CaseEnded(end) if end.id == "forced-resume");
    let end = records.iter().position(ends).expect("its end");
    let note = |n: usize| {
        let mut record = records[end - 1].clone();
        record.event = Event::Note {
            text: format!("epilogue {n}"),
        };
        record
    };
    let epilogue: Vec<Record> = (0..40).map(note).collect();
    records.splice(end..end, epilogue);
    for (seq, record) in records.iter_mut().enumerate() {
        record.seq = seq as u64;
    }
    let page = page(&records);
    let lines = text(*all(&page, "#failures pre").last().expect("lines"));
    assert!(lines.contains("# cut made: updating@50%+"), "{lines}");
    let before = lines.split("# cut made").next().unwrap_or_default();
    assert!(before.contains("\"UPDATING\",50%"), "{lines}");
    assert!(!lines.contains("epilogue 6"), "{lines}");
}
