//! One attempt at an update: get the package in, order it, watch it, cut it where the case says, and bring the module back.

use crate::module::dialogue::COMMAND;
use crate::module::{Module, Stop};
use crate::package_server::Offer;
use crate::registration::Lwm2m;
use crate::serial::reader::{Armed, CutMade};
use crate::shelf::tally::Mark;
use crate::upload;
use bc66_wire::{command, qfotadl};
use dfota_core::case::{Case, Limits, Via};
use dfota_core::cut::{Cut, Kind};
use dfota_core::event::{Confirmed, Event, Line};
use dfota_core::expect::{Becomes, Reply};
use dfota_core::fault::{OrderFault, UartFault};
use dfota_core::judge::{Marks, TimedOut};
use dfota_core::measure::Measure;
use dfota_core::moment::Moment;
use dfota_core::timeline::Timeline;
use dfota_core::update::{Due, Input, Phase, Update};
use dfota_core::verdict::Rule;
use std::collections::VecDeque;
use std::time::Instant;

/// How long an END may come after the moment that the application note shows for it.
const LATE_END: std::time::Duration = std::time::Duration::from_secs(2);

/// What is to be tried.
#[derive(Debug)]
pub struct Job<'a> {
    /// The case.
    pub case: &'a Case,
    /// The package's bytes.
    pub package: &'a [u8],
    /// Where a package server offers it.
    pub source: Source<'a>,
    /// The cuts to be made, in order.
    pub cuts: Vec<Cut>,
}

/// Where the module is to get the package from.
#[derive(Debug)]
pub enum Source<'a> {
    /// Out of the UART.
    Uart,
    /// From the HTTP package server.
    Http(&'a Offer),
    /// From the CoAP file server, ordered over LwM2M.
    Coap(Lwm2m<'a>),
}

impl Source<'_> {
    fn mark(&self) -> Option<Mark> {
        match self {
            Self::Uart => None,
            Self::Http(offer) => Some(offer.mark()),
            Self::Coap(lwm2m) => Some(lwm2m.offer.mark()),
        }
    }

    fn requests_since(&self, mark: Mark) -> u32 {
        let requests = match self {
            Self::Uart => 0,
            Self::Http(offer) => offer.requests_since(mark).requests,
            Self::Coap(lwm2m) => lwm2m.offer.requests_since(mark).requests,
        };
        u32::try_from(requests).unwrap_or(u32::MAX)
    }
}

/// What came of it, beside what the watched [`Update`] knows.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tried {
    /// What answered the faulty block, or the order, or the second order.
    pub reply: Option<Reply>,
    /// The fault of the upload or of the order was brought about.
    pub fault_met: bool,
    /// The wait that ran out first.
    pub timed_out: Option<TimedOut>,
    /// Requests for the package, also those whose answers are still under way.
    pub fetched: u32,
    /// Requests for the package that came after power was lost while UPDATING.
    pub fetched_again: u32,
}

/// How a life of the module ended, as far as the attempt is concerned.
enum Ended {
    /// A cut was made.
    Cut,
    /// Nothing more is expected.
    Settled,
    /// A limit was over.
    TimedOut(TimedOut),
}

impl Module {
    /// Tries the update of `job`. The module must be awake, and be left alone afterwards until it is asked what it became.
    pub fn attempt(&mut self, job: &Job<'_>) -> Result<Tried, Stop> {
        self.update = Some(Update::new(job.case.via));
        self.marks = Marks::default();
        (self.measures.ordered, self.measures.ended) = (None, None);
        self.cut = None;
        self.clean = false;
        (self.attempted, self.timeline) = (Instant::now(), Timeline::default());
        self.made = None;
        let mut cuts: VecDeque<Cut> = job.cuts.iter().cloned().collect();
        let mut tried = Tried::default();
        let began = job.source.mark();
        self.arm_next(&mut cuts);
        let mut ended = match self.bring_in(job, &mut tried)? {
            true => self.watch_update(job, &mut tried)?,
            false if self.cut.is_some() => Ended::Cut,
            false => Ended::Settled,
        };
        let mut mark = None;
        while let Ended::Cut = ended {
            self.live_through_cut(&mut cuts)?;
            if self.due() == Due::MustResume {
                mark = mark.or_else(|| job.source.mark());
            }
            ended = self.watch_return(&job.case.limits)?;
            self.measure_resumed_at();
        }
        let since = |mark: Option<Mark>| mark.map_or(0, |mark| job.source.requests_since(mark));
        (tried.fetched, tried.fetched_again) = (since(began), since(mark));
        if let Some(cut) = self.reader.disarm() {
            let mark = self.journal.post(Event::CutMissed { cut });
            self.marks.missed.push(mark);
        }
        if let Ended::TimedOut(limit) = ended {
            tried.timed_out = Some(limit);
            let text = format!("the limit `{}` is over", limit.name());
            self.marks.timed_out = Some(self.journal.step(text));
        }
        Ok(tried)
    }

    fn phase(&self) -> Phase {
        self.update.as_ref().map_or(Phase::Idle, Update::phase)
    }

