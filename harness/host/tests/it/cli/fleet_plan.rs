//! `plan` for several rigs: who does what, what is left out, and which rigs cannot be used together.

use crate::lab::{Lab, Ran};
use rstest::rstest;
use serde_json::Value;

/// A suite of each kind of case.
const CASES: &str = "cases:\n  \
    - {name: clean, matrix: {via: [uart, http]}, update: {package: a-to-b, via: \"{via}\"}}\n  \
    - {name: resume, update: {package: b-to-a, via: uart}, cut: {at: updating 50%, after: 0ms..400ms}}\n  \
    - {name: reset, update: {package: a-to-b, via: uart}, cut: {at: updating 50%, kind: reset}}\n  \
    - {name: later, update: {package: a-to-b, via: uart}, skip: the bench is being painted}\n";

const CAMPAIGN: &str = "cases:\n  - name: some\n    update: {package: a-to-b, via: uart}\n    \
    sweep: {over: updating 20%..80%, step: 20%, block: 4}\n    claim: {brick_rate_below: 30%}\n";

fn sim(name: &str, more: &str) -> String {
    format!("rig: {name}\nmodule: bc66\nsimulated: {{firmware: BC66NBR01A01, speed: 60}}\n{more}")
}

/// A rig with wires, whose serial port and pin have this number.
fn bench(name: &str, number: u8, more: &str) -> String {
    format!(
        "rig: {name}\nmodule: bc66\nserial: {{port: /dev/ttyS{number}}}\npower: {{driver: rppal, pin: {number}}}\n{more}"
    )
}

#[track_caller]
fn plan(lab: &Lab, rigs: &[&str], more: &[&str]) -> Ran {
    let rigs = rigs.iter().flat_map(|rig| ["--rig", rig]);
    let args: Vec<&str> = ["plan", "suite.yaml"]
        .into_iter()
        .chain(rigs)
        .chain(more.iter().copied())
        .collect();
    lab.run(&args)
}

#[track_caller]
fn same(name: &str, shown: &str) {
    insta::assert_snapshot!(format!("fleet-{name}"), shown);
}

#[test]
fn a_claim_on_one_file_three_times() {
    let lab = Lab::new();
    lab.rig(60, "");
    lab.suite(CAMPAIGN);
    let ran = plan(&lab, &["rig.yaml"; 3], &["--seed", "7"]).ends(0);
    same("claim", &ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_plan_as_json() {
    let lab = Lab::new();
    lab.rig(60, "");
    lab.suite("cases:\n  - {name: clean, update: {package: a-to-b, via: uart}}\n");
    let ran = plan(&lab, &["rig.yaml"; 2], &["--json"]).ends(0);
    let mut plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    plan["cases"][0]["case"]["package"]["sha256"] = "-".into();
    same("json", &serde_json::to_string_pretty(&plan).expect("JSON"));
}

/// A rig without RESET and without a server takes what is left.
#[test]
fn each_case_goes_to_rigs_that_can_run_it() {
    let lab = Lab::new();
    lab.write("all.yaml", sim("all", ""));
    lab.write("bare.yaml", bench("bare", 1, ""));
    lab.rehearsal(CASES);
    let ran = plan(&lab, &["all.yaml", "bare.yaml"], &["--seed", "7"]).ends(0);
    same("abilities", &ran.stdout);
}

#[rstest]
#[case::label("label", "needs: {labels: [sense, attic]}\n")]
#[case::module("module", "needs: {module: bc66-na}\n")]
#[case::name("name", "on: bench-03\n")]
#[case::one_of_them("one", "needs: {labels: [sense]}\non: b\n")]
#[case::several_reasons("several", "needs: {module: bc66, labels: [attic]}\n")]
fn what_a_suite_needs(#[case] name: &str, #[case] needs: &str) {
    let lab = Lab::new();
    lab.write("a.yaml", sim("a", "labels: [sense, roof]\n"));
    lab.write("b.yaml", sim("b", "labels: [roof, sense]\n"));
    lab.write(
        "c.yaml",
        sim("c", "labels: [attic]\n").replace("module: bc66", "module: bc66-na"),
    );
    lab.suite(&format!("{needs}{CASES}"));
    let rigs: &[&str] = match name {
        "module" => &["a.yaml", "b.yaml"],
        _ => &["a.yaml", "b.yaml", "c.yaml"],
    };
    let ran = plan(&lab, rigs, &["--seed", "7"]).ends(0);
    same(&format!("needs-{name}"), &ran.stdout);
}

/// One rig is asked too.
#[rstest]
#[case(
    "needs: {labels: [sense]}\n",
    "the rig has no label `sense`, which the suite needs"
)]
#[case(
    "needs: {module: bc66-na}\n",
    "the rig has no module `bc66-na`, which the suite needs"
)]
#[case("on: bench-03\n", "the suite is for the rig `bench-03`")]
fn what_a_suite_needs_of_the_only_rig(#[case] needs: &str, #[case] why: &str) {
    let lab = Lab::new();
    lab.rig(60, "");
    lab.suite(&format!(
        "{needs}cases:\n  - {{name: clean, update: {{package: a-to-b, via: uart}}}}\n"
    ));
    let ran = plan(&lab, &["rig.yaml"], &["--json"]).ends(0);
    let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(plan["cases"][0]["skip"], why);
}

