//! The lock on the hardware of a rig: one process of this machine has it at a time, whatever its user and its state folder.
//!
//! Each part of a rig that only one process may use has a name, and the owner of the rig listens on a Unix socket of that name in
//! the abstract namespace (unix(7)). The kernel gives a name to one socket at a time, for all users alike, and frees it with its
//! last descriptor: a duplicate goes to the guard with the lock of the lease, so that no other process has the rig before a dead
//! owner's lines are safe. A process that is refused connects to the socket, and the owner answers who it is.
//!
//! Why no lock files: they need a common folder, writable for all users and safe from planted links, and a unit
//! with `ProtectSystem=strict`, a private `/tmp` or a user without the package would see another one. Why no lock on the
//! device nodes: eight rigs of one Raspberry Pi share `/dev/gpiochip0`; opening a serial port raises DTR and RTS, which `power`
//! has no business to do; and the node of an adapter that the switched supply feeds is not there while that is off. As with a
//! lock file, any user of the machine can take a name to keep others out. Containers with networks of their own have names of
//! their own: there, the kernel's exclusive use of a port and of a GPIO line is what is left.
//!
//! The names: of the rig file, always; of the serial port, by what the rig file calls it and by where it is plugged in, which
//! stays while `ttyUSB0` and `ttyUSB1` change places; of a line of a GPIO chip, by chip and offset; of a pin of the header; in
//! place of port and lines, of the control socket that switches the supply of a simulated module. A `command` has no name of its own: one board with eight relays has one program.

use crate::bench::lease::{GuardWait, LeaseError, Owner, PATIENCE};
use crate::bench::line::gpiochip;
use crate::config::rig::serial_address::Address;
use crate::config::rig::{Bench, Driver, Link, Rig};
use rustix::event::{PollFd, PollFlags, poll};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What every name begins with.
const PREFIX: &str = "dfota-hil/";
/// The part that every rig has, as it is shown.
const FILE: &str = "its file";
/// A longer name is its digest: an address has 107 bytes.
const LONGEST: usize = 100;
/// Most bytes of an answer that are read: any process may answer.
const ANSWER: u64 = 16_384;
/// Between two attempts where no process answered.
const LOOK: Duration = Duration::from_millis(5);

/// A part of a rig that one process may use at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HardwarePart {
    name: String,
    /// As a refusal calls it.
    shown: String,
}

/// Who has a rig, in the owner's own words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct HardwareHolder {
    pub owner: Owner,
    pub user: String,
    pub file: String,
}

/// The parts of a rig, held until this and the duplicates of its sockets are gone.
#[derive(Debug)]
pub(super) struct Hardware {
    sockets: Arc<Vec<UnixListener>>,
    holder: Arc<Mutex<HardwareHolder>>,
    /// Its end is that of the thread which answers.
    open: Option<UnixStream>,
    answers: Option<JoinHandle<()>>,
}

impl Hardware {
    /// Takes every part of a rig, or says who has one of them. A guard that still works is waited for.
    pub(super) fn take(rig: &Rig, owner: &Owner, log: &Path) -> Result<Self, LeaseError> {
        let mut wait = GuardWait::new();
        let mut sockets = Vec::new();
        for part in parts(rig) {
            let socket = loop {
                if let Some(socket) = part.bind()? {
                    break socket;
                }
                if let Some(holder) = part.holder() {
                    return Err(LeaseError::InUse {
                        rig: rig.name.clone(),
                        owner: Box::new(holder.owner.clone()),
                        whose: holder.whose(&part),
                    });
                }
                let what = format!(
                    "waiting for rig `{}`: {} is still held, by the guard of a dead program, which is making the lines safe, or by a program that does not answer",
                    rig.name, part.shown
                );
                wait.check(&what, &rig.name, log)?;
            };
            sockets.push(socket);
        }
        let holder = HardwareHolder {
            owner: owner.clone(),
            user: user(),
            file: rig.canonical.display().to_string(),
        };
        Self::answering(sockets, holder).map_err(LeaseError::Socket)
    }

