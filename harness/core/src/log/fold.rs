//! What was heard, folded into updates.
//!
//! An update begins with what can be heard of its order: a block of an upload, `AT+QFOTADL`, HTTPSTART or COAPSTART, or in
//! a log that shows none of them the first URC. It goes on up to the next order.

mod downloads;
mod orders;

use super::found::{Before, LogUpdate, Odd, Point};
use super::heard::Heard;
use super::rules;
use super::steps::{Place, Stage, What};
use crate::transport::Via;
use crate::urc::Fota;
use crate::verdict::Rule;
use crate::version::Version;
use alloc::borrow::ToOwned;
use alloc::string::String;
use bc66_spec::code::UpdateCode;
use bc66_spec::urc::{CURRENT_BIN, TOTAL_NUM};

/// What a log cannot tell and its owner can.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub from: Option<Version>,
    /// The version that the package leads to.
    pub to: Option<Version>,
    /// How updates are ordered of which nothing of the kind is heard.
    pub via: Option<Via>,
}

#[derive(Debug)]
pub struct Fold {
    told: Told,
    current: Option<LogUpdate>,
    /// Updates that have begun.
    pub updates: u64,
    /// Blocks of the boot ROM, in updates and between them.
    pub boots: u64,
    /// The module, by its own word.
    pub model: Option<String>,
    /// Lines in words that speak of URCs, and the first of them.
    pub spoken: Option<(u64, Place)>,
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
    pub fn new(told: Told) -> Self {
        Self {
            told,
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
    pub fn damage(&mut self, place: Place) {
        if let Some(update) = &mut self.current {
            update.damage(place);
        }
    }

    /// The terminal was started again, or its clock went back: what was said in between is in no log.
    pub fn interrupt(&mut self) {
        self.running = None;
        self.with(|update| (update.deaf, update.interrupted) = (true, true));
    }

    /// Takes what was heard; gives an update that is over by it.
    pub fn take(&mut self, heard: &Heard<'_>, place: Place) -> Option<LogUpdate> {
        if let Heard::BootRom(line) = *heard {
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
            Heard::Order(_) | Heard::Block(_) | Heard::Reboot | Heard::Command
        );
        match *heard {
            Heard::Fota(fota) => return self.fota(fota, place),
            Heard::Order(via) => return self.order(via, place),
            Heard::Block(block) => return self.block(block, place),
            Heard::Written if !self.commands => return self.written(place),
            Heard::Ready => self.ready(place),
            Heard::EchoOff => (self.commands, self.echo_by_hand) = (false, false),
            Heard::EchoOn => (self.commands, self.echo_by_hand) = (true, true),
            Heard::Version(version) => self.version(version, place),
            Heard::Model(model) => self.model = self.model.take().or_else(|| Some(model.to_owned())),
            Heard::Torn => self.damage(place),
            Heard::Session => self.interrupt(),
            Heard::Spoken => self.spoken.get_or_insert((0, place)).0 += 1,
            Heard::Above(percent) => {
                let begun = self.updating(percent, place);
                self.with(|update| update.note(Odd::Above(percent), place));
                return begun;
            }
            Heard::Word(word) => {
                let word = String::from_utf8_lossy(word).into_owned();
                self.with(|update| update.note(Odd::Word(word), place));
            }
            Heard::Reboot => self.with(|update| update.steps.push(What::Reboot, place)),
            Heard::Command | Heard::Written | Heard::BootRom(_) => {}
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
    fn breaks(&mut self, place: Place, rule: impl FnOnce(&LogUpdate) -> Option<(Rule, String)>) -> bool {
        let Some(update) = &mut self.current else {
            return false;
        };
        let broken = rule(update);
        let breaks = broken.is_some();
        if let Some((rule, sentence)) = broken {
            update.find(rule, sentence, place);
        }
        breaks
    }

    /// A new update; the one before is over.
    fn begin(&mut self, via: Option<Via>, stage: Stage, place: Place) -> Option<LogUpdate> {
        let over = self.current.take();
        self.updates += 1;
        let mut update = LogUpdate::new(self.updates, stage, place);
        update.via = via.or(self.told.via);
        update.via_told = via.is_none() && self.told.via.is_some();
        let before = |version: &Version, told| Before {
            version: version.clone(),
            told,
        };
        let heard = self.running.as_ref().map(|version| before(version, false));
        if let (Some(heard), 1) = (&heard, self.updates) {
            rules::told(&mut update, &heard.version, self.told.from.as_ref(), place);
        }
        update.from = heard.or_else(|| self.told.from.as_ref().map(|version| before(version, true)));
        self.current = Some(update);
        over
    }

    fn boot(&mut self, heard: bool, place: Place) {
        self.commands &= !core::mem::take(&mut self.echo_by_hand);
        self.with(|update| {
            let stage = update.stage;
            let boot = What::Boot {
                stage,
                heard,
                times: 1,
            };
            update.steps.push(boot, place);
            (update.booted, update.ready, update.last) = (true, false, place);
        });
    }

    fn ready(&mut self, place: Place) {
        // RDY without the boot ROM's block before it, which may have been noise.
        if self
            .current
            .as_ref()
            .is_some_and(|update| !update.booted || update.ready)
        {
            self.boot(false, place);
        }
        self.with(|update| {
            update.steps.push(What::Ready, place);
            (update.ready, update.last) = (true, place);
        });
    }

    fn version(&mut self, version: &str, place: Place) {
        let Ok(version) = version.parse::<Version>() else {
            return;
        };
        let Told { from, to, .. } = self.told.clone();
        self.with(|update| {
            update.last = place;
            let before = matches!(
                update.stage,
                Stage::Uploading(_) | Stage::Ordered | Stage::Downloading(_) | Stage::Downloaded
            );
            if before || (update.stage == Stage::Started && !update.ready) {
                let heard = Before {
                    version: version.clone(),
                    told: false,
                };
                update.from = Some(heard);
                if update.number == 1 {
                    rules::told(update, &version, from.as_ref(), place);
                }
            } else if let Some(other) = rules::other_module(update, &version) {
                update.note(Odd::OtherModule(other, version.clone()), place);
            } else if update.after.last() != Some(&version) {
                update
                    .steps
                    .push(What::Version(version.as_str().to_owned()), place);
                rules::version(update, &version, to.as_ref(), place);
                update.name(&version);
            }
        });
        self.running = Some(version);
    }

    fn fota(&mut self, fota: Fota, place: Place) -> Option<LogUpdate> {
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
                    self.with(|update| update.note(Odd::Programs(programs.0, programs.1), place));
                }
                over
            }
            Fota::End(code) => self.end(code, place),
            _ => None,
        };
        self.with(heard_of_it(place));
        over
    }

    fn start(&mut self, place: Place) -> Option<LogUpdate> {
        let over = self.goes_on("START", place);
        self.with(|update| {
            update.begins_early(place);
            if let Stage::Started | Stage::Updating(_) = update.stage
                && update.started
                && !update.booted
            {
                update.note(Odd::StartAgain, place);
            }
            (update.stage, update.started) = (Stage::Started, true);
            update.steps.push(What::Start, place);
        });
        over
    }

    fn updating(&mut self, percent: u32, place: Place) -> Option<LogUpdate> {
        let over = self.goes_on("UPDATING", place);
        self.running = None;
        self.with(|update| {
            update.begins_early(place);
            let before = match update.stage {
                Stage::Updating(before) if !update.booted => Some(before),
                _ => None,
            };
            if let Some(before) = before.filter(|before| *before > percent) {
                update.note(Odd::Back(before, percent), place);
            }
            (update.stage, update.updated) = (Stage::Updating(percent), true);
            update.steps.push(What::Updating(percent, percent), place);
            update.points.push(Point {
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
    fn goes_on(&mut self, what: &str, place: Place) -> Option<LogUpdate> {
        if self.current.as_ref().is_some_and(|update| !update.is_over()) {
            return None;
        }
        let commands = self.commands;
        if self.breaks(place, |update| rules::comes_after_the_end(update, what, commands)) {
            None
        } else {
            self.begin(None, Stage::Ordered, place)
        }
    }

    fn end(&mut self, code: UpdateCode, place: Place) -> Option<LogUpdate> {
        let over = match &self.current {
            Some(_) => None,
            None => self.begin(None, Stage::Ordered, place),
        };
        if code == UpdateCode::Success {
            self.running = None;
        }
        self.with(|update| {
            update.steps.push(What::End(code), place);
            rules::end(update, code, place);
            // "DFOTA is busy" in the middle of a download refuses a second order; the first goes on.
            if !(code == UpdateCode::Busy && matches!(update.stage, Stage::Downloading(_))) {
                update.stage = Stage::Ended(code);
            }
        });
        over
    }
}

/// A URC of the update was heard: what came since the one before counts no more.
fn heard_of_it(place: Place) -> impl FnOnce(&mut LogUpdate) {
    move |update| {
        (update.booted, update.ready) = (false, false);
        (update.deaf, update.interrupted) = (false, false);
        update.last = place;
    }
}

impl LogUpdate {
    /// Nothing is under way any more.
    fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Ended(_) | Stage::DownloadFailed(_))
    }

    /// START or UPDATING was heard. Over CoAP the update is ordered through LwM2M, and COAPEND says no more than that.
    fn begins_early(&mut self, place: Place) {
        if let Stage::Downloading(percent) = self.stage
            && self.via == Some(Via::Http)
        {
            self.note(Odd::EarlyStart(percent), place);
        }
    }
}
