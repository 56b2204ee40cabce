//! The output of a run while it goes on: one line for each case on standard output, with the reason below where it did not pass; on a
//! terminal, progress on standard error.
//!
//! It observes the journal: it sees a record after it was written, and knows nothing else.

pub mod case_text;
pub mod fleet_console;
mod link;
pub mod progress;
pub mod time_estimate;

use crate::terminal::paint::Paint;
use case_text::{CaseWriter, ConsoleStyle, EndedCase, not_passed, sentence};
use dfota_core::event::{CaseEnded, Event, Line, Record, RunStarted, TryEnded};
use dfota_core::exit_code::ExitCode;
use dfota_core::outcome::Outcome;
use dfota_core::rig_check::CheckOutcome;
use dfota_core::update::Phase;
use dfota_core::urc::{Fota, Urc};
use dfota_core::verdict::{Rule, Verdict};
use dfota_record::count::count_of;
use dfota_record::journal::Observer;
use dfota_record::journal::mask;
use dfota_record::report::{Run, campaigns, transcript};
pub use link::{page, signed};
use progress::ProgressLine;
use std::collections::HashMap;
use std::fmt::Write;
use std::io::Write as _;
use std::time::Duration;
use time_estimate::{CaseEnding, CaseKey, ExpectedTime};

/// Ids of cases that are named for each rule in the summary; the rest is counted.
const NAMED: usize = 5;

/// The rig that speaks, in a run on several.
#[derive(Debug, Clone)]
struct SpeakingRig {
    name: String,
    /// The folder of its batch.
    part: String,
}

#[derive(Debug)]
pub struct Console {
    style: ConsoleStyle,
    progress: ProgressLine,
    writer: CaseWriter,
    verbose: bool,
    /// The run folder, and whether what identifies the module has to be left out.
    out: String,
    masked: bool,
    /// File names of the transcripts of the cases that have not begun, and the present case's.
    transcripts: HashMap<CaseKey, String>,
    transcript: String,
    /// How each case ended.
    ended: HashMap<CaseKey, Verdict>,
    /// A try of the present case ended with an error.
    erred: bool,
    /// The rig that speaks, in a run on several.
    rig: Option<SpeakingRig>,
}

impl Console {
    /// For the terminal this program runs in; `planned` is the real time that each case is likely to take, and no case begins
    /// after `limit`.
    pub fn new(
        paint: Paint,
        verbose: bool,
        planned: HashMap<CaseKey, ExpectedTime>,
        limit: Option<Duration>,
    ) -> Self {
        let style = ConsoleStyle::new(paint);
        let progress = ProgressLine::new(planned);
        progress.estimate(|estimate| estimate.limit(limit));
        Self {
            style,
            progress,
            writer: CaseWriter::new(style),
            verbose,
            out: String::new(),
            masked: false,
            transcripts: HashMap::new(),
            transcript: String::new(),
            ended: HashMap::new(),
            erred: false,
            rig: None,
        }
    }

    fn say(&self, lines: &str) {
        let lines = if self.masked {
            mask::text(lines)
        } else {
            lines.into()
        };
        // A closed pipe must not leave a rig unsafe.
        self.progress
            .aside(|| drop(std::io::stdout().write_all(lines.as_bytes())));
    }

    /// Says something beside the cases.
    fn remark(&self, word: &str, text: &str) {
        self.say(&self.style.headed(word, text));
    }

    fn begin(&mut self, started: &RunStarted) {
        self.out.clone_from(&started.out);
        self.masked = started.masked;
        let simulated = if started.rig.simulated {
            format!(" (SIMULATED, speed {})", started.rig.speed)
        } else {
            String::new()
        };
        let suites: Vec<&str> = started.suites.iter().map(|suite| suite.name.as_str()).collect();
        let rig = &started.rig.file.name;
        let rigs = if started.rigs.len() > 1 { "rigs" } else { "rig" };
        let text = format!(
            "{} on {rigs} {rig}{simulated}, seed {}",
            suites.join(", "),
            started.seed
        );
        self.remark("Starting", &text);
    }

