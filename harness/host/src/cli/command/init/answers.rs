//! What has to be known of a bench, question by question, each answer as it will stand in a file.

use super::InitArgs;
use super::ask::{Asker, NONE, Question, or_none};
use super::ci::Ci;
use super::found::{gpio_chips, ports};
use super::yaml::{scalar, words};
use crate::config::rig::LineId;
use crate::config::rig::rig_literals::{CoapAddress, HttpAddress, Pin, SimPin};
use crate::config::rig::serial_address::Address;
use crate::config::yaml::literal::Literal;
use crate::exit::CommandError;
use bc66_spec::module::Module;
use dfota_core::version::Version;
use std::path::Path;

pub(super) struct Answers {
    pub rig: String,
    pub module: String,
    pub port: String,
    /// The keys of the driver of `power`.
    pub power: String,
    /// Those of the other lines, where they are wired.
    pub reset: Option<String>,
    pub pwrkey: Option<String>,
    pub air: Air,
    pub package: Option<Package>,
    pub ci: Option<Ci>,
    pub unit: bool,
}

/// How updates go over the air, where they do.
pub(super) struct Air {
    pub http: Option<String>,
    pub coap: Option<String>,
    pub apn: Option<String>,
    pub pin: Option<String>,
}

/// The packages of the first suite.
pub(super) struct Package {
    pub file: String,
    pub from: String,
    pub to: String,
    pub back: Option<String>,
}

/// What moves the lines of the bench.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Driver {
    #[default]
    GpioChip,
    Rppal,
    Command,
}

impl Answers {
    /// Takes what the flags say, and asks for the rest.
    pub(super) fn collect(args: &InitArgs, asker: &mut Asker) -> Result<Self, CommandError> {
        let rig = ask(
            &args.rig,
            asker,
            "--rig",
            "name of the rig",
            Some("bench-01"),
            file_name,
        )?;
        let module = "module, `bc66` or `bc66-na`";
        let module = ask(
            &args.module,
            asker,
            "--module",
            module,
            Some("bc66"),
            same::<Module>,
        )?;
        let port = port(args, asker)?;
        let driver = driver(args, asker)?;
        let power = power(args, asker, driver)?;
        let reset = pulse(&args.reset, asker, ("--reset", "RESET", "GPIO27"), driver)?;
        let pwrkey = pulse(&args.pwrkey, asker, ("--pwrkey", "PWRKEY", "GPIO22"), driver)?;
        let air = air(args, asker)?;
        let package = package(args, asker)?;
        let (ci, unit) = nightly(args, asker, package.is_some())?;
        Ok(Self {
            rig,
            module,
            port,
            power,
            reset,
            pwrkey,
            air,
            package,
            ci,
            unit,
        })
    }
}

/// One question without offers.
fn ask<T: Default>(
    given: &Option<String>,
    asker: &mut Asker,
    flag: &'static str,
    text: &str,
    usual: Option<&str>,
    sound: impl Fn(&str) -> Result<T, String>,
) -> Result<T, CommandError> {
    let question = Question {
        flag,
        text,
        usual,
        offers: &[],
    };
    asker.answer(given.as_deref(), &question, sound)
}

/// The text, where a rig or suite file can hold it in this place.
fn same<T: Literal>(text: &str) -> Result<String, String> {
    T::read(text).map(|_| text.to_owned()).map_err(|mistake| {
        let help = mistake.help.map_or(String::new(), |help| format!("; {help}"));
        format!("{}{help}", mistake.message)
    })
}

/// A name that its file can have too.
fn file_name(name: &str) -> Result<String, String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(legal) {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "expected letters, digits, `.`, `_` and `-` alone, for the file is named so; found `{name}`"
        ))
    }
}

fn port(args: &InitArgs, asker: &mut Asker) -> Result<String, CommandError> {
    let ports = ports(Path::new("/"));
    let text = match ports.len() {
        0 => "serial port of the module's main UART (no adapter is plugged in here)",
        _ => "serial port of the module's main UART, by its number or path",
    };
    let usual = match &ports[..] {
        [port] => Some(port.as_str()),
        _ => None,
    };
    let question = Question {
        flag: "--port",
        text,
        usual,
        offers: &ports,
    };
    asker.answer(args.port.as_deref(), &question, absolute_port)
}

