//! The application's side of LwM2M: carries the client's datagrams, prints what it reports, does what the server wants.

use super::queue_mode::EarlierRegistration;
use super::{App, ApplicationInput, TimedEvent};
use crate::defect::Defect;
use crate::dialect::Dialect;
use crate::durations::{EXECUTE_TO_REBOOT, ORDER_TO_START};
use crate::flash::Flash;
use crate::layout::FlashLayout;
use crate::life::ModuleError;
use crate::lwm2m::client::RegistrationChange;
use crate::lwm2m::objects::{BINDING, BINDING_QUEUE};
use crate::lwm2m::{ServerAction, Client, ServerConfig, ClientEvent, Firmware, ServerLink, LinkEvent, Objects, Status};
use crate::nvdm::Nvdm;
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

/// All of it that lives in memory.
#[derive(Debug)]
pub(super) struct Lwm2mSession {
    pub(super) objects: Objects,
    pub(super) client: Client,
    pub(super) config: Option<ServerConfig>,
    link: Option<ServerLink>,
    socket: Option<Arc<UdpSocket>>,
    /// Counts the links of this boot.
    links: u64,
    /// The firmware object as the flash has it.
    kept: Vec<u8>,
    /// The registration that outlives a reboot, in queue mode.
    pub(super) earlier: Option<EarlierRegistration>,
    /// Was the registration that is under way asked for by a command?
    pub(super) asked: bool,
}

impl Lwm2mSession {
    /// After a boot: what the bootloader left decides on state and result.
    pub(super) fn start(
        settings: &Settings,
        flash: &mut dyn Flash,
        layout: &FlashLayout,
    ) -> Result<Self, ModuleError> {
        let nvdm = Nvdm::new(layout);
        let kept = nvdm.firmware_object(flash)?;
        let mut firmware = kept
            .as_deref()
            .and_then(|bytes| Firmware::decode(bytes, settings.defects))
            .unwrap_or(Firmware::new(settings.defects));
        firmware.boots(UpdateInfo::load(flash, layout)?);
        let queue = settings.dialects.has(Dialect::QueueMode);
        let earlier = nvdm.registration(flash)?.filter(|_| queue);
        let earlier = earlier.as_deref().and_then(EarlierRegistration::parse);
        let config = nvdm
            .lwm2m_config(flash)?
            .filter(|_| settings.lwm2m_config_kept)
            .and_then(|text| ServerConfig::parse(&text).ok())
            .or_else(|| earlier.as_ref().map(|earlier| earlier.config.clone()));
        let model = settings.module.ati_model();
        let objects = Objects {
            lifetime: config
                .as_ref()
                .map_or(LIFETIME_DEFAULT_S, |config| config.lifetime),
            model: model.strip_prefix("Quectel_").unwrap_or(model).to_owned(),
            serial: nvdm.imei(flash)?,
            firmware,
            busy: false,
            binding: if queue { BINDING_QUEUE } else { BINDING },
        };
        let clock = settings.clock().ok_or(ModuleError::Settings)?;
        let deaf = settings.defects.has(Defect::CannotBeReObserved) && settings.has_rebooted();
        let random = Random::for_purpose(settings.boot_seed(), "lwm2m");
        let mut lwm2m = Self {
            objects,
            client: Client::new(clock, random, deaf, queue),
            config,
            link: None,
            socket: None,
            links: 0,
            kept: kept.unwrap_or(Firmware::new(settings.defects).encode()),
            earlier,
            asked: true,
        };
        lwm2m.keep(flash, &nvdm)?;
        Ok(lwm2m)
    }

