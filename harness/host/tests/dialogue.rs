//! The AT dialogue with a module that is not the simulated one: a script at the other end of a pty.

use dfota_core::case::{Case, Limits, Package, Via};
use dfota_core::cut::{CutPlan, Kind};
use dfota_core::expect::Expect;
use dfota_core::fault::Faults;
use dfota_core::moment::Moment;
use dfota_core::retries::Retries;
use dfota_core::seed::Seed;
use dfota_hil::attempt::Job;
use dfota_hil::clock::Clock;
use dfota_hil::journal::{Observer, Writer};
use dfota_hil::line::command::Switch;
use dfota_hil::lines::Lines;
use dfota_hil::module::{Module, Timing};
use dfota_hil::serial::port::Port;
use dfota_hil::serial::reader::Reader;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

struct Nobody;

impl Observer for Nobody {
    fn on(&mut self, _: &dfota_core::event::Record) {}
}

/// A module at speed 60 whose words `script` speaks: each line that the harness sends, and where to answer. The pty's
/// device must be there until the script has ended.
fn module(script: impl FnMut(&str, &mut File) + Send + 'static) -> (Module, tempfile::TempDir) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pty");
    grantpt(&master).expect("a pty of ours");
    unlockpt(&master).expect("a pty of ours");
    let name = ptsname(&master, Vec::new()).expect("a name");
    let port = Port::open(Path::new(OsStr::from_bytes(name.as_bytes())), 115_200).expect("the pty");
    let master = File::from(master);
    let answers = master.try_clone().expect("a file can be opened twice");
    std::thread::spawn(move || speak(master, answers, script));

    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::scaled(60.0);
    let (journal, _) = Writer::start(folder.path(), clock, Box::new(Nobody)).expect("a journal");
    let wire = || vec!["true".to_owned()];
    let power = Switch::new("power", wire(), wire(), Duration::from_secs(5));
    let lines = Arc::new(Lines::new(Box::new(power), None, None, false));
    let (inbox, messages) = channel();
    let reader = Reader::start(port.clone(), lines.clone(), journal.clone(), inbox).expect("a thread");
    let timing = Timing {
        discharge: Duration::from_secs(3),
        latency: Duration::ZERO,
        reset_hold: Duration::ZERO,
        pwrkey_hold: Duration::ZERO,
    };
    (
        Module::new((port, lines, timing), reader, messages, clock, journal),
        folder,
    )
}

fn speak(master: File, mut answers: File, mut script: impl FnMut(&str, &mut File)) {
    for line in BufReader::new(master).split(b'\r') {
        let Ok(line) = line else { return };
        script(String::from_utf8_lossy(&line).trim(), &mut answers);
    }
}

fn say(to: &mut File, text: &str) {
    to.write_all(text.as_bytes()).expect("the pty takes it");
}

/// An `AT` was given up and its OK comes after that of the next one: it must not pass for the answer of a later command.
#[test]
fn a_late_answer_to_at_is_nobody_elses() {
    let mut syncs = 0;
    let (mut module, _folder) = module(move |line, to| match line {
        "AT" => {
            syncs += 1;
            match syncs {
                1 => {}
                2 => {
                    say(to, "\r\nOK\r\n");
                    // Far longer than the note's 300 ms, and than this machine needs for the next command.
                    std::thread::sleep(Duration::from_millis(150));
                    say(to, "\r\nOK\r\n");
                }
                _ => say(to, "\r\nOK\r\n"),
            }
        }
        "ATI" => say(
            to,
            "\r\nQuectel_Ltd\r\nQuectel_BC66\r\nRevision: BC66NBR01A06\r\n\r\nOK\r\n",
        ),
        _ => say(to, "\r\nOK\r\n"),
    });
    let identity = module
        .identify(Duration::from_secs(30))
        .expect("nothing stops it")
        .expect("it answers");
    assert_eq!(identity.version.to_string(), "BC66NBR01A06");
    assert_eq!(identity.model, "Quectel_BC66");
}

/// An update over the UART with a glitch at `at`. Its module ignores glitches.
fn glitch(at: Moment) -> Case {
    Case {
        id: "glitch".into(),
        suite: "dialogue".into(),
        place: "here".into(),
        package: Package {
            name: "a-to-b".into(),
            from: "BC66NBR01A01".parse().expect("a version"),
            to: "BC66NBR01A02".parse().expect("a version"),
            bytes: 256,
            sha256: String::new(),
        },
        via: Via::Uart,
        on: "BC66NBR01A01".parse().expect("a version"),
        block_size: 128,
        faults: Faults::default(),
        cut: Some(CutPlan {
            at,
            after_min: Duration::ZERO,
            after_max: Duration::ZERO,
            off: Duration::from_millis(5),
            kind: Kind::Power,
            times: 1,
        }),
        expect: Expect::success(),
        limits: Limits {
            resume: Duration::from_secs(6),
            ..Limits::default()
        },
        retries: Retries::default(),
        measures: vec![],
        requirements: Vec::new(),
        tags: Vec::new(),
    }
}

/// A module that was at nothing when it rode through a glitch has nothing to say: that is no time-out.
#[rstest::rstest]
#[case(Moment::UploadBlock(1))]
#[case(Moment::End)]
fn riding_through_a_glitch_at_rest(#[case] at: Moment) {
    let mut block = 0;
    let (mut module, _folder) = module(move |line, to| {
        // What follows the last carriage return may be data of a block before it.
        if line.contains("AT+QFUPLEX=128,") {
            say(to, "\r\n> ");
            block += 1;
            if block == 1 || at == Moment::End {
                say(to, "\r\n+QFUPLEX: 128\r\n\r\nOK\r\n");
            }
        } else if line.contains("AT+QFOTADL=1") {
            say(to, "\r\nOK\r\n\r\n+QIND: \"FOTA\",\"START\"\r\n");
            say(to, "+QIND: \"FOTA\",\"UPDATING\",20%,1,1\r\n");
            say(to, "RDY\r\n+QIND: \"FOTA\",\"END\",0\r\n+CPIN: READY\r\n");
        }
    });
    let case = glitch(at);
    let plan = case.cut.clone().expect("a cut");
    let tried = module.attempt(&Job {
        case: &case,
        package: &[b'x'; 256],
        source: dfota_hil::attempt::Source::Uart,
        cuts: vec![plan.cut(Seed(7), "glitch", 0)],
    });
    assert_eq!(tried.expect("nothing stops it").timed_out, None);
    let update = module.update.take().expect("it was watched");
    assert!(update.lives()[0].glitch, "{update:?}");
}
