//! How fast `judge --log` reads, and what it holds meanwhile: a million lines, written to a file first.
//!
//! `cargo bench -p dfota-hil --bench log`. The lines are those of updates, one behind the other, with time stamps. Aim: under a
//! second, in constant memory.

use dfota_core::log::fold::LogContext;
use dfota_core::log::reader::LogReader;
use dfota_record::log::opened::Log;
use dfota_record::log::read;
use std::io::Write;
use std::time::Instant;

const LINES: usize = 1_000_000;
const ROUNDS: u32 = 5;

/// The lines of one update.
fn update() -> Vec<String> {
    let fota = |rest: String| format!("+QIND: \"FOTA\",{rest}");
    let boot = [
        "F1: 0000 0000",
        "V0: 0000 0000 [0001]",
        "00: 0006 000C",
        "01: 0000 0000",
        "U0: 0000 0001 [0000]",
    ];
    let mut lines = vec![
        "AT+QFOTADL=\"http://h/a\"".to_owned(),
        "OK".to_owned(),
        fota("\"HTTPSTART\"".into()),
    ];
    lines.extend((1..=100).map(|percent| fota(format!("\"DOWNLOADING\",{percent}%"))));
    lines.push(fota("\"HTTPEND\",0".into()));
    lines.push(fota("\"START\"".into()));
    lines.extend(boot.map(str::to_owned));
    lines.extend((20..=100).map(|percent| fota(format!("\"UPDATING\",{percent}%,1,1"))));
    lines.extend(boot.map(str::to_owned));
    lines.extend(["RDY".to_owned(), "+CFUN: 1".to_owned(), fota("\"END\",0".into())]);
    lines
}

/// The most that this process has held, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or_default() / 1024
}

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = folder.path().join("long.log");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    for (n, line) in update().iter().cycle().take(LINES).enumerate() {
        let (second, ms) = (n / 100 % 60, n * 10 % 1000);
        let (minute, hour) = (n / 6_000 % 60, n / 360_000 % 24);
        write!(
            file,
            "[2026-11-22 {hour:02}:{minute:02}:{second:02}.{ms:03}] {line}\r\n"
        )
        .expect("room");
    }
    file.flush().expect("room");
    let bytes = std::fs::metadata(&path).expect("the file").len();
    let before = peak();
    let mut best = f64::MAX;
    for round in 1..=ROUNDS {
        let began = Instant::now();
        let mut log = Log::open(&path, None).expect("a log");
        let mut reader = LogReader::new(log.format, log.counted, LogContext::default());
        let mut updates = 0;
        read(&mut log, &mut reader, |_| updates += 1).expect("it can be read");
        let took = began.elapsed().as_secs_f64();
        best = best.min(took);
        println!("round {round}: {LINES} lines, {bytes} bytes, {updates} updates in {took:.3} s");
        assert!(updates > LINES / 300, "every update is found");
    }
    println!(
        "best {best:.3} s; at most {} MB held, {before} MB before the first line was read",
        peak()
    );
}
