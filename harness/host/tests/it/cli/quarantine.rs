//! A rig that fails its self-check is not believed, and not used, until it passes one.

use crate::lab::{Lab, PROGRAM, Ran};
use crate::process::Running;
use crate::sim::Sim;
use rstest::rstest;
use serde_json::Value;

const CLEAN: &str = "\
limits: {boot: 10s, settle: 500ms, update: 30s}
cases:
  - name: clean
    update: {package: a-to-b, via: uart}
";
/// Switching the supply off does nothing while there is a file `welded`.
const WELDS: &str = "test -e welded || exec PROGRAM power lines.yaml off";

/// A module on a pty whose supply is switched off by a shell.
fn rig(lab: &Lab, sim: &Sim, off: &str) {
    sim.rig(lab, "lines.yaml");
    let off = off.replace("PROGRAM", PROGRAM);
    let text = format!(
        "rig: relay
module: bc66
serial: {{port: {}, latency: 0ms}}
power: {{driver: command, on: [{PROGRAM:?}, power, lines.yaml, \"on\"], off: [sh, -c, {off:?}], discharge: 60ms}}
",
        sim.pty.display()
    );
    lab.write("rig.yaml", text);
}

/// `suite.yaml` on `rig.yaml`, to a folder of its own.
fn run(lab: &Lab, out: &str) -> Ran {
    lab.run(&[
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--seed",
        "7",
        "--out",
        out,
    ])
}

fn is_event(kind: &'static str) -> impl Fn(&&Value) -> bool {
    move |event| event["event"] == kind
}

#[test]
fn the_life_of_a_quarantine() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    rig(&lab, &sim, WELDS);
    lab.rehearsal(CLEAN);
    assert_eq!(lab.rig_state("quarantine.json"), None);

    // The relay welds: what it says of modules is worth nothing.
    sim.power_on(&lab);
    lab.write("welded", "");
    let ran = run(&lab, "found").ends(3);
    assert_eq!(lab.verdicts("found"), ["clean error rig-broken"]);
    assert!(
        ran.stdout
            .contains("`dfota-hil check rig.yaml --clear` ends that"),
        "{}",
        ran.stdout
    );
    let kept = lab.rig_state("quarantine.json").expect("it is kept");
    assert_eq!(kept["run"], "found");
    let why = kept["why"].as_str().expect("a text");
    assert!(
        why.contains("the self-check before `lab` failed: power: "),
        "{why}"
    );
    let since = kept["since"].as_str().expect("a text");
    assert!(since.ends_with('Z') && since.contains('T'), "{since}");

    let last = ran.stderr.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("the rig is in quarantine from now on: the self-check before `lab` failed: power: ")
            && last.ends_with("; after the repair, `dfota-hil check rig.yaml --clear` ends that"),
        "{}",
        ran.stderr
    );
    let plan = lab.run(&["plan", "suite.yaml", "--rig", "rig.yaml"]).ends(0);
    plan.says("warning: the rig is in quarantine since")
        .says("a run checks it first, and goes on where that passes");

    // A check that fails keeps it, and one that passes does not end it unasked.
    let ran = lab.run(&["check", "rig.yaml", "--clear"]).ends(3);
    assert!(ran.stdout.contains("still in quarantine"), "{}", ran.stdout);
    std::fs::remove_file(lab.path("welded")).expect("the file just made");
    let ran = lab.run(&["check", "rig.yaml"]).ends(0);
    assert!(
        ran.stdout
            .contains("still in quarantine: `dfota-hil check rig.yaml --clear`"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        lab.rig_state("quarantine.json"),
        Some(kept),
        "the first cause stays"
    );

    let ran = lab.run(&["check", "rig.yaml", "--clear"]).ends(0);
    assert!(ran.stdout.ends_with("out of quarantine\n"), "{}", ran.stdout);
    let ran = lab.run(&["check", "rig.yaml", "--clear"]).ends(0);
    ran.says("nothing to clear");
    let ran = lab.run(&["check", "rig.yaml", "--clear", "--json"]).ends(0);
    ran.complains("nothing to clear: the rig is not in quarantine in `")
        .complains("/state/dfota-hil/rigs/rig-");
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(told["clear"], "nothing");
    run(&lab, "again").ends(0);
}

/// A cause that no check of a run covers, here of a time in which nobody wrote it down, ends by hand alone: nothing is powered.
#[test]
fn a_quarantine_that_no_run_ends() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    rig(&lab, &sim, WELDS);
    lab.rehearsal(CLEAN);
    sim.power_on(&lab);
    lab.write("welded", "");
    let run = |out| {
        let args = [
            "run",
            "suite.yaml",
            "--rig",
            "rig.yaml",
            "--seed",
            "7",
            "--out",
            out,
            "--state-dir",
            "my state",
        ];
        lab.run(&args)
    };
    run("found").ends(3);
    std::fs::remove_file(lab.path("welded")).expect("the file just made");
    let [rig] = &lab.names("my state/rigs")[..] else {
        panic!("one rig")
    };
    let place = format!("my state/rigs/{rig}/quarantine.json");
    let mut kept: Value = serde_json::from_str(&lab.read(&place)).expect("JSON");
    assert_eq!(kept["cause"], "power");
    kept.as_object_mut().expect("an object").remove("cause");
    lab.write(&place, kept.to_string());

    let ran = run("refused").ends(3);
    assert_eq!(lab.verdicts("refused"), ["clean error rig-quarantined"]);
    let last = ran.stderr.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("the rig is in quarantine since "),
        "{}",
        ran.stderr
    );
    for part in ["by run `found`", "failed: power: ", "; nothing is powered; "] {
        assert!(last.contains(part), "`{part}` in: {last}");
    }
    let command = "dfota-hil check rig.yaml --clear --state-dir 'my state'";
    assert!(
        last.ends_with(&format!("after the repair, `{command}` ends that")),
        "{last}"
    );
    assert_eq!(lab.events("refused").iter().filter(is_event("line")).count(), 0);

    // What is told works as it is told.
    let typed = format!("{} {}", PROGRAM, &command["dfota-hil ".len()..]);
    let ended = std::process::Command::new("sh")
        .args(["-c", &typed])
        .current_dir(lab.path("."))
        .output()
        .expect("a shell");
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(told.ends_with("out of quarantine\n"), "{told}");
    run("again").ends(0);
}

