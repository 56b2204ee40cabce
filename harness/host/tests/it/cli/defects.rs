//! Modules that are at fault: exit code 1, the rule, and a sentence that an engineer can act on.

use crate::cli::evidence;
use crate::junit;
use crate::lab::{Lab, PROGRAM, steady};
use crate::process::Running;
use rstest::rstest;

#[rstest]
#[case::forgets(
    "forgets-resume",
    "no-resume",
    "old-intact",
    &["UPDATING 50%", "BC66NBR01A01", "BC66NBR01A02", "forced resume"],
    &["UPDATING", "cut-made", "RDY", "identity BC66NBR01A01"]
)]
#[case::lies(
    "end-zero-old-version",
    "end-without-update",
    "old-intact",
    &["END,0", "BC66NBR01A01", "BC66NBR01A02"],
    &["cut-made", "\"END\",0", "identity BC66NBR01A01"]
)]
#[case::hangs(
    "hangs-in-updating",
    "update-stalled",
    "still-updating",
    &["stood at UPDATING ", "%", "no END"],
    &["UPDATING", "cut-made", "UPDATING", "watched limit-over"]
)]
#[case::dead(
    "dead-after-cut",
    "unresponsive",
    "unresponsive",
    &["UPDATING 50%", "does not answer", "2 × a power cycle, a reset, PWRKEY", "BC66NBR01A01", "BC66NBR01A02"],
    &["UPDATING", "cut-made", "watched revival", "watched revival", "watched revival", "watched revival", "watched no-answer"]
)]
#[case::silent(
    "never-prints-end",
    "end-missing",
    "new-after-resume",
    &["BC66NBR01A02", "no END"],
    &["cut-made", "UPDATING", "RDY", "identity BC66NBR01A02"]
)]
fn each_defect_is_found(
    #[case] defect: &str,
    #[case] rule: &str,
    #[case] outcome: &str,
    #[case] told: &[&str],
    #[case] rests_on: &[&str],
) {
    let lab = Lab::new();
    lab.rig(200, defect);
    // Module's time: an update takes about 60 s, a boot 2 s. At 20 % every attempt of the module that hangs has not hung yet.
    lab.suite(
        "limits: {boot: 20s, resume: 30s, update: 120s}
cases:
  - name: forced resume
    update: {package: a-to-b, via: uart}
    cut: {at: updating 20%, after: 5s}
",
    );
    let ran = lab.run(&lab.arguments(&[])).ends(1);
    let cases = junit::cases(&lab.read("out/junit.xml"));
    let [case] = &cases[..] else { panic!("{cases:?}") };
    assert_eq!(
        (case.verdict.as_str(), case.kind.as_str()),
        ("failure", format!("product.{rule}").as_str()),
        "{case:?}"
    );
    let message = steady(&case.message);
    for part in told {
        assert!(message.contains(&steady(part)), "`{part}` in: {}", case.message);
    }
    assert!(
        case.message.split_whitespace().count() > 8,
        "a sentence: {}",
        case.message
    );
    // The body says where to look and what to type.
    for part in [
        "case: suite.yaml:",
        "rerun: dfota-hil run suite.yaml",
        "--seed 7",
        "the lines about it:",
    ] {
        assert!(case.body.contains(part), "`{part}` in: {}", case.body);
    }
    // So does the end of the output.
    assert!(
        ran.stdout.contains(&format!("{rule}: {}", case.message)),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("transcript: out/transcripts/lab.forced-resume.log"),
        "{}",
        ran.stdout
    );
    assert_eq!(lab.ended("out"), (1, false, true));
    assert_eq!(lab.cases("out")[0]["outcome"], outcome);
    evidence::rests_on(&lab, &ran, rests_on);
}

