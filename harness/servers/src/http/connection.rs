//! One connection: requests come in, answers are planned, and the connection ends as the plan says.
//!
//! A peer that ends its own direction before it has the whole answer counts as gone. A killed process looks like that,
//! and its report must not wait until a stall is over; a client that still wants the answer does not do so.

use super::answer_plan::AnswerPlan;
use super::body::PackageBody;
use super::etag_case;
use super::fault_io::FaultIo;
use super::package::answer::HttpAnswer;
use super::package::connection_log::ConnectionLog;
use super::package::{ActiveHttpFaults, Http, HttpPackage, refusing, sent_by};
use super::slots::ConnectionSlot;
use crate::listen::shown;
use crate::offer::Offers;
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

/// The module's time for which a peer may take no byte. A module whose power was cut ends no connection; one that is only
/// out of reach comes back after minutes.
const WRITE_LIMIT: Duration = Duration::from_secs(600);

/// The module's time for which the peer is read from after the last byte: a socket closed with bytes unread resets the
/// connection, and the peer might lose what it had not read.
const LINGER: Duration = Duration::from_secs(5);

const HEAD_MAX: usize = 16 * 1024;

/// The request is not answered: the connection is reset.
#[derive(Debug, thiserror::Error)]
#[error("refused by the case")]
struct RefusedByFault;

#[derive(Debug)]
pub(super) struct HttpConnection {
    pub(super) offers: Arc<Offers<Http>>,
    pub(super) clock: Clock,
    pub(super) log: Arc<ConnectionLog>,
    pub(super) slot: Arc<ConnectionSlot>,
}

/// What a request asks for, with the faults of that moment.
struct Target<'a> {
    package: &'a Arc<HttpPackage>,
    faults: Arc<ActiveHttpFaults>,
}

/// Reports what is left when the connection ends, however it does.
struct Closing {
    log: Arc<ConnectionLog>,
    garbled: bool,
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.log.close(self.garbled);
    }
}

impl HttpConnection {
    /// Serves it to its end.
    pub(super) async fn serve(self, stream: TcpStream) {
        let refusing = refusing(&self.offers);
        if !refusing.is_empty() {
            return self.refuse(&refusing, &stream);
        }
        let stream = self.converse(stream).await;
        if self.log.wants_reset() {
            let _ = stream.set_zero_linger(); // fails only for a connection that is gone
            return;
        }
        self.part(stream).await;
    }

    /// Resets a connection that was just accepted, and reports it.
    fn refuse(&self, refusing: &[Arc<HttpPackage>], stream: &TcpStream) {
        let _ = stream.set_zero_linger(); // fails only for a connection that is gone
        for package in refusing {
            package.served.begin(0);
        }
        self.log.report(Request {
            ours: true,
            fault: Some("refused".to_owned()),
            ..self.log.blank()
        });
    }

    /// Answers requests until the connection ends; gives the socket back.
    async fn converse(&self, stream: TcpStream) -> TcpStream {
        let mut closing = Closing {
            log: self.log.clone(),
            garbled: false,
        };
        let patience = self.clock.time_out(WRITE_LIMIT);
        let io = TokioIo::new(FaultIo::new(stream, self.log.clone(), patience));
        let mut http = http1::Builder::new()
            .timer(TokioTimer::new())
            .title_case_headers(true)
            .header_read_timeout(self.clock.time_out(HEAD_LIMIT))
            .max_buf_size(HEAD_MAX)
            .serve_connection(io, service_fn(|request| ready(self.answer(&request))));
        let ended = tokio::select! {
            ended = &mut http => ended,
            () = self.log.broken_off() => Ok(()),
        };
        closing.garbled = ended.is_err_and(|error| error.is_parse());
        http.into_parts().io.into_inner().into_stream()
    }

    /// Ends it in order: the last byte is out, then the peer is read from for a while.
    async fn part(&self, mut stream: TcpStream) {
        let _ = stream.shutdown().await; // fails only for a connection that is gone
        let read_out = async {
            let mut unread = [0; 1024];
            while matches!(stream.read(&mut unread).await, Ok(count) if count > 0) {}
        };
        let limit = self.clock.time_out(LINGER);
        let _ = tokio::time::timeout(limit, read_out).await; // one end is as good as the other
    }

