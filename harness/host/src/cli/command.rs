//! The commands, one module each: arguments in, exit code out.

#[cfg(feature = "lab")]
pub mod agent;
pub mod bisect;
pub mod check;
pub mod compare;
pub mod completions;
pub mod console;
pub mod evidence;
pub mod history;
pub mod init;
pub mod judge;
pub mod keygen;
#[cfg(feature = "lab")]
pub mod lab;
pub mod list;
pub mod manual;
pub mod package;
pub mod plan;
pub mod power;
pub mod prune;
pub mod report;
pub mod run;
pub mod schema;
pub mod serve;
pub mod verify;
pub mod write_off;

use crate::bench::lease::Lease;
use crate::config::rig::{Link, Rig};
use crate::config::rig_set;
use crate::config::suite::Suite;
use crate::config::yaml::file_error::{FileError, Problem};
use crate::exit::CommandError;
use crate::plan::flags::SelectionFlags;
use crate::state::{StateDir, StateFlag};
use bc66_sim::package::PackagePurpose;
use dfota_record::count::count_of;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Reads a rig file, or says what is wrong with it.
pub fn load_rig(path: &Path) -> Result<Rig, CommandError> {
    Rig::load(path).map_err(|error| shown(&[error]))
}

/// Takes the lease of a rig with wires. A simulated rig needs none: each command has a module of its own.
pub fn lease(rig: &Rig, flag: &StateFlag, command: &str) -> Result<Option<Lease>, CommandError> {
    match rig.link {
        Link::Bench(_) => Ok(Some(Lease::take(rig, &StateDir::find(flag)?, command)?)),
        Link::Simulated(_) => Ok(None),
    }
}

/// Reads the files of a selection for a `command` that works on one rig; mistakes of all of them are shown at once.
pub fn load(selection: &SelectionFlags, command: &str) -> Result<(Rig, Vec<Suite>), CommandError> {
    let (rigs, suites) = read_files(&[selection.rig(command)?], &selection.suites)?;
    let rig = rigs.into_iter().next();
    Ok((rig.ok_or_else(|| CommandError::usage("no rig is given"))?, suites))
}

/// The same for a command that works on several rigs. They can be used at the same time, and each has a name of its own.
pub fn load_fleet(selection: &SelectionFlags) -> Result<(Vec<Rig>, Vec<Suite>), CommandError> {
    let (rigs, suites) = read_files(&selection.rig_files()?, &selection.suites)?;
    let rigs = rig_set::side_by_side(rigs).map_err(|errors| shown(&errors))?;
    all_end(&suites)?;
    Ok((rigs, suites))
}

fn all_end(suites: &[Suite]) -> Result<(), CommandError> {
    match suites.iter().find(|suite| suite.until_stopped) {
        None => Ok(()),
        Some(suite) => Err(CommandError::usage(format!(
            "`{}` has `repeat: until-stopped`: it never ends, so run it on one rig",
            suite.file.display()
        ))),
    }
}

fn read_files(rigs: &[PathBuf], suites: &[PathBuf]) -> Result<(Vec<Rig>, Vec<Suite>), CommandError> {
    let mut errors = Vec::new();
    let read = |path: &PathBuf| Rig::load(path).map_err(|error| errors.push(error)).ok();
    let rigs: Vec<Rig> = rigs.iter().filter_map(read).collect();
    let suites = read_suites(suites, &mut errors);
    if !errors.is_empty() {
        return Err(shown(&errors));
    }
    unique(&suites)?;
    no_synthetic_on_wires(&suites, &rigs)?;
    Ok((rigs, suites))
}

fn no_synthetic_on_wires(suites: &[Suite], rigs: &[Rig]) -> Result<(), CommandError> {
    let on = |rig| {
        suites
            .iter()
            .filter_map(move |suite| synthetic_on_wires(suite, rig))
    };
    let errors: Vec<FileError> = rigs.iter().flat_map(on).collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(shown(&errors))
    }
}

/// Reads suite files for rigs that are read already.
#[cfg(feature = "lab")]
pub fn load_suites_for(paths: &[PathBuf], rigs: &[Rig]) -> Result<Vec<Suite>, CommandError> {
    let suites = load_suites(paths)?;
    no_synthetic_on_wires(&suites, rigs)?;
    all_end(&suites)?;
    Ok(suites)
}

/// Reads suite files; mistakes of all of them are shown at once.
pub fn load_suites(paths: &[PathBuf]) -> Result<Vec<Suite>, CommandError> {
    let mut errors = Vec::new();
    let suites = read_suites(paths, &mut errors);
    if !errors.is_empty() {
        return Err(shown(&errors));
    }
    unique(&suites)?;
    Ok(suites)
}

fn read_suites(paths: &[PathBuf], errors: &mut Vec<FileError>) -> Vec<Suite> {
    let read = |path: &PathBuf| Suite::load(path).map_err(|error| errors.push(error)).ok();
    paths.iter().filter_map(read).collect()
}

/// The packages of a suite that are made for the simulated module, where the rig has a real one: that refuses them, and each run
/// would report it as a failure of the module.
fn synthetic_on_wires(suite: &Suite, rig: &Rig) -> Option<FileError> {
    if rig.is_simulated() || !suite.is_for(PackagePurpose::Simulation) {
        return None;
    }
    let synthetic = suite
        .packages
        .iter()
        .filter(|loaded| loaded.purpose() == Some(PackagePurpose::Simulation));
    let problems = synthetic.map(|loaded| {
        let message = format!(
            "expected a package of the vendor, found one that `package pack` made for the simulated module: no module on the rig `{}` can take it",
            rig.name
        );
        Problem::at(loaded.named_at.clone(), message, "for the simulated module alone")
            .help("write a suite with the vendor's deltas (`dfota-hil init` makes one), or run this one on a simulated rig such as `rigs/sim.yaml`; where `dfota-hil sim` stands in for the module, pack with `--rehearsal`")
    });
    Some(FileError::new(
        suite.file.display().to_string(),
        suite.text.as_str(),
        problems.collect(),
    ))
}

/// Two suites of one name could not be told apart in any report.
fn unique(suites: &[Suite]) -> Result<(), CommandError> {
    for (n, suite) in suites.iter().enumerate() {
        if let Some(other) = suites[..n].iter().find(|other| other.name == suite.name) {
            return Err(CommandError::usage(format!(
                "`{}` and `{}` are both named `{}`: rename one of them, or run them one after the other",
                other.file.display(),
                suite.file.display(),
                suite.name
            )));
        }
    }
    Ok(())
}

fn shown(errors: &[FileError]) -> CommandError {
    let colour = std::io::stderr().is_terminal();
    let mistakes: usize = errors.iter().map(|error| error.problems().len()).sum();
    let shown: Vec<String> = errors.iter().map(|error| error.render(colour)).collect();
    CommandError::usage(format!(
        "{}, nothing was done\n\n{}",
        count_of(mistakes, "mistake"),
        shown.join("\n")
    ))
}
