//! `manual`: manual pages, one for each command. They are made of the definition of the command line and say nothing else.

use crate::exit::{CommandError, ExitCode};
use std::path::PathBuf;

/// Write the manual pages, for packages
#[derive(Debug, clap::Args)]
pub struct ManualArgs {
    /// Folder that they are written to; it has to be there
    folder: PathBuf,
}

/// Writes `dfota-hil.1`, `dfota-hil-run.1` and so on.
pub fn main(args: &ManualArgs) -> Result<ExitCode, CommandError> {
    clap_mangen::generate_to(crate::cli::definition(), &args.folder)
        .map_err(|why| CommandError::usage(format!("manual pages to `{}`: {why}", args.folder.display())))?;
    Ok(ExitCode::Success)
}
