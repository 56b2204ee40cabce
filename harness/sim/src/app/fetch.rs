//! The application's side of a download: when it may start, what it prints, and what ends it.

use super::{App, TimedEvent, NetworkRegistration};
use crate::defect::Defect;
use crate::dialect::Dialect;
use crate::download::{Download, DownloadError, DownloadEvent};
use crate::durations::ORDER_TO_HTTPSTART;
use crate::life::{ModuleError, reboot};
use crate::nvdm::DownloadPosition;
use crate::reporter::Percents;
use crate::update_info::UpdateInfo;
use crate::url::Url;
use bc66_spec::code::{DownloadCode, UpdateCode};
use bc66_spec::urc::FotaUrc;

/// What is missing of a torn `HTTPEND`: `ND",0`.
const TORN_OFF: usize = 5;

/// A download that was ordered.
#[derive(Debug)]
pub(super) enum FetchState {
    /// Waits for its start.
    Ordered(Url),
    /// There is no network for it: it ends with this code when it would start.
    Hopeless(DownloadCode),
    /// Was announced, and waits for the network: see [`Defect::DownloadsAgain`].
    QueuedRequest(Url),
    Running {
        _download: Download,
        order: u64,
    },
}

impl App {
    /// A download was ordered. What the network is like at this moment counts (AN §7: 13, 20).
    pub(super) fn order_download(&mut self, url: Url) {
        self.upload = Default::default();
        self.fetch = Some(match self.modem.registration {
            NetworkRegistration::Home if self.modem.has_address() => FetchState::Ordered(url),
            _ if self.modem.function == 1 => FetchState::Hopeless(DownloadCode::NetworkActivating),
            _ => FetchState::Hopeless(DownloadCode::NetworkDeactivated),
        });
        self.due_in(ORDER_TO_HTTPSTART, TimedEvent::DownloadStarts);
    }

    pub(super) fn start_download(&mut self) -> Result<(), ModuleError> {
        match self.fetch.take() {
            Some(FetchState::Ordered(url)) => {
                self.unasked(&self.phrases().fota(FotaUrc::HttpStart));
                self.fetch = Some(FetchState::QueuedRequest(url));
                if self.modem.has_address() {
                    self.begin_waiting_download()?;
                }
            }
            Some(FetchState::Hopeless(code)) => self.unasked(&self.phrases().http_end(code)),
            other => self.fetch = other,
        }
        Ok(())
    }

    /// The network is there: a download that waited for it begins.
    pub(super) fn begin_waiting_download(&mut self) -> Result<(), ModuleError> {
        match self.fetch.take() {
            Some(FetchState::QueuedRequest(url)) => {
                self.forget_pulled_package()?;
                self.percents = Percents::new(&self.settings, "downloading");
                self.orders += 1;
                let (order, sender) = (self.orders, self.sender.clone());
                let tell = move |event| {
                    let _ = sender.send(super::ApplicationInput::Download { order, event });
                };
                let flash = std::sync::Arc::clone(&self.flash);
                let traits = (self.settings.defects, self.settings.dialects);
                let download = Download::start(url, flash, Self::LAYOUT, self.clock, traits, tell)?;
                self.fetch = Some(FetchState::Running {
                    _download: download,
                    order,
                });
            }
            other => self.fetch = other,
        }
        Ok(())
    }

    /// A module that downloads again instead of resuming, and still knows from where.
    pub(super) fn order_download_again(&mut self) -> Result<(), ModuleError> {
        let info = UpdateInfo::load(&*self.flash(), &Self::LAYOUT)?;
        if !self.settings.defects.has(Defect::DownloadsAgain) || !matches!(info, UpdateInfo::Patching { .. })
        {
            return Ok(());
        }
        let kept = self.nvdm().download(&*self.flash())?;
        if let Some(url) = kept.and_then(|kept| Url::parse(&kept.url)) {
            self.fetch = Some(FetchState::Ordered(url));
            self.due_in(ORDER_TO_HTTPSTART, TimedEvent::DownloadStarts);
        }
        Ok(())
    }

