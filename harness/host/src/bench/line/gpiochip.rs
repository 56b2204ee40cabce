//! A line of a GPIO chip, through the character device of the kernel (version 2 of its interface, Linux 5.10).
//!
//! The kernel holds the line for as long as a descriptor of the request is open, and refuses it to everybody else. What the
//! line does afterwards is the chip's driver's choice: most make it an input, so that the pull of the circuit decides;
//! Raspberry Pi OS leaves it driven (`persist_gpio_outputs`).

mod find;

use find::find;
pub(super) use find::holder;
pub use find::{OpenError, place};

use super::sense::{Sense, SenseReading, SupplyEdge};
use super::{LineError, OutputLine};
use crate::config::rig::LineId;
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Value};
use gpiocdev::{Error, Request};
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
    /// Asks the kernel for `line` of `chip`, or of the only chip that has one of this name, as an output. It is at the level of `initially` from its first moment as an
    /// output on, so that asking for a line never gives a glitch; with `None` it keeps the level that it has.
    pub fn open(
        name: &'static str,
        chip: Option<&Path>,
        line: &LineId,
        active_high: bool,
        initially: impl Into<Option<bool>>,
    ) -> Result<Self, OpenError> {
        let (opened, info) = find(chip, line)?;
        let mut ask = Request::builder();
        ask.with_consumer(CONSUMER)
            .on_chip(opened.path())
            .with_line(info.offset);
        if !active_high {
            ask.as_active_low();
        }
        let initially = initially.into();
        match initially {
            Some(active) => ask.as_output(value(active)),
            None => ask.as_is(),
        };
        let request = ask
            .request()
            .map_err(|why| OpenError::refused(&opened, &info, &why))?;
        if initially.is_none() {
            let kept = request.lone_value().and_then(|level| {
                let mut config = request.config();
                config.as_output(level);
                request.reconfigure(&config)
            });
            kept.map_err(|why| OpenError::refused(&opened, &info, &why))?;
        }
        Ok(Self { name, request })
    }
}

impl OutputLine for GpioLine {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        self.request
            .set_lone_value(value(active))
            .map_err(|why| LineError {
                line: self.name,
                active,
                why: why.to_string(),
            })
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
        set_line_values(&self.line, &LineValues::from_slice(&[active])).map_err(|why| LineError {
            line: self.name,
            active,
            why: format!("the descriptor of the line: {why}"),
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
    /// The last edge, and where to it went.
    last: Option<(bool, SupplyEdge)>,
}

impl GpioSense {
    /// Asks the kernel for `line` of `chip` as an input whose edges it keeps. The pull of the chip, where it has one, makes
    /// a broken wire look like no supply.
    pub fn open(chip: Option<&Path>, line: &LineId, active_high: bool) -> Result<Self, OpenError> {
        let (opened, info) = find(chip, line)?;
        let mut ask = Request::builder();
        ask.with_consumer(CONSUMER)
            .on_chip(opened.path())
            .with_line(info.offset)
            .as_input()
            .with_edge_detection(EdgeDetection::BothEdges);
        if active_high {
            ask.with_bias(Bias::PullDown);
        } else {
            ask.as_active_low().with_bias(Bias::PullUp);
        }
        let request = ask
            .request()
            .map_err(|why| OpenError::refused(&opened, &info, &why))?;
        Ok(Self { request, last: None })
    }
}

impl Sense for GpioSense {
    fn look(&mut self) -> Result<SenseReading, String> {
        let fail = |why: Error| format!("the sense line could not be read: {why}");
        // Not `read_edge_event`: in gpiocdev 0.8 it takes up to eight events from the kernel and gives the first of them.
        let mut events = self.request.new_edge_event_buffer(EVENTS);
        while events.has_event().map_err(fail)? {
            let edge = events.read_event().map_err(fail)?;
            let stamp = Duration::from_nanos(edge.timestamp_ns);
            // Rising is from inactive to active, whatever the level.
            self.last = Some((edge.kind == EdgeKind::Rising, SupplyEdge::stamped(stamp)));
        }
        let supplied = self.request.lone_value().map_err(fail)? == Value::Active;
        let since = self.last.filter(|(level, _)| *level == supplied);
        Ok(SenseReading {
            supplied,
            since: since.map(|(_, edge)| edge),
        })
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
        "`/dev/null` is no GPIO chip: expected a character device such as "
    )]
    #[case("/dev", "`/dev` is no GPIO chip: expected a character device such as ")]
    fn chips_that_are_none(#[case] chip: &str, #[case] why: &str) {
        let error = GpioLine::open("power", Some(Path::new(chip)), &LineId::Offset(17), true, false)
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
