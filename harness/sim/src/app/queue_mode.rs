//! An LwM2M client in queue mode ([`Dialect::QueueMode`]): its registration survives a reboot, so that it only sends an update
//! of it afterwards. When it sleeps is decided in [`crate::lwm2m::Client`].

use super::App;
use crate::dialect::Dialect;
use crate::flash::FlashError;
use crate::lwm2m::{ServerConfig, Status};
use crate::nvdm::{self, NvdmKey};
use bc66_spec::lwm2m::reply;

/// Shortest lifetime in queue mode: a shorter one would wake the client too often. Assumed.
const LIFETIME_MIN_S: u32 = 3600;

/// Where a registration stands on the server, and for which server and name.
#[derive(Debug, Clone)]
pub(super) struct EarlierRegistration {
    location: Vec<String>,
    pub(super) config: ServerConfig,
}

impl EarlierRegistration {
    /// Reads what [`EarlierRegistration::text`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (path, config) = text.split_once('\n')?;
        Some(Self {
            location: path.split('/').map(str::to_owned).collect(),
            config: ServerConfig::parse(config).ok()?,
        })
    }

    fn text(&self) -> String {
        format!("{}\n{}", self.location.join("/"), self.config.shown())
    }
}

impl App {
    /// The lifetime that it registers if `seconds` are configured.
    pub(super) fn lifetime(&self, seconds: u32) -> u32 {
        let sleeps = self.settings.dialects.has(Dialect::QueueMode);
        seconds.max(if sleeps { LIFETIME_MIN_S } else { 0 })
    }

    /// The path of the earlier registration, if it is on the configured server.
    pub(super) fn earlier_location(&self) -> Option<Vec<String>> {
        let earlier = self.lwm2m.earlier.as_ref()?;
        let known = &earlier.config;
        let now = self.lwm2m.config.as_ref()?;
        let same = (&known.host, known.port, &known.endpoint) == (&now.host, now.port, &now.endpoint);
        same.then(|| earlier.location.clone())
    }

    /// There is an address: resumes the earlier registration without an order.
    pub(super) fn resume_registration(&mut self) {
        if self.earlier_location().is_none() || self.lwm2m.client.status != Status::None {
            return;
        }
        if let Some(config) = self.lwm2m.config.clone() {
            self.lwm2m.ordered = false;
            self.open_link(config);
        }
    }

    /// Handles the order to register by an update of the earlier registration; false if there is none.
    pub(super) fn registers_by_update(&mut self) -> bool {
        let Some(location) = self.earlier_location() else {
            return false;
        };
        match self.lwm2m.client.status {
            Status::None => return false,
            Status::Registering => {}
            Status::Registered(_) => self.lwm2m.client.resume(location),
        }
        self.lwm2m.ordered = true;
        true
    }

    /// Registers anew what the server does not know any more.
    pub(super) fn on_resumed(&mut self, confirmed: bool) -> Result<(), FlashError> {
        if confirmed {
            self.print_registration(true);
            return Ok(());
        }
        self.forget_registration()?;
        if let Some(config) = &self.lwm2m.config {
            self.lwm2m.client.register(&config.endpoint, &self.lwm2m.objects);
        }
        Ok(())
    }

    /// Prints the result of a registration that a command ordered.
    pub(super) fn print_registration(&mut self, confirmed: bool) {
        if std::mem::replace(&mut self.lwm2m.ordered, true) {
            self.print(&self.phrases().lwm2m(reply::QLWREG, confirmed));
        }
    }

    /// The server has confirmed a registration.
    pub(super) fn keep_registration(&mut self) -> Result<(), FlashError> {
        let (Status::Registered(location), Some(config)) = (&self.lwm2m.client.status, &self.lwm2m.config)
        else {
            return Ok(());
        };
        if !self.settings.dialects.has(Dialect::QueueMode) {
            return Ok(());
        }
        let earlier = EarlierRegistration {
            location: location.clone(),
            config: config.clone(),
        };
        nvdm::write(&mut *self.flash.lock(), NvdmKey::Registration, earlier.text())?;
        self.lwm2m.earlier = Some(earlier);
        Ok(())
    }

    /// The registration has ended.
    pub(super) fn forget_registration(&mut self) -> Result<(), FlashError> {
        if self.lwm2m.earlier.take().is_some() {
            nvdm::write(&mut *self.flash.lock(), NvdmKey::Registration, "")?;
        }
        Ok(())
    }
}
