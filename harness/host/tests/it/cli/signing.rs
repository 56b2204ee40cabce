//! Keys, signed runs, and what `verify` says about them.

use crate::lab::{Lab, PROGRAM};
use rstest::rstest;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

/// A lab with a key and one fast case.
fn lab(defects: &str) -> Lab {
    let lab = Lab::new();
    lab.rig(400, defects);
    lab.suite(
        "cases:
  - name: clean
    update: {package: a-to-b, via: http}
",
    );
    lab.run(&["keygen", "--out", "lab.pem"]).ends(0);
    lab
}

fn mode(lab: &Lab, name: &str) -> u32 {
    let metadata = std::fs::metadata(lab.path(name)).expect(name);
    metadata.permissions().mode() & 0o7777
}

#[test]
fn keys() {
    let lab = lab("");
    assert_eq!((mode(&lab, "lab.pem"), mode(&lab, "lab.pub.pem")), (0o600, 0o644));
    let pem = lab.read("lab.pem");
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{}", pem.len());
    assert!(
        lab.read("lab.pub.pem")
            .starts_with("-----BEGIN PUBLIC KEY-----\n")
    );
    // Never overwritten, neither half.
    let ran = lab.run(&["keygen", "--out", "lab.pem"]).ends(2);
    assert!(ran.stderr.contains("never overwritten"), "{}", ran.stderr);
    std::fs::remove_file(lab.path("lab.pub.pem")).expect("it is there");
    lab.run(&["keygen", "--out", "lab.pem"]).ends(2);
    assert_eq!(lab.read("lab.pem"), pem);
    std::fs::remove_file(lab.path("lab.pem")).expect("it is there");
    lab.run(&["keygen", "--out", "lab.pem"]).ends(0);
    assert_ne!(lab.read("lab.pem"), pem);
}

#[rstest]
#[case::missing("nowhere.pem", "key `nowhere.pem`: No such file")]
#[case::no_key("rig.yaml", "`rig.yaml` holds no Ed25519 key: expected PKCS#8 PEM")]
#[case::readable_by_the_group(
    "open.pem",
    "mode 0640: other users can read it; expected 0600, run `chmod 600 open.pem`"
)]
#[case::typed("-----BEGIN PRIVATE KEY-----\nMC4CAQ", "got a key, expected the path of one")]
#[case::no_variable("env", "DFOTA_HIL_SIGNING_KEY is not set")]
fn refused_before_anything_is_powered(#[case] key: &str, #[case] told: &str) {
    let lab = lab("");
    std::fs::copy(lab.path("lab.pem"), lab.path("open.pem")).expect("a copy");
    let set = |name, mode| std::fs::set_permissions(lab.path(name), PermissionsExt::from_mode(mode));
    set("open.pem", 0o640)
        .and_then(|()| set("rig.yaml", 0o600))
        .expect("permissions");
    let ran = lab.run(&lab.arguments(&["--sign", key])).ends(2);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(
        !ran.stderr.contains("MC4CAQ"),
        "a key is not repeated: {}",
        ran.stderr
    );
    assert!(!lab.path("out").exists());
}

#[test]
fn unsigned_and_untouched() {
    let lab = lab("");
    lab.run(&lab.arguments(&[])).ends(0);
    for path in ["out", "out/evidence.tar.zst"] {
        let ran = lab.run(&["verify", path]).ends(0);
        for part in ["untouched: ", "NOT SIGNED", "not time-stamped"] {
            assert!(ran.stdout.contains(part), "{}", ran.stdout);
        }
        let ran = lab.run(&["verify", path, "--require-signature"]).ends(1);
        assert!(
            ran.stdout
                .contains("\nREFUSED: expected a signature, found none\nuntouched: "),
            "{}",
            ran.stdout
        );
        lab.run(&["verify", path, "--key", "lab.pub.pem"]).ends(1);
    }
    let statement: Value = serde_json::from_str(&lab.read("out/evidence.intoto.json")).expect("JSON");
    assert_eq!(statement["predicate"]["result"], "PASSED");
    assert!(!lab.path("out/evidence.dsse.json").exists());
}

#[test]
fn signed() {
    let lab = lab("forgets-resume");
    lab.run(&["keygen", "--out", "other.pem"]).ends(0);
    lab.run(&lab.arguments(&["--sign", "lab.pem"]))
        .ends(0)
        .says("      Signed out/evidence.dsse.json\n");
    let ran = lab.run(&["verify", "out", "--key", "lab.pub.pem"]).ends(0);
    assert!(
        ran.stdout.contains("SIGNED by `lab.pub.pem`, key id "),
        "{}",
        ran.stdout
    );
    let ran = lab.run(&["verify", "out", "--require-signature"]).ends(0);
    assert!(
        ran.stdout.contains("`--key PUB` checks whose key it is"),
        "{}",
        ran.stdout
    );
    let ran = lab
        .run(&["verify", "out", "--key", "other.pub.pem", "--json"])
        .ends(1);
    let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&json["ok"], &json["signed"]), (&false.into(), &true.into()));
    let ran = lab.run(&["verify", "out", "--key", "lab.pem"]).ends(2);
    assert!(ran.stderr.contains("is a private key"), "{}", ran.stderr);

    // Made again, byte for byte, with and without the key.
    let before = ["tar.zst", "dsse.json", "sigstore.json", "intoto.json", "pub.pem"].map(|name| {
        (
            name,
            std::fs::read(lab.path(&format!("out/evidence.{name}"))).expect(name),
        )
    });
    for more in [&["report", "out"][..], &["report", "out", "--sign", "lab.pem"]] {
        lab.run(more).ends(0);
        for (name, bytes) in &before {
            let now = std::fs::read(lab.path(&format!("out/evidence.{name}"))).expect(name);
            assert!(now == *bytes, "evidence.{name} after {more:?}");
        }
    }
    // Signed anew by somebody else.
    lab.run(&["report", "out", "--sign", "other.pem"]).ends(0);
    lab.run(&["verify", "out", "--key", "other.pub.pem"]).ends(0);
    lab.run(&["verify", "out", "--key", "lab.pub.pem"]).ends(1);
}