#[test]
fn every_rig_runs_every_case() {
    let lab = Lab::new();
    lab.write("a.yaml", sim("bench 1", ""));
    lab.write("b.yaml", sim("b", ""));
    lab.suite(&format!("on: each\n{CASES}"));
    let ran = plan(&lab, &["a.yaml", "b.yaml"], &["--seed", "7"]).ends(0);
    same("each", &ran.stdout);
}

/// The id is the same on one rig: the line that reruns it works.
#[rstest]
#[case("=lab::resume[rig=a]", &["resume[rig=a]"])]
#[case("=resume", &["resume[rig=a]"])]
#[case("!resume", &["clean[via=uart,rig=a]", "clean[via=http,rig=a]", "reset[rig=a]", "later[rig=a]"])]
fn a_case_of_each_rig_is_selected(#[case] filter: &str, #[case] ids: &[&str]) {
    let lab = Lab::new();
    lab.write("a.yaml", sim("a", ""));
    lab.suite(&format!("on: each\n{CASES}"));
    let ran = plan(&lab, &["a.yaml"], &["--json", "--filter", filter]).ends(0);
    let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let planned: Vec<&str> = plan["cases"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|planned| planned["case"]["id"].as_str())
        .collect();
    assert_eq!(planned, ids);
}

/// The others wait for the canary, which has the shortest batch first.
#[test]
fn what_the_canary_takes_is_in_the_plan() {
    let lab = Lab::new();
    lab.rig(60, "");
    lab.suite(CAMPAIGN);
    let ran = plan(&lab, &["rig.yaml"; 3], &["--json"]).ends(0);
    let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let number = |value: &Value| value.as_u64().expect("a number");
    let rigs = plan["rigs"].as_array().expect("rigs");
    let batches = plan["batches"].as_array().expect("batches");
    let takes = |name: &Value| {
        let batch = batches.iter().find(|batch| batch["name"] == *name);
        number(&batch.expect("a batch")["real_ms"])
    };
    let first = &rigs[0]["batches"][0];
    let shortest = batches.iter().map(|batch| number(&batch["real_ms"])).min();
    assert_eq!(Some(takes(first)), shortest, "the canary: {rigs:#?}");
    for rig in &rigs[1..] {
        let own: u64 = rig["batches"].as_array().expect("names").iter().map(takes).sum();
        assert!(
            number(&rig["real_ms"]) >= own + takes(first),
            "it waits: {rig:#?}"
        );
    }
    let last = rigs.iter().map(|rig| number(&rig["real_ms"])).max();
    assert_eq!(Some(number(&plan["makespan_ms"])), last);
}

