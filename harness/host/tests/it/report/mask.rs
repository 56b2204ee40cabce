//! `--mask`: no report shows who the module is.

use super::folder;
use dfota_core::event::Event;
use dfota_record::evidence::maker::EvidenceOptions;
use std::io::Read;
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

/// What the SIM and a network with two addresses tell, and what is left of a line that was torn.
const TOLD: [(&str, &[&str]); 5] = [
    (
        "+CGPADDR: 1,10.64.77.88,254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.66",
        &["10.64.77", "254.128", "0.0.66"],
    ),
    (
        "+CGPADDR: 1,\\\"10.64.77.88\\\",\\\"2001:db8::42\\\"",
        &["64.77.88", "db8::42"],
    ),
    ("+QCCID: 898604B8191650217433", &["8191650217433", "898604B"]),
    ("262013564857956", &["13564857956"]),
    ("\\\\x00+CGPADDR: 1,10.64.\\\\xfe77", &["10.64.", "xfe77"]),
];

/// The example's journal with all of that in lines of the module, and the first of it in every verdict. Its chain holds.
fn telling(journal: &str) -> String {
    use sha2::Digest;
    let mut told = TOLD.iter().map(|(line, _)| format!("\"text\":\"{line}\""));
    let mut text = String::new();
    let (mut was, mut is) = (String::new(), String::new());
    let digest = |line: &str| dfota_record::digest::hex(&sha2::Sha256::digest(line));
    for line in journal.lines() {
        let here = line
            .contains("\"text\":\"+CEREG: 0,2\"")
            .then(|| told.next())
            .flatten();
        let here = here.unwrap_or_else(|| "\"text\":\"+CEREG: 0,2\"".to_owned());
        let sentence = format!("\"sentence\":\"it said `{}`; ", TOLD[0].0);
        // Its sentences are none that its events give.
        let mut new = line
            .replace("\"schema\":2", "\"schema\":1")
            .replace("\"text\":\"+CEREG: 0,2\"", &here)
            .replace("\"sentence\":\"", &sentence);
        if !was.is_empty() {
            new = new.replacen(&was, &is, 1);
        }
        (was, is) = (digest(line), digest(&new));
        text += &new;
        text.push('\n');
    }
    assert_eq!(told.next(), None, "too few lines of the example to put it in");
    text
}

fn all_secrets() -> Vec<String> {
    let told = TOLD.iter().flat_map(|(_, secrets)| *secrets);
    secrets()
        .into_iter()
        .chain(told.map(|it| (*it).to_owned()))
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
    let plain = copy(|text| telling(&text));
    dfota_record::report::make(
        plain.path(),
        &dfota_record::report::ReportOptions::default(),
        |_| (),
    )
    .expect("reports");
    let masked = copy(|text| telling(&text));
    dfota_record::report::make(
        masked.path(),
        &dfota_record::report::ReportOptions {
            masked: true,
            ..Default::default()
        },
        |_| (),
    )
    .expect("reports");
    let mut were_there = 0;
    for secret in all_secrets() {
        let there = shown(plain.path(), &secret).len();
        let told = TOLD.iter().any(|(_, secrets)| secrets.contains(&&*secret));
        assert!(there > 0 || !told, "no report of the example shows `{secret}`");
        were_there += there;
        assert_eq!(shown(masked.path(), &secret), [""; 0], "{secret}");
    }
    let junit = std::fs::read_to_string(plain.path().join("junit.xml")).expect("junit.xml");
    assert!(junit.contains("254.128"), "{junit}");
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
    dfota_record::report::make(
        asked.path(),
        &dfota_record::report::ReportOptions::default(),
        |_| (),
    )
    .expect("reports");
    for secret in secrets() {
        assert_eq!(shown(asked.path(), &secret), [""; 0], "{secret}");
    }
}

/// A masked run folder with its evidence.
fn masked_evidence() -> tempfile::TempDir {
    let masked = copy(|text| telling(&text));
    let asked = dfota_record::report::ReportOptions {
        masked: true,
        ..Default::default()
    };
    let made = dfota_record::report::make(masked.path(), &asked, |run| {
        dfota_record::evidence::maker::make(masked.path(), run, &EvidenceOptions::default())
    });
    made.expect("reports").expect("evidence");
    masked
}

