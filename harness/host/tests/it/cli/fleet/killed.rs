//! Workers and parents that are killed or hang.

use super::{
    arguments, await_told, cuts, nothing_is_left, one_verdict_each, parent, rig, rigs_of, told, whole, worker,
};
use crate::junit;
use crate::lab::Lab;
use crate::process::Signal;
use serde_json::Value;
use std::io::Write;

const LAB: &str = "lab";

fn is_of(rig: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["rig"] == rig
}

/// Checks that the batch which a rig lost was run by the other one, but for these cases of it.
#[track_caller]
fn moved_on(lab: &Lab, lost: &Value, done: &[&str]) {
    let again = told(lab, "again");
    let [again] = &again[..] else {
        panic!("lost once: {again:#?}")
    };
    let queued = await_told(lab, "queued", |event| event["batch"] == lost["batch"]);
    let cases = |event: &Value| event["cases"].as_array().expect("a list").clone();
    let left: Vec<Value> = cases(&queued)
        .into_iter()
        .filter(|case| !done.iter().any(|done| case == done))
        .collect();
    assert_eq!(cases(again), left);
    let rigs = rigs_of(lab);
    for case in &left {
        assert_ne!(rigs[case.as_str().expect("an id")], lost["rig"]);
    }
    for case in done {
        assert_eq!(rigs[*case], lost["rig"], "what it had done stays");
    }
    let verdicts = lab.verdicts("out");
    assert!(
        verdicts.iter().all(|verdict| verdict.ends_with(" pass -")),
        "{verdicts:#?}"
    );
}

#[test]
fn a_worker_that_is_killed_before_its_cut_is_ordered() {
    let lab = Lab::new();
    lab.rig(40, "");
    cuts(&lab, 3);
    let running = lab.start(&arguments(&["rig.yaml", "rig.yaml"], &["--canary", "0"]));
    let taken = await_told(&lab, "taken", is_of(LAB));
    let folder = format!("out/{}", taken["folder"].as_str().expect("a folder"));
    lab.await_event(&folder, "a case", |event| event["event"] == "case-started");
    worker(&running, LAB).signal(Signal::KILL);
    let ran = whole(&lab, running.end(), 0);
    let lost = await_told(&lab, "lost", is_of(LAB));
    assert_eq!(lost["open"], serde_json::json!([]), "no cut was ordered: {lost}");
    let batch = lost["batch"].as_str().expect("a name");
    ran.says(&format!(
        "rig lab: lost its batch {batch}: its process ended: signal: 9 (SIGKILL)"
    ))
    .says("rig lab gets no further batch");
    moved_on(&lab, &lost, &[]);
    let again = await_told(&lab, "again", |event| event["batch"] == lost["batch"]);
    let cases = again["cases"].as_array().expect("a list").iter();
    let cases: Vec<&str> = cases.filter_map(Value::as_str).collect();
    ran.says(&format!(
        "batch {batch} waits for a rig again, after lab was lost: {}",
        cases.join(", ")
    ));
}

#[test]
fn a_worker_that_is_killed_after_its_cut_was_ordered() {
    let lab = Lab::new();
    lab.rig(80, "");
    cuts(&lab, 3);
    let running = lab.start(&arguments(&["rig.yaml", "rig.yaml"], &["--canary", "0"]));
    let ordered = await_told(&lab, "ordered", is_of(LAB));
    worker(&running, LAB).signal(Signal::KILL);
    whole(&lab, running.end(), 0);
    let lost = await_told(&lab, "lost", is_of(LAB));
    assert_eq!(lost["open"], serde_json::json!([ordered["case"]]));
    moved_on(&lab, &lost, &[]);
    // The attempt that was lost is shown beside the one that counts.
    let shown = lab.cases("out");
    let case = shown
        .iter()
        .find(|case| case["id"] == ordered["case"])
        .expect("it");
    assert_eq!(case["lost"][0]["rig"], LAB, "{case}");
    // No claim is open for it: the case itself says that nobody knows what its first cut did.
    assert_eq!(case["lost"][0]["open_cut"], ordered["cut"], "{case}");
    let cut = ordered["cut"].as_str().expect("a cut");
    says_open(&lab, cut, LAB);
}

