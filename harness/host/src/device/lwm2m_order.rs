//! The LwM2M side of an update, from the module's AT interface (AN §4.3, §6.3): configure, register, update the lifetime;
//! and after the reboots the same again, so that state and result can be read back.

use crate::device::dut::dialogue::{COMMAND, no_reply};
use crate::device::dut::{Dut, Stop};
use bc66_spec::lwm2m::{LIFETIME_EXAMPLE_S, command, security};
use dfota_core::case::{Case, Limits};
use dfota_core::event::watched::{ObjectFact, Watched};
use dfota_core::lwm2m::UpdateOptions;
use dfota_core::verdict::Rule;
use dfota_servers::coap::{CoapOffer, CoapServer};
use std::sync::Arc;
use std::time::Duration;

/// How long the server may take from the registration after an update to state and result: a few requests, each of which
/// may be lost a few times (RFC 7252 §4.8.2, MAX_TRANSMIT_WAIT is 93 s).
const READ_BACK: Duration = Duration::from_secs(180);

/// Where the module registers, and what it is to download.
#[derive(Debug)]
pub struct Lwm2mOrder {
    pub server: Arc<CoapServer>,
    /// The package on it.
    pub offer: CoapOffer,
    /// Host of the server, as the module reaches it.
    pub host: String,
    pub port: u16,
    /// The module's name there: its IMEI, as in the application note.
    pub endpoint: String,
}

impl Lwm2mOrder {
    fn not_registered(&self, seen: &str) -> Stop {
        let Self { host, port, .. } = self;
        let sentence = format!("the module did not register at coap://{host}:{port}: {seen}");
        Stop::rule(Rule::NotRegisteredLwm2m, sentence)
    }
}

impl Dut {
    /// Drives the module's update from the server's side, and has the module register there.
    pub(super) fn order_over_lwm2m(&mut self, order: &Lwm2mOrder, case: &Case) -> Result<(), Stop> {
        self.watch.object_ended = false;
        let script = UpdateOptions {
            // The update is ordered too early as well, and has to be refused then.
            execute_early: case.faults.coap.execute_early,
            ..UpdateOptions::new(order.offer.url().to_owned())
        };
        order.server.drive(&order.endpoint, script);
        self.register(order, &case.limits)?;
        // The note's example updates the lifetime right behind the registration (AN §6.3.1). That it is answered is part of
        // the evidence; nothing of the update rests on it.
        self.awake.lwm2m.lifetime = None;
        let lifetime = format!(
            "AT{}={},{LIFETIME_EXAMPLE_S}",
            command::QLWUPDATE,
            command::UPDATE_LIFETIME
        );
        if self.query(&lifetime)?.is_some() {
            self.wait_or_cut(COMMAND, |dut| dut.awake.lwm2m.lifetime.is_some())?;
        }
        Ok(())
    }

    /// Configures and registers; whether a configuration survives a reboot is not known, so both are sent each time.
    fn register(&mut self, order: &Lwm2mOrder, limits: &Limits) -> Result<(), Stop> {
        let configure = format!(
            "AT{}={},\"{}\",{},\"{}\",{LIFETIME_EXAMPLE_S},{}",
            command::QLWCONFIG,
            command::NO_BOOTSTRAP,
            order.host,
            order.port,
            order.endpoint,
            security::NO_SEC
        );
        self.lwm2m_command(&configure)?;
        self.awake.lwm2m.registration = None;
        self.lwm2m_command(&format!("AT{}", command::QLWREG))?;
        self.wait_or_cut(limits.attach, |dut| dut.awake.lwm2m.registration.is_some())?;
        let seen = match self.awake.lwm2m.registration {
            Some(0) => return Ok(()),
            None if self.watch.cut.is_some() => return Ok(()),
            Some(code) => format!("`+QLWREG: {code}` was reported, expected `+QLWREG: 0`"),
            None => {
                let limit = humantime::format_duration(limits.attach);
                format!("no `+QLWREG: 0` came within the limit `attach` of {limit}")
            }
        };
        Err(order.not_registered(&seen))
    }

    fn lwm2m_command(&mut self, text: &str) -> Result<(), Stop> {
        match self.try_command(text, COMMAND)? {
            Some(answer) if answer.end.is_ok() => Ok(()),
            None if self.watch.cut.is_some() => Ok(()),
            None => Err(no_reply(text)),
            Some(answer) => {
                let sentence = format!(
                    "`{text}` was answered with {}, expected OK (application note §6.3.1)",
                    answer.end
                );
                Err(Stop::rule(Rule::UnexpectedReply, sentence))
            }
        }
    }

    /// After the update: registers again and waits for state and result.
    pub fn read_back_over_lwm2m(&mut self, order: &Lwm2mOrder, limits: &Limits) -> Result<(), Stop> {
        self.journal.watched(Watched::Object(ObjectFact::ReadBack));
        if self.watch.object_ended {
            return Ok(());
        }
        self.wait_for_network(limits)?;
        self.register(order, limits)?;
        self.wait(READ_BACK, |dut| dut.watch.object_ended).map(drop)
    }
}
