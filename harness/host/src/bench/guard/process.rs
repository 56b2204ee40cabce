//! The guard's own side: waits for the end of its harness, brings the lines to their safe state, and holds those whose level
//! ends with their last descriptor.

use crate::bench::guard::{LEAVE, READY, SafeLine, SafeState, handed_over};
use crate::bench::lease::{LinesLeft, PROGRAMS, leave_behind};
use crate::bench::line::driven::driven;
use crate::bench::line::gpiochip::HeldLine;
use crate::bench::line::{DriverError, OutputLine, simulated};
use crate::config::rig::Driver;
use crate::exit::{CommandError, ExitCode};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often lines that could not be moved are tried again, and after which pause: a bus or a network may be busy.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// How often to look whether a program of the dead harness has ended.
const LOOK: Duration = Duration::from_millis(5);

struct GuardProcess {
    safe_state: SafeState,
    /// One for each line that says so, in the order of the lines.
    descriptors: Vec<OwnedFd>,
    /// Lines without one that can be opened beforehand, in the order of the lines.
    opened: Vec<Option<Box<dyn OutputLine>>>,
}

/// Guards the lines that the socket on standard input names, until they are safe.
pub fn main() -> Result<ExitCode, CommandError> {
    let holding = Arc::new(AtomicBool::new(false));
    ignore_signals(&holding).map_err(CommandError::error)?;
    // A signal of the terminal is for the harness. It fails for the first of a process group, as which no harness starts it.
    let _ = rustix::process::setsid();
    let by_hand = |why| {
        CommandError::usage(format!(
            "`guard` is not for use by hand, other commands start it: {why}"
        ))
    };
    let mut harness = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(UnixStream::from)
        .map_err(by_hand)?;
    let (safe_state, mut descriptors) = SafeState::receive(&harness).map_err(by_hand)?;
    if safe_state.locks == 0 || descriptors.len() < safe_state.locks {
        return Err(by_hand(io::Error::other("no lease came along")));
    }
    let lease: Vec<OwnedFd> = descriptors.drain(..safe_state.locks).collect();
    let mut guard = GuardProcess {
        opened: open(&safe_state).map_err(CommandError::error)?,
        safe_state,
        descriptors,
    };
    harness.write_all(READY.as_bytes()).map_err(CommandError::error)?;
    if !told_to_leave(&harness) {
        guard.make_safe();
    }
    // The lines are safe: from here on SIGTERM may end it, and its working folder may be unmounted or removed.
    let _ = std::env::set_current_dir("/");
    holding.store(true, Ordering::Relaxed);
    guard.hold(lease).map_err(CommandError::error)?;
    Ok(ExitCode::Success)
}

/// A signal that ends every process may come before the harness has ended: the guard ends when the lines are safe, not before.
/// Once it only holds lines, SIGTERM ends it, as at a shutdown.
fn ignore_signals(holding: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::default())?;
    }
    signal_hook::flag::register_conditional_shutdown(SIGTERM, 0, Arc::clone(holding)).map(drop)
}

/// Opens the pins of a header while there is time: moving one is a store to a register, finding out how takes tens of
/// milliseconds on a slow machine. They keep the levels at which the harness has just opened them.
fn open(safe_state: &SafeState) -> Result<Vec<Option<Box<dyn OutputLine>>>, DriverError> {
    let lines = safe_state.lines.iter().map(|line| match line.driver {
        Driver::Rppal { .. } => driven(line.output.name(), &line.driver, None, None).map(Some),
        _ => Ok(None),
    });
    lines.collect()
}

/// Waits for the end of the harness; whether it said before that the lines are where they are to stay.
fn told_to_leave(harness: &UnixStream) -> bool {
    let mut said = String::new();
    BufReader::new(harness).read_line(&mut said).is_ok() && said == LEAVE
}

impl GuardProcess {
    /// Brings every line to its safe state, and writes down whether it could. A program that the harness had started last may
    /// move a line the other way after that, or keep the relay busy: once it has ended, everything is done once more.
    fn make_safe(&mut self) {
        // Looked up before the lines are moved: a program may move one and end between the two.
        let programs = self.running_programs();
        let at_once = self.move_all();
        let result = match programs {
            Ok(None) if at_once.is_ok() => at_once,
            Ok(None) => self.move_all_persistently(),
            Ok(Some(programs)) => {
                let ended = self.await_end(&programs);
                self.move_all_persistently().and(ended)
            }
            Err(why) => self.move_all_persistently().and(Err(why)),
        };
        let left = result.map_or_else(LinesLeft::Unsafe, |()| LinesLeft::Safe);
        if let LinesLeft::Unsafe(why) = &left {
            tracing::error!("rig `{}` could not be made safe: {why}", self.safe_state.rig);
        }
        if let Err(why) = leave_behind(&self.safe_state.folder, left) {
            tracing::error!("{why}");
        }
    }

