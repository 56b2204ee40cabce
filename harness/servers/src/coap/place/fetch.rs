//! Downloads as they are written down: one report for a run of blocks that follow each other, not one for each block. A
//! report says which bytes went, in which blocks, and what was done wrong on purpose; single blocks are in the log at its
//! finest level.

use super::Place;
use dfota_core::coap::BlockOption;
use dfota_core::coap::timing::EXCHANGE_LIFETIME;
use dfota_core::event::Request;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Clients of one package whose downloads are kept apart; the one heard of longest ago is closed first.
const FETCHES_MAX: usize = 64;

/// The downloads of one package that are under way, one for each client.
#[derive(Debug, Default)]
pub(crate) struct Fetches {
    under_way: BTreeMap<SocketAddr, Fetch>,
}

#[derive(Debug)]
struct Fetch {
    /// Its number in the tally.
    number: usize,
    first: BlockOption,
    last: BlockOption,
    /// Offset behind the last byte.
    end: u64,
    again: u64,
    lost: [u64; 2],
    doubled: u64,
    /// What else was done to it, each once.
    faults: Vec<String>,
    heard: Duration,
    reported: bool,
}

/// What a block means for its download.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The download that ended before this block, because it does not follow, or with it.
    pub(crate) reports: Vec<Request>,
    /// The client has so many bytes, as its asking for the next ones shows; and all, where the last block goes out.
    pub(crate) acknowledged: Vec<u64>,
}

impl Fetches {
    /// A block is served.
    pub(crate) fn serve(
        &mut self,
        place: &Place,
        peer: SocketAddr,
        block: BlockOption,
        end: u64,
        now: Duration,
    ) -> Progress {
        let mut progress = Progress::default();
        let offset = block.offset();
        let known = self.under_way.get_mut(&peer);
        match known {
            Some(fetch) if offset == fetch.last.offset() && offset < fetch.end.max(1) => {
                fetch.again += 1;
                fetch.heard = now;
                return progress;
            }
            Some(fetch) if offset == fetch.end && !fetch.reported => {
                place.tally.add(fetch.number, end - fetch.end);
                (fetch.last, fetch.end, fetch.heard) = (block, end, now);
                progress.acknowledged.push(offset);
            }
            _ => {
                progress.reports.extend(self.close(place, peer));
                progress.reports.extend(self.make_room(place));
                self.open(place, peer, block, end, now);
            }
        }
        if !block.more {
            progress.acknowledged.push(end);
            progress.reports.extend(self.report(place, peer));
        }
        progress
    }

    fn open(&mut self, place: &Place, peer: SocketAddr, block: BlockOption, end: u64, now: Duration) {
        let number = place.tally.begin(block.offset());
        place.tally.add(number, end - block.offset());
        let fetch = Fetch {
            number,
            first: block,
            last: block,
            end,
            again: 0,
            lost: [0; 2],
            doubled: 0,
            faults: Vec::new(),
            heard: now,
            reported: false,
        };
        self.under_way.insert(peer, fetch);
    }

    /// A fault shaped the answer. False where no download is under way that it could be written down with.
    pub(crate) fn fault(&mut self, peer: SocketAddr, text: &str) -> bool {
        let Some(fetch) = self.under_way.get_mut(&peer) else {
            return false;
        };
        if fetch.faults.iter().all(|known| known != text) {
            fetch.faults.push(text.to_owned());
        }
        true
    }

    /// A datagram was lost on purpose, to the server (0) or from it (1).
    pub(crate) fn lost(&mut self, peer: SocketAddr, way: usize) {
        if let Some(fetch) = self.under_way.get_mut(&peer) {
            fetch.lost[way] += 1;
        }
    }

    /// An answer was sent twice on purpose.
    pub(crate) fn doubled(&mut self, peer: SocketAddr) {
        if let Some(fetch) = self.under_way.get_mut(&peer) {
            fetch.doubled += 1;
        }
    }

    /// Ends those of which nothing was heard for as long as an exchange can last.
    pub(crate) fn rest(&mut self, place: &Place, now: Duration) -> Vec<Request> {
        let idle = |fetch: &Fetch| fetch.heard + EXCHANGE_LIFETIME <= now;
        let idle = self.under_way.iter().filter(|(_, fetch)| idle(fetch));
        let peers: Vec<SocketAddr> = idle.map(|(peer, _)| *peer).collect();
        peers
            .into_iter()
            .filter_map(|peer| self.close(place, peer))
            .collect()
    }

    /// When the next one ends that way.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.under_way
            .values()
            .map(|fetch| fetch.heard + EXCHANGE_LIFETIME)
            .min()
    }

    pub(crate) fn close_all(&mut self, place: &Place) -> Vec<Request> {
        let peers: Vec<SocketAddr> = self.under_way.keys().copied().collect();
        peers
            .into_iter()
            .filter_map(|peer| self.close(place, peer))
            .collect()
    }

    fn make_room(&mut self, place: &Place) -> Option<Request> {
        if self.under_way.len() < FETCHES_MAX {
            return None;
        }
        let oldest = self.under_way.iter().min_by_key(|(_, fetch)| fetch.heard);
        let peer = oldest.map(|(peer, _)| *peer)?;
        self.close(place, peer)
    }

    fn close(&mut self, place: &Place, peer: SocketAddr) -> Option<Request> {
        let report = self.report(place, peer);
        self.under_way.remove(&peer);
        report
    }

    fn report(&mut self, place: &Place, peer: SocketAddr) -> Option<Request> {
        let fetch = self.under_way.get_mut(&peer).filter(|fetch| !fetch.reported)?;
        fetch.reported = true;
        Some(fetch.report(place, peer))
    }
}

impl Fetch {
    fn report(&self, place: &Place, peer: SocketAddr) -> Request {
        let mut range = format!(
            "blocks {}-{} of {}",
            self.first.number,
            self.last.number,
            self.last.size.bytes()
        );
        if self.again > 0 {
            range += &format!(", {} asked for again", self.again);
        }
        let first = self.first.offset();
        Request {
            server: "coap".to_owned(),
            peer: peer.to_string(),
            method: "GET".to_owned(),
            path: place.path.clone(),
            ours: true,
            range: Some(range),
            status: Some(205),
            first,
            sent: self.end - first,
            wanted: place.len() - first,
            fault: self.fault(),
        }
    }

    fn fault(&self) -> Option<String> {
        let mut faults = self.faults.clone();
        let [to, from] = self.lost;
        if to + from > 0 {
            faults.push(format!("lost {to} datagrams to the server and {from} from it"));
        }
        if self.doubled > 0 {
            faults.push(format!("doubled {} answers", self.doubled));
        }
        (!faults.is_empty()).then(|| faults.join(", "))
    }
}
