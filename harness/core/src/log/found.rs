//! An update that was found in a log.

use super::place::LogPlace;
use super::steps::{LogStage, LogSteps};
use crate::transport::Via;
use crate::verdict::Rule;
use crate::version::Version;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bc66_spec::code::UpdateCode;

/// One order to update, and what followed it up to the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogUpdate {
    pub number: u64,
    /// How the package got into the module.
    pub via: Option<Known<Via>>,
    /// The version that ran before.
    pub from: Option<Known<Version>>,
    /// The versions that were named after it, in order.
    pub after: Vec<Version>,
    /// Where it stood last.
    pub stage: LogStage,
    pub steps: LogSteps,
    pub findings: Vec<LogFinding>,
    /// What was legal but unusual.
    pub notes: Vec<LogNote>,
    /// Lines that were damaged.
    pub damaged: Option<DamagedLines>,
    /// The last line that belongs to it.
    pub last: LogPlace,
    pub(super) heard: HeardUrcs,
    pub(super) since: SinceUrc,
}

/// Which URCs an update has had at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct HeardUrcs {
    pub(super) start: bool,
    pub(super) updating: bool,
}

/// What came since the last URC of an update.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SinceUrc {
    pub(super) booted: bool,
    pub(super) ready: bool,
    /// A damaged line: an order may have been in it.
    pub(super) deaf: bool,
    /// Another session of the terminal: the module may have been anything in between.
    pub(super) interrupted: bool,
}

/// Something that the log says, or that its owner told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<T> {
    pub value: T,
    /// By `--from` or `--via`; it is not in the log.
    pub told: bool,
}

impl<T> Known<T> {
    pub(super) fn heard(value: T) -> Self {
        Self { value, told: false }
    }

    pub(super) fn told(value: T) -> Self {
        Self { value, told: true }
    }
}

/// Lines of which something is missing, or that hold what no module says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DamagedLines {
    pub lines: u64,
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFinding {
    /// The rule that it breaks.
    pub rule: Rule,
    /// What was heard, and what had to be.
    pub sentence: String,
    /// Where it was heard.
    pub place: LogPlace,
}

/// Something legal but unusual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogNote {
    pub odd: Oddity,
    /// Where it was heard first.
    pub place: LogPlace,
    pub times: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, derive_more::Display)]
pub enum Oddity {
    /// UPDATING above 100 percent.
    #[display("UPDATING {_0}%: more than 100%")]
    Above(u32),
    /// UPDATING went back without a boot.
    #[display("UPDATING went back from {_0}% to {_1}%, and no boot was heard between")]
    Back(u32, u32),
    /// DOWNLOADING went back without a boot.
    #[display("DOWNLOADING went back from {_0}% to {_1}%, and no boot was heard between")]
    DownloadBack(u32, u32),
    /// Other programs than "currently always 1" of 1.
    #[display("UPDATING of program {_1} of {_0}: the application note knows 1 of 1 alone")]
    Programs(u8, u8),
    #[display("END came again, with {_0}")]
    EndAgain(UpdateCode),
    /// END,0 came and no UPDATING had.
    #[display("END,0 came, and no UPDATING was heard before it")]
    NoUpdating,
    /// START or UPDATING came, and no end of the download before it.
    #[display(
        "the update began {}, and no end of the download was heard",
        _0.map_or("before any DOWNLOADING".into(), |percent| format!("at DOWNLOADING {percent}%"))
    )]
    EarlyStart(Option<u32>),
    /// START came again without a boot.
    #[display("START came again, and no boot was heard between")]
    StartAgain,
    /// It was ordered again while it ran.
    #[display("the update was ordered again while it ran")]
    OrderedAgain,
    /// The download began again.
    #[display("the download began again")]
    DownloadAgain,
    /// HTTPEND or COAPEND came when it was not due.
    #[display("the end of a download came after START")]
    LateDownloadEnd,
    /// URCs of two transports.
    #[display("URCs of an update over {_0} and over {_1} in one update")]
    Mixed(Via, Via),
    /// A word that the application note does not know.
    #[display("`{_0}`: a word that the application note does not know")]
    Word(String),
    /// The target was named and END had not come.
    #[display("the target runs, and no END was heard")]
    TargetWithoutEnd,
    /// Nothing was updated, and after a boot another version was named.
    #[display("nothing was updated, and {_0} was named after another boot")]
    OtherVersion(Version),
    /// After END,0 one version was named, and after another boot another.
    #[display(
        "{_0} was named after END,0, and {_1} after another boot: its version changed, or it is another module"
    )]
    NamedLater(Version, Version),
    /// One version was named, and then another without a boot.
    #[display("{_0} was named, and then {_1} without a boot: it is another module, or another log")]
    OtherModule(Version, Version),
    /// The version was heard and told, and the two differ.
    #[display("the version that was heard before is not that of `--from`")]
    FromDiffers,
}

