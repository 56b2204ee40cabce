//! The wires of a bench, with what a newcomer does to them: a UART between the program and a simulated module, and a control
//! socket before its lines.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// What becomes of bytes on their way.
pub(crate) type Way = Box<dyn FnMut(&[u8]) -> Vec<u8> + Send>;

/// As they were.
pub(crate) fn straight() -> Way {
    Box::new(<[u8]>::to_vec)
}

/// Never seen again.
pub(crate) fn broken() -> Way {
    Box::new(|_| Vec::new())
}

/// Read at another rate than they were sent with.
pub(crate) fn at_other_baud(sent: f64, read: f64) -> Way {
    Box::new(move |bytes| resampled(bytes, sent / read))
}

/// A UART that a thread carries.
pub(crate) struct Wire {
    /// Where the program finds it.
    pub pty: PathBuf,
    // Held open, so that the other side is never hung up.
    _near: OwnedFd,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Wire {
    /// A wire to the UART at `module`.
    pub(crate) fn to(module: &Path, mut to_program: Way, mut to_module: Way) -> Self {
        let mut module = File::from(open(module));
        Self::carried(move |far, ended| {
            let mut buffer = [0; 4096];
            while !ended.load(Ordering::Relaxed) {
                let [said, sent] = readable([&module, far]);
                if said {
                    let n = module.read(&mut buffer).unwrap_or(0);
                    let _ = far.write_all(&to_program(&buffer[..n]));
                }
                if sent {
                    let n = far.read(&mut buffer).unwrap_or(0);
                    let _ = module.write_all(&to_module(&buffer[..n]));
                }
            }
        })
    }

    /// A wire that ends in nothing but itself: what is sent goes `back`.
    pub(crate) fn to_nobody(mut back: Way) -> Self {
        Self::carried(move |far, ended| {
            let mut buffer = [0; 4096];
            while !ended.load(Ordering::Relaxed) {
                if readable([far])[0] {
                    let n = far.read(&mut buffer).unwrap_or(0);
                    let _ = far.write_all(&back(&buffer[..n]));
                }
            }
        })
    }

    fn carried(carry: impl FnOnce(&mut File, &AtomicBool) + Send + 'static) -> Self {
        let (far, pty) = pty();
        let near = open(&pty);
        let ended = Arc::new(AtomicBool::new(false));
        let (mut far, told) = (far, Arc::clone(&ended));
        let thread = std::thread::spawn(move || carry(&mut far, &told));
        Self {
            pty,
            _near: near,
            ended,
            thread: Some(thread),
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A new pty: the side that is held, and the path of the other.
pub(crate) fn pty() -> (File, PathBuf) {
    let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
    grantpt(&far).expect("grantpt");
    unlockpt(&far).expect("unlockpt");
    let name = ptsname(&far, Vec::new()).expect("ptsname");
    let path = PathBuf::from(name.to_string_lossy().into_owned());
    (File::from(far), path)
}

fn open(path: &Path) -> OwnedFd {
    let device = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("a pty");
    let mut raw = tcgetattr(&device).expect("tcgetattr");
    raw.make_raw();
    tcsetattr(&device, OptionalActions::Now, &raw).expect("tcsetattr");
    device
}

/// Waits for one of them for so long as an end may take to be noticed.
fn readable<const N: usize>(files: [&File; N]) -> [bool; N] {
    let mut fds = files.map(|file| PollFd::new(file, PollFlags::IN));
    let limit = Timespec {
        tv_sec: 0,
        tv_nsec: 20_000_000,
    };
    let _ = poll(&mut fds, Some(&limit));
    fds.map(|fd| fd.revents().contains(PollFlags::IN))
}

/// What a receiver makes of bytes whose bits last `stretch` of its own: a start bit, eight bits, the lowest first, a stop
/// bit that has to be high. Without one the kernel gives a zero.
fn resampled(bytes: &[u8], stretch: f64) -> Vec<u8> {
    let mut line = Vec::new();
    for byte in bytes {
        line.push(false);
        line.extend((0..8).map(|bit| byte >> bit & 1 == 1));
        line.push(true);
    }
    let level = |at: f64| line.get((at / stretch) as usize).copied().unwrap_or(true);
    let end = line.len() as f64 * stretch;
    let (mut out, mut at) = (Vec::new(), 0.0);
    while at < end {
        if level(at) {
            at += 0.1;
            continue;
        }
        let read = (0..8).fold(0, |byte, bit| {
            byte | u8::from(level(at + 1.5 + f64::from(bit))) << bit
        });
        at += 9.5;
        out.push(if level(at) { read } else { 0 });
        while at < end && !level(at) {
            at += 0.1;
        }
    }
    out
}

/// A control socket before that of a simulator, on which `line` is inverted, as by a transistor that the rig file does not
/// know of. Its threads end with their connections.
pub(crate) fn inverted(control: &Path, line: &'static str, here: &Path) {
    carry_requests(control, here, move |name, to| match (name, to) {
        (name, "on") if name == line => format!("{name} off\n"),
        (name, "off") if name == line => format!("{name} on\n"),
        _ => format!("{name} {to}\n"),
    });
}

/// The same, and the adapter behind the link `port` is fed by the supply: it goes with it, and comes back `later` than it. What
/// the module says meanwhile is lost.
pub(crate) fn feeding(control: &Path, pty: &Path, port: &Path, later: Duration, here: &Path) {
    let adapter = Arc::new(Mutex::new(None));
    let (pty, port) = (pty.to_owned(), port.to_owned());
    carry_requests(control, here, move |name, to| {
        match (name, to) {
            ("power", "on") => {
                let (adapter, pty, port) = (adapter.clone(), pty.clone(), port.clone());
                std::thread::spawn(move || {
                    std::thread::sleep(later);
                    let mut adapter = adapter.lock().expect("the adapter");
                    let device = open(&pty);
                    rustix::termios::tcflush(&device, rustix::termios::QueueSelector::IFlush).expect("a pty");
                    let wire = adapter.insert(Wire::to(&pty, straight(), straight()));
                    let _ = std::fs::remove_file(&port);
                    std::os::unix::fs::symlink(&wire.pty, &port).expect("a link");
                });
            }
            ("power", "off") => {
                let _ = std::fs::remove_file(&port);
                drop(adapter.lock().expect("the adapter").take());
            }
            _ => {}
        }
        format!("{name} {to}\n")
    });
}

fn carry_requests(control: &Path, here: &Path, way: impl Fn(&str, &str) -> String + Clone + Send + 'static) {
    let listener = UnixListener::bind(here).expect("a socket");
    let control = control.to_owned();
    std::thread::spawn(move || {
        for program in listener.incoming().flatten() {
            let (control, way) = (control.clone(), way.clone());
            std::thread::spawn(move || carry_these_requests(program, &control, way));
        }
    });
}

fn carry_these_requests(
    mut program: UnixStream,
    control: &Path,
    way: impl Fn(&str, &str) -> String,
) -> Option<()> {
    let mut sim = UnixStream::connect(control).ok()?;
    let mut answers = BufReader::new(sim.try_clone().ok()?).lines();
    for request in BufReader::new(program.try_clone().ok()?).lines() {
        let request = request.ok()?;
        let (name, to) = request.split_once(' ')?;
        sim.write_all(way(name, to).as_bytes()).ok()?;
        let answer = answers.next()?.ok()?;
        writeln!(program, "{answer}").ok()?;
    }
    Some(())
}
