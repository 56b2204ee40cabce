//! What happened in an update, step by step, as a person would tell it: percentages that follow each other are one step.

use super::place::LogPlace;
use super::points::PercentPoints;
use crate::transport::Via;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bc66_spec::code::{DownloadCode, UpdateCode};

/// Where an update stands, as far as the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, derive_more::Display)]
pub enum LogStage {
    /// Blocks are uploaded; the last one.
    #[display("uploading block {_0}")]
    Uploading(u32),
    #[display("ordered")]
    Ordered,
    /// The module downloads; the last percentage.
    #[display("DOWNLOADING{}", _0.map_or(String::new(), |percent| format!(" {percent}%")))]
    Downloading(Option<u32>),
    #[display("downloaded")]
    Downloaded,
    #[display("download failed with {}", _0.raw())]
    DownloadFailed(DownloadCode),
    #[display("START")]
    Started,
    /// UPDATING was heard; the last percentage.
    #[display("UPDATING {_0}%")]
    Updating(u32),
    #[display("END,{}", _0.raw())]
    Ended(UpdateCode),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
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
        stage: LogStage,
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
pub struct LogStep {
    pub what: StepKind,
    pub first: LogPlace,
    pub last: LogPlace,
}

/// The steps of an update, so many of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSteps {
    list: Vec<LogStep>,
    /// Steps that came after [`LogSteps::MOST`].
    pub left_out: u64,
    pub points: PercentPoints,
}

impl LogSteps {
    /// Steps that are kept. A sound update has about ten; a module that reboots for ever has any number.
    pub const MOST: usize = 400;

    /// The steps, in the order they came.
    pub fn list(&self) -> &[LogStep] {
        &self.list
    }

    /// Whether a boot was heard since a version was named; it may be among the steps that were left out.
    pub(super) fn booted_since_named(&self) -> bool {
        if self.left_out > 0 {
            return true;
        }
        let latest = self.list.iter().rev();
        let mut since = latest.take_while(|step| !matches!(step.what, StepKind::Version(_)));
        since.any(|step| matches!(step.what, StepKind::Boot { .. }))
    }

