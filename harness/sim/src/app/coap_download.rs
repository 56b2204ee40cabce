//! The application's side of a download over CoAP: when it starts, what it prints, and what ends it.

use super::{App, ApplicationInput, TimedEvent};
use crate::background::Background;
use crate::coap::Uri;
use crate::durations::ORDER_TO_COAPSTART;
use crate::life::ModuleError;
use crate::pull::{CoapTransfer, PullError};
use crate::random::Random;
use bc66_spec::code::DownloadCode;
use bc66_spec::lwm2m::UpdateResult;
use bc66_spec::urc::FotaUrc;

#[derive(Debug)]
pub(super) enum CoapDownload {
    Ordered(Uri),
    Running { number: u64, _work: Background },
}

impl App {
    pub(super) fn order_coap(&mut self, uri: Uri) -> Result<(), ModuleError> {
        self.forget_download()?;
        self.at.upload = Default::default();
        self.downloads.coap = Some(CoapDownload::Ordered(uri));
        self.due_in(ORDER_TO_COAPSTART, TimedEvent::CoapStart);
        Ok(())
    }

    pub(super) fn start_coap(&mut self) -> Result<(), ModuleError> {
        let Some(CoapDownload::Ordered(uri)) = self.downloads.coap.take() else {
            return Ok(());
        };
        self.print(&self.phrases().fota(FotaUrc::CoapStart));
        self.downloads.started += 1;
        let (number, sender) = (self.downloads.started, self.inbox.sender());
        let tell = move |package| {
            let _ = sender.send(ApplicationInput::Coap { number, package });
        };
        let transfer = CoapTransfer {
            uri,
            exponent: self.settings.coap_exponent,
            clock: self.clock,
            random: Random::for_purpose(self.settings.boot_seed().wrapping_add(number), "pull"),
            flash: self.flash.clone(),
        };
        let _work = transfer.start(tell)?;
        self.downloads.coap = Some(CoapDownload::Running { number, _work });
        Ok(())
    }

    pub(super) fn on_coap(
        &mut self,
        number: u64,
        package: Result<usize, PullError>,
    ) -> Result<(), ModuleError> {
        if !matches!(&self.downloads.coap, Some(CoapDownload::Running { number: running, .. }) if *running == number)
        {
            return Ok(()); // it was given up
        }
        self.downloads.coap = None;
        let code = match package {
            Ok(package) => {
                self.lwm2m.objects.firmware.downloaded(package);
                DownloadCode::Success
            }
            Err(PullError::Flash(error)) => return Err(error.into()),
            Err(error) => {
                eprintln!("bc66-module: download over CoAP failed: {error}");
                self.lwm2m.objects.firmware.download_failed(error.result());
                DownloadCode::DownloadFailed
            }
        };
        self.print_download_end(FotaUrc::CoapEnd, code);
        Ok(())
    }

    /// Detached from the network: ends the download.
    pub(super) fn give_up_coap(&mut self) {
        if self.end_coap(DownloadCode::NetworkDeactivated) {
            let lost = UpdateResult::ConnectionLost;
            self.lwm2m.objects.firmware.download_failed(lost);
        }
    }

    /// The server cancels it; that this reads as a failed download is assumed.
    pub(super) fn cancel_coap(&mut self) {
        self.end_coap(DownloadCode::DownloadFailed);
    }

    fn end_coap(&mut self, code: DownloadCode) -> bool {
        let ended = self.downloads.coap.take().is_some();
        if ended {
            self.agenda.forget(TimedEvent::CoapStart);
            self.print_download_end(FotaUrc::CoapEnd, code);
        }
        ended
    }
}
