//! The page of a run while it goes on: `run --live ADDR`.
//!
//! A thread of its own serves it, behind every other in priority. Whoever writes the journal hands it each record without
//! waiting; the page's thread takes what has come a few times a second, folds it, and tells the readers what has changed.
//! So neither readers nor attackers can hold up a run: the worst that they get is an old page.

mod access;
pub(crate) mod address;
mod answer;
mod board;
mod body;
mod server;

use crate::exit::CommandError;
use crate::run::fleet::memory_queue::FleetObserver;
use access::Access;
use board::LiveMessage;
use dfota_core::event::Record;
use dfota_record::journal::Observer;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// The page, and the thread that serves it. It ends when this is dropped.
#[derive(Debug)]
pub struct LivePage {
    sink: LiveSink,
    url: String,
    stop: Option<oneshot::Sender<String>>,
    thread: Option<JoinHandle<()>>,
}

/// The page could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error("`--live {addr}`: {why}")]
    Listen { addr: SocketAddr, why: std::io::Error },
    #[error("the live page could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

impl From<LiveError> for CommandError {
    fn from(why: LiveError) -> Self {
        match why {
            LiveError::Listen { .. } => Self::usage(why),
            LiveError::Thread(_) => Self::error(why),
        }
    }
}

impl LivePage {
    /// Serves a page at `addr`; port 0 takes a free one. `masked`: without IMEI, IMSI, ICCID and IP addresses.
    pub fn start(addr: SocketAddr, masked: bool) -> Result<Self, LiveError> {
        let listen = |why: std::io::Error| LiveError::Listen {
            addr,
            why: dfota_servers::explain_listen(&why, "the live page", addr, "-ltnp"),
        };
        let listener = TcpListener::bind(addr).map_err(listen)?;
        listener.set_nonblocking(true)?;
        let bound = listener.local_addr()?;
        let access = Access::new(bound)?;
        let url = access.url();
        let (records, inbox) = channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("live page".into())
            .spawn(move || server::run(listener, access, masked, &inbox, stopped))?;
        Ok(Self {
            sink: LiveSink { records },
            url,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where a browser finds it, with the token where one is needed.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The way for records into the page.
    pub fn sink(&self) -> LiveSink {
        self.sink.clone()
    }

    /// Sees the records of the run's own journal (no `rig`), or of the part of a rig.
    pub fn observer(&self, rig: Option<&str>) -> LiveObserver {
        LiveObserver {
            rig: rig.map(Into::into),
            sink: self.sink(),
        }
    }

    /// Tells every reader where the report is, and ends.
    pub fn end(mut self, report: &Path) {
        self.stop_with(format!("The run is over. Its report: {}", report.display()));
    }

    fn stop_with(&mut self, said: String) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(said); // the thread may have ended
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic of its own is no matter of the run
        }
    }
}

impl Drop for LivePage {
    fn drop(&mut self) {
        self.stop_with("The run is over.".into());
    }
}

/// The way for records into the page. Cheap to clone; nothing here waits.
#[derive(Debug, Clone)]
pub struct LiveSink {
    records: Sender<LiveMessage>,
}

impl LiveSink {
    /// A record of the run's own journal (no `rig`), or of the part of a rig.
    pub fn record(&self, rig: Option<Arc<str>>, record: Record) {
        let _ = self.records.send(LiveMessage { rig, record }); // a page that has ended takes nothing
    }
}

impl FleetObserver for LiveSink {
    fn record(&mut self, rig: &str, record: &Record) {
        Self::record(self, Some(rig.into()), record.clone());
    }
}

/// Hands what a journal shows to the page.
#[derive(Debug, Clone)]
pub struct LiveObserver {
    rig: Option<Arc<str>>,
    sink: LiveSink,
}

impl Observer for LiveObserver {
    fn on(&mut self, record: &Record) {
        self.sink.record(self.rig.clone(), record.clone());
    }
}
