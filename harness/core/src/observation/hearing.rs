//! When the module could be heard, and the gaps in which it could not.

use crate::event_id::EventId;
use crate::update::Phase;
use alloc::string::String;
use alloc::vec::Vec;

/// A time in which the module could not be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapSeen {
    /// The event with which it began.
    pub id: EventId,
    pub why: String,
    /// Where the update stood then.
    pub phase: Phase,
}

/// Whether the module can be heard, and when it could not be.
#[derive(Debug, Clone, Default)]
pub struct Hearing {
    pub gaps: Vec<GapSeen>,
    /// The supply was taken away.
    off: bool,
    /// Why the port went while it was, as one does that is fed by it: nothing can be missed until the supply returns.
    away: Option<String>,
}

impl Hearing {
    pub(super) fn supply_lost(&mut self) {
        self.off = true;
    }

    /// The supply returns. Gives why nothing is heard from then on, where the port is still away.
    pub(super) fn supply_returns(&mut self) -> Option<String> {
        self.off = false;
        self.away.take()
    }

    /// The port has gone. Gives why something may be missed, if it may.
    pub(super) fn port_lost(&mut self, why: &str) -> Option<String> {
        if self.off {
            self.away = Some(why.into());
            return None;
        }
        Some(why.into())
    }

    /// The port is there again. Gives whether something may have been missed.
    pub(super) fn port_back(&mut self) -> bool {
        self.away.take().is_none()
    }
}
