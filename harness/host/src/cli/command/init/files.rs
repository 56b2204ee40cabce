//! The files: their text and their places.

use super::InitArgs;
use super::answers::{Answers, PackageAnswers};
use super::yaml::scalar;
use crate::exit::CommandError;
use std::path::{Path, PathBuf};

/// Where the examples say that rig and suite are.
const EXAMPLE_RIG: &str = "/etc/dfota-hil/bench-01.yaml";
const EXAMPLE_SUITE: &str = "/etc/dfota-hil/nightly.yaml";
/// The suite's name, and that of its file.
const SUITE: &str = "nightly";

pub(super) struct NewFile {
    pub path: PathBuf,
    pub text: String,
}

/// The files of a new bench.
pub(super) struct NewFiles {
    pub rig: NewFile,
    pub suite: Option<NewFile>,
    more: Vec<NewFile>,
    /// The command that installs the unit, where there is one.
    pub install_unit: Option<String>,
}

impl NewFiles {
    pub(super) fn all(&self) -> impl Iterator<Item = &NewFile> {
        std::iter::once(&self.rig).chain(&self.suite).chain(&self.more)
    }

    pub(super) fn new(args: &InitArgs, answers: &Answers) -> Result<Self, CommandError> {
        let into = std::path::absolute(&args.into).map_err(CommandError::usage)?;
        let file = |name: &str, text: String| NewFile {
            path: args.into.join(name),
            text,
        };
        let suite = |package| file(&format!("{SUITE}.yaml"), suite_text(answers, package, &into));
        let mut files = Self {
            rig: file(&format!("{}.yaml", answers.rig), rig_text(answers)),
            suite: answers.package.as_ref().map(suite),
            more: Vec::new(),
            install_unit: None,
        };
        if answers.ci.is_none() && !answers.unit {
            return Ok(files);
        }
        if files.suite.is_none() {
            return Err(CommandError::usage(
                "`--ci` and `--unit` run a suite: give its `--package` too",
            ));
        }
        let (folder, rig) = (plain(&into)?, &answers.rig);
        if let Some(ci) = answers.ci {
            let (name, text) = ci.example();
            let text = text
                .replace(EXAMPLE_RIG, &format!("{folder}/{rig}.yaml"))
                .replace(EXAMPLE_SUITE, &format!("{folder}/{SUITE}.yaml"))
                .replace("bench-01", rig);
            files.more.push(file(name, text));
        }
        if answers.unit {
            // The unit of the Debian package, for the files in this folder.
            let program = std::env::current_exe().map_err(CommandError::error)?;
            let service = include_str!("../../../../packaging/dfota-hil@.service")
                .replace("/etc/dfota-hil/", &format!("{folder}/"))
                .replace("/usr/bin/dfota-hil", &program.display().to_string())
                .replace("bench-01", rig);
            let timer = include_str!("../../../../packaging/dfota-hil@.timer").replace("bench-01", rig);
            let environment = include_str!("../../../../packaging/example.env")
                .replace("/etc/dfota-hil/RIG", &format!("{folder}/{rig}"))
                .replace("RIG", rig)
                .replace("/etc/dfota-hil/", &format!("{folder}/"));
            files.more.extend([
                file("dfota-hil@.service", service),
                file("dfota-hil@.timer", timer),
                file(&format!("{rig}.env"), environment),
            ]);
            files.install_unit = Some(format!(
                "sudo cp {folder}/dfota-hil@.* /etc/systemd/system && sudo systemctl enable --now dfota-hil@{rig}.timer"
            ));
        }
        Ok(files)
    }
}

/// A folder that shells, systemd and YAML read alike, each of which has its own rules for other characters.
fn plain(folder: &Path) -> Result<String, CommandError> {
    let folder = folder.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if folder.chars().all(plain) {
        return Ok(folder);
    }
    Err(CommandError::usage(format!(
        "`{folder}`: expected a folder of letters, digits, `/`, `.`, `_` and `-` alone for `--ci` and `--unit`; choose another `--into`"
    )))
}

