//! Campaigns that other rigs go on with in later runs.

use super::rig;
use crate::lab::{Lab, Ran};
use crate::process::{Signal, wait_until};
use serde_json::Value;
use std::collections::BTreeMap;

/// One directed cut and eight at random, in blocks of so many: ln 0.2 / ln 0.8 = 7.2.
fn campaign(lab: &Lab, block: u32) {
    lab.suite(&format!(
        "limits: {{settle: 1s, boot: 10s, resume: 15s}}
cases:
  - name: night
    update: {{package: a-to-b, via: uart}}
    sweep: {{over: [updating 50%], block: {block}, off: 10s}}
    claim: {{brick_rate_below: 20%, confidence: 80%, off: 10s}}
"
    ));
}

/// Slow enough that a cut of ten seconds can be made on a busy machine.
const SPEED: u32 = 80;

/// The blocks of two cuts of these numbers, and the claim.
const FIRST_BLOCKS: &str = "cut=001 | cut=002 | control=01 | cut=003 | cut=004 | control=02 | claim";

fn rigs(lab: &Lab, names: &[&str]) {
    for name in names {
        rig(lab, name, SPEED, "", "");
    }
}

fn run(lab: &Lab, rigs: &[&str], out: &str, more: &[&str]) -> Ran {
    let files: Vec<String> = rigs.iter().map(|rig| format!("{rig}.yaml")).collect();
    let rigs = files.iter().flat_map(|file| ["--rig", file]);
    let several: &[&str] = if files.len() > 1 { &["--canary", "0"] } else { &[] };
    let args: Vec<&str> = ["run", "suite.yaml"].into_iter().chain(rigs).collect();
    let out = ["--out", out, "--seed", "7"];
    lab.run(&[&args, &out[..], several, more].concat())
}

fn plan(lab: &Lab, rigs: &[&str]) -> Ran {
    let files: Vec<String> = rigs.iter().map(|rig| format!("{rig}.yaml")).collect();
    let rigs = files.iter().flat_map(|file| ["--rig", file.as_str()]);
    let args: Vec<&str> = ["plan", "suite.yaml"].into_iter().chain(rigs).collect();
    lab.run(&args).ends(0)
}

/// A module of the claim, as `run.json` has it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Share {
    cuts: u64,
    /// Those of earlier runs.
    earlier: BTreeMap<String, u64>,
}

/// The modules of the claim by rig.
fn shares(lab: &Lab, out: &str) -> BTreeMap<String, Share> {
    let run: Value = serde_json::from_str(&lab.read(&format!("{out}/run.json"))).expect("JSON");
    let strata = run["campaigns"][0]["pool"]["strata"].as_array().cloned();
    let strata = strata.unwrap_or_else(|| panic!("no strata in {}", run["campaigns"][0]));
    let share = |stratum: &Value| {
        let earlier = stratum["earlier"].as_object().cloned().unwrap_or_default();
        let earlier = earlier
            .into_iter()
            .map(|(run, cuts)| (run, cuts.as_u64().expect("a number")));
        let share = Share {
            cuts: stratum["counted"]["cuts"].as_u64().expect("a number"),
            earlier: earlier.collect(),
        };
        (stratum["rigs"][0].as_str().expect("a rig").to_owned(), share)
    };
    strata.iter().map(share).collect()
}

fn total(shares: &BTreeMap<String, Share>) -> u64 {
    shares.values().map(|share| share.cuts).sum()
}

