//! The module's end of the UART: both directions at the pace of the wire.
//!
//! A byte is seen when its last bit has arrived. Nothing is sent ahead of its time and nothing is read faster than the wire
//! could carry it; short times are batched over absolute due times, so a long transfer takes exactly as long as its bits.
//! There is no flow control: bytes that are not read are lost, and bytes that come while the module does not listen are dropped.
//! If module and pty have different rates, both read noise ([`crate::line_noise`]), except at 115200, where a pty may be unset.

use crate::clock::{ModuleClock, Pacer};
use crate::line_noise::misread;
use crate::phrase::framed;
use bc66_spec::timing::{BAUD_DEFAULT, BITS_PER_BYTE};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::tcgetattr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Real time between two looks at the wire while bytes flow.
const SLICE: Duration = Duration::from_micros(150);
/// Most bytes in one slice, however fast the wire is.
const PIECE_MAX: usize = 512;
/// Real time that the reader of the pty has to make room before bytes are lost.
const READER_SLACK: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

enum UartOrder {
    Send(Vec<u8>),
    Baud(u32),
    Flush(SyncSender<()>),
}

/// The UART of a running module.
#[derive(Debug)]
pub(crate) struct Uart {
    orders: Sender<UartOrder>,
    wire: Arc<UartWire>,
}

#[derive(Debug)]
struct UartWire {
    fd: OwnedFd,
    clock: ModuleClock,
    baud_in: AtomicU32,
    listening: AtomicBool,
}

impl Uart {
    /// Starts both directions on the pty's master side, `fd`. What arrives while the module listens goes to `deliver`.
    pub(crate) fn start(
        fd: OwnedFd,
        clock: ModuleClock,
        deliver: impl FnMut(Vec<u8>) + Send + 'static,
    ) -> io::Result<Self> {
        let wire = UartWire {
            fd,
            clock,
            baud_in: AtomicU32::new(BAUD_DEFAULT),
            listening: AtomicBool::new(false),
        };
        let wire = Arc::new(wire);
        let (orders, queue) = channel();
        let writer = UartWriter {
            wire: Arc::clone(&wire),
            pace: Pacer::new(),
            baud: BAUD_DEFAULT,
            overrun: false,
        };
        thread::Builder::new()
            .name("uart-out".into())
            .spawn(move || writer.run(&queue))?;
        let reader = Arc::clone(&wire);
        thread::Builder::new()
            .name("uart-in".into())
            .spawn(move || reader.receive(deliver))?;
        Ok(Self { orders, wire })
    }

    /// Queues bytes to be sent.
    pub(crate) fn send(&self, bytes: impl Into<Vec<u8>>) {
        let _ = self.orders.send(UartOrder::Send(bytes.into()));
    }

    pub(crate) fn line(&self, text: &str) {
        self.send(framed(text));
    }

    /// Waits until everything is on the wire.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        let _ = self.orders.send(UartOrder::Flush(done));
        let _ = wait.recv();
    }

    /// Changes the rate once everything waiting is sent.
    pub(crate) fn set_baud(&self, baud: u32) {
        let _ = self.orders.send(UartOrder::Baud(baud));
        self.flush();
        self.wire.baud_in.store(baud, Ordering::Relaxed);
    }

    /// From now on, what arrives is delivered.
    pub(crate) fn listen(&self) {
        self.wire.listening.store(true, Ordering::Relaxed);
    }
}

impl UartWire {
    fn byte_time(&self, baud: u32) -> Duration {
        self.clock.real(Duration::from_secs_f64(
            f64::from(BITS_PER_BYTE) / f64::from(baud),
        ))
    }

    /// The rate that the host has set on the pty, if it is not the module's.
    fn other_rate(&self, baud: u32) -> Option<u32> {
        if baud == BAUD_DEFAULT {
            return None;
        }
        // The master side tells what the host has set on the other one.
        let host = tcgetattr(&self.fd).ok()?.output_speed();
        (host != 0 && host != baud).then_some(host)
    }

    /// Bytes that pass the wire in one slice.
    fn piece(byte_time: Duration) -> usize {
        let bytes = SLICE.as_nanos() / byte_time.as_nanos().max(1);
        usize::try_from(bytes).unwrap_or(PIECE_MAX).clamp(1, PIECE_MAX)
    }

    fn wait(&self, flags: PollFlags, limit: Option<&Timespec>) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.fd.as_fd(), flags)];
        matches!(poll(&mut fds, limit), Ok(n) if n > 0)
    }

    fn receive(&self, mut deliver: impl FnMut(Vec<u8>)) {
        let mut pace = Pacer::new();
        let mut buffer = [0; PIECE_MAX];
        loop {
            if !self.wait(PollFlags::IN, Some(&Timespec::default())) {
                self.wait(PollFlags::IN, None);
                pace.restart();
            }
            let baud = self.baud_in.load(Ordering::Relaxed);
            let byte_time = self.byte_time(baud);
            match rustix::io::read(&self.fd, &mut buffer[..Self::piece(byte_time)]) {
                Ok(0) => return,
                Ok(n) => {
                    pace.pass(byte_time * n as u32);
                    if self.listening.load(Ordering::Relaxed) {
                        deliver(match self.other_rate(baud) {
                            Some(host) => misread(&buffer[..n], host, baud),
                            None => buffer[..n].to_vec(),
                        });
                    }
                }
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

struct UartWriter {
    wire: Arc<UartWire>,
    pace: Pacer,
    baud: u32,
    overrun: bool,
}

impl UartWriter {
    fn run(mut self, queue: &Receiver<UartOrder>) {
        loop {
            let order = match queue.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Empty) => {
                    let Ok(order) = queue.recv() else { return };
                    self.pace.restart();
                    order
                }
                Err(TryRecvError::Disconnected) => return,
            };
            match order {
                UartOrder::Send(bytes) => self.send(&bytes),
                UartOrder::Baud(baud) => self.baud = baud,
                UartOrder::Flush(done) => {
                    self.wait_for_last_bit();
                    let _ = done.send(());
                }
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        let byte_time = self.wire.byte_time(self.baud);
        for piece in bytes.chunks(UartWire::piece(byte_time)) {
            self.pace.pass(byte_time * piece.len() as u32);
            match self.wire.other_rate(self.baud) {
                Some(host) => self.put(&misread(piece, self.baud, host)),
                None => self.put(piece),
            }
        }
    }

    fn put(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            match rustix::io::write(&self.wire.fd, piece) {
                Ok(n) => {
                    piece = &piece[n..];
                    self.overrun = false;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if !self.overrun => {
                    self.overrun = !self.wire.wait(PollFlags::OUT, Some(&READER_SLACK));
                }
                Err(_) => return,
            }
        }
    }

    fn wait_for_last_bit(&self) {
        thread::sleep(self.pace.due().saturating_duration_since(Instant::now()));
    }
}
