//! Loads a rig file: keys into a [`Rig`], every mistake with its place.

use crate::config::rig::reflash::Reflash;
use crate::config::rig::rig_keys::{
    IsolateKeys, LabItemKeys, LabKeys, NetworkKeys, PowerKeys, PulseKeys, ReflashKeys, RigKeys, SenseKeys,
    SerialKeys, SimulatedKeys,
};
use crate::config::rig::rig_literals::{Baud, DriverName, Level, Pin, Speed, Updates, Use};
use crate::config::rig::{
    Bench, Driver, LineId, Link, Network, Power, Pulse, Rig, Safe, Serial, Server, Simulated,
};
use crate::config::yaml::document::Document;
use crate::config::yaml::file_error::{FileError, Problem};
use crate::config::yaml::literal::{Literal, Mistake};
use crate::config::yaml::nearest::ticked;
use crate::config::yaml::node_path::NodePath;
use crate::config::yaml::raw::Raw;
use crate::config::yaml::reader::Reader;
use dfota_core::event::lab::{Lab, LabItem};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a byte may sit in an adapter that does not say: FTDI chips hold it for 16 ms.
const LATENCY: Duration = Duration::from_millis(20);
/// Longest run of a program that moves a line.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
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
        Self::of(&document, canonical)
    }

    /// The rig in a document; `canonical` is the path of its file.
    pub fn of(document: &Document, canonical: PathBuf) -> Result<Self, FileError> {
        document.is_a("rig", "suite", SWAPPED)?;
        let (keys, problems): (RigKeys, _) = document.keys()?;
        let mut file = RigFile {
            reader: Reader::with(document, problems),
            folder: canonical.parent().unwrap_or(Path::new(".")).to_owned(),
        };
        let root = NodePath::root();
        let name = file.reader.read(&root.key("rig"), &keys.rig);
        let module = file.reader.read(&root.key("module"), &keys.module);
        let link = file.link(&keys);
        let network = keys.network.as_ref().map(|keys| file.network(keys));
        let updates = root.key("wear").key("updates");
        let wear = keys
            .wear
            .as_ref()
            .and_then(|keys| file.reader.read(&updates, &keys.updates));
        let lab = keys.lab.as_ref().and_then(|keys| file.lab(keys));
        let labels = keys.labels.unwrap_or_default();
        let labels = file.reader.read_list(&root.key("labels"), &labels);
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
            wear: wear.map(|Updates(updates)| updates),
            lab,
            labels,
        })
    }
}

struct RigFile<'d> {
    reader: Reader<'d>,
    /// Where the file is, whatever the working folder: its programs are looked for from there.
    folder: PathBuf,
}

/// The keys of one line, of whatever driver.
struct LineKeys<'k> {
    used: Use,
    driver: &'k Raw<DriverName>,
    chip: Option<&'k Raw<String>>,
    line: Option<&'k Raw<LineId>>,
    pin: Option<&'k Raw<Pin>>,
    active: Option<&'k Raw<Level>>,
    /// `on` and `off`, or `pulse` alone.
    commands: Vec<(&'static str, Option<&'k [Raw<String>]>)>,
    timeout: Option<&'k Raw<Duration>>,
    control: Option<&'k Raw<String>>,
}

impl<'k> LineKeys<'k> {
    fn of_power(keys: &'k PowerKeys) -> Self {
        Self {
            used: Use::Supply,
            driver: &keys.driver,
            chip: keys.chip.as_ref(),
            line: keys.line.as_ref(),
            pin: keys.pin.as_ref(),
            active: keys.active.as_ref(),
            commands: vec![("on", keys.on.as_deref()), ("off", keys.off.as_deref())],
            timeout: keys.timeout.as_ref(),
            control: keys.control.as_ref(),
        }
    }

    fn of_pulse(keys: &'k PulseKeys) -> Self {
        Self {
            used: Use::Pulse,
            driver: &keys.driver,
            chip: keys.chip.as_ref(),
            line: keys.line.as_ref(),
            pin: keys.pin.as_ref(),
            active: keys.active.as_ref(),
            commands: vec![("pulse", keys.pulse.as_deref())],
            timeout: keys.timeout.as_ref(),
            control: keys.control.as_ref(),
        }
    }

    fn of_sense(keys: &'k SenseKeys) -> Self {
        Self {
            used: Use::Sense,
            driver: &keys.driver,
            chip: keys.chip.as_ref(),
            line: keys.line.as_ref(),
            pin: keys.pin.as_ref(),
            active: keys.active.as_ref(),
            commands: Vec::new(),
            timeout: None,
            control: keys.control.as_ref(),
        }
    }

