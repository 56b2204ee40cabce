//! Rigs of a lab that are places of labgrid: a real coordinator, with its own client. `LABGRID_BIN` names the folder of both; without
//! it these tests are skipped.

use super::nats_lab::NatsLab;
use super::{await_told, cuts, rig, rigs_of, stands, told};
use crate::lab::Ran;
use crate::process::{Process, Running, Signal, wait_until};
use std::ffi::OsString;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const PLACE: &str = "bench-01";
/// Who the agent is for labgrid.
const AGENT: &str = "rack/night";
const ANN: &str = "desk/ann";

/// A lab, and a coordinator with a place.
struct LabgridLab {
    nats: NatsLab,
    bin: PathBuf,
    address: String,
    _coordinator: Running,
}

impl LabgridLab {
    fn new() -> Option<Self> {
        let Some(bin) = std::env::var_os("LABGRID_BIN").map(PathBuf::from) else {
            eprintln!("skipped: `LABGRID_BIN` does not name the folder of `labgrid-coordinator`");
            return None;
        };
        let mut nats = NatsLab::new();
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address").to_string();
        drop(free);
        // It keeps its places in its working folder.
        std::fs::create_dir(nats.lab.path("labgrid")).expect("a folder");
        let mut command = nats.lab.command_of(bin.join("labgrid-coordinator"));
        command.current_dir(nats.lab.path("labgrid"));
        let coordinator = Running::start(command.args(["--listen", &address]));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(bin.clone()).chain(std::env::split_paths(&path));
        let (host, user) = AGENT.split_once('/').expect("a host and a user");
        nats.variables = vec![
            ("PATH", std::env::join_paths(folders).expect("a path")),
            ("LG_COORDINATOR", address.clone().into()),
            ("LG_HOSTNAME", host.into()),
            ("LG_USERNAME", user.into()),
        ];
        let lab = Self {
            nats,
            bin,
            address,
            _coordinator: coordinator,
        };
        wait_until("the coordinator", || lab.client(ANN, &["places"]).code == Some(0));
        lab.client(ANN, &["create"]).ends(0);
        Some(lab)
    }

    /// Runs labgrid's client with the place, as somebody.
    fn client(&self, who: &str, words: &[&str]) -> Ran {
        let (host, user) = who.split_once('/').expect("a host and a user");
        let mut command = self.nats.lab.command_of(self.bin.join("labgrid-client"));
        command.args(["-p", PLACE]).args(words);
        command
            .env("LG_COORDINATOR", &self.address)
            .env("LG_HOSTNAME", host)
            .env("LG_USERNAME", user);
        Running::start(&mut command).end()
    }

    /// Who has the place; `None`: nobody.
    fn owner(&self) -> String {
        let shown = self.client(ANN, &["show"]).ends(0).stdout;
        let owner = shown.lines().find_map(|line| line.strip_prefix("  acquired: "));
        owner.expect("a place is shown with its owner").to_owned()
    }

    #[track_caller]
    fn is_released(&self) {
        wait_until("the release of the place", || self.owner() == "None");
    }

    /// An agent of a simulated rig that is the place.
    fn agent(&mut self, name: &str, speed: u32) {
        rig(
            &self.nats.lab,
            name,
            speed,
            "",
            &format!("lab: {{labgrid: {PLACE}}}\n"),
        );
        self.nats.start_agent(name);
    }

    /// A run in which a batch of the agent has ordered a cut.
    fn in_a_batch(&mut self, speed: u32) -> Running {
        self.agent("a", speed);
        cuts(&self.nats.lab, 4);
        let running = self.nats.start(&["--canary", "0"]);
        await_told(&self.nats.lab, "ordered", |event| event["rig"] == "a");
        running
    }

