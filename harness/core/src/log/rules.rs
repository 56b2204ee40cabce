//! The rules of a log: applies the table of what is legal after a cut to the lines of the log.
//!
//! A rule of a suite that rests on a missing line does not fire here: the line may have been lost, or may stand in another
//! log. Three rest on an order that was not given; they fire only where the log shows commands, and where no line was
//! damaged in which one could have been.

use super::found::{LogUpdate, Oddity};
use super::place::LogPlace;
use super::steps::{LogStage, LogStep, StepKind};
use crate::transport::Via;
use crate::verdict::{Finding, Rule};
use crate::version::Version;
use alloc::format;
use alloc::string::String;
use bc66_spec::code::UpdateCode;

/// END came; where it stood before is still in `update`.
pub(super) fn end(update: &mut LogUpdate, code: UpdateCode, place: LogPlace) {
    if let LogStage::Ended(_) = update.stage {
        update.note(Oddity::EndAgain(code), place);
        return;
    }
    if code == UpdateCode::Success {
        if update.heard.start && !update.heard.updating {
            update.note(Oddity::NoUpdating, place);
        }
        return;
    }
    let refuses_another = code == UpdateCode::Busy && matches!(update.stage, LogStage::Downloading(_));
    // Behind an interruption, it may be the END of another order.
    if !update.heard.updating || refuses_another || update.since.interrupted {
        return;
    }
    let updating = |step: &LogStep| matches!(step.what, StepKind::Updating(..));
    let steps = update.steps.list();
    let sentence = match steps.iter().filter(|step| updating(step)).count() {
        0 | 1 => format!("END,{code} came after UPDATING: the update had begun, and failed"),
        _ => format!("END,{code} came after a resume: a forced resume has to end with END,0"),
    };
    update.find(Rule::UpdateFailed, sentence, place);
}

/// The module named its version, after the update had begun.
pub(super) fn version(update: &mut LogUpdate, version: &Version, to: Option<&Version>, place: LogPlace) {
    if update.since.interrupted {
        return;
    }
    let from = update.from.as_ref().map(|from| from.value.clone());
    // An update to the version that ran before is the way back, of which `--to` does not speak.
    let to = to.filter(|to| from.as_ref() != Some(to));
    let is_source = from.as_ref() == Some(version);
    let is_neither = from.is_some() && to.is_some() && !is_source && to != Some(version);
    let before = before(update);
    let wrong = |update: &mut LogUpdate| {
        let to = to.map_or("", |to| to.as_str());
        let known = if before.is_empty() { "" } else { ", nor " };
        let sentence = format!("the module names {version}, which is not {to} of `--to`{known}{before}");
        update.find(Rule::WrongVersion, sentence, place);
    };
    match update.stage {
        LogStage::Ended(UpdateCode::Success) => {
            if let Some(other) = update.after.iter().find(|other| *other != version).cloned() {
                // The update was sound. What came later cannot be told from another module at the same port.
                update.note(Oddity::NamedLater(other, version.clone()), place);
            } else if is_source {
                let after = if update.since.booted {
                    ", after another boot,"
                } else {
                    ""
                };
                let sentence = format!("END,0 was reported, and{after} the module names {before}");
                update.find(Rule::EndWithoutUpdate, sentence, place);
            } else if to.is_some_and(|to| to != version) {
                wrong(update);
            }
        }
        LogStage::Updating(percent) if is_source => {
            let sentence = format!(
                "after UPDATING {percent}% the module names {before}: once UPDATING was seen, it has to resume"
            );
            update.find(Rule::NoResume, sentence, place);
        }
        LogStage::Updating(_) if to == Some(version) => update.note(Oddity::TargetWithoutEnd, place),
        LogStage::Updating(_) if is_neither => wrong(update),
        LogStage::Ended(_) if update.heard.updating && is_neither => wrong(update),
        LogStage::Ended(_) | LogStage::DownloadFailed(_)
            if update.heard.updating || from.is_none() || is_source => {}
        // In between, somebody may have flashed it, or connected another one.
        LogStage::Ended(_) | LogStage::DownloadFailed(_) if update.since.booted => {
            update.note(Oddity::OtherVersion(version.clone()), place);
        }
        LogStage::Ended(_) | LogStage::DownloadFailed(_) => {
            let stage = update.stage;
            let sentence = format!(
                "{stage}, so nothing was updated, and yet the module names {version}; before, it was {before}"
            );
            update.find(Rule::VersionChanged, sentence, place);
        }
        _ => {}
    }
}

/// The version before, and how it is known.
fn before(update: &LogUpdate) -> String {
    match &update.from {
        None => String::new(),
        Some(from) if from.told => format!("{} of `--from`", from.value),
        Some(from) => format!("{}, which ran before", from.value),
    }
}

/// A module changes its version in no other way than by a boot: what was named before, if none was heard since.
pub(super) fn other_module(update: &LogUpdate, version: &Version) -> Option<Version> {
    let before = update.after.last().filter(|before| *before != version)?;
    (!update.steps.booted_since_named()).then(|| before.clone())
}

/// The version before was heard: is it the one that was told?
pub(super) fn compare_from(update: &mut LogUpdate, heard: &Version, told: Option<&Version>, place: LogPlace) {
    if told.is_some_and(|told| told != heard) {
        update.note(Oddity::FromDiffers, place);
    }
}

/// START or UPDATING (`what`) came after the update was over. `None`: it is an update of which the order was not heard.
pub(super) fn comes_after_the_end(update: &LogUpdate, what: &str, commands: bool) -> Option<Finding> {
    let stage = update.stage;
    // Over LwM2M, what was downloaded may be ordered again without a word on this port.
    let may_be_ordered =
        update.via.is_some_and(|via| via.value == Via::Coap) && stage != LogStage::Ended(UpdateCode::Success);
    if !commands || update.since.deaf || may_be_ordered {
        return None;
    }
    let rule = match stage {
        LogStage::DownloadFailed(_) => Rule::StartAfterFailedDownload,
        _ => Rule::UpdatingAfterEnd,
    };
    let sentence = format!("{what} came after {stage}, and no order was given between");
    Some(Finding { rule, sentence })
}

/// A download began although the update had. `None`: it may have been ordered.
pub(super) fn downloads_again(update: &LogUpdate, via: Via, commands: bool) -> Option<Finding> {
    let LogStage::Updating(percent) = update.stage else {
        return None;
    };
    // Over CoAP it is ordered through LwM2M, of which this port hears nothing.
    if !commands || update.since.deaf || via != Via::Http {
        return None;
    }
    let sentence = format!(
        "a download began after UPDATING {percent}%, and no order was given between: a resume needs no second download"
    );
    Some(Finding {
        rule: Rule::DownloadedAgain,
        sentence,
    })
}
