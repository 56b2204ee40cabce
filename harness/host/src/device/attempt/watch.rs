//! Watching an update: the life in which it was ordered, and what the module does when its supply has come back.

use super::order::http_order;
use super::{Ended, Job};
use crate::device::dut::dialogue::COMMAND;
use crate::device::dut::{Dut, Stop};
use crate::device::package_source::PackageSource;
use dfota_core::case::{Case, Limits};
use dfota_core::event::watched::{ReplyTo, TimedOut, Watched};
use dfota_core::expect::CommandReply;
use dfota_core::fault::OrderFault;
use dfota_core::measure::Measure;
use dfota_core::percent::Percent;
use dfota_core::reply::Final;
use dfota_core::transport::Via;
use dfota_core::update::{Life, Phase, Update};
use std::time::{Duration, Instant};

/// How long an END may come after the moment that the application note shows for it.
const LATE_END: Duration = Duration::from_secs(2);

impl Dut {
    /// Watches the life in which the update was ordered.
    pub(super) fn watch_update(&mut self, job: Job<'_>) -> Result<Ended, Stop> {
        let limits = job.case.limits;
        let ordered = Instant::now();
        if job.case.via != Via::Uart {
            let deadline = ordered + self.clock.time_out(limits.download);
            let fault_at = disturbed_at(job.case);
            let downloads = |dut: &Self| matches!(dut.watch.phase(), Phase::Downloading { .. });
            let disturbed = |dut: &Self| fault_at.is_some_and(|at| reached(dut.watch.phase(), at));
            // Over LwM2M an order can end without a line on the UART.
            let over = |dut: &Self| dut.watch.cut.is_some() || dut.watch.object_ended || !downloads(dut);
            let in_time = self.wait_until(deadline, |dut| over(dut) || disturbed(dut))?;
            if in_time && !over(self) && disturbed(self) {
                self.disturb(job)?;
            }
            if !self.wait_until(deadline, over)? {
                return Ok(Ended::TimedOut(TimedOut::Download));
            }
            if self.watch.cut.is_none() && self.watch.object_ended {
                // COAPEND, if there is one, comes about the same time on another way.
                self.wait_or_cut(COMMAND, |dut| !downloads(dut))?;
            }
            let failed = matches!(self.watch.phase(), Phase::DownloadFailed { .. });
            if self.watch.cut.is_none() && (self.watch.object_ended || failed) {
                return Ok(Ended::Settled);
            }
        }
        self.watch_end(&limits)
    }

    /// Sends the same order again or leaves the network, as the fault says.
    fn disturb(&mut self, job: Job<'_>) -> Result<(), Stop> {
        let again = matches!(job.case.faults.order, Some(OrderFault::Again(_)));
        let text = match job.source {
            PackageSource::Http(offer) if again => http_order(offer.url(), None),
            _ => "AT+CFUN=0".to_owned(),
        };
        self.journal
            .step(format!("fault: `{text}` in the middle of the download"));
        let answer = self.try_command(&text, COMMAND)?;
        let reply = answer.filter(|_| again).map(|answer| match answer.end {
            Final::Ok => CommandReply::Ok,
            _ => CommandReply::Error,
        });
        if let Some(reply) = reply {
            self.note_reply(ReplyTo::SecondOrder, reply);
        }
        // Two orders met only if the first was still under way when the second was answered.
        let under_way = matches!(self.watch.phase(), Phase::Downloading { .. });
        if !again || under_way || reply == Some(CommandReply::Error) {
            self.journal.watched(Watched::FaultMet);
        }
        Ok(())
    }

    /// Waits for END, or for an application that is up again without one. A cut that is armed for END itself, or whose
    /// delay runs, is waited for.
    fn watch_end(&mut self, limits: &Limits) -> Result<Ended, Stop> {
        let deadline = Instant::now() + self.clock.time_out(limits.update);
        // A module that updates has left the application: when it is up again, END has come or never will.
        (self.awake.ready, self.awake.sim_ready) = (false, false);
        let up = |dut: &Self| dut.awake.ready && dut.awake.sim_ready;
        let over = |dut: &Self| dut.watch.cut.is_some() || is_at_end(dut) || up(dut);
        // Once UPDATING has come to 100 %, a module that boots and stays silent may wait for the first `AT` (autobauding).
        let finished = |dut: &Self| dut.watch.life().is_some_and(Life::finished);
        if !self.wait_until(deadline, |dut| over(dut) || finished(dut))? {
            return Ok(Ended::TimedOut(TimedOut::Update));
        }
        let boot = self.clock.time_out(limits.boot);
        while !over(self) {
            let booting = self.awake.boot_rom_at;
            let silent = booting.map_or(deadline, |at| deadline.min(at + boot));
            let moved = |dut: &Self| over(dut) || dut.awake.boot_rom_at != booting;
            if !self.wait_until(silent, moved)? {
                break;
            }
        }
        // END comes before `+CPIN: READY` (AN §6.1); one that is a little late is heard as well.
        self.wait_or_cut(LATE_END, is_at_end)?;
        self.settle_cut()
    }

