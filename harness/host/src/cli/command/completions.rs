//! `completions`: for shells.

use crate::exit::{CommandError, ExitCode};
use crate::terminal::print;

/// Shell completions.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub fn main(args: &CompletionsArgs) -> Result<ExitCode, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut crate::cli::definition(),
        "dfota-hil",
        &mut script,
    );
    let script = String::from_utf8_lossy(&script);
    match args.shell {
        clap_complete::Shell::Bash => print(&one_name(&script)),
        _ => print(&script),
    }
    Ok(ExitCode::Success)
}

/// clap_complete 4.6.11 has two names for a program with a hyphen in its own, one where a command is found and one where its
/// flags are listed, so that bash would complete the flags of none. A later one that has one name stays as it is.
fn one_name(script: &str) -> String {
    script.replace("dfota__subcmd__hil", "dfota__hil")
}
