//! The application: one loop over what arrives and what is due.
//!
//! All state lives here and dies with the process, except what [`crate::nvdm`] and [`crate::update_info`] keep. Commands are
//! handled one after the other, as in the real module; a download runs beside them.

mod aftermath;
mod agenda;
mod at;
mod coap_download;
mod console;
mod data_mode;
mod http_download;
mod inbox;
mod lwm2m;
mod modem;
mod output;
mod profile;
mod queue_mode;

pub(crate) use inbox::{ApplicationInput, Inbox};
pub(crate) use modem::{Modem, NetworkRegistration};
pub(crate) use profile::{AUTOMATIC, Profile};

use crate::clock::ModuleClock;
use crate::defect::Defect;
use crate::dialect::Dialect;
use crate::durations::{
    ATTACH, CFUN_TO_CPIN, CFUN_TO_END, LATE_ADDRESS, ORDER_TO_START, RDY_TO_CFUN, START_TO_REBOOT,
};
use crate::flash::{FileFlash, SharedFlash};
use crate::layout::FlashLayout;
use crate::life::{ModuleError, hang, reboot};
use crate::reporter::Percents;
use crate::settings::Settings;
use crate::uart::Uart;
use crate::url::Url;
use aftermath::Aftermath;
use agenda::Agenda;
use bc66_spec::boot::{CFUN_FULL, CPIN_READY, IP};
use bc66_spec::urc::FotaUrc;
use coap_download::CoapDownload;
use console::AtInterface;
use data_mode::DataMode;
use http_download::HttpDownload;
use lwm2m::Lwm2mSession;
use std::process;
use std::time::{Duration, Instant};

/// What happens at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimedEvent {
    FullFunctionality,
    Result,
    SimReady,
    Attached,
    Addressed,
    HttpStart,
    CoapStart,
    UpdateStarts { package: usize, announced: bool },
    Reboot,
    Hang,
    Flood,
}

/// What a command does after its final result is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AfterReply {
    Reboot,
    PowerDown,
    /// Use the rate of the profile on the UART.
    SetBaud,
    Attach,
    Detach,
    Download(Url),
    /// Update with so many bytes of the delta area.
    Update(usize),
}

/// The downloads of this boot; one of either kind at a time.
#[derive(Debug)]
struct DownloadOrders {
    http: Option<HttpDownload>,
    coap: Option<CoapDownload>,
    /// Which percentages of the download over HTTP are printed.
    percents: Percents,
    /// How many were started. Each has its number: events of one that was given up do not count.
    started: u64,
}

pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) at: AtInterface,
    pub(crate) modem: Modem,
    clock: ModuleClock,
    uart: Uart,
    flash: SharedFlash,
    inbox: Inbox,
    agenda: Agenda<TimedEvent>,
    downloads: DownloadOrders,
    lwm2m: Lwm2mSession,
    update_ordered: bool,
    aftermath: Aftermath,
}

impl App {
    pub(crate) const LAYOUT: FlashLayout = FlashLayout::BC66;

    /// Prints `RDY` and gets ready.
    pub(crate) fn start(
        settings: Settings,
        clock: ModuleClock,
        uart: Uart,
        mut flash: FileFlash,
        inbox: Inbox,
    ) -> Result<Self, ModuleError> {
        let aftermath = Aftermath::of_boot(&settings, &mut flash)?;
        let mut app = Self {
            at: AtInterface::new(&settings, &flash)?,
            modem: Modem::new(settings.seed, settings.boot),
            clock,
            uart,
            inbox,
            agenda: Agenda::default(),
            downloads: DownloadOrders {
                http: None,
                coap: None,
                percents: Percents::new(&settings, "downloading"),
                started: 0,
            },
            lwm2m: Lwm2mSession::start(&settings, &mut flash)?,
            update_ordered: false,
            aftermath,
            flash: SharedFlash::new(flash),
            settings,
        };
        app.uart.set_baud(app.at.profile.rate());
        app.uart.listen(); // before the host can react to what comes next
        app.print_ready();
        app.due_in(RDY_TO_CFUN, TimedEvent::FullFunctionality);
        Ok(app)
    }

    /// Runs until the module reboots or is switched off.
    pub(crate) fn run(mut self) -> Result<(), ModuleError> {
        loop {
            let now = Instant::now();
            let has_come = |due: Option<Instant>| due.is_some_and(|due| due <= now);
            if let Some(event) = self.agenda.take_due(now) {
                self.on_time(event)?;
            } else if has_come(self.at.data_until()) {
                self.end_data_late();
            } else if has_come(self.lwm2m.due()) {
                self.lwm2m.on_due();
            } else {
                let times = [self.agenda.next(), self.at.data_until(), self.lwm2m.due()];
                if let Some(input) = self.inbox.next(times.into_iter().flatten().min()) {
                    self.on_input(input)?;
                }
            }
            self.settle_lwm2m()?;
        }
    }

