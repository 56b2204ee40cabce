//! Which line is meant, and why it cannot be had.

use super::CONSUMER;
use crate::config::rig::LineId;
use crate::config::yaml::nearest::{suggestion, ticked};
use gpiocdev::Error;
use gpiocdev::chip::{self, Chip};
use gpiocdev::line::Info;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A line that the kernel does not give.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("there is no GPIO chip `{}`; {there}", chip.display())]
    NoChip {
        chip: PathBuf,
        /// Those that are there.
        there: String,
    },
    /// Another kind of file.
    #[error("`{}` is no GPIO chip: expected a character device such as `/dev/gpiochip0`; {there}", chip.display())]
    NotAChip {
        chip: PathBuf,
        /// Those that are there.
        there: String,
    },
    /// The user may not.
    #[error(
        "no permission for `{}`: is this user in the group `gpio`? `sudo usermod -aG gpio USER` adds one, from the next login on",
        chip.display()
    )]
    NoPermission { chip: PathBuf },
    /// The chip has fewer lines.
    #[error("`{}` has no line {offset}: its {lines} lines are numbered from 0", chip.display())]
    NoLine {
        chip: PathBuf,
        /// The line that was asked for.
        offset: u32,
        /// How many it has.
        lines: usize,
    },
    /// No line has this name.
    #[error("`{}` has no line called `{name}`; {there}", chip.display())]
    NoName {
        chip: PathBuf,
        name: String,
        /// The nearest one, and all of them.
        there: String,
    },
    /// Several lines have this name.
    #[error("`{}` has several lines called `{name}`: {offsets:?}; take the number of the one that is wired", chip.display())]
    Ambiguous {
        chip: PathBuf,
        name: String,
        offsets: Vec<u32>,
    },
    /// No line of this machine has this name.
    #[error("no GPIO chip of this machine has a line called `{name}`; {there}")]
    NowhereCalled {
        name: String,
        /// The nearest one, and all of them.
        there: String,
    },
    /// Several lines of this machine have this name.
    #[error(
        "several lines are called `{name}`: {}; name the `chip` of the one that is wired",
        shown(places)
    )]
    CalledTwice {
        name: String,
        places: Vec<(PathBuf, u32)>,
    },
    /// A number says nothing without a chip.
    #[error("line {offset} of which chip? a number needs `chip`, a name such as `GPIO17` does not; {there}")]
    NumberAlone {
        offset: u32,
        /// The chips that are there.
        there: String,
    },
    /// Somebody else has it.
    #[error("line {offset} of `{}` is in use by {}", chip.display(), holder(consumer))]
    Busy {
        chip: PathBuf,
        offset: u32,
        /// Who has it, as the kernel names it; empty where it does not.
        consumer: String,
    },
    #[error("`{}` could not be asked for a line: {why}", chip.display())]
    System { chip: PathBuf, why: String },
}

