//! The history of the runs, and comparisons out of it.

use crate::lab::Lab;
use serde_json::Value;

const CASES: &str = "cases:
  - name: clean
    update: {package: a-to-b, via: uart}
  - name: cut
    matrix: {at: [40%, 60%]}
    update: {package: b-to-a, via: uart}
    cut: {at: \"updating {at}\"}
  - name: skipped
    update: {package: a-to-b, via: uart}
    skip: not now
";

/// With cuts, slowly enough for a busy machine.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.rig(40, "");
    lab.suite(CASES);
    lab
}

/// For what matters with any case.
fn lab_of_one() -> Lab {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite("cases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n");
    lab
}

/// A run as somebody types it, without `--out`.
fn run(lab: &Lab) -> crate::lab::Ran {
    lab.run(&["run", "suite.yaml", "--rig", "rig.yaml", "--seed", "7"])
}

fn history(lab: &Lab, more: &[&str]) -> Value {
    let ran = lab.run(&[&["history", "--json"], more].concat()).ends(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

fn case<'v>(history: &'v Value, id: &str) -> &'v Value {
    let cases = history["rigs"][0]["cases"].as_array().expect("a list");
    cases.iter().find(|case| case["id"] == id).expect("the case")
}

fn run_folders(lab: &Lab) -> Vec<String> {
    let mut names = lab.names("reports");
    names.retain(|name| !name.starts_with("history"));
    names
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story, told in the order in which it happens"
)]
fn runs_are_kept_beside_their_folders() {
    let lab = lab();
    let nothing = lab.run(&["history"]).ends(2);
    assert!(
        nothing.stderr.contains("there is no history at")
            && nothing
                .stderr
                .contains("`dfota-hil history --rebuild DIR --store reports/history.sqlite`"),
        "{}",
        nothing.stderr
    );
    run(&lab).ends(0);
    let first = run_folders(&lab);
    run(&lab).ends(0);
    assert!(lab.path("reports/history.sqlite").exists());
    assert!(!lab.path("state/dfota-hil/history.sqlite").exists());

    let kept = history(&lab, &[]);
    assert_eq!(kept["rigs"][0]["rig"], "lab");
    assert_eq!(kept["rigs"][0]["simulated"], true);
    assert_eq!(kept["rigs"][0]["runs"].as_array().map(Vec::len), Some(2));
    let cut = case(&kept, "cut[at=40%]");
    assert_eq!(cut["runs"], 2);
    assert_eq!(cut["passed"], 2);
    assert_eq!(cut["pass_rate"], 1.0);
    assert_eq!(cut["flake_rate"], 0.0);
    assert_eq!((&cut["results"], &cut["trend"]), (&"PP".into(), &"same".into()));
    let resume = &cut["measures"]["time-to-resume"];
    assert_eq!(resume["count"], 2);
    assert_eq!(resume["unit"], "ms");
    let [p50, p90, p99] = ["p50", "p90", "p99"].map(|name| resume[name].as_f64().expect("a number"));
    assert!(0.0 < p50 && p50 <= p90 && p90 <= p99, "{resume}");
    let skipped = case(&kept, "skipped");
    assert_eq!(
        (skipped["runs"].as_u64(), skipped["not_run"].as_u64()),
        (Some(0), Some(2))
    );
    assert_eq!(skipped["pass_rate"], Value::Null);

    let shown = lab.run(&["history"]).ends(0).stdout;
    assert!(
        shown.starts_with("rig lab, bc66 (SIMULATED): 2 runs from "),
        "{shown}"
    );
    assert!(shown.contains("lab::cut[at=60%]"), "{shown}");
    assert!(
        shown.contains(" ✓✓ ") && shown.contains("  same    lab::clean\n"),
        "{shown}"
    );
    assert!(
        !shown.contains("skipped"),
        "what was never run has no line: {shown}"
    );
    let shown = lab.run(&["history", "=lab::cut[at=60%]"]).ends(0).stdout;
    assert!(
        shown.contains("passed 2 (100.0%)") && shown.contains("  time-to-resume "),
        "{shown}"
    );
    assert!(!shown.contains("lab::clean"), "{shown}");
    for name in run_folders(&lab) {
        assert!(shown.contains(&name), "{shown}");
    }
    lab.run(&["history", "nowhere"]).ends(2);

    // Trends are in the journal of the second run: its reports are the same without the store.
    let folders = run_folders(&lab);
    let second = folders
        .iter()
        .find(|name| !first.contains(name))
        .expect("a second run");
    let trends = |name: &str| -> Vec<Value> {
        let mut events = lab.events(&format!("reports/{name}"));
        events.retain(|event| event["event"] == "trend");
        events
    };
    assert_eq!(trends(&first[0]), Vec::<Value>::new());
    let [trend] = &trends(second)[..] else {
        panic!("one trend")
    };
    assert_eq!(trend["runs"][0]["run"], first[0].as_str());
    assert_eq!(trend["runs"][0]["passed"], 3);
    assert_eq!(trend["runs"][0]["not_run"], 1);
    let letters: Vec<&Value> = trend["cases"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|case| &case["verdicts"])
        .collect();
    assert_eq!(letters, ["P", "P", "P", "S"]);
}

