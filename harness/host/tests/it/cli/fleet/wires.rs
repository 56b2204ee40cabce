//! Rigs with wires: who has one keeps it, and one whose serial port goes away costs no case.

use super::{arguments, await_told, rigs_of, stands, told};
use crate::lab::Lab;
use crate::process::{Process, Signal, wait_until};
use crate::sim::Sim;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::OptionalActions;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

const SAFE: &str = "ok power=off module=off reset=off pwrkey=off";

fn suite(lab: &Lab, count: usize) {
    let all: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
    lab.rehearsal(&format!(
        "limits: {{boot: 10s, settle: 500ms, resume: 10s, update: 30s}}\ncases:\n  - name: clean\n    matrix: {{n: [{}]}}\n    update: {{package: a-to-b, via: uart}}\n",
        all.join(", ")
    ));
}

/// Writes `NAME.yaml` for this module.
fn rig(lab: &Lab, sim: &Sim, name: &str) {
    let file = format!("{name}.yaml");
    sim.rig(lab, &file);
    lab.write(
        &file,
        lab.read(&file).replace("rig: by-hand", &format!("rig: {name}")),
    );
}

/// The modules are off, and nothing runs but their simulators.
#[track_caller]
fn only_the_modules_are_left(lab: &Lab, sims: &[Sim]) {
    let simulators: Vec<u32> = sims.iter().map(|sim| sim.running.pid()).collect();
    let tmp = lab.path("tmp");
    wait_until("the end of every process of the run", || {
        let all = Process::with_variable("TMPDIR", &tmp);
        all.iter().all(|process| simulators.contains(&process.pid))
    });
    assert!(sims.iter().all(|sim| sim.state() == SAFE));
}

