//! Runs of a lab: a real server, real agents on simulated rigs.

use super::{await_told, cuts, one_verdict_each, parent, rig, rigs_of, stands, told};
use crate::lab::{LIMIT, Lab, PROGRAM};
use crate::process::{Process, Running, Signal, wait_until};
use dfota_hil::run::lab::server::{LabAccess, LabServer, RUNS};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a rig of these tests may be silent, also on a busy machine. A worker says each two seconds that it gets on.
const LEASE: &str = "20s";

/// A server, and agents that work for it.
struct NatsLab {
    lab: Lab,
    server: Option<Running>,
    url: String,
    lease: &'static str,
    agents: BTreeMap<String, Running>,
    /// What its server's file says of users; nothing where everybody may do everything.
    users: String,
}

impl NatsLab {
    /// Needs the server: `nats-server`, or what `NATS_SERVER` names.
    fn new() -> Self {
        let mut lab = Self {
            lab: Lab::new(),
            server: None,
            url: String::new(),
            lease: LEASE,
            agents: BTreeMap::new(),
            users: String::new(),
        };
        lab.serve("127.0.0.1:-1");
        lab
    }

    /// A server with a user for runs (`runs.nk`), and one for the agent of each of these rigs.
    fn guarded(rigs: &[&str]) -> Self {
        let lab = Lab::new();
        let entry = |args: &[&str]| lab.run(&[&["lab", "user"], args].concat()).ends(0).stdout;
        let mut users = vec![entry(&["--runs", "--key", "runs.nk"])];
        users.extend(
            rigs.iter()
                .map(|rig| entry(&[rig, "--key", &format!("{rig}.nk")])),
        );
        let mut lab = Self {
            lab,
            server: None,
            url: String::new(),
            lease: LEASE,
            agents: BTreeMap::new(),
            users: format!("authorization {{ users: [\n{}] }}\n", users.concat()),
        };
        lab.serve("127.0.0.1:-1");
        lab
    }

    fn serve(&mut self, listen: &str) {
        let lab = &self.lab;
        std::fs::create_dir_all(lab.path("nats")).expect("a folder");
        for old in lab.names("nats").iter().filter(|name| name.ends_with(".ports")) {
            std::fs::remove_file(lab.path("nats").join(old)).expect("a file of the server before");
        }
        let folder = lab.path("nats").display().to_string();
        lab.write(
            "nats.conf",
            format!("listen: \"{listen}\"\nports_file_dir: \"{folder}\"\njetstream {{store_dir: \"{folder}/store\", sync_interval: always}}\n{}", self.users),
        );
        let program = std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into());
        let mut command = lab.command_of(program);
        self.server = Some(Running::start(command.args(["-c", "nats.conf"])));
        let mut url = None;
        wait_until("the address of the server", || {
            let ports = lab
                .names("nats")
                .into_iter()
                .find(|name| name.ends_with(".ports"));
            url = ports.and_then(|name| {
                let text = std::fs::read_to_string(lab.path("nats").join(name)).ok()?;
                let ports: Value = serde_json::from_str(&text).ok()?;
                Some(ports["nats"][0].as_str()?.to_owned())
            });
            url.is_some()
        });
        self.url = url.expect("it was just found");
    }

    /// An agent with a simulated rig of this name.
    fn agent(&mut self, name: &str, speed: u32, defects: &str) {
        rig(&self.lab, name, speed, defects, "");
        self.start_agent(name);
    }

    fn start_agent(&mut self, name: &str) {
        let agent = self.start_agent_as(PROGRAM.as_ref(), name);
        self.agents.insert(name.to_owned(), agent);
        let url = self.url.clone();
        wait_until(&format!("the rig `{name}` in the lab"), || {
            let ran = self
                .lab
                .run(&["lab", "list", "--lab", &url, "--lease", self.lease]);
            ran.stdout.contains(&format!("rig {name} on"))
        });
    }

    fn start_agent_as(&self, program: &std::ffi::OsStr, name: &str) -> Running {
        let (file, state) = (format!("{name}.yaml"), format!("state-{name}"));
        let mut command = self.lab.command_of(program);
        command.args([
            "agent",
            "--rig",
            &file,
            "--lab",
            &self.url,
            "--lease",
            self.lease,
            "--state-dir",
            &state,
        ]);
        Running::start(&mut command)
    }

    /// `suite.yaml` on every rig of the lab, to the run folder `out`.
    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [
            &[
                "run",
                "suite.yaml",
                "--lab",
                &self.url,
                "--lease",
                self.lease,
                "--out",
                "out",
                "--seed",
                "7",
            ],
            more,
        ]
        .concat()
    }

    fn start(&self, more: &[&str]) -> Running {
        self.lab.start(&self.arguments(more))
    }

    /// The process that works for the agent, if it has one.
    fn worker(&self, name: &str) -> Option<Process> {
        let children = self.agents[name].children();
        children
            .into_iter()
            .find(|process| process.args().iter().any(|arg| arg == "--worker"))
    }

    /// Kills an agent as a machine that loses its power does: its worker dies with it.
    fn kill(&mut self, name: &str) {
        let worker = self.worker(name);
        let agent = self.agents.remove(name).expect("an agent");
        agent.signal(Signal::KILL);
        if let Some(worker) = worker {
            worker.signal(Signal::KILL);
        }
        drop(agent);
    }
}

