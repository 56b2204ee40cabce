//! The package servers on the open Internet: 5,000 connections that send half a header and wait, each opened again when it is
//! ended, and 50,000 datagrams a second, from many addresses of the loopback. Beside that a good client downloads over HTTP
//! and over CoAP, and cuts are made as in the benchmark `cut_latency`.
//!
//! Attackers, servers and client share the machine. So the same attack is made on a decoy as well, which accepts and reads and
//! does nothing: the time of the good client meanwhile is what the machine gives, and what is beyond it is the servers' own.
//!
//! `cargo bench -p dfota-hil --bench hostile_load`. The attackers run on the same machine: it wants four cores to itself.

#[path = "hostile_load/attack.rs"]
mod attack;
#[path = "cut_latency/compare.rs"]
mod compare;

use attack::Attack;
use bytes::Bytes;
use compare::{URC, compare};
use dfota_clock::Clock;
use dfota_core::coap::{BlockOption, BlockSize, CoapCode, CoapMessage, option};
use dfota_core::fault::{CoapFaults, HttpFaults};
use dfota_core::seed::Seed;
use dfota_servers::OfferPath;
use dfota_servers::coap::CoapServer;
use dfota_servers::http::HttpServer;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

const PACKAGE: usize = 76 * 1024;
const DOWNLOADS: usize = 60;
/// A module's pace: a client that asks as fast as it can would measure the machine, not the servers.
const PACE: Duration = Duration::from_millis(20);
/// As long as an answer over CoAP is waited for before it is asked for again.
const AGAIN: Duration = Duration::from_secs(2);

fn main() {
    attack::raise_open_files();
    let runtime = dfota_hil::device::open_rig::runtime().expect("a runtime");
    let _within = runtime.enter();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let package = Bytes::from(vec![0xA5; PACKAGE]);
    let http = HttpServer::bind(any, Clock::system(), |_| {}).expect("the server");
    let _page = http
        .offer(
            "http://h",
            OfferPath::Exact("/p"),
            package.clone(),
            HttpFaults::default(),
        )
        .expect("an offer");
    let coap = CoapServer::bind(any, Clock::system(), Seed(1), |_| {}).expect("the server");
    let _file = coap
        .offer(
            "coap://h",
            OfferPath::Exact("/p"),
            package,
            CoapFaults::default(),
            Seed(1),
        )
        .expect("an offer");

    println!("load of the machine before: {}", attack::load());
    let quiet = (times(|| get(http.addr())), times(|| fetch(coap.addr())));
    compare("idle", URC);
    let decoy = attack::decoy();
    let attack = Attack::begin(decoy.0, decoy.1);
    let floor = (times(|| get(http.addr())), times(|| fetch(coap.addr())));
    attack.end();
    let attack = Attack::begin(http.addr(), coap.addr());
    let loud = (times(|| get(http.addr())), times(|| fetch(coap.addr())));
    let before = attack.so_far();
    compare("under attack", URC);
    let during = attack.so_far().since(&before);
    println!("the attack meanwhile: {during}");
    println!("load of the machine at the end: {}", attack::load());
    attack.end();
    tell("HTTP", [quiet.0, floor.0, loud.0]);
    tell("CoAP", [quiet.1, floor.1, loud.1]);
}

/// The median and the longest of many downloads.
fn times(download: impl Fn()) -> (Duration, Duration) {
    let one = || {
        std::thread::sleep(PACE);
        let begun = Instant::now();
        download();
        begun.elapsed()
    };
    let mut times: Vec<Duration> = (0..DOWNLOADS).map(|_| one()).collect();
    times.sort_unstable();
    (times[DOWNLOADS / 2], times[DOWNLOADS - 1])
}

fn tell(name: &str, [quiet, floor, loud]: [(Duration, Duration); 3]) {
    let times = |of: (Duration, Duration)| loud.0.as_secs_f64() / of.0.as_secs_f64();
    println!(
        "{name}: {PACKAGE} bytes in {:.1?} (longest {:.1?}), while a decoy is attacked {:.1?} (longest {:.1?}), under attack {:.1?} (longest {:.1?}): {:.2} times the first, {:.2} times the second",
        quiet.0,
        quiet.1,
        floor.0,
        floor.1,
        loud.0,
        loud.1,
        times(quiet),
        times(floor)
    );
}

fn get(server: SocketAddr) {
    let mut stream = TcpStream::connect(server).expect("the server");
    stream
        .write_all(b"GET /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    assert!(answer.len() > PACKAGE, "{} bytes came", answer.len());
}

fn fetch(server: SocketAddr) {
    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    client.connect(server).expect("a socket");
    client.set_read_timeout(Some(AGAIN)).expect("a socket");
    let size = BlockSize::from_bytes(512).expect("a size");
    for number in 0..(PACKAGE / 512) as u32 {
        let block = BlockOption::new(number, size);
        let mut request = CoapMessage::request(CoapCode::GET, "p")
            .with_block(option::BLOCK2, block)
            .encode();
        request[2..4].copy_from_slice(&(number as u16).to_be_bytes());
        let mut buffer = [0; 2048];
        let answered = (0..5).any(|_| {
            client.send(&request).expect("a socket");
            client.recv(&mut buffer).is_ok()
        });
        assert!(answered, "block {number} was asked for five times");
    }
}
