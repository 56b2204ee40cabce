//! The judgement of one case, in the fixed order: what the module became, what it said, whether the experiment was the
//! planned one. A dead, wrong or corrupted module is a fail wherever the cut landed; a cut that missed is never a pass.

mod became;
mod facts;
mod planned;
mod said;

pub use facts::{Asked, Became, Facts, Fetches, Lwm2m, Marks, TimedOut, Told};

use crate::update::Update;
use crate::verdict::Verdict;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bc66_wire::code::DownloadCode;

/// Judges one case.
pub fn judge(facts: &Facts<'_>) -> Verdict {
    facts
        .became()
        .or_else(|| facts.said())
        .or_else(|| facts.planned())
        .unwrap_or(Verdict::Pass)
}

/// In a few words: where the cuts landed and how the module came back.
pub fn story(update: &Update, became: &Became) -> String {
    let mut parts: Vec<String> = Vec::new();
    for life in update.lives() {
        if let Some((first, last)) = life.updating {
            let resumed = parts.last().is_some_and(|part: &String| part.starts_with("cut"));
            parts.push(if resumed {
                format!("resumed {first}..{last}")
            } else {
                format!("UPDATING {first}..{last}")
            });
        }
        parts.extend(
            life.download
                .filter(|code| *code != DownloadCode::Success)
                .map(|code| format!("download {}", code.raw())),
        );
        parts.extend(life.ends.iter().map(|code| format!("END,{}", code.raw())));
        parts.extend(life.cut.map(|phase| format!("cut at {phase}")));
    }
    parts.push(match became {
        Became::Runs(version) => version.to_string(),
        Became::Unresponsive => "unresponsive".to_string(),
    });
    parts.join(" · ")
}
