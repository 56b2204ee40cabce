//! Transcripts: both directions of the UART with times, the lines' edges in between, for reading.

use super::{CaseRun, word};
use dfota_core::case::Case;
use dfota_core::event::{Event, Line, Record};
use dfota_core::function::Function;
use dfota_core::verdict::Verdict;
use std::fmt::Write;

/// File name of a case's transcript.
pub fn name(case: &Case) -> String {
    format!("{}.log", case.slug())
}

/// The transcript of a case.
pub fn write(case: &CaseRun<'_>) -> String {
    let mut text = format!(
        "# {} {}\n# seconds since the run began | of the module's time | < from the module, > to it, ! lines of the rig, @ servers, # the harness\n",
        case.case.suite, case.case.id
    );
    for record in case.records {
        if let Some(shown) = shown(record) {
            let _ = writeln!(text, "{} {shown}", times(record));
        }
    }
    text
}

/// The last lines of a case that a transcript shows, for a failure's message.
pub fn last_lines(case: &CaseRun<'_>, count: usize) -> Vec<String> {
    let told = case
        .records
        .iter()
        .rev()
        .filter(|record| !matches!(record.event, Event::CaseEnded(_)));
    let mut lines: Vec<String> = told
        .filter_map(|record| Some(format!("{} {}", times(record), shown(record)?)))
        .take(count)
        .collect();
    lines.reverse();
    lines
}

fn times(record: &Record) -> String {
    format!(
        "{:>12.6} {:>12.3}",
        record.mono_ns as f64 / 1e9,
        record.module_ns as f64 / 1e9
    )
}

/// One record in a transcript; `None` for those that belong elsewhere.
pub fn shown(record: &Record) -> Option<String> {
    Some(match &record.event {
        Event::Rx { text, partial: false } => format!("< {text}"),
        Event::Rx { text, partial: true } => format!("< {text} (the line never ended)"),
        Event::Prompt => "< >".into(),
        Event::Tx { text } => format!("> {text}"),
        Event::TxData { bytes, sha256 } => format!("> {bytes} bytes, SHA-256 {}…", sha256.get(..16)?),
        Event::Line { line, active, .. } => format!("! {}", edge(*line, *active)),
        Event::CutArmed { cut } => format!("# cut armed: {cut}"),
        Event::CutMade {
            cut,
            landed,
            due_ns,
            commanded_ns,
            returned_ns,
            confirmed,
            ..
        } => {
            let late = |ns: &u64| ns.saturating_sub(*due_ns) as f64 / 1e3;
            let (commanded, done) = (late(commanded_ns), late(returned_ns));
            let confirmed = confirmed.map_or(String::new(), |seen| {
                format!(
                    ", confirmed by the sense line after {:.1} µs (up to {:.1} µs earlier)",
                    late(&seen.at_ns),
                    seen.within_ns as f64 / 1e3
                )
            });
            format!(
                "# cut made: {cut}, landed at {landed}; commanded {commanded:.1} µs after it was due, done after {done:.1} µs{confirmed}"
            )
        }
        Event::CutMissed { cut } => format!("# cut missed: {cut}"),
        Event::Request(request) => request_line(request),
        Event::Lwm2m { text } => format!("@ lwm2m {text}"),
        Event::Step { text } | Event::Note { text } => format!("# {text}"),
        Event::Measured {
            name,
            value,
            unit,
            min,
            limit,
        } => {
            let over = limit.filter(|limit| value > limit).map(|limit| ("over", limit));
            let under = min.filter(|min| value < min).map(|min| ("under", min));
            match over.or(under) {
                Some((how, limit)) => {
                    format!("# {name}: {value} {unit}, {how} its limit of {limit} {unit}")
                }
                None => format!("# {name}: {value} {unit}"),
            }
        }
        Event::Function { when, function } => format!("# function {}: {}", when.words(), abilities(function)),
        Event::Recovered { by, version } => format!("# the module is back, by {by}: it runs {version}"),
        Event::GivenUp { cause } => format!("# no further case is begun: {cause}"),
        Event::Identity { model, version, imei } => {
            let imei = imei.as_ref().map_or("unknown", |imei| imei.as_str());
            format!("# {model}, version {version}, IMEI {imei}")
        }
        Event::Calibrated {
            package, timeline, ..
        } => {
            format!(
                "# calibrated: {} moments of an update by {package}",
                timeline.marks().len()
            )
        }
        Event::Tallied(tallied) if tallied.run.is_none() => {
            let counts = if tallied.counts {
                "counts"
            } else {
                "does not count for a claim"
            };
            format!("# tallied: {} ({}), {counts}", tallied.cut, tallied.bin)
        }
        Event::TryEnded(tried) => format!(
            "# try {}: {}; {}",
            tried.number,
            verdict_line(&tried.verdict),
            tried.again
        ),
        Event::CaseEnded(end) => format!("# {}", verdict_line(&end.verdict)),
        Event::RunStarted(_)
        | Event::Tallied(_)
        | Event::Trend(_)
        | Event::Bisected(_)
        | Event::CasePlanned { .. }
        | Event::CaseStarted { .. }
        | Event::RigChecked { .. }
        | Event::RunEnded { .. } => return None,
    })
}

fn abilities(function: &Function) -> String {
    let yes = |value: Option<bool>| match value {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not taken",
    };
    let Function {
        sim,
        cfun,
        registered,
        ip,
        ..
    } = function;
    format!(
        "SIM ready {}, full functionality {}, registered {}, address {}",
        yes(*sim),
        yes(*cfun),
        yes(*registered),
        yes(*ip)
    )
}

fn verdict_line(verdict: &Verdict) -> String {
    match verdict.finding() {
        Some(finding) => format!("{}: {}: {}", word(verdict), finding.rule, finding.sentence),
        None => word(verdict).to_owned(),
    }
}

fn edge(line: Line, active: bool) -> String {
    let (on, off) = match line {
        Line::Power => ("on", "off"),
        Line::Reset => ("asserted", "released"),
        Line::Pwrkey => ("pressed", "released"),
    };
    format!("{} {}", line.name(), if active { on } else { off })
}

fn request_line(request: &dfota_core::event::Request) -> String {
    let status = request
        .status
        .map_or("no answer".into(), |status| status.to_string());
    let range = request
        .range
        .as_ref()
        .map_or(String::new(), |range| format!(", range {range}"));
    let fault = request
        .fault
        .as_ref()
        .map_or(String::new(), |fault| format!(", fault: {fault}"));
    let stranger = if request.ours { "" } else { ", a stranger's" };
    let (first, sent, wanted) = (request.first, request.sent, request.wanted);
    format!(
        "@ {} {} from {}: {status}{range}, {sent} of {wanted} bytes from {first}{fault}{stranger}",
        request.server, request.method, request.peer
    )
}
