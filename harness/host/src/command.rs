//! The commands, one module each: arguments in, exit code out.

pub mod bisect;
pub mod check;
pub mod compare;
pub mod completions;
pub mod console;
pub mod evidence;
pub mod history;
pub mod judge;
pub mod keygen;
pub mod list;
pub mod manual;
pub mod package;
pub mod plan;
pub mod power;
pub mod report;
pub mod run;
pub mod schema;
pub mod serve;
pub mod verify;

use crate::cli::{Common, Failed, Selection};
use crate::count::count_of;
use crate::rig::{Link, Rig};
use crate::state::lease::Lease;
use crate::state::{StateDir, StateFlag};
use crate::suite::Suite;
use crate::yaml::file_error::FileError;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Reads a rig file, or says what is wrong with it.
pub fn load_rig(path: &Path) -> Result<Rig, Failed> {
    Rig::load(path).map_err(|error| shown(&[error]))
}

/// Takes the lease of a rig with wires. A simulated rig needs none: each command has a module of its own.
pub fn lease(rig: &Rig, flag: &StateFlag, command: &str) -> Result<Option<Lease>, Failed> {
    match rig.link {
        Link::Bench(_) => Ok(Some(Lease::take(rig, &StateDir::find(flag)?, command)?)),
        Link::Simulated(_) => Ok(None),
    }
}

/// Reads the files of a selection; mistakes of all of them are shown at once.
pub fn load(selection: &Selection, _common: Common) -> Result<(Rig, Vec<Suite>), Failed> {
    let mut errors = Vec::new();
    let rig = Rig::load(&selection.rig).map_err(|error| errors.push(error)).ok();
    let suites: Vec<Suite> = selection
        .suites
        .iter()
        .filter_map(|path| Suite::load(path).map_err(|error| errors.push(error)).ok())
        .collect();
    match rig {
        Some(rig) if errors.is_empty() => {
            unique(&suites)?;
            Ok((rig, suites))
        }
        _ => Err(shown(&errors)),
    }
}

/// Reads suite files; mistakes of all of them are shown at once.
pub fn load_suites(paths: &[PathBuf]) -> Result<Vec<Suite>, Failed> {
    let mut errors = Vec::new();
    let load = |path: &PathBuf| Suite::load(path).map_err(|error| errors.push(error)).ok();
    let suites: Vec<Suite> = paths.iter().filter_map(load).collect();
    if !errors.is_empty() {
        return Err(shown(&errors));
    }
    unique(&suites)?;
    Ok(suites)
}

/// Two suites of one name could not be told apart in any report.
fn unique(suites: &[Suite]) -> Result<(), Failed> {
    for (n, suite) in suites.iter().enumerate() {
        if let Some(other) = suites[..n].iter().find(|other| other.name == suite.name) {
            return Err(Failed::usage(format!(
                "`{}` and `{}` are both named `{}`: name one of them otherwise, or run them apart",
                other.file.display(),
                suite.file.display(),
                suite.name
            )));
        }
    }
    Ok(())
}

fn shown(errors: &[FileError]) -> Failed {
    let colour = std::io::stderr().is_terminal();
    let mistakes: usize = errors.iter().map(|error| error.problems().len()).sum();
    let shown: Vec<String> = errors.iter().map(|error| error.render(colour)).collect();
    Failed::usage(format!(
        "{}, nothing was done\n\n{}",
        count_of(mistakes, "mistake"),
        shown.join("\n")
    ))
}
