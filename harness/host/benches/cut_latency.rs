//! From the last byte of a URC to the line of the supply, on a pty, beside a bare loop of poll, read and write.
//!
//! `cargo bench -p dfota-hil --bench cut_latency`: 10,000 cuts each way, in turns of 500 so that both see the same machine;
//! then the same with fifteen other lines in front of it in one write, as when an adapter hands over what it has collected; and
//! the first again with the live page of the run open in 100 browsers, and while the HTTP package server sends as fast as it can.

#[path = "cut_latency/compare.rs"]
mod compare;

use compare::{URC, compare, compare_shown};
use dfota_clock::Clock;
use dfota_core::event::{Event, Record, RunStarted};
use dfota_hil::cli::live::LivePage;
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

/// Pages that are open at once.
const READERS: usize = 100;

/// Cuts while the page of the run is open in browsers. They run on this machine too, behind the harness.
fn with_readers() {
    let any = "127.0.0.1:0".parse().expect("an address");
    let page = LivePage::start(any, false).expect("the page");
    let mut started = RunStarted::default();
    started.rig.file.name = "bench".into();
    page.sink().record(
        None,
        Record {
            seq: 0,
            mono_ns: 0,
            module_ns: 0,
            utc: "2026-01-01T00:00:00Z".into(),
            prev: String::new(),
            event: Event::RunStarted(Box::new(started)),
        },
    );
    let address = page
        .url()
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let mut readers: Vec<TcpStream> = Vec::new();
    for _ in 0..READERS {
        let mut stream = TcpStream::connect(&address).expect("the page");
        let request = format!("GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        readers.push(stream);
    }
    let told = std::thread::spawn(move || read_all(readers));
    let title = format!("with the live page open in {READERS} browsers");
    compare_shown(&title, URC, Box::new(page.observer(None)));
    page.end(std::path::Path::new("report.html"));
    println!(
        "bytes that they were told: {}\n",
        told.join().expect("the readers")
    );
}

/// Reads what every reader is told, until the page ends.
fn read_all(readers: Vec<TcpStream>) -> usize {
    dfota_clock::priority::set_background();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for stream in readers {
            stream.set_nonblocking(true).expect("a socket");
            let mut stream = tokio::net::TcpStream::from_std(stream).expect("a socket");
            tasks.spawn(async move {
                tokio::io::copy(&mut stream, &mut tokio::io::sink())
                    .await
                    .unwrap_or(0) as usize
            });
        }
        tasks.join_all().await.into_iter().sum()
    })
}

fn main() {
    compare("idle", URC);
    compare("idle, fifteen lines before it in one write", &burst());
    with_readers();
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
