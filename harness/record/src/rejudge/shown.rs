//! The verdicts that were derived again, for people and for machines.

use super::{Compared, Rejudged, Stated};
use crate::journal::places;
use dfota_core::verdict::Verdict;
use std::fmt;

impl fmt::Display for Rejudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, differ) = (self.verdicts.len(), self.differing().count());
        let verdicts = if all == 1 { "verdict" } else { "verdicts" };
        write!(f, "{} of {all} {verdicts} derived again", all - differ)?;
        if self.untried > 0 {
            write!(f, "; {} skipped or not reached", self.untried)?;
        }
        if let Some((recorded, given)) = self.exit {
            write!(
                f,
                "; the run ended with exit code {recorded}, its verdicts give {given}"
            )?;
        }
        for compared in self.differing() {
            write!(f, "\n{compared}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seq,
            suite,
            id,
            which,
            recorded,
            derived,
        } = self;
        writeln!(
            f,
            "  {}:{}: {suite}::{id} ({which})",
            crate::journal::FILE,
            seq + 1
        )?;
        writeln!(f, "    recorded: {recorded}")?;
        write!(f, "    derived:  {derived}")
    }
}

impl fmt::Display for Stated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verdict.name())?;
        match &self.verdict {
            Verdict::Skip { reason } => write!(f, ": {reason}")?,
            verdict => {
                if let Some(finding) = verdict.finding() {
                    write!(f, ": {}: {}", finding.rule, finding.sentence)?;
                }
            }
        }
        if let Some(outcome) = self.outcome {
            write!(f, " · {}", outcome.words())?;
        }
        if !self.evidence.is_empty() {
            write!(f, " · {}", places(&self.evidence))?;
        }
        Ok(())
    }
}

impl Rejudged {
    /// The same as JSON.
    pub fn json(&self, folder: &str) -> serde_json::Value {
        let stated = |stated: &Stated| {
            let finding = stated.verdict.finding();
            serde_json::json!({
                "verdict": stated.verdict.name(),
                "rule": finding.map(|finding| finding.rule.id()),
                "sentence": finding.map(|finding| finding.sentence.as_str()),
                "outcome": stated.outcome.map(dfota_core::outcome::Outcome::name),
                "evidence": stated.evidence,
            })
        };
        let differing: Vec<serde_json::Value> = self
            .differing()
            .map(|compared| {
                serde_json::json!({
                    "line": compared.seq + 1,
                    "suite": compared.suite,
                    "id": compared.id,
                    "which": compared.which.to_string(),
                    "recorded": stated(&compared.recorded),
                    "derived": stated(&compared.derived),
                })
            })
            .collect();
        serde_json::json!({
            "run": folder,
            "verdicts": self.verdicts.len(),
            "equal": self.verdicts.len() - differing.len(),
            "untried": self.untried,
            "exit": self.exit.map(|(recorded, derived)| serde_json::json!({"recorded": recorded, "derived": derived})),
            "differing": differing,
        })
    }
}