impl Oddity {
    /// The same kind counts as the same.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Word(one), Self::Word(other)) => one == other,
            _ => core::mem::discriminant(self) == core::mem::discriminant(other),
        }
    }
}

/// What can be said of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogOutcome {
    /// Something illegal was heard.
    Illegal,
    /// It ended, and nothing illegal was heard.
    NothingIllegal,
    /// How it ended was not heard; nor was anything illegal.
    NotKnown,
}

impl LogOutcome {
    pub const fn words(self) -> &'static str {
        match self {
            Self::Illegal => "illegal",
            Self::NothingIllegal => "nothing illegal seen",
            Self::NotKnown => "no END heard, nothing illegal seen",
        }
    }

    /// In a word, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Illegal => "illegal",
            Self::NothingIllegal => "nothing-illegal-seen",
            Self::NotKnown => "not-known",
        }
    }
}

impl LogUpdate {
    /// Findings that are kept, of each rule one.
    const FINDINGS: usize = 20;
    /// Notes and versions that are kept.
    const NOTES: usize = 20;

    pub(super) fn new(number: u64, stage: LogStage, place: LogPlace) -> Self {
        Self {
            number,
            via: None,
            from: None,
            after: Vec::new(),
            stage,
            steps: LogSteps::default(),
            findings: Vec::new(),
            notes: Vec::new(),
            damaged: None,
            last: place,
            heard: HeardUrcs::default(),
            since: SinceUrc::default(),
        }
    }

    /// What can be said of it.
    pub fn outcome(&self) -> LogOutcome {
        match self.stage {
            _ if !self.findings.is_empty() => LogOutcome::Illegal,
            LogStage::Ended(_) | LogStage::DownloadFailed(_) => LogOutcome::NothingIllegal,
            _ => LogOutcome::NotKnown,
        }
    }

    pub fn first(&self) -> LogPlace {
        self.steps.list().first().map_or(self.last, |step| step.first)
    }

    pub(super) fn find(&mut self, rule: Rule, sentence: String, place: LogPlace) {
        let known = self.findings.iter().any(|found| found.rule == rule);
        if !known && self.findings.len() < Self::FINDINGS {
            self.findings.push(LogFinding {
                rule,
                sentence,
                place,
            });
        }
    }

    pub(super) fn note(&mut self, odd: Oddity, place: LogPlace) {
        let room = self.notes.len() < Self::NOTES;
        match self.notes.iter_mut().find(|note| note.odd.is_like(&odd)) {
            Some(note) => note.times += 1,
            None if room => self.notes.push(LogNote { odd, place, times: 1 }),
            None => {}
        }
    }

    pub(super) fn name(&mut self, version: &Version) {
        if self.after.len() < Self::NOTES && self.after.last() != Some(version) {
            self.after.push(version.clone());
        }
    }

    /// While blocks are uploaded, the log may hold their bytes: that is not damage.
    pub(super) fn damage(&mut self, place: LogPlace) {
        if let LogStage::Uploading(_) = self.stage {
            return;
        }
        self.since.deaf = true;
        let line = place.line;
        match &mut self.damaged {
            // A line may be damaged in many places.
            Some(damaged) if damaged.last == line => {}
            Some(damaged) => (damaged.lines, damaged.last) = (damaged.lines + 1, line),
            none => {
                let (lines, first, last) = (1, line, line);
                *none = Some(DamagedLines { lines, first, last });
            }
        }
    }
}
