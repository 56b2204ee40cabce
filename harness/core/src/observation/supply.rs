//! Which boots the harness itself asked for: told by the lines that it moved.

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
    /// A cut was made. Its own moves of the lines came before it and say nothing more.
    pub(super) fn cut(&mut self, kind: Kind) {
        self.cut = Some(kind);
    }

    /// A line was moved: what that is to the update.
    pub(super) fn moved(&mut self, line: Line, active: bool) -> Option<Input> {
        match (line, active, self.cut) {
            // The end of a cut: the life after it has begun with the cut itself.
            (Line::Power, true, Some(Kind::Power | Kind::Both)) | (Line::Reset, false, Some(Kind::Reset)) => {
                self.cut = None;
                None
            }
            // Reset is let go while the supply is still away.
            (Line::Reset, false, Some(Kind::Both)) => None,
            (Line::Power, true, _) | (Line::Reset, false, _) => Some(Input::Cycle),
            (Line::Pwrkey, true, _) => Some(Input::Key),
            (Line::Power, false, _) | (Line::Reset, true, _) | (Line::Pwrkey, false, _) => None,
        }
    }
}