/// The port's place whatever folder a program is started in: relative paths in a rig file begin there.
fn absolute_port(text: &str) -> Result<String, String> {
    same::<Address>(text)?;
    match Address::read(text) {
        Ok(Address::Device(path)) if path.is_relative() => std::path::absolute(path)
            .map(|path| path.display().to_string())
            .map_err(|why| why.to_string()),
        _ => Ok(text.to_owned()),
    }
}

fn driver(args: &InitArgs, asker: &mut Asker) -> Result<Driver, CommandError> {
    let chips = gpio_chips();
    let drives = |text: &str| match text {
        "gpiochip" => Ok(Driver::GpioChip),
        "rppal" => Ok(Driver::Rppal),
        "command" => Ok(Driver::Command),
        _ => Err(format!(
            "expected `gpiochip`, `rppal` or `command`, found `{text}`"
        )),
    };
    if args.driver.is_none() {
        for chip in &chips {
            asker.tell(&format!("  GPIO chip {}\n", chip.about));
        }
    }
    // The flags of one driver alone say which it is.
    let usual = match (
        &args.power,
        &args.on,
        chips.iter().any(|chip| !chip.names.is_empty()),
    ) {
        (Some(_), ..) => Some("gpiochip"),
        (_, Some(_), _) => Some("command"),
        (_, _, true) => Some("gpiochip"),
        (_, _, false) => Some("command"),
    };
    let text = "what moves the lines: `gpiochip`, `rppal`, or `command` for a program of a relay, hub or PDU";
    ask(&args.driver, asker, "--driver", text, usual, drives)
}

fn power(args: &InitArgs, asker: &mut Asker, driver: Driver) -> Result<String, CommandError> {
    let wrong = match driver {
        Driver::Command => args
            .power
            .as_ref()
            .map(|_| "`--power` names a GPIO: with `command` give `--on` and `--off`"),
        _ => args
            .on
            .as_ref()
            .or(args.off.as_ref())
            .map(|_| "`--on` and `--off` are for `--driver command`"),
    };
    if let Some(wrong) = wrong {
        return Err(CommandError::usage(wrong));
    }
    if driver == Driver::Command {
        let text = "program and arguments that switch the supply on (`./` is the rig file's folder)";
        let on = ask(&args.on, asker, "--on", text, None, words)?;
        let text = "program and arguments that switch it off";
        let off = ask(&args.off, asker, "--off", text, None, words)?;
        return Ok(format!("driver: command, on: {on}, off: {off}"));
    }
    let text = "line of the supply's switch; `:low` behind it where low switches on";
    ask(&args.power, asker, "--power", text, Some("GPIO17"), |text| {
        line(driver, text)
    })
}

