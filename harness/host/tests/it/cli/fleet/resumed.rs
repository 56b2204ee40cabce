//! Runs whose parent was killed, and which go on.

use super::{
    arguments, await_told, cuts, nothing_is_left, one_verdict_each, parent, rig, told, whole, worker,
};
use crate::junit;
use crate::lab::{Lab, Ran};
use crate::process::{Running, Signal};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;

const RIGS: [&str; 2] = ["rig.yaml"; 2];

/// Kills the parent, and waits until its workers have finished their cases.
fn kill(lab: &Lab, running: Running) {
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    nothing_is_left(lab);
    assert_ne!(parent(lab).pop().expect("events")["event"], "run-ended");
}

/// Goes on with the run, to its end.
#[track_caller]
fn resume(lab: &Lab, more: &[&str], exit: i32) -> Ran {
    let mut arguments = vec!["run", "--resume", "out"];
    arguments.extend(more);
    let ran = whole(lab, lab.run(&arguments), exit);
    time_goes_on(lab);
    ran
}

/// The journal reads as if one program had written it.
#[track_caller]
fn time_goes_on(lab: &Lab) {
    let at: Vec<u64> = parent(lab)
        .iter()
        .map(|event| event["mono_ns"].as_u64().expect("a time"))
        .collect();
    assert!(at.is_sorted(), "{at:?}");
}

fn text<'v>(event: &'v Value, key: &str) -> &'v str {
    event[key]
        .as_str()
        .unwrap_or_else(|| panic!("`{key}` in {event}"))
}

/// The records of all parts, in the order in which these were taken.
fn in_parts(lab: &Lab) -> Vec<Value> {
    let folders = told(lab, "taken");
    let folders = folders
        .iter()
        .map(|taken| format!("out/{}", text(taken, "folder")));
    let there = folders.filter(|folder| lab.path(&format!("{folder}/events.jsonl")).exists());
    there.flat_map(|folder| lab.events(&folder)).collect()
}

/// How often each case was begun.
fn begun(lab: &Lab) -> BTreeMap<String, u32> {
    let mut begun = BTreeMap::new();
    for event in in_parts(lab)
        .iter()
        .filter(|event| event["event"] == "case-started")
    {
        *begun.entry(text(event, "id").to_owned()).or_default() += 1;
    }
    begun
}

/// Cases that have passed so far.
fn passed(lab: &Lab) -> Vec<String> {
    let events = in_parts(lab);
    let passed = events
        .iter()
        .filter(|event| event["event"] == "case-ended" && event["verdict"] == "pass");
    passed.map(|event| text(event, "id").to_owned()).collect()
}

fn all_pass(lab: &Lab, count: usize) {
    let expected: Vec<String> = (1..=count).map(|n| format!("cut[n={n}] pass -")).collect();
    assert_eq!(lab.verdicts("out"), expected);
    let names: Vec<String> = junit::cases(&lab.read("out/junit.xml"))
        .into_iter()
        .map(|case| case.name)
        .collect();
    let expected: Vec<String> = (1..=count).map(|n| format!("cut[n={n}]")).collect();
    assert_eq!(names, expected, "as one rig has them");
}

/// Two rigs, each in the middle of a case.
fn at_work(lab: &Lab, count: usize, more: &[&str]) -> Running {
    lab.rig(40, "");
    cuts(lab, count);
    let mut all = vec!["--canary", "0"];
    all.extend(more);
    let running = lab.start(&arguments(&RIGS, &all));
    for rig in ["lab", "lab-2"] {
        await_told(lab, "ordered", |event| event["rig"] == rig);
    }
    running
}

