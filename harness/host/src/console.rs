//! What a run shows while it runs: a line a case on standard output; on a terminal, progress on standard error.
//!
//! It is an observer of the journal: it sees a record after it was written, and knows nothing else.

use crate::journal::Observer;
use crate::paint::{Colour, Paint};
use crate::report::{Run, campaigns, word};
use dfota_core::event::{Event, Line, Record};
use dfota_core::outcome::Outcome;
use dfota_core::rig_check::CheckOutcome;
use dfota_core::update::Phase;
use dfota_core::urc::{Fota, Urc};
use dfota_core::verdict::Verdict;
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write;
use std::io::{IsTerminal, Write as _};
use std::time::Duration;

/// The observer.
#[derive(Debug)]
pub struct Console {
    paint: Paint,
    bar: Option<ProgressBar>,
    verbose: bool,
    cases: usize,
    done: usize,
    case: String,
    doing: String,
    power: bool,
    /// A try of the present case ended with an error.
    erred: bool,
}

impl Console {
    /// For the terminal this program runs in.
    pub fn new(paint: Paint, verbose: bool) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(
                ProgressStyle::with_template("{spinner} [{elapsed_precise}] {wide_msg}")
                    .unwrap_or(ProgressStyle::default_spinner()),
            );
            bar
        });
        let (case, doing) = (String::new(), String::new());
        Self {
            paint,
            bar,
            verbose,
            cases: 0,
            done: 0,
            case,
            doing,
            power: false,
            erred: false,
        }
    }

    fn say(&self, line: &str) {
        let say = || {
            // A closed pipe is no reason to leave a rig unsafe.
            let _ = writeln!(std::io::stdout(), "{line}");
        };
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    fn progress(&self) {
        if let Some(bar) = self.bar.as_ref().filter(|_| !self.case.is_empty()) {
            let power = if self.power { "power on" } else { "power off" };
            bar.set_message(format!(
                "{}/{} {} · {} · {power}",
                self.done + 1,
                self.cases,
                self.case,
                self.doing
            ));
            bar.tick();
        }
    }

    fn begin(&self, started: &dfota_core::event::RunStarted) {
        let simulated = if started.rig.simulated {
            format!(" (SIMULATED, speed {})", started.rig.speed)
        } else {
            String::new()
        };
        let suites: Vec<&str> = started.suites.iter().map(|suite| suite.name.as_str()).collect();
        self.say(&format!(
            "    Starting {} on rig {}{simulated}, seed {}",
            suites.join(", "),
            started.rig.file.name,
            started.seed
        ));
    }
}

impl Observer for Console {
    fn on(&mut self, record: &Record) {
        match &record.event {
            Event::RunStarted(started) => self.begin(started),
            Event::CasePlanned { case, skip } => {
                self.cases += 1;
                if let Some(reason) = skip {
                    self.done += 1;
                    let verdict = Verdict::Skip {
                        reason: reason.clone(),
                    };
                    self.say(&line(self.paint, &verdict, 0, &case.suite, &case.id, reason));
                }
            }
            Event::CaseStarted { id, .. } => {
                self.case.clone_from(id);
                self.doing = "preparing".into();
            }
            Event::Step { text } => {
                self.doing.clone_from(text);
                if self.verbose {
                    self.say(&format!("             {text}"));
                }
            }
            Event::Line {
                line: Line::Power,
                active,
                ..
            } => self.power = *active,
            Event::Rx { text, .. } => match Urc::parse(text.as_bytes()) {
                Some(Urc::Fota(Fota::Updating { percent, .. })) => {
                    self.doing = Phase::Updating { percent }.to_string()
                }
                Some(Urc::Fota(Fota::Downloading(percent))) => {
                    self.doing = Phase::Downloading {
                        percent: Some(percent),
                    }
                    .to_string();
                }
                _ => return,
            },
            Event::TryEnded(tried) => {
                self.erred |= matches!(tried.verdict, Verdict::Error(_));
                let word = word(&tried.verdict).to_uppercase();
                let rule = tried.verdict.finding().map(|finding| finding.rule.id());
                self.say(&format!(
                    "         try {} of {} {}: {word} {}; {}",
                    tried.number,
                    tried.suite,
                    tried.id,
                    rule.unwrap_or_default(),
                    tried.again
                ));
            }
            Event::CaseEnded(end) => {
                self.done += 1;
                let mut story = match &end.verdict {
                    Verdict::Skip { reason } => reason.clone(),
                    _ => end.story.clone(),
                };
                let erred = std::mem::take(&mut self.erred);
                if end.tries > 1 {
                    let flaky = if erred && end.verdict == Verdict::Pass {
                        "flaky, "
                    } else {
                        ""
                    };
                    let _ = write!(story, " · {flaky}try {}", end.tries);
                }
                self.say(&line(
                    self.paint,
                    &end.verdict,
                    end.took_ns,
                    &end.suite,
                    &end.id,
                    &story,
                ));
            }
            Event::Recovered { by, version } => {
                self.say(&format!(
                    "        note the module is back, by {by}: it runs {version}"
                ));
            }
            Event::GivenUp { cause } => self.say(&format!("        note no further case is begun: {cause}")),
            Event::RigChecked { checks, .. } => {
                for check in checks
                    .iter()
                    .filter(|check| self.verbose || check.outcome == CheckOutcome::Fail)
                {
                    self.say(&format!("       check {check}"));
                }
            }
            Event::Note { text } => self.say(&format!("        note {text}")),
            Event::RunEnded { .. } => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
                return;
            }
            _ => return,
        }
        self.progress();
    }
}

