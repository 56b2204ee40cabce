//! CoAP blocks a second at 64, 512 and 1024 bytes: this server beside libcoap's `coap-server-notls`, asked by the same
//! client in the same run, in turns so that neither has the machine's better minute. And the memory that 10,000
//! registered clients take.
//!
//! `cargo bench -p dfota-hil --bench coap_blocks`

use bytes::Bytes;
use dfota_clock::Clock;
use dfota_core::coap::{BlockOption, BlockSize, CoapCode, CoapMessage, option};
use dfota_core::fault::CoapFaults;
use dfota_core::seed::Seed;
use dfota_servers::OfferPath;
use dfota_servers::coap::CoapServer;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LIBCOAP: &str = "coap-server-notls";
const BYTES: usize = 128 * 1024;
const ROUNDS: usize = 9;
const CLIENTS: u32 = 10_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let within = runtime.enter();
    let server =
        CoapServer::bind(([127, 0, 0, 1], 0).into(), Clock::system(), Seed(1), |_| {}).expect("a port");
    drop(within);
    let package: Bytes = (0..BYTES).map(|at| at as u8).collect();
    let offer = server
        .offer(
            "coap://h",
            OfferPath::Exact("/p"),
            package.clone(),
            CoapFaults::default(),
            Seed(1),
        )
        .expect("an offer");
    let libcoap = Libcoap::start(&package);
    println!("block size | dfota-hil blocks/s | libcoap blocks/s | ratio (medians of {ROUNDS} rounds)");
    for bytes in [64, 512, 1024] {
        let size = BlockSize::from_bytes(bytes).expect("a size");
        let (mut ours, mut theirs) = (vec![], vec![]);
        for _ in 0..ROUNDS {
            ours.push(blocks_a_second(server.addr(), size));
            theirs.extend(
                libcoap
                    .as_ref()
                    .map(|libcoap| blocks_a_second(libcoap.addr, size)),
            );
        }
        match median(theirs) {
            Some(theirs) => {
                let ours = median(ours).unwrap_or_default();
                println!(
                    "{bytes:>10} | {ours:>18.0} | {theirs:>16.0} | {:.2}",
                    ours / theirs
                );
            }
            None => println!(
                "{bytes:>10} | {:>18.0} | `{LIBCOAP}` is not installed |",
                median(ours).unwrap_or_default()
            ),
        }
    }
    drop(offer);
    memory(&server);
}

fn median(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}

/// One download of `/p`, block after block as a module does it.
fn blocks_a_second(server: SocketAddr, size: BlockSize) -> f64 {
    let client = connect(server);
    let mut buffer = [0; 2048];
    let begun = Instant::now();
    for number in 0.. {
        let block = BlockOption::new(number, size);
        let mut request = CoapMessage::request(CoapCode::GET, "p")
            .with_block(option::BLOCK2, block)
            .encode();
        request[2..4].copy_from_slice(&(number as u16).to_be_bytes());
        client.send(&request).expect("a socket");
        let len = client.recv(&mut buffer).expect("an answer within 5 s");
        let answer = CoapMessage::decode(&buffer[..len]).expect("a message");
        let given = answer.block(option::BLOCK2).ok().flatten();
        if !given.is_some_and(|given| given.more) {
            assert_eq!(
                (number as usize + 1) * size.bytes(),
                BYTES,
                "{} of {}",
                answer.code(),
                server
            );
            return f64::from(number + 1) / begun.elapsed().as_secs_f64();
        }
    }
    unreachable!("a package ends")
}

fn connect(server: SocketAddr) -> UdpSocket {
    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    client.connect(server).expect("a socket");
    client
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a socket");
    client
}

/// libcoap's server with the package put on it.
struct Libcoap {
    child: Child,
    addr: SocketAddr,
}

impl Libcoap {
    fn start(package: &[u8]) -> Option<Self> {
        let free = UdpSocket::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port");
        let child = Command::new(LIBCOAP)
            .args([
                "-A",
                "127.0.0.1",
                "-p",
                &free.port().to_string(),
                "-d",
                "1",
                "-v",
                "0",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let libcoap = Self { child, addr: free };
        libcoap.put(package);
        Some(libcoap)
    }

    fn put(&self, package: &[u8]) {
        let client = connect(self.addr);
        client
            .set_read_timeout(Some(Duration::from_millis(200)))
            .expect("a socket");
        let mut buffer = [0; 2048];
        let parts = package.chunks(1024);
        let last = parts.len() - 1;
        for (number, part) in parts.enumerate() {
            let block = BlockOption {
                number: number as u32,
                more: number < last,
                size: BlockSize::MAX,
            };
            let draft = CoapMessage::request(CoapCode::PUT, "p").with_block(option::BLOCK1, block);
            let mut request = draft.with_payload(part.to_vec()).encode();
            request[2..4].copy_from_slice(&(number as u16).to_be_bytes());
            let deadline = Instant::now() + Duration::from_secs(5);
            let answered = loop {
                if client.send(&request).is_ok() && client.recv(&mut buffer).is_ok() {
                    break true;
                }
                if Instant::now() > deadline {
                    break false;
                }
                std::thread::sleep(Duration::from_millis(10)); // it is starting: its port is closed
            };
            assert!(answered, "libcoap's server does not answer");
        }
    }
}

impl Drop for Libcoap {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What so many registered clients add to this process.
fn memory(server: &CoapServer) {
    let client = connect(server.addr());
    let mut buffer = [0; 2048];
    let before = resident();
    for n in 0..CLIENTS {
        let queries = [
            format!("ep=urn:imei:{:015}", n),
            "lt=86400".into(),
            "lwm2m=1.0".into(),
            "b=U".into(),
        ];
        let draft = CoapMessage::request(CoapCode::POST, "rd").with_uint(option::CONTENT_FORMAT, 40);
        let draft = queries.iter().fold(draft, |draft, query| {
            draft.with(option::URI_QUERY, query.as_bytes())
        });
        let mut request = draft
            .with_payload(b"</>;rt=\"oma.lwm2m\",</1/0>,</3/0>,</4/0>,</5/0>".to_vec())
            .encode();
        request[2..4].copy_from_slice(&(n as u16).to_be_bytes());
        client.send(&request).expect("a socket");
        client.recv(&mut buffer).expect("an answer");
    }
    let grown = resident().saturating_sub(before);
    let each = grown / u64::from(CLIENTS);
    println!(
        "{} clients registered: {} KiB more resident memory, {each} bytes each",
        server.registered(),
        grown / 1024
    );
}

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    kib * 1024
}