    /// Waits until `lab list` shows that somebody is waited for.
    #[track_caller]
    fn await_waiting(&self, owner: &str) {
        let awaited =
            format!("has a batch of `out`: waiting for labgrid place `{PLACE}`, which `{owner}` has");
        wait_until(&awaited, || {
            let list = ["lab", "list", "--lab", &self.nats.url];
            self.nats.lab.run(&list).stdout.contains(&awaited)
        });
    }

    fn keepers(&self) -> Vec<Process> {
        let tmp = self.nats.lab.path("tmp");
        let mut all = Process::with_variable("TMPDIR", &tmp);
        all.retain(|process| {
            process
                .args()
                .first()
                .is_some_and(|word| word == "labgrid-keeper")
        });
        all
    }
}

/// A keeper tries until it has released its place. The coordinator of a test that failed does not come back.
impl Drop for LabgridLab {
    fn drop(&mut self) {
        for keeper in self.keepers() {
            let pid = rustix::process::Pid::from_raw(keeper.pid.cast_signed());
            // One that has ended meanwhile is no error.
            let _ = pid.map(|pid| rustix::process::kill_process(pid, Signal::KILL));
        }
    }
}

#[test]
fn a_place_is_acquired_for_a_batch_and_released_after_it() {
    let Some(mut lab) = LabgridLab::new() else { return };
    lab.agent("a", 60);
    // An agent without a batch needs no place, but to make its rig safe when it starts.
    lab.is_released();
    cuts(&lab.nats.lab, 4);
    let running = lab.nats.start(&["--canary", "0"]);
    await_told(&lab.nats.lab, "ordered", |event| event["rig"] == "a");
    assert_eq!(lab.owner(), AGENT);
    running.end().ends(0);
    stands(&lab.nats.lab, 0);
    lab.is_released();
    wait_until("the end of the keepers", || lab.keepers().is_empty());
}

#[test]
fn somebody_who_has_the_place_is_waited_for() {
    let Some(mut lab) = LabgridLab::new() else { return };
    lab.client(ANN, &["acquire"]).ends(0);
    lab.nats.lease = "6s";
    lab.agent("a", 60);
    let agent = lab.nats.agents.get_mut("a").expect("an agent");
    agent.await_stderr("rig `a` is left as it is for now: waiting for labgrid place");
    cuts(&lab.nats.lab, 2);
    let mut running = lab.nats.start(&["--canary", "0"]);
    lab.await_waiting(ANN);
    let began = Instant::now();
    running.await_stderr(&format!(
        "rig `a`: waiting for labgrid place `{PLACE}`, which `{ANN}` has"
    ));
    // A rig that waits says that it lives: it is not lost after a lease.
    wait_until("two leases", || began.elapsed() > Duration::from_secs(13));
    assert!(told(&lab.nats.lab, "lost").is_empty() && told(&lab.nats.lab, "ordered").is_empty());
    assert_eq!(lab.owner(), ANN);
    lab.client(ANN, &["release"]).ends(0);
    await_told(&lab.nats.lab, "ordered", |_| true);
    assert_eq!(lab.owner(), AGENT);
    running.end().ends(0);
    stands(&lab.nats.lab, 0);
    lab.is_released();
}

/// Whoever does not want to wait for a person drains the rig.
#[test]
fn a_rig_that_waits_and_is_drained_leaves_its_batch_to_another() {
    let Some(mut lab) = LabgridLab::new() else { return };
    lab.client(ANN, &["acquire"]).ends(0);
    lab.agent("a", 60);
    lab.nats.agent("b", 100, "");
    cuts(&lab.nats.lab, 2);
    let running = lab.nats.start(&["--canary", "0"]);
    lab.await_waiting(ANN);
    let url = lab.nats.url.clone();
    lab.nats.lab.run(&["lab", "drain", "a", "--lab", &url]).ends(0);
    running.end().ends(0);
    stands(&lab.nats.lab, 0);
    assert!(rigs_of(&lab.nats.lab).values().all(|rig| rig == "b"));
    assert_eq!(lab.owner(), ANN);
}