/// Waits until the journal that a rig sends has such an event.
#[track_caller]
fn await_sent(lab: &NatsLab, rig: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let taken = await_told(&lab.lab, "taken", |event| event["rig"] == rig);
    let folder = format!("out/{}", taken["folder"].as_str().expect("a folder"));
    lab.lab.await_event(&folder, what, is);
    taken
}

/// Reports are a function of the journals.
fn are_made_again(lab: &Lab) {
    let files = ["junit.xml", "report.html", "run.json", "events.jsonl"];
    let read = || files.map(|file| lab.read(&format!("out/{file}")));
    let before = read();
    lab.run(&["report", "out"]).ends(0);
    for ((before, after), file) in before.iter().zip(read()).zip(files) {
        assert!(*before == after, "`{file}` was made again, and is another one");
    }
}

#[test]
fn three_agents_share_a_run() {
    let mut lab = NatsLab::new();
    for name in ["a", "b", "c"] {
        lab.agent(name, 100, "");
    }
    cuts(&lab.lab, 12);
    let ran = lab.start(&[]).end().ends(0);
    ran.says("a batch passed on a: every rig may have its packages");
    stands(&lab.lab, 0);
    let rigs = rigs_of(&lab.lab);
    assert_eq!(rigs.len(), 12);
    for name in ["a", "b", "c"] {
        assert!(
            rigs.values().any(|rig| rig == name),
            "`{name}` had no case: {rigs:?}"
        );
    }
    are_made_again(&lab.lab);
    // Agents that are stopped leave the lab, and nothing behind.
    for (_, agent) in std::mem::take(&mut lab.agents) {
        agent.signal(Signal::TERM);
        agent.end().ends(0);
    }
    let ran = lab.lab.run(&["lab", "list", "--lab", &lab.url]).ends(0);
    ran.says("run out from").says("over (lab)");
    assert!(!ran.stdout.contains("rig "), "{}", ran.stdout);
}

#[test]
fn an_agent_that_dies_after_its_cut_was_ordered() {
    let mut lab = NatsLab::new();
    lab.agent("a", 40, "");
    lab.agent("b", 100, "");
    cuts(&lab.lab, 6);
    let running = lab.start(&["--canary", "0"]);
    let ordered = await_told(&lab.lab, "ordered", |event| event["rig"] == "a");
    lab.kill("a");
    running.end().ends(0);
    stands(&lab.lab, 0);
    let lost = await_told(&lab.lab, "lost", |event| event["rig"] == "a");
    assert_eq!(lost["open"], serde_json::json!([ordered["case"]]), "{lost}");
    let rigs = rigs_of(&lab.lab);
    assert_eq!(rigs[ordered["case"].as_str().expect("an id")], "b");
    are_made_again(&lab.lab);
}

#[test]
fn an_agent_that_dies_after_a_result() {
    let mut lab = NatsLab::new();
    lab.agent("a", 40, "");
    lab.agent("b", 100, "");
    cuts(&lab.lab, 18);
    let running = lab.start(&["--canary", "0"]);
    let taken = await_sent(&lab, "a", "a result", |event| event["event"] == "case-ended");
    lab.kill("a");
    running.end().ends(0);
    stands(&lab.lab, 0);
    let folder = format!("out/{}", taken["folder"].as_str().expect("a folder"));
    let ended = lab.lab.events(&folder);
    let done: Vec<&str> = ended
        .iter()
        .filter(|event| event["event"] == "case-ended")
        .filter_map(|event| event["id"].as_str())
        .collect();
    let rigs = rigs_of(&lab.lab);
    assert!(!done.is_empty());
    for case in done {
        assert_eq!(rigs[case], "a", "what it had done stays");
    }
}

