//! `report`: every report of a run folder again, from its journal alone; with `--pdf`, the test report as well.

use crate::cli::{Common, Failed, print};
use crate::console::summary;
use crate::day::Day;
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
    /// Typeset the test report as well: `report.pdf` in the run folder
    #[arg(long)]
    pdf: bool,
    /// Day of issue of the test report, `2026-11-30` [default: the day on which the run ended, UTC]
    #[arg(long, value_name = "DATE", requires = "pdf")]
    issued: Option<Day>,
}

/// Makes them; 0 also when cases of the run had failed.
pub fn main(args: &Args, common: Common) -> Result<u8, Failed> {
    if args.pdf && !cfg!(feature = "pdf") {
        return Err(Failed::usage(
            "this program was built without the typesetter, which takes some minutes to build: for `--pdf` build it with \
             `cargo build --release --features pdf`; the other reports do not need it",
        ));
    }
    let paint = Paint::new(common.color);
    let shown = crate::report::make(&args.run, args.junit.as_deref(), |run| summary(run, paint))
        .map_err(Failed::usage)?;
    print(&shown);
    #[cfg(feature = "pdf")]
    if args.pdf {
        let path = crate::report::paper::make(&args.run, args.issued).map_err(Failed::usage)?;
        print(&format!("             {}\n", path.display()));
    }
    Ok(0)
}
