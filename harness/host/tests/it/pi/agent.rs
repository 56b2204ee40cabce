//! An agent of a lab on the Pi, whose server and whose run are on this machine.

use crate::cli::fleet::await_told;
use crate::cli::fleet::nats_lab::{LEASE, NatsLab};
use crate::lab::heard;
use crate::pi::board::{Board, Driver, Safe};
use crate::process::wait_until;
use serde_json::Value;
use std::process::Command;

/// The most memory that an agent may have, and its worker beside it, in KiB.
const AGENT: u64 = 35_000;
const WORKER: u64 = 40_000;
const SAFE: &str = "ok power=off module=off reset=off pwrkey=off";

/// The Pi is switched off in the middle of an update. Nobody knows what the cut did, so no other result takes its place. When the Pi is
/// back, the next run brings the module up.
#[test]
#[ignore = "`just pi` prepares its parts"]
fn agent() {
    if !has_nats_server() {
        println!("skipped: no `nats-server`, and `NATS_SERVER` names none");
        return;
    }
    let mut board = Board::boot();
    let lab = NatsLab::new();
    join(&board, &lab);
    lab.lab.rehearsal(
        "cases:\n  - name: cut\n    update: {package: a-to-b, via: uart}\n    cut: {at: updating 90%}\n",
    );
    let running = lab.start(&[]);
    let taken = await_told(&lab.lab, "taken", |event| event["rig"] == "pi-gpiochip");
    let folder = format!("out/{}", taken["folder"].as_str().expect("a folder"));
    lab.lab
        .await_event(&folder, "cut-armed", |event| event["event"] == "cut-armed");
    lab.lab.await_event(&folder, "UPDATING", heard("UPDATING"));
    memory(&board);
    board.interrupt_supply();
    wait_until("a module without supply", || board.sim.state() == SAFE);
    let ran = running.end().ends(3);
    ran.says("rig-lost");
    assert_eq!(lab.lab.verdicts("out"), ["cut error rig-lost"]);
    let cases = lab.lab.cases("out");
    assert_ne!(cases[0]["lost"][0]["open_cut"], Value::Null, "{cases:#?}");
    lab.lab.run(&["verify", "out"]).ends(0);

    board.await_boot();
    join(&board, &lab);
    let again = lab.arguments(&[]);
    let again: Vec<&str> = again
        .iter()
        .map(|arg| if *arg == "out" { "again" } else { arg })
        .collect();
    lab.lab.run(&again).ends(0);
    assert_eq!(lab.lab.verdicts("again"), ["cut pass -"]);
    wait_until("a module without supply", || board.sim.state() == SAFE);
}

fn has_nats_server() -> bool {
    let program = std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into());
    Command::new(program).arg("--version").output().is_ok()
}

/// Starts an agent on the Pi, and waits until the lab has its rig.
fn join(board: &Board, lab: &NatsLab) {
    board.rig(Driver::GpioChip, Safe::Off);
    // This machine, as the guest's network has it.
    let url = lab.url.replace("127.0.0.1", "10.0.2.2");
    let start = format!(
        "dfota-hil agent --rig rig.yaml --lab {url} --lease {LEASE} --state-dir state >agent.log 2>&1 &\necho $! > pid"
    );
    board.guest.run(&start).ends(0);
    wait_until("the Pi's rig in the lab", || {
        let ran = lab.lab.run(&["lab", "list", "--lab", &lab.url, "--lease", LEASE]);
        let is_there = ran.stdout.contains("rig pi-gpiochip on");
        if !is_there {
            let ended = board.guest.run("kill -0 $(cat pid) 2>/dev/null || cat agent.log");
            assert_eq!(ended.stdout, "", "the agent has ended");
        }
        is_there
    });
}

/// What the kernel of the guest counts, as `VmHWM:     15416 kB`, of the agent and of its worker.
fn memory(board: &Board) {
    let agent = "grep VmHWM /proc/$(cat pid)/status";
    let worker = "for p in $(pidof dfota-hil); do [ $p = $(cat pid) ] || ! grep -q -e --worker /proc/$p/cmdline || grep VmHWM /proc/$p/status; done";
    for (who, script, limit) in [("agent", agent, AGENT), ("worker", worker, WORKER)] {
        let said = board.guest.run(script).stdout;
        let most = said
            .split_whitespace()
            .filter_map(|word| word.parse::<u64>().ok())
            .max();
        let most = most.unwrap_or_else(|| panic!("no line of the kernel for the {who}: {said}"));
        println!("figure: the {who} had at most {most} KiB of memory");
        assert!(most <= limit, "{who}: {most} KiB are more than {limit}");
    }
}
