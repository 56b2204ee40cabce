//! A log as a page: the style and the pictures of a run's report, marked LOG.

use super::opened::Log;
use super::summary::title;
use super::summary::{LogTally, Times, facts};
use crate::report::html::drawing::{self, AxisUnit};
use crate::report::html::timeline::{
    CaseTimeline, DrawnPercent, StageChange, TimelineMark, TimelineTime, UpdateStage,
};
use crate::report::html::{self as report, plot};
use dfota_core::log::found::{LogOutcome, LogUpdate};
use dfota_core::log::place::LogPlace;
use dfota_core::log::reader::LogReader;
use dfota_core::log::steps::{LogStep, StepKind};
use dfota_core::log::summary::{NO_LOG_TELLS, headline, not_known, resets as words, steps, summary};
use maud::{Markup, html};

/// Updates that have a picture: so many of the first, and as many of those in which something is illegal.
const PICTURES: usize = 25;
/// Updates of the list.
const ROWS: usize = 1000;

/// The page, as it grows: updates are drawn as they come, and let go.
#[derive(Default)]
pub struct Page {
    drawn: Vec<Markup>,
    of_illegal: usize,
    rows: Vec<Markup>,
    updates: usize,
}

impl Page {
    pub fn take(&mut self, update: &LogUpdate) {
        self.updates += 1;
        let illegal = update.outcome() == LogOutcome::Illegal;
        let drawn = self.updates <= PICTURES || (illegal && self.of_illegal < PICTURES);
        self.of_illegal += usize::from(illegal && self.updates > PICTURES);
        if drawn {
            self.drawn.push(article(update));
        }
        if self.rows.len() < ROWS {
            self.rows.push(row(update, drawn));
        }
    }

    pub fn finish(&self, log: &Log, reader: &LogReader, tally: &LogTally) -> String {
        let name = log
            .path
            .file_name()
            .map_or("log".into(), |name| name.to_string_lossy());
        let body = html! {
            a.skip href="#main" { "To the report" }
            nav aria-label="Contents" {
                strong.simulated { "LOG" } " "
                ul {
                    @for (to, text) in [("updates", "Updates"), ("timelines", "Timelines"), ("untold", "What a log cannot tell")] {
                        li { a href=(format!("#{to}")) { (text) } }
                    }
                }
            }
            main #main {
                (head(&name, log, reader, tally))
                (self.list())
                section #timelines aria-labelledby="timelines-head" {
                    h2 #timelines-head { "Timelines" }
                    @if self.drawn.len() < self.updates {
                        p.quiet { (self.drawn.len()) " of " (self.updates) " updates: the first, and the first that are illegal." }
                    }
                    @for article in &self.drawn { (article) }
                }
                section #untold aria-labelledby="untold-head" {
                    h2 #untold-head { "What a log cannot tell" }
                    ul { @for untold in NO_LOG_TELLS { li { (untold) } } }
                }
            }
            footer { p { "Made from " code { (name) } " alone. End of the report." } }
        };
        report::page(&name, env!("CARGO_PKG_VERSION"), None, &body)
    }

    fn list(&self) -> Markup {
        html! {
            section #updates aria-labelledby="updates-head" {
                h2 #updates-head { "Updates" }
                @if self.rows.is_empty() { p { "There is no update in this log." } } @else {
                    div.scroll tabindex="0" role="region" aria-label="Updates" {
                        table {
                            thead { tr { th scope="col" { "Update" } th scope="col" { "Lines" } th scope="col" { "Seen" } th scope="col" { "What happened" } } }
                            tbody { @for row in &self.rows { (row) } }
                        }
                    }
                }
                @if self.updates > self.rows.len() { p.quiet { "And " (self.updates - self.rows.len()) " more." } }
            }
        }
    }
}

fn head(name: &str, log: &Log, reader: &LogReader, tally: &LogTally) -> Markup {
    let (class, word) = match tally {
        LogTally { illegal: 1.., .. } => ("failed", "SOMETHING ILLEGAL SEEN"),
        tally if tally.all() == 0 => ("unclear", "NO UPDATE IN IT"),
        LogTally {
            nothing_illegal: 0, ..
        } => ("unclear", "NOT KNOWN"),
        LogTally { not_known: 1.., .. } => ("unclear", "NOTHING ILLEGAL SEEN, NOT ALL KNOWN"),
        _ => ("", "NOTHING ILLEGAL SEEN"),
    };
    let how = if log.detected { "detected" } else { "as given" };
    html! {
        header {
            p.kicker { "dfota-hil judge --log" }
            h1 { (name) }
            p.simulated role="note" {
                strong { "LOG" }
                " This log was captured outside this harness: nothing here is a pass."
            }
            div.verdict.(class) { p.big { (word) } p { (tally.words()) "." } }
            dl.facts {
                dt { "Format" } dd { (log.format) " (" (how) ")" }
                @for fact in facts(reader) { dt {} dd { (fact) } }
            }
        }
    }
}

fn badge(update: &LogUpdate) -> Markup {
    let (class, sign) = match update.outcome() {
        LogOutcome::Illegal => ("fail", "✗"),
        LogOutcome::NothingIllegal => ("skip", "–"),
        LogOutcome::NotKnown => ("inconclusive", "?"),
    };
    html! { span.badge.(class) { (sign) " " (headline(update)) } }
}

fn anchor(update: &LogUpdate) -> String {
    format!("update-{}", update.number)
}