    /// State and result are in the flash before anyone hears of them.
    fn keep(&mut self, flash: &mut dyn Flash, nvdm: &Nvdm) -> Result<(), ModuleError> {
        let now = self.objects.firmware.encode();
        if now != self.kept {
            nvdm.save_firmware_object(flash, &now)?;
            self.kept = now;
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
    /// The server and the endpoint, if any were set.
    pub fn lwm2m_config(&self) -> Option<&ServerConfig> {
        self.lwm2m.config.as_ref()
    }

    /// Sets them; they count from the next registration on (assumed).
    pub fn lwm2m_configure(&mut self, config: ServerConfig) -> Result<(), ModuleError> {
        if self.settings.lwm2m_config_kept {
            self.nvdm()
                .save_lwm2m_config(&mut *self.flash(), &config.shown())?;
        }
        self.lwm2m.objects.lifetime = self.lifetime(config.lifetime);
        self.lwm2m.config = Some(config);
        Ok(())
    }

    /// The number of `+QLWSTATUS`.
    pub fn lwm2m_status(&self) -> u8 {
        self.lwm2m.client.status.number()
    }

    /// Registers, once more if need be (assumed); else the number of the error.
    pub fn lwm2m_register(&mut self) -> Result<(), u16> {
        self.needs_network()?;
        let config = self.lwm2m.config.clone().ok_or(NOT_ALLOWED)?;
        if self.registers_by_update() {
            return Ok(());
        }
        if self.lwm2m.client.status == Status::Registering {
            return Err(NOT_ALLOWED);
        }
        self.lwm2m.asked = true;
        self.open_link(config);
        Ok(())
    }

    /// What `/1/0/7` says.
    pub fn lwm2m_binding(&self) -> &'static str {
        self.lwm2m.objects.binding
    }

    pub(super) fn open_link(&mut self, config: ServerConfig) {
        self.close_link();
        self.lwm2m.objects.lifetime = self.lifetime(config.lifetime);
        self.lwm2m.client.status = Status::Registering;
        self.lwm2m.links += 1;
        let (order, sender) = (self.lwm2m.links, self.sender.clone());
        let tell = move |event| {
            let _ = sender.send(ApplicationInput::Link { order, event });
        };
        match ServerLink::open(config.host, config.port, tell) {
            Ok(link) => self.lwm2m.link = Some(link),
            Err(error) => {
                let failed = LinkEvent::Failed(error);
                self.early.push_back(ApplicationInput::Link { order, event: failed });
            }
        }
    }

    /// Sends an update of the registration; its message id.
    pub fn lwm2m_update(&mut self, change: RegistrationChange) -> Result<u16, u16> {
        self.needs_network()?;
        let change = match change {
            RegistrationChange::Lifetime(seconds) => RegistrationChange::Lifetime(self.lifetime(seconds)),
            other => other,
        };
        let id = self.lwm2m.client.update(Some(change), true).ok_or(NOT_ALLOWED)?;
        if let RegistrationChange::Lifetime(seconds) = change {
            self.lwm2m.objects.lifetime = seconds;
        }
        Ok(id)
    }

    pub fn lwm2m_deregister(&mut self) -> Result<(), u16> {
        self.needs_network()?;
        if self.lwm2m.client.deregister() {
            Ok(())
        } else {
            Err(NOT_ALLOWED)
        }
    }

    fn needs_network(&self) -> Result<(), u16> {
        if self.modem.has_address() {
            Ok(())
        } else {
            Err(NO_SERVICE)
        }
    }

    pub(super) fn on_link(&mut self, order: u64, event: LinkEvent) {
        if order != self.lwm2m.links || self.lwm2m.client.status == Status::None && self.lwm2m.link.is_none()
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
                eprintln!("bc66-module: no way to the LwM2M server: {error}");
                self.close_link();
                self.tell_registration(false);
            }
            LinkEvent::Datagram(bytes) => {
                let elsewhere = self.fetch.is_some() || self.update_ordered || self.data_mode.is_some();
                let lwm2m = &mut self.lwm2m;
                lwm2m.objects.busy = elsewhere;
                lwm2m
                    .client
                    .on_datagram(&bytes, &mut lwm2m.objects, Instant::now());
            }
        }
    }

    /// Brings out whatever the last input led to. To be called after every one.
    pub(super) fn settle_lwm2m(&mut self) -> Result<(), ModuleError> {
        loop {
            self.lwm2m.client.pump(&self.lwm2m.objects, Instant::now());
            self.keep_firmware_object()?;
            for datagram in self.lwm2m.client.take_datagrams() {
                if let Some(socket) = &self.lwm2m.socket {
                    let _ = socket.send(&datagram); // what cannot be sent is lost like anything else
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

    fn on_lwm2m(&mut self, event: ClientEvent) -> Result<(), ModuleError> {
        match event {
            ClientEvent::Register { confirmed } => {
                if confirmed {
                    self.keep_registration()?; // before anyone hears of it
                } else {
                    self.close_link();
                }
                self.tell_registration(confirmed);
            }
            ClientEvent::Resume { confirmed } => self.on_resumed(confirmed)?,
            ClientEvent::Update { confirmed, id } => {
                let result = self.phrases().lwm2m(reply::QLWUPDATE, confirmed);
                self.unasked(&format!("{result},{id}"));
            }
            ClientEvent::Deregister { confirmed } => {
                self.forget_registration()?;
                self.unasked(&self.phrases().lwm2m(reply::QLWDEREG, confirmed));
                self.close_link();
            }
            ClientEvent::Act(ServerAction::Download(uri)) => self.order_pull(uri)?,
            ClientEvent::Act(ServerAction::Cancel) => self.cancel_pull(),
            ClientEvent::Act(ServerAction::Update(package)) => {
                self.pull = None;
                self.agenda.forget(TimedEvent::PullStarts);
                self.update_ordered = true;
                let update = TimedEvent::UpdateStarts {
                    package,
                    announced: false,
                };
                self.due_in(ORDER_TO_START, update);
            }
            ClientEvent::Act(ServerAction::Reboot) => self.due_in(EXECUTE_TO_REBOOT, TimedEvent::Reboot),
            ClientEvent::Act(ServerAction::UpdateRegistration) => {
                let lifetime = RegistrationChange::Lifetime(self.lwm2m.objects.lifetime);
                self.lwm2m.client.update(Some(lifetime), false);
            }
        }
        Ok(())
    }

    /// The network is gone, and the registration with it (assumed: the server may still know it).
    pub(super) fn leave_lwm2m(&mut self) {
        if self.lwm2m.client.status == Status::Registering {
            self.tell_registration(false);
        }
        self.close_link();
    }

    fn close_link(&mut self) {
        self.lwm2m.link = None;
        self.lwm2m.socket = None;
        self.lwm2m.client.forget();
    }

    /// A package that a download over CoAP brought is about to be overwritten.
    pub(super) fn forget_pulled_package(&mut self) -> Result<(), ModuleError> {
        if self.lwm2m.objects.firmware.state == State::Downloaded {
            self.lwm2m.objects.firmware.forget_package();
        }
        self.keep_firmware_object()
    }

    fn keep_firmware_object(&mut self) -> Result<(), ModuleError> {
        let flash = Arc::clone(&self.flash);
        let mut flash = flash.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let nvdm = self.nvdm();
        self.lwm2m.keep(&mut *flash, &nvdm)
    }
}
