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
mod table;

use crate::app::App;
use crate::flash::FlashError;
use crate::phrase::framed;
use crate::upload::UploadBlock;
use bc66_spec::cme;

/// How a command was called (AN §1.1.2, table 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CommandForm<'a> {
    Test,
    Read,
    Write(&'a str),
    /// Nothing after the name; for basic commands the number.
    Execute(&'a str),
}

/// Why a command is refused.
#[derive(Debug)]
enum AtError {
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

type AtReply = Result<ReplyLines, AtError>;

/// The lines before the final result, or the prompt in its place.
#[derive(Debug, Default)]
struct ReplyLines {
    text: String,
    prompt: Option<UploadBlock>,
}

impl ReplyLines {
    fn none() -> AtReply {
        Ok(Self::default())
    }

    fn one(line: impl AsRef<str>) -> AtReply {
        Self::many(&[line.as_ref()])
    }

    fn many(lines: &[&str]) -> AtReply {
        Ok(Self {
            text: framed(&lines.join("\r\n")),
            prompt: None,
        })
    }

    fn prompt(block: UploadBlock) -> AtReply {
        Ok(Self {
            text: String::new(),
            prompt: Some(block),
        })
    }
}

/// What is sent for a whole line.
#[derive(Debug)]
pub(super) struct AtAnswer {
    /// All of it, the final result included, unless a prompt follows.
    pub(super) text: String,
    pub(super) prompt: Option<UploadBlock>,
}

impl From<String> for AtAnswer {
    fn from(text: String) -> Self {
        Self { text, prompt: None }
    }
}

/// The commands after `AT` in a line; `None` if the line is no command: it gets no answer.
pub(super) fn command_in(line: &[u8]) -> Option<&[u8]> {
    let (prefix, command) = line.split_at_checked(2)?;
    prefix.eq_ignore_ascii_case(b"AT").then_some(command)
}

/// The answer to a line that is malformed or does not fit the buffer.
pub(super) fn refused() -> AtAnswer {
    framed("ERROR").into()
}

/// Executes the commands of a line one after the other, up to the first that fails.
pub(super) fn execute(app: &mut App, line: &[u8]) -> Result<AtAnswer, FlashError> {
    let Some(calls) = std::str::from_utf8(line).ok().and_then(line::split) else {
        return Ok(refused());
    };
    let mut text = String::new();
    let last = calls.len().saturating_sub(1);
    for (index, call) in calls.iter().enumerate() {
        let reply = table::find(&call.name).map_or(Err(AtError::Plain), |command| command(app, call.form));
        let error = match reply {
            Ok(ReplyLines {
                text: lines,
                prompt: None,
            }) => {
                text.push_str(&lines);
                continue;
            }
            Ok(ReplyLines { prompt, .. }) if index == last => return Ok(AtAnswer { text, prompt }),
            Ok(_) | Err(AtError::Plain) => "ERROR".to_owned(),
            Err(AtError::Cme(code)) => cme_line(app.at.profile.error_form, code),
            Err(AtError::Cmee(code)) => format!("{} {code}", cme::CMEE_ERROR),
            Err(AtError::Flash(error)) => return Err(error),
        };
        return Ok((text + &framed(&error)).into());
    }
    Ok((text + &framed("OK")).into())
}

fn cme_line(form: u8, code: u16) -> String {
    match (form, cme::name(code)) {
        (0, _) => "ERROR".to_owned(),
        (2, Some(name)) => format!("{} {name}", cme::CME_ERROR),
        _ => format!("{} {code}", cme::CME_ERROR),
    }
}
