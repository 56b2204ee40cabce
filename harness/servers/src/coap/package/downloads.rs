//! Downloads over CoAP as they are reported: one report for a run of blocks that follow each other, not one for each block.
//! It says which bytes went, in which blocks, and what was done wrong on purpose; single blocks are in the log at its finest
//! level.

use super::CoapPackage;
use crate::coap::event::CoapEvent;
use crate::coap::lossy_link::Direction;
use dfota_core::coap::BlockOption;
use dfota_core::coap::timing::EXCHANGE_LIFETIME;
use dfota_core::event::Request;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Clients of one package whose downloads are kept apart; the one that was silent for longest is closed first.
const DOWNLOADS_MAX: usize = 64;

/// The downloads of one package that are under way, one for each client.
#[derive(Debug, Default)]
pub(in crate::coap) struct Downloads {
    under_way: BTreeMap<SocketAddr, BlockDownload>,
}

#[derive(Debug)]
struct BlockDownload {
    /// Its number in the count of the package.
    number: usize,
    first: BlockOption,
    last: BlockOption,
    /// Offset behind the last byte.
    end: u64,
    heard: Duration,
    reported: bool,
    disturbances: Disturbances,
}

/// What differed from a plain run of blocks.
#[derive(Debug, Default)]
struct Disturbances {
    asked_again: u64,
    lost_in: u64,
    lost_out: u64,
    doubled: u64,
    /// Other faults of the case, each once.
    faults: Vec<String>,
}

#[derive(Debug)]
pub(in crate::coap) struct ServedBlock {
    pub(in crate::coap) block: BlockOption,
    /// Offset behind its last byte.
    pub(in crate::coap) end: u64,
}

impl Downloads {
    /// A block is served, shaped by these faults. Gives what follows of it: that the client has the bytes before it, as it
    /// asks for the next ones; and the report of a download that ends with it, or because it does not follow.
    pub(in crate::coap) fn serve(
        &mut self,
        package: &CoapPackage,
        peer: SocketAddr,
        served: &ServedBlock,
        faults: &[String],
        now: Duration,
    ) -> Vec<CoapEvent> {
        let ServedBlock { block, end } = *served;
        let mut acknowledged = Vec::new();
        let mut reports = Vec::new();
        let offset = block.offset();
        match self.under_way.get_mut(&peer) {
            Some(download) if offset == download.last.offset() && offset < download.end.max(1) => {
                download.disturbances.asked_again += 1;
                download.heard = now;
                self.add_faults(peer, faults);
                return Vec::new();
            }
            Some(download) if offset == download.end && !download.reported => {
                package.served.add(download.number, end - download.end);
                (download.last, download.end, download.heard) = (block, end, now);
                acknowledged.push(offset);
            }
            _ => {
                reports.extend(self.close(package, peer));
                reports.extend(self.make_room(package));
                self.open(package, peer, served, now);
            }
        }
        self.add_faults(peer, faults);
        if !block.more {
            acknowledged.push(end);
            reports.extend(self.report(package, peer));
        }
        let acknowledged = acknowledged.into_iter().map(|bytes| CoapEvent::Acknowledged {
            path: package.path.clone(),
            bytes,
            len: package.len(),
        });
        acknowledged
            .chain(reports.into_iter().map(CoapEvent::Request))
            .collect()
    }

    fn open(&mut self, package: &CoapPackage, peer: SocketAddr, served: &ServedBlock, now: Duration) {
        let ServedBlock { block, end } = *served;
        let number = package.served.begin(block.offset());
        package.served.add(number, end - block.offset());
        let download = BlockDownload {
            number,
            first: block,
            last: block,
            end,
            heard: now,
            reported: false,
            disturbances: Disturbances::default(),
        };
        self.under_way.insert(peer, download);
    }

    /// Faults shaped the answer. False where no download is under way that they could be reported with.
    pub(in crate::coap) fn add_faults(&mut self, peer: SocketAddr, faults: &[String]) -> bool {
        let Some(disturbances) = self.disturbances(peer) else {
            return false;
        };
        for fault in faults {
            if !disturbances.faults.contains(fault) {
                disturbances.faults.push(fault.clone());
            }
        }
        true
    }

