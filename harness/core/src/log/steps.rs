//! What happened in an update, step by step, as a person would tell it: percentages that follow each other are one step.

use crate::transport::Via;
use alloc::string::String;
use alloc::vec::Vec;
use bc66_spec::code::{DownloadCode, UpdateCode};
use core::fmt;

/// Where something stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its line, from 1.
    pub line: u64,
    /// Nanoseconds since the log's first time stamp; `None` in a log without any.
    pub at: Option<u64>,
}

/// Where an update stands, as far as the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Blocks are uploaded; the last one.
    Uploading(u32),
    Ordered,
    /// The module downloads; the last percentage.
    Downloading(Option<u32>),
    Downloaded,
    DownloadFailed(DownloadCode),
    Started,
    /// UPDATING was heard; the last percentage.
    Updating(u32),
    Ended(UpdateCode),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uploading(block) => write!(f, "uploading block {block}"),
            Self::Ordered => f.write_str("ordered"),
            Self::Downloading(None) => f.write_str("DOWNLOADING"),
            Self::Downloading(Some(percent)) => write!(f, "DOWNLOADING {percent}%"),
            Self::Downloaded => f.write_str("downloaded"),
            Self::DownloadFailed(code) => write!(f, "download failed with {}", code.raw()),
            Self::Started => f.write_str("START"),
            Self::Updating(percent) => write!(f, "UPDATING {percent}%"),
            Self::Ended(code) => write!(f, "END,{}", code.raw()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Blocks of an upload, the first and the last.
    Upload(u32, u32),
    Order(Via),
    DownloadStart(Via),
    /// DOWNLOADING, the first and the last percentage.
    Downloading(u32, u32),
    DownloadEnd(Via, DownloadCode),
    Start,
    /// UPDATING, the first and the last percentage.
    Updating(u32, u32),
    End(UpdateCode),
    /// The module has left reset.
    Boot {
        /// Where the update stood.
        stage: Stage,
        /// The boot ROM's block was heard, not only what comes behind it.
        heard: bool,
        /// How often, with nothing between.
        times: u64,
    },
    Ready,
    /// The module was told to reboot.
    Reboot,
    /// It named its version.
    Version(String),
}

/// A step and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub what: What,
    pub first: Place,
    pub last: Place,
}

/// The steps of an update, so many of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    list: Vec<Step>,
    /// Steps that came after [`Steps::MOST`].
    pub left_out: u64,
}

impl Steps {
    /// Steps that are kept. A sound update has about ten; a module that reboots for ever has any number.
    pub const MOST: usize = 400;

    /// The steps, in the order they came.
    pub fn list(&self) -> &[Step] {
        &self.list
    }

    /// Whether a boot was heard since a version was named; it may be among the steps that were left out.
    pub(super) fn booted_since_named(&self) -> bool {
        if self.left_out > 0 {
            return true;
        }
        let latest = self.list.iter().rev();
        let mut since = latest.take_while(|step| !matches!(step.what, What::Version(_)));
        since.any(|step| matches!(step.what, What::Boot { .. }))
    }

    /// Takes the next one.
    pub(super) fn push(&mut self, what: What, place: Place) {
        let joined = self.left_out == 0 && self.list.last_mut().is_some_and(|step| step.joins(&what, place));
        if joined {
            return;
        }
        if self.list.len() < Self::MOST {
            self.list.push(Step {
                what,
                first: place,
                last: place,
            })
        } else {
            self.left_out += 1
        }
    }

    /// For each step, how many resets inside the update it is, and where that stood. A sound update boots twice: after
    /// START, and after the last UPDATING. What a boot was is told by what follows it.
    pub fn resets(&self) -> impl Iterator<Item = Option<Reset>> + '_ {
        (0..self.list.len()).map(|at| self.reset(at))
    }

    fn reset(&self, at: usize) -> Option<Reset> {
        let What::Boot { stage, times, .. } = self.list[at].what else {
            return None;
        };
        let next = self.list.get(at + 1).map(|step| &step.what);
        let goes_on = matches!(next, Some(What::Start | What::Updating(..)));
        let due = match stage {
            // What comes before the first boot may not have been heard.
            Stage::Ordered | Stage::Downloading(_) | Stage::Downloaded => goes_on,
            Stage::Started => true,
            // Of percentages that jump, the last one may be any.
            Stage::Updating(percent) => !goes_on && (percent >= 100 || self.ends_well(at)),
            Stage::Uploading(_) => false,
            Stage::DownloadFailed(_) | Stage::Ended(_) => return None,
        };
        let times = times - u64::from(due);
        (times > 0).then_some(Reset { stage, times })
    }

    /// Whether END,0 is the next that is said of the update.
    fn ends_well(&self, at: usize) -> bool {
        let said = self.list[at + 1..].iter().find_map(|step| match step.what {
            What::End(code) => Some(code == UpdateCode::Success),
            What::Start | What::Updating(..) => Some(false),
            _ => None,
        });
        said == Some(true)
    }
}

