//! JUnit, by `junit-report`: strictly in the form of Jenkins's `junit-10.xsd`, or extended by what that schema leaves no
//! place for: properties, place and time of each case.
//!
//! `junit-report` writes what it can. What it cannot, a second pass over its output adds: suite properties, the count of
//! skipped cases, times with three decimals, time stamps without a zone, line breaks. It also writes control characters
//! raw, which no XML parser takes: every text goes through [`xml_text`] first.

mod case_properties;

use super::campaigns::{self, CampaignReport};
use super::{CaseRun, Run, transcript};
use dfota_core::event::{Attachments, JunitProfile, TryEnded};
use dfota_core::verdict::{Finding, Verdict};
use junit_report::{Duration, OffsetDateTime, ReportBuilder, TestCase, TestCaseBuilder, TestSuiteBuilder};
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};
use std::fmt::Write as _;
use time::format_description::well_known::Rfc3339;

pub fn write(run: &Run<'_>, profile: JunitProfile) -> Vec<u8> {
    let mut report = ReportBuilder::new();
    let began = OffsetDateTime::parse(run.utc, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    for suite in suites(run) {
        let mut builder = TestSuiteBuilder::new(&xml_text(suite));
        builder.set_timestamp(began);
        builder.testsuite.hostname = xml_text(&run.started.host);
        builder.testsuite.package = format!("dfota-hil.{}", xml_text(&run.started.rig.file.name));
        builder.add_testcases(of_suite(run, suite).map(|case| testcase(run, case, profile)));
        report.add_testsuite(builder.build());
    }
    let mut xml = Vec::new();
    // Writing to memory does not fail, and neither does reading back what was written.
    if report.build().write_xml(&mut xml).is_err() {
        return Vec::new();
    }
    complete(&xml, run, profile).unwrap_or(xml)
}

/// The suites, in the order in which their first cases come.
fn suites<'a>(run: &Run<'a>) -> Vec<&'a str> {
    let mut suites = Vec::new();
    for case in &run.cases {
        let suite = case.case.suite.as_str();
        if !suites.contains(&suite) {
            suites.push(suite);
        }
    }
    suites
}

/// The cases of a suite, in the order of the plan.
fn of_suite<'r>(run: &'r Run<'_>, suite: &'r str) -> impl Iterator<Item = &'r CaseRun<'r>> {
    run.cases.iter().filter(move |case| case.case.suite == suite)
}

fn testcase(run: &Run<'_>, case: &CaseRun<'_>, profile: JunitProfile) -> TestCase {
    let name = xml_text(&case.case.id);
    let time = Duration::nanoseconds(case.took_ns as i64);
    let mut builder = match &case.verdict {
        Verdict::Pass => TestCaseBuilder::success(&name, time),
        Verdict::Fail(finding) => {
            TestCaseBuilder::failure(&name, time, &kind(case, finding), &xml_text(&finding.sentence))
        }
        Verdict::Error(finding) | Verdict::Inconclusive(finding) => {
            TestCaseBuilder::error(&name, time, &kind(case, finding), &xml_text(&finding.sentence))
        }
        Verdict::Skip { reason } => TestCaseBuilder::skipped_with_cause(&name, "skip", &xml_text(reason)),
        Verdict::NotReached => {
            let cause = run.why_not_reached().unwrap_or("the run ended before this case");
            let text = xml_text(&format!("not reached: {cause}"));
            TestCaseBuilder::skipped_with_cause(&name, "not-reached", &text)
        }
    };
    builder.set_classname(&xml_text(&case.case.suite));
    if profile == JunitProfile::Extended {
        builder.set_filepath(&xml_text(place(case).0));
    }
    if let Some(finding) = case.verdict.finding() {
        builder.set_trace(&cdata(&body(case, finding)));
    }
    let output = output(run, case);
    if !output.is_empty() {
        builder.set_system_out(&cdata(&output));
    }
    builder.build()
}