/// What the check of a run has looked at again and found mended is over: it takes the supply from a module that has it, for
/// the silence of one that has none proves nothing.
#[test]
fn a_quarantine_that_a_run_ends() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    rig(&lab, &sim, WELDS);
    lab.rehearsal(CLEAN);
    sim.power_on(&lab);
    lab.write("welded", "");
    run(&lab, "found").ends(3);
    let kept = lab.rig_state("quarantine.json").expect("it is kept");

    lab.run(&["power", "lines.yaml", "off"]).ends(0);
    let ran = run(&lab, "still").ends(3);
    assert_eq!(lab.verdicts("still"), ["clean error rig-quarantined"]);
    let last = ran.stderr.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("the rig is in quarantine since "),
        "{}",
        ran.stderr
    );
    for part in [
        "by run `found`",
        "; the self-check before `lab` failed: power: ",
        "; after the repair, `dfota-hil check rig.yaml --clear` ends that",
    ] {
        assert!(last.contains(part), "`{part}` in: {last}");
    }
    assert_eq!(
        lab.rig_state("quarantine.json"),
        Some(kept),
        "the first cause stays"
    );

    std::fs::remove_file(lab.path("welded")).expect("the file just made");
    let ran = run(&lab, "mended").ends(0);
    assert_eq!(lab.verdicts("mended"), ["clean pass -"]);
    let told = "the rig is out of quarantine: the self-check before `lab` passed, and looked at what had failed; it was in quarantine since ";
    let last = ran.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with(told), "{}", ran.stderr);
    let noted = |event: &Value| event["text"].as_str().is_some_and(|text| text.starts_with(told));
    assert!(lab.events("mended").iter().any(noted), "it is in the journal");
    assert_eq!(lab.rig_state("quarantine.json"), None);
}

