//! The wires between the Pi's header and the module: what the Pi's GPIO block drives is given on to the simulated module's
//! lines. The levels are read where an oscilloscope would be, outside the Pi's processor. An output that moves is heard over
//! qtest, also where it moves back at once; whether a pin is an output is read in the registers, by QEMU's monitor.

use crate::pi::module_line::ModuleLine;
use crate::pi::monitor::Monitor;
use crate::pi::qtest::Qtest;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The wires of `rigs/bench-example.yaml`: line of the module, pin of the header, whether high is active.
const WIRES: [(&str, usize, bool); 3] = [("power", 17, true), ("reset", 27, true), ("pwrkey", 22, true)];
/// A pin that the guest raises to mark a moment: seen by the same eye as the wires, without the way of a message.
pub(crate) const MARK: &str = "mark";
/// Its number on the header.
pub(crate) const MARK_PIN: usize = 26;
/// All sixteen words from GPFSEL0 to GPEDS0 (BCM2835 ARM Peripherals, 6.1), where the BCM2837 has them.
const REGISTERS: &str = "xp /16wx 0x3f200000";
/// The block, by its path in QEMU.
const DEVICE: &str = "/machine/soc/peripherals/gpio";
/// The place of GPLEV0 among them.
const GPLEV0: usize = 13;
/// Function of a pin in its GPFSEL register: output.
const OUTPUT: u32 = 0b001;
/// An output, and the input that it is wired to.
pub(crate) const LOOP: (usize, usize) = (23, 24);
/// GPSET0 and GPCLR0. In QEMU's model a write to them sets the level of an input too; no edge is detected, and no interrupt
/// comes.
const GPSET0: u32 = 0x3f20_001c;
const GPCLR0: u32 = 0x3f20_0028;
/// Between two looks, so that the emulated processor gets on with its work.
const PAUSE: Duration = Duration::from_micros(200);

/// A change at a wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    /// When it was seen.
    pub at: Instant,
    /// The line of the module.
    pub line: &'static str,
    /// What the wire is since then.
    pub level: Level,
}

/// What a wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    /// Whether the pin is an output.
    pub driven: bool,
    /// Whether it is high. A pin that is not driven follows its pull, which is down for these pins from power-on on.
    pub high: bool,
}

/// The wires, watched by a thread of their own.
pub(crate) struct Pins {
    edges: Arc<Mutex<Vec<Edge>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pins {
    /// Wires the pins to the control socket of the simulated module.
    pub(crate) fn wire(monitor: Monitor, mut qtest: Qtest, control: &Path) -> Self {
        qtest.hear(DEVICE).expect("QEMU has the GPIO block");
        let (output, input) = LOOP;
        let mut wires = vec![
            Wire::new(MARK, MARK_PIN, End::Open),
            Wire::new("loop", output, End::Input(input)),
        ];
        wires.extend(WIRES.map(|(line, pin, active_high)| {
            let end = ModuleLine::connect(line, active_high, control);
            Wire::new(line, pin, End::Module(end))
        }));
        let edges = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (edges, stop) = (edges.clone(), stop.clone());
            std::thread::spawn(move || {
                if let Err(why) = watch((monitor, qtest), wires, &edges, &stop) {
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
    pub(crate) fn edges(&self, line: &str) -> Vec<Edge> {
        let edges = self.edges.lock().expect("the thread does not panic");
        edges.iter().filter(|edge| edge.line == line).copied().collect()
    }

    /// The last edge of a line.
    pub(crate) fn last(&self, line: &str) -> Edge {
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

/// A wire from a pin.
struct Wire {
    line: &'static str,
    pin: usize,
    end: End,
    last: Option<Level>,
}

/// Where a wire goes.
enum End {
    Module(ModuleLine),
    Input(usize),
    Open,
}

impl Wire {
    fn new(line: &'static str, pin: usize, end: End) -> Self {
        let last = None;
        Self { line, pin, end, last }
    }

    /// Takes down what the pin is, and passes it on where it has moved.
    fn see(&mut self, level: Level, edges: &Mutex<Vec<Edge>>, qtest: &mut Qtest) -> io::Result<()> {
        let before = self.last.replace(level);
        if before != Some(level) {
            let (at, line) = (Instant::now(), self.line);
            let mut edges = edges.lock().expect("the tests do not panic with it");
            edges.push(Edge { at, line, level });
        }
        if before.is_some_and(|before| before.high == level.high) {
            return Ok(());
        }
        match &mut self.end {
            End::Module(line) => line.pass_on(level.high),
            End::Input(pin) => qtest.write(if level.high { GPSET0 } else { GPCLR0 }, 1 << *pin),
            End::Open => Ok(()),
        }
    }
}

fn watch(
    (mut monitor, mut qtest): (Monitor, Qtest),
    mut wires: Vec<Wire>,
    edges: &Mutex<Vec<Edge>>,
    stop: &AtomicBool,
) -> io::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let registers = words(&monitor.ask(REGISTERS)?)?;
        let mut outdated = false;
        while let Some(moved) = qtest.moved(Duration::ZERO)? {
            outdated = true;
            let (driven, high) = (true, moved.high);
            if let Some(wire) = wires.iter_mut().find(|wire| wire.pin == moved.line) {
                wire.see(Level { driven, high }, edges, &mut qtest)?;
            }
        }
        // Registers that were read before an output moved are not what the pins are now.
        for wire in wires.iter_mut().filter(|_| !outdated) {
            let level = level(&registers, wire.pin);
            wire.see(level, edges, &mut qtest)?;
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
