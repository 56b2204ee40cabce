//! Campaigns: many cuts, laid out by a calibration, that go on from night to night and judge a claim.

use crate::junit;
use crate::lab::Lab;

/// Six cuts at random, and three directed ones: ln 0.2 / ln 0.75 = 5.6.
const CAMPAIGN: &str = "limits: {boot: 10s, resume: 15s}
cases:
  - name: night
    update: {package: a-to-b, via: uart}
    sweep: {over: [start, \"updating 100%..end\"], cuts: 1, block: 4, kind: [power, reset]}
    claim: {brick_rate_below: 25%, confidence: 80%}
";

fn ids(prefix: &str, numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    numbers.map(|n| format!("night[{prefix}={n:03}]")).collect()
}

#[test]
fn a_claim_is_reached_and_said() {
    let lab = Lab::new();
    lab.rig(200, "");
    lab.suite(CAMPAIGN);
    let ran = lab.run(&lab.arguments(&[])).ends(0);
    for shown in [
        "the claim that fewer than 25% of the cuts in `start..end` brick the module is shown",
        "0 of 6 counted cuts did, so with 80% confidence the rate is below 23.528%, and with 80% confidence at least 0% (each bound for itself)",
        "6 counted cuts, no brick, 2 directed cuts, no brick",
        "a brick is a module that",
    ] {
        ran.says(shown);
    }
    let cases = junit::cases(&lab.read("out/junit.xml"));
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let mut wanted = ids("cut", 1..=8);
    wanted.insert(0, "night[calibration=b-to-a]".into());
    wanted.insert(0, "night[calibration=a-to-b]".into());
    wanted.insert(6, "night[control=01]".into());
    wanted.extend(["night[control=02]".into(), "night[claim]".into()]);
    assert_eq!(names, wanted);
    // Directions alternate: the way back is a cut as well.
    let packages: Vec<String> = lab.cases("out")[2..6]
        .iter()
        .map(|case| case["package"].to_string())
        .collect();
    assert_eq!(packages, ["\"a-to-b\"", "\"b-to-a\"", "\"a-to-b\"", "\"b-to-a\""]);
    // What was drawn is data of the case, and inside the window.
    let events = lab.events("out");
    let tallied: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "tallied" && event["counts"] == true)
        .collect();
    assert_eq!(tallied.len(), 6);
    assert!(
        tallied.iter().all(|cut| cut["landed"]["phase"] != "ended"),
        "{tallied:?}"
    );
    let drawn: std::collections::BTreeSet<String> =
        tallied.iter().map(|cut| cut["cut"].to_string()).collect();
    assert!(drawn.len() >= 5, "cuts drawn at random differ: {drawn:?}");
    assert!(
        lab.names("state/dfota-hil/campaigns")[0].ends_with("-out.jsonl"),
        "the campaign is over"
    );
}

#[test]
fn a_campaign_goes_on_where_the_last_run_stopped() {
    let lab = Lab::new();
    lab.rig(200, "");
    lab.suite(CAMPAIGN);
    let first = lab
        .run(&lab.arguments(&["--filter", "cut=001 | cut=003 | cut=004 | claim"]))
        .ends(3);
    first.says("claim-open");
    first.says("5 more have to count");
    let plan = lab.run(&["plan", "suite.yaml", "--rig", "rig.yaml"]).ends(0);
    plan.says("8 cuts, 6 for the claim, 2 directed; 2 done in earlier runs");
    plan.says("times are those of the last calibration");

    let second = ["run", "suite.yaml", "--rig", "rig.yaml", "--out", "second"];
    let ran = lab.run(&second).ends(0);
    ran.says("done in the earlier run `out`");
    ran.says("0 of 6 counted cuts");
    ran.says("with the cuts of out");

    // Over is over: the next night begins another one. So does a suite that was changed.
    let anew = lab.run(&["plan", "suite.yaml", "--rig", "rig.yaml"]).ends(0);
    anew.says("0 done in earlier runs");
}

#[test]
fn cuts_of_another_suite_file_are_not_pooled() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CAMPAIGN);
    lab.run(&lab.arguments(&["--filter", "cut=003"])).ends(0);
    lab.suite(&format!("{CAMPAIGN}# another file\n"));
    let plan = lab.run(&["plan", "suite.yaml", "--rig", "rig.yaml"]).ends(0);
    plan.says("0 done in earlier runs");
}