/// The `type` of a failure or error: whose fault, and by which rule.
fn kind(case: &CaseRun<'_>, finding: &Finding) -> String {
    let class = case
        .verdict
        .class()
        .map_or(String::new(), |class| format!("{class}."));
    format!("{class}{}", finding.rule)
}

fn body(case: &CaseRun<'_>, finding: &Finding) -> String {
    let mut text = format!(
        "{}\n\nrule {}: {}\n",
        finding.sentence,
        finding.rule,
        finding.rule.meaning()
    );
    let _ = writeln!(text, "class: {}", finding.rule.class());
    if let Some(outcome) = case.outcome {
        let _ = writeln!(text, "the module: {}", outcome.words());
    }
    if !case.evidence.is_empty() {
        let _ = writeln!(text, "evidence: {}", case.evidence_lines());
    }
    let _ = writeln!(text, "case: {}", case.case.place);
    // Nothing runs a claim, or what was lost, again.
    if !case.rerun.is_empty() {
        let _ = writeln!(text, "rerun: {}", case.rerun);
    }
    let lines = transcript::lines_about(case);
    if !lines.is_empty() {
        let _ = writeln!(text, "\nthe lines about it:\n{}", lines.join("\n"));
    }
    text
}

fn output(run: &Run<'_>, case: &CaseRun<'_>) -> String {
    let mut text = String::new();
    if !case.summary.is_empty() {
        let _ = writeln!(text, "{}", case.summary);
    }
    for line in by_window(run, case) {
        let _ = writeln!(text, "{}", line.trim_start());
    }
    if let Some(outcome) = case.outcome {
        let _ = writeln!(text, "[[PROPERTY|outcome={outcome}]]");
    }
    for made in case.cuts_made() {
        let (cut, landed) = (&made.cut, made.landed);
        let _ = writeln!(text, "[[PROPERTY|cut={cut}]]\n[[PROPERTY|landed={landed}]]");
    }
    if let Some(rig) = case.rig {
        let _ = writeln!(text, "on the rig {rig}\n[[PROPERTY|rig={rig}]]");
    }
    for lost in &case.lost {
        let _ = writeln!(text, "{}", lost.sentence());
    }
    for tried in &case.earlier {
        let _ = writeln!(text, "{}", earlier(tried));
    }
    if case.records.is_empty() {
        return text;
    }
    let path = format!("{}/{}", super::TRANSCRIPTS, transcript::name(case.case));
    let _ = match run.started.attachments {
        Attachments::Absolute => writeln!(text, "[[ATTACHMENT|{}/{path}]]", run.started.folder),
        Attachments::Relative => writeln!(text, "[[ATTACHMENT|{}/{path}]]", run.started.out),
        Attachments::None => Ok(()),
    };
    text
}

/// Of the case that judges a claim: its modules, and the cuts in each window of the update, with the bounds of its rate.
fn by_window(run: &Run<'_>, case: &CaseRun<'_>) -> Vec<String> {
    let Some(part) = case.case.part.as_ref().filter(|_| case.case.is_claim()) else {
        return Vec::new();
    };
    let mine =
        |campaign: &&CampaignReport| campaign.suite == case.case.suite && campaign.campaign == part.campaign;
    let campaigns = campaigns::reports(run);
    let lines = campaigns
        .iter()
        .find(mine)
        .map(|campaign| campaign.about_modules().chain(campaign.by_window()).collect());
    lines.unwrap_or_default()
}

/// A try that was followed by another one, in a line.
fn earlier(tried: &TryEnded) -> String {
    let finding = tried.verdict.finding();
    let finding = finding.map_or(String::new(), |finding| {
        format!(" {}.{}: {}", finding.rule.class(), finding.rule, finding.sentence)
    });
    format!(
        "try {}: {}{finding} ({}); {}",
        tried.number,
        tried.verdict.name(),
        crate::journal::places(&tried.evidence),
        tried.again
    )
}

