//! The reader thread: byte → line → URC → armed cut? → supply, in one place.
//!
//! Nothing between the byte and the supply allocates or changes to another thread. The armed cut and the lines are behind mutexes,
//! which the runner takes for an instant only. The exception: while a `command` driver switches the supply on, a further cut waits
//! until its program has ended. Journal and runner get everything else of a read afterwards, also the lines before the moment.

use super::cutter::{Cutter, ReaderShared};
use super::message::{BenchMessage, CutInstants};
use super::port::Port;
use super::timespec;
use super::trigger::{Armed, report};
use crate::bench::lines::RigLines;
use dfota_clock::priority::PriorityRefused;
use dfota_core::cut::Cut;
use dfota_core::event::Event;
use dfota_core::event::watched::Gap;
use dfota_core::lexer::{Lexer, LexerToken};
use dfota_core::moment::Moment;
use dfota_core::urc::Urc;
use dfota_record::journal::Journal;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long to wait between two attempts to open a port that has gone.
pub const REOPEN: Duration = Duration::from_millis(100);

/// The reader thread, from outside. It ends when this is dropped.
#[derive(Debug)]
pub struct SerialReader {
    cutter: Cutter,
    shared: Arc<ReaderShared>,
    refused: Option<PriorityRefused>,
    thread: Option<JoinHandle<()>>,
}

impl SerialReader {
    /// Starts reading `port`; `lines` are what a cut moves.
    pub fn start(
        port: Port,
        lines: Arc<RigLines>,
        journal: Journal,
        runner: Sender<BenchMessage>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(ReaderShared::new()?);
        let cutter = Cutter {
            shared: shared.clone(),
            lines: lines.clone(),
            journal: journal.clone(),
            runner: runner.clone(),
        };
        let on_thread = OnThread {
            port,
            lines,
            journal,
            runner,
            shared: shared.clone(),
            lexer: Lexer::new(),
            bytes: 0,
        };
        let (priority, refused) = sync_channel(1);
        let thread = std::thread::Builder::new().name("reader".into()).spawn(move || {
            let _ = priority.send(dfota_clock::priority::set_real_time().err());
            on_thread.run();
        })?;
        Ok(Self {
            cutter,
            shared,
            refused: refused.recv().ok().flatten(),
            thread: Some(thread),
        })
    }

    /// What the system did not grant to the thread.
    pub fn refused(&self) -> Option<PriorityRefused> {
        self.refused
    }

    /// What makes the armed cut from elsewhere.
    pub fn cutter(&self) -> Cutter {
        self.cutter.clone()
    }

    /// Arms a cut. One at a time: it replaces one that is armed.
    pub fn arm(&self, armed: Armed) {
        self.shared.trigger.arm(armed);
    }

    /// Gives an armed cut back, if it has not been made.
    pub fn disarm(&self) -> Option<Cut> {
        self.shared.trigger.disarm()
    }

    /// Whether the moment of the armed cut has been met and its delay runs.
    pub fn is_due(&self) -> bool {
        self.shared.trigger.is_due()
    }

    /// Whether a cut still waits for its moment.
    pub fn is_armed(&self) -> bool {
        self.shared.trigger.is_armed()
    }

    /// Closes the port, so that another program can have it; whether that was done in time. [`Self::take_back`] ends it.
    pub fn lend(&self, limit: Duration) -> bool {
        let (closed, is_closed) = sync_channel(1);
        self.shared.order(|orders| orders.lent = Some(closed));
        is_closed.recv_timeout(limit).is_ok()
    }

    /// Has the port opened again.
    pub fn take_back(&self) {
        self.shared.order(|orders| orders.lent = None);
    }

    /// A case begins, or has ended: its lines are counted anew. Gives how many of those before were left out.
    pub fn count_anew(&self) -> u64 {
        self.shared.budget.reset()
    }

    /// Has the thread read what is there and then send [`BenchMessage::Drained`]. What was sent before the call is handed over
    /// before that message.
    pub fn drain(&self) {
        self.shared.order(|orders| orders.drain = true);
    }
}

