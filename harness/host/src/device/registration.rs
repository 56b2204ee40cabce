//! The LwM2M side of an update, from the module's AT interface (AN §4.3, §6.3): configure, register, update the lifetime;
//! and after the reboots the same again, so that state and result can be read back.

use crate::device::module::dialogue::COMMAND;
use crate::device::module::{Module, Stop};
use bc66_spec::lwm2m::{LIFETIME_EXAMPLE_S, command, security};
use dfota_core::case::Limits;
use dfota_core::event::watched::{ObjectFact, Watched};
use dfota_core::lwm2m::UpdateOptions;
use dfota_core::verdict::Rule;
use dfota_servers::coap::{CoapOffer, CoapServer};
use std::time::Duration;

/// How long the server may take from the registration after an update to state and result: a few requests, each of which
/// may be lost a few times (RFC 7252 §4.8.2, MAX_TRANSMIT_WAIT is 93 s).
const READ_BACK: Duration = Duration::from_secs(180);

/// Where the module registers, and what it is to download.
#[derive(Debug, Clone)]
pub struct Lwm2m<'a> {
    pub server: &'a CoapServer,
    /// The package on it.
    pub offer: &'a CoapOffer,
    /// Host of the server, as the module reaches it.
    pub host: String,
    pub port: u16,
    /// The module's name there: its IMEI, as in the application note.
    pub endpoint: String,
    /// The update is ordered too early as well, and has to be refused then.
    pub execute_early: bool,
}

impl Module {
    /// Drives the module's update from the server's side, and has the module register there.
    pub fn order_over_lwm2m(&mut self, lwm2m: &Lwm2m<'_>, limits: &Limits) -> Result<(), Stop> {
        self.object_ended = false;
        let script = UpdateOptions {
            execute_early: lwm2m.execute_early,
            ..UpdateOptions::new(lwm2m.offer.url().to_owned())
        };
        lwm2m.server.drive(&lwm2m.endpoint, script);
        self.register(lwm2m, limits)?;
        // The note's example updates the lifetime right behind the registration (AN §6.3.1). That it is answered is part of
        // the evidence; nothing of the update rests on it.
        self.awake.lw_update = None;
        let lifetime = format!(
            "AT{}={},{LIFETIME_EXAMPLE_S}",
            command::QLWUPDATE,
            command::UPDATE_LIFETIME
        );
        if self.query(&lifetime)?.is_some() {
            self.wait(COMMAND, |module| {
                module.cut.is_some() || module.awake.lw_update.is_some()
            })?;
        }
        Ok(())
    }

    /// Configures and registers; whether a configuration survives a reboot is not known, so both are sent each time.
    fn register(&mut self, lwm2m: &Lwm2m<'_>, limits: &Limits) -> Result<(), Stop> {
        let Lwm2m {
            host, port, endpoint, ..
        } = lwm2m;
        let configure = format!(
            "AT{}={},\"{host}\",{port},\"{endpoint}\",{LIFETIME_EXAMPLE_S},{}",
            command::QLWCONFIG,
            command::NO_BOOTSTRAP,
            security::NO_SEC
        );
        self.lwm2m_command(&configure)?;
        self.awake.lw_reg = None;
        self.lwm2m_command(&format!("AT{}", command::QLWREG))?;
        let heard = |module: &Self| module.cut.is_some() || module.awake.lw_reg.is_some();
        self.wait(limits.attach, heard)?;
        match self.awake.lw_reg {
            Some(0) => Ok(()),
            None if self.cut.is_some() => Ok(()),
            Some(code) => Err(not_registered(
                lwm2m,
                &format!("`+QLWREG: {code}` was reported, expected `+QLWREG: 0`"),
            )),
            None => {
                let limit = humantime::format_duration(limits.attach);
                Err(not_registered(
                    lwm2m,
                    &format!("no `+QLWREG: 0` came within the limit `attach` of {limit}"),
                ))
            }
        }
    }

    fn lwm2m_command(&mut self, text: &str) -> Result<(), Stop> {
        match self.try_command(text, COMMAND)? {
            Some(answer) if answer.end.is_ok() => Ok(()),
            None if self.cut.is_some() => Ok(()),
            Some(answer) => {
                let sentence = format!(
                    "`{text}` was answered with {}, expected OK (application note §6.3.1)",
                    answer.end
                );
                Err(Stop::rule(Rule::UnexpectedReply, sentence))
            }
            None => Err(Stop::rule(
                Rule::NoReply,
                format!("`{text}` was not answered within {} s", COMMAND.as_secs()),
            )),
        }
    }

    /// After the update, or after what came of it: registers again and waits for state and result.
    pub fn read_back_over_lwm2m(&mut self, lwm2m: &Lwm2m<'_>, limits: &Limits) -> Result<(), Stop> {
        self.journal.watched(Watched::Object(ObjectFact::ReadBack));
        if self.object_ended {
            return Ok(());
        }
        self.wait_for_network(limits)?;
        self.register(lwm2m, limits)?;
        self.wait(READ_BACK, |module| module.object_ended).map(drop)
    }
}

fn not_registered(lwm2m: &Lwm2m<'_>, seen: &str) -> Stop {
    let sentence = format!(
        "the module did not register at coap://{}:{}: {seen}",
        lwm2m.host, lwm2m.port
    );
    Stop::rule(Rule::NotRegisteredLwm2m, sentence)
}
