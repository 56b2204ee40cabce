//! What CoAP adds to a package on offer: its tag, the downloads under way, and the link that its faults act on.

pub(super) mod downloads;

use self::downloads::Downloads;
use super::event::CoapEvent;
use super::lossy_link::LossyLink;
use crate::offer::{Offer, OfferError, OfferedPackage, Protocol};
use crate::sync::lock;
use bc66_spec::lwm2m::{SCHEME, URI_MAX};
use dfota_core::coap::BlockSize;
use dfota_core::fault::CoapFaults;
use dfota_core::seed::Seed;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::{Arc, Mutex};

/// Gets what happens at the server.
pub(super) type OnCoapEvent = Arc<dyn Fn(CoapEvent) + Send + Sync>;

pub(super) type CoapPackage = OfferedPackage<Coap>;

pub struct Coap {
    pub(super) etag: [u8; 8],
    pub(super) downloads: Mutex<Downloads>,
    /// What its datagrams go through.
    pub(super) link: Mutex<LossyLink>,
    on_event: OnCoapEvent,
}

impl fmt::Debug for Coap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coap")
            .field("etag", &self.etag)
            .finish_non_exhaustive()
    }
}

impl Coap {
    pub(super) fn new(package: &[u8], seed: Seed, on_event: OnCoapEvent) -> Self {
        let mut etag = [0; 8];
        etag.copy_from_slice(&Sha256::digest(package)[..8]);
        Self {
            etag,
            downloads: Mutex::default(),
            link: Mutex::new(LossyLink::new(seed)),
            on_event,
        }
    }
}

impl Protocol for Coap {
    type Faults = CoapFaults;

    const SCHEME: &'static str = SCHEME;
    const URL_MAX: usize = URI_MAX;
    const URL_HOLDER: &'static str = "`/5/0/1`";
    const BASE_KEY: &'static str = "network.coap.advertise";

    fn check_faults(faults: &CoapFaults) -> Result<(), OfferError> {
        let mut every = [faults.drop_every, faults.duplicate_every].into_iter().flatten();
        if let Some(every) = every.find(|every| *every < 2) {
            return Err(OfferError::Every(every));
        }
        match faults.max_block {
            Some(bytes) if BlockSize::from_bytes(bytes.into()).is_none() => Err(OfferError::BlockSize(bytes)),
            _ => Ok(()),
        }
    }

    fn withdraw(package: &Arc<CoapPackage>) {
        let reports = lock(&package.protocol.downloads).close_all(package);
        for report in reports {
            (package.protocol.on_event)(CoapEvent::Request(report));
        }
    }
}

impl Offer<Coap> {
    pub fn etag(&self) -> [u8; 8] {
        self.package.protocol.etag
    }

    /// Reports the downloads that have not come to their end as broken off: for when nothing more will come, as after a
    /// cut. Otherwise they are reported when nothing was heard of them for 247 s of the module's time.
    pub fn settle(&self) {
        Coap::withdraw(&self.package);
    }
}