#[test]
fn two_parents_on_one_rig() {
    let lab = Lab::new();
    let sims = [(); 2].map(|()| Sim::start(&lab, &["--speed", "40"]));
    rig(&lab, &sims[0], "a");
    rig(&lab, &sims[1], "b");
    lab.write(
        "c.yaml",
        "rig: c\nmodule: bc66\nserial: {port: /dev/null}\npower: {driver: command, on: [touch, moved], off: [touch, moved]}\n",
    );
    suite(&lab, 2);
    let running = lab.start(&arguments(&["a.yaml", "b.yaml"], &["--canary", "0"]));
    await_told(&lab, "taken", |event| event["rig"] == "b");
    let second = [
        "run",
        "suite.yaml",
        "--rig",
        "c.yaml",
        "--rig",
        "b.yaml",
        "--out",
        "second",
    ];
    let ran = lab.run(&second).ends(3);
    assert!(
        ran.stderr.starts_with("error: rig `b` is in use by `run` (pid "),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
    assert!(!lab.path("second").exists(), "a refused run leaves no folder");
    assert!(
        !lab.path("moved").exists(),
        "and moves nothing, also not on the free rig"
    );
    let ran = running.end().ends(0);
    assert!(!ran.stderr.contains("lost"), "{}", ran.stderr);
    assert_eq!(lab.verdicts("out"), ["clean[n=1] pass -", "clean[n=2] pass -"]);
    stands(&lab, 0);
    only_the_modules_are_left(&lab, &sims);
    // Given back, all of them.
    lab.run(&["power", "b.yaml", "off"]).ends(0);
    lab.run(&["power", "c.yaml", "off"]).ends(0);
}

/// An adapter between the module and whoever opens its port, which can be unplugged: a pty, by a link with a name that stays.
struct Adapter {
    link: PathBuf,
    gone: Arc<AtomicBool>,
    passes_on: JoinHandle<()>,
}

impl Adapter {
    /// With `until`: unplugged by itself in place of passing on the bytes with this command.
    fn plug(link: PathBuf, module: &Path, until: Option<&'static str>) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
        grantpt(&master).expect("grantpt");
        unlockpt(&master).expect("unlockpt");
        let name = ptsname(&master, Vec::new()).expect("ptsname");
        let path = PathBuf::from(name.to_string_lossy().into_owned());
        let open = |path: &Path| File::options().read(true).write(true).open(path);
        let slave = open(&path).expect("the other side");
        let mut raw = rustix::termios::tcgetattr(&slave).expect("tcgetattr");
        raw.make_raw();
        rustix::termios::tcsetattr(&slave, OptionalActions::Now, &raw).expect("tcsetattr");
        let module = open(module).expect("the module's pty");
        let gone = Arc::new(AtomicBool::new(false));
        let is_gone = Arc::clone(&gone);
        symlink(&path, &link).expect("a link");
        let name = link.clone();
        let passes_on = std::thread::spawn(move || {
            let master = File::from(master);
            pass_on(&master, &module, &is_gone, until);
            std::fs::remove_file(&name).expect("the link");
            // Without the slave a port that nobody has open would have hung up.
            drop((master, slave));
        });
        Self {
            link,
            gone,
            passes_on,
        }
    }

    /// The name goes, and whoever has the port open is hung up on.
    fn unplug(self) {
        self.gone.store(true, Ordering::SeqCst);
        self.passes_on.join().expect("the adapter");
    }
}

/// Passes bytes on, both ways, until the adapter is gone or a command comes.
fn pass_on(one: &File, other: &File, gone: &AtomicBool, until: Option<&str>) {
    let tick = Timespec {
        tv_sec: 0,
        tv_nsec: 2_000_000,
    };
    let mut buffer = [0; 1024];
    while !gone.load(Ordering::SeqCst) {
        let mut fds = [one, other].map(|file| PollFd::new(file, PollFlags::IN));
        let _ = poll(&mut fds, Some(&tick));
        let ready = fds.map(|fd| fd.revents().contains(PollFlags::IN));
        for (is_ready, mut from, mut to) in [(ready[0], one, other), (ready[1], other, one)] {
            if is_ready && let Ok(n @ 1..) = from.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..n]);
                if until.is_some_and(|command| text.contains(command)) {
                    return;
                }
                to.write_all(&buffer[..n]).expect("both sides take bytes");
            }
        }
    }
}

/// It stays away, so the rig is lost; its module is left without supply, and what it had is done by the other one.
#[test]
fn a_serial_port_that_goes_away() {
    let lab = Lab::new();
    let sims = [(); 2].map(|()| Sim::start(&lab, &["--speed", "40"]));
    let adapter = plugged(&lab, &sims);
    suite(&lab, 2);
    let running = lab.start(&arguments(&["a.yaml", "b.yaml"], &["--canary", "0"]));
    let taken = await_told(&lab, "taken", |event| event["rig"] == "a");
    let folder = format!("out/{}", taken["folder"].as_str().expect("a folder"));
    lab.await_event(&folder, "UPDATING", crate::lab::heard("UPDATING"));
    adapter.unplug();
    let ran = running.end().ends(0);
    let lost = told(&lab, "lost");
    assert_eq!(lost.len(), 1, "{ran:?}");
    assert_eq!(lost[0]["rig"], "a");
    let why = lost[0]["why"].as_str().expect("a reason");
    assert!(
        why.contains("serial port") && why.contains("did not come back"),
        "{why}"
    );
    ran.says("rig a gets no further batch");
    stands(&lab, 0);
    let verdicts = lab.verdicts("out");
    assert!(
        verdicts.iter().all(|verdict| verdict.ends_with(" pass -")),
        "{verdicts:#?}"
    );
    let rigs = rigs_of(&lab);
    let of_batch = lab.events(&folder);
    let cut_off = of_batch
        .iter()
        .rfind(|event| event["event"] == "case-ended")
        .expect("it ended");
    assert_eq!(
        (&cut_off["verdict"], &cut_off["rule"]),
        (&"error".into(), &"serial-lost".into())
    );
    assert_eq!(rigs[cut_off["id"].as_str().expect("an id")], "b");
    // It had ended there, and that is still told.
    let case = lost_attempt(&lab, cut_off["id"].as_str().expect("an id"));
    assert_eq!(case["open_cut"], Value::Null, "no cut was ordered");
    let sentence = "after this case had ended there with `error serial-lost`: ";
    assert!(lab.read("out/report.html").contains(sentence));
    let junit = lab.read("out/junit.xml");
    assert!(
        junit.contains("<flakyFailure type=\"rig.serial-lost\""),
        "{junit}"
    );
    only_the_modules_are_left(&lab, &sims);
}

