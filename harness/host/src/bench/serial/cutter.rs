//! What the reader thread shares with the runner and the package servers, which see the moments of some cuts themselves.

use super::line_budget::LineBudget;
use super::message::BenchMessage;
use super::timespec;
use super::trigger::{Trigger, report};
use crate::bench::lines::RigLines;
use dfota_core::event::watched::Watched;
use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use dfota_record::journal::Journal;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the thread, its owner and the package servers share.
#[derive(Debug)]
pub(super) struct ReaderShared {
    pub(super) trigger: Trigger,
    pub(super) wake: OwnedFd,
    /// Lines of the present case.
    pub(super) budget: LineBudget,
    /// The share of the package that was reported last.
    served: AtomicU8,
    orders: Mutex<ReaderOrders>,
}

/// What the thread is to do beside reading.
#[derive(Debug, Default)]
pub(super) struct ReaderOrders {
    pub(super) drain: bool,
    pub(super) stop: bool,
    /// The port is to be closed until this is gone; the thread sends a word when it is.
    pub(super) lent: Option<SyncSender<()>>,
}

impl ReaderShared {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            trigger: Trigger::default(),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            budget: LineBudget::default(),
            served: AtomicU8::default(),
            orders: Mutex::default(),
        })
    }

    pub(super) fn orders(&self) -> MutexGuard<'_, ReaderOrders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the orders and has the thread look at them.
    pub(super) fn order(&self, change: impl FnOnce(&mut ReaderOrders)) {
        change(&mut self.orders());
        self.wake();
    }

    pub(super) fn wake(&self) {
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// Takes back every wake-up so far. Otherwise each wait from then on would end at once, and a real-time thread never sleep.
    pub(super) fn woken(&self) {
        let _ = rustix::io::read(&self.wake, &mut [0_u8; 8]);
    }

    /// Sleeps until the next wake-up, or for so long.
    pub(super) fn sleep(&self, limit: Option<Duration>) {
        let mut fds = [PollFd::new(&self.wake, PollFlags::IN)];
        let _ = poll(&mut fds, limit.map(timespec).as_ref());
        self.woken();
    }
}

/// Makes the armed cut where a server sees its moment: over CoAP the module prints no DOWNLOADING.
#[derive(Debug, Clone)]
pub struct Cutter {
    pub(super) shared: Arc<ReaderShared>,
    pub(super) lines: Arc<RigLines>,
    pub(super) journal: Journal,
    pub(super) runner: Sender<BenchMessage>,
}

impl Cutter {
    /// The module has so much of the package. The cut comes before anything is written down.
    pub fn served(&self, percent: Percent) {
        let met = |moment: Moment| moment.reached_by_download(percent);
        let made = self.shared.trigger.cut_if(met, Instant::now(), &self.lines);
        if self.shared.served.swap(percent.get(), Ordering::Relaxed) != percent.get() {
            self.journal.watched(Watched::Served { percent });
        }
        let _ = self.runner.send(BenchMessage::Served(percent));
        if let Some(made) = made {
            report(made, &self.journal, &self.runner);
        }
        // A cut with a delay is made by the reader thread, which has to know of it.
        self.shared.wake();
    }
}
