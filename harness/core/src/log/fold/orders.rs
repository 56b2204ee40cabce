//! Orders that can be heard, and uploads before them.

use super::Fold;
use crate::log::found::{LogUpdate, Oddity, SinceUrc};
use crate::log::place::LogPlace;
use crate::log::steps::{LogStage, StepKind};
use crate::transport::Via;

impl Fold {
    pub(super) fn order(&mut self, via: Via, place: LogPlace) -> Option<LogUpdate> {
        let Some(update) = &mut self.current else {
            return self.ordered(via, place);
        };
        match update.stage {
            LogStage::Uploading(_) if via == Via::Uart && !update.since.ready => {
                (update.stage, update.last) = (LogStage::Ordered, place);
                update.steps.push(StepKind::Order(via), place);
                None
            }
            // The terminal's own line and the module's echo of it.
            LogStage::Ordered
                if !update.since.ready && update.via.is_some_and(|known| known.value == via) =>
            {
                None
            }
            LogStage::Downloading(_) | LogStage::Downloaded | LogStage::Started | LogStage::Updating(_)
                if !update.since.ready =>
            {
                update.note(Oddity::OrderedAgain, place);
                None
            }
            _ => self.ordered(via, place),
        }
    }

    fn ordered(&mut self, via: Via, place: LogPlace) -> Option<LogUpdate> {
        let over = self.begin(Some(via), LogStage::Ordered, place);
        self.with(|update| update.steps.push(StepKind::Order(via), place));
        over
    }

    pub(super) fn block(&mut self, block: u32, place: LogPlace) -> Option<LogUpdate> {
        let goes_on =
            |update: &LogUpdate| matches!(update.stage, LogStage::Uploading(_)) && !update.since.ready;
        let over = match &self.current {
            Some(update) if goes_on(update) => None,
            _ => self.begin(Some(Via::Uart), LogStage::Uploading(block), place),
        };
        self.with(|update| {
            update.steps.push(StepKind::Upload(block, block), place);
            (update.stage, update.last) = (LogStage::Uploading(block), place);
        });
        over
    }

    /// Where no commands are shown, blocks are counted.
    pub(super) fn written(&mut self, place: LogPlace) -> Option<LogUpdate> {
        let block = match &self.current {
            Some(LogUpdate {
                stage: LogStage::Uploading(block),
                since: SinceUrc { ready: false, .. },
                ..
            }) => block.saturating_add(1),
            _ => 0,
        };
        self.block(block, place)
    }
}
