//! `prune`: which run folders go, which never do, and what is left of those that are packed.

use crate::lab::{Lab, Ran, heard};
use crate::process::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// A run in `reports/night-0`.
fn lab(defects: &str) -> Lab {
    let lab = Lab::new();
    lab.rig(400, defects);
    lab.suite("cases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n");
    run(&lab, "night-0", &[]);
    lab
}

fn run(lab: &Lab, name: &str, more: &[&str]) -> Ran {
    let out = format!("reports/{name}");
    let args = [
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--seed",
        "7",
        "--out",
        &out,
    ];
    lab.run(&[&args[..], more].concat())
}

/// Copies of the run, each a day older than the one before.
fn nights(lab: &Lab, count: u32) {
    for night in 1..count {
        let name = format!("reports/night-{night}");
        let copied = Command::new("cp")
            .args(["-r", "reports/night-0", &name])
            .current_dir(lab.path("."))
            .status();
        assert!(copied.expect("cp").success());
        let mut run: Value = serde_json::from_str(&lab.read(&format!("{name}/run.json"))).expect("JSON");
        run["started"] = format!("2026-10-{:02}T01:00:00Z", 28 - night).into();
        lab.write(&format!("{name}/run.json"), run.to_string());
    }
}

fn prune(lab: &Lab, more: &[&str]) -> Ran {
    lab.run(&[&["prune"], more].concat())
}

/// Everything below a folder, with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder").flatten() {
            let name = entry
                .path()
                .strip_prefix(folder)
                .expect("below it")
                .display()
                .to_string();
            if entry.file_type().expect("a type").is_dir() {
                folders.push(entry.path())
            } else {
                drop(files.insert(name, std::fs::read(entry.path()).expect("a file")))
            }
        }
    }
    files
}

fn runs(lab: &Lab) -> Vec<String> {
    let mut names = lab.names("reports");
    names.retain(|name| !name.starts_with("history"));
    names
}

#[test]
fn the_newest_stay() {
    let lab = lab("");
    nights(&lab, 5);
    lab.write("reports/notes.txt", "not a run");
    std::fs::create_dir(lab.path("reports/folder")).expect("a folder");
    lab.write("reports/folder/precious", "not a run");
    let before = files(&lab.path("reports"));

    let dry = prune(&lab, &["--keep", "2", "--dry-run"]).ends(0);
    assert_eq!(files(&lab.path("reports")), before, "a dry run changes nothing");
    let lines: Vec<&str> = dry.stdout.lines().collect();
    let named = |line: &str, night: u32| {
        line.starts_with("would remove") && line.ends_with(&format!("reports/night-{night}"))
    };
    assert!(
        named(lines[0], 4) && named(lines[1], 3) && named(lines[2], 2),
        "{}",
        dry.stdout
    );
    assert!(
        lines[3].starts_with("3 of 5 runs would be removed: would free "),
        "{}",
        dry.stdout
    );

    let value = prune(&lab, &["--keep", "2", "--dry-run", "--json"]).ends(0);
    let value: Value = serde_json::from_str(&value.stdout).expect("JSON");
    let of_one: u64 = ["night-2", "night-3", "night-4"]
        .map(|name| {
            let used = Command::new("du")
                .args(["-s", "-B1"])
                .arg(lab.path("reports").join(name))
                .output();
            let used = String::from_utf8(used.expect("du").stdout).expect("text");
            used.split_whitespace()
                .next()
                .and_then(|bytes| bytes.parse::<u64>().ok())
                .expect("bytes")
        })
        .iter()
        .sum();
    assert_eq!(value["frees"], of_one, "as `du` counts it");

    let wet = prune(&lab, &["--keep", "2"]).ends(0);
    assert_eq!(wet.stdout.matches("\nremoved ").count() + 1, 3, "{}", wet.stdout);
    assert_eq!(runs(&lab), ["folder", "night-0", "night-1", "notes.txt"]);
    assert_eq!(lab.read("reports/folder/precious"), "not a run");
    prune(&lab, &["--keep", "2"]).ends(0).says("0 of 2 runs removed");
}

