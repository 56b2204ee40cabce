//! Describes an update of a log in words: one line, as a run has for a case, and what the log does not show.

use super::found::{DamagedLines, LogOutcome, LogUpdate};
use super::place::LogPlace;
use super::steps::{LogStage, Reset, StepKind};
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
        (LogOutcome::NothingIllegal, LogStage::DownloadFailed(code)) => {
            format!("{words}; the download failed: {code}")
        }
        (LogOutcome::NothingIllegal, LogStage::Ended(code)) if code != UpdateCode::Success => {
            format!("{words}; it failed before any UPDATING was heard: {code}")
        }
        _ => words.into(),
    }
}

/// In a few words: where it was reset and how the module came back.
pub fn summary(update: &LogUpdate) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut reset = false;
    for (step, inside) in update.steps.list().iter().zip(update.steps.resets()) {
        match &step.what {
            StepKind::Updating(first, last) => {
                let what = if core::mem::take(&mut reset) {
                    "resumed"
                } else {
                    "UPDATING"
                };
                parts.push(format!("{what} {first}%..{last}%"));
            }
            StepKind::DownloadEnd(_, code) if *code != DownloadCode::Success => {
                parts.push(format!("download {}", code.raw()));
            }
            StepKind::End(code) => parts.push(format!("END,{}", code.raw())),
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
pub struct StepText {
    pub text: String,
    pub first: LogPlace,
    pub last: LogPlace,
    /// It is a reset inside the update.
    pub reset: bool,
}

/// Every step in words.
pub fn steps(update: &LogUpdate) -> Vec<StepText> {
    let mut reset = false;
    let steps = update.steps.list().iter().zip(update.steps.resets());
    steps
        .map(|(step, inside)| {
            let resumed = matches!(step.what, StepKind::Updating(..)) && core::mem::take(&mut reset);
            reset |= inside.is_some_and(|inside| inside.is_of_the_update());
            let mut text = words(&step.what);
            if resumed {
                text.push_str(", resumed");
            }
            if let Some(inside) = inside {
                let all = matches!(step.what, StepKind::Boot { times, .. } if times == inside.times);
                let times = if all { 1 } else { inside.times };
                text.push_str(": ");
                text.push_str(&resets(Reset { times, ..inside }));
            }
            StepText {
                text,
                first: step.first,
                last: step.last,
                reset: inside.is_some(),
            }
        })
        .collect()
}

fn words(what: &StepKind) -> String {
    match what {
        StepKind::Upload(first, last) if first == last => format!("upload of block {first}"),
        StepKind::Upload(first, last) => format!("upload of blocks {first}..{last}"),
        StepKind::Order(via) => format!("order, over {via}"),
        StepKind::DownloadStart(Via::Coap) => "COAPSTART".into(),
        StepKind::DownloadStart(_) => "HTTPSTART".into(),
        StepKind::Downloading(first, last) => format!("DOWNLOADING {first}%..{last}%"),
        StepKind::DownloadEnd(Via::Coap, code) => format!("COAPEND,{code}"),
        StepKind::DownloadEnd(_, code) => format!("HTTPEND,{code}"),
        StepKind::Start => "START".into(),
        StepKind::Updating(first, last) => format!("UPDATING {first}%..{last}%"),
        StepKind::End(code) => format!("END,{code}"),
        StepKind::Boot { heard: false, .. } => "boot, without its boot ROM's lines".into(),
        StepKind::Boot { times: 1, .. } => "boot".into(),
        StepKind::Boot { times, .. } => format!("boot, {times} times"),
        StepKind::Ready => "RDY".into(),
        StepKind::Reboot => "AT+QRST: told to reboot".into(),
        StepKind::Version(version) => format!("version {version}"),
    }
}

pub fn resets(reset: Reset) -> String {
    let times = match reset.times {
        1 => String::new(),
        more => format!(" {more} times"),
    };
    let stage = reset.stage;
    match stage {
        LogStage::Started => format!("reset{times} after START"),
        LogStage::Ordered | LogStage::Downloaded => format!("reset{times} when {stage}"),
        _ => format!("reset{times} while {stage}"),
    }
}

/// What this log does not tell of this update.
pub fn not_known(update: &LogUpdate) -> Vec<String> {
    let mut unknown = Vec::new();
    match update.via {
        None => unknown.push("how it was ordered: no order is in the log (`--via` tells)".into()),
        Some(via) if via.told => {
            unknown.push("how it was ordered: no order is in the log; `--via` told it".into());
        }
        Some(_) => {}
    }
    match &update.from {
        None => unknown.push("the version before: none was named (`--from` tells)".into()),
        Some(from) if from.told => {
            unknown.push("the version before: none was named; `--from` told it".into())
        }
        Some(_) => {}
    }
    let how = match update.stage {
        LogStage::Ended(_) | LogStage::DownloadFailed(_) => None,
        LogStage::Uploading(_) | LogStage::Ordered => Some("how it ended: no START was heard"),
        LogStage::Downloading(_) => Some("how it ended: no end of the download was heard"),
        LogStage::Updating(_) if update.since.ready => {
            Some("how it ended: the application runs again, and no END was heard")
        }
        LogStage::Downloaded | LogStage::Started | LogStage::Updating(_) => {
            Some("how it ended: no END was heard")
        }
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
    if let Some(DamagedLines { lines, first, .. }) = update.damaged {
        let lines = if lines == 1 {
            "a damaged line".into()
        } else {
            format!("{lines} damaged lines")
        };
        unknown.push(format!("what stood in {lines} (the first is line {first})"));
    }
    if update.since.interrupted {
        unknown.push("what the module did while nobody listened: the terminal was started again, or its clock set back".into());
    }
    unknown
}
