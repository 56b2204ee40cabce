//! A plain client: bytes over TCP, as they are.

use crate::lab::LIMIT;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("the page listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit");
    stream
}

pub(crate) fn get(addr: SocketAddr, path: &str) -> Answer {
    ask(addr, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
}

/// Sends these bytes and reads to the end of the connection.
pub(crate) fn ask(addr: SocketAddr, request: &str) -> Answer {
    let mut stream = connect(addr);
    // One that is refused may be refused before it is read.
    let _ = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Answer {
        status: status.unwrap_or_else(|| panic!("no answer to {request:.80}: {text}")),
        headers,
        body: body.to_owned(),
    }
}

/// A server-sent event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// The events of a page, as a browser reads them.
pub(crate) struct Events(BufReader<TcpStream>);

impl Events {
    pub(crate) fn open(addr: SocketAddr) -> Self {
        Self::open_at(addr, "/events")
    }

    pub(crate) fn open_at(addr: SocketAddr, path: &str) -> Self {
        let mut stream = connect(addr);
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(lines.read_line(&mut head).expect("a head") > 0, "{head}");
        }
        assert!(
            head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"),
            "{head}"
        );
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        Self(lines)
    }

    /// The next one; nothing at the end.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let mut event = Event {
            name: String::new(),
            data: String::new(),
        };
        let mut line = String::new();
        loop {
            line.clear();
            if self.0.read_line(&mut line).expect("an event within the limit") == 0 {
                return None;
            }
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("data", data)) => {
                    let between = if event.data.is_empty() { "" } else { "\n" };
                    event.data += &format!("{between}{data}");
                }
                None if line == "\n" && !event.name.is_empty() => return Some(event),
                _ => {}
            }
        }
    }

    /// All of them until one is so.
    pub(crate) fn until(mut self, is: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next() {
            let last = is(&event);
            events.push(event);
            if last {
                return events;
            }
        }
        panic!("the events ended before that: {:?}", events.last());
    }
}
