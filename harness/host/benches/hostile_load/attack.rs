//! Those who mean no good.

use dfota_core::coap::{CoapCode, CoapMessage};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::VecDeque;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

const CONNECTIONS: u32 = 5_000;
const DATAGRAMS_A_SECOND: u64 = 50_000;
/// As many hosts send datagrams.
const HOSTS: u8 = 100;
/// How long one waits before it comes back when it was turned out: thousands of newcomers a second.
const REST: Duration = Duration::from_millis(500);

/// The attack; it ends when it is told.
pub(crate) struct Attack {
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
    began: Instant,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    connected: AtomicU64,
    sent: AtomicU64,
}

/// What it has done by a moment.
pub(crate) struct Done {
    after: Duration,
    connected: u64,
    sent: u64,
}

impl Done {
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            after: self.after - before.after,
            connected: self.connected - before.connected,
            sent: self.sent - before.sent,
        }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |count: u64| count as f64 / self.after.as_secs_f64();
        write!(
            f,
            "{CONNECTIONS} connections, each opened again when it is ended: {:.0} a second; {:.0} datagrams a second",
            rate(self.connected),
            rate(self.sent)
        )
    }
}

impl Attack {
    /// Begins, and waits until every connection was made once.
    pub(crate) fn begin(http: SocketAddr, coap: SocketAddr) -> Self {
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
        let of = || (stop.clone(), counts.clone());
        let (tcp, udp) = (of(), of());
        let threads = vec![
            std::thread::spawn(move || half_heads(http, &tcp.0, &tcp.1)),
            std::thread::spawn(move || flood(coap, &udp.0, &udp.1)),
        ];
        let attack = Self {
            stop,
            counts,
            began: Instant::now(),
            threads,
        };
        while attack.so_far().connected < u64::from(CONNECTIONS) {
            assert!(
                attack.began.elapsed() < Duration::from_secs(60),
                "60 s passed until all had connected"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        attack
    }

    pub(crate) fn so_far(&self) -> Done {
        Done {
            after: self.began.elapsed(),
            connected: self.counts.connected.load(Ordering::Relaxed),
            sent: self.counts.sent.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("an attacker");
        }
    }
}

/// Accepts connections and reads datagrams, and does nothing with them: the addresses of both. It lives as long as the
/// program.
pub(crate) fn decoy() -> (SocketAddr, SocketAddr) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(any).expect("a port");
    let socket = UdpSocket::bind(any).expect("a port");
    let at = (listener.local_addr(), socket.local_addr());
    std::thread::spawn(move || {
        let mut held = VecDeque::new();
        for stream in listener.incoming().flatten() {
            held.push_back(stream);
            // As many as the package server holds.
            if held.len() > 512 {
                held.pop_front();
            }
        }
    });
    std::thread::spawn(move || while socket.recv(&mut [0; 2048]).is_ok() {});
    (at.0.expect("it is bound"), at.1.expect("it is bound"))
}

/// Thousands that wait with half a head, each from an address of its own.
fn half_heads(server: SocketAddr, stop: &Arc<AtomicBool>, counts: &Arc<Counts>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for number in 0..CONNECTIONS {
        let counts = counts.clone();
        runtime.spawn(async move {
            loop {
                // An error is one more way to be turned out.
                let _ = half_head(number, server, &counts).await;
                tokio::time::sleep(REST).await;
            }
        });
    }
    runtime.block_on(async {
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

async fn half_head(number: u32, server: SocketAddr, counts: &Counts) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    let host = Ipv4Addr::new(127, 1, (number >> 8) as u8, number as u8);
    socket.bind((host, 0).into())?;
    let mut stream = socket.connect(server).await?;
    counts.connected.fetch_add(1, Ordering::Relaxed);
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n").await?;
    stream.read(&mut [0; 64]).await.map(drop)
}

/// Datagrams at a steady rate: pings, requests for nothing, registrations and noise.
fn flood(server: SocketAddr, stop: &AtomicBool, counts: &Counts) {
    let sockets: Vec<UdpSocket> = (1..=HOSTS)
        .map(|host| {
            let socket = UdpSocket::bind(SocketAddr::from(([127, 2, 0, host], 0))).expect("a socket");
            socket.connect(server).expect("a socket");
            socket.set_nonblocking(true).expect("a socket");
            socket
        })
        .collect();
    let kinds = [
        vec![0x40, 0, 0, 0],
        CoapMessage::request(CoapCode::GET, "nothing/here").encode(),
        CoapMessage::request(CoapCode::POST, "rd")
            .with(15, b"ep=x")
            .with_payload(b"</5/0>".to_vec())
            .encode(),
        vec![0x40, 0xFF, 0, 0, 0xFF, 0xFF],
    ];
    let began = Instant::now();
    let mut sent = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let due = began.elapsed().as_micros() as u64 * DATAGRAMS_A_SECOND / 1_000_000;
        // Behind by more than a tenth of a second: what was missed is not made up for in one burst.
        let missed = due.saturating_sub(sent).saturating_sub(DATAGRAMS_A_SECOND / 10);
        for number in sent + missed..due {
            let mut datagram = kinds[number as usize % kinds.len()].clone();
            datagram[2..4].copy_from_slice(&(number as u16).to_be_bytes());
            // A full queue drops it.
            let _ = sockets[number as usize % sockets.len()].send(&datagram);
            counts.sent.fetch_add(1, Ordering::Relaxed);
        }
        sent = due;
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Both ends of the connections are in this process.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("the soft limit can be raised to the hard one");
    let enough = limit
        .maximum
        .is_none_or(|most| most > u64::from(CONNECTIONS) + 1_000);
    assert!(
        enough,
        "{:?} files can be open, expected 6,000: `ulimit -Hn 6000` as root",
        limit.maximum
    );
}

/// Over the last minute, the last five and the last fifteen.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{} on {cores} cores", text.trim_end())
}