#[test]
fn a_store_is_made_again_of_the_run_folders() {
    let lab = lab_of_one();
    run(&lab).ends(0);
    run(&lab).ends(0);
    let before = history(&lab, &["clean"]);
    // A folder that is none, and a copy of one that is there already.
    std::fs::create_dir(lab.path("reports/broken")).expect("a folder");
    lab.write("reports/broken/events.jsonl", "no journal\n");
    let name = run_folders(&lab)[1].clone();
    std::fs::create_dir(lab.path("reports/copy")).expect("a folder");
    let journal = lab.read(&format!("reports/{name}/events.jsonl"));
    lab.write("reports/copy/events.jsonl", journal);
    lab.write("reports/history.sqlite", "this is no database");

    let unusable = lab.run(&["history"]).ends(2);
    assert!(
        unusable.stderr.contains("history --rebuild"),
        "{}",
        unusable.stderr
    );
    let third = run(&lab).ends(0);
    assert!(
        third.stderr.contains("note: this run is not in the history"),
        "{}",
        third.stderr
    );
    let third = run_folders(&lab)
        .into_iter()
        .filter(|name| name.contains("lab-lab"));
    let third = third.max().expect("the last one");
    std::fs::remove_dir_all(lab.path("reports").join(third)).expect("a folder");

    let ran = lab.run(&["history", "--rebuild"]).ends(0);
    assert!(ran.stderr.contains("left out"), "{}", ran.stderr);
    assert_eq!(history(&lab, &["clean"]), before);
    lab.run(&["history", "--rebuild", "suites"]).ends(2);
    assert_eq!(history(&lab, &["clean"]), before, "nothing was changed");
}

#[test]
fn elsewhere_the_state_folder_has_it() {
    let lab = lab_of_one();
    lab.run(&lab.arguments(&[])).ends(0);
    assert!(lab.path("state/dfota-hil/history.sqlite").exists());
    assert!(!lab.path("history.sqlite").exists() && !lab.path("reports").exists());
    lab.run(&[
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "two",
        "--state-dir",
        "other",
    ])
    .ends(0);
    let runs = |more: &[&str]| history(&lab, more)["rigs"][0]["runs"].as_array().map(Vec::len);
    assert_eq!(runs(&["--state-dir", "other"]), Some(1));
    assert_eq!(runs(&[]), Some(1));
    lab.run(&["history", "--rebuild", "out", "two"]).ends(0);
    assert_eq!(runs(&[]), Some(2));
    // What is tried by hand is no run of the suite's cases.
    lab.run(&[
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "hand",
        "--filter",
        "=clean",
        "--cut",
        "updating@30%+0ms/power/5s",
    ]);
    assert_eq!(runs(&[]), Some(2));
}

