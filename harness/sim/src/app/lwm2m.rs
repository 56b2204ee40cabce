//! The application's side of LwM2M: sends the client's datagrams, prints its results, executes the server's orders.

use super::queue_mode::EarlierRegistration;
use super::{App, ApplicationInput, TimedEvent};
use crate::background::Background;
use crate::defect::Defect;
use crate::dialect::Dialect;
use crate::durations::EXECUTE_TO_REBOOT;
use crate::flash::{Flash, FlashError};
use crate::life::ModuleError;
use crate::lwm2m::{
    BINDING, BINDING_QUEUE, Client, Firmware, LinkEvent, Lwm2mEvent, Objects, ServerAction, ServerConfig,
    Status, UpdatedParameter, open_link,
};
use crate::nvdm::{self, NvdmKey};
use crate::random::Random;
use crate::settings::Settings;
use crate::update_info::UpdateInfo;
use bc66_spec::cme::NOT_ALLOWED;
use bc66_spec::lwm2m::{LIFETIME_DEFAULT_S, State, reply};
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Instant;

/// No network service: before `+IP`.
const NO_SERVICE: u16 = 30;

/// The LwM2M side of one boot.
#[derive(Debug)]
pub(super) struct Lwm2mSession {
    pub(super) objects: Objects,
    pub(super) client: Client,
    pub(super) config: Option<ServerConfig>,
    link: Option<Background>,
    socket: Option<Arc<UdpSocket>>,
    /// Counts the links of this boot.
    links: u64,
    /// The firmware object as the flash has it.
    stored_firmware: Vec<u8>,
    /// The registration that outlives a reboot, in queue mode.
    pub(super) earlier: Option<EarlierRegistration>,
    /// Did a command order the registration that is under way?
    pub(super) ordered: bool,
}

impl Lwm2mSession {
    /// After a boot: what the bootloader left decides on state and result.
    pub(super) fn start(settings: &Settings, flash: &mut dyn Flash) -> Result<Self, ModuleError> {
        let never_updated = Firmware::new(settings.defects);
        let stored = nvdm::read(flash, NvdmKey::FirmwareObject)?;
        let mut firmware = stored
            .as_deref()
            .and_then(|bytes| Firmware::decode(bytes, settings.defects))
            .unwrap_or(never_updated);
        firmware.boots(UpdateInfo::load(flash, &App::LAYOUT)?);
        let queue_mode = settings.dialects.has(Dialect::QueueMode);
        let earlier = nvdm::text(flash, NvdmKey::Registration)?.filter(|_| queue_mode);
        let earlier = earlier.as_deref().and_then(EarlierRegistration::parse);
        let config = nvdm::text(flash, NvdmKey::ServerConfig)?
            .filter(|_| settings.lwm2m_config_kept)
            .and_then(|text| ServerConfig::parse(&text).ok())
            .or_else(|| earlier.as_ref().map(|earlier| earlier.config.clone()));
        let lifetime = config.as_ref().map(|config| config.lifetime);
        let model = settings.module.ati_model();
        let objects = Objects {
            lifetime: lifetime.unwrap_or(LIFETIME_DEFAULT_S),
            model: model.strip_prefix("Quectel_").unwrap_or(model).to_owned(),
            serial: nvdm::imei(flash)?,
            firmware,
            busy: false,
            binding: if queue_mode { BINDING_QUEUE } else { BINDING },
        };
        let clock = settings.clock().ok_or(ModuleError::Settings)?;
        let observable = !(settings.defects.has(Defect::CannotBeReObserved) && settings.has_rebooted());
        let random = Random::for_purpose(settings.boot_seed(), "lwm2m");
        let mut session = Self {
            objects,
            client: Client::new(clock, random, observable, queue_mode),
            config,
            link: None,
            socket: None,
            links: 0,
            stored_firmware: stored.unwrap_or(never_updated.encode()),
            earlier,
            ordered: true,
        };
        session.keep_firmware_object(flash)?;
        Ok(session)
    }

    /// State and result are in the flash before they are reported.
    fn keep_firmware_object(&mut self, flash: &mut dyn Flash) -> Result<(), FlashError> {
        let now = self.objects.firmware.encode();
        if now != self.stored_firmware {
            nvdm::write(flash, NvdmKey::FirmwareObject, &now)?;
            self.stored_firmware = now;
        }
        Ok(())
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.client.due()
    }

    pub(super) fn on_due(&mut self) {
        self.client.on_due(Instant::now());
    }
}

impl App {
    /// Sets server and endpoint, for the next registration (assumed).
    pub(crate) fn lwm2m_configure(&mut self, config: ServerConfig) -> Result<(), FlashError> {
        if self.settings.lwm2m_config_kept {
            nvdm::write(&mut *self.flash.lock(), NvdmKey::ServerConfig, config.shown())?;
        }
        self.lwm2m.objects.lifetime = self.lifetime(config.lifetime);
        self.lwm2m.config = Some(config);
        Ok(())
    }

    /// Registers, once more if need be (assumed); else the number of the error.
    pub(crate) fn lwm2m_register(&mut self) -> Result<(), u16> {
        self.needs_network()?;
        let config = self.lwm2m.config.clone().ok_or(NOT_ALLOWED)?;
        if self.registers_by_update() {
            return Ok(());
        }
        if self.lwm2m.client.status == Status::Registering {
            return Err(NOT_ALLOWED);
        }
        self.lwm2m.ordered = true;
        self.open_link(config);
        Ok(())
    }