#[test]
fn an_agent_that_is_killed_keeps_the_place_until_its_worker_has_ended() {
    let Some(mut lab) = LabgridLab::new() else { return };
    let _running = lab.in_a_batch(8);
    let worker = lab.nats.worker("a").expect("a worker");
    let agent = lab.nats.agents.remove("a").expect("an agent");
    agent.signal(Signal::KILL);
    drop(agent);
    let mut looks = 0;
    wait_until("the end of the worker", || {
        let owner = lab.owner();
        let goes_on = worker.is_alive();
        if goes_on {
            assert_eq!(owner, AGENT, "released under a case that goes on");
            looks += 1;
        }
        !goes_on
    });
    assert!(looks > 0, "the worker finishes its case");
    lab.is_released();
}

#[test]
fn an_agent_that_is_stopped_releases_the_place() {
    let Some(mut lab) = LabgridLab::new() else { return };
    let _running = lab.in_a_batch(8);
    assert_eq!(lab.owner(), AGENT);
    let agent = lab.nats.agents.remove("a").expect("an agent");
    agent.signal(Signal::TERM);
    agent.end().ends(0);
    lab.is_released();
}

/// As after a power failure of the machine: nothing is left that could release the place.
#[test]
fn an_agent_releases_what_the_one_before_it_held_and_no_more() {
    let Some(mut lab) = LabgridLab::new() else { return };
    let running = lab.in_a_batch(8);
    for keeper in lab.keepers() {
        keeper.signal(Signal::KILL);
    }
    lab.nats.kill("a");
    drop(running);
    assert_eq!(lab.owner(), AGENT, "labgrid has no lease");
    lab.nats.start_agent("a");
    lab.is_released();
    // Acquired by hand, as the same user of the same machine: not by an agent.
    lab.client(AGENT, &["acquire"]).ends(0);
    let agent = lab.nats.agents.remove("a").expect("an agent");
    agent.signal(Signal::TERM);
    agent.end().ends(0);
    lab.nats.start_agent("a");
    let agent = lab.nats.agents.get_mut("a").expect("an agent");
    agent.await_stderr(&format!(
        "waiting for labgrid place `{PLACE}`, which `{AGENT}` has"
    ));
    wait_until("the end of the keepers", || lab.keepers().is_empty());
    assert_eq!(lab.owner(), AGENT);
}

#[test]
fn a_coordinator_that_is_not_there_and_a_place_that_is_not_there() {
    let Some(mut lab) = LabgridLab::new() else { return };
    let agent_says = |lab: &LabgridLab, name: &str, says: &str| {
        let mut agent = lab.nats.start_agent_as(crate::lab::PROGRAM.as_ref(), name, &[]);
        agent.await_stderr(says);
    };
    rig(&lab.nats.lab, "part", 60, "", "lab: {labgrid: bench}\n");
    agent_says(
        &lab,
        "part",
        "labgrid has no place `bench`, only `bench-01`: write the whole name into the rig file",
    );
    rig(&lab.nats.lab, "none", 60, "", "lab: {labgrid: shelf}\n");
    agent_says(&lab, "none", "`labgrid-client places` lists the place");
    lab.nats.variables.push(("LG_COORDINATOR", "127.0.0.1:1".into()));
    agent_says(
        &lab,
        "none",
        "check that the coordinator runs, that `LG_COORDINATOR` of the agent names it",
    );
}

/// Needs no labgrid.
#[test]
fn without_its_client_an_agent_says_what_to_do() {
    let mut lab = NatsLab::new();
    lab.variables = vec![("PATH", OsString::from("/nonexistent"))];
    rig(&lab.lab, "a", 60, "", "lab: {labgrid: bench-01}\n");
    lab.start_agent("a");
    let agent = lab.agents.get_mut("a").expect("an agent");
    agent.await_stderr("`labgrid-client -p bench-01 show` could not be started");
    agent.await_stderr("install labgrid, and have its `labgrid-client` on the PATH of the agent");
}
