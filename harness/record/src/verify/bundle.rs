//! A bundle: its archive, its manifest, its signature.

use super::Verified;
use crate::evidence::envelope::{Envelope, time_stamp_of};
use crate::evidence::manifest::{self, Listed, Manifest};
use crate::evidence::public_key::PublicKey;
use crate::evidence::time_stamp::{self, TimeStamp};
use crate::evidence::{ABOUT_THE_MANIFEST, ENVELOPE, PUBLIC_KEY, SIGSTORE, STATEMENT, archive_reader};
use crate::journal;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Everything that is known about a bundle.
#[derive(Default)]
pub(super) struct Bundle {
    pub path: PathBuf,
    pub manifest: Option<Manifest>,
    /// The contents of its small files.
    pub contents: BTreeMap<String, Vec<u8>>,
    /// Its journal, or the masked copy of one.
    pub journal: Option<Listed>,
}

impl Bundle {
    /// Reads it and checks the manifest and the signature. The journal comes after that.
    pub(super) fn read(path: &Path, key: Option<&PublicKey>, verified: &mut Verified) -> io::Result<Self> {
        let read = archive_reader::read(path)?;
        let whole = read.problem.is_none();
        // Those of the parts are looked at with it.
        let journal = |file: &&Listed| [journal::FILE, journal::masked::FILE].contains(&file.name.as_str());
        let mut bundle = Self {
            path: path.to_owned(),
            manifest: None,
            journal: read.files.iter().find(journal).cloned(),
            contents: read.kept,
        };
        match bundle.contents.get(manifest::FILE) {
            Some(bytes) => match Manifest::read(bytes) {
                Ok(manifest) if manifest.text().as_bytes() == bytes => {
                    files_of_manifest(&manifest, &read.files, whole, verified);
                    (verified.run, verified.files) = (Some(manifest.run.clone()), manifest.files.len());
                    bundle.manifest = Some(manifest);
                }
                Ok(_) => verified.touch(manifest::FILE, "not as this program writes it"),
                Err(why) => verified.touch(manifest::FILE, why),
            },
            None if whole => verified.touched.push(format!("{} is missing", manifest::FILE)),
            None => {}
        }
        // What could be named within it comes first; this says at least that something was touched.
        if let Some(why) = read.problem {
            verified.touch("the archive itself", why);
        }
        if whole && let Some(manifest) = &bundle.manifest {
            signature(&bundle, manifest, key, verified);
        }
        Ok(bundle)
    }

    /// The contents of a file of it.
    pub(super) fn open(&self, name: &str) -> io::Result<impl BufRead + use<>> {
        Ok(BufReader::new(crate::bundle::stream::contents(&self.path, name)?))
    }
}

/// Whether the files of an archive are those of the manifest.
fn files_of_manifest(manifest: &Manifest, files: &[Listed], whole: bool, verified: &mut Verified) {
    let found: BTreeMap<&str, &Listed> = files.iter().map(|file| (file.name.as_str(), file)).collect();
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
fn signature(bundle: &Bundle, manifest: &Manifest, key: Option<&PublicKey>, verified: &mut Verified) {
    let get = |name: &str| bundle.contents.get(name).map(Vec::as_slice);
    let Some(statement) = get(STATEMENT) else {
        return verified.touched.push(format!("{STATEMENT} is missing"));
    };
    if !is_bound(statement, manifest) {
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
    let mut items = list.into_iter().flatten();
    let of_manifest = items.find(|item| item["name"] == manifest::FILE);
    of_manifest.is_some_and(|item| item["digest"]["sha256"] == manifest.sha256())
}

type Signed = (Envelope, PublicKey, Option<TimeStamp>);

fn signed(statement: &[u8], envelope: &[u8], sigstore: &[u8], public: &[u8]) -> Result<Signed, String> {
    let text = std::str::from_utf8(public).unwrap_or_default();
    let public = PublicKey::from_pem(text)
        .filter(|key| key.pem() == text)
        .ok_or_else(|| format!("{PUBLIC_KEY}: expected a public key as this program writes it"))?;
    let bytes = envelope;
    let envelope = Envelope::read(bytes).map_err(|why| format!("{ENVELOPE}: {why}"))?;
    if envelope.payload().as_deref() != Some(statement) {
        return Err(format!("the statement in {ENVELOPE} is not {STATEMENT}"));
    }
    if envelope.key_id() != public.id() {
        return Err(format!("the key id in {ENVELOPE} is not that of {PUBLIC_KEY}"));
    }
    if envelope.text().as_bytes() != bytes {
        return Err(format!("{ENVELOPE} was changed outside the signed part"));
    }
    if !envelope.is_signed_by(&public) {
        return Err(format!(
            "{ENVELOPE}: the key in {PUBLIC_KEY} did not sign this statement"
        ));
    }
    let answer = time_stamp_of(sigstore);
    if envelope.sigstore(answer.as_deref()).as_bytes() != sigstore {
        return Err(format!(
            "{SIGSTORE} is not exactly the envelope and its time stamp"
        ));
    }
    let signature = envelope.signature().unwrap_or_default();
    let stamp = answer
        .map(|answer| time_stamp::read(&answer, &signature))
        .transpose();
    let stamp = stamp.map_err(|why| format!("{SIGSTORE}: the time stamp: {why}"))?;
    Ok((envelope, public, stamp))
}
