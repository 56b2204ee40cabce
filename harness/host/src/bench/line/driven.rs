//! From what a rig file says of a line to its driver.

use super::OutputLine;
use super::command::ProgramLine;
use super::gpiochip::{GpioLine, GpioSense};
use super::rppal::{Rppal, RppalSense};
use super::sense::Sense;
use super::simulated::{SimulatedLine, SimulatedSense};
use crate::config::rig::Driver;
use std::fs::File;
use std::path::Path;

/// Opens a line; `initially` is the level that it begins with, where its driver has one. Programs that move it hold `mark`.
pub fn driven(
    name: &'static str,
    driver: &Driver,
    initially: Option<bool>,
    mark: Option<File>,
) -> Result<Box<dyn OutputLine>, String> {
    let fail = |why: &dyn std::fmt::Display| format!("the line `{name}`: {why}");
    Ok(match driver {
        Driver::Command { on, off, timeout } => {
            Box::new(ProgramLine::new(name, on.clone(), off.clone(), *timeout).marked(mark))
        }
        Driver::PulseCommand { pulse, timeout } => {
            Box::new(ProgramLine::pulse(name, pulse.clone(), *timeout).marked(mark))
        }
        Driver::Simulated { control } => simulated(name, control)?,
        Driver::GpioChip {
            chip,
            line,
            active_high,
        } => {
            let line = GpioLine::open(name, chip.as_deref(), line, *active_high, initially);
            Box::new(line.map_err(|why| fail(&why))?)
        }
        Driver::Rppal { pin, active_high } => {
            Box::new(Rppal::open(name, *pin, *active_high, initially).map_err(|why| fail(&why))?)
        }
    })
}

/// A line of a module that another process simulates, by its control socket.
pub fn simulated(name: &'static str, control: &Path) -> Result<Box<dyn OutputLine>, String> {
    SimulatedLine::connect(name, control)
        .map(|line| Box::new(line) as Box<dyn OutputLine>)
        .map_err(|why| no_control(control, &why))
}

/// Why a control socket leads nowhere.
pub(super) fn no_control(control: &Path, why: &std::io::Error) -> String {
    format!(
        "control socket `{}` of the simulated module: {why}; is `dfota-hil sim` running?",
        control.display()
    )
}

/// Opens the sense line that a rig file describes.
pub fn sensed(driver: &Driver) -> Result<Box<dyn Sense>, String> {
    let fail = |why: &dyn std::fmt::Display| format!("the line `sense`: {why}");
    Ok(match driver {
        Driver::GpioChip {
            chip,
            line,
            active_high,
        } => Box::new(GpioSense::open(chip.as_deref(), line, *active_high).map_err(|why| fail(&why))?),
        Driver::Rppal { pin, active_high } => {
            Box::new(RppalSense::open(*pin, *active_high).map_err(|why| fail(&why))?)
        }
        Driver::Simulated { control } => {
            Box::new(SimulatedSense::connect(control).map_err(|why| no_control(control, &why))?)
        }
        Driver::Command { .. } | Driver::PulseCommand { .. } => {
            return Err(fail(&"a program only moves lines"));
        }
    })
}
