//! The application's side of a download over HTTP: when it may start, what it prints, and what ends it.

use super::{App, ApplicationInput, NetworkRegistration, TimedEvent};
use crate::background::Background;
use crate::defect::Defect;
use crate::dialect::Dialect;
use crate::download::{DownloadError, DownloadEvent, download};
use crate::durations::ORDER_TO_HTTPSTART;
use crate::life::{ModuleError, reboot};
use crate::nvdm::{self, DownloadPosition, NvdmKey};
use crate::reporter::Percents;
use crate::update_info::UpdateInfo;
use crate::url::Url;
use bc66_spec::code::{DownloadCode, UpdateCode};
use bc66_spec::urc::FotaUrc;

/// Bytes that are missing of a torn `HTTPEND`: `ND",0`.
const TORN_OFF: usize = 5;

#[derive(Debug)]
pub(super) enum HttpDownload {
    Ordered(Url),
    /// There is no network for it: it ends with this code when it would start.
    Hopeless(DownloadCode),
    /// Was announced, and waits for the network: see [`Defect::DownloadsAgain`].
    Waiting(Url),
    Running {
        number: u64,
        _work: Background,
    },
}

impl App {
    /// What the network is like at the moment of the order counts (AN §7: 13, 20).
    pub(super) fn order_download(&mut self, url: Url) {
        self.at.upload = Default::default();
        self.downloads.http = Some(match self.modem.registration {
            NetworkRegistration::Home if self.modem.has_address() => HttpDownload::Ordered(url),
            _ if self.modem.functionality == 1 => HttpDownload::Hopeless(DownloadCode::NetworkActivating),
            _ => HttpDownload::Hopeless(DownloadCode::NetworkDeactivated),
        });
        self.due_in(ORDER_TO_HTTPSTART, TimedEvent::HttpStart);
    }

    pub(super) fn start_http(&mut self) -> Result<(), ModuleError> {
        match self.downloads.http.take() {
            Some(HttpDownload::Ordered(url)) => {
                self.print(&self.phrases().fota(FotaUrc::HttpStart));
                self.downloads.http = Some(HttpDownload::Waiting(url));
                if self.modem.has_address() {
                    self.begin_waiting_download()?;
                }
            }
            Some(HttpDownload::Hopeless(code)) => self.print_download_end(FotaUrc::HttpEnd, code),
            other => self.downloads.http = other,
        }
        Ok(())
    }

    /// The network is there: a download that waited for it begins.
    pub(super) fn begin_waiting_download(&mut self) -> Result<(), ModuleError> {
        let Some(HttpDownload::Waiting(url)) = &self.downloads.http else {
            return Ok(());
        };
        let url = url.clone();
        self.forget_coap_package()?;
        self.downloads.percents = Percents::new(&self.settings, "downloading");
        self.downloads.started += 1;
        let (number, sender) = (self.downloads.started, self.inbox.sender());
        let tell = move |event| {
            let _ = sender.send(ApplicationInput::Http { number, event });
        };
        let _work = download(url, self.flash.clone(), self.clock, &self.settings, tell)?;
        self.downloads.http = Some(HttpDownload::Running { number, _work });
        Ok(())
    }

    /// Downloads again instead of resuming, if the URL is still known: [`Defect::DownloadsAgain`].
    pub(super) fn order_download_again(&mut self) -> Result<(), ModuleError> {
        let info = UpdateInfo::load(&*self.flash.lock(), &Self::LAYOUT)?;
        if !self.settings.defects.has(Defect::DownloadsAgain) || !matches!(info, UpdateInfo::Patching { .. })
        {
            return Ok(());
        }
        let earlier = DownloadPosition::load(&*self.flash.lock())?;
        if let Some(url) = earlier.and_then(|earlier| Url::parse(&earlier.url)) {
            self.downloads.http = Some(HttpDownload::Ordered(url));
            self.due_in(ORDER_TO_HTTPSTART, TimedEvent::HttpStart);
        }
        Ok(())
    }

