//! How a case is told: one line, and below it, where it did not pass, why and what to do with that. Each case is told
//! once; of equal errors, the first.

use crate::terminal::paint::{Colour, Paint};
use crate::terminal::width::Width;
use dfota_core::outcome::Outcome;
use dfota_core::verdict::Verdict;
use dfota_record::count::count_of;
use dfota_record::journal::places;
use dfota_record::report::{CaseRun, transcript};
use dfota_record::run_folder::TRANSCRIPTS;
use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

/// Where the text below a line begins.
pub const INDENT: usize = 13;

/// A case that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Told<'t> {
    pub verdict: &'t Verdict,
    /// Real time it took.
    pub took_ns: u64,
    pub suite: &'t str,
    pub id: &'t str,
    /// Where a cut landed and how the module came back.
    pub story: &'t str,
    /// What became of the module, where it was asked.
    pub outcome: Option<Outcome>,
    /// Numbers of the records that the verdict rests on.
    pub evidence: &'t [u64],
    pub rerun: &'t str,
    /// Its transcript; empty where it has none.
    pub transcript: &'t str,
}

/// Where lines go: in which colours, and how wide they are.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub paint: Paint,
    pub width: Width,
}

impl Look {
    /// Text below a line, broken where it does not fit.
    pub fn below(self, text: &str) -> String {
        self.width.indented(INDENT, text) + "\n"
    }

    /// One case in one line, or with its story below.
    pub fn line(self, told: &Told<'_>) -> String {
        let Told {
            verdict,
            suite,
            id,
            story,
            ..
        } = told;
        let took = Duration::from_nanos(told.took_ns).as_secs_f64();
        let plain = format!(
            "{:>12} [{took:>8.3}s] {suite} {id}",
            verdict.name().to_uppercase()
        );
        let shown = self
            .paint
            .colour(colour(verdict), &format!("{:>12}", verdict.name().to_uppercase()));
        let id = self.paint.colour(Colour::Bold, id);
        let head = format!("{shown} [{took:>8.3}s] {suite} {id}");
        match (story.chars().count(), plain.chars().count()) {
            (0, _) => head + "\n",
            (story_fills, head_fills) if self.width.holds(head_fills + 2 + story_fills) => {
                format!("{head}  {story}\n")
            }
            _ => format!("{head}\n{}", self.below(story)),
        }
    }

    /// Why it did not pass, what became of the module, and where to look. What is made to be copied stays whole.
    pub fn why(self, told: &Told<'_>) -> String {
        let Some(finding) = told.verdict.finding() else {
            return String::new();
        };
        let mut text = self.below(&format!("{}: {}", finding.rule, finding.sentence));
        let outcome = told.outcome.map_or("not asked", Outcome::words);
        text += &self.below(&format!("class: {}; the module: {outcome}", finding.rule.class()));
        if !told.evidence.is_empty() {
            text += &self.below(&format!("evidence: {}", places(told.evidence)));
        }
        for (what, said) in [("rerun", told.rerun), ("transcript", told.transcript)] {
            if !said.is_empty() {
                let _ = writeln!(text, "{:INDENT$}{what}: {said}", "");
            }
        }
        text
    }
}

/// The colour of a verdict.
fn colour(verdict: &Verdict) -> Colour {
    match verdict {
        Verdict::Pass => Colour::Green,
        Verdict::Fail(_) => Colour::Red,
        Verdict::Error(_) | Verdict::Inconclusive(_) => Colour::Yellow,
        Verdict::Skip { .. } | Verdict::NotReached => Colour::Dim,
    }
}

/// Tells cases, and equal errors once.
#[derive(Debug)]
pub struct Teller {
    look: Look,
    /// The first case of each error.
    first: HashMap<String, String>,
    /// The error of the last case, and how often it has come since it was told.
    last: Option<(String, usize)>,
}

impl Teller {
    /// Has told nothing yet.
    pub fn new(look: Look) -> Self {
        Self {
            look,
            first: HashMap::new(),
            last: None,
        }
    }

    /// What is to be said of a case; nothing where it only adds to a count.
    pub fn tell(&mut self, told: &Told<'_>) -> String {
        let error = match told.verdict {
            Verdict::Error(finding) | Verdict::Inconclusive(finding) => {
                Some(format!("{}: {}", finding.rule, finding.sentence))
            }
            _ => None,
        };
        if let (Some(error), Some((last, more))) = (&error, &mut self.last)
            && error == last
        {
            *more += 1;
            return String::new();
        }
        let counted = self.counted();
        self.last = error.clone().map(|error| (error, 0));
        let known = error.as_ref().and_then(|error| self.first.get(error));
        let said = match (known, told.verdict.finding()) {
            (Some(first), Some(finding)) => {
                let story = format!("{}: the same as `{first}`", finding.rule);
                self.look.line(&Told {
                    story: &story,
                    ..*told
                })
            }
            _ => self.look.line(told) + &self.look.why(told),
        };
        if let Some(error) = error {
            self.first.entry(error).or_insert_with(|| told.id.to_owned());
        }
        counted + &said
    }

    /// How many cases have ended with the last error beside the one that was told.
    pub fn counted(&mut self) -> String {
        match self.last.take() {
            Some((_, more)) if more > 0 => {
                let more = count_of(more, "more case");
                self.look.below(&format!("and {more} with the same error"))
            }
            _ => String::new(),
        }
    }
}

/// Every case of a run that is neither passed nor left out, each as a run has told it when it ended.
pub fn not_passed(out: &str, cases: &[CaseRun<'_>], look: Look) -> String {
    let mut teller = Teller::new(look);
    let mut text = String::new();
    for case in cases.iter().filter(|case| case.verdict.finding().is_some()) {
        let transcript = match case.records {
            [] => String::new(),
            _ => path(out, &transcript::name(case.case)),
        };
        text += &teller.tell(&Told {
            verdict: &case.verdict,
            took_ns: case.took_ns,
            suite: &case.case.suite,
            id: &case.case.id,
            story: case.story,
            outcome: case.outcome,
            evidence: case.evidence,
            rerun: case.rerun,
            transcript: &transcript,
        });
    }
    text + &teller.counted()
}

/// Where a transcript is.
pub fn path(out: &str, name: &str) -> String {
    format!("{out}/{TRANSCRIPTS}/{name}")
}