/// What an agent still does after its lease has run out is kept, and does not count.
#[test]
fn an_agent_that_is_stopped_beyond_its_lease() {
    let mut lab = NatsLab::new();
    lab.agent("a", 40, "");
    lab.agent("b", 100, "");
    cuts(&lab.lab, 6);
    let running = lab.start(&["--canary", "0"]);
    await_told(&lab.lab, "ordered", |event| event["rig"] == "a");
    // The agent alone: its worker goes on, and the journal grows.
    lab.agents["a"].signal(Signal::STOP);
    let lost = await_told(&lab.lab, "lost", |event| event["rig"] == "a");
    lab.agents["a"].signal(Signal::CONT);
    let folder = format!("out/rigs/a/{}", lost["batch"].as_str().expect("a name"));
    let late = lab.lab.path(&folder).join("late.jsonl");
    let was_late = || late.exists() || told(&lab.lab, "closed").len() == 5;
    wait_until("what comes late", was_late);
    running.end().ends(0);
    stands(&lab.lab, 0);
    let rigs = rigs_of(&lab.lab);
    for case in lost["left"].as_array().expect("cases") {
        assert_eq!(
            rigs[case.as_str().expect("an id")],
            "b",
            "a late result does not count"
        );
    }
    assert_eq!(
        lost["open"], lost["left"],
        "nobody knows which cuts it makes from here on"
    );
}

/// Its worker goes on unheard, and bricks its module with a cut that nobody hears of. The cuts that it had to make are made on
/// another module, which lives.
#[test]
fn a_brick_that_nobody_hears_of_leaves_the_claim_open() {
    let mut lab = NatsLab::new();
    lab.agent("a", 15, "bricks-above-90");
    lab.agent("b", 100, "");
    lab.lab.suite(
        "limits: {settle: 1s}\ncases:\n  - name: night\n    update: {package: a-to-b, via: uart}\n    sweep: {over: [updating 30%], block: 4}\n    claim: {brick_rate_below: 20%, confidence: 80%, bricks: 0, over: \"updating 91%..99%\"}\n",
    );
    let running = lab.start(&["--canary", "0"]);
    // Before its first cut: the run hears of none.
    await_sent(&lab, "a", "its first case", |event| {
        event["event"] == "case-started"
    });
    lab.agents["a"].signal(Signal::STOP);
    let lost = await_told(&lab.lab, "lost", |event| event["rig"] == "a");
    running.end().ends(3);
    stands(&lab.lab, 3);
    assert!(!lost["open"].as_array().expect("cases").is_empty(), "{lost}");
    lab.lab.has_verdict("out", "night[claim] inconclusive claim-open");
    let all = told(&lab.lab, "ordered");
    assert!(all.iter().all(|event| event["rig"] == "b"), "{all:?}");
    lab.agents["a"].signal(Signal::CONT);
}

#[test]
fn the_server_dies_and_comes_back() {
    let mut lab = NatsLab::new();
    // The client may need ten seconds to find that its consumer is gone.
    lab.lease = "40s";
    lab.agent("a", 60, "");
    lab.agent("b", 60, "");
    cuts(&lab.lab, 8);
    let running = lab.start(&["--canary", "0"]);
    await_sent(&lab, "a", "an order", |event| event["event"] == "cut-armed");
    let server = lab.server.take().expect("a server");
    server.signal(Signal::KILL);
    drop(server);
    let listen = lab.url.trim_start_matches("nats://").to_owned();
    lab.serve(&listen);
    running.end().ends(0);
    stands(&lab.lab, 0);
    assert!(
        told(&lab.lab, "lost").is_empty(),
        "nobody was lost: {:#?}",
        told(&lab.lab, "lost")
    );
}

