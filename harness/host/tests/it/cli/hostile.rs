//! What a hostile module, rig or suite can put into JUnit: whatever it is, a parser takes the file.

use crate::junit;
use dfota_core::case::{Case, Ids, Package};
use dfota_core::event::{
    Attachments, CaseEnded, Event, FileFacts, JunitProfile, Record, RigFacts, RunStarted, SCHEMA,
};
use dfota_core::transport::Via;
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::report::Run;
use proptest::prelude::*;

/// Everything that has ended a parser before.
const HOSTILE: &str = "\0\u{1b}[31m ]]> <![CDATA[ & < > \" ' &amp; &#0; \u{b}\u{c}\r\n\t\u{7f}\u{85}\u{fffe}\u{ffff}\u{feff}\u{202e}😀 -->";

fn case(id: &str, text: &str) -> Case {
    let package = Package {
        name: text.into(),
        from: "A".parse().expect("a version"),
        to: "B".parse().expect("a version"),
        bytes: 1,
        sha256: text.into(),
    };
    Case {
        place: text.into(),
        requirements: vec![text.into()],
        tags: vec![text.into()],
        ids: Ids {
            testrail: Some(text.into()),
            xray: Some(text.into()),
            xray_requirements: vec![text.into()],
        },
        ..Case::plain(id, text, package, Via::Uart)
    }
}

fn started(text: &str, attachments: Attachments) -> Event {
    let file = FileFacts {
        name: text.into(),
        path: text.into(),
        sha256: text.into(),
        text: text.into(),
    };
    Event::RunStarted(Box::new(RunStarted {
        schema: SCHEMA,
        run: text.into(),
        tool: text.into(),
        args: vec![text.into()],
        host: text.into(),
        rig: RigFacts {
            file: file.clone(),
            module: text.into(),
            simulated: true,
            speed: 1.0,
            ..RigFacts::default()
        },
        suites: vec![file],
        attachments,
        out: text.into(),
        folder: text.into(),
        ..RunStarted::default()
    }))
}

/// A run with a case of every verdict, all texts of which are `text`.
fn records(text: &str, attachments: Attachments) -> Vec<Record> {
    let say = || text.to_owned();
    let ended = [
        Some(Verdict::Pass),
        Some(Verdict::by(Rule::NoResume, say())),
        Some(Verdict::by(Rule::PowerNotCut, say())),
        Some(Verdict::by(Rule::CutMissed, say())),
        None,
    ];
    let mut events = vec![started(text, attachments)];
    let ids: Vec<String> = (0..7).map(|n| format!("{n}{text}")).collect();
    for (n, id) in ids.iter().enumerate() {
        events.push(Event::CasePlanned {
            case: Box::new(case(id, text)),
            skip: (n == 5).then(say),
        });
    }
    // The last but one is skipped, the last is never reached, and the one before them never ends.
    for (id, verdict) in ids.iter().zip(ended) {
        events.push(Event::CaseStarted {
            id: id.clone(),
            suite: say(),
        });
        events.push(Event::Rx {
            text: say(),
            partial: true,
        });
        events.push(Event::Note { text: say() });
        if let Some(verdict) = verdict {
            events.push(Event::CaseEnded(CaseEnded {
                id: id.clone(),
                suite: say(),
                verdict,
                outcome: None,
                evidence: vec![0],
                tries: 1,
                took_ns: 1_234_567_890,
                summary: say(),
                rerun: say(),
            }));
        }
    }
    let record = |(seq, event)| Record {
        seq,
        mono_ns: seq * 1_000_000,
        module_ns: 0,
        utc: "2026-11-22T14:30:05.123456789Z".into(),
        prev: String::new(),
        event,
    };
    (0..).zip(events).map(record).collect()
}

#[track_caller]
fn check(text: &str) {
    for attachments in [Attachments::Absolute, Attachments::Relative, Attachments::None] {
        let records = records(text, attachments);
        let run = Run::new(&records).expect("a run");
        let xml =
            String::from_utf8(dfota_record::report::junit::write(&run, JunitProfile::Strict)).expect("UTF-8");
        let cases = junit::cases(&xml);
        let verdicts: Vec<&str> = cases.iter().map(|case| case.verdict.as_str()).collect();
        assert_eq!(
            verdicts,
            ["", "failure", "error", "error", "error", "skipped", "skipped"]
        );
        for (n, case) in cases.iter().enumerate() {
            assert!(case.name.starts_with(&n.to_string()), "{case:?}");
        }
        assert_eq!(cases[1].kind, "product.no-resume");
        assert_eq!(cases[4].kind, "inconclusive.interrupted");
        assert_eq!(cases[6].kind, "not-reached");
        let xml = dfota_record::report::junit::write(&run, JunitProfile::Extended);
        let extended = junit::extended_cases(&String::from_utf8(xml).expect("UTF-8"));
        let same = |cases: &[junit::Case]| -> Vec<_> {
            let shown = |case: &junit::Case| (case.name.clone(), case.kind.clone(), case.body.clone());
            cases.iter().map(shown).collect()
        };
        assert_eq!(same(&extended), same(&cases));
        assert_eq!(extended[1].properties["rule"], "no-resume");
    }
}

#[test]
fn everything_that_has_ended_a_parser_before() {
    check(HOSTILE);
    check("");
    check("]]>");
    check("]]]]>>");
}

#[test]
fn readable_text_is_kept() {
    let records = records("\u{1b}UPDATING 50 % · <ok> & \"so\"", Attachments::None);
    let run = Run::new(&records).expect("a run");
    let xml =
        String::from_utf8(dfota_record::report::junit::write(&run, JunitProfile::Strict)).expect("UTF-8");
    let cases = junit::cases(&xml);
    assert_eq!(cases[1].message, "\\x1bUPDATING 50 % · <ok> & \"so\"");
    assert!(cases[1].body.starts_with("\\x1bUPDATING 50 % · <ok> & \"so\"\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_of_what_xml_is_made_of(text in "[\\x00-\\x1f<>&\"'\\]!\\[CDATA\u{fffe}\u{ffff}a;#x-]{0,40}") {
        check(&text);
    }
}
