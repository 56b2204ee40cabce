//! The bytes of an answer, as the plan has them: slices of the package, never copies, in the plan's own time.

use super::place::Script;
use super::place::answer::Answer;
use super::plan::Plan;
use bytes::Bytes;
use dfota_clock::Clock;
use dfota_core::fault::Stall;
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// No pause is longer, in real time: nobody waits for it, and every clock can count it.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// How much of a throttled answer goes at once, in real time.
const BEAT: Duration = Duration::from_millis(10);

/// The largest piece of a throttled answer.
const PIECE_MAX: u64 = 16 * 1024;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct PackageBody {
    package: Bytes,
    first: u64,
    at: u64,
    end: u64,
    /// Bytes that the head claims and that were not yet given.
    owed: u64,
    closes: bool,
    inverted: Option<u64>,
    stall: Option<(u64, Stall, Arc<Script>)>,
    pace: Option<Pace>,
    sleep: Option<Pin<Box<Sleep>>>,
    clock: Clock,
    answer: Arc<Answer>,
}

impl PackageBody {
    /// The body of a planned answer.
    pub(super) fn new(
        plan: &Plan,
        package: Bytes,
        script: Option<&Arc<Script>>,
        clock: Clock,
        answer: Arc<Answer>,
    ) -> Self {
        let stall = plan.stall.zip(script);
        Self {
            package,
            first: plan.first,
            at: plan.first,
            end: plan.end,
            owed: plan.declared,
            closes: plan.closes,
            inverted: plan.inverted,
            stall: stall.map(|((at, stall), script)| (at, stall, script.clone())),
            pace: plan.throttle.map(|rate| Pace::new(rate, clock)),
            sleep: None,
            clock,
            answer,
        }
    }

    /// Ready when nothing holds the next byte up.
    fn poll_stall(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(context));
            self.sleep = None;
            self.answer.release();
        }
        let Some((_, stall, script)) = self.stall.take_if(|(at, ..)| *at == self.at) else {
            return Poll::Ready(());
        };
        if !self.answer.has_sent(self.at - self.first, context) {
            self.stall = Some((self.at, stall, script));
            return Poll::Pending;
        }
        if !script.may_stall() {
            self.answer.release();
            return Poll::Ready(());
        }
        let text = format!("stalled at {} for {:?}", stall.at, stall.lasts);
        self.answer.stalled(text);
        let real = self.clock.real(stall.lasts.min(LONGEST)).min(LONGEST);
        if let Some(pace) = &mut self.pace {
            pace.shift(real);
        }
        self.sleep = Some(Box::pin(tokio::time::sleep(real)));
        self.poll_stall(context)
    }

    /// The next piece, up to where something else happens.
    fn piece(&self) -> u64 {
        let stall = self.stall.as_ref().map(|(at, ..)| *at);
        let inverted = self
            .inverted
            .map(|at| if at == self.at { self.at + 1 } else { at });
        let stops = [stall, inverted].into_iter().flatten();
        let stop = stops.filter(|stop| *stop > self.at).fold(self.end, u64::min);
        let most = self.pace.as_ref().map_or(u64::MAX, |pace| pace.piece);
        (stop - self.at).min(most)
    }

    /// Gives the next `count` bytes.
    fn give(&mut self, count: u64) -> Bytes {
        let from = self.at as usize;
        let piece = self.package.slice(from..from + count as usize);
        let inverted = self.inverted == Some(self.at);
        self.at += count;
        self.owed -= count;
        if inverted {
            Bytes::from(vec![!piece[0]])
        } else {
            piece
        }
    }
}

impl Body for PackageBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.poll_stall(context));
        if self.at >= self.end {
            // Where the plan closes the connection, the socket does so: to end here would be an error of the library's.
            return if self.closes {
                Poll::Pending
            } else {
                Poll::Ready(None)
            };
        }
        let count = self.piece();
        if let Some(pace) = &mut self.pace {
            ready!(pace.poll(count, context));
        }
        Poll::Ready(Some(Ok(Frame::data(self.give(count)))))
    }

    fn is_end_stream(&self) -> bool {
        self.owed == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.owed)
    }
}

/// The pace of a throttled answer. Every piece has its moment, counted from the first one: an answer that is late
/// catches up and the times do not drift, and at no moment more was given than the rate allows.
#[derive(Debug)]
struct Pace {
    rate: u32,
    clock: Clock,
    piece: u64,
    given: u64,
    start: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    fn new(rate: u32, clock: Clock) -> Self {
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
    fn poll(&mut self, count: u64, context: &mut Context<'_>) -> Poll<()> {
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

    /// A pause is not made up for.
    fn shift(&mut self, pause: Duration) {
        let start = self.start.get_or_insert_with(Instant::now);
        *start += pause;
    }
}
