//! The application: one loop over what arrives and what is due.
//!
//! All state lives here and dies with the process, except what [`crate::nvdm`] and [`crate::update_info`] keep. Commands are
//! handled one after the other, as in the real module; a download runs beside them.

mod aftermath;
mod agenda;
pub mod at;
mod console;
mod data_mode;
mod fetch;
mod lwm2m;
mod modem;
mod profile;
mod pulling;
mod queue_mode;
mod voice;

pub use modem::{Modem, NetworkRegistration};
pub use profile::{AUTOMATIC, Profile};

use crate::clock::ModuleClock;
use crate::defect::Defect;
use crate::dialect::Dialect;
use crate::download::DownloadEvent;
use crate::durations::{
    ATTACH, CFUN_TO_CPIN, CFUN_TO_END, LATE_ADDRESS, ORDER_TO_START, RDY_TO_CFUN, START_TO_REBOOT,
};
use crate::flash::FileFlash;
use crate::layout::FlashLayout;
use crate::life::{ModuleError, hang, reboot};
use crate::lwm2m::LinkEvent;
use crate::nvdm::Nvdm;
use crate::pull::PullError;
use crate::random::Random;
use crate::reporter::Percents;
use crate::settings::Settings;
use crate::uart::{Uart, receive_until};
use crate::upload::UploadedPackage;
use crate::url::Url;
use aftermath::Aftermath;
use agenda::Agenda;
use bc66_spec::boot::{CFUN_FULL, CPIN_READY, IP};
use bc66_spec::urc::FotaUrc;
use console::LineBuffer;
use data_mode::DataMode;
use fetch::FetchState;
use lwm2m::Lwm2mSession;
use pulling::PullState;
use std::collections::VecDeque;
use std::process;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the loop reacts to.
#[derive(Debug)]
pub enum ApplicationInput {
    /// Bytes from the host.
    Bytes(Vec<u8>),
    /// News of the download with the number `order`.
    Download {
        /// Counts the downloads of this boot.
        order: u64,
        event: DownloadEvent,
    },
    /// The end of the download over CoAP with the number `order`.
    Pull {
        /// Counts the downloads of this boot.
        order: u64,
        /// Bytes of the package, or why there is none.
        over: Result<usize, PullError>,
    },
    /// News of the link to the LwM2M server with the number `order`.
    Link {
        /// Counts the links of this boot.
        order: u64,
        event: LinkEvent,
    },
}

/// What is due at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimedEvent {
    FullFunctionality,
    Result,
    SimReady,
    Attached,
    Addressed,
    DownloadStarts,
    PullStarts,
    UpdateStarts { package: usize, announced: bool },
    Reboot,
    Hang,
    Flood,
}

/// What a command does after its final result is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterReply {
    Reboot,
    PowerDown,
    /// Another rate on the UART.
    Baud,
    /// Look for the network.
    Attach,
    Detach,
    /// A download was ordered.
    Download(Url),
    /// The update of so many bytes in the delta area was ordered.
    Update(usize),
}

pub struct App {
    /// What the board told the module.
    pub settings: Settings,
    /// Settings of the AT interface.
    pub profile: Profile,
    pub modem: Modem,
    /// What `AT+QFUPLEX` brought since the boot.
    pub upload: UploadedPackage,
    /// Filled by commands: what follows their final result.
    pub after: Vec<AfterReply>,
    clock: ModuleClock,
    uart: Uart,
    flash: Arc<Mutex<FileFlash>>,
    inputs: Receiver<ApplicationInput>,
    sender: Sender<ApplicationInput>,
    early: VecDeque<ApplicationInput>,
    agenda: Agenda<TimedEvent>,
    console: LineBuffer,
    data_mode: Option<DataMode>,
    fetch: Option<FetchState>,
    percents: Percents,
    pull: Option<PullState>,
    lwm2m: Lwm2mSession,
    orders: u64,
    update_ordered: bool,
    /// Is the rate of the line known?
    synchronized: bool,
    aftermath: Aftermath,
}

impl App {
    pub const LAYOUT: FlashLayout = FlashLayout::BC66;

    /// Prints `RDY` and gets ready.
    pub fn start(
        settings: Settings,
        clock: ModuleClock,
        uart: Uart,
        mut flash: FileFlash,
        sender: Sender<ApplicationInput>,
        inputs: Receiver<ApplicationInput>,
    ) -> Result<Self, ModuleError> {
        let aftermath = Aftermath::of_boot(&settings, &mut flash)?;
        let profile = Profile::load(&flash, settings.dialects)?;
        let lwm2m = Lwm2mSession::start(&settings, &mut flash, &Self::LAYOUT)?;
        let percents = Percents::new(&settings, "downloading");
        let first_line_lost = Random::for_purpose(settings.boot_seed(), "baud sync").below(2) == 0;
        let mut app = Self {
            modem: Modem::new(settings.seed, settings.boot),
            settings,
            profile,
            upload: UploadedPackage::default(),
            after: Vec::new(),
            clock,
            uart,
            flash: Arc::new(Mutex::new(flash)),
            inputs,
            sender,
            early: VecDeque::new(),
            agenda: Agenda::default(),
            console: LineBuffer::new(first_line_lost),
            data_mode: None,
            fetch: None,
            percents,
            pull: None,
            lwm2m,
            orders: 0,
            update_ordered: false,
            synchronized: false,
            aftermath,
        };
        app.synchronized = !app.profile.is_automatic();
        app.uart.set_baud(app.profile.rate());
        app.uart.listen(); // before anyone can react to what comes next
        app.print_ready();
        app.due_in(RDY_TO_CFUN, TimedEvent::FullFunctionality);
        Ok(app)
    }