#[test]
fn a_run_goes_on_where_its_parent_was_killed() {
    let lab = Lab::new();
    let running = at_work(&lab, 8, &[]);
    kill(&lab, running);
    let before = passed(&lab);
    assert!(!before.is_empty() && before.len() < 8, "{before:?}");
    resume(&lab, &[], 0).says("the run goes on");
    all_pass(&lab, 8);
    let begun = begun(&lab);
    for case in &before {
        assert_eq!(begun[case], 1, "{case} has its verdict: {begun:?}");
    }
    assert_eq!(
        begun.values().sum::<u32>(),
        8,
        "and no case was cut short: {begun:?}"
    );
    assert_eq!(told(&lab, "resumed").len(), 1);
    assert!(told(&lab, "rig-out").is_empty(), "no rig is at fault");
    // It is over.
    lab.run(&["run", "--resume", "out"])
        .ends(2)
        .complains("`out` is over: it ended with exit code 0");
    lab.run(&["report", "out"]).ends(0);
    all_pass(&lab, 8);
}

/// Parent and workers die in the middle of their cases, as with the machine: nobody knows what these cuts did.
#[test]
fn a_run_goes_on_after_its_machine_died() {
    let lab = Lab::new();
    let running = at_work(&lab, 6, &[]);
    let workers = ["lab", "lab-2"].map(|rig| worker(&running, rig));
    running.signal(Signal::KILL);
    for worker in &workers {
        worker.signal(Signal::KILL);
    }
    running.end();
    nothing_is_left(&lab);
    let before = passed(&lab);
    let mut file = std::fs::File::options()
        .append(true)
        .open(lab.path("out/run.jsonl"))
        .expect("the journal");
    file.write_all(b"{\"seq\":12").expect("room for it");
    resume(&lab, &["--json"], 0);
    all_pass(&lab, 6);
    assert_eq!(told(&lab, "resumed")[0]["torn"], 9);
    let lost = told(&lab, "lost");
    assert_eq!(lost.len(), 2, "{lost:#?}");
    for lost in &lost {
        assert_eq!(lost["parent_ended"], true, "{lost}");
    }
    let begun = begun(&lab);
    for case in &before {
        assert_eq!(begun[case], 1, "{case} has its verdict: {begun:?}");
    }
}

/// The machine died while the canary was in the middle of an update: it goes on alone, for nobody heard what its module became.
#[test]
fn a_canary_that_nobody_heard_of_goes_on_alone() {
    let lab = Lab::new();
    lab.rig(40, "");
    cuts(&lab, 6);
    let running = lab.start(&arguments(&RIGS, &[]));
    await_told(&lab, "ordered", |_| true);
    let workers = ["lab", "lab-2"].map(|rig| worker(&running, rig));
    running.signal(Signal::KILL);
    workers.iter().for_each(|worker| worker.signal(Signal::KILL));
    running.end();
    nothing_is_left(&lab);
    resume(&lab, &[], 0);
    all_pass(&lab, 6);
    let lost = told(&lab, "lost");
    assert_eq!(lost[0]["result"]["is_open"], true, "{lost:#?}");
    for taken in told(&lab, "taken") {
        assert_eq!(taken["rig"], "lab", "{taken}");
    }
    assert!(told(&lab, "canary-passed").is_empty(), "it is held");
}

/// A journal of a batch cannot be read when the run is resumed: its cuts are not made again as if nothing had been.
#[test]
fn a_batch_that_cannot_be_read_is_not_run_again() {
    let lab = Lab::new();
    let running = at_work(&lab, 6, &[]);
    let workers = ["lab", "lab-2"].map(|rig| worker(&running, rig));
    running.signal(Signal::KILL);
    workers.iter().for_each(|worker| worker.signal(Signal::KILL));
    running.end();
    nothing_is_left(&lab);
    let taken = told(&lab, "taken");
    let taken = taken
        .iter()
        .rfind(|taken| taken["rig"] == "lab")
        .expect("a batch");
    let journal = lab.path(&format!("out/{}/events.jsonl", text(taken, "folder")));
    let journal = std::fs::File::options().append(true).open(journal);
    let mut journal = journal.expect("the journal of the batch");
    journal.write_all(b"no event\n").expect("room for it");
    lab.run(&["run", "--resume", "out"])
        .ends(3)
        .says("cannot be read: line ")
        .says("is no event of a journal");
    nothing_is_left(&lab);
    let lost = told(&lab, "lost");
    let lost = lost.iter().find(|lost| lost["batch"] == taken["batch"]);
    let lost = lost.expect("it is lost");
    let unread = lost["unread"].as_array().expect("cases without a result");
    for open in lost["open"].as_array().expect("a list") {
        assert!(unread.contains(open), "{lost}");
    }
    for case in unread {
        let case = case.as_str().expect("an id");
        lab.has_verdict("out", &format!("{case} error rig-lost"));
    }
    let again = told(&lab, "again");
    assert!(
        again.iter().all(|again| again["batch"] != taken["batch"]),
        "{again:#?}"
    );
    one_verdict_each(&lab);
}

