//! Downloads: their beginning, their percentages, their end.

use super::Fold;
use crate::log::found::{Known, LogUpdate, Oddity};
use crate::log::place::LogPlace;
use crate::log::points::PercentPoint;
use crate::log::rules;
use crate::log::steps::{LogStage, StepKind};
use crate::percent::Percent;
use crate::transport::Via;
use bc66_spec::code::DownloadCode;

impl Fold {
    pub(super) fn download_start(&mut self, via: Via, place: LogPlace) -> Option<LogUpdate> {
        let over = match &mut self.current {
            Some(update) if update.stage == LogStage::Ordered && !update.since.ready && update.fits(via) => {
                None
            }
            Some(update) if update.downloads() && !update.since.ready => {
                update.note(Oddity::DownloadAgain, place);
                None
            }
            _ => self.download_anew(via, place),
        };
        self.with(|update| {
            (update.stage, update.via) = (LogStage::Downloading(None), Some(Known::heard(via)));
            update.steps.push(StepKind::DownloadStart(via), place);
        });
        over
    }

    /// A download that no order has begun: held against the module, or an update of its own.
    fn download_anew(&mut self, via: Via, place: LogPlace) -> Option<LogUpdate> {
        let commands = self.commands;
        if self.breaks(place, |update| rules::downloads_again(update, via, commands)) {
            None
        } else {
            self.begin(Some(via), LogStage::Downloading(None), place)
        }
    }

    pub(super) fn downloading(&mut self, percent: Percent, place: LogPlace) -> Option<LogUpdate> {
        let percent = u32::from(percent.get());
        let over = match &self.current {
            Some(update) if update.stage == LogStage::Ordered || update.downloads() => None,
            _ => self.download_anew(Via::Http, place),
        };
        self.with(|update| {
            update.mix(Via::Http, place);
            let before = match update.stage {
                LogStage::Downloading(before) if !update.since.booted => before,
                _ => None,
            };
            if let Some(before) = before.filter(|before| *before > percent) {
                update.note(Oddity::DownloadBack(before, percent), place);
            }
            update.stage = LogStage::Downloading(Some(percent));
            update.steps.push(StepKind::Downloading(percent, percent), place);
            update.steps.points.push(PercentPoint {
                updating: false,
                percent,
                place,
                begins: before.is_none(),
            });
        });
        over
    }

    pub(super) fn download_end(
        &mut self,
        via: Via,
        code: DownloadCode,
        place: LogPlace,
    ) -> Option<LogUpdate> {
        let over = match &mut self.current {
            Some(update) if matches!(update.stage, LogStage::Started | LogStage::Updating(_)) => {
                update.note(Oddity::LateDownloadEnd, place);
                return None;
            }
            Some(update) if update.stage == LogStage::Ordered || update.downloads() => None,
            _ => self.begin(Some(via), LogStage::Downloading(None), place),
        };
        self.with(|update| {
            update.mix(via, place);
            update.stage = match code {
                DownloadCode::Success => LogStage::Downloaded,
                failed => LogStage::DownloadFailed(failed),
            };
            update.steps.push(StepKind::DownloadEnd(via, code), place);
        });
        over
    }
}

impl LogUpdate {
    fn fits(&self, via: Via) -> bool {
        self.via.is_none_or(|known| known.told || known.value == via)
    }

    fn downloads(&self) -> bool {
        matches!(self.stage, LogStage::Downloading(_) | LogStage::Downloaded)
    }

    /// A URC of this transport was heard.
    fn mix(&mut self, via: Via, place: LogPlace) {
        match self.via {
            Some(Known { value, told: false }) if value != via => self.note(Oddity::Mixed(value, via), place),
            _ => self.via = Some(Known::heard(via)),
        }
    }
}
