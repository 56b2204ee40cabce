//! One connection: requests come in, answers are planned, and the connection ends as the plan says.
//!
//! A peer that ends its own direction before it has the whole answer counts as gone. A killed process looks like that,
//! and its report must not wait until a stall is over; a client that still wants the answer does not do so.

use super::fault_io::FaultIo;
use super::package_body::PackageBody;
use super::place::answer::Answer;
use super::place::ledger::Ledger;
use super::place::{Place, Script, refusing};
use super::plan::Plan;
use super::seats::Seat;
use super::spelling;
use crate::shelf::Shelf;
use bytes::Bytes;
use dfota_clock::Clock;
use dfota_core::event::Request;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, RANGE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The module's time that a request's head may take, and that a connection may stay without one. A network of the
/// module's kind takes ten seconds for a round trip on a bad day.
const HEAD_LIMIT: Duration = Duration::from_secs(60);

/// The module's time for which a peer may take no byte. A module whose power was cut says no good-bye; one that is only
/// out of reach comes back after minutes.
const WRITE_LIMIT: Duration = Duration::from_secs(600);

/// The module's time for which the peer is heard out after the last byte: a socket closed with bytes unread resets the
/// connection, and the peer might lose what it had not read.
const LINGER: Duration = Duration::from_secs(5);

/// The longest head of a request.
const HEAD_MAX: usize = 16 * 1024;

/// How much of a path or a header a report shows.
const SHOWN_MAX: usize = 512;

/// The request is not answered: the connection is reset.
#[derive(Debug, thiserror::Error)]
#[error("refused by the case")]
struct Refused;

#[derive(Debug, Clone)]
pub(super) struct Connection {
    shelf: Arc<Shelf<Place>>,
    clock: Clock,
    ledger: Arc<Ledger>,
    seat: Arc<Seat>,
}

/// Reports what is left when the connection ends, however it does.
struct Closing {
    ledger: Arc<Ledger>,
    garbled: bool,
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.ledger.close(self.garbled);
    }
}

impl Connection {
    /// A connection on which nothing happened yet.
    pub(super) fn new(shelf: Arc<Shelf<Place>>, clock: Clock, ledger: Ledger, seat: Arc<Seat>) -> Self {
        Self {
            shelf,
            clock,
            ledger: Arc::new(ledger),
            seat,
        }
    }

    /// Serves it to its end.
    pub(super) async fn serve(self, stream: TcpStream) {
        let refusing = refusing(&self.shelf);
        if !refusing.is_empty() {
            return self.refuse(&refusing, &stream);
        }
        let stream = self.converse(stream).await;
        if self.ledger.wants_reset() {
            let _ = stream.set_zero_linger(); // fails only for a connection that is gone
            return;
        }
        self.part(stream).await;
    }

    /// Resets a connection that was just accepted, and reports it.
    fn refuse(&self, refusing: &[Arc<Place>], stream: &TcpStream) {
        let _ = stream.set_zero_linger(); // fails only for a connection that is gone
        for place in refusing {
            place.tally.begin(0);
        }
        self.ledger.report(Request {
            ours: true,
            fault: Some("refused".to_owned()),
            ..self.ledger.blank()
        });
    }

    /// Answers requests until the connection ends; gives the socket back.
    async fn converse(&self, stream: TcpStream) -> TcpStream {
        let mut closing = Closing {
            ledger: self.ledger.clone(),
            garbled: false,
        };
        let patience = self.clock.time_out(WRITE_LIMIT);
        let io = TokioIo::new(FaultIo::new(stream, self.ledger.clone(), patience));
        let mut http = http1::Builder::new()
            .timer(TokioTimer::new())
            .title_case_headers(true)
            .header_read_timeout(self.clock.time_out(HEAD_LIMIT))
            .max_buf_size(HEAD_MAX)
            .serve_connection(io, service_fn(|request| ready(self.answer(&request))));
        let ended = tokio::select! {
            ended = &mut http => ended,
            () = self.ledger.broken_off() => Ok(()),
        };
        closing.garbled = ended.is_err_and(|error| error.is_parse());
        http.into_parts().io.into_inner().into_stream()
    }

    /// Ends it in order: the last byte is out, then the peer is heard out for a while.
    async fn part(&self, mut stream: TcpStream) {
        let _ = stream.shutdown().await; // fails only for a connection that is gone
        let hear_out = async {
            let mut unread = [0; 1024];
            while matches!(stream.read(&mut unread).await, Ok(count) if count > 0) {}
        };
        let limit = self.clock.time_out(LINGER);
        let _ = tokio::time::timeout(limit, hear_out).await; // one end is as good as the other
    }