/// The secret is in the file and the environment that the user chose, and nowhere else.
#[test]
fn a_key_is_written_nowhere() {
    let lab = lab("");
    let pem = lab.read("lab.pem");
    let secret = pem.lines().nth(1).expect("the key").to_owned();
    // The line's program tells what it was given.
    lab.write("spy.sh", "#!/bin/sh\nenv >> spied\n");
    std::fs::set_permissions(lab.path("spy.sh"), PermissionsExt::from_mode(0o755)).expect("a program");
    lab.write(
        "bench.yaml",
        "rig: bench
module: bc66
serial: {port: /dev/null}
power: {driver: command, on: [./spy.sh], off: [./spy.sh], discharge: 100ms}
network:
  http: {listen: \"127.0.0.1:0\", advertise: \"http://127.0.0.1:1\"}
",
    );
    let mut command = lab.command(&["power", "bench.yaml", "on"]);
    command.env("DFOTA_HIL_SIGNING_KEY", &pem);
    assert!(command.status().expect("it runs").success());
    assert!(lab.read("spied").contains("PATH="));

    let mut command = lab.command(&lab.arguments(&["--sign", "env"]));
    let ran = command
        .env("DFOTA_HIL_SIGNING_KEY", &pem)
        .output()
        .expect("it runs");
    assert_eq!(
        ran.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    lab.run(&["verify", "out", "--key", "lab.pub.pem"]).ends(0);
    std::fs::remove_file(lab.path("lab.pem")).expect("it is there");
    let found = std::process::Command::new("grep")
        .args(["-rlF", &secret, "."])
        .current_dir(lab.path(""))
        .output()
        .expect("grep");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "of {PROGRAM}");
}

#[test]
fn touched() {
    let lab = lab("");
    lab.run(&lab.arguments(&["--sign", "lab.pem"])).ends(0);
    let journal = lab.read("out/events.jsonl");
    let mut lines: Vec<&str> = journal.lines().collect();
    lines.remove(16);
    lab.write("out/events.jsonl", lines.join("\n") + "\n");
    let ran = lab.run(&["verify", "out"]).ends(1);
    assert!(
        ran.stdout
            .contains("TOUCHED: events.jsonl: line 17 was removed\n"),
        "{}",
        ran.stdout
    );
    // `report` makes no evidence of it, and leaves what is there.
    let bundle = std::fs::read(lab.path("out/evidence.tar.zst")).expect("a bundle");
    let ran = lab.run(&["report", "out"]).ends(0);
    assert!(
        ran.stderr
            .contains("no evidence was made: events.jsonl: line 17 was removed"),
        "{}",
        ran.stderr
    );
    lab.run(&["report", "out", "--sign", "lab.pem"]).ends(1);
    assert!(std::fs::read(lab.path("out/evidence.tar.zst")).expect("a bundle") == bundle);
    lab.run(&["verify", "out/evidence.tar.zst", "--key", "lab.pub.pem"])
        .ends(0);
}

#[test]
fn neither_a_run_nor_a_bundle() {
    let lab = lab("");
    for (path, told) in [
        ("nowhere", "expected a run folder"),
        ("tmp", "expected a run folder"),
    ] {
        let ran = lab.run(&["verify", path]).ends(2);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    let ran = lab.run(&["verify", "suite.yaml"]).ends(1);
    assert!(ran.stdout.contains("not made by this program"), "{}", ran.stdout);
}

/// Errors and cases that were not reached are no passes in anybody's words.
#[test]
fn a_run_that_was_cut_short_is_not_passed() {
    let lab = lab("");
    lab.suite(
        "cases:\n  - name: clean\n    matrix: {n: [1, 2, 3]}\n    update: {package: a-to-b, via: http}\n",
    );
    lab.run(&lab.arguments(&["--max-time", "1ms", "--sign", "lab.pem"]))
        .ends(3);
    let statement: Value = serde_json::from_str(&lab.read("out/evidence.intoto.json")).expect("JSON");
    assert_ne!(statement["predicate"]["result"], "PASSED", "{statement}");
    let warned = statement["predicate"]["warnedTests"].as_array().expect("a list");
    assert!(!warned.is_empty(), "{statement}");
    lab.run(&["verify", "out", "--key", "lab.pub.pem"]).ends(0);
}
