//! Several rigs in one run: each has a name of its own, and no two of them use the same hardware or address.
//!
//! Files alone are compared, and links are resolved; nothing is opened. What only the hardware can tell, such as a line
//! that one rig names and another one numbers, is found out by the lease.

mod hardware;

use crate::config::rig::{Link, Rig};
use crate::config::yaml::file_error::{Bytes, FileError, Problem, line_and_column};
use crate::config::yaml::tree::Tree;
use hardware::{HardwareUse, uses};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A name that means every rig, where a suite says `on`.
const EACH: &str = "each";

/// The rigs as one run can use them. A simulated rig that is given again gets a number behind its name, for each copy has a module
/// of its own. Everything else that two rigs share is refused.
pub fn side_by_side(rigs: Vec<Rig>) -> Result<Vec<Rig>, Vec<FileError>> {
    let all = if rigs.len() > 1 { rigs.len() } else { 0 };
    let errors: Vec<FileError> = (0..all)
        .filter_map(|at| refused(&rigs[..at], &rigs[at]))
        .collect();
    if errors.is_empty() {
        Ok(with_names(with_copies(rigs)))
    } else {
        Err(errors)
    }
}

/// A name as it stands in folders and ids: letters, digits, `.`, `_` and `-`.
pub fn plain_name(name: &str) -> String {
    name.replace(|c: char| !(c.is_alphanumeric() || "._-".contains(c)), "-")
}

fn is_process(rig: &Rig) -> bool {
    matches!(rig.link, Link::Simulated(_))
}

/// Whether both are one simulated rig, which can be given as often as somebody likes.
fn are_copies(rig: &Rig, other: &Rig) -> bool {
    is_process(rig) && rig.canonical == other.canonical
}

/// Tells the rigs of one file apart, by how often it was given before: what a run keeps of one is not that of another.
fn with_copies(mut rigs: Vec<Rig>) -> Vec<Rig> {
    let mut given: BTreeMap<PathBuf, u32> = BTreeMap::new();
    for rig in &mut rigs {
        let count = given.entry(rig.canonical.clone()).or_default();
        *count += 1;
        rig.copy = (*count > 1).then_some(*count);
    }
    rigs
}

fn with_names(mut rigs: Vec<Rig>) -> Vec<Rig> {
    // Who has a name in a file keeps it, whatever numbers others get.
    let mut taken: BTreeSet<String> = rigs.iter().map(|rig| plain_name(&rig.name)).collect();
    for rig in rigs.iter_mut().filter(|rig| rig.copy.is_some()) {
        let mut numbered = (2..).map(|n: u32| format!("{}-{n}", rig.name));
        if let Some(name) = numbered.find(|name| taken.insert(plain_name(name))) {
            rig.name = name;
        }
    }
    rigs
}

/// What `rig` shares with one of those before it.
fn refused(before: &[Rig], rig: &Rig) -> Option<FileError> {
    let mut problems: Vec<Problem> = named_each(rig).into_iter().collect();
    for other in before {
        if !is_process(rig) && rig.canonical == other.canonical {
            let message = format!(
                "this rig is given twice: {} is the same file",
                place(other, &["rig"])
            );
            let problem = problem(rig, &["rig"], &message, "given twice");
            problems.push(problem.help("give each rig with wires once: one module runs one case at a time"));
            continue;
        }
        problems.extend(same_name(other, rig));
        problems.extend(same_hardware(other, rig));
    }
    // A pattern may give a file several times: one mistake is one mistake.
    let mut seen: Vec<Problem> = Vec::new();
    for problem in problems {
        if !seen.contains(&problem) {
            seen.push(problem);
        }
    }
    (!seen.is_empty()).then(|| FileError::new(rig.file.display().to_string(), shown_text(rig), seen))
}

fn named_each(rig: &Rig) -> Option<Problem> {
    let message = format!(
        "in a run on several rigs, no rig can be named `{EACH}`: `on: {EACH}` in a suite means every rig"
    );
    let problem = || problem(rig, &["rig"], &message, "means every rig");
    (rig.name == EACH).then(|| problem().help("rename it"))
}

fn same_name(other: &Rig, rig: &Rig) -> Option<Problem> {
    if are_copies(rig, other) || plain_name(&rig.name) != plain_name(&other.name) {
        return None;
    }
    let message = format!(
        "this rig is named `{}`, and another one `{}`: {}",
        rig.name,
        other.name,
        place(other, &["rig"])
    );
    let problem = problem(rig, &["rig"], &message, "the same name");
    Some(problem.help("rename one of them: reports tell rigs apart by their names"))
}

fn same_hardware(other: &Rig, rig: &Rig) -> Vec<Problem> {
    let others = uses(other);
    let clash = |HardwareUse { keys, part }| {
        let shared = others.iter().find(|use_of| use_of.part.is_also(&part))?;
        let message = format!(
            "{} is that of rig `{}` as well: {}",
            part.shown(),
            other.name,
            place(other, &shared.keys)
        );
        let problem = problem(rig, &keys, &message, "used twice");
        Some(problem.help(format!(
            "two rigs of one run share nothing: change one of the files, or run the suites on `{}` and `{}` one after the other",
            other.name, rig.name
        )))
    };
    uses(rig).into_iter().filter_map(clash).collect()
}

fn problem(rig: &Rig, keys: &[&str], message: &str, label: &str) -> Problem {
    match mark(rig, keys) {
        Some(bytes) => Problem::at(bytes, message, label),
        None => Problem::whole(message),
    }
}

/// `path:line:column` of a key's value.
fn place(rig: &Rig, keys: &[&str]) -> String {
    let file = rig.file.display();
    match mark(rig, keys) {
        Some(bytes) => {
            let (line, column) = line_and_column(&rig.text, bytes.start);
            format!("{file}:{line}:{column}")
        }
        None => file.to_string(),
    }
}

/// Where the value of a key stands in the rig's file.
fn mark(rig: &Rig, keys: &[&str]) -> Option<Bytes> {
    let tree = Tree::parse(&rig.text).ok()?;
    let mut at = Tree::ROOT;
    let mut key = Tree::ROOT;
    for name in keys {
        let entries = tree.node(at).entries();
        let entry = entries.iter().find(|entry| tree.key(entry.key) == *name)?;
        (at, key) = (entry.value, entry.key);
    }
    Some(tree.mark(tree.place(at, key, false)))
}

/// The file's text without the PIN of its SIM: messages end up in logs.
fn shown_text(rig: &Rig) -> String {
    match &rig.network.pin {
        Some(pin) => rig.text.replace(pin.as_str(), &"*".repeat(pin.len())),
        None => rig.text.clone(),
    }
}
