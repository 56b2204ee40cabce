//! Orders that can be heard, and uploads before them.

use super::Fold;
use crate::log::found::{LogUpdate, Odd};
use crate::log::steps::{Place, Stage, What};
use crate::transport::Via;

impl Fold {
    pub(super) fn order(&mut self, via: Via, place: Place) -> Option<LogUpdate> {
        let Some(update) = &mut self.current else {
            return self.ordered(via, place);
        };
        match update.stage {
            Stage::Uploading(_) if via == Via::Uart && !update.ready => {
                (update.stage, update.last) = (Stage::Ordered, place);
                update.steps.push(What::Order(via), place);
                None
            }
            // The terminal's own line and the module's echo of it.
            Stage::Ordered if !update.ready && update.via == Some(via) => None,
            Stage::Downloading(_) | Stage::Downloaded | Stage::Started | Stage::Updating(_)
                if !update.ready =>
            {
                update.note(Odd::OrderedAgain, place);
                None
            }
            _ => self.ordered(via, place),
        }
    }

    fn ordered(&mut self, via: Via, place: Place) -> Option<LogUpdate> {
        let over = self.begin(Some(via), Stage::Ordered, place);
        self.with(|update| update.steps.push(What::Order(via), place));
        over
    }

    pub(super) fn block(&mut self, block: u32, place: Place) -> Option<LogUpdate> {
        let goes_on = |update: &LogUpdate| matches!(update.stage, Stage::Uploading(_)) && !update.ready;
        let over = match &self.current {
            Some(update) if goes_on(update) => None,
            _ => self.begin(Some(Via::Uart), Stage::Uploading(block), place),
        };
        self.with(|update| {
            update.steps.push(What::Upload(block, block), place);
            (update.stage, update.last) = (Stage::Uploading(block), place);
        });
        over
    }

    /// Where no commands are shown, blocks are counted.
    pub(super) fn written(&mut self, place: Place) -> Option<LogUpdate> {
        let block = match &self.current {
            Some(LogUpdate {
                stage: Stage::Uploading(block),
                ready: false,
                ..
            }) => block.saturating_add(1),
            _ => 0,
        };
        self.block(block, place)
    }
}