/// The sharpest thing a campaign can say: the claim is refuted, every failure has its id, and the night goes on.
#[test]
fn a_brick_refutes_the_claim_and_the_rest_goes_on() {
    let lab = Lab::new();
    // Slow enough that a cut in the last percents is one even where this machine pauses for some milliseconds.
    lab.rig(100, "bricks-above-90");
    lab.suite(
        "limits: {boot: 5s, resume: 8s}
cases:
  - name: night
    update: {package: a-to-b, via: uart}
    sweep: {over: [updating 30%, updating 94%, updating 40%]}
    claim: {brick_rate_below: 50%, confidence: 50%, over: \"updating 20%..60%\"}
",
    );
    let ran = lab
        .run(&lab.arguments(&["--filter", "cut=00 | control | claim"]))
        .ends(1);
    lab.has_verdict("out", "night[cut=002] fail unresponsive");
    lab.has_verdict("out", "night[cut=003] pass -");
    ran.says("--cut updating@94%+0ms/power/3s");
    // A directed cut is not one of the claim's.
    lab.has_verdict("out", "night[claim] pass -");

    // The id that was printed makes the same cut again, and says how often it did what.
    let again = [
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "again",
        "--filter",
        "=lab::night[cut=002]",
    ];
    let cut = ["--cut", "updating@94%+0ms/power/3s", "--repeat", "2"];
    let ran = lab.run(&[&again[..], &cut].concat()).ends(1);
    // A busy machine makes one of them a percent later.
    ran.says("updating@94%+0ms/power/3s, 2 runs: landed at UPDATING 9");
    ran.says("; fail unresponsive 2×\n");
}

#[test]
fn an_off_time_that_the_rig_cannot_make_is_left_out_with_a_reason() {
    let lab = Lab::new();
    // A millisecond of the module's time is half a microsecond here: no line is that fast.
    lab.rig(2000, "");
    lab.suite(
        "cases:
  - name: glitch
    update: {package: a-to-b, via: uart}
    sweep: {over: updating 50%, off: [1ms, 5s], block: 9}
",
    );
    lab.run(&lab.arguments(&["--filter", "cut=001"])).ends(3);
    let cases = lab.cases("out");
    assert_eq!(cases[0]["verdict"], "skip", "{}", cases[0]);
    let events = lab.events("out");
    let ended = events
        .iter()
        .find(|event| event["event"] == "case-ended")
        .expect("an end");
    let reason = ended["reason"].as_str().expect("a reason");
    assert!(reason.contains("a cut of 1ms cannot be made"), "{reason}");
}

#[test]
fn a_cut_that_is_given_is_made_in_one_case() {
    let lab = Lab::new();
    lab.rig(100, "");
    lab.suite(CAMPAIGN);
    let plan = |more: &[&str]| lab.run(&[&["plan", "suite.yaml", "--rig", "rig.yaml"], more].concat());
    let ran = plan(&["--cut", "updating@50%+137ms/power/5s", "--repeat", "2"]).ends(0);
    ran.says("lab::night#2");
    assert_eq!(
        ran.stdout.matches("cut updating@50%+137ms/power/5s").count(),
        2,
        "{}",
        ran.stdout
    );
    let elsewhere = plan(&["--cut", "http-start+0ms/power/5s"]).ends(2);
    elsewhere.complains("`http-start` never comes in a case via `uart`");
    let nonsense = plan(&["--cut", "yesterday"]).ends(2);
    nonsense.complains("updating@50%+137ms/power/5s");
    lab.suite("cases:\n  - {name: a, update: {package: a-to-b, via: uart}}\n  - {name: b, update: {package: a-to-b, via: uart}}\n");
    let many = plan(&["--cut", "start+0ms/power/5s"]).ends(2);
    many.complains("2 are selected: `a`, `b`");
}

#[test]
fn a_soak_goes_on_until_its_time_is_over() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(
        "repeat: until-stopped
cases:
  - {name: there, update: {package: a-to-b, via: uart}}
  - {name: back, update: {package: b-to-a, via: uart}}
",
    );
    let ran = lab.run(&lab.arguments(&["--max-time", "3s"])).ends(0);
    ran.says("there#2");
    assert!(!ran.stdout.contains("not reached"), "{}", ran.stdout);
    let names = junit::cases(&lab.read("out/junit.xml")).len();
    assert_eq!(names, lab.cases("out").len());
}

