//! `console`: an AT terminal.

use crate::cli::{Common, Failed};
use std::path::PathBuf;

/// An AT terminal on a rig.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Rig file
    rig: PathBuf,
}

/// Later.
pub fn main(args: &Args, _: Common) -> Result<u8, Failed> {
    let _ = &args.rig;
    Err(Failed::usage("not yet"))
}
