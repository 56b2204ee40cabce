//! `completions`: for shells.

use crate::cli::Failed;

/// Shell completions.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Prints them.
pub fn main(args: &Args) -> Result<u8, Failed> {
    clap_complete::generate(
        args.shell,
        &mut crate::cli::definition(),
        "dfota-hil",
        &mut std::io::stdout(),
    );
    Ok(0)
}
