//! Standard output or error that nobody reads any more, as behind `| head -1`: no panic, no unsafe rig, no other exit code.

use crate::lab::{Lab, heard};
use crate::process::Signal;
use crate::sim::Sim;
use std::io::{BufRead, BufReader, PipeReader, Read, Write};
use std::process::{Child, Stdio};

const CLEAN: &str = "cases:\n  - name: clean\n    update: {package: a-to-b, via: uart}\n";

/// A program whose output goes into a pipe of one reader.
fn piped(lab: &Lab, args: &[&str], input: &str) -> (Child, PipeReader) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = lab.command(args);
    command
        .stdin(Stdio::piped())
        .stdout(writer)
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("a pipe holds as much");
    (child, reader)
}

#[track_caller]
fn ends_well(mut child: Child, code: i32) {
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut stderr)
        .expect("UTF-8");
    let status = child.wait().expect("a child can be waited for");
    assert_eq!((status.code(), stderr.as_str()), (Some(code), ""));
}

#[test]
fn run_goes_on_to_its_end() {
    let lab = Lab::new();
    lab.rig(200, "");
    lab.suite(CLEAN);
    let args = lab.arguments(&[]);
    let (child, reader) = piped(&lab, &args, "");
    let mut first = String::new();
    let mut reader = BufReader::new(reader);
    reader.read_line(&mut first).expect("a line");
    assert!(first.contains("Starting lab"), "{first}");
    drop(reader);
    ends_well(child, 0);
    assert_eq!(lab.ended("out"), (0, false, true));
    assert!(lab.path("out/junit.xml").exists());
    assert!(lab.names("tmp").is_empty());
}

/// As in `dfota-hil run … 2>&1 | tee log`: Ctrl-C ends `tee` too, and then there is nobody to print_warning to.
#[test]
fn an_interrupt_counts_also_when_nobody_listens() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    sim.rig(&lab, "rig.yaml");
    lab.suite(CLEAN);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = lab.command(&lab.arguments(&[]));
    command.stdout(writer.try_clone().expect("a pipe")).stderr(writer);
    let mut child = command.spawn().expect("the program starts");
    drop((command, reader));
    lab.await_event("out", "UPDATING", heard("UPDATING"));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::INT)
        .expect("it is there");
    let status = child.wait().expect("a child can be waited for");
    assert_eq!(status.code(), Some(130));
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
    assert_eq!(lab.ended("out"), (130, true, true));
    assert!(lab.path("out/junit.xml").exists());
}

#[test]
fn console_goes_on_to_its_end() {
    let lab = Lab::new();
    let (child, reader) = piped(&lab, &["console", "rigs/sim-fast.yaml"], "ATI\n");
    drop(reader);
    ends_well(child, 0);
    assert!(lab.names("tmp").is_empty());
}

#[test]
fn everything_else() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.suite(CLEAN);
    lab.run(&lab.arguments(&[])).ends(0);
    let package = "suites/packages/a-to-b.delta";
    let calls: &[&[&str]] = &[
        &["--help"],
        &["completions", "bash"],
        &["package", "inspect", package],
        &["package", "inspect", package, "--json"],
        &[
            "package",
            "pack",
            "--from",
            "BC66NBR01A01",
            "--to",
            "BC66NBR01A02",
            "--out",
            "x",
        ],
        &["report", "out"],
        &["plan", "suite.yaml", "--rig", "rig.yaml"],
        &["schema", "suite"],
        &["sim", "--list-defects"],
    ];
    for args in calls {
        let (child, reader) = piped(&lab, args, "");
        drop(reader);
        println!("{args:?}");
        ends_well(child, 0);
    }
}

/// Standard error that nobody reads, with warnings, mistakes, an interrupt and a rig that cannot be made safe.
#[test]
fn standard_error_as_well() {
    let lab = Lab::new();
    lab.rig(400, "");
    lab.rehearsal("cases:\n  - name: glitch\n    update: {package: a-to-b, via: uart}\n    cut: {at: start, off: 5ms}\n");
    lab.write("typo.yaml", "siute: x\n");
    lab.write(
        "dead.yaml",
        "rig: dead\nmodule: bc66\nserial: {port: /nowhere}\npower: {driver: command, on: ['false'], off: ['false']}\n",
    );
    let calls: &[(&[&str], i32)] = &[
        (&lab.arguments(&[]), 0),
        (&["plan", "typo.yaml", "--rig", "rig.yaml"], 2),
        (&["run", "suite.yaml", "--rig", "dead.yaml", "--out", "dead"], 3),
    ];
    for (args, code) in calls {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let status = lab.command(args).stdout(Stdio::null()).stderr(writer).status();
        let status = status.expect("the program starts");
        assert_eq!(status.code(), Some(*code), "{args:?}");
    }
}
