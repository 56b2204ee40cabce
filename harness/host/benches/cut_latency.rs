//! From the last byte of a URC to the line of the supply, on a pty, beside a bare loop of poll, read and write.
//!
//! `cargo bench -p dfota-hil --bench cut_latency`: 10,000 cuts each way, in turns of 500 so that both see the same machine;
//! then the same with fifteen other lines in front of it in one write, as when an adapter hands over what it has collected; and
//! the first again while the HTTP package server sends as fast as it can.

#[path = "cut_latency/compare.rs"]
mod compare;

use compare::{URC, compare};
use dfota_clock::Clock;
use dfota_servers::OfferPath;
use dfota_servers::http::HttpServer;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a module says around a reboot, and the moment last.
fn burst() -> Vec<u8> {
    let mut said = String::from("\r\n");
    for line in bc66_spec::boot::BROM {
        said += line;
        said += bc66_spec::boot::BROM_LINE_END;
    }
    for percent in 42..50 {
        said += &format!("\r\n+QIND: \"FOTA\",\"UPDATING\",{percent}%,1,1\r\n");
    }
    [said.as_bytes(), URC].concat()
}

fn main() {
    compare("idle", URC);
    compare("idle, fifteen lines before it in one write", &burst());
    let runtime = dfota_hil::device::open_rig::runtime();
    let runtime = runtime.expect("a runtime");
    let _within = runtime.enter();
    let any = "127.0.0.1:0".parse().expect("an address");
    let server = HttpServer::bind(any, Clock::system(), |_| {}).expect("the server");
    let package = bytes::Bytes::from(vec![0xA5; 76 * 1024]);
    let base = format!("http://{}", server.addr());
    let offer = server
        .offer(
            &base,
            OfferPath::Exact("/package"),
            package,
            dfota_core::fault::HttpFaults::default(),
        )
        .expect("an offer");
    let stop = Arc::new(AtomicBool::new(false));
    let (address, busy) = (server.addr(), stop.clone());
    // A module downloads at 2.5 KB/s; this client asks for packages of 76 KB at once, one behind the other, 200 a second.
    let client = std::thread::spawn(move || {
        let mut sink = Vec::new();
        while !busy.load(Ordering::Relaxed) {
            let mut stream = TcpStream::connect(address).expect("the server");
            stream
                .write_all(b"GET /package HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .expect("a request");
            sink.clear();
            stream.read_to_end(&mut sink).expect("an answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    compare(
        "while the package server sends 76 KB up to 200 times a second",
        URC,
    );
    stop.store(true, Ordering::Relaxed);
    client.join().expect("the client");
    println!("requests served meanwhile: {}", offer.requests().requests);
}
