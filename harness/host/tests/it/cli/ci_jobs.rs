//! The job files of `docs/ci`: what they have a shell do is done here, on a simulated rig, word for word.

use crate::lab::{Lab, PROGRAM, Ran};
use crate::process::Running;
use rstest::rstest;
use serde_yaml::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// The suite that the pages tell to write; those of the repository are for the simulated module.
const THEIRS: &str = "/etc/dfota-hil/nightly.yaml";

fn job_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/ci")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("`{}`: {why}", path.display()))
}

/// The lines that GitLab gives to the shell, and the variables of the job.
fn gitlab() -> (Vec<String>, Vec<String>) {
    let file: Value = serde_yaml::from_str(&job_file("gitlab-ci.yml")).expect("YAML");
    let job = &file["bench-01"];
    let script = job["script"].as_sequence().expect("a script");
    (
        script.iter().map(text).collect(),
        vec![text(&job["variables"]["SUITES"])],
    )
}

fn github() -> (Vec<String>, Vec<String>) {
    let file: Value = serde_yaml::from_str(&job_file("github-actions.yml")).expect("YAML");
    let job = &file["jobs"]["bench-01"];
    let steps = job["steps"].as_sequence().expect("steps");
    let runs = steps.iter().filter(|step| step.get("run").is_some());
    (
        runs.map(|step| text(&step["run"])).collect(),
        vec![text(&job["env"]["SUITES"])],
    )
}

fn jenkins() -> (Vec<String>, Vec<String>) {
    let file = job_file("Jenkinsfile");
    let quoted = |begin: &'static str| {
        let lines = file
            .lines()
            .filter_map(move |line| line.trim().strip_prefix(begin)?.strip_suffix('\''));
        lines.map(str::to_owned).collect()
    };
    (quoted("sh '"), quoted("SUITES = '"))
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

