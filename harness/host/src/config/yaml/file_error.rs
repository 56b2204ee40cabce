//! What is wrong with a file: every mistake with its place, the line itself with a mark, and what would be right.

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report, Severity,
};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a file's text.
pub type Bytes = Range<usize>;

/// A file that was refused.
#[derive(Debug, Clone, thiserror::Error)]
pub struct FileError {
    name: String,
    text: Arc<str>,
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What was expected and what was seen.
    pub message: String,
    /// Where, unless it is the file as a whole.
    pub at: Option<Bytes>,
    /// What stands at the mark.
    pub label: String,
    /// Other places that belong to it.
    pub also: Vec<(Bytes, String)>,
    /// What would be right.
    pub help: Option<String>,
}

impl Problem {
    /// A problem with a place.
    pub fn at(bytes: Bytes, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            at: Some(bytes),
            label: label.into(),
            also: Vec::new(),
            help: None,
        }
    }

    /// A problem of the file as a whole.
    pub fn whole(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            at: None,
            label: String::new(),
            also: Vec::new(),
            help: None,
        }
    }

    /// With what would be right.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With another place that belongs to it.
    pub fn also(mut self, bytes: Bytes, label: impl Into<String>) -> Self {
        self.also.push((bytes, label.into()));
        self
    }
}

impl FileError {
    /// Problems shown of one file; what comes after is counted.
    pub const SHOWN: usize = 20;
    /// Longest line that is shown, in bytes; one that is longer would hide the message.
    const LONGEST_LINE: usize = 400;

    /// The file `name`, refused for `problems`.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.at.as_ref().map_or(0, |bytes| bytes.start));
        Self {
            name: name.into(),
            text: text.into(),
            problems,
        }
    }

    /// What is wrong, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// `path:line:col` of a problem, or the path alone.
    fn place(&self, problem: &Problem) -> String {
        match &problem.at {
            Some(bytes) => {
                let (line, column) = line_and_column(&self.text, bytes.start);
                format!("{}:{line}:{column}", self.name)
            }
            None => self.name.clone(),
        }
    }

    /// For a terminal, or with `colour: false` as plain text: each problem with its lines and marks.
    pub fn render(&self, colour: bool) -> String {
        let mut shown = self
            .problems
            .iter()
            .take(Self::SHOWN)
            .map(|problem| self.render_one(problem, colour))
            .collect::<Vec<_>>();
        if let Some(more) = self.problems.len().checked_sub(Self::SHOWN).filter(|n| *n > 0) {
            shown.push(format!("… and {more} more in {}\n", self.name));
        }
        shown.join("\n")
    }

    fn render_one(&self, problem: &Problem, colour: bool) -> String {
        let message = printable(&format!("{}: {}", self.place(problem), problem.message));
        let mut diagnostic = MietteDiagnostic::new(&message).with_severity(Severity::Error);
        diagnostic.help = problem.help.as_deref().map(printable);
        let mut report = Report::new(diagnostic.clone());
        if let Some(at) = problem.at.clone().filter(|_| self.can_be_shown(problem)) {
            let first =
                LabeledSpan::new_primary_with_span(Some(printable(&problem.label)), (at.start, at.len()));
            let also = problem.also.iter().map(|(bytes, text)| {
                LabeledSpan::new(Some(printable(text)), bytes.start, bytes.len().max(1))
            });
            let labels = std::iter::once(first).chain(also);
            let source = NamedSource::new(printable(&self.name), printable(&self.text));
            report = Report::new(diagnostic.with_labels(labels)).with_source_code(source);
        }
        let theme = if colour {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let mut out = String::new();
        let drawn = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_context_lines(1)
            .with_width(110)
            .render_report(&mut out, report.as_ref());
        if drawn.is_err() {
            out = format!("  × {message}\n");
        }
        out.lines()
            .fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }

    /// Whether the lines can be shown.
    fn can_be_shown(&self, problem: &Problem) -> bool {
        let Some(bytes) = &problem.at else {
            return false;
        };
        let line = |at: usize| {
            let start = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
            let end = self.text[at..].find('\n').map_or(self.text.len(), |n| at + n);
            end - start
        };
        !self.text.trim().is_empty()
            && std::iter::once(bytes)
                .chain(problem.also.iter().map(|(bytes, _)| bytes))
                .all(|bytes| line(bytes.start) <= Self::LONGEST_LINE)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().take(Self::SHOWN).enumerate() {
            let line_break = if n == 0 { "" } else { "\n" };
            write!(f, "{line_break}{}: {}", self.place(problem), problem.message)?;
            if let Some(help) = &problem.help {
                write!(f, " ({help})")?;
            }
        }
        Ok(())
    }
}

/// Line and column of a byte, both from 1, the column in characters.
pub fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// The text with every control character replaced by as many `?` as it has bytes: what a file holds must not steer the
/// terminal that shows it, and the marks must stay where they are.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' => out.push(' '),
            c if c.is_control() => (0..c.len_utf8()).for_each(|_| out.push('?')),
            c => out.push(c),
        }
    }
    out
}
