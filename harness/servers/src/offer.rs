//! Packages on offer, by path: the only things that a server ever serves. What is the same for every protocol is here: paths
//! and URLs, the faults of the moment, and the count of what was served.

mod offer_error;
mod offer_path;
mod served;

pub use offer_error::OfferError;
pub use served::{Served, ServedMark};

use crate::sync::lock;
use bytes::Bytes;
use offer_path::{check_base, check_path, unguessable_path};
use served::ServedLog;
use std::collections::HashMap;
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Where a package is offered.
#[derive(Debug, Clone, Copy)]
pub enum OfferPath<'a> {
    /// At a path that nobody can guess and that ends with this name; the module can take the whole URL.
    Unguessable(&'a str),
    /// At this path, whose length is the caller's business.
    Exact(&'a str),
}

/// What a protocol adds to a package on offer.
pub trait Protocol: Sized + Debug {
    type Faults: Debug;

    /// What every base of a URL begins with.
    const SCHEME: &'static str;
    /// The longest URL that an unguessable path may lead to, and what has to hold it.
    const URL_MAX: usize;
    const URL_HOLDER: &'static str;
    /// The key of the rig file with the base.
    const BASE_KEY: &'static str;

    fn check_faults(faults: &Self::Faults) -> Result<(), OfferError>;

    /// Ends what is still under way of a package that was just withdrawn.
    fn withdraw(package: &Arc<OfferedPackage<Self>>);
}

/// A package on offer, as its server keeps it.
#[derive(Debug)]
pub struct OfferedPackage<P: Protocol> {
    pub path: String,
    pub bytes: Bytes,
    pub served: ServedLog,
    pub protocol: P,
    faults: Mutex<Arc<ActiveFaults<P::Faults>>>,
}

impl<P: Protocol> OfferedPackage<P> {
    pub fn new(path: String, bytes: Bytes, faults: P::Faults, protocol: P) -> Self {
        Self {
            path,
            bytes,
            served: ServedLog::default(),
            protocol,
            faults: Mutex::new(Arc::new(ActiveFaults::new(faults))),
        }
    }

    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// What goes wrong with it now.
    pub fn faults(&self) -> Arc<ActiveFaults<P::Faults>> {
        lock(&self.faults).clone()
    }
}

/// Faults, and whether the one that happens once has happened.
#[derive(Debug)]
pub struct ActiveFaults<F> {
    faults: F,
    happened: AtomicBool,
}

impl<F> ActiveFaults<F> {
    fn new(faults: F) -> Self {
        Self {
            faults,
            happened: AtomicBool::new(false),
        }
    }

    /// True for the first caller only.
    pub fn happens_first(&self) -> bool {
        !self.happened.swap(true, Ordering::Relaxed)
    }
}

impl<F> Deref for ActiveFaults<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.faults
    }
}

#[derive(Debug)]
pub(crate) struct Offers<P: Protocol> {
    packages: Mutex<HashMap<String, Arc<OfferedPackage<P>>>>,
}

impl<P: Protocol> Default for Offers<P> {
    fn default() -> Self {
        Self {
            packages: Mutex::default(),
        }
    }
}

impl<P: Protocol> Offers<P> {
    /// Offers a package under the advertised `base`, at a path that no other has.
    pub(crate) fn offer(
        self: &Arc<Self>,
        base: &str,
        path: OfferPath<'_>,
        bytes: Bytes,
        faults: P::Faults,
        protocol: P,
    ) -> Result<Offer<P>, OfferError> {
        let url_base = check_base(base, P::SCHEME)?;
        let (path, longest) = match path {
            OfferPath::Unguessable(name) => (unguessable_path(name)?, P::URL_MAX),
            OfferPath::Exact(path) => (path.to_owned(), usize::MAX),
        };
        check_path(&path)?;
        P::check_faults(&faults)?;
        let url = format!("{url_base}{path}");
        if url.len() > longest {
            return Err(OfferError::TooLong {
                length: url.len(),
                holder: P::URL_HOLDER,
                longest,
                key: P::BASE_KEY,
                base: base.to_owned(),
            });
        }
        let mut packages = lock(&self.packages);
        if packages.contains_key(&path) {
            return Err(OfferError::Taken(path));
        }
        let package = Arc::new(OfferedPackage::new(path.clone(), bytes, faults, protocol));
        packages.insert(path, package.clone());
        Ok(Offer {
            offers: self.clone(),
            package,
            url,
        })
    }

    pub(crate) fn find(&self, path: &str) -> Option<Arc<OfferedPackage<P>>> {
        lock(&self.packages).get(path).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<OfferedPackage<P>>> {
        lock(&self.packages).values().cloned().collect()
    }
}

/// A package on offer for as long as this is held. Dropping it takes the package back: its path is unknown from then on, and
/// what is still under way ends.
#[derive(Debug)]
pub struct Offer<P: Protocol> {
    offers: Arc<Offers<P>>,
    pub(crate) package: Arc<OfferedPackage<P>>,
    url: String,
}

impl<P: Protocol> Offer<P> {
    /// The path, as it stands in a request.
    pub fn path(&self) -> &str {
        &self.package.path
    }

    /// The whole URL, under the advertised base.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What goes wrong with requests from now on; HTTP answers under way stay as they were meant. A pause that had happened
    /// may happen again.
    pub fn set_faults(&self, faults: P::Faults) -> Result<(), OfferError> {
        P::check_faults(&faults)?;
        *lock(&self.package.faults) = Arc::new(ActiveFaults::new(faults));
        Ok(())
    }

    /// What was served so far. Over HTTP, bytes count as soon as the system has taken them, which the peer may see a moment
    /// earlier, and a request counts before its answer begins. Over CoAP, a download counts as one request: a run of blocks
    /// of one client, each behind the one before; blocks that are asked for again count once.
    pub fn requests(&self) -> Served {
        self.package.served.since(ServedMark::default())
    }

    /// This moment, for [`Self::requests_since`].
    pub fn mark(&self) -> ServedMark {
        self.package.served.mark()
    }

    /// What was served since `mark`: nothing proves that there was no second download. The bytes include what an HTTP answer
    /// from before `mark` sent after it.
    pub fn requests_since(&self, mark: ServedMark) -> Served {
        self.package.served.since(mark)
    }
}

impl<P: Protocol> Drop for Offer<P> {
    fn drop(&mut self) {
        lock(&self.offers.packages).remove(&self.package.path);
        P::withdraw(&self.package);
    }
}
