//! One attempt at an update: get the package in, order it, watch it, cut it where the case says, and bring the module back.

mod cutting;
mod order;
mod watch;

use crate::device::dut::{Dut, Stop, UpdateWatch};
use crate::device::package_source::PackageSource;
use dfota_core::capabilities::Capabilities;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::event::Event;
use dfota_core::event::watched::{Attempt, Purpose, ReplyTo, TimedOut, Watched};
use dfota_core::expect::CommandReply;
use dfota_core::update::{AfterCut, Update};
use std::collections::VecDeque;

/// An update that is to be tried.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    pub purpose: Purpose,
    pub case: &'a Case,
    pub package: &'a [u8],
    pub source: &'a PackageSource,
    /// What the module could do before, where that is to be compared.
    pub before: Option<&'a Capabilities>,
}

/// How a life of the module ended, as far as the attempt is concerned.
enum Ended {
    Cut,
    /// Nothing more is expected.
    Settled,
    TimedOut(TimedOut),
}

impl Dut {
    /// Tries the update of `job` with `cuts`, in order; gives the wait that ran out, if one did. The module must be awake. It is
    /// watched from here until [`Dut::end_watch`], and must be left alone until it is asked what it became.
    pub fn attempt(&mut self, job: Job<'_>, cuts: Vec<Cut>) -> Result<Option<TimedOut>, Stop> {
        let bound = job.case.bound();
        self.journal.post(Event::Attempt(Box::new(Attempt {
            purpose: job.purpose,
            case: job.case.clone(),
            cuts: cuts.clone(),
            before: job.before.cloned(),
            bound_ns: bound.as_nanos() as u64,
        })));
        self.watch = UpdateWatch::attempt(Update::new(job.case.via), self.clock.bound(bound));
        let mut cuts = VecDeque::from(cuts);
        let began = job.source.mark();
        let in_upload = cuts.front().cloned();
        self.arm_next(&mut cuts);
        let mut ended = if self.bring_in(job, in_upload.as_ref())? {
            self.watch_update(job)?
        } else if self.watch.cut.is_some() {
            Ended::Cut
        } else {
            Ended::Settled
        };
        let mut resumed = None;
        while let Ended::Cut = ended {
            self.live_through_cut(&mut cuts)?;
            if self.watch.expected() == AfterCut::MustResume {
                resumed = resumed.or_else(|| job.source.mark());
            }
            ended = self.watch_return(&job.case.limits)?;
            self.measure_resumed_at();
        }
        self.journal.watched(Watched::Fetched {
            requests: job.source.requests_since(began),
            again: job.source.requests_since(resumed),
        });
        if let Some(cut) = self.reader.disarm() {
            self.journal.post(Event::CutMissed { cut });
        }
        let Ended::TimedOut(limit) = ended else {
            return Ok(None);
        };
        self.journal.watched(Watched::LimitOver { limit });
        Ok(Some(limit))
    }

    /// The order is about to be given.
    fn note_order(&mut self) {
        self.watch.order();
        self.journal.watched(Watched::Order);
    }

    fn note_reply(&mut self, to: ReplyTo, reply: CommandReply) {
        self.journal.watched(Watched::Replied { to, reply });
    }
}
