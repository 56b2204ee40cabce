//! `reports/example` is what its journal says, byte for byte.

use super::folder;
use std::collections::BTreeMap;
use std::path::Path;

/// What was there before the run, the journal, and what keeps `prune` from it.
const GIVEN: [&str; 4] = ["events.jsonl", "pinned", "rig.yaml", "suite.yaml"];

fn files(folder: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder.join(below)).expect("a folder").flatten() {
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files(folder, &format!("{name}/"), found)
        } else {
            drop(found.insert(name, std::fs::read(entry.path()).expect("a file")))
        }
    }
}

/// With `BLESS=1`, its reports are written anew.
#[test]
fn the_example_is_made_of_its_journal_alone() {
    let (kept, again) = (folder(), tempfile::tempdir().expect("a folder"));
    if std::env::var_os("BLESS").is_some() {
        dfota_record::report::make(&kept, &dfota_record::report::ReportOptions::default(), |_| ())
            .expect("reports");
    }
    std::fs::copy(kept.join("events.jsonl"), again.path().join("events.jsonl")).expect("a copy");
    dfota_record::report::make(
        again.path(),
        &dfota_record::report::ReportOptions::default(),
        |_| (),
    )
    .expect("reports");
    let (mut expected, mut made) = (BTreeMap::new(), BTreeMap::new());
    files(&kept, "", &mut expected);
    files(again.path(), "", &mut made);
    let names = |files: &BTreeMap<String, Vec<u8>>| -> Vec<String> {
        let names = files.keys().filter(|name| !GIVEN.contains(&name.as_str()));
        names.cloned().collect()
    };
    assert_eq!(names(&expected), names(&made), "BLESS=1 writes them anew");
    for (name, bytes) in &made {
        assert!(
            expected[name] == *bytes,
            "`reports/example/{name}` is not what its journal says: BLESS=1 writes it anew"
        );
    }
    assert!(made.contains_key("report.html") && made.len() > 5);
}

#[test]
fn the_example_is_small_and_of_no_machine() {
    let mut kept = BTreeMap::new();
    files(&folder(), "", &mut kept);
    let size: usize = kept.values().map(Vec::len).sum();
    assert!(size < 400_000, "reports/example has {size} bytes");
    for (name, bytes) in &kept {
        let text = String::from_utf8_lossy(bytes);
        for place in ["/home/", "/root/", "/tmp/", "/Users/"] {
            assert!(!text.contains(place), "`{place}` in reports/example/{name}");
        }
    }
}
