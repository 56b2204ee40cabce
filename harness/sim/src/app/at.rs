//! AT commands: a line in, a framed reply out (AN §1.1.2).
//!
//! [`table`] lists the commands; the modules beside it hold them by subject. A command sees one [`CommandForm`] and the
//! application, and answers with lines or with an error; framing, `OK` and the form of errors are made here.

mod basic;
mod fota;
mod line;
mod lwm2m;
mod network;
mod power;
pub mod table;

use crate::app::App;
use crate::flash::FlashError;
use crate::phrase::framed;
use crate::upload::UploadBlock;
use bc66_spec::cme;

/// How a command was called (AN §1.1.2, table 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandForm<'a> {
    Test,
    Read,
    Write(&'a str),
    /// Nothing behind the name; for basic commands the number.
    Execute(&'a str),
}

/// What a command does not do.
#[derive(Debug)]
pub enum AtError {
    /// `ERROR`, whatever `AT+CMEE` says.
    Plain,
    /// An error with a number ([`bc66_spec::cme`]).
    Cme(u16),
    /// The same of an LwM2M command, misspelt and independent of `AT+CMEE` (FW).
    Cmee(u16),
    /// Not the command's fault: the flash failed.
    Flash(FlashError),
}

impl From<FlashError> for AtError {
    fn from(error: FlashError) -> Self {
        Self::Flash(error)
    }
}

/// What a command answers.
pub type AtReply = Result<ReplyLines, AtError>;

/// The lines before the final result, or the prompt in its place.
#[derive(Debug, Default)]
pub struct ReplyLines {
    text: String,
    prompt: Option<UploadBlock>,
}

impl ReplyLines {
    pub fn none() -> AtReply {
        Ok(Self::default())
    }

    pub fn one(line: impl AsRef<str>) -> AtReply {
        Self::many(&[line.as_ref()])
    }

    /// Several lines that belong together.
    pub fn many(lines: &[&str]) -> AtReply {
        Ok(Self {
            text: framed(&lines.join("\r\n")),
            prompt: None,
        })
    }

    /// The prompt for a block of data.
    pub fn prompt(block: UploadBlock) -> AtReply {
        Ok(Self {
            text: String::new(),
            prompt: Some(block),
        })
    }
}

/// What is sent for a whole line.
#[derive(Debug)]
pub struct AtAnswer {
    pub text: String,
    /// What comes behind it.
    pub end: End,
}

/// How an answer ends.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// With the final result, which is in the text.
    Final,
    /// With the prompt for this block.
    Prompt(UploadBlock),
}

/// What stands behind `AT` in a line; `None` if the line is no command: it gets no answer.
pub fn command_of(line: &[u8]) -> Option<&[u8]> {
    let (prefix, command) = line.split_at_checked(2)?;
    prefix.eq_ignore_ascii_case(b"AT").then_some(command)
}

/// The answer to a line that is malformed or does not fit the buffer.
pub fn refused() -> AtAnswer {
    final_answer(framed("ERROR"))
}

/// An answer that ends with its text.
pub fn final_answer(text: String) -> AtAnswer {
    AtAnswer {
        text,
        end: End::Final,
    }
}

/// Executes the commands of a line one after the other, up to the first that fails.
pub fn execute(app: &mut App, line: &[u8]) -> Result<AtAnswer, FlashError> {
    let mut text = String::new();
    let calls = match std::str::from_utf8(line).ok().and_then(line::split) {
        Some(calls) => calls,
        None => return Ok(refused()),
    };
    let last = calls.len().saturating_sub(1);
    for (index, call) in calls.iter().enumerate() {
        match table::find(&call.name).map_or(Err(AtError::Plain), |handler| handler(app, call.form)) {
            Ok(ReplyLines {
                prompt: Some(block), ..
            }) if index == last => {
                return Ok(AtAnswer {
                    text,
                    end: End::Prompt(block),
                });
            }
            Ok(ReplyLines { prompt: Some(_), .. }) | Err(AtError::Plain) => {
                text.push_str(&framed("ERROR"));
                return Ok(AtAnswer {
                    text,
                    end: End::Final,
                });
            }
            Ok(lines) => text.push_str(&lines.text),
            Err(AtError::Cme(code)) => {
                text.push_str(&framed(&cme_line(app.profile.error_form, code)));
                return Ok(AtAnswer {
                    text,
                    end: End::Final,
                });
            }
            Err(AtError::Cmee(code)) => {
                text.push_str(&framed(&format!("{} {code}", cme::CMEE_ERROR)));
                return Ok(AtAnswer {
                    text,
                    end: End::Final,
                });
            }
            Err(AtError::Flash(error)) => return Err(error),
        }
    }
    text.push_str(&framed("OK"));
    Ok(AtAnswer {
        text,
        end: End::Final,
    })
}

fn cme_line(form: u8, code: u16) -> String {
    match (form, cme::name(code)) {
        (0, _) => "ERROR".to_owned(),
        (2, Some(name)) => format!("{} {name}", cme::CME_ERROR),
        _ => format!("{} {code}", cme::CME_ERROR),
    }
}