/// The machine dies, and its disk has less of the rig's journal than of the run's.
#[test]
fn a_cut_that_stands_in_the_journal_of_the_run_alone() {
    let lab = Lab::new();
    lab.rig(80, "");
    cuts(&lab, 3);
    let running = lab.start(&arguments(&["rig.yaml", "rig.yaml"], &["--canary", "0"]));
    let ordered = await_told(&lab, "ordered", is_of(LAB));
    let workers = [LAB, "lab-2"].map(|rig| worker(&running, rig));
    running.signal(Signal::KILL);
    workers.iter().for_each(|worker| worker.signal(Signal::KILL));
    running.end();
    nothing_is_left(&lab);
    let taken = told(&lab, "taken")
        .into_iter()
        .find(is_of(LAB))
        .expect("its batch");
    let journal = format!("out/{}/events.jsonl", taken["folder"].as_str().expect("a folder"));
    let started = format!("\"event\":\"case-started\",\"id\":{},", ordered["case"]);
    let whole = lab.read(&journal);
    let kept = whole.lines().take_while(|line| !line.contains(&started));
    let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
    assert!(kept.len() < whole.len(), "{started} in {whole}");
    std::fs::write(lab.path(&journal), kept).expect("room for it");
    lab.run(&["report", "out"]).ends(0);
    let case = lab.cases("out");
    let case = case.iter().find(|case| case["id"] == ordered["case"]);
    let lost = &case.expect("it")["lost"];
    assert_eq!(lost[0]["open_cut"], ordered["cut"], "{lost}");
    assert_eq!(lost.as_array().map(Vec::len), Some(1), "{lost}");
    says_open(&lab, ordered["cut"].as_str().expect("a cut"), LAB);
}

/// Page and JUnit say that a cut had been ordered on a rig, and that nobody knows what it did.
#[track_caller]
fn says_open(lab: &Lab, cut: &str, rig: &str) {
    let sentence =
        format!("the cut `{cut}` had been ordered, and nobody knows what it did to the module on {rig}");
    for file in ["out/report.html", "out/junit.xml"] {
        assert!(lab.read(file).contains(&sentence), "`{sentence}` in {file}");
    }
}

#[test]
fn a_worker_that_is_killed_after_its_result() {
    let lab = Lab::new();
    lab.rig(30, "");
    cuts(&lab, 12);
    let running = lab.start(&arguments(&["rig.yaml", "rig.yaml"], &["--canary", "0"]));
    // Of two cases: it is killed long before the last result.
    let is_long = |batch: &Value| {
        let queued = told(&lab, "queued");
        let queued = queued.iter().find(|event| event["batch"] == *batch);
        queued.is_some_and(|event| event["cases"].as_array().is_some_and(|cases| cases.len() > 1))
    };
    let taken = await_told(&lab, "taken", |event| is_long(&event["batch"]));
    let rig = taken["rig"].as_str().expect("a name");
    let folder = format!("out/{}", taken["folder"].as_str().expect("a folder"));
    lab.await_event(&folder, "a result", |event| event["event"] == "case-ended");
    worker(&running, rig).signal(Signal::KILL);
    whole(&lab, running.end(), 0);
    let lost = await_told(&lab, "lost", |event| event["batch"] == taken["batch"]);
    let ended = lab.events(&folder);
    let ended = ended.iter().filter(|event| event["event"] == "case-ended");
    let done: Vec<&str> = ended.filter_map(|event| event["id"].as_str()).collect();
    moved_on(&lab, &lost, &done);
}

/// The other rig has nothing more to do, and cannot do this, whether it has left already or works on.
#[test]
fn a_case_that_no_rig_is_left_for() {
    for others in [1, 6] {
        let lab = Lab::new();
        rig(&lab, "a", 40, "", "labels: [sense]\n");
        rig(&lab, "b", 200, "", "");
        cuts(&lab, others);
        let other = lab
            .read("suite.yaml")
            .replace("suite: lab", "suite: other\non: b");
        lab.write("other.yaml", other);
        lab.suite(
            "needs: {labels: [sense]}\nlimits: {settle: 1s}\ncases:\n  - name: sensed\n    update: {package: a-to-b, via: uart}\n    cut: {at: updating 50%}\n",
        );
        let arguments = arguments(&["a.yaml", "b.yaml"], &["--canary", "0", "other.yaml"]);
        let running = lab.start(&arguments);
        await_told(&lab, "ordered", is_of("a"));
        if others == 1 {
            await_told(&lab, "closed", is_of("b"));
        }
        worker(&running, "a").signal(Signal::KILL);
        let ran = whole(&lab, running.end(), 3);
        lab.has_verdict("out", "sensed error rig-lost");
        ran.says("no rig is left that can run it: a");
        let cases = junit::cases(&lab.read("out/junit.xml"));
        let failed: Vec<&str> = cases
            .iter()
            .filter(|case| !case.verdict.is_empty())
            .map(|case| case.kind.as_str())
            .collect();
        assert_eq!(failed, ["rig.rig-lost"]);
    }
}

