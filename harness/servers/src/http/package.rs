//! What HTTP adds to a package on offer: its tag, and the connections that are sending it.

pub(super) mod answer;
pub(super) mod connection_log;

use self::connection_log::ConnectionLog;
use crate::offer::{ActiveFaults, Offer, OfferError, OfferedPackage, Offers, Protocol};
use crate::sync::lock;
use dfota_core::fault::HttpFaults;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::{Arc, Mutex, Weak};

/// The longest URL that [`HttpServer::offer`](super::HttpServer::offer) makes. The module takes 255 bytes, but
/// the vendor's own code builds the whole command, `AT+QFOTADL="…"` and all, in a buffer of 255.
pub const URL_MAX: usize = 235;

#[derive(Debug)]
pub struct Http {
    /// Its strong tag, quotes included.
    pub(super) etag: String,
    /// Connections that were asked for it; none any more once it is withdrawn.
    connections: Mutex<Option<Vec<Weak<ConnectionLog>>>>,
}

pub(super) type HttpPackage = OfferedPackage<Http>;
pub(super) type ActiveHttpFaults = ActiveFaults<HttpFaults>;

impl Http {
    pub(super) fn new(package: &[u8]) -> Self {
        Self {
            etag: etag(package),
            connections: Mutex::new(Some(Vec::new())),
        }
    }
}

impl Protocol for Http {
    type Faults = HttpFaults;

    const SCHEME: &'static str = "http://";
    const URL_MAX: usize = URL_MAX;
    const URL_HOLDER: &'static str = "the module's command";
    const BASE_KEY: &'static str = "network.http.advertise";

    fn check_faults(faults: &HttpFaults) -> Result<(), OfferError> {
        match (faults.status, faults.throttle) {
            (Some(status), _) if !(200..=599).contains(&status) => Err(OfferError::Status(status)),
            (_, Some(0)) => Err(OfferError::Throttle),
            _ => Ok(()),
        }
    }

    fn withdraw(package: &Arc<HttpPackage>) {
        let connections = lock(&package.protocol.connections).take().unwrap_or_default();
        for connection in connections.iter().filter_map(Weak::upgrade) {
            connection.break_off(package);
        }
    }
}

impl Offer<Http> {
    /// Its strong entity tag, quotes included.
    pub fn etag(&self) -> &str {
        &self.package.protocol.etag
    }
}

/// Remembers a connection that is answering a request for a package; breaks it off if the offer has just ended.
pub(super) fn sent_by(package: &Arc<HttpPackage>, connection: &Arc<ConnectionLog>) {
    let mut connections = lock(&package.protocol.connections);
    let Some(connections) = connections.as_mut() else {
        return connection.break_off(package);
    };
    connections.retain(|known| known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), &**connection));
    connections.push(Arc::downgrade(connection));
}

/// The packages whose faults want connections refused.
pub(super) fn refusing(offers: &Offers<Http>) -> Vec<Arc<HttpPackage>> {
    let mut packages = offers.all();
    packages.retain(|package| package.faults().refuse);
    packages
}

/// A strong tag: the first half of the SHA-256.
fn etag(package: &[u8]) -> String {
    let mut hex = String::new();
    for byte in &Sha256::digest(package)[..16] {
        let _ = write!(hex, "{byte:02x}"); // a `String` takes everything
    }
    format!("\"{hex}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::package::answer::HttpAnswer;
    use crate::offer::OfferPath;
    use bytes::Bytes;
    use std::pin::pin;
    use std::task::{Context, Waker};

    /// A request can find its package an instant before the offer ends, and begin its answer an instant after.
    #[test]
    fn an_answer_that_begins_after_the_offer_has_ended_is_broken_off() {
        let offers = Arc::new(Offers::default());
        let bytes = Bytes::from_static(b"delta");
        let protocol = Http::new(&bytes);
        let offer = offers.offer(
            "http://h",
            OfferPath::Exact("/p"),
            bytes,
            HttpFaults::default(),
            protocol,
        );
        let package = offers.find("/p").expect("it is on offer");
        let connection = Arc::new(ConnectionLog::new("peer".to_owned(), Arc::new(|_| {})));
        let answer = HttpAnswer::refused(connection.blank(), &package);
        connection.answering(Arc::new(answer));

        drop(offer);
        sent_by(&package, &connection);

        let broken_off = pin!(connection.broken_off());
        let polled = broken_off.poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_ready());
    }
}