impl OpenError {
    pub(super) fn of_chip(chip: &Path, why: &Error) -> Self {
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
    pub(super) fn refused(chip: &Chip, line: &Info, why: &Error) -> Self {
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

/// Opens the chip and finds the line on it; one that is in use is refused. Without a chip, its name has to be that of one
/// line of this machine.
pub(super) fn find(chip: Option<&Path>, line: &LineId) -> Result<(Chip, Info), OpenError> {
    match (chip, line) {
        (Some(chip), _) => {
            let (chip, lines) = look(chip)?;
            let info = choose(chip.path(), &lines, line, || elsewhere(chip.path(), line))?;
            Ok((chip, info))
        }
        (None, LineId::Name(name)) => find_anywhere(name),
        (None, LineId::Offset(offset)) => Err(OpenError::NumberAlone {
            offset: *offset,
            there: chips(),
        }),
    }
}

/// Where a line is, free or not: the chip's device and its number. Nothing where that cannot be found out.
pub fn place(chip: Option<&Path>, line: &LineId) -> Option<(PathBuf, u32)> {
    let chips = match chip {
        Some(chip) => vec![chip.to_owned()],
        None => chip::chips().unwrap_or_default(),
    };
    chips.iter().find_map(|path| {
        let (_, lines) = look(path).ok()?;
        let meant = lines.iter().find(|info| match line {
            LineId::Offset(offset) => info.offset == *offset,
            LineId::Name(name) => info.name == *name,
        })?;
        Some((path.canonicalize().ok()?, meant.offset))
    })
}

/// A chip with what the kernel says of its lines.
fn look(chip: &Path) -> Result<(Chip, Vec<Info>), OpenError> {
    let fail = |why| OpenError::of_chip(chip, &why);
    let opened = Chip::from_path(chip).map_err(fail)?;
    let lines: Result<Vec<Info>, Error> = opened.line_info_iter().map_err(fail)?.collect();
    Ok((opened, lines.map_err(fail)?))
}

fn find_anywhere(name: &str) -> Result<(Chip, Info), OpenError> {
    let looked: Vec<_> = chip::chips()
        .unwrap_or_default()
        .iter()
        .map(|path| look(path))
        .collect();
    let (seen, hidden): (Vec<_>, Vec<_>) = looked.into_iter().partition(Result::is_ok);
    let seen: Vec<(Chip, Vec<Info>)> = seen.into_iter().flatten().collect();
    let lines: Vec<(&Path, &[Info])> = seen
        .iter()
        .map(|(chip, lines)| (chip.path(), &lines[..]))
        .collect();
    let (at, info) = choose_anywhere(&lines, name).map_err(|why| {
        // It may be on one that this user may not look at.
        let hidden = hidden.into_iter().find_map(Result::err);
        hidden
            .filter(|_| matches!(why, OpenError::NowhereCalled { .. }))
            .unwrap_or(why)
    })?;
    let mut seen = seen;
    Ok((seen.swap_remove(at).0, info))
}

/// The place of the only chip that has a line of this name, and the line, where it is free.
fn choose_anywhere(chips: &[(&Path, &[Info])], name: &str) -> Result<(usize, Info), OpenError> {
    let named = |(at, (chip, lines)): (usize, &(&Path, &[Info]))| {
        let here = called(lines, name).map(|line| (at, chip.to_path_buf(), line.clone()));
        here.collect::<Vec<_>>()
    };
    let found: Vec<_> = chips.iter().enumerate().flat_map(named).collect();
    match &found[..] {
        [(at, chip, line)] => Ok((*at, free(chip, line)?)),
        [] => {
            let lines = chips.iter().flat_map(|(_, lines)| *lines);
            Err(OpenError::NowhereCalled {
                name: name.to_owned(),
                there: near(name, lines, "the named lines of this machine are"),
            })
        }
        _ => Err(OpenError::CalledTwice {
            name: name.to_owned(),
            places: found
                .into_iter()
                .map(|(_, chip, line)| (chip, line.offset))
                .collect(),
        }),
    }
}

/// The other chips with a line of this name, as an error tells it.
fn elsewhere(chip: &Path, line: &LineId) -> String {
    let LineId::Name(name) = line else {
        return String::new();
    };
    let others = chip::chips().unwrap_or_default();
    let others = others.iter().filter(|path| *path != chip);
    let have = others.filter(|path| look(path).is_ok_and(|(_, lines)| called(&lines, name).next().is_some()));
    let have: Vec<String> = have.map(|path| path.display().to_string()).collect();
    if have.is_empty() {
        String::new()
    } else {
        let have: Vec<&str> = have.iter().map(String::as_str).collect();
        format!(
            "; {} has one: put that into `chip`, or leave `chip` out",
            ticked(&have)
        )
    }
}

/// The line that is meant, where it is free; `elsewhere` tells of other chips where it is not there.
fn choose(
    chip: &Path,
    lines: &[Info],
    line: &LineId,
    elsewhere: impl Fn() -> String,
) -> Result<Info, OpenError> {
    let of_chip = chip.to_owned();
    let name = match line {
        LineId::Name(name) => name,
        LineId::Offset(offset) => {
            let found = lines.iter().find(|info| info.offset == *offset);
            return free(
                chip,
                found.ok_or(OpenError::NoLine {
                    chip: of_chip,
                    offset: *offset,
                    lines: lines.len(),
                })?,
            );
        }
    };
    let found: Vec<&Info> = called(lines, name).collect();
    match found[..] {
        [one] => free(chip, one),
        [] => Err(OpenError::NoName {
            chip: of_chip,
            name: name.clone(),
            there: near(name, lines, "its named lines are") + &elsewhere(),
        }),
        _ => Err(OpenError::Ambiguous {
            chip: of_chip,
            name: name.clone(),
            offsets: found.iter().map(|info| info.offset).collect(),
        }),
    }
}

fn called<'l>(lines: &'l [Info], name: &str) -> impl Iterator<Item = &'l Info> {
    lines.iter().filter(move |info| info.name == name)
}

/// The name that is nearest, and all of them.
fn near<'l>(name: &str, lines: impl IntoIterator<Item = &'l Info>, all_are: &str) -> String {
    let names = lines.into_iter().map(|info| info.name.as_str());
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    suggestion(name, &names, all_are)
}

