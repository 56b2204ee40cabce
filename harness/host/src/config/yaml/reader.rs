//! Turns the raw scalars of a document into values, and collects every mistake with its place.

use super::deserializer::{Findings, fill};
use super::document::Document;
use super::file_error::{Bytes, FileError, Problem};
use super::literal::{InvalidValue, Literal};
use super::nearest::suggestion;
use super::scalar::Raw;
use super::tree::{KeyPlace, NodeContent, Tree};
use dfota_core::escape::quoted;
use serde::de::DeserializeOwned;

#[derive(Debug)]
pub struct ValueReader<'d> {
    document: &'d Document,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    bindings: Bindings,
}

/// The values that stand in for `{name}` at the moment.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    /// The id of the case that they make.
    pub case: String,
    /// Each with its name and its place.
    pub values: Vec<Binding>,
}

/// One value of a matrix.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The key of the matrix.
    pub name: String,
    pub value: String,
    /// Where the value stands.
    pub at: KeyPlace,
}

impl<'d> ValueReader<'d> {
    /// The document as the format's struct, and a reader for its values. Wrong keys are noted in the reader, so that all
    /// mistakes of a file are shown at once.
    pub fn open<T: DeserializeOwned>(document: &'d Document) -> Result<(T, Self), FileError> {
        let tree = document.tree();
        let findings = Findings::new(tree);
        let keys = fill(&findings);
        let problems = findings.into_problems();
        match keys {
            Ok(keys) if matches!(tree.node(Tree::ROOT).content, NodeContent::Map(_)) => {
                let reader = Self {
                    document,
                    problems,
                    warnings: Vec::new(),
                    bindings: Bindings::default(),
                };
                Ok((keys, reader))
            }
            Ok(_) => Err(document.refuse(problems)),
            Err(why) => Err(document.refuse(vec![Problem::whole(why.to_string())])),
        }
    }

    pub fn document(&self) -> &'d Document {
        self.document
    }

    /// The key that a value stands under.
    pub fn key(&self, at: KeyPlace) -> &'d str {
        self.document.tree().key_of(at).unwrap_or_default()
    }

    /// From here on these values stand in for `{name}`.
    pub fn bind(&mut self, bindings: Bindings) {
        self.bindings = bindings;
    }

    /// The value of a scalar; a mistake is noted.
    pub fn read<T: Literal>(&mut self, raw: &Raw<T>) -> Option<T::Value> {
        let text = self.fill(raw.at, raw.text.as_deref()?)?;
        T::read(&text)
            .map_err(|mistake| self.mistake(raw.at, mistake))
            .ok()
    }

    /// The value of a scalar that may be left out.
    pub fn option<T: Literal>(&mut self, raw: &Option<Raw<T>>) -> Option<T::Value> {
        raw.as_ref().and_then(|raw| self.read(raw))
    }

    /// The values of a list.
    pub fn list<'r, T: Literal + 'r>(&mut self, raws: impl IntoIterator<Item = &'r Raw<T>>) -> Vec<T::Value> {
        raws.into_iter().filter_map(|raw| self.read(raw)).collect()
    }

    /// The text with every `{name}` replaced.
    fn fill(&mut self, at: KeyPlace, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        let mut sound = true;
        while let Some((before, name, after)) = next_name(rest) {
            out.push_str(before);
            match self.bindings.values.iter().find(|binding| binding.name == name) {
                Some(binding) => out.push_str(&binding.value),
                None => {
                    self.unknown_name(at, name);
                    sound = false;
                }
            }
            rest = after;
        }
        out.push_str(rest);
        sound.then_some(out)
    }

    fn unknown_name(&mut self, at: KeyPlace, name: &str) {
        let names: Vec<&str> = self.bindings.values.iter().map(|b| b.name.as_str()).collect();
        let help = if names.is_empty() {
            "the case has no `matrix`".to_owned()
        } else {
            suggestion(name, &names, "the keys of its `matrix` are")
        };
        let problem = Problem::at(
            self.document.tree().mark(at),
            format!("`{{{name}}}` is not a key of the case's `matrix`"),
            "nothing to put here",
        );
        self.problem(problem.help(help));
    }

    /// Notes a mistake about the value of a node.
    pub fn mistake(&mut self, at: KeyPlace, mistake: impl Into<InvalidValue>) {
        let mark = self.document.tree().mark(at);
        self.note(at, mark, ":", mistake.into());
    }

    /// Notes a mistake about a key, not about its value.
    pub fn key_mistake(&mut self, at: KeyPlace, mistake: impl Into<InvalidValue>) {
        let mark = self.document.tree().key_mark(at);
        self.note(at, mark, "", mistake.into());
    }

    fn note(&mut self, at: KeyPlace, mark: Bytes, colon: &str, mistake: InvalidValue) {
        let involved = self.involved(at, mistake.because);
        let key = self.document.tree().key_of(at);
        let key = key.map_or_else(|| "the file".to_owned(), |key| format!("`{key}`"));
        let case = if involved.is_empty() {
            String::new()
        } else {
            format!(" of case `{}`", self.bindings.case)
        };
        let label = mistake.label.unwrap_or_else(|| "here".to_owned());
        let mut problem = Problem::at(mark, format!("{key}{case}{colon} {}", mistake.message), label);
        problem.help = mistake.help;
        for binding in involved {
            let label = format!("`{}` is {} in this case", binding.name, quoted(&binding.value));
            problem = problem.also(self.document.tree().mark(binding.at), label);
        }
        self.problem(problem);
    }

    /// The values of the matrix that a mistake comes from.
    fn involved(&self, at: KeyPlace, because: Option<KeyPlace>) -> Vec<&Binding> {
        let tree = self.document.tree();
        let written: Vec<&str> = std::iter::once(at)
            .chain(because)
            .map(|place| &self.document.text()[tree.mark(place)])
            .collect();
        let stands = |binding: &Binding| {
            let name = format!("{{{}}}", binding.name);
            written.iter().any(|text| text.contains(&name))
        };
        self.bindings
            .values
            .iter()
            .filter(|binding| stands(binding))
            .collect()
    }

    /// Notes a problem, once.
    pub fn problem(&mut self, problem: Problem) {
        let again = |other: &Problem| other.at == problem.at && other.message == problem.message;
        if !self.problems.iter().any(again) {
            self.problems.push(problem);
        }
    }

    /// Notes a warning.
    pub fn warn(&mut self, at: KeyPlace, what: &str) {
        let (line, column) = self.document.line_and_column(at);
        let warning = format!("{}:{line}:{column}: {what}", self.document.name());
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Whether so many mistakes were found that more would not help.
    pub fn has_enough(&self) -> bool {
        self.problems.len() > 2 * FileError::SHOWN
    }

    /// The warnings, or everything that is wrong.
    pub fn finish(self) -> Result<Vec<String>, FileError> {
        if self.problems.is_empty() {
            Ok(self.warnings)
        } else {
            Err(self.refusal())
        }
    }

    /// Everything that is wrong, for a caller who lacks a value: then something is.
    pub fn refusal(self) -> FileError {
        self.document.refuse(self.problems)
    }
}

/// The first `{name}` of a text, with what stands before and after it.
pub fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|n| from + n) {
        let name_end = text[open + 1..]
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
            .map_or(text.len(), |n| open + 1 + n);
        if name_end > open + 1 && text[name_end..].starts_with('}') {
            return Some((&text[..open], &text[open + 1..name_end], &text[name_end + 1..]));
        }
        from = open + 1;
    }
    None
}
