//! The journal of a bundle, and everything that is made again from it to be compared.

use super::Verified;
use super::bundle::Bundle;
use crate::digest::sha256_hex;
use crate::evidence::manifest::{self, Listed, Manifest};
use crate::evidence::{STATEMENT, contents, statement};
use crate::journal::chain::{self, Chain};
use crate::journal::{self, ReadError};
use crate::rejudge::Rejudged;
use crate::report::reading::JournalReading;
use crate::report::{self, ReportError, Run};
use dfota_core::event::JunitProfile;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

/// Whether a journal whose chain holds ends where the manifest says.
pub(super) fn end_of_journal(file: &str, chain: &Chain, manifest: &Manifest, verified: &mut Verified) {
    verified.lines = chain.lines;
    let end = &manifest.journal;
    let what = match chain.lines.cmp(&end.lines) {
        Ordering::Less => format!("line {} and what followed it were removed", chain.lines + 1),
        Ordering::Greater => format!("line {} was added", end.lines + 1),
        Ordering::Equal if chain.head != end.head => format!("line {} was changed", end.lines),
        Ordering::Equal => return,
    };
    verified.touch(file, what);
}

/// The journal in a bundle, and whether the reports and the statement are what it gives.
pub(super) fn check_journal(bundle: &Bundle, verified: &mut Verified) {
    let (Some(journal), Some(manifest)) = (&bundle.journal, &bundle.manifest) else {
        return;
    };
    match chain::follow_lines(|| bundle.open(&journal.name)) {
        Err(why) => return verified.touched.insert(0, format!("{}: {why}", journal.name)),
        Ok(Err(touched)) => return verified.touched.insert(0, format!("{}: {touched}", journal.name)),
        Ok(Ok(chain)) => end_of_journal(&journal.name, &chain, manifest, verified),
    }
    // What was touched is named; whether it still agrees with itself says nothing any more.
    if !verified.touched.is_empty() {
        return;
    }
    if let Err(why) = reports_again(bundle, journal, manifest, verified) {
        verified.touched.push(why.to_string());
    }
}

/// Reads the journal of a bundle and makes the reports again.
fn reports_again(
    bundle: &Bundle,
    journal: &Listed,
    manifest: &Manifest,
    verified: &mut Verified,
) -> Result<(), ReportError> {
    let path = bundle.path.join(&journal.name);
    // A case that was run again has the transcript of the last time, as in the run folder.
    let mut transcripts = BTreeMap::new();
    let mut read = JournalReading::with(
        |tell| {
            let lines = bundle.open(&journal.name).map_err(|why| ReadError::Io {
                path: path.clone(),
                why,
            })?;
            journal::each_in(lines, &path, false, tell)
        },
        |name, text| {
            let name = format!("{}/{name}", crate::run_folder::TRANSCRIPTS);
            let differs = differs(manifest, &name, text.as_bytes());
            transcripts.insert(name, differs);
            Ok::<(), ReportError>(())
        },
    )?;
    let mut others: Vec<String> = transcripts.into_values().flatten().collect();
    let rejudged = read.rejudged();
    let mut run = Run::of_folder(&path, &read.records)?;
    run.derived = rejudged.as_ref().map(Rejudged::counts);
    verified.verdicts = run.derived;
    verified.masked_from.clone_from(&run.started.masked_from);
    let note = |head| {
        format!(
            "masked: its journal is a copy without IMEI, IMSI, ICCID and addresses; the last line of the original has the SHA-256 {head}"
        )
    };
    verified.notes.extend(verified.masked_from.as_ref().map(note));
    // The JUnit file is made as the run was told, or as `report` was: with the other profile.
    let of = |profile| of_run(&run, &read.written, profile, bundle, manifest);
    let mut differ = of(None);
    for profile in [JunitProfile::Strict, JunitProfile::Extended] {
        if differ.is_empty() {
            break;
        }
        let other = of(Some(profile));
        if other.len() < differ.len() {
            differ = other;
        }
    }
    others.extend(differ);
    // Of a masked copy some verdicts cannot be derived: what was told before and after looks the same in it.
    let not_given: Vec<String> = rejudged.iter().flat_map(not_given).collect();
    match verified.masked_from {
        Some(_) => verified
            .notes
            .extend(not_given.into_iter().map(|what| format!("masked: {what}"))),
        None => others.extend(not_given),
    }
    compared(&run, others, manifest, verified);
    Ok(())
}

/// Verdicts that are not what the events of their journal give.
fn not_given(rejudged: &Rejudged) -> impl Iterator<Item = String> {
    rejudged.differing().map(|compared| {
        format!(
            "{}: line {}: the verdict of {}::{} is {}, and its events give {}",
            journal::FILE,
            compared.seq + 1,
            compared.suite,
            compared.id,
            compared.recorded,
            compared.derived
        )
    })
}

/// What is wrong with a file of the bundle, if it ought to have these bytes.
fn differs(manifest: &Manifest, name: &str, bytes: &[u8]) -> Option<String> {
    match manifest.find(name) {
        Some(listed) if listed.sha256 == sha256_hex(bytes) => None,
        Some(_) => Some(format!("{name} is not what the journal gives")),
        None => Some(format!("{name} is missing in the manifest")),
    }
}

/// What differs from what a run gives, but for the transcripts that were `written` before.
fn of_run(
    run: &Run<'_>,
    written: &HashSet<String>,
    profile: Option<JunitProfile>,
    bundle: &Bundle,
    manifest: &Manifest,
) -> Vec<String> {
    let mut others = Vec::new();
    let mut look = |name: &str, bytes: &[u8]| {
        others.extend(differs(manifest, name, bytes));
        Ok::<(), Infallible>(())
    };
    let Ok(()) = report::each(run, written, profile, &mut look);
    for (name, bytes) in contents::of_journal(run) {
        let Ok(()) = look(&name, &bytes);
    }
    let given = statement::write(run, manifest);
    let statement = bundle.contents.get(STATEMENT);
    if statement.is_some_and(|is| *is != given.as_bytes()) {
        others.push(format!("{STATEMENT} is not what the journal gives"));
    }
    if manifest.journal.ended && run.ended.is_none() || manifest.run != run.started.run {
        others.push(format!("{} is not that of the journal", manifest::FILE));
    }
    others
}

/// Reports how what the journal gives differs from what is there.
fn compared(run: &Run<'_>, others: Vec<String>, manifest: &Manifest, verified: &mut Verified) {
    if run.ended.is_none() {
        verified
            .notes
            .push("the run never ended: it was killed, and its journal is incomplete".into());
    }
    let this = env!("CARGO_PKG_VERSION");
    verified.reports_compared = others.is_empty();
    if others.is_empty() || manifest.tool == this {
        verified.touched.extend(others);
    } else {
        verified.notes.push(format!(
            "the reports were made by version {}, this is {this}, whose reports differ ({}): use that version to compare them with the journal",
            manifest.tool, others[0]
        ));
    }
}