fn free(chip: &Path, line: &Info) -> Result<Info, OpenError> {
    if !line.used {
        Ok(line.clone())
    } else {
        Err(OpenError::Busy {
            chip: chip.to_owned(),
            offset: line.offset,
            consumer: line.consumer.clone(),
        })
    }
}

fn shown(places: &[(PathBuf, u32)]) -> String {
    let place = |(chip, offset): &(PathBuf, u32)| format!("line {offset} of `{}`", chip.display());
    places.iter().map(place).collect::<Vec<_>>().join(", ")
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
        choose(Path::new("/dev/gpiochip0"), &lines(), &line, String::new)
            .expect_err("a line that cannot be had")
            .to_string()
    }

    #[test]
    fn by_number_and_by_name() {
        for line in [LineId::Offset(1), LineId::Name("GPIO17".into())] {
            let found = choose(Path::new("/dev/gpiochip0"), &lines(), &line, String::new);
            let found = found.expect("a free line");
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

    /// Two chips: the pins of a header, and an expander with some names of its own.
    fn anywhere(name: &str) -> Result<(usize, u32), String> {
        let expander = [
            Info {
                offset: 3,
                name: "RELAY1".into(),
                ..Info::default()
            },
            Info {
                offset: 4,
                name: "GPIO17".into(),
                ..Info::default()
            },
            Info {
                offset: 5,
                name: "GPIO27".into(),
                ..Info::default()
            },
            Info {
                offset: 6,
                name: "BUZZER".into(),
                used: true,
                consumer: "beep".into(),
                ..Info::default()
            },
        ];
        let mut header = lines();
        header.retain(|line| line.name != "GPIO27");
        let chips = [
            (Path::new("/dev/gpiochip0"), &expander[..]),
            (Path::new("/dev/gpiochip4"), &header[..]),
        ];
        let found = choose_anywhere(&chips, name);
        found
            .map(|(at, line)| (at, line.offset))
            .map_err(|why| why.to_string())
    }

    #[rstest]
    #[case("RELAY1", Ok((0, 3)))]
    #[case("GPIO27", Ok((0, 5)))]
    #[case("ID_SDA", Ok((1, 0)))]
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
    fn by_name_on_any_chip(#[case] name: &str, #[case] expected: Result<(usize, u32), &str>) {
        assert_eq!(anywhere(name), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_number_needs_its_chip() {
        let error = find(None, &LineId::Offset(17)).expect_err("no chip").to_string();
        let begin = "line 17 of which chip? a number needs `chip`, a name such as `GPIO17` does not; this machine has ";
        assert!(error.starts_with(begin), "{error}");
    }

    #[test]
    fn a_name_of_another_chip_is_told() {
        let line = LineId::Name("GPIO71".into());
        let elsewhere = || "; `/dev/gpiochip4` has one".to_owned();
        let error = choose(Path::new("/dev/gpiochip0"), &lines(), &line, elsewhere);
        let error = error.expect_err("no such line").to_string();
        assert!(error.ends_with("`GPIO27`; `/dev/gpiochip4` has one"), "{error}");
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
}