    fn move_all_persistently(&mut self) -> Result<(), String> {
        let mut result = self.move_all();
        for _ in 1..TRIES {
            if let Err(why) = &result {
                tracing::warn!("trying again in {PAUSE:?}: {why}");
                std::thread::sleep(PAUSE);
                result = self.move_all();
            }
        }
        result
    }

    /// Every line is moved, also when one before it could not be.
    fn move_all(&mut self) -> Result<(), String> {
        let mut descriptors = self.descriptors.iter();
        let lines = self.safe_state.lines.iter().zip(&mut self.opened);
        let moved = lines.map(|(line, opened)| {
            let descriptor = line.descriptor.then(|| descriptors.next()).flatten();
            move_one(line, descriptor, opened.as_deref_mut())
        });
        let failed: Vec<String> = moved.filter_map(Result::err).collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(failed.join("; "))
        }
    }

    /// The longest that a program which moves a line may take, where programs do.
    fn limit(&self) -> Option<Duration> {
        let lines = self.safe_state.lines.iter();
        lines.filter_map(|line| line.driver.timeout()).max()
    }

    /// The mark that programs of the dead harness hold, if one still runs.
    fn running_programs(&self) -> Result<Option<File>, String> {
        if self.limit().is_none() {
            return Ok(None);
        }
        let path = self.safe_state.folder.join(PROGRAMS);
        let mark = File::open(&path).map_err(|why| format!("`{}`: {why}", path.display()))?;
        let running = mark.try_lock().is_err();
        Ok(running.then_some(mark))
    }

    /// Waits until no program holds the mark any more.
    fn await_end(&self, programs: &File) -> Result<(), String> {
        let limit = self.limit().unwrap_or_default();
        let deadline = Instant::now() + limit;
        while programs.try_lock().is_err() {
            if Instant::now() >= deadline {
                return Err(format!(
                    "the harness has ended, but a program that it started to move a line still runs after {}",
                    humantime::format_duration(limit)
                ));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Gives the lease back. Lines whose level ends with their last descriptor are held until the next owner has them.
    fn hold(mut self, lease: Vec<OwnedFd>) -> io::Result<()> {
        let mut descriptors = self.descriptors.into_iter();
        let mut held = Vec::new();
        self.safe_state.locks = 0;
        for line in &mut self.safe_state.lines {
            let descriptor = line.descriptor.then(|| descriptors.next()).flatten();
            line.descriptor = matches!(line.driver, Driver::GpioChip { .. });
            held.extend(descriptor.filter(|_| line.descriptor));
        }
        if held.is_empty() {
            return Ok(());
        }
        handed_over::hold(&self.safe_state, &held, || drop(lease))
    }
}

/// Moves a line by what is fastest and surest: as it was opened beforehand, through its descriptor, else opened anew.
fn move_one(
    line: &SafeLine,
    descriptor: Option<&OwnedFd>,
    opened: Option<&mut (dyn OutputLine + 'static)>,
) -> Result<(), String> {
    let name = line.output.name();
    if let Some(opened) = opened {
        return opened.set(line.safe).map_err(|why| why.to_string());
    }
    if let (Driver::Simulated { .. }, Some(descriptor)) = (&line.driver, descriptor)
        && simulated::drive(descriptor.as_fd(), name, line.safe).is_ok()
    {
        return Ok(());
    }
    let mut driver: Box<dyn OutputLine> = match (&line.driver, descriptor.map(OwnedFd::try_clone)) {
        (Driver::GpioChip { .. }, Some(duplicate)) => {
            let duplicate = duplicate.map_err(|why| format!("{name}: its descriptor: {why}"))?;
            Box::new(HeldLine::new(name, duplicate))
        }
        (how, _) => driven(name, how, Some(line.safe), None).map_err(|why| why.to_string())?,
    };
    driver.set(line.safe).map_err(|why| why.to_string())
}