    fn due(&self) -> Due {
        self.update.as_ref().map_or(Due::Nothing, Update::due)
    }

    fn tell(&mut self, input: Input) {
        if input == Input::Order {
            self.measures.ordered.get_or_insert_with(Instant::now);
        }
        if let Some(update) = &mut self.update {
            update.on(input);
        }
    }

    fn arm_next(&mut self, cuts: &mut VecDeque<Cut>) {
        let Some(cut) = cuts.pop_front() else { return };
        self.journal.post(Event::CutArmed { cut: cut.clone() });
        if !matches!(cut.at, Moment::UploadBlock(_)) {
            let after = self.clock.real(cut.after);
            self.reader.arm(Armed { cut, after });
        }
    }

    // Getting it in.

    /// Uploads where the transport asks for it, and orders; whether an update is under way.
    fn bring_in(&mut self, job: &Job<'_>, tried: &mut Tried) -> Result<bool, Stop> {
        match &job.source {
            Source::Uart => self.bring_in_over_uart(job, tried),
            Source::Http(offer) => self.order_over_http(job, offer.url(), tried),
            Source::Coap(lwm2m) => {
                tried.fault_met |= job.case.faults.order.is_none();
                self.tell(Input::Order);
                self.order_over_lwm2m(lwm2m, &job.case.limits)?;
                Ok(self.cut.is_none())
            }
        }
    }

    fn bring_in_over_uart(&mut self, job: &Job<'_>, tried: &mut Tried) -> Result<bool, Stop> {
        let case = job.case;
        let fault = case.faults.uart;
        if fault != Some(UartFault::Nothing) {
            let plan = upload::Plan {
                block_size: case.block_size,
                fault,
                stop_at_fault: case.expect.version == Some(Becomes::Unchanged),
            };
            let cut = job.cuts.first().and_then(|cut| match cut.at {
                Moment::UploadBlock(block) => Some((block, cut)),
                _ => None,
            });
            let damaged = damaged(job.package, fault);
            let uploaded = self.upload(damaged.as_deref().unwrap_or(job.package), plan, cut)?;
            tried.reply = uploaded.reply;
            tried.fault_met = uploaded.reply.is_some();
            if !uploaded.complete {
                return Ok(false);
            }
        }
        tried.fault_met |= matches!(fault, Some(UartFault::Nothing | UartFault::Damage(_)));
        let reply = self.order(&format!("AT{}={}", command::QFOTADL, qfotadl::FROM_UART))?;
        if fault.and_then(UartFault::block).is_none() {
            tried.reply = reply;
        }
        Ok(reply == Some(Reply::Ok))
    }

    fn order_over_http(&mut self, job: &Job<'_>, url: &str, tried: &mut Tried) -> Result<bool, Stop> {
        let fault = job.case.faults.order;
        if fault == Some(OrderFault::BeforeIp) {
            // Off the network and back: until the next +IP the module is activating (AN §7, code 20).
            for command in ["AT+CFUN=0", "AT+CFUN=1"] {
                self.awake.ip = false;
                self.query(command)?;
            }
        }
        tried.fault_met = match fault {
            Some(OrderFault::BeforeIp) => !self.awake.ip,
            Some(OrderFault::UrlBytes(_) | OrderFault::Https) => true,
            Some(OrderFault::Again(_) | OrderFault::Detach(_)) | None => false,
        };
        tried.reply = self.order(&http_order(url, fault))?;
        Ok(tried.reply == Some(Reply::Ok))
    }

    /// Gives an order; a module that loses its supply before it answers gives no reply.
    fn order(&mut self, text: &str) -> Result<Option<Reply>, Stop> {
        self.tell(Input::Order);
        let answer = self.timed_command("QFOTADL", text)?;
        self.marks.reply = answer.as_ref().map(|answer| answer.mark).or(self.latest);
        match answer {
            Some(answer) if answer.end.is_ok() => Ok(Some(Reply::Ok)),
            Some(_) => {
                self.tell(Input::Refused);
                Ok(Some(Reply::Error))
            }
            None if self.cut.is_some() => Ok(Some(Reply::Ok)),
            None => Err(Stop::rule(
                Rule::NoReply,
                format!("`{text}` was not answered within {} s", COMMAND.as_secs()),
            )),
        }
    }

    // Watching.

