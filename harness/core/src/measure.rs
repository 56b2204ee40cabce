//! Measurements with a unit, and the limits that a suite declares for them.

use crate::event_id::EventId;
use crate::macros::named_enum;
use crate::verdict::{Rule, Verdict};
use alloc::format;
use alloc::string::String;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

named_enum! {
    /// What is measured. Times are the module's, but for the latency of cuts, which is the rig's.
    pub enum Measure {
        /// Power-on → the first line that the module says unasked.
        FirstUrc = "first-urc",
        /// Power-on → the first START or UPDATING of a forced resume.
        TimeToResume = "time-to-resume",
        /// The first percentage of UPDATING of a forced resume.
        ResumedAt = "resumed-at",
        /// The order → END; download, cuts and resumes included.
        UpdateTime = "update-time",
        /// The moment at which a cut was due → its line is moved, in real time.
        CutLatency = "cut-latency",
        /// Bytes of the package that a server sent more than once.
        BytesAgain = "bytes-again",
        /// RDY → registered, with an address.
        AttachTime = "attach-time",
        /// Boots inside UPDATING that nobody caused, all lives of the update together.
        UnexplainedResets = "unexplained-resets",
    }
}

/// What a measurement is counted in. The smallest steps are nanoseconds, whole percent and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds; shown in milliseconds.
    Time,
    Percent,
    Bytes,
    Count,
}

impl Unit {
    /// The unit that values are shown in.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "ms",
            Self::Percent => "%",
            Self::Bytes => "bytes",
            Self::Count => "times",
        }
    }

    /// A value in the unit that it is shown in.
    pub fn shown(self, value: u64) -> f64 {
        match self {
            // Whole microseconds: nothing here is measured more finely.
            Self::Time => (value / 1_000) as f64 / 1e3,
            Self::Percent | Self::Bytes | Self::Count => value as f64,
        }
    }

    /// A shown value in the smallest steps again.
    pub fn steps(self, shown: f64) -> u64 {
        match self {
            Self::Time => libm::round(shown * 1e3) as u64 * 1_000,
            Self::Percent | Self::Bytes | Self::Count => libm::round(shown) as u64,
        }
    }

    fn text(self, value: u64) -> String {
        match self {
            Self::Percent => format!("{value} %"),
            _ => format!("{} {}", self.shown(value), self.name()),
        }
    }
}

impl Measure {
    /// What it is counted in.
    pub const fn unit(self) -> Unit {
        match self {
            Self::ResumedAt => Unit::Percent,
            Self::BytesAgain => Unit::Bytes,
            Self::UnexplainedResets => Unit::Count,
            Self::FirstUrc | Self::TimeToResume | Self::UpdateTime | Self::CutLatency | Self::AttachTime => {
                Unit::Time
            }
        }
    }

    /// Whether it is taken only where something is cut.
    pub const fn needs_a_cut(self) -> bool {
        matches!(self, Self::TimeToResume | Self::ResumedAt | Self::CutLatency)
    }
}

/// A measurement that a suite asks for, and what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeasureLimits {
    /// Which.
    pub measure: Measure,
    /// The least that is within its limits, in the smallest steps of its [`Unit`].
    pub min: Option<u64>,
    /// The most.
    pub max: Option<u64>,
}

/// A measurement that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasuredValue {
    pub measure: Measure,
    /// The measured value, in the smallest steps of its [`Unit`].
    pub value: u64,
    /// Its place in the journal.
    pub id: EventId,
}

/// A measurement that is out of its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfLimits {
    pub verdict: Verdict,
    /// The place of the measurement in the journal.
    pub id: EventId,
}

/// The first measurement that is out of its limits. Every one counts, however often it was taken.
pub fn out_of_limits(declared: &[MeasureLimits], taken: &[MeasuredValue]) -> Option<OutOfLimits> {
    taken.iter().find_map(|taken| {
        let limits = declared.iter().find(|limits| limits.measure == taken.measure)?;
        let unit = taken.measure.unit();
        let expected = match (limits.min, limits.max) {
            (Some(min), _) if taken.value < min => format!("at least {}", unit.text(min)),
            (_, Some(max)) if taken.value > max => format!("at most {}", unit.text(max)),
            _ => return None,
        };
        let seen = unit.text(taken.value);
        let sentence = format!("`{}` was {seen}, expected {expected}", taken.measure);
        let rule = match taken.measure {
            Measure::CutLatency => Rule::CutSlow,
            _ => Rule::MeasurementOutOfLimits,
        };
        Some(OutOfLimits {
            verdict: Verdict::by(rule, sentence),
            id: taken.id,
        })
    })
}

/// The verdict of what was declared and never taken.
pub fn missing(declared: &[MeasureLimits], taken: &[MeasuredValue]) -> Option<Verdict> {
    let untaken = |declared: &&MeasureLimits| !taken.iter().any(|taken| taken.measure == declared.measure);
    let names: alloc::vec::Vec<String> = declared
        .iter()
        .filter(untaken)
        .map(|declared| format!("`{}`", declared.measure))
        .collect();
    (!names.is_empty()).then(|| {
        let sentence = format!(
            "{} was declared and never taken: what it measures did not happen in this case",
            names.join(", ")
        );
        Verdict::by(Rule::MeasurementMissing, sentence)
    })
}
