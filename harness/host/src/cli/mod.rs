//! The command line: what can be typed, and which exit code comes of it.

pub mod at_terminal;
pub mod command;
pub mod console;
pub mod help;
pub mod live;
pub mod on_rig;
pub mod screen;

use crate::bench::guard;
use crate::exit::{CommandError, ExitCode};
#[cfg(feature = "lab")]
use crate::run::lab::labgrid;
use crate::terminal::paint::{ColorMode, Paint};
use clap::{FromArgMatches, Parser, Subcommand};
use std::process::ExitCode as ProcessExitCode;

/// With these, `run` needs no rig file: a run is resumed with its own, and a lab has rigs.
const NO_RIG: &[&str] = if cfg!(feature = "lab") {
    &["resume", "lab"]
} else {
    &["resume"]
};

/// Places the flags of every command behind its own in the help, however many these are.
const SHARED: usize = 900;

/// Cuts the power of a cellular module in the middle of a firmware update, and reports whether it came back.
#[derive(Debug, Parser)]
#[command(name = "dfota-hil", version, max_term_width = 100, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print more; give it twice for the harness's own log (`RUST_LOG` works as well)
    #[arg(short, long, action = clap::ArgAction::Count, global = true, display_order = SHARED)]
    verbose: u8,
    /// When to colour
    #[arg(long, value_enum, default_value_t, global = true, display_order = SHARED + 1)]
    color: ColorMode,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run suites on a rig and write a run folder
    #[command(
        mut_arg("suites", |suites| suites.required(false).required_unless_present("resume")),
        mut_arg("rigs", |rigs| rigs.required(false).required_unless_present_any(NO_RIG)),
        override_usage = "dfota-hil run [OPTIONS] --rig <RIG> <SUITE>...\n       dfota-hil run [OPTIONS] --resume <RUN_DIR>"
    )]
    Run(command::run::RunArgs),
    /// Show what `run` would do, without touching the rig
    Plan(command::plan::PlanArgs),
    List(command::list::ListArgs),
    Bisect(command::bisect::BisectArgs),
    Check(command::check::CheckArgs),
    Init(Box<command::init::InitArgs>),
    /// Make every report of a run folder again, from its journal alone
    Report(command::report::ReportArgs),
    History(command::history::HistoryArgs),
    Compare(command::compare::CompareArgs),
    Prune(command::prune::PruneArgs),
    Verify(command::verify::VerifyArgs),
    Judge(command::judge::JudgeArgs),
    WriteOff(command::write_off::WriteOffArgs),
    /// Time stamps for signed evidence
    #[command(subcommand)]
    Evidence(command::evidence::EvidenceCommand),
    Keygen(command::keygen::KeygenArgs),
    /// Serve packages over HTTP and CoAP, with a LwM2M server beside them
    Serve(command::serve::ServeArgs),
    #[cfg(feature = "lab")]
    Agent(command::agent::AgentArgs),
    #[cfg(feature = "lab")]
    Lab(command::lab::LabCommandArgs),
    /// Simulate one BC66 on a pty, for use by hand
    Sim(bc66_sim::cli::SimulatorArgs),
    Console(command::console::ConsoleArgs),
    /// Move the lines of a rig by hand
    Power(command::power::PowerArgs),
    /// Look at packages, and pack deltas for the simulated module
    #[command(subcommand)]
    Package(command::package::PackageCommand),
    Schema(command::schema::SchemaArgs),
    /// Shell completions
    Completions(command::completions::CompletionsArgs),
    /// Write the manual pages, for packages
    #[command(hide = true)]
    Manual(command::manual::ManualArgs),
}

/// Flags that every command shares.
#[derive(Debug, Clone, Copy)]
pub struct Common {
    /// How much to say.
    pub verbose: u8,
    pub color: ColorMode,
}

