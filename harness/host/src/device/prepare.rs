//! What comes before an update: the module answers, is the one that the rig names, and is on the network.

use crate::device::module::dialogue::{Answer, COMMAND};
use crate::device::module::{Module, Stop};
use bc66_spec::command;
use dfota_core::case::Limits;
use dfota_core::escape::readable;
use dfota_core::event::watched::Watched;
use dfota_core::event::{Event, Measured};
use dfota_core::reply;
use dfota_core::reply::{cereg_state, revision};
use dfota_core::rig_check::mistake::Mistake;
use dfota_core::verdict::Rule;
use dfota_core::version::{Imei, Version};
use std::time::{Duration, Instant};

/// Who the module says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Second line of `ATI`.
    pub model: String,
    pub version: Version,
    /// Its IMEI, where it tells one.
    pub imei: Option<Imei>,
}

/// What is sent after every boot, by the facts that drivers of the module agree on: no echo, numeric errors, no sleep while
/// the harness talks to it.
const SETTINGS: [&str; 4] = ["ATE0", "AT+CMEE=1", "AT+QSCLK=0", "AT+CPSMS=0"];
/// How often `ATI` is asked until it names a version.
const VERSION_TRIES: u32 = 3;
/// Between two questions after the registration.
pub(crate) const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Module {
    /// After a boot: speaks to the module until it answers, makes its settings and asks who it is. `None` when it does not
    /// answer within `limit`.
    pub fn identify(&mut self, limit: Duration) -> Result<Option<Identity>, Stop> {
        self.unreadable = None;
        let silent = self.awake.boot_rom && !self.awake.firmware;
        if !self.sync(limit)? {
            return Ok(None);
        }
        self.is_autobauding(silent);
        for setting in SETTINGS {
            self.query(setting)?;
        }
        let Some((model, version)) = self.ask_for_version()? else {
            return Ok(None);
        };
        let imei = self.query("AT+CGSN=1")?;
        let imei = imei.and_then(|answer| {
            answer
                .value(command::CGSN)
                .and_then(|value| value.trim_matches('"').parse().ok())
        });
        let identity = Identity { model, version, imei };
        self.journal.post(Event::Identity {
            model: identity.model.clone(),
            version: identity.version.clone(),
            imei: identity.imei.clone(),
        });
        Ok(Some(identity))
    }

    /// Notes once that the module was `silent` after its boot ROM until it was spoken to.
    fn is_autobauding(&mut self, silent: bool) {
        if silent && !std::mem::replace(&mut self.autobauding, true) {
            let (meaning, advice) = (Mistake::Autobaud.meaning(), Mistake::Autobaud.advice());
            let text = format!("the module was silent after its boot ROM: {meaning}; {advice}");
            self.journal.post(Event::Note { text });
        }
    }

    /// Model and version, out of `ATI`. A reply that names none is asked for again: noise may have spoilt it. `None` when
    /// none names one; an update that is watched hears of it, for before it the module did.
    fn ask_for_version(&mut self) -> Result<Option<(String, Version)>, Stop> {
        let mut said = None;
        for attempt in 0..VERSION_TRIES {
            if attempt > 0 {
                self.pause(ASK_AGAIN)?;
            }
            let Some(ati) = self.try_command("ATI", COMMAND)? else {
                continue;
            };
            if !ati.end.is_ok() {
                self.refused = Some(ati.end.to_string());
                continue;
            }
            let version = ati.info.iter().find_map(|line| revision(line));
            if let Some(version) = version.and_then(|version| version.parse().ok()) {
                let mut lines = ati.info.iter();
                let model = lines.find(|line| line.starts_with("Quectel_BC")).cloned();
                return Ok(Some((model.unwrap_or_default(), version)));
            }
            let lines: Vec<String> = ati.info.iter().map(|line| readable(line.as_bytes())).collect();
            said = Some(lines.join(" / "));
        }
        let Some(said) = said else { return Ok(None) };
        if self.update.is_some() {
            self.journal.watched(Watched::Unreadable { said: said.clone() });
            self.unreadable = Some(said);
            return Ok(None);
        }
        Err(Stop::rule(
            Rule::WrongModule,
            format!("ATI names no version: it said `{said}`, expected a line `Revision: VERSION`"),
        ))
    }

    /// The network check of the application note, §2.1.3: signal, registration, address.
    pub fn wait_for_network(&mut self, limits: &Limits) -> Result<(), Stop> {
        let deadline = Instant::now() + self.clock.time_out(limits.attach);
        self.enter_pin()?;
        self.set_apn()?;
        self.query("AT+CESQ")?;
        let mut state = None;
        while !matches!(state, Some(1 | 5)) {
            state = self.registration()?;
            if !matches!(state, Some(1 | 5)) {
                self.ask_again(deadline, limits, || match state {
                    Some(state) => {
                        format!("`AT+CEREG?` still says {state}, expected 1 (home) or 5 (roaming)")
                    }
                    None => "`AT+CEREG?` tells no state, expected 1 (home) or 5 (roaming)".into(),
                })?;
            }
        }
        loop {
            let told = self.query("AT+CGPADDR=1")?;
            if tells_address(told.as_ref()) {
                break;
            }
            self.ask_again(deadline, limits, || {
                let said = told.as_ref().and_then(|told| told.info.first());
                let said = said.map_or_else(|| "nothing".to_owned(), |line| format!("`{line}`"));
                format!("`AT+CGPADDR=1` tells no address although the module is registered: it said {said}")
            })?;
        }
        self.measure_attach();
        Ok(())
    }

    /// Unlocks the SIM, where the rig file has its PIN and the SIM asks for it. The PIN itself is written down nowhere.
    pub(crate) fn enter_pin(&mut self) -> Result<(), Stop> {
        let Some(pin) = self.access.pin.clone() else {
            return Ok(());
        };
        let state = self.query("AT+CPIN?")?;
        if state
            .and_then(|answer| answer.value(command::CPIN).map(str::to_owned))
            .as_deref()
            != Some("SIM PIN")
        {
            return Ok(());
        }
        let answer = self.secret_command(&format!("AT+CPIN=\"{pin}\""), "AT+CPIN=\"****\"")?;
        match answer {
            Some(answer) if answer.end.is_ok() => Ok(()),
            // A second try would bring the SIM nearer to its PUK.
            _ => Err(Stop::rule(
                Rule::NotRegistered,
                "the SIM refused the `pin` of the rig file; it is not tried again",
            )),
        }
    }

    /// Sets the access point of the rig file, where another one is set. The module keeps it.
    fn set_apn(&mut self) -> Result<(), Stop> {
        let Some(apn) = self.access.apn.clone() else {
            return Ok(());
        };
        let Some(answer) = self.query("AT+QCGDEFCONT?")? else {
            self.journal.post(Event::Note {
                text: format!("the module does not tell its access point: `{apn}` is left to it"),
            });
            return Ok(());
        };
        let quoted = format!("\"{apn}\"");
        if answer
            .value("+QCGDEFCONT")
            .is_some_and(|value| value.contains(&quoted))
        {
            return Ok(());
        }
        for command in [
            "AT+CFUN=0",
            &format!("AT+QCGDEFCONT=\"IP\",{quoted}"),
            "AT+CFUN=1",
        ] {
            self.query(command)?;
        }
        Ok(())
    }

    /// What `AT+CEREG?` says.
    pub(crate) fn registration(&mut self) -> Result<Option<u8>, Stop> {
        let answer = self.query("AT+CEREG?")?;
        Ok(answer.as_ref().and_then(tells_registration))
    }

    fn ask_again(
        &mut self,
        deadline: Instant,
        limits: &Limits,
        seen: impl Fn() -> String,
    ) -> Result<(), Stop> {
        if Instant::now() >= deadline {
            let limit = humantime::format_duration(limits.attach);
            return Err(Stop::rule(
                Rule::NotRegistered,
                format!("{} within the limit `attach` of {limit}", seen()),
            ));
        }
        self.pause(ASK_AGAIN)
    }

    /// Writes a measured time down, in milliseconds of the module's time.
    pub fn measured(&self, name: &str, value: Duration, limit: Option<Duration>) {
        let ms = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
        self.journal.post(Event::Measured(Measured {
            name: name.to_owned(),
            value: ms(value),
            unit: "ms".into(),
            min: None,
            limit: limit.map(ms),
        }));
    }

    /// Sends a command of the update and measures when its result came; the application note allows 300 ms.
    pub fn timed_command(&mut self, name: &str, text: &str) -> Result<Option<Answer>, Stop> {
        let sent = Instant::now();
        let answer = self.try_command(text, COMMAND)?;
        if answer.is_some() {
            let took = self.clock.module_time(sent.elapsed());
            self.measured(
                &format!("response {name}"),
                took,
                Some(bc66_spec::timing::MAX_RESPONSE),
            );
        }
        Ok(answer)
    }
}

/// The state in the answer to `AT+CEREG?`.
pub(crate) fn tells_registration(answer: &Answer) -> Option<u8> {
    answer.info.iter().find_map(|line| cereg_state(line))
}

/// Whether the answer to `AT+CGPADDR` holds an address. One of zeros is none.
pub(crate) fn tells_address(answer: Option<&Answer>) -> bool {
    let mut lines = answer.iter().flat_map(|answer| &answer.info);
    lines.any(|line| reply::pdn_addresses(line).next().is_some())
}
