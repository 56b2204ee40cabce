//! The emulated computer: QEMU with Debian's kernel, a USB adapter that is the module's UART, and a USB network. What runs on
//! it and what is wired to its pins is not decided here.

use crate::guest::Guest;
use crate::monitor::Monitor;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// From the start of QEMU to a guest that takes commands. It takes eight seconds on an idle machine.
const BOOT: Duration = Duration::from_secs(120);
/// How long QEMU may take to open or to close, at the most.
const QEMU: Duration = Duration::from_secs(20);
/// The last line of the guest's init script.
const READY: &str = "the guest takes commands";
/// Two of the four cores: more would only wait for this machine's. `iomem` opens /dev/mem, through which rppal works.
const KERNEL: &str = "console=ttyS1,115200 loglevel=4 maxcpus=2 iomem=relaxed";
/// The guest's ports that this machine reaches: commands, HTTP, CoAP. The address is that of a guest in QEMU's own network.
const FORWARDED: [(&str, &str); 3] = [
    ("tcp", "10.0.2.15:23"),
    ("tcp", "10.0.2.15:8080"),
    ("udp", "10.0.2.15:5683"),
];

/// A machine that runs.
pub struct Qemu {
    child: Child,
    folder: PathBuf,
}

impl Qemu {
    /// Starts the machine out of `parts`, with the module's `pty` in its USB adapter, and waits until the guest takes commands.
    pub fn boot(parts: &Path, folder: &Path, pty: &Path) -> Self {
        let child = command(parts, folder, pty)
            .spawn()
            .unwrap_or_else(|why| panic!("`qemu-system-aarch64`: {why}; `.ci/pi` installs it"));
        let mut qemu = Self {
            child,
            folder: folder.to_owned(),
        };
        let console = qemu.folder.join("console");
        qemu.until(BOOT, "the guest's init script", || {
            text(&console).contains(READY).then_some(())
        });
        qemu
    }

    /// A conversation with one of the monitors, `main` or `pins`.
    pub fn monitor(&mut self, name: &str) -> Monitor {
        let socket = self.folder.join(name);
        self.until(QEMU, "QEMU's monitor", || Monitor::connect(&socket).ok())
    }

    /// The guest, and this machine's ports for its HTTP and CoAP servers.
    pub fn guest(&mut self) -> (Guest, u16, u16) {
        let network = self
            .monitor("main")
            .ask("info usernet")
            .expect("the monitor answers");
        let [commands, http, coap] = FORWARDED.map(|(_, inside)| forwarded(&network, inside));
        (Guest::new(commands), http, coap)
    }

    /// Looks again and again, as long as QEMU runs.
    fn until<T>(&mut self, limit: Duration, awaited: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(found) = look() {
                return found;
            }
            let ended = self.child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "waited for {awaited}, and QEMU ended: {ended:?}");
            assert!(Instant::now() < deadline, "waited {limit:?} for {awaited}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A failure shows what the guest and QEMU said.
impl Drop for Qemu {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in ["console", "qemu.log"] {
                eprintln!("== {name}\n{}", text(&self.folder.join(name)));
            }
        }
        let asked = Monitor::connect(&self.folder.join("main")).and_then(|mut monitor| monitor.quit());
        let deadline = Instant::now() + QEMU;
        while asked.is_ok() && Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(parts: &Path, folder: &Path, pty: &Path) -> Command {
    let log = File::create(folder.join("qemu.log")).expect("a file for QEMU's messages");
    let file = |name: &str| parts.join(name);
    let monitor = |name: &str| format!("unix:{},server=on,wait=off", folder.join(name).display());
    let network = FORWARDED.map(|(protocol, inside)| format!(",hostfwd={protocol}:127.0.0.1:0-{inside}"));
    let mut command = Command::new("qemu-system-aarch64");
    command
        .args(["-M", "raspi3b", "-m", "1024", "-display", "none"])
        .args(["-append", KERNEL])
        .args([
            Path::new("-kernel"),
            &file("kernel"),
            Path::new("-initrd"),
            &file("initrd"),
        ])
        .args([Path::new("-dtb"), &file("bcm2837-rpi-3-b.dtb")])
        .args(["-qmp", &monitor("main"), "-qmp", &monitor("pins")])
        // The board's first UART belongs to Bluetooth in Debian's device tree; the second is the console.
        .args(["-serial", "null"])
        .args(["-serial", &format!("file:{}", folder.join("console").display())])
        .args(["-chardev", &format!("serial,id=module,path={}", pty.display())])
        .args(["-device", "usb-serial,chardev=module"])
        .args(["-netdev", &format!("user,id=net{}", network.concat())])
        .args(["-device", "usb-net,netdev=net"])
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file can be opened twice"))
        .stderr(log);
    command
}

/// The port of this machine that QEMU chose for a port of the guest, out of `info usernet`: protocol, descriptor, address and
/// port outside, address and port inside.
fn forwarded(network: &str, inside: &str) -> u16 {
    let lines = network
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .filter(|fields| fields.len() > 5)
        .find(|fields| format!("{}:{}", fields[4], fields[5]) == inside)
        .and_then(|fields| fields[3].parse().ok())
        .unwrap_or_else(|| panic!("no port is forwarded to {inside}:\n{network}"))
}

/// A file that somebody else writes, as far as it got.
fn text(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned()
}
