//! `list`: the cases of suites, with their tags. No rig is needed.

use crate::config::suite::{Suite, SuiteCase};
use crate::exit::{CommandError, ExitCode};
use crate::plan::near_miss::advice;
use crate::plan::selection::Selection;
use crate::terminal::print;
use dfota_core::seed::Seed;
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;

/// Longest id that the tags are aligned to.
const WIDEST: usize = 64;

/// List the cases of suites with their tags, without a rig
///
/// Prints a line for each case: `suite::id`, as `--filter` takes it, and its tags. A campaign is one case here; `plan`
/// shows its cuts, which depend on the rig and the seed.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Suite files
    #[arg(required = true, value_name = "SUITE")]
    suites: Vec<PathBuf>,
    /// Only cases that match, for example `forced-resume`, `suite::case*`, `!http`
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// Only cases with this tag; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub fn main(args: &ListArgs) -> Result<ExitCode, CommandError> {
    let suites = super::load_suites(&args.suites)?;
    let filter = args.filter.as_deref().map(str::parse).transpose();
    let selection = Selection {
        filter: filter.map_err(CommandError::usage)?,
        tags: args.tags.clone(),
        ..Selection::all(Seed(0))
    };
    let all = suites.iter().flat_map(|suite: &Suite| &suite.cases);
    let cases: Vec<&SuiteCase> = all.filter(|case| selection.takes(&case.case, 1)).collect();
    if cases.is_empty() {
        return Err(CommandError::usage(format!(
            "nothing selected by `{selection}`: {}",
            advice(&suites, &selection)
        )));
    }
    print(&if args.json {
        as_json(&cases)?
    } else {
        as_text(&cases)
    });
    Ok(ExitCode::Success)
}

fn as_text(cases: &[&SuiteCase]) -> String {
    let id = |case: &SuiteCase| format!("{}::{}", case.case.suite, case.case.id);
    let widest = cases.iter().map(|case| id(case).chars().count()).max();
    let widest = widest.unwrap_or_default().min(WIDEST);
    let mut text = String::new();
    for case in cases {
        let line = format!("{:widest$}  {}", id(case), case.case.tags.join(", "));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn as_json(cases: &[&SuiteCase]) -> Result<String, CommandError> {
    let case = |case: &&SuiteCase| {
        json!({
            "suite": case.case.suite,
            "id": case.case.id,
            "tags": case.case.tags,
            "place": case.case.place,
            "via": case.case.via,
            "campaign": case.campaign.is_some(),
            "skip": case.skip,
        })
    };
    let cases: Vec<_> = cases.iter().map(case).collect();
    let text = serde_json::to_string_pretty(&cases).map_err(CommandError::error)?;
    Ok(text + "\n")
}
