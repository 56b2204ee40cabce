//! How a case, or a try of it, ended.

use crate::case::Case;
use crate::outcome::Outcome;
use crate::verdict::Verdict;
use alloc::string::String;
use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A try of a case that is followed by another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TryEnded {
    /// Id of the case.
    pub id: String,
    /// Its suite.
    pub suite: String,
    /// Which try it was, from 1.
    pub number: u32,
    /// How it ended.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What became of the module, where it was asked.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Numbers of the records that the verdict rests on.
    #[serde(default)]
    pub evidence: Vec<u64>,
    /// Why there is another one.
    pub again: String,
    /// Real time it took, in nanoseconds.
    pub took_ns: u64,
    /// What to say beside the verdict.
    #[serde(rename = "story")]
    pub summary: String,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseEnded {
    /// Its id.
    pub id: String,
    /// Its suite.
    pub suite: String,
    /// How.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What became of the module, where it was asked.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Numbers of the records that the verdict rests on.
    #[serde(default)]
    pub evidence: Vec<u64>,
    /// How many tries it took; the verdict is that of the last one.
    #[serde(default = "one")]
    pub tries: u32,
    /// Real time it took, all tries together, in nanoseconds.
    pub took_ns: u64,
    /// What to say beside the verdict: where a cut landed and how the module came back.
    #[serde(rename = "story")]
    pub summary: String,
    /// What reruns it.
    pub rerun: String,
}

fn one() -> u32 {
    1
}

impl CaseEnded {
    /// A case that ended before anything was done for it.
    pub fn untried(case: &Case, verdict: Verdict) -> Self {
        Self {
            id: case.id.clone(),
            suite: case.suite.clone(),
            verdict,
            outcome: None,
            evidence: Vec::new(),
            tries: 0,
            took_ns: 0,
            summary: String::new(),
            rerun: String::new(),
        }
    }
}
