//! Limits open connections. Any host can reach the server, so a new one is always accepted; if there is no room,
//! an old one ends: first one of a host that holds more than its share without having asked for a package on offer, then the
//! oldest that has not asked. One that has asked ends only where every other one has asked as well.

use crate::limits::KnownHosts;
use crate::sync::lock;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// As many connections are held at once. With all that a run has open besides, it stays below the usual limit of 1,024
/// open files.
const SLOTS_MAX: usize = 512;
/// As many of them one host may hold without a request for a package.
const SHARE_MAX: usize = 32;

#[derive(Debug, Default)]
pub(super) struct ConnectionSlots(Mutex<SlotTable>);

#[derive(Debug, Default)]
struct SlotTable {
    next: u64,
    holders: BTreeMap<u64, SlotHolder>,
    /// Their connections go after those of others.
    known: KnownHosts,
}

#[derive(Debug)]
struct SlotHolder {
    host: IpAddr,
    /// It has asked for a package on offer.
    proven: bool,
    leave: Arc<Notify>,
}

/// The slot of one connection; free when it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    slots: Arc<ConnectionSlots>,
    number: u64,
    host: IpAddr,
    leave: Arc<Notify>,
}

impl ConnectionSlots {
    /// A slot for a new connection; another one may have to end for it.
    pub(super) fn take(self: &Arc<Self>, host: IpAddr) -> ConnectionSlot {
        let leave = Arc::new(Notify::new());
        let mut table = lock(&self.0);
        table.make_room(host);
        let number = table.next;
        table.next += 1;
        let holder = SlotHolder {
            host,
            proven: false,
            leave: leave.clone(),
        };
        table.holders.insert(number, holder);
        drop(table);
        ConnectionSlot {
            slots: self.clone(),
            number,
            host,
            leave,
        }
    }

    /// The system has no room for one more: ends one.
    pub(super) fn clear_one(&self) {
        lock(&self.0).clear_one();
    }
}

impl SlotTable {
    fn make_room(&mut self, host: IpAddr) {
        let mine = |holder: &SlotHolder| holder.host == host && !holder.proven;
        if self.holders.values().filter(|holder| mine(holder)).count() >= SHARE_MAX {
            let oldest = self.oldest(mine);
            self.send_away(oldest);
        } else if self.holders.len() >= SLOTS_MAX {
            self.clear_one();
        }
    }

    fn clear_one(&mut self) {
        let unknown = self.oldest(|holder| !holder.proven && !self.known.contains(holder.host));
        let goes = unknown
            .or_else(|| self.oldest(|holder| !holder.proven))
            .or_else(|| self.oldest_of_the_most());
        self.send_away(goes);
    }

    fn oldest(&self, goes: impl Fn(&SlotHolder) -> bool) -> Option<u64> {
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

impl ConnectionSlot {
    /// The connection has asked for a package on offer.
    pub(super) fn prove(&self) {
        let mut table = lock(&self.slots.0);
        if let Some(holder) = table.holders.get_mut(&self.number) {
            holder.proven = true;
        }
        table.known.add(self.host);
    }

    /// Waits until the connection has to go.
    pub(super) async fn called_away(&self) {
        self.leave.notified().await;
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        lock(&self.slots.0).holders.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::KNOWN_MAX;

    fn host(number: usize) -> IpAddr {
        IpAddr::from([10, 0, (number >> 8) as u8, number as u8])
    }

    fn holds(slot: &ConnectionSlot) -> bool {
        lock(&slot.slots.0).holders.contains_key(&slot.number)
    }

    #[test]
    fn where_all_have_asked_the_host_with_the_most_gives_way() {
        let slots = Arc::new(ConnectionSlots::default());
        let ask = |number| {
            let slot = slots.take(host(number));
            slot.prove();
            slot
        };
        let few = ask(1);
        let many: Vec<ConnectionSlot> = (1..SLOTS_MAX).map(|_| ask(2)).collect();
        let newcomer = slots.take(host(3));
        assert!(holds(&few) && holds(&newcomer) && !holds(&many[0]) && holds(&many[1]));
        assert!((0..1000).map(ask).count() == 1000 && lock(&slots.0).known.len() <= KNOWN_MAX);
    }
}
