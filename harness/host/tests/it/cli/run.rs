//! `run` to its end, and `report` after it.

use crate::junit;
use crate::lab::{Lab, steady};
use rstest::rstest;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

const CLEAN: &str = "cases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n";
/// Three cases of which the first cannot pass: no package leads to its version.
const FIRST_CANNOT_PASS: &str = "\
cases:
  - name: impossible
    update: {package: a-to-b, via: uart, on: BC66NBR01A09}
  - name: second
    update: {package: a-to-b, via: uart}
  - name: third
    update: {package: b-to-a, via: uart}
";

/// The files of a folder and below it, by their path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            for (below, bytes) in files(&entry.path()) {
                found.insert(format!("{name}/{below}"), bytes);
            }
        } else {
            found.insert(name, std::fs::read(entry.path()).expect("a file"));
        }
    }
    found
}

/// Checks the chain of a journal: a number without a gap, and the digest of the line before.
#[track_caller]
fn check_chain(journal: &[u8]) {
    let mut prev = Sha256::digest([]);
    let lines: Vec<&[u8]> = journal.split_inclusive(|&byte| byte == b'\n').collect();
    for (n, line) in lines.iter().enumerate() {
        let line = line.strip_suffix(b"\n").expect("a whole line");
        let event: Value = serde_json::from_slice(line).expect("JSON");
        assert_eq!(event["seq"], n);
        let hex: String = prev.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(event["prev"], hex.as_str(), "line {}", n + 1);
        prev = Sha256::digest(line);
    }
    assert!(lines.len() > 100, "{} lines", lines.len());
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story, told in the order in which it happens"
)]
fn smoke_on_the_fast_rig() {
    let lab = Lab::new();
    let ran = lab.run(&[
        "run",
        "suites/smoke.yaml",
        "--rig",
        "rigs/sim-fast.yaml",
        "--seed",
        "7",
        "--out",
        "out",
    ]);
    let ran = ran.ends(0);
    insta::assert_snapshot!(steady(&ran.stdout));
    assert_eq!(ran.stderr, "");

    let cases = junit::cases(&lab.read("out/junit.xml"));
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let expected = [
        "clean-update[via=http]",
        "clean-update[via=uart]",
        "clean-update[via=coap]",
        "forced-resume[via=http]",
        "forced-resume[via=uart]",
        "forced-resume[via=coap]",
    ];
    assert_eq!(names, expected);
    assert!(cases.iter().all(|case| case.verdict.is_empty()), "{cases:?}");

    let made = files(&lab.path("out"));
    let (transcripts, other): (Vec<_>, Vec<_>) = made
        .keys()
        .map(String::as_str)
        .partition(|name| name.starts_with("transcripts/"));
    assert_eq!(
        other,
        [
            "events.jsonl",
            "evidence.intoto.json",
            "evidence.tar.zst",
            "junit.xml",
            "report.html",
            "run.json"
        ]
    );
    assert_eq!(transcripts.len(), expected.len());
    for id in expected {
        let slug = id.replace(['[', '='], "-").replace(']', "");
        let start = format!("transcripts/bc66-smoke.{slug}-");
        assert!(
            transcripts.iter().any(|name| name.starts_with(&start)),
            "{transcripts:?}"
        );
    }
    check_chain(&made["events.jsonl"]);
    assert_eq!(lab.ended("out"), (0, false, true));
    assert!(lab.names("tmp").is_empty(), "left behind: {:?}", lab.names("tmp"));

    // From the journal alone, in its place and elsewhere, under another name.
    std::fs::create_dir_all(lab.path("else/where")).expect("a folder");
    std::fs::copy(lab.path("out/events.jsonl"), lab.path("else/where/events.jsonl")).expect("a copy");
    for name in made.keys().filter(|name| *name != "events.jsonl") {
        std::fs::remove_file(lab.path("out").join(name)).expect("a file");
    }
    for folder in ["out", "else/where"] {
        let again = lab.run(&["report", folder]).ends(0);
        let summary = ran.stdout.find("------------").expect("a summary");
        // Each ends with what it has made, where that is.
        let told = ran.stdout[summary..].replace(" out/", &format!(" {folder}/"));
        assert_eq!(again.stdout, told);
        let remade = files(&lab.path(folder));
        assert_eq!(remade.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>());
        for (name, bytes) in &remade {
            assert!(*bytes == made[name], "{folder}/{name} differs");
        }
    }
}