#[test]
fn a_case_that_is_lost_on_every_rig() {
    let lab = Lab::new();
    lab.rig(40, "");
    cuts(&lab, 1);
    let more = ["--canary", "0", "--max-bricks", "2"];
    let running = lab.start(&arguments(&["rig.yaml"; 2], &more));
    let first = await_told(&lab, "ordered", |_| true);
    let cut = first["cut"].as_str().expect("a cut").to_owned();
    let first = first["rig"].as_str().expect("a name").to_owned();
    worker(&running, &first).signal(Signal::KILL);
    let second = await_told(&lab, "ordered", |event| event["rig"] != *first);
    worker(&running, second["rig"].as_str().expect("a name")).signal(Signal::KILL);
    whole(&lab, running.end(), 3);
    assert_eq!(lab.verdicts("out"), ["cut[n=1] error rig-lost"]);
    assert_eq!(told(&lab, "given-up").len(), 1);
    // What was lost on the way is still there.
    let cases = lab.cases("out");
    let lost = cases[0]["lost"].as_array().expect("a list");
    let rigs: Vec<&Value> = lost.iter().map(|lost| &lost["rig"]).collect();
    assert_eq!(rigs, [&first.as_str().into(), &second["rig"]]);
    for rig in [LAB, "lab-2"] {
        says_open(&lab, &cut, rig);
    }
}

#[test]
fn a_worker_that_hangs() {
    let lab = Lab::new();
    lab.rig(80, "");
    cuts(&lab, 3);
    let more = ["--canary", "0", "--rig-silence", "4s"];
    let running = lab.start(&arguments(&["rig.yaml", "rig.yaml"], &more));
    await_told(&lab, "ordered", is_of(LAB));
    worker(&running, LAB).signal(Signal::STOP);
    let ran = whole(&lab, running.end(), 0);
    let lost = await_told(&lab, "lost", is_of(LAB));
    assert_eq!(lost["why"], "it said nothing for 4s");
    let batch = lost["batch"].as_str().expect("a name");
    ran.says(&format!(
        "rig lab: lost its batch {batch}: it said nothing for 4s"
    ));
    moved_on(&lab, &lost, &[]);
}

/// The workers finish their cases and end; what is there can be read.
#[test]
fn a_parent_that_is_killed() {
    let lab = Lab::new();
    lab.rig(40, "");
    cuts(&lab, 12);
    let running = lab.start(&arguments(&["rig.yaml", "rig.yaml"], &["--canary", "0"]));
    let ordered = ["lab", "lab-2"].map(|rig| await_told(&lab, "ordered", is_of(rig)));
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    nothing_is_left(&lab);
    assert_ne!(parent(&lab).pop().expect("events")["event"], "run-ended");
    let taken = told(&lab, "taken");
    for ordered in &ordered {
        // The rig was at this case of this batch.
        let of_case = |event: &&Value| {
            let folder = format!("out/{}", event["folder"].as_str().expect("a folder"));
            event["rig"] == ordered["rig"]
                && lab
                    .events(&folder)
                    .iter()
                    .any(|event| event["event"] == "case-started" && event["id"] == ordered["case"])
        };
        let folder = taken.iter().rev().find(of_case).expect("a batch")["folder"].as_str();
        let folder = &format!("out/{}", folder.expect("a folder"));
        let ended = lab.events(folder);
        let passed = ended.iter().any(|event| {
            event["event"] == "case-ended" && event["id"] == ordered["case"] && event["verdict"] == "pass"
        });
        assert!(passed, "{folder}: it finished its case");
        let last = ended.last().expect("events");
        assert_eq!(
            (&last["event"], &last["safe"]),
            (&"run-ended".into(), &true.into())
        );
    }

    let ran = lab.run(&["verify", "out"]).ends(1);
    ran.says("INCOMPLETE: the run never ended");
    assert!(!ran.stdout.contains("TOUCHED"), "{}", ran.stdout);
    let ran = lab.run(&["report", "out"]).ends(0);
    ran.says("12 cases: 2 passed, 10 not reached");
    one_verdict_each(&lab);
    lab.run(&["judge", "out"]).ends(0);
    // A part that has gone is named.
    let part = taken[0]["folder"].as_str().expect("a folder");
    std::fs::remove_file(lab.path(&format!("out/{part}/events.jsonl"))).expect("a part");
    lab.run(&["verify", "out"])
        .ends(1)
        .says(&format!("{part}/events.jsonl was removed"));
}

