//! Files that want to do harm: nothing is unpacked, nothing grows without limit, and the error says what was seen.

use crate::evidence::fixture::{BUNDLE, Folder, look};
use dfota_record::bundle::archive::{SEAL, write};
use rstest::rstest;
use sha2::{Digest, Sha256};
use std::io::Write;
use tar::{EntryType, Header};

/// Compresses and seals whatever it is given.
fn sealed(tar: &[u8]) -> Vec<u8> {
    let mut bytes = ruzstd::encoding::compress_to_vec(tar, ruzstd::encoding::CompressionLevel::Fastest);
    let digest = Sha256::digest(&bytes);
    bytes.write_all(&SEAL).expect("memory");
    bytes.write_all(&digest).expect("memory");
    bytes
}

/// An archive of one entry, with any name and kind.
fn entry(name: &[u8], kind: EntryType, link: &str, size: u64) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    if !link.is_empty() {
        header.set_link_name(link).expect("a link");
    }
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.resize(512 + (size.min(1024) as usize).next_multiple_of(512) + 1024, 0);
    bytes
}

#[rstest]
#[case::upwards(entry(b"../../slip", EntryType::Regular, "", 4), "for `../../slip`")]
#[case::absolute(
    entry(b"/etc/cron.d/slip", EntryType::Regular, "", 4),
    "for `/etc/cron.d/slip`"
)]
#[case::link(
    entry(b"events.jsonl", EntryType::Symlink, "/etc/passwd", 0),
    "expected a regular file"
)]
#[case::hard_link(
    entry(b"events.jsonl", EntryType::Link, "/etc/passwd", 0),
    "expected a regular file"
)]
#[case::device(entry(b"events.jsonl", EntryType::Block, "", 0), "expected a regular file")]
#[case::control_characters(entry(b"\x1b[2Jx", EntryType::Regular, "", 0), "`\\u{1b}[2Jx`")]
#[case::long_name(entry(b"pax", EntryType::XHeader, "", 1 << 40), "a name longer than")]
#[case::huge(entry(b"big", EntryType::Regular, "", 1 << 34), "no run is that large")]
#[case::huge_journal(entry(b"events.jsonl", EntryType::Regular, "", 1 << 32), "more than this program reads")]
#[case::lying_about_its_size(entry(b"big", EntryType::Regular, "", 1 << 30), "it ends in the middle of `big`")]
#[case::twice([&entry(b"a", EntryType::Regular, "", 0)[..512], &entry(b"a", EntryType::Regular, "", 0)[..]].concat(), "there twice")]
#[case::empty(vec![0; 1024], "manifest.json is missing")]
#[case::no_end(vec![], "it ends in the middle")]
fn archives(#[case] tar: Vec<u8>, #[case] told: &str) {
    let folder = Folder::unsigned();
    folder.write("hostile.tar.zst", &sealed(&tar));
    let touched = look(&folder.path("hostile.tar.zst")).touched;
    assert!(
        touched.first().is_some_and(|first| first.contains(told)),
        "expected `{told}`, got {touched:?}"
    );
    assert!(!folder.beside("slip").exists());
}

#[test]
fn a_bomb() {
    // 64 MiB of zeros in a few kilobytes: read in passing, not kept.
    let mut tar = entry(b"zeros", EntryType::Regular, "", 64 << 20);
    tar.truncate(512);
    tar.resize(512 + (64 << 20) + 1024, 0);
    let bytes = sealed(&tar);
    assert!(bytes.len() < 1 << 20, "{}", bytes.len());
    let folder = Folder::unsigned();
    folder.write("bomb.tar.zst", &bytes);
    let touched = look(&folder.path("bomb.tar.zst")).touched;
    assert_eq!(touched, ["manifest.json is missing"]);
}

#[rstest]
#[case::empty(b"".to_vec())]
#[case::short(b"x".to_vec())]
#[case::text(b"no bundle at all, only a text that is longer than a seal would be\n".to_vec())]
#[case::zeros(vec![0; 4096])]
#[case::a_window_of_terabytes(b"\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00".to_vec())]
fn no_bundles(#[case] bytes: Vec<u8>) {
    let folder = Folder::unsigned();
    folder.write("x.tar.zst", &bytes);
    let touched = look(&folder.path("x.tar.zst")).touched;
    assert!(touched.iter().any(|what| what.contains("seal")), "{touched:?}");
}

/// A bundle as it was never made: the manifest lists what is there and the journal gives something else. Of the reports of
/// another version this one cannot say that.
#[rstest]
#[case::of_this_version(env!("CARGO_PKG_VERSION"), true)]
#[case::of_another_version("0.0.7", false)]
fn a_bundle_that_is_in_order_and_lies(#[case] tool: &str, #[case] caught: bool) {
    let folder = Folder::unsigned();
    let mut files = crate::evidence::flips::members(&folder.read(BUNDLE));
    let junit = files
        .iter()
        .position(|(name, _)| name == "junit.xml")
        .expect("junit.xml");
    let forged = String::from_utf8(files[junit].1.clone())
        .expect("UTF-8")
        .replace("it forgot", "all well!");
    let (old, new) = (Sha256::digest(&files[junit].1), Sha256::digest(&forged));
    let (old, new) = (dfota_record::digest::hex(&old), dfota_record::digest::hex(&new));
    files[junit].1 = forged.into_bytes();
    let manifest = files
        .iter()
        .position(|(name, _)| name == "manifest.json")
        .expect("a manifest");
    let text = String::from_utf8(files[manifest].1.clone()).expect("UTF-8");
    let before = dfota_record::digest::hex(&Sha256::digest(&text));
    let text = text.replace(&old, &new).replace(
        &format!("\"tool\": \"{}\"", env!("CARGO_PKG_VERSION")),
        &format!("\"tool\": \"{tool}\""),
    );
    let after = dfota_record::digest::hex(&Sha256::digest(&text));
    files[manifest].1 = text.into_bytes();
    let statement = files
        .iter()
        .position(|(name, _)| name == "evidence.intoto.json")
        .expect("a statement");
    let text = String::from_utf8(files[statement].1.clone())
        .expect("UTF-8")
        .replace(&before, &after);
    files[statement].1 = text.into_bytes();
    crate::evidence::flips::pack(&folder.path("forged.tar.zst"), &files);
    let found = look(&folder.path("forged.tar.zst"));
    assert!(!found.reports_compared);
    let lie = "junit.xml is not what the journal gives";
    if caught {
        assert_eq!(found.touched, [lie])
    } else {
        assert!(
            found.touched.is_empty() && found.notes[0].contains(lie),
            "{found:?}"
        )
    }
}

/// A disk that is full is an error, not a panic.
#[test]
fn a_full_disk() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = write(vec![], Full).expect_err("nothing can be written");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}
