//! A module behind a network: its port on another machine, here a simulator's pty behind TCP.

use crate::lab::{LIMIT, Lab};
use crate::sim::Sim;
use rstest::rstest;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SUITE: &str = "\
limits: {boot: 10s, settle: 500ms, resume: 10s, update: 30s}
cases:
  - name: forced resume
    update: {package: a-to-b, via: uart}
    cut: {at: updating 20%, off: 100ms}
";

/// The rig of `sim` with another port.
fn rig(lab: &Lab, sim: &Sim, port: &str) {
    sim.rig(lab, "rig.yaml");
    let rig = lab.read("rig.yaml");
    let serial = format!("{{port: {}, latency: 0ms}}", sim.pty.display());
    assert!(rig.contains(&serial), "{rig}");
    lab.write(
        "rig.yaml",
        rig.replace(&serial, &format!("{{port: \"{port}\", latency: 50ms}}")),
    );
}

/// Passes bytes on between a pty and whoever connects, one after the other.
fn bridge(pty: &Path) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let open = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(pty)
            .expect("the pty")
    };
    let (module, to_module) = (open(), open());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let to_client = client.try_clone().expect("a socket can be used twice");
            let (from_module, to_module) = (duplicate(&module), duplicate(&to_module));
            std::thread::spawn(move || copy(from_module, to_client));
            copy(client, to_module);
        }
    });
    address
}

fn duplicate(file: &File) -> File {
    file.try_clone().expect("a file can be used twice")
}

/// Until either side ends.
fn copy(mut from: impl Read, mut to: impl Write) {
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..n]).is_err() {
            return;
        }
    }
}

#[test]
fn a_forced_resume_over_a_raw_socket() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    rig(&lab, &sim, &format!("socket://{}", bridge(&sim.pty)));
    lab.suite(SUITE);
    lab.run(&lab.arguments(&[])).ends(0);
    assert_eq!(lab.verdicts("out"), ["forced-resume pass -"]);
    assert_eq!(sim.state(), "ok power=off module=off reset=off pwrkey=off");
}

/// `ser2net`, the server that most labs have. It ends with the test.
struct Ser2net(Child);

impl Drop for Ser2net {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it on a pty, and waits until it listens; `None` where it is not installed.
fn ser2net(lab: &Lab, pty: &Path, layer: &str) -> Option<(Ser2net, u16)> {
    let program = ["/usr/sbin/ser2net", "/usr/bin/ser2net"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(program) = program else {
        println!("skipped: `ser2net` is not installed");
        return None;
    };
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
    let port = free.expect("a free port").port();
    let text = format!(
        "%YAML 1.1\n---\nconnection: &module\n  accepter: {layer}tcp,127.0.0.1,{port}\n  connector: serialdev,{},115200n81,local\n",
        pty.display()
    );
    lab.write("ser2net.yaml", text);
    let mut started = Command::new(program);
    started.args(["-n", "-u", "-c"]).arg(lab.path("ser2net.yaml"));
    let child = started.stdin(Stdio::null()).spawn().expect("ser2net");
    let server = Ser2net(child);
    let deadline = Instant::now() + LIMIT;
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => {
                let _ = stream.shutdown(Shutdown::Both);
                return Some((server, port));
            }
            Err(why) => assert!(Instant::now() < deadline, "ser2net does not listen: {why}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[rstest]
#[case::raw("socket", "")]
#[case::rfc2217("rfc2217", "telnet(rfc2217),")]
fn a_forced_resume_through_ser2net(#[case] scheme: &str, #[case] layer: &str) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    let Some((_server, port)) = ser2net(&lab, &sim.pty, layer) else {
        return;
    };
    rig(&lab, &sim, &format!("{scheme}://127.0.0.1:{port}"));
    lab.suite(SUITE);
    lab.run(&lab.arguments(&[])).ends(0);
    assert_eq!(lab.verdicts("out"), ["forced-resume pass -"]);
}

/// Nothing that cannot be a port is connected to; what cannot be reached says why, and what to do.
#[test]
fn ports_that_are_not_there() {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &[]);
    let said = |port: &str| {
        rig(&lab, &sim, port);
        let ran = lab.run(&["check", "rig.yaml"]).ends(3);
        format!("{}{}", ran.stdout, ran.stderr)
    };
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
    let nobody = said(&format!("socket://{}", free.expect("a free port")));
    assert!(
        nobody.contains("the host refuses the connection; is ser2net or a similar server running there"),
        "{nobody}"
    );
    let raw = said(&format!("rfc2217://{}", bridge(&sim.pty)));
    assert!(
        raw.contains("the server does not speak RFC 2217; `socket://` reads a port"),
        "{raw}"
    );
    let name = said("socket://no-such-host.invalid:3001");
    assert!(name.contains("the host was not found: "), "{name}");
}

/// Passes bytes on between a pty and whoever connects. Once, just after UPDATING 100 %, the connection breaks, and it is back
/// when RDY and END are over.
fn bridge_with_a_gap(pty: &Path) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let open = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(pty)
            .expect("the pty")
    };
    let (mut module, to_module) = (open(), open());
    let (joins, joined) = std::sync::mpsc::channel::<TcpStream>();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let _ = joins.send(client.try_clone().expect("a socket can be used twice"));
            let to_module = duplicate(&to_module);
            std::thread::spawn(move || copy(client, to_module));
        }
    });
    std::thread::spawn(move || {
        let (mut client, mut said, mut gone, mut again) = (joined.recv().ok(), String::new(), false, false);
        let mut buffer = [0; 256];
        while let Ok(n @ 1..) = module.read(&mut buffer) {
            said += &String::from_utf8_lossy(&buffer[..n]);
            if !gone && said.contains("\"UPDATING\",100%") {
                gone = true;
                said.clear();
                let _ = client.as_mut().map(|client| client.write_all(&buffer[..n]));
                let lost = client.take().expect("somebody listens");
                lost.shutdown(Shutdown::Both).expect("a connection");
            }
            if gone && !again && said.contains("+CPIN: READY") {
                again = true;
                client = joined.recv().ok();
                continue;
            }
            if let Some(client) = &mut client {
                while let Ok(newer) = joined.try_recv() {
                    *client = newer;
                }
                let _ = client.write_all(&buffer[..n]);
            }
        }
    });
    address
}

/// What fell into the gap is not evidence: the rig's error, tried again, and never the module's fault.
#[rstest]
#[case::not_tried_again(0, 3, "clean error serial-lost")]
#[case::tried_again(1, 0, "clean pass -")]
fn a_port_that_is_away_when_end_comes(#[case] tries: u32, #[case] exit: i32, #[case] verdict: &str) {
    let lab = Lab::new();
    let sim = Sim::start(&lab, &["--speed", "50"]);
    rig(&lab, &sim, &format!("socket://{}", bridge_with_a_gap(&sim.pty)));
    lab.suite(&format!(
        "limits: {{boot: 10s, settle: 500ms, update: 10s}}
retries: {{rig: {tries}}}
cases:
  - name: clean
    update: {{package: a-to-b, via: uart}}
"
    ));
    lab.run(&lab.arguments(&[])).ends(exit);
    assert_eq!(lab.verdicts("out"), [verdict]);
    let told = lab.read("out/events.jsonl");
    assert!(told.contains("not heard at UPDATING 100%"), "{told}");
    let gaps: Vec<String> = lab
        .events("out")
        .iter()
        .filter(|event| event["event"] == "gap")
        .filter_map(|event| event["gap"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(gaps, ["port-lost", "port-back"]);
    lab.run(&["judge", "out"]).ends(0);
}
