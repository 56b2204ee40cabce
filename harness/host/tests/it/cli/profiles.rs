//! The two profiles of JUnit, and the names that a case has elsewhere.

use crate::junit;
use crate::lab::Lab;

const CASES: &str = "cases:
  - name: clean
    matrix: {n: [1, 2]}
    update: {package: a-to-b, via: uart}
    requirements: [\"TS 103 701 5.9-1-2\", SUM-2]
    ids: {testrail: \"C10{n}\", xray: PROJ-45, xray-requirements: [PROJ-7, PROJ-8]}
    skip: \"not now, {n}\"
  - name: cut
    update: {package: a-to-b, via: uart}
    cut: {at: updating 50%}
    ids: {testrail: C123}
  - name: refused
    update: {package: a-to-b, via: uart}
    expect: {update: 254}
    ids: {xray: PROJ-46}
";

#[test]
fn extended_says_more_of_the_same() {
    let lab = Lab::new();
    lab.rig(80, "");
    lab.suite(CASES);
    lab.run(&lab.arguments(&["--junit-profile", "extended", "--junit", "copy.xml"]))
        .ends(1);
    let extended = lab.read("out/junit.xml");
    assert_eq!(lab.read("copy.xml"), extended);
    let cases = junit::extended_cases(&extended);
    let [first, second, cut, refused] = &cases[..] else {
        panic!("{cases:?}");
    };
    assert_eq!(first.properties["requirement-ids"], "TS 103 701 5.9-1-2; SUM-2");
    assert_eq!(first.properties["requirements"], "PROJ-7,PROJ-8");
    assert_eq!(first.properties["test_key"], "PROJ-45");
    let testrail = [first, second, cut].map(|case| case.properties["test_id"].as_str());
    assert_eq!(testrail, ["C101", "C102", "C123"]);
    assert!(!refused.properties.contains_key("test_id"), "{refused:?}");
    assert!(!first.properties.contains_key("tries"), "it was never tried");

    assert_eq!(cut.attributes["file"], "suite.yaml");
    let line = CASES
        .lines()
        .position(|line| line.contains("name: cut"))
        .expect("a line");
    // The suite's name and the packages come first.
    let line = (line + 5).to_string();
    assert_eq!(cut.attributes["line"], line);
    assert!(
        lab.read("suite.yaml")
            .lines()
            .nth(line.parse::<usize>().unwrap() - 1)
            .unwrap()
            .contains("name: cut")
    );
    assert_eq!(cut.attributes["timestamp"].len(), "2026-11-22T14:30:05".len());
    let property = |name: &str| cut.properties[name].as_str();
    assert_eq!(property("verdict"), "pass");
    assert_eq!(property("outcome"), "new-after-resume");
    assert_eq!(property("module"), "bc66");
    assert_eq!(property("version.before"), "BC66NBR01A01");
    assert_eq!(property("version.after"), "BC66NBR01A02");
    assert!(property("cut").starts_with("updating@50%"), "{cut:?}");
    assert!(property("landed").starts_with("UPDATING"), "{cut:?}");
    assert!(property("measure.time-to-resume").ends_with(" ms"), "{cut:?}");
    assert!(lab.path(property("testrail_attachment")).exists(), "{cut:?}");
    assert_eq!(refused.properties["rule"], "update-code");
    assert_eq!(refused.properties["class"], "product");
    assert!(refused.properties["evidence"].starts_with("events.jsonl:"));
    assert_eq!(refused.properties["testrun_comment"], refused.message);

    // The journal knows what was asked for; a flag knows better.
    lab.run(&["report", "out"]).ends(0);
    assert_eq!(lab.read("out/junit.xml"), extended);
    lab.run(&["report", "out", "--junit-profile", "strict"]).ends(0);
    let strict = junit::cases(&lab.read("out/junit.xml"));
    let names =
        |cases: &[junit::Case]| -> Vec<String> { cases.iter().map(|case| case.name.clone()).collect() };
    assert_eq!(names(&strict), names(&cases));
    assert!(strict.iter().all(|case| case.properties.is_empty()));
}

/// A suite may be named as it likes: its cases are found again, and each has a transcript of its own.
#[test]
fn any_name_of_a_suite_can_be_run_again() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(
        "cases:
  - name: a
    matrix: {n: [1]}
    update: {package: a-to-b, via: uart}
  - name: a n 1
    update: {package: b-to-a, via: uart}
    expect: {update: 254}
",
    );
    let text = lab
        .read("suite.yaml")
        .replace("suite: lab", "suite: \"it's a | b & !c\"");
    lab.write("suite.yaml", text);
    lab.run(&lab.arguments(&[])).ends(1);
    assert_eq!(
        lab.names("out/transcripts").len(),
        2,
        "{:?}",
        lab.names("out/transcripts")
    );
    let cases = lab.cases("out");
    let rerun = cases[1]["rerun"].as_str().expect("a command");
    let command = rerun.replace("dfota-hil run", &format!("{} plan", crate::lab::PROGRAM));
    let output = std::process::Command::new("sh")
        .args(["-c", &command])
        .current_dir(lab.path(""))
        .env("XDG_STATE_HOME", lab.path("state"))
        .output()
        .expect("a shell");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        shown.contains("a-n-1") && !shown.contains("a[n=1]"),
        "{command}:\n{shown}"
    );
}