/// What was not heard is not evidence: a run without one of its parts passes nothing that the part was needed for.
#[test]
fn a_missing_part_opens_the_claim_and_is_named() {
    let lab = Lab::new();
    campaign(&lab, 2);
    rigs(&lab, &["a", "b"]);
    run(&lab, &["a", "b"], "out", &[]).ends(0);
    let parts = |lab: &Lab| {
        let run: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
        run["parts"].as_array().cloned().expect("parts")
    };
    let folder = parts(&lab)
        .iter()
        .find(|part| part["rig"] == "b")
        .expect("a part of b")["folder"]
        .clone();
    let folder = folder.as_str().expect("a folder");
    std::fs::remove_dir_all(lab.path("out").join(folder)).expect("its folder");
    let names = lab.names("out");
    for name in names.iter().filter(|name| name.starts_with("evidence")) {
        std::fs::remove_file(lab.path("out").join(name)).expect("its evidence");
    }

    let missing = format!("{folder}: its journal is missing");
    lab.run(&["judge", "out"]).ends(2).complains(&missing);
    lab.run(&["report", "out"]).ends(3).complains(&missing);
    let run: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    assert_eq!(run["exit"], 3);
    let of_part = run["parts"]
        .as_array()
        .and_then(|parts| parts.iter().find(|part| part["folder"] == folder));
    let said = of_part
        .and_then(|part| part["missing"].as_str())
        .expect("what is missing");
    assert!(said.starts_with("its journal is missing"), "{said}");
    assert_eq!(run["campaigns"][0]["verdict"], "open");
    let verdicts = lab.verdicts("out");
    assert!(
        verdicts.iter().any(|case| case.ends_with("error rig-lost")),
        "{verdicts:?}"
    );
    let claim = verdicts
        .iter()
        .find(|case| case.contains("claim"))
        .expect("the claim");
    assert!(claim.ends_with("inconclusive claim-open"), "{verdicts:?}");
    let junit = lab.read("out/junit.xml");
    assert!(junit.contains(&missing), "{junit}");
    assert!(
        junit.contains("with these parts, the run had judged it `pass`"),
        "{junit}"
    );
    let page = lab.read("out/report.html");
    assert!(page.contains(&missing) && page.contains("NO VERDICT"));
}

#[test]
fn other_rigs_end_the_claim() {
    let lab = Lab::new();
    campaign(&lab, 2);
    rigs(&lab, &["a", "b", "c"]);
    let first = run(&lab, &["a", "b"], "first", &["--filter", FIRST_BLOCKS]).ends(3);
    first.says("claim-open");
    let before = shares(&lab, "first");
    assert_eq!(total(&before), 3, "{before:?}");
    assert_eq!(before.keys().collect::<Vec<_>>(), ["a", "b"]);
    let planned = plan(&lab, &["b", "c"]);
    planned.says("9 cuts, 8 for the claim, 1 directed; 4 done in earlier runs");
    planned.says(&format!(
        "lab::night: 5 cuts for the claim, at most 6 on one rig, with those of earlier runs: b has {}",
        before["b"].cuts
    ));

    let second = run(&lab, &["b", "c"], "second", &[]).ends(0);
    second.says("the claim that in these 3 modules fewer than 20% of the cuts in `start..end` brick the module is shown; 0 of 8 counted cuts did");
    second.says("0 of 3 modules bricked");
    second.says("done in the earlier run `first`");
    let after = shares(&lab, "second");
    assert_eq!(after.keys().collect::<Vec<_>>(), ["a", "b", "c"], "{after:?}");
    assert_eq!(total(&after), 8);
    for (rig, share) in &before {
        let earlier = BTreeMap::from([("first".to_owned(), share.cuts)]);
        assert_eq!(after[rig].earlier, earlier, "{after:?}");
    }
    assert_eq!(after["a"].cuts, before["a"].cuts, "`a` was not there");
    assert!(after.values().all(|share| share.cuts <= 6), "{after:?}");
    second.says(&format!("; of them {} in run first", before["a"].cuts));
    assert!(lab.read("second/report.html").contains("earlier runs"));
    lab.run(&["judge", "second"]).ends(0);
    lab.run(&["verify", "second"]).ends(0);
    // Over is over, whichever rigs come next.
    plan(&lab, &["a", "c"]).says("0 done in earlier runs");
}