/// Two rigs that cannot be used at the same time: exit 2, and both places are shown.
#[rstest]
#[case::port(
    "port",
    bench("a", 1, "").replace("/dev/ttyS1", "port"),
    bench("b", 2, "").replace("/dev/ttyS2", "link")
)]
#[case::remote_port(
    "remote-port",
    bench("a", 1, "").replace("/dev/ttyS1", "\"socket://Pi:3001\""),
    bench("b", 2, "").replace("/dev/ttyS2", "\"rfc2217://pi:3001\"")
)]
#[case::pin("pin", bench("a", 1, ""), bench("b", 2, "reset: {driver: rppal, pin: 1}\n"))]
#[case::line(
    "line",
    bench("a", 1, "sense: {driver: gpiochip, line: GPIO9}\n"),
    bench("b", 2, "isolate: {driver: gpiochip, chip: /dev/gpiochip0, line: GPIO9}\n")
)]
#[case::number(
    "number",
    bench("a", 1, "sense: {driver: gpiochip, chip: /dev/null, line: 9}\n"),
    bench("b", 2, "reset: {driver: gpiochip, chip: /dev/../dev/null, line: 9}\n")
)]
#[case::switch(
    "switch",
    bench("a", 1, "").replace("rppal, pin: 1", "command, on: [relay, '1', on], off: [relay, '1', off]"),
    bench("b", 2, "").replace("rppal, pin: 2", "command, on: [relay, '1', on], off: [relay, '1', off]")
)]
#[case::off(
    "off",
    bench("a", 1, "").replace("rppal, pin: 1", "command, on: [relay, '1', on], off: [all-off]"),
    bench("b", 2, "").replace("rppal, pin: 2", "command, on: [relay, '2', on], off: [all-off]")
)]
#[case::pulse(
    "pulse",
    bench("a", 1, "").replace("rppal, pin: 1", "command, on: [relay, '1', on], off: [relay, '1', off]"),
    bench("b", 2, "reset: {driver: command, pulse: [relay, '1', on]}\n")
)]
#[case::unplugged_port(
    "unplugged-port",
    bench("a", 1, "").replace("/dev/ttyS1", "/dev/not-plugged-in"),
    bench("b", 2, "").replace("/dev/ttyS2", "/dev/.././dev//not-plugged-in")
)]
#[case::listen(
    "listen",
    bench(
        "a",
        1,
        "network:\n  http: {listen: \"127.0.0.1:8080\", advertise: \"http://a\"}\n  pin: \"8080\"\n"
    ),
    bench(
        "b",
        2,
        "network:\n  http: {listen: \"0.0.0.0:8080\", advertise: \"http://b\"}\n  pin: \"4711\"\n"
    )
)]
#[case::coap(
    "coap",
    sim("a", "network: {coap: {listen: \"[::]:5683\", advertise: \"coap://a\"}}\n"),
    sim(
        "b",
        "network: {coap: {listen: \"10.0.0.1:5683\", advertise: \"coap://b\"}}\n"
    )
)]
#[case::name("name", bench("a b", 1, ""), bench("a/b", 2, ""))]
#[case::simulated_name("simulated-name", sim("a", ""), sim("a", "labels: [other]\n"))]
#[case::mixed_name("mixed-name", sim("a/b", ""), bench("a-b", 1, ""))]
fn rigs_that_share_something(#[case] name: &str, #[case] one: String, #[case] other: String) {
    let lab = Lab::new();
    lab.write("a.yaml", one);
    lab.write("b.yaml", other);
    lab.write("port", "");
    std::os::unix::fs::symlink("port", lab.path("link")).expect("a link");
    lab.rehearsal(CASES);
    let ran = plan(&lab, &["a.yaml", "b.yaml"], &[]).ends(2);
    assert_eq!(ran.stdout, "");
    for place in ["a.yaml:", "b.yaml:"] {
        ran.complains(place);
    }
    let folder = lab.path("").canonicalize().expect("the folder");
    let told = ran.stderr.replace(&folder.display().to_string(), "DIR");
    same(&format!("shared-{name}"), &told);
}

