//! An offer: one package at one path for as long as the offer is held.

use super::place::{Place, withdraw};
use crate::shelf::offer_path::check_path;
use crate::shelf::tally::{Mark, Served};
use crate::shelf::{OfferError, Shelf};
use bytes::Bytes;
use dfota_core::fault::HttpFaults;
use std::sync::Arc;

/// The longest URL that [`PackageServer::offer`](super::PackageServer::offer) makes. The module takes 255 bytes, but
/// the vendor's own code builds the whole command, `AT+QFOTADL="…"` and all, in a buffer of 255.
pub const URL_MAX: usize = 235;

/// A package on offer. Dropping it takes the package back: its path is unknown from then on, and an answer that is
/// still under way is broken off.
#[derive(Debug)]
pub struct Offer {
    shelf: Arc<Shelf<Place>>,
    place: Arc<Place>,
    url: String,
}

impl Offer {
    /// Puts a package on the shelf.
    pub(super) fn new(
        shelf: Arc<Shelf<Place>>,
        url: String,
        path: String,
        package: Bytes,
        faults: HttpFaults,
    ) -> Result<Self, OfferError> {
        check_path(&path)?;
        check_faults(&faults)?;
        let place = shelf.put(&path, Place::new(path.clone(), package, faults))?;
        Ok(Self { shelf, place, url })
    }

    /// The path, as it stands in a request.
    pub fn path(&self) -> &str {
        &self.place.path
    }

    /// The whole URL, under the advertised base.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its strong entity tag, quotes included.
    pub fn etag(&self) -> &str {
        &self.place.etag
    }

    /// What goes wrong with requests from now on; answers under way stay as they were meant. A pause that had happened
    /// may happen again.
    pub fn set_faults(&self, faults: HttpFaults) -> Result<(), OfferError> {
        check_faults(&faults)?;
        self.place.set_faults(faults);
        Ok(())
    }

    /// What was served so far, answers under way included. Bytes count as soon as the system has taken them, which the
    /// peer may see a moment earlier; a request counts before its answer begins.
    pub fn requests(&self) -> Served {
        self.place.tally.served()
    }

    /// This moment, for [`Self::requests_since`].
    pub fn mark(&self) -> Mark {
        self.place.tally.mark()
    }

    /// What was served since `mark`: proof that there was no second download is that this is nothing. The bytes count
    /// also what an answer from before sent after it.
    pub fn requests_since(&self, mark: Mark) -> Served {
        self.place.tally.since(mark)
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        withdraw(&self.shelf, &self.place);
    }
}

fn check_faults(faults: &HttpFaults) -> Result<(), OfferError> {
    match (faults.status, faults.throttle) {
        (Some(status), _) if !(200..=599).contains(&status) => Err(OfferError::Status(status)),
        (_, Some(0)) => Err(OfferError::Throttle),
        _ => Ok(()),
    }
}
