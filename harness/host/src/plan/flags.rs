//! The flags that select suites, cases, cuts and rigs.

use crate::exit::CommandError;
use crate::state::StateFlag;
use dfota_core::cut::Cut;
use dfota_record::shell_word::shell_word;
use glob::{MatchOptions, glob_with};
use std::path::{Path, PathBuf};

/// The rig file of commands that are given none.
pub const RIG_VARIABLE: &str = "DFOTA_HIL_RIG";

/// Which cases, on which rigs: shared by `run` and `plan`.
#[derive(Debug, Clone, clap::Args)]
pub struct SelectionFlags {
    /// Suite files
    #[arg(required = true, value_name = "SUITE")]
    pub suites: Vec<PathBuf>,
    /// Rig file, or a pattern such as `'rigs/*.yaml'`; may be repeated. There is no default, so that no nightly job goes
    /// green on a simulator by accident
    #[arg(long = "rig", required = true, value_name = "RIG", env = RIG_VARIABLE, hide_env_values = true)]
    pub rigs: Vec<PathBuf>,
    /// Only cases that match, for example `forced-resume`, `suite::case*`, `!http`
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// Only cases with this tag; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Only this share of the cases, for example `1/3`
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
    /// Make this cut in the one case that is selected, for example `updating@50%+137ms/power/5s`
    #[arg(long, value_name = "CUT", value_parser = |text: &str| text.parse::<Cut>())]
    pub cut: Option<Cut>,
    /// Run each case so many times
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// Seed of every random choice [default: drawn, printed and recorded]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where what runs leave to each other is kept.
    #[command(flatten)]
    pub state: StateFlag,
}

/// A rig is known by a name that can be seen: `*` does not stand for the dot of a hidden file.
const PATTERN: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

impl SelectionFlags {
    /// The rig files, in the order in which they were given; those of a pattern by name.
    pub fn rig_files(&self) -> Result<Vec<PathBuf>, CommandError> {
        let mut files = Vec::new();
        for given in &self.rigs {
            match pattern(given) {
                Some(pattern) => files.extend(fitting(pattern)?),
                None => files.push(given.clone()),
            }
        }
        Ok(files)
    }

    /// The one rig file of a command that works on one rig.
    pub fn rig(&self, command: &str) -> Result<PathBuf, CommandError> {
        let mut files = self.rig_files()?;
        match (files.pop(), files.len()) {
            (Some(only), 0) => Ok(only),
            (_, others) => Err(CommandError::usage(format!(
                "`{command}` takes one rig, and `--rig` names {}",
                others + 1
            ))),
        }
    }

    /// `--rig` as it has to be typed again.
    pub fn rig_words(&self) -> String {
        let word = |path: &PathBuf| format!("--rig {}", shell_word(&path.display().to_string()));
        self.rigs.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// The text of a path that is a pattern. A file that is there is meant itself, whatever its name.
fn pattern(given: &Path) -> Option<&str> {
    let text = given.to_str()?;
    (text.contains(['*', '?', '[']) && !given.exists()).then_some(text)
}

/// The files that fit a pattern; one without any is a mistake.
fn fitting(pattern: &str) -> Result<Vec<PathBuf>, CommandError> {
    let found = glob_with(pattern, PATTERN)
        .map_err(|why| CommandError::usage(format!("`--rig {pattern}` is no pattern: {why}")))?;
    let files = found
        .collect::<Result<Vec<PathBuf>, _>>()
        .map_err(|why| CommandError::usage(format!("`--rig {pattern}`: {why}")))?;
    if files.is_empty() {
        return Err(CommandError::usage(format!(
            "`--rig {pattern}`: expected a rig file, and no file fits this pattern"
        )));
    }
    Ok(files)
}
