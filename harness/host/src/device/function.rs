//! The function check: what the module can do beside answering, asked with a handful of queries.

use crate::device::module::dialogue::{Answer, COMMAND};
use crate::device::module::{Module, Stop};
use crate::device::prepare::{ASK_AGAIN, Identity, tells_address, tells_registration};
use bc66_spec::{cme, command};
use dfota_core::capabilities::{Capabilities, SimNumber};
use dfota_core::event::{CapabilityTime, Event};
use dfota_core::reply::Final;
use std::time::{Duration, Instant};

/// How long a SIM may be busy after a boot. Assumed; the note's boot has `+CPIN: READY` right behind `+CFUN: 1` (AN §6.1).
const SIM_BUSY: Duration = Duration::from_secs(10);

/// Registered, and with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    registered: Option<bool>,
    ip: Option<bool>,
}

impl Network {
    const THERE: Self = Self {
        registered: Some(true),
        ip: Some(true),
    };
}

impl Module {
    /// Asks what the module can do and writes it down. Registration and address are waited for up to `wait`; a query that
    /// the module does not answer with OK is not taken.
    pub fn function(
        &mut self,
        when: CapabilityTime,
        who: &Identity,
        wait: Duration,
    ) -> Result<Capabilities, Stop> {
        self.enter_pin()?;
        let mut unanswered = Vec::new();
        let sim = self.sim_is_ready(&mut unanswered)?;
        let cfun = self.probe("AT+CFUN?", &mut unanswered)?;
        let cfun = cfun.and_then(|answer| answer.value(command::CFUN).map(|level| level == "1"));
        // Without a SIM or switched off there is nothing to wait for.
        let wait = match (sim, cfun) {
            (Some(true), Some(true)) => wait,
            _ => Duration::ZERO,
        };
        let network = self.network(wait, &mut unanswered)?;
        let (iccid, imsi) = match sim {
            Some(true) => (
                self.number("AT+QCCID", Some("+QCCID"), &mut unanswered)?,
                self.number("AT+CIMI", None, &mut unanswered)?,
            ),
            _ => (SimNumber::NotAsked, SimNumber::NotAsked),
        };
        let function = Capabilities {
            imei: who.imei.clone(),
            sim,
            cfun,
            registered: network.registered,
            ip: network.ip,
            iccid,
            imsi,
            unanswered,
        };
        self.journal.post(Event::Capabilities {
            when,
            capabilities: function.clone(),
        });
        Ok(function)
    }

    /// A query; one to which no result code came is noted.
    fn probe(&mut self, command: &str, unanswered: &mut Vec<String>) -> Result<Option<Answer>, Stop> {
        let answer = self.try_command(command, COMMAND)?;
        if answer.is_none() {
            unanswered.push(command.to_owned());
        }
        Ok(answer.filter(|answer| answer.end.is_ok()))
    }

    /// `AT+CPIN?`; a SIM that is busy, as it is right after a boot, is asked again. Any other error says that it is not
    /// ready.
    fn sim_is_ready(&mut self, unanswered: &mut Vec<String>) -> Result<Option<bool>, Stop> {
        let deadline = Instant::now() + self.clock.time_out(SIM_BUSY);
        loop {
            let Some(answer) = self.try_command("AT+CPIN?", COMMAND)? else {
                unanswered.push("AT+CPIN?".to_owned());
                return Ok(None);
            };
            let busy = answer.end == Final::Cme(cme::SIM_BUSY);
            if !busy || Instant::now() >= deadline {
                let ready = answer.value(command::CPIN) == Some("READY");
                return Ok(Some(answer.end.is_ok() && ready));
            }
            self.pause(ASK_AGAIN)?;
        }
    }

    /// A number of the SIM: the value behind `name`, or a line of digits alone (3GPP TS 27.007 §5.6 for `AT+CIMI`).
    fn number(
        &mut self,
        command: &str,
        name: Option<&str>,
        unanswered: &mut Vec<String>,
    ) -> Result<SimNumber, Stop> {
        let answer = self.probe(command, unanswered)?;
        let told = answer.and_then(|answer| {
            let named = name.and_then(|name| answer.value(name).map(str::to_owned));
            let digits =
                |line: &&String| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_hexdigit());
            named.or_else(|| answer.info.iter().find(digits).cloned())
        });
        let told = told.map(|number| number.trim_matches('"').to_owned());
        Ok(told
            .filter(|number| !number.is_empty())
            .map_or(SimNumber::Nothing, SimNumber::Is))
    }

    fn network(&mut self, wait: Duration, unanswered: &mut Vec<String>) -> Result<Network, Stop> {
        let deadline = Instant::now() + self.clock.time_out(wait);
        loop {
            let mut silent = Vec::new();
            let answer = self.probe("AT+CEREG?", &mut silent)?;
            let state = answer.as_ref().and_then(tells_registration);
            let registered = state.map(|state| matches!(state, 1 | 5));
            // Without a registration there is no address to ask for.
            let ip =
                registered != Some(false) && tells_address(self.probe("AT+CGPADDR=1", &mut silent)?.as_ref());
            let network = Network {
                registered,
                ip: Some(ip),
            };
            if network == Network::THERE {
                self.measure_attach();
                return Ok(network);
            }
            if wait.is_zero() || Instant::now() >= deadline {
                unanswered.append(&mut silent);
                return Ok(network);
            }
            self.pause(ASK_AGAIN)?;
        }
    }
}