/// Another program on this machine has the port of a package server: that is no broken rig.
#[rstest]
#[case::http("http", "http://127.0.0.1")]
#[case::coap("coap", "coap://127.0.0.1")]
fn a_taken_port_is_no_broken_rig(#[case] server: &str, #[case] scheme: &str) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    lab.rehearsal(CLEAN);
    let stream = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let taken = match server {
        "http" => stream.local_addr(),
        _ => datagrams.local_addr(),
    };
    let port = taken.expect("an address").port();
    let network =
        format!("network: {{{server}: {{listen: \"127.0.0.1:{port}\", advertise: \"{scheme}:{port}\"}}}}\n");
    lab.write("rig.yaml", lab.read("rig.yaml") + &network);
    let ran = run(&lab, "taken").ends(3);
    assert_eq!(lab.verdicts("taken"), ["clean error server-failed"]);
    let last = ran.stderr.lines().last().unwrap_or_default();
    assert!(
        last.starts_with(
            "the run was ended by this machine, not by the rig, so the rig is not put in quarantine: "
        ) && last.contains(&port.to_string()),
        "{}",
        ran.stderr
    );
    assert_eq!(lab.rig_state("quarantine.json"), None);
    let ran = lab.run(&["check", "rig.yaml"]).ends(3);
    ran.says(&format!("FAIL {server}"))
        .says("the rig is not at fault");
    drop((stream, datagrams));
    run(&lab, "free").ends(0);
}

/// No file may grow beyond a few blocks, as on a full disk: the run ends and says so, and the rig is not at fault.
#[test]
fn a_journal_that_cannot_be_written() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    lab.suite(CLEAN);
    let limited = "trap '' XFSZ; ulimit -f 32; exec \"$0\" run suite.yaml --rig rig.yaml --seed 7 --out out --state-dir state";
    let ended = std::process::Command::new("sh")
        .args(["-c", limited, PROGRAM])
        .current_dir(lab.path("."))
        .output()
        .expect("a shell");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{stderr}");
    let last = stderr.lines().last().unwrap_or_default();
    assert!(
        last.contains("the run folder `out` cannot be written"),
        "{stderr}"
    );
    let plan = lab
        .run(&["plan", "suite.yaml", "--rig", "rig.yaml", "--state-dir", "state"])
        .ends(0);
    assert!(!plan.stdout.contains("quarantine"), "{}", plan.stdout);
}

/// A disk without room ends this run, and says nothing about the bench: the next run, on another disk, finds it sound.
#[test]
fn a_full_disk_is_no_broken_rig() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CLEAN);
    std::fs::create_dir(lab.path("small")).expect("a folder");
    let script = "mount -t tmpfs -o size=2m tmpfs small || exit 77; exec \"$@\"";
    let run = ["run", "suite.yaml", "--rig", "rig.yaml", "--out", "small/out"];
    let mut command = std::process::Command::new("unshare");
    command
        .args(["-rm", "sh", "-c", script, "sh", PROGRAM])
        .args(run)
        .current_dir(lab.path("."))
        .env("XDG_STATE_HOME", lab.path("state"));
    let ran = Running::start(&mut command).end();
    if ran.code == Some(77) || ran.stderr.contains("unshare failed") {
        eprintln!("skipped: this machine lets nobody mount anything");
        return;
    }
    let ran = ran.ends(3);
    assert!(ran.stdout.contains("failed: disk: "), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("so the rig is not put in quarantine"),
        "{}",
        ran.stdout
    );
    assert_eq!(lab.rig_state("quarantine.json"), None);
    lab.run(&lab.arguments(&[])).ends(0);
}

/// Every case has passed, and yet the night is not green: nobody knows since when the power was not cut.
#[test]
fn a_rig_that_breaks_during_the_suite() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    lab.rehearsal(CLEAN);
    // How often the supply is switched off before the check that comes after the suite.
    rig(&lab, &sim, WELDS);
    run(&lab, "sound").ends(0);
    let events = lab.events("sound");
    let last = events.iter().rposition(|event| event["event"] == "case-ended");
    let before = &events[..last.expect("a case")];
    let moves = before
        .iter()
        .filter(|event| event["line"] == "power" && event["active"] == false);
    let moves = moves.count();
    drop(sim);
    let sim = Sim::start(&lab, &["--speed", "50"]);
    rig(
        &lab,
        &sim,
        &format!("echo off >> moves; test $(wc -l < moves) -gt {moves} || exec PROGRAM power lines.yaml off"),
    );
    let ran = run(&lab, "out").ends(3);
    assert_eq!(lab.verdicts("out"), ["clean pass -"]);
    assert!(
        ran.stdout
            .contains("the rig is in quarantine from now on: the self-check after `lab` failed: power: "),
        "{}",
        ran.stdout
    );
    let run: Value = serde_json::from_str(&lab.read("out/run.json")).expect("JSON");
    let outcomes: Vec<_> = run["rig_checks"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|check| (&check["when"], &check["suite"], &check["checks"][0]["outcome"]))
        .collect();
    let (before, after, lab_) = (Value::from("before"), Value::from("after"), Value::from("lab"));
    let (good, bad) = (Value::from("ok"), Value::from("fail"));
    assert_eq!(outcomes, [(&before, &lab_, &good), (&after, &lab_, &bad)]);
    assert!(lab.rig_state("quarantine.json").is_some());
    assert!(
        lab.read("out/junit.xml").contains("clean"),
        "the reports are made"
    );
}