#[test]
fn what_is_printed_to_rerun_a_case_reruns_it() {
    let lab = Lab::new();
    lab.rig(100, "forgets-resume");
    lab.suite(
        "cases:
  - name: clean
    update: {package: a-to-b, via: uart}
  - name: forced resume
    matrix: {at: [30%, 60%]}
    update: {package: a-to-b, via: uart}
    cut: {at: \"updating {at}\", after: 0ms..4s}
",
    );
    std::fs::rename(lab.path("suite.yaml"), lab.path("my suite.yaml")).expect("a file");
    let args = "--rig rig.yaml --out out --seed 7 --repeat 2";
    let args: Vec<&str> = ["run", "my suite.yaml"]
        .into_iter()
        .chain(args.split(' '))
        .collect();
    let ran = lab.run(&args).ends(1);
    let reruns: Vec<&str> = ran
        .stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rerun: "))
        .collect();
    assert!(reruns.len() >= 2, "{}", ran.stdout);
    let cut = |out: &str, id: &str| {
        let run: serde_json::Value =
            serde_json::from_str(&lab.read(&format!("{out}/run.json"))).expect("JSON");
        let cases = run["cases"].as_array().expect("a list").clone();
        let case = cases.into_iter().find(|case| case["id"] == id).expect("the case");
        case["cuts"][0]["id"].clone()
    };
    // The first of them: what it leaves behind is no sound image for the other.
    let id = "forced-resume[at=30%]#1";
    let line = reruns.iter().find(|line| line.contains(id)).expect("its line");
    // As a shell takes it.
    let line = format!("{} --out again", line.replacen("dfota-hil", PROGRAM, 1));
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", &line])
        .current_dir(lab.path(""))
        .env("TMPDIR", lab.path("tmp"))
        .env("XDG_STATE_HOME", lab.path("state"));
    Running::start(&mut shell).end().ends(1);
    assert_eq!(lab.verdicts("again"), [format!("{id} fail no-resume")]);
    assert_eq!(cut("again", id), cut("out", id), "the same cut, delay and all");
}

/// The version is right and the image is not: the next known-good delta finds it out, whether it is to prepare the case or
/// is the case itself, and accuses the case that left the image.
#[rstest]
#[case::while_preparing("update: {package: a-to-b, via: uart}")]
#[case::as_the_case_itself("update: {package: b-to-a, via: uart}")]
fn a_corrupt_image_is_the_fault_of_the_case_that_left_it(#[case] next: &str) {
    let lab = Lab::new();
    lab.rig(200, "end-zero-corrupted-image");
    lab.suite(&format!(
        "cases:
  - name: first
    update: {{package: a-to-b, via: uart}}
  - name: next
    {next}
"
    ));
    lab.run(&lab.arguments(&[])).ends(1);
    let cases = junit::cases(&lab.read("out/junit.xml"));
    let [first, next] = &cases[..] else {
        panic!("{cases:?}")
    };
    assert_eq!(
        (first.verdict.as_str(), first.kind.as_str()),
        ("failure", "product.image-corrupt"),
        "{first:?}"
    );
    assert!(first.message.contains("END,254"), "{first:?}");
    assert_eq!(
        (next.verdict.as_str(), next.kind.as_str()),
        ("failure", "product.preparation-failed"),
        "{next:?}"
    );
    assert!(next.message.contains("`first` left a corrupt image"), "{next:?}");
    // It cites the lines of its cause, and what reruns it makes both again.
    let ended = &lab.cases("out")[1];
    let began = lab.events("out");
    let began = began
        .iter()
        .find(|event| event["event"] == "case-started" && event["id"] == "next");
    let began = began.expect("the second case")["seq"].as_u64();
    let cited = ended["evidence"].as_array().expect("evidence");
    assert!(cited.iter().any(|line| line.as_u64() < began), "{ended}");
    let rerun = ended["rerun"].as_str().expect("a line").to_owned();
    assert!(rerun.ends_with("--filter '=lab::first | =lab::next'"), "{rerun}");
    let filter = ["--filter", "=lab::first | =lab::next"];
    let again = [
        &[
            "run",
            "suite.yaml",
            "--rig",
            "rig.yaml",
            "--out",
            "again",
            "--seed",
            "7",
        ][..],
        &filter,
    ]
    .concat();
    lab.run(&again).ends(1);
    assert_eq!(lab.verdicts("again"), lab.verdicts("out"));
    lab.run(&["judge", "out"]).ends(0);
}

/// What is wrong with the firmware update object is found over LwM2M, whatever AT says. A download that takes long is not over
/// when the early order comes, however busy the machine is.
#[rstest]
#[case("lwm2m-stuck-at-updating", "", "object-state")]
#[case(
    "executes-in-any-state",
    "faults: {coap: {execute-early: true, max-block: 64, delay: 1s}}",
    "execute-too-early"
)]
fn each_defect_of_the_object_is_found(#[case] defect: &str, #[case] faults: &str, #[case] rule: &str) {
    let lab = Lab::new();
    lab.rig(20, defect);
    lab.suite(&format!(
        "cases:
  - name: over coap
    update: {{package: a-to-b, via: coap}}
    {faults}
"
    ));
    lab.run(&lab.arguments(&[])).ends(1);
    let cases = junit::cases(&lab.read("out/junit.xml"));
    let [case] = &cases[..] else { panic!("{cases:?}") };
    assert_eq!(case.kind, format!("product.{rule}"), "{case:?}");
}

/// A result that is not reset shows where one stands from the update before.
#[test]
fn a_result_that_is_not_reset_is_found() {
    let lab = Lab::new();
    lab.rig(100, "result-not-reset");
    lab.suite(
        "cases:
  - {name: there, update: {package: a-to-b, via: coap}}
  - {name: back, update: {package: b-to-a, via: coap}}
",
    );
    lab.run(&lab.arguments(&[])).ends(1);
    let kinds: Vec<String> = junit::cases(&lab.read("out/junit.xml"))
        .into_iter()
        .map(|case| case.kind)
        .collect();
    assert_eq!(kinds, ["", "product.result-not-reset"]);
}

/// The questions take longer than `settle`: the module is heard for a second all the same. In no time at all, a line that never
/// rests is as quiet as one that does, and a sound module that says one thing is as loud as this one.
#[test]
fn a_line_that_never_rests_is_found_however_short_it_is_watched() {
    let lab = Lab::new();
    lab.rig(8, "cereg-flood");
    lab.suite(
        "limits: {boot: 20s, attach: 60s, resume: 40s, update: 120s, settle: 1ms}
cases:
  - {name: clean update, update: {package: a-to-b, via: uart}}
",
    );
    lab.run(&lab.arguments(&[])).ends(1);
    let cases = junit::cases(&lab.read("out/junit.xml"));
    let kinds: Vec<&str> = cases.iter().map(|case| case.kind.as_str()).collect();
    assert_eq!(kinds, ["product.floods-the-line"]);
}
