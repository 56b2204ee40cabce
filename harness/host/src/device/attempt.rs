//! One attempt at an update: get the package in, order it, watch it, cut it where the case says, and bring the module back.

mod cutting;
mod order;
mod watch;

use crate::device::module::{Module, Stop};
use crate::device::registration::Lwm2m;
use dfota_core::capabilities::Capabilities;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::event::Event;
use dfota_core::event::watched::{Attempt, Purpose, ReplyTo, TimedOut, Watched};
use dfota_core::expect::CommandReply;
use dfota_core::timeline::Timeline;
use dfota_core::update::{AfterCut, Phase, Update, UpdateInput};
use dfota_servers::ServedMark;
use dfota_servers::http::HttpOffer;
use std::collections::VecDeque;
use std::time::Instant;

/// What is to be tried.
#[derive(Debug)]
pub struct Job<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// What the module could do before, where that is to be compared.
    pub before: Option<Capabilities>,
    pub case: &'a Case,
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
    Http(&'a HttpOffer),
    /// From the CoAP file server, ordered over LwM2M.
    Coap(Lwm2m<'a>),
}

impl Source<'_> {
    fn mark(&self) -> Option<ServedMark> {
        match self {
            Self::Uart => None,
            Self::Http(offer) => Some(offer.mark()),
            Self::Coap(lwm2m) => Some(lwm2m.offer.mark()),
        }
    }

    fn requests_since(&self, mark: ServedMark) -> u32 {
        let requests = match self {
            Self::Uart => 0,
            Self::Http(offer) => offer.requests_since(mark).requests,
            Self::Coap(lwm2m) => lwm2m.offer.requests_since(mark).requests,
        };
        u32::try_from(requests).unwrap_or(u32::MAX)
    }
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
    /// Tries the update of `job`; gives the wait that ran out, if one did. The module must be awake, and be left alone
    /// afterwards until it is asked what it became.
    pub fn attempt(&mut self, job: &Job<'_>) -> Result<Option<TimedOut>, Stop> {
        let bound = job.case.bound();
        self.journal.post(Event::Attempt(Box::new(Attempt {
            purpose: job.purpose,
            case: job.case.clone(),
            cuts: job.cuts.clone(),
            before: job.before.clone(),
            bound_ns: bound.as_nanos() as u64,
        })));
        self.bound = Some(Instant::now() + self.clock.bound(bound));
        self.update = Some(Update::new(job.case.via));
        (self.measures.ordered, self.measures.ended) = (None, None);
        self.cut = None;
        (self.clean, self.object_ended) = (false, false);
        (self.attempted, self.timeline) = (Instant::now(), Timeline::default());
        let mut cuts: VecDeque<Cut> = job.cuts.iter().cloned().collect();
        let began = job.source.mark();
        self.arm_next(&mut cuts);
        let mut ended = match self.bring_in(job)? {
            true => self.watch_update(job)?,
            false if self.cut.is_some() => Ended::Cut,
            false => Ended::Settled,
        };
        let mut mark = None;
        while let Ended::Cut = ended {
            self.live_through_cut(&mut cuts)?;
            if self.expected() == AfterCut::MustResume {
                mark = mark.or_else(|| job.source.mark());
            }
            ended = self.watch_return(&job.case.limits)?;
            self.measure_resumed_at();
        }
        let since = |mark: Option<ServedMark>| mark.map_or(0, |mark| job.source.requests_since(mark));
        let (requests, again) = (since(began), since(mark));
        self.journal.watched(Watched::Fetched { requests, again });
        if let Some(cut) = self.reader.disarm() {
            self.journal.post(Event::CutMissed { cut });
        }
        let Ended::TimedOut(limit) = ended else {
            return Ok(None);
        };
        self.journal.watched(Watched::LimitOver { limit });
        Ok(Some(limit))
    }

    fn phase(&self) -> Phase {
        self.update.as_ref().map_or(Phase::Idle, Update::phase)
    }

    fn expected(&self) -> AfterCut {
        self.update
            .as_ref()
            .map_or(AfterCut::SourceStays, Update::expected)
    }

    /// The order is about to be given.
    fn tell_order(&mut self) {
        self.measures.ordered.get_or_insert_with(Instant::now);
        self.journal.watched(Watched::Order);
        self.tell(UpdateInput::Order);
    }

    fn tell_reply(&mut self, to: ReplyTo, reply: CommandReply) {
        self.journal.watched(Watched::Replied { to, reply });
    }

    fn tell(&mut self, input: UpdateInput) {
        if let Some(update) = &mut self.update {
            update.on(input);
        }
    }
}
