//! The flags that select suites, cases, cuts and the rig.

use crate::state::StateFlag;
use dfota_core::cut::Cut;
use std::path::PathBuf;

/// The rig file of commands that are given none.
pub const RIG_VARIABLE: &str = "DFOTA_HIL_RIG";

/// Which cases, on which rig: shared by `run` and `plan`.
#[derive(Debug, Clone, clap::Args)]
pub struct SelectionFlags {
    /// Suite files
    #[arg(required = true, value_name = "SUITE")]
    pub suites: Vec<PathBuf>,
    /// Rig file; there is no default, so that no nightly job goes green on a simulator by accident
    #[arg(long, required = true, value_name = "RIG", env = RIG_VARIABLE, hide_env_values = true)]
    pub rig: PathBuf,
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