    /// Plans the answer to a request.
    fn answer(&self, request: &hyper::Request<Incoming>) -> Result<Response<PackageBody>, Refused> {
        let uri = request.uri();
        let place = uri
            .query()
            .is_none()
            .then(|| self.shelf.find(uri.path()))
            .flatten();
        let Some(place) = place else {
            return Ok(self.stranger(request));
        };
        self.seat.prove();
        let script = place.script();
        if script.faults.refuse {
            self.refuse_late(request, &place);
            return Err(Refused);
        }
        let plan = if is_allowed(request.method()) {
            Plan::of(
                request.method(),
                request.headers(),
                &place.etag,
                place.package.len() as u64,
                &script.faults,
            )
        } else {
            Plan::bare(StatusCode::METHOD_NOT_ALLOWED)
        };
        Ok(self.respond(request, &plan, Some((&place, &script))))
    }

    /// The answer to a request for anything that is not on offer. It ends the connection: who comes by may not keep
    /// places that the module needs.
    fn stranger(&self, request: &hyper::Request<Incoming>) -> Response<PackageBody> {
        let status = if is_allowed(request.method()) {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::METHOD_NOT_ALLOWED
        };
        let mut response = self.respond(request, &Plan::bare(status), None);
        set(&mut response, CONNECTION, "close");
        response
    }

    /// A request that came on a connection from before the refusal.
    fn refuse_late(&self, request: &hyper::Request<Incoming>, place: &Arc<Place>) {
        let number = place.tally.begin(0);
        let report = Request {
            ours: true,
            fault: Some("refused".to_owned()),
            ..self.told(request)
        };
        let of = Some((place.clone(), number));
        let answer = Answer::new(report, of, 0, true, Vec::new(), false);
        self.ledger.answering(Arc::new(answer));
        self.ledger.reset();
    }

    /// Makes a response of a plan, and opens its page in the ledger.
    fn respond(
        &self,
        request: &hyper::Request<Incoming>,
        plan: &Plan,
        of: Option<(&Arc<Place>, &Arc<Script>)>,
    ) -> Response<PackageBody> {
        let report = Request {
            ours: of.is_some(),
            status: Some(plan.status.as_u16()),
            first: plan.first,
            wanted: plan.wanted,
            ..self.told(request)
        };
        let entry = of.map(|(place, _)| (place.clone(), place.tally.begin(plan.first)));
        let planned = plan.end - plan.first;
        let held = plan.stall.is_some_and(|(at, _)| at == plan.end);
        let answer = Answer::new(report, entry, planned, plan.closes, plan.traces.clone(), held);
        let answer = Arc::new(answer);
        self.ledger.answering(answer.clone());
        if let Some((place, _)) = of {
            place.asked_by(&self.ledger);
        }
        let package = of.map_or_else(Bytes::new, |(place, _)| place.package.clone());
        let script = of.map(|(_, script)| script);
        let body = PackageBody::new(plan, package, script, self.clock, answer);
        let mut response = Response::new(body);
        *response.status_mut() = plan.status;
        *response.extensions_mut() = spelling::of_etag();
        dress(&mut response, plan, of.map(|(place, _)| place));
        response
    }

    /// A report of what was asked.
    fn told(&self, request: &hyper::Request<Incoming>) -> Request {
        let range = request.headers().get(RANGE);
        Request {
            method: shown(request.method().as_str().as_bytes()),
            path: shown(request.uri().to_string().as_bytes()),
            range: range.map(|range| shown(range.as_bytes())),
            ..self.ledger.blank()
        }
    }
}

fn is_allowed(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Sets the headers of an answer.
fn dress(response: &mut Response<PackageBody>, plan: &Plan, place: Option<&Arc<Place>>) {
    if plan.status == StatusCode::METHOD_NOT_ALLOWED {
        set(response, ALLOW, "GET, HEAD");
    }
    if let Some(range) = &plan.content_range {
        set(response, CONTENT_RANGE, range);
    }
    let Some(place) = place else { return };
    set(response, ACCEPT_RANGES, "bytes");
    // An operator's cache would hide a download from the record, or change it.
    set(response, CACHE_CONTROL, "no-store, no-transform");
    if plan.status.is_success() {
        set(response, ETAG, &place.etag);
        set(response, CONTENT_TYPE, "application/octet-stream");
    }
}

/// Sets a header to a text of our own.
fn set(response: &mut Response<PackageBody>, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}

/// What came from outside, as the record may show it.
fn shown(bytes: &[u8]) -> String {
    let text = bytes.get(..SHOWN_MAX).unwrap_or(bytes).escape_ascii().to_string();
    if bytes.len() > SHOWN_MAX {
        text + "…"
    } else {
        text
    }
}
