//! Which versions and results were legal, by the table of what is legal after a cut (`suites/README.md`).

use crate::cut::CutKind;
use crate::expect::Becomes;
use crate::observation::Observation;
use crate::update::{AfterCut, Life, Phase};
use crate::version::Version;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bc66_spec::code::UpdateCode;

/// The versions that are legal afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LegalVersion<'a> {
    Source,
    /// What the package leads to.
    Target,
    Either,
    Exactly(&'a Version),
}

impl Observation {
    pub(super) fn source(&self) -> &Version {
        &self.case().on
    }

    pub(super) fn target(&self) -> &Version {
        &self.case().package.to
    }

    /// Lives of the module that a cut ended.
    pub fn cut_lives(&self) -> impl DoubleEndedIterator<Item = &Life> {
        self.update.lives().iter().filter(|life| life.cut.is_some())
    }

    /// Cuts that were made.
    pub fn cuts_made(&self) -> usize {
        self.cut_lives().count()
    }

    pub(super) fn cuts_planned(&self) -> usize {
        self.plan.cuts.len()
    }

    /// Lives since the last cut, the last one first; all of them without a cut.
    pub(super) fn lives_after(&self) -> impl Iterator<Item = &Life> {
        self.update
            .lives()
            .iter()
            .rev()
            .take_while(|life| life.cut.is_none())
    }

    /// Whether the update was seen to go on after the last cut.
    pub(super) fn resumed(&self) -> bool {
        self.lives_after().any(Life::updates)
    }

    /// Whether a cut was made, and the update seen to go on after the last one.
    pub fn resumed_after_cut(&self) -> bool {
        self.cuts_made() > 0 && self.resumed()
    }

    pub(super) fn ends(&self) -> Vec<UpdateCode> {
        self.update.ends().collect()
    }

    /// Whether the supply was away for so short a time that the module may have lived through it.
    pub(super) fn glitched(&self) -> bool {
        self.cut_lives().any(|life| life.glitch)
    }

    /// "after power was cut at UPDATING 50%", for the start of a sentence.
    pub(super) fn after(&self) -> String {
        let Some(plan) = self.case().cut.as_ref().filter(|_| self.cuts_made() > 0) else {
            return format!("after the update over {}", self.case().via);
        };
        let places: Vec<String> = self
            .cut_lives()
            .filter_map(|life| life.cut)
            .map(|phase| phase.to_string())
            .collect();
        let what = match plan.kind {
            CutKind::Power => "power was cut",
            CutKind::Reset => "the module was reset",
            CutKind::Both => "power was cut and reset asserted",
        };
        format!("after {what} at {}", places.join(", and again at "))
    }

    pub(super) fn legal_version(&self) -> LegalVersion<'_> {
        let last = self.cut_lives().next_back();
        let Some(last) = last else { return self.declared() };
        match self.update.expected_after_cuts() {
            AfterCut::SourceStays if self.glitched() => self.either(),
            AfterCut::SourceStays => LegalVersion::Source,
            AfterCut::MayResume => self.either(),
            AfterCut::MustResume => LegalVersion::Target,
            AfterCut::TargetStays if last.cut == Some(Phase::Ended { code: 0 }) => LegalVersion::Target,
            // The update had ended with an error code before the cut: that is what the case is judged by.
            AfterCut::TargetStays => self.declared(),
        }
    }

    /// After this cut either version is legal, unless the case declares that the package is refused.
    fn either(&self) -> LegalVersion<'_> {
        match &self.case().expect.version {
            Some(Becomes::Unchanged) => LegalVersion::Source,
            _ => LegalVersion::Either,
        }
    }

    /// What the case itself declares.
    fn declared(&self) -> LegalVersion<'_> {
        match &self.case().expect.version {
            Some(Becomes::Target) => LegalVersion::Target,
            Some(Becomes::Unchanged) => LegalVersion::Source,
            Some(Becomes::Version(version)) => LegalVersion::Exactly(version),
            None => LegalVersion::Either,
        }
    }

    /// The cut came before there was anything to update with: the codes that the case expects belong to the same update,
    /// ordered again.
    pub fn to_be_ordered_again(&self) -> bool {
        self.update.expected_after_cuts() == AfterCut::SourceStays && self.cuts_made() > 0 && !self.glitched()
    }
}
