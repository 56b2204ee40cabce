//! `schema`: JSON Schema of the file formats.

use crate::exit::{CommandError, ExitCode};
use crate::terminal::print;

/// JSON Schema of the files that are read, for editors, and of those that a run writes, for whoever reads them.
///
/// Within one `schema` number of `run.json` and `events.jsonl`, no key is removed or renamed and none changes its meaning or
/// unit. Keys, events, rules and other words may be added: readers pass over what they do not know.
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
    /// `run.json` of a run folder
    Run,
    /// One line of `events.jsonl` of a run folder
    Event,
}

pub fn main(args: &Args) -> Result<ExitCode, CommandError> {
    print(&match args.format {
        Format::Rig => crate::config::schema::rig(),
        Format::Suite => crate::config::schema::suite(),
        Format::Run => crate::config::schema::run(),
        Format::Event => crate::config::schema::event(),
    });
    Ok(ExitCode::Success)
}
