//! `list`, and what is said when a selection or an argument misses.

use crate::lab::Lab;
use rstest::rstest;

const CASES: &str = "\
cases:
  - name: clean
    update: {package: a-to-b, via: uart}
  - name: forced resume
    matrix: {at: [20%, 50%]}
    tags: [nightly, cuts]
    update: {package: a-to-b, via: http}
    cut: {at: 'updating {at}'}
";

#[test]
fn ids_and_tags_without_a_rig() {
    let lab = Lab::new();
    lab.suite(CASES);
    let ran = lab.run(&["list", "suite.yaml"]).ends(0);
    let expected = "\
lab::clean
lab::forced-resume[at=20%]  nightly, cuts
lab::forced-resume[at=50%]  nightly, cuts
";
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (expected, ""));
    let ran = lab
        .run(&["list", "suite.yaml", "--tag", "cuts", "--filter", "50", "--json"])
        .ends(0);
    let listed: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert_eq!(listed[0]["id"], "forced-resume[at=50%]");
    assert_eq!(listed[0]["tags"], serde_json::json!(["nightly", "cuts"]));
}

/// Results are kept by suite and id, so two suites of one name could not be told apart.
#[test]
fn suites_of_one_name_are_refused() {
    let lab = Lab::new();
    lab.suite(CASES);
    lab.rig(60, "");
    std::fs::copy(lab.path("suite.yaml"), lab.path("again.yaml")).expect("a copy");
    for args in [
        &["list", "suite.yaml", "again.yaml"][..],
        &["plan", "suite.yaml", "again.yaml", "--rig", "rig.yaml"],
    ] {
        let ran = lab.run(args).ends(2);
        let told = "error: `suite.yaml` and `again.yaml` are both named `lab`: rename one of them, or run them one after the other\n";
        assert_eq!(ran.stderr, told);
    }
}

/// Names in any script give ids that can be told apart, and selected.
#[test]
fn ids_keep_letters_of_any_script() {
    let lab = Lab::new();
    lab.suite("cases:\n  - name: Обрыв питания\n    update: {package: a-to-b, via: uart}\n  - name: 断电 恢复\n    update: {package: a-to-b, via: uart}\n");
    let ran = lab.run(&["list", "suite.yaml"]).ends(0);
    assert_eq!(ran.stdout, "lab::обрыв-питания\nlab::断电-恢复\n");
    lab.rig(400, "");
    lab.run(&lab.arguments(&["--filter", "恢复"]))
        .ends(0)
        .says("断电-恢复");
    lab.run(&["report", "out"]).ends(0);
    lab.run(&["verify", "out"]).ends(0);
}

#[test]
fn a_plan_says_whose_seed_it_shows() {
    let lab = Lab::new();
    lab.suite(CASES);
    let plan = ["plan", "suite.yaml", "--rig", "rigs/sim.yaml"];
    lab.run(&plan).ends(0).says("no `--seed`: `run` draws one");
    let given = lab.run(&[&plan[..], &["--seed", "0"]].concat()).ends(0);
    assert!(
        given
            .says("speed 60, seed 0\n")
            .stdout
            .lines()
            .all(|line| !line.contains("draws"))
    );
    let json = lab.run(&[&plan[..], &["--json"]].concat()).ends(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&json["seed"], &json["seed_given"]), (&0.into(), &false.into()));
}

#[rstest]
#[case(&["--filter", "forced-resum3"], "no id has `forced-resum3` in it: did you mean `forced-resume`?")]
#[case(&["--filter", "=lab::forced-resume[at=51%]"], "did you mean `lab::forced-resume[at=50%]`?")]
#[case(&["--filter", "claen*"], "did you mean `clean`?")]
#[case(&["--tag", "nightley"], "no case has the tag `nightley`: did you mean `nightly`? the tags are `cuts`, `nightly`")]
#[case(&["--filter", "zzzzzzzz"], "`dfota-hil list SUITE` shows ids and tags")]
fn near_misses(#[case] flags: &[&str], #[case] told: &str) {
    let lab = Lab::new();
    lab.suite(CASES);
    lab.rig(400, "");
    for command in [
        &["list", "suite.yaml"][..],
        &["plan", "suite.yaml", "--rig", "rig.yaml"],
        &["run", "suite.yaml", "--rig", "rig.yaml"],
    ] {
        let ran = lab.run(&[command, flags].concat()).ends(2);
        ran.complains(told);
    }
}

#[rstest]
#[case(&["run", "rig.yaml", "--rig", "suite.yaml"], &["this is a suite, not a rig", "this is a rig, not a suite"])]
#[case(&["check", "suite.yaml"], &["this is a suite, not a rig"])]
#[case(&["list", "rig.yaml"], &["this is a rig, not a suite"])]
fn swapped_files(#[case] args: &[&str], #[case] told: &[&str]) {
    let lab = Lab::new();
    lab.suite(CASES);
    lab.rig(400, "");
    let ran = lab.run(args).ends(2);
    for part in told {
        ran.complains(part);
    }
    assert!(!ran.stderr.contains("unknown key"), "{}", ran.stderr);
}
