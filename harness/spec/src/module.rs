//! The two modules of the application note.

/// A module type, as rigs name it and as `ATI` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Module {
    /// Quectel BC66.
    Bc66,
    /// Quectel BC66-NA.
    Bc66Na,
}

impl Module {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Bc66, Self::Bc66Na];

    /// The second line of `ATI` (AL, FW).
    pub const fn ati_model(self) -> &'static str {
        match self {
            Self::Bc66 => "Quectel_BC66",
            Self::Bc66Na => "Quectel_BC66NA",
        }
    }
}

/// The first line of `ATI` (AL, FW).
pub const ATI_VENDOR: &str = "Quectel_Ltd";
/// What the version stands behind in `ATI` and `AT+CGMR` (AL, FW); a blank may stand before the colon (FW).
pub const REVISION: &str = "Revision:";
