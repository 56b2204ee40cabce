//! What goes into a bundle: the one list.

use super::{manifest, time_stamp};
use crate::journal;
use crate::report::{Run, transcript};
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

/// Files that stand in the journal alone: suites, rig, digests of the packages.
pub fn of_journal(run: &Run<'_>) -> Vec<(String, Vec<u8>)> {
    let started = run.started;
    let mut packages =
        serde_json::to_string_pretty(&json!({ "packages": started.packages })).unwrap_or_default();
    packages.push('\n');
    let mut files = vec![
        (PACKAGES.to_owned(), packages.into_bytes()),
        yaml("rig", 1, &started.rig.file),
    ];
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
    let made = name == PACKAGES || name == manifest::FILE;
    !made && !name.starts_with("rig/") && !name.starts_with("suites/")
}

/// Longest contents of a file that is looked into when a bundle is read, in bytes; `None`: only its digest is taken.
pub fn longest(name: &str) -> Option<u64> {
    match name {
        journal::FILE | journal::masked::FILE => Some(1 << 31),
        manifest::FILE => Some(1 << 26),
        name if super::ABOUT_THE_MANIFEST.contains(&name) => Some((1 << 26) + time_stamp::LONGEST),
        _ => None,
    }
}

/// Whether the contents of a file that is looked into are kept in memory; a journal is read line by line.
pub fn is_kept(name: &str) -> bool {
    longest(name).is_some() && ![journal::FILE, journal::masked::FILE].contains(&name)
}
