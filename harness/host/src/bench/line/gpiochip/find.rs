//! Finds the GPIO line that a rig file names, and explains why a line is not available.

use super::super::DriverError;
use super::CONSUMER;
use crate::config::rig::LineId;
use crate::config::yaml::nearest::{suggestion, ticked};
use gpiocdev::chip::{self, Chip};
use gpiocdev::line::Info;
use gpiocdev::request::Builder;
use gpiocdev::{Error, Request};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A line of a chip, as the kernel describes it.
#[derive(Debug)]
pub(super) struct FoundLine {
    chip: PathBuf,
    info: Info,
}

impl FoundLine {
    /// A request for this line, without its direction.
    pub(super) fn request(&self) -> Builder {
        let mut ask = Request::builder();
        ask.with_consumer(CONSUMER)
            .on_chip(&self.chip)
            .with_line(self.info.offset);
        ask
    }

    /// Why the kernel refuses that request: another program may have taken the line since it was found.
    pub(super) fn refused(&self, why: &Error) -> DriverError {
        if kind(why) != Some(ErrorKind::ResourceBusy) {
            return unusable(&self.chip, why);
        }
        let now = Chip::from_path(&self.chip).and_then(|chip| chip.line_info(self.info.offset));
        busy(
            &self.chip,
            &now.unwrap_or_else(|_| Info {
                consumer: String::new(),
                ..self.info.clone()
            }),
        )
    }
}

/// A chip with what the kernel says of its lines.
struct ChipLines {
    path: PathBuf,
    lines: Vec<Info>,
}

impl ChipLines {
    fn read(chip: &Path) -> Result<Self, DriverError> {
        let fail = |why| unusable(chip, &why);
        let opened = Chip::from_path(chip).map_err(fail)?;
        let lines: Result<Vec<Info>, Error> = opened.line_info_iter().map_err(fail)?.collect();
        Ok(Self {
            path: opened.path().to_owned(),
            lines: lines.map_err(fail)?,
        })
    }

    fn called(&self, name: &str) -> impl Iterator<Item = &Info> {
        self.lines.iter().filter(move |info| info.name == name)
    }

    /// The line, where it is free.
    fn free(&self, line: &Info) -> Result<FoundLine, DriverError> {
        if line.used {
            return Err(busy(&self.path, line));
        }
        Ok(FoundLine {
            chip: self.path.clone(),
            info: line.clone(),
        })
    }

    /// The line of this chip that is meant; `elsewhere` says which other chips have one of this name.
    fn choose(&self, line: &LineId, elsewhere: impl Fn() -> String) -> Result<FoundLine, DriverError> {
        let (chip, count) = (self.path.display(), self.lines.len());
        let name = match line {
            LineId::Name(name) => name,
            LineId::Offset(offset) => {
                let found = self.lines.iter().find(|info| info.offset == *offset);
                return self.free(found.ok_or_else(|| {
                    DriverError::new(format_args!(
                        "`{chip}` has no line {offset}: its {count} lines are numbered from 0"
                    ))
                })?);
            }
        };
        let found: Vec<&Info> = self.called(name).collect();
        match found[..] {
            [one] => self.free(one),
            [] => {
                let near = near(name, &self.lines, "its named lines are");
                Err(DriverError::new(format_args!(
                    "`{chip}` has no line called `{name}`; {near}{}",
                    elsewhere()
                )))
            }
            _ => {
                let offsets: Vec<u32> = found.iter().map(|info| info.offset).collect();
                Err(DriverError::new(format_args!(
                    "`{chip}` has several lines called `{name}`: {offsets:?}; take the number of the one that is wired"
                )))
            }
        }
    }
}

/// Finds the line on its chip; one that is in use is refused. Without a chip, its name has to be that of one line of this
/// machine.
pub(super) fn find(chip: Option<&Path>, line: &LineId) -> Result<FoundLine, DriverError> {
    match (chip, line) {
        (Some(chip), _) => {
            let chip = ChipLines::read(chip)?;
            chip.choose(line, || elsewhere(&chip.path, line))
        }
        (None, LineId::Name(name)) => {
            let (mut seen, mut hidden) = (Vec::new(), None);
            for chip in chips().iter().map(|path| ChipLines::read(path)) {
                match chip {
                    Ok(chip) => seen.push(chip),
                    Err(why) => hidden = hidden.or(Some(why)),
                }
            }
            choose_anywhere(&seen, name, hidden)
        }
        (None, LineId::Offset(offset)) => Err(DriverError::new(format_args!(
            "line {offset} is ambiguous: a number needs `chip`, a name such as `GPIO17` does not; {}",
            there_are()
        ))),
    }
}

