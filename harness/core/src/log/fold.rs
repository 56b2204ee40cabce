//! Folds the lines of a log into updates.
//!
//! An update starts at the first trace of its order: a block of an upload, `AT+QFOTADL`, HTTPSTART or COAPSTART, or in
//! a log that shows none of them the first URC. It goes on up to the next order.

mod downloads;
mod orders;

use super::found::{Known, LogUpdate, Oddity, SinceUrc};
use super::heard::LineMeaning;
use super::place::LogPlace;
use super::points::PercentPoint;
use super::rules;
use super::steps::{LogStage, StepKind};
use crate::transport::Via;
use crate::urc::Fota;
use crate::verdict::Finding;
use crate::version::Version;
use alloc::borrow::ToOwned;
use alloc::string::String;
use bc66_spec::code::UpdateCode;
use bc66_spec::urc::{CURRENT_BIN, TOTAL_NUM};

/// What a log cannot tell and its owner can.
#[derive(Debug, Clone, Default)]
pub struct LogContext {
    pub from: Option<Version>,
    /// The version that the package leads to.
    pub to: Option<Version>,
    /// How updates are ordered of which nothing of the kind is heard.
    pub via: Option<Via>,
}

/// Lines in words that name a URC, such as `waiting for RDY`: they are not the module's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpokenLines {
    pub count: u64,
    pub first: LogPlace,
}

#[derive(Debug)]
pub struct Fold {
    context: LogContext,
    current: Option<LogUpdate>,
    /// Updates that have begun.
    pub updates: u64,
    /// Blocks of the boot ROM, in updates and between them.
    pub boots: u64,
    /// The module, by its own word.
    pub model: Option<String>,
    pub spoken: Option<SpokenLines>,
    /// The version that was named last, and no update since.
    running: Option<Version>,
    /// Commands are in the log: one that is missing was not given.
    commands: bool,
    /// The echo was switched on by hand: after a boot it may be off again.
    echo_by_hand: bool,
    /// The last line of the boot ROM's block that was heard, where no other line has come since.
    boot_rom: Option<usize>,
}

impl Fold {
    /// Before the first line.
    pub fn new(context: LogContext) -> Self {
        Self {
            context,
            current: None,
            updates: 0,
            boots: 0,
            model: None,
            spoken: None,
            running: None,
            commands: false,
            echo_by_hand: false,
            boot_rom: None,
        }
    }

    /// A line of which something is missing, or that holds what no module says.
    pub fn damage(&mut self, place: LogPlace) {
        if let Some(update) = &mut self.current {
            update.damage(place);
        }
    }

    /// The terminal was started again, or its clock went back: what was said in between is in no log.
    pub fn interrupt(&mut self) {
        self.running = None;
        self.with(|update| (update.since.deaf, update.since.interrupted) = (true, true));
    }

    /// Takes what was heard; gives an update that is over by it.
    pub fn take(&mut self, heard: &LineMeaning<'_>, place: LogPlace) -> Option<LogUpdate> {
        if let LineMeaning::BootRom(line) = *heard {
            let begins = self.boot_rom.is_none_or(|last| line <= last);
            self.boot_rom = Some(line);
            if begins {
                self.boots += 1;
                self.boot(true, place);
            }
            return None;
        }
        self.boot_rom = None;
        self.commands |= matches!(
            heard,
            LineMeaning::Order(_) | LineMeaning::Block(_) | LineMeaning::Reboot | LineMeaning::Command
        );
        match *heard {
            LineMeaning::Fota(fota) => return self.fota(fota, place),
            LineMeaning::Order(via) => return self.order(via, place),
            LineMeaning::Block(block) => return self.block(block, place),
            LineMeaning::Written if !self.commands => return self.written(place),
            LineMeaning::Ready => self.ready(place),
            LineMeaning::EchoOff => (self.commands, self.echo_by_hand) = (false, false),
            LineMeaning::EchoOn => (self.commands, self.echo_by_hand) = (true, true),
            LineMeaning::Version(version) => self.version(version, place),
            LineMeaning::Model(model) => self.model = self.model.take().or_else(|| Some(model.to_owned())),
            LineMeaning::Torn => self.damage(place),
            LineMeaning::Session => self.interrupt(),
            LineMeaning::Spoken => {
                let spoken = self.spoken.get_or_insert(SpokenLines {
                    count: 0,
                    first: place,
                });
                spoken.count += 1;
            }
            LineMeaning::Above(percent) => {
                let begun = self.updating(percent, place);
                self.with(|update| update.note(Oddity::Above(percent), place));
                return begun;
            }
            LineMeaning::Word(word) => {
                let word = String::from_utf8_lossy(word).into_owned();
                self.with(|update| update.note(Oddity::Word(word), place));
            }
            LineMeaning::Reboot => self.with(|update| update.steps.push(StepKind::Reboot, place)),
            LineMeaning::Command | LineMeaning::Written | LineMeaning::BootRom(_) => {}
        }
        None
    }

