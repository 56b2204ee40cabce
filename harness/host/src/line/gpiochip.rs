//! A line of a GPIO chip, through the character device of the kernel (version 2 of its interface, Linux 5.10).
//!
//! The kernel holds the line for as long as a descriptor of the request is open, and refuses it to everybody else. What the
//! line does afterwards is the chip's driver's choice: most make it an input, so that the pull of the circuit decides;
//! Raspberry Pi OS leaves it driven (`persist_gpio_outputs`).

use super::sense::{Edge, Sense, Shown};
use super::{Line, LineError};
use crate::rig::LineId;
use crate::yaml::nearest::suggestion;
use gpiocdev::chip::{self, Chip};
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Info, Value};
use gpiocdev::{Error, Request};
use gpiocdev_uapi::v2::{LineValues, set_line_values};
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
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
    /// Asks the kernel for `line` of `chip` as an output. It is at the level of `initially` from its first moment as an
    /// output on, so that asking for a line never gives a glitch; with `None` it keeps the level that it has.
    pub fn open(
        name: &'static str,
        chip: &Path,
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

impl Line for GpioLine {
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

/// An output line that another process has asked for, moved through a duplicate of its [`Line::descriptor`]. The kernel
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

impl Line for HeldLine {
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
    last: Option<(bool, Edge)>,
}

impl GpioSense {
    /// Asks the kernel for `line` of `chip` as an input whose edges it keeps. The pull of the chip, where it has one, makes
    /// a broken wire look like no supply.
    pub fn open(chip: &Path, line: &LineId, active_high: bool) -> Result<Self, OpenError> {
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
    fn look(&mut self) -> Result<Shown, String> {
        let fail = |why: Error| format!("the sense line could not be read: {why}");
        // Not `read_edge_event`: in gpiocdev 0.8 it takes up to eight events from the kernel and gives the first of them.
        let mut events = self.request.new_edge_event_buffer(EVENTS);
        while events.has_event().map_err(fail)? {
            let edge = events.read_event().map_err(fail)?;
            let stamp = Duration::from_nanos(edge.timestamp_ns);
            // Rising is from inactive to active, whatever the level.
            self.last = Some((edge.kind == EdgeKind::Rising, Edge::stamped(stamp)));
        }
        let supplied = self.request.lone_value().map_err(fail)? == Value::Active;
        let since = self.last.filter(|(level, _)| *level == supplied);
        Ok(Shown {
            supplied,
            since: since.map(|(_, edge)| edge),
        })
    }
}

/// A line that the kernel does not give.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No such device.
    #[error("there is no GPIO chip `{}`; {there}", chip.display())]
    NoChip {
        /// The device.
        chip: PathBuf,
        /// Those that are there.
        there: String,
    },
    /// Another kind of file.
    #[error("`{}` is no GPIO chip: expected a character device such as `/dev/gpiochip0`; {there}", chip.display())]
    NotAChip {
        /// The file.
        chip: PathBuf,
        /// Those that are there.
        there: String,
    },
    /// The user may not.
    #[error(
        "no permission for `{}`: is this user in the group `gpio`? `sudo usermod -aG gpio USER` adds one, from the next login on",
        chip.display()
    )]
    NoPermission {
        /// The device.
        chip: PathBuf,
    },
    /// The chip has fewer lines.
    #[error("`{}` has no line {offset}: its {lines} lines are numbered from 0", chip.display())]
    NoLine {
        /// The device.
        chip: PathBuf,
        /// The line that was asked for.
        offset: u32,
        /// How many it has.
        lines: usize,
    },
    /// No line has this name.
    #[error("`{}` has no line called `{name}`; {there}", chip.display())]
    NoName {
        /// The device.
        chip: PathBuf,
        /// The name.
        name: String,
        /// The nearest one, and all of them.
        there: String,
    },
    /// Several lines have this name.
    #[error("`{}` has several lines called `{name}`: {offsets:?}; take the number of the one that is wired", chip.display())]
    Ambiguous {
        /// The device.
        chip: PathBuf,
        /// The name.
        name: String,
        /// Their numbers.
        offsets: Vec<u32>,
    },
    /// Somebody else has it.
    #[error("line {offset} of `{}` is in use by {}", chip.display(), holder(consumer))]
    Busy {
        /// The device.
        chip: PathBuf,
        /// The line.
        offset: u32,
        /// Who has it, as the kernel names it; empty where it does not.
        consumer: String,
    },
    /// Anything else.
    #[error("`{}` could not be asked for a line: {why}", chip.display())]
    System {
        /// The device.
        chip: PathBuf,
        /// The system's words.
        why: String,
    },
}

