//! A pin of a Raspberry Pi's header, by its BCM number, through the registers of the GPIO block.
//!
//! Writing a register asks nobody: the kernel does not know that the pin is taken, so that another process can open the same
//! pin again and drive it, and a pin that the kernel itself uses has to be noticed here.

use super::gpiochip::holder;
use super::sense::{Sense, SenseReading, SupplyEdge};
use super::{LineError, OutputLine};
use gpiocdev::chip::{Chip, chips};
use rppal::gpio::{Error, Gpio, InputPin, Level, OutputPin, Trigger};
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
        initially: impl Into<Option<bool>>,
    ) -> Result<Self, OpenError> {
        let gpio = Gpio::new().map_err(|why| OpenError::of(name, why))?;
        if let Some(consumer) = consumer(pin) {
            return Err(OpenError::Busy { pin, consumer });
        }
        let free = gpio.get(pin).map_err(|why| OpenError::of(name, why))?;
        let high = match initially.into() {
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
    /// The last edge, and where to it went.
    last: Option<(bool, SupplyEdge)>,
}

impl RppalSense {
    /// Takes a pin as an input whose edges the kernel keeps. The pull of the pin makes a broken wire look like no supply.
    pub fn open(pin: u8, active_high: bool) -> Result<Self, OpenError> {
        let fail = |why| OpenError::of("sense", why);
        let gpio = Gpio::new().map_err(fail)?;
        if let Some(consumer) = consumer(pin) {
            return Err(OpenError::Busy { pin, consumer });
        }
        let free = gpio.get(pin).map_err(fail)?;
        let mut pin = if active_high {
            free.into_input_pulldown()
        } else {
            free.into_input_pullup()
        };
        pin.set_interrupt(Trigger::Both, None).map_err(fail)?;
        Ok(Self {
            pin,
            active_high,
            last: None,
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
    fn look(&mut self) -> Result<SenseReading, String> {
        let fail = |why: Error| format!("the sense line could not be read: {why}");
        while let Some(edge) = self
            .pin
            .poll_interrupt(false, Some(Duration::ZERO))
            .map_err(fail)?
        {
            let rising = edge.trigger == Trigger::RisingEdge;
            self.last = Some((rising == self.active_high, SupplyEdge::stamped(edge.timestamp)));
        }
        let supplied = self.pin.is_high() == self.active_high;
        let since = self.last.filter(|(level, _)| *level == supplied);
        Ok(SenseReading {
            supplied,
            since: since.map(|(_, edge)| edge),
        })
    }
}

/// A pin that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No Raspberry Pi, or one that came after the library.
    #[error(
        "this machine is no Raspberry Pi that rppal 0.22 knows; the driver `gpiochip` moves the lines of any machine with a GPIO chip"
    )]
    UnknownModel,
    /// The user may not.
    #[error(
        "no permission for `{path}`: is this user in the group `gpio`? `sudo usermod -aG gpio USER` adds one, from the next login on"
    )]
    NoPermission { path: String },
    /// Another line of this program has the pin.
    #[error(
        "pin {pin} of `{line}` is taken by another line already: each line of a rig needs a pin of its own"
    )]
    Taken {
        /// The line that asked for it, as rig files name it.
        line: &'static str,
        pin: u8,
    },
    /// Somebody has asked the kernel for it.
    #[error("pin {pin} is in use by {}", holder(consumer))]
    Busy {
        pin: u8,
        /// Who, as the kernel names it; empty where it does not.
        consumer: String,
    },
    /// The board has no such pin.
    #[error(
        "this Raspberry Pi has no GPIO {pin}: pins are named by their BCM number, not by their place on the header"
    )]
    NoPin { pin: u8 },
    #[error("the GPIO block could not be opened: {why}; are `/dev/gpiomem` and `/dev/gpiochip0` there?")]
    System { why: String },
}

impl OpenError {
    fn of(line: &'static str, why: Error) -> Self {
        match why {
            Error::UnknownModel => Self::UnknownModel,
            Error::PermissionDenied(path) => Self::NoPermission { path },
            Error::PinUsed(pin) => Self::Taken { line, pin },
            Error::PinNotAvailable(pin) => Self::NoPin { pin },
            why => Self::System { why: why.to_string() },
        }
    }
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
        "this machine is no Raspberry Pi that rppal 0.22 knows; the driver `gpiochip` moves the lines of any machine with a GPIO chip"
    )]
    #[case(
        Error::Io(std::io::Error::from(std::io::ErrorKind::NotFound)),
        "the GPIO block could not be opened: I/O error: entity not found; are `/dev/gpiomem` and `/dev/gpiochip0` there?"
    )]
    fn errors_explain(#[case] error: Error, #[case] text: &str) {
        assert_eq!(OpenError::of("reset", error).to_string(), text);
    }

    #[test]
    fn a_pin_that_the_kernel_uses() {
        let error = OpenError::Busy {
            pin: 17,
            consumer: "onewire@11".into(),
        };
        assert_eq!(
            error.to_string(),
            "pin 17 is in use by `onewire@11`: end that program; where it is a driver of the kernel, free the line in the device tree"
        );
    }
}
