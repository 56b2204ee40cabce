//! `completions`: for shells.

use crate::cli::{Failed, print};

/// Shell completions.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Prints them.
pub fn main(args: &Args) -> Result<u8, Failed> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut crate::cli::definition(),
        "dfota-hil",
        &mut script,
    );
    print(&String::from_utf8_lossy(&script));
    Ok(0)
}
