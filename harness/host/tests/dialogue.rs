//! The AT dialogue with a module that is not the simulated one: a script at the other end of a pty.

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