/// What ends early abandons nothing: the last cut of each rig is proven, and the next run needs none of them.
#[test]
fn a_run_whose_time_is_over_leaves_no_attempt_open() {
    let lab = Lab::new();
    campaign(&lab, 2);
    rigs(&lab, &["a", "b", "c"]);
    run(&lab, &["a", "b"], "first", &["--max-time", "4s"]).ends(3);
    let before = shares(&lab, "first");
    assert!(total(&before) < 8, "the time was over: {before:?}");
    let second = run(&lab, &["b", "c"], "second", &[]).ends(0);
    second.says("is shown; 0 of 8 counted cuts did");
    let after = shares(&lab, "second");
    assert_eq!(total(&after), 8, "{after:?}");
    let earlier: u64 = after.values().flat_map(|share| share.earlier.values()).sum();
    assert_eq!(earlier, total(&before), "{after:?}");
    let run: Value = serde_json::from_str(&lab.read("second/run.json")).expect("JSON");
    for stratum in run["campaigns"][0]["pool"]["strata"].as_array().expect("strata") {
        assert_eq!(stratum["open"], serde_json::json!([]), "{stratum}");
    }
}

#[test]
fn one_rig_goes_on_with_what_another_one_began() {
    let lab = Lab::new();
    campaign(&lab, 2);
    rigs(&lab, &["a", "b"]);
    let first = run(&lab, &["a"], "first", &["--filter", FIRST_BLOCKS]).ends(3);
    assert!(!first.stdout.contains("modules"), "one module: {}", first.stdout);
    let second = run(&lab, &["b"], "second", &[]).ends(0);
    second.says("the claim that in these 2 modules fewer than 20% of the cuts");
    let after = shares(&lab, "second");
    assert_eq!((after["a"].cuts, after["b"].cuts), (3, 5), "{after:?}");
    lab.run(&["judge", "second"]).ends(0);
}

/// The run that ordered the cut is killed, and its module may be dead: another module that makes the same cut does not tell.
#[test]
fn a_cut_whose_run_was_killed_stays_open_until_its_module_is_back() {
    let lab = Lab::new();
    campaign(&lab, 2);
    rigs(&lab, &["a", "b"]);
    let begin = [
        "run",
        "suite.yaml",
        "--rig",
        "a.yaml",
        "--out",
        "first",
        "--seed",
        "7",
    ];
    let running = lab.start(&begin);
    // The directed cut is the first; the next one is of the claim.
    wait_until("the second cut to be armed", || {
        let events = lab.events("first");
        let armed = events.iter().filter(|event| event["event"] == "cut-armed");
        armed.count() > 1
    });
    running.signal(Signal::KILL);
    running.end();
    let second = run(&lab, &["b"], "second", &[]).ends(3);
    lab.has_verdict("second", "night[claim] inconclusive claim-open");
    second.says("cuts that were ordered, or may have been, and have no verdict: `night[cut=002]` on `a`");
    lab.run(&["judge", "second"]).ends(0);
}

#[test]
fn a_module_does_not_make_more_than_its_share_when_it_goes_on_alone() {
    let lab = Lab::new();
    campaign(&lab, 1);
    rigs(&lab, &["a", "b", "c", "d"]);
    let four = "cut=002 | control=02 | cut=003 | control=03 | cut=004 | control=04 | cut=005 | control=05";
    run(&lab, &["a", "b", "c", "d"], "first", &["--filter", four]).ends(0);
    let each = BTreeMap::from([("first".to_owned(), 1)]);
    let planned = plan(&lab, &["a"]);
    // Eight cuts, four modules: at most four on each, and `a` has one.
    planned.says("night[cut=009]");
    planned.says("the module on `a` has its share of the claim's cuts (4 of 8, 4 modules)");
    let left_out = planned.stdout.matches("has its share").count();
    assert_eq!(left_out, 1, "{}", planned.stdout);
    let both = plan(&lab, &["a", "b"]);
    assert!(!both.stdout.contains("has its share"), "{}", both.stdout);
    let ended = run(&lab, &["a", "b"], "second", &[]).ends(0);
    ended.says("in these 4 modules");
    let after = shares(&lab, "second");
    assert!(after.values().all(|share| share.earlier == each), "{after:?}");
    assert!(after.values().all(|share| share.cuts <= 4), "{after:?}");
}

