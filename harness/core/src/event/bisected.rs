//! The result of a bisect between two cuts.

use crate::cut::Cut;
use crate::duration::Short;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A cut that was tried several times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProbedCut {
    /// The cut.
    pub cut: Cut,
    /// Where it falls in the uncut update, in nanoseconds of the module's time.
    pub ns: u64,
    /// How often it was tried.
    pub tries: u32,
    /// How often the module failed.
    pub failed: u32,
}

impl fmt::Display for ProbedCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed {} of {}", self.cut, self.failed, self.tries)
    }
}

/// An edge of the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowEdge {
    /// The cut there.
    pub cut: Cut,
    /// Where it falls in the uncut update, in nanoseconds of the module's time.
    pub ns: u64,
}

/// The smallest window in which cuts fail, or why none was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bisected {
    /// The last cut before the window that did not fail; nothing where it begins with the update.
    pub good_before: Option<WindowEdge>,
    /// The first cut that failed.
    pub first_bad: Option<WindowEdge>,
    /// The last cut that failed.
    pub last_bad: Option<WindowEdge>,
    /// The first cut after the window that did not fail; nothing where it reaches to the end of the update.
    pub good_after: Option<WindowEdge>,
    /// How exactly cuts fell, in nanoseconds of the module's time: edges cannot be told finer.
    pub resolution_ns: u64,
    /// Every probe, in order.
    pub probes: Vec<ProbedCut>,
    /// Why no window was found.
    pub lost: Option<String>,
}

impl Bisected {
    /// A search that came to nothing.
    pub fn lost(probes: Vec<ProbedCut>, why: String) -> Self {
        Self {
            good_before: None,
            first_bad: None,
            last_bad: None,
            good_after: None,
            resolution_ns: 0,
            probes,
            lost: Some(why),
        }
    }
}

impl fmt::Display for Bisected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = &self.lost {
            return write!(f, "no window was found: {why}");
        }
        let (Some(first), Some(last)) = (&self.first_bad, &self.last_bad) else {
            return f.write_str("no window was found");
        };
        let resolution = Duration::from_nanos(self.resolution_ns);
        let wide = Duration::from_nanos(last.ns.abs_diff(first.ns));
        write!(f, "cuts fail from {} to {}", first.cut, last.cut)?;
        write!(
            f,
            " ({} wide, edges ±{})",
            Short(wide),
            Short(resolution.max(Duration::from_millis(1)))
        )?;
        match (&self.good_before, &self.good_after) {
            (Some(before), Some(after)) => write!(f, "; they do not at {} and {}", before.cut, after.cut),
            (Some(before), None) => write!(
                f,
                "; they do not at {}, and the update ends in the window",
                before.cut
            ),
            (None, Some(after)) => write!(
                f,
                "; they do not at {}, and the update begins in the window",
                after.cut
            ),
            (None, None) => f.write_str("; the whole update is in the window"),
        }
    }
}
