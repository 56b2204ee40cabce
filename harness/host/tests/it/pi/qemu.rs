//! The emulated computers: QEMU with Debian's kernel, a USB adapter that is the module's UART, and a USB network. What runs on
//! them and what is wired to their pins is not decided here.

use crate::pi::guest::Guest;
use crate::pi::monitor::Monitor;
use crate::pi::qtest::Qtest;
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
/// Two cores: more would only wait for this machine's. `iomem` opens /dev/mem, through which rppal works.
const KERNEL: &str = "loglevel=4 maxcpus=2 iomem=relaxed";
/// The guest's ports that this machine reaches: commands, HTTP, CoAP. The address is that of a guest in QEMU's own network.
const FORWARDED: [(&str, &str); 3] = [
    ("tcp", "10.0.2.15:23"),
    ("tcp", "10.0.2.15:8080"),
    ("udp", "10.0.2.15:5683"),
];

/// What is emulated.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Machine {
    /// A Raspberry Pi 3B. The inputs of its GPIO block have no wires, and give no interrupts.
    Pi,
    /// A board of QEMU's own with the Pi's processor. Its GPIO controller, a PL061, has inputs.
    Virt,
}

impl Machine {
    /// The board with its processor, and what it needs for a console and for USB.
    fn arguments(self) -> &'static str {
        match self {
            // The board's first UART belongs to Bluetooth in Debian's device tree; the second is the console.
            Self::Pi => "-M raspi3b -dtb bcm2837-rpi-3-b.dtb -serial null",
            Self::Virt => "-M virt -cpu cortex-a53 -smp 2 -device qemu-xhci",
        }
    }

    /// The console, as the kernel names it.
    fn console(self) -> &'static str {
        match self {
            Self::Pi => "ttyS1,115200",
            Self::Virt => "ttyAMA0",
        }
    }
}

/// A machine that runs.
pub(crate) struct Qemu {
    child: Child,
    folder: PathBuf,
}

impl Qemu {
    /// Starts a machine out of `parts`, with the module's `pty` in its USB adapter, and waits until the guest takes commands.
    pub(crate) fn boot(machine: Machine, parts: &Path, folder: &Path, pty: &Path) -> Self {
        let child = command(machine, parts, folder, pty)
            .spawn()
            .unwrap_or_else(|why| panic!("`qemu-system-aarch64`: {why}; `.ci/pi` installs it"));
        let mut qemu = Self {
            child,
            folder: folder.to_owned(),
        };
        qemu.await_boots(1);
        qemu
    }

    /// Waits until the guest has come up so many times.
    pub(crate) fn await_boots(&mut self, count: usize) {
        let console = self.folder.join("console");
        self.until(BOOT, "the guest's init script", || {
            (text(&console).matches(READY).count() >= count).then_some(())
        });
    }

    /// As if its supply were interrupted.
    #[cfg(feature = "lab")]
    pub(crate) fn reset(&mut self) {
        let reset = self.monitor("main").ask("system_reset");
        reset.expect("the monitor answers");
    }

    /// A conversation with one of the monitors, `main` or `pins`.
    pub(crate) fn monitor(&mut self, name: &str) -> Monitor {
        let socket = self.folder.join(name);
        self.until(QEMU, "QEMU's monitor", || Monitor::connect(&socket).ok())
    }

    /// The conversation over qtest.
    pub(crate) fn qtest(&mut self) -> Qtest {
        let socket = self.folder.join("qtest");
        self.until(QEMU, "QEMU's qtest", || Qtest::connect(&socket).ok())
    }

    /// The path of the only device of this type among those that the board made.
    pub(crate) fn device(&mut self, kind: &str) -> String {
        let tree = self
            .monitor("main")
            .ask("info qom-tree")
            .expect("the monitor answers");
        let mut lines = tree.lines().map(str::trim);
        let device = lines.find_map(|line| line.strip_suffix(&format!(" ({kind})")));
        let device = device.unwrap_or_else(|| panic!("no {kind} in\n{tree}"));
        format!("/machine/unattached{device}")
    }

    /// The guest, and this machine's ports for its HTTP and CoAP servers.
    pub(crate) fn guest(&mut self) -> (Guest, u16, u16) {
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

fn command(machine: Machine, parts: &Path, folder: &Path, pty: &Path) -> Command {
    let log = File::create(folder.join("qemu.log")).expect("a file for QEMU's messages");
    let socket = |name: &str| format!("unix:{},server=on,wait=off", folder.join(name).display());
    let network = FORWARDED.map(|(protocol, inside)| format!(",hostfwd={protocol}:127.0.0.1:0-{inside}"));
    let mut command = Command::new("qemu-system-aarch64");
    command
        .current_dir(parts)
        .args(machine.arguments().split(' '))
        .args(["-m", "1024", "-display", "none"])
        .args(["-kernel", "kernel", "-initrd", "initrd"])
        .args(["-append", &format!("console={} {KERNEL}", machine.console())])
        .args(["-qmp", &socket("main"), "-qmp", &socket("pins")])
        .args(["-qtest", &socket("qtest"), "-qtest-log", "none"])
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
