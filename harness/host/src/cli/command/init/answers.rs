//! The questions of `init` about a bench. Each answer is text in the form that the file will hold.

use super::ask::{Asker, InvalidAnswer, NONE, Question, or_none};
use super::ci::Ci;
use super::found::{gpio_chips, ports};
use super::yaml::{scalar, words};
use super::{InitArgs, LineArgs, NetworkArgs, NightlyArgs, PackageArgs};
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
    pub network: NetworkAnswers,
    pub package: Option<PackageAnswers>,
    pub ci: Option<Ci>,
    pub unit: bool,
}

/// How updates go over the air, where they do.
#[derive(Default)]
pub(super) struct NetworkAnswers {
    pub http: Option<String>,
    pub coap: Option<String>,
    pub apn: Option<String>,
    pub pin: Option<String>,
}

/// The packages of the first suite.
pub(super) struct PackageAnswers {
    pub file: String,
    pub from: String,
    pub to: String,
    pub back: Option<String>,
}

/// What moves the lines of the bench.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum DriverKind {
    #[default]
    GpioChip,
    Rppal,
    Command,
}

impl Answers {
    /// Takes what the flags say, and asks for the rest.
    pub(super) fn collect(args: &InitArgs, asker: &mut Asker) -> Result<Self, CommandError> {
        let question = Question::new("--rig", "name of the rig").usual("bench-01");
        let rig = asker.answer(&args.rig, &question, file_name)?;
        let question = Question::new("--module", "module, `bc66` or `bc66-na`").usual("bc66");
        let module = asker.answer(&args.module, &question, literal::<Module>)?;
        let port = port(&args.port, asker)?;
        let (lines, driver) = (&args.lines, driver(&args.lines, asker)?);
        let power = power(lines, asker, driver)?;
        let reset = pulse(&lines.reset, asker, driver, "--reset", "RESET", "GPIO27")?;
        let pwrkey = pulse(&lines.pwrkey, asker, driver, "--pwrkey", "PWRKEY", "GPIO22")?;
        let network = network(&args.network, asker)?;
        let package = package(&args.package, asker)?;
        let has_suite = package.is_some();
        Ok(Self {
            rig,
            module,
            port,
            power,
            reset,
            pwrkey,
            network,
            package,
            ci: ci(&args.nightly, asker, has_suite)?,
            unit: unit(&args.nightly, asker, has_suite)?,
        })
    }
}

fn invalid<T>(why: String) -> Result<T, InvalidAnswer> {
    Err(InvalidAnswer(why))
}

/// The text, where a rig or suite file can hold it in this place.
fn literal<T: Literal>(text: &str) -> Result<String, InvalidAnswer> {
    T::read(text).map(|_| text.to_owned()).map_err(|mistake| {
        let help = mistake.help.map_or(String::new(), |help| format!("; {help}"));
        InvalidAnswer(format!("{}{help}", mistake.message))
    })
}

/// A name that its file can have too.
fn file_name(name: &str) -> Result<String, InvalidAnswer> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(legal) {
        Ok(name.to_owned())
    } else {
        invalid(format!(
            "expected letters, digits, `.`, `_` and `-` alone, since the file gets this name; found `{name}`"
        ))
    }
}

fn file(name: &str) -> Result<String, InvalidAnswer> {
    if Path::new(name).is_file() {
        Ok(name.to_owned())
    } else {
        invalid(format!("there is no file `{name}`"))
    }
}

fn port(given: &Option<String>, asker: &mut Asker) -> Result<String, CommandError> {
    let ports = ports(Path::new("/"));
    let text = match ports.len() {
        0 => "serial port of the module's main UART (no adapter is plugged in here)",
        _ => "serial port of the module's main UART, by its number or path",
    };
    let only = match &ports[..] {
        [port] => Some(port.as_str()),
        _ => None,
    };
    let question = Question::new("--port", text).usual(only).offers(&ports);
    asker.answer(given, &question, absolute_port)
}

