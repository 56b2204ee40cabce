//! What the CoAP server keeps of a package on offer.

mod fetch;

use self::fetch::Fetches;
use super::lossy_link::LossyLink;
use crate::shelf::lock;
use crate::shelf::tally::Tally;
use bytes::Bytes;
use dfota_core::fault::CoapFaults;
use dfota_core::seed::Seed;
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex};

/// A package on offer.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) package: Bytes,
    pub(super) etag: [u8; 8],
    /// What was served of it.
    pub(super) tally: Tally,
    pub(super) fetches: Mutex<Fetches>,
    script: Mutex<Arc<CoapFaults>>,
    /// What its datagrams go through.
    pub(super) link: Mutex<LossyLink>,
}

impl Place {
    /// A package that is not yet on the shelf.
    pub(super) fn new(path: String, package: Bytes, faults: CoapFaults, seed: Seed) -> Self {
        let digest = Sha256::digest(&package);
        let mut etag = [0; 8];
        etag.copy_from_slice(&digest[..8]);
        Self {
            path,
            package,
            etag,
            tally: Tally::default(),
            fetches: Mutex::default(),
            script: Mutex::new(Arc::new(faults)),
            link: Mutex::new(LossyLink::new(seed)),
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.package.len() as u64
    }

    /// What goes wrong with it now.
    pub(super) fn faults(&self) -> Arc<CoapFaults> {
        lock(&self.script).clone()
    }

    /// What goes wrong from now on.
    pub(super) fn set_faults(&self, faults: CoapFaults) {
        *lock(&self.script) = Arc::new(faults);
    }
}
