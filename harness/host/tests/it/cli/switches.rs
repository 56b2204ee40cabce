//! The driver `command`: programs are found from the rig file, and the ready examples of `rigs/switches` say what they have to.

use crate::lab::{Lab, PROGRAM, Ran};
use crate::process::Running;
use crate::sim::Sim;
use rstest::rstest;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

const EXAMPLES: [&str; 6] = ["hidusb-relay", "labgrid", "shelly", "snmp", "tasmota", "uhubctl"];

fn program(lab: &Lab, name: &str, text: &str) {
    lab.write(name, format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(lab.path(name), PermissionsExt::from_mode(0o755)).expect("a program");
}

/// Wherever somebody stands, and through a link, a program is where the rig file is.
#[rstest]
#[case::here(".", "rig.yaml", "bench/rig.yaml")]
#[case::from_above("bench", "relay.yaml", "bench/relay.yaml")]
#[case::from_elsewhere("tmp", "../bench/relay.yaml", "bench/relay.yaml")]
#[case::through_a_link(".", "link.yaml", "bench/relay.yaml")]
fn a_program_beside_the_rig_file(#[case] folder: &str, #[case] named: &str, #[case] file: &str) {
    let lab = Lab::new();
    std::fs::create_dir_all(lab.path("bench/tools")).expect("a folder");
    program(
        &lab,
        "bench/tools/relay",
        "echo \"$@\" >> \"$(dirname \"$0\")/moved\"",
    );
    let text = "rig: relay\nmodule: bc66\nserial: {port: /dev/null}\n\
                power: {driver: command, on: [tools/relay, 1, \"on\"], off: [./tools/relay, 1, \"off\"]}\n\
                reset: {driver: command, pulse: [./tools/relay, 2, pulse]}\n";
    lab.write(file, text);
    for link in ["link.yaml", "rig.yaml"] {
        std::os::unix::fs::symlink(file, lab.path(link)).expect("a link");
    }
    for action in ["on", "reset", "off"] {
        let mut command = lab.command(&["power", named, action]);
        command.current_dir(lab.path(folder));
        Running::start(&mut command).end().ends(0);
    }
    let moved = lab.read("bench/tools/moved");
    assert!(moved.contains("1 on\n2 pulse\n"), "{moved}");
    assert!(moved.ends_with("1 off\n"), "{moved}");
}

#[test]
fn one_that_is_not_there_is_named_in_full() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("bench")).expect("a folder");
    lab.write(
        "bench/rig.yaml",
        "rig: relay\nmodule: bc66\nserial: {port: /dev/null}\npower: {driver: command, on: [./gone], off: [\"true\"]}\n",
    );
    let ran = lab.run(&["power", "bench/rig.yaml", "on"]).ends(3);
    let full = lab.path("bench").canonicalize().expect("a folder").join("gone");
    ran.complains(&format!("`{}` could not be started", full.display()));
    ran.complains("relative to the rig file");
}

/// `check --step` asks for keys that the rig file has.
#[test]
fn a_step_speaks_of_on_and_off() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    crate::cli::check::commands(&lab, &sim, ["on", "off"]);
    let mut walk = crate::cli::step::Walk::start(&lab, &["rig.yaml"]);
    let said = walk.asked("q stops: ");
    assert!(
        said.contains("`on` and `off` of `power` are the wrong way round"),
        "{said}"
    );
    assert!(!said.contains("`active`"), "{said}");
}

#[test]
fn every_example_is_tried() {
    let lab = Lab::new();
    let there: BTreeSet<String> = lab
        .names("rigs/switches")
        .iter()
        .filter_map(|name| name.strip_suffix(".yaml"))
        .map(str::to_owned)
        .collect();
    assert_eq!(there, EXAMPLES.map(str::to_owned).into());
}

/// What each of them has its program do, as that program's manual has it.
#[rstest]
#[case(
    "hidusb-relay",
    "hidusb-relay-cmd id=ABCDE on 1",
    "hidusb-relay-cmd id=ABCDE off 1"
)]
#[case(
    "uhubctl",
    "uhubctl --location 1-1 --ports 2 --action on",
    "uhubctl --location 1-1 --ports 2 --action off"
)]
#[case(
    "snmp",
    "snmpset -v2c -c private -t 2 -r 1 pdu.example.com .1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.1 i 1",
    "snmpset -v2c -c private -t 2 -r 1 pdu.example.com .1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.1 i 2"
)]
#[case(
    "labgrid",
    "labgrid-client -p bench-01 power on",
    "labgrid-client -p bench-01 power off"
)]
fn a_program_of_the_path(#[case] example: &str, #[case] on: &str, #[case] off: &str) {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("bin")).expect("a folder");
    let name = on.split(' ').next().expect("a program");
    program(
        &lab,
        &format!("bin/{name}"),
        "echo \"$(basename \"$0\") $@\" >> moved",
    );
    lab.write("rig.yaml", portless(&lab, example));
    for (action, said) in [("on", on), ("off", off)] {
        with_path(&lab, &["power", "rig.yaml", action]).ends(0);
        assert_eq!(lab.read("moved").lines().last(), Some(said));
    }
    program(&lab, &format!("bin/{name}"), "echo it is not there >&2; exit 1");
    with_path(&lab, &["power", "rig.yaml", "on"])
        .ends(3)
        .complains("it said: it is not there");
}

