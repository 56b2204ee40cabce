//! A run on several rigs: whether each part is what the parent's journal names, and the merged journal what the parts give.

use super::Verified;
use super::bundle::Bundle;
use crate::digest::{file_digest, sha256_hex};
use crate::evidence::contents;
use crate::evidence::manifest::{Listed, Manifest};
use crate::folders::free;
use crate::journal::chain::{self, Chain};
use crate::journal::merge::{self, MergedLines};
use crate::journal::{self, masked};
use crate::run_folder::plain_file;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Checks the parts in a bundle whose files are those of its manifest. Where the run folder lies beside it and holds the same
/// journals, those are read; otherwise they are laid out in a temporary folder.
pub(super) fn check(bundle: &Bundle, beside: Option<&Path>, verified: &mut Verified) -> io::Result<()> {
    let (Some(own), Some(manifest)) = (&bundle.journal, &bundle.manifest) else {
        return Ok(());
    };
    let masked = own.name == masked::FILE;
    if manifest.find(masked::parent_name(masked)).is_none() {
        return Ok(());
    }
    let of_run = |file: &&Listed| contents::is_journal(&file.name) && file.name != own.name;
    let journals: Vec<&Listed> = manifest.files.iter().filter(of_run).collect();
    let merged = bundle.open(&own.name)?;
    match beside.filter(|folder| journals.iter().all(|file| is_beside(folder, file))) {
        Some(folder) => {
            manifests_of_parts(folder, manifest, &journals, verified)?;
            compare(folder, masked, merged, verified)
        }
        None => {
            let folder = tempfile::tempdir()?;
            lay_out(bundle, &journals, folder.path())?;
            manifests_of_parts(folder.path(), manifest, &journals, verified)?;
            compare(folder.path(), masked, merged, verified)
        }
    }
}

/// Whether a file of the bundle lies in the run folder, byte for byte.
fn is_beside(folder: &Path, file: &Listed) -> bool {
    let digest = plain_file(folder, &file.name).and_then(|path| file_digest(&path));
    digest.is_ok_and(|(size, sha256)| size == file.size && sha256 == file.sha256)
}

/// Lays the journals of a bundle out. It was read and found to be sound, so their lengths are known.
fn lay_out(bundle: &Bundle, journals: &[&Listed], to: &Path) -> io::Result<()> {
    let size: u64 = journals.iter().map(|file| file.size).sum();
    if free(to)? / 2 < size {
        let place = to.parent().unwrap_or(to).display();
        return Err(io::Error::other(format!(
            "the journals of its parts have {size} bytes, and less than twice as much is free in `{place}`, where they are laid out: \
             name another folder with TMPDIR"
        )));
    }
    crate::bundle::stream::each(&bundle.path, |name, contents| {
        if !journals.iter().any(|file| file.name == name) {
            return Ok(());
        }
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(to))?;
        io::copy(contents, &mut File::create(path)?).map(drop)
    })
}

/// Whether the manifest of each part is what its journal gives.
fn manifests_of_parts(
    folder: &Path,
    manifest: &Manifest,
    journals: &[&Listed],
    verified: &mut Verified,
) -> io::Result<()> {
    for journal in journals {
        let Some(name) = contents::manifest_of_part(&journal.name) else {
            continue;
        };
        let chain = match chain::follow_file(&folder.join(&journal.name))? {
            Ok(chain) => chain,
            Err(touched) => {
                verified.touch(&journal.name, touched);
                continue;
            }
        };
        let given = Manifest::for_part(&manifest.tool, &manifest.run, journal, &chain);
        match manifest.find(&name) {
            Some(listed) if listed.sha256 == sha256_hex(given.text().as_bytes()) => {}
            Some(_) => verified
                .touched
                .push(format!("{name} is not what its journal gives")),
            None => verified
                .touched
                .push(format!("{name} is missing in the manifest")),
        }
    }
    Ok(())
}