#[test]
fn by_age_and_by_the_machines_configuration() {
    let lab = lab("");
    nights(&lab, 4);
    // No rule, no configuration.
    let none = prune(&lab, &["--config", "config.yaml"]).ends(2);
    none.complains("config.yaml");
    lab.write(
        "config.yaml",
        "reports: {folder: reports, keep: 3, keep-failed: true}\n",
    );
    prune(&lab, &["--config", "config.yaml"]).ends(0);
    assert_eq!(runs(&lab), ["night-0", "night-1", "night-2"]);
    prune(&lab, &["--older-than", "1d", "--dry-run"])
        .ends(0)
        .says("2 of 3 runs");
    prune(&lab, &["--older-than", "9000d", "--dry-run"])
        .ends(0)
        .says("0 of 3 runs");
    prune(&lab, &["nowhere", "--keep", "1"])
        .ends(2)
        .complains("`nowhere`");
    lab.write("config.yaml", "reports: {kepe: 3}\n");
    prune(&lab, &["--config", "config.yaml"])
        .ends(2)
        .complains("kepe");
    lab.write("config.yaml", "reports: {keep: 0}\n");
    prune(&lab, &["--config", "config.yaml"])
        .ends(2)
        .complains("config.yaml:1:");
}

#[test]
fn failed_signed_and_pinned_runs_stay() {
    let lab = lab("end-zero-old-version");
    lab.has_verdict("reports/night-0", "clean fail end-without-update");
    lab.rig(400, "");
    nights(&lab, 2);
    lab.run(&["keygen", "--out", "lab.pem"]).ends(0);
    run(&lab, "signed", &["--sign", "lab.pem"]).ends(0);
    run(&lab, "pinned", &[]).ends(0);
    lab.write("reports/pinned/pinned", "");
    let pinned = lab.run(&["verify", "reports/pinned"]).ends(0);
    assert!(
        !pinned.stdout.contains("no part of the evidence"),
        "{}",
        pinned.stdout
    );
    run(&lab, "newer", &[]).ends(0);
    run(&lab, "newest", &[]).ends(0);
    prune(&lab, &["--keep", "1", "--keep-failed"])
        .ends(0)
        .says("1 of 6 runs removed")
        .says("1 is pinned, 1 is signed");
    assert_eq!(runs(&lab), ["newest", "night-0", "night-1", "pinned", "signed"]);
    prune(&lab, &["--keep", "1"]).ends(0);
    assert_eq!(runs(&lab), ["newest", "pinned", "signed"]);
}

/// Links lead out of the folder: neither they nor what they lead to is anybody's to remove.
#[test]
fn no_link_is_followed() {
    let lab = lab("");
    nights(&lab, 3);
    std::fs::rename(lab.path("reports/night-2"), lab.path("elsewhere")).expect("a folder");
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(lab.path(to), lab.path(at)).expect("a link");
    link("elsewhere", "reports/linked-run");
    std::fs::create_dir(lab.path("precious")).expect("a folder");
    lab.write("precious/file", "precious");
    link("precious", "reports/night-1/linked-folder");
    link("precious/file", "reports/night-1/linked-file");
    // What only looks like a run, by a link to a journal.
    std::fs::create_dir(lab.path("reports/lookalike")).expect("a folder");
    link("elsewhere/events.jsonl", "reports/lookalike/events.jsonl");
    // A journal that is none.
    std::fs::create_dir(lab.path("reports/broken")).expect("a folder");
    lab.write("reports/broken/events.jsonl", "not one\n");
    let outside = files(&lab.path("elsewhere"));

    let ran = prune(&lab, &["--keep", "1"]).ends(0);
    assert_eq!(runs(&lab), ["broken", "linked-run", "lookalike", "night-0"]);
    assert_eq!(files(&lab.path("elsewhere")), outside);
    assert_eq!(lab.read("precious/file"), "precious");
    ran.complains("linked-run` is a link: left alone");
    ran.complains("broken` holds no journal that can be read: left alone");
}