#[test]
fn a_masked_run_goes_on_masked() {
    let lab = Lab::new();
    let running = at_work(&lab, 6, &["--mask"]);
    kill(&lab, running);
    resume(&lab, &[], 0);
    all_pass(&lab, 6);
    let events = in_parts(&lab);
    let mut imeis = events.iter().filter_map(|event| event["imei"].as_str());
    let imei = imeis.find(|imei| !imei.contains('*')).expect("a module");
    assert!(!lab.read("out/report.html").contains(imei), "{imei}");
    assert!(lab.path("out/run.masked.jsonl").exists());
}

/// The suite is the same, and the file of its package is another one.
#[test]
fn a_package_that_was_changed_is_refused() {
    let lab = Lab::new();
    lab.rig(40, "");
    cuts(&lab, 4);
    for name in ["a-to-b.delta", "b-to-a.delta"] {
        let package = std::fs::read(lab.path("suites/packages").join(name)).expect("a package");
        lab.write(name, package);
    }
    let suite = lab.read("suite.yaml").replace("suites/packages/", "");
    lab.write("suite.yaml", suite);
    let running = lab.start(&arguments(&RIGS, &["--canary", "0"]));
    await_told(&lab, "ordered", |_| true);
    kill(&lab, running);
    let before = lab.read("out/run.jsonl");
    let package = std::fs::read(lab.path("a-to-b.delta")).expect("a package");
    lab.write("a-to-b.delta", [package.as_slice(), b"more"].concat());
    lab.run(&["run", "--resume", "out"])
        .ends(2)
        .complains("the package `a-to-b` was changed: its SHA-256 was ");
    assert_eq!(lab.read("out/run.jsonl"), before, "nothing was written");
    lab.write("a-to-b.delta", package);
    resume(&lab, &[], 0);
    all_pass(&lab, 4);
}

#[test]
fn a_run_is_killed_again_while_it_is_resumed() {
    let lab = Lab::new();
    let running = at_work(&lab, 12, &[]);
    kill(&lab, running);
    for times in [1, 2] {
        let again = lab.start(&["run", "--resume", "out"]);
        await_told(&lab, "resumed", |_| told(&lab, "resumed").len() == times);
        let resumed = || {
            let all = parent(&lab);
            let at = all.iter().rposition(|event| event["what"] == "resumed");
            all[at.expect("it goes on")..].to_vec()
        };
        await_told(&lab, "ordered", |_| {
            resumed().iter().any(|event| event["what"] == "ordered")
        });
        kill(&lab, again);
    }
    resume(&lab, &[], 0);
    all_pass(&lab, 12);
    assert_eq!(told(&lab, "resumed").len(), 3);
    let begun = begun(&lab);
    assert_eq!(begun.values().sum::<u32>(), 12, "{begun:?}");
}