/// What a rig did cannot be read: it is told at once, and no other rig makes its cuts as if nothing had been.
#[test]
fn a_journal_of_a_batch_that_cannot_be_read() {
    let lab = Lab::new();
    lab.rig(40, "");
    cuts(&lab, 6);
    let running = lab.start(&arguments(&["rig.yaml", "rig.yaml"], &["--canary", "0"]));
    let taken = await_told(&lab, "taken", is_of(LAB));
    let folder = format!("out/{}", taken["folder"].as_str().expect("a folder"));
    lab.await_event(&folder, "a case", |event| event["event"] == "case-started");
    let journal = std::fs::File::options()
        .append(true)
        .open(lab.path(&format!("{folder}/events.jsonl")));
    let mut journal = journal.expect("the journal of the batch");
    journal.write_all(b"no event\n").expect("room for it");
    let ran = running.end().ends(3);
    nothing_is_left(&lab);
    ran.says("cannot be read: line ").says("is no event of a journal");

    let lost = told(&lab, "lost");
    let [lost] = &lost[..] else {
        panic!("one batch is lost: {lost:#?}")
    };
    assert_eq!(lost["batch"], taken["batch"]);
    let ordered = told(&lab, "ordered");
    let ordered: Vec<&Value> = ordered
        .iter()
        .filter(|event| event["rig"] == LAB)
        .map(|event| &event["case"])
        .collect();
    let open = lost["open"].as_array().expect("a list");
    assert!(!open.is_empty(), "{lost}");
    assert!(open.iter().all(|case| ordered.contains(&case)), "{lost}");
    assert_eq!(told(&lab, "again"), [Value::Null; 0], "no rig makes them again");
    one_verdict_each(&lab);
    for case in open {
        let case = case.as_str().expect("an id");
        lab.has_verdict("out", &format!("{case} error rig-lost"));
    }
    lab.run(&["verify", "out"]).ends(1);
}

/// Another rig makes the cut again, and it goes well: that says nothing of the module that was lost.
#[test]
fn a_redo_hides_no_brick() {
    let lab = Lab::new();
    lab.rig(80, "");
    lab.suite(
        "limits: {settle: 1s}\ncases:\n  - name: night\n    update: {package: a-to-b, via: uart}\n    sweep: {over: [updating 30%], block: 3}\n    claim: {brick_rate_below: 20%, confidence: 80%, over: \"updating 20%..60%\"}\n",
    );
    let running = lab.start(&arguments(&["rig.yaml"; 2], &["--canary", "0"]));
    let drawn = |event: &Value| {
        event["cut"]
            .as_str()
            .is_some_and(|cut| !cut.starts_with("updating@30%+0ms"))
    };
    let ordered = await_told(&lab, "ordered", drawn);
    worker(&running, ordered["rig"].as_str().expect("a name")).signal(Signal::KILL);
    let ran = whole(&lab, running.end(), 3);
    let lost = told(&lab, "lost");
    assert_eq!(lost.len(), 1);
    if lost[0]["open"] == serde_json::json!([]) {
        // The cut had been judged before the worker was dead.
        return;
    }
    lab.has_verdict("out", "night[claim] inconclusive claim-open");
    ran.says("cuts that were ordered, or may have been, and have no verdict");
    // The next run has to know it.
    let kept = std::fs::read_dir(lab.path("state/dfota-hil/campaigns")).expect("campaigns");
    let kept: String = kept
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("lines"))
        .collect();
    assert!(kept.contains("\"unjudged\":true"), "{kept}");
}