/// Every file of a bundle.
fn members(bundle: &Path) -> Vec<(String, String)> {
    let file = std::fs::File::open(bundle).expect("a bundle");
    let tar = ruzstd::decoding::StreamingDecoder::new(file).expect("zstd");
    let mut tar = tar::Archive::new(tar);
    let entries = tar.entries().expect("an archive").map(|entry| {
        let mut entry = entry.expect("a file");
        let name = entry.path().expect("its name").display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its contents");
        (name, String::from_utf8_lossy(&bytes).into_owned())
    });
    entries.collect()
}

#[test]
fn the_bundle_holds_a_masked_journal_and_nothing_that_is_masked() {
    let folder = masked_evidence();
    let bundle = folder.path().join("evidence.tar.zst");
    let members = members(&bundle);
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.contains(&"events.masked.jsonl") && !names.contains(&"events.jsonl"),
        "{names:?}"
    );
    for secret in all_secrets() {
        assert_eq!(shown(folder.path(), &secret), [""; 0], "{secret}");
        let shows = |(_, text): &&(String, String)| text.contains(&secret);
        let shown: Vec<&str> = members
            .iter()
            .filter(shows)
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(shown, [""; 0], "{secret}");
    }
    for path in [folder.path(), &bundle] {
        let verified = dfota_record::verify::verify(path, None).expect("a run folder or a bundle");
        assert_eq!(verified.touched, [""; 0]);
        assert!(
            verified.reports_compared && verified.masked_from.is_some(),
            "{verified:?}"
        );
        assert!(
            verified.notes.iter().any(|note| note.starts_with("masked: ")),
            "{verified:?}"
        );
    }
}

/// Whoever holds the original can show that the copy is of it, and of no other.
#[test]
fn a_masked_bundle_belongs_to_one_journal() {
    let folder = masked_evidence();
    let journal = folder.path().join("events.jsonl");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    let touched = |text: &str| {
        std::fs::write(&journal, text).expect("a file");
        dfota_record::verify::verify(folder.path(), None)
            .expect("a run folder")
            .touched
    };
    let lines: Vec<&str> = text.lines().collect();
    let (last, before) = lines.split_last().expect("lines");
    let before = before.join("\n");
    let removed = format!(
        "events.jsonl: line {} and what followed it were removed",
        lines.len()
    );
    assert_eq!(touched(&format!("{before}\n")), [removed]);
    // No line follows the last one that could name it.
    let last = last.replacen("\"utc\":\"2", "\"utc\":\"3", 1);
    let other = "events.jsonl is not the journal that events.masked.jsonl was made from";
    assert_eq!(touched(&format!("{before}\n{last}\n")), [other]);
    let changed = text.replacen("\"utc\":\"2", "\"utc\":\"3", 1);
    assert_eq!(touched(&changed), ["events.jsonl: line 1 was changed"]);
    assert_eq!(touched(&text), [""; 0]);
}

#[test]
fn reports_without_a_mask_take_the_copy_away() {
    let folder = masked_evidence();
    let plain = dfota_record::report::make(
        folder.path(),
        &dfota_record::report::ReportOptions::default(),
        |run| dfota_record::evidence::maker::make(folder.path(), run, &EvidenceOptions::default()),
    );
    plain.expect("reports").expect("evidence");
    assert!(!folder.path().join("events.masked.jsonl").exists());
    let verified = dfota_record::verify::verify(folder.path(), None).expect("a run folder");
    assert_eq!((verified.touched, verified.masked_from), (vec![], None));
}

#[test]
fn the_test_report_is_masked_too() {
    let folder = copy(|text| text);
    let shown = |masked| {
        let report = dfota_hil::cli::command::report::test_report::contents(folder.path(), masked, None)
            .expect("a test report");
        (
            report.issue.journal.file,
            serde_json::to_string(&report).expect("JSON"),
        )
    };
    let ((plain_file, plain), (file, masked)) = (shown(false), shown(true));
    assert_eq!((plain_file, file), ("events.jsonl", "events.masked.jsonl"));
    let secrets = secrets();
    let count = |text: &str| secrets.iter().filter(|secret| text.contains(*secret)).count();
    assert!(count(&plain) > 0, "nothing in the test report could be masked");
    assert_eq!(count(&masked), 0, "{masked}");
}
