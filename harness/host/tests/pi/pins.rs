//! The wires between the Pi's header and the module: what the Pi's GPIO block drives is given on to the simulated module's
//! lines. The levels are read where an oscilloscope would be, outside the Pi's processor: QEMU's monitor reads the registers.

use crate::monitor::Monitor;
use crate::qtest::Qtest;
use dfota_hil::line::{Line, simulated::Simulated};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The wires of `rigs/bench-example.yaml`: line of the module, pin of the header, whether high is active.
const WIRES: [(&str, usize, bool); 3] = [("power", 17, true), ("reset", 27, false), ("pwrkey", 22, false)];
/// A pin that the guest raises to mark a moment: seen by the same eye as the wires, without the way of a message.
pub const MARK: &str = "mark";
/// Its number on the header.
pub const MARK_PIN: usize = 26;
/// All sixteen words from GPFSEL0 to GPEDS0 (BCM2835 ARM Peripherals, 6.1), where the BCM2837 has them.
const REGISTERS: &str = "xp /16wx 0x3f200000";
/// The place of GPLEV0 among them.
const GPLEV0: usize = 13;
/// Function of a pin in its GPFSEL register: output.
const OUTPUT: u32 = 0b001;
/// An output, and the input that it is wired to.
pub const LOOP: (usize, usize) = (23, 24);
/// GPSET0 and GPCLR0. In QEMU's model a write to them sets the level of an input too; no edge is detected, and no interrupt
/// comes.
const GPSET0: u32 = 0x3f20_001c;
const GPCLR0: u32 = 0x3f20_0028;
/// Between two looks, so that the emulated processor gets on with its work.
const PAUSE: Duration = Duration::from_micros(200);

/// A change at a wire.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// When it was seen.
    pub at: Instant,
    /// The line of the module.
    pub line: &'static str,
    /// What the wire is since then.
    pub level: Level,
}

/// What a wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Whether the pin is an output.
    pub driven: bool,
    /// Whether it is high. A pin that is not driven follows its pull, which is down for these pins from power-on on.
    pub high: bool,
}

/// The wires, watched by a thread of their own.
pub struct Pins {
    edges: Arc<Mutex<Vec<Edge>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pins {
    /// Wires the pins to the control socket of the simulated module.
    pub fn wire(monitor: Monitor, qtest: Qtest, control: &Path) -> Self {
        let lines = WIRES.map(|(name, ..)| Simulated::connect(name, control).expect("the simulator answers"));
        let edges = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (edges, stop) = (edges.clone(), stop.clone());
            std::thread::spawn(move || {
                if let Err(why) = watch((monitor, qtest), lines, &edges, &stop) {
                    eprintln!("the pins are not watched any more: {why}");
                }
            })
        };
        Self {
            edges,
            stop,
            thread: Some(thread),
        }
    }

    /// What became of a line so far.
    pub fn edges(&self, line: &str) -> Vec<Edge> {
        let edges = self.edges.lock().expect("the thread does not panic");
        edges.iter().filter(|edge| edge.line == line).copied().collect()
    }

    /// The last edge of a line.
    pub fn last(&self, line: &str) -> Edge {
        self.edges(line).pop().expect("every wire has been looked at")
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn watch(
    (mut monitor, mut qtest): (Monitor, Qtest),
    mut lines: [Simulated; 3],
    edges: &Mutex<Vec<Edge>>,
    stop: &AtomicBool,
) -> io::Result<()> {
    let mut last = [None; WIRES.len()];
    let (mut mark, mut output) = (None, None);
    while !stop.load(Ordering::Relaxed) {
        let registers = words(&monitor.ask(REGISTERS)?)?;
        let at = Instant::now();
        let see = |line, pin, last: &mut Option<Level>| {
            let level = level(&registers, pin);
            let before = last.replace(level);
            if before != Some(level) {
                let mut edges = edges.lock().expect("the tests do not panic with it");
                edges.push(Edge { at, line, level });
            }
            (before.map(|before| before.high) != Some(level.high)).then_some(level.high)
        };
        see(MARK, MARK_PIN, &mut mark);
        if let Some(high) = see("output", LOOP.0, &mut output) {
            qtest.write(if high { GPSET0 } else { GPCLR0 }, 1 << LOOP.1)?;
        }
        for (((line, pin, active_high), wire), last) in WIRES.into_iter().zip(&mut lines).zip(&mut last) {
            if let Some(high) = see(line, pin, last) {
                wire.set(high == active_high).map_err(io::Error::other)?;
            }
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn level(registers: &[u32; 16], pin: usize) -> Level {
    let driven = registers[pin / 10] >> (3 * (pin % 10)) & 0b111 == OUTPUT;
    let high = driven && registers[GPLEV0] >> pin & 1 == 1;
    Level { driven, high }
}

/// The words of a dump such as `000000003f200000: 0x00000000 0x00012000`.
fn words(dump: &str) -> io::Result<[u32; 16]> {
    let words = dump.split_whitespace().filter_map(|word| word.strip_prefix("0x"));
    let words: Result<Vec<u32>, _> = words.map(|word| u32::from_str_radix(word, 16)).collect();
    let words = words.ok().and_then(|words| words.try_into().ok());
    words.ok_or_else(|| io::Error::other(format!("expected 16 words, the monitor said `{dump}`")))
}
