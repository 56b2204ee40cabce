//! `schema`: JSON Schema of the two file formats.

use crate::cli::{Failed, print};

/// JSON Schema of the rig and suite files, for editors.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which format
    #[arg(value_enum)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Rig files
    Rig,
    /// Suite files
    Suite,
}

/// Prints it.
pub fn main(args: &Args) -> Result<u8, Failed> {
    print(&match args.format {
        Format::Rig => crate::schema::rig(),
        Format::Suite => crate::schema::suite(),
    });
    Ok(0)
}
