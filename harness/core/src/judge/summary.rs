//! One update in one line.

use crate::observation::{IdentityReply, Observation};
use crate::update::UpdateProgress;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bc66_spec::code::DownloadCode;

/// Most oddities that are told in the line; all of them are in the journal.
const TOLD: usize = 3;

/// Where the cuts landed, how the module came back, what was odd and what was not heard.
pub(super) fn summarize(seen: &Observation) -> String {
    let mut parts: Vec<String> = Vec::new();
    for life in seen.update.lives() {
        if let Some(UpdateProgress { first, last }) = life.updating {
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
    parts.push(match seen.became().map(|reading| &reading.said) {
        Some(IdentityReply::Identity { version, .. }) => version.to_string(),
        Some(IdentityReply::Unreadable(_)) => "version unreadable".to_string(),
        Some(IdentityReply::Nothing(_)) => "unresponsive".to_string(),
        None => "never asked".to_string(),
    });
    let oddities = seen.oddities();
    parts.extend(oddities.iter().take(TOLD).cloned());
    if oddities.len() > TOLD {
        parts.push(format!("and {} more oddities", oddities.len() - TOLD));
    }
    if let Some(gap) = seen.hearing.gaps.first() {
        parts.push(format!("not heard at {}: {}", gap.phase, gap.why));
    }
    parts.join(" · ")
}
