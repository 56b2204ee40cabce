//! Makes the evidence of a run folder, out of its journal, its reports and a key.

use super::envelope::{Envelope, time_stamp_of};
use super::manifest::{JournalEnd, Listed, Manifest, SCHEMA};
use super::public_key::PublicKey;
use super::signing_key::SigningKey;
use super::{ENVELOPE, PUBLIC_KEY, SIGSTORE, STATEMENT, contents, manifest, statement};
use crate::bundle::archive::{self, ArchiveEntry, ArchiveSource};
use crate::bundle::member;
use crate::digest::{file_digest, sha256_hex};
use crate::evidence::pack;
use crate::journal::chain::{self, Chain, Touched};
use crate::journal::masked;
use crate::journal::merge;
use crate::report::{self, ReportError, ReportOptions, Run};
use crate::run_folder::{BUNDLE, WriteError, plain_file, replace, replace_by};
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

/// How evidence is signed.
#[derive(Debug, Default)]
pub struct EvidenceOptions<'k> {
    /// The key to sign with. Without one, a signature that still fits stays.
    pub key: Option<&'k SigningKey>,
    /// A time stamp for the signature that is there, in DER.
    pub time_stamp: Option<Vec<u8>>,
}

/// Evidence that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The journal is not as it was written.
    #[error("no evidence was made: {file}: {touched}; the journal is not the one that the run wrote")]
    Touched { file: String, touched: Touched },
    /// There is a signature for something else.
    #[error(
        "`{}` is signed and holds different reports: it was not changed; `report --sign KEY` replaces it with the new ones",
        path.display()
    )]
    OtherwiseSigned { path: PathBuf },
    /// A name that no archive can hold.
    #[error("no evidence was made: `{name}` is longer than the name of a file can be")]
    Name { name: String },
    #[error("no evidence was made: `{}`: {why}", path.display())]
    Io { path: PathBuf, why: io::Error },
    /// A file that could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn at(path: &Path) -> impl Fn(io::Error) -> MakeError {
    let path = path.to_owned();
    move |why| MakeError::Io {
        path: path.clone(),
        why,
    }
}