/// A module that a cut has killed is the finding of the suite. The rig that found it is sound.
#[test]
fn a_dead_module_is_no_broken_rig() {
    let lab = Lab::new();
    lab.rig(200, "dead-after-cut");
    lab.rehearsal(
        "limits: {boot: 20s, settle: 500ms, resume: 30s, update: 120s}
cases:
  - name: forced resume
    update: {package: a-to-b, via: uart}
    cut: {at: updating 20%, after: 5s}
",
    );
    lab.run(&lab.arguments(&[])).ends(1);
    assert_eq!(lab.verdicts("out"), ["forced-resume fail unresponsive"]);
    assert_eq!(lab.rig_state("quarantine.json"), None);
    let events = lab.events("out");
    let after = events.iter().rfind(is_event("rig-checked")).expect("a check");
    assert_eq!(
        (&after["when"], &after["checks"][0]["probe"]),
        (&"after".into(), &"power".into())
    );
    assert_eq!(
        after["checks"][0]["outcome"], "ok",
        "power still removes power: {after}"
    );
}

/// One check stands between two suites.
#[test]
fn every_suite_is_between_two_checks() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.rehearsal(CLEAN);
    let other = lab.read("suite.yaml").replace("suite: lab", "suite: other");
    lab.write("other.yaml", other);
    let args = [
        "run",
        "suite.yaml",
        "other.yaml",
        "--rig",
        "rig.yaml",
        "--seed",
        "7",
        "--out",
        "out",
    ];
    lab.run(&args).ends(0);
    let seen: Vec<String> = lab
        .events("out")
        .iter()
        .filter_map(|event| match event["event"].as_str()? {
            "rig-checked" => Some(format!(
                "{} {}",
                event["when"].as_str()?,
                event["suite"].as_str()?
            )),
            "case-started" => Some(event["suite"].as_str()?.to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(seen, ["before lab", "lab", "after lab", "other", "after other"]);
}

/// What is wrong with this machine ends the run that finds it out. The next one, when that is mended, is green.
#[test]
fn a_wrong_clock_is_no_broken_rig() {
    let lab = Lab::new();
    lab.rig(200, "");
    lab.suite(CLEAN);
    // No clock is right that is before the program was made.
    let program = lab.path("of-tomorrow");
    std::fs::copy(PROGRAM, &program).expect("a copy of the program");
    let tomorrow = std::time::SystemTime::now() + std::time::Duration::from_secs(86_400);
    let file = std::fs::File::options().append(true).open(&program);
    file.and_then(|file| file.set_modified(tomorrow))
        .expect("a file of ours");
    let arguments = "run suite.yaml --rig rig.yaml --seed 7 --state-dir state --out";
    let ended = std::process::Command::new(&program)
        .args(arguments.split(' ').chain(["wrong"]))
        .current_dir(lab.path("."))
        .output()
        .expect("the copy");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{stderr}");
    let last = stderr.lines().last().unwrap_or_default();
    assert!(last.contains("ended by this machine, not by the rig"), "{stderr}");
    assert!(last.contains("clock: "), "{stderr}");
    assert_eq!(lab.verdicts("wrong"), ["clean error harness-failed"]);
    let again: Vec<&str> = arguments.split(' ').chain(["again"]).collect();
    lab.run(&again).ends(0);
    lab.run(&["check", "rig.yaml", "--clear", "--state-dir", "state"])
        .ends(0)
        .says("nothing to clear");
}
