//! Many agents on one server. They are thin: each has its connection and does what the server sees of an agent, and moves no rig.

use super::nats_lab::NatsLab;
use dfota_hil::run::lab::board::{LabRigState, RigCard};
use dfota_hil::run::lab::server::{LabServer, RUNS};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

const AGENTS: usize = 300;
const BATCHES: usize = 10;
/// How much memory the server may have, in KiB: it had 167,000 at most when this was written, with all batches queued at once.
const SERVER_KIB: u64 = 400_000;

fn name(n: usize) -> String {
    format!("thin-{n}")
}

fn card(name: &str) -> RigCard {
    RigCard {
        name: name.to_owned(),
        file: format!("{name}.yaml"),
        text: format!("rig: {name}\nmodule: bc66\n").repeat(40),
        sha256: String::new(),
        host: "here".to_owned(),
        sources: String::new(),
        version: String::new(),
        state: LabRigState::Idle,
        module: String::new(),
        simulated: true,
        since: 0,
    }
}

/// Takes the batches of one rig, and sends a piece of a journal for each.
fn work(lab: &LabServer, rig: &str, done: &Mutex<BTreeMap<String, u32>>) {
    let mut card = card(rig);
    lab.create_rig(&card, &AtomicBool::new(false)).expect("a rig");
    for n in 0..BATCHES {
        let job = loop {
            let job = lab.lease_job(rig, Duration::from_secs(5)).expect("the queue");
            if let Some(job) = job {
                break job;
            }
        };
        let batch = String::from_utf8(job.payload.to_vec()).expect("text");
        card.state = LabRigState::Works {
            run: "many".into(),
            batch: batch.clone(),
        };
        lab.put_rig(&card).expect("its state");
        lab.keep_job(&job);
        let (subject, id) = (format!("records.many.{rig}"), format!("{rig}-{n}"));
        lab.store(subject, id, vec![b'x'; 4096]).expect("a record");
        lab.end_job(&job).expect("the end");
        *done.lock().expect("it").entry(batch).or_default() += 1;
    }
}

/// What the system says of a process in `/proc/PID/status`, in KiB.
fn kib(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status
        .lines()
        .find(|line| line.starts_with(key))
        .expect("the line");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.parse().expect("a number")
}

#[test]
fn three_hundred_agents_do_three_thousand_batches() {
    let lab = NatsLab::new();
    let server = lab.server.as_ref().expect("a server").pid();
    let before = kib(server, "VmRSS");
    let run = lab.connect(RUNS, None);
    let began = Instant::now();
    let agents: Vec<LabServer> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..4)
            .map(|part| {
                let lab = &lab;
                scope.spawn(move || {
                    let mine = (part..AGENTS).step_by(4);
                    mine.map(|n| (n, lab.connect(&name(n), None))).collect::<Vec<_>>()
                })
            })
            .collect();
        let mut all: Vec<_> = parts
            .into_iter()
            .flat_map(|part| part.join().expect("it connects"))
            .collect();
        all.sort_by_key(|(n, _)| *n);
        all.into_iter().map(|(_, lab)| lab).collect()
    });
    let connected = began.elapsed();
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for (n, agent) in agents.iter().enumerate() {
            let done = &done;
            scope.spawn(move || work(agent, &name(n), done));
        }
        for batch in 0..BATCHES {
            for n in 0..AGENTS {
                let (rig, id) = (name(n), format!("{n}-{batch}"));
                let subject = format!("jobs.1.{rig}.many.{batch}");
                run.store(subject, id.clone(), id.into_bytes()).expect("a batch");
            }
        }
    });
    let took = began.elapsed() - connected;
    let most = kib(server, "VmHWM");
    println!(
        "{AGENTS} agents connected in {connected:.1?}, {} batches in {took:.1?}; the server had {before} KiB before and {most} at most",
        AGENTS * BATCHES
    );
    let done = done.into_inner().expect("it");
    assert_eq!(done.len(), AGENTS * BATCHES);
    assert!(done.values().all(|count| *count == 1), "each batch once");
    assert_eq!(run.rigs().expect("a list").len(), AGENTS);
    assert_eq!(
        run.read_all("records.many.>").expect("records").len(),
        AGENTS * BATCHES
    );
    assert!(most < SERVER_KIB, "the server had {most} KiB");
}
