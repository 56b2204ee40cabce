//! Opens the driver that a rig file names for a line.

use super::command::ProgramLine;
use super::gpiochip::{GpioLine, GpioSense};
use super::rppal::{Rppal, RppalSense};
use super::sense::Sense;
use super::simulated::{SimulatedLine, SimulatedSense};
use super::{DriverError, OutputLine};
use crate::config::rig::Driver;
use std::fs::File;

/// Opens a line; `initially` is the level that it begins with, where its driver has one. Programs that move it hold `mark`.
pub fn driven(
    name: &'static str,
    driver: &Driver,
    initially: Option<bool>,
    mark: Option<File>,
) -> Result<Box<dyn OutputLine>, DriverError> {
    Ok(match driver {
        Driver::Command { on, off, timeout } => {
            Box::new(ProgramLine::new(name, on.clone(), off.clone(), *timeout).marked(mark))
        }
        Driver::PulseCommand { pulse, timeout } => {
            Box::new(ProgramLine::pulse(name, pulse.clone(), *timeout).marked(mark))
        }
        Driver::Simulated { control } => Box::new(SimulatedLine::connect(name, control)?),
        Driver::GpioChip {
            chip,
            line,
            active_high,
        } => {
            let line = GpioLine::open(name, chip.as_deref(), line, *active_high, initially);
            Box::new(line.map_err(|why| of_line(name, &why))?)
        }
        Driver::Rppal { pin, active_high } => {
            let pin = Rppal::open(name, *pin, *active_high, initially);
            Box::new(pin.map_err(|why| of_line(name, &why))?)
        }
    })
}

/// Opens the sense line that a rig file describes.
pub fn sensed(driver: &Driver) -> Result<Box<dyn Sense>, DriverError> {
    let fail = |why: DriverError| of_line("sense", &why);
    Ok(match driver {
        Driver::GpioChip {
            chip,
            line,
            active_high,
        } => Box::new(GpioSense::open(chip.as_deref(), line, *active_high).map_err(fail)?),
        Driver::Rppal { pin, active_high } => Box::new(RppalSense::open(*pin, *active_high).map_err(fail)?),
        Driver::Simulated { control } => Box::new(SimulatedSense::connect(control)?),
        Driver::Command { .. } | Driver::PulseCommand { .. } => {
            return Err(fail(DriverError::new("a program only moves lines")));
        }
    })
}

fn of_line(name: &str, why: &DriverError) -> DriverError {
    DriverError::new(format_args!("the line `{name}`: {why}"))
}