#[test]
fn a_run_that_is_being_written_stays() {
    let lab = lab("");
    lab.rig(1, "");
    let args = ["run", "suite.yaml", "--rig", "rig.yaml", "--out", "reports/live"];
    let live = lab.start(&args);
    lab.await_event("reports/live", "the module's first answer", heard("OK"));
    // Older than every other, by any rule.
    nights(&lab, 2);
    lab.write(
        "reports/night-1/run.json",
        lab.read("reports/night-1/run.json").replace("2026-10", "2036-10"),
    );
    let ran = prune(&lab, &["--keep", "1", "--pack"]).ends(0);
    ran.says("1 is held by another process");
    assert_eq!(runs(&lab), ["live", "night-1"]);
    live.signal(Signal::TERM);
    live.end().ends(130);
    assert_eq!(lab.ended("reports/live").0, 130);
    prune(&lab, &["--keep", "1"]).ends(0);
    assert_eq!(runs(&lab), ["night-1"]);
}

/// A run that was killed has no `run.json`: its journal says what it was.
#[test]
fn a_killed_run_is_known_by_its_journal() {
    let lab = lab("");
    std::fs::create_dir(lab.path("reports/killed")).expect("a folder");
    let journal = lab.read("reports/night-0/events.jsonl");
    let half: String = journal.lines().take(40).map(|line| format!("{line}\n")).collect();
    lab.write("reports/killed/events.jsonl", half);
    run(&lab, "later", &[]).ends(0);
    prune(&lab, &["--keep", "1"]).ends(0).says("2 of 3 runs removed");
    assert_eq!(runs(&lab), ["later"]);
}

/// A folder that is a run and holds others, or somebody's work: removing it would remove them.
#[test]
fn a_run_that_holds_something_else_stays() {
    let lab = lab("");
    nights(&lab, 3);
    std::fs::rename(lab.path("reports/night-1"), lab.path("reports/night-2/inner")).expect("a folder");
    std::fs::create_dir(lab.path("reports/downloads")).expect("a folder");
    std::fs::copy(
        lab.path("reports/night-0/evidence.tar.zst"),
        lab.path("reports/downloads/evidence.tar.zst"),
    )
    .expect("a copy");
    lab.run(&["judge", "reports/night-2", "--write"]).ends(0);
    prune(&lab, &["--keep", "1"])
        .ends(0)
        .says("1 holds folders of something else");
    assert!(lab.path("reports/night-2/inner/events.jsonl").exists());
    assert!(
        lab.path("reports/downloads/evidence.tar.zst").exists(),
        "a bundle alone makes no run"
    );
    std::fs::remove_dir_all(lab.path("reports/night-2/inner")).expect("a folder");
    prune(&lab, &["--keep", "1"]).ends(0).says("1 of 2 runs removed");
    assert!(
        !lab.path("reports/night-2").exists(),
        "what the program makes in a run goes with it"
    );
}

#[test]
fn a_packed_run_is_what_it_was() {
    let lab = lab("");
    run(&lab, "night-1", &[]).ends(0);
    let before = files(&lab.path("reports/night-0"));
    let verify = |night: &str| lab.run(&["verify", &format!("reports/{night}")]).ends(0);
    verify("night-0");
    let dry = prune(&lab, &["--pack", "--dry-run"]).ends(0);
    dry.says("would pack")
        .says("0 of 2 runs would be removed, 1 would be packed");
    assert_eq!(files(&lab.path("reports/night-0")), before);

    prune(&lab, &["--pack"]).ends(0).says("1 packed");
    let packed = files(&lab.path("reports/night-0"));
    assert!(!packed.contains_key("events.jsonl"), "{:?}", packed.keys());
    assert!(!lab.path("reports/night-0/transcripts").exists());
    assert!(
        lab.path("reports/night-1/events.jsonl").exists(),
        "the newest stays as it is"
    );
    prune(&lab, &["--pack"])
        .ends(0)
        .says("0 of 2 runs removed: freed 0.0 kB");

    // Every command reads it where it is.
    verify("night-0").says("packed: journal and transcripts are only in the bundle");
    lab.run(&["judge", "reports/night-0"]).ends(0);
    lab.run(&["compare", "reports/night-0", "reports/night-1"])
        .ends(0);
    lab.run(&["history", "--rebuild", "reports", "--store", "again.sqlite"])
        .ends(0)
        .says("2 runs kept");
    run(&lab, "night-0", &[]).ends(2).complains("holds a run already");
    // And lays it out again, byte for byte.
    lab.run(&["report", "reports/night-0"]).ends(0);
    assert_eq!(files(&lab.path("reports/night-0")), before);
    verify("night-0");
}

