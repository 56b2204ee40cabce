//! JUnit: strictly in the form of Jenkins's `junit-10.xsd`, or extended by what that schema leaves no place for:
//! properties, place and time of each case.

mod case_properties;

use super::campaigns::{self, CampaignReport};
use super::{CaseRun, Run, transcript};
use dfota_core::event::{Attachments, JunitProfile, TryEnded};
use dfota_core::verdict::{Finding, Verdict};
use quick_xml::Writer;
use quick_xml::events::{BytesCData, BytesDecl, BytesText, Event};
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

/// Where the XML is written: memory, so nothing here fails.
type Xml = Writer<Vec<u8>>;
/// Names and values of an element's attributes.
type Attributes = Vec<(&'static str, String)>;

pub fn write(run: &Run<'_>, profile: JunitProfile) -> Vec<u8> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let _ = document(&mut writer, run, profile);
    let mut xml = writer.into_inner();
    xml.push(b'\n');
    xml
}

fn document(writer: &mut Xml, run: &Run<'_>, profile: JunitProfile) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    let suites = suites(run);
    let root = writer.create_element("testsuites");
    if suites.is_empty() {
        return root.write_empty().map(drop);
    }
    let write_suites = |writer: &mut Xml| {
        let mut suites = suites.iter().enumerate();
        suites.try_for_each(|(id, suite)| write_suite(writer, run, id, suite, profile))
    };
    root.write_inner_content(write_suites).map(drop)
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

fn write_suite(
    writer: &mut Xml,
    run: &Run<'_>,
    id: usize,
    suite: &str,
    profile: JunitProfile,
) -> io::Result<()> {
    let cases: Vec<_> = run.cases.iter().filter(|case| case.case.suite == suite).collect();
    let count = |like: fn(&Verdict) -> bool| cases.iter().filter(|case| like(&case.verdict)).count();
    let attributes = [
        ("id", id.to_string()),
        ("name", attribute(suite)),
        (
            "package",
            format!("dfota-hil.{}", attribute(&run.started.rig.file.name)),
        ),
        ("tests", cases.len().to_string()),
        (
            "errors",
            count(|verdict| matches!(verdict, Verdict::Error(_) | Verdict::Inconclusive(_))).to_string(),
        ),
        (
            "failures",
            count(|verdict| matches!(verdict, Verdict::Fail(_))).to_string(),
        ),
        ("hostname", attribute(&run.started.host)),
        ("timestamp", without_zone(run.utc)),
        ("time", seconds(cases.iter().map(|case| took(case)).sum())),
        ("skipped", count(is_skipped).to_string()),
    ];
    writer
        .create_element("testsuite")
        .with_attributes(borrowed(&attributes))
        .write_inner_content(|writer| {
            properties(writer, &of_run(run))?;
            cases
                .iter()
                .try_for_each(|case| write_case(writer, run, case, profile))
        })?;
    Ok(())
}

fn write_case(writer: &mut Xml, run: &Run<'_>, case: &CaseRun<'_>, profile: JunitProfile) -> io::Result<()> {
    let extended = profile == JunitProfile::Extended;
    let output = output(run, case);
    let bare = !extended && case.verdict == Verdict::Pass && case.earlier.is_empty() && output.is_empty();
    let attributes = case_attributes(case, extended);
    let element = writer
        .create_element("testcase")
        .with_attributes(borrowed(&attributes));
    if bare {
        return element.write_empty().map(drop);
    }
    element.write_inner_content(|writer| {
        if extended {
            properties(writer, &case_properties::properties(run, case))?;
        }
        tries(writer, case)?;
        result(writer, run, case)?;
        if output.is_empty() {
            return Ok(());
        }
        writer
            .create_element("system-out")
            .write_inner_content(|writer| cdata(writer, &output))
            .map(drop)
    })?;
    Ok(())
}

fn case_attributes(case: &CaseRun<'_>, extended: bool) -> Attributes {
    let mut attributes = vec![
        ("name", attribute(&case.case.id)),
        ("time", seconds(took(case))),
        ("classname", attribute(&case.case.suite)),
    ];
    if extended {
        let place = &case.case.place;
        let (file, line) = place.rsplit_once(':').unwrap_or((place, ""));
        attributes.push(("file", attribute(file)));
        if line.parse::<u32>().is_ok() {
            attributes.push(("line", line.to_owned()));
        }
        let first = case.records.first();
        attributes.extend(first.map(|first| ("timestamp", without_zone(&first.utc))));
    }
    attributes
}

/// The failure, error or skip of a case; nothing of one that passed.
fn result(writer: &mut Xml, run: &Run<'_>, case: &CaseRun<'_>) -> io::Result<()> {
    let (name, kind, message) = match &case.verdict {
        Verdict::Pass => return Ok(()),
        Verdict::Fail(finding) => ("failure", kind(case, finding), finding.sentence.clone()),
        Verdict::Error(finding) | Verdict::Inconclusive(finding) => {
            ("error", kind(case, finding), finding.sentence.clone())
        }
        Verdict::Skip { reason } => ("skipped", "skip".into(), reason.clone()),
        Verdict::NotReached => {
            let cause = run.given_up.unwrap_or("the run ended before this case");
            ("skipped", "not-reached".into(), format!("not reached: {cause}"))
        }
    };
    let attributes = [("type", kind), ("message", attribute(&message))];
    let element = writer.create_element(name).with_attributes(borrowed(&attributes));
    match case.verdict.finding() {
        Some(finding) => element.write_inner_content(|writer| cdata(writer, &body(case, finding))),
        None => element.write_empty(),
    }
    .map(drop)
}

fn borrowed<'a>(attributes: &'a [(&'static str, String)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    attributes.iter().map(|(name, value)| (*name, value.as_str()))
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
    let _ = writeln!(text, "case: {}\nrerun: {}", case.case.place, case.rerun);
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

/// Of the case that judges a claim: the cuts in each window of the update, with the bounds of its rate.
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
        .map(|campaign| campaign.by_window().collect());
    lines.unwrap_or_default()
}

fn is_skipped(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Skip { .. } | Verdict::NotReached)
}

/// What a case took; one that was skipped took no time, whatever the journal says.
fn took(case: &CaseRun<'_>) -> Duration {
    Duration::from_nanos(if is_skipped(&case.verdict) {
        0
    } else {
        case.took_ns
    })
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
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

/// Text for an attribute, on one line: a reader makes blanks of line breaks and tabs there.
fn attribute(text: &str) -> String {
    xml_text(text).replace(['\t', '\n'], " ")
}

/// Writes text as CDATA, in several sections where it holds the end of one.
fn cdata(writer: &mut Xml, text: &str) -> io::Result<()> {
    BytesCData::escaped(&xml_text(text)).try_for_each(|part| writer.write_event(Event::CData(part)))
}

/// `2026-11-22T14:30:05.1Z` → `2026-11-22T14:30:05`: consumers take it as UTC, and some refuse a fraction or a zone.
fn without_zone(value: &str) -> String {
    value.get(..19).unwrap_or(value).to_owned()
}

/// The tries before the last one. The schema has `flakyError` and `rerunError` too, but Jenkins reads `flakyFailure` and
/// `rerunFailure` alone; the `type` says whose fault it was.
fn tries(writer: &mut Xml, case: &CaseRun<'_>) -> io::Result<()> {
    let name = if case.is_flaky() {
        "flakyFailure"
    } else {
        "rerunFailure"
    };
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
    let list = [
        ("tool", format!("dfota-hil {}", started.tool)),
        ("rig", started.rig.file.name.clone()),
        ("rig.sha256", started.rig.file.sha256.clone()),
        ("module", started.rig.module.clone()),
        ("simulated", started.rig.simulated.to_string()),
        ("seed", started.seed.to_string()),
    ];
    list.map(|(name, value)| (name.to_owned(), value)).into()
}

fn properties(writer: &mut Xml, list: &[(String, String)]) -> io::Result<()> {
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