    pub(super) fn open_link(&mut self, config: ServerConfig) {
        self.close_link();
        self.lwm2m.objects.lifetime = self.lifetime(config.lifetime);
        self.lwm2m.client.status = Status::Registering;
        self.lwm2m.links += 1;
        let (number, sender) = (self.lwm2m.links, self.inbox.sender());
        let tell = move |event| {
            let _ = sender.send(ApplicationInput::Link { number, event });
        };
        match open_link(config.host, config.port, tell) {
            Ok(link) => self.lwm2m.link = Some(link),
            Err(error) => {
                let event = LinkEvent::Failed(error);
                self.inbox.push(ApplicationInput::Link { number, event });
            }
        }
    }

    /// Sends an update of the registration; its message id.
    pub(crate) fn lwm2m_update(&mut self, change: UpdatedParameter) -> Result<u16, u16> {
        self.needs_network()?;
        let change = match change {
            UpdatedParameter::Lifetime(seconds) => UpdatedParameter::Lifetime(self.lifetime(seconds)),
            other => other,
        };
        let id = self.lwm2m.client.update(change, true).ok_or(NOT_ALLOWED)?;
        if let UpdatedParameter::Lifetime(seconds) = change {
            self.lwm2m.objects.lifetime = seconds;
        }
        Ok(id)
    }

    pub(crate) fn lwm2m_deregister(&mut self) -> Result<(), u16> {
        self.needs_network()?;
        self.lwm2m.client.deregister().ok_or(NOT_ALLOWED)
    }

    fn needs_network(&self) -> Result<(), u16> {
        let ready = self.modem.has_address().then_some(());
        ready.ok_or(NO_SERVICE)
    }

    pub(super) fn on_link(&mut self, number: u64, event: LinkEvent) {
        if number != self.lwm2m.links || self.lwm2m.client.status == Status::None && self.lwm2m.link.is_none()
        {
            return;
        }
        match event {
            LinkEvent::Open(socket) => {
                self.lwm2m.socket = Some(socket);
                if let Some(location) = self.earlier_location() {
                    self.lwm2m.client.resume(location);
                } else if let Some(config) = &self.lwm2m.config {
                    self.lwm2m.client.register(&config.endpoint, &self.lwm2m.objects);
                }
            }
            LinkEvent::Failed(error) => {
                eprintln!("bc66-module: no connection to the LwM2M server: {error}");
                self.close_link();
                self.print_registration(false);
            }
            LinkEvent::Datagram(bytes) => {
                let busy =
                    self.downloads.http.is_some() || self.update_ordered || self.at.data_mode.is_some();
                let lwm2m = &mut self.lwm2m;
                lwm2m.objects.busy = busy;
                lwm2m
                    .client
                    .on_datagram(&bytes, &mut lwm2m.objects, Instant::now());
            }
        }
    }

    /// Sends, prints and does what the last input led to. To be called after each one.
    pub(super) fn settle_lwm2m(&mut self) -> Result<(), ModuleError> {
        loop {
            self.lwm2m.client.pump(&self.lwm2m.objects, Instant::now());
            self.keep_firmware_object()?;
            for datagram in self.lwm2m.client.take_datagrams() {
                if let Some(socket) = &self.lwm2m.socket {
                    let _ = socket.send(&datagram); // a datagram that cannot be sent counts as lost
                }
            }
            let events = self.lwm2m.client.take_events();
            if events.is_empty() {
                return Ok(());
            }
            for event in events {
                self.on_lwm2m(event)?;
            }
        }
    }

    fn on_lwm2m(&mut self, event: Lwm2mEvent) -> Result<(), ModuleError> {
        match event {
            Lwm2mEvent::Register { confirmed } => {
                if confirmed {
                    self.keep_registration()?; // before it is reported
                } else {
                    self.close_link();
                }
                self.print_registration(confirmed);
            }
            Lwm2mEvent::Resume { confirmed } => self.on_resumed(confirmed)?,
            Lwm2mEvent::Update { confirmed, id } => {
                let result = self.phrases().lwm2m(reply::QLWUPDATE, confirmed);
                self.print(&format!("{result},{id}"));
            }
            Lwm2mEvent::Deregister { confirmed } => {
                self.forget_registration()?;
                self.print(&self.phrases().lwm2m(reply::QLWDEREG, confirmed));
                self.close_link();
            }
            Lwm2mEvent::Act(ServerAction::Download(uri)) => self.order_coap(uri)?,
            Lwm2mEvent::Act(ServerAction::Cancel) => self.cancel_coap(),
            Lwm2mEvent::Act(ServerAction::Update(package)) => {
                self.downloads.coap = None;
                self.agenda.forget(TimedEvent::CoapStart);
                self.order_update(package, false);
            }
            Lwm2mEvent::Act(ServerAction::Reboot) => self.due_in(EXECUTE_TO_REBOOT, TimedEvent::Reboot),
            Lwm2mEvent::Act(ServerAction::UpdateRegistration) => {
                let lifetime = UpdatedParameter::Lifetime(self.lwm2m.objects.lifetime);
                self.lwm2m.client.update(lifetime, false);
            }
        }
        Ok(())
    }

    /// The network is gone, and the registration with it (assumed: the server may still know it).
    pub(super) fn leave_lwm2m(&mut self) {
        if self.lwm2m.client.status == Status::Registering {
            self.print_registration(false);
        }
        self.close_link();
    }

    fn close_link(&mut self) {
        self.lwm2m.link = None;
        self.lwm2m.socket = None;
        self.lwm2m.client.forget();
    }

    /// The package of a download over CoAP is about to be overwritten.
    pub(super) fn forget_coap_package(&mut self) -> Result<(), ModuleError> {
        if self.lwm2m.objects.firmware.state == State::Downloaded {
            self.lwm2m.objects.firmware.forget_package();
        }
        self.keep_firmware_object()
    }

    fn keep_firmware_object(&mut self) -> Result<(), ModuleError> {
        Ok(self.lwm2m.keep_firmware_object(&mut *self.flash.lock())?)
    }
}
