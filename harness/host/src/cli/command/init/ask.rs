//! Where an answer comes from: a flag, whoever sits at the terminal, or what is usual.

use crate::exit::{CommandError, ExitCode};
use crate::terminal::print;
use crate::terminal::prompt::{Prompt, PromptAnswer};
use std::io::IsTerminal;

/// What is answered where there is nothing.
pub(super) const NONE: &str = "none";

/// Something that has to be known.
pub(super) struct Question<'q> {
    /// The flag that says it.
    pub flag: &'static str,
    /// How it is asked.
    pub text: &'q str,
    /// What Enter says, and no terminal.
    pub usual: Option<&'q str>,
    /// What can be chosen by its number.
    pub offers: &'q [String],
}

/// Asks, where there is somebody to ask.
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
            print("Enter takes what stands in brackets, q stops; nothing is written before the end\n");
        }
        Ok(Self {
            prompt,
            missing: Vec::new(),
        })
    }

    /// Says something to whoever is asked.
    pub(super) fn tell(&self, text: &str) {
        if self.prompt.is_some() {
            print(text);
        }
    }

    /// The answer, which is `sound`: what a flag gave, what was typed, or what is usual. A flag that is missing is told at the
    /// end, with all others.
    pub(super) fn answer<T: Default>(
        &mut self,
        given: Option<&str>,
        question: &Question<'_>,
        sound: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, CommandError> {
        if let Some(given) = given {
            return sound(given).map_err(|why| CommandError::usage(format!("`{}`: {why}", question.flag)));
        }
        let Some(prompt) = &self.prompt else {
            let Some(usual) = question.usual else {
                self.missing.push(question.flag);
                return Ok(T::default());
            };
            return sound(usual).map_err(|why| CommandError::usage(format!("`{}`: {why}", question.flag)));
        };
        loop {
            let typed = typed(prompt, question)?;
            match sound(&typed) {
                Ok(answer) => return Ok(answer),
                Err(why) => print(&format!("{why}\n")),
            }
        }
    }

    /// Without a terminal, what no flag has said.
    pub(super) fn complete(&self) -> Result<(), CommandError> {
        match &self.missing[..] {
            [] => Ok(()),
            missing => Err(CommandError::usage(format!(
                "standard input is no terminal, so nobody can be asked: give `{}`",
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

/// Sound, or nothing at all.
pub(super) fn or_none<T>(
    sound: impl Fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<Option<T>, String> {
    move |text| match text {
        NONE => Ok(None),
        text => sound(text).map(Some),
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
