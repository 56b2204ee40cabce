//! One confirmable request on its way: retransmission with back-off, its acknowledgement, its answer (RFC 7252 §4.2, §5.2).
//!
//! It has no socket and no clock: its owner sends the bytes and passes the time.

use super::{MessageCode, MessageType, RawMessage};
use crate::clock::ModuleClock;
use crate::durations::{COAP_ACK_TIMEOUT, COAP_ACK_TIMEOUT_REAL_MIN, COAP_SEPARATE_ANSWER};
use crate::random::Random;
use std::time::{Duration, Instant};

/// Retransmissions before giving up (RFC 7252 §4.8).
const MAX_RETRANSMIT: u32 = 4;
/// ACK_RANDOM_FACTOR is 1.5: the first wait is up to half longer (RFC 7252 §4.8).
const SPREAD: usize = 1000;

#[derive(Debug)]
pub(crate) struct Exchange {
    id: u16,
    token: Vec<u8>,
    bytes: Vec<u8>,
    sent: u32,
    wait: Duration,
    acknowledged: bool,
    separate: Duration,
    due: Instant,
}

/// What a message means for an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    NotMine,
    /// The request arrived; its answer comes later.
    Acknowledged,
    Answered,
    /// The peer answered with a reset.
    Refused,
}

impl Exchange {
    /// A confirmable message that is being sent at `now`.
    pub(crate) fn begin(message: &RawMessage, clock: ModuleClock, random: &mut Random, now: Instant) -> Self {
        let first = clock.real(COAP_ACK_TIMEOUT).max(COAP_ACK_TIMEOUT_REAL_MIN);
        let wait = first + first.mul_f64(0.5 * random.below(SPREAD) as f64 / SPREAD as f64);
        Self {
            id: message.id,
            token: message.token.clone(),
            bytes: message.encode(),
            sent: 1,
            wait,
            acknowledged: false,
            separate: clock.real(COAP_SEPARATE_ANSWER).max(wait * (1 << MAX_RETRANSMIT)),
            due: now + wait,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// When [`Exchange::resends`] is to be called.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// It is due: true if its bytes are to be sent once more, false if it is over without an answer.
    pub(crate) fn resends(&mut self, now: Instant) -> bool {
        let resends = !self.acknowledged && self.sent <= MAX_RETRANSMIT;
        if resends {
            self.sent += 1;
            self.wait *= 2;
            self.due = now + self.wait;
        }
        resends
    }

    pub(crate) fn on_message(&mut self, message: &RawMessage, now: Instant) -> News {
        let same_id = message.id == self.id;
        match message.kind {
            MessageType::Reset if same_id => News::Refused,
            MessageType::Acknowledgement if same_id && message.code == MessageCode::EMPTY => {
                if !self.acknowledged {
                    self.acknowledged = true;
                    self.due = now + self.separate;
                }
                News::Acknowledged
            }
            MessageType::Acknowledgement if !same_id => News::NotMine,
            MessageType::Acknowledgement | MessageType::Confirmable | MessageType::NonConfirmable
                if message.code.is_answer() && message.token == self.token =>
            {
                News::Answered
            }
            _ => News::NotMine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MessageType::{Acknowledgement, Confirmable, NonConfirmable, Reset};
    use super::*;
    use rstest::rstest;

    fn exchange(now: Instant) -> Exchange {
        let request = RawMessage::new(MessageType::Confirmable, MessageCode::GET, 7, &[1, 2]);
        let clock = ModuleClock::new(1.0).expect("a speed");
        Exchange::begin(&request, clock, &mut Random::new(3), now)
    }

    #[test]
    fn five_times_with_doubled_waits() {
        let begin = Instant::now();
        let mut exchange = exchange(begin);
        let mut last = begin;
        let mut waits = Vec::new();
        loop {
            let due = exchange.due();
            waits.push(due - last);
            last = due;
            if !exchange.resends(due) {
                break;
            }
        }
        assert_eq!(waits.len(), 5);
        let first = waits[0].as_secs_f64();
        assert!((2.0..=3.0).contains(&first), "{waits:?}");
        assert!(waits.windows(2).all(|pair| pair[1] == pair[0] * 2), "{waits:?}");
        assert!(last - begin <= Duration::from_secs(93), "MAX_TRANSMIT_WAIT");
    }

    #[rstest]
    #[case(Acknowledgement, MessageCode::CONTENT, 7, &[1, 2], News::Answered)]
    #[case(Acknowledgement, MessageCode::CONTENT, 7, &[1], News::NotMine)]
    #[case(Acknowledgement, MessageCode::EMPTY, 7, &[], News::Acknowledged)]
    #[case(Acknowledgement, MessageCode::EMPTY, 8, &[], News::NotMine)]
    #[case(Acknowledgement, MessageCode::CONTENT, 8, &[1, 2], News::NotMine)]
    #[case(Confirmable, MessageCode::NOT_FOUND, 99, &[1, 2], News::Answered)]
    #[case(NonConfirmable, MessageCode::CONTENT, 99, &[1, 3], News::NotMine)]
    #[case(Confirmable, MessageCode::GET, 7, &[1, 2], News::NotMine)]
    #[case(Reset, MessageCode::EMPTY, 7, &[], News::Refused)]
    fn messages(
        #[case] kind: MessageType,
        #[case] code: MessageCode,
        #[case] id: u16,
        #[case] token: &[u8],
        #[case] news: News,
    ) {
        let now = Instant::now();
        let message = RawMessage::new(kind, code, id, token);
        assert_eq!(exchange(now).on_message(&message, now), news);
    }

    #[test]
    fn an_acknowledged_request_is_not_sent_again() {
        let now = Instant::now();
        let mut exchange = exchange(now);
        exchange.on_message(&RawMessage::empty(MessageType::Acknowledgement, 7), now);
        assert_eq!(exchange.due(), now + COAP_SEPARATE_ANSWER);
        assert!(!exchange.resends(exchange.due()));
    }
}
