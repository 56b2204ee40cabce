//! `init`: what it writes passes `plan`, whether somebody was asked or flags said it all.

use crate::cli::wire::pty;
use crate::lab::{Lab, Ran};
use crate::process::Running;
use rstest::rstest;
use std::fs::File;
use std::io::Write;

const FROM_TO: [&str; 4] = ["--from", "BC66NBR01A01", "--to", "BC66NBR01A02"];

/// A folder with packages of a vendor, and one whose name YAML would take apart.
fn lab() -> Lab {
    let lab = Lab::new();
    for name in ["there.bin", "back.bin", "a: b #1.bin"] {
        lab.write(name, "ROCKDIFF and what the vendor has put behind it");
    }
    lab
}

fn init(lab: &Lab, args: &[&str]) -> Ran {
    lab.run(&[&["init"], args].concat())
}

/// The plan of what was written into `folder`.
#[track_caller]
fn plan(lab: &Lab, folder: &str, rig: &str) -> String {
    let [suite, rig] = ["nightly", rig].map(|name| format!("{folder}/{name}.yaml"));
    lab.run(&["plan", &suite, "--rig", &rig]).ends(0).stdout
}

#[rstest]
#[case::gpio(&["--driver", "gpiochip"], &["power: {driver: gpiochip, line: GPIO17, active: high,"])]
#[case::as_drawn(
    &["--power", "GPIO17", "--reset", "GPIO27", "--pwrkey", "GPIO22"],
    &["reset: {driver: gpiochip, line: GPIO27, active: high, hold: 100ms}", "pwrkey: {driver: gpiochip, line: GPIO22, active: high, hold: 700ms}"]
)]
#[case::a_relay_board_of_low_inputs(&["--power", "GPIO5:low"], &["line: GPIO5, active: low"])]
#[case::a_chip_without_names(&["--power", "/dev/gpiochip1/4"], &["chip: /dev/gpiochip1, line: \"4\""])]
#[case::header(
    &["--driver", "rppal", "--power", "17", "--reset", "GPIO27:low"],
    &["driver: rppal, pin: 17, active: high", "driver: rppal, pin: 27, active: low"]
)]
#[case::programs(
    &["--on", "./relay 1 on", "--off", "./relay 1 off", "--reset", "./relay 2 pulse"],
    &["driver: command, on: [./relay, \"1\", \"on\"], off: [./relay, \"1\", \"off\"]", "reset: {driver: command, pulse: [./relay, \"2\", pulse]}"]
)]
#[case::over_the_air(
    &["--driver", "gpiochip", "--http", "http://lab.example.com:8080", "--coap", "coap://[2001:db8::1]", "--apn", "1e5", "--pin", "0123"],
    &["http: {listen: \"0.0.0.0:8080\"", "coap: {listen: \"0.0.0.0:5683\"", "apn: \"1e5\"", "pin: \"0123\""]
)]
#[case::another_place(
    &["--driver", "gpiochip", "--port", "rfc2217://pi.example.com:3001", "--module", "bc66-na"],
    &["port: \"rfc2217://pi.example.com:3001\"", "module: bc66-na"]
)]
fn flags_say_it_all(#[case] bench: &[&str], #[case] holds: &[&str]) {
    let lab = lab();
    let port: &[&str] = if bench.contains(&"--port") {
        &[]
    } else {
        &["--port", "/dev/ttyUSB0"]
    };
    let packages = ["--package", "there.bin", "--back", "a: b #1.bin"];
    init(
        &lab,
        &[bench, port, &packages, &FROM_TO, &["--into", "bench"]].concat(),
    )
    .ends(0);
    let rig = lab.read("bench/bench-01.yaml");
    for part in holds {
        assert!(rig.contains(part), "no `{part}` in:\n{rig}");
    }
    let plan = plan(&lab, "bench", "bench-01");
    assert!(!plan.contains("will be an error"), "{plan}");
    assert_eq!(plan.contains("via=http"), bench.contains(&"--http"), "{plan}");
}

/// One update, and then the module is elsewhere: the plan has no case that cannot begin.
#[test]
fn without_a_way_back() {
    let lab = lab();
    let flags = [
        "--driver",
        "gpiochip",
        "--port",
        "/dev/ttyUSB0",
        "--package",
        "there.bin",
    ];
    init(&lab, &[&flags[..], &FROM_TO].concat()).ends(0);
    let plan = plan(&lab, ".", "bench-01");
    assert!(plan.contains("1 case"), "{plan}");
    assert!(!plan.contains("will be an error"), "{plan}");
}

