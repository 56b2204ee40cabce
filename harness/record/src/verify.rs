//! Checks offline whether a run folder or a bundle was changed: by digests, the journal's chain, the reports made
//! again, and the signature.

mod bundle;
mod parts;
mod plain;
mod reports;

use self::bundle::Bundle;
use crate::digest::file_digest;
use crate::evidence::manifest::{Listed, Manifest};
use crate::evidence::pack;
use crate::evidence::public_key::PublicKey;
use crate::evidence::time_stamp::TimeStamp;
use crate::evidence::{ABOUT_THE_MANIFEST, contents};
use crate::journal;
use crate::journal::chain::{self, Chain};
use crate::journal::merge;
use crate::rejudge::DerivedCount;
use crate::run_folder::{BUNDLE, TRANSCRIPTS, plain_file};
use sha2::{Digest, Sha256};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// The result of a verification.
#[derive(Debug, Default)]
pub struct Verified {
    /// Name of the run, as far as it is known.
    pub run: Option<String>,
    /// Lines of the journal.
    pub lines: u64,
    /// Files that the manifest lists.
    pub files: usize,
    /// Of a masked copy: SHA-256 of the last line of the journal that it says it was made from.
    pub masked_from: Option<String>,
    /// `None` where the journal does not hold what its verdicts rest on.
    pub verdicts: Option<DerivedCount>,
    /// Whether the reports were made again from the journal and are the same.
    pub reports_compared: bool,
    /// What was touched, the first thing first. Empty: nothing.
    pub touched: Vec<String>,
    /// What is missing of a run folder whose evidence was never made, if it is one: nothing in it shows that it was touched,
    /// and nothing that it was not.
    pub incomplete: Option<String>,
    /// What is worth knowing and not a fault.
    pub notes: Vec<String>,
    /// Id of the key that signed; `None` for an unsigned run.
    pub signed_by: Option<String>,
    /// Whether that is the key that was asked for.
    pub is_wanted_key: bool,
    pub time_stamp: Option<TimeStamp>,
}

/// What is neither a run folder nor a bundle.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {why}; expected a run folder or an `{BUNDLE}`", path.display())]
pub struct VerifyError {
    path: PathBuf,
    why: io::Error,
}

impl Verified {
    fn touch(&mut self, file: &str, what: impl Display) {
        self.touched.push(format!("{file}: {what}"));
    }
}

/// Verifies a run folder or a bundle.
pub fn verify(path: &Path, key: Option<&PublicKey>) -> Result<Verified, VerifyError> {
    if path.is_dir() {
        return folder(path, key);
    }
    let mut verified = Verified::default();
    let bundle = Bundle::read(path, key, &mut verified).map_err(|why| VerifyError {
        path: path.to_owned(),
        why,
    })?;
    reports::check_journal(&bundle, &mut verified);
    parts_of(&bundle, None, &mut verified);
    Ok(verified)
}

/// Checks the parts of a run on several rigs, where nothing else was touched.
fn parts_of(bundle: &Bundle, beside: Option<&Path>, verified: &mut Verified) {
    if verified.touched.is_empty()
        && let Err(why) = parts::check(bundle, beside, verified)
    {
        verified
            .touched
            .push(format!("the parts could not be checked: {why}"));
    }
}

/// A run folder: its bundle, and whether the files beside it are the ones in it.
fn folder(path: &Path, key: Option<&PublicKey>) -> Result<Verified, VerifyError> {
    let strange = plain::strange(path);
    if !strange.is_empty() {
        return Ok(Verified {
            touched: strange,
            ..Verified::default()
        });
    }
    let file = path.join(journal::FILE);
    let there = path.join(BUNDLE).exists();
    if !there && merge::is_fleet(path) {
        return fleet_without_evidence(path);
    }
    if let Err(why) = File::open(&file)
        && !there
    {
        return Err(VerifyError { path: file, why });
    }
    let (bundle, mut of_bundle) = bundle_in(path, there, key);
    let mut of_journal = Verified::default();
    reports::check_journal(&bundle, &mut of_journal);
    if of_bundle.touched.is_empty() {
        parts_of(&bundle, Some(path), &mut of_journal);
    }
    let mut verified = Verified::default();
    let packed = pack::is_packed(path, bundle.journal.as_ref().map(|journal| journal.name.as_str()));
    if packed {
        let note = "packed: journal and transcripts are only in the bundle; `dfota-hil report` restores them";
        verified.notes.push(note.into());
    }
    if (!packed || file.exists())
        && let Err(why) = journal_beside(&file, &bundle, &of_journal, &mut verified)
    {
        verified.touch(journal::FILE, why);
    }
    if !there && verified.incomplete.is_none() {
        of_bundle.touched.push("it is missing: without it a cut-off end of the journal cannot be detected; `dfota-hil report` makes it".into());
    }
    let sound = of_bundle.touched.is_empty() && of_journal.touched.is_empty();
    for what in of_bundle.touched.drain(..).chain(of_journal.touched) {
        verified.touch(BUNDLE, what);
    }
    // A bundle that is not sound says nothing about the files beside it.
    if sound {
        files_beside(path, &bundle, packed, &mut verified);
    }
    verified.notes.append(&mut of_bundle.notes);
    verified.notes.extend(of_journal.notes);
    Ok(Verified {
        touched: verified.touched,
        notes: verified.notes,
        incomplete: verified.incomplete,
        lines: verified.lines.max(of_journal.lines),
        reports_compared: of_journal.reports_compared,
        verdicts: of_journal.verdicts,
        masked_from: of_journal.masked_from,
        ..of_bundle
    })
}