    /// Plans the answer to a request.
    fn answer(&self, request: &hyper::Request<Incoming>) -> Result<Response<PackageBody>, RefusedByFault> {
        let uri = request.uri();
        let package = self.offers.find(uri.path());
        let Some(package) = package.filter(|_| uri.query().is_none()) else {
            return Ok(self.answer_unknown(request));
        };
        self.slot.prove();
        let faults = package.faults();
        if faults.refuse {
            self.refuse_late(request, &package);
            return Err(RefusedByFault);
        }
        let plan = if is_allowed(request.method()) {
            let (method, headers) = (request.method(), request.headers());
            AnswerPlan::new(method, headers, &package.protocol.etag, package.len(), &faults)
        } else {
            AnswerPlan::bare(StatusCode::METHOD_NOT_ALLOWED)
        };
        let package = &package;
        Ok(self.respond(request, plan, Some(Target { package, faults })))
    }

    /// The answer to a request for anything that is not on offer. It ends the connection: an unknown host may not keep a
    /// slot that the module needs.
    fn answer_unknown(&self, request: &hyper::Request<Incoming>) -> Response<PackageBody> {
        let status = if is_allowed(request.method()) {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::METHOD_NOT_ALLOWED
        };
        let mut response = self.respond(request, AnswerPlan::bare(status), None);
        set(&mut response, CONNECTION, "close");
        response
    }

    /// A request that came on a connection from before the refusal.
    fn refuse_late(&self, request: &hyper::Request<Incoming>, package: &Arc<HttpPackage>) {
        let report = Request {
            ours: true,
            fault: Some("refused".to_owned()),
            ..self.report(request)
        };
        self.log.answering(Arc::new(HttpAnswer::refused(report, package)));
        self.log.reset();
    }

    /// Makes a response of a plan, and begins its report.
    fn respond(
        &self,
        request: &hyper::Request<Incoming>,
        plan: AnswerPlan,
        target: Option<Target<'_>>,
    ) -> Response<PackageBody> {
        let report = Request {
            ours: target.is_some(),
            status: Some(plan.status.as_u16()),
            first: plan.first,
            wanted: plan.wanted,
            ..self.report(request)
        };
        let package = target.as_ref().map(|target| target.package);
        let answer = Arc::new(HttpAnswer::new(report, package, &plan));
        self.log.answering(answer.clone());
        let mut response = Response::new(());
        *response.status_mut() = plan.status;
        *response.extensions_mut() = etag_case::extensions();
        dress(&mut response, &plan, package);
        if let Some(package) = package {
            sent_by(package, &self.log);
        }
        let bytes = package.map_or_else(Bytes::new, |package| package.bytes.clone());
        let faults = target.map(|target| target.faults);
        response.map(|()| PackageBody::new(plan, bytes, faults, self.clock, answer))
    }

    fn report(&self, request: &hyper::Request<Incoming>) -> Request {
        let range = request.headers().get(RANGE);
        Request {
            method: shown(request.method().as_str().as_bytes()),
            path: shown(request.uri().to_string().as_bytes()),
            range: range.map(|range| shown(range.as_bytes())),
            ..self.log.blank()
        }
    }
}

fn is_allowed(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn dress(response: &mut Response<()>, plan: &AnswerPlan, package: Option<&Arc<HttpPackage>>) {
    if plan.status == StatusCode::METHOD_NOT_ALLOWED {
        set(response, ALLOW, "GET, HEAD");
    }
    if let Some(range) = &plan.content_range {
        set(response, CONTENT_RANGE, range);
    }
    let Some(package) = package else { return };
    set(response, ACCEPT_RANGES, "bytes");
    // An operator's cache would hide a download from the record, or change it.
    set(response, CACHE_CONTROL, "no-store, no-transform");
    if plan.status.is_success() {
        set(response, ETAG, &package.protocol.etag);
        set(response, CONTENT_TYPE, "application/octet-stream");
    }
}

/// Sets a header to a text of our own.
fn set<B>(response: &mut Response<B>, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}