/// A journal whose chain holds, with the length and the SHA-256 of its file.
#[derive(Debug)]
pub struct FollowedJournal {
    pub chain: Chain,
    pub size: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

/// Makes the reports of a run folder, and its evidence with them. Gives what `show` makes of the run, and whether there is
/// evidence.
///
/// The chain of the journal is followed meanwhile on another thread: that takes as long as the reports do.
pub fn make_with_reports<T>(
    folder: &Path,
    reports: &ReportOptions<'_>,
    options: &EvidenceOptions<'_>,
    show: impl FnOnce(&Run<'_>) -> T,
) -> Result<(T, Result<(), MakeError>), ReportError> {
    pack::unpack(folder)?;
    merge::write(folder)?;
    std::thread::scope(|scope| {
        let original = scope.spawn(|| follow(folder, crate::journal::FILE));
        report::make(folder, reports, |run| {
            let original = original.join().unwrap_or_else(|panic| resume_unwind(panic));
            (
                show(run),
                original.and_then(|original| make_from(folder, run, original, options)),
            )
        })
    })
}

/// Makes the evidence of the run in `folder`, whose reports are there.
pub fn make(folder: &Path, run: &Run<'_>, options: &EvidenceOptions<'_>) -> Result<(), MakeError> {
    make_from(folder, run, follow(folder, crate::journal::FILE)?, options)
}

fn make_from(
    folder: &Path,
    run: &Run<'_>,
    original: FollowedJournal,
    options: &EvidenceOptions<'_>,
) -> Result<(), MakeError> {
    let journal = given_away(folder, original, run.started.masked)?;
    let mut files = listed(folder, run, &journal)?;
    let manifest = Manifest {
        schema: SCHEMA,
        tool: env!("CARGO_PKG_VERSION").into(),
        run: run.started.run.clone(),
        journal: JournalEnd::from(&journal.chain),
        files: files.iter().map(|file| file.listed.clone()).collect(),
    };
    let statement = statement::write(run, &manifest);
    let signed = sign(folder, &statement, options)?;
    let mut beside = vec![(STATEMENT, statement.into_bytes())];
    beside.extend(signed);
    let about = beside.iter().cloned();
    let made = about.chain([(manifest::FILE, manifest.text().into_bytes())]);
    files.extend(made.map(|(name, bytes)| BundleFile::from_bytes(name.to_owned(), bytes)));
    files.sort_by(|one, other| one.listed.name.cmp(&other.listed.name));
    let entries = files.into_iter().map(ArchiveEntry::from);
    // First the bundle, which is the large one: where the disk is full or the power fails, nothing beside it says that it
    // had been there.
    replace_by(&folder.join(BUNDLE), |to| archive::write(entries, to))?;
    for (name, bytes) in &beside {
        replace(&folder.join(name), bytes)?;
    }
    Ok(())
}

/// A file on its way into a bundle.
struct BundleFile {
    listed: Listed,
    source: ArchiveSource,
}

impl BundleFile {
    fn from_bytes(name: String, bytes: Vec<u8>) -> Self {
        let listed = Listed {
            name,
            size: bytes.len() as u64,
            sha256: sha256_hex(&bytes),
        };
        let source = ArchiveSource::Bytes(bytes);
        Self { listed, source }
    }
}

impl From<BundleFile> for ArchiveEntry {
    fn from(file: BundleFile) -> Self {
        Self {
            name: file.listed.name,
            size: file.listed.size,
            source: file.source,
        }
    }
}

/// Every file that the manifest lists, with its digest.
fn listed(folder: &Path, run: &Run<'_>, journal: &FollowedJournal) -> Result<Vec<BundleFile>, MakeError> {
    let mut files = Vec::new();
    for name in contents::of_folder(folder, run) {
        let path = folder.join(&name);
        let (size, sha256) = if name == masked::name(run.started.masked) {
            (journal.size, journal.sha256.clone())
        } else {
            file_digest(&path).map_err(at(&path))?
        };
        let listed = Listed { name, size, sha256 };
        if let Some(name) = contents::manifest_of_part(&listed.name) {
            let chain = chain_of(folder, &listed.name)?;
            let tool = env!("CARGO_PKG_VERSION");
            let manifest = Manifest::for_part(tool, &run.started.run, &listed, &chain);
            files.push(BundleFile::from_bytes(name, manifest.text().into_bytes()));
        }
        files.push(BundleFile {
            listed,
            source: ArchiveSource::File(path),
        });
    }
    let made = contents::of_journal(run).into_iter();
    files.extend(made.map(|(name, bytes)| BundleFile::from_bytes(name, bytes)));
    files.sort_by(|one, other| one.listed.name.cmp(&other.listed.name));
    match files.iter().find(|file| !member::is_safe(&file.listed.name)) {
        Some(file) => Err(MakeError::Name {
            name: file.listed.name.clone(),
        }),
        None => Ok(files),
    }
}

/// The journal of a run folder that is given away; of a masked run, its copy is made.
pub fn journal(folder: &Path, masked: bool) -> Result<FollowedJournal, MakeError> {
    merge::write(folder)?;
    given_away(folder, follow(folder, crate::journal::FILE)?, masked)
}

fn given_away(folder: &Path, original: FollowedJournal, masked: bool) -> Result<FollowedJournal, MakeError> {
    for (name, copy) in merged_from(folder)? {
        let chain = chain_of(folder, &name)?;
        if masked {
            masked::make(&folder.join(name), &folder.join(copy), &chain)?;
        } else {
            let _ = std::fs::remove_file(folder.join(copy));
        }
    }
    if masked {
        let (file, copy) = (folder.join(crate::journal::FILE), folder.join(masked::FILE));
        masked::make(&file, &copy, &original.chain)?;
        return follow(folder, masked::FILE);
    }
    // Of reports that were masked before. Where there is none, there is nothing to remove.
    let _ = std::fs::remove_file(folder.join(masked::FILE));
    Ok(original)
}

/// The journals that that of a run on several rigs was merged from, as far as they are there, each with the name of its masked
/// copy.
fn merged_from(folder: &Path) -> Result<Vec<(String, String)>, MakeError> {
    if !merge::is_fleet(folder) {
        return Ok(Vec::new());
    }
    let parts = merge::parts(folder, false).map_err(at(folder))?.into_iter();
    let names = parts.map(|part| {
        let name = |masked| format!("{}/{}", part.taken.folder, masked::name(masked));
        (name(false), name(true))
    });
    let mut names: Vec<(String, String)> = names.filter(|(name, _)| contents::is_of_part(name)).collect();
    let name = |masked| masked::parent_name(masked).to_owned();
    names.push((name(false), name(true)));
    names.retain(|(name, _)| plain_file(folder, name).is_ok());
    Ok(names)
}

/// The chain of a journal of a run folder, if it holds.
fn chain_of(folder: &Path, name: &str) -> Result<Chain, MakeError> {
    let path = folder.join(name);
    let chain = chain::follow_file(&path).map_err(at(&path))?;
    chain.map_err(|touched| MakeError::Touched {
        file: name.to_owned(),
        touched,
    })
}

fn follow(folder: &Path, name: &str) -> Result<FollowedJournal, MakeError> {
    let chain = chain_of(folder, name)?;
    let path = folder.join(name);
    let (size, sha256) = file_digest(&path).map_err(at(&path))?;
    Ok(FollowedJournal { chain, size, sha256 })
}

/// The files that make it signed; none, if it is not.
fn sign(
    folder: &Path,
    statement: &str,
    options: &EvidenceOptions<'_>,
) -> Result<Vec<(&'static str, Vec<u8>)>, MakeError> {
    let there = std::fs::read(folder.join(ENVELOPE)).ok();
    let there = there.and_then(|bytes| Envelope::read(&bytes).ok());
    let pem = std::fs::read_to_string(folder.join(PUBLIC_KEY)).unwrap_or_default();
    let (envelope, public) = match (options.key, &there) {
        (Some(key), _) => (Envelope::sign(statement.as_bytes(), key), key.public()),
        (None, None) => return Ok(Vec::new()),
        (None, Some(envelope)) => PublicKey::from_pem(&pem)
            .filter(|public| stays(envelope, public, statement))
            .map(|public| (envelope.clone(), public))
            .ok_or_else(|| MakeError::OtherwiseSigned {
                path: folder.join(BUNDLE),
            })?,
    };
    let old = || {
        let bytes = std::fs::read(folder.join(SIGSTORE)).ok()?;
        time_stamp_of(&bytes)
    };
    // A time stamp is over the signature: it stays with it.
    let time_stamp = options
        .time_stamp
        .clone()
        .or_else(|| (there.as_ref() == Some(&envelope)).then(old).flatten());
    Ok(vec![
        (ENVELOPE, envelope.text().into_bytes()),
        (SIGSTORE, envelope.sigstore(time_stamp.as_deref()).into_bytes()),
        (PUBLIC_KEY, public.pem().into_bytes()),
    ])
}

fn stays(envelope: &Envelope, public: &PublicKey, statement: &str) -> bool {
    envelope.payload().as_deref() == Some(statement.as_bytes()) && envelope.is_signed_by(public)
}