/// The bundle of a run folder, and what is wrong with it; an empty one where there is none.
fn bundle_in(path: &Path, there: bool, key: Option<&PublicKey>) -> (Bundle, Verified) {
    let mut of_bundle = Verified::default();
    let bundle = match Bundle::read(&path.join(BUNDLE), key, &mut of_bundle) {
        Ok(bundle) => bundle,
        Err(why) => {
            // A bundle that was never made is told below.
            of_bundle.touched.extend(there.then(|| why.to_string()));
            Bundle::default()
        }
    };
    (bundle, of_bundle)
}

/// The folder of a run on several rigs of which no evidence was made.
fn fleet_without_evidence(path: &Path) -> Result<Verified, VerifyError> {
    let mut verified = Verified::default();
    let chain = parts::without_evidence(path, &mut verified).map_err(|why| VerifyError {
        path: path.join(journal::PARENT_FILE),
        why,
    })?;
    if let Some(chain) = chain {
        verified.lines = chain.lines;
        let made = ABOUT_THE_MANIFEST.iter().any(|name| path.join(name).exists());
        if made {
            verified.touch(
                BUNDLE,
                "it is missing, although files that are written after it exist",
            );
        }
        verified.incomplete = (!made).then(|| incomplete(&chain));
    }
    Ok(verified)
}

/// The journal of a run folder, beside that of its bundle if this one is sound.
fn journal_beside(
    file: &Path,
    bundle: &Bundle,
    of_bundle: &Verified,
    verified: &mut Verified,
) -> io::Result<()> {
    if !file.exists() {
        verified.touch(journal::FILE, "the whole journal was removed");
        return Ok(());
    }
    let broken = |was: &&Listed| {
        let mut touched = of_bundle.touched.iter();
        touched.any(|what| what.starts_with(&was.name))
    };
    let was = bundle.journal.as_ref().filter(|was| !broken(was));
    if let Some(was) = was.filter(|was| was.name == journal::FILE) {
        let (size, sha256) = file_digest(file)?;
        if (size, &sha256) != (was.size, &was.sha256) {
            let mut whole = Vec::new();
            bundle.open(&was.name)?.read_to_end(&mut whole)?;
            if let Some(what) = chain::compare(&whole, &std::fs::read(file)?) {
                verified.touch(journal::FILE, what);
            }
        }
        return Ok(());
    }
    // Of a masked run, the manifest has the end of the copy.
    let manifest = bundle.manifest.as_ref();
    let manifest = manifest.filter(|manifest| manifest.find(journal::FILE).is_some());
    match (chain::follow_file(file)?, was, manifest) {
        (Err(touched), ..) => verified.touch(journal::FILE, touched),
        (Ok(chain), Some(copy), _) => {
            verified.lines = chain.lines;
            // The copy has a line for each of the journal, so that its end can be named.
            let other = |manifest: &&Manifest| manifest.journal.lines != chain.lines;
            match bundle.manifest.as_ref().filter(other) {
                Some(manifest) => reports::end_of_journal(journal::FILE, &chain, manifest, verified),
                None => original_of(file, &chain, copy, of_bundle, verified)?,
            }
        }
        (Ok(chain), None, Some(manifest)) => {
            reports::end_of_journal(journal::FILE, &chain, manifest, verified);
        }
        (Ok(chain), None, None) => {
            verified.lines = chain.lines;
            // The bundle is written first. Where it is damaged, or what is written after it is there, something was touched.
            let mut made = [BUNDLE].iter().chain(&ABOUT_THE_MANIFEST);
            let never = !made.any(|name| file.with_file_name(name).exists());
            verified.incomplete = never.then(|| incomplete(&chain));
        }
    }
    Ok(())
}

