//! Downloads: their beginning, their percentages, their end.

use super::Fold;
use crate::log::found::{LogUpdate, Odd, Point};
use crate::log::rules;
use crate::log::steps::{Place, Stage, What};
use crate::percent::Percent;
use crate::transport::Via;
use bc66_spec::code::DownloadCode;

impl Fold {
    pub(super) fn download_start(&mut self, via: Via, place: Place) -> Option<LogUpdate> {
        let over = match &mut self.current {
            Some(update) if update.stage == Stage::Ordered && !update.ready && update.fits(via) => None,
            Some(update) if update.downloads() && !update.ready => {
                update.note(Odd::DownloadAgain, place);
                None
            }
            _ => self.download_anew(via, place),
        };
        self.with(|update| {
            (update.stage, update.via) = (Stage::Downloading(None), Some(via));
            update.steps.push(What::DownloadStart(via), place);
        });
        over
    }

    /// A download that no order has begun: held against the module, or an update of its own.
    fn download_anew(&mut self, via: Via, place: Place) -> Option<LogUpdate> {
        let commands = self.commands;
        if self.breaks(place, |update| rules::downloads_again(update, via, commands)) {
            None
        } else {
            self.begin(Some(via), Stage::Downloading(None), place)
        }
    }

    pub(super) fn downloading(&mut self, percent: Percent, place: Place) -> Option<LogUpdate> {
        let percent = u32::from(percent.get());
        let over = match &self.current {
            Some(update) if update.stage == Stage::Ordered || update.downloads() => None,
            _ => self.download_anew(Via::Http, place),
        };
        self.with(|update| {
            update.mix(Via::Http, place);
            let before = match update.stage {
                Stage::Downloading(before) if !update.booted => before,
                _ => None,
            };
            if let Some(before) = before.filter(|before| *before > percent) {
                update.note(Odd::DownloadBack(before, percent), place);
            }
            update.stage = Stage::Downloading(Some(percent));
            update.steps.push(What::Downloading(percent, percent), place);
            update.points.push(Point {
                updating: false,
                percent,
                place,
                begins: before.is_none(),
            });
        });
        over
    }

    pub(super) fn download_end(&mut self, via: Via, code: DownloadCode, place: Place) -> Option<LogUpdate> {
        let over = match &mut self.current {
            Some(update) if matches!(update.stage, Stage::Started | Stage::Updating(_)) => {
                update.note(Odd::LateDownloadEnd, place);
                return None;
            }
            Some(update) if update.stage == Stage::Ordered || update.downloads() => None,
            _ => self.begin(Some(via), Stage::Downloading(None), place),
        };
        self.with(|update| {
            update.mix(via, place);
            update.stage = match code {
                DownloadCode::Success => Stage::Downloaded,
                failed => Stage::DownloadFailed(failed),
            };
            update.steps.push(What::DownloadEnd(via, code), place);
        });
        over
    }
}

impl LogUpdate {
    fn fits(&self, via: Via) -> bool {
        self.via_told || self.via.is_none_or(|known| known == via)
    }

    fn downloads(&self) -> bool {
        matches!(self.stage, Stage::Downloading(_) | Stage::Downloaded)
    }

    /// A URC of this transport was heard.
    fn mix(&mut self, via: Via, place: Place) {
        match self.via {
            Some(known) if known != via && !self.via_told => self.note(Odd::Mixed(known, via), place),
            _ => (self.via, self.via_told) = (Some(via), false),
        }
    }
}