/// Where a line is, free or not: the chip's device and its number. Nothing where that cannot be found out.
pub fn place(chip: Option<&Path>, line: &LineId) -> Option<(PathBuf, u32)> {
    let chips = chip.map_or_else(chips, |chip| vec![chip.to_owned()]);
    chips.iter().find_map(|path| {
        let chip = ChipLines::read(path).ok()?;
        let meant = chip.lines.iter().find(|info| match line {
            LineId::Offset(offset) => info.offset == *offset,
            LineId::Name(name) => info.name == *name,
        })?;
        Some((path.canonicalize().ok()?, meant.offset))
    })
}

/// The only line of this name, where it is free. Where there is none, it may be on a chip that this user may not read: `hidden`
/// says why not.
fn choose_anywhere(
    chips: &[ChipLines],
    name: &str,
    hidden: Option<DriverError>,
) -> Result<FoundLine, DriverError> {
    let on = |chip| ChipLines::called(chip, name).map(move |line| (chip, line));
    let found: Vec<(&ChipLines, &Info)> = chips.iter().flat_map(on).collect();
    match &found[..] {
        [(chip, line)] => chip.free(line),
        [] => Err(hidden.unwrap_or_else(|| {
            let lines = chips.iter().flat_map(|chip| &chip.lines);
            let near = near(name, lines, "the named lines of this machine are");
            DriverError::new(format_args!(
                "no GPIO chip of this machine has a line called `{name}`; {near}"
            ))
        })),
        _ => {
            let place = |(chip, line): &(&ChipLines, &Info)| {
                format!("line {} of `{}`", line.offset, chip.path.display())
            };
            let places: Vec<String> = found.iter().map(place).collect();
            let places = places.join(", ");
            Err(DriverError::new(format_args!(
                "several lines are called `{name}`: {places}; name the `chip` of the one that is wired"
            )))
        }
    }
}

/// The other chips with a line of this name, as the end of an error.
fn elsewhere(chip: &Path, line: &LineId) -> String {
    let LineId::Name(name) = line else {
        return String::new();
    };
    let others = chips().into_iter().filter(|path| path != chip);
    let have =
        others.filter(|path| ChipLines::read(path).is_ok_and(|chip| chip.called(name).next().is_some()));
    let have: Vec<String> = have.map(|path| path.display().to_string()).collect();
    if have.is_empty() {
        return String::new();
    }
    let have: Vec<&str> = have.iter().map(String::as_str).collect();
    let have = ticked(&have);
    format!("; {have} has one: put that into `chip`, or leave `chip` out")
}

/// The name that is nearest, and all of them.
fn near<'l>(name: &str, lines: impl IntoIterator<Item = &'l Info>, all_are: &str) -> String {
    let names = lines.into_iter().map(|info| info.name.as_str());
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    suggestion(name, &names, all_are)
}

/// Why a chip cannot be used.
fn unusable(chip: &Path, why: &Error) -> DriverError {
    let shown = chip.display();
    match (why, kind(why)) {
        (Error::GpioChip(..), _) => DriverError::new(format_args!(
            "`{shown}` is not a GPIO chip: expected a character device such as `/dev/gpiochip0`; {}",
            there_are()
        )),
        (_, Some(ErrorKind::NotFound)) => {
            DriverError::new(format_args!("there is no GPIO chip `{shown}`; {}", there_are()))
        }
        (_, Some(ErrorKind::PermissionDenied)) => no_permission(shown),
        _ => DriverError::new(format_args!("`{shown}` could not be asked for a line: {why}")),
    }
}

pub(in crate::bench::line) fn no_permission(path: impl std::fmt::Display) -> DriverError {
    DriverError::new(format_args!(
        "no permission for `{path}`: is this user in the group `gpio`? `sudo usermod -aG gpio USER` adds one, from the next login on"
    ))
}

fn busy(chip: &Path, line: &Info) -> DriverError {
    let (offset, holder) = (line.offset, holder(&line.consumer));
    DriverError::new(format_args!(
        "line {offset} of `{}` is in use by {holder}",
        chip.display()
    ))
}

/// Who holds a line, and how to get it back.
pub(in crate::bench::line) fn holder(consumer: &str) -> String {
    match consumer {
        "" | "kernel" => "the kernel: free it in the device tree (`config.txt` on a Raspberry Pi)".into(),
        CONSUMER => format!("another `{CONSUMER}`: let it end, or end it"),
        other => format!(
            "`{other}`: end that program; where it is a driver of the kernel, free the line in the device tree"
        ),
    }
}