/// Text that XML can hold: characters that it cannot are shown as `\x00`.
pub fn xml_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' => safe.push(c),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                let _ = write!(safe, "\\x{:02x}", u32::from(c));
            }
            '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            _ => safe.push(c),
        }
    }
    safe
}

/// Text for a CDATA section, which must not hold its own end: `junit-report` writes it raw.
fn cdata(text: &str) -> String {
    xml_text(text).replace("]]>", "]]]]><![CDATA[>")
}

/// File and line of a case in its suite.
fn place<'c>(case: &CaseRun<'c>) -> (&'c str, &'c str) {
    let place = case.case.place.rsplit_once(':');
    place.unwrap_or((&case.case.place, ""))
}

fn complete(xml: &[u8], run: &Run<'_>, profile: JunitProfile) -> quick_xml::Result<Vec<u8>> {
    let mut reader = Reader::from_reader(xml);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let mut suites = suites(run).into_iter();
    let mut suite = "";
    let mut cases = Vec::new().into_iter();
    loop {
        match reader.read_event()? {
            Event::Eof => break,
            Event::Start(element) if element.name().as_ref() == b"testsuite" => {
                suite = suites.next().unwrap_or_default();
                cases = of_suite(run, suite).collect::<Vec<_>>().into_iter();
                writer.write_event(Event::Start(completed(&element, run, suite)))?;
                properties(&mut writer, &of_run(run))?;
            }
            Event::Start(element) if element.name().as_ref() == b"testcase" => {
                let case = cases.next();
                writer.write_event(Event::Start(completed_case(&element, case, profile)))?;
                within(&mut writer, run, case, profile)?;
            }
            Event::Empty(element) if element.name().as_ref() == b"testcase" => {
                let case = cases.next();
                let element = completed_case(&element, case, profile);
                let bare = case.is_none_or(|case| case.tries_before() == 0);
                if bare && profile == JunitProfile::Strict {
                    writer.write_event(Event::Empty(element))?;
                    continue;
                }
                let end = element.to_end().into_owned();
                writer.write_event(Event::Start(element))?;
                within(&mut writer, run, case, profile)?;
                writer.write_event(Event::End(end))?;
            }
            Event::Start(element) => writer.write_event(Event::Start(completed(&element, run, suite)))?,
            Event::Empty(element) => writer.write_event(Event::Empty(completed(&element, run, suite)))?,
            event => writer.write_event(event)?,
        }
    }
    let mut out = writer.into_inner();
    out.push(b'\n');
    Ok(out)
}

/// What stands in a case before what `junit-report` wrote there.
fn within(
    writer: &mut Writer<Vec<u8>>,
    run: &Run<'_>,
    case: Option<&CaseRun<'_>>,
    profile: JunitProfile,
) -> std::io::Result<()> {
    let Some(case) = case else { return Ok(()) };
    if profile == JunitProfile::Extended {
        properties(writer, &case_properties::properties(run, case))?;
    }
    tries(writer, case)
}

/// A case with its attributes. Its `file` is there already.
fn completed_case(
    element: &BytesStart<'_>,
    case: Option<&CaseRun<'_>>,
    profile: JunitProfile,
) -> BytesStart<'static> {
    let mut done = with_plain_times(element);
    if let (Some(case), JunitProfile::Extended) = (case, profile) {
        let (_, line) = place(case);
        if line.parse::<u32>().is_ok() {
            done.push_attribute(("line", line));
        }
        if let Some(first) = case.records.first() {
            done.push_attribute(("timestamp", without_zone(&first.utc).as_str()));
        }
    }
    done
}

/// The element with its attributes as `junit-10.xsd` wants them.
fn completed(element: &BytesStart<'_>, run: &Run<'_>, suite: &str) -> BytesStart<'static> {
    let mut done = with_plain_times(element);
    if element.name().as_ref() == b"testsuite" {
        let skipped = |case: &&CaseRun<'_>| {
            case.case.suite == suite && matches!(case.verdict, Verdict::Skip { .. } | Verdict::NotReached)
        };
        let count = run.cases.iter().filter(skipped).count().to_string();
        done.push_attribute(Attribute::from(("skipped", count.as_str())));
    }
    done
}