impl OpenError {
    fn of_chip(chip: &Path, why: &Error) -> Self {
        let chip = chip.to_owned();
        match (why, kind(why)) {
            (Error::GpioChip(..), _) => Self::NotAChip { chip, there: chips() },
            (_, Some(ErrorKind::NotFound)) => Self::NoChip { chip, there: chips() },
            (_, Some(ErrorKind::PermissionDenied)) => Self::NoPermission { chip },
            _ => Self::System {
                chip,
                why: why.to_string(),
            },
        }
    }

    /// The request was refused: somebody may have taken the line since it was looked at.
    fn refused(chip: &Chip, line: &Info, why: &Error) -> Self {
        if kind(why) != Some(ErrorKind::ResourceBusy) {
            return Self::of_chip(chip.path(), why);
        }
        let now = chip.line_info(line.offset).ok();
        Self::Busy {
            chip: chip.path().to_owned(),
            offset: line.offset,
            consumer: now.map_or_else(String::new, |info| info.consumer),
        }
    }
}

/// Opens the chip and finds the line on it; one that is in use is refused.
pub(super) fn find(chip: &Path, line: &LineId) -> Result<(Chip, Info), OpenError> {
    let fail = |why| OpenError::of_chip(chip, &why);
    let opened = Chip::from_path(chip).map_err(fail)?;
    let lines: Result<Vec<Info>, Error> = opened.line_info_iter().map_err(fail)?.collect();
    let info = choose(chip, &lines.map_err(fail)?, line)?;
    Ok((opened, info))
}

/// The line that is meant, where it is free.
fn choose(chip: &Path, lines: &[Info], line: &LineId) -> Result<Info, OpenError> {
    let chip = chip.to_owned();
    let meant = match line {
        LineId::Offset(offset) => lines.iter().find(|info| info.offset == *offset).ok_or_else(|| {
            let (offset, lines) = (*offset, lines.len());
            OpenError::NoLine {
                chip: chip.clone(),
                offset,
                lines,
            }
        })?,
        LineId::Name(name) => called(&chip, lines, name)?,
    };
    if meant.used {
        return Err(OpenError::Busy {
            chip,
            offset: meant.offset,
            consumer: meant.consumer.clone(),
        });
    }
    Ok(meant.clone())
}

fn called<'l>(chip: &Path, lines: &'l [Info], name: &str) -> Result<&'l Info, OpenError> {
    let found: Vec<&Info> = lines.iter().filter(|info| info.name == name).collect();
    let (chip, name) = (chip.to_owned(), name.to_owned());
    match found[..] {
        [one] => Ok(one),
        [] => {
            let names: Vec<&str> = lines.iter().map(|info| info.name.as_str()).collect();
            let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
            let there = suggestion(&name, &names, "its named lines are");
            Err(OpenError::NoName { chip, name, there })
        }
        _ => Err(OpenError::Ambiguous {
            chip,
            name,
            offsets: found.iter().map(|info| info.offset).collect(),
        }),
    }
}

/// Who holds a line, and how to get it back.
pub(super) fn holder(consumer: &str) -> String {
    match consumer {
        "" | "kernel" => "the kernel: free it in the device tree (`config.txt` on a Raspberry Pi)".into(),
        CONSUMER => format!("another `{CONSUMER}`: let it end, or end it"),
        other => format!(
            "`{other}`: end that program; where it is a driver of the kernel, free the line in the device tree"
        ),
    }
}

