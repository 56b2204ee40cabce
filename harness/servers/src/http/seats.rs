//! Who may stay connected. Anybody can reach the server, so a newcomer is always let in, and where there is no room
//! somebody goes: first whoever holds more than a share without ever having asked for a package on offer, then the oldest
//! such connection. One that has asked for a package gives way only where every other one has as well.

use crate::shelf::lock;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// As many connections are held at once. With all that a run has open besides, it stays below the usual limit of 1,024
/// open files.
const SEATS_MAX: usize = 512;
/// As many of them one host may hold without a request for a package.
const SHARE_MAX: usize = 32;
/// As many hosts that have asked for a package are remembered.
const KNOWN_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    holders: BTreeMap<u64, Holder>,
    /// Hosts that have asked for a package, the newest last: their connections go after those of others.
    known: VecDeque<IpAddr>,
}

#[derive(Debug)]
struct Holder {
    host: IpAddr,
    /// It has asked for a package on offer.
    proven: bool,
    leave: Arc<Notify>,
}

/// The seat of one connection; free when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    host: IpAddr,
    leave: Arc<Notify>,
}

impl Seats {
    /// A seat; whoever has to make room for it is told.
    pub(super) fn take(self: &Arc<Self>, host: IpAddr) -> Seat {
        let leave = Arc::new(Notify::new());
        let mut taken = lock(&self.0);
        taken.make_room(host);
        let number = taken.next;
        taken.next += 1;
        let holder = Holder {
            host,
            proven: false,
            leave: leave.clone(),
        };
        taken.holders.insert(number, holder);
        drop(taken);
        Seat {
            seats: self.clone(),
            number,
            host,
            leave,
        }
    }

    /// The system has no room for one more: somebody goes.
    pub(super) fn clear_one(&self) {
        lock(&self.0).clear_one();
    }
}

impl Taken {
    fn make_room(&mut self, host: IpAddr) {
        let mine = |holder: &Holder| holder.host == host && !holder.proven;
        if self.holders.values().filter(|holder| mine(holder)).count() >= SHARE_MAX {
            let oldest = self.oldest(mine);
            self.send_away(oldest);
        } else if self.holders.len() >= SEATS_MAX {
            self.clear_one();
        }
    }

    fn clear_one(&mut self) {
        let stranger = self.oldest(|holder| !holder.proven && !self.known.contains(&holder.host));
        let goes = stranger
            .or_else(|| self.oldest(|holder| !holder.proven))
            .or_else(|| self.oldest_of_the_most());
        self.send_away(goes);
    }

    fn oldest(&self, goes: impl Fn(&Holder) -> bool) -> Option<u64> {
        let mut holders = self.holders.iter();
        holders
            .find(|(_, holder)| goes(holder))
            .map(|(number, _)| *number)
    }

    /// The oldest connection of the host that has the most.
    fn oldest_of_the_most(&self) -> Option<u64> {
        let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for holder in self.holders.values() {
            *counts.entry(holder.host).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count)?.0;
        self.oldest(|holder| holder.host == most)
    }

    fn send_away(&mut self, number: Option<u64>) {
        if let Some(holder) = number.and_then(|number| self.holders.remove(&number)) {
            holder.leave.notify_one();
        }
    }
}

impl Seat {
    /// The connection has asked for a package on offer.
    pub(super) fn prove(&self) {
        let mut taken = lock(&self.seats.0);
        if let Some(holder) = taken.holders.get_mut(&self.number) {
            holder.proven = true;
        }
        if !taken.known.contains(&self.host) {
            taken.known.push_back(self.host);
        }
        if taken.known.len() > KNOWN_MAX {
            taken.known.pop_front();
        }
    }

    /// Waits until the connection has to go.
    pub(super) async fn called_away(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.seats.0).holders.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: usize) -> IpAddr {
        IpAddr::from([10, 0, (number >> 8) as u8, number as u8])
    }

    fn holds(seat: &Seat) -> bool {
        lock(&seat.seats.0).holders.contains_key(&seat.number)
    }

    #[test]
    fn the_oldest_that_never_asked_goes_and_one_that_asked_stays() {
        let seats = Arc::new(Seats::default());
        let module = seats.take(host(0));
        module.prove();
        let waits = seats.take(host(0)); // a second one of the module, before its request
        let strangers: Vec<Seat> = (1..=SEATS_MAX).map(|number| seats.take(host(number))).collect();
        let staying: Vec<bool> = strangers.iter().map(holds).collect();
        assert_eq!(staying[..3], [false, false, true], "two had to make room");
        assert!(holds(&module) && holds(&waits));
        assert_eq!(lock(&seats.0).holders.len(), SEATS_MAX);
    }

    #[test]
    fn one_host_can_hold_its_share_only() {
        let seats = Arc::new(Seats::default());
        let other = seats.take(host(1));
        let greedy: Vec<Seat> = (0..1000).map(|_| seats.take(host(2))).collect();
        assert_eq!(greedy.iter().filter(|seat| holds(seat)).count(), SHARE_MAX);
        assert!(greedy.last().is_some_and(holds) && holds(&other));
        drop(greedy);
        assert_eq!(lock(&seats.0).holders.len(), 1);
    }

    #[test]
    fn where_all_have_asked_the_host_with_the_most_gives_way() {
        let seats = Arc::new(Seats::default());
        let ask = |number| {
            let seat = seats.take(host(number));
            seat.prove();
            seat
        };
        let few = ask(1);
        let many: Vec<Seat> = (1..SEATS_MAX).map(|_| ask(2)).collect();
        let newcomer = seats.take(host(3));
        assert!(holds(&few) && holds(&newcomer) && !holds(&many[0]) && holds(&many[1]));
        assert!((0..1000).map(ask).count() == 1000 && lock(&seats.0).known.len() <= KNOWN_MAX);
    }
}