/// What is to be said of a sound journal without any evidence beside it.
fn incomplete(chain: &Chain) -> String {
    let until = match (chain.lines, chain.torn) {
        (0, _) => "before its first line is whole".to_owned(),
        (lines, 0) => format!("after line {lines}"),
        (lines, _) => format!("in the middle of line {}", lines + 1),
    };
    let what = if !chain.ended {
        format!(
            "the run never ended: it was killed, its disk was full, or it still runs; its journal stops {until}, and there is no {BUNDLE}"
        )
    } else {
        format!(
            "the run ended, and there is no {BUNDLE}: it could not be made, as on a full disk, or it was removed"
        )
    };
    format!(
        "{what}; without it a cut-off end of the journal cannot be detected; `dfota-hil report` makes reports and evidence of what is there"
    )
}

/// Whether a masked copy was made from the journal of this chain.
fn original_of(
    file: &Path,
    chain: &Chain,
    copy: &Listed,
    of_bundle: &Verified,
    verified: &mut Verified,
) -> io::Result<()> {
    let mut masked = Sha256::new();
    journal::masked::lines(BufReader::new(File::open(file)?), chain, |line| {
        masked.update(line);
        Ok(())
    })?;
    let ends = of_bundle.masked_from.as_ref() == Some(&chain.head);
    if !ends || crate::digest::hex(&masked.finalize()) != copy.sha256 {
        verified.touched.push(format!(
            "{} is not the journal that {} was made from",
            journal::FILE,
            copy.name
        ));
    }
    Ok(())
}

/// The files of a run folder beside those of its bundle.
fn files_beside(path: &Path, bundle: &Bundle, packed: bool, verified: &mut Verified) {
    let Some(manifest) = &bundle.manifest else { return };
    if let Err(why) = parts::beside(path, bundle, verified) {
        verified.touched.push(format!("the parts were not read: {why}"));
    }
    let told = verified.touched.clone();
    let is_told = |name: &str| told.iter().any(|what| what.starts_with(&format!("{name}: ")));
    let listed = manifest
        .files
        .iter()
        .filter(|file| contents::is_in_folder(&file.name))
        .filter(|file| !(packed && pack::is_packable(&file.name)));
    for file in listed.filter(|file| file.name != journal::FILE && !is_told(&file.name)) {
        match plain_file(path, &file.name).and_then(|path| file_digest(&path)) {
            Ok((size, sha256)) if size == file.size && sha256 == file.sha256 => {}
            Ok(_) => verified.touched.push(format!("{} was changed", file.name)),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                verified.touched.push(format!("{} was removed", file.name));
            }
            Err(why) => verified
                .touched
                .push(format!("{} was not read: {why}", file.name)),
        }
    }
    for name in ABOUT_THE_MANIFEST {
        match (std::fs::read(path.join(name)).ok(), bundle.contents.get(name)) {
            (None, None) => {}
            (Some(is), Some(was)) if is == *was => {}
            (Some(_), Some(_)) => verified.touched.push(format!("{name} was changed")),
            (None, Some(_)) => verified.touched.push(format!("{name} was removed")),
            (Some(_), None) => verified.touched.push(format!("{name} was added")),
        }
    }
    unlisted_files(path, "", manifest, verified);
    unlisted_files(path, TRANSCRIPTS, manifest, verified);
}

/// Files beside the evidence: they prove nothing, and they are not a fault.
fn unlisted_files(path: &Path, below: &str, manifest: &Manifest, verified: &mut Verified) {
    const OURS: [&str; 5] = [
        BUNDLE,
        merge::RIGS,
        TRANSCRIPTS,
        crate::evidence::REQUEST,
        crate::retention::PIN,
    ];
    let entries = std::fs::read_dir(path.join(below))
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .map(|name| {
            if below.is_empty() {
                name
            } else {
                format!("{below}/{name}")
            }
        })
        .filter(|name| manifest.find(name).is_none())
        .filter(|name| !ABOUT_THE_MANIFEST.contains(&name.as_str()) && !OURS.contains(&name.as_str()))
        .collect();
    names.sort();
    let shown = |name: &String| format!("`{}` is not a part of the evidence", name.escape_debug());
    verified.notes.extend(names.iter().map(shown));
}
