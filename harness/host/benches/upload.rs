//! Upload of a package of 76 KB over the UART at 115200 baud and the module's own speed, by block size.
//!
//! `cargo bench -p dfota-hil --bench upload`. The figure is real time over what cannot be shortened: every byte both ways
//! on the wire, and the module's own delays. Beside it, a bare loop that writes a block and waits for OK.

use bc66_sim::durations;
use bc66_spec::{qfuplex, timing};
use dfota_clock::Clock;
use dfota_hil::config::rig::Rig;
use dfota_hil::device::open_rig::{OpenRig, RigHold};
use dfota_hil::device::upload::UploadPlan;
use dfota_record::journal::{JournalWriter, Nobody};
use std::path::Path;
use std::time::{Duration, Instant};

const PACKAGE: usize = 76 * 1024;
const BLOCK_SIZES: [u16; 3] = [512, 1024, 4096];

/// The time that no harness can save: bytes on the wire, and the module's replies and flash.
fn floor(block_size: usize) -> Duration {
    let (mut bytes, mut delays) = (0, Duration::ZERO);
    for (number, length) in blocks(block_size).into_iter().enumerate() {
        bytes += command(number, length, block_size).len() + "\r\n> ".len();
        bytes += length + qfuplex::CRC_BYTES;
        bytes += format!("\r\n+QFUPLEX: {length}\r\n\r\nOK\r\n").len();
        // The prompt is one reply; the result is another, and before it the line is quiet and the block goes to flash.
        delays +=
            2 * durations::REPLY + durations::QUIET + durations::PROGRAM_PAGE * length.div_ceil(256) as u32;
    }
    // Each sector is erased once, before its first byte is written.
    delays += durations::ERASE_SECTOR * PACKAGE.div_ceil(4096) as u32;
    Duration::from_secs_f64(bytes as f64 * f64::from(timing::BITS_PER_BYTE) / f64::from(timing::BAUD_DEFAULT))
        + delays
}

fn blocks(block_size: usize) -> Vec<usize> {
    (0..PACKAGE)
        .step_by(block_size)
        .map(|at| block_size.min(PACKAGE - at))
        .collect()
}

fn command(number: usize, length: usize, block_size: usize) -> String {
    if length == block_size {
        format!("AT+QFUPLEX={block_size},{number}\r")
    } else {
        format!(
            "AT+QFUPLEX={block_size},{number},{}\r",
            length + qfuplex::CRC_BYTES
        )
    }
}

fn main() {
    let folder = std::env::temp_dir().join(format!("upload-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let rig = folder.join("rig.yaml");
    std::fs::write(
        &rig,
        "rig: real-time\nmodule: bc66\nsimulated: {firmware: BC66NBR01A01, speed: 1, defects: []}\n",
    )
    .expect("a rig file");
    let rig = Rig::load(&rig).expect("a rig");
    let package: Vec<u8> = (0..PACKAGE).map(|n| (n * 7 + n / 251) as u8).collect();
    println!(
        "{PACKAGE} bytes at {} baud, real time over (wire + the module's own delays)",
        timing::BAUD_DEFAULT
    );
    for block_size in BLOCK_SIZES {
        let floor = floor(usize::from(block_size));
        let (harness, bare) = (
            with_harness(&rig, &folder, &package, block_size),
            bare(&rig, &package, block_size),
        );
        let share = |took: Duration| took.as_secs_f64() / floor.as_secs_f64();
        println!(
            "blocks of {block_size:>4}: floor {:.3} s   bare loop {:.3} s ({:.3})   dfota-hil {:.3} s ({:.3})",
            floor.as_secs_f64(),
            bare.as_secs_f64(),
            share(bare),
            harness.as_secs_f64(),
            share(harness),
        );
    }
    let _ = std::fs::remove_dir_all(&folder);
}

fn with_harness(rig: &Rig, folder: &Path, package: &[u8], block_size: u16) -> Duration {
    let runtime = dfota_hil::device::open_rig::runtime();
    let runtime = runtime.expect("a runtime");
    let _within = runtime.enter();
    let folder = folder.join(block_size.to_string());
    std::fs::create_dir_all(&folder).expect("a folder");
    let clock = Clock::system();
    let (journal, writer) = JournalWriter::start(&folder, clock, Box::new(Nobody)).expect("a journal");
    let program = Path::new(env!("CARGO_BIN_EXE_dfota-hil"));
    let mut rig = OpenRig::open(rig, RigHold::default(), program, 1, clock, &journal).expect("the rig");
    let module = &mut rig.module;
    let limit = Duration::from_secs(30);
    module.power_on().expect("supply");
    assert!(module.boot(limit).expect("a boot"), "RDY");
    assert!(module.identify(limit).expect("an answer").is_ok(), "ATI");
    let began = Instant::now();
    let plan = UploadPlan {
        block_size,
        fault: None,
        stop_at_fault: false,
    };
    assert!(module.upload(package, plan, None).expect("an upload").complete);
    let took = began.elapsed();
    drop(rig);
    drop(journal);
    writer.finish().expect("the journal");
    took
}

/// The least that can be done with the same module: its echo switched off, then command, prompt, block, OK.
fn bare(rig: &Rig, package: &[u8], block_size: u16) -> Duration {
    use dfota_hil::bench::sim_process::SimProcess;
    use dfota_hil::config::rig::Link;
    let Link::Simulated(simulated) = &rig.link else {
        panic!("a simulated rig")
    };
    let program = Path::new(env!("CARGO_BIN_EXE_dfota-hil"));
    let sim = SimProcess::start(program, rig, simulated, 1).expect("a module");
    let mut port = serialport::new(sim.pty.to_string_lossy(), timing::BAUD_DEFAULT)
        .timeout(Duration::from_secs(20))
        .open()
        .expect("the port");
    let mut lines = dfota_hil::bench::wires::Wires::connect(rig, program, Some(&sim), None)
        .expect("the lines")
        .lines;
    lines = lines.unguarded();
    lines.set(dfota_core::event::Line::Power, true).expect("supply");
    lines
        .pulse(dfota_core::event::Line::Pwrkey, Duration::from_millis(700))
        .expect("PWRKEY");
    until(&mut *port, b"+IP:");
    for _ in 0..2 {
        // The first one after a boot may be lost.
        port.write_all(b"\rATE0\r").expect("a command");
    }
    until(&mut *port, b"OK\r\n");
    std::thread::sleep(Duration::from_millis(500));
    port.clear(serialport::ClearBuffer::Input)
        .expect("nothing left over");
    let crc = crc::Crc::<u16>::new(&crc::CRC_16_XMODEM);
    let began = Instant::now();
    let mut at = 0;
    for (number, length) in blocks(usize::from(block_size)).into_iter().enumerate() {
        port.write_all(command(number, length, usize::from(block_size)).as_bytes())
            .expect("a command");
        until(&mut *port, b">");
        let block = &package[at..at + length];
        let mut data = block.to_vec();
        data.extend(crc.checksum(block).to_le_bytes());
        port.write_all(&data).expect("a block");
        until(&mut *port, b"OK\r\n");
        at += length;
    }
    began.elapsed()
}

fn until(port: &mut dyn serialport::SerialPort, end: &[u8]) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 512]);
    while !seen.windows(end.len()).any(|window| window == end) {
        let n = port.read(&mut buffer).expect("an answer");
        seen.extend_from_slice(&buffer[..n]);
        assert!(
            !seen.windows(5).any(|window| window == b"ERROR"),
            "{}",
            String::from_utf8_lossy(&seen)
        );
    }
}
