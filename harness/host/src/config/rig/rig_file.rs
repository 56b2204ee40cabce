//! Loads a rig file: keys into a [`Rig`], every mistake with its place.

use crate::config::rig::line_file::{LineFile, LineKeys};
use crate::config::rig::reflash::Reflash;
use crate::config::rig::rig_keys::{
    LabItemKeys, LabKeys, NetworkKeys, PowerKeys, PulseKeys, ReflashKeys, RigKeys, SerialKeys, ServerKeys,
    SimulatedKeys,
};
use crate::config::rig::{Bench, Link, Network, Power, Pulse, Rig, RigLab, Safe, Serial, Server, Simulated};
use crate::config::yaml::containers::Part;
use crate::config::yaml::document::Document;
use crate::config::yaml::file_error::{FileError, Problem};
use crate::config::yaml::literal::{InvalidValue, Literal};
use crate::config::yaml::nearest::ticked;
use crate::config::yaml::reader::ValueReader;
use dfota_core::event::lab::{Lab, LabItem};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a byte may sit in an adapter that does not say: FTDI chips hold it for 16 ms.
const LATENCY: Duration = Duration::from_millis(20);
/// Longest run of a program that restores a module: 1 MB at 115200 baud takes a minute and a half.
const REFLASH_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// RESET, twice what the vendor asks for.
const RESET_HOLD: Duration = Duration::from_millis(100);
/// PWRKEY, with a margin over the 500 ms that the vendor asks for.
const PWRKEY_HOLD: Duration = Duration::from_millis(700);

/// What to do where a suite stands in the place of a rig.
const SWAPPED: &str = "rigs are given with `--rig`, suites without a flag: `dfota-hil run SUITE --rig RIG`";

impl Rig {
    /// Reads and checks a rig file. Nothing is powered, opened or resolved.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let document = Document::read(path)?;
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Self::from_document(&document, canonical)
    }

    /// The rig in a document; `canonical` is the path of its file.
    pub fn from_document(document: &Document, canonical: PathBuf) -> Result<Self, FileError> {
        document.expect_key("rig", "suite", SWAPPED)?;
        let (keys, reader) = ValueReader::open::<RigKeys>(document)?;
        let mut file = RigFile {
            reader,
            folder: canonical.parent().unwrap_or(Path::new(".")).to_owned(),
        };
        let name = file.reader.read(&keys.rig);
        let module = file.reader.read(&keys.module);
        let link = file.link(&keys);
        let network = keys.network.as_ref().map(|keys| file.network(keys));
        let wear = keys
            .wear
            .as_ref()
            .and_then(|keys| file.reader.read(&keys.updates));
        let lab = keys.lab.as_ref().map(|keys| file.lab(keys));
        let labels = file.reader.list(keys.labels.iter().flatten());
        let (Some(name), Some(module), Some(link)) = (name, module, link) else {
            return Err(file.reader.refusal());
        };
        file.reader.finish()?;
        Ok(Self {
            name,
            module,
            file: PathBuf::from(document.name()),
            canonical,
            text: document.text().to_owned(),
            sha256: document.sha256().to_owned(),
            link,
            network: network.unwrap_or_default(),
            wear,
            lab: lab.unwrap_or_default(),
            labels,
            copy: None,
        })
    }
}

struct RigFile<'d> {
    reader: ValueReader<'d>,
    /// Where the file is, whatever the working folder: its programs are looked for from there.
    folder: PathBuf,
}

impl<'d> RigFile<'d> {
    fn lines(&mut self) -> LineFile<'_, 'd> {
        LineFile {
            reader: &mut self.reader,
            folder: &self.folder,
        }
    }

    fn link(&mut self, keys: &RigKeys) -> Option<Link> {
        if let Some(simulated) = &keys.simulated {
            self.no_wires(keys);
            return self.simulated(simulated).map(Link::Simulated);
        }
        let (Some(serial), Some(power)) = (&keys.serial, &keys.power) else {
            let wanted = [("serial", keys.serial.is_none()), ("power", keys.power.is_none())];
            let missing = wanted.iter().filter(|(_, missing)| *missing);
            self.missing(keys, &missing.map(|(key, _)| *key).collect::<Vec<_>>());
            return None;
        };
        let serial = self.serial(serial);
        let power = self.power(power);
        let reset = keys.reset.as_ref().map(|keys| self.pulse(keys, RESET_HOLD));
        let pwrkey = keys.pwrkey.as_ref().map(|keys| self.pulse(keys, PWRKEY_HOLD));
        let sense = keys
            .sense
            .as_ref()
            .map(|keys| self.lines().driver(&LineKeys::sense(keys)));
        let isolate = keys
            .isolate
            .as_ref()
            .map(|keys| self.lines().driver(&LineKeys::isolate(keys)));
        let reflash = keys.reflash.as_ref().map(|keys| self.reflash(keys));
        Some(Link::Bench(Box::new(Bench {
            serial: serial?,
            power: power?,
            reset: flatten(reset)?,
            pwrkey: flatten(pwrkey)?,
            sense: flatten(sense)?,
            isolate: flatten(isolate)?,
            reflash: flatten(reflash)?,
        })))
    }

