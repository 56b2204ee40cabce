//! Where the module gets the package of a case from, whatever its transport.

use crate::device::dut::Stop;
use crate::device::lwm2m_order::Lwm2mOrder;
use crate::device::open_rig::Servers;
use bc66_spec::lwm2m::PORT;
use bytes::Bytes;
use dfota_core::case::Case;
use dfota_core::fault::Faults;
use dfota_core::seed::Seed;
use dfota_core::transport::Via;
use dfota_core::verdict::Rule;
use dfota_servers::http::HttpOffer;
use dfota_servers::{OfferError, OfferPath, ServedMark};

/// Where the module is to get a package from. Dropping it ends the offer on a server.
#[derive(Debug)]
pub enum PackageSource {
    /// The harness uploads it.
    Uart,
    Http(HttpOffer),
    /// The CoAP file server, ordered over LwM2M.
    Coap(Lwm2mOrder),
}

impl PackageSource {
    /// Offers the package of `case` where its transport gets it; over CoAP to the client `endpoint`. What faults leave to
    /// chance comes out of `seed`.
    pub fn offer(
        case: &Case,
        package: &Bytes,
        servers: &Servers,
        endpoint: String,
        seed: Seed,
    ) -> Result<Self, Stop> {
        let failed = |why: OfferError| Stop::rule(Rule::ServerFailed, why.to_string());
        let path = OfferPath::Unguessable(&case.package.name);
        let package = package.clone();
        match case.via {
            Via::Uart => Ok(Self::Uart),
            Via::Http => {
                let http = servers.http()?;
                let faults = case.faults.http.clone();
                let offer = http.server.offer(&http.base, path, package, faults);
                offer.map(Self::Http).map_err(failed)
            }
            Via::Coap => {
                let coap = servers.coap()?;
                let seed = Seed(seed.draw(&format!("{}#coap", case.dice())));
                let faults = case.faults.coap.clone();
                let offer = coap.server.offer(&coap.base, path, package, faults, seed);
                let base = coap.base.as_str();
                let address = base.split_once("://").map_or(base, |(_, rest)| rest);
                let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
                Ok(Self::Coap(Lwm2mOrder {
                    server: coap.server.clone(),
                    offer: offer.map_err(failed)?,
                    host: host.to_owned(),
                    port: port.parse().unwrap_or(PORT),
                    endpoint,
                }))
            }
        }
    }

    /// Changes what the servers do wrong from now on.
    pub fn set_faults(&self, faults: &Faults) -> Result<(), OfferError> {
        match self {
            Self::Uart => Ok(()),
            Self::Http(offer) => offer.set_faults(faults.http.clone()),
            Self::Coap(order) => order.offer.set_faults(faults.coap.clone()),
        }
    }

    /// The point in time from which [`Self::requests_since`] counts.
    pub(super) fn mark(&self) -> Option<ServedMark> {
        match self {
            Self::Uart => None,
            Self::Http(offer) => Some(offer.mark()),
            Self::Coap(order) => Some(order.offer.mark()),
        }
    }

    pub(super) fn requests_since(&self, mark: Option<ServedMark>) -> u32 {
        let seen = match (self, mark) {
            (Self::Uart, _) | (_, None) => return 0,
            (Self::Http(offer), Some(mark)) => offer.requests_since(mark),
            (Self::Coap(order), Some(mark)) => order.offer.requests_since(mark),
        };
        u32::try_from(seen.requests).unwrap_or(u32::MAX)
    }
}