    /// The package is complete: the position of its download is not needed any more.
    pub(super) fn leave_download(&self) -> Result<(), ModuleError> {
        let earlier = DownloadPosition::load(&*self.flash.lock())?;
        match earlier.filter(|_| self.settings.defects.has(Defect::DownloadsAgain)) {
            Some(earlier) => {
                let again = DownloadPosition {
                    position: 0,
                    ..earlier
                };
                Ok(again.save(&mut *self.flash.lock())?)
            }
            None => self.forget_download(),
        }
    }

    /// Sets the marker for the bootloader; an update that patches already goes on.
    pub(super) fn set_marker(&self, package: usize) -> Result<(), ModuleError> {
        let mut flash = self.flash.lock();
        if nvdm::flag(&*flash, NvdmKey::ResultPostponed)? {
            nvdm::set_flag(&mut *flash, NvdmKey::ResultPostponed, false)?; // the update before was never reported
        }
        let marker = match UpdateInfo::load(&*flash, &Self::LAYOUT)? {
            UpdateInfo::Patching { .. } => UpdateInfo::Patching { package },
            _ if self.suffers(Defect::BusyForEver) => UpdateInfo::Over(UpdateCode::Busy),
            _ => UpdateInfo::Ordered { package },
        };
        Ok(marker.store(&mut *flash, &Self::LAYOUT)?)
    }

    pub(super) fn on_http(&mut self, number: u64, event: DownloadEvent) -> Result<(), ModuleError> {
        if !matches!(&self.downloads.http, Some(HttpDownload::Running { number: running, .. }) if *running == number)
        {
            return Ok(()); // it was given up
        }
        let over = match event {
            DownloadEvent::Percent(percent) => {
                for printed in self.downloads.percents.printed_at(percent) {
                    self.print(&self.phrases().downloading(printed));
                }
                return Ok(());
            }
            DownloadEvent::Over(over) => over,
        };
        self.downloads.http = None;
        match over {
            Ok(package) if self.settings.dialects.has(Dialect::TornHttpEnd) => {
                return self.tear_download_end(package);
            }
            Ok(package) => {
                self.print_download_end(FotaUrc::HttpEnd, DownloadCode::Success);
                self.order_update(package, true);
            }
            Err(DownloadError::Flash(error)) => return Err(error.into()),
            Err(error) => {
                eprintln!("bc66-module: download failed: {error}");
                self.print_download_end(FotaUrc::HttpEnd, DownloadCode::DownloadFailed);
            }
        }
        Ok(())
    }

    /// The reboot into the bootloader comes before the end of the line, and `START` after it.
    fn tear_download_end(&self, package: usize) -> Result<(), ModuleError> {
        let line = self.phrases().end(FotaUrc::HttpEnd, DownloadCode::Success.raw());
        let torn = &line[..line.len() - TORN_OFF.min(line.len())];
        self.uart.send(format!("\r\n{torn}"));
        self.leave_download()?;
        let announced = !self.settings.dialects.has(Dialect::NoStart);
        nvdm::set_flag(&mut *self.flash.lock(), NvdmKey::StartPending, announced)?;
        self.set_marker(package)?;
        Err(reboot(&self.settings, &self.uart).into())
    }

    /// Detached from the network: ends the download.
    pub(super) fn give_up_http(&mut self) {
        if self.downloads.http.take().is_some() {
            self.agenda.forget(TimedEvent::HttpStart);
            self.print_download_end(FotaUrc::HttpEnd, DownloadCode::NetworkDeactivated);
        }
    }

    /// A broken download must not be continued any more: its part of the delta area is overwritten.
    pub(super) fn forget_download(&self) -> Result<(), ModuleError> {
        let mut flash = self.flash.lock();
        if DownloadPosition::load(&*flash)?.is_some() {
            DownloadPosition::forget(&mut *flash)?;
        }
        Ok(())
    }
}
