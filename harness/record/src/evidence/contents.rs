//! What goes into a bundle: the one list.

use super::{manifest, time_stamp};
use crate::bundle::member;
use crate::journal;
use crate::report::{Run, transcript};
use crate::run_folder::plain_file;
use dfota_core::event::FileFacts;
use serde_json::json;
use std::path::Path;

/// Files of the run folder that are taken where they are.
const WHERE_THERE: [&str; 2] = ["report.html", "report.pdf"];
/// The digests of the packages.
pub const PACKAGES: &str = "packages.json";

/// Names of the run folder's files that belong into the bundle, sorted.
pub fn of_folder(folder: &Path, run: &Run<'_>) -> Vec<String> {
    let mut names = vec![
        journal::masked::name(run.started.masked).to_owned(),
        crate::run_folder::SUMMARY.to_owned(),
        crate::run_folder::JUNIT.to_owned(),
    ];
    names.extend(journals_of_parts(folder, run));
    let there = |name: &&&str| folder.join(name).is_file();
    names.extend(WHERE_THERE.iter().filter(there).map(|name| (*name).to_owned()));
    let tried = run.cases.iter().filter(|case| !case.records.is_empty());
    names.extend(tried.map(|case| {
        format!(
            "{}/{}",
            crate::run_folder::TRANSCRIPTS,
            transcript::name(case.case)
        )
    }));
    names.sort();
    names.dedup();
    names
}

/// Of a run on several rigs: the journals that its own was merged from, as far as they are there.
fn journals_of_parts(folder: &Path, run: &Run<'_>) -> Vec<String> {
    if !run.fleet.is_fleet() {
        return Vec::new();
    }
    let masked = run.started.masked;
    let parts = run.fleet.parts.iter();
    let parts = parts.map(|part| format!("{}/{}", part.taken.folder, journal::masked::name(masked)));
    let mut names: Vec<String> = parts.filter(|name| is_of_part(name)).collect();
    names.push(journal::masked::parent_name(masked).to_owned());
    names.retain(|name| plain_file(folder, name).is_ok());
    names
}

/// Whether a file belongs to a part of a run on several rigs.
pub fn is_of_part(name: &str) -> bool {
    member::is_safe(name) && name.split('/').count() == 4
}

/// Whether a file is a journal: that of the run, of the parent, or of a part, or the masked copy of one.
pub fn is_journal(name: &str) -> bool {
    const NAMES: [&str; 2] = [journal::FILE, journal::masked::FILE];
    let of_run =
        [journal::PARENT_FILE, journal::masked::PARENT_FILE].contains(&name) || NAMES.contains(&name);
    let last = name.rsplit('/').next().unwrap_or(name);
    of_run || is_of_part(name) && NAMES.contains(&last)
}

/// Name of the manifest of a part, by the name of its journal.
pub fn manifest_of_part(journal: &str) -> Option<String> {
    let (folder, _) = journal.rsplit_once('/').filter(|_| is_of_part(journal))?;
    Some(format!("{folder}/{}", manifest::FILE))
}

/// Files that stand in the journal alone: suites, rig, digests of the packages.
pub fn of_journal(run: &Run<'_>) -> Vec<(String, Vec<u8>)> {
    let started = run.started;
    let mut packages =
        serde_json::to_string_pretty(&json!({ "packages": started.packages })).unwrap_or_default();
    packages.push('\n');
    let mut files = vec![(PACKAGES.to_owned(), packages.into_bytes())];
    if run.fleet.is_fleet() {
        let rigs = run.fleet.rigs.iter().zip(1..);
        files.extend(rigs.map(|(rig, number)| yaml("rig", number, &rig.facts.file)));
    } else {
        files.push(yaml("rig", 1, &started.rig.file));
    }
    let suites = started.suites.iter().zip(1..);
    files.extend(suites.map(|(suite, number)| yaml("suites", number, suite)));
    files
}

/// A file by its number and what is usable of its name.
fn yaml(folder: &str, number: usize, facts: &FileFacts) -> (String, Vec<u8>) {
    let usable = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    let name: String = facts.name.chars().filter(usable).take(60).collect();
    (
        format!("{folder}/{number}-{name}.yaml"),
        facts.text.clone().into_bytes(),
    )
}

/// Whether a file of a bundle lies in the run folder as well.
pub fn is_in_folder(name: &str) -> bool {
    let of_part = is_of_part(name) && !is_journal(name);
    let made = name == PACKAGES || name == manifest::FILE || of_part;
    !made && !name.starts_with("rig/") && !name.starts_with("suites/")
}

/// Longest contents of a file that is looked into when a bundle is read, in bytes; `None`: only its digest is taken.
pub fn longest(name: &str) -> Option<u64> {
    match name {
        name if is_journal(name) => Some(1 << 31),
        manifest::FILE => Some(1 << 26),
        name if super::ABOUT_THE_MANIFEST.contains(&name) => Some((1 << 26) + time_stamp::LONGEST),
        _ => None,
    }
}

/// Whether the contents of a file that is looked into are kept in memory; a journal is read line by line.
pub fn is_kept(name: &str) -> bool {
    longest(name).is_some() && !is_journal(name)
}
