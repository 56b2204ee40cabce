//! `write-off`: somebody decides about a cut that was lost with its rig.

use super::{arguments, await_told, nothing_is_left, one_verdict_each, parent, rig, told, whole, worker};
use crate::lab::Lab;
use crate::process::Signal;
use serde_json::Value;
use std::sync::LazyLock;

const NOTE: &str = "JM: dead on the bench, reflashed";

/// A claim that so many bricks leave shown.
fn campaign(lab: &Lab, bricks: u32) {
    lab.rig(100, "");
    lab.suite(&format!(
        "limits: {{settle: 1s}}\ncases:\n  - name: night\n    update: {{package: a-to-b, via: uart}}\n    sweep: {{over: [updating 30%], block: 3}}\n    claim: {{brick_rate_below: 20%, confidence: 80%, bricks: {bricks}, over: \"updating 20%..60%\"}}\n"
    ));
}

/// Runs the campaign, and loses a rig after a cut for the claim was ordered. Gives the id of the case.
#[track_caller]
fn lost(lab: &Lab, more: &[&str]) -> String {
    let more: Vec<&str> = ["--canary", "0"]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    let running = lab.start(&arguments(&["rig.yaml"; 2], &more));
    let drawn = |event: &Value| {
        event["cut"]
            .as_str()
            .is_some_and(|cut| !cut.starts_with("updating@30%+0ms"))
    };
    let ordered = await_told(lab, "ordered", drawn);
    worker(&running, ordered["rig"].as_str().expect("a name")).signal(Signal::KILL);
    running.end().ends(3);
    nothing_is_left(lab);
    lab.has_verdict("out", "night[claim] inconclusive claim-open");
    ordered["case"].as_str().expect("an id").to_owned()
}

/// One such run, for the tests that only differ in what comes after it.
static LOST: LazyLock<(Lab, String)> = LazyLock::new(|| {
    let lab = Lab::lasting();
    campaign(&lab, 0);
    let case = lost(&lab, &[]);
    (lab, case)
});

/// A copy of that run, with its state, and the id of the case.
fn copy_of_lost() -> (Lab, &'static String) {
    let lab = Lab::new();
    let (run, case) = &*LOST;
    let mut copy = lab.command_of("cp");
    copy.arg("-r")
        .args(["out", "state", "suite.yaml", "rig.yaml"].map(|name| run.path(name)));
    let copied = copy.arg(".").status().expect("`cp` starts");
    assert!(copied.success(), "the run could not be copied");
    (lab, case)
}

