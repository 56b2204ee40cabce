//! `--mask`: no report shows who the module is.

use super::folder;
use dfota_core::event::Event;
use std::path::Path;

/// IMEI and addresses in the example's journal.
fn secrets() -> Vec<String> {
    let mut secrets = vec!["127.0.0.1".to_owned()];
    for record in super::records() {
        match record.event {
            Event::Identity { imei: Some(imei), .. } => secrets.push(imei.as_str().to_owned()),
            Event::Rx { text, .. } => {
                secrets.extend(text.strip_prefix("+IP: ").map(str::to_owned));
            }
            _ => {}
        }
    }
    secrets.sort();
    secrets.dedup();
    assert!(secrets.len() > 2, "{secrets:?}");
    secrets
}

fn shown(folder: &Path, secret: &str) -> Vec<String> {
    let transcripts = std::fs::read_dir(folder.join("transcripts")).expect("a folder");
    let files = std::fs::read_dir(folder)
        .expect("a folder")
        .chain(transcripts)
        .flatten();
    files
        .map(|file| file.path())
        .filter(|path| path.is_file() && !path.ends_with("events.jsonl"))
        .filter(|path| {
            let bytes = std::fs::read(path).expect("a file");
            String::from_utf8_lossy(&bytes).contains(secret)
        })
        .map(|path| path.display().to_string())
        .collect()
}

fn copy(journal: impl Fn(String) -> String) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    let text = std::fs::read_to_string(folder().join("events.jsonl")).expect("a journal");
    std::fs::write(copy.path().join("events.jsonl"), journal(text)).expect("a file");
    copy
}

#[test]
fn no_report_shows_what_is_masked() {
    let plain = copy(|text| text);
    dfota_hil::report::make(plain.path(), &dfota_hil::report::Asked::default(), |_| ()).expect("reports");
    let masked = copy(|text| text);
    dfota_hil::report::make(
        masked.path(),
        &dfota_hil::report::Asked {
            masked: true,
            ..Default::default()
        },
        |_| (),
    )
    .expect("reports");
    let mut were_there = 0;
    for secret in secrets() {
        were_there += shown(plain.path(), &secret).len();
        assert_eq!(shown(masked.path(), &secret), [""; 0], "{secret}");
    }
    assert!(were_there > 5, "the reports show nothing that could be masked");
    let journal = |folder: &Path| std::fs::read(folder.join("events.jsonl")).expect("a journal");
    assert_eq!(journal(masked.path()), journal(plain.path()));
    let run = std::fs::read_to_string(masked.path().join("run.json")).expect("run.json");
    assert!(run.contains("*******\""), "the type of the device stays: {run}");
}

/// A run that was asked to mask stays masked, whoever makes its reports again.
#[test]
fn the_journal_remembers_that_it_was_asked_for() {
    let asked = copy(|text| text.replacen("\"attachments\":", "\"masked\":true,\"attachments\":", 1));
    dfota_hil::report::make(asked.path(), &dfota_hil::report::Asked::default(), |_| ()).expect("reports");
    for secret in secrets() {
        assert_eq!(shown(asked.path(), &secret), [""; 0], "{secret}");
    }
}
