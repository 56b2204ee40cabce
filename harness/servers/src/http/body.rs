//! The bytes of an answer, as the plan has them: slices of the package, never copies, in the plan's own time.

use super::answer_plan::AnswerPlan;
use super::package::ActiveHttpFaults;
use super::package::answer::HttpAnswer;
use super::throttle::{LONGEST, Throttle};
use bytes::Bytes;
use dfota_clock::Clock;
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::Sleep;

#[derive(Debug)]
pub(super) struct PackageBody {
    package: Bytes,
    plan: AnswerPlan,
    /// Offset of the next byte.
    at: u64,
    /// Bytes that the head claims and that were not yet given.
    owed: u64,
    /// The faults of the request, where it is for a package.
    faults: Option<Arc<ActiveHttpFaults>>,
    throttle: Option<Throttle>,
    sleep: Option<Pin<Box<Sleep>>>,
    clock: Clock,
    answer: Arc<HttpAnswer>,
}

impl PackageBody {
    pub(super) fn new(
        plan: AnswerPlan,
        package: Bytes,
        faults: Option<Arc<ActiveHttpFaults>>,
        clock: Clock,
        answer: Arc<HttpAnswer>,
    ) -> Self {
        Self {
            package,
            at: plan.first,
            owed: plan.declared,
            faults,
            throttle: plan.throttle.map(|rate| Throttle::new(rate, clock)),
            plan,
            sleep: None,
            clock,
            answer,
        }
    }

    /// Ready when no pause holds the next byte up.
    fn poll_stall(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(context));
            self.sleep = None;
            self.answer.release();
        }
        let Some(planned) = self.plan.stall.take_if(|planned| planned.before == self.at) else {
            return Poll::Ready(());
        };
        // The pause begins when the bytes before it are out, so that its length does not depend on buffers.
        if !self.answer.has_sent(self.at - self.plan.first, context) {
            self.plan.stall = Some(planned);
            return Poll::Pending;
        }
        if self.faults.as_ref().is_none_or(|faults| !faults.happens_first()) {
            self.answer.release();
            return Poll::Ready(());
        }
        let stall = planned.stall;
        let text = format!("stalled at {} for {:?}", stall.at, stall.lasts);
        self.answer.stalled(text);
        let real = self.clock.real(stall.lasts.min(LONGEST)).min(LONGEST);
        if let Some(throttle) = &mut self.throttle {
            throttle.shift(real);
        }
        self.sleep = Some(Box::pin(tokio::time::sleep(real)));
        self.poll_stall(context)
    }

    /// The next piece, up to where something else happens.
    fn piece(&self) -> u64 {
        let stall = self.plan.stall.map(|planned| planned.before);
        let inverted = self
            .plan
            .inverted
            .map(|at| if at == self.at { self.at + 1 } else { at });
        let stops = [stall, inverted].into_iter().flatten();
        let stop = stops.filter(|stop| *stop > self.at).fold(self.plan.end, u64::min);
        let most = self.throttle.as_ref().map_or(u64::MAX, |throttle| throttle.piece);
        (stop - self.at).min(most)
    }

    /// Gives the next `count` bytes.
    fn give(&mut self, count: u64) -> Bytes {
        let from = self.at as usize;
        let piece = self.package.slice(from..from + count as usize);
        let inverted = self.plan.inverted == Some(self.at);
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
        if self.at >= self.plan.end {
            // Where the plan closes the connection, the socket does so: ending the body here would be an error of the library.
            return if self.plan.closes {
                Poll::Pending
            } else {
                Poll::Ready(None)
            };
        }
        let count = self.piece();
        if let Some(throttle) = &mut self.throttle {
            ready!(throttle.poll(count, context));
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
