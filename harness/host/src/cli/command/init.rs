//! `init`: the files of a new bench, from questions at the terminal or from flags. What it writes is read back first, by the code
//! with which `plan` and `run` read it.

mod answers;
mod ask;
mod ci;
mod files;
mod found;
mod yaml;

use crate::config::rig::Rig;
use crate::config::suite::Suite;
use crate::config::yaml::document::Document;
use crate::exit::{CommandError, ExitCode};
use crate::terminal::print;
use answers::Answers;
use ask::Asker;
use dfota_record::shell_word::shell_word;
use files::{NewFile, NewFiles};
use std::path::{Path, PathBuf};

/// Write the files of a new bench: a rig, a first suite, on request a CI job and a unit
///
/// At a terminal, asks for each value that no flag gives, and offers the serial adapters and GPIO chips of this machine.
/// Without a terminal, uses flags and defaults; a value without a default needs its flag. Powers nothing. Overwrites files only
/// with `--force`.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Folder of the files
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// Name of the rig, and of its file
    #[arg(long, value_name = "NAME")]
    rig: Option<String>,
    /// Module on it: `bc66` or `bc66-na`
    #[arg(long)]
    module: Option<String>,
    /// Serial port of the module's main UART
    #[arg(long)]
    port: Option<String>,
    #[command(flatten)]
    lines: LineArgs,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    package: PackageArgs,
    #[command(flatten)]
    nightly: NightlyArgs,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

/// The lines of the bench.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct LineArgs {
    /// What moves the lines: `gpiochip`, `rppal` or `command`
    #[arg(long)]
    driver: Option<String>,
    /// Line of the supply's switch, for example `GPIO17`, `GPIO17:low` where low switches on, or `/dev/gpiochip1/4`
    #[arg(long, value_name = "LINE")]
    power: Option<String>,
    /// With `command`: program and arguments that switch the supply on, for example `./relay on`
    #[arg(long, value_name = "PROGRAM")]
    on: Option<String>,
    /// With `command`: program and arguments that switch it off
    #[arg(long, value_name = "PROGRAM")]
    off: Option<String>,
    /// Line of RESET (with `command`: the program of its pulse), or `none`
    #[arg(long, value_name = "LINE")]
    reset: Option<String>,
    /// Line of PWRKEY (with `command`: the program of its pulse), or `none`
    #[arg(long, value_name = "LINE")]
    pwrkey: Option<String>,
}

/// How updates go over the air.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct NetworkArgs {
    /// How the module reaches this machine over HTTP, for example `http://lab.example.com:8080`, or `none`
    #[arg(long, value_name = "URL")]
    http: Option<String>,
    /// How it reaches it over CoAP, for example `coap://lab.example.com:5683`, or `none`
    #[arg(long, value_name = "URL")]
    coap: Option<String>,
    /// Access point name, or `none` for the module's own
    #[arg(long)]
    apn: Option<String>,
    /// PIN of the SIM, or `none`
    #[arg(long)]
    pin: Option<String>,
}

/// The packages of the first suite.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct PackageArgs {
    /// The vendor's delta for the update, or `none` for a rig without a suite
    #[arg(long, value_name = "FILE")]
    package: Option<String>,
    /// Version that it updates from, for example BC66NBR01A01
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,
    /// Version that it updates to
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// The delta that leads back, or `none`
    #[arg(long, value_name = "FILE")]
    back: Option<String>,
}

/// What runs the suite every night.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct NightlyArgs {
    /// Write a nightly job for this CI server as well
    #[arg(long, value_enum)]
    ci: Option<ci::Ci>,
    /// Write a systemd unit, its timer and its environment as well
    #[arg(long)]
    unit: bool,
}

/// Asks, reads back, and writes.
pub fn main(args: &InitArgs) -> Result<ExitCode, CommandError> {
    let mut asker = Asker::at_terminal()?;
    let answers = Answers::collect(args, &mut asker)?;
    asker.complete()?;
    let files = NewFiles::new(args, &answers)?;
    check(&files)?;
    write(args, &files)?;
    print(&summary(&files));
    Ok(ExitCode::Success)
}

/// Reads the rig and the suite back: an invalid one is refused before anything is written.
fn check(files: &NewFiles) -> Result<(), CommandError> {
    let refused = |error| super::shown(&[error]);
    let document = |file: &NewFile| Document::parse(&file.path.display().to_string(), file.text.as_bytes());
    let rig = document(&files.rig).and_then(|document| Rig::from_document(&document, files.rig.path.clone()));
    let rig = rig.map_err(refused)?;
    let Some(file) = &files.suite else {
        return Ok(());
    };
    let suite = document(file).and_then(|document| Suite::from_document(&document, file.path.clone()));
    let suite = suite.map_err(refused)?;
    super::synthetic_on_wires(&suite, &rig).map_or(Ok(()), |error| Err(refused(error)))
}

/// Writes all of them, or none where one is there already.
fn write(args: &InitArgs, files: &NewFiles) -> Result<(), CommandError> {
    let there = files.all().filter(|file| !args.force && file.path.exists());
    let there: Vec<String> = there.map(|file| format!("`{}`", file.path.display())).collect();
    if !there.is_empty() {
        return Err(CommandError::usage(format!(
            "{}: there already, nothing was written; overwrite with `--force`, or choose another place with `--rig` or `--into`",
            there.join(", ")
        )));
    }
    let cannot =
        |path: &Path, why| CommandError::usage(format!("`{}` cannot be written: {why}", path.display()));
    std::fs::create_dir_all(&args.into).map_err(|why| cannot(&args.into, why))?;
    for NewFile { path, text } in files.all() {
        std::fs::write(path, text).map_err(|why| cannot(path, why))?;
    }
    Ok(())
}

/// What was written, and what comes next.
fn summary(files: &NewFiles) -> String {
    let word = |file: &NewFile| shell_word(&file.path.display().to_string());
    let written = files
        .all()
        .map(|file| format!("written: {}\n", file.path.display()));
    let mut text: String = written.collect();
    let rig = word(&files.rig);
    text += &format!("next:    dfota-hil check --step {rig}\n");
    if let Some(suite) = &files.suite {
        text += &format!("         dfota-hil plan {} --rig {rig}\n", word(suite));
    }
    if let Some(install) = &files.install_unit {
        text += &format!("         {install}\n");
    }
    text
}
