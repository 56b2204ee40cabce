//! Where an answer comes from: a flag, the user at the terminal, or what is usual.

use crate::exit::{CommandError, ExitCode};
use crate::terminal::print;
use crate::terminal::prompt::{Prompt, PromptAnswer};
use std::io::IsTerminal;

/// The answer where there is nothing.
pub(super) const NONE: &str = "none";

/// An answer that no file can hold: what was expected, and what was found.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct InvalidAnswer(pub String);

/// Something that has to be known.
pub(super) struct Question<'q> {
    flag: &'static str,
    text: &'q str,
    usual: Option<&'q str>,
    offers: &'q [String],
}

impl<'q> Question<'q> {
    /// The flag that answers it, and how it is asked at a terminal.
    pub(super) const fn new(flag: &'static str, text: &'q str) -> Self {
        Self {
            flag,
            text,
            usual: None,
            offers: &[],
        }
    }

    /// The answer of Enter, and of no terminal.
    pub(super) fn usual(self, usual: impl Into<Option<&'q str>>) -> Self {
        let usual = usual.into();
        Self { usual, ..self }
    }

    /// Answers that can be chosen by their number.
    pub(super) fn offers(self, offers: &'q [String]) -> Self {
        Self { offers, ..self }
    }
}

/// Asks the user, where there is a terminal.
pub(super) struct Asker {
    prompt: Option<Prompt>,
    missing: Vec<&'static str>,
}

impl Asker {
    /// Asks at the terminal, where standard input is one.
    pub(super) fn at_terminal() -> Result<Self, CommandError> {
        let prompt = std::io::stdin().is_terminal().then(Prompt::new).transpose();
        let prompt = prompt.map_err(|why| CommandError::error(format!("no signals: {why}")))?;
        if prompt.is_some() {
            print("Enter takes the answer in brackets, q stops; files are written only at the end\n");
        }
        Ok(Self {
            prompt,
            missing: Vec::new(),
        })
    }

    /// Shows something to the user who is asked.
    pub(super) fn explain(&self, text: &str) {
        if self.prompt.is_some() {
            print(text);
        }
    }

    /// The valid answer: what a flag gave, what was typed, or what is usual. A missing flag is an error at the end, together with
    /// all others.
    pub(super) fn answer<T: Default>(
        &mut self,
        given: &Option<String>,
        question: &Question<'_>,
        parse: impl Fn(&str) -> Result<T, InvalidAnswer>,
    ) -> Result<T, CommandError> {
        let usual = question.usual.filter(|_| self.prompt.is_none());
        if let Some(given) = given.as_deref().or(usual) {
            return parse(given).map_err(|why| CommandError::usage(format!("`{}`: {why}", question.flag)));
        }
        let Some(prompt) = &self.prompt else {
            self.missing.push(question.flag);
            return Ok(T::default());
        };
        loop {
            let typed = typed(prompt, question)?;
            match parse(&typed) {
                Ok(answer) => return Ok(answer),
                Err(why) => print(&format!("{why}\n")),
            }
        }
    }

    /// Without a terminal, the flags that are missing.
    pub(super) fn complete(&self) -> Result<(), CommandError> {
        match &self.missing[..] {
            [] => Ok(()),
            missing => Err(CommandError::usage(format!(
                "standard input is not a terminal, so no question can be asked: give `{}`",
                missing.join("`, `")
            ))),
        }
    }
}

/// What is typed, or the offer of that number.
fn typed(prompt: &Prompt, question: &Question<'_>) -> Result<String, CommandError> {
    for (n, offer) in question.offers.iter().enumerate() {
        print(&format!("  {}  {offer}\n", n + 1));
    }
    let usual = question
        .usual
        .map_or(String::new(), |usual| format!(" [{usual}]"));
    loop {
        let line = prompt.line(&format!("{}{usual}: ", question.text));
        let line = line.map_err(|answer| {
            print("\n"); // the question stands on this line
            match answer {
                PromptAnswer::Interrupted => {
                    CommandError::new(ExitCode::Interrupted, "interrupted: nothing was written")
                }
                PromptAnswer::Go | PromptAnswer::Stop => CommandError::usage("stopped: nothing was written"),
            }
        })?;
        match (line.as_str(), question.usual) {
            ("", Some(usual)) => return Ok(usual.to_owned()),
            ("", None) => print("expected an answer; `q` stops\n"),
            _ => return Ok(chosen(line, question.offers)),
        }
    }
}

/// The parsed answer, or `none`.
pub(super) fn or_none<T>(
    parse: impl Fn(&str) -> Result<T, InvalidAnswer>,
) -> impl Fn(&str) -> Result<Option<T>, InvalidAnswer> {
    move |text| match text {
        NONE => Ok(None),
        text => parse(text).map(Some),
    }
}

/// The offer of that number, or what was typed.
fn chosen(line: String, offers: &[String]) -> String {
    let at = line.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    at.and_then(|at| offers.get(at)).cloned().unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1", "/dev/a")]
    #[case("2", "/dev/b")]
    #[case("0", "0")]
    #[case("3", "3")]
    #[case("/dev/c", "/dev/c")]
    fn an_offer_by_its_number(#[case] typed: &str, #[case] answer: &str) {
        let offers = ["/dev/a", "/dev/b"].map(String::from);
        assert_eq!(chosen(typed.into(), &offers), answer);
    }
}