impl Drop for SerialReader {
    fn drop(&mut self) {
        self.shared.order(|orders| orders.stop = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct OnThread {
    port: Port,
    lines: Arc<RigLines>,
    journal: Journal,
    runner: Sender<BenchMessage>,
    shared: Arc<ReaderShared>,
    lexer: Lexer,
    bytes: u64,
}

impl OnThread {
    fn run(mut self) {
        // A timer may be late by this much; the default of 50 µs would delay every cut with a delay.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        let mut device = self.port.device();
        let mut buffer = [0_u8; 4096];
        loop {
            let orders = self.shared.orders();
            let (stop, lent) = (orders.stop, orders.lent.clone());
            drop(orders);
            if stop {
                return;
            }
            if let Some(closed) = lent {
                device = self.lent(device, &closed);
                continue;
            }
            let wait = self.shared.trigger.until_due();
            match self.ready(&device, wait) {
                Ok(true) => match rustix::io::read(&*device, &mut buffer) {
                    Ok(0) => device = self.lost(device, "the device was closed"),
                    Ok(n) => {
                        let at = Instant::now();
                        let full = n == buffer.len() && self.port.may_drop();
                        let n = self.port.decode(&mut buffer[..n]);
                        self.take(&buffer[..n], at, full);
                    }
                    Err(Errno::AGAIN | Errno::INTR) => {}
                    Err(error) => device = self.lost(device, &error.to_string()),
                },
                Ok(false) => {}
                Err(error) => device = self.lost(device, &error.to_string()),
            }
            self.fire_if_due();
            self.answer_drain(&device);
        }
    }

    /// Leaves the port to another program, until it is to be opened again.
    fn lent(&mut self, device: Arc<OwnedFd>, closed: &SyncSender<()>) -> Arc<OwnedFd> {
        drop(device);
        self.wait_while_lent(closed);
        self.lexer = Lexer::new();
        match self.port.reopen() {
            Ok(()) => self.port.device(),
            Err(error) => self.lost(self.port.device(), &error.to_string()),
        }
    }

    fn wait_while_lent(&mut self, closed: &SyncSender<()>) {
        if self.port.close().is_ok() {
            let _ = closed.try_send(());
        }
        loop {
            let orders = self.shared.orders();
            if orders.stop || orders.lent.is_none() {
                break;
            }
            drop(orders);
            self.shared.sleep(None);
        }
    }

    /// Waits for a byte, a wake-up or the deadline of a delayed cut; whether there is something to read.
    fn ready(&self, device: &OwnedFd, wait: Option<Duration>) -> rustix::io::Result<bool> {
        let mut fds = [
            PollFd::new(device, PollFlags::IN),
            PollFd::new(&self.shared.wake, PollFlags::IN),
        ];
        match poll(&mut fds, wait.map(timespec).as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        if fds[1].revents().contains(PollFlags::IN) {
            self.shared.woken();
        }
        Ok(!fds[0].revents().is_empty())
    }

    /// Takes what one read gave. The cut comes first, wherever in it its moment is; only then is anything of it escaped, written
    /// down or handed over, in the order in which it came.
    fn take(&mut self, bytes: &[u8], at: Instant, full: bool) {
        self.bytes += bytes.len() as u64;
        let mut made = self.cut_if_met(bytes, at);
        if full {
            let bytes = bytes.len() as u64;
            self.journal.post_at(at, Event::Gap(Gap::ReaderBehind { bytes }));
        }
        let mut late = None;
        for (n, &byte) in bytes.iter().enumerate() {
            match self.lexer.push(byte) {
                None => continue,
                Some(LexerToken::Prompt) => {
                    self.journal.post_at(at, Event::Prompt);
                    let _ = self.runner.send(BenchMessage::Prompt { at });
                }
                Some(LexerToken::Line(line)) => {
                    let urc = Urc::parse(line);
                    if self.shared.budget.takes(urc, &self.journal) {
                        let (text, partial) = (dfota_core::escape::readable(line), false);
                        self.journal.post_at(at, Event::Rx { text, partial });
                    }
                    let text = line.to_vec();
                    let _ = self.runner.send(BenchMessage::Line { text, urc, at });
                }
            }
            if let Some((_, made)) = made.take_if(|(end, _)| *end == n) {
                report(made, &self.journal, &self.runner);
            }
            // A cut with a delay does not wait for the lines behind it either.
            late = late.or_else(|| self.shared.trigger.cut_if_due(&self.lines));
        }
        if let Some(late) = late {
            report(late, &self.journal, &self.runner);
        }
    }

    /// Looks ahead for the moment of the armed cut and makes the cut; tells at which byte the moment was complete. Nothing
    /// here allocates.
    fn cut_if_met(&self, bytes: &[u8], at: Instant) -> Option<(usize, CutInstants)> {
        if !self.shared.trigger.is_armed() {
            return None;
        }
        let mut ahead = self.lexer.clone();
        bytes.iter().enumerate().find_map(|(n, &byte)| {
            let Some(LexerToken::Line(line)) = ahead.push(byte) else {
                return None;
            };
            let urc = Urc::parse(line)?;
            let met = |moment: Moment| moment.matches(&urc);
            Some((n, self.shared.trigger.cut_if(met, at, &self.lines)?))
        })
    }

    fn fire_if_due(&mut self) {
        if let Some(made) = self.shared.trigger.cut_if_due(&self.lines) {
            report(made, &self.journal, &self.runner);
        }
    }

    /// Answers a drain, once nothing can be read any more.
    fn answer_drain(&mut self, device: &OwnedFd) {
        if !self.shared.orders().drain {
            return;
        }
        let mut fds = [PollFd::new(device, PollFlags::IN)];
        let more = poll(&mut fds, Some(&timespec(Duration::ZERO))).is_ok_and(|n| n > 0);
        if more && fds[0].revents().contains(PollFlags::IN) {
            // The next turn reads it and comes back here.
            return;
        }
        self.shared.orders().drain = false;
        self.drained();
    }

    fn drained(&mut self) {
        let (bytes, partial) = (self.bytes, self.torn());
        let _ = self.runner.send(BenchMessage::Drained { bytes, partial });
    }

    /// Writes down what there is of a line that does not end any more.
    fn torn(&mut self) -> Vec<u8> {
        let partial = self.lexer.take_partial().unwrap_or_default().to_vec();
        if !partial.is_empty() {
            self.journal.post(Event::Rx {
                text: dfota_core::escape::readable(&partial),
                partial: true,
            });
        }
        partial
    }

    /// Waits until the port can be opened again, or the reader is to stop. Meanwhile it cuts and answers; a
    /// delayed cut may wait for an attempt to open the port, over TCP up to some seconds.
    fn lost(&mut self, device: Arc<OwnedFd>, why: &str) -> Arc<OwnedFd> {
        // The system gives the same name again only to a device that no process has open any more.
        drop(device);
        let _ = self.port.close();
        let why = format!("serial port `{}` failed: {why}", self.port.address());
        self.torn();
        self.journal.post(Event::Gap(Gap::PortLost { why: why.clone() }));
        let _ = self.runner.send(BenchMessage::Lost(why));
        loop {
            let orders = self.shared.orders();
            let (stop, lent) = (orders.stop, orders.lent.clone());
            drop(orders);
            if stop {
                return self.port.device();
            }
            if let Some(closed) = lent {
                self.wait_while_lent(&closed);
            }
            self.fire_if_due();
            if std::mem::take(&mut self.shared.orders().drain) {
                self.drained();
            }
            let wait = self.shared.trigger.until_due().unwrap_or(REOPEN);
            self.shared.sleep(Some(wait.min(REOPEN)));
            if self.port.reopen().is_ok() {
                self.lexer = Lexer::new();
                self.journal.post(Event::Gap(Gap::PortBack));
                let _ = self.runner.send(BenchMessage::Back);
                return self.port.device();
            }
        }
    }
}