    fn answering(sockets: Vec<UnixListener>, holder: HardwareHolder) -> io::Result<Self> {
        let (sockets, holder) = (Arc::new(sockets), Arc::new(Mutex::new(holder)));
        let (open, closed) = UnixStream::pair()?;
        let (listening, told) = (Arc::clone(&sockets), Arc::clone(&holder));
        let answers = std::thread::Builder::new()
            .name("who-has-it".into())
            .spawn(move || answer(&listening, &told, &closed))?;
        Ok(Self {
            sockets,
            holder,
            open: Some(open),
            answers: Some(answers),
        })
    }

    pub(super) fn name(&self, run: &str) {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        holder.owner.run = Some(run.to_owned());
    }

    /// A duplicate of one of these holds the part as well.
    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sockets.iter().map(AsFd::as_fd)
    }
}

impl Drop for Hardware {
    fn drop(&mut self) {
        drop(self.open.take());
        if let Some(answers) = self.answers.take() {
            let _ = answers.join();
        }
    }
}

/// Answers each connection with who has the rig, until the other end of `closed` is gone.
fn answer(sockets: &[UnixListener], holder: &Mutex<HardwareHolder>, closed: &UnixStream) {
    loop {
        let mut awaited: Vec<PollFd<'_>> = sockets
            .iter()
            .map(|socket| PollFd::new(socket, PollFlags::IN))
            .collect();
        awaited.push(PollFd::new(closed, PollFlags::IN));
        match poll(&mut awaited, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let ready: Vec<bool> = awaited.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready.last().copied().unwrap_or(true) {
            return;
        }
        for (socket, _) in sockets.iter().zip(ready).filter(|(_, ready)| *ready) {
            let told = holder.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // A process that does not read the answer gets none.
            let _ = socket.accept().and_then(|(mut asks, _)| {
                asks.set_nonblocking(true)?;
                asks.write_all(&serde_json::to_vec(&told)?)
            });
        }
    }
}

impl HardwareHolder {
    /// What a refusal says of it beside the process.
    fn whose(&self, part: &HardwarePart) -> String {
        let Self { user, file, .. } = self;
        let shared = match part.shown.as_str() {
            FILE => String::new(),
            shown => format!(", which names {shown} as well"),
        };
        format!("; it is of user `{user}`, with the rig file `{file}`{shared}")
    }

    /// Any process may answer: without control characters, nothing in it moves the cursor of a terminal.
    fn plain(mut self) -> Self {
        let Owner {
            command, run, since, ..
        } = &mut self.owner;
        let told = [command, since, &mut self.user, &mut self.file];
        for text in told.into_iter().chain(run) {
            text.retain(|c| !c.is_control());
        }
        self
    }
}

impl HardwarePart {
    fn new(kind: &str, place: &Path, shown: String) -> Self {
        let (kind, place) = (kind.as_bytes(), place.as_os_str().as_bytes());
        let long = [kind, b":", place].concat();
        let name = match std::str::from_utf8(&long) {
            Ok(name) if name.len() <= LONGEST - PREFIX.len() => name.to_owned(),
            _ => dfota_record::digest::sha256_hex(&long),
        };
        Self {
            name: PREFIX.to_owned() + &name,
            shown,
        }
    }

    fn address(&self) -> io::Result<SocketAddr> {
        SocketAddr::from_abstract_name(&self.name)
    }

    /// The socket, where the name is free.
    fn bind(&self) -> Result<Option<UnixListener>, LeaseError> {
        match self.address().and_then(|at| UnixListener::bind_addr(&at)) {
            Ok(socket) => Ok(Some(socket)),
            Err(why) if why.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(why) => Err(LeaseError::Socket(why)),
        }
    }

    /// Who has it. A guard does not answer: it is waited for a moment, or until its socket is gone.
    fn holder(&self) -> Option<HardwareHolder> {
        let ask = || -> io::Result<Vec<u8>> {
            let stream = UnixStream::connect_addr(&self.address()?)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let mut told = Vec::new();
            stream.take(ANSWER).read_to_end(&mut told)?;
            Ok(told)
        };
        let told = ask().unwrap_or_else(|_| {
            std::thread::sleep(LOOK);
            Vec::new()
        });
        serde_json::from_slice(&told).ok().map(HardwareHolder::plain)
    }
}

/// The parts of a rig with wires, in an order that is the same for every rig: of two that want the same, one gets all.
pub(super) fn parts(rig: &Rig) -> Vec<HardwarePart> {
    let Link::Bench(bench) = &rig.link else {
        return Vec::new();
    };
    let mut parts = vec![HardwarePart::new("rig", &rig.canonical, FILE.into())];
    // A simulated module is known by the socket that switches its supply: the program of another rig may be `power` on this one.
    match &bench.power.driver {
        Driver::Simulated { control } => parts.push(socket(control)),
        _ => {
            parts.extend(drivers(bench).filter_map(line));
            parts.extend(port(&bench.serial.port));
        }
    }
    parts.sort();
    parts.dedup_by(|one, other| one.name == other.name);
    parts
}

fn drivers(bench: &Bench) -> impl Iterator<Item = &Driver> {
    let pulses = bench.reset.iter().chain(&bench.pwrkey);
    std::iter::once(&bench.power.driver)
        .chain(&bench.isolate)
        .chain(pulses.map(|pulse| &pulse.driver))
}

fn line(driver: &Driver) -> Option<HardwarePart> {
    match driver {
        Driver::Command { .. } | Driver::PulseCommand { .. } | Driver::Simulated { .. } => None,
        Driver::GpioChip { chip, line, .. } => {
            let (chip, offset) = gpiochip::place(chip.as_deref(), line)?;
            let shown = format!("line {offset} of `{}`", chip.display());
            Some(HardwarePart::new("gpio", &chip.join(offset.to_string()), shown))
        }
        Driver::Rppal { pin, .. } => {
            let shown = format!("GPIO{pin} of the header");
            Some(HardwarePart::new("bcm", Path::new(&pin.to_string()), shown))
        }
    }
}

fn socket(control: &Path) -> HardwarePart {
    let place = control.canonicalize().unwrap_or_else(|_| absolute(control));
    let shown = format!("the control socket `{}`", place.display());
    HardwarePart::new("control", &place, shown)
}

fn port(address: &Address) -> Vec<HardwarePart> {
    let shown = format!("the serial port `{address}`");
    let part = |place: &Path| HardwarePart::new("uart", place, shown.clone());
    match address {
        Address::Device(path) => {
            let named = absolute(path);
            match path.canonicalize() {
                // An adapter that the switched supply feeds: it is known by its name until it is there.
                Err(_) => vec![part(&named)],
                Ok(node) => plugged_in(&node).map_or_else(Vec::new, |place| vec![part(&named), part(&place)]),
            }
        }
        Address::Socket(peer) | Address::Rfc2217(peer) => {
            vec![HardwarePart::new(
                "tcp",
                Path::new(&peer.to_lowercase()),
                shown.clone(),
            )]
        }
    }
}

/// Where a serial port is plugged in: the device behind it, else the node itself. `/dev/null` and the like are not ports.
fn plugged_in(node: &Path) -> Option<PathBuf> {
    if node.starts_with("/dev/pts") {
        return Some(node.to_owned());
    }
    let name = node.file_name()?;
    let class = Path::new("/sys/class/tty").join(name);
    if !class.exists() {
        return None;
    }
    let device = class.join("device").canonicalize();
    Some(device.map_or_else(
        |_| node.to_owned(),
        |device| match (device.file_name() == Some(name), device.parent()) {
            (true, Some(interface)) => interface.to_owned(),
            _ => device,
        },
    ))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The user of this process, by name where this machine itself knows it.
fn user() -> String {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let named = fields
        .filter(|fields| fields.get(2) == Some(&uid.as_str()))
        .find_map(|fields| fields.first().map(|name| (*name).to_owned()));
    named.unwrap_or(uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const COMMAND: &str = "power: {driver: command, on: [a], off: [b]}";

    /// What of a rig is held, but for its file; `DIR` is the folder of that.
    fn names(folder: &Path, rest: &str) -> Vec<String> {
        let file = folder.join("rig.yaml");
        let text = format!("rig: r\nmodule: bc66\n{rest}\n").replace("DIR", &folder.display().to_string());
        std::fs::write(&file, text).expect("a file");
        let rig = Rig::load(&file)
            .map_err(|error| error.render(false))
            .expect("a rig");
        let names = parts(&rig).into_iter().map(|part| part.name);
        let names = names.map(|name| name.replace(&folder.display().to_string(), "DIR"));
        names
            .filter(|name| name != "dfota-hil/rig:DIR/rig.yaml")
            .collect()
    }

    #[rstest]
    #[case::no_terminal("serial: {port: /dev/null}", COMMAND, &[])]
    #[case::not_there("serial: {port: DIR/absent}", COMMAND, &["uart:DIR/absent"])]
    #[case::of_another_machine("serial: {port: \"rfc2217://Pi:3001\"}", COMMAND, &["tcp:pi:3001"])]
    #[case::the_same_without_rfc2217("serial: {port: \"socket://pi:3001\"}", COMMAND, &["tcp:pi:3001"])]
    #[case::a_pin("serial: {port: /dev/null}", "power: {driver: rppal, pin: 17}", &["bcm:17"])]
    #[case::simulated("serial: {port: DIR/absent}", "power: {driver: simulated, control: DIR/c}", &["control:DIR/c"])]
    fn what_is_held(#[case] serial: &str, #[case] power: &str, #[case] held: &[&str]) {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("it is there");
        let held: Vec<String> = held.iter().map(|name| format!("{PREFIX}{name}")).collect();
        assert_eq!(names(&folder, &format!("{serial}\n{power}")), held);
    }

    /// A link is another name of the same port.
    #[test]
    fn a_port_by_two_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let (_module, pty) = serialport::TTYPort::pair().expect("a pty");
        let node = serialport::SerialPort::name(&pty).expect("its name");
        std::os::unix::fs::symlink(&node, folder.path().join("by-id")).expect("a link");
        let by = |port: &str| names(folder.path(), &format!("serial: {{port: {port}}}\n{COMMAND}"));
        let (named, linked) = (by(&node), by("DIR/by-id"));
        assert_eq!(named, [format!("{PREFIX}uart:{node}")]);
        assert!(linked.contains(&named[0]), "{linked:?}");
    }

    #[test]
    fn a_long_name_is_a_digest() {
        let part = HardwarePart::new("rig", Path::new(&"/long".repeat(40)), String::new());
        assert!(part.name.len() <= LONGEST, "{}", part.name);
        part.bind().expect("an address").expect("nobody has it");
    }

    /// What an owner says is shown without what moves the cursor.
    #[test]
    fn answers_have_no_control_characters() {
        let owner = r#"{"pid": 1, "command": "run\u001b[2J", "run": "a\nb", "since": "", "left": null}"#;
        let text = format!(r#"{{"owner": {owner}, "user": "\u0007root", "file": "/rig\r.yaml"}}"#);
        let holder: HardwareHolder = serde_json::from_str(&text).expect("a holder");
        let holder = holder.plain();
        assert_eq!(holder.owner.command, "run[2J");
        assert_eq!(holder.owner.run.as_deref(), Some("ab"));
        assert_eq!(
            (holder.user.as_str(), holder.file.as_str()),
            ("root", "/rig.yaml")
        );
    }
}
