//! Transcripts: both directions of the UART with times, the lines' edges in between, for reading.

use super::CaseRun;
use dfota_core::capabilities::{Capabilities, SimNumber};
use dfota_core::case::Case;
use dfota_core::event::watched::{Gap, Watched};
use dfota_core::event::{CutMade, Event, Line, Measured, Record};
use dfota_core::verdict::Verdict;
use std::fmt::{self, Write};
use std::ops::Range;

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
    if let Some(rig) = case.rig {
        let _ = writeln!(text, "# on the rig {rig}: seconds since it began its batch");
    }
    for record in case.records {
        let before = text.len();
        match timed(record, &mut text) {
            Some(()) => text.push('\n'),
            None => text.truncate(before),
        }
    }
    text
}

/// Heads what [`lines_about`] gives.
pub const ABOUT: &str = "The lines about it";

/// Lines that are quoted before and behind one that matters.
const AROUND: usize = 6;

/// What a failure quotes of its transcript: the lines about the last cut and about the one on which the rule fired, the last
/// ones where there is neither. `…` stands for lines in between.
pub fn lines_about(case: &CaseRun<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut behind = None;
    for range in around(case.records, case.evidence, AROUND) {
        if behind.is_some_and(|behind| case.records[behind..range.start].iter().any(is_told)) {
            lines.push("…".to_owned());
        }
        for record in case.records[range.clone()]
            .iter()
            .filter(|record| is_told(record))
        {
            let mut line = String::new();
            lines.extend(timed(record, &mut line).map(|()| line));
        }
        behind = Some(range.end);
    }
    lines
}

/// Places of the records that [`lines_about`] has to have.
pub fn needed(records: &[Record], evidence: &[u64]) -> impl Iterator<Item = usize> {
    // One line more on each side tells whether others are left out.
    around(records, evidence, AROUND + 1).into_iter().flatten()
}

/// The records around those that matter, so many lines to each side.
fn around(records: &[Record], evidence: &[u64], lines: usize) -> Vec<Range<usize>> {
    let is_cut = |record: &Record| matches!(record.event, Event::CutMade(_) | Event::CutMissed { .. });
    let cut = records.iter().rposition(is_cut);
    let places = evidence
        .iter()
        .filter_map(|seq| records.binary_search_by_key(seq, |record| record.seq).ok());
    let fired = places.max();
    let mut matter: Vec<usize> = cut.into_iter().chain(fired).collect();
    matter.sort_unstable();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for at in matter {
        let range = before(records, at, lines)..behind(records, at + 1, lines);
        match ranges.last_mut() {
            Some(last) if range.start <= last.end => last.end = range.end,
            _ => ranges.push(range),
        }
    }
    if ranges.is_empty() {
        ranges.push(before(records, records.len(), 2 * lines)..records.len());
    }
    ranges
}

/// Where so many lines before a place begin.
fn before(records: &[Record], at: usize, lines: usize) -> usize {
    let told = records[..at].iter().enumerate().rev();
    let told = told.filter(|(_, record)| is_told(record)).map(|(n, _)| n);
    told.take(lines).last().unwrap_or(at)
}

/// Where so many lines from a place on end.
fn behind(records: &[Record], at: usize, lines: usize) -> usize {
    let told = records[at..].iter().enumerate();
    let told = told
        .filter(|(_, record)| is_told(record))
        .map(|(n, _)| at + n + 1);
    told.take(lines).last().unwrap_or(at)
}

/// Whether a transcript shows it, but for the verdict at its end.
fn is_told(record: &Record) -> bool {
    !matches!(record.event, Event::CaseEnded(_)) && shown(record).is_some()
}

/// One record with its times, behind `text`; `None` for those that belong elsewhere.
fn timed(record: &Record, text: &mut String) -> Option<()> {
    seconds(record.mono_ns, 6, text);
    text.push(' ');
    seconds(record.module_ns, 3, text);
    text.push(' ');
    tell(record, text)
}

