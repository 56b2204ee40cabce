//! The module on the network: its SIM unlocked, its access point set, registered, with an address.

use crate::device::dut::dialogue::AtResponse;
use crate::device::dut::{Dut, Stop};
use bc66_spec::command;
use dfota_core::case::Limits;
use dfota_core::event::Event;
use dfota_core::reply::{cereg_state, pdn_addresses};
use dfota_core::verdict::Rule;
use std::time::{Duration, Instant};

/// Between two questions after the registration.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Dut {
    /// The network check of the application note, §2.1.3: signal, registration, address.
    pub fn wait_for_network(&mut self, limits: &Limits) -> Result<(), Stop> {
        let deadline = Instant::now() + self.clock.time_out(limits.attach);
        self.enter_pin()?;
        self.set_apn()?;
        self.query("AT+CESQ")?;
        loop {
            let answer = self.query("AT+CEREG?")?;
            let state = answer.as_ref().and_then(tells_registration);
            if state.is_some_and(is_registered) {
                break;
            }
            let said = state.map_or("tells no state".to_owned(), |state| format!("still says {state}"));
            let seen = format!("`AT+CEREG?` {said}, expected 1 (home) or 5 (roaming)");
            self.ask_again(deadline, limits, &seen)?;
        }
        loop {
            let answer = self.query("AT+CGPADDR=1")?;
            if tells_address(answer.as_ref()) {
                break;
            }
            let said = answer.as_ref().and_then(|answer| answer.info.first());
            let said = said.map_or("nothing".to_owned(), |line| format!("`{line}`"));
            let seen =
                format!("`AT+CGPADDR=1` returned no address although the module is registered: found {said}");
            self.ask_again(deadline, limits, &seen)?;
        }
        self.measure_attach();
        Ok(())
    }

    /// Unlocks the SIM, where the rig file has its PIN and the SIM asks for it. The PIN itself is written down nowhere.
    pub(super) fn enter_pin(&mut self) -> Result<(), Stop> {
        let Some(pin) = self.access.pin.clone() else {
            return Ok(());
        };
        let state = self.query("AT+CPIN?")?;
        if state.is_none_or(|answer| answer.value(command::CPIN) != Some("SIM PIN")) {
            return Ok(());
        }
        let answer = self.secret_command(&format!("AT+CPIN=\"{pin}\""), "AT+CPIN=\"****\"")?;
        if answer.is_some_and(|answer| answer.end.is_ok()) {
            return Ok(());
        }
        // A second try would bring the SIM nearer to its PUK.
        let sentence = "the SIM refused the `pin` of the rig file; it is not tried again";
        Err(Stop::rule(Rule::NotRegistered, sentence))
    }

    /// Sets the access point of the rig file, where another one is set. The module keeps it.
    fn set_apn(&mut self) -> Result<(), Stop> {
        let Some(apn) = self.access.apn.clone() else {
            return Ok(());
        };
        let Some(answer) = self.query("AT+QCGDEFCONT?")? else {
            self.journal.post(Event::Note {
                text: format!("the module did not report its access point: `{apn}` was not set"),
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

    fn ask_again(&mut self, deadline: Instant, limits: &Limits, seen: &str) -> Result<(), Stop> {
        if Instant::now() >= deadline {
            let limit = humantime::format_duration(limits.attach);
            let sentence = format!("{seen} within the limit `attach` of {limit}");
            return Err(Stop::rule(Rule::NotRegistered, sentence));
        }
        self.pause(ASK_AGAIN)
    }
}

/// Whether a state of `AT+CEREG?` is home or roaming.
pub(super) fn is_registered(state: u8) -> bool {
    matches!(state, 1 | 5)
}

/// The state in the answer to `AT+CEREG?`.
pub(super) fn tells_registration(answer: &AtResponse) -> Option<u8> {
    answer.info.iter().find_map(|line| cereg_state(line))
}

/// Whether the answer to `AT+CGPADDR` holds an address. One of zeros is none.
pub(super) fn tells_address(answer: Option<&AtResponse>) -> bool {
    let mut lines = answer.iter().flat_map(|answer| &answer.info);
    lines.any(|line| pdn_addresses(line).next().is_some())
}