#[test]
fn the_default_run_folder_names_time_rig_and_suite() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CLEAN);
    lab.run(&["run", "suite.yaml", "--rig", "rig.yaml"]).ends(0);
    let [name, history] = &lab.names("reports")[..] else {
        panic!("{:?}", lab.names("reports"));
    };
    assert_eq!(history, "history.sqlite");
    let (time, rest) = name.split_at("20261122T143005Z".len());
    let shape: String = time
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!((shape.as_str(), rest), ("00000000T000000Z", "-lab-lab"));
}

#[test]
fn a_run_folder_is_never_written_twice() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CLEAN);
    lab.run(&lab.arguments(&[])).ends(0);
    let before = files(&lab.path("out"));
    let ran = lab.run(&lab.arguments(&[])).ends(2);
    assert_eq!(
        ran.stderr,
        "error: run folder `out` holds a run already: a journal is never written twice; choose another with `--out` or DFOTA_HIL_OUT\n"
    );
    assert!(before == files(&lab.path("out")));
}

/// The way to a case's version is over UART, unless the suite says otherwise.
#[rstest]
#[case("", "over uart")]
#[case("prepare: {via: http}\n", "over http")]
#[case("prepare: {via: coap}\n", "over coap")]
fn a_case_is_prepared_over(#[case] prepare: &str, #[case] told: &str) {
    let lab = Lab::new();
    lab.rig(200, "");
    lab.suite(&format!(
        "{prepare}cases:\n  - name: back\n    update: {{package: b-to-a, via: uart}}\n"
    ));
    lab.run(&lab.arguments(&[])).ends(0);
    let events = lab.events("out");
    let way = events.iter().filter_map(|event| event["text"].as_str());
    let way: Vec<&str> = way
        .filter(|text| text.starts_with("bringing the module to"))
        .collect();
    assert_eq!(
        way,
        [format!("bringing the module to BC66NBR01A02 by a-to-b {told}")]
    );
}

#[test]
fn without_fail_fast_the_run_goes_on() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(FIRST_CANNOT_PASS);
    let ran = lab.run(&lab.arguments(&[])).ends(3);
    assert_eq!(
        lab.verdicts("out"),
        ["impossible error no-chain", "second pass -", "third pass -"]
    );
    // The one that is missing is named, for whoever has to get it.
    for part in [
        "the module runs BC66NBR01A01 and the case needs BC66NBR01A09",
        "known versions are BC66NBR01A01, BC66NBR01A02",
        "missing is a package BC66NBR01A01 → BC66NBR01A09",
    ] {
        assert!(ran.stdout.contains(part), "`{part}` in: {}", ran.stdout);
    }
}

#[test]
fn fail_fast_ends_at_the_first_case_that_does_not_pass() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(FIRST_CANNOT_PASS);
    lab.run(&lab.arguments(&["--fail-fast"])).ends(3);
    assert_eq!(
        lab.verdicts("out"),
        [
            "impossible error no-chain",
            "second not-reached -",
            "third not-reached -"
        ]
    );
    assert_eq!(lab.ended("out"), (3, false, true));
    let cases = junit::cases(&lab.read("out/junit.xml"));
    let kinds: Vec<&str> = cases.iter().map(|case| case.kind.as_str()).collect();
    assert_eq!(kinds, ["suite.no-chain", "not-reached", "not-reached"]);
}

#[test]
fn max_time_leaves_the_rest_unreached() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(FIRST_CANNOT_PASS);
    let ran = lab.run(&lab.arguments(&["--max-time", "0s"])).ends(3);
    assert!(
        ran.stdout.contains("3 cases: 0 passed, 3 not reached"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        lab.verdicts("out"),
        [
            "impossible not-reached -",
            "second not-reached -",
            "third not-reached -"
        ]
    );
}