/// What the campaigns of the state folder hold, in lines.
fn kept(lab: &Lab) -> Vec<Value> {
    const CAMPAIGNS: &str = "state/dfota-hil/campaigns";
    let files = lab.names(CAMPAIGNS).into_iter();
    let text: String = files
        .map(|name| lab.read(&format!("{CAMPAIGNS}/{name}")))
        .collect();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The lines of the store that say that the case was a brick.
fn bricks(lab: &Lab, case: &str) -> Vec<Value> {
    let cuts = kept(lab).into_iter().map(|line| line["cut"].clone());
    cuts.filter(|cut| cut["case"] == case && cut["brick"] == true)
        .collect()
}

/// The verdicts of the claim in the journal, in their order.
fn verdicts_of_the_claim(lab: &Lab) -> Vec<Value> {
    let mut events = parent(lab);
    events.retain(|event| event["event"] == "case-ended" && event["id"] == "night[claim]");
    events.into_iter().map(|event| event["verdict"].clone()).collect()
}

#[track_caller]
fn is_sound(lab: &Lab) {
    one_verdict_each(lab);
    lab.run(&["verify", "out"]).ends(0);
    lab.run(&["judge", "out"]).ends(0);
}

#[test]
fn a_cut_that_is_written_off_is_a_brick() {
    let (lab, case) = copy_of_lost();
    let listed = lab.run(&["write-off", "out"]).ends(0);
    listed
        .says(&format!("lab::{case} on `"))
        .says("1 cut without a verdict");

    let before = lab.read("out/run.jsonl");
    let refused = |args: &[&str], why: &str| {
        let all = [&["write-off", "out"], args].concat();
        lab.run(&all).ends(2).complains(why);
    };
    refused(&[case], "--note");
    refused(&[case, "--note", " "], "expected who decides it, and why");
    refused(
        &["night[claim]", "--note", NOTE],
        "has the verdict `inconclusive`",
    );
    let near = case.replace("night", "nihgt");
    refused(&[&near, "--note", NOTE], &format!("did you mean `{case}`?"));
    refused(
        &[&format!("other::{case}"), "--note", NOTE],
        "is not a case of this run",
    );
    assert!(
        lab.read("out/run.jsonl") == before,
        "what is refused writes nothing"
    );
    assert!(bricks(&lab, case).is_empty());

    let ran = lab.run(&["write-off", "out", case, "--note", NOTE]).ends(1);
    ran.says(NOTE).says("claim-not-shown");
    assert_eq!(ran.stderr, "");
    lab.has_verdict("out", "night[claim] fail claim-not-shown");
    // The first verdict stays in the journal.
    assert_eq!(verdicts_of_the_claim(&lab), ["inconclusive", "fail"]);
    let off = told(&lab, "written-off");
    assert_eq!(off.len(), 1);
    assert_eq!(
        (&off[0]["case"], &off[0]["note"]),
        (&case.as_str().into(), &NOTE.into())
    );
    assert!(
        lab.read("out/run.jsonl").starts_with(&before),
        "the journal is continued"
    );
    assert_eq!(parent(&lab).pop().expect("events")["exit"], 1);
    assert!(lab.read("out/report.html").contains(NOTE));
    is_sound(&lab);

    // Twice is once.
    let told_once = bricks(&lab, case);
    assert_eq!(told_once.len(), 1, "{told_once:?}");
    assert_eq!(told_once[0]["run"], "out");
    let journal = lab.read("out/run.jsonl");
    refused(&[case, "--note", NOTE], "counts as a brick already");
    assert!(lab.read("out/run.jsonl") == journal);
    assert_eq!(bricks(&lab, case), told_once);

    interrupted(&lab, case);
    assert_eq!(bricks(&lab, case), told_once);
    next_run(&lab, case);
}

/// The command was killed between the decision and the verdict: the same again brings it to its end.
#[track_caller]
fn interrupted(lab: &Lab, case: &str) {
    let journal = lab.read("out/run.jsonl");
    let decided = journal
        .find("\"what\":\"written-off\"")
        .expect("it was written off");
    let end = decided + journal[decided..].find('\n').expect("its end") + 1;
    lab.write("out/run.jsonl", &journal[..end]);
    lab.run(&["report", "out"]).ends(0);
    lab.has_verdict("out", "night[claim] inconclusive claim-open");
    lab.run(&["write-off", "out", case, "--note", "again"]).ends(1);
    lab.has_verdict("out", "night[claim] fail claim-not-shown");
    assert_eq!(told(lab, "written-off").len(), 1, "it is decided once");
    is_sound(lab);
}

/// All cuts were made, and the decision has decided the claim: the campaign is over, and the next run begins another one.
#[track_caller]
fn next_run(lab: &Lab, case: &str) {
    let ended = kept(lab).into_iter().filter(|line| !line["ended"].is_null());
    let ended: Vec<Value> = ended.map(|line| line["ended"].clone()).collect();
    assert_eq!(ended, [serde_json::json!(["out", "not shown"])]);
    let arguments = arguments(&["rig.yaml"; 2], &["--canary", "0"]);
    let arguments: Vec<&str> = arguments
        .into_iter()
        .map(|word| if word == "out" { "next" } else { word })
        .collect();
    let ran = lab.run(&arguments).ends(0);
    ran.says("an earlier campaign with the same files ended: not shown, in run `out`");
    lab.has_verdict("next", "night[claim] pass -");
    let refused = lab.run(&["write-off", "next", case, "--note", NOTE]).ends(2);
    refused.complains("nothing to write off");
}

/// The run was killed when its stores were written, and its end was not. It is resumed, and writes nothing twice.
#[test]
fn a_run_that_is_killed_at_its_end_leaves_each_cut_over_once() {
    let lab = Lab::new();
    campaign(&lab, 0);
    let case = &lost(&lab, &[]);
    let open = |lab: &Lab| {
        let cuts = kept(lab).into_iter().map(|line| line["cut"].clone());
        let open = cuts.filter(|cut| cut["case"] == *case && cut["unjudged"] == true);
        open.count()
    };
    assert_eq!(open(&lab), 1);
    let lines = |lab: &Lab| {
        let mut lines = kept(lab);
        lines.retain(|line| line["calibrated"].is_null());
        lines
    };
    let before = lines(&lab);
    let journal = lab.read("out/run.jsonl");
    let end = journal.find("\"event\":\"run-ended\"").expect("its end");
    let end = journal[..end].rfind('\n').expect("a line before it") + 1;
    lab.write("out/run.jsonl", &journal[..end]);
    lab.run(&["run", "--resume", "out"]).ends(3);
    lab.has_verdict("out", "night[claim] inconclusive claim-open");
    assert_eq!(lines(&lab), before);
    is_sound(&lab);
}

/// A claim that survives a brick is not shown by one: the module that it is held against was to make its share of the cuts.
#[test]
fn a_claim_that_survives_it_is_judged_and_signed_anew() {
    let lab = Lab::new();
    campaign(&lab, 1);
    lab.run(&["keygen", "--out", "lab.pem"]).ends(0);
    let case = &lost(&lab, &["--sign", "lab.pem", "--pack"]);
    lab.run(&["write-off", "out"]).ends(2).complains("is packed");
    lab.run(&["report", "out"]).ends(0);
    let given = ["write-off", "out", case, "--note", NOTE];
    lab.run(&given).ends(2).complains("give `--sign KEY`");
    assert!(told(&lab, "written-off").is_empty());
    let signed = [&given[..], &["--sign", "lab.pem"]].concat();
    let ran = lab.run(&signed).ends(3);
    ran.says("1 without a verdict: written off").says("Signed");
    lab.has_verdict("out", "night[claim] inconclusive claim-open");
    ran.says("other modules must not make the rest");
    lab.run(&["verify", "out", "--key", "lab.pub.pem"]).ends(0);
    is_sound(&lab);
}

/// What later runs are told has the whole IMEI: they compare it with what a module says.
#[test]
fn a_masked_run_tells_later_runs_its_modules() {
    let lab = Lab::new();
    campaign(&lab, 0);
    let case = &lost(&lab, &["--mask"]);
    lab.run(&["write-off", "out", case, "--note", NOTE]).ends(1);
    is_sound(&lab);
    let report = lab.read("out/report.html");
    let kept = kept(&lab);
    let modules = kept.iter().filter_map(|line| line["cut"]["module"].as_str());
    for module in modules {
        let (_, imei) = module.rsplit_once('/').expect("a rig and an IMEI");
        assert_eq!((imei.len(), imei.contains('*')), (15, false), "{module}");
        assert!(!report.contains(imei), "masked as before");
    }
    assert_eq!(bricks(&lab, case).len(), 1);
}

/// The state folder of the run was another one: later runs are told when it is named.
#[test]
fn later_runs_are_told_where_they_look() {
    let (lab, case) = copy_of_lost();
    let given = ["write-off", "out", case, "--note", NOTE];
    let elsewhere = [&given[..], &["--state-dir", "elsewhere"]].concat();
    lab.run(&elsewhere).ends(1).complains("no open campaign");
    assert!(bricks(&lab, case).is_empty());
    lab.run(&given)
        .ends(0)
        .says("later runs of the campaign are told now");
    assert_eq!(bricks(&lab, case).len(), 1);
    assert_eq!(told(&lab, "written-off").len(), 1);
}

/// Somebody changed the folder: new evidence would hide it.
#[test]
fn a_folder_that_was_touched_is_left_alone() {
    let (lab, case) = copy_of_lost();
    let page = lab.read("out/report.html");
    lab.write("out/report.html", page.replace("night", "day"));
    let before = lab.read("out/run.jsonl");
    let ran = lab.run(&["write-off", "out", case, "--note", NOTE]).ends(2);
    ran.complains("is not as it was made: report.html was changed");
    assert!(lab.read("out/run.jsonl") == before);
    assert!(bricks(&lab, case).is_empty());
}

#[test]
fn a_run_that_goes_on_or_was_killed_is_left_alone() {
    let lab = Lab::new();
    campaign(&lab, 0);
    let running = lab.start(&arguments(&["rig.yaml"; 2], &["--canary", "0"]));
    await_told(&lab, "ordered", |_| true);
    lab.run(&["write-off", "out"])
        .ends(2)
        .complains("is held by another process");
    running.signal(Signal::KILL);
    running.end();
    nothing_is_left(&lab);
    lab.run(&["write-off", "out"]).ends(2).complains("never ended");
}

#[test]
fn a_folder_without_open_cuts() {
    let lab = Lab::new();
    lab.rig(60, "");
    rig(&lab, "b", 60, "", "");
    lab.suite("limits: {settle: 1s}\ncases:\n  - {name: plain, update: {package: a-to-b, via: uart}}\n");
    lab.run(&["write-off", "."]).ends(2).complains("is no run folder");
    whole(&lab, lab.run(&arguments(&["rig.yaml", "b.yaml"], &[])), 0);
    lab.run(&["write-off", "out"])
        .ends(0)
        .says("nothing to write off");
    lab.run(&["write-off", "out", "plain", "--note", NOTE])
        .ends(2)
        .complains("has the verdict `pass`");
    lab.run(&["run", "suite.yaml", "--rig", "rig.yaml", "--out", "single"])
        .ends(0);
    lab.run(&["write-off", "single"])
        .ends(2)
        .complains("is a run on one rig");
}
