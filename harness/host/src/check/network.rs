//! The module on the air: SIM, registration, signal.

use super::{RigCheck, Step};
use bc66_spec::command;
use dfota_core::rig_check::Probe;
use std::time::Instant;

/// What `AT+CESQ` says for "not known": 255 in the fields of NB-IoT (3GPP TS 27.007 §8.69).
const UNKNOWN: u16 = 255;
/// RSRP in dBm is the index minus this (3GPP TS 27.007 §8.69).
const RSRP_OFFSET: i32 = 141;

impl RigCheck<'_> {
    pub(super) fn on_the_air(&mut self) -> Step {
        if !self.terms.network {
            for probe in [Probe::Sim, Probe::Registration, Probe::Signal] {
                self.skip(
                    probe,
                    "the rig file names no `network`: updates go over UART alone",
                );
            }
            return Ok(());
        }
        if self.sim()? {
            self.registration()?;
            self.signal()?;
        } else {
            for probe in [Probe::Registration, Probe::Signal] {
                self.skip(probe, "no SIM is ready");
            }
        }
        Ok(())
    }

    fn sim(&mut self) -> Step<bool> {
        let limit = self.limits.boot;
        let pin = self.module().access.pin.is_some();
        self.waits("the SIM", limit);
        let module = self.module();
        let result = module
            .wait(limit, |module| module.awake.sim_ready || pin)
            .and_then(|_| module.try_command("AT+CPIN?", crate::device::module::dialogue::COMMAND));
        let Some(answer) = self.stopped(Probe::Sim, result)? else {
            return Ok(false);
        };
        let state = answer.as_ref().and_then(|answer| answer.value(command::CPIN));
        let said = answer
            .as_ref()
            .map_or_else(|| "no answer".to_owned(), |answer| answer.end.to_string());
        match state {
            Some("READY") => self.ok(Probe::Sim, "`+CPIN: READY`"),
            Some("SIM PIN") if pin => self.ok(Probe::Sim, "it asks for its PIN, which the rig file has"),
            Some(state) => {
                let advice = "put the SIM's `pin` into `network` of the rig file; one that asks for its PUK is blocked";
                self.fail(Probe::Sim, format!("`+CPIN: {state}`"), advice);
                return Ok(false);
            }
            None => {
                self.fail(
                    Probe::Sim,
                    format!("`AT+CPIN?` tells no state: {said}"),
                    "check that the SIM is in, the right way round",
                );
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn registration(&mut self) -> Step {
        let began = Instant::now();
        let limits = self.limits;
        self.waits("registration and an address", limits.attach);
        let result = self.module().wait_for_network(&limits);
        if self.stopped(Probe::Registration, result)?.is_some() {
            let seen = format!("registered, with an address, after {}", self.shown(began));
            self.ok(Probe::Registration, seen);
        }
        Ok(())
    }

    fn signal(&mut self) -> Step {
        let result = self.module().query("AT+CESQ");
        let Some(answer) = self.stopped(Probe::Signal, result)? else {
            return Ok(());
        };
        let fields = answer.and_then(|answer| answer.value(command::CESQ).map(str::to_owned));
        match fields.as_deref().and_then(rsrp) {
            Some(dbm) => self.ok(Probe::Signal, format!("RSRP {dbm} dBm")),
            None => self.quality()?,
        }
        Ok(())
    }

    /// The older command, where the newer one does not say.
    fn quality(&mut self) -> Step {
        let result = self.module().query("AT+CSQ");
        let Some(answer) = self.stopped(Probe::Signal, result)? else {
            return Ok(());
        };
        let fields = answer.and_then(|answer| answer.value("+CSQ").map(str::to_owned));
        match fields.as_deref().and_then(rssi) {
            Some(dbm) => self.ok(Probe::Signal, format!("RSSI {dbm} dBm")),
            None => self.skip(Probe::Signal, "neither `AT+CESQ` nor `AT+CSQ` tells it"),
        }
        Ok(())
    }
}

/// RSRP in dBm, the last field of `+CESQ`.
fn rsrp(fields: &str) -> Option<i32> {
    let index: u16 = fields.rsplit(',').next()?.trim().parse().ok()?;
    (index < UNKNOWN).then(|| i32::from(index) - RSRP_OFFSET)
}

/// RSSI in dBm, the first field of `+CSQ`: two dB a step from -113 (3GPP TS 27.007 §8.5).
fn rssi(fields: &str) -> Option<i32> {
    let index: u16 = fields.split(',').next()?.trim().parse().ok()?;
    (index <= 31).then(|| 2 * i32::from(index) - 113)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("47,6,255,255,0,54", Some(-87))] // AN §2.1.3
    #[case("99,99,255,255,255,255", None)]
    #[case("", None)]
    fn of_cesq(#[case] fields: &str, #[case] dbm: Option<i32>) {
        assert_eq!(rsrp(fields), dbm);
    }

    #[rstest]
    #[case("31,0", Some(-51))]
    #[case("0,0", Some(-113))]
    #[case("99,99", None)]
    fn of_csq(#[case] fields: &str, #[case] dbm: Option<i32>) {
        assert_eq!(rssi(fields), dbm);
    }
}
