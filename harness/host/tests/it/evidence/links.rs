//! A run folder that leads elsewhere: `verify` looks at nothing outside it.

use crate::evidence::fixture::{BUNDLE, Folder, JOURNAL, look};
use dfota_record::evidence::manifest::Manifest;
use rstest::rstest;
use std::os::unix::fs::symlink;

/// What a link leads to is the very file that belongs there: followed, nothing would be found.
#[rstest]
#[case(JOURNAL)]
#[case(BUNDLE)]
#[case("junit.xml")]
#[case("run.json")]
#[case("report.html")]
#[case("evidence.intoto.json")]
#[case("evidence.dsse.json")]
#[case("transcripts")]
fn a_link_is_not_followed(#[case] name: &str) {
    let folder = Folder::signed();
    assert_eq!(folder.touched(), None);
    std::fs::rename(folder.path(name), folder.beside("elsewhere")).expect("it is there");
    for target in [
        folder.beside("elsewhere"),
        "../elsewhere".into(),
        "/nowhere".into(),
    ] {
        symlink(&target, folder.path(name)).expect("a link");
        let found = look(&folder.run());
        assert_eq!(found.touched.len(), 1, "{target:?}: {:?}", found.touched);
        let touched = &found.touched[0];
        assert!(
            touched.starts_with(name) && touched.contains("symbolic link"),
            "{target:?}: {touched}"
        );
        assert_eq!(found.incomplete, None);
        std::fs::remove_file(folder.path(name)).expect("the link");
    }
}

#[test]
fn a_linked_transcript_is_not_followed() {
    let folder = Folder::unsigned();
    let listed = std::fs::read_dir(folder.path("transcripts")).expect("transcripts");
    let file = listed
        .map(|entry| entry.expect("a file").path())
        .next()
        .expect("a transcript");
    std::fs::rename(&file, folder.beside("elsewhere")).expect("it is there");
    symlink(folder.beside("elsewhere"), &file).expect("a link");
    let touched = folder.touched().expect("a finding");
    assert!(
        touched.starts_with("transcripts/") && touched.contains("symbolic link"),
        "{touched}"
    );
}

/// A link under a name that is none of the run's is named like any other stranger, and not opened.
#[test]
fn a_link_of_another_name_is_a_stranger() {
    let folder = Folder::unsigned();
    symlink("/nowhere", folder.path("notes.txt")).expect("a link");
    let found = look(&folder.run());
    assert_eq!(found.touched, [""; 0]);
    assert_eq!(found.notes, ["`notes.txt` is not a part of the evidence"]);
}

/// A pipe that nobody writes to would be waited for without end.
#[rstest]
#[case(JOURNAL)]
#[case(BUNDLE)]
#[case("junit.xml")]
fn a_pipe_is_not_opened(#[case] name: &str) {
    let folder = Folder::unsigned();
    std::fs::remove_file(folder.path(name)).expect("it is there");
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path(name))
        .status();
    assert!(made.expect("mkfifo").success());
    let touched = folder.touched().expect("a finding");
    assert!(
        touched.starts_with(name) && touched.contains("not opened"),
        "{touched}"
    );
}

#[rstest]
#[case("../slip")]
#[case("/etc/passwd")]
#[case("transcripts/../../slip")]
#[case("transcripts/./x")]
#[case("")]
fn a_manifest_names_files_of_the_run_alone(#[case] name: &str) {
    let text = |name: &str| {
        format!(
            r#"{{"schema": 1, "tool": "0.1.0", "run": "r", "journal": {{"lines": 1, "head": "", "ended": true}},
                "files": [{{"name": "{name}", "size": 1, "sha256": ""}}]}}"#
        )
    };
    let refused = Manifest::read(text(name).as_bytes()).expect_err("it leads out");
    let refused = refused.to_string();
    assert!(
        refused.contains("expected a relative path inside the run folder"),
        "{refused}"
    );
    Manifest::read(text("transcripts/x.log").as_bytes()).expect("that is one");
}
