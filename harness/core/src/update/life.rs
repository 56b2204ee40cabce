//! What the module said between two edges of its supply.

use super::Phase;
use crate::percent::Percent;
use alloc::vec::Vec;
use bc66_spec::code::{DownloadCode, UpdateCode};

/// Boots that an order or START explains: into the bootloader, and out of it, also where it refuses the package without a
/// single UPDATING.
pub(super) const REBOOTS_OF_AN_UPDATE: u8 = 2;

/// What the module said while it was alive between two edges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Life {
    pub start: bool,
    pub updating: Option<UpdateProgress>,
    /// Result codes of END, in order.
    pub ends: Vec<UpdateCode>,
    /// Last result of a download.
    pub download: Option<DownloadCode>,
    pub boots: Boots,
    /// The harness could not hear the module at some time in this life, and neither START nor UPDATING came after it.
    pub gap: bool,
    /// The same, when END was heard first.
    pub gap_before_end: bool,
    /// The application came up.
    pub ready: bool,
    /// The phase in which the life was cut; `None` for the last one and for those the harness ended itself.
    pub cut: Option<Phase>,
    /// The cut was a glitch.
    pub glitch: bool,
}

/// The first and the last percentage of UPDATING.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateProgress {
    pub first: Percent,
    pub last: Percent,
}

/// Boots of a life, and which of them something explains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Boots {
    /// Times that the boot ROM's block began.
    pub roms: u32,
    /// Boots between two UPDATINGs: nobody caused them.
    pub resets: u32,
    /// Boots since the last UPDATING: they are resets if UPDATING goes on.
    pending: u32,
    /// Boots that may still come, for what came before explains them: the supply, START, UPDATING.
    explained: u8,
    /// The boot ROM's block came, and RDY has not followed yet.
    under_way: bool,
}

impl Life {
    /// The life after the supply returned. A module that lives through a glitch still has the boots `before` it that were
    /// explained.
    pub(super) fn after(before: Option<&Self>) -> Self {
        let explained = before.map_or(0, |life| life.boots.explained) + 1;
        Self {
            boots: Boots {
                explained,
                ..Boots::default()
            },
            ..Self::default()
        }
    }

    /// Whether UPDATING came to 100 % and the module has booted since.
    pub fn finished(&self) -> bool {
        self.updating.is_some_and(|at| at.last == Percent::FULL) && self.boots.pending > 0
    }

    /// Whether the boot ROM's block was the last thing heard, so that the module was on its way up.
    pub fn is_booting(&self) -> bool {
        self.boots.under_way
    }

    /// Whether the update was seen to go on.
    pub fn updates(&self) -> bool {
        self.start || self.updating.is_some()
    }

    /// So many boots are explained now.
    pub(super) fn explain(&mut self, boots: u8) {
        self.boots.explained = boots;
    }

    /// One boot is explained, if not more.
    pub(super) fn explain_one(&mut self) {
        self.boots.explained = self.boots.explained.max(1);
    }

    /// The boot ROM's block began. Gives whether nothing explains it: after the application had come up, only what is known
    /// explains a boot.
    pub(super) fn boot(&mut self) -> bool {
        let boots = &mut self.boots;
        boots.roms += 1;
        boots.pending += u32::from(self.updating.is_some());
        let unexplained = self.ready && boots.explained == 0;
        boots.explained = boots.explained.saturating_sub(1);
        (boots.under_way, self.ready) = (true, false);
        unexplained
    }

    /// RDY. At another rate of the line it is all that can be read of a boot. Gives whether nothing explains it.
    pub(super) fn come_up(&mut self) -> bool {
        let alone = !core::mem::take(&mut self.boots.under_way);
        let unexplained = self.ready && alone && self.boots.explained == 0;
        self.ready = true;
        self.boots.explained = self.boots.explained.saturating_sub(u8::from(alone));
        unexplained
    }

    pub(super) fn start(&mut self) {
        self.start = true;
        (self.ready, self.gap) = (false, false);
        self.explain(REBOOTS_OF_AN_UPDATE);
    }

    pub(super) fn update_to(&mut self, percent: Percent) {
        let first = self.updating.map_or(percent, |at| at.first);
        self.updating = Some(UpdateProgress { first, last: percent });
        self.boots.resets += core::mem::take(&mut self.boots.pending);
        (self.ready, self.gap) = (false, false);
        self.explain(1);
    }

    /// END, kept where there are fewer than `most`.
    pub(super) fn end(&mut self, code: UpdateCode, most: usize) {
        self.boots.under_way = false;
        if self.ends.is_empty() {
            self.gap_before_end = self.gap;
        }
        if self.ends.len() < most {
            self.ends.push(code);
        }
    }
}