/// RESET or PWRKEY: the flag, its name, the line in the drawing.
fn pulse(
    given: &Option<String>,
    asker: &mut Asker,
    (flag, name, drawn): (&'static str, &str, &str),
    driver: Driver,
) -> Result<Option<String>, CommandError> {
    let text = match driver {
        Driver::Command => format!("program of a pulse on {name}"),
        _ => format!("line of {name}, where it is wired; `{drawn}` in docs/wiring.md"),
    };
    let sound = or_none(|text: &str| match driver {
        Driver::Command => words(text).map(|pulse| format!("driver: command, pulse: {pulse}")),
        _ => line(driver, text),
    });
    ask(given, asker, flag, &text, Some(NONE), sound)
}

/// The keys of a GPIO.
fn line(driver: Driver, text: &str) -> Result<String, String> {
    let (line, active) = match text.rsplit_once(':') {
        Some((line, active @ ("high" | "low"))) => (line, active),
        _ => (text, "high"),
    };
    if driver == Driver::Rppal {
        let pin = same::<Pin>(line.strip_prefix("GPIO").unwrap_or(line))?;
        return Ok(format!("driver: rppal, pin: {pin}, active: {active}"));
    }
    let (chip, line) = line.rsplit_once('/').unwrap_or(("", line));
    let line = same::<LineId>(line)?;
    match chip {
        "" if line.bytes().all(|b| b.is_ascii_digit()) => Err(format!(
            "line {line} of which chip? take its name, such as `GPIO17`, or write `/dev/gpiochip0/{line}`"
        )),
        "" => Ok(format!(
            "driver: gpiochip, line: {}, active: {active}",
            scalar(&line)
        )),
        chip => Ok(format!(
            "driver: gpiochip, chip: {}, line: {}, active: {active}",
            scalar(chip),
            scalar(&line)
        )),
    }
}

fn air(args: &InitArgs, asker: &mut Asker) -> Result<Air, CommandError> {
    asker.tell("Updates over the UART need no network: answer `none` twice. For updates over the air the module has to reach this machine through its operator's network.\n");
    let url = "HTTP address at which the module reaches this machine, as `http://lab.example.com:8080`";
    let http = ask(
        &args.http,
        asker,
        "--http",
        url,
        Some(NONE),
        or_none(same::<HttpAddress>),
    )?;
    let url = "CoAP address, as `coap://lab.example.com:5683`";
    let coap = ask(
        &args.coap,
        asker,
        "--coap",
        url,
        Some(NONE),
        or_none(same::<CoapAddress>),
    )?;
    let any = |text: &str| Ok(text.to_owned());
    let (mut apn, mut pin) = (None, None);
    if http.is_some() || coap.is_some() {
        apn = ask(
            &args.apn,
            asker,
            "--apn",
            "access point name",
            Some(NONE),
            or_none(any),
        )?;
        pin = ask(
            &args.pin,
            asker,
            "--pin",
            "PIN of the SIM",
            Some(NONE),
            or_none(|text| same::<SimPin>(text.trim_matches(['"', '\'']))),
        )?;
    } else if args.apn.is_some() || args.pin.is_some() {
        return Err(CommandError::usage(
            "`--apn` and `--pin` are for updates over the air: give `--http` or `--coap` too",
        ));
    }
    Ok(Air { http, coap, apn, pin })
}

fn package(args: &InitArgs, asker: &mut Asker) -> Result<Option<Package>, CommandError> {
    let file = |text: &str| {
        if Path::new(text).is_file() {
            Ok(text.to_owned())
        } else {
            Err(format!("there is no file `{text}`"))
        }
    };
    let text = "the vendor's delta for the update, a file";
    let Some(there) = ask(&args.package, asker, "--package", text, Some(NONE), or_none(file))? else {
        return match args.from.as_ref().or(args.to.as_ref()).or(args.back.as_ref()) {
            Some(_) => Err(CommandError::usage(
                "`--from`, `--to` and `--back` are about a `--package`",
            )),
            None => Ok(None),
        };
    };
    let text = "version that it updates from, as `ATI` shows it";
    let from = ask(&args.from, asker, "--from", text, None, same::<Version>)?;
    let to = ask(
        &args.to,
        asker,
        "--to",
        "version that it updates to",
        None,
        same::<Version>,
    )?;
    let text = "the delta that leads back, a file";
    let back = ask(&args.back, asker, "--back", text, Some(NONE), or_none(file))?;
    Ok(Some(Package {
        file: there,
        from,
        to,
        back,
    }))
}

/// What runs the suite every night, where there is one.
fn nightly(args: &InitArgs, asker: &mut Asker, has_suite: bool) -> Result<(Option<Ci>, bool), CommandError> {
    let (mut ci, mut unit) = (args.ci, args.unit);
    if has_suite && ci.is_none() {
        let text = "a nightly job for `gitlab`, `github` or `jenkins`";
        let server = |text: &str| {
            let known = <Ci as clap::ValueEnum>::from_str(text, false);
            known.map_err(|_| format!("expected `gitlab`, `github` or `jenkins`, found `{text}`"))
        };
        ci = ask(&None, asker, "--ci", text, Some(NONE), or_none(server))?;
    }
    if has_suite && !unit {
        let said = |text: &str| match text {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(format!("expected `yes` or `no`, found `{text}`")),
        };
        let text = "a systemd unit that runs it every night, `yes` or `no`";
        unit = ask(&None, asker, "--unit", text, Some("no"), said)?;
    }
    Ok((ci, unit))
}