fn chips() -> Vec<PathBuf> {
    chip::chips().unwrap_or_default()
}

/// The chips of this machine, as the end of an error.
fn there_are() -> String {
    let names: Vec<String> = chips()
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
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

    fn chip() -> ChipLines {
        ChipLines {
            path: "/dev/gpiochip0".into(),
            lines: lines(),
        }
    }

    fn refusal(line: LineId) -> String {
        chip()
            .choose(&line, String::new)
            .expect_err("a line that cannot be had")
            .to_string()
    }

    #[test]
    fn by_number_and_by_name() {
        for line in [LineId::Offset(1), LineId::Name("GPIO17".into())] {
            let found = chip().choose(&line, String::new).expect("a free line");
            assert_eq!(found.info.offset, 1);
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

    /// Two chips: the pins of a header, and an expander with some names of its own.
    fn anywhere(name: &str) -> Result<(String, u32), String> {
        let line = |offset, name: &str, consumer: &str| Info {
            offset,
            name: name.into(),
            consumer: consumer.into(),
            used: !consumer.is_empty(),
            ..Info::default()
        };
        let expander = ChipLines {
            path: "/dev/gpiochip0".into(),
            lines: vec![
                line(3, "RELAY1", ""),
                line(4, "GPIO17", ""),
                line(5, "GPIO27", ""),
                line(6, "BUZZER", "beep"),
            ],
        };
        let mut header = ChipLines {
            path: "/dev/gpiochip4".into(),
            lines: lines(),
        };
        header.lines.retain(|line| line.name != "GPIO27");
        let found = choose_anywhere(&[expander, header], name, None);
        found
            .map(|found| (found.chip.display().to_string(), found.info.offset))
            .map_err(|why| why.to_string())
    }

    #[rstest]
    #[case("RELAY1", Ok(("/dev/gpiochip0", 3)))]
    #[case("GPIO27", Ok(("/dev/gpiochip0", 5)))]
    #[case("ID_SDA", Ok(("/dev/gpiochip4", 0)))]
    #[case(
        "BUZZER",
        Err(
            "line 6 of `/dev/gpiochip0` is in use by `beep`: end that program; where it is a driver of the kernel, free the line in the device tree"
        )
    )]
    #[case(
        "GPIO17",
        Err(
            "several lines are called `GPIO17`: line 4 of `/dev/gpiochip0`, line 1 of `/dev/gpiochip4`; name the `chip` of the one that is wired"
        )
    )]
    #[case(
        "GPIO72",
        Err(
            "no GPIO chip of this machine has a line called `GPIO72`; did you mean `GPIO27`? the named lines of this machine are `RELAY1`, `GPIO17`, `GPIO27`, `BUZZER`, `ID_SDA`, `GPIO17`, `GPIO22`, `STATUS_LED`, `NC`, `NC`"
        )
    )]
    fn by_name_on_any_chip(#[case] name: &str, #[case] expected: Result<(&str, u32), &str>) {
        let expected = expected.map(|(chip, offset)| (chip.to_owned(), offset));
        assert_eq!(anywhere(name), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_number_needs_its_chip() {
        let error = find(None, &LineId::Offset(17)).expect_err("no chip").to_string();
        let begin = "line 17 is ambiguous: a number needs `chip`, a name such as `GPIO17` does not; this machine has ";
        assert!(error.starts_with(begin), "{error}");
    }

    #[test]
    fn a_name_of_another_chip_is_told() {
        let line = LineId::Name("GPIO71".into());
        let elsewhere = || "; `/dev/gpiochip4` has one".to_owned();
        let error = chip().choose(&line, elsewhere);
        let error = error.expect_err("no such line").to_string();
        assert!(error.ends_with("`GPIO27`; `/dev/gpiochip4` has one"), "{error}");
    }

    #[test]
    fn what_the_system_says_is_told_apart() {
        let [busy, denied] = [16, 13].map(|number| Error::Os(gpiocdev_uapi::Errno(number)));
        assert_eq!(kind(&busy), Some(ErrorKind::ResourceBusy));
        let error = unusable(Path::new("/dev/gpiochip0"), &denied).to_string();
        assert!(
            error.starts_with("no permission for `/dev/gpiochip0`: is this user in the group `gpio`?"),
            "{error}"
        );
    }
}
