//! A harness that is killed: the journal can be read, the reports say so, and no simulator stays behind.

use crate::junit;
use crate::lab::{Lab, heard};
use crate::process::{Signal, all_end, wait_until};

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story, told in the order in which it happens"
)]
fn kill_in_the_middle_of_a_run() {
    let lab = Lab::new();
    lab.rig(40, "");
    lab.suite(
        "cases:
  - name: clean
    update: {package: a-to-b, via: uart}
  - name: interrupted
    update: {package: b-to-a, via: uart}
    cut: {at: updating 90%}
  - name: unreached
    matrix: {n: [1, 2]}
    update: {package: a-to-b, via: uart}
",
    );
    let running = lab.start(&lab.arguments(&[]));
    lab.await_event("out", "the second case", |event| {
        event["event"] == "case-started" && event["id"] == "interrupted"
    });
    let before = lab.events("out").len();
    lab.await_event("out", "UPDATING in the second case", |event| {
        heard("UPDATING")(event) && event["seq"].as_u64().is_some_and(|seq| seq as usize > before)
    });
    let below = running.descendants();
    assert!(below.len() >= 2, "a board and its module: {below:?}");
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    all_end(&below);
    wait_until("the end of the simulator's files", || lab.names("tmp").is_empty());

    assert!(!lab.path("out/junit.xml").exists());
    let last = lab.events("out").pop().expect("events");
    assert_ne!(last["event"], "run-ended");
    // As the death of a machine may leave it.
    let mut torn = lab.read("out/events.jsonl");
    torn.push_str("{\"seq\":99999,\"mono_ns\":17,\"ev");
    lab.write("out/events.jsonl", &torn);

    let ran = lab.run(&["verify", "out"]).ends(1);
    ran.says("INCOMPLETE: the run never ended");
    assert!(!ran.stdout.contains("TOUCHED"), "{}", ran.stdout);
    let ran = lab.run(&["verify", "out", "--json"]).ends(1);
    let verified: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert!(
        verified["ok"] == false && verified["incomplete"].is_string(),
        "{verified}"
    );
    assert_eq!(verified["touched"], serde_json::json!([]));

    let ran = lab.run(&["report", "out"]).ends(0);
    assert!(
        ran.stdout
            .contains("4 cases: 1 passed, 1 inconclusive, 2 not reached"),
        "{}",
        ran.stdout
    );
    assert_eq!(lab.read("out/events.jsonl"), torn, "a journal is never rewritten");
    let cases = junit::cases(&lab.read("out/junit.xml"));
    let seen: Vec<[&str; 3]> = cases
        .iter()
        .map(|case| [&*case.name, &*case.verdict, &*case.kind])
        .collect();
    let expected = [
        ["clean", "", ""],
        ["interrupted", "error", "inconclusive.interrupted"],
        ["unreached[n=1]", "skipped", "not-reached"],
        ["unreached[n=2]", "skipped", "not-reached"],
    ];
    assert_eq!(seen, expected);
    assert!(
        cases[1]
            .message
            .contains("the harness ended in the middle of this case")
    );
    assert!(
        cases[1].body.contains("UPDATING"),
        "the last lines: {}",
        cases[1].body
    );
    let run: serde_json::Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    assert_eq!(
        (&run["exit"], &run["interrupted"]),
        (&serde_json::Value::Null, &true.into())
    );
    lab.run(&["report", "out", "--junit-profile", "extended"]).ends(0);
    let extended = junit::extended_cases(&lab.read("out/junit.xml"));
    assert_eq!(extended[1].properties["rule"], "interrupted");
    assert_eq!(extended[3].properties["verdict"], "not-reached");
    // Nobody was left to keep it in the history; the folder is enough.
    lab.run(&["history"]).ends(2);
    lab.run(&["history", "--rebuild", "out"]).ends(0);
    let shown = lab.run(&["history", "=lab::interrupted"]).ends(0).stdout;
    assert!(shown.contains("run 1: passed 0 (0.0%)"), "{shown}");
}

#[test]
fn a_journal_that_is_none() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("out")).expect("a folder");
    for (text, told) in [
        (
            "",
            "`out/events.jsonl` holds no event: the run was killed before it began",
        ),
        (
            "{\"seq\":0",
            "`out/events.jsonl` holds no event: the run was killed before it began",
        ),
        (
            "{}\n",
            "`out/events.jsonl`:1: expected an event of a journal: missing field",
        ),
        (
            "\u{0}\u{0}\n",
            "`out/events.jsonl`:1: expected an event of a journal: ",
        ),
    ] {
        lab.write("out/events.jsonl", text);
        let ran = lab.run(&["report", "out"]).ends(2);
        let told = format!("error: {told}");
        assert!(ran.stderr.starts_with(&told), "{text:?}: {}", ran.stderr);
        assert_eq!(lab.names("out"), ["events.jsonl"]);
    }
}