    /// Watches the life in which the update was ordered.
    fn watch_update(&mut self, job: &Job<'_>, tried: &mut Tried) -> Result<Ended, Stop> {
        let limits = job.case.limits;
        let ordered = Instant::now();
        if job.case.via != Via::Uart {
            let deadline = ordered + self.clock.time_out(limits.download);
            let trigger = disturbance(job.case);
            let downloading = |phase| matches!(phase, Phase::Downloading { .. });
            let disturbed = |module: &Self| trigger.is_some_and(|(at, _)| reached(module.phase(), at));
            // Over LwM2M an order can end without a word on the UART.
            let refused = |module: &Self| module.object.ending.is_some();
            let over =
                |module: &Self| module.cut.is_some() || refused(module) || !downloading(module.phase());
            let in_time = self.wait_until(deadline, |module| over(module) || disturbed(module))?;
            if let Some((_, text)) = trigger.filter(|_| in_time && !over(self) && disturbed(self)) {
                self.disturb(job, text, tried)?;
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

    fn disturb(&mut self, job: &Job<'_>, text: &'static str, tried: &mut Tried) -> Result<(), Stop> {
        tried.fault_met = true;
        let text = match &job.source {
            Source::Http(offer) if text.is_empty() => http_order(offer.url(), None),
            _ => text.to_owned(),
        };
        self.journal
            .step(format!("fault: `{text}` in the middle of the download"));
        let answer = self.try_command(&text, COMMAND)?;
        self.marks.reply = answer.as_ref().map(|answer| answer.mark).or(self.latest);
        if let Some(OrderFault::Again(_)) = job.case.faults.order {
            tried.reply = answer.map(|answer| {
                if answer.end.is_ok() {
                    Reply::Ok
                } else {
                    Reply::Error
                }
            });
            // Two orders met only if the first was still under way when the second was answered.
            let under_way = matches!(self.phase(), Phase::Downloading { .. });
            tried.fault_met = under_way || tried.reply == Some(Reply::Error);
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
        if !self.wait_until(deadline, over)? {
            return Ok(Ended::TimedOut(TimedOut::Update));
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
    fn watch_return(&mut self, limits: &Limits) -> Result<Ended, Stop> {
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

    fn measure_resumed_at(&mut self) {
        let first = self.update.as_ref().and_then(|update| update.life().updating);
        if let Some((first, _)) = first {
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

    fn life_ends(&self) -> &[bc66_wire::code::UpdateCode] {
        self.update.as_ref().map_or(&[], |update| &update.life().ends)
    }

    // Cuts.

    /// From a cut that was made to a module that is supplied again.
    fn live_through_cut(&mut self, cuts: &mut VecDeque<Cut>) -> Result<(), Stop> {
        let Some(made) = self.cut.take() else {
            return Ok(());
        };
        let cut = made.cut.clone();
        if let Err(error) = made.result {
            return Err(Stop::rule(Rule::LineFailed, error.to_string()));
        }
        let timing = self.timing();
        let glitch = cut.kind != Kind::Reset && cut.off < timing.discharge;
        // What arrives until the silence is certain was said before the cut.
        match cut.kind {
            Kind::Power | Kind::Both if !glitch => self.fall_silent(made.returned)?,
            Kind::Reset => {
                self.pause_until(made.returned + self.clock.real(timing.latency))?;
                self.drain()?;
            }
            Kind::Power | Kind::Both => self.pause_until(made.returned + self.clock.real(cut.off))?,
        }
        let confirmed = self.confirmed(&made)?;
        let landed = self.phase();
        let start = self.update.as_ref().is_some_and(|update| update.life().start);
        self.made.get_or_insert((cut.clone(), landed, start));
        let mark = self.journal.post(Event::CutMade {
            cut: cut.clone(),
            landed,
            trigger_ns: self.clock.mono_ns_of(made.trigger),
            due_ns: self.clock.mono_ns_of(made.due),
            commanded_ns: self.clock.mono_ns_of(made.commanded),
            returned_ns: self.clock.mono_ns_of(made.returned),
            kind: cut.kind,
            confirmed,
        });
        if let Some(update) = &mut self.update {
            update.on_marked(Input::Cut { glitch }, mark);
        }
        let late = made.returned.saturating_duration_since(made.due);
        self.measure(Measure::CutLatency, late.as_nanos() as u64);
        self.cut_late = self.clock.module_time(late);
        if !glitch && cut.kind != Kind::Reset {
            self.prove_silence()?;
        }
        self.pause_until(made.returned + self.clock.real(cut.off.max(self.shortest_off(cut.kind))))?;
        self.arm_next(cuts);
        self.give_back(cut.kind)
    }

    /// When the sense line showed that the supply was gone, where the rig has one and it did.
    fn confirmed(&self, made: &CutMade) -> Result<Option<Confirmed>, Stop> {
        if made.cut.kind == Kind::Reset {
            return Ok(None);
        }
        let shown = self.look()?.filter(|shown| !shown.supplied);
        let edge = shown
            .and_then(|shown| shown.since)
            .filter(|edge| edge.at >= made.commanded);
        Ok(edge.map(|edge| Confirmed {
            at_ns: self.clock.mono_ns_of(edge.at),
            within_ns: edge.within.as_nanos() as u64,
        }))
    }

    fn shortest_off(&self, kind: Kind) -> std::time::Duration {
        if kind == Kind::Reset {
            self.timing().reset_hold
        } else {
            std::time::Duration::ZERO
        }
    }

    fn give_back(&mut self, kind: Kind) -> Result<(), Stop> {
        match kind {
            Kind::Power => self.power_on(),
            Kind::Reset => self.release_reset(),
            Kind::Both => {
                self.set(Line::Reset, false)?;
                self.power_on()
            }
        }
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

fn http_order(url: &str, fault: Option<OrderFault>) -> String {
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
