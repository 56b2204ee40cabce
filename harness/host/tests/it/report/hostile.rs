//! A module, a server and a suite that say the worst.

use super::{all, only, page, records};
use dfota_core::event::{Event, Record};
use dfota_core::verdict::{Rule, Verdict};

const WORST: &[&str] = &[
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "<!-- --!> ]]> &lt; &#x3c;script&#x3e;",
    "</title></pre></code></table>",
    "\0\u{1}\u{7}\u{8}\u{b}\u{c}\r\u{1b}[31m\u{7f}\u{80}\u{9f}\u{fffe}\u{ffff}",
    "\u{202e}\u{2066}right to left",
    "javascript:alert(1)",
];

/// Puts a text wherever somebody else's text can stand.
fn poison(records: &mut [Record], worst: &str) {
    for record in records {
        match &mut record.event {
            Event::RunStarted(started) => {
                started.run = worst.into();
                started.host = worst.into();
                started.args.push(worst.into());
                started.rig.file.name = worst.into();
                started.rig.file.text = worst.into();
                started.packages[0].name = worst.into();
            }
            Event::CasePlanned { case, .. } => case.requirements.push(worst.into()),
            Event::Rx { text, .. } if text == "OK" => *text = worst.into(),
            Event::Lwm2m { text, .. } | Event::Note { text } | Event::Step { text } => *text = worst.into(),
            Event::CaseEnded(end) => {
                end.summary = worst.into();
                end.rerun = worst.into();
                if let Verdict::Fail(finding) = &mut end.verdict {
                    finding.sentence = worst.into();
                }
            }
            Event::RigChecked { checks, .. } => checks[0].seen = worst.into(),
            _ => {}
        }
    }
}

#[test]
fn no_text_becomes_markup() {
    let sound = page(&records());
    let elements = |page: &scraper::Html| all(page, "*").len();
    for worst in WORST {
        let mut records = records();
        poison(&mut records, worst);
        let page = page(&records);
        assert_eq!(all(&page, "script").len(), 1, "{worst:?}");
        assert!(
            all(&page, "img, svg svg, iframe, a[href^=javascript]").is_empty(),
            "{worst:?}"
        );
        for element in all(&page, "*") {
            let handler = element.value().attrs().find(|(name, _)| name.starts_with("on"));
            assert_eq!(handler, None, "{worst:?}");
        }
        // The same page, but for what was said: the marks of lines that are no URC any more are gone.
        assert!(elements(&page) <= elements(&sound) + 60, "{worst:?}");
        let sentence = only(&page, "#failures p.sentence");
        assert!(!sentence.is_empty(), "{worst:?}");
    }
}

#[test]
fn control_characters_are_shown() {
    let mut records = records();
    poison(&mut records, "a\0b\u{1b}[31mc\u{9f}");
    let page = page(&records);
    assert_eq!(only(&page, "#failures p.sentence"), "a\\x00b\\x1b[31mc\\x9f");
    let bad = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(!page.html().contains(bad));
}

#[test]
fn what_is_very_long_is_shown_whole() {
    let mut records = records();
    let long = "x".repeat(20_000);
    for record in &mut records {
        match &mut record.event {
            Event::CasePlanned { case, .. } if case.id == "forced-resume" => case.id = long.clone(),
            Event::CaseStarted { id, .. } if id == "forced-resume" => *id = long.clone(),
            Event::CaseEnded(end) if end.id == "forced-resume" => {
                end.id = long.clone();
                end.verdict = Verdict::by(Rule::NoResume, long.clone());
            }
            _ => {}
        }
    }
    let page = page(&records);
    assert_eq!(only(&page, "#failures h4 .id"), long);
    assert_eq!(only(&page, "#failures p.sentence"), long);
}

#[test]
fn cases_of_one_name_do_not_share_anchors() {
    let mut records = records();
    for record in &mut records {
        if let Event::CasePlanned { case, .. } = &mut record.event {
            case.id = "same".into();
        }
    }
    let page = page(&records);
    assert_eq!(all(&page, "#case-1").len() + all(&page, "#case-2").len(), 2);
}