#[test]
fn what_changes_the_risk_begins_anew_and_says_why() {
    let lab = Lab::new();
    let package = std::fs::read(lab.path("suites/packages/a-to-b.delta")).expect("a package");
    campaign(&lab, 2);
    rigs(&lab, &["a", "b"]);
    lab.write("a-to-b.delta", &package);
    let suite = lab
        .read("suite.yaml")
        .replace("suites/packages/a-to-b.delta", "a-to-b.delta");
    lab.write("suite.yaml", &suite);
    run(
        &lab,
        &["a"],
        "first",
        &["--filter", "cut=001 | cut=002 | control=01"],
    )
    .ends(0);
    let goes_on = "2 done in earlier runs";
    let anew = |ran: &Ran, why: &str| {
        ran.says("0 done in earlier runs");
        ran.says(&format!("the campaign begins anew: {why}"));
        ran.says("cuts of earlier runs that do not count any more: 2, the last in run `first`");
    };

    lab.write("suite.yaml", format!("{suite}# another file\n"));
    anew(&plan(&lab, &["a"]), "the suite file has changed");
    lab.write("suite.yaml", &suite);
    plan(&lab, &["a"]).says(goes_on);

    let mut other = package.clone();
    other.push(0);
    lab.write("a-to-b.delta", &other);
    anew(&plan(&lab, &["a"]), "a package has changed");
    lab.write("a-to-b.delta", &package);

    rig(&lab, "a", SPEED, "bricks-above-90", "");
    let changed = "the rig `a` switches the supply, or simulates its module, in another way than before";
    anew(&plan(&lab, &["a"]), changed);
    anew(&plan(&lab, &["a", "b"]), changed);
    let ran = run(&lab, &["a"], "second", &["--filter", "cut=001 | control=01"]).ends(0);
    ran.says(changed);
    // Each goes on with its own.
    plan(&lab, &["a"]).says("1 done in earlier runs");
    rig(&lab, "a", SPEED, "", "");
    plan(&lab, &["a"]).says(goes_on);

    // Where the file lies, and what is no matter of the cut, changes nothing.
    rig(&lab, "a", SPEED, "", "labels: [roof]\n");
    std::fs::rename(lab.path("a.yaml"), lab.path("moved.yaml")).expect("a file");
    plan(&lab, &["moved"]).says(goes_on);
    plan(&lab, &["b"]).says(goes_on);
    plan(&lab, &["moved", "b"]).says(goes_on);
}

/// Two modules on one rig, one after the other: the mask hides that, so the claim is open, until a run without a mask judges it.
#[test]
fn a_masked_run_is_no_proof_if_a_rig_had_two_modules() {
    let lab = Lab::new();
    campaign(&lab, 2);
    rigs(&lab, &["a", "b"]);
    let run = |rigs: &[&str], out: &str, more: &[&str]| {
        let files: Vec<String> = rigs.iter().map(|rig| format!("{rig}.yaml")).collect();
        let rigs = files.iter().flat_map(|file| ["--rig", file]);
        let several: &[&str] = if files.len() > 1 { &["--canary", "0"] } else { &[] };
        let args: Vec<&str> = ["run", "suite.yaml", "--out", out]
            .into_iter()
            .chain(rigs)
            .collect();
        lab.run(&[&args, several, more].concat())
    };
    // A simulated module has another IMEI with another seed.
    run(&["a"], "first", &["--seed", "1", "--filter", FIRST_BLOCKS]).ends(3);
    let hides = |rigs: &str| {
        format!(
            "`--mask` hides which module made which cuts where one rig had several: {rigs}; run the campaign again without `--mask`"
        )
    };
    run(&["a", "b"], "masked", &["--seed", "2", "--mask"])
        .ends(3)
        .says(&hides("a"));
    lab.has_verdict("masked", "night[claim] inconclusive claim-open");
    lab.run(&["judge", "masked"]).ends(0);
    lab.run(&["verify", "masked"]).ends(0);
    lab.run(&["report", "masked"]).ends(0);
    assert!(
        lab.read("masked/report.html")
            .contains("hides which module made which cuts")
    );
    // On one rig, too: all cuts are made, and the claim is judged anew.
    run(&["b"], "alone", &["--seed", "3", "--mask"])
        .ends(3)
        .says(&hides("a, b"));
    lab.run(&["judge", "alone"]).ends(0);
    lab.run(&["verify", "alone"]).ends(0);
    let full = run(&["a", "b"], "full", &["--seed", "4"]);
    assert!(!full.stdout.contains("--mask"), "{}", full.stdout);
}
