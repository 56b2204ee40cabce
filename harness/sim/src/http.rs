//! The module's HTTP client: one GET, with a Range or without (HTTP/1.1, RFC 9110).
//!
//! It blocks in short slices of real time, so that it notices silence and that the download was given up.

use crate::background::Cancellation;
use crate::clock::ModuleClock;
use crate::durations::HTTP_SILENCE;
use crate::url::Url;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Real time between two looks at whether the download was given up.
const SLICE: Duration = Duration::from_millis(10);
const HEAD_MAX: usize = 8192;
const HEADERS_MAX: usize = 48;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("connection: {0}")]
    Io(#[from] io::Error),
    #[error("the server has sent nothing for {HTTP_SILENCE:?} of the module's time")]
    Silent,
    #[error("the download was given up")]
    Cancelled,
    #[error("the server closed the connection before the end of the answer")]
    Incomplete,
    #[error("malformed answer: {0}")]
    Malformed(&'static str),
}

/// The client of one download.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    pub(crate) clock: ModuleClock,
    pub(crate) cancellation: Cancellation,
    /// Finds a header in exactly this case of letters alone, with one blank after the colon
    /// ([`crate::dialect::Dialect::ExactHeaderNames`]); else in any case (RFC 9110 §5.1).
    pub(crate) exact_names: bool,
}

/// `Content-Range` of a partial answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) from: usize,
    pub(crate) total: usize,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) length: Option<usize>,
    pub(crate) range: Option<ContentRange>,
    connection: ClientConnection,
}

#[derive(Debug)]
struct ClientConnection {
    stream: TcpStream,
    /// What came together with the head.
    early: Vec<u8>,
    client: HttpClient,
}

impl HttpClient {
    /// Sends a GET for `url`, from byte `from` on if that is not 0, and reads the answer's head.
    pub(crate) fn get(&self, url: &Url, from: usize) -> Result<Response, HttpError> {
        let mut stream = self.connect(url)?;
        stream.set_read_timeout(Some(SLICE))?;
        let range = match from {
            0 => String::new(),
            from => format!("Range: bytes={from}-\r\n"),
        };
        let (host, port, path) = (&url.host, url.port, &url.path);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: */*\r\nConnection: close\r\n{range}\r\n"
        );
        stream.write_all(request.as_bytes())?;
        read_head(ClientConnection {
            stream,
            early: Vec::new(),
            client: self.clone(),
        })
    }

    fn connect(&self, url: &Url) -> Result<TcpStream, HttpError> {
        let limit = self.clock.real(HTTP_SILENCE);
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (url.host.as_str(), url.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, limit) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }
}

fn read_head(mut connection: ClientConnection) -> Result<Response, HttpError> {
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
                let status = answer.code.ok_or(HttpError::Malformed("it has no status"))?;
                if header(&answer, "Transfer-Encoding").is_some() {
                    return Err(HttpError::Malformed(
                        "its length is not known: it has a transfer encoding",
                    ));
                }
                let find = |name| {
                    if connection.client.exact_names {
                        exact_header(&head[..len], name)
                    } else {
                        header(&answer, name)
                    }
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
            Ok(httparse::Status::Partial) => return Err(HttpError::Malformed("its head is too long")),
            Err(_) => return Err(HttpError::Malformed("it is not HTTP")),
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

/// The rest of the line after the name, a colon and a blank.
fn exact_header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let head = std::str::from_utf8(head).ok()?;
    let (_, behind) = head.split_once(&format!("{name}: "))?;
    behind.split("\r\n").next()
}

fn decimal(text: &str) -> Result<usize, HttpError> {
    text.parse()
        .map_err(|_| HttpError::Malformed("a length is not a number"))
}

/// `bytes FROM-TO/TOTAL`
fn content_range(text: &str) -> Result<ContentRange, HttpError> {
    let parts = text
        .strip_prefix("bytes ")
        .and_then(|range| range.split_once('/'));
    let (range, total) = parts.ok_or(HttpError::Malformed("its range has no total"))?;
    let from = range.split_once('-').map_or("0", |(from, _)| from);
    Ok(ContentRange {
        from: decimal(from).unwrap_or_default(),
        total: decimal(total)?,
    })
}

impl Response {
    /// Fills `piece`. An error comes beside the bytes before it: `filled` says how many there are.
    pub(crate) fn read(&mut self, piece: &mut [u8], filled: &mut usize) -> Result<(), HttpError> {
        while *filled < piece.len() {
            match self.connection.receive(&mut piece[*filled..])? {
                0 => return Err(HttpError::Incomplete),
                n => *filled += n,
            }
        }
        Ok(())
    }
}

impl ClientConnection {
    fn receive(&mut self, into: &mut [u8]) -> Result<usize, HttpError> {
        if !self.early.is_empty() {
            let n = self.early.len().min(into.len());
            into[..n].copy_from_slice(&self.early[..n]);
            self.early.drain(..n);
            return Ok(n);
        }
        let silent = Instant::now() + self.client.clock.real(HTTP_SILENCE);
        loop {
            if self.client.cancellation.is_set() {
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
