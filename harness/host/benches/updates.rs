//! Complete interrupted updates a second on `rigs/sim-fast.yaml`: there and back over the UART, power cut at 50 %, forced
//! resume, version read back.
//!
//! `cargo bench -p dfota-hil --bench updates`. Beside it the floor: the real time that the module itself spends between
//! the order and END, supply off included, taken from the journal of the same run, and the harness's own time.

use dfota_core::event::{Event, Line};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const PAIRS: u32 = 50;

fn main() {
    let folder = std::env::temp_dir().join(format!("updates-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository");
    let packages = root.join("suites/packages");
    let suite = folder.join("there-and-back.yaml");
    let text = format!(
        "suite: there-and-back
packages:
  a-to-b: {{file: {0}/a-to-b.delta, from: BC66NBR01A01, to: BC66NBR01A02}}
  b-to-a: {{file: {0}/b-to-a.delta, from: BC66NBR01A02, to: BC66NBR01A01}}
cases:
  - {{name: there, update: {{package: a-to-b, via: uart, block_size: 4096}}, cut: {{at: updating 50%}}}}
  - {{name: back, update: {{package: b-to-a, via: uart, block_size: 4096}}, cut: {{at: updating 50%}}}}
",
        packages.display()
    );
    std::fs::write(&suite, text).expect("a suite file");
    let out = folder.join("run");
    let began = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_dfota-hil"))
        .arg("run")
        .arg(&suite)
        .arg("--rig")
        .arg(root.join("rigs/sim-fast.yaml"))
        .args(["--seed", "1", "--repeat", &PAIRS.to_string(), "--out"])
        .arg(&out)
        .stdout(Stdio::null())
        .status()
        .expect("dfota-hil");
    let took = began.elapsed().as_secs_f64();
    assert!(status.success(), "every update resumes: {status}");
    let updates = f64::from(2 * PAIRS);
    println!(
        "{updates} interrupted updates in {took:.2} s: {:.2} a second",
        updates / took
    );
    println!(
        "the module's own time from order to END: {:.1} % of it",
        100.0 * own_time(&out) / took
    );
    println!(
        "the harness's own time: {:.2} ms an update, from what it hears to what it does next, waits that it chooses left out",
        1e3 * reaction(&out) / updates
    );
    let _ = std::fs::remove_dir_all(&folder);
}

/// Seconds of real time between something that the harness learns and the next thing that it does or writes down. Waits
/// that are its choice are left out: before an edge of the supply (discharge, off time, the cut's delay), and before it asks
/// a module that boots or attaches once more.
fn reaction(run: &Path) -> f64 {
    let records = dfota_record::journal::read(run, false).expect("a journal");
    // It asks for life and for the registration again and again, with pauses of its choice in between.
    let asks_again = |text: &str| matches!(text, "AT" | "AT+CEREG?");
    let acts = |event: &Event| {
        matches!(event, Event::Tx { text } if !asks_again(text))
            || matches!(
                event,
                Event::TxData { .. }
                    | Event::Step { .. }
                    | Event::Measured(_)
                    | Event::Identity { .. }
                    | Event::CaseStarted { .. }
                    | Event::CaseEnded(_)
            )
    };
    // Between two commands the module has not answered the first: that time is its own.
    let waits = |event: &Event| {
        matches!(
            event,
            Event::Tx { .. } | Event::TxData { .. } | Event::Line { .. }
        )
    };
    let gaps = records
        .windows(2)
        .filter(|two| acts(&two[1].event) && !waits(&two[0].event));
    gaps.map(|two| two[1].mono_ns.saturating_sub(two[0].mono_ns))
        .sum::<u64>() as f64
        / 1e9
}

/// Seconds of real time between orders and their END, without those between a supply that came back and its first byte.
fn own_time(run: &Path) -> f64 {
    let records = dfota_record::journal::read(run, false).expect("a journal");
    let (mut total, mut ordered) = (0, None);
    for record in &records {
        match &record.event {
            Event::Tx { text } if text.starts_with("AT+QFOTADL") => ordered = Some(record.mono_ns),
            Event::Rx { text, .. } if text.contains("\"END\"") => {
                total += ordered.take().map_or(0, |at| record.mono_ns.saturating_sub(at));
            }
            Event::Line {
                line: Line::Reset, ..
            } => ordered = None,
            _ => {}
        }
    }
    total as f64 / 1e9
}