fn rig_text(answers: &Answers) -> String {
    let mut text = format!(
        "# Written by `dfota-hil init`; rigs/README.md has every key, docs/wiring.md the wires.\n\
         rig: {}\nmodule: {}\nserial: {{port: {}, baud: 115200}}\n\
         power: {{{}, safe: off, discharge: 3s}}  # discharge: measure it at VBAT\n",
        scalar(&answers.rig),
        answers.module,
        scalar(&answers.port),
        answers.power,
    );
    for (key, keys, hold) in [
        ("reset", &answers.reset, "100ms"),
        ("pwrkey", &answers.pwrkey, "700ms"),
    ] {
        match keys {
            None => {}
            // A program times its pulse itself.
            Some(keys) if keys.contains("driver: command") => text += &format!("{key}: {{{keys}}}\n"),
            Some(keys) => text += &format!("{key}: {{{keys}, hold: {hold}}}\n"),
        }
    }
    text + &network(answers)
}

fn network(answers: &Answers) -> String {
    let mut keys = String::new();
    for (key, address, usual) in [
        ("http", &answers.network.http, 80),
        ("coap", &answers.network.coap, 5683),
    ] {
        if let Some(address) = address {
            let port = port(address).unwrap_or(usual);
            let address = serde_json::json!(address);
            keys += &format!("  {key}: {{listen: \"0.0.0.0:{port}\", advertise: {address}}}\n");
        }
    }
    if let Some(apn) = &answers.network.apn {
        keys += &format!("  apn: {}\n", scalar(apn));
    }
    if let Some(pin) = &answers.network.pin {
        keys += &format!("  pin: \"{pin}\"\n");
    }
    if keys.is_empty() {
        keys
    } else {
        format!("network:\n{keys}")
    }
}

/// The port that an address names.
fn port(address: &str) -> Option<u16> {
    let (_, port) = address.trim_end_matches('/').rsplit_once(':')?;
    port.parse().ok()
}

fn suite_text(answers: &Answers, package: &PackageAnswers, into: &Path) -> String {
    let file = |name: &str| {
        let path = std::path::absolute(name).unwrap_or_else(|_| name.into());
        let path = path.strip_prefix(into).unwrap_or(&path);
        scalar(&path.display().to_string())
    };
    let PackageAnswers { from, to, back, .. } = package;
    let mut text = format!(
        "# Written by `dfota-hil init`; suites/README.md has every key.\n\
         suite: {SUITE}\npackages:\n  there: {{file: {}, from: {}, to: {}}}\n",
        file(&package.file),
        scalar(from),
        scalar(to)
    );
    let via = [("http", &answers.network.http), ("coap", &answers.network.coap)];
    let via = via.iter().filter(|(_, address)| address.is_some());
    let via: Vec<&str> = std::iter::once("uart")
        .chain(via.map(|(name, _)| *name))
        .collect();
    let via = via.join(", ");
    let Some(back) = back else {
        return text
            + "# Without a delta that leads back there is one update: the module has then left the version that it starts from.\n\
               cases:\n\
               \x20 - name: forced resume\n\
               \x20   update: {package: there, via: uart}\n\
               \x20   cut: {at: updating 50%, after: 0ms..400ms}\n";
    };
    text += &format!(
        "  back: {{file: {}, from: {}, to: {}}}\n",
        file(back),
        scalar(to),
        scalar(from)
    );
    text + &format!(
        "cases:\n\
         \x20 - name: clean update\n\
         \x20   matrix: {{via: [{via}]}}\n\
         \x20   update: {{package: there, via: \"{{via}}\"}}\n\
         \x20 - name: forced resume\n\
         \x20   matrix: {{via: [{via}], at: [20%, 50%, 90%]}}\n\
         \x20   update: {{package: there, via: \"{{via}}\"}}\n\
         \x20   cut: {{at: \"updating {{at}}\", after: 0ms..400ms}}\n"
    )
}