#[test]
fn json_is_run_json_and_nothing_else() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CLEAN);
    let ran = lab.run(&lab.arguments(&["--json"])).ends(0);
    assert_eq!(ran.stdout, lab.read("out/run.json"));
    let run: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(run["seed"], 7);
    assert_eq!(run["exit"], 0);
    assert_eq!(run["rig"]["simulated"], true);
    assert_eq!(run["rig"]["text"], lab.read("rig.yaml"));
    assert_eq!(run["suites"][0]["text"], lab.read("suite.yaml"));
    assert_eq!(run["module"]["before"]["version"], "BC66NBR01A01");
    assert_eq!(run["module"]["after"]["version"], "BC66NBR01A02");
    let package = std::fs::read(lab.path("suites/packages/a-to-b.delta")).expect("a package");
    let digest: String = Sha256::digest(package)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(run["packages"][0]["sha256"], digest.as_str());
}

#[test]
fn junit_can_go_elsewhere_as_well() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CLEAN);
    lab.run(&lab.arguments(&["--junit", "new/folder/result.xml"]))
        .ends(0);
    assert_eq!(lab.read("new/folder/result.xml"), lab.read("out/junit.xml"));
    lab.run(&["report", "out", "--junit", "again.xml"]).ends(0);
    assert_eq!(lab.read("again.xml"), lab.read("out/junit.xml"));
}

#[test]
fn a_failure_that_cannot_be_reported_everywhere_stays_one() {
    let args = ["--junit", "file/result.xml"];
    for (defects, code) in [("", 3), ("end-zero-old-version", 1)] {
        let lab = Lab::new();
        lab.write("file", "");
        lab.rig(400, defects);
        lab.suite(CLEAN);
        let ran = lab.run(&lab.arguments(&args)).ends(code);
        assert!(
            ran.stderr.contains("`file/result.xml` could not be written"),
            "{}",
            ran.stderr
        );
        assert_eq!(junit::cases(&lab.read("out/junit.xml")).len(), 1);
        assert!(lab.path("out/run.json").exists());
    }
}

/// The rest of the suites of the repository. On a busy machine a cut at 99 % may come too late, which is inconclusive; no
/// machine makes a failure or an error of it.
#[rstest]
#[case("forced-resume")]
#[case("refusals")]
#[case("download-cuts")]
#[case("lossy-coap")]
fn the_suites_end_as_they_should(#[case] suite: &str) {
    let lab = Lab::new();
    lab.rig(150, "");
    let suite = format!("suites/{suite}.yaml");
    let ran = lab.run(&["run", &suite, "--rig", "rig.yaml", "--out", "out", "--seed", "7"]);
    let cases = junit::cases(&lab.read("out/junit.xml"));
    let late = |case: &&junit::Case| case.kind.starts_with("inconclusive.");
    let (late, others): (Vec<_>, Vec<_>) = cases.iter().partition(late);
    assert!(
        others
            .iter()
            .all(|case| case.verdict.is_empty() || case.verdict == "skipped"),
        "{}",
        ran.stdout
    );
    assert!(others.len() > cases.len() / 2, "{}", ran.stdout);
    ran.ends(if late.is_empty() { 0 } else { 3 });
}

#[test]
fn attachments_are_named_as_asked_and_exist() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CLEAN);
    let folder = lab.path("").canonicalize().expect("it exists");
    for how in ["relative", "absolute", "none"] {
        let args = [
            "run",
            "suite.yaml",
            "--rig",
            "rig.yaml",
            "--out",
            how,
            "--attachments",
            how,
        ];
        lab.run(&args).ends(0);
        let cases = junit::cases(&lab.read(&format!("{how}/junit.xml")));
        let attached = cases[0].output.lines().find_map(|line| {
            let inner = line.strip_prefix("[[ATTACHMENT|")?.strip_suffix("]]")?;
            Some(Path::new(inner).to_owned())
        });
        match (how, attached) {
            ("none", None) => {}
            ("relative", Some(path)) => {
                assert!(path.is_relative());
                assert!(folder.join(path).is_file());
            }
            ("absolute", Some(path)) => assert!(path.is_absolute() && path.is_file()),
            (_, attached) => panic!("{how}: {attached:?}"),
        }
    }
}