#[test]
fn a_rig_with_wires_is_given_once() {
    let lab = Lab::new();
    lab.write("a.yaml", bench("a", 1, ""));
    std::os::unix::fs::symlink("a.yaml", lab.path("also-a.yaml")).expect("a link");
    lab.rehearsal(CASES);
    let ran = plan(&lab, &["a.yaml", "also-a.yaml"], &[]).ends(2);
    same("shared-file", &ran.stderr);
}

/// Nothing is refused that works: other ports, port 0, TCP beside UDP, the same line of another chip.
#[rstest]
#[case(
    "network: {http: {listen: \"0.0.0.0:8080\", advertise: \"http://a\"}}\n",
    "network: {http: {listen: \"0.0.0.0:8081\", advertise: \"http://a\"}}\n"
)]
#[case(
    "network: {http: {listen: \"0.0.0.0:0\", advertise: \"http://a\"}}\n",
    "network: {http: {listen: \"0.0.0.0:0\", advertise: \"http://a\"}}\n"
)]
#[case(
    "network: {http: {listen: \"10.0.0.1:8080\", advertise: \"http://a\"}}\n",
    "network: {http: {listen: \"10.0.0.2:8080\", advertise: \"http://a\"}}\n"
)]
#[case(
    "network: {http: {listen: \"0.0.0.0:5683\", advertise: \"http://a\"}}\n",
    "network: {coap: {listen: \"0.0.0.0:5683\", advertise: \"coap://a\"}}\n"
)]
#[case(
    "sense: {driver: gpiochip, chip: /dev/gpiochip0, line: 9}\n",
    "sense: {driver: gpiochip, chip: /dev/gpiochip1, line: 9}\n"
)]
#[case(
    "reset: {driver: command, pulse: [relay, '1', pulse]}\n",
    "reset: {driver: command, pulse: [relay, '2', pulse]}\n"
)]
fn rigs_that_share_nothing(#[case] one: &str, #[case] other: &str) {
    let lab = Lab::new();
    lab.write("a.yaml", bench("a", 1, one));
    lab.write("b.yaml", bench("b", 2, other));
    lab.rehearsal(CASES);
    let ran = plan(&lab, &["a.yaml", "b.yaml"], &[]).ends(0);
    assert!(
        ran.stdout.starts_with("2 rigs: a (bc66), b (bc66)\n"),
        "{}",
        ran.stdout
    );
}

/// A suite with `on: each` would mean it, or every rig.
#[test]
fn no_rig_of_several_is_named_each() {
    let lab = Lab::new();
    lab.write("a.yaml", sim("each", ""));
    lab.write("b.yaml", sim("b", ""));
    lab.suite(CASES);
    let ran = plan(&lab, &["a.yaml", "b.yaml"], &[]).ends(2);
    ran.complains("in a run on several rigs, no rig can be named `each`")
        .complains("a.yaml:1:");
    plan(&lab, &["a.yaml"], &[]).ends(0);
}

/// The files of a pattern come by name; hidden ones are not meant. A name that is taken gets a number.
#[test]
fn rigs_by_a_pattern() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("bank")).expect("a folder");
    for (file, name) in [
        ("b.yaml", "b"),
        ("a.yaml", "sim"),
        (".c.yaml", "c"),
        ("d[1].yaml", "sim-2"),
    ] {
        lab.write(&format!("bank/{file}"), sim(name, ""));
    }
    lab.suite(CASES);
    let ran = plan(&lab, &["bank/*.yaml", "bank/a.yaml", "bank/d[1].yaml"], &[]).ends(0);
    let first = ran
        .stdout
        .lines()
        .next()
        .unwrap_or_default()
        .replace(" (bc66, speed 60)", "");
    assert_eq!(first, "5 rigs: sim, b, sim-2, sim-3, sim-2-2");
}