fn with_plain_times(element: &BytesStart<'_>) -> BytesStart<'static> {
    let name = String::from_utf8_lossy(element.name().as_ref()).into_owned();
    let mut done = BytesStart::new(name);
    for attribute in element.attributes().flatten() {
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Explicit1_0)
            .unwrap_or_default();
        let value = match key.as_str() {
            "time" => three_decimals(&value),
            "timestamp" => without_zone(&value),
            _ => value.into_owned(),
        };
        done.push_attribute((key.as_str(), value.as_str()));
    }
    done
}

fn three_decimals(value: &str) -> String {
    value
        .parse()
        .map_or_else(|_| value.to_owned(), |seconds: f64| format!("{seconds:.3}"))
}

/// `2026-11-22T14:30:05.1Z` → `2026-11-22T14:30:05`: consumers take it as UTC, and some refuse a fraction or a zone.
fn without_zone(value: &str) -> String {
    value.get(..19).unwrap_or(value).to_owned()
}

/// The type of an attempt whose rig was lost, unless the case had ended with an error or a failure there.
const RIG_LOST: &str = "rig.rig-lost";

/// The tries before the last one. The schema has `flakyError` and `rerunError` too, but Jenkins reads `flakyFailure` and
/// `rerunFailure` alone; the `type` says whose fault it was.
fn tries(writer: &mut Writer<Vec<u8>>, case: &CaseRun<'_>) -> std::io::Result<()> {
    let name = if case.is_flaky() {
        "flakyFailure"
    } else {
        "rerunFailure"
    };
    for lost in &case.lost {
        let sentence = xml_text(&lost.sentence());
        let kind = match lost.rule {
            Some(rule) => format!("{}.{rule}", rule.class()),
            None => RIG_LOST.to_owned(),
        };
        writer
            .create_element(name)
            .with_attributes([("type", kind.as_str()), ("message", sentence.as_str())])
            .write_text_content(BytesText::new(&sentence))?;
    }
    for tried in &case.earlier {
        // A cut that was made up for stands in the output alone: it is nobody's fault.
        let (Verdict::Fail(finding) | Verdict::Error(finding)) = &tried.verdict else {
            continue;
        };
        let kind = format!("{}.{}", finding.rule.class(), finding.rule);
        let message = xml_text(&finding.sentence);
        let body = xml_text(&earlier(tried));
        writer
            .create_element(name)
            .with_attributes([("type", kind.as_str()), ("message", message.as_str())])
            .write_text_content(BytesText::new(&body))?;
    }
    Ok(())
}

/// What holds for every case of the suite.
fn of_run(run: &Run<'_>) -> Vec<(String, String)> {
    let started = run.started;
    let mut list = vec![
        ("tool", format!("dfota-hil {}", started.tool)),
        ("rig", started.rig.file.name.clone()),
        ("rig.sha256", started.rig.file.sha256.clone()),
        ("module", started.rig.module.clone()),
        ("simulated", started.rig.simulated.to_string()),
        ("seed", started.seed.to_string()),
    ];
    if run.fleet.is_fleet() {
        list.push(("rigs", run.fleet.names()));
        list.extend(run.fleet.unread().map(|unread| ("missing", unread)));
    }
    list.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn properties(writer: &mut Writer<Vec<u8>>, list: &[(String, String)]) -> std::io::Result<()> {
    writer
        .create_element("properties")
        .write_inner_content(|writer| {
            for (name, value) in list {
                let property = writer.create_element("property");
                property
                    .with_attributes([("name", name.as_str()), ("value", xml_text(value).as_str())])
                    .write_empty()?;
            }
            Ok(())
        })?;
    Ok(())
}
