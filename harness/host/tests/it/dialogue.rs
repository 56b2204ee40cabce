//! The AT dialogue with a module that is not the simulated one: a script at the other end of a pty.

use dfota_clock::Clock;
use dfota_core::capabilities::{Capabilities, SimNumber};
use dfota_core::case::{Case, Limits, Package};
use dfota_core::cut::{CutKind, CutPlan};
use dfota_core::event::CapabilityTime;
use dfota_core::event::watched::Purpose;
use dfota_core::moment::Moment;
use dfota_core::seed::Seed;
use dfota_core::transport::Via;
use dfota_core::verdict::Rule;
use dfota_hil::bench::line::command::ProgramLine;
use dfota_hil::bench::lines::RigLines;
use dfota_hil::bench::serial::port::Port;
use dfota_hil::bench::serial::reader::SerialReader;
use dfota_hil::bench::wires::Timing;
use dfota_hil::device::attempt::Job;
use dfota_hil::device::dut::{Dut, Stop, Wiring};
use dfota_hil::device::identity::ModuleIdentity;
use dfota_hil::device::package_source::PackageSource;
use dfota_record::journal::{JournalWriter, Nobody};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

/// A module at speed 60 whose words `script` speaks: each line that the harness sends, and where to answer. The pty's
/// device must be there until the script has ended.
fn module(script: impl FnMut(&str, &mut File) + Send + 'static) -> (Dut, tempfile::TempDir) {
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
    let (journal, _) = JournalWriter::start(folder.path(), clock, Box::new(Nobody)).expect("a journal");
    let wire = || vec!["true".to_owned()];
    let power = ProgramLine::new("power", wire(), wire(), Duration::from_secs(5));
    let lines = Arc::new(RigLines::new(Box::new(power), None, None, false));
    let (inbox, messages) = channel();
    let reader = SerialReader::start(port.clone(), lines.clone(), journal.clone(), inbox).expect("a thread");
    let timing = Timing {
        discharge: Duration::from_secs(3),
        latency: Duration::ZERO,
        reset_hold: Duration::ZERO,
        pwrkey_hold: Duration::ZERO,
    };
    (
        Dut::new(Wiring { port, lines, timing }, reader, messages, clock, journal),
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

/// A USB adapter holds an answer back until something else is sent: seen on an emulated one. The harness asks again, and then
/// waits for both answers.
#[test]
fn an_answer_that_is_held_back_is_nobody_elses() {
    const WHO: &str = "\r\nQuectel_Ltd\r\nQuectel_BC66\r\nRevision: BC66NBR01A06\r\n\r\nOK\r\n";
    let (mut syncs, mut asked) = (0, 0);
    let mut held = false;
    let (mut module, _folder) = module(move |line, to| {
        if std::mem::take(&mut held) {
            say(to, WHO);
        }
        match line {
            "AT" => syncs += 1,
            "ATI" => asked += 1,
            _ => {}
        }
        match line {
            "AT" if syncs == 1 => {}
            "ATI" if asked == 1 => held = true,
            "ATI" => say(to, WHO),
            _ => say(to, "\r\nOK\r\n"),
        }
    });
    let identity = module
        .identify(Duration::from_secs(30))
        .expect("nothing stops it")
        .expect("it answers");
    assert_eq!(identity.version.to_string(), "BC66NBR01A06");
}

fn identity() -> ModuleIdentity {
    ModuleIdentity {
        model: "Quectel_BC66".into(),
        version: "BC66NBR01A06".parse().expect("a version"),
        imei: Some("867725030029312".parse().expect("an IMEI")),
    }
}

/// The function check of a module that answers as told; how often it was asked for the registration.
fn function(answer: fn(&str, u32) -> &'static str, wait: Duration) -> (Capabilities, u32) {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = asked.clone();
    let mut questions = HashMap::new();
    let (mut module, _folder) = module(move |line, to| {
        let times: &mut u32 = questions.entry(line.to_owned()).or_default();
        *times += 1;
        if line == "AT+CEREG?" {
            counted.store(*times, Ordering::Relaxed);
        }
        say(to, answer(line, *times));
    });
    let found = module
        .capabilities(CapabilityTime::After, &identity(), wait)
        .expect("nothing stops it");
    (found, asked.load(Ordering::Relaxed))
}

/// Busy right after its boot, searching for a while: what counts is what it comes to.
#[test]
fn the_function_of_a_module_that_needs_its_time() {
    let answer = |line: &str, times| match (line, times) {
        ("AT+CPIN?", 1) => "\r\n+CME ERROR: 14\r\n",
        ("AT+CPIN?", _) => "\r\n+CPIN: READY\r\n\r\nOK\r\n",
        ("AT+CFUN?", _) => "\r\n+CFUN: 1\r\n\r\nOK\r\n",
        ("AT+CEREG?", 1 | 2) => "\r\n+CEREG: 0,2\r\n\r\nOK\r\n",
        ("AT+CEREG?", _) => "\r\n+CEREG: 0,5\r\n\r\nOK\r\n",
        ("AT+QCCID", _) => "\r\n+QCCID: 89860000000000000001\r\n\r\nOK\r\n",
        ("AT+CIMI", _) => "\r\n262010000000001\r\n\r\nOK\r\n",
        (_, 1..=3) => "\r\n+CGPADDR: 1\r\n\r\nOK\r\n",
        _ => "\r\n+CGPADDR: 1,10.0.0.7\r\n\r\nOK\r\n",
    };
    let (found, asked) = function(answer, Duration::from_secs(600));
    let whole = Capabilities {
        imei: identity().imei,
        sim: Some(true),
        cfun: Some(true),
        registered: Some(true),
        ip: Some(true),
        iccid: SimNumber::Is("89860000000000000001".into()),
        imsi: SimNumber::Is("262010000000001".into()),
        unanswered: Vec::new(),
    };
    // Twice searching, and three times without an address.
    assert_eq!((found, asked), (whole, 6));
}

/// Every way in which a PDN without an address is shown.
const NO_ADDRESS: [&str; 6] = [
    "+CGPADDR: 1",
    "+CGPADDR: 1,",
    "+CGPADDR: 1,0.0.0.0",
    "+CGPADDR: 1,\"0.0.0.0\",\"::\"",
    "+CGPADDR: 1,0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0",
    "+CGPADDR: 1,::",
];

/// A module that is registered and shows `NO_ADDRESS`, one after the other, and then what comes last for ever.
fn registered(last: &'static str) -> (Dut, tempfile::TempDir) {
    let mut shown = NO_ADDRESS.iter();
    module(move |line, to| match line {
        "AT+CPIN?" => say(to, "\r\n+CPIN: READY\r\n\r\nOK\r\n"),
        "AT+CFUN?" => say(to, "\r\n+CFUN: 1\r\n\r\nOK\r\n"),
        "AT+CEREG?" => say(to, "\r\n+CEREG: 0,1\r\n\r\nOK\r\n"),
        "AT+CGPADDR=1" => {
            let address = shown.next().copied().unwrap_or(last);
            say(to, &format!("\r\n{address}\r\n\r\nOK\r\n"));
        }
        _ => say(to, "\r\nOK\r\n"),
    })
}

#[test]
fn an_address_of_zeros_is_waited_over_by_the_function_check() {
    let (mut module, _folder) = registered("+CGPADDR: 1,0.0.0.0,254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.66");
    let found = module.capabilities(CapabilityTime::After, &identity(), Duration::from_secs(600));
    assert_eq!(found.expect("nothing stops it").ip, Some(true));
    let (mut module, _folder) = registered("+CGPADDR: 1,0.0.0.0");
    let found = module.capabilities(CapabilityTime::After, &identity(), Duration::from_secs(1));
    assert_eq!(found.expect("nothing stops it").ip, Some(false));
}

#[test]
fn an_address_of_zeros_is_waited_over_before_an_update_and_is_the_networks_in_the_end() {
    let (mut module, _folder) = registered("+CGPADDR: 1,10.64.77.88");
    module
        .wait_for_network(&Limits::default())
        .expect("an address in the end");
    let (mut module, _folder) = registered("+CGPADDR: 1,0.0.0.0");
    let limits = Limits {
        attach: Duration::from_secs(10),
        ..Limits::default()
    };
    let stop = module.wait_for_network(&limits).expect_err("no address");
    let Stop::Rule(Rule::NotRegistered, sentence) = stop else {
        panic!("{stop}");
    };
    assert!(
        sentence.contains("found `+CGPADDR: 1,0.0.0.0`") && sentence.contains("10s"),
        "{sentence}"
    );
}

/// No SIM, or one that broke: nothing is waited for, however long it might be.
#[test]
fn the_function_of_a_module_without_a_sim() {
    let answer = |line: &str, _| match line {
        "AT+CPIN?" => "\r\n+CME ERROR: 10\r\n",
        "AT+CFUN?" => "\r\n+CFUN: 1\r\n\r\nOK\r\n",
        "AT+CEREG?" => "\r\n+CEREG: 0,0\r\n\r\nOK\r\n",
        _ => "\r\n+CGPADDR: 1\r\n\r\nOK\r\n",
    };
    let (found, asked) = function(answer, Duration::from_secs(600));
    assert_eq!(
        (found.sim, found.registered, found.ip),
        (Some(false), Some(false), Some(false))
    );
    assert_eq!(asked, 1);
}

/// What it does not answer with OK is not taken, and nobody is blamed for it.
#[test]
fn the_function_of_a_module_that_does_not_know_the_commands() {
    let (found, _) = function(|_, _| "\r\nERROR\r\n", Duration::ZERO);
    assert_eq!((found.cfun, found.registered), (None, None));
}

/// An update over the UART with a glitch at `at`. Its module ignores glitches.
fn glitch(at: Moment) -> Case {
    let package = Package {
        name: "a-to-b".into(),
        from: "BC66NBR01A01".parse().expect("a version"),
        to: "BC66NBR01A02".parse().expect("a version"),
        bytes: 256,
        sha256: String::new(),
    };
    Case {
        block_size: 128,
        cut: Some(CutPlan {
            at,
            after_min: Duration::ZERO,
            after_max: Duration::ZERO,
            off: Duration::from_millis(5),
            kind: CutKind::Power,
            times: 1,
        }),
        limits: Limits {
            resume: Duration::from_secs(6),
            ..Limits::default()
        },
        ..Case::plain("glitch", "dialogue", package, Via::Uart)
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
    let job = Job {
        purpose: Purpose::Case,
        case: &case,
        package: &[b'x'; 256],
        source: &PackageSource::Uart,
        before: None,
    };
    let timed_out = module.attempt(job, vec![plan.cut(Seed(7), "glitch", 0)]);
    assert_eq!(timed_out.expect("nothing stops it"), None);
    let update = module.watch.update.take().expect("it was watched");
    assert!(update.lives()[0].glitch, "{update:?}");
}
