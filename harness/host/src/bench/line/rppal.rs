//! A pin of a Raspberry Pi's header, by its BCM number, through the registers of the GPIO block.
//!
//! Writing a register does not ask the kernel: it does not know that the pin is taken, so that another process can open the same
//! pin again and drive it, and a pin that the kernel itself uses has to be noticed here.

use super::gpiochip::{holder, no_permission};
use super::sense::{LastEdge, Sense, SenseReading, unreadable};
use super::{DriverError, LineError, OutputLine};
use gpiocdev::chip::{Chip, chips};
use rppal::gpio::{Error, Gpio, InputPin, Level, OutputPin, Pin, Trigger};
use std::time::Duration;

#[derive(Debug)]
pub struct Rppal {
    pin: OutputPin,
    active_high: bool,
}

impl Rppal {
    /// Takes a pin as an output for the line `name`. The level of `initially` is set before the pin becomes an output, so
    /// that there is no glitch; with `None` it keeps the level that it has.
    pub fn open(
        name: &'static str,
        pin: u8,
        active_high: bool,
        initially: Option<bool>,
    ) -> Result<Self, DriverError> {
        let free = free(name, pin)?;
        let high = match initially {
            Some(active) => active == active_high,
            None => free.read() == Level::High,
        };
        let mut pin = if high {
            free.into_output_high()
        } else {
            free.into_output_low()
        };
        // By default a pin becomes an input again when it is dropped, if it was one before: the supply would then follow the
        // pull of the pin, and whether it does would depend on the program that ran before. It stays driven at its safe level.
        pin.set_reset_on_drop(false);
        Ok(Self { pin, active_high })
    }
}

impl OutputLine for Rppal {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        self.pin.write(Level::from(active == self.active_high));
        Ok(())
    }
}

#[derive(Debug)]
pub struct RppalSense {
    pin: InputPin,
    active_high: bool,
    last: LastEdge,
}

impl RppalSense {
    /// Takes a pin as an input whose edges the kernel keeps. The pull of the pin makes a broken wire look like no supply.
    pub fn open(pin: u8, active_high: bool) -> Result<Self, DriverError> {
        let free = free("sense", pin)?;
        let mut pin = if active_high {
            free.into_input_pulldown()
        } else {
            free.into_input_pullup()
        };
        pin.set_interrupt(Trigger::Both, None)
            .map_err(|why| refused("sense", why))?;
        let last = LastEdge::default();
        Ok(Self {
            pin,
            active_high,
            last,
        })
    }
}

/// The library has the kernel's request for as long as any pin is open in this process: the line would be in use until then.
impl Drop for RppalSense {
    fn drop(&mut self) {
        if let Err(why) = self.pin.clear_interrupt() {
            tracing::warn!("the sense line was not given back: {why}");
        }
    }
}

impl Sense for RppalSense {
    fn look(&mut self) -> Result<SenseReading, DriverError> {
        let poll = |pin: &mut InputPin| pin.poll_interrupt(false, Some(Duration::ZERO));
        while let Some(edge) = poll(&mut self.pin).map_err(unreadable)? {
            let rising = edge.trigger == Trigger::RisingEdge;
            self.last.note(rising == self.active_high, edge.timestamp);
        }
        Ok(self.last.reading(self.pin.is_high() == self.active_high))
    }
}

/// Why a pin cannot be had.
fn refused(line: &str, why: Error) -> DriverError {
    match why {
        // No Raspberry Pi, or one that came after the library.
        Error::UnknownModel => DriverError::new(
            "this machine is not a Raspberry Pi that rppal 0.22 knows; the driver `gpiochip` moves the lines of any machine with a GPIO chip",
        ),
        Error::PermissionDenied(path) => no_permission(path),
        Error::PinUsed(pin) => DriverError::new(format_args!(
            "pin {pin} of `{line}` is taken by another line already: each line of a rig needs a pin of its own"
        )),
        Error::PinNotAvailable(pin) => DriverError::new(format_args!(
            "this Raspberry Pi has no GPIO {pin}: pins are named by their BCM number, not by their place on the header"
        )),
        why => DriverError::new(format_args!(
            "the GPIO block could not be opened: {why}; are `/dev/gpiomem` and `/dev/gpiochip0` there?"
        )),
    }
}

/// Takes a pin, unless another program has it from the kernel.
fn free(line: &str, pin: u8) -> Result<Pin, DriverError> {
    let gpio = Gpio::new().map_err(|why| refused(line, why))?;
    if let Some(consumer) = consumer(pin) {
        return Err(busy(pin, &consumer));
    }
    gpio.get(pin).map_err(|why| refused(line, why))
}

fn busy(pin: u8, consumer: &str) -> DriverError {
    DriverError::new(format_args!("pin {pin} is in use by {}", holder(consumer)))
}

/// Who has asked the kernel for this pin. The lines of the SoC's pin controller are numbered as its pins.
fn consumer(pin: u8) -> Option<String> {
    let paths = chips().unwrap_or_default();
    let mut opened = paths.iter().filter_map(|path| Chip::from_path(path).ok());
    let soc = opened.find(|chip| chip.info().is_ok_and(|info| info.label.starts_with("pinctrl-")))?;
    let line = soc.line_info(u32::from(pin)).ok()?;
    line.used.then_some(line.consumer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        Error::PermissionDenied("/dev/gpiomem".into()),
        "no permission for `/dev/gpiomem`: is this user in the group `gpio`? `sudo usermod -aG gpio USER` adds one, from the next login on"
    )]
    #[case(
        Error::PinUsed(17),
        "pin 17 of `reset` is taken by another line already: each line of a rig needs a pin of its own"
    )]
    #[case(
        Error::PinNotAvailable(60),
        "this Raspberry Pi has no GPIO 60: pins are named by their BCM number, not by their place on the header"
    )]
    #[case(
        Error::UnknownModel,
        "this machine is not a Raspberry Pi that rppal 0.22 knows; the driver `gpiochip` moves the lines of any machine with a GPIO chip"
    )]
    #[case(
        Error::Io(std::io::Error::from(std::io::ErrorKind::NotFound)),
        "the GPIO block could not be opened: I/O error: entity not found; are `/dev/gpiomem` and `/dev/gpiochip0` there?"
    )]
    fn errors_explain(#[case] error: Error, #[case] text: &str) {
        assert_eq!(refused("reset", error).to_string(), text);
    }

    #[test]
    fn a_pin_that_the_kernel_uses() {
        assert_eq!(
            busy(17, "onewire@11").to_string(),
            "pin 17 is in use by `onewire@11`: end that program; where it is a driver of the kernel, free the line in the device tree"
        );
    }
}
