//! Watching an update: the life in which it was ordered, and what the module does when its supply has come back.

use super::order::http_order;
use super::{Ended, Job, Source};
use crate::device::module::dialogue::COMMAND;
use crate::device::module::{Module, Stop};
use dfota_core::case::{Case, Limits};
use dfota_core::event::watched::{ReplyTo, TimedOut, Watched};
use dfota_core::expect::CommandReply;
use dfota_core::fault::OrderFault;
use dfota_core::measure::Measure;
use dfota_core::transport::Via;
use dfota_core::update::Phase;
use std::time::{Duration, Instant};

/// How long an END may come after the moment that the application note shows for it.
const LATE_END: Duration = Duration::from_secs(2);

impl Module {
    /// Watches the life in which the update was ordered.
    pub(super) fn watch_update(&mut self, job: &Job<'_>) -> Result<Ended, Stop> {
        let limits = job.case.limits;
        let ordered = Instant::now();
        if job.case.via != Via::Uart {
            let deadline = ordered + self.clock.time_out(limits.download);
            let trigger = disturbance(job.case);
            let downloading = |phase| matches!(phase, Phase::Downloading { .. });
            let disturbed = |module: &Self| trigger.is_some_and(|(at, _)| reached(module.phase(), at));
            // Over LwM2M an order can end without a word on the UART.
            let refused = |module: &Self| module.object_ended;
            let over =
                |module: &Self| module.cut.is_some() || refused(module) || !downloading(module.phase());
            let in_time = self.wait_until(deadline, |module| over(module) || disturbed(module))?;
            if let Some((_, text)) = trigger.filter(|_| in_time && !over(self) && disturbed(self)) {
                self.disturb(job, text)?;
            }
            if !self.wait_until(deadline, over)? {
                return Ok(Ended::TimedOut(TimedOut::Download));
            }
            if self.cut.is_none() && refused(self) {
                // COAPEND, if there is one, comes about the same time on another way.
                self.wait(COMMAND, |module| {
                    module.cut.is_some() || !downloading(module.phase())
                })?;
            }
            if self.cut.is_none() && (refused(self) || matches!(self.phase(), Phase::DownloadFailed { .. })) {
                return Ok(Ended::Settled);
            }
        }
        self.watch_end(&limits)
    }