/// The one run of a case that does not count: it ended on `a`, whose port had gone.
#[track_caller]
fn lost_attempt(lab: &Lab, case: &str) -> Value {
    let cases = lab.cases("out");
    let found = cases.iter().find(|found| found["id"] == case).expect("it");
    let lost = found["lost"].as_array().expect("a list");
    let [lost] = &lost[..] else {
        panic!("lost once: {found:#}")
    };
    assert_eq!(
        (&lost["rig"], &lost["verdict"], &lost["rule"]),
        (&"a".into(), &"error".into(), &"serial-lost".into()),
        "{found:#}"
    );
    lost.clone()
}

/// Rigs `a` and `b`; the port of `a` can be unplugged.
fn plugged(lab: &Lab, sims: &[Sim; 2]) -> Adapter {
    rig(lab, &sims[1], "b");
    plugged_until(lab, &sims[0], None)
}

/// Rig `a` alone.
fn plugged_until(lab: &Lab, sim: &Sim, until: Option<&'static str>) -> Adapter {
    rig(lab, sim, "a");
    let adapter = Adapter::plug(lab.path("adapter"), &sim.pty, until);
    let [module, port] = [&sim.pty, &adapter.link].map(|path| format!("port: {}", path.display()));
    let text = lab.read("a.yaml");
    assert!(text.contains(&module), "{text}");
    lab.write("a.yaml", text.replace(&module, &port));
    adapter
}

/// The port goes between a command and its answer: the time for the answer ends about when the time for the port does.
#[test]
fn an_answer_that_goes_with_the_port_accuses_no_module() {
    let lab = Lab::new();
    let sims = [Sim::start(&lab, &["--speed", "40"])];
    let adapter = plugged_until(&lab, &sims[0], Some("AT+QFUPLEX"));
    suite(&lab, 1);
    lab.run(&arguments(&["a.yaml"], &[])).ends(3);
    adapter.unplug();
    assert_eq!(lab.verdicts("out"), ["clean[n=1] error serial-lost"]);
    lab.run(&["judge", "out"]).ends(0);
    only_the_modules_are_left(&lab, &sims);
}

/// No other rig may run it, so it ends as an error of no rig. What was ordered on the lost one is told all the same.
#[test]
fn a_cut_that_was_ordered_on_a_rig_whose_port_went_away() {
    let lab = Lab::new();
    let sims = [(); 2].map(|()| Sim::start(&lab, &["--speed", "30"]));
    let adapter = plugged(&lab, &sims);
    lab.rehearsal(
        "on: a\nlimits: {boot: 10s, settle: 500ms, resume: 10s, update: 30s}\ncases:\n  - name: cut\n    update: {package: a-to-b, via: uart}\n    cut: {at: updating 90%}\n",
    );
    let running = lab.start(&arguments(&["a.yaml", "b.yaml"], &["--canary", "0"]));
    let ordered = await_told(&lab, "ordered", |event| event["rig"] == "a");
    adapter.unplug();
    running.end().ends(3);
    stands(&lab, 3);
    assert_eq!(lab.verdicts("out"), ["cut error rig-lost"]);
    let lost = lost_attempt(&lab, "cut");
    assert_eq!(lost["open_cut"], ordered["cut"]);
    let sentence = format!(
        "the cut `{}` had been ordered, and nobody knows what it did to the module on a",
        ordered["cut"].as_str().expect("a cut")
    );
    for file in ["out/report.html", "out/junit.xml"] {
        assert!(lab.read(file).contains(&sentence), "`{sentence}` in {file}");
    }
    only_the_modules_are_left(&lab, &sims);
}

