//! Clients that others wrote: libcoap's `coap-client-notls` (Debian: `libcoap3-bin`) and aiocoap (PyPI: `aiocoap`). A test
//! whose client is not installed is skipped and says so.

use crate::coap::bench::{Bench, package};
use dfota_core::fault::CoapFaults;
use dfota_core::lwm2m::UpdateOptions;
use dfota_core::percent::Percent;
use dfota_servers::coap::CoapEvent;
use rstest::rstest;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const LIBCOAP: &str = "coap-client-notls";

/// Downloads in the block size that it is told, by aiocoap's own reassembly.
const AIOCOAP: &str = "
import asyncio, sys, aiocoap
from aiocoap.optiontypes import BlockOption
async def main(uri, size, path):
    context = await aiocoap.Context.create_client_context()
    request = aiocoap.Message(code=aiocoap.GET, uri=uri)
    request.opt.block2 = BlockOption.BlockwiseTuple(0, False, size.bit_length() - 5)
    response = await context.request(request).response
    assert response.code.is_successful(), response.code
    open(path, 'wb').write(response.payload)
    await context.shutdown()
asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
";

fn works(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // The client ends with a failure when it is asked for nothing: that it can be started is enough.
    command
        .status()
        .is_ok_and(|status| program == LIBCOAP || status.success())
}

fn has_libcoap() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| works(LIBCOAP, &[]))
}

fn has_aiocoap() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| works("python3", &["-c", "import aiocoap"]))
}