#[test]
fn a_locked_store_does_not_fail_a_run() {
    let lab = lab_of_one();
    run(&lab).ends(0);
    let holder = rusqlite::Connection::open(lab.path("reports/history.sqlite")).expect("the store");
    holder.execute_batch("BEGIN EXCLUSIVE").expect("the lock");
    let ran = run(&lab).ends(0);
    assert!(ran.stderr.contains("locked"), "{}", ran.stderr);
    holder.execute_batch("ROLLBACK").expect("the end of it");
    assert_eq!(
        history(&lab, &[])["rigs"][0]["runs"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn what_got_worse() {
    let lab = lab();
    lab.run(&lab.arguments(&[])).ends(0);
    lab.rig(40, "forgets-resume");
    lab.run(&[
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "worse",
        "--seed",
        "7",
    ])
    .ends(1);
    let compare = |a: &str, b: &str, code: i32| {
        // Times of a simulator on a busy machine are no matter here.
        lab.run(&["compare", a, b, "--fail-on-worse", "--slack", "1000"])
            .ends(code)
            .stdout
    };
    let shown = compare("out", "worse", 1);
    assert!(
        shown.contains("worse   lab::cut[at=40%]  passed 100.0% of 1 -> 0.0% of 1  no-resume"),
        "{shown}"
    );
    assert!(
        shown.ends_with("4 cases in both: 2 got worse (cases and measurements)\n"),
        "{shown}"
    );
    let shown = compare("worse", "out", 0);
    assert!(shown.contains("better  lab::cut[at=60%]"), "{shown}");
    assert!(shown.ends_with("nothing got worse\n"), "{shown}");
    compare("out", "out", 0);
    lab.run(&["compare", "out", "worse"]).ends(0);

    // By the version that carries the update out: the clean case is of the one, the cut ones of the other.
    let shown = compare("BC66NBR01A01", "BC66NBR01A02", 3);
    assert!(shown.contains("nothing can be compared"), "{shown}");
    let shown = lab
        .run(&["compare", "BC66NBR01A02", "worse", "--json"])
        .ends(0)
        .stdout;
    let value: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(
        value["comparison"]["cases"].as_array().map(Vec::len),
        Some(2),
        "{shown}"
    );
    assert_eq!(value["comparison"]["cases"][0]["change"], "worse");
    assert_eq!(value["comparison"]["cases"][0]["a"]["pass_rate"], 0.5);
    let unknown = lab.run(&["compare", "out", "BC66NBR01A99"]).ends(2);
    assert!(
        unknown
            .stderr
            .contains("neither a run folder nor a run in the history"),
        "{}",
        unknown.stderr
    );
}

/// A folder of runs is a history, wherever it came from: no store is needed.
#[test]
fn of_a_folder_of_runs() {
    let lab = lab_of_one();
    let out = |name: &str, code: i32| {
        let out = format!("archive/{name}");
        lab.run(&[
            "run",
            "suite.yaml",
            "--rig",
            "rig.yaml",
            "--seed",
            "7",
            "--out",
            &out,
        ])
        .ends(code);
    };
    out("one", 0);
    lab.rig(400, "end-zero-old-version");
    out("two", 1);
    lab.rig(400, "");
    out("three", 0);
    std::fs::remove_dir_all(lab.path("state")).expect("the state folder");
    let shown = lab.run(&["history", "archive"]).ends(0).stdout;
    assert!(
        shown.starts_with("rig lab, bc66 (SIMULATED): 3 runs from "),
        "{shown}"
    );
    assert!(shown.contains(" ✓✗✓ "), "{shown}");
    let one = history(&lab, &["archive/one"]);
    assert_eq!(one["rigs"][0]["runs"].as_array().map(Vec::len), Some(1));
    let shown = lab.run(&["history", "archive", "clean"]).ends(0).stdout;
    assert!(
        shown.contains("passed 2 (66.7%)") && shown.contains("end-without-update"),
        "{shown}"
    );
    lab.run(&["history", "archive", "nowhere"]).ends(2);
    lab.run(&["history", "archive", "archive"])
        .ends(2)
        .complains("one too many");
    lab.run(&["history", "./suites"])
        .ends(2)
        .complains("no run was found in `./suites`");
    // A packed run is in it as well.
    lab.run(&["prune", "archive", "--pack"]).ends(0);
    assert!(lab.run(&["history", "archive"]).ends(0).stdout.contains(" ✓✗✓ "));
    assert!(!lab.path("state").exists(), "nothing was written");
}

/// A hundred cases and three hundred cuts are one screen; what fails is on it.
#[test]
fn one_screen() {
    let lab = lab_of_one();
    run(&lab).ends(0);
    let store = rusqlite::Connection::open(lab.path("reports/history.sqlite")).expect("the store");
    let add = |name: &str, verdict: &str| {
        store
            .execute("INSERT INTO cases (suite, name) VALUES ('lab', ?1)", [name])
            .expect("a case");
        let result = (store.last_insert_rowid(), verdict);
        let sql = "INSERT INTO results (run_id, case_id, verdict, tries, seconds, source, target)
                   VALUES (1, ?1, ?2, 1, 1.0, 'A', 'B')";
        store.execute(sql, result).expect("a result");
    };
    store.execute_batch("BEGIN").expect("a transaction");
    (0..100).for_each(|n| add(&format!("case-{n:02}"), "pass"));
    add("zz-at-fault", "fail");
    add("never", "not-reached");
    add("night[calibration=a-to-b]", "pass");
    (1..=300).for_each(|n| add(&format!("night[cut={n:03}]"), "pass"));
    store.execute_batch("COMMIT").expect("the end of it");

    let shown = lab.run(&["history"]).ends(0).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines.len() < 24, "{} lines:\n{shown}", lines.len());
    assert!(
        lines[2].starts_with(" ✗ ") && lines[2].ends_with("lab::zz-at-fault"),
        "{shown}"
    );
    assert!(shown.contains(" more, which always passed: `--all`"), "{shown}");
    let shown = lab.run(&["history", "--all"]).ends(0).stdout;
    assert!(
        shown.contains("lab::case-99\n") && shown.contains("lab::night[cut=300]\n"),
        "{shown}"
    );
    assert!(!shown.contains("never"), "{shown}");
    let shown = lab.run(&["history", "night"]).ends(0).stdout;
    assert!(shown.contains("301 cases run: 301 passed, 0 failed"), "{shown}");
    assert!(shown.lines().count() < 24, "{shown}");
}
