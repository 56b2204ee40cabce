//! An update of a log in words: the line that a run has for a case, and what cannot be told.

use super::found::{Damaged, LogUpdate, Outcome};
use super::steps::{Place, Reset, Stage, What};
use crate::transport::Via;
use crate::version::Version;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bc66_spec::code::{DownloadCode, UpdateCode};

/// What no log can tell, whatever is in it.
pub const NO_LOG_TELLS: [&str; 3] = [
    "when the supply was cut and when it came back: a reset may be a cut, or the module's own",
    "what the module asked of the servers, and what they sent",
    "whether lines were lost before they were written: nothing here is a pass, and nothing rests on a missing line",
];

/// What can be said of an update, in a few words.
pub fn headline(update: &LogUpdate) -> String {
    let words = update.outcome().words();
    match (update.outcome(), update.stage) {
        (Outcome::NothingIllegal, Stage::DownloadFailed(code)) => {
            format!("{words}; the download failed: {code}")
        }
        (Outcome::NothingIllegal, Stage::Ended(code)) if code != UpdateCode::Success => {
            format!("{words}; it failed before any UPDATING was heard: {code}")
        }
        _ => words.into(),
    }
}

/// In a few words: where it was reset and how the module came back.
pub fn story(update: &LogUpdate) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut reset = false;
    for (step, inside) in update.steps.list().iter().zip(update.steps.resets()) {
        match &step.what {
            What::Updating(first, last) => {
                let what = if core::mem::take(&mut reset) {
                    "resumed"
                } else {
                    "UPDATING"
                };
                parts.push(format!("{what} {first}%..{last}%"));
            }
            What::DownloadEnd(_, code) if *code != DownloadCode::Success => {
                parts.push(format!("download {}", code.raw()));
            }
            What::End(code) => parts.push(format!("END,{}", code.raw())),
            _ => {}
        }
        if let Some(inside) = inside {
            reset |= inside.is_of_the_update();
            parts.push(resets(inside));
        }
    }
    if parts.is_empty() {
        parts.push(update.stage.to_string());
    }
    let versions: Vec<&str> = update.after.iter().map(Version::as_str).collect();
    parts.push(match versions[..] {
        [] => "version not heard".into(),
        _ => versions.join(", then "),
    });
    parts.join(" · ")
}

/// A step in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TellingStep {
    pub text: String,
    pub first: Place,
    pub last: Place,
    /// It is a reset inside the update.
    pub reset: bool,
}

/// Every step in words.
pub fn steps(update: &LogUpdate) -> Vec<TellingStep> {
    let mut reset = false;
    let steps = update.steps.list().iter().zip(update.steps.resets());
    steps
        .map(|(step, inside)| {
            let resumed = matches!(step.what, What::Updating(..)) && core::mem::take(&mut reset);
            reset |= inside.is_some_and(|inside| inside.is_of_the_update());
            let mut text = words(&step.what);
            if resumed {
                text.push_str(", resumed");
            }
            if let Some(inside) = inside {
                let all = matches!(step.what, What::Boot { times, .. } if times == inside.times);
                let times = if all { 1 } else { inside.times };
                text.push_str(": ");
                text.push_str(&resets(Reset { times, ..inside }));
            }
            TellingStep {
                text,
                first: step.first,
                last: step.last,
                reset: inside.is_some(),
            }
        })
        .collect()
}

fn words(what: &What) -> String {
    match what {
        What::Upload(first, last) if first == last => format!("upload of block {first}"),
        What::Upload(first, last) => format!("upload of blocks {first}..{last}"),
        What::Order(via) => format!("order, over {via}"),
        What::DownloadStart(Via::Coap) => "COAPSTART".into(),
        What::DownloadStart(_) => "HTTPSTART".into(),
        What::Downloading(first, last) => format!("DOWNLOADING {first}%..{last}%"),
        What::DownloadEnd(Via::Coap, code) => format!("COAPEND,{code}"),
        What::DownloadEnd(_, code) => format!("HTTPEND,{code}"),
        What::Start => "START".into(),
        What::Updating(first, last) => format!("UPDATING {first}%..{last}%"),
        What::End(code) => format!("END,{code}"),
        What::Boot { heard: false, .. } => "boot, without its boot ROM's lines".into(),
        What::Boot { times: 1, .. } => "boot".into(),
        What::Boot { times, .. } => format!("boot, {times} times"),
        What::Ready => "RDY".into(),
        What::Reboot => "AT+QRST: told to reboot".into(),
        What::Version(version) => format!("version {version}"),
    }
}

pub fn resets(reset: Reset) -> String {
    let times = match reset.times {
        1 => String::new(),
        more => format!(" {more} times"),
    };
    let stage = reset.stage;
    match stage {
        Stage::Started => format!("reset{times} after START"),
        Stage::Ordered | Stage::Downloaded => format!("reset{times} when {stage}"),
        _ => format!("reset{times} while {stage}"),
    }
}

/// What this log does not tell of this update.
pub fn not_known(update: &LogUpdate) -> Vec<String> {
    let mut unknown = Vec::new();
    if update.via.is_none() {
        unknown.push("how it was ordered: no order is in the log (`--via` tells)".into());
    } else if update.via_told {
        unknown.push("how it was ordered: no order is in the log; `--via` told it".into());
    }
    match &update.from {
        None => unknown.push("the version before: none was named (`--from` tells)".into()),
        Some(from) if from.told => {
            unknown.push("the version before: none was named; `--from` told it".into())
        }
        Some(_) => {}
    }
    let how = match update.stage {
        Stage::Ended(_) | Stage::DownloadFailed(_) => None,
        Stage::Uploading(_) | Stage::Ordered => Some("how it ended: no START was heard"),
        Stage::Downloading(_) => Some("how it ended: no end of the download was heard"),
        Stage::Updating(_) if update.ready => {
            Some("how it ended: the application runs again, and no END was heard")
        }
        Stage::Downloaded | Stage::Started | Stage::Updating(_) => Some("how it ended: no END was heard"),
    };
    unknown.extend(how.map(String::from));
    if update.after.is_empty() {
        unknown.push("the version that runs now: none was named after the update".into());
    }
    let resets = update.steps.resets().flatten();
    match resets
        .filter(Reset::is_of_the_update)
        .map(|reset| reset.times)
        .sum()
    {
        0_u64 => {}
        1 => unknown.push("whether the reset was a cut of the supply, or the module's own".into()),
        more => unknown.push(format!(
            "which of the {more} resets were cuts of the supply, and which the module's own"
        )),
    }
    if let Some(Damaged { lines, first, .. }) = update.damaged {
        let lines = if lines == 1 {
            "a damaged line".into()
        } else {
            format!("{lines} damaged lines")
        };
        unknown.push(format!("what stood in {lines} (the first is line {first})"));
    }
    if update.interrupted {
        unknown.push("what the module did while nobody listened: the terminal was started again, or its clock set back".into());
    }
    unknown
}