#[rstest]
#[case(&["plan", "suite.yaml", "--rig", "no*.yaml"], "error: `--rig no*.yaml`: expected a rig file, and no file fits this pattern\n")]
#[case(
    &["bisect", "suite.yaml", "--rig", "rig.yaml", "--rig", "rig.yaml", "--filter", "=resume", "--pass", "start+0ms/power/3s", "--fail", "end+0ms/power/3s"],
    "error: `bisect` takes one rig, and `--rig` names 2\n"
)]
#[case(
    &["bisect", "suite.yaml", "--rig", "rig.yaml", "--filter", "=resume", "--pass", "start+0ms/power/3s", "--fail", "end+0ms/power/3s", "--canary", "1"],
    "error: `bisect` works on one rig: remove `--canary` and `--max-bricks`, which are for several\n"
)]
fn rigs_that_are_not_taken(#[case] args: &[&str], #[case] told: &str) {
    let lab = Lab::new();
    lab.rig(60, "");
    lab.suite(CASES);
    let ran = lab.run(args).ends(2);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", told));
    assert!(lab.names("reports").is_empty(), "a run folder was made");
}

/// A rig that is in quarantine is named.
#[test]
fn a_rig_that_is_over_its_budget_is_named() {
    let lab = Lab::new();
    lab.write("a.yaml", sim("a", "wear: {updates: 1}\n"));
    lab.write("b.yaml", sim("b", ""));
    lab.suite(CASES);
    let ran = plan(&lab, &["a.yaml", "b.yaml"], &[]).ends(0);
    let told: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("rig a: "))
        .collect();
    assert_eq!(told.len(), 2, "{}", ran.stdout);
    assert_eq!(told[0], "rig a: flash updates: 0 spent / 5 planned / 1 allowed");
}

/// Each of them, at once.
#[test]
fn every_rig_that_is_over_its_budget_is_named_by_a_run() {
    let lab = Lab::new();
    for name in ["a", "b", "c"] {
        let budget = if name == "b" { "" } else { "wear: {updates: 1}\n" };
        lab.write(&format!("{name}.yaml"), sim(name, budget));
    }
    lab.suite(&format!("on: each\n{CASES}"));
    let rigs = ["--rig", "a.yaml", "--rig", "b.yaml", "--rig", "c.yaml"];
    let args: Vec<&str> = ["run", "suite.yaml", "--out", "out"]
        .into_iter()
        .chain(rigs)
        .collect();
    let ran = lab.run(&args).ends(2);
    let told: Vec<&str> = ran
        .stderr
        .lines()
        .filter_map(|line| line.split(':').find(|part| part.contains("rig `")))
        .collect();
    assert_eq!(told, [" rig `a`", "rig `c`"], "{}", ran.stderr);
    assert!(!lab.path("out").exists());
}

/// `plan` says what `run` would.
#[rstest]
fn what_never_ends_is_for_one_rig(#[values("plan", "run")] command: &str) {
    let lab = Lab::new();
    lab.rig(60, "");
    lab.suite(&format!("repeat: until-stopped\n{CASES}"));
    let args = [command, "suite.yaml", "--rig", "rig.yaml", "--rig", "rig.yaml"];
    lab.run(&args)
        .ends(2)
        .complains("`suite.yaml` has `repeat: until-stopped`: it never ends, so run it on one rig");
}

#[rstest]
#[case("on: eacch\n", "no rig of this run is named `eacch`: did you mean `each`?")]
#[case(
    "on: Bench-b\n",
    "no rig of this run is named `Bench-b`: did you mean `bench-b`?"
)]
#[case(
    "needs: {labels: [simulatd]}\n",
    "no rig of this run has label `simulatd`: did you mean `simulated`?"
)]
fn a_slip_is_told(#[case] keys: &str, #[case] told: &str) {
    let lab = Lab::new();
    lab.write("a.yaml", sim("bench-a", "labels: [simulated]\n"));
    lab.write("b.yaml", sim("bench-b", ""));
    lab.suite(&format!("{keys}{CASES}"));
    plan(&lab, &["a.yaml", "b.yaml"], &["--json"]).ends(0).says(told);
}
