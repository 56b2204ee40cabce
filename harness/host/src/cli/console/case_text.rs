//! The text for a case that has ended: one line, and below it, where it did not pass, why and what to do about it. Each case has
//! its text once; of equal errors only the first is written out.

use crate::terminal::paint::{BOLD, DIM, GREEN, Paint, RED, YELLOW};
use crate::terminal::width::Width;
use anstyle::Style;
use dfota_core::outcome::Outcome;
use dfota_core::verdict::{Finding, Verdict};
use dfota_record::count::count_of;
use dfota_record::journal::places;
use dfota_record::report::{CaseRun, transcript};
use dfota_record::run_folder::TRANSCRIPTS;
use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

/// Where the text below a line begins.
const INDENT: usize = 13;

/// A case that has ended.
#[derive(Debug, Clone, Copy)]
pub struct EndedCase<'t> {
    pub verdict: &'t Verdict,
    /// Real time it took.
    pub took_ns: u64,
    pub suite: &'t str,
    pub id: &'t str,
    /// Where a cut landed and how the module came back.
    pub summary: &'t str,
    /// What became of the module, where it could be asked.
    pub outcome: Option<Outcome>,
    /// Numbers of the records that the verdict rests on.
    pub evidence: &'t [u64],
    /// The folder of the journal that these are of, in the run folder; empty where it is the run's own.
    pub part: &'t str,
    pub rerun: &'t str,
    /// Its transcript; empty where it has none.
    pub transcript: &'t str,
}

/// In which colours text is written, and how wide.
#[derive(Debug, Clone, Copy)]
pub struct ConsoleStyle {
    pub paint: Paint,
    pub width: Width,
}

impl ConsoleStyle {
    /// For standard output.
    pub fn new(paint: Paint) -> Self {
        let width = Width::of_stdout();
        Self { paint, width }
    }

    /// Text below a line, broken where it does not fit.
    pub fn below(self, text: &str) -> String {
        self.width.indented(INDENT, text) + "\n"
    }

    /// A text with a word before it, at the place of the verdicts.
    pub fn headed(self, word: &str, text: &str) -> String {
        format!("{word:>12} {}", self.below(text).trim_start_matches(' '))
    }

    /// One case in one line, or with its summary below.
    pub fn line(self, case: &EndedCase<'_>) -> String {
        let EndedCase { verdict, summary, .. } = case;
        let word = format!("{:>12}", verdict.name().to_uppercase());
        let took = Duration::from_nanos(case.took_ns).as_secs_f64();
        let rest = |id: &str| format!(" [{took:>8.3}s] {} {id}", case.suite);
        let fills = format!("{word}{}  {summary}", rest(case.id)).chars().count();
        let head = self.paint.styled(style(verdict), &word) + &rest(&self.paint.styled(BOLD, case.id));
        if summary.is_empty() {
            head + "\n"
        } else if self.width.holds(fills) {
            format!("{head}  {summary}\n")
        } else {
            format!("{head}\n{}", self.below(summary))
        }
    }

    /// Why it did not pass, what became of the module, and where to look. What is made to be copied stays whole.
    pub fn why(self, case: &EndedCase<'_>) -> String {
        let Some(finding) = case.verdict.finding() else {
            return String::new();
        };
        let mut text = self.below(&sentence(finding));
        let outcome = case.outcome.map_or("not asked", Outcome::words);
        text += &self.below(&format!("class: {}; the module: {outcome}", finding.rule.class()));
        if !case.evidence.is_empty() {
            let part = match case.part {
                "" => String::new(),
                part => format!(" in {part}"),
            };
            text += &self.below(&format!("evidence{part}: {}", places(case.evidence)));
        }
        for (what, said) in [("rerun", case.rerun), ("transcript", case.transcript)] {
            if !said.is_empty() {
                let _ = writeln!(text, "{:INDENT$}{what}: {said}", "");
            }
        }
        text
    }
}

/// A rule, and what was seen against it.
pub fn sentence(finding: &Finding) -> String {
    format!("{}: {}", finding.rule, finding.sentence)
}

fn style(verdict: &Verdict) -> Style {
    match verdict {
        Verdict::Pass => GREEN,
        Verdict::Fail(_) => RED,
        Verdict::Error(_) | Verdict::Inconclusive(_) => YELLOW,
        Verdict::Skip { .. } | Verdict::NotReached => DIM,
    }
}

/// The error of the last case.
#[derive(Debug)]
struct LastError {
    text: String,
    /// Cases that have ended with it since it was written out.
    more: usize,
}

/// Writes the texts of cases, and equal errors once.
#[derive(Debug)]
pub struct CaseWriter {
    style: ConsoleStyle,
    /// The first case of each error.
    first: HashMap<String, String>,
    last: Option<LastError>,
}

impl CaseWriter {
    pub fn new(style: ConsoleStyle) -> Self {
        Self {
            style,
            first: HashMap::new(),
            last: None,
        }
    }

    /// The text for a case; empty where it only adds to a count.
    pub fn write(&mut self, case: &EndedCase<'_>) -> String {
        let error = match case.verdict {
            Verdict::Error(finding) | Verdict::Inconclusive(finding) => Some(sentence(finding)),
            _ => None,
        };
        if let (Some(error), Some(last)) = (&error, &mut self.last)
            && *error == last.text
        {
            last.more += 1;
            return String::new();
        }
        let counted = self.counted();
        self.last = error.clone().map(|text| LastError { text, more: 0 });
        let known = error.as_ref().and_then(|error| self.first.get(error));
        let text = match (known, case.verdict.finding()) {
            (Some(first), Some(finding)) => self.style.line(&EndedCase {
                summary: &format!("{}: the same as `{first}`", finding.rule),
                ..*case
            }),
            _ => self.style.line(case) + &self.style.why(case),
        };
        if let Some(error) = error {
            self.first.entry(error).or_insert_with(|| case.id.to_owned());
        }
        counted + &text
    }

    /// How many more cases have ended with the last error.
    pub fn counted(&mut self) -> String {
        match self.last.take() {
            Some(LastError { more, .. }) if more > 0 => {
                let more = count_of(more, "more case");
                self.style.below(&format!("and {more} with the same error"))
            }
            _ => String::new(),
        }
    }
}

/// Every case of a run that neither passed nor was skipped, as the run showed it when it ended.
pub fn not_passed(out: &str, cases: &[CaseRun<'_>], style: ConsoleStyle) -> String {
    let mut writer = CaseWriter::new(style);
    let mut text = String::new();
    for case in cases.iter().filter(|case| case.verdict.finding().is_some()) {
        let transcript = match case.records {
            [] => String::new(),
            _ => path(out, &transcript::name(case.case)),
        };
        text += &writer.write(&EndedCase {
            verdict: &case.verdict,
            took_ns: case.took_ns,
            suite: &case.case.suite,
            id: &case.case.id,
            summary: case.summary,
            outcome: case.outcome,
            evidence: case.evidence,
            part: "",
            rerun: case.rerun,
            transcript: &transcript,
        });
    }
    text + &writer.counted()
}

/// Where a transcript is.
pub fn path(out: &str, name: &str) -> String {
    format!("{out}/{TRANSCRIPTS}/{name}")
}