#[test]
fn a_run_whose_program_dies_is_collected_and_goes_on() {
    let mut lab = NatsLab::new();
    lab.agent("a", 60, "");
    lab.agent("b", 60, "");
    cuts(&lab.lab, 8);
    let running = lab.start(&["--canary", "0"]);
    await_sent(&lab, "a", "a result", |event| event["event"] == "case-ended");
    running.signal(Signal::KILL);
    drop(running);
    let url = lab.url.clone();
    let at = |more: &[&'static str]| [more, &["--lab", &url, "--lease", LEASE]].concat();
    wait_until("the agents to be idle", || {
        let shown = lab.lab.run(&at(&["lab", "list"])).stdout;
        shown.contains("rig a on") && !shown.contains("runs `")
    });
    // Somebody else brings together what there is.
    let ran = lab.lab.run(&at(&["lab", "collect", "out", "--out", "copy"]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    lab.lab.run(&["judge", "copy"]).ends(0);
    let passed = |out: &str| {
        lab.lab
            .cases(out)
            .iter()
            .filter(|case| case["verdict"] == "pass")
            .count()
    };
    assert!(passed("copy") > 0);
    // The owner goes on.
    lab.lab.run(&at(&["run", "--resume", "out"])).ends(0);
    stands(&lab.lab, 0);
    assert_eq!(lab.lab.cases("out").len(), 8);
}

#[test]
fn an_urgent_run_goes_first() {
    let mut lab = NatsLab::new();
    lab.agent("a", 60, "");
    cuts(&lab.lab, 6);
    let usual = lab.start(&[]);
    await_told(&lab.lab, "taken", |_| true);
    let mut urgent = lab.arguments(&["--priority", "0"]);
    urgent
        .iter_mut()
        .filter(|arg| **arg == "out")
        .for_each(|arg| *arg = "urgent");
    lab.lab.run(&urgent).ends(0);
    let has_ended = parent(&lab.lab).iter().any(|event| event["event"] == "run-ended");
    assert!(!has_ended, "the usual run waits for the urgent one");
    usual.end().ends(0);
    one_verdict_each(&lab.lab);
}

#[test]
fn another_version_is_refused() {
    let mut lab = NatsLab::new();
    rig(&lab.lab, "a", 60, "", "");
    let other = lab.lab.path("other");
    let mut bytes = std::fs::read(PROGRAM).expect("the program");
    bytes.push(0);
    std::fs::write(&other, bytes).expect("a copy");
    std::fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a program");
    let agent = lab.start_agent_as(other.as_os_str(), "a");
    lab.agents.insert("a".to_owned(), agent);
    let url = lab.url.clone();
    lab.agents
        .get_mut("a")
        .expect("an agent")
        .await_stderr("works for the lab");
    wait_until("the rig in the lab", || {
        lab.lab
            .run(&["lab", "list", "--lab", &url])
            .stdout
            .contains("rig a on")
    });
    cuts(&lab.lab, 1);
    let ran = lab.start(&[]).end().ends(2);
    ran.complains("all programs of a run have to be the same")
        .complains("`a` on");
    assert!(!lab.lab.path("out").exists(), "nothing was begun");
}

#[test]
fn a_canary_that_bricks_spares_the_others() {
    let mut lab = NatsLab::new();
    lab.agent("a", 100, "bricks-above-90");
    lab.agent("b", 100, "");
    lab.agent("c", 100, "");
    lab.lab.suite(
        "limits: {settle: 1s}\ncases:\n  - name: cut\n    matrix: {n: [1, 2, 3, 4, 5, 6]}\n    update: {package: a-to-b, via: uart}\n    cut: {at: updating 95%}\n",
    );
    lab.start(&[]).end().ends(1);
    stands(&lab.lab, 1);
    let rigs: Vec<String> = told(&lab.lab, "taken")
        .iter()
        .map(|event| event["rig"].to_string())
        .collect();
    assert_eq!(rigs, ["\"a\""], "no other rig got the delta");
}

#[test]
fn a_drained_rig_and_a_run_that_is_cancelled() {
    let mut lab = NatsLab::new();
    lab.agent("a", 60, "");
    lab.agent("b", 60, "");
    let url = lab.url.clone();
    lab.lab.run(&["lab", "drain", "b", "--lab", &url]).ends(0);
    lab.lab
        .run(&["lab", "drain", "x", "--lab", &url])
        .ends(2)
        .complains("expected one of a, b");
    cuts(&lab.lab, 12);
    let running = lab.start(&["--canary", "0"]);
    await_told(&lab.lab, "closed", |event| event["rig"] == "a");
    lab.lab.run(&["lab", "cancel", "out", "--lab", &url]).ends(0);
    let began = Instant::now();
    running.end().ends(3);
    assert!(began.elapsed() < LIMIT, "it ends soon");
    one_verdict_each(&lab.lab);
    assert!(told(&lab.lab, "taken").iter().all(|event| event["rig"] == "a"));
    lab.lab
        .run(&["lab", "drain", "b", "--undo", "--lab", &url])
        .ends(0);
}

/// The worker of an agent that is killed finishes its case. The next agent waits for it: what it comes to counts.
#[test]
fn an_agent_that_is_started_again_waits_for_the_worker_before() {
    let mut lab = NatsLab::new();
    lab.agent("a", 8, "");
    lab.agent("b", 100, "");
    cuts(&lab.lab, 6);
    let running = lab.start(&["--canary", "0"]);
    let ordered = await_told(&lab.lab, "ordered", |event| event["rig"] == "a");
    let agent = lab.agents.remove("a").expect("an agent");
    agent.signal(Signal::KILL);
    drop(agent);
    lab.start_agent("a");
    running.end().ends(0);
    stands(&lab.lab, 0);
    let lost = await_told(&lab.lab, "lost", |event| event["rig"] == "a");
    assert_eq!(lost["open"], serde_json::json!([]), "{lost}");
    let rigs = rigs_of(&lab.lab);
    assert_eq!(rigs[ordered["case"].as_str().expect("an id")], "a");
}

/// Whether its end of the batch was acknowledged is not known to anybody: either way nothing is run twice.
#[test]
fn an_agent_that_dies_around_its_acknowledgement() {
    let mut lab = NatsLab::new();
    lab.agent("a", 60, "");
    cuts(&lab.lab, 8);
    let running = lab.start(&["--canary", "0"]);
    await_told(&lab.lab, "closed", |_| true);
    lab.kill("a");
    // As a service that is started again.
    lab.start_agent("a");
    running.end().ends(0);
    stands(&lab.lab, 0);
    let parts = told(&lab.lab, "taken").into_iter();
    let ended = parts.flat_map(|taken| {
        let folder = format!("out/{}", taken["folder"].as_str().expect("a folder"));
        let events = lab.lab.events(&folder).into_iter();
        events.filter(|event| event["event"] == "case-ended")
    });
    let mut passed: Vec<String> = ended
        .filter(|event| event["verdict"] == "pass")
        .map(|event| event["id"].to_string())
        .collect();
    let all = passed.len();
    passed.sort();
    passed.dedup();
    assert_eq!((passed.len(), all), (8, 8), "each case passed once");
}

/// The object with this name is another file than its name says.
#[test]
fn a_package_with_a_wrong_digest_is_not_run() {
    let mut lab = NatsLab::new();
    lab.agent("a", 60, "");
    cuts(&lab.lab, 1);
    lab.agents["a"].signal(Signal::STOP);
    let running = lab.start(&["--canary", "0"]);
    await_told(&lab.lab, "taken", |_| true);
    let access = LabAccess {
        lab_nkey: None,
        lab_ca: None,
        lease: Duration::from_secs(20),
    };
    let server = LabServer::connect(&lab.url, RUNS, &access).expect("a connection");
    let suite = lab.lab.read("suite.yaml");
    let name = dfota_record::digest::sha256_hex(suite.as_bytes());
    server.put_object(&name, b"cases: []\n").expect("it is stored");
    lab.agents["a"].signal(Signal::CONT);
    running.end().ends(3);
    stands(&lab.lab, 3);
    let lost = await_told(&lab.lab, "lost", |_| true);
    let why = lost["why"].as_str().expect("a reason");
    assert!(why.contains("`suite.yaml` has the SHA-256"), "{why}");
    assert_eq!(lost["open"], serde_json::json!([]), "nothing was begun");
}

/// Between an agent and the server: what comes is passed on, or swallowed while the connection stays.
struct Proxy {
    url: String,
    swallows: Arc<AtomicBool>,
}

impl Proxy {
    fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("nats://{}", listener.local_addr().expect("an address"));
        let server = server.trim_start_matches("nats://").to_owned();
        let swallows = Arc::new(AtomicBool::new(false));
        let swallow = Arc::clone(&swallows);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                let both = |stream: &TcpStream| stream.try_clone().expect("a second handle");
                for (from, to) in [(both(&client), both(&server)), (server, client)] {
                    let swallow = Arc::clone(&swallow);
                    std::thread::spawn(move || pass_on(from, to, &swallow));
                }
            }
        });
        Self { url, swallows }
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, swallow: &AtomicBool) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !swallow.load(Ordering::Relaxed) && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// A network that swallows what is sent, for longer than a lease: the rig is lost, and what it did meanwhile does not count.
#[test]
fn a_network_that_swallows_packets() {
    let mut lab = NatsLab::new();
    let proxy = Proxy::start(&lab.url);
    let direct = std::mem::replace(&mut lab.url, proxy.url.clone());
    lab.agent("a", 15, "");
    lab.url = direct;
    lab.agent("b", 100, "");
    cuts(&lab.lab, 6);
    let running = lab.start(&["--canary", "0"]);
    await_told(&lab.lab, "ordered", |event| event["rig"] == "a");
    proxy.swallows.store(true, Ordering::Relaxed);
    let lost = await_told(&lab.lab, "lost", |event| event["rig"] == "a");
    assert_eq!(lost["open"], lost["left"], "{lost}");
    running.end().ends(0);
    stands(&lab.lab, 0);
    let shown = lab.lab.run(&["lab", "show", "out", "--lab", &lab.url]).ends(0);
    shown
        .says("rig a gets no further batch: it said nothing for")
        .says("closed by b")
        .says(" pass");
    let rigs = rigs_of(&lab.lab);
    for case in lost["left"].as_array().expect("cases") {
        assert_eq!(rigs[case.as_str().expect("an id")], "b");
    }
    proxy.swallows.store(false, Ordering::Relaxed);
    let url = lab.url.clone();
    wait_until("the rig to be back and idle", || {
        let listed = lab.lab.run(&["lab", "list", "--lab", &url]);
        listed
            .stdout
            .lines()
            .any(|line| line.contains("rig a on") && line.contains("idle"))
    });
}