    /// The end of the log.
    pub fn finish(&mut self) -> Option<LogUpdate> {
        self.current.take()
    }

    /// Does something with the update that runs, if there is one.
    fn with(&mut self, act: impl FnOnce(&mut LogUpdate)) {
        if let Some(update) = &mut self.current {
            act(update);
        }
    }

    /// Whether the update that runs breaks a rule; then it is written down.
    fn breaks(&mut self, place: LogPlace, rule: impl FnOnce(&LogUpdate) -> Option<Finding>) -> bool {
        let Some(update) = &mut self.current else {
            return false;
        };
        let broken = rule(update);
        let breaks = broken.is_some();
        if let Some(Finding { rule, sentence }) = broken {
            update.find(rule, sentence, place);
        }
        breaks
    }

    /// A new update; the one before is over.
    fn begin(&mut self, via: Option<Via>, stage: LogStage, place: LogPlace) -> Option<LogUpdate> {
        let over = self.current.take();
        self.updates += 1;
        let mut update = LogUpdate::new(self.updates, stage, place);
        let told = &self.context;
        update.via = via.map(Known::heard).or(told.via.map(Known::told));
        if let (Some(running), 1) = (&self.running, self.updates) {
            rules::compare_from(&mut update, running, told.from.as_ref(), place);
        }
        let running = self.running.clone().map(Known::heard);
        update.from = running.or_else(|| told.from.clone().map(Known::told));
        self.current = Some(update);
        over
    }

    fn boot(&mut self, heard: bool, place: LogPlace) {
        self.commands &= !core::mem::take(&mut self.echo_by_hand);
        self.with(|update| {
            let stage = update.stage;
            let boot = StepKind::Boot {
                stage,
                heard,
                times: 1,
            };
            update.steps.push(boot, place);
            (update.since.booted, update.since.ready, update.last) = (true, false, place);
        });
    }

    fn ready(&mut self, place: LogPlace) {
        // RDY without the boot ROM's block before it, which may have been noise.
        if self
            .current
            .as_ref()
            .is_some_and(|update| !update.since.booted || update.since.ready)
        {
            self.boot(false, place);
        }
        self.with(|update| {
            update.steps.push(StepKind::Ready, place);
            (update.since.ready, update.last) = (true, place);
        });
    }

    fn version(&mut self, version: &str, place: LogPlace) {
        let Ok(version) = version.parse::<Version>() else {
            return;
        };
        let LogContext { from, to, .. } = self.context.clone();
        self.with(|update| {
            update.last = place;
            let before = matches!(
                update.stage,
                LogStage::Uploading(_) | LogStage::Ordered | LogStage::Downloading(_) | LogStage::Downloaded
            );
            if before || (update.stage == LogStage::Started && !update.since.ready) {
                update.from = Some(Known::heard(version.clone()));
                if update.number == 1 {
                    rules::compare_from(update, &version, from.as_ref(), place);
                }
            } else if let Some(other) = rules::other_module(update, &version) {
                update.note(Oddity::OtherModule(other, version.clone()), place);
            } else if update.after.last() != Some(&version) {
                update
                    .steps
                    .push(StepKind::Version(version.as_str().to_owned()), place);
                rules::version(update, &version, to.as_ref(), place);
                update.name(&version);
            }
        });
        self.running = Some(version);
    }

