//! A line of the simulated module at the end of a bench's wire. What moves the wire is not known here.

use dfota_hil::bench::line::{OutputLine, simulated::SimulatedLine};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a level stays at the least. On a busy machine a press arrives late and its release on time, or the module is late
/// to hear of it: it would be too short for the module, which asks for 25 ms.
const SHORTEST: Duration = Duration::from_millis(100);

/// The line.
pub(crate) struct ModuleLine {
    line: SimulatedLine,
    active_high: bool,
    /// When the module had taken the last level.
    taken: Instant,
}

impl ModuleLine {
    /// Connects a line to the control socket of the simulated module.
    pub(crate) fn connect(name: &'static str, active_high: bool, control: &Path) -> Self {
        Self {
            line: SimulatedLine::connect(name, control).expect("the simulator answers"),
            active_high,
            taken: Instant::now(),
        }
    }

    /// The wire is high now, or low.
    pub(crate) fn pass_on(&mut self, high: bool) -> io::Result<()> {
        std::thread::sleep(SHORTEST.saturating_sub(self.taken.elapsed()));
        self.line
            .set(high == self.active_high)
            .map_err(io::Error::other)?;
        self.taken = Instant::now();
        Ok(())
    }
}