    /// A case of the plan, or one that a search or a soak adds to it.
    fn planned(&mut self, case: &dfota_core::case::Case, skip: Option<&String>) {
        let Some(reason) = skip else {
            let name = CaseKey::new(&case.suite, &case.id);
            self.progress.estimate(|estimate| estimate.plan(&name));
            self.transcripts.insert(name, transcript::name(case));
            return;
        };
        let skipped = EndedCase {
            verdict: &Verdict::Skip {
                reason: String::new(),
            },
            took_ns: 0,
            suite: &case.suite,
            id: &case.id,
            summary: reason,
            outcome: None,
            evidence: &[],
            part: "",
            rerun: "",
            transcript: "",
        };
        self.say(&self.style.line(&skipped));
    }

    fn tried(&mut self, tried: &TryEnded) {
        self.erred |= matches!(tried.verdict, Verdict::Error(_));
        let word = tried.verdict.name().to_uppercase();
        let rule = tried.verdict.finding().map_or("", |finding| finding.rule.id());
        let TryEnded {
            number,
            suite,
            id,
            again,
            ..
        } = tried;
        let text = format!("{number} of {suite} {id}: {word} {rule}; {again}");
        self.remark("try", &text);
    }

    /// A case has ended, or a later one has changed its verdict.
    fn ended(&mut self, end: &CaseEnded) {
        let name = CaseKey::new(&end.suite, &end.id);
        let before = self.ended.insert(name, end.verdict.clone());
        let summary = self.summary(end, before.is_none());
        let file = match &before {
            Some(_) => String::new(),
            None => std::mem::take(&mut self.transcript),
        };
        let transcript = case_text::path(&self.out, &file);
        let part = self.rig.as_ref().map_or(String::new(), |rig| rig.part.clone());
        let case = EndedCase {
            verdict: &end.verdict,
            took_ns: end.took_ns,
            suite: &end.suite,
            id: &end.id,
            summary: &summary,
            outcome: end.outcome,
            evidence: &end.evidence,
            part: &part,
            rerun: &end.rerun,
            transcript: if file.is_empty() { "" } else { &transcript },
        };
        match before {
            None => {
                let took = Duration::from_nanos(end.took_ns);
                self.progress.end(result(&end.verdict), took);
                let text = self.writer.write(&case);
                self.say(&text);
            }
            Some(before) => self.revised(&before, &case),
        }
    }

    /// A case that was shown before has another verdict, or another outcome.
    fn revised(&mut self, before: &Verdict, case: &EndedCase<'_>) {
        let results = [before, case.verdict].map(result);
        self.progress
            .estimate(|estimate| estimate.revise(results[0], results[1]));
        let counted = self.writer.counted();
        self.say(&counted);
        let [was, is] = [before, case.verdict].map(|verdict| verdict.name().to_uppercase());
        let EndedCase {
            suite, id, summary, ..
        } = case;
        self.remark("revised", &format!("{suite} {id}: was {was}, is {is}  {summary}"));
        if before.finding() != case.verdict.finding() {
            self.say(&self.style.why(case));
        }
    }

    /// The text beside the verdict.
    fn summary(&mut self, end: &CaseEnded, first: bool) -> String {
        let mut summary = match &end.verdict {
            Verdict::Skip { reason } => reason.clone(),
            _ => end.summary.clone(),
        };
        let erred = first && std::mem::take(&mut self.erred);
        if end.tries > 1 {
            let flaky = if erred && end.verdict == Verdict::Pass {
                "flaky, "
            } else {
                ""
            };
            let _ = write!(summary, " · {flaky}try {}", end.tries);
        }
        if let Some(SpeakingRig { name, .. }) = &self.rig {
            let _ = write!(summary, " · on {name}");
        }
        summary
    }

    fn heard(&mut self, text: &str) {
        let phase = match Urc::parse(text.as_bytes()) {
            Some(Urc::Fota(Fota::Updating { percent, .. })) => Phase::Updating { percent },
            Some(Urc::Fota(Fota::Downloading(percent))) => Phase::Downloading {
                percent: Some(percent),
            },
            _ => return,
        };
        self.progress.doing(&phase.to_string());
    }
}

