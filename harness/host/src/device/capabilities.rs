//! What the module can do beside answering, asked with a handful of queries.

use crate::device::dut::dialogue::{AtResponse, COMMAND};
use crate::device::dut::{Dut, Stop};
use crate::device::identity::ModuleIdentity;
use crate::device::network::{ASK_AGAIN, is_registered, tells_address, tells_registration};
use bc66_spec::{cme, command};
use dfota_core::capabilities::{Capabilities, SimNumber};
use dfota_core::event::{CapabilityTime, Event};
use dfota_core::reply::Final;
use std::time::{Duration, Instant};

/// How long a SIM may be busy after a boot. Assumed; the note's boot has `+CPIN: READY` right behind `+CFUN: 1` (AN §6.1).
const SIM_BUSY: Duration = Duration::from_secs(10);

impl Dut {
    /// Asks what the module can do and writes it down. Registration and address are waited for up to `wait`; what the module
    /// does not answer with OK stays unknown.
    pub fn capabilities(
        &mut self,
        when: CapabilityTime,
        identity: &ModuleIdentity,
        wait: Duration,
    ) -> Result<Capabilities, Stop> {
        self.enter_pin()?;
        let mut seen = Capabilities {
            imei: identity.imei.clone(),
            ..Capabilities::default()
        };
        seen.sim = self.sim_is_ready(&mut seen.unanswered)?;
        let cfun = self.probe("AT+CFUN?", &mut seen.unanswered)?;
        seen.cfun = cfun.and_then(|answer| answer.value(command::CFUN).map(|level| level == "1"));
        let sim = seen.sim == Some(true);
        // Without a SIM or switched off there is nothing to wait for.
        let may_register = sim && seen.cfun == Some(true);
        self.ask_network(if may_register { wait } else { Duration::ZERO }, &mut seen)?;
        if sim {
            seen.iccid = self.number("AT+QCCID", Some("+QCCID"), &mut seen.unanswered)?;
            seen.imsi = self.number("AT+CIMI", None, &mut seen.unanswered)?;
        }
        self.journal.post(Event::Capabilities {
            when,
            capabilities: seen.clone(),
        });
        Ok(seen)
    }

    /// A query; one to which no result code came is noted.
    fn probe(&mut self, command: &str, unanswered: &mut Vec<String>) -> Result<Option<AtResponse>, Stop> {
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
        let number = answer.and_then(|answer| {
            let named = name.and_then(|name| answer.value(name).map(str::to_owned));
            let digits =
                |line: &&String| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_hexdigit());
            named.or_else(|| answer.info.iter().find(digits).cloned())
        });
        let number = number.map(|number| number.trim_matches('"').to_owned());
        Ok(number
            .filter(|number| !number.is_empty())
            .map_or(SimNumber::Nothing, SimNumber::Is))
    }

    fn ask_network(&mut self, wait: Duration, seen: &mut Capabilities) -> Result<(), Stop> {
        let deadline = Instant::now() + self.clock.time_out(wait);
        let noted = seen.unanswered.len();
        loop {
            // A query without an answer counts only in the last round.
            seen.unanswered.truncate(noted);
            let answer = self.probe("AT+CEREG?", &mut seen.unanswered)?;
            let state = answer.as_ref().and_then(tells_registration);
            seen.registered = state.map(is_registered);
            // Without a registration there is no address to ask for.
            let ip = seen.registered != Some(false)
                && tells_address(self.probe("AT+CGPADDR=1", &mut seen.unanswered)?.as_ref());
            seen.ip = Some(ip);
            if ip && seen.registered == Some(true) {
                self.measure_attach();
                return Ok(());
            }
            if wait.is_zero() || Instant::now() >= deadline {
                return Ok(());
            }
            self.pause(ASK_AGAIN)?;
        }
    }
}
