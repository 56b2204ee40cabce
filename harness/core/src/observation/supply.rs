//! Which boots the harness itself asked for: told by what it does to start the module.

use crate::cut::Kind;
use crate::event::Line;
use crate::update::Input;

/// What is known of the module's lines.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Supply {
    /// A cut was made, and what it took has not been given back.
    cut: Option<Kind>,
}

impl Supply {
    /// A cut was made.
    pub(super) fn cut(&mut self, kind: Kind) {
        self.cut = Some(kind);
    }

    /// The module is about to be started: what that is to the update.
    pub(super) fn starts(&mut self, by: Line) -> Option<Input> {
        match (by, self.cut) {
            // The end of a cut: the life after it has begun with the cut itself.
            (Line::Power, Some(Kind::Power | Kind::Both)) | (Line::Reset, Some(Kind::Reset)) => {
                self.cut = None;
                None
            }
            // Reset is let go while the supply is still away.
            (Line::Reset, Some(Kind::Both)) => None,
            (Line::Power | Line::Reset, _) => Some(Input::Cycle),
            (Line::Pwrkey, _) => Some(Input::Key),
        }
    }
}
