//! Where the package of a case is offered, whatever its transport.

use crate::device::attempt::Source;
use crate::device::module::Stop;
use crate::device::registration::Lwm2m;
use bc66_spec::lwm2m::PORT;
use bytes::Bytes;
use dfota_core::case::Case;
use dfota_core::fault::Faults;
use dfota_core::seed::Seed;
use dfota_core::transport::Via;
use dfota_core::verdict::Rule;
use dfota_servers::coap::{CoapOffer, CoapServer};
use dfota_servers::http::{HttpOffer, HttpServer};
use dfota_servers::{OfferError, OfferPath};

/// A server and the base of its URLs, where the rig has a network.
type Server<'a, S> = Option<&'a (S, String)>;

/// Where the package of a case is offered. Dropping it takes the package back.
pub enum Offered {
    /// Nowhere: it goes out over the UART.
    Uart,
    /// On the HTTP server.
    Http(HttpOffer),
    /// On the CoAP server, to a client of this name.
    Coap { offer: CoapOffer, endpoint: String },
}

impl Offered {
    /// Offers the package of `case` where its transport gets it; over CoAP to the client `endpoint`. What faults leave to
    /// chance comes out of `seed`.
    pub fn new(
        case: &Case,
        package: &Bytes,
        (http, coap): (Server<'_, HttpServer>, Server<'_, CoapServer>),
        endpoint: String,
        seed: Seed,
    ) -> Result<Self, Stop> {
        let failed = |why: OfferError| Stop::rule(Rule::ServerFailed, why.to_string());
        let (name, faults) = (&case.package.name, &case.faults);
        match case.via {
            Via::Uart => Ok(Self::Uart),
            Via::Http => {
                let (server, base) = http.ok_or_else(|| no_network("network.http"))?;
                let offer = server.offer(
                    base,
                    OfferPath::Unguessable(name),
                    package.clone(),
                    faults.http.clone(),
                );
                offer.map(Self::Http).map_err(failed)
            }
            Via::Coap => {
                let (server, base) = coap.ok_or_else(|| no_network("network.coap"))?;
                let seed = Seed(seed.draw(&format!("{}::{}#coap", case.suite, case.id)));
                let offer = server.offer(
                    base,
                    OfferPath::Unguessable(name),
                    package.clone(),
                    faults.coap.clone(),
                    seed,
                );
                offer.map(|offer| Self::Coap { offer, endpoint }).map_err(failed)
            }
        }
    }

    /// Where the module is to get it from.
    pub fn source<'s>(&'s self, coap: Server<'s, CoapServer>, case: &Case) -> Result<Source<'s>, Stop> {
        match (self, coap) {
            (Self::Uart, _) => Ok(Source::Uart),
            (Self::Http(offer), _) => Ok(Source::Http(offer)),
            (Self::Coap { .. }, None) => Err(no_network("network.coap")),
            (Self::Coap { offer, endpoint }, Some((server, base))) => {
                let address = base.split_once("://").map_or(base.as_str(), |(_, rest)| rest);
                let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
                Ok(Source::Coap(Lwm2m {
                    server,
                    offer,
                    host: host.to_owned(),
                    port: port.parse().unwrap_or(PORT),
                    endpoint: endpoint.clone(),
                    execute_early: case.faults.coap.execute_early,
                }))
            }
        }
    }

    /// What the servers do wrong from now on.
    pub fn set_faults(&self, faults: &Faults) -> Result<(), OfferError> {
        match self {
            Self::Uart => Ok(()),
            Self::Http(offer) => offer.set_faults(faults.http.clone()),
            Self::Coap { offer, .. } => offer.set_faults(faults.coap.clone()),
        }
    }
}

fn no_network(key: &str) -> Stop {
    Stop::rule(Rule::ServerFailed, format!("the rig has no `{key}`"))
}