/// One case in one line.
fn line(paint: Paint, verdict: &Verdict, took_ns: u64, suite: &str, id: &str, story: &str) -> String {
    let took = Duration::from_nanos(took_ns).as_secs_f64();
    let shown = paint.colour(colour(verdict), &format!("{:>12}", word(verdict).to_uppercase()));
    let mut line = format!(
        "{shown} [{took:>8.3}s] {suite} {}",
        paint.colour(Colour::Bold, id)
    );
    if !story.is_empty() {
        let _ = write!(line, "  {story}");
    }
    line
}

fn colour(verdict: &Verdict) -> Colour {
    match verdict {
        Verdict::Pass => Colour::Green,
        Verdict::Fail(_) => Colour::Red,
        Verdict::Error(_) | Verdict::Inconclusive(_) => Colour::Yellow,
        Verdict::Skip { .. } | Verdict::NotReached => Colour::Dim,
    }
}

/// The end of a run: counts, and every case that is neither passed nor skipped once more.
pub fn summary(run: &Run<'_>, paint: Paint) -> String {
    let mut text = String::from("------------\n");
    let count = |name: &str| run.count(|verdict| word(verdict) == name);
    let mut counts = vec![format!("{} passed", count("pass"))];
    let others = [
        ("fail", "failed"),
        ("error", "errors"),
        ("inconclusive", "inconclusive"),
        ("skip", "skipped"),
        ("not-reached", "not reached"),
    ];
    for (name, shown) in others {
        if count(name) > 0 {
            counts.push(format!("{} {shown}", count(name)));
        }
    }
    if run.flaky() > 0 {
        counts[0].push_str(&format!(" ({} flaky)", run.flaky()));
    }
    let took = Duration::from_nanos(run.took_ns).as_secs_f64();
    let _ = writeln!(
        text,
        "     Summary [{took:>8.3}s] {}: {}",
        cases(run.cases.len()),
        counts.join(", ")
    );
    if run.started.rig.simulated {
        let _ = writeln!(
            text,
            "             the module was SIMULATED: this says nothing about a real one"
        );
    }
    if let Some(bisected) = run.bisected {
        for (n, probed) in bisected.probes.iter().enumerate() {
            let _ = writeln!(text, "{:>12} {probed}", format!("Probe {}", n + 1));
        }
        let _ = writeln!(text, "      Bisect {bisected}");
    }
    if let Some(line) = campaigns::repeats(run) {
        let _ = writeln!(text, "         Cut {line}");
    }
    let campaigns = campaigns::of(run);
    for campaign in &campaigns {
        for (n, line) in campaign.lines().into_iter().enumerate() {
            let head = if n == 0 { "    Campaign" } else { "" };
            let _ = writeln!(text, "{head:12} {line}");
        }
    }
    if !campaigns.is_empty() {
        let _ = writeln!(text, "             {}", campaigns::BRICK);
    }
    let _ = writeln!(text, "             {}/{}", run.started.out, crate::report::JUNIT);
    if run.bricks() > 0 {
        let _ = writeln!(text, "             bricks: {}; {}", run.bricks(), Outcome::BRICK);
    }
    if let Some(cause) = run.given_up.filter(|_| count("not-reached") > 0) {
        let _ = writeln!(text, "             not reached: {cause}");
    }
    for case in run.cases.iter().filter(|case| case.is_flaky()) {
        for tried in &case.earlier {
            let finding = tried.verdict.finding();
            let finding = finding.map_or(String::new(), |finding| {
                format!("{}: {}", finding.rule, finding.sentence)
            });
            let _ = writeln!(
                text,
                "       flaky {} {}: try {} was {}, {finding}",
                case.case.suite,
                case.case.id,
                tried.number,
                word(&tried.verdict)
            );
        }
    }
    for case in &run.cases {
        let Some(finding) = case.verdict.finding() else {
            continue;
        };
        text.push_str(&line(
            paint,
            &case.verdict,
            case.took_ns,
            &case.case.suite,
            &case.case.id,
            "",
        ));
        let _ = writeln!(text, "\n             {}: {}", finding.rule, finding.sentence);
        let class = finding.rule.class();
        let outcome = case.outcome.map_or("not asked", Outcome::words);
        let _ = writeln!(text, "             class: {class}; the module: {outcome}");
        if !case.evidence.is_empty() {
            let _ = writeln!(text, "             evidence: {}", case.evidence_lines());
        }
        if !case.rerun.is_empty() {
            let _ = writeln!(text, "             rerun: {}", case.rerun);
        }
        if !case.records.is_empty() {
            let name = crate::report::transcript::name(case.case);
            let _ = writeln!(
                text,
                "             transcript: {}/{}/{name}",
                run.started.out,
                crate::report::TRANSCRIPTS
            );
        }
    }
    text
}

/// How many cases, in words.
pub fn cases(count: usize) -> String {
    if count == 1 {
        "1 case".into()
    } else {
        format!("{count} cases")
    }
}
