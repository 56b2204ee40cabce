//! `report`: every report of a run folder again, from its journal alone.

use crate::cli::{Common, Failed, print};
use crate::console::summary;
use crate::paint::Paint;
use std::path::PathBuf;

/// Make every report of a run folder again, from its journal alone.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run folder
    #[arg(value_name = "RUN_DIR")]
    run: PathBuf,
    /// Write the JUnit file here as well
    #[arg(long, value_name = "PATH")]
    junit: Option<PathBuf>,
}

/// Makes them; 0 also when cases of the run had failed.
pub fn main(args: &Args, common: Common) -> Result<u8, Failed> {
    let paint = Paint::new(common.color);
    let shown = crate::report::make(&args.run, args.junit.as_deref(), |run| summary(run, paint))
        .map_err(Failed::usage)?;
    print(&shown);
    Ok(0)
}
