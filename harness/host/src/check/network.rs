//! The module on the air: SIM, registration, signal.

use super::{CheckResult, RigChecker, completed};
use crate::device::dut::dialogue::COMMAND;
use bc66_spec::command;
use dfota_core::rig_check::Probe;
use std::time::Instant;

/// What `AT+CESQ` says for "not known": 255 in the fields of NB-IoT (3GPP TS 27.007 §8.69).
const UNKNOWN: u16 = 255;
/// RSRP in dBm is the index minus this (3GPP TS 27.007 §8.69).
const RSRP_OFFSET: i32 = 141;

impl RigChecker<'_> {
    pub(super) fn on_the_air(&mut self) -> CheckResult {
        if !self.terms.network {
            for probe in [Probe::Sim, Probe::Registration, Probe::Signal] {
                self.skip(
                    probe,
                    "the rig file names no `network`: updates go over UART alone",
                );
            }
        } else if completed(self.sim())?.is_some() {
            completed(self.registration())?;
            self.signal()?;
        } else {
            for probe in [Probe::Registration, Probe::Signal] {
                self.skip(probe, "no SIM is ready");
            }
        }
        Ok(())
    }

    fn sim(&mut self) -> CheckResult {
        let limit = self.limits.boot;
        let pin = self.module().access.pin.is_some();
        self.waits("the SIM", limit);
        let module = self.module();
        let answer = module
            .wait(limit, |module| module.awake.sim_ready || pin)
            .and_then(|_| module.try_command("AT+CPIN?", COMMAND));
        let answer = self.reported(Probe::Sim, answer)?;
        match answer.as_ref().and_then(|answer| answer.value(command::CPIN)) {
            Some("READY") => self.ok(Probe::Sim, "`+CPIN: READY`"),
            Some("SIM PIN") if pin => self.ok(Probe::Sim, "it asks for its PIN, which the rig file has"),
            Some(state) => {
                let advice = "put the SIM's `pin` into `network` of the rig file; one that asks for its PUK is blocked";
                return Err(self.fail(Probe::Sim, format!("`+CPIN: {state}`"), advice));
            }
            None => {
                let said = answer.map_or_else(|| "no answer".to_owned(), |answer| answer.end.to_string());
                return Err(self.fail(
                    Probe::Sim,
                    format!("`AT+CPIN?` returned no state: {said}"),
                    "check that the SIM is in, the right way round",
                ));
            }
        }
        Ok(())
    }

    fn registration(&mut self) -> CheckResult {
        let began = Instant::now();
        let limits = self.limits;
        self.waits("registration and an address", limits.attach);
        let registered = self.module().wait_for_network(&limits);
        self.reported(Probe::Registration, registered)?;
        let seen = format!("registered, with an address, after {}", self.elapsed(began));
        self.ok(Probe::Registration, seen);
        Ok(())
    }

    /// The signal by `AT+CESQ`, or by the older `AT+CSQ` where the newer one does not tell it.
    fn signal(&mut self) -> CheckResult {
        if let Some(dbm) = self.ask_signal("AT+CESQ", command::CESQ, rsrp)? {
            self.ok(Probe::Signal, format!("RSRP {dbm} dBm"));
        } else if let Some(dbm) = self.ask_signal("AT+CSQ", "+CSQ", rssi)? {
            self.ok(Probe::Signal, format!("RSSI {dbm} dBm"));
        } else {
            self.skip(Probe::Signal, "neither `AT+CESQ` nor `AT+CSQ` returned a level");
        }
        Ok(())
    }

    fn ask_signal(
        &mut self,
        query: &str,
        name: &str,
        dbm: fn(&str) -> Option<i32>,
    ) -> CheckResult<Option<i32>> {
        let answer = self.module().query(query);
        let answer = self.reported(Probe::Signal, answer)?;
        Ok(answer.and_then(|answer| dbm(answer.value(name)?)))
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
    #[case(rsrp, "47,6,255,255,0,54", Some(-87))] // AN §2.1.3
    #[case(rsrp, "99,99,255,255,255,255", None)]
    #[case(rsrp, "", None)]
    #[case(rssi, "31,0", Some(-51))]
    #[case(rssi, "0,0", Some(-113))]
    #[case(rssi, "99,99", None)]
    fn signals(#[case] tell: fn(&str) -> Option<i32>, #[case] fields: &str, #[case] dbm: Option<i32>) {
        assert_eq!(tell(fields), dbm);
    }
}