/// Nanoseconds as seconds, rounded to so many decimals. Without floating point, of which a night has millions to format.
fn seconds(ns: u64, decimals: u32, text: &mut String) {
    let (unit, second) = (10_u64.pow(9 - decimals), 10_u64.pow(decimals));
    let rounded = ns.saturating_add(unit / 2) / unit;
    let decimals = decimals as usize;
    let _ = write!(
        text,
        "{:>1$}.{2:0>decimals$}",
        rounded / second,
        11 - decimals,
        rounded % second
    );
}

/// One record in a transcript; `None` for those that belong elsewhere.
pub fn shown(record: &Record) -> Option<String> {
    let mut text = String::new();
    tell(record, &mut text).map(|()| text)
}

/// The same, behind `to`.
fn tell(record: &Record, to: &mut String) -> Option<()> {
    let told = match &record.event {
        Event::Rx { text, partial: false } => write!(to, "< {text}"),
        Event::Rx { text, partial: true } => write!(to, "< {text} (the line never ended)"),
        Event::Prompt => to.write_str("< >"),
        Event::Tx { text } => write!(to, "> {text}"),
        Event::TxData { bytes, sha256 } => write!(to, "> {bytes} bytes, SHA-256 {}…", sha256.get(..16)?),
        Event::Line { line, active, .. } => write!(to, "! {}", edge(*line, *active)),
        Event::CutArmed { cut } => write!(to, "# cut armed: {cut}"),
        Event::CutMade(made) => tell_cut(made, to),
        Event::CutMissed { cut } => write!(to, "# cut missed: {cut}"),
        Event::Request(request) => to.write_str(&request_line(request)),
        Event::Lwm2m { text, .. } => write!(to, "@ lwm2m {text}"),
        Event::Step { text } | Event::Note { text } => write!(to, "# {text}"),
        Event::Watched(watched) => return tell_watched(watched, to),
        Event::Gap(gap) => tell_gap(gap, to),
        Event::Halted(halted) => write!(to, "# stopped: {}: {}", halted.rule, halted.sentence),
        Event::Measured(measured) => tell_measured(measured, to),
        Event::Capabilities { when, capabilities } => {
            write!(to, "# function {}: {}", when.words(), abilities(capabilities))
        }
        Event::Recovered { by, version } => write!(to, "# the module is back, by {by}: it runs {version}"),
        Event::GivenUp { cause } => write!(to, "# no further case is begun: {cause}"),
        Event::Identity { model, version, imei } => {
            let imei = imei.as_ref().map_or("unknown", |imei| imei.as_str());
            write!(to, "# {model}, version {version}, IMEI {imei}")
        }
        Event::Calibrated {
            package, timeline, ..
        } => {
            write!(
                to,
                "# calibrated: {} moments of an update by {package}",
                timeline.moments().len()
            )
        }
        Event::Tallied(tallied) if tallied.run.is_none() => {
            let counts = ["does not count for a claim", "counts"][usize::from(tallied.counts)];
            write!(to, "# tallied: {} ({}), {counts}", tallied.cut_id(), tallied.bin)
        }
        Event::TryEnded(tried) => write!(
            to,
            "# try {}: {}; {}",
            tried.number,
            verdict_line(&tried.verdict),
            tried.again
        ),
        Event::CaseEnded(end) => write!(to, "# {}", verdict_line(&end.verdict)),
        Event::RunStarted(_)
        | Event::Attempt(_)
        | Event::Tallied(_)
        | Event::ModulesHidden { .. }
        | Event::Trend(_)
        | Event::Bisected(_)
        | Event::CasePlanned { .. }
        | Event::CaseStarted { .. }
        | Event::RigChecked { .. }
        | Event::Fleet(_)
        | Event::RunEnded { .. } => return None,
    };
    told.ok()
}

fn tell_cut(made: &CutMade, to: &mut String) -> fmt::Result {
    let us = |ns: u64| ns as f64 / 1e3;
    let (commanded, done) = (us(made.commanded_late_ns()), us(made.done_late_ns()));
    let confirmed = made.confirmed.map_or(String::new(), |seen| {
        format!(
            ", confirmed by the sense line after {:.1} µs (up to {:.1} µs earlier)",
            us(seen.at_ns.saturating_sub(made.due_ns)),
            us(seen.within_ns)
        )
    });
    write!(
        to,
        "# cut made: {}, landed at {}; commanded {commanded:.1} µs after it was due, done after {done:.1} µs{confirmed}",
        made.cut, made.landed
    )
}

