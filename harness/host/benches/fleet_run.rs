//! What a run on eight simulated rigs costs beside its workers: the parent's CPU time a case, and the memory of each process.
//!
//! `cargo bench -p dfota-hil --bench fleet_run`. Each case is an interrupted update over the UART, cut at 50 %. Memory is PSS, the most
//! of what was seen: pages that processes share are divided among them. The parent's reports at the end are counted apart.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const RIGS: usize = 8;
const CASES: u32 = 320;
const LOOK: Duration = Duration::from_millis(50);

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let suite = suite(folder.path());
    let mut command = Command::new(env!("CARGO_BIN_EXE_dfota-hil"));
    command.arg("run").arg(&suite);
    for rig in 0..RIGS {
        command.arg("--rig").arg(write_rig(folder.path(), rig));
    }
    let out = folder.path().join("out");
    command
        .args(["--seed", "1", "--canary", "0", "--state-dir"])
        .arg(folder.path().join("state"))
        .arg("--out")
        .arg(&out)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = Instant::now();
    let mut parent = command.spawn().expect("dfota-hil");
    let seen = watch(&mut parent);
    let status = parent.wait().expect("its end");
    assert!(status.success(), "every update resumes: {status}");
    println!(
        "{CASES} cases on {RIGS} rigs in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    let run_ms = seen.batches_ms / f64::from(CASES);
    println!(
        "parent, CPU time: {run_ms:.2} ms a case until the last batch was over, {:.2} ms a case with the reports",
        seen.all_ms / f64::from(CASES)
    );
    println!(
        "parent, PSS: {:.1} MB until the last batch was over, {:.1} MB with the reports",
        mega(seen.parent_kb),
        mega(seen.reports_kb)
    );
    println!("each worker, PSS: at most {:.1} MB", mega(seen.worker_kb));
    println!(
        "each simulated module with its board, PSS: at most {:.1} MB",
        mega(seen.other_kb)
    );
}

/// What was seen of the processes.
#[derive(Default)]
struct Seen {
    /// The parent's CPU time when the last batch was over.
    batches_ms: f64,
    /// The same at its last look.
    all_ms: f64,
    parent_kb: u64,
    reports_kb: u64,
    worker_kb: u64,
    other_kb: u64,
}

fn watch(parent: &mut Child) -> Seen {
    let mut seen = Seen::default();
    let mut had_workers = false;
    let mut cpu = CpuTime::default();
    let pid = parent.id();
    while parent.try_wait().expect("a child").is_none() {
        let workers = children(pid);
        // The journals are merged, and the reports made, when the workers have ended.
        had_workers |= !workers.is_empty();
        let reports = had_workers && workers.is_empty();
        seen.all_ms = cpu.look(pid);
        if !reports {
            seen.batches_ms = seen.all_ms;
        }
        let own = pss_kb(pid);
        seen.reports_kb = seen.reports_kb.max(own);
        if !reports {
            seen.parent_kb = seen.parent_kb.max(own);
        }
        for worker in workers {
            seen.worker_kb = seen.worker_kb.max(pss_kb(worker));
            let below: u64 = descendants(worker).into_iter().map(pss_kb).sum();
            seen.other_kb = seen.other_kb.max(below);
        }
        std::thread::sleep(LOOK);
    }
    seen
}

fn mega(kb: u64) -> f64 {
    kb as f64 / 1024.0
}

/// The CPU time of every thread so far, also of those that have ended: nanoseconds by thread. Counted in ticks, a thread that the
/// clock wakes seems to take far more.
#[derive(Default)]
struct CpuTime(BTreeMap<PathBuf, u64>);

impl CpuTime {
    /// Looks at the threads; the time of all in milliseconds.
    fn look(&mut self, pid: u32) -> f64 {
        let threads = fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
            .flatten();
        for thread in threads.map(|thread| thread.path()) {
            let stat = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
            if let Some(ns) = stat.split_whitespace().next().and_then(|ns| ns.parse().ok()) {
                self.0.insert(thread, ns);
            }
        }
        self.0.values().sum::<u64>() as f64 / 1e6
    }
}

fn pss_kb(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kb.unwrap_or_default()
}

fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let all: String = lists.collect::<Vec<_>>().join(" ");
    all.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

fn descendants(pid: u32) -> Vec<u32> {
    let mut all = children(pid);
    let mut next = 0;
    while next < all.len() {
        all.extend(children(all[next]));
        next += 1;
    }
    all
}

fn write_rig(folder: &Path, number: usize) -> PathBuf {
    let file = folder.join(format!("rig-{number}.yaml"));
    let text = format!("rig: sim-{number}\nmodule: bc66\nsimulated: {{firmware: BC66NBR01A01, speed: 60}}\n");
    fs::write(&file, text).expect("a rig file");
    file
}

fn suite(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let packages = root
        .canonicalize()
        .expect("the repository")
        .join("suites/packages");
    let packages = packages.display();
    let runs: Vec<String> = (1..=CASES / 2).map(|run| run.to_string()).collect();
    let file = folder.join("suite.yaml");
    let text = format!(
        "suite: there-and-back
packages:
  a-to-b: {{file: {packages}/a-to-b.delta, from: BC66NBR01A01, to: BC66NBR01A02}}
  b-to-a: {{file: {packages}/b-to-a.delta, from: BC66NBR01A02, to: BC66NBR01A01}}
cases:
  - name: cut
    matrix: {{run: [{}], package: [a-to-b, b-to-a]}}
    update: {{package: \"{{package}}\", via: uart, block_size: 4096}}
    cut: {{at: updating 50%}}
",
        runs.join(", ")
    );
    fs::write(&file, text).expect("a suite file");
    file
}