fn with_path(lab: &Lab, args: &[&str]) -> Ran {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = lab.command(args);
    command.env("PATH", format!("{}:{path}", lab.path("bin").display()));
    Running::start(&mut command).end()
}

/// A plug: what it was asked, and whether it is on.
#[derive(Default)]
struct Plug {
    asked: Vec<String>,
    on: bool,
}

/// A plug at an address, which speaks as this one does; a `stuck` one never moves.
fn plug(answer: fn(&mut Plug, &str) -> String, stuck: bool) -> (SocketAddr, Arc<Mutex<Plug>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let plug = Arc::new(Mutex::new(Plug::default()));
    let kept = plug.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = String::new();
            let _ = BufReader::new(&stream).read_line(&mut request);
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            let mut plug = kept.lock().expect("the plug");
            let body = answer(&mut plug, &path);
            plug.asked.push(path);
            plug.on &= !stuck;
            let len = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    (address, plug)
}

fn tasmota(plug: &mut Plug, path: &str) -> String {
    plug.on = path.ends_with("ON");
    format!(r#"{{"POWER":"{}"}}"#, if plug.on { "ON" } else { "OFF" })
}

/// One whose relay does not move says so.
fn stuck_tasmota(_: &mut Plug, _: &str) -> String {
    r#"{"POWER":"OFF"}"#.into()
}

fn shelly(plug: &mut Plug, path: &str) -> String {
    if path.contains("Switch.Set") {
        let was = std::mem::replace(&mut plug.on, path.ends_with("on=true"));
        return format!(r#"{{"was_on":{was}}}"#);
    }
    format!(
        r#"{{"id":0, "source":"HTTP_in", "output":{}, "apower":0.0}}"#,
        plug.on
    )
}

/// An example, with a port that several tests may name at a time.
fn portless(lab: &Lab, example: &str) -> String {
    let text = lab.read(&format!("rigs/switches/{example}.yaml"));
    let line = |line: &str| {
        if line.starts_with("serial: ") {
            "serial: {port: /dev/null}\n".to_owned()
        } else {
            format!("{line}\n")
        }
    };
    text.lines().map(line).collect()
}

/// The example, with its plug at this address.
fn at(lab: &Lab, example: &str, host: &str, address: SocketAddr) {
    let text = portless(lab, example);
    assert!(text.contains(host), "{text}");
    lab.write("rig.yaml", text.replace(host, &address.to_string()));
    std::fs::copy(lab.path("rigs/switches").join(example), lab.path(example)).expect("its program");
}

#[rstest]
#[case("tasmota", "plug.example.com", tasmota, "/cm?cmnd=Power%20ON")]
#[case("shelly", "shelly.example.com", shelly, "/rpc/Switch.Set?id=0&on=true")]
fn a_plug_over_http(
    #[case] example: &str,
    #[case] host: &str,
    #[case] speaks: fn(&mut Plug, &str) -> String,
    #[case] asks: &str,
) {
    let lab = Lab::new();
    let (address, plug) = plug(speaks, false);
    at(&lab, example, host, address);
    for (action, on) in [("on", true), ("off", false)] {
        lab.run(&["power", "rig.yaml", action]).ends(0);
        assert_eq!(plug.lock().expect("the plug").on, on, "{action}");
    }
    let asked = plug.lock().expect("the plug").asked.clone();
    assert!(asked.iter().any(|path| path == asks), "{asked:?}");
}

/// A plug that takes the order and does not move is an error of the rig, not of the module.
#[rstest]
#[case("tasmota", "plug.example.com", stuck_tasmota, "expected POWER ON")]
#[case("shelly", "shelly.example.com", shelly, "expected output true")]
fn a_plug_that_does_not_move(
    #[case] example: &str,
    #[case] host: &str,
    #[case] speaks: fn(&mut Plug, &str) -> String,
    #[case] told: &str,
) {
    let lab = Lab::new();
    let (address, _) = plug(speaks, true);
    at(&lab, example, host, address);
    lab.run(&["power", "rig.yaml", "on"]).ends(3).complains(told);
}

/// The rehearsal of `docs/first-night.md`, word for word, but for the run, which takes its time: its plan.
#[test]
fn the_rehearsal_of_the_pages() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/first-night.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let (_, told) = page
        .split_once("### A rehearsal, without a module")
        .expect("its part");
    let blocks: Vec<&str> = told.split("```text\n").skip(1).take(2).collect();
    let [starts, does] = blocks[..] else {
        panic!("two blocks: {told}");
    };
    assert!(starts.starts_with("dfota-hil sim --speed 10 "), "{starts}");
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    let script = does.split("```").next().expect("a block");
    let script = script
        .replace("/dev/pts/N", &sim.pty.display().to_string())
        .replace("/tmp/CONTROL", &sim.control.display().to_string())
        .replace("dfota-hil run ", "dfota-hil plan ");
    let folder = Path::new(PROGRAM).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = std::process::Command::new("bash");
    shell
        .args(["-e", "-o", "pipefail", "-c", &script])
        .current_dir(lab.path("."))
        .env("XDG_STATE_HOME", lab.path("state"))
        .env("TMPDIR", lab.path("tmp"))
        .env("PATH", format!("{}:{path}", folder.display()));
    let ran = Running::start(&mut shell).end().ends(0);
    ran.says("sound, ").says("nightly::clean-update[via=uart]");
}
