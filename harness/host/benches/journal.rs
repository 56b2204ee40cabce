//! Events a second that the journal takes: numbered, hashed, written and on the disk.
//!
//! `cargo bench -p dfota-hil --bench journal`. The mix is that of a real update: lines from the module, commands, edges of
//! the supply, measurements. Aim: 200 000 a second, from the first event told until the last line is on the disk.

use dfota_clock::Clock;
use dfota_core::event::{Event, Line, Measured};
use dfota_record::journal::{JournalWriter, Nobody};
use std::time::Instant;

const EVENTS: u64 = 1_000_000;
const ROUNDS: u32 = 5;

fn event(n: u64) -> Event {
    match n % 8 {
        0 => Event::Tx {
            text: "AT+QLWCFG?".into(),
        },
        1 => Event::Line {
            line: Line::Power,
            active: n % 16 == 1,
            took_ns: 412_000 + n % 997,
        },
        2 => Event::Measured(Measured {
            name: "cut-latency".into(),
            value: 0.137,
            unit: "ms".into(),
            min: None,
            limit: Some(5.0),
        }),
        _ => Event::Rx {
            text: format!("+QIND: \"FOTA\",\"UPDATING\",{}%,1,1", n % 101),
            partial: false,
        },
    }
}

fn main() {
    let mut best = 0.0_f64;
    for round in 1..=ROUNDS {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let (journal, writer) =
            JournalWriter::start(folder.path(), Clock::system(), Box::new(Nobody)).expect("a journal");
        let began = Instant::now();
        for n in 0..EVENTS {
            journal.post(event(n));
        }
        let told = began.elapsed().as_secs_f64();
        drop(journal);
        writer.finish().expect("every line on the disk");
        let rate = EVENTS as f64 / began.elapsed().as_secs_f64();
        best = best.max(rate);
        println!(
            "round {round}: {rate:.0} events/s on the disk; telling one takes {:.0} ns",
            told * 1e9 / EVENTS as f64
        );
    }
    println!("best: {best:.0} events/s (aim: 200000)");
}