/// Whether a merged journal is what the journals in a folder give, and whether those are what the parent names.
pub(super) fn compare(
    folder: &Path,
    masked: bool,
    mut merged: impl BufRead,
    verified: &mut Verified,
) -> io::Result<()> {
    let mut merge = MergedLines::open(folder, masked)?;
    let (mut number, mut is) = (0, Vec::new());
    let mut differs = None;
    while let Some(given) = merge.next_line()? {
        number += 1;
        is.clear();
        merged.read_until(b'\n', &mut is)?;
        let same = is == given || masked && unchained(&is) == unchained(given);
        if !same && differs.is_none() {
            differs = Some(number);
        }
    }
    is.clear();
    if merged.read_until(b'\n', &mut is)? > 0 {
        differs = differs.or(Some(number + 1));
    }
    faults(&merge, verified);
    if let Some(line) = differs {
        verified.touch(
            masked::name(masked),
            format_args!(
                "line {line} is not what {} and its parts give",
                journal::PARENT_FILE
            ),
        );
    }
    Ok(())
}

/// What the parts lack.
fn faults(merge: &MergedLines, verified: &mut Verified) {
    for fault in &merge.faults {
        if fault.is_proof() {
            verified.touched.push(fault.to_string());
        } else {
            verified.notes.push(fault.to_string());
        }
    }
}

/// A line of a masked copy without its place in the chain: that is another one in the copy of the whole than in those of the parts.
fn unchained(line: &[u8]) -> Option<Value> {
    let mut value: Value = serde_json::from_slice(line).ok()?;
    let fields = value.as_object_mut()?;
    fields.remove("prev");
    fields.remove("masked_from");
    Some(value)
}

/// A run folder without any evidence: what can be told of its journals alone. Gives the chain of the parent's.
pub(super) fn without_evidence(folder: &Path, verified: &mut Verified) -> io::Result<Option<Chain>> {
    let chain = match chain::follow_file(&folder.join(journal::PARENT_FILE))? {
        Ok(chain) => chain,
        Err(touched) => {
            verified.touch(journal::PARENT_FILE, touched);
            return Ok(None);
        }
    };
    if let Ok(merged) = File::open(folder.join(journal::FILE)) {
        compare(folder, false, BufReader::new(merged), verified)?;
    } else {
        let mut merge = MergedLines::open(folder, false)?;
        while merge.next_line()?.is_some() {}
        faults(&merge, verified);
    }
    Ok(Some(chain))
}

/// The journals of a run folder beside those of its sound bundle, with the line that differs; of a masked run, the originals beside
/// their copies.
pub(super) fn beside(folder: &Path, bundle: &Bundle, verified: &mut Verified) -> io::Result<()> {
    let Some(manifest) = &bundle.manifest else {
        return Ok(());
    };
    let own = |file: &&Listed| file.name == journal::FILE || file.name == masked::FILE;
    let journals = manifest
        .files
        .iter()
        .filter(|file| contents::is_journal(&file.name));
    for file in journals.filter(|file| !own(file)) {
        let Ok(path) = plain_file(folder, &file.name) else {
            continue;
        };
        if !is_beside(folder, file) {
            let mut whole = Vec::new();
            bundle.open(&file.name)?.read_to_end(&mut whole)?;
            if let Some(what) = chain::compare(&whole, &std::fs::read(path)?) {
                verified.touch(&file.name, what);
            }
        }
        if let Some(original) = original(&file.name) {
            original_of(folder, &original, file, verified)?;
        }
    }
    if merge::is_fleet(folder) {
        let parts = merge::parts(folder, false)?;
        let unnamed = merge::unnamed(folder, &parts);
        let shown = |place: &String| format!("`{place}` is not named by {}", journal::PARENT_FILE);
        verified.notes.extend(unnamed.iter().map(shown));
    }
    Ok(())
}

/// The name of the journal that a masked copy was made from.
fn original(copy: &str) -> Option<String> {
    let plain = copy.strip_suffix(".masked.jsonl")?;
    Some(format!("{plain}.jsonl"))
}

/// Whether a masked copy was made from the journal of this name.
fn original_of(folder: &Path, name: &str, copy: &Listed, verified: &mut Verified) -> io::Result<()> {
    let Ok(path) = plain_file(folder, name) else {
        verified.touched.push(format!("{name} was removed"));
        return Ok(());
    };
    let chain = match chain::follow_file(&path)? {
        Ok(chain) => chain,
        Err(touched) => {
            verified.touch(name, touched);
            return Ok(());
        }
    };
    let mut hash = Sha256::new();
    masked::lines(BufReader::new(File::open(path)?), &chain, |line| {
        hash.update(line);
        Ok(())
    })?;
    if crate::digest::hex(&hash.finalize()) != copy.sha256 {
        verified.touched.push(format!(
            "{name} is not the journal that {} was made from",
            copy.name
        ));
    }
    Ok(())
}
