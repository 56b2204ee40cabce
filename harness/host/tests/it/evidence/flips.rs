//! A flipped byte anywhere is found and named.

use crate::evidence::fixture::{BUNDLE, Folder, JOURNAL, look, put};
use dfota_record::bundle::archive::{self, ArchiveEntry, ArchiveSource};
use dfota_record::evidence::signing_key::SigningKey;
use proptest::prelude::*;
use rstest::rstest;
use std::io::Read;
use std::sync::LazyLock;

/// Each byte of a bundle, whatever it says: also those of the compression and of the seal.
#[test]
fn each_byte_of_a_bundle() {
    let key = SigningKey::draw().expect("a key");
    let folder = Folder::of(Some(&key), &["clean"]);
    assert_eq!(look(&folder.path(BUNDLE)).touched, [""; 0]);
    let whole = folder.read(BUNDLE);
    let copy = folder.beside("copy.tar.zst");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        put(&copy, &bytes);
        let touched = look(&copy).touched;
        assert!(!touched.is_empty(), "byte {at} of {}", whole.len());
    }
}

/// Somebody who repairs the archive around what was flipped: the manifest finds the file, and names it.
#[test]
fn each_file_within_a_bundle() {
    let folder = Folder::signed();
    let files = members(&folder.read(BUNDLE));
    assert!(files.len() > 10, "{}", files.len());
    let copy = folder.beside("copy.tar.zst");
    for (n, (name, contents)) in files.iter().enumerate() {
        for at in [0, contents.len() / 3, contents.len() / 2, contents.len() - 1] {
            let mut changed = files.clone();
            changed[n].1[at] ^= 0x04;
            pack(&copy, &changed);
            let touched = look(&copy).touched;
            assert!(!touched.is_empty(), "byte {at} of {name}");
            // A changed manifest is found by what it says about others, or by the statement.
            let named = touched.iter().any(|what| what.contains(name.as_str()));
            assert!(
                named || name == "manifest.json",
                "byte {at} of {name}: {touched:?}"
            );
        }
        let mut without = files.clone();
        without.remove(n);
        pack(&copy, &without);
        let touched = look(&copy).touched;
        assert!(
            touched.iter().any(|what| what.contains(name.as_str())),
            "without {name}: {touched:?}"
        );
    }
}

/// Each file of the run folder; of a masked one, the journal beside the bundle is not accused of what was done to the copy.
#[rstest]
#[case::open(Folder::signed())]
#[case::masked(Folder::masked())]
fn each_file_of_a_run_folder(#[case] folder: Folder) {
    assert_eq!(folder.touched(), None);
    let mut names = vec![];
    for below in ["", "transcripts/"] {
        let entries = std::fs::read_dir(folder.path(below)).expect("the folder");
        let entries = entries.map(|entry| entry.expect("an entry"));
        let files = entries.filter(|entry| entry.path().is_file());
        names.extend(files.map(|entry| format!("{below}{}", entry.file_name().to_string_lossy())));
    }
    assert!(names.len() >= 10, "{names:?}");
    for name in &names {
        let whole = folder.read(name);
        for at in (0..whole.len())
            .step_by(whole.len() / 7 + 1)
            .chain([whole.len() - 1])
        {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            folder.write(name, &bytes);
            let touched = folder.touched().unwrap_or_else(|| panic!("byte {at} of {name}"));
            assert!(
                touched.starts_with(name.as_str()),
                "byte {at} of {name}: {touched}"
            );
        }
        std::fs::remove_file(folder.path(name)).expect("it is there");
        let touched = folder.touched().unwrap_or_else(|| panic!("without {name}"));
        assert!(touched.starts_with(name.as_str()), "without {name}: {touched}");
        folder.write(name, &whole);
    }
    assert_eq!(folder.touched(), None, "everything is as it was");
}

/// Bytes of each line of the journal of a run folder, with the number of the line.
#[test]
fn bytes_of_a_journal() {
    let folder = Folder::unsigned();
    let whole = folder.read(JOURNAL);
    for at in (0..whole.len()).step_by(11).chain([whole.len() - 1]) {
        let line = whole[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        folder.write(JOURNAL, &bytes);
        let touched = folder.touched().unwrap_or_else(|| panic!("byte {at}"));
        assert_eq!(
            touched,
            format!("events.jsonl: line {line} was changed"),
            "byte {at}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any bytes in the place of any part of a bundle.
    #[test]
    fn any_part_of_a_bundle(at in 0.0..1.0_f64, length in 0..64_usize, other in prop::collection::vec(any::<u8>(), 0..64)) {
        static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| Folder::signed().read(BUNDLE));
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join(BUNDLE);
        let mut bytes = WHOLE.clone();
        let from = (at * bytes.len() as f64) as usize;
        let to = (from + length).min(bytes.len());
        bytes.splice(from..to, other);
        put(&copy, &bytes);
        let touched = look(&copy).touched;
        prop_assert_eq!(touched.is_empty(), bytes == *WHOLE, "{:?}", touched);
    }
}

/// The files of a bundle, by a reader of another make than the one under test.
pub(crate) fn members(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    let decoder = ruzstd::decoding::StreamingDecoder::new(bundle).expect("zstd");
    let mut archive = tar::Archive::new(decoder);
    let entries = archive.entries().expect("tar");
    let read = entries.map(|entry| {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a path").display().to_string();
        let mut contents = vec![];
        entry.read_to_end(&mut contents).expect("contents");
        (name, contents)
    });
    read.collect()
}

/// Packs files again, sound as an archive.
pub(crate) fn pack(to: &std::path::Path, files: &[(String, Vec<u8>)]) {
    let entries = files.iter().map(|(name, contents)| ArchiveEntry {
        name: name.clone(),
        size: contents.len() as u64,
        source: ArchiveSource::Bytes(contents.clone()),
    });
    let file = std::fs::File::create(to).expect("a file");
    archive::write(entries, file).expect("an archive");
}