    /// Takes the next one.
    pub(super) fn push(&mut self, what: StepKind, place: LogPlace) {
        let joined = self.left_out == 0 && self.list.last_mut().is_some_and(|step| step.joins(&what, place));
        if joined {
            return;
        }
        if self.list.len() < Self::MOST {
            self.list.push(LogStep {
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
        let StepKind::Boot { stage, times, .. } = self.list[at].what else {
            return None;
        };
        let next = self.list.get(at + 1).map(|step| &step.what);
        let goes_on = matches!(next, Some(StepKind::Start | StepKind::Updating(..)));
        let due = match stage {
            // What comes before the first boot may not have been heard.
            LogStage::Ordered | LogStage::Downloading(_) | LogStage::Downloaded => goes_on,
            LogStage::Started => true,
            // Of percentages that jump, the last one may be any.
            LogStage::Updating(percent) => !goes_on && (percent >= 100 || self.ends_well(at)),
            LogStage::Uploading(_) => false,
            LogStage::DownloadFailed(_) | LogStage::Ended(_) => return None,
        };
        let times = times - u64::from(due);
        (times > 0).then_some(Reset { stage, times })
    }

    /// Whether END,0 is the next that is said of the update.
    fn ends_well(&self, at: usize) -> bool {
        let said = self.list[at + 1..].iter().find_map(|step| match step.what {
            StepKind::End(code) => Some(code == UpdateCode::Success),
            StepKind::Start | StepKind::Updating(..) => Some(false),
            _ => None,
        });
        said == Some(true)
    }
}

/// Resets inside an update, with nothing between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// Where the update stood.
    pub stage: LogStage,
    pub times: u64,
}

impl Reset {
    /// The update had begun to write: it has to resume.
    pub fn is_of_the_update(&self) -> bool {
        matches!(self.stage, LogStage::Started | LogStage::Updating(_))
    }
}

impl LogStep {
    /// Takes what continues this step.
    fn joins(&mut self, what: &StepKind, place: LogPlace) -> bool {
        match (&mut self.what, what) {
            (StepKind::Upload(_, last), StepKind::Upload(_, next))
            | (StepKind::Downloading(_, last), StepKind::Downloading(_, next))
            | (StepKind::Updating(_, last), StepKind::Updating(_, next)) => *last = *next,
            (
                StepKind::Boot {
                    stage, heard, times, ..
                },
                StepKind::Boot {
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

    const fn boot(stage: LogStage) -> StepKind {
        StepKind::Boot {
            stage,
            heard: true,
            times: 1,
        }
    }

    const END: StepKind = StepKind::End(UpdateCode::Success);
    const FAILED: StepKind = StepKind::End(UpdateCode::Unknown);
    const AT_50: LogStage = LogStage::Updating(50);
    const AT_100: LogStage = LogStage::Updating(100);

    #[rstest]
    // Sound.
    #[case(&[StepKind::Start, boot(LogStage::Started), StepKind::Updating(20, 100), boot(AT_100), StepKind::Ready, END], &[])]
    #[case(&[StepKind::Order(Via::Uart), boot(LogStage::Ordered), StepKind::Updating(20, 100)], &[])]
    #[case(&[StepKind::Updating(20, 50), boot(AT_50), StepKind::Ready, END], &[])]
    #[case(&[StepKind::Downloading(1, 100), boot(LogStage::Downloading(Some(100))), StepKind::Updating(20, 21)], &[])]
    #[case(&[StepKind::Updating(20, 97), boot(LogStage::Updating(97)), END], &[])]
    #[case(&[StepKind::Updating(20, 100), boot(AT_100)], &[])]
    #[case(&[END, boot(LogStage::Ended(UpdateCode::Success)), StepKind::Ready], &[])]
    // Resets.
    #[case(&[StepKind::Updating(20, 50), boot(AT_50), StepKind::Updating(20, 100), boot(AT_100), StepKind::Ready, END], &[(AT_50, 1)])]
    #[case(&[StepKind::Updating(20, 50), boot(AT_50), boot(AT_50), boot(AT_50), StepKind::Updating(20, 21)], &[(AT_50, 3)])]
    #[case(&[StepKind::Updating(20, 50), boot(AT_50), StepKind::Ready, FAILED], &[(AT_50, 1)])]
    #[case(&[StepKind::Updating(20, 50), boot(AT_50), StepKind::Ready], &[(AT_50, 1)])]
    #[case(&[StepKind::Updating(20, 50), boot(AT_50)], &[(AT_50, 1)])]
    #[case(&[StepKind::Updating(20, 100), boot(AT_100), StepKind::Updating(20, 30)], &[(AT_100, 1)])]
    #[case(&[StepKind::Updating(20, 100), boot(AT_100), boot(AT_100), StepKind::Ready, END], &[(AT_100, 1)])]
    #[case(&[StepKind::Start, boot(LogStage::Started), boot(LogStage::Started), StepKind::Updating(20, 30)], &[(LogStage::Started, 1)])]
    #[case(&[StepKind::Downloading(1, 43), boot(LogStage::Downloading(Some(43))), StepKind::Ready], &[(LogStage::Downloading(Some(43)), 1)])]
    #[case(&[StepKind::Order(Via::Uart), boot(LogStage::Ordered), StepKind::Ready], &[(LogStage::Ordered, 1)])]
    fn resets(#[case] whats: &[StepKind], #[case] expected: &[(LogStage, u64)]) {
        let mut steps = LogSteps::default();
        for (line, what) in (1..).zip(whats) {
            steps.push(what.clone(), LogPlace { line, at: None });
        }
        let found = steps.resets().flatten().map(|reset| (reset.stage, reset.times));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn they_are_bounded() {
        let mut steps = LogSteps::default();
        for line in 1..1000 {
            steps.push(StepKind::Ready, LogPlace { line, at: None });
        }
        assert_eq!((steps.list().len(), steps.left_out), (LogSteps::MOST, 599));
    }
}
