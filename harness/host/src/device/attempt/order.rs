//! Getting the package in and ordering the update, with the faults that a case asks for there.

use super::Job;
use crate::device::dut::dialogue::{COMMAND, no_reply};
use crate::device::dut::{Dut, Stop};
use crate::device::package_source::PackageSource;
use crate::device::upload::UploadPlan;
use bc66_spec::{command, qfotadl};
use dfota_core::cut::Cut;
use dfota_core::event::watched::{ReplyTo, Watched};
use dfota_core::expect::{Becomes, CommandReply};
use dfota_core::fault::{OrderFault, UartFault};
use dfota_core::update::UpdateInput;
use std::time::Instant;

impl Dut {
    /// Uploads where the transport asks for it, and orders; whether an update is under way. `cut` is the first of the attempt,
    /// which may fall into the upload.
    pub(super) fn bring_in(&mut self, job: Job<'_>, cut: Option<&Cut>) -> Result<bool, Stop> {
        match job.source {
            PackageSource::Uart => self.bring_in_over_uart(job, cut),
            PackageSource::Http(offer) => self.order_over_http(job, offer.url()),
            PackageSource::Coap(order) => {
                self.note_order();
                self.order_over_lwm2m(order, job.case)?;
                Ok(self.watch.cut.is_none())
            }
        }
    }

    fn bring_in_over_uart(&mut self, job: Job<'_>, cut: Option<&Cut>) -> Result<bool, Stop> {
        let case = job.case;
        let fault = case.faults.uart;
        if fault != Some(UartFault::Nothing) {
            let plan = UploadPlan {
                block_size: case.block_size,
                fault,
                stop_at_fault: case.expect.version == Some(Becomes::Unchanged),
            };
            let damaged = damaged(job.package, fault);
            let uploaded = self.upload(damaged.as_deref().unwrap_or(job.package), plan, cut)?;
            if let Some(reply) = uploaded.reply {
                self.note_reply(ReplyTo::FaultyBlock, reply);
                self.journal.watched(Watched::FaultMet);
            }
            if !uploaded.complete {
                return Ok(false);
            }
        }
        if matches!(fault, Some(UartFault::Nothing | UartFault::Damage(_))) {
            self.journal.watched(Watched::FaultMet);
        }
        let reply = self.order(&format!("AT{}={}", command::QFOTADL, qfotadl::FROM_UART))?;
        Ok(reply == CommandReply::Ok)
    }

    fn order_over_http(&mut self, job: Job<'_>, url: &str) -> Result<bool, Stop> {
        let fault = job.case.faults.order;
        if fault == Some(OrderFault::BeforeIp) {
            // Off the network and back: until the next +IP the module is activating (AN §7, code 20).
            for command in ["AT+CFUN=0", "AT+CFUN=1"] {
                self.awake.ip_at = None;
                self.query(command)?;
            }
        }
        let met = match fault {
            Some(OrderFault::BeforeIp) => self.awake.ip_at.is_none(),
            Some(OrderFault::UrlBytes(_) | OrderFault::Https) => true,
            Some(OrderFault::Again(_) | OrderFault::Detach(_)) | None => false,
        };
        if met {
            self.journal.watched(Watched::FaultMet);
        }
        Ok(self.order(&http_order(url, fault))? == CommandReply::Ok)
    }

    /// Gives an order; a module that loses its supply before it answers gives no reply.
    fn order(&mut self, text: &str) -> Result<CommandReply, Stop> {
        self.note_order();
        let sent = Instant::now();
        let answer = self.try_command(text, COMMAND)?;
        if answer.is_some() {
            self.measure_response("QFOTADL", sent.elapsed());
        }
        let reply = match answer {
            Some(answer) if answer.end.is_ok() => CommandReply::Ok,
            Some(_) => {
                self.watch.on(UpdateInput::Refused);
                CommandReply::Error
            }
            None if self.watch.cut.is_some() => CommandReply::Ok,
            None => return Err(no_reply(text)),
        };
        self.note_reply(ReplyTo::Order, reply);
        Ok(reply)
    }
}

/// The package with one byte inverted, where the fault asks for it.
fn damaged(package: &[u8], fault: Option<UartFault>) -> Option<Vec<u8>> {
    let Some(UartFault::Damage(at)) = fault else {
        return None;
    };
    let mut damaged = package.to_vec();
    let at = (at.of(package.len() as u64) as usize).min(package.len().checked_sub(1)?);
    damaged[at] ^= 0xFF;
    Some(damaged)
}

pub(super) fn http_order(url: &str, fault: Option<OrderFault>) -> String {
    let mut url = url.to_owned();
    match fault {
        Some(OrderFault::Https) => {
            let rest = url.split_once("://").map_or("", |(_, rest)| rest);
            url = format!("{}{rest}", qfotadl::SCHEME_UNSUPPORTED.to_lowercase());
        }
        Some(OrderFault::UrlBytes(bytes)) => {
            let missing = usize::from(bytes).saturating_sub(url.len());
            url.extend(std::iter::repeat_n('x', missing));
        }
        _ => {}
    }
    format!("AT{}=\"{url}\"", command::QFOTADL)
}