#[test]
fn a_rig_alone() {
    let lab = lab();
    let flags = [
        "--driver",
        "gpiochip",
        "--port",
        "/dev/ttyUSB0",
        "--rig",
        "left.bench",
    ];
    let ran = init(&lab, &flags).ends(0);
    ran.says("written: ./left.bench.yaml\n");
    ran.says("dfota-hil check --step ./left.bench.yaml\n");
    assert!(!lab.path("nightly.yaml").exists());
}

/// What cannot be is told with its flag, and leaves nothing behind.
#[rstest]
#[case::nobody_to_ask(&["--driver", "command", "--package", "there.bin"], &["not a terminal", "`--on`, `--off`, `--from`, `--to`"])]
#[case::driver(&["--driver", "relay"], &["`--driver`", "expected `gpiochip`, `rppal` or `command`, found `relay`"])]
#[case::module(&["--module", "bc95"], &["`--module`", "bc95"])]
#[case::name(&["--rig", "../x"], &["`--rig`", "since the file gets this name"])]
#[case::number(&["--power", "17"], &["`--power`", "/dev/gpiochip0/17"])]
#[case::pin(&["--driver", "rppal", "--power", "99"], &["`--power`", "27"])]
#[case::shell(&["--on", "relay on; beep", "--off", "relay off"], &["`--on`", "a script beside the rig file"])]
#[case::two_drivers(&["--driver", "gpiochip", "--on", "relay on"], &["`--driver command`"])]
#[case::url(&["--driver", "gpiochip", "--http", "lab.example.com"], &["`--http`", "http://HOST[:PORT]"])]
#[case::sim_without_network(&["--driver", "gpiochip", "--pin", "1234"], &["`--http` or `--coap`"])]
#[case::no_such_package(&["--driver", "gpiochip", "--package", "gone.bin"], &["`--package`", "there is no file `gone.bin`"])]
#[case::versions_of_nothing(&["--driver", "gpiochip", "--from", "BC66NBR01A01"], &["useless without `--package`"])]
#[case::one_version(
    &["--driver", "gpiochip", "--package", "there.bin", "--from", "A01", "--to", "A01"],
    &["nightly.yaml:", "starts from already"]
)]
#[case::synthetic(
    &["--driver", "gpiochip", "--package", "suites/packages/a-to-b.delta", "--from", "BC66NBR01A01", "--to", "BC66NBR01A02"],
    &["that `package pack` made"]
)]
#[case::job_without_suite(&["--driver", "gpiochip", "--ci", "gitlab"], &["give its `--package`"])]
fn what_cannot_be(#[case] flags: &[&str], #[case] told: &[&str]) {
    let lab = lab();
    let ran = init(
        &lab,
        &[flags, &["--port", "/dev/ttyUSB0", "--into", "bench"]].concat(),
    )
    .ends(2);
    for part in told {
        ran.complains(part);
    }
    assert!(!lab.path("bench").exists(), "something was written");
}

#[test]
fn what_is_there_stays() {
    let lab = lab();
    lab.write("nightly.yaml", "mine");
    let flags = [
        "--driver",
        "gpiochip",
        "--port",
        "/dev/ttyUSB0",
        "--package",
        "there.bin",
    ];
    let flags = [&flags[..], &FROM_TO].concat();
    init(&lab, &flags)
        .ends(2)
        .complains("`./nightly.yaml`: there already");
    assert_eq!(lab.read("nightly.yaml"), "mine");
    assert!(!lab.path("bench-01.yaml").exists());
    init(&lab, &[&flags[..], &["--force"]].concat()).ends(0);
    plan(&lab, ".", "bench-01");
}

/// Jobs and units name the files that were written, and no others.
#[rstest]
#[case::gitlab("gitlab", "gitlab-ci.yml")]
#[case::github("github", "github-actions.yml")]
#[case::jenkins("jenkins", "Jenkinsfile")]
fn a_job_and_a_unit_for_these_files(#[case] ci: &str, #[case] job: &str) {
    let lab = lab();
    let flags = [
        "--driver",
        "gpiochip",
        "--port",
        "/dev/ttyUSB0",
        "--package",
        "there.bin",
        "--rig",
        "left",
    ];
    let more = ["--into", "bench", "--unit", "--ci", ci];
    init(&lab, &[&flags[..], &FROM_TO, &more].concat()).ends(0);
    let folder = lab.path("bench").display().to_string();
    for file in [job, "dfota-hil@.service", "left.env"] {
        let text = lab.read(&format!("bench/{file}"));
        assert!(!text.contains("bench-01"), "{file}: {text}");
        assert!(!text.contains("/etc/dfota-hil"), "{file}: {text}");
        assert!(text.contains(&format!("{folder}/nightly.yaml")), "{file}: {text}");
    }
    let job = lab.read(&format!("bench/{job}"));
    assert!(job.contains(&format!("{folder}/left.yaml")), "{job}");
    let unit = lab.read("bench/dfota-hil@.service");
    assert!(unit.contains(&format!("--rig {folder}/%i.yaml ")), "{unit}");
    assert!(lab.path("bench/dfota-hil@.timer").exists());
}