#[test]
fn packing_keeps_signatures_and_masked_journals() {
    let lab = lab("");
    lab.run(&["keygen", "--out", "lab.pem"]).ends(0);
    run(&lab, "signed", &["--sign", "lab.pem", "--pack"]).ends(0);
    run(&lab, "masked", &["--mask", "--pack"]).ends(0);
    assert!(!lab.path("reports/signed/events.jsonl").exists());
    lab.run(&["verify", "reports/signed", "--key", "lab.pub.pem"])
        .ends(0)
        .says("SIGNED by");
    // Of a masked run the bundle has a copy alone: the journal itself is nowhere else.
    assert!(lab.path("reports/masked/events.jsonl").exists());
    assert!(!lab.path("reports/masked/events.masked.jsonl").exists());
    lab.run(&["verify", "reports/masked"]).ends(0);
}

/// What is not in a sound bundle is not removed.
#[test]
fn what_was_touched_is_not_packed() {
    let lab = lab("");
    run(&lab, "night-1", &[]).ends(0);
    let journal = lab.read("reports/night-0/events.jsonl");
    lab.write(
        "reports/night-0/events.jsonl",
        journal.replacen("\"seq\":1,", "\"seq\":1 ,", 1),
    );
    let touched = files(&lab.path("reports/night-0"));
    prune(&lab, &["--pack"])
        .ends(3)
        .complains("is not the one in evidence.tar.zst");
    assert_eq!(files(&lab.path("reports/night-0")), touched);
    lab.write("reports/night-0/events.jsonl", journal);
    let bundle = std::fs::read(lab.path("reports/night-0/evidence.tar.zst")).expect("the bundle");
    lab.write("reports/night-0/evidence.tar.zst", &bundle[..bundle.len() - 9]);
    prune(&lab, &["--pack"]).ends(3).complains("evidence.tar.zst");
    assert!(lab.path("reports/night-0/events.jsonl").exists());
    // Without its transcripts only, a journal that is gone is still missed.
    lab.write("reports/night-0/evidence.tar.zst", &bundle);
    std::fs::remove_file(lab.path("reports/night-0/events.jsonl")).expect("it is there");
    lab.run(&["verify", "reports/night-0"])
        .ends(1)
        .says("the whole journal was removed");
}

/// Each run leaves in the history how much room there was after it; `check` says where that leads.
#[test]
fn check_warns_of_a_disk_that_fills() {
    let lab = lab("");
    let check = || lab.run(&["check", "rig.yaml"]).ends(0);
    assert!(!check().stdout.contains("WARNING"), "one run is no growth");
    let store = rusqlite::Connection::open(lab.path("reports/history.sqlite")).expect("the store");
    let last = store.query_row("SELECT folder, at, free FROM room", [], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, i64>(2)?,
        ))
    });
    let (folder, at, free) = last.expect("one run, one row");
    assert_eq!(
        Path::new(&folder),
        lab.path("reports").canonicalize().expect("a folder")
    );
    for night in 1..6 {
        let row = (&folder, at - night * 86_400, free + night * (free / 10));
        store
            .execute("INSERT INTO room VALUES (?1, ?2, ?3)", row)
            .expect("a row");
    }
    let warned = check();
    warned.says("for `reports`; WARNING: by the 6 runs of the last days it shrinks by ");
    // A tenth of what is free goes each night; a run needs some room as well, and others use the disk meanwhile.
    let days = |days: u32| {
        warned.stdout.contains(&format!(
            "a day: full in {days} days; `dfota-hil prune reports --keep 30 --pack`"
        ))
    };
    assert!((7..=10).any(days), "{}", warned.stdout);
}
