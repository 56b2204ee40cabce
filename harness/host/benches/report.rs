//! Every report of a run with 10,000 cases, out of its journal: time and greatest memory.
//!
//! `cargo bench -p dfota-hil --bench report`. The journal is that of `reports/example`, its failing case 10,000 times under
//! other names, one in a hundred of them still failing. The program itself makes the reports, in a process of its own, so
//! that its memory can be read from the system.

use dfota_core::event::{Event, Record};
use dfota_core::verdict::Verdict;
use sha2::{Digest, Sha256};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const CASES: usize = 10_000;

fn main() {
    // `cargo test --benches` runs it too, with another argument.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/example");
    let example = dfota_record::journal::read(&example, false).expect("the journal of reports/example");
    let folder = tempfile::tempdir().expect("a folder");
    let (events, bytes) = write(folder.path(), &example);
    println!(
        "{CASES} cases, {events} events, {:.0} MB of journal",
        bytes as f64 / 1e6
    );
    let read = Instant::now();
    std::fs::read(folder.path().join("events.jsonl")).expect("a journal");
    println!("reading the file alone:      {:>8.2?}", read.elapsed());
    for try_number in 1..=3 {
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_dfota-hil"))
            .arg("report")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program");
        let most = watched(child);
        println!(
            "all reports, try {try_number}:          {:>8.2?}, at most {:.0} MB",
            began.elapsed(),
            most as f64 / 1e3
        );
    }
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).map_or(0, |file| file.len());
    for name in ["report.html", "junit.xml", "run.json"] {
        println!("{name:<12} {:>8.1} MB", size(name) as f64 / 1e6);
    }
}

/// Waits for a process; gives the most memory that it held, in kB.
fn watched(mut child: std::process::Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().expect("a process").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(peak.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    most
}

/// Writes the journal; gives its events and bytes.
fn write(folder: &Path, example: &[Record]) -> (u64, u64) {
    let planned = example
        .iter()
        .rev()
        .find(|record| matches!(record.event, Event::CasePlanned { .. }));
    let begins = example
        .iter()
        .rposition(|record| matches!(record.event, Event::CaseStarted { .. }));
    let ends = example
        .iter()
        .rposition(|record| matches!(record.event, Event::CaseEnded(_)));
    let (planned, from, to) = (
        planned.expect("a plan"),
        begins.expect("a case"),
        ends.expect("its end"),
    );
    let file = std::fs::File::create(folder.join("events.jsonl")).expect("a file");
    let mut journal = Journal {
        file: BufWriter::new(file),
        prev: dfota_record::digest::hex(&Sha256::digest([])),
        seq: 0,
        bytes: 0,
    };
    journal.add(example[0].clone(), 0);
    for n in 0..CASES {
        journal.add(planned.clone(), n);
    }
    for n in 0..CASES {
        for record in &example[from..=to] {
            journal.add(record.clone(), n);
        }
    }
    journal.add(example[example.len() - 1].clone(), 0);
    journal.file.flush().expect("room");
    (journal.seq, journal.bytes)
}

struct Journal {
    file: BufWriter<std::fs::File>,
    prev: String,
    seq: u64,
    bytes: u64,
}

impl Journal {
    fn add(&mut self, mut record: Record, n: usize) {
        let name = |id: &str| format!("{id}[n={n:05}]");
        match &mut record.event {
            Event::CasePlanned { case, .. } => case.id = name(&case.id),
            Event::CaseStarted { id, .. } => *id = name(id),
            Event::CaseEnded(end) => {
                end.id = name(&end.id);
                let shift = self.seq.saturating_sub(record.seq);
                end.evidence.iter_mut().for_each(|seq| *seq += shift);
                if !n.is_multiple_of(100) {
                    end.verdict = Verdict::Pass;
                }
            }
            _ => {}
        }
        record.seq = self.seq;
        record.prev = std::mem::take(&mut self.prev);
        let mut line = serde_json::to_vec(&record).expect("JSON");
        self.prev = dfota_record::digest::hex(&Sha256::digest(&line));
        line.push(b'\n');
        self.file.write_all(&line).expect("room");
        self.seq += 1;
        self.bytes += line.len() as u64;
    }
}
