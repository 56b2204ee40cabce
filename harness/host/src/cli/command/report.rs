//! `report`: every report of a run folder again, from its journal alone; with `--pdf`, the test report as well.

pub mod test_report;

use super::run::{ProfileArg, SignArg};
use crate::cli::Common;
use crate::cli::console::{page, whole};
use crate::exit::{CommandError, ExitCode};
use crate::terminal::paint::Paint;
use crate::terminal::{print, print_warning};
use dfota_core::event::JunitProfile;
use dfota_record::day::Day;
use dfota_record::evidence::maker::{EvidenceOptions, make_with_reports};
use dfota_record::journal::merge::{self, PartFault};
use std::path::PathBuf;

/// Make every report of a run folder again, from its journal alone.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// The run folder
    #[arg(value_name = "RUN_DIR")]
    run: PathBuf,
    /// Write the JUnit file here as well
    #[arg(long, value_name = "PATH")]
    junit: Option<PathBuf>,
    /// What the JUnit file holds [default: what `run` was told]
    #[arg(long, value_enum)]
    junit_profile: Option<ProfileArg>,
    /// Leave IMEI, IMSI, ICCID and IP addresses out of every report and the bundle, also where `run` did not; the journal keeps them
    #[arg(long)]
    mask: bool,
    #[command(flatten)]
    sign: SignArg,
    /// Typeset the test report as well: `report.pdf` in the run folder
    #[arg(long)]
    pdf: bool,
    /// Day of issue of the test report, `2026-11-30` [default: the day on which the run ended, UTC]
    #[arg(long, value_name = "DATE", requires = "pdf")]
    issued: Option<Day>,
}

impl ReportArgs {
    /// For a folder whose journals were just laid there.
    #[cfg(feature = "lab")]
    pub fn new(run: PathBuf, sign: SignArg) -> Self {
        Self {
            run,
            junit: None,
            junit_profile: None,
            mask: false,
            sign,
            pdf: false,
            issued: None,
        }
    }
}

/// Makes them; 0 also when cases of the run had failed, `Error` where a part of its journal is missing.
pub fn main(args: &ReportArgs, common: Common) -> Result<ExitCode, CommandError> {
    if args.pdf && !cfg!(feature = "pdf") {
        return Err(CommandError::usage(
            "this program was built without the typesetter, which takes some minutes to build: for `--pdf` build it with \
             `cargo build --release --features pdf`; the other reports do not need it",
        ));
    }
    // `prune` leaves it alone meanwhile.
    let _held = dfota_record::retention::hold(&args.run);
    let paint = Paint::new(common.color);
    let asked = dfota_record::report::ReportOptions {
        junit: args.junit.as_deref(),
        profile: args.junit_profile.map(JunitProfile::from),
        masked: args.mask,
    };
    let key = args.sign.load()?;
    let wanted = EvidenceOptions {
        key: key.as_ref(),
        time_stamp: None,
    };
    // Before the evidence, which holds it.
    #[cfg(feature = "pdf")]
    let pdf = if args.pdf {
        Some(test_report::make(&args.run, args.mask, args.issued).map_err(CommandError::usage)?)
    } else {
        None
    };
    let (shown, made) = make_with_reports(&args.run, &asked, &wanted, |run| whole(run, paint))
        .map_err(CommandError::usage)?;
    print(&shown);
    #[cfg(feature = "pdf")]
    if let Some(path) = pdf {
        print(&format!("             {}\n", path.display()));
    }
    print(&page(&args.run));
    let faults = merge::faults(&args.run).map_err(CommandError::usage)?;
    for fault in &faults {
        print_warning(format_args!("warning: {fault}"));
    }
    match made {
        Err(why) if key.is_some() => {
            return Err(CommandError::new(ExitCode::Failed, why));
        }
        Err(why) => print_warning(format_args!("warning: {why}")),
        Ok(()) => {}
    }
    if faults.iter().any(PartFault::hides) {
        return Ok(ExitCode::Error);
    }
    Ok(ExitCode::Success)
}