/// Resets inside an update, with nothing between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// Where the update stood.
    pub stage: Stage,
    pub times: u64,
}

impl Reset {
    /// The update had begun to write: it has to resume.
    pub fn is_of_the_update(&self) -> bool {
        matches!(self.stage, Stage::Started | Stage::Updating(_))
    }
}

impl Step {
    /// Takes what continues this step.
    fn joins(&mut self, what: &What, place: Place) -> bool {
        match (&mut self.what, what) {
            (What::Upload(_, last), What::Upload(_, next))
            | (What::Downloading(_, last), What::Downloading(_, next))
            | (What::Updating(_, last), What::Updating(_, next)) => *last = *next,
            (
                What::Boot {
                    stage, heard, times, ..
                },
                What::Boot {
                    stage: next,
                    heard: next_heard,
                    ..
                },
            ) if stage == next && heard == next_heard => *times += 1,
            _ => return false,
        }
        self.last = place;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const fn boot(stage: Stage) -> What {
        What::Boot {
            stage,
            heard: true,
            times: 1,
        }
    }

    const END: What = What::End(UpdateCode::Success);
    const FAILED: What = What::End(UpdateCode::Unknown);
    const AT_50: Stage = Stage::Updating(50);
    const AT_100: Stage = Stage::Updating(100);

    #[rstest]
    // Sound.
    #[case(&[What::Start, boot(Stage::Started), What::Updating(20, 100), boot(AT_100), What::Ready, END], &[])]
    #[case(&[What::Order(Via::Uart), boot(Stage::Ordered), What::Updating(20, 100)], &[])]
    #[case(&[What::Updating(20, 50), boot(AT_50), What::Ready, END], &[])]
    #[case(&[What::Downloading(1, 100), boot(Stage::Downloading(Some(100))), What::Updating(20, 21)], &[])]
    #[case(&[What::Updating(20, 97), boot(Stage::Updating(97)), END], &[])]
    #[case(&[What::Updating(20, 100), boot(AT_100)], &[])]
    #[case(&[END, boot(Stage::Ended(UpdateCode::Success)), What::Ready], &[])]
    // Resets.
    #[case(&[What::Updating(20, 50), boot(AT_50), What::Updating(20, 100), boot(AT_100), What::Ready, END], &[(AT_50, 1)])]
    #[case(&[What::Updating(20, 50), boot(AT_50), boot(AT_50), boot(AT_50), What::Updating(20, 21)], &[(AT_50, 3)])]
    #[case(&[What::Updating(20, 50), boot(AT_50), What::Ready, FAILED], &[(AT_50, 1)])]
    #[case(&[What::Updating(20, 50), boot(AT_50), What::Ready], &[(AT_50, 1)])]
    #[case(&[What::Updating(20, 50), boot(AT_50)], &[(AT_50, 1)])]
    #[case(&[What::Updating(20, 100), boot(AT_100), What::Updating(20, 30)], &[(AT_100, 1)])]
    #[case(&[What::Updating(20, 100), boot(AT_100), boot(AT_100), What::Ready, END], &[(AT_100, 1)])]
    #[case(&[What::Start, boot(Stage::Started), boot(Stage::Started), What::Updating(20, 30)], &[(Stage::Started, 1)])]
    #[case(&[What::Downloading(1, 43), boot(Stage::Downloading(Some(43))), What::Ready], &[(Stage::Downloading(Some(43)), 1)])]
    #[case(&[What::Order(Via::Uart), boot(Stage::Ordered), What::Ready], &[(Stage::Ordered, 1)])]
    fn resets(#[case] whats: &[What], #[case] expected: &[(Stage, u64)]) {
        let mut steps = Steps::default();
        for (line, what) in (1..).zip(whats) {
            steps.push(what.clone(), Place { line, at: None });
        }
        let found = steps.resets().flatten().map(|reset| (reset.stage, reset.times));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn they_are_bounded() {
        let mut steps = Steps::default();
        for line in 1..1000 {
            steps.push(What::Ready, Place { line, at: None });
        }
        assert_eq!((steps.list().len(), steps.left_out), (Steps::MOST, 599));
    }
}