/// Rig `a` has a module that a late cut bricks, and no `reflash`.
fn brittle(lab: &Lab) -> [Sim; 2] {
    let sims = [
        Sim::start(lab, &["--speed", "40", "--defect", "bricks-above-90"]),
        Sim::start(lab, &["--speed", "40"]),
    ];
    rig(lab, &sims[0], "a");
    rig(lab, &sims[1], "b");
    lab.rehearsal(
        "limits: {boot: 2s, settle: 500ms, resume: 2s, update: 20s}\ncases:\n  - name: late\n    matrix: {n: [1, 2, 3, 4]}\n    update: {package: a-to-b, via: uart}\n    cut: {at: updating 94%, after: 50ms, off: 100ms}\n",
    );
    sims
}

/// Batches that the rig `a` took.
fn taken_by_a(lab: &Lab) -> Vec<Value> {
    let mut taken = told(lab, "taken");
    taken.retain(|event| event["rig"] == "a");
    taken
}

/// Why the rig `a` gets no further batch; nothing where a busy machine made every cut too late to brick its module.
fn why_out(lab: &Lab) -> Option<String> {
    let out = told(lab, "rig-out");
    let out = out.iter().find(|event| event["rig"] == "a")?;
    out["why"].as_str().map(str::to_owned)
}

#[test]
fn a_rig_whose_module_is_bricked_gets_no_other_batch() {
    let lab = Lab::new();
    let sims = brittle(&lab);
    let more = ["--canary", "0", "--max-bricks", "9"];
    let ran = lab.run(&arguments(&["a.yaml", "b.yaml"], &more));
    only_the_modules_are_left(&lab, &sims);
    let Some(why) = why_out(&lab) else { return };
    ran.ends(1);
    assert!(why.contains("is dead since `late[n="), "{why}");
    let lost = told(&lab, "lost");
    assert_eq!(lost.len(), 1, "{lost:#?}");
    let last = taken_by_a(&lab).pop().expect("a batch");
    assert_eq!(
        last["batch"], lost[0]["batch"],
        "the one with the brick is its last"
    );
    stands(&lab, 1);
}

/// Its worker outlives the parent by the case that bricks the module. Who resumes the run gives it nothing more.
#[test]
fn a_rig_whose_module_was_bricked_meanwhile_gets_no_batch_of_a_resumed_run() {
    let lab = Lab::new();
    let sims = brittle(&lab);
    let more = ["--canary", "0", "--max-bricks", "9"];
    let running = lab.start(&arguments(&["a.yaml", "b.yaml"], &more));
    await_told(&lab, "ordered", |event| event["rig"] == "a");
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    only_the_modules_are_left(&lab, &sims);
    let before = taken_by_a(&lab);
    let folder = format!("out/{}", before[0]["folder"].as_str().expect("a folder"));
    let bricked = |event: &Value| event["event"] == "case-ended" && event["outcome"] == "unresponsive";
    if !lab.events(&folder).iter().any(bricked) {
        // A busy machine made the cut too late.
        return;
    }
    let ran = lab.run(&["run", "--resume", "out"]).ends(1);
    assert_eq!(taken_by_a(&lab), before);
    let why = why_out(&lab).expect("it is out");
    assert!(
        why.starts_with("its module was bricked in `late[n=") && why.ends_with("and was not restored"),
        "{why}"
    );
    ran.says(&why);
    stands(&lab, 1);
    only_the_modules_are_left(&lab, &sims);
}