pub fn main() -> ProcessExitCode {
    // Only this program starts it: help and completions do not show it.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == guard::COMMAND)
    {
        log(0, ColorMode::Never);
        return ended(guard::process::main());
    }
    #[cfg(feature = "lab")]
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == labgrid::COMMAND)
    {
        log(0, ColorMode::Never);
        return ended(labgrid::main());
    }
    let cli = match Cli::from_arg_matches(&definition().get_matches()) {
        Ok(cli) => cli,
        Err(why) => why.exit(),
    };
    let common = Common {
        verbose: cli.verbose,
        color: cli.color,
    };
    log(cli.verbose, cli.color);
    ended(match cli.command {
        Command::Run(args) => command::run::main(&args, common),
        #[cfg(feature = "lab")]
        Command::Agent(args) => command::agent::main(&args),
        #[cfg(feature = "lab")]
        Command::Lab(args) => command::lab::main(&args, common),
        Command::Plan(args) => command::plan::main(&args),
        Command::List(args) => command::list::main(&args),
        Command::Bisect(args) => command::bisect::main(args, common),
        Command::Check(args) => command::check::main(&args, common),
        Command::Init(args) => command::init::main(&args),
        Command::Report(args) => command::report::main(&args, common),
        Command::History(args) => command::history::main(&args, common),
        Command::Compare(args) => command::compare::main(&args),
        Command::Prune(args) => command::prune::main(&args),
        Command::Verify(args) => command::verify::main(&args),
        Command::Judge(args) => command::judge::main(&args, common),
        Command::WriteOff(args) => command::write_off::main(&args, common),
        Command::Evidence(command) => command::evidence::main(&command),
        Command::Keygen(args) => command::keygen::main(&args),
        Command::Serve(args) => command::serve::main(&args),
        Command::Sim(args) => return bc66_sim::cli::main(args),
        Command::Console(args) => command::console::main(&args, common),
        Command::Power(args) => command::power::main(&args),
        Command::Package(command) => command::package::main(command),
        Command::Schema(args) => command::schema::main(&args),
        Command::Completions(args) => command::completions::main(&args),
        Command::Manual(args) => command::manual::main(&args),
    })
}

fn ended(result: Result<ExitCode, CommandError>) -> ProcessExitCode {
    match result {
        Ok(code) => ProcessExitCode::from(code.code()),
        Err(error) => {
            error.print();
            ProcessExitCode::from(error.code.code())
        }
    }
}

/// The definition of the command line, for completions and manual pages.
pub fn definition() -> clap::Command {
    let whole = <Cli as clap::CommandFactory>::command();
    crate::cli::help::with_examples(whole.mut_subcommand("bisect", command::bisect::on_one_rig))
}

/// The arguments of a `run` that was started with these words, those behind the name of the program.
fn run_of(words: &[String]) -> Result<command::run::RunArgs, clap::Error> {
    let words = std::iter::once("dfota-hil").chain(words.iter().map(String::as_str));
    let cli = Cli::from_arg_matches(&definition().try_get_matches_from(words)?)?;
    match cli.command {
        Command::Run(args) => Ok(args),
        _ => Err(clap::Error::raw(
            clap::error::ErrorKind::InvalidSubcommand,
            "expected the arguments of `run`",
        )),
    }
}

/// What was typed behind `run`, as it is named in the help. What the environment gives is not typed.
fn typed_behind_run() -> Vec<TypedArgument> {
    let definition = definition();
    let Ok(matches) = definition.clone().try_get_matches() else {
        return Vec::new();
    };
    let (Some(run), Some(matches)) = (
        definition.find_subcommand("run"),
        matches.subcommand_matches("run"),
    ) else {
        return Vec::new();
    };
    let typed = |argument: &&clap::Arg| {
        let source = matches.value_source(argument.get_id().as_str());
        source == Some(clap::parser::ValueSource::CommandLine)
    };
    let named = |argument: &clap::Arg| TypedArgument {
        id: argument.get_id().to_string(),
        shown: match argument.get_long() {
            Some(long) => format!("--{long}"),
            None => argument.get_id().to_string().to_uppercase(),
        },
    };
    run.get_arguments().filter(typed).map(named).collect()
}

/// An argument that was typed.
struct TypedArgument {
    /// The name of its field.
    id: String,
    /// How it is typed.
    shown: String,
}

fn log(verbose: u8, color: ColorMode) {
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    let default = match verbose {
        0 | 1 => LevelFilter::WARN,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let asked = std::env::var("RUST_LOG")
        .ok()
        .and_then(|asked| asked.parse().ok());
    let shown = asked.unwrap_or_else(|| Targets::new().with_default(default));
    let told = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(Paint::stderr(color).is_on())
        .with_target(false)
        .log_internal_errors(false); // which it would tell on the standard error that failed
    tracing_subscriber::registry().with(shown).with(told).init();
}