#[test]
fn an_agent_may_use_its_own_subjects_and_no_other() {
    let lab = NatsLab::guarded(&["a", "b"]);
    let at = |more: &[&'static str]| [more, &["--lab", &lab.url, "--lease", LEASE]].concat();
    let list = at(&["lab", "list", "--lab-nkey", "runs.nk"]);
    // Whoever starts runs makes what a lab needs: an agent may not.
    lab.lab.run(&list).ends(0);
    rig(&lab.lab, "a", 100, "", "");
    let agent = at(&[
        "agent",
        "--rig",
        "a.yaml",
        "--lab-nkey",
        "a.nk",
        "--state-dir",
        "state-a",
    ]);
    let _agent = lab.lab.start(&agent);
    wait_until("the rig in the lab", || {
        lab.lab.run(&list).stdout.contains("rig a on")
    });
    cuts(&lab.lab, 1);
    lab.start(&["--lab-nkey", "runs.nk"]).end().ends(0);
    stands(&lab.lab, 0);
    others_are_refused(&lab);
}

/// A connection with this key.
fn connect(lab: &NatsLab, who: &str, key: &str) -> LabServer {
    let access = LabAccess {
        lab_nkey: Some(lab.lab.path(key)),
        lab_ca: None,
        lease: Duration::from_secs(20),
    };
    LabServer::connect(&lab.url, who, &access).expect("a connection")
}

type Try<'t> = (&'t str, Box<dyn Fn() -> bool + Sync + 't>);

/// With the key of `a`, what is for others alone is refused.
fn others_are_refused(lab: &NatsLab) {
    let (mine, runs) = (connect(lab, "a", "a.nk"), connect(lab, RUNS, "runs.nk"));
    let stores = |subject: &'static str| {
        let mine = &mine;
        Box::new(move || mine.store(subject.to_owned(), subject.to_owned(), vec![]).is_ok())
    };
    let tries: [Try<'_>; 5] = [
        ("a batch", stores("jobs.1.b.out.x")),
        ("the records of a rig", stores("records.out.b")),
        ("the records of a run", stores("records.out.=run")),
        ("a drain", Box::new(|| mine.drain("b", true).is_ok())),
        (
            "a lease",
            Box::new(|| mine.lease_job("b", Duration::from_secs(1)).is_ok()),
        ),
    ];
    let heard = Arc::new(AtomicBool::new(false));
    let hears = Arc::clone(&heard);
    let listens = mine.listen("orders.out.b".to_owned(), move |_, _| {
        hears.store(true, Ordering::Relaxed);
        true
    });
    listens.expect("the server refuses it later");
    std::thread::scope(|scope| {
        for (what, is_let) in &tries {
            scope.spawn(move || assert!(!is_let(), "{what} of somebody else was taken"));
        }
        runs.tell("orders.out.b".to_owned(), vec![]);
    });
    assert!(!heard.load(Ordering::Relaxed), "orders of another rig were heard");
}