/// Somebody at a terminal.
struct Asked {
    running: Running,
    terminal: File,
    seen: usize,
}

impl Asked {
    fn start(lab: &Lab, flags: &[&str]) -> Self {
        let (terminal, path) = pty();
        let stdin = File::options().read(true).write(true).open(path);
        let args = [&["init"], flags].concat();
        Self {
            running: Running::start(lab.command(&args).stdin(stdin.expect("a terminal"))),
            terminal,
            seen: 0,
        }
    }

    /// Waits for the next question, which has this in it, and answers.
    #[track_caller]
    fn answers(&mut self, question: &str, answer: &str) -> String {
        let all = self.running.await_question(self.seen, ": ");
        let said = all[self.seen..].to_owned();
        self.seen = all.len();
        let asked = said.lines().last().unwrap_or_default();
        assert!(asked.contains(question), "no `{question}` in:\n{said}");
        writeln!(self.terminal, "{answer}").expect("the terminal takes it");
        said
    }
}

#[test]
fn somebody_at_a_terminal_is_asked() {
    let lab = lab();
    let mut asked = Asked::start(&lab, &[]);
    asked.answers("name of the rig [bench-01]", "left bench");
    let said = asked.answers("name of the rig [bench-01]", "left");
    assert!(said.contains("found `left bench`"), "{said}");
    asked.answers("module, `bc66` or `bc66-na` [bc66]", "");
    asked.answers("serial port", "ttyUSB7");
    asked.answers("what moves the lines", "command");
    asked.answers("switch the supply on", "");
    let said = asked.answers("switch the supply on", "./relay 1 on");
    assert!(said.contains("expected an answer"), "{said}");
    asked.answers("switch it off", "./relay 1 off");
    asked.answers("pulse on RESET [none]", "");
    asked.answers("pulse on PWRKEY [none]", "");
    asked.answers("HTTP address", "lab.example.com");
    asked.answers("HTTP address", "http://lab.example.com:8080");
    asked.answers("CoAP address", "");
    asked.answers("access point name [none]", "iot.example");
    asked.answers("PIN of the SIM [none]", "12");
    let said = asked.answers("PIN of the SIM [none]", "\"1234\"");
    assert!(said.contains("4 to 8 digits"), "{said}");
    asked.answers("the vendor's delta", "there.bin");
    asked.answers("updates from", "BC66NBR01A01");
    asked.answers("updates to", "BC66NBR01A02");
    asked.answers("leads back, a file [none]", "back.bin");
    asked.answers("a nightly job for", "travis");
    let said = asked.answers("a nightly job for", "gitlab");
    assert!(
        said.contains("expected `gitlab`, `github` or `jenkins`, found `travis`"),
        "{said}"
    );
    asked.answers("a systemd unit", "");
    asked
        .running
        .end()
        .ends(0)
        .says("written: ./left.yaml\nwritten: ./nightly.yaml\nwritten: ./gitlab-ci.yml\nnext: ");
    // A relative path begins in the folder of whoever was asked, wherever the rig is used.
    let port = lab.path("").canonicalize().expect("a folder").join("ttyUSB7");
    let rig = lab.read("left.yaml");
    assert!(rig.contains(&format!("port: {}", port.display())), "{rig}");
    assert!(rig.contains("pin: \"1234\""), "{rig}");
    let plan = plan(&lab, ".", "left");
    assert!(plan.contains("via=http") && !plan.contains("via=coap"), "{plan}");
}

#[test]
fn whoever_stops_has_nothing() {
    let lab = lab();
    let mut asked = Asked::start(&lab, &["--into", "bench", "--rig", "x"]);
    asked.answers("module", "");
    asked.answers("serial port", "q");
    asked
        .running
        .end()
        .ends(2)
        .complains("error: stopped: nothing was written");
    assert!(!lab.path("bench").exists());
}
