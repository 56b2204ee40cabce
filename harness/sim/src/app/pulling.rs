//! The application's side of a download over CoAP: when it starts, what it prints, and what ends it.

use super::{App, ApplicationInput, TimedEvent};
use crate::coap::Uri;
use crate::durations::ORDER_TO_COAPSTART;
use crate::life::ModuleError;
use crate::pull::{Manner, Pull, PullError};
use crate::random::Random;
use bc66_spec::code::DownloadCode;
use bc66_spec::lwm2m::UpdateResult;
use bc66_spec::urc::FotaUrc;

/// A download that the server ordered.
#[derive(Debug)]
pub(super) enum PullState {
    /// Waits for its start.
    Ordered(Uri),
    Running {
        _pull: Pull,
        order: u64,
    },
}

impl App {
    pub(super) fn order_pull(&mut self, uri: Uri) -> Result<(), ModuleError> {
        self.forget_download()?;
        self.upload = Default::default();
        self.pull = Some(PullState::Ordered(uri));
        self.due_in(ORDER_TO_COAPSTART, TimedEvent::PullStarts);
        Ok(())
    }

    pub(super) fn start_pull(&mut self) -> Result<(), ModuleError> {
        let Some(PullState::Ordered(uri)) = self.pull.take() else {
            return Ok(());
        };
        self.unasked(&self.phrases().fota(FotaUrc::CoapStart));
        self.orders += 1;
        let (order, sender) = (self.orders, self.sender.clone());
        let tell = move |over| {
            let _ = sender.send(ApplicationInput::Pull { order, over });
        };
        let manner = Manner {
            exponent: self.settings.coap_exponent,
            clock: self.clock,
            layout: Self::LAYOUT,
        };
        let random = Random::for_purpose(self.settings.boot_seed().wrapping_add(order), "pull");
        let pull = Pull::start(uri, manner, random, std::sync::Arc::clone(&self.flash), tell)?;
        self.pull = Some(PullState::Running { _pull: pull, order });
        Ok(())
    }

    /// The end of a download that was given up comes too late and counts for nothing.
    pub(super) fn on_pull(&mut self, order: u64, over: Result<usize, PullError>) -> Result<(), ModuleError> {
        if !matches!(&self.pull, Some(PullState::Running { order: running, .. }) if *running == order) {
            return Ok(());
        }
        self.pull = None;
        let code = match over {
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
        self.unasked(&self.phrases().coap_end(code));
        Ok(())
    }

    /// The network is gone: a download ends with it.
    pub(super) fn give_up_pull(&mut self) {
        if self.end_pull(DownloadCode::NetworkDeactivated) {
            let lost = UpdateResult::ConnectionLost;
            self.lwm2m.objects.firmware.download_failed(lost);
        }
    }

    /// The server does not want it any more; that this reads as a failed download is assumed.
    pub(super) fn cancel_pull(&mut self) {
        self.end_pull(DownloadCode::DownloadFailed);
    }

    fn end_pull(&mut self, code: DownloadCode) -> bool {
        let ended = self.pull.take().is_some();
        if ended {
            self.agenda.forget(TimedEvent::PullStarts);
            self.unasked(&self.phrases().coap_end(code));
        }
        ended
    }
}