/// Does it as the CI does: a shell that stops at the first failure, the program on its PATH, its own variables set.
fn run(lab: &Lab, script: &[String], rig: &str) -> Ran {
    let program = Path::new(PROGRAM).parent().expect("a folder").display();
    let path = format!("{program}:{}", std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("bash");
    shell
        .args(["-e", "-o", "pipefail", "-c", &script.join("\n")])
        .current_dir(lab.path("."))
        .env("PATH", path)
        .env("TMPDIR", lab.path("tmp"))
        .env("DFOTA_HIL_STATE_DIR", lab.path("state"))
        .envs([("RIG", rig), ("SUITES", "suite.yaml")])
        .envs(["CI_JOB_ID", "GITHUB_RUN_ID", "BUILD_NUMBER"].map(|name| (name, "42")))
        .stdin(Stdio::null());
    Running::start(&mut shell).end()
}

/// One update without a cut, which no load of this machine makes miss.
fn clean_update(defects: &str) -> Lab {
    let lab = Lab::new();
    lab.rig(400, defects);
    lab.suite("cases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n");
    lab
}

#[rstest]
#[case::gitlab(gitlab())]
#[case::github(github())]
#[case::jenkins(jenkins())]
fn a_job_does_what_it_says(#[case] (script, suites): (Vec<String>, Vec<String>)) {
    let lab = clean_update("");
    let runs = script.iter().filter(|line| line.starts_with("dfota-hil run "));
    assert_eq!((runs.count(), suites.len()), (1, 1), "{script:?} {suites:?}");
    assert_eq!(
        suites[0], THEIRS,
        "a suite of who runs the bench, with the vendor's packages"
    );
    run(&lab, &script, "rig.yaml").ends(0);
    assert!(
        lab.read("junit.xml").contains("<testsuite "),
        "{}",
        lab.read("junit.xml")
    );
    assert!(lab.path("reports/42/report.html").exists());
}

/// Most CI servers clean the workspace before a job: the earlier nights are known all the same.
#[rstest]
#[case::gitlab(gitlab(), "DFOTA_HIL_STATE_DIR: /var/lib/dfota-hil", "gitlab-ci.yml")]
#[case::github(github(), "DFOTA_HIL_STATE_DIR: /var/lib/dfota-hil", "github-actions.yml")]
#[case::jenkins(jenkins(), "DFOTA_HIL_STATE_DIR = '/var/lib/dfota-hil'", "Jenkinsfile")]
fn the_history_outlives_the_workspace(
    #[case] (script, _): (Vec<String>, Vec<String>),
    #[case] set: &str,
    #[case] file: &str,
) {
    assert!(
        job_file(file).lines().any(|line| line.trim() == set),
        "no `{set}` in {file}"
    );
    let lab = clean_update("");
    for _ in 0..2 {
        run(&lab, &script, "rig.yaml").ends(0);
        std::fs::remove_dir_all(lab.path("reports")).expect("the workspace is cleaned");
    }
    let state = lab.path("state").display().to_string();
    lab.run(&["history", "--state-dir", &state])
        .ends(0)
        .says("2 runs");
}

/// A module at fault makes the job red, and its report is there all the same.
#[rstest]
#[case::gitlab(gitlab())]
#[case::github(github())]
#[case::jenkins(jenkins())]
fn a_job_is_red_when_the_module_is_at_fault(#[case] (script, _): (Vec<String>, Vec<String>)) {
    let lab = clean_update("end-zero-old-version");
    run(&lab, &script, "rig.yaml").ends(1);
    assert!(
        lab.read("junit.xml").contains("<failure type=\"product."),
        "{}",
        lab.read("junit.xml")
    );
}

/// A hundredth night takes no more room than a thirtieth: builds are bounded, and each archives its own run alone.
#[test]
fn what_a_job_keeps_is_bounded() {
    let gitlab: Value = serde_yaml::from_str(&job_file("gitlab-ci.yml")).expect("YAML");
    let artifacts = &gitlab["bench-01"]["artifacts"];
    assert_eq!(text(&artifacts["paths"][0]), "reports/$CI_JOB_ID/");
    assert_eq!(text(&artifacts["expire_in"]), "4 weeks");
    let github: Value = serde_yaml::from_str(&job_file("github-actions.yml")).expect("YAML");
    let steps = github["jobs"]["bench-01"]["steps"].as_sequence().expect("steps");
    let upload = &steps.last().expect("a step")["with"];
    assert_eq!(
        text(&upload["path"]),
        "junit.xml\nreports/${{ github.run_id }}/\n"
    );
    assert_eq!(upload["retention-days"].as_u64(), Some(28));
    let jenkins = job_file("Jenkinsfile");
    for line in [
        "buildDiscarder(logRotator(numToKeepStr: '30', artifactNumToKeepStr: '10'))",
        "archiveArtifacts artifacts: \"reports/${env.BUILD_NUMBER}/**\", allowEmptyArchive: true",
        "sh 'dfota-hil prune reports --keep 10'",
    ] {
        assert!(jenkins.lines().any(|found| found.trim() == line), "no `{line}`");
    }
}

/// The workspace of a Jenkins agent stays: its job keeps a bounded number of runs in it.
#[test]
fn nights_of_jenkins_leave_ten_runs() {
    let lab = clean_update("");
    let (script, _) = jenkins();
    run(&lab, &script, "rig.yaml").ends(0);
    for night in 0..11 {
        let copied = Command::new("cp")
            .args(["-r", "reports/42", &format!("reports/{night}")])
            .current_dir(lab.path("."))
            .status();
        assert!(copied.expect("cp").success());
    }
    let prune = script.last().expect("a line").clone();
    run(&lab, &[prune], "rig.yaml").ends(0);
    let mut runs = lab.names("reports");
    runs.retain(|name| !name.starts_with("history"));
    assert_eq!(runs.len(), 10, "{runs:?}");
}

/// What is packed for a bench names no suite whose packages a bench refuses.
#[rstest]
#[case("harness/host/packaging/example.env", "\nSUITES=")]
#[case("harness/host/packaging/dfota-hil@.service", "\nEnvironment=SUITES=")]
fn the_unit_runs_their_suite(#[case] file: &str, #[case] before: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let text = std::fs::read_to_string(path).expect(file);
    let (_, rest) = text.split_once(before).expect("it names suites");
    assert_eq!(rest.lines().next(), Some(THEIRS));
}
