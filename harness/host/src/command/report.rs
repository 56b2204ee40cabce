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
    /// Leave IMEI, ICCID and IP addresses out of every report, also where `run` did not; the journal keeps them
    #[arg(long)]
    mask: bool,
}

/// Makes them; 0 also when cases of the run had failed.
pub fn main(args: &Args, common: Common) -> Result<u8, Failed> {
    let paint = Paint::new(common.color);
    let junit = args.junit.as_deref();
    let shown = crate::report::make_masked(&args.run, junit, args.mask, |run| summary(run, paint))
        .map_err(Failed::usage)?;
    print(&shown);
    Ok(0)
}
