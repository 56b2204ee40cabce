//! `schema`: JSON Schema of the file formats.

use crate::exit::{CommandError, ExitCode};
use crate::terminal::print;

/// JSON Schema of the files that are read, for editors, and of those that a run writes, for programs that read them.
///
/// Within one `schema` number of `run.json` and `events.jsonl`, no key is removed or renamed and none changes its meaning or
/// unit. Keys, events, rules and other values may be added: readers must ignore unknown ones.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Which format
    #[arg(value_enum)]
    format: FileFormat,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum FileFormat {
    /// Rig files
    Rig,
    /// Suite files
    Suite,
    /// `run.json` of a run folder
    Run,
    /// One line of `events.jsonl` of a run folder
    Event,
}

pub fn main(args: &SchemaArgs) -> Result<ExitCode, CommandError> {
    print(&match args.format {
        FileFormat::Rig => crate::config::schema::rig(),
        FileFormat::Suite => crate::config::schema::suite(),
        FileFormat::Run => crate::config::schema::run(),
        FileFormat::Event => crate::config::schema::event(),
    });
    Ok(ExitCode::Success)
}