impl Console {
    /// Shows a record of one of several rigs: its cases, and what the rig needs. What the run is, its parent says.
    fn on_rig(&mut self, record: &Record) {
        match &record.event {
            Event::RunStarted(_) | Event::CasePlanned { .. } | Event::RunEnded { .. } => {}
            Event::Line { .. } | Event::Rx { .. } => {}
            Event::Note { text } => self.remark("note", &self.on_its_rig(text)),
            Event::GivenUp { cause } => {
                self.remark(
                    "note",
                    &self.on_its_rig(&format!("no further case is begun: {cause}")),
                );
            }
            _ => self.on(record),
        }
    }

    fn on_its_rig(&self, text: &str) -> String {
        let rig = self.rig.as_ref().map_or("", |rig| &rig.name);
        format!("rig {rig}: {text}")
    }
}

impl Observer for Console {
    fn on(&mut self, record: &Record) {
        match &record.event {
            Event::RunStarted(started) => self.begin(started),
            Event::CasePlanned { case, skip } => self.planned(case, skip.as_ref()),
            Event::CaseStarted { id, suite } => {
                let name = CaseKey::new(suite, id);
                self.transcript = self.transcripts.remove(&name).unwrap_or_default();
                self.progress.begin(&name);
            }
            Event::Step { text } => {
                self.progress.doing(text);
                if self.verbose {
                    self.remark("", text);
                }
            }
            Event::Line {
                line: Line::Power,
                active,
                ..
            } => self.progress.power(*active),
            Event::Rx { text, .. } => self.heard(text),
            Event::TryEnded(tried) => self.tried(tried),
            Event::CaseEnded(end) => self.ended(end),
            Event::Recovered { by, version } => {
                self.remark("note", &format!("the module is back, by {by}: it runs {version}"));
            }
            Event::GivenUp { cause } => self.remark("note", &format!("no further case is begun: {cause}")),
            Event::RigChecked { checks, .. } => {
                for check in checks
                    .iter()
                    .filter(|check| self.verbose || check.outcome == CheckOutcome::Fail)
                {
                    self.remark("check", &check.to_string());
                }
            }
            Event::Note { text } => self.remark("note", text),
            Event::RunEnded { .. } => {
                let counted = self.writer.counted();
                self.say(&counted);
                self.progress.finish();
            }
            _ => {}
        }
    }
}

fn result(verdict: &Verdict) -> CaseEnding {
    match verdict {
        Verdict::Pass | Verdict::Skip { .. } => CaseEnding::Good,
        Verdict::Fail(_) => CaseEnding::Failed,
        Verdict::Error(_) | Verdict::Inconclusive(_) | Verdict::NotReached => CaseEnding::Undecided,
    }
}

/// Every case that did not pass, and the end of a run: for a reader who has not seen it run.
pub fn whole(run: &Run<'_>, paint: Paint) -> String {
    not_passed(&run.started.out, &run.cases, ConsoleStyle::new(paint)) + &summary(run, paint)
}