#[test]
fn the_seed_is_drawn_told_and_recorded() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CLEAN);
    let ran = lab
        .run(&["run", "suite.yaml", "--rig", "rig.yaml", "--out", "out"])
        .ends(0);
    let seed = lab.events("out")[0]["seed"].as_u64().expect("a seed");
    assert!(
        ran.stdout
            .lines()
            .next()
            .is_some_and(|line| line.ends_with(&format!("seed {seed}")))
    );
}

/// The second case finds out that the first one left a corrupt image, and says so before it ends itself.
#[test]
fn a_case_that_is_accused_later_keeps_its_own_transcript() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(
        "cases:
  - name: first
    update: {package: a-to-b, via: uart}
  - name: second
    update: {package: b-to-a, via: uart}
  - name: third
    update: {package: a-to-b, via: uart}
",
    );
    lab.run(&lab.arguments(&[])).ends(0);
    let mut accused = String::new();
    for line in lab.read("out/events.jsonl").split_inclusive('\n') {
        let event: Value = serde_json::from_str(line).expect("JSON");
        if event["event"] == "case-ended" && event["id"] == "second" {
            let mut again = event.clone();
            again["id"] = "first".into();
            again["verdict"] = "fail".into();
            again["rule"] = "image-corrupt".into();
            again["sentence"] = "the image does not match its version".into();
            accused.push_str(&format!("{again}\n"));
        }
        accused.push_str(line);
    }
    std::fs::create_dir(lab.path("accused")).expect("a folder");
    lab.write("accused/events.jsonl", accused);
    lab.run(&["report", "accused"]).ends(0);
    let transcript = |out: &str, case: &str| lab.read(&format!("{out}/transcripts/lab.{case}.log"));
    let whole = |transcript: String, case: &str| {
        let ends = transcript.lines().last().unwrap_or_default().to_owned();
        (transcript.contains(case), ends)
    };
    for case in ["first", "second", "third"] {
        let (before, after) = (transcript("out", case), transcript("accused", case));
        assert_eq!(whole(before.clone(), case), whole(after.clone(), case));
        // Beside the head, which holds the verdict, nothing but the accusation differs.
        assert!(
            after.lines().count().abs_diff(before.lines().count()) <= 3,
            "{after}"
        );
    }
}

/// Power is lost before an update that the module has to refuse: it is refused when it is ordered again.
#[test]
fn a_code_is_expected_of_the_update_that_follows_the_cut() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(
        "cases:
  - name: wrong base
    update: {package: b-to-a, via: uart, on: BC66NBR01A01}
    cut: {at: upload block 1}
    expect: {update: 254, version: unchanged}
  - name: corrupt
    update: {package: a-to-b, via: http}
    faults: {http: {corrupt: 90%}}
    cut: {at: http-start}
    expect: {update: 255, version: unchanged}
  - name: no ranges
    update: {package: a-to-b, via: http}
    faults: {http: {ignore-range: true}}
    cut: {at: downloading 50%}
",
    );
    let ran = lab.run(&lab.arguments(&[])).ends(0);
    assert!(
        ran.stdout.contains("again: END,254 · BC66NBR01A01"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("again: END,255 · BC66NBR01A01"),
        "{}",
        ran.stdout
    );
}

/// The limit runs out while the server still answers: it was reached all the same.
#[test]
fn a_download_that_is_under_way_has_reached_the_server() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(
        "cases:
  - name: slow
    update: {package: a-to-b, via: http}
    faults: {http: {throttle: 1}}
    limits: {download: 60s}
",
    );
    let ran = lab.run(&lab.arguments(&[])).ends(1);
    let sentence = "download-stalled: the download did not end within the limit `download`; the server had seen one request";
    assert!(ran.stdout.contains(sentence), "{}", ran.stdout);
}
