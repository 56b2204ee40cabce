//! The page of a run while it goes on: `run --live ADDR`, and those of a lab: `lab serve`.
//!
//! A thread of its own serves it, behind every other in priority. The thread that writes the journal hands it each record
//! without waiting; the page's thread takes what has come a few times a second, folds it, and tells the readers what has
//! changed. So neither readers nor attackers can hold up a run: the worst that they get is an old page.

mod access;
pub(crate) mod address;
mod answer;
mod board;
mod body;
#[cfg(feature = "lab")]
mod lab_site;
mod server;
mod site;

use crate::exit::CommandError;
use crate::run::fleet::memory_queue::FleetObserver;
#[cfg(feature = "lab")]
use crate::run::lab::server::LabServer;
use access::Access;
use dfota_core::event::Record;
use dfota_record::journal::Observer;
#[cfg(feature = "lab")]
use lab_site::{LabSite, LabWatch};
use site::{LiveMessage, RunSite, Site};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// The page of a run, and the thread that serves it. It ends when this is dropped.
#[derive(Debug)]
pub struct LivePage {
    sink: LiveSink,
    served: Served,
}

/// A thread that serves pages, until this is dropped.
#[derive(Debug)]
struct Served {
    url: String,
    /// What is said at the end, unless something else is.
    last: &'static str,
    stop: Option<oneshot::Sender<String>>,
    thread: Option<JoinHandle<()>>,
}

/// The page could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error("`{flag} {addr}`: {why}")]
    Listen {
        flag: &'static str,
        addr: SocketAddr,
        why: std::io::Error,
    },
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
        let (records, inbox) = channel();
        let served = Served::start(addr, "--live", "The run is over.", move || {
            RunSite::new(masked, inbox)
        })?;
        Ok(Self {
            sink: LiveSink { records },
            served,
        })
    }

    /// Where a browser finds it, with the token where one is needed.
    pub fn url(&self) -> &str {
        &self.served.url
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
        let said = format!("The run is over. Its report: {}", report.display());
        self.served.stop_with(said);
    }
}

/// The pages of a lab, and the thread that serves them. They end when this is dropped.
#[cfg(feature = "lab")]
#[derive(Debug)]
pub struct LabPages(Served);

#[cfg(feature = "lab")]
impl LabPages {
    /// Serves the pages of a lab at `addr`; port 0 takes a free one. `masked`: without IMEI, IMSI, ICCID and IP addresses. The
    /// caller keeps the lab until the pages have ended.
    pub fn start(addr: SocketAddr, masked: bool, lab: &Arc<LabServer>) -> Result<Self, CommandError> {
        let watched = LabWatch::start(lab)?;
        let lab = Arc::clone(lab);
        let site = move || LabSite::new(lab, watched, masked);
        let served = Served::start(
            addr,
            "--listen",
            "The pages of the lab are not served any more.",
            site,
        )?;
        Ok(Self(served))
    }

    /// Where a browser finds them, with the token where one is needed.
    pub fn url(&self) -> &str {
        &self.0.url
    }
}

impl Served {
    /// Serves the pages of a site at `addr`, which was given with `flag`. `last`: what readers are told at the end.
    fn start<S: Site + 'static>(
        addr: SocketAddr,
        flag: &'static str,
        last: &'static str,
        site: impl FnOnce() -> S + Send + 'static,
    ) -> Result<Self, LiveError> {
        let listen = |why: std::io::Error| LiveError::Listen {
            flag,
            addr,
            why: dfota_servers::explain_listen(&why, "the live page", addr, "-ltnp"),
        };
        let listener = TcpListener::bind(addr).map_err(listen)?;
        listener.set_nonblocking(true)?;
        let access = Access::new(listener.local_addr()?)?;
        let url = access.url();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("live page".into())
            .spawn(move || server::run(listener, access, site(), stopped))?;
        Ok(Self {
            url,
            last,
            stop: Some(stop),
            thread: Some(thread),
        })
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

impl Drop for Served {
    fn drop(&mut self) {
        self.stop_with(self.last.into());
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
