//! Runs of a lab: a real server, real agents on simulated rigs.

use super::nats_lab::{LEASE, NatsLab, Proxy};
use super::{await_told, cuts, one_verdict_each, parent, rig, rigs_of, stands, told};
use crate::lab::{LIMIT, Lab, PROGRAM};
use crate::process::{Running, Signal, wait_until};
use dfota_hil::run::lab::SOURCES;
use dfota_hil::run::lab::server::RUNS;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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
    let listen = lab.kill_server();
    lab.serve(&listen);
    running.end().ends(0);
    stands(&lab.lab, 0);
    assert!(
        told(&lab.lab, "lost").is_empty(),
        "nobody was lost: {:#?}",
        told(&lab.lab, "lost")
    );
}

/// Whoever starts a lab starts its server and its agents at once.
#[test]
fn services_wait_for_a_server_that_is_not_there_yet() {
    const WAITS: &str = "trying again until there is one";
    let mut lab = NatsLab::new();
    let listen = lab.kill_server();
    rig(&lab.lab, "a", 60, "", "");
    let mut agent = lab.start_agent_as(PROGRAM.as_ref(), "a", &[]);
    let url = lab.url.clone();
    let serve = ["lab", "serve", "--listen", "127.0.0.1:0", "--lab", &url];
    let mut pages = lab.lab.start(&serve);
    agent.await_stderr(WAITS);
    pages.await_stderr(WAITS);
    // Who asks a question gets an answer.
    let asked = lab.lab.run(&["lab", "list", "--lab", &url]).ends(3);
    asked.complains("no connection; is the server running, and the address right");
    // A service that waits can be stopped.
    let mut second = lab.lab.start(&serve);
    second.await_stderr(WAITS);
    second.signal(Signal::TERM);
    second.end().ends(0);
    lab.serve(&listen);
    lab.await_rig("a");
    pages.await_stderr("live: http://");
    cuts(&lab.lab, 2);
    lab.start(&[]).end().ends(0);
    stands(&lab.lab, 0);
    assert_eq!(agent.stderr().matches(WAITS).count(), 1, "it says so once");
    for service in [agent, pages] {
        service.signal(Signal::TERM);
        service.end().ends(0);
    }
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
    // The digest of its sources is another one, wherever it stands.
    let sources = SOURCES.as_bytes();
    for at in 0..bytes.len().saturating_sub(sources.len()) {
        if bytes[at..].starts_with(sources) {
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        }
    }
    std::fs::write(&other, bytes).expect("a copy");
    std::fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a program");
    let agent = lab.start_agent_as(other.as_os_str(), "a", &[]);
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
    ran.complains("all programs of a run have to be built from the same sources")
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
    let server = lab.connect(RUNS, None);
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
    let _agent = lab.start_agent_as(PROGRAM.as_ref(), "a", &["--lab-nkey", "a.nk"]);
    wait_until("the rig in the lab", || {
        lab.lab.run(&list).stdout.contains("rig a on")
    });
    cuts(&lab.lab, 1);
    lab.start(&["--lab-nkey", "runs.nk"]).end().ends(0);
    stands(&lab.lab, 0);
    others_are_refused(&lab);
}

type Try<'t> = (&'t str, Box<dyn Fn() -> bool + Sync + 't>);

/// With the key of `a`, what is for others alone is refused.
fn others_are_refused(lab: &NatsLab) {
    let (mine, runs) = (lab.connect("a", Some("a.nk")), lab.connect(RUNS, Some("runs.nk")));
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

/// The program of the run hangs for longer than an agent works without it. The agent stops after its case, and the rest of its batch
/// is not forgotten when the program goes on.
#[test]
fn a_run_that_hangs_gives_the_rest_to_somebody() {
    let mut lab = NatsLab::new();
    rig(&lab.lab, "a", 30, "", "");
    let mut command = lab.lab.command(&["agent", "--rig", "a.yaml", "--lab", &lab.url]);
    command.args([
        "--lease",
        LEASE,
        "--state-dir",
        "state-a",
        "--orphaned-after",
        "3s",
    ]);
    let _agent = Running::start(&mut command);
    lab.agent("b", 100, "");
    cuts(&lab.lab, 12);
    let running = lab.start(&["--canary", "0"]);
    await_told(&lab.lab, "ordered", |event| event["rig"] == "a");
    running.signal(Signal::STOP);
    let url = lab.url.clone();
    wait_until("the agent to stop", || {
        let listed = lab.lab.run(&["lab", "list", "--lab", &url]).stdout;
        listed
            .lines()
            .any(|line| line.starts_with("rig a on") && line.ends_with("idle"))
    });
    running.signal(Signal::CONT);
    running.end().ends(0);
    stands(&lab.lab, 0);
    let lost = await_told(&lab.lab, "lost", |event| event["rig"] == "a");
    let why = lost["why"].as_str().expect("a reason");
    assert!(why.contains("it heard nothing of its run for 3s"), "{why}");
}

#[test]
fn a_second_agent_of_a_rig_is_refused() {
    let mut lab = NatsLab::new();
    lab.agent("a", 60, "");
    let second = lab.start_agent_as(PROGRAM.as_ref(), "a", &[]).end().ends(3);
    second.complains("another agent of the rig `a` works in");
}