fn tell_measured(measured: &Measured, to: &mut String) -> fmt::Result {
    let Measured {
        name,
        value,
        unit,
        min,
        limit,
    } = measured;
    let over = limit.filter(|limit| value > limit).map(|limit| ("over", limit));
    let under = min.filter(|min| value < min).map(|min| ("under", min));
    match over.or(under) {
        Some((how, limit)) => {
            write!(to, "# {name}: {value} {unit}, {how} its limit of {limit} {unit}")
        }
        None => write!(to, "# {name}: {value} {unit}"),
    }
}

fn abilities(function: &Capabilities) -> String {
    let yes = |value: Option<bool>| match value {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not taken",
    };
    let told = |number: &SimNumber| match number {
        SimNumber::NotAsked => "not taken",
        SimNumber::Nothing => "not told",
        SimNumber::Is(_) => "told",
    };
    let Capabilities {
        sim,
        cfun,
        registered,
        ip,
        iccid,
        imsi,
        unanswered,
        ..
    } = function;
    let silent = match unanswered[..] {
        [] => String::new(),
        _ => format!("; no answer to {}", unanswered.join(", ")),
    };
    format!(
        "SIM ready {}, full functionality {}, registered {}, address {}, ICCID {}, IMSI {}{silent}",
        yes(*sim),
        yes(*cfun),
        yes(*registered),
        yes(*ip),
        told(iccid),
        told(imsi)
    )
}

fn verdict_line(verdict: &Verdict) -> String {
    match verdict.finding() {
        Some(finding) => format!("{}: {}: {}", verdict.name(), finding.rule, finding.sentence),
        None => verdict.name().to_owned(),
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
    let stranger = if request.ours {
        ""
    } else {
        ", not a request for our package"
    };
    let (first, sent, wanted) = (request.first, request.sent, request.wanted);
    format!(
        "@ {} {} from {}: {status}{range}, {sent} of {wanted} bytes from {first}{fault}{stranger}",
        request.server, request.method, request.peer
    )
}

/// What the harness saw of an update, where the lines around it do not say so already.
fn tell_watched(watched: &Watched, to: &mut String) -> Option<()> {
    let told = match watched {
        Watched::LimitOver { limit } => write!(to, "# the limit `{}` is over", limit.name()),
        Watched::NoAnswer { heard } => write!(to, "# no answer: {heard}"),
        Watched::Unreadable { said } => write!(to, "# its version cannot be read: `{said}`"),
        Watched::FaultMet => to.write_str("# the fault of the case was brought about"),
        Watched::Settled { watched_ns, .. } => {
            write!(
                to,
                "# watched until {} s after its boot",
                watched_ns / 1_000_000_000
            )
        }
        _ => return None,
    };
    told.ok()
}

fn tell_gap(gap: &Gap, to: &mut String) -> std::fmt::Result {
    match gap {
        Gap::PortLost { why } => write!(to, "# not heard from here on: {why}"),
        Gap::PortBack => to.write_str("# heard again: the serial port is back"),
        Gap::ReaderBehind { bytes } => write!(to, "# {bytes} bytes were waiting: some may have been dropped"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case(0, 6, "    0.000000")]
    #[case(499, 6, "    0.000000")]
    #[case(500, 6, "    0.000001")]
    #[case(1_999_999_500, 6, "    2.000000")]
    #[case(123_456_789_012, 6, "  123.456789")]
    #[case(123_456_789_012, 3, "     123.457")]
    #[case(86_400_000_000_000_000, 3, "86400000.000")]
    #[case(u64::MAX, 3, "18446744073.709")]
    fn nanoseconds_are_seconds(#[case] ns: u64, #[case] decimals: u32, #[case] shown: &str) {
        let mut text = String::new();
        super::seconds(ns, decimals, &mut text);
        assert_eq!(text, shown);
    }
}
