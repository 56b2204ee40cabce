//! The wires between the lines of a PL061 and the module. The model of this controller takes levels from outside: the
//! module's VDD_EXT is one of its inputs. What it drives is heard as it moves.

use crate::pi::module_line::ModuleLine;
use crate::pi::qtest::Qtest;
use dfota_hil::bench::line::sense::Sense;
use dfota_hil::bench::line::simulated::SimulatedSense;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Line of the module, line of the controller, whether high is active.
const WIRES: [(&str, usize, bool); 3] = [
    ("power", POWER, true),
    ("reset", RESET, true),
    ("pwrkey", PWRKEY, true),
];
pub(crate) const POWER: usize = 0;
pub(crate) const RESET: usize = 1;
pub(crate) const PWRKEY: usize = 2;
/// VDD_EXT; QEMU's own button is on this line too, and nobody presses it.
pub(crate) const SENSE: usize = 3;
/// An output, and the input that it is wired to.
pub(crate) const LOOP: (usize, usize) = (4, 5);
/// Between two looks at VDD_EXT.
const PAUSE: Duration = Duration::from_millis(1);

/// The wires, kept by a thread of their own.
pub(crate) struct Pl061 {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pl061 {
    /// Wires the controller, by its path in QEMU, to the control socket of the simulated module.
    pub(crate) fn wire(mut qtest: Qtest, device: String, control: &Path) -> Self {
        let lines = WIRES.map(|(name, _, active_high)| ModuleLine::connect(name, active_high, control));
        let vdd_ext = SimulatedSense::connect(control).expect("the simulator answers");
        qtest.hear(&device).expect("QEMU has the controller");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            if let Err(why) = pass_on(qtest, &device, lines, vdd_ext, &stopped) {
                eprintln!("the wires of the PL061 are cut: {why}");
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Pl061 {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn pass_on(
    mut qtest: Qtest,
    device: &str,
    mut lines: [ModuleLine; 3],
    mut vdd_ext: SimulatedSense,
    stop: &AtomicBool,
) -> io::Result<()> {
    // As long as nobody drives them they are low.
    for line in &mut lines {
        line.pass_on(false)?;
    }
    let mut shown = false;
    while !stop.load(Ordering::Relaxed) {
        let supplied = vdd_ext.look().map_err(io::Error::other)?.supplied;
        if supplied != shown {
            qtest.set(device, SENSE, supplied)?;
            shown = supplied;
        }
        let Some(moved) = qtest.moved(PAUSE)? else {
            continue;
        };
        if moved.line == LOOP.0 {
            qtest.set(device, LOOP.1, moved.high)?;
        }
        let wire = WIRES.iter().position(|(_, line, _)| *line == moved.line);
        if let Some(wire) = wire {
            lines[wire].pass_on(moved.high)?;
        }
    }
    Ok(())
}
