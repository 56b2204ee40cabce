//! A line of a GPIO chip, through the character device of the kernel (version 2 of its interface, Linux 5.10).
//!
//! The kernel holds the line for as long as a descriptor of the request is open, and refuses it to everybody else. What the
//! line does afterwards is the chip's driver's choice: most make it an input, so that the pull of the circuit decides;
//! Raspberry Pi OS leaves it driven (`persist_gpio_outputs`).

mod find;

use find::find;
pub use find::place;
pub(super) use find::{holder, no_permission};

use super::sense::{LastEdge, Sense, SenseReading, unreadable};
use super::{DriverError, LineError, OutputLine};
use crate::config::rig::LineId;
use gpiocdev::Request;
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Value};
use gpiocdev_uapi::v2::{LineValues, set_line_values};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// Under this name the kernel tells others who holds a line (`gpioinfo` shows it).
pub const CONSUMER: &str = "dfota-hil";

/// How many events the kernel keeps of a line, unless it is asked for more; from then on it drops the oldest.
const EVENTS: usize = 16;

/// An output line that is held.
#[derive(Debug)]
pub struct GpioLine {
    name: &'static str,
    request: Request,
}

impl GpioLine {
    /// Asks the kernel for `line` of `chip`, or of the only chip that has one of this name, as an output. It is at the level of
    /// `initially` from its first moment as an output, so that there is no glitch; with `None` it keeps the level that it has.
    pub fn open(
        name: &'static str,
        chip: Option<&Path>,
        line: &LineId,
        active_high: bool,
        initially: Option<bool>,
    ) -> Result<Self, DriverError> {
        let found = find(chip, line)?;
        let mut ask = found.request();
        if !active_high {
            ask.as_active_low();
        }
        match initially {
            Some(active) => ask.as_output(value(active)),
            None => ask.as_is(),
        };
        let request = ask.request().map_err(|why| found.refused(&why))?;
        if initially.is_none() {
            let as_it_was = request.lone_value().and_then(|level| {
                let mut config = request.config();
                config.as_output(level);
                request.reconfigure(&config)
            });
            as_it_was.map_err(|why| found.refused(&why))?;
        }
        Ok(Self { name, request })
    }
}

impl OutputLine for GpioLine {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        let set = self.request.set_lone_value(value(active));
        set.map_err(|why| LineError::new(self.name, active, why))
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.request.as_fd())
    }
}

/// An output line that another process has asked for, moved through a duplicate of its [`OutputLine::descriptor`]. The kernel
/// knows from the request whether active is high or low.
#[derive(Debug)]
pub struct HeldLine {
    name: &'static str,
    line: File,
}

impl HeldLine {
    /// The line behind a descriptor, as it is.
    pub fn new(name: &'static str, descriptor: OwnedFd) -> Self {
        let line = File::from(descriptor);
        Self { name, line }
    }
}

impl OutputLine for HeldLine {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        set_line_values(&self.line, &LineValues::from_slice(&[active])).map_err(|why| {
            let why = format!("the descriptor of the line: {why}");
            LineError::new(self.name, active, why)
        })
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.line.as_fd())
    }
}

/// An input line that is held.
#[derive(Debug)]
pub struct GpioSense {
    request: Request,
    last: LastEdge,
}

impl GpioSense {
    /// Asks the kernel for `line` of `chip` as an input whose edges it keeps. The pull of the chip, where it has one, makes
    /// a broken wire look like no supply.
    pub fn open(chip: Option<&Path>, line: &LineId, active_high: bool) -> Result<Self, DriverError> {
        let found = find(chip, line)?;
        let mut ask = found.request();
        ask.as_input().with_edge_detection(EdgeDetection::BothEdges);
        if active_high {
            ask.with_bias(Bias::PullDown);
        } else {
            ask.as_active_low().with_bias(Bias::PullUp);
        }
        Ok(Self {
            request: ask.request().map_err(|why| found.refused(&why))?,
            last: LastEdge::default(),
        })
    }
}

impl Sense for GpioSense {
    fn look(&mut self) -> Result<SenseReading, DriverError> {
        // Not `read_edge_event`: in gpiocdev 0.8 it takes up to eight events from the kernel and gives the first of them.
        let mut events = self.request.new_edge_event_buffer(EVENTS);
        while events.has_event().map_err(unreadable)? {
            let edge = events.read_event().map_err(unreadable)?;
            // Rising is from inactive to active, whatever the level.
            let supplied = edge.kind == EdgeKind::Rising;
            self.last.note(supplied, Duration::from_nanos(edge.timestamp_ns));
        }
        let level = self.request.lone_value().map_err(unreadable)?;
        Ok(self.last.reading(level == Value::Active))
    }
}

fn value(active: bool) -> Value {
    if active { Value::Active } else { Value::Inactive }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "/dev/gpiochip9999",
        "there is no GPIO chip `/dev/gpiochip9999`; this machine has "
    )]
    #[case(
        "/dev/null",
        "`/dev/null` is not a GPIO chip: expected a character device such as "
    )]
    #[case("/dev", "`/dev` is not a GPIO chip: expected a character device such as ")]
    fn invalid_chips(#[case] chip: &str, #[case] why: &str) {
        let error = GpioLine::open(
            "power",
            Some(Path::new(chip)),
            &LineId::Offset(17),
            true,
            Some(false),
        )
        .expect_err("no chip")
        .to_string();
        assert!(error.starts_with(why), "{error}");
    }

    #[test]
    fn a_descriptor_that_holds_no_line() {
        let null = File::open("/dev/null").expect("a device");
        let mut line = HeldLine::new("power", null.into());
        let error = line.set(true).expect_err("no line").to_string();
        assert!(error.contains("the descriptor of the line: "), "{error}");
    }
}
