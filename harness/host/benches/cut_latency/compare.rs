//! Cuts by the harness and by a bare loop, in turns. Two benchmarks use it.

use dfota_clock::Clock;
use dfota_core::cut::{Cut, CutKind};
use dfota_hil::bench::line::{LineError, OutputLine};
use dfota_hil::bench::lines::RigLines;
use dfota_hil::bench::serial::message::BenchMessage;
use dfota_hil::bench::serial::port::Port;
use dfota_hil::bench::serial::reader::SerialReader;
use dfota_hil::bench::serial::trigger::Armed;
use dfota_record::journal::{JournalWriter, Nobody, Observer};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const CUTS: usize = 10_000;
const TURN: usize = 500;
pub(crate) const URC: &[u8] = b"\r\n+QIND: \"FOTA\",\"UPDATING\",50%,1,1\r\n";

/// The supply: one byte over a socket.
struct Wire(UnixStream);

impl OutputLine for Wire {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        self.0.write_all(&[u8::from(active)]).map_err(|why| LineError {
            line: "power",
            active,
            why: why.to_string(),
        })
    }
}

/// The module's side: a pty's master.
fn pty() -> (File, PathBuf, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
    grantpt(&master).expect("grantpt");
    unlockpt(&master).expect("unlockpt");
    let path = PathBuf::from(
        ptsname(&master, Vec::new())
            .expect("ptsname")
            .to_string_lossy()
            .into_owned(),
    );
    // Held open and raw for the whole time, as the simulated module does.
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
    let slave = rustix::fs::open(&path, flags, rustix::fs::Mode::empty()).expect("the pty's other side");
    let mut raw = rustix::termios::tcgetattr(&slave).expect("tcgetattr");
    raw.make_raw();
    rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &raw).expect("tcsetattr");
    (File::from(master), path, slave)
}

/// One URC out, with what stands before it, and the time until the line moves.
fn measure(module: &mut File, power: &mut UnixStream, said: &[u8]) -> Duration {
    let mut edge = [1];
    let began = Instant::now();
    module.write_all(said).expect("the URC");
    power.read_exact(&mut edge).expect("the edge");
    let took = began.elapsed();
    assert_eq!(edge, [0], "the supply goes off");
    took
}

/// The least that can be done: wait, read, look for the end of a line, write.
fn bare(device: &OwnedFd, mut power: UnixStream, stop: &AtomicBool) {
    let mut buffer = [0; 4096];
    let mut seen = Vec::with_capacity(4096);
    while !stop.load(Ordering::Relaxed) {
        let mut fds = [PollFd::new(device, PollFlags::IN)];
        let tick = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 50_000_000,
        };
        if poll(&mut fds, Some(&tick)).expect("poll") == 0 {
            continue;
        }
        let n = rustix::io::read(device, &mut buffer).expect("read");
        seen.extend_from_slice(&buffer[..n]);
        if seen.windows(8).any(|window| window == b"UPDATING") && seen.last() == Some(&b'\n') {
            power.write_all(&[0]).expect("write");
            seen.clear();
        }
    }
}

pub(crate) fn percentiles(name: &str, times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let us = |duration: Duration| duration.as_secs_f64() * 1e6;
    println!(
        "{name:<28} p50 {:>7.1} µs   p99 {:>7.1} µs   p99.9 {:>7.1} µs   max {:>8.1} µs",
        us(at(0.5)),
        us(at(0.99)),
        us(at(0.999)),
        us(at(1.0))
    );
    at(0.99)
}

/// Both, in turns.
pub(crate) fn compare(title: &str, said: &[u8]) {
    compare_shown(title, said, Box::new(Nobody));
}

/// The same, with somebody who sees what the journal writes.
pub(crate) fn compare_shown(title: &str, said: &[u8], shown: Box<dyn Observer>) {
    let (mut bare_times, mut harness_times) = (Vec::with_capacity(CUTS), Vec::with_capacity(CUTS));
    let folder = std::env::temp_dir().join(format!("cut-latency-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let clock = Clock::system();
    let (journal, writer) = JournalWriter::start(&folder, clock, shown).expect("a journal");
    let (mut module, path, _held) = pty();
    let (mut module_bare, path_bare, _held_bare) = pty();
    let (near, mut power) = UnixStream::pair().expect("a socket");
    let (near_bare, mut power_bare) = UnixStream::pair().expect("a socket");
    let lines = Arc::new(RigLines::new(Box::new(Wire(near)), None, None, false).unguarded());
    let (inbox, messages) = channel();
    let port = Port::open(&path, 115_200).expect("the port");
    let reader = SerialReader::start(port, lines, journal.clone(), inbox).expect("the reader");
    let bare_port = Port::open(&path_bare, 115_200).expect("the port");
    let stop = Arc::new(AtomicBool::new(false));
    let bare_thread = {
        let stop = stop.clone();
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        std::thread::spawn(move || bare(&bare_port.device(), near_bare, &stop))
    };
    let cut = Cut {
        at: "updating 50%".parse().expect("a moment"),
        after: Duration::ZERO,
        off: Duration::ZERO,
        kind: CutKind::Power,
    };
    for _ in 0..CUTS / TURN {
        for _ in 0..TURN {
            bare_times.push(measure(&mut module_bare, &mut power_bare, said));
        }
        for _ in 0..TURN {
            reader.arm(Armed {
                cut: cut.clone(),
                after: Duration::ZERO,
            });
            harness_times.push(measure(&mut module, &mut power, said));
            // The next cut is armed when the last one was told, as the runner does.
            while !matches!(messages.recv().expect("the reader"), BenchMessage::Cut(_)) {}
        }
    }
    stop.store(true, Ordering::Relaxed);
    bare_thread.join().expect("the bare loop");
    drop(reader);
    drop(journal);
    writer.finish().expect("the journal");
    let _ = std::fs::remove_dir_all(&folder);
    println!("{title}, {CUTS} cuts each");
    let floor = percentiles("bare poll, read, write", &mut bare_times);
    let harness = percentiles("dfota-hil", &mut harness_times);
    println!(
        "p99 over the floor's: {:.2}\n",
        harness.as_secs_f64() / floor.as_secs_f64()
    );
}
