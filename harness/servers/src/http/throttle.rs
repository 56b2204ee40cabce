//! Answers that go slowly on purpose, in the module's time.

use dfota_clock::Clock;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// The longest pause, in real time: longer than any run, and short enough for every clock.
pub(super) const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// How much of a throttled answer goes at once, in real time.
const BEAT: Duration = Duration::from_millis(10);

const PIECE_MAX: u64 = 16 * 1024;

/// Lets bytes of a throttled answer go at a rate. Every piece has its moment, counted from the first one: an answer that is late
/// catches up and the times do not drift, and at no moment more was given than the rate allows.
#[derive(Debug)]
pub(super) struct Throttle {
    rate: u32,
    clock: Clock,
    /// The largest piece that goes at once.
    pub(super) piece: u64,
    given: u64,
    start: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Throttle {
    pub(super) fn new(rate: u32, clock: Clock) -> Self {
        let beat = clock.module_time(BEAT).as_secs_f64() * f64::from(rate);
        Self {
            rate,
            clock,
            piece: (beat as u64).clamp(1, PIECE_MAX),
            given: 0,
            start: None,
            sleep: None,
        }
    }

    /// Ready when `count` bytes more may go; counts them.
    pub(super) fn poll(&mut self, count: u64, context: &mut Context<'_>) -> Poll<()> {
        let start = *self.start.get_or_insert_with(Instant::now);
        let due = start + self.takes(self.given + count);
        if Instant::now() < due {
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            ready!(sleep.as_mut().poll(context));
        }
        self.sleep = None;
        self.given += count;
        Poll::Ready(())
    }

    /// Real time that so many bytes take.
    fn takes(&self, bytes: u64) -> Duration {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate.max(1));
        let module = Duration::from_nanos(nanoseconds.try_into().unwrap_or(u64::MAX));
        self.clock.real(module.min(LONGEST)).min(LONGEST)
    }

    /// Moves all later moments by a pause, so that it is not caught up.
    pub(super) fn shift(&mut self, pause: Duration) {
        let start = self.start.get_or_insert_with(Instant::now);
        *start += pause;
    }
}
