//! `dfota-hil sim`, for use by hand; the simulator has tests of its own beside it.

use crate::lab::Lab;
use crate::process::{Running, Signal, all_end};
use rstest::rstest;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// A simulator that runs beside a test.
pub(crate) struct Sim {
    pub running: Running,
    pub pty: PathBuf,
    pub control: PathBuf,
}

impl Sim {
    pub(crate) fn start(lab: &Lab, flags: &[&str]) -> Self {
        let mut running = lab.start(&[&["sim"], flags].concat());
        let said = running.await_stdout("\ncontrol ");
        let said = if said.ends_with('\n') {
            said
        } else {
            running.await_stdout("/control\n")
        };
        let lines: Vec<&str> = said.lines().collect();
        let [pty, control] = lines[..] else {
            panic!("{said}")
        };
        let path = |line: &str, name: &str| {
            let path = line
                .strip_prefix(name)
                .unwrap_or_else(|| panic!("`{line}`, expected `{name}…`"));
            PathBuf::from(path)
        };
        Self {
            running,
            pty: path(pty, "pty "),
            control: path(control, "control "),
        }
    }

    /// What the control socket says of the lines and the module.
    pub(crate) fn state(&self) -> String {
        let mut socket = UnixStream::connect(&self.control).expect("the control socket answers");
        socket.write_all(b"state\n").expect("it takes a request");
        let mut answer = String::new();
        BufReader::new(socket).read_line(&mut answer).expect("it answers");
        answer.trim_end().to_owned()
    }

    /// Supplies the module, by the rig file `lines.yaml`.
    pub(crate) fn power_on(&self, lab: &Lab) {
        lab.run(&["power", "lines.yaml", "on"]).ends(0);
    }

    /// Writes a rig file with wires to this module.
    pub(crate) fn rig(&self, lab: &Lab, name: &str) {
        let control = self.control.display();
        let text = format!(
            "rig: by-hand
module: bc66
serial: {{port: {}, latency: 0ms}}
power: {{driver: simulated, control: {control}, discharge: 60ms}}
reset: {{driver: simulated, control: {control}, hold: 20ms}}
pwrkey: {{driver: simulated, control: {control}, hold: 20ms}}
",
            self.pty.display()
        );
        lab.write(name, text);
    }
}

#[rstest]
#[case(Signal::TERM)]
#[case(Signal::INT)]
fn two_lines_and_nothing_left_behind(#[case] signal: Signal) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--powered", "--speed", "400"]);
    assert!(sim.pty.exists() && sim.control.exists());
    assert!(sim.control.starts_with(lab.path("tmp")));
    let below = sim.running.descendants();
    sim.running.signal(signal);
    let ran = sim.running.end().ends(0);
    assert_eq!((ran.stdout.lines().count(), ran.stderr.as_str()), (2, ""));
    all_end(&below);
    assert!(lab.names("tmp").is_empty(), "left behind: {:?}", lab.names("tmp"));
}