/// Downloads what is on offer by a command that writes the file it is told.
fn download(
    whole: &[u8],
    faults: CoapFaults,
    command: impl FnOnce(&str, &str) -> Command,
) -> (Vec<u8>, Bench) {
    let bench = Bench::new();
    let offer = bench.offer(whole, faults);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("package");
    let output = command(offer.url(), &file.display().to_string())
        .output()
        .expect("the client runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let got = std::fs::read(&file).unwrap_or_default();
    offer.settle();
    drop(offer);
    (got, bench)
}

fn libcoap(size: u64, loss: Option<&'static str>) -> impl FnOnce(&str, &str) -> Command {
    move |uri, file| {
        let mut command = Command::new(LIBCOAP);
        command.args(["-b", &size.to_string(), "-B", "120", "-o", file]);
        command
            .args(loss.into_iter().flat_map(|loss| ["-l", loss]))
            .arg(uri);
        command
    }
}

fn aiocoap(size: u64) -> impl FnOnce(&str, &str) -> Command {
    move |uri, file| {
        let mut command = Command::new("python3");
        command.args(["-c", AIOCOAP, uri, &size.to_string(), file]);
        command
    }
}

#[rstest]
#[case(16)]
#[case(64)]
#[case(512)]
#[case(1024)]
fn libcoap_downloads_a_mebibyte(#[case] size: u64) {
    if !has_libcoap() {
        return eprintln!("skipped: `{LIBCOAP}` is not installed (Debian: libcoap3-bin)");
    }
    let whole = package(1 << 20);
    let (got, bench) = download(&whole, CoapFaults::default(), libcoap(size, None));
    assert!(got == whole, "{} bytes came", got.len());
    let report = bench.report();
    let blocks = (1 << 20) / size;
    assert_eq!(report.range, Some(format!("blocks 0-{} of {size}", blocks - 1)));
}

/// Python takes its time: the sizes that matter with a whole mebibyte, the small ones with what tells the same, numbers
/// beyond 12 bits included.
#[rstest]
#[case(16, 80_000)]
#[case(64, 300_000)]
#[case(512, 1 << 20)]
#[case(1024, 1 << 20)]
fn aiocoap_downloads(#[case] size: u64, #[case] bytes: usize) {
    if !has_aiocoap() {
        return eprintln!("skipped: the Python package `aiocoap` is not installed");
    }
    let whole = package(bytes);
    let (got, _) = download(&whole, CoapFaults::default(), aiocoap(size));
    assert!(got == whole, "{} bytes came", got.len());
}

#[test]
#[ignore = "minutes of Python: the whole mebibyte in the smallest blocks"]
fn aiocoap_downloads_a_mebibyte_in_the_smallest_blocks() {
    for size in [16, 64] {
        let whole = package(1 << 20);
        let (got, _) = download(&whole, CoapFaults::default(), aiocoap(size));
        assert!(got == whole, "{size}: {} bytes came", got.len());
    }
}

#[test]
fn libcoap_downloads_over_its_own_lossy_link() {
    if !has_libcoap() {
        return eprintln!("skipped: `{LIBCOAP}` is not installed (Debian: libcoap3-bin)");
    }
    let whole = package(60_000);
    let (got, _) = download(&whole, CoapFaults::default(), libcoap(1024, Some("5%")));
    assert!(got == whole, "{} bytes came", got.len());
}

#[test]
fn aiocoap_downloads_over_a_lossy_link() {
    if !has_aiocoap() {
        return eprintln!("skipped: the Python package `aiocoap` is not installed");
    }
    let whole = package(60_000);
    let faults = CoapFaults {
        drop_share: Percent::new(5),
        ..CoapFaults::default()
    };
    let (got, bench) = download(&whole, faults, aiocoap(1024));
    assert!(got == whole, "{} bytes came", got.len());
    let fault = bench.report().fault.expect("its faults");
    assert!(fault.starts_with("lost "), "{fault}");
}

#[rstest]
#[case::libcoap(true)]
#[case::aiocoap(false)]
fn strangers_cope_with_what_the_server_does_wrong(#[case] by_libcoap: bool) {
    if !(if by_libcoap { has_libcoap() } else { has_aiocoap() }) {
        return eprintln!("skipped: the client is not installed");
    }
    let whole = package(8_000);
    let faults = CoapFaults {
        drop_share: Percent::new(10),
        duplicate_share: Percent::new(20),
        max_block: Some(512),
        ..CoapFaults::default()
    };
    let (got, bench) = if by_libcoap {
        download(&whole, faults, libcoap(1024, None))
    } else {
        download(&whole, faults, aiocoap(1024))
    };
    assert!(got == whole, "{} bytes came", got.len());
    let fault = bench.report().fault.expect("its faults");
    assert!(fault.contains("blocks of 512 instead of 1024"), "{fault}");
}

/// aiocoap as the module: what the harness asks is answered, observed and downloaded by a stranger's CoAP.
#[rstest]
#[case::text("0")]
#[case::tlv("11542")]
#[case::json("11543")]
fn a_client_on_aiocoap_is_updated(#[case] format: &str) {
    if !has_aiocoap() {
        return eprintln!("skipped: the Python package `aiocoap` is not installed");
    }
    let bench = Bench::new();
    let whole = package(20_000);
    let offer = bench.offer(&whole, CoapFaults::default());
    bench
        .server
        .drive("stranger", UpdateOptions::new(offer.url().to_owned()));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("package");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/coap/firmware_client.py");
    let addr = bench.server.addr();
    // aiocoap shares its port with whoever asks for the same one: each client needs its own.
    let own = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let own = own.expect("a free port").port().to_string();
    let mut client = Command::new("python3")
        .args([
            script,
            &own,
            &addr.ip().to_string(),
            &addr.port().to_string(),
            "stranger",
            format,
        ])
        .arg(&file)
        .spawn()
        .expect("python3 starts");
    let mut seen = vec![];
    let ending = bench.wait_for("the end of the update", |event| {
        seen.push(event.to_string());
        match event {
            CoapEvent::Ended { ending, .. } => Some(ending),
            CoapEvent::Found { finding, .. } => panic!("{}: {}", finding.rule, finding.sentence),
            _ => None,
        }
    });
    let _ = client.kill();
    let _ = client.wait();
    assert!(ending.is_success(), "{ending}: {seen:#?}");
    assert!(std::fs::read(&file).is_ok_and(|got| got == whole));
    assert!(seen.iter().any(|line| line.contains("notifies")), "{seen:#?}");
}
