//! Whether a run folder or a bundle is what it was made as: offline, by digests, the journal's chain, the reports made
//! again, and the signature.

mod plain;

use crate::digest::{file_digest, sha256_hex};
use crate::evidence::envelope::{Envelope, time_stamp_of};
use crate::evidence::manifest::{self, Listed, Manifest};
use crate::evidence::pack;
use crate::evidence::public_key::PublicKey;
use crate::evidence::time_stamp::{self, TimeStamp};
use crate::evidence::{
    ABOUT_THE_MANIFEST, ENVELOPE, PUBLIC_KEY, SIGSTORE, STATEMENT, archive_reader, contents, statement,
};
use crate::journal::chain::{self, Chain};
use crate::journal::{self, ReadError};
use crate::rejudge::Rejudged;
use crate::report::reading::Reading;
use crate::report::{self, ReportError, Run};
use crate::run_folder::BUNDLE;
use dfota_core::event::JunitProfile;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// What came of looking at it.
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
    /// Verdicts in the journal, and how many of them its events give again; `None` where the journal does not hold what they
    /// rest on.
    pub verdicts: Option<(usize, usize)>,
    /// Whether the reports were made again from the journal and are the same.
    pub reports_compared: bool,
    /// What was touched, the first thing first. Empty: nothing.
    pub touched: Vec<String>,
    /// What is missing of a run folder whose evidence was never made, if it is one: nothing in it shows that it was touched,
    /// and nothing that it was not.
    pub incomplete: Option<String>,
    /// What is worth knowing and no fault.
    pub notes: Vec<String>,
    /// Id of the key that signed; `None` for an unsigned run.
    pub signed_by: Option<String>,
    /// Whether that is the key that was asked for.
    pub is_wanted_key: bool,
    pub time_stamp: Option<TimeStamp>,
}

/// Everything that is known about a bundle.
#[derive(Default)]
struct Bundle {
    path: PathBuf,
    manifest: Option<Manifest>,
    kept: BTreeMap<String, Vec<u8>>,
    /// Its journal, or the masked copy of one.
    journal: Option<Listed>,
}

/// Looks at a run folder or a bundle. An error: it is neither.
pub fn verify(path: &Path, key: Option<&PublicKey>) -> Result<Verified, String> {
    let mut verified = Verified::default();
    if path.is_dir() {
        folder(path, key, &mut verified)?;
    } else {
        let bundle = bundle(path, key, &mut verified).map_err(|why| {
            format!(
                "`{}`: {why}; expected a run folder or an `{BUNDLE}`",
                path.display()
            )
        })?;
        journal_of(&bundle, &mut verified);
    }
    Ok(verified)
}

/// A run folder: its bundle, and whether the files beside it are the ones in it.
fn folder(path: &Path, key: Option<&PublicKey>, verified: &mut Verified) -> Result<(), String> {
    verified.touched = plain::strange(path);
    if !verified.touched.is_empty() {
        return Ok(());
    }
    let file = path.join(journal::FILE);
    let there = path.join(BUNDLE).exists();
    if let Err(why) = File::open(&file)
        && !there
    {
        return Err(format!(
            "`{}`: {why}; expected a run folder or an `{BUNDLE}`",
            file.display()
        ));
    }
    let mut inside = Verified::default();
    let bundle = match bundle(&path.join(BUNDLE), key, &mut inside) {
        Ok(bundle) => bundle,
        Err(why) if there => {
            inside.touched.push(why);
            Bundle::default()
        }
        Err(_) => Bundle::default(),
    };
    let mut of_bundle = Verified::default();
    journal_of(&bundle, &mut of_bundle);
    let packed = pack::is_packed(path, bundle.journal.as_ref().map(|journal| journal.name.as_str()));
    if packed {
        let note =
            "packed: journal and transcripts are in the bundle alone; `dfota-hil report` lays them out again";
        verified.notes.push(note.into());
    }
    if packed && !file.exists() {
        verified.lines = of_bundle.lines;
    } else if let Err(why) = journal_beside(&file, &bundle, &of_bundle, verified) {
        verified.touched.push(in_file(journal::FILE, why));
    }
    if !there && verified.incomplete.is_none() {
        inside.touched.push("it is missing: without it nobody can say whether the end of the journal was cut off; `dfota-hil report` makes it".into());
    }
    (verified.run, verified.files, verified.lines) =
        (inside.run, inside.files, verified.lines.max(of_bundle.lines));
    verified.reports_compared = of_bundle.reports_compared;
    verified.verdicts = of_bundle.verdicts;
    verified.masked_from = of_bundle.masked_from;
    verified.signed_by = inside.signed_by;
    verified.is_wanted_key = inside.is_wanted_key;
    verified.time_stamp = inside.time_stamp;
    let of_bundle_touched = inside.touched.into_iter().chain(of_bundle.touched);
    let before = verified.touched.len();
    verified.touched.extend(of_bundle_touched.map(in_bundle));
    // A bundle that is not sound says nothing about the files beside it.
    if verified.touched.len() == before {
        files_beside(path, &bundle, packed, verified);
    }
    verified
        .notes
        .extend(inside.notes.into_iter().chain(of_bundle.notes));
    Ok(())
}