    /// Is an update ordered or under way, its download included?
    fn is_updating(&self) -> bool {
        self.update_ordered || self.downloads.http.is_some() || self.downloads.coap.is_some()
    }

    fn detach(&mut self) {
        self.agenda.forget(TimedEvent::Attached);
        self.agenda.forget(TimedEvent::Addressed);
        self.give_up_http();
        self.give_up_coap();
        self.leave_lwm2m();
        self.register(NetworkRegistration::None);
    }

    fn attach(&mut self) {
        if self.modem.registration == NetworkRegistration::None {
            self.register(NetworkRegistration::Searching);
            if self.finds_network() {
                self.due_in(ATTACH, TimedEvent::Attached);
            }
        }
    }

    fn get_address(&mut self) -> Result<(), ModuleError> {
        self.modem.addressed = true;
        self.print_plain(&format!("{IP} {}", self.modem.address));
        self.resume_registration();
        self.begin_waiting_download()
    }

    fn due_in(&mut self, module_time: Duration, event: TimedEvent) {
        self.agenda.add(self.clock.after(module_time), event);
    }

    fn on_input(&mut self, input: ApplicationInput) -> Result<(), ModuleError> {
        match input {
            ApplicationInput::Bytes(bytes) if self.at.data_until().is_some() => self.on_data(bytes)?,
            ApplicationInput::Bytes(bytes) => self.on_console(&bytes)?,
            ApplicationInput::Http { number, event } => self.on_http(number, event)?,
            ApplicationInput::Coap { number, package } => self.on_coap(number, package)?,
            ApplicationInput::Link { number, event } => self.on_link(number, event),
        }
        Ok(())
    }

    fn on_time(&mut self, event: TimedEvent) -> Result<(), ModuleError> {
        match event {
            TimedEvent::FullFunctionality => {
                self.print_plain(CFUN_FULL);
                if self.suffers(Defect::HangsBeforeEnd) {
                    hang();
                }
                self.due_in(CFUN_TO_END, TimedEvent::Result);
                self.due_in(CFUN_TO_CPIN, TimedEvent::SimReady);
                self.attach();
                self.order_download_again()?;
            }
            TimedEvent::Result => {
                self.print_result()?;
                self.plan_aftermath();
            }
            TimedEvent::SimReady => {
                self.modem.sim_ready = true;
                self.print_plain(CPIN_READY);
            }
            TimedEvent::Attached => {
                self.register(NetworkRegistration::Home);
                if self.settings.dialects.has(Dialect::LateAddress) {
                    self.due_in(LATE_ADDRESS, TimedEvent::Addressed);
                } else {
                    self.get_address()?;
                }
            }
            TimedEvent::Addressed => self.get_address()?,
            TimedEvent::HttpStart => self.start_http()?,
            TimedEvent::CoapStart => self.start_coap()?,
            TimedEvent::UpdateStarts { package, announced } => self.start_update(package, announced)?,
            TimedEvent::Reboot => return Err(reboot(&self.settings, &self.uart).into()),
            TimedEvent::Hang => hang(),
            TimedEvent::Flood => self.flood(),
        }
        Ok(())
    }

    /// A package of so many bytes is in the delta area: the update starts by itself.
    fn order_update(&mut self, package: usize, announced: bool) {
        self.update_ordered = true;
        self.due_in(ORDER_TO_START, TimedEvent::UpdateStarts { package, announced });
    }

    /// Sets the marker and hands over to the bootloader. Over CoAP there is no `START` (AN §6.3.5).
    fn start_update(&mut self, package: usize, announced: bool) -> Result<(), ModuleError> {
        if announced && !self.settings.dialects.has(Dialect::NoStart) {
            self.print(&self.phrases().fota(FotaUrc::Start));
        }
        self.uart.flush();
        self.leave_download()?;
        self.set_marker(package)?;
        self.clock.sleep(START_TO_REBOOT);
        Err(reboot(&self.settings, &self.uart).into())
    }

    fn do_after(&mut self, after: AfterReply) -> Result<(), ModuleError> {
        match after {
            AfterReply::Reboot => return Err(reboot(&self.settings, &self.uart).into()),
            AfterReply::PowerDown => {
                self.uart.flush();
                process::exit(0);
            }
            AfterReply::SetBaud => self.uart.set_baud(self.at.profile.rate()),
            AfterReply::Attach => self.attach(),
            AfterReply::Detach => self.detach(),
            AfterReply::Download(url) => self.order_download(url),
            AfterReply::Update(package) => self.order_update(package, true),
        }
        Ok(())
    }
}