/// The chips of this machine, as an error names them.
fn chips() -> String {
    let paths = chip::chips().unwrap_or_default();
    let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    if names.is_empty() {
        "this machine has none".into()
    } else {
        format!("this machine has {}", names.join(", "))
    }
}

fn kind(why: &Error) -> Option<ErrorKind> {
    let number = match why {
        Error::Os(number) | Error::Uapi(_, gpiocdev_uapi::Error::Os(number)) => number.0,
        _ => return None,
    };
    Some(std::io::Error::from_raw_os_error(number).kind())
}

fn value(active: bool) -> Value {
    if active { Value::Active } else { Value::Inactive }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn lines() -> Vec<Info> {
        let line = |offset, name: &str, consumer: &str, used| Info {
            offset,
            name: name.into(),
            consumer: consumer.into(),
            used,
            ..Info::default()
        };
        vec![
            line(0, "ID_SDA", "", false),
            line(1, "GPIO17", "", false),
            line(2, "GPIO22", "gpioset", true),
            line(3, "STATUS_LED", "ACT", true),
            line(4, "", "", true),
            line(5, "NC", "", false),
            line(6, "NC", "", false),
            line(7, "GPIO27", CONSUMER, true),
        ]
    }

    fn refusal(line: LineId) -> String {
        choose(Path::new("/dev/gpiochip0"), &lines(), &line)
            .expect_err("a line that cannot be had")
            .to_string()
    }

    #[test]
    fn by_number_and_by_name() {
        for line in [LineId::Offset(1), LineId::Name("GPIO17".into())] {
            let found = choose(Path::new("/dev/gpiochip0"), &lines(), &line).expect("a free line");
            assert_eq!(found.offset, 1);
        }
    }

    #[rstest]
    #[case(8, "`/dev/gpiochip0` has no line 8: its 8 lines are numbered from 0")]
    #[case(
        2,
        "line 2 of `/dev/gpiochip0` is in use by `gpioset`: end that program; where it is a driver of the kernel, free the line in the device tree"
    )]
    #[case(
        4,
        "line 4 of `/dev/gpiochip0` is in use by the kernel: free it in the device tree (`config.txt` on a Raspberry Pi)"
    )]
    #[case(
        7,
        "line 7 of `/dev/gpiochip0` is in use by another `dfota-hil`: let it end, or end it"
    )]
    fn numbers_that_cannot_be_had(#[case] offset: u32, #[case] why: &str) {
        assert_eq!(refusal(LineId::Offset(offset)), why);
    }

    #[rstest]
    #[case(
        "GPIO71",
        "`/dev/gpiochip0` has no line called `GPIO71`; did you mean `GPIO17`? its named lines are `ID_SDA`, `GPIO17`, `GPIO22`, `STATUS_LED`, `NC`, `NC`, `GPIO27`"
    )]
    #[case(
        "NC",
        "`/dev/gpiochip0` has several lines called `NC`: [5, 6]; take the number of the one that is wired"
    )]
    fn names_that_cannot_be_had(#[case] name: &str, #[case] why: &str) {
        assert_eq!(refusal(LineId::Name(name.into())), why);
    }

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
        let error = GpioLine::open("power", Path::new(chip), &LineId::Offset(17), true, false)
            .expect_err("no chip")
            .to_string();
        assert!(error.starts_with(why), "{error}");
    }

    #[test]
    fn what_the_system_says_is_told_apart() {
        let (busy, denied) = (
            Error::Os(gpiocdev_uapi::Errno(16)),
            Error::Os(gpiocdev_uapi::Errno(13)),
        );
        assert_eq!(kind(&busy), Some(ErrorKind::ResourceBusy));
        let error = OpenError::of_chip(Path::new("/dev/gpiochip0"), &denied).to_string();
        assert!(
            error.starts_with("no permission for `/dev/gpiochip0`: is this user in the group `gpio`?"),
            "{error}"
        );
    }

    #[test]
    fn a_descriptor_that_holds_no_line() {
        let null = File::open("/dev/null").expect("a device");
        let mut line = HeldLine::new("power", null.into());
        let error = line.set(true).expect_err("no line").to_string();
        assert!(error.contains("the descriptor of the line: "), "{error}");
    }
}