    /// Notes the wires of a simulated rig.
    fn no_wires(&mut self, keys: &RigKeys) {
        let wires = [
            keys.serial.as_ref().map(|part| part.at),
            keys.power.as_ref().map(|part| part.at),
            keys.reset.as_ref().map(|part| part.at),
            keys.pwrkey.as_ref().map(|part| part.at),
            keys.sense.as_ref().map(|part| part.at),
            keys.isolate.as_ref().map(|part| part.at),
            keys.reflash.as_ref().map(|part| part.at),
        ];
        for at in wires.into_iter().flatten() {
            let key = self.reader.key(at);
            let why = InvalidValue::new("does not go with `simulated`, which replaces every wire")
                .label("a wire")
                .help(format!(
                    "remove `{key}`, or remove `simulated` for a rig with wires"
                ));
            self.reader.key_mistake(at, why);
        }
    }

    /// A rig with wires needs these keys.
    fn missing(&mut self, keys: &RigKeys, missing: &[&str]) {
        let at = self.reader.document().tree().mark(keys.rig.at);
        let message = format!(
            "{} missing: a rig with wires needs `serial` and `power`",
            ticked(missing)
        );
        let problem = Problem::at(at, message, "of this rig");
        self.reader
            .problem(problem.help("a simulated rig has `simulated` in their place"));
    }

    fn reflash(&mut self, keys: &ReflashKeys) -> Option<Reflash> {
        Some(Reflash::Program {
            command: self.lines().program(keys.command.iter())?,
            timeout: self.reader.option(&keys.timeout).unwrap_or(REFLASH_TIMEOUT),
        })
    }

    fn simulated(&mut self, keys: &SimulatedKeys) -> Option<Simulated> {
        let firmware = self.reader.read(&keys.firmware);
        Some(Simulated {
            defects: self.reader.list(keys.defects.iter().flatten()),
            dialects: self.reader.list(keys.dialects.iter().flatten()),
            seed: self.reader.option(&keys.seed),
            speed: self.reader.option(&keys.speed).unwrap_or(1.0),
            firmware: firmware?,
        })
    }

    fn serial(&mut self, keys: &SerialKeys) -> Option<Serial> {
        let port = self.reader.read(&keys.port);
        let baud = self.reader.option(&keys.baud);
        let latency = self.reader.option(&keys.latency);
        Some(Serial {
            port: port?,
            baud: baud.unwrap_or(bc66_spec::timing::BAUD_DEFAULT),
            latency: latency.unwrap_or(LATENCY),
        })
    }

    fn power(&mut self, keys: &PowerKeys) -> Option<Power> {
        let driver = self.lines().driver(&LineKeys::power(keys));
        let safe = self.reader.option(&keys.safe);
        let discharge = self.reader.option(&keys.discharge);
        Some(Power {
            driver: driver?,
            safe: safe.unwrap_or(Safe::Off),
            discharge: discharge.unwrap_or(Rig::DISCHARGE),
        })
    }

    fn pulse(&mut self, keys: &PulseKeys, hold: Duration) -> Option<Pulse> {
        let driver = self.lines().driver(&LineKeys::pulse(keys));
        let declared = self.reader.option(&keys.hold);
        Some(Pulse {
            driver: driver?,
            hold: declared.unwrap_or(hold),
        })
    }

    fn lab(&mut self, keys: &Part<LabKeys>) -> RigLab {
        RigLab {
            labgrid: self.reader.option(&keys.labgrid),
            report: self.laboratory(keys),
        }
    }

    /// What the test report names. Beside `labgrid` it may be left out as a whole.
    fn laboratory(&mut self, keys: &Part<LabKeys>) -> Option<Lab> {
        let LabKeys {
            name,
            address,
            location,
            customer,
            item,
            environment,
            external,
            labgrid,
        } = &**keys;
        let is_named = name.is_some() || address.is_some() || location.is_some() || customer.is_some();
        let is_stated = is_named || item.is_some() || environment.is_some() || external.is_some();
        if labgrid.is_some() && !is_stated {
            return None;
        }
        for (key, is_missing) in [("name", name.is_none()), ("address", address.is_none())] {
            if is_missing {
                let at = self.reader.document().tree().mark(keys.at);
                let problem = Problem::at(at, format!("`{key}` missing in `lab`"), "in this one");
                self.reader
                    .problem(problem.help(format!("`{key}` is required, unless `labgrid` is the only key")));
            }
        }
        let name = self.reader.option(name);
        let address = self.reader.option(address);
        let location = self.reader.option(&keys.location);
        let customer = self.reader.option(&keys.customer);
        let item = keys.item.as_ref().map(|keys| self.item(keys));
        let environment = self.reader.option(&keys.environment);
        let external = self.reader.list(keys.external.iter().flatten());
        Some(Lab {
            name: name?,
            address: address?,
            location,
            customer,
            item: item.unwrap_or_default(),
            environment,
            external,
        })
    }

    fn item(&mut self, keys: &LabItemKeys) -> LabItem {
        let received = self.reader.option(&keys.received);
        LabItem {
            received: received.map(|day| day.to_string()),
            condition: self.reader.option(&keys.condition),
            hardware: self.reader.option(&keys.hardware),
        }
    }

    fn network(&mut self, keys: &NetworkKeys) -> Network {
        Network {
            http: keys.http.as_ref().and_then(|keys| self.server(keys)),
            coap: keys.coap.as_ref().and_then(|keys| self.server(keys)),
            apn: self.reader.option(&keys.apn),
            pin: self.reader.option(&keys.pin),
        }
    }

    fn server<A: Literal<Value = String>>(&mut self, keys: &ServerKeys<A>) -> Option<Server> {
        let listen = self.reader.read(&keys.listen);
        let advertise = self.reader.read(&keys.advertise);
        Some(Server {
            listen: listen?,
            advertise: advertise?,
        })
    }
}

/// A part that may be absent, but not broken.
fn flatten<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    part.map_or(Some(None), |part| part.map(Some))
}
