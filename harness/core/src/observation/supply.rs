//! Which boots the harness itself caused: follows the lines that it moves to start the module.

use crate::cut::CutKind;
use crate::event::Line;
use crate::update::UpdateInput;

/// What is known of the module's lines.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Supply {
    /// A cut was made, and what it took has not been given back.
    cut: Option<CutKind>,
}

impl Supply {
    /// A cut was made.
    pub(super) fn cut(&mut self, kind: CutKind) {
        self.cut = Some(kind);
    }

    /// The module is about to be started: what that is to the update.
    pub(super) fn starts(&mut self, by: Line) -> Option<UpdateInput> {
        match (by, self.cut) {
            // The end of a cut: the life after it has begun with the cut itself.
            (Line::Power, Some(CutKind::Power | CutKind::Both)) | (Line::Reset, Some(CutKind::Reset)) => {
                self.cut = None;
                None
            }
            // Reset is let go while the supply is still away.
            (Line::Reset, Some(CutKind::Both)) => None,
            (Line::Power | Line::Reset, _) => Some(UpdateInput::Cycle),
            (Line::Pwrkey, _) => Some(UpdateInput::Key),
        }
    }
}
