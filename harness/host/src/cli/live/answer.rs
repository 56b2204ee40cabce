//! Which answer a request gets.

use super::access::{Access, Admitted, Refused};
use super::board::{Board, LiveAnswer};
use super::body::LiveBody;
use bytes::Bytes;
use dfota_core::escape::unescaped;
use dfota_record::live::metrics;
use dfota_record::live::view::LiveView;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use std::cell::Cell;
use std::rc::Rc;
use tokio::sync::Notify;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// A request to somebody who may read.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    /// Ends the connection of a reader.
    pub(super) leave: &'a Rc<Notify>,
    /// Set where the answer goes on.
    pub(super) streams: &'a Cell<bool>,
}

/// Answers a request, if it may be: `path` gives what it asks for.
pub(super) fn answer<B>(
    request: &Request<B>,
    access: &Access,
    path: impl FnOnce(&str) -> Response<LiveBody>,
) -> Response<LiveBody> {
    let admitted = match access.admit(request) {
        Ok(admitted) => admitted,
        Err(Refused { status, why }) => return refusal(status, why),
    };
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut refused = refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "this page is for reading: expected GET or HEAD",
        );
        set(&mut refused, ALLOW, "GET, HEAD");
        return refused;
    }
    let mut response = path(request.uri().path());
    keep(&mut response, &admitted);
    response
}

/// What a path below a page gives.
pub(super) fn from_board<V: LiveView>(
    path: &str,
    board: &mut Board<V>,
    asked: &Asked<'_>,
) -> Response<LiveBody> {
    match path {
        "/" => page(board.page()),
        "/metrics" => whole(StatusCode::OK, metrics::CONTENT_TYPE, board.metrics()),
        "/events" if asked.method == Method::HEAD => whole(StatusCode::OK, "text/event-stream", Bytes::new()),
        "/events" => {
            asked.streams.set(true);
            let events = LiveBody::Events(board.subscribe(asked.leave.clone()));
            dressed(StatusCode::OK, "text/event-stream", events)
        }
        path if path == V::JSON => match board.json() {
            Some(json) => whole(StatusCode::OK, "application/json", json),
            None => refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the page could not be written as JSON",
            ),
        },
        path => case(path, board).map_or_else(
            || refusal(StatusCode::NOT_FOUND, "there is no such page: begin at `/`"),
            page,
        ),
    }
}

/// The page is at another path.
#[cfg(feature = "lab")]
pub(super) fn moved(path: &str) -> Response<LiveBody> {
    let mut response = refusal(StatusCode::PERMANENT_REDIRECT, "the page is at another path");
    set(&mut response, hyper::header::LOCATION, path);
    response
}

fn keep(response: &mut Response<LiveBody>, admitted: &Admitted) {
    if let Some(cookie) = &admitted.cookie {
        set(response, SET_COOKIE, cookie);
    }
}

/// `/case/SUITE/ID`, each with its other letters escaped.
fn case<V: LiveView>(path: &str, board: &mut Board<V>) -> Option<LiveAnswer> {
    let (suite, id) = path.strip_prefix("/case/")?.split_once('/')?;
    board.case(decoded(suite)?, decoded(id)?)
}

/// A part of a path without its escapes; nothing where it has none that are whole, or is no text.
pub(super) fn decoded(part: &str) -> Option<String> {
    unescaped(part, b'%')
}

fn page(page: LiveAnswer) -> Response<LiveBody> {
    let mut response = whole(StatusCode::OK, HTML, page.html);
    set(&mut response, CONTENT_SECURITY_POLICY, &page.policy);
    response
}

/// A sentence in place of a page.
pub(super) fn refusal(status: StatusCode, why: &str) -> Response<LiveBody> {
    let mut response = whole(status, TEXT, format!("{why}\n").into());
    if status == StatusCode::UNAUTHORIZED {
        set(&mut response, WWW_AUTHENTICATE, "Bearer");
    }
    response
}

fn whole(status: StatusCode, kind: &str, bytes: Bytes) -> Response<LiveBody> {
    dressed(status, kind, LiveBody::Whole(Some(bytes)))
}

fn dressed(status: StatusCode, kind: &str, body: LiveBody) -> Response<LiveBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        set(&mut response, name, value);
    }
    response
}

fn set(response: &mut Response<LiveBody>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::decoded;
    use rstest::rstest;

    #[rstest]
    #[case("a%5Bat%3D50%25%5D", Some("a[at=50%]"))]
    #[case("plain", Some("plain"))]
    #[case("%C3%BC", Some("ü"))]
    #[case("%FF", None)]
    #[case("%5", None)]
    #[case("%", None)]
    #[case("%zz", None)]
    fn parts_of_paths(#[case] part: &str, #[case] is: Option<&str>) {
        assert_eq!(decoded(part).as_deref(), is);
    }
}
