//! An offer: one package at one path of the CoAP server, for as long as the offer is held.

use super::OnCoapEvent;
use super::event::CoapEvent;
use super::place::Place;
use crate::shelf::tally::{Mark, Served};
use crate::shelf::{OfferError, Shelf, lock};
use bytes::Bytes;
use dfota_core::coap::BlockSize;
use dfota_core::fault::CoapFaults;
use dfota_core::seed::Seed;
use std::fmt;
use std::sync::Arc;

/// A package on offer. Dropping it takes the package back: its path is unknown from then on.
pub struct CoapOffer {
    shelf: Arc<Shelf<Place>>,
    place: Arc<Place>,
    url: String,
    on_event: OnCoapEvent,
}

impl fmt::Debug for CoapOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoapOffer")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl CoapOffer {
    /// Puts a package on the shelf.
    pub(super) fn new(
        (shelf, on_event): (Arc<Shelf<Place>>, OnCoapEvent),
        url: String,
        path: String,
        package: Bytes,
        faults: CoapFaults,
        seed: Seed,
    ) -> Result<Self, OfferError> {
        check_faults(&faults)?;
        let place = shelf.put(&path, Place::new(path.clone(), package, faults, seed))?;
        Ok(Self {
            shelf,
            place,
            url,
            on_event,
        })
    }

    /// The path, as it stands in a request.
    pub fn path(&self) -> &str {
        &self.place.path
    }

    /// The whole URI, under the advertised base.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn etag(&self) -> [u8; 8] {
        self.place.etag
    }

    /// What goes wrong with datagrams from now on.
    pub fn set_faults(&self, faults: CoapFaults) -> Result<(), OfferError> {
        check_faults(&faults)?;
        self.place.set_faults(faults);
        Ok(())
    }

    /// What was served so far. A download counts as one request: a run of blocks of one client, each behind the one
    /// before; blocks that are asked for again count once.
    pub fn requests(&self) -> Served {
        self.place.tally.served()
    }

    /// This moment, for [`Self::requests_since`].
    pub fn mark(&self) -> Mark {
        self.place.tally.mark()
    }

    /// What was served since `mark`: proof that there was no second download is that this is nothing.
    pub fn requests_since(&self, mark: Mark) -> Served {
        self.place.tally.since(mark)
    }

    /// Reports the downloads that have not come to their end as broken off: for when nothing more will come, as after a
    /// cut. Otherwise they are reported when nothing was heard of them for 247 s of the module's time.
    pub fn settle(&self) {
        let reports = lock(&self.place.fetches).close_all(&self.place);
        for report in reports {
            (self.on_event)(CoapEvent::Request(report));
        }
    }
}

impl Drop for CoapOffer {
    fn drop(&mut self) {
        self.shelf.remove(&self.place.path);
        self.settle();
    }
}

fn check_faults(faults: &CoapFaults) -> Result<(), OfferError> {
    for every in [faults.drop_every, faults.duplicate_every].into_iter().flatten() {
        if every < 2 {
            return Err(OfferError::Every(every));
        }
    }
    match faults.max_block {
        Some(bytes) if BlockSize::of_bytes(bytes.into()).is_none() => Err(OfferError::BlockSize(bytes)),
        _ => Ok(()),
    }
}
