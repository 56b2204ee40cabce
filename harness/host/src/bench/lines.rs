//! The lines of a rig together, and their safe state.

use crate::bench::guard::Guard;
use crate::bench::line::sense::{Sense, SenseReading};
use crate::bench::line::{LineError, OutputLine};
use dfota_core::event;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

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
        let (reset, pwrkey) = (self.reset.is_some(), self.pwrkey.is_some());
        f.debug_struct("RigLines")
            .field("reset", &reset)
            .field("pwrkey", &pwrkey)
            .field("safe_on", &self.safe_on)
            .finish()
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

    /// Has a guard keep them as well. Without it, the supply is not switched on any more.
    pub fn kept_by(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// The same with what isolates the UART, where the rig has it.
    pub fn isolated_by(mut self, isolate: Option<Box<dyn OutputLine>>) -> Self {
        self.isolate = isolate.map(Mutex::new);
        self
    }

    /// The same with what shows the supply, where the rig has it.
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
        let result = self.safe();
        if result.is_ok() {
            self.ends_safe.store(false, Ordering::Relaxed);
            self.leave();
        }
        result
    }

    /// The lines are where they are to stay.
    fn leave(&self) {
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
            return Err(LineError {
                line: line.name(),
                active,
                why: "the guard process of this rig has ended, which would take the supply away if this program died; find out what ended it, and start again".into(),
            });
        }
        self.drive(line, active)
    }

    fn drive(&self, line: event::Line, active: bool) -> Result<(), LineError> {
        match self.get(line) {
            Some(driver) => driver.lock().unwrap_or_else(PoisonError::into_inner).set(active),
            None => Err(LineError {
                line: line.name(),
                active,
                why: "the rig file names no such line".into(),
            }),
        }
    }

    /// Lets the isolation of the UART follow the supply, where the rig has one: in high impedance while it is off. Called
    /// right after the supply was moved and never before, so that it is not in the way of a cut.
    pub fn isolate(&self, off: bool) -> Result<(), LineError> {
        match &self.isolate {
            Some(driver) => driver.lock().unwrap_or_else(PoisonError::into_inner).set(off),
            None => Ok(()),
        }
    }

    /// What the sense line shows, where the rig has one.
    pub fn look(&self) -> Option<Result<SenseReading, String>> {
        let sense = self.sense.as_ref()?;
        let shown = sense.lock().unwrap_or_else(PoisonError::into_inner).look();
        Some(shown)
    }

    /// Moves the supply and what follows it.
    pub fn supply(&self, on: bool) -> Result<(), LineError> {
        self.set(event::Line::Power, on).and_then(|()| self.isolate(!on))
    }

    /// Drives a line active for `hold` of real time.
    pub fn pulse(&self, line: event::Line, hold: std::time::Duration) -> Result<(), LineError> {
        self.set(line, true)?;
        std::thread::sleep(hold);
        self.set(line, false)
    }

    /// Drives everything to its safe state: reset and PWRKEY released, the supply as the rig file declares.
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
        let safe = if *self.ends_safe.get_mut() {
            self.safe()
        } else {
            Ok(())
        };
        match safe {
            Ok(()) => self.leave(),
            // A guard that is not told to leave tries the same, with more patience.
            Err(error) => tracing::error!("the rig could not be made safe: {error}"),
        }
    }
}