    /// After the last event that was awaited: a cut whose delay runs is waited for.
    fn settle_cut(&mut self) -> Result<Ended, Stop> {
        while self.watch.cut.is_none() && self.reader.is_due() {
            self.wait_or_cut(COMMAND, |dut| !dut.reader.is_due())?;
        }
        // The reader tells of a cut right behind the line that triggered it.
        self.drain()?;
        Ok(if self.watch.cut.is_some() {
            Ended::Cut
        } else {
            Ended::Settled
        })
    }

    /// Watches what the module does when its supply has come back, and sends it nothing.
    pub(super) fn watch_return(&mut self, limits: &Limits) -> Result<Ended, Stop> {
        let ended = |dut: &Self| {
            let here = dut.watch.life().is_some_and(|life| !life.ends.is_empty());
            here && is_at_end(dut)
        };
        // A module that rides through a glitch goes on with what it was doing, and says nothing if it was idle.
        let lives = self.watch.update.as_ref().map_or(&[][..], Update::lives);
        let last_cut = lives.iter().rev().find(|life| life.cut.is_some());
        let landed = last_cut.and_then(|life| life.cut).unwrap_or(Phase::Idle);
        let glitch = last_cut.is_some_and(|life| life.glitch);
        let downloads = glitch && matches!(landed, Phase::Downloading { .. });
        let gave_up = |dut: &Self| downloads && matches!(dut.watch.phase(), Phase::DownloadFailed { .. });
        let came = |dut: &Self| {
            dut.watch.cut.is_some() || dut.awake.ready || dut.watch.updates() || ended(dut) || gave_up(dut)
        };
        let (limit, name) = if downloads {
            (limits.download, TimedOut::Download)
        } else {
            (limits.resume, TimedOut::Resume)
        };
        if !self.wait(limit, came)? {
            let at_rest = matches!(
                landed,
                Phase::Idle | Phase::Uploading { .. } | Phase::DownloadFailed { .. } | Phase::Ended { .. }
            );
            if glitch && at_rest {
                return Ok(Ended::Settled);
            }
            self.must_be_supplied()?;
            return Ok(Ended::TimedOut(name));
        }
        if !glitch {
            self.measure_first_urc();
        }
        if gave_up(self) {
            return self.settle_cut();
        }
        if self.watch.updates() {
            self.measure_time(Measure::TimeToResume, self.since().elapsed());
            if !ended(self) && self.watch.cut.is_none() {
                return self.watch_end(limits);
            }
        }
        // END, if there is one, comes after +CFUN: 1 and before +CPIN: READY (AN §6.1).
        self.wait_or_cut(limits.boot, |dut| dut.awake.sim_ready || ended(dut))?;
        self.settle_cut()
    }

    pub(super) fn measure_resumed_at(&mut self) {
        if let Some(first) = self
            .watch
            .life()
            .and_then(|life| life.updating)
            .map(|at| at.first)
        {
            self.measure(Measure::ResumedAt, first.get().into());
        }
    }
}

fn is_at_end(dut: &Dut) -> bool {
    matches!(dut.watch.phase(), Phase::Ended { .. })
}

/// At which percent the case disturbs the download.
fn disturbed_at(case: &Case) -> Option<Percent> {
    match case.faults.order? {
        OrderFault::Again(at) | OrderFault::Detach(at) => Some(at),
        OrderFault::UrlBytes(_) | OrderFault::Https | OrderFault::BeforeIp => None,
    }
}

fn reached(phase: Phase, at: Percent) -> bool {
    matches!(phase, Phase::Downloading { percent: Some(seen) } if seen >= at)
}
