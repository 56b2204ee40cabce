//! The lines of a rig together, and their safe state.

use crate::bench::guard::Guard;
use crate::bench::line::sense::{Sense, SenseReading};
use crate::bench::line::{DriverError, LineError, OutputLine};
use dfota_core::event;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lines of a rig. Dropping it drives the supply to its declared safe level, so that it ends there also when a thread
/// panics.
pub struct RigLines {
    power: Mutex<Box<dyn OutputLine>>,
    reset: Option<Mutex<Box<dyn OutputLine>>>,
    pwrkey: Option<Mutex<Box<dyn OutputLine>>>,
    isolate: Option<Mutex<Box<dyn OutputLine>>>,
    sense: Option<Mutex<Box<dyn Sense>>>,
    /// The supply stays on when the run ends.
    safe_on: bool,
    /// Whether dropping it moves anything.
    ends_safe: AtomicBool,
    /// The process that does the same when this one has died.
    guard: Option<Guard>,
}

impl fmt::Debug for RigLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RigLines").finish_non_exhaustive()
    }
}

impl RigLines {
    /// The lines of a rig whose supply ends on or off.
    pub fn new(
        power: Box<dyn OutputLine>,
        reset: Option<Box<dyn OutputLine>>,
        pwrkey: Option<Box<dyn OutputLine>>,
        safe_on: bool,
    ) -> Self {
        Self {
            power: Mutex::new(power),
            reset: reset.map(Mutex::new),
            pwrkey: pwrkey.map(Mutex::new),
            isolate: None,
            sense: None,
            safe_on,
            ends_safe: AtomicBool::new(true),
            guard: None,
        }
    }

    /// From now on the supply is switched on only while this guard is there.
    pub fn guarded_by(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Adds the line that isolates the UART, where the rig has it.
    pub fn isolated_by(mut self, isolate: Option<Box<dyn OutputLine>>) -> Self {
        self.isolate = isolate.map(Mutex::new);
        self
    }

    /// Adds the line that shows the supply, where the rig has it.
    pub fn seen_by(mut self, sense: Option<Box<dyn Sense>>) -> Self {
        self.sense = sense.map(Mutex::new);
        self
    }

    /// Leaves the lines where they are when this is dropped: for moving them by hand.
    pub fn unguarded(self) -> Self {
        self.ends_safe.store(false, Ordering::Relaxed);
        self
    }

    /// Drives everything to its safe state for good: nothing is moved when the last user of the lines ends, which may be
    /// after the module.
    pub fn retire(&self) -> Result<(), LineError> {
        self.safe()?;
        self.ends_safe.store(false, Ordering::Relaxed);
        self.release_guard();
        Ok(())
    }

    /// The lines are where they are to stay.
    fn release_guard(&self) {
        if let Some(guard) = &self.guard {
            guard.leave();
        }
    }

    /// Whether the rig has this line.
    pub fn has(&self, line: event::Line) -> bool {
        self.get(line).is_some()
    }

    /// Moves a line. The supply is switched on only under a guard that is there.
    pub fn set(&self, line: event::Line, active: bool) -> Result<(), LineError> {
        if (line, active) == (event::Line::Power, true)
            && self.guard.as_ref().is_some_and(|guard| !guard.is_there())
        {
            let why = "the guard process of this rig has ended, so nothing switches the supply off if this program dies; find out what ended the guard, then start again";
            return Err(LineError::new(line.name(), active, why));
        }
        self.drive(line, active)
    }

    fn drive(&self, line: event::Line, active: bool) -> Result<(), LineError> {
        match self.get(line) {
            Some(driver) => lock(driver).set(active),
            None => Err(LineError::new(
                line.name(),
                active,
                "the rig file names no such line",
            )),
        }
    }

    /// Lets the isolation of the UART follow the supply, where the rig has one: in high impedance while it is off. Called
    /// after the supply was moved, never before: it must not delay a cut.
    pub fn isolate(&self, off: bool) -> Result<(), LineError> {
        match &self.isolate {
            Some(driver) => lock(driver).set(off),
            None => Ok(()),
        }
    }

    /// What the sense line shows, where the rig has one.
    pub fn look(&self) -> Result<Option<SenseReading>, DriverError> {
        self.sense.as_ref().map(|sense| lock(sense).look()).transpose()
    }

    /// Moves the supply, and the isolation after it.
    pub fn supply(&self, on: bool) -> Result<(), LineError> {
        self.set(event::Line::Power, on).and_then(|()| self.isolate(!on))
    }

    /// Drives a line active for `hold` of real time.
    pub fn pulse(&self, line: event::Line, hold: std::time::Duration) -> Result<(), LineError> {
        self.set(line, true)?;
        std::thread::sleep(hold);
        self.set(line, false)
    }

    /// Drives everything to its safe state: reset and PWRKEY released, the supply as the rig file declares. Reset and PWRKEY are
    /// released also when the supply could not be moved.
    pub fn safe(&self) -> Result<(), LineError> {
        let mut result = self.drive(event::Line::Power, self.safe_on);
        result = result.and_then(|()| self.isolate(!self.safe_on));
        for line in [event::Line::Reset, event::Line::Pwrkey] {
            if self.has(line) {
                result = result.and(self.drive(line, false));
            }
        }
        result
    }

    fn get(&self, line: event::Line) -> Option<&Mutex<Box<dyn OutputLine>>> {
        match line {
            event::Line::Power => Some(&self.power),
            event::Line::Reset => self.reset.as_ref(),
            event::Line::Pwrkey => self.pwrkey.as_ref(),
        }
    }
}

impl Drop for RigLines {
    fn drop(&mut self) {
        if !*self.ends_safe.get_mut() {
            return self.release_guard();
        }
        match self.safe() {
            Ok(()) => self.release_guard(),
            // A guard that is not told to leave tries the same, with more patience.
            Err(error) => tracing::error!("the rig could not be made safe: {error}"),
        }
    }
}

fn lock<T: ?Sized>(line: &Mutex<T>) -> MutexGuard<'_, T> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
