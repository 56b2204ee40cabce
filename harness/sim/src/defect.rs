//! What can be wrong with a simulated module: a closed list, so that a harness can be seen to fail.
//!
//! To add one: a variant, its line in [`Defect::ALL`], its name and sentence, and one `defects.has(…)` where the sound
//! behaviour is. Only `crate::bootloader`, `crate::module`, `crate::lwm2m` and the
//! application ask.

use std::fmt;
use std::str::FromStr;

/// One defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// After a power cut while patching, clears the marker and starts the half-patched application.
    ForgetsResume,
    /// Shows all progress and reports 0, but patches nothing.
    EndZeroOldVersion,
    /// Reports 0 and shows the new version, but one sector of the image is empty.
    EndZeroCorruptedImage,
    /// Stops for good at some percentage between 30 and 80, in every attempt.
    HangsInUpdating,
    /// Gives no sign of life after a power cut while patching.
    DeadAfterCut,
    /// Never prints an update's result.
    NeverPrintsEnd,
    /// The firmware update object keeps state 3 for good once an update was executed.
    StuckAtUpdating,
    /// The firmware update object keeps its old result when a download or an update starts.
    ResultNotReset,
    /// After a reboot of its own, answers an observation as if it were a read and never notifies.
    CannotBeReObserved,
    /// Accepts `/5/0/2` in the states 0 and 1 too.
    ExecutesInAnyState,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ForgetsResume,
        Self::EndZeroOldVersion,
        Self::EndZeroCorruptedImage,
        Self::HangsInUpdating,
        Self::DeadAfterCut,
        Self::NeverPrintsEnd,
        Self::StuckAtUpdating,
        Self::ResultNotReset,
        Self::CannotBeReObserved,
        Self::ExecutesInAnyState,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForgetsResume => "forgets-resume",
            Self::EndZeroOldVersion => "end-zero-old-version",
            Self::EndZeroCorruptedImage => "end-zero-corrupted-image",
            Self::HangsInUpdating => "hangs-in-updating",
            Self::DeadAfterCut => "dead-after-cut",
            Self::NeverPrintsEnd => "never-prints-end",
            Self::StuckAtUpdating => "lwm2m-stuck-at-updating",
            Self::ResultNotReset => "result-not-reset",
            Self::CannotBeReObserved => "cannot-be-re-observed",
            Self::ExecutesInAnyState => "executes-in-any-state",
        }
    }

    /// What it does, in one sentence.
    pub const fn about(self) -> &'static str {
        match self {
            Self::ForgetsResume => {
                "after a power cut in UPDATING, starts the half-patched application instead of resuming"
            }
            Self::EndZeroOldVersion => "shows all progress and reports END,0, but keeps the old version",
            Self::EndZeroCorruptedImage => {
                "reports END,0 and shows the new version, but leaves a hole in the image"
            }
            Self::HangsInUpdating => "stops for good at some percentage between 30 and 80, in every attempt",
            Self::DeadAfterCut => "gives no sign of life after a power cut in UPDATING",
            Self::NeverPrintsEnd => "never prints END",
            Self::StuckAtUpdating => {
                "over LwM2M, the state stays 3 (updating) for good, whatever the update did"
            }
            Self::ResultNotReset => "over LwM2M, keeps the old result when a download or an update starts",
            Self::CannotBeReObserved => {
                "over LwM2M, answers an observation as a mere read and never notifies, once it has rebooted by itself"
            }
            Self::ExecutesInAnyState => {
                "over LwM2M, accepts the execution of the update without a package too"
            }
        }
    }
}

impl FromStr for Defect {
    type Err = UnknownDefect;

    fn from_str(name: &str) -> Result<Self, UnknownDefect> {
        Self::ALL
            .into_iter()
            .find(|defect| defect.name() == name)
            .ok_or_else(|| UnknownDefect(name.to_owned()))
    }
}

/// The name is no defect's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDefect(String);

impl fmt::Display for UnknownDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Defect::ALL.map(Defect::name);
        let nearest = names
            .into_iter()
            .min_by_key(|name| distance(name, &self.0))
            .unwrap_or_default();
        write!(
            f,
            "unknown defect `{}`: did you mean `{nearest}`? all defects: {}",
            self.0,
            names.join(", ")
        )
    }
}

impl std::error::Error for UnknownDefect {}

/// Edit distance (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// A set of defects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Defects {
    bits: u64,
}

impl Defects {
    /// Is this one in the set?
    pub const fn has(self, defect: Defect) -> bool {
        self.bits & Self::bit(defect) != 0
    }

    /// The defects in the set.
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        Defect::ALL.into_iter().filter(move |defect| self.has(*defect))
    }

    const fn bit(defect: Defect) -> u64 {
        1 << defect as u64
    }
}

impl FromIterator<Defect> for Defects {
    fn from_iter<I: IntoIterator<Item = Defect>>(defects: I) -> Self {
        Self {
            bits: defects
                .into_iter()
                .fold(0, |bits, defect| bits | Self::bit(defect)),
        }
    }
}