    /// The package is complete: what was kept of its download is not needed any more.
    pub(super) fn leave_download(&self) -> Result<(), ModuleError> {
        let kept = self.nvdm().download(&*self.flash())?;
        match kept.filter(|_| self.settings.defects.has(Defect::DownloadsAgain)) {
            Some(kept) => {
                let again = DownloadPosition { position: 0, ..kept };
                Ok(self.nvdm().save_download(&mut *self.flash(), Some(&again))?)
            }
            None => self.forget_download(),
        }
    }

    /// Sets the marker that the bootloader looks for; one that patches already goes on.
    pub(super) fn set_marker(&self, package: usize) -> Result<(), ModuleError> {
        let mut flash = self.flash();
        if self.nvdm().result_kept(&*flash)? {
            self.nvdm().save_result_kept(&mut *flash, false)?; // that of the update before was never told
        }
        let marker = match UpdateInfo::load(&*flash, &Self::LAYOUT)? {
            UpdateInfo::Patching { .. } => UpdateInfo::Patching { package },
            _ if self.suffers(Defect::BusyForEver) => UpdateInfo::Over(UpdateCode::Busy),
            _ => UpdateInfo::Ordered { package },
        };
        Ok(marker.store(&mut *flash, &Self::LAYOUT)?)
    }

    /// An event of a download that was given up comes too late and counts for nothing.
    pub(super) fn on_download(&mut self, order: u64, event: DownloadEvent) -> Result<(), ModuleError> {
        if !matches!(&self.fetch, Some(FetchState::Running { order: running, .. }) if *running == order) {
            return Ok(());
        }
        match event {
            DownloadEvent::Percent(percent) => {
                for said in self.percents.of(percent) {
                    self.unasked(&self.phrases().downloading(said));
                }
            }
            DownloadEvent::Over(Ok(package)) => {
                self.fetch = None;
                let line = self.phrases().http_end(DownloadCode::Success);
                if self.settings.dialects.has(Dialect::TornHttpEnd) {
                    return self.tear_download_end(&line, package);
                }
                self.unasked(&line);
                self.order_update(package);
            }
            DownloadEvent::Over(Err(DownloadError::Flash(error))) => return Err(error.into()),
            DownloadEvent::Over(Err(error)) => {
                self.fetch = None;
                eprintln!("bc66-module: download failed: {error}");
                self.unasked(&self.phrases().http_end(DownloadCode::DownloadFailed));
            }
        }
        Ok(())
    }

    /// The reboot into the bootloader comes before the end of the line; that says `START` in the application's place.
    fn tear_download_end(&self, line: &str, package: usize) -> Result<(), ModuleError> {
        let torn = &line[..line.len() - TORN_OFF.min(line.len())];
        self.uart.send(format!("\r\n{torn}"));
        self.leave_download()?;
        let owed = !self.settings.dialects.has(Dialect::NoStart);
        self.nvdm().save_start_owed(&mut *self.flash(), owed)?;
        self.set_marker(package)?;
        Err(reboot(&self.settings, &self.uart).into())
    }

    /// The network is gone: a download ends with it.
    pub(super) fn give_up_download(&mut self) {
        if self.fetch.take().is_some() {
            self.agenda.forget(TimedEvent::DownloadStarts);
            self.unasked(&self.phrases().http_end(DownloadCode::NetworkDeactivated));
        }
    }

    /// What a broken download left in the delta area is not worth continuing any more.
    pub(super) fn forget_download(&self) -> Result<(), ModuleError> {
        let mut flash = self.flash();
        if self.nvdm().download(&*flash)?.is_some() {
            self.nvdm().save_download(&mut *flash, None)?;
        }
        Ok(())
    }
}