    /// Runs until the module reboots or is switched off.
    pub fn run(mut self) -> Result<(), ModuleError> {
        loop {
            if let Some(moment) = self.agenda.take_due(Instant::now()) {
                self.on_moment(moment)?;
            } else if self
                .data_mode
                .as_ref()
                .is_some_and(|data| data.is_late(Instant::now()))
            {
                self.data_mode_late();
            } else if self.lwm2m.due().is_some_and(|due| due <= Instant::now()) {
                self.lwm2m.on_due();
            } else if let Some(input) = self.next_input() {
                self.on_input(input)?;
            }
            self.settle_lwm2m()?;
        }
    }

    /// The flash, for as long as one access needs it.
    pub fn flash(&self) -> MutexGuard<'_, FileFlash> {
        self.flash.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The application's non-volatile store.
    pub fn nvdm(&self) -> Nvdm {
        Nvdm::new(&Self::LAYOUT)
    }

    /// Does an order to update go on already, its download included?
    pub fn is_updating(&self) -> bool {
        self.update_ordered || self.fetch.is_some() || self.pull.is_some()
    }

    /// Detaches from the network.
    fn detach(&mut self) {
        self.agenda.forget(TimedEvent::Attached);
        self.agenda.forget(TimedEvent::Addressed);
        self.give_up_download();
        self.give_up_pull();
        self.leave_lwm2m();
        self.register(NetworkRegistration::None);
    }

    /// Looks for the network.
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
        self.say(&format!("{IP} {}", self.modem.address));
        self.resume_registration();
        self.begin_waiting_download()
    }

    fn due_in(&mut self, module_time: Duration, moment: TimedEvent) {
        self.agenda.add(self.clock.after(module_time), moment);
    }

    fn next_input(&mut self) -> Option<ApplicationInput> {
        if let Some(input) = self.early.pop_front() {
            return Some(input);
        }
        let data_mode = self.data_mode.as_ref().map(DataMode::until);
        let lwm2m = self.lwm2m.due();
        match self.agenda.next().into_iter().chain(data_mode).chain(lwm2m).min() {
            Some(until) => receive_until(&self.inputs, until),
            None => self.inputs.recv().ok(),
        }
    }

    fn on_input(&mut self, input: ApplicationInput) -> Result<(), ModuleError> {
        match input {
            ApplicationInput::Bytes(bytes) if self.data_mode.is_some() => self.on_data(bytes),
            ApplicationInput::Bytes(bytes) => self.on_console(&bytes),
            ApplicationInput::Download { order, event } => self.on_download(order, event),
            ApplicationInput::Pull { order, over } => self.on_pull(order, over),
            ApplicationInput::Link { order, event } => {
                self.on_link(order, event);
                Ok(())
            }
        }
    }

    fn on_moment(&mut self, moment: TimedEvent) -> Result<(), ModuleError> {
        match moment {
            TimedEvent::FullFunctionality => {
                self.say(CFUN_FULL);
                if self.suffers(Defect::HangsBeforeEnd) {
                    hang();
                }
                self.modem.functional = true;
                self.due_in(CFUN_TO_END, TimedEvent::Result);
                self.due_in(CFUN_TO_CPIN, TimedEvent::SimReady);
                self.attach();
                self.order_download_again()?;
            }
            TimedEvent::Result => {
                self.tell_result()?;
                self.plan_aftermath();
            }
            TimedEvent::SimReady => {
                self.modem.sim_ready = true;
                self.say(CPIN_READY);
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
            TimedEvent::DownloadStarts => self.start_download()?,
            TimedEvent::PullStarts => self.start_pull()?,
            TimedEvent::UpdateStarts { package, announced } => self.start_update(package, announced)?,
            TimedEvent::Reboot => return Err(reboot(&self.settings, &self.uart).into()),
            TimedEvent::Hang => hang(),
            TimedEvent::Flood => self.flood(),
        }
        Ok(())
    }

    /// A package of so many bytes is complete: the update starts by itself.
    fn order_update(&mut self, package: usize) {
        self.update_ordered = true;
        let update = TimedEvent::UpdateStarts {
            package,
            announced: true,
        };
        self.due_in(ORDER_TO_START, update);
    }

    /// Sets the marker and hands over to the bootloader. Over CoAP there is no `START` (AN §6.3.5).
    fn start_update(&mut self, package: usize, announced: bool) -> Result<(), ModuleError> {
        if announced && !self.settings.dialects.has(Dialect::NoStart) {
            self.unasked(&self.phrases().fota(FotaUrc::Start));
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
            AfterReply::Baud => self.uart.set_baud(self.profile.rate()),
            AfterReply::Attach => self.attach(),
            AfterReply::Detach => self.detach(),
            AfterReply::Download(url) => self.order_download(url),
            AfterReply::Update(package) => self.order_update(package),
        }
        Ok(())
    }
}
