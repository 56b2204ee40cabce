//! The state of the module after an update. Campaigns count these outcomes, whichever rule gave the verdict.

use crate::macros::named_enum;

named_enum! {
    /// What a module became by an update, cut or not.
    pub enum Outcome {
        /// The source version runs and does what it did, as far as can be asked. The next delta decides: if the module refuses
        /// it, this becomes [`Self::SilentCorruption`].
        OldIntact = "old-intact",
        /// The target version runs and does what the source did; no resume was seen on the way.
        New = "new",
        /// The same after a forced resume.
        NewAfterResume = "new-after-resume",
        /// It runs a version that is neither the source nor the target.
        WrongImage = "wrong-image",
        /// Its version is a legal one, and it is not what the version says: the next known-good delta is refused with 254 or
        /// 255, or something that it could do before is lost.
        SilentCorruption = "silent-corruption",
        /// It does not answer, whatever the rig could do about it.
        Unresponsive = "unresponsive",
        /// It does not answer, and still shows that it updates.
        StillUpdating = "still-updating",
    }
}

impl Outcome {
    /// What counts as a brick, for reports: it has to stand beside any figure that counts them.
    pub const BRICK: &str = "a brick is a module that, after the update and whatever the rig can do to revive it (power \
        cycles with discharge, reset, PWRKEY), does not answer, or is still updating, or runs a version that is neither \
        the old nor the new one, or says a legal version but refuses the next known-good delta with 254 or 255 or has \
        lost something that it could do before (IMEI, SIM, full functionality, registration, address)";

    /// Whether it counts as a brick; [`Self::BRICK`] says it in words: unresponsive, still updating, a wrong image, or a
    /// silent corruption.
    pub const fn is_brick(self) -> bool {
        match self {
            Self::WrongImage | Self::SilentCorruption | Self::Unresponsive | Self::StillUpdating => true,
            Self::OldIntact | Self::New | Self::NewAfterResume => false,
        }
    }

    /// In words, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OldIntact => "old and intact",
            Self::New => "new",
            Self::NewAfterResume => "new after a resume",
            Self::WrongImage => "wrong image",
            Self::SilentCorruption => "silent corruption",
            Self::Unresponsive => "bricked: unresponsive",
            Self::StillUpdating => "still updating",
        }
    }
}