fn in_bundle(what: String) -> String {
    in_file(BUNDLE, what)
}

/// The journal of a run folder, beside that of its bundle if this one is sound.
fn journal_beside(
    file: &Path,
    bundle: &Bundle,
    of_bundle: &Verified,
    verified: &mut Verified,
) -> io::Result<()> {
    if !file.exists() {
        verified
            .touched
            .push(format!("{}: the whole journal was removed", journal::FILE));
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
            let touched = chain::compare(&whole, &std::fs::read(file)?);
            verified
                .touched
                .extend(touched.map(|what| in_file(journal::FILE, what)));
        }
        return Ok(());
    }
    // Of a masked run, the manifest has the end of the copy.
    let manifest = bundle.manifest.as_ref();
    let manifest = manifest.filter(|manifest| manifest.find(journal::FILE).is_some());
    match (chain::follow_file(file)?, was, manifest) {
        (Err(touched), ..) => verified.touched.push(in_file(journal::FILE, touched)),
        (Ok(chain), Some(copy), _) => {
            verified.lines = chain.lines;
            // The copy has a line for each of the journal, so that its end can be named.
            let other = |manifest: &&Manifest| manifest.journal.lines != chain.lines;
            match bundle.manifest.as_ref().filter(other) {
                Some(manifest) => end_of_journal(journal::FILE, &chain, manifest, verified),
                None => original_of(file, &chain, copy, of_bundle, verified)?,
            }
        }
        (Ok(chain), None, Some(manifest)) => end_of_journal(journal::FILE, &chain, manifest, verified),
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
        "{what}; without it nobody can say whether the end of the journal was cut off; `dfota-hil report` makes reports and evidence of what is there"
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

/// Whether a journal whose chain holds ends where the manifest says.
fn end_of_journal(file: &str, chain: &Chain, manifest: &Manifest, verified: &mut Verified) {
    verified.lines = chain.lines;
    let end = &manifest.journal;
    let what = match chain.lines.cmp(&end.lines) {
        std::cmp::Ordering::Less => format!("line {} and what followed it were removed", chain.lines + 1),
        std::cmp::Ordering::Greater => format!("line {} was added", end.lines + 1),
        std::cmp::Ordering::Equal if chain.head != end.head => format!("line {} was changed", end.lines),
        std::cmp::Ordering::Equal => return,
    };
    verified.touched.push(in_file(file, what));
}

fn in_file(file: &str, what: impl Display) -> String {
    format!("{file}: {what}")
}

impl Bundle {
    /// The contents of a file of it.
    fn open(&self, name: &str) -> io::Result<impl BufRead + use<>> {
        Ok(BufReader::new(crate::bundle::stream::contents(&self.path, name)?))
    }
}

/// The journal in a bundle, and whether the reports and the statement are what it gives.
fn journal_of(bundle: &Bundle, verified: &mut Verified) {
    let (Some(journal), Some(manifest)) = (&bundle.journal, &bundle.manifest) else {
        return;
    };
    match chain::follow_lines(|| bundle.open(&journal.name)) {
        Err(why) => return verified.touched.insert(0, in_file(&journal.name, why)),
        Ok(Err(touched)) => return verified.touched.insert(0, in_file(&journal.name, touched)),
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
    let mut others = Vec::new();
    let mut read = Reading::with(
        |tell| {
            let lines = bundle.open(&journal.name).map_err(|why| ReadError::Io {
                path: path.clone(),
                why,
            })?;
            journal::each_in(lines, &path, false, tell)
        },
        |name, text| {
            let name = format!("{}/{name}", crate::run_folder::TRANSCRIPTS);
            others.extend(differs(manifest, &name, text.as_bytes()));
            Ok::<(), ReportError>(())
        },
    )?;
    let rejudged = read.rejudged();
    let mut run = Run::new(&read.records).map_err(|why| ReportError::Run { path, why })?;
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
    if bundle
        .kept
        .get(STATEMENT)
        .is_some_and(|is| *is != given.as_bytes())
    {
        others.push(format!("{STATEMENT} is not what the journal gives"));
    }
    if manifest.journal.ended && run.ended.is_none() || manifest.run != run.started.run {
        others.push(format!("{} is not that of the journal", manifest::FILE));
    }
    others
}

/// Says what came of making everything again that the journal gives.
fn compared(run: &Run<'_>, others: Vec<String>, manifest: &Manifest, verified: &mut Verified) {
    if run.ended.is_none() {
        verified
            .notes
            .push("the run never ended: it was killed, and its journal stops where it stopped".into());
    }
    let this = env!("CARGO_PKG_VERSION");
    verified.reports_compared = others.is_empty();
    if others.is_empty() || manifest.tool == this {
        verified.touched.extend(others);
    } else {
        verified.notes.push(format!(
            "the reports were made by version {}, this is {this}, which would make them otherwise ({}): use that version to compare them with the journal",
            manifest.tool, others[0]
        ));
    }
}

/// A bundle: its archive, its manifest, its signature. The journal comes after it.
fn bundle(path: &Path, key: Option<&PublicKey>, verified: &mut Verified) -> Result<Bundle, String> {
    let found = archive_reader::read(path).map_err(|why| why.to_string())?;
    let whole = found.problem.is_none();
    let journal = |file: &&Listed| [journal::FILE, journal::masked::FILE].contains(&file.name.as_str());
    let mut bundle = Bundle {
        path: path.to_owned(),
        manifest: None,
        kept: found.kept,
        journal: found.files.iter().find(journal).cloned(),
    };
    match bundle
        .kept
        .get(manifest::FILE)
        .map(|bytes| (bytes, Manifest::read(bytes)))
    {
        Some((bytes, Ok(manifest))) if manifest.text().as_bytes() == bytes => {
            files_of_manifest(&manifest, &found.files, whole, verified);
            (verified.run, verified.files) = (Some(manifest.run.clone()), manifest.files.len());
            bundle.manifest = Some(manifest);
        }
        Some((_, Ok(_))) => verified
            .touched
            .push(format!("{}: not as this program writes it", manifest::FILE)),
        Some((_, Err(why))) => verified.touched.push(format!("{}: {why}", manifest::FILE)),
        None if whole => verified.touched.push(format!("{} is missing", manifest::FILE)),
        None => {}
    }
    // What could be named within it comes first; this says at least that something was touched.
    verified
        .touched
        .extend(found.problem.map(|why| format!("the archive itself: {why}")));
    if bundle.manifest.is_some() && whole {
        signature(&bundle, key, verified);
    }
    Ok(bundle)
}

/// Whether the files of an archive are those of the manifest.
fn files_of_manifest(manifest: &Manifest, files: &[manifest::Listed], whole: bool, verified: &mut Verified) {
    let found: BTreeMap<&str, &manifest::Listed> =
        files.iter().map(|file| (file.name.as_str(), file)).collect();
    for listed in &manifest.files {
        match found.get(listed.name.as_str()) {
            Some(found) if *found == listed => {}
            Some(_) => verified.touched.push(format!("{} was changed", listed.name)),
            None if whole => verified.touched.push(format!("{} was removed", listed.name)),
            None => {}
        }
    }
    for file in files {
        let known = manifest.find(&file.name).is_some() || file.name == manifest::FILE;
        if !known && !ABOUT_THE_MANIFEST.contains(&file.name.as_str()) {
            verified.touched.push(format!("{} was added", file.name));
        }
    }
}

/// The statement is bound to the manifest, the envelope to the statement, the signature to the envelope, the time stamp to
/// the signature.
fn signature(bundle: &Bundle, key: Option<&PublicKey>, verified: &mut Verified) {
    let get = |name: &str| bundle.kept.get(name).map(Vec::as_slice);
    let Some(statement) = get(STATEMENT) else {
        return verified.touched.push(format!("{STATEMENT} is missing"));
    };
    if !bundle
        .manifest
        .as_ref()
        .is_some_and(|manifest| is_bound(statement, manifest))
    {
        verified.touched.push(format!(
            "{STATEMENT} does not hold the digest of {}",
            manifest::FILE
        ));
    }
    let [envelope, sigstore, public] = match [get(ENVELOPE), get(SIGSTORE), get(PUBLIC_KEY)] {
        [None, None, None] => return,
        [Some(envelope), Some(sigstore), Some(public)] => [envelope, sigstore, public],
        parts => {
            let names = [ENVELOPE, SIGSTORE, PUBLIC_KEY];
            let missing = names.iter().zip(parts).filter(|(_, part)| part.is_none());
            verified
                .touched
                .extend(missing.map(|(name, _)| format!("{name} was removed")));
            return;
        }
    };
    match signed(statement, envelope, sigstore, public) {
        Ok((envelope, public, stamp)) => {
            verified.is_wanted_key = key.is_some_and(|key| envelope.is_signed_by(key));
            verified.signed_by = Some(public.id());
            verified.time_stamp = stamp;
        }
        Err(why) => verified.touched.push(why),
    }
}

fn is_bound(statement: &[u8], manifest: &Manifest) -> bool {
    let value: serde_json::Value = serde_json::from_slice(statement).unwrap_or_default();
    let list = value["predicate"]["configuration"].as_array();
    let mut of_manifest = list
        .into_iter()
        .flatten()
        .filter(|item| item["name"] == manifest::FILE);
    of_manifest
        .next()
        .is_some_and(|item| item["digest"]["sha256"] == manifest.sha256())
}

type Signed = (Envelope, PublicKey, Option<TimeStamp>);

fn signed(statement: &[u8], envelope: &[u8], sigstore: &[u8], public: &[u8]) -> Result<Signed, String> {
    let text = std::str::from_utf8(public).unwrap_or_default();
    let public = PublicKey::of_pem(text)
        .filter(|key| key.pem() == text)
        .ok_or_else(|| format!("{PUBLIC_KEY}: no public key as this program writes it"))?;
    let bytes = envelope;
    let envelope = Envelope::read(bytes).map_err(|why| format!("{ENVELOPE}: {why}"))?;
    if envelope.payload().as_deref() != Some(statement) {
        return Err(format!("{ENVELOPE} holds another statement than {STATEMENT}"));
    }
    if envelope.key_id() != public.id() {
        return Err(format!(
            "{ENVELOPE} names another key than the one in {PUBLIC_KEY}"
        ));
    }
    if envelope.text().as_bytes() != bytes {
        return Err(format!("{ENVELOPE} was changed beside its signature"));
    }
    if !envelope.is_signed_by(&public) {
        return Err(format!(
            "{ENVELOPE}: the signature is not one of the key in {PUBLIC_KEY} for this statement"
        ));
    }
    let answer = time_stamp_of(sigstore);
    if envelope.sigstore(answer.as_deref()).as_bytes() != sigstore {
        return Err(format!(
            "{SIGSTORE} does not hold the envelope and its time stamp alone"
        ));
    }
    let signature = envelope.signature().unwrap_or_default();
    let stamp = answer
        .map(|answer| time_stamp::read(&answer, &signature))
        .transpose();
    let stamp = stamp.map_err(|why| format!("{SIGSTORE}: the time stamp: {why}"))?;
    Ok((envelope, public, stamp))
}

/// The files of a run folder beside those of its bundle.
fn files_beside(path: &Path, bundle: &Bundle, packed: bool, verified: &mut Verified) {
    let Some(manifest) = &bundle.manifest else { return };
    let listed = manifest
        .files
        .iter()
        .filter(|file| contents::is_in_folder(&file.name))
        .filter(|file| !(packed && pack::is_packable(&file.name)));
    for file in listed.filter(|file| file.name != journal::FILE) {
        match plain::file(path, &file.name).and_then(|path| file_digest(&path)) {
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
        match (std::fs::read(path.join(name)).ok(), bundle.kept.get(name)) {
            (None, None) => {}
            (Some(is), Some(was)) if is == *was => {}
            (Some(_), Some(_)) => verified.touched.push(format!("{name} was changed")),
            (None, Some(_)) => verified.touched.push(format!("{name} was removed")),
            (Some(_), None) => verified.touched.push(format!("{name} was added")),
        }
    }
    strangers(path, "", manifest, verified);
    strangers(path, crate::run_folder::TRANSCRIPTS, manifest, verified);
}

/// Files that are no part of the evidence: they prove nothing, and nothing is said against them.
fn strangers(path: &Path, below: &str, manifest: &Manifest, verified: &mut Verified) {
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
        .filter(|name| !ABOUT_THE_MANIFEST.contains(&name.as_str()))
        .filter(|name| {
            ![
                BUNDLE,
                crate::run_folder::TRANSCRIPTS,
                crate::evidence::REQUEST,
                crate::retention::PIN,
            ]
            .contains(&name.as_str())
        })
        .collect();
    names.sort();
    let shown = |name: &String| format!("`{}` is no part of the evidence", name.escape_debug());
    verified.notes.extend(names.iter().map(shown));
}