/// Only the next delta tells whether the image is what its version says: a last cut that nothing came after counts for
/// nothing, however often runs end there.
#[test]
fn a_cut_that_nothing_has_proved_does_not_count() {
    let lab = Lab::new();
    lab.rig(100, "resumes-wrong-chunk");
    lab.suite(
        "limits: {boot: 5s, resume: 8s}
cases:
  - name: night
    update: {package: a-to-b, via: uart}
    claim: {brick_rate_below: 50%, confidence: 50%, over: \"updating 30%..60%\"}
",
    );
    let ran = lab.run(&lab.arguments(&["--filter", "cut | claim"])).ends(3);
    ran.says("0 of 0 counted cuts");
    assert!(!ran.stdout.contains("is shown"), "{}", ran.stdout);
    let again = ["run", "suite.yaml", "--rig", "rig.yaml", "--out", "again"];
    let ran = lab.run(&again).ends(1);
    ran.says("is not shown: it survives no brick");
    lab.has_verdict("again", "night[cut=001] fail image-corrupt");
    // Whoever plans another one is told.
    let plan = lab.run(&["plan", "suite.yaml", "--rig", "rig.yaml"]).ends(0);
    plan.says("an earlier campaign with the same files ended: not shown, in run `again`");
}

#[test]
fn limits_of_measurements_hold_for_the_cuts_of_a_campaign() {
    let lab = Lab::new();
    lab.rig(100, "");
    lab.suite(
        "measure: {time-to-resume: {max: 1ms}, cut-latency: {max: 10s}}
cases:
  - name: night
    measure: {resumed-at: {max: 99%}}
    update: {package: a-to-b, via: uart}
    sweep: {over: [updating 50%, start]}
",
    );
    lab.run(&lab.arguments(&["--filter", "cut="])).ends(1);
    let verdicts = lab.verdicts("out");
    assert_eq!(
        verdicts,
        [
            "night[cut=001] fail measurement-out-of-limits",
            "night[cut=002] pass -"
        ]
    );
}

#[test]
fn a_cut_that_nobody_could_judge_is_made_again() {
    let lab = Lab::new();
    lab.rig(200, "dead-after-cut");
    lab.suite(
        "limits: {boot: 5s, resume: 60s}
cases:
  - name: night
    update: {package: a-to-b, via: uart}
    claim: {brick_rate_below: 50%, confidence: 50%, over: \"updating 20%..90%\"}
",
    );
    let running = lab.start(&lab.arguments(&[]));
    lab.await_event("out", "the cut", |event| event["event"] == "cut-made");
    running.signal(rustix::process::Signal::INT);
    running.end().ends(130);
    let cut_of = |out: &str| {
        let events = lab.events(out);
        let made = events
            .iter()
            .find(|event| event["event"] == "cut-made")
            .expect("a cut");
        made["cut"].as_str().expect("its id").to_owned()
    };
    let unjudged = lab
        .events("out")
        .iter()
        .any(|event| event["event"] == "tallied" && event["unjudged"] == true);
    assert!(unjudged, "the cut is not forgotten");
    let again = [
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "again",
        "--seed",
        "99",
    ];
    lab.run(&again).ends(1);
    assert_eq!(cut_of("again"), cut_of("out"));
}

#[test]
fn a_resume_that_has_nothing_left_to_cut_raises_no_alarm() {
    let lab = Lab::new();
    lab.rig(200, "");
    lab.suite(
        "cases:
  - name: night
    update: {package: a-to-b, via: uart}
    sweep: {over: [updating 100%, \"updating 100%..end\", updating 60%], cuts: 1, depth: 2}
",
    );
    let ran = lab.run(&lab.arguments(&[])).ends(0);
    ran.says("3 directed cuts, no brick");
}

/// What is printed for a failure makes it again, also where the cut was given or is a probe of a search.
#[test]
fn a_printed_line_makes_the_same_cut_again() {
    let lab = Lab::new();
    lab.rig(400, "forgets-resume");
    lab.suite(CAMPAIGN);
    let given = [
        "--cut",
        "updating@50%+0ms/power/5s",
        "--repeat",
        "2",
        "--filter",
        "=lab::night",
    ];
    let ran = lab.run(&lab.arguments(&given)).ends(1);
    let line = ran
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix("rerun: dfota-hil run "))
        .expect("a line");
    let words: Vec<String> = line
        .split_whitespace()
        .map(|word| word.trim_matches('\'').to_owned())
        .collect();
    let plan: Vec<&str> = std::iter::once("plan")
        .chain(words.iter().map(String::as_str))
        .collect();
    let plan = lab.run(&plan).ends(0);
    assert!(
        plan.stdout.contains("cut updating@50%+0ms/power/5s"),
        "{line}\n{}",
        plan.stdout
    );
    assert_eq!(plan.stdout.matches("    cut ").count(), 1, "{}", plan.stdout);
}

/// A cut that comes before the module has looked at its delta proves nothing about the one before, and loses nothing of it.
#[test]
fn cuts_right_after_start_all_count() {
    let lab = Lab::new();
    lab.rig(200, "");
    lab.suite(
        "cases:
  - name: night
    update: {package: a-to-b, via: uart}
    claim: {brick_rate_below: 30%, confidence: 80%, over: \"start..updating 20%\"}
",
    );
    let ran = lab.run(&lab.arguments(&[])).ends(0);
    ran.says("0 of 5 counted cuts");
}

/// A campaign has settled the cut that left the image: what makes it again makes that cut, and one more to need its image.
#[test]
fn a_failure_for_an_earlier_cut_is_made_again_with_that_cut() {
    let lab = Lab::new();
    lab.rig(200, "resumes-wrong-chunk");
    lab.suite(
        "limits: {boot: 5s, resume: 8s}
cases:
  - name: night
    update: {package: a-to-b, via: uart}
    claim: {brick_rate_below: 50%, confidence: 70%, over: \"updating 30%..60%\"}
",
    );
    lab.run(&lab.arguments(&[])).ends(1);
    let cases = lab.cases("out");
    let accuses = cases.iter().find(|case| case["rule"] == "preparation-failed");
    let accuses = accuses.unwrap_or_else(|| panic!("{cases:?}"));
    let line = accuses["rerun"].as_str().expect("a line");
    let line = line.strip_prefix("dfota-hil ").expect("a command");
    let words = line.replace('\'', "");
    let again: Vec<&str> = words.split_whitespace().chain(["--out", "again"]).collect();
    lab.run(&again).ends(1);
    let verdicts = lab.verdicts("again");
    let [first, second] = &verdicts[..] else {
        panic!("{line}: {verdicts:?}")
    };
    assert!(first.ends_with("#1 fail image-corrupt"), "{line}: {verdicts:?}");
    assert!(
        second.ends_with("#2 fail preparation-failed"),
        "{line}: {verdicts:?}"
    );
}