    fn disturb(&mut self, job: &Job<'_>, text: &'static str) -> Result<(), Stop> {
        let text = match &job.source {
            Source::Http(offer) if text.is_empty() => http_order(offer.url(), None),
            _ => text.to_owned(),
        };
        self.journal
            .step(format!("fault: `{text}` in the middle of the download"));
        let answer = self.try_command(&text, COMMAND)?;
        let mut met = true;
        if let Some(OrderFault::Again(_)) = job.case.faults.order {
            let refused = answer.as_ref().map(|answer| !answer.end.is_ok());
            if let Some(refused) = refused {
                self.tell_reply(
                    ReplyTo::SecondOrder,
                    if refused {
                        CommandReply::Error
                    } else {
                        CommandReply::Ok
                    },
                );
            }
            // Two orders met only if the first was still under way when the second was answered.
            let under_way = matches!(self.phase(), Phase::Downloading { .. });
            met = under_way || refused == Some(true);
        }
        if met {
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
        let ended = |module: &Self| matches!(module.phase(), Phase::Ended { .. });
        let up = |module: &Self| module.awake.ready && module.awake.sim_ready;
        let over = |module: &Self| module.cut.is_some() || ended(module) || up(module);
        // Once UPDATING has come to 100 %, a module that boots and stays silent may wait for the first `AT` (autobauding).
        let finished = |module: &Self| {
            module
                .update
                .as_ref()
                .is_some_and(|update| update.life().finished())
        };
        if !self.wait_until(deadline, |module| over(module) || finished(module))? {
            return Ok(Ended::TimedOut(TimedOut::Update));
        }
        let boot = self.clock.time_out(limits.boot);
        while !over(self) {
            let silent = self
                .awake
                .boot_rom_at
                .map_or(deadline, |at| at + boot)
                .min(deadline);
            let booting = self.awake.boot_rom_at;
            let moved = |module: &Self| over(module) || module.awake.boot_rom_at != booting;
            if !self.wait_until(silent, moved)? {
                break;
            }
        }
        self.late_end()?;
        self.settle_cut()
    }

    /// END comes before `+CPIN: READY` (AN §6.1); one that is a little late is heard as well.
    fn late_end(&mut self) -> Result<(), Stop> {
        let ended = |module: &Self| matches!(module.phase(), Phase::Ended { .. });
        self.wait(LATE_END, |module| module.cut.is_some() || ended(module))
            .map(drop)
    }

    /// After the last thing that was awaited: a cut that is under way is waited for.
    fn settle_cut(&mut self) -> Result<Ended, Stop> {
        let due = |module: &Self| module.reader.is_due();
        while self.cut.is_none() && due(self) {
            self.wait(COMMAND, |module| module.cut.is_some() || !due(module))?;
        }
        // A cut that was made is told right behind the line that triggered it.
        self.drain()?;
        Ok(if self.cut.is_some() {
            Ended::Cut
        } else {
            Ended::Settled
        })
    }

    /// Watches what the module does when its supply has come back, without a word to it.
    pub(super) fn watch_return(&mut self, limits: &Limits) -> Result<Ended, Stop> {
        let updates = |module: &Self| {
            module
                .update
                .as_ref()
                .is_some_and(|update| update.life().updates())
        };
        let ended =
            |module: &Self| matches!(module.phase(), Phase::Ended { .. }) && !module.life_ends().is_empty();
        // A module that rode through a glitch goes on with what it was at, and says nothing when that was nothing.
        let (landed, glitch) = self.last_cut();
        let downloads = glitch && matches!(landed, Phase::Downloading { .. });
        let gave_up = |module: &Self| downloads && matches!(module.phase(), Phase::DownloadFailed { .. });
        let came = |module: &Self| {
            module.cut.is_some() || module.awake.ready || updates(module) || ended(module) || gave_up(module)
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
        if updates(self) {
            self.measure_time(Measure::TimeToResume, self.since.elapsed());
            if !ended(self) && self.cut.is_none() {
                return self.watch_end(limits);
            }
        }
        // END, if there is one, comes after +CFUN: 1 and before +CPIN: READY (AN §6.1).
        self.wait(limits.boot, |module| {
            module.cut.is_some() || module.awake.sim_ready || ended(module)
        })?;
        self.settle_cut()
    }

    pub(super) fn measure_resumed_at(&mut self) {
        let first = self.update.as_ref().and_then(|update| update.life().updating);
        if let Some(first) = first.map(|at| at.first) {
            self.measure(Measure::ResumedAt, first.get().into());
        }
    }

    /// Where the last cut landed, and whether it was a glitch.
    fn last_cut(&self) -> (Phase, bool) {
        let mut lives = self.update.iter().flat_map(|update| update.lives().iter().rev());
        lives
            .find_map(|life| Some((life.cut?, life.glitch)))
            .unwrap_or((Phase::Idle, false))
    }

    fn life_ends(&self) -> &[bc66_spec::code::UpdateCode] {
        self.update.as_ref().map_or(&[], |update| &update.life().ends)
    }
}

/// At which percent of the download what is sent; an empty text is the same order again.
fn disturbance(case: &Case) -> Option<(dfota_core::percent::Percent, &'static str)> {
    match case.faults.order? {
        OrderFault::Again(at) => Some((at, "")),
        OrderFault::Detach(at) => Some((at, "AT+CFUN=0")),
        OrderFault::UrlBytes(_) | OrderFault::Https | OrderFault::BeforeIp => None,
    }
}

fn reached(phase: Phase, at: dfota_core::percent::Percent) -> bool {
    matches!(phase, Phase::Downloading { percent: Some(seen) } if seen >= at)
}