/// A claim needs each of its cuts once, and each rig its calibrations once. The next run goes on as after an undisturbed one.
#[test]
fn a_campaign_goes_on() {
    let lab = Lab::new();
    lab.rig(20, "");
    lab.suite(
        "limits: {settle: 1s}\ncases:\n  - name: night\n    update: {package: a-to-b, via: uart}\n    sweep: {over: [updating 30%], block: 2}\n    claim: {brick_rate_below: 20%, confidence: 80%, over: \"updating 20%..60%\"}\n",
    );
    let running = lab.start(&arguments(&RIGS, &["--canary", "0"]));
    let taken = await_told(&lab, "taken", |_| true);
    let folder = format!("out/{}", text(&taken, "folder"));
    lab.await_event(&folder, "a cut that is proven", |event| {
        event["event"] == "tallied"
    });
    kill(&lab, running);
    let ran = resume(&lab, &[], 0);
    lab.has_verdict("out", "night[claim] pass -");
    ran.says("night[claim]");
    let events = in_parts(&lab);
    let mut settled = BTreeMap::<&str, u32>::new();
    for event in &events {
        if event["event"] == "tallied" && event["settled"] == true {
            *settled.entry(text(event, "case")).or_default() += 1;
        }
    }
    assert!(settled.values().all(|count| *count == 1), "{settled:?}");
    let begun = begun(&lab);
    let calibrations = begun.iter().filter(|(case, _)| case.contains("calibration"));
    let calibrations: Vec<_> = calibrations.collect();
    assert!(
        !calibrations.is_empty() && calibrations.iter().all(|(_, count)| **count == 1),
        "{begun:?}"
    );
    // What later runs are told is what the journals say, once.
    let campaigns = lab.path("state/dfota-hil/campaigns");
    let files: Vec<_> = std::fs::read_dir(&campaigns)
        .expect("campaigns")
        .map(|file| file.expect("a file").path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let kept = std::fs::read_to_string(&files[0]).expect("lines");
    let kept: Vec<Value> = kept
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line"))
        .collect();
    assert!(
        kept.last().is_some_and(|line| line.get("ended").is_some()),
        "{kept:#?}"
    );
    let mut cuts: Vec<&str> = kept
        .iter()
        .filter_map(|line| line.get("cut"))
        .filter(|cut| cut["settled"] == true)
        .map(|cut| text(cut, "case"))
        .collect();
    cuts.sort_unstable();
    assert_eq!(cuts, settled.keys().copied().collect::<Vec<_>>());
}

/// A run that was stopped for the sake of the modules does not go on because somebody resumes it.
#[test]
fn a_pause_after_a_brick_stays() {
    let lab = Lab::new();
    rig(&lab, "bad", 200, "bricks-above-90", "");
    rig(&lab, "good", 20, "", "");
    cuts(&lab, 24);
    let suite = lab.read("suite.yaml");
    lab.write("suite.yaml", suite.replace("updating 50%", "updating 95%"));
    let more = ["--canary", "0", "--max-bricks", "0"];
    let running = lab.start(&arguments(&["bad.yaml", "good.yaml"], &more));
    await_told(&lab, "paused", |_| true);
    kill(&lab, running);
    let taken = told(&lab, "taken").len();
    resume(&lab, &[], 1);
    assert_eq!(told(&lab, "taken").len(), taken, "no rig got another batch");
    assert_eq!(told(&lab, "paused").len(), 1);
    let verdicts = lab.verdicts("out");
    assert!(
        verdicts.iter().any(|verdict| verdict.contains("not-reached")),
        "{verdicts:#?}"
    );
}

/// A run whose time was over has a new one, and what its rigs left of their batches is run as well.
#[test]
fn a_pause_at_the_end_of_the_time_ends() {
    let lab = Lab::new();
    rig(&lab, "fast", 60, "", "");
    rig(&lab, "slow", 10, "", "");
    cuts(&lab, 12);
    let more = ["--canary", "0", "--max-time", "4s"];
    let running = lab.start(&arguments(&["fast.yaml", "slow.yaml"], &more));
    await_told(&lab, "paused", |_| true);
    // The other one is in the middle of a case for longer than this one needs for the rest of its own.
    await_told(&lab, "closed", |event| event["rig"] == "fast");
    kill(&lab, running);
    resume(&lab, &[], 0);
    all_pass(&lab, 12);
}

#[test]
fn a_run_that_somebody_has_is_not_resumed() {
    let lab = Lab::new();
    // A case takes so long that its worker is there when the run is resumed.
    rig(&lab, "a", 5, "", "");
    rig(&lab, "b", 60, "", "");
    cuts(&lab, 8);
    let running = lab.start(&arguments(&["a.yaml", "b.yaml"], &["--canary", "0"]));
    is_at_work(&lab, "b");
    lab.run(&["run", "--resume", "out"])
        .ends(3)
        .complains("`out` is in use");
    is_at_work(&lab, "a");
    running.signal(Signal::KILL);
    running.end();
    let before = lab.read("out/run.jsonl");
    lab.run(&["run", "--resume", "out"])
        .ends(3)
        .complains("still runs the batch `")
        .complains("resume the run when it has ended");
    assert_eq!(lab.read("out/run.jsonl"), before, "nothing was written");
    nothing_is_left(&lab);
    resume(&lab, &[], 0);
    all_pass(&lab, 8);
}

/// Waits until a cut is ordered on this rig.
fn is_at_work(lab: &Lab, rig: &str) {
    await_told(lab, "ordered", |event| event["rig"] == rig);
}

/// A worker was interrupted in the middle of its case: that says nothing, and the case is run again.
#[test]
fn a_case_that_was_interrupted_is_run_again() {
    let lab = Lab::new();
    let running = at_work(&lab, 6, &[]);
    let workers = ["lab", "lab-2"].map(|rig| worker(&running, rig));
    running.signal(Signal::KILL);
    workers.iter().for_each(|worker| worker.signal(Signal::INT));
    running.end();
    nothing_is_left(&lab);
    let interrupted = in_parts(&lab);
    let interrupted = interrupted.iter().filter(|event| event["rule"] == "interrupted");
    assert!(interrupted.count() > 0, "a case was interrupted");
    resume(&lab, &[], 0);
    all_pass(&lab, 6);
}

#[test]
fn what_cannot_be_resumed_is_refused() {
    let lab = Lab::new();
    let running = at_work(&lab, 4, &[]);
    kill(&lab, running);
    let before = lab.read("out/run.jsonl");
    let refused = |arguments: &[&str], why: &str| {
        let mut all = vec!["run", "--resume"];
        all.extend(arguments);
        lab.run(&all).ends(2).complains(why);
    };
    refused(
        &["out", "--canary", "2"],
        "`--canary` cannot be given with `--resume`",
    );
    refused(&["out", "suite.yaml"], "`SUITES` cannot be given with `--resume`");
    refused(&["nowhere"], "`nowhere` is no run folder");
    let suite = lab.read("suite.yaml");
    lab.write("suite.yaml", suite.replace("settle: 1s", "settle: 2s"));
    refused(&["out"], "the suite `suite.yaml` was changed: its SHA-256 was ");
    std::fs::remove_file(lab.path("suite.yaml")).expect("it was there");
    refused(
        &["out"],
        "`suite.yaml` is not there: the run was started with it; the run was started in `",
    );
    lab.write("suite.yaml", suite);
    let rig = lab.read("rig.yaml");
    lab.write("rig.yaml", rig.replace("speed: 40", "speed: 41"));
    refused(&["out"], "the rig `rig.yaml` was changed: its SHA-256 was ");
    lab.write("rig.yaml", &rig);
    let touched = before.replacen("\"seed\":7", "\"seed\":8", 1);
    lab.write("out/run.jsonl", touched);
    refused(&["out"], "a journal that was changed is not continued");
    lab.write("out/run.jsonl", &before);
    assert_eq!(lab.read("out/run.jsonl"), before, "nothing was written");
    lab.run(&[
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "alone",
        "--filter",
        "n=1",
    ])
    .ends(0);
    refused(&["alone"], "`alone` is a run on one rig");
    lab.run(&["run", "--resume", "out", "--pack"]).ends(0);
    refused(&["out"], "`out` is packed");
    lab.run(&["judge", "out"]).ends(0);
}