    fn fota(&mut self, fota: Fota, place: LogPlace) -> Option<LogUpdate> {
        let over = match fota {
            Fota::HttpStart => self.download_start(Via::Http, place),
            Fota::CoapStart => self.download_start(Via::Coap, place),
            Fota::Downloading(percent) => self.downloading(percent, place),
            Fota::HttpEnd(code) => self.download_end(Via::Http, code, place),
            Fota::CoapEnd(code) => self.download_end(Via::Coap, code, place),
            Fota::Start => self.start(place),
            Fota::Updating {
                percent,
                total,
                current,
            } => {
                let over = self.updating(percent.get().into(), place);
                let programs = (total.unwrap_or(TOTAL_NUM), current.unwrap_or(CURRENT_BIN));
                if programs != (TOTAL_NUM, CURRENT_BIN) {
                    self.with(|update| update.note(Oddity::Programs(programs.0, programs.1), place));
                }
                over
            }
            Fota::End(code) => self.end(code, place),
            _ => None,
        };
        self.with(heard_of_it(place));
        over
    }

    fn start(&mut self, place: LogPlace) -> Option<LogUpdate> {
        let over = self.goes_on("START", place);
        self.with(|update| {
            update.begins_early(place);
            if let LogStage::Started | LogStage::Updating(_) = update.stage
                && update.heard.start
                && !update.since.booted
            {
                update.note(Oddity::StartAgain, place);
            }
            (update.stage, update.heard.start) = (LogStage::Started, true);
            update.steps.push(StepKind::Start, place);
        });
        over
    }

    fn updating(&mut self, percent: u32, place: LogPlace) -> Option<LogUpdate> {
        let over = self.goes_on("UPDATING", place);
        self.running = None;
        self.with(|update| {
            update.begins_early(place);
            let before = match update.stage {
                LogStage::Updating(before) if !update.since.booted => Some(before),
                _ => None,
            };
            if let Some(before) = before.filter(|before| *before > percent) {
                update.note(Oddity::Back(before, percent), place);
            }
            (update.stage, update.heard.updating) = (LogStage::Updating(percent), true);
            update.steps.push(StepKind::Updating(percent, percent), place);
            update.steps.points.push(PercentPoint {
                updating: true,
                percent,
                place,
                begins: before.is_none(),
            });
            heard_of_it(place)(update);
        });
        over
    }

    /// START or UPDATING: of the update that runs, or of one whose order was not heard.
    fn goes_on(&mut self, what: &str, place: LogPlace) -> Option<LogUpdate> {
        if self.current.as_ref().is_some_and(|update| !update.is_over()) {
            return None;
        }
        let commands = self.commands;
        if self.breaks(place, |update| rules::comes_after_the_end(update, what, commands)) {
            None
        } else {
            self.begin(None, LogStage::Ordered, place)
        }
    }

    fn end(&mut self, code: UpdateCode, place: LogPlace) -> Option<LogUpdate> {
        let over = match &self.current {
            Some(_) => None,
            None => self.begin(None, LogStage::Ordered, place),
        };
        if code == UpdateCode::Success {
            self.running = None;
        }
        self.with(|update| {
            update.steps.push(StepKind::End(code), place);
            rules::end(update, code, place);
            // "DFOTA is busy" in the middle of a download refuses a second order; the first goes on.
            if !(code == UpdateCode::Busy && matches!(update.stage, LogStage::Downloading(_))) {
                update.stage = LogStage::Ended(code);
            }
        });
        over
    }
}

/// A URC of the update was heard: what came since the one before counts no more.
fn heard_of_it(place: LogPlace) -> impl FnOnce(&mut LogUpdate) {
    move |update| {
        update.since = SinceUrc::default();
        update.last = place;
    }
}

impl LogUpdate {
    /// Nothing is under way any more.
    fn is_over(&self) -> bool {
        matches!(self.stage, LogStage::Ended(_) | LogStage::DownloadFailed(_))
    }

    /// START or UPDATING was heard. Over CoAP the update is ordered through LwM2M, and COAPEND says no more than that.
    fn begins_early(&mut self, place: LogPlace) {
        if let LogStage::Downloading(percent) = self.stage
            && self.via.is_some_and(|via| via.value == Via::Http)
        {
            self.note(Oddity::EarlyStart(percent), place);
        }
    }
}