    pub(in crate::coap) fn lost(&mut self, peer: SocketAddr, direction: Direction) {
        if let Some(disturbances) = self.disturbances(peer) {
            match direction {
                Direction::In => disturbances.lost_in += 1,
                Direction::Out => disturbances.lost_out += 1,
            }
        }
    }

    pub(in crate::coap) fn doubled(&mut self, peer: SocketAddr) {
        if let Some(disturbances) = self.disturbances(peer) {
            disturbances.doubled += 1;
        }
    }

    fn disturbances(&mut self, peer: SocketAddr) -> Option<&mut Disturbances> {
        let download = self.under_way.get_mut(&peer)?;
        Some(&mut download.disturbances)
    }

    /// Ends those of which nothing was heard for as long as an exchange can last.
    pub(in crate::coap) fn close_resting(&mut self, package: &CoapPackage, now: Duration) -> Vec<Request> {
        self.close_those(package, |download| download.heard + EXCHANGE_LIFETIME <= now)
    }

    /// When the next one ends that way.
    pub(in crate::coap) fn deadline(&self) -> Option<Duration> {
        let heard = self.under_way.values().map(|download| download.heard);
        heard.min().map(|heard| heard + EXCHANGE_LIFETIME)
    }

    pub(in crate::coap) fn close_all(&mut self, package: &CoapPackage) -> Vec<Request> {
        self.close_those(package, |_| true)
    }

    fn close_those(&mut self, package: &CoapPackage, are: impl Fn(&BlockDownload) -> bool) -> Vec<Request> {
        let those = self.under_way.iter().filter(|(_, download)| are(download));
        let peers: Vec<SocketAddr> = those.map(|(peer, _)| *peer).collect();
        let close = |peer| self.close(package, peer);
        peers.into_iter().filter_map(close).collect()
    }

    fn make_room(&mut self, package: &CoapPackage) -> Option<Request> {
        if self.under_way.len() < DOWNLOADS_MAX {
            return None;
        }
        let oldest = self.under_way.iter().min_by_key(|(_, download)| download.heard);
        let peer = oldest.map(|(peer, _)| *peer)?;
        self.close(package, peer)
    }

    fn close(&mut self, package: &CoapPackage, peer: SocketAddr) -> Option<Request> {
        let report = self.report(package, peer);
        self.under_way.remove(&peer);
        report
    }

    /// The report of a download, once. It stays under way, so that its last block may be asked for again.
    fn report(&mut self, package: &CoapPackage, peer: SocketAddr) -> Option<Request> {
        let download = self.under_way.get_mut(&peer)?;
        let is_new = !std::mem::replace(&mut download.reported, true);
        is_new.then(|| download.report(package, peer))
    }
}

impl BlockDownload {
    fn report(&self, package: &CoapPackage, peer: SocketAddr) -> Request {
        let (from, to, size) = (self.first.number, self.last.number, self.last.size.bytes());
        let mut range = format!("blocks {from}-{to} of {size}");
        if self.disturbances.asked_again > 0 {
            range += &format!(", {} asked for again", self.disturbances.asked_again);
        }
        let first = self.first.offset();
        Request {
            server: "coap".to_owned(),
            peer: peer.to_string(),
            method: "GET".to_owned(),
            path: package.path.clone(),
            ours: true,
            range: Some(range),
            status: Some(205),
            first,
            sent: self.end - first,
            wanted: package.len() - first,
            fault: self.disturbances.fault(),
        }
    }
}

impl Disturbances {
    fn fault(&self) -> Option<String> {
        let mut faults = self.faults.clone();
        let (to, from) = (self.lost_in, self.lost_out);
        if to + from > 0 {
            faults.push(format!("lost {to} datagrams to the server and {from} from it"));
        }
        if self.doubled > 0 {
            faults.push(format!("doubled {} answers", self.doubled));
        }
        (!faults.is_empty()).then(|| faults.join(", "))
    }
}