/// The end of a run: counts, what did not pass by rule, and what all of it says. The cases themselves were shown before.
pub fn summary(run: &Run<'_>, paint: Paint) -> String {
    let style = ConsoleStyle::new(paint);
    let took = Duration::from_nanos(run.took_ns).as_secs_f64();
    let cases = count_of(run.cases.len(), "case");
    let counts = format!("[{took:>8.3}s] {cases}: {}", counts(run));
    let mut text = "------------\n".to_owned() + &style.headed("Summary", &counts);
    for line in by_rule(run) {
        text += &style.below(&line);
    }
    if run.started.rig.simulated {
        text += &style.below("the module was SIMULATED: this says nothing about a real one");
    }
    if let Some(bisected) = run.bisected {
        for (n, probed) in bisected.probes.iter().enumerate() {
            text += &style.headed(&format!("Probe {}", n + 1), &probed.to_string());
        }
        text += &style.headed("Bisect", &bisected.to_string());
    }
    if let Some(line) = campaigns::repeats(run) {
        text += &style.headed("Cut", &line);
    }
    let campaigns = campaigns::reports(run);
    for campaign in &campaigns {
        for (n, line) in campaign.lines().into_iter().enumerate() {
            text += &style.headed(if n == 0 { "Campaign" } else { "" }, &line);
        }
    }
    if !campaigns.is_empty() {
        text += &style.below(campaigns::BRICK);
    }
    if run.bricks() > 0 {
        text += &style.below(&format!("bricks: {}; {}", run.bricks(), Outcome::BRICK));
    }
    let not_reached = run.count(|verdict| *verdict == Verdict::NotReached) > 0;
    if let Some(cause) = run.why_not_reached().filter(|_| not_reached) {
        text += &style.below(&format!("not reached: {cause}"));
    }
    for line in rigs_at_fault(run) {
        text += &style.below(&line);
    }
    for case in run.cases.iter().filter(|case| case.is_flaky()) {
        for tried in &case.earlier {
            let finding = tried.verdict.finding().map_or(String::new(), sentence);
            let (number, word) = (tried.number, tried.verdict.name());
            let case = format!("{} {}", case.case.suite, case.case.id);
            text += &style.headed("flaky", &format!("{case}: try {number} was {word}, {finding}"));
        }
    }
    text
}

/// Of a run on several rigs that is an error: the rigs that may be why.
fn rigs_at_fault(run: &Run<'_>) -> Vec<String> {
    if run.exit() != Some(ExitCode::Error.code()) {
        return Vec::new();
    }
    let out = run
        .fleet
        .rigs
        .iter()
        .filter_map(|rig| Some((rig.name(), rig.out?)));
    let out = out.map(|(rig, why)| format!("rig {rig} got no further batch: {why}"));
    let is_unsafe = run.fleet.is_fleet() && run.ended.is_some_and(|ended| !ended.safe);
    let left =
        is_unsafe.then(|| "a rig could not be made safe: look at it, then `dfota-hil check RIG`".to_owned());
    out.chain(left).collect()
}

/// `6 passed (1 flaky), 1 failed, 2 errors`
fn counts(run: &Run<'_>) -> String {
    let count = |name: &str| run.count(|verdict| verdict.name() == name);
    let mut text = format!("{} passed", count("pass"));
    if run.flaky() > 0 {
        let _ = write!(text, " ({} flaky)", run.flaky());
    }
    let errors = if count("error") == 1 { "error" } else { "errors" };
    for (verdict, word) in [
        ("fail", "failed"),
        ("error", errors),
        ("inconclusive", "inconclusive"),
        ("skip", "skipped"),
        ("not-reached", "not reached"),
    ] {
        match count(verdict) {
            0 => {}
            count => drop(write!(text, ", {count} {word}")),
        }
    }
    text
}

/// What did not pass, a line for each rule: `18 × unresponsive: A, B, C, D, E and 13 more`.
fn by_rule(run: &Run<'_>) -> Vec<String> {
    let several = run.started.suites.len() > 1;
    let mut rules: Vec<(Rule, Vec<String>)> = Vec::new();
    for case in &run.cases {
        let Some(finding) = case.verdict.finding() else {
            continue;
        };
        let id = if several {
            format!("{}::{}", case.case.suite, case.case.id)
        } else {
            case.case.id.clone()
        };
        match rules.iter_mut().find(|(rule, _)| *rule == finding.rule) {
            Some((_, ids)) => ids.push(id),
            None => rules.push((finding.rule, vec![id])),
        }
    }
    let line = |(rule, ids): (Rule, Vec<String>)| {
        let named = ids[..ids.len().min(NAMED)].join(", ");
        let times = if ids.len() > 1 {
            format!("{} × ", ids.len())
        } else {
            String::new()
        };
        let more = match ids.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{times}{rule}: {named}{more}")
    };
    rules.into_iter().map(line).collect()
}