/// The port by its absolute path: a relative one would begin at the rig file.
fn absolute_port(text: &str) -> Result<String, InvalidAnswer> {
    literal::<Address>(text)?;
    match Address::read(text) {
        Ok(Address::Device(path)) if path.is_relative() => std::path::absolute(path)
            .map(|path| path.display().to_string())
            .map_err(|why| InvalidAnswer(why.to_string())),
        _ => Ok(text.to_owned()),
    }
}

fn driver(args: &LineArgs, asker: &mut Asker) -> Result<DriverKind, CommandError> {
    let chips = gpio_chips();
    let parse = |text: &str| match text {
        "gpiochip" => Ok(DriverKind::GpioChip),
        "rppal" => Ok(DriverKind::Rppal),
        "command" => Ok(DriverKind::Command),
        _ => invalid(format!(
            "expected `gpiochip`, `rppal` or `command`, found `{text}`"
        )),
    };
    if args.driver.is_none() {
        for chip in &chips {
            asker.explain(&format!("  GPIO chip {}\n", chip.about));
        }
    }
    // A flag that only one driver has says which it is.
    let has_names = chips.iter().any(|chip| !chip.names.is_empty());
    let usual = match (&args.power, &args.on) {
        (Some(_), _) => "gpiochip",
        (None, Some(_)) => "command",
        (None, None) if has_names => "gpiochip",
        (None, None) => "command",
    };
    let text = "what moves the lines: `gpiochip`, `rppal`, or `command` for a program of a relay, hub or PDU";
    asker.answer(&args.driver, &Question::new("--driver", text).usual(usual), parse)
}

fn power(args: &LineArgs, asker: &mut Asker, driver: DriverKind) -> Result<String, CommandError> {
    let by_command = driver == DriverKind::Command;
    if by_command && args.power.is_some() {
        return Err(CommandError::usage(
            "`--power` names a GPIO: with `command` give `--on` and `--off`",
        ));
    }
    if !by_command && (args.on.is_some() || args.off.is_some()) {
        return Err(CommandError::usage(
            "`--on` and `--off` are for `--driver command`",
        ));
    }
    if by_command {
        let text = "program and arguments that switch the supply on (`./` is the rig file's folder)";
        let on = asker.answer(&args.on, &Question::new("--on", text), words)?;
        let text = "program and arguments that switch it off";
        let off = asker.answer(&args.off, &Question::new("--off", text), words)?;
        return Ok(format!("driver: command, on: {on}, off: {off}"));
    }
    let text = "line of the supply's switch; `:low` behind it where low switches on";
    let question = Question::new("--power", text).usual("GPIO17");
    asker.answer(&args.power, &question, |text| line(driver, text))
}

/// RESET or PWRKEY; `drawn` is its line in docs/wiring.md.
fn pulse(
    given: &Option<String>,
    asker: &mut Asker,
    driver: DriverKind,
    flag: &'static str,
    name: &str,
    drawn: &str,
) -> Result<Option<String>, CommandError> {
    let text = match driver {
        DriverKind::Command => format!("program of a pulse on {name}"),
        _ => format!("line of {name}, where it is wired; `{drawn}` in docs/wiring.md"),
    };
    let parse = or_none(|text: &str| match driver {
        DriverKind::Command => words(text).map(|pulse| format!("driver: command, pulse: {pulse}")),
        _ => line(driver, text),
    });
    asker.answer(given, &Question::new(flag, &text).usual(NONE), parse)
}

/// The keys of a GPIO.
fn line(driver: DriverKind, text: &str) -> Result<String, InvalidAnswer> {
    let (line, active) = match text.rsplit_once(':') {
        Some((line, active @ ("high" | "low"))) => (line, active),
        _ => (text, "high"),
    };
    if driver == DriverKind::Rppal {
        let pin = literal::<Pin>(line.strip_prefix("GPIO").unwrap_or(line))?;
        return Ok(format!("driver: rppal, pin: {pin}, active: {active}"));
    }
    let (chip, line) = line.rsplit_once('/').unwrap_or(("", line));
    let line = literal::<LineId>(line)?;
    let chip = match chip {
        "" if line.bytes().all(|b| b.is_ascii_digit()) => {
            return invalid(format!(
                "line number {line} needs its chip: write a name such as `GPIO17`, or `/dev/gpiochip0/{line}`"
            ));
        }
        "" => String::new(),
        chip => format!("chip: {}, ", scalar(chip)),
    };
    let line = scalar(&line);
    Ok(format!("driver: gpiochip, {chip}line: {line}, active: {active}"))
}

