//! The module's identity: waits for its first answer, then reads model, version and IMEI.

use crate::device::dut::dialogue::{COMMAND, Synced};
use crate::device::dut::{Dut, Stop};
use crate::device::network::ASK_AGAIN;
use bc66_spec::command;
use dfota_core::escape::readable;
use dfota_core::event::Event;
use dfota_core::event::watched::Watched;
use dfota_core::reply::{Final, revision};
use dfota_core::rig_check::mistake::Mistake;
use dfota_core::verdict::Rule;
use dfota_core::version::{Imei, Version};
use std::time::Duration;

/// Who the module says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleIdentity {
    /// Second line of `ATI`.
    pub model: String,
    pub version: Version,
    pub imei: Option<Imei>,
}

/// What is sent after every boot, by the facts that drivers of the module agree on: no echo, numeric errors, no sleep while
/// the harness talks to it.
const SETTINGS: [&str; 4] = ["ATE0", "AT+CMEE=1", "AT+QSCLK=0", "AT+CPSMS=0"];
/// How often `ATI` is asked until it names a version.
const VERSION_TRIES: u32 = 3;

/// Why the module did not say who it is.
#[derive(Debug)]
pub struct NoIdentity {
    /// What it answered last in place of OK.
    pub refused: Option<Final>,
    /// It answered OK, and its version cannot be read. The journal has what it said.
    pub unreadable: bool,
}

/// Who the module is; `Err` when it does not say.
pub type Identified = Result<ModuleIdentity, NoIdentity>;

impl Dut {
    /// After a boot: sends `AT` until the module answers, makes its settings and asks who it is.
    pub fn identify(&mut self, limit: Duration) -> Result<Identified, Stop> {
        let silent = self.awake.boot_rom && !self.awake.firmware;
        if let Synced::No { refused } = self.synchronise(limit)? {
            let unreadable = false;
            return Ok(Err(NoIdentity { refused, unreadable }));
        }
        self.note_autobauding(silent);
        for setting in SETTINGS {
            self.query(setting)?;
        }
        let mut identity = match self.ask_for_version()? {
            Ok(identity) => identity,
            no => return Ok(no),
        };
        let imei = self.query("AT+CGSN=1")?;
        identity.imei = imei.and_then(|answer| {
            let value = answer.value(command::CGSN)?;
            value.trim_matches('"').parse().ok()
        });
        self.journal.post(Event::Identity {
            model: identity.model.clone(),
            version: identity.version.clone(),
            imei: identity.imei.clone(),
        });
        Ok(Ok(identity))
    }

    /// Notes once that the module was `silent` after its boot ROM until it was sent something.
    fn note_autobauding(&mut self, silent: bool) {
        if silent && !std::mem::replace(&mut self.autobauding_noted, true) {
            let (meaning, advice) = (Mistake::Autobaud.meaning(), Mistake::Autobaud.advice());
            let text = format!("the module was silent after its boot ROM: {meaning}; {advice}");
            self.journal.post(Event::Note { text });
        }
    }

    /// Model and version, out of `ATI`. A reply that names none is asked for again: noise may have garbled it. While an
    /// update is watched, a version that cannot be read is a finding about it, for the module told its version before.
    fn ask_for_version(&mut self) -> Result<Identified, Stop> {
        let (mut refused, mut unreadable) = (None, None);
        for attempt in 0..VERSION_TRIES {
            if attempt > 0 {
                self.pause(ASK_AGAIN)?;
            }
            let Some(ati) = self.try_command("ATI", COMMAND)? else {
                continue;
            };
            if !ati.end.is_ok() {
                refused = Some(ati.end);
                continue;
            }
            let version = ati.info.iter().find_map(|line| revision(line));
            if let Some(version) = version.and_then(|version| version.parse().ok()) {
                let mut lines = ati.info.iter();
                let model = lines.find(|line| line.starts_with("Quectel_BC")).cloned();
                return Ok(Ok(ModuleIdentity {
                    model: model.unwrap_or_default(),
                    version,
                    imei: None,
                }));
            }
            let lines: Vec<String> = ati.info.iter().map(|line| readable(line.as_bytes())).collect();
            unreadable = Some(lines.join(" / "));
        }
        let no = NoIdentity {
            refused,
            unreadable: unreadable.is_some(),
        };
        let Some(said) = unreadable else {
            return Ok(Err(no));
        };
        if self.watch.update.is_some() {
            self.journal.watched(Watched::Unreadable { said });
            return Ok(Err(no));
        }
        Err(Stop::rule(
            Rule::WrongModule,
            format!("ATI names no version: it said `{said}`, expected a line `Revision: VERSION`"),
        ))
    }
}
