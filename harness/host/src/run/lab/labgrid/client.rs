//! `labgrid-client`: what it is asked, and what its answers mean.

use crate::run::readable::is_readable;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const CLIENT: &str = "labgrid-client";
/// The longest that `labgrid-client` may take: it waits without a limit for a coordinator that does not answer.
const CALL: Duration = Duration::from_secs(30);
/// The longest part of what it said that is quoted.
const QUOTE: usize = 400;

/// Why a place is not held: a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LabgridError(pub(super) String);

impl LabgridError {
    /// The keeper is not there.
    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub fn unkept(why: io::Error) -> Self {
        Self(format!(
            "the program that holds its labgrid place does not work: {why}"
        ))
    }
}

/// Whether the coordinator answers, and has no place of this name.
pub(super) fn is_gone(place: &str) -> bool {
    let answers = || client(place, &["places"]).is_ok();
    answers() && show(place).is_err() && answers()
}

/// What `labgrid-client show` says of a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlaceShown {
    pub(super) name: String,
    pub(super) owner: Option<String>,
}

impl PlaceShown {
    fn parse(text: &str) -> Option<Self> {
        let name = text.lines().next()?.strip_prefix("Place '")?.strip_suffix("':")?;
        let owner = text.lines().find_map(|line| line.strip_prefix("  acquired: "))?;
        Some(Self {
            name: name.to_owned(),
            owner: (owner != "None").then(|| owner.to_owned()),
        })
    }
}

/// The place whose name `labgrid-client` finds.
pub(super) fn show(place: &str) -> Result<PlaceShown, LabgridError> {
    let said = client(place, &["show"])?;
    PlaceShown::parse(&said).ok_or_else(|| {
        LabgridError(format!(
            "`{CLIENT} -p {place} show` was not understood, expected the `acquired:` of a place: {said}"
        ))
    })
}

/// What `labgrid-client` says; the error has what to do.
pub(super) fn client(place: &str, words: &[&str]) -> Result<String, LabgridError> {
    let shown = format!("{CLIENT} -p {place} {}", words.join(" "));
    let mut command = Command::new(CLIENT);
    command.arg("-p").arg(place).args(words);
    // It would name places of its own, and all of them would be acquired.
    command.env_remove("LG_ENV").stdin(Stdio::null());
    command.env_remove(dfota_record::evidence::signing_key::VARIABLE);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.map_err(|why| {
        LabgridError(format!(
            "`{shown}` could not be started: {why}; install labgrid, and have its `{CLIENT}` on the PATH of the agent"
        ))
    })?;
    let output = end_within(child, CALL).map_err(|why| {
        LabgridError(format!(
            "`{shown}` {why}; check that the coordinator runs and that `LG_COORDINATOR` of the agent names it"
        ))
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = text(&output.stderr).replace('\n', "; ");
    let said: String = said.chars().take(QUOTE).collect();
    Err(LabgridError(format!(
        "`{shown}` ended with {}; it said: {said}; check that the coordinator runs, that `LG_COORDINATOR` of the agent names it, and that `{CLIENT} places` lists the place",
        output.status
    )))
}

/// Waits for the end of a child. One that takes longer is killed.
fn end_within(child: Child, limit: Duration) -> io::Result<Output> {
    let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
    let in_time = std::thread::spawn(move || {
        let in_time = is_readable(&process, Some(limit));
        if !in_time {
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
        in_time
    });
    let output = child.wait_with_output()?;
    if in_time.join().unwrap_or(true) {
        return Ok(output);
    }
    let limit = humantime::format_duration(limit);
    Err(io::Error::other(format!("did not end within {limit}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: &str = "Place 'bench-01':\n  aliases: north\n  comment: acquired: never\n  matches:\n    lab/*/*\n  acquired: None\n  acquired resources:\n  created: 2026-11-28 09:42:35.914340\n";

    #[test]
    fn a_place_that_is_shown() {
        let shown = |owner: Option<&str>| PlaceShown {
            name: "bench-01".to_owned(),
            owner: owner.map(str::to_owned),
        };
        assert_eq!(PlaceShown::parse(FREE), Some(shown(None)));
        let taken = FREE.replace("acquired: None", "acquired: desk/ann");
        assert_eq!(PlaceShown::parse(&taken), Some(shown(Some("desk/ann"))));
    }

    #[test]
    fn what_is_no_place_is_not_understood() {
        for text in ["", "usage: labgrid-client", "Place 'a':\n  matches:\n"] {
            assert_eq!(PlaceShown::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let sleeper = Command::new("sleep").arg("600").spawn().unwrap();
        let why = end_within(sleeper, Duration::from_millis(20)).unwrap_err();
        assert_eq!(why.to_string(), "did not end within 20ms");
    }
}
