//! A file server for the module's downloads: one file, one way to misbehave at a time, all requests kept.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Sound,
    IgnoresRange,
    NotFound,
    /// Names of headers in small letters.
    LowerCase,
    /// Closes after so many bytes of the body.
    Drops(usize),
    /// Falls silent after so many bytes of the body.
    Stalls(usize),
    /// Announces no length.
    NoLength,
}

pub(crate) struct FileServer {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    manner: Manner,
    requests: Vec<String>,
    stalled: Vec<TcpStream>,
}

impl FileServer {
    pub(crate) fn start(file: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State {
            manner: Manner::Sound,
            requests: Vec::new(),
            stalled: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, &file, &shared); // a module that loses its power breaks the connection
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/p.delta", self.port)
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.state.lock().expect("no panic").manner = manner;
    }

    /// The requests since the last call: `GET /path` and its Range.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("no panic").requests)
    }
}

fn serve(mut stream: TcpStream, file: &[u8], state: &Mutex<State>) -> std::io::Result<()> {
    let mut head = Vec::new();
    for line in BufReader::new(stream.try_clone()?).lines() {
        match line? {
            line if line.is_empty() => break,
            line => head.push(line),
        }
    }
    let range = head.iter().find_map(|line| line.strip_prefix("Range: "));
    let request = head
        .first()
        .and_then(|line| line.strip_suffix(" HTTP/1.1"))
        .unwrap_or("no request");
    let mut state = state.lock().expect("no panic");
    state
        .requests
        .push(format!("{request} {}", range.unwrap_or("whole")));
    let from = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let from: usize = if state.manner == Manner::IgnoresRange {
        0
    } else {
        from.unwrap_or(0)
    };
    let body = &file[from..];
    let length = format!("Content-Length: {}\r\n", body.len());
    let content_range = format!(
        "Content-Range: bytes {from}-{}/{}\r\n",
        file.len() - 1,
        file.len()
    );
    let (status, headers, sent) = match state.manner {
        Manner::NotFound => ("404 Not Found", "Content-Length: 0\r\n".to_owned(), 0),
        Manner::NoLength => ("200 OK", String::new(), body.len()),
        Manner::Drops(n) | Manner::Stalls(n) => ("200 OK", length, n),
        _ if from > 0 => ("206 Partial Content", length + &content_range, body.len()),
        _ => ("200 OK", length, body.len()),
    };
    let headers = match state.manner {
        Manner::LowerCase => headers.to_ascii_lowercase(),
        _ => headers,
    };
    write!(stream, "HTTP/1.1 {status}\r\n{headers}\r\n")?;
    stream.write_all(&body[..sent])?;
    if let Manner::Stalls(_) = state.manner {
        state.stalled.push(stream);
    }
    Ok(())
}
