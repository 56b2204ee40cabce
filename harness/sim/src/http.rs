//! The module's HTTP client: one GET, with a Range or without (HTTP/1.1, RFC 9110).
//!
//! It blocks in short slices of real time, so that a download can be given up at any moment and silence is noticed.

use crate::clock::ModuleClock;
use crate::durations::HTTP_SILENCE;
use crate::url::Url;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Real time between two looks at whether the download was given up.
const SLICE: Duration = Duration::from_millis(10);
const HEAD_MAX: usize = 8192;
const HEADERS_MAX: usize = 48;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection, or it broke.
    #[error("connection: {0}")]
    Io(#[from] io::Error),
    /// Nothing came for [`HTTP_SILENCE`].
    #[error("the server is silent")]
    Silent,
    /// The download was given up.
    #[error("given up")]
    Cancelled,
    /// The server closed before the end.
    #[error("the answer is not complete")]
    Incomplete,
    /// No answer that the module understands.
    #[error("malformed answer: {0}")]
    MalformedMessage(&'static str),
}

/// How long to wait, and whether to wait at all.
#[derive(Debug, Clone)]
pub struct Patience {
    pub clock: ModuleClock,
    /// Set from outside when the download is given up.
    pub cancelled: Arc<AtomicBool>,
}

/// How the client finds a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// In any case of letters (RFC 9110 §5.1).
    AnyCase,
    /// In exactly this one, with exactly one blank behind the colon: see [`crate::dialect::Dialect::ExactHeaderNames`].
    Exact,
}

/// `Content-Range` of a partial answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    pub from: usize,
    /// Bytes of the whole.
    pub total: usize,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub length: Option<usize>,
    pub range: Option<ContentRange>,
    connection: HttpConnection,
}

#[derive(Debug)]
struct HttpConnection {
    stream: TcpStream,
    /// What came together with the head.
    early: Vec<u8>,
    patience: Patience,
}

/// Sends a GET for `url`, from byte `from` on if that is not 0, and reads the answer's head.
pub fn get(url: &Url, from: usize, names: Names, patience: &Patience) -> Result<Response, HttpError> {
    let mut stream = connect(url, patience)?;
    stream.set_read_timeout(Some(SLICE))?;
    let range = if from > 0 {
        format!("Range: bytes={from}-\r\n")
    } else {
        String::new()
    };
    let (host, port, path) = (&url.host, url.port, &url.path);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: */*\r\nConnection: close\r\n{range}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let connection = HttpConnection {
        stream,
        early: Vec::new(),
        patience: patience.clone(),
    };
    read_head(connection, names)
}

fn connect(url: &Url, patience: &Patience) -> Result<TcpStream, HttpError> {
    let limit = patience.clock.real(HTTP_SILENCE);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (url.host.as_str(), url.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last.into())
}

fn read_head(mut connection: HttpConnection, names: Names) -> Result<Response, HttpError> {
    let mut head = Vec::new();
    let mut piece = [0; 512];
    loop {
        let n = connection.receive(&mut piece)?;
        if n == 0 {
            return Err(HttpError::Incomplete);
        }
        head.extend_from_slice(&piece[..n]);
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut answer = httparse::Response::new(&mut headers);
        match answer.parse(&head) {
            Ok(httparse::Status::Complete(len)) => {
                let status = answer.code.ok_or(HttpError::MalformedMessage("no status"))?;
                if header(&answer, "Transfer-Encoding").is_some() {
                    return Err(HttpError::MalformedMessage(
                        "a transfer encoding, so the length is not known",
                    ));
                }
                let find = |name| match names {
                    Names::AnyCase => header(&answer, name),
                    Names::Exact => exact_header(&head[..len], name),
                };
                let length = find("Content-Length").map(decimal).transpose()?;
                let range = find("Content-Range").map(content_range).transpose()?;
                connection.early = head.split_off(len);
                return Ok(Response {
                    status,
                    length,
                    range,
                    connection,
                });
            }
            Ok(httparse::Status::Partial) if head.len() < HEAD_MAX => {}
            Ok(httparse::Status::Partial) => return Err(HttpError::MalformedMessage("the head is too long")),
            Err(_) => return Err(HttpError::MalformedMessage("no HTTP")),
        }
    }
}

fn header<'a>(answer: &httparse::Response<'_, 'a>, name: &str) -> Option<&'a str> {
    let found = answer
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(found.value).ok().map(str::trim)
}

/// What stands behind the name, a colon and a blank, up to the end of the line.
fn exact_header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let head = std::str::from_utf8(head).ok()?;
    let (_, behind) = head.split_once(&format!("{name}: "))?;
    behind.split("\r\n").next()
}

fn decimal(text: &str) -> Result<usize, HttpError> {
    text.parse()
        .map_err(|_| HttpError::MalformedMessage("a length is no number"))
}

/// `bytes FROM-TO/TOTAL`
fn content_range(text: &str) -> Result<ContentRange, HttpError> {
    let parts = text
        .strip_prefix("bytes ")
        .and_then(|range| range.split_once('/'));
    let (range, total) = parts.ok_or(HttpError::MalformedMessage("a range without its total"))?;
    let from = range.split_once('-').map_or("0", |(from, _)| from);
    Ok(ContentRange {
        from: decimal(from).unwrap_or_default(),
        total: decimal(total)?,
    })
}

impl Response {
    /// Fills `piece`, or as much of it as comes before the end of the connection or its breaking: the error then says
    /// which, beside the bytes that came.
    pub fn read(&mut self, piece: &mut [u8]) -> (usize, Result<(), HttpError>) {
        let mut filled = 0;
        while filled < piece.len() {
            match self.connection.receive(&mut piece[filled..]) {
                Ok(0) => return (filled, Err(HttpError::Incomplete)),
                Ok(n) => filled += n,
                Err(error) => return (filled, Err(error)),
            }
        }
        (filled, Ok(()))
    }
}

impl HttpConnection {
    fn receive(&mut self, into: &mut [u8]) -> Result<usize, HttpError> {
        if !self.early.is_empty() {
            let n = self.early.len().min(into.len());
            into[..n].copy_from_slice(&self.early[..n]);
            self.early.drain(..n);
            return Ok(n);
        }
        let silent = Instant::now() + self.patience.clock.real(HTTP_SILENCE);
        loop {
            if self.patience.cancelled.load(Ordering::Relaxed) {
                return Err(HttpError::Cancelled);
            }
            match self.stream.read(into) {
                Ok(n) => return Ok(n),
                Err(error) if is_timeout(error.kind()) => {}
                Err(error) => return Err(error.into()),
            }
            if Instant::now() >= silent {
                return Err(HttpError::Silent);
            }
        }
    }
}

fn is_timeout(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Content-Length: 70", Some("70"))]
    #[case("content-length: 70", None)]
    #[case("Content-Length:70", None)]
    fn exact_names(#[case] line: &str, #[case] found: Option<&str>) {
        let head = format!("HTTP/1.1 200 OK\r\nDate: x\r\n{line}\r\nServer: y\r\n\r\n");
        assert_eq!(exact_header(head.as_bytes(), "Content-Length"), found);
    }
}
