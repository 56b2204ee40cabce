//! The name of the `ETag` header as common servers spell it.
//!
//! Names of headers are equal in any case (RFC 9110, 5.1), and yet small clients compare them letter by letter. The HTTP library
//! writes title case, which is what common servers do for every name that this server uses but `ETag`. It takes another
//! spelling only from a message that it has read, so a message with that spelling is read here, once.

use hyper::body::{Bytes, Incoming};
use hyper::http::Extensions;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::{Future as _, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Waker};

const SPELLED: &[u8] = b"GET / HTTP/1.1\r\nETag: x\r\nConnection: close\r\n\r\n";

/// What a response needs so that its entity tag is spelled `ETag`.
pub(super) fn extensions() -> Extensions {
    static READ: OnceLock<Extensions> = OnceLock::new();
    READ.get_or_init(read).clone()
}

/// Reads [`SPELLED`] as a server would.
fn read() -> Extensions {
    let kept = Arc::new(Mutex::new(Extensions::new()));
    let keep = |request: Request<Incoming>| {
        *crate::sync::lock(&kept) = request.extensions().clone();
        ready(Ok::<_, Infallible>(Response::new(
            http_body_util::Empty::<Bytes>::new(),
        )))
    };
    let io = TokioIo::new(tokio::io::join(SPELLED, tokio::io::sink()));
    let reading = http1::Builder::new()
        .preserve_header_case(true)
        .serve_connection(io, service_fn(keep));
    // All of it is there already: there is nothing to wait for.
    let _ = pin!(reading).poll(&mut Context::from_waker(Waker::noop()));
    std::mem::take(&mut *crate::sync::lock(&kept))
}