fn row(update: &LogUpdate, drawn: bool) -> Markup {
    let number = update.number;
    let anomalies = match update.notes.len() {
        1 => "1 anomaly".to_owned(),
        more => format!("{more} anomalies"),
    };
    html! {
        tr {
            th scope="row" { @if drawn { a href=(format!("#{}", anchor(update))) { (number) } } @else { (number) } }
            td.number { (update.first().line) " to " (update.last.line) }
            td { (badge(update)) }
            td {
                (summary(update))
                @if !update.notes.is_empty() { span.quiet { " (" (anomalies) ")" } }
                @for found in &update.findings { br; code { (found.rule.id()) } ": " (found.sentence) }
            }
        }
    }
}

fn article(update: &LogUpdate) -> Markup {
    let (timeline, unit) = timeline(update);
    let name = format!("update {}", update.number);
    html! {
        article.case id=(anchor(update)) {
            h3 { (badge(update)) " Update " (update.number) ", " (title(update)) }
            p.sentence { (summary(update)) }
            @for found in &update.findings {
                p { code { (found.rule.id()) } ": " (found.sentence) " (line " (found.place.line) ")" }
            }
            (drawing::draw_log(&timeline, &name, unit))
            dl.facts {
                @for note in &update.notes {
                    dt { "Anomaly" }
                    dd { (note.odd.to_string()) " (line " (note.place.line) @if note.times > 1 { ", " (note.times) " times" } ")" }
                }
                @for unknown in not_known(update) { dt { "Not known" } dd { (unknown) } }
            }
            (table(update))
        }
    }
}

fn table(update: &LogUpdate) -> Markup {
    let times = Times::new(update);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Steps" {
            table {
                thead { tr {
                    @if times.is_some() { th.number scope="col" { "Seconds" } }
                    th.number scope="col" { "Line" } th scope="col" { "LogStep" }
                } }
                tbody {
                    @for step in steps(update) {
                        tr {
                            @if let Some(times) = &times { td.number { (times.shown(step.first)) } }
                            td.number { (step.first.line) }
                            td {
                                @if step.reset { strong { (step.text) } } @else { (step.text) }
                                @if let Some(took) = times.as_ref().and_then(|times| times.took(step.first, step.last)) { ", in " (took) }
                            }
                        }
                    }
                }
            }
        }
        @if update.steps.left_out > 0 { p.quiet { "And " (update.steps.left_out) " more." } }
    }
}

/// What the picture shows: seconds, or lines where the log has no times.
fn timeline(update: &LogUpdate) -> (CaseTimeline, AxisUnit) {
    let times = Times::new(update);
    let first = update.first().line;
    let at = |place: LogPlace| TimelineTime {
        seconds: match &times {
            Some(times) => times.seconds(place),
            None => place.line.saturating_sub(first) as f64,
        },
        seq: place.line,
    };
    let mut timeline = CaseTimeline::default();
    for (step, reset) in update.steps.list().iter().zip(update.steps.resets()) {
        let begins = at(step.first);
        let seconds = begins.seconds;
        timeline.end = timeline.end.max(at(step.last).seconds);
        if let Some(reset) = reset {
            let text = words(reset);
            timeline.cuts.push(TimelineMark { at: begins, text });
            timeline.stages.push(StageChange { seconds, stage: None });
        }
        if let Some(stage) = stage(step)
            && timeline.stage() != stage
        {
            timeline.stages.push(StageChange { seconds, stage });
        }
        if let Some(text) = mark(step) {
            timeline.urcs.push(TimelineMark { at: begins, text });
        }
    }
    for point in update.steps.points.list() {
        let stage = if point.updating {
            UpdateStage::Update
        } else {
            UpdateStage::Transfer
        };
        let here = DrawnPercent {
            seconds: at(point.place).seconds,
            percent: f64::from(point.percent.min(100)),
        };
        timeline.add_percent(stage, here, !point.begins);
    }
    let unit = if times.is_some() {
        AxisUnit::Seconds
    } else {
        AxisUnit::Lines(first as f64)
    };
    (timeline, unit)
}

/// The stage that a step begins; `Some(None)` where nothing is under way any more.
fn stage(step: &LogStep) -> Option<Option<UpdateStage>> {
    Some(match step.what {
        StepKind::Upload(..) | StepKind::DownloadStart(_) | StepKind::Downloading(..) => {
            Some(UpdateStage::Transfer)
        }
        StepKind::DownloadEnd(_, code) if code.raw() != 0 => None,
        StepKind::Order(_) | StepKind::DownloadEnd(..) => Some(UpdateStage::Ordered),
        StepKind::Start | StepKind::Updating(..) => Some(UpdateStage::Update),
        StepKind::End(_) => Some(UpdateStage::Done),
        StepKind::Boot { .. } | StepKind::Ready | StepKind::Reboot | StepKind::Version(_) => return None,
    })
}

/// What has a mark in the lane of the module.
fn mark(step: &LogStep) -> Option<String> {
    Some(match &step.what {
        StepKind::End(code) => format!("END,{}", code.raw()),
        StepKind::Start => "START".into(),
        StepKind::Ready => "RDY".into(),
        StepKind::Boot { .. } => "boot ROM".into(),
        StepKind::Version(version) => format!("version {version}"),
        StepKind::DownloadStart(via) => format!("{} download starts", via.name()),
        StepKind::DownloadEnd(_, code) => format!("download ends with {}", plot::number(code.raw().into())),
        _ => return None,
    })
}
