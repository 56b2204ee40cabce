//! Arguments about the reports of a run.

use crate::exit::CommandError;
use dfota_core::event::{Attachments, JunitProfile};
use dfota_record::evidence::signing_key::SigningKey;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct JunitArgs {
    /// Write the JUnit file here as well
    #[arg(long, value_name = "PATH")]
    pub(super) junit: Option<PathBuf>,
    /// How JUnit names the transcripts
    #[arg(long, value_enum, default_value_t)]
    pub(super) attachments: AttachmentsArg,
    /// What the JUnit file holds
    #[arg(long, value_enum, default_value_t)]
    pub(super) junit_profile: ProfileArg,
}

/// The key that signs, of `run` and `report`.
#[derive(Debug, Clone, clap::Args)]
pub struct SignArg {
    /// Sign the evidence with this key: a PEM file of mode 0600, or `env` for the one in DFOTA_HIL_SIGNING_KEY
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    // PEM text that was typed by mistake begins with hyphens: it reaches an error that does not repeat it
    sign: Option<PathBuf>,
}

impl SignArg {
    pub fn load(&self) -> Result<Option<SigningKey>, CommandError> {
        let key = self.sign.as_deref().map(SigningKey::load).transpose();
        key.map_err(CommandError::usage)
    }
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(super) enum AttachmentsArg {
    /// By absolute path (Jenkins)
    Absolute,
    /// By a path relative to the working folder (GitLab)
    #[default]
    Relative,
    /// Not at all
    None,
}

/// What the JUnit file holds.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub enum ProfileArg {
    /// What Jenkins's strictest schema allows
    #[default]
    Strict,
    /// Properties, place and time of each case as well; TestRail's and Xray's properties
    Extended,
}

impl From<AttachmentsArg> for Attachments {
    fn from(arg: AttachmentsArg) -> Self {
        match arg {
            AttachmentsArg::Absolute => Self::Absolute,
            AttachmentsArg::Relative => Self::Relative,
            AttachmentsArg::None => Self::None,
        }
    }
}

impl From<ProfileArg> for JunitProfile {
    fn from(arg: ProfileArg) -> Self {
        match arg {
            ProfileArg::Strict => Self::Strict,
            ProfileArg::Extended => Self::Extended,
        }
    }
}