    fn of_isolate(keys: &'k IsolateKeys) -> Self {
        Self {
            used: Use::Isolate,
            driver: &keys.driver,
            chip: keys.chip.as_ref(),
            line: keys.line.as_ref(),
            pin: keys.pin.as_ref(),
            active: keys.active.as_ref(),
            commands: vec![("on", keys.on.as_deref()), ("off", keys.off.as_deref())],
            timeout: keys.timeout.as_ref(),
            control: None,
        }
    }

    /// The driver's keys that are there.
    fn present(&self) -> Vec<&'static str> {
        let singles = [
            ("chip", self.chip.is_some()),
            ("line", self.line.is_some()),
            ("pin", self.pin.is_some()),
            ("active", self.active.is_some()),
            ("timeout", self.timeout.is_some()),
            ("control", self.control.is_some()),
        ];
        let commands = self
            .commands
            .iter()
            .map(|(key, command)| (*key, command.is_some()));
        let all = singles.into_iter().chain(commands);
        all.filter(|(_, there)| *there).map(|(key, _)| key).collect()
    }
}

impl RigFile<'_> {
    fn link(&mut self, keys: &RigKeys) -> Option<Link> {
        let root = NodePath::root();
        let wired = [
            ("serial", keys.serial.is_some()),
            ("power", keys.power.is_some()),
            ("reset", keys.reset.is_some()),
            ("pwrkey", keys.pwrkey.is_some()),
            ("sense", keys.sense.is_some()),
            ("isolate", keys.isolate.is_some()),
            ("reflash", keys.reflash.is_some()),
        ];
        if let Some(simulated) = &keys.simulated {
            for (key, _) in wired.iter().filter(|(_, there)| *there) {
                let why = Mistake::new("does not go with `simulated`, which stands in for every wire")
                    .label("a wire")
                    .help(format!(
                        "remove `{key}`, or remove `simulated` for a rig with wires"
                    ));
                self.reader.key_mistake(&root.key(key), why);
            }
            return self.simulated(simulated).map(Link::Simulated);
        }
        let (Some(serial), Some(power)) = (&keys.serial, &keys.power) else {
            let missing = wired[..2].iter().filter(|(_, there)| !there);
            self.missing(&missing.map(|(key, _)| *key).collect::<Vec<_>>());
            return None;
        };
        let serial = self.serial(serial);
        let power = self.power(power);
        let reset = keys
            .reset
            .as_ref()
            .map(|keys| self.pulse("reset", keys, RESET_HOLD));
        let pwrkey = keys
            .pwrkey
            .as_ref()
            .map(|keys| self.pulse("pwrkey", keys, PWRKEY_HOLD));
        let sense = keys.sense.as_ref().map(LineKeys::of_sense);
        let sense = sense.map(|keys| self.driver(&root.key("sense"), &keys));
        let isolate = keys.isolate.as_ref().map(LineKeys::of_isolate);
        let isolate = isolate.map(|keys| self.driver(&root.key("isolate"), &keys));
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

    /// A rig with wires needs these keys.
    fn missing(&mut self, keys: &[&str]) {
        let at = self.reader.document().tree().mark(&NodePath::root().key("rig"));
        let message = format!(
            "{} missing: a rig with wires needs `serial` and `power`",
            ticked(keys)
        );
        let problem = Problem::at(at, message, "of this rig");
        self.reader
            .problem(problem.help("a simulated rig has `simulated` in their place"));
    }

    fn reflash(&mut self, keys: &ReflashKeys) -> Option<Reflash> {
        let at = NodePath::root().key("reflash");
        let command = self.program(&at, "command", Some(&keys.command));
        let timeout = self.reader.read_option(&at.key("timeout"), keys.timeout.as_ref());
        Some(Reflash::Program {
            command: command?,
            timeout: timeout.unwrap_or(REFLASH_TIMEOUT),
        })
    }

    fn simulated(&mut self, keys: &SimulatedKeys) -> Option<Simulated> {
        let at = NodePath::root().key("simulated");
        let firmware = self.reader.read(&at.key("firmware"), &keys.firmware);
        let speed = self.reader.read_option(&at.key("speed"), keys.speed.as_ref());
        let defects = keys.defects.as_deref().unwrap_or_default();
        let dialects = keys.dialects.as_deref().unwrap_or_default();
        Some(Simulated {
            defects: self.reader.read_list(&at.key("defects"), defects),
            dialects: self.reader.read_list(&at.key("dialects"), dialects),
            seed: self.reader.read_option(&at.key("seed"), keys.seed.as_ref()),
            speed: speed.map_or(1.0, |Speed(speed)| speed),
            firmware: firmware?,
        })
    }

    fn serial(&mut self, keys: &SerialKeys) -> Option<Serial> {
        let at = NodePath::root().key("serial");
        let port = self.reader.read(&at.key("port"), &keys.port);
        let baud = self.reader.read_option(&at.key("baud"), keys.baud.as_ref());
        let latency = self.reader.read_option(&at.key("latency"), keys.latency.as_ref());
        Some(Serial {
            port: port?,
            baud: baud.map_or(bc66_spec::timing::BAUD_DEFAULT, |Baud(baud)| baud),
            latency: latency.unwrap_or(LATENCY),
        })
    }

    fn power(&mut self, keys: &PowerKeys) -> Option<Power> {
        let at = NodePath::root().key("power");
        let driver = self.driver(&at, &LineKeys::of_power(keys));
        let safe = self.reader.read_option(&at.key("safe"), keys.safe.as_ref());
        let discharge = self
            .reader
            .read_option(&at.key("discharge"), keys.discharge.as_ref());
        Some(Power {
            driver: driver?,
            safe: safe.unwrap_or(Safe::Off),
            discharge: discharge.unwrap_or(Rig::DISCHARGE),
        })
    }

    fn pulse(&mut self, name: &str, keys: &PulseKeys, hold: Duration) -> Option<Pulse> {
        let at = NodePath::root().key(name);
        let driver = self.driver(&at, &LineKeys::of_pulse(keys));
        let declared = self.reader.read_option(&at.key("hold"), keys.hold.as_ref());
        if declared == Some(Duration::ZERO) {
            let why = Mistake::new("a pulse of no length moves nothing");
            self.reader.mistake(&at.key("hold"), why);
        }
        Some(Pulse {
            driver: driver?,
            hold: declared.unwrap_or(hold),
        })
    }

    fn driver(&mut self, at: &NodePath, keys: &LineKeys<'_>) -> Option<Driver> {
        let name = self.reader.read(&at.key("driver"), keys.driver)?;
        if let Some(why) = name.unfit(keys.used) {
            let why = Mistake::new(format!("the driver `{}` does not fit here: {why}", name.name()));
            self.reader.mistake(&at.key("driver"), why);
            return None;
        }
        let own = name.keys(keys.used);
        for key in keys.present().into_iter().filter(|key| !own.contains(key)) {
            let why = Mistake::new(format!("is no key of the driver `{}`", name.name()))
                .label("of another driver")
                .help(format!("its keys are {}", ticked(own)));
            self.reader.key_mistake(&at.key(key), why);
        }
        match name {
            DriverName::GpioChip => {
                let chip = self.reader.read_option(&at.key("chip"), keys.chip);
                let line = self.required(at, "line", name, keys.line);
                if let (None, Some(LineId::Offset(offset))) = (keys.chip, &line) {
                    self.number_alone(at, *offset);
                }
                Some(Driver::GpioChip {
                    active_high: self.active_high(at, keys),
                    chip: chip.map(PathBuf::from),
                    line: line?,
                })
            }
            DriverName::Rppal => {
                let pin = self.required(at, "pin", name, keys.pin);
                Some(Driver::Rppal {
                    active_high: self.active_high(at, keys),
                    pin: pin?.0,
                })
            }
            DriverName::Simulated => {
                let control = self.required(at, "control", name, keys.control)?;
                Some(Driver::Simulated {
                    control: PathBuf::from(control),
                })
            }
            DriverName::Command => self.command(at, keys),
        }
    }

    fn command(&mut self, at: &NodePath, keys: &LineKeys<'_>) -> Option<Driver> {
        let timeout = self.reader.read_option(&at.key("timeout"), keys.timeout);
        let timeout = timeout.unwrap_or(COMMAND_TIMEOUT);
        let mut words = Vec::new();
        for (key, command) in &keys.commands {
            words.push(self.program(at, key, *command));
        }
        let mut words = words.into_iter();
        let first = words.next().flatten();
        if keys.used == Use::Pulse {
            return Some(Driver::PulseCommand {
                pulse: first?,
                timeout,
            });
        }
        let off = words.next().flatten();
        Some(Driver::Command {
            on: first?,
            off: off?,
            timeout,
        })
    }

    fn program(&mut self, at: &NodePath, key: &str, command: Option<&[Raw<String>]>) -> Option<Vec<String>> {
        match command {
            None => {
                self.absent(at, key, DriverName::Command);
                None
            }
            Some([]) => {
                let why = Mistake::new("expected a program and its arguments, found an empty list")
                    .label("nothing to run")
                    .help("as in `[relay, \"1\", \"on\"]`");
                self.reader.mistake(&at.key(key), why);
                None
            }
            Some(words) => {
                let mut words: Vec<String> = self.reader.read_list(&at.key(key), words);
                if let Some(program) = words.first_mut().filter(|word| word.contains('/')) {
                    let found = self.folder.join(program.strip_prefix("./").unwrap_or(program));
                    *program = found.to_string_lossy().into_owned();
                }
                Some(words)
            }
        }
    }

    fn active_high(&mut self, at: &NodePath, keys: &LineKeys<'_>) -> bool {
        let level = self.reader.read_option(&at.key("active"), keys.active);
        level != Some(Level::Low)
    }

    fn required<T: Literal>(
        &mut self,
        at: &NodePath,
        key: &str,
        driver: DriverName,
        raw: Option<&Raw<T>>,
    ) -> Option<T> {
        if raw.is_none() {
            self.absent(at, key, driver);
        }
        self.reader.read_option(&at.key(key), raw)
    }

    /// The same number is another line of another chip, and chips are numbered as the kernel likes.
    fn number_alone(&mut self, at: &NodePath, offset: u32) {
        let why = Mistake::new(format!("line {offset} of which chip? a number needs `chip`"))
            .label("needs `chip`")
            .help(format!("a name needs none and stays right where chips are numbered anew: `line: GPIO{offset}`; `gpioinfo` lists names"));
        self.reader.mistake(&at.key("line"), why);
    }

    fn absent(&mut self, at: &NodePath, key: &str, driver: DriverName) {
        let why = Mistake::new(format!(
            "the driver `{}` needs `{key}`, which is missing",
            driver.name()
        ))
        .label(format!("needs `{key}`"));
        self.reader.mistake(&at.key("driver"), why);
    }

    fn lab(&mut self, keys: &LabKeys) -> Option<Lab> {
        let at = NodePath::root().key("lab");
        let name = self.words(&at, "name", Some(&keys.name));
        let address = self.words(&at, "address", Some(&keys.address));
        let location = self.words(&at, "location", keys.location.as_ref());
        let customer = self.words(&at, "customer", keys.customer.as_ref());
        let item = keys.item.as_ref().map(|keys| self.item(&at.key("item"), keys));
        let environment = self.words(&at, "environment", keys.environment.as_ref());
        let external = keys.external.as_deref().unwrap_or_default();
        let external = self.reader.read_list(&at.key("external"), external);
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

    fn item(&mut self, at: &NodePath, keys: &LabItemKeys) -> LabItem {
        let received = self
            .reader
            .read_option(&at.key("received"), keys.received.as_ref());
        LabItem {
            received: received.map(|day| day.to_string()),
            condition: self.words(at, "condition", keys.condition.as_ref()),
            hardware: self.words(at, "hardware", keys.hardware.as_ref()),
        }
    }

    fn words(&mut self, at: &NodePath, key: &str, raw: Option<&Raw<String>>) -> Option<String> {
        self.reader.read_option(&at.key(key), raw)
    }

    fn network(&mut self, keys: &NetworkKeys) -> Network {
        let at = NodePath::root().key("network");
        let (http_at, coap_at) = (at.key("http"), at.key("coap"));
        let http = keys.http.as_ref().and_then(|keys| {
            let listen = self.reader.read(&http_at.key("listen"), &keys.listen);
            let advertise = self.reader.read(&http_at.key("advertise"), &keys.advertise);
            Some(Server {
                listen: listen?,
                advertise: advertise?.0,
            })
        });
        let coap = keys.coap.as_ref().and_then(|keys| {
            let listen = self.reader.read(&coap_at.key("listen"), &keys.listen);
            let advertise = self.reader.read(&coap_at.key("advertise"), &keys.advertise);
            Some(Server {
                listen: listen?,
                advertise: advertise?.0,
            })
        });
        Network {
            http,
            coap,
            apn: self.reader.read_option(&at.key("apn"), keys.apn.as_ref()),
            pin: self
                .reader
                .read_option(&at.key("pin"), keys.pin.as_ref())
                .map(|pin| pin.0),
        }
    }
}

/// A part that may be absent, but not broken.
fn flatten<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    match part {
        None => Some(None),
        Some(Some(part)) => Some(Some(part)),
        Some(None) => None,
    }
}