fn network(args: &NetworkArgs, asker: &mut Asker) -> Result<NetworkAnswers, CommandError> {
    asker.explain("Updates over the UART need no network: answer `none` twice. For updates over the air the module has to reach this machine through its operator's network.\n");
    let text = "HTTP address at which the module reaches this machine, as `http://lab.example.com:8080`";
    let question = Question::new("--http", text).usual(NONE);
    let http = asker.answer(&args.http, &question, or_none(literal::<HttpAddress>))?;
    let question = Question::new("--coap", "CoAP address, as `coap://lab.example.com:5683`").usual(NONE);
    let coap = asker.answer(&args.coap, &question, or_none(literal::<CoapAddress>))?;
    if http.is_none() && coap.is_none() {
        return match args.apn.as_ref().or(args.pin.as_ref()) {
            None => Ok(NetworkAnswers::default()),
            Some(_) => Err(CommandError::usage(
                "`--apn` and `--pin` need `--http` or `--coap`: give one of them too",
            )),
        };
    }
    let question = Question::new("--apn", "access point name").usual(NONE);
    let apn = asker.answer(&args.apn, &question, or_none(|text| Ok(text.to_owned())))?;
    let question = Question::new("--pin", "PIN of the SIM").usual(NONE);
    let parse = |text: &str| literal::<SimPin>(text.trim_matches(['"', '\'']));
    let pin = asker.answer(&args.pin, &question, or_none(parse))?;
    Ok(NetworkAnswers { http, coap, apn, pin })
}

fn package(args: &PackageArgs, asker: &mut Asker) -> Result<Option<PackageAnswers>, CommandError> {
    let text = "the vendor's delta for the update, a file";
    let question = Question::new("--package", text).usual(NONE);
    let Some(delta) = asker.answer(&args.package, &question, or_none(file))? else {
        return match args.from.as_ref().or(args.to.as_ref()).or(args.back.as_ref()) {
            Some(_) => Err(CommandError::usage(
                "`--from`, `--to` and `--back` are useless without `--package`",
            )),
            None => Ok(None),
        };
    };
    let question = Question::new("--from", "version that it updates from, as `ATI` shows it");
    let from = asker.answer(&args.from, &question, literal::<Version>)?;
    let question = Question::new("--to", "version that it updates to");
    let to = asker.answer(&args.to, &question, literal::<Version>)?;
    let question = Question::new("--back", "the delta that leads back, a file").usual(NONE);
    Ok(Some(PackageAnswers {
        file: delta,
        from,
        to,
        back: asker.answer(&args.back, &question, or_none(file))?,
    }))
}

fn ci(args: &NightlyArgs, asker: &mut Asker, has_suite: bool) -> Result<Option<Ci>, CommandError> {
    if !has_suite || args.ci.is_some() {
        return Ok(args.ci);
    }
    let text = "a nightly job for `gitlab`, `github` or `jenkins`";
    let parse = |text: &str| {
        let known = <Ci as clap::ValueEnum>::from_str(text, false);
        let expected = format!("expected `gitlab`, `github` or `jenkins`, found `{text}`");
        known.map_err(|_| InvalidAnswer(expected))
    };
    asker.answer(&None, &Question::new("--ci", text).usual(NONE), or_none(parse))
}

fn unit(args: &NightlyArgs, asker: &mut Asker, has_suite: bool) -> Result<bool, CommandError> {
    if !has_suite || args.unit {
        return Ok(args.unit);
    }
    let parse = |text: &str| match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => invalid(format!("expected `yes` or `no`, found `{text}`")),
    };
    let text = "a systemd unit that runs it every night, `yes` or `no`";
    asker.answer(&None, &Question::new("--unit", text).usual("no"), parse)
}
