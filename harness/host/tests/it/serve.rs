//! `dfota-hil serve` as a program: its one line a package, its servers, and its exit codes.

use dfota_core::coap::{CoapCode, CoapMessage, option};
use dfota_record::digest::sha256_hex;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PACKAGE: &[u8] = b"a package of few bytes";

/// A server that runs, and ends with the test.
struct Served {
    child: Child,
    line: String,
    _folder: tempfile::TempDir,
}

impl Served {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a to b.delta");
        std::fs::write(&file, PACKAGE).expect("a file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_dfota-hil"))
            .arg("serve")
            .arg(&file)
            .args(["--http", "127.0.0.1:0", "--coap", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("its stdout");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        Self {
            child,
            line,
            _folder: folder,
        }
    }

    fn coap(&self) -> UdpSocket {
        let url = self.line.split_whitespace().nth(4).expect("a CoAP URL");
        let (addr, path) = url
            .strip_prefix("coap://")
            .and_then(|url| url.split_once('/'))
            .expect("a CoAP URL");
        assert_eq!(path, "a-to-b.delta");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(addr).expect("a socket");
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a socket");
        socket
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn receive(socket: &UdpSocket) -> CoapMessage {
    let mut buffer = [0; 2048];
    let len = socket.recv(&mut buffer).expect("a datagram");
    CoapMessage::decode(&buffer[..len]).expect("a message")
}

#[test]
fn one_line_a_package_and_both_servers_answer() {
    let served = Served::start(&[]);
    let words: Vec<&str> = served.line.split_whitespace().collect();
    assert_eq!(words.len(), 5, "{}", served.line);
    assert_eq!(words[..3], ["a-to-b.delta", "22", &sha256_hex(PACKAGE)]);
    let (addr, path) = words[3]
        .strip_prefix("http://")
        .and_then(|url| url.split_once('/'))
        .expect("an HTTP URL");
    let mut http = TcpStream::connect(addr).expect("the HTTP server");
    write!(
        http,
        "GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .expect("a socket");
    let mut page = vec![];
    http.read_to_end(&mut page).expect("a socket");
    assert!(page.ends_with(PACKAGE));
    let coap = served.coap();
    coap.send(&CoapMessage::request(CoapCode::GET, "a-to-b.delta").encode())
        .expect("a socket");
    assert_eq!(receive(&coap).payload(), PACKAGE);
}

#[test]
fn who_never_comes_is_exit_3() {
    let mut served = Served::start(&["--drive", "nobody", "--wait", "100ms"]);
    assert_eq!(served.child.wait().expect("it ends").code(), Some(3));
    let mut stderr = String::new();
    served
        .child
        .stderr
        .take()
        .expect("its stderr")
        .read_to_string(&mut stderr)
        .expect("text");
    assert!(
        stderr.contains("waiting for `nobody`") && stderr.contains("no result within 100ms"),
        "{stderr}"
    );
}

/// A client that answers what it is asked, as a finished update (state 0, result 1) or as one that fails.
#[test]
fn results_become_exit_codes() {
    for (result, code) in [("1", 0), ("5", 1)] {
        let mut served = Served::start(&["--drive", "e", "--wait", "20s"]);
        let coap = served.coap();
        let register = CoapMessage::request(CoapCode::POST, "rd")
            .with(option::URI_QUERY, b"ep=e")
            .with_payload(b"</5/0>".to_vec());
        let (mut state, mut registered) = ("0", 0);
        let mut id = 0_u8;
        let mut again = |coap: &UdpSocket| {
            let mut bytes = register.encode();
            id += 1;
            bytes[3] = id;
            coap.send(&bytes).expect("a socket");
        };
        again(&coap);
        while served.child.try_wait().expect("a child").is_none() {
            coap.set_read_timeout(Some(Duration::from_millis(50)))
                .expect("a socket");
            let mut buffer = [0; 2048];
            let Ok(len) = coap.recv(&mut buffer) else { continue };
            let asked = CoapMessage::decode(&buffer[..len]).expect("a message");
            let path = asked.path();
            let (reply, text) = match (asked.code(), path.as_str()) {
                (CoapCode::CREATED, _) => {
                    registered += 1;
                    continue;
                }
                (CoapCode::GET, "/5/0/3") => (0x45, state),
                (CoapCode::GET, "/5/0/5") if registered > 1 => (0x45, result),
                (CoapCode::GET, "/5/0/5") => (0x45, "0"),
                (CoapCode::PUT, "/5/0/1") => {
                    state = "2";
                    (0x44, "")
                }
                (CoapCode::POST, "/5/0/2") => (0x44, ""),
                other => panic!("{other:?}"),
            };
            let mut bytes = vec![0x60 | asked.token().as_bytes().len() as u8, reply];
            bytes.extend(asked.id().to_be_bytes());
            bytes.extend(asked.token().as_bytes());
            if !text.is_empty() {
                bytes.push(0xFF);
                bytes.extend(text.as_bytes());
            }
            coap.send(&bytes).expect("a socket");
            if path == "/5/0/2" {
                state = "0";
                again(&coap); // it has rebooted
            }
        }
        assert_eq!(
            served.child.wait().expect("it ended").code(),
            Some(code),
            "result {result}"
        );
    }
}

#[test]
fn mistakes_are_exit_2() {
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_dfota-hil"))
            .arg("serve")
            .args(args)
            .output()
            .expect("it runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert_eq!(run(&[]).0, Some(2));
    let (code, said) = run(&["/nowhere/p.delta"]);
    assert!(
        code == Some(2) && said.contains("package `/nowhere/p.delta`"),
        "{said}"
    );
    let (code, said) = run(&["a", "b", "--drive", "e"]);
    assert!(
        code == Some(2) && said.contains("`--drive` takes one package, found 2"),
        "{said}"
    );
}

#[test]
fn a_name_with_control_characters_reaches_no_terminal_raw() {
    let mut served = Served::start(&[]);
    let coap = served.coap();
    let register = CoapMessage::request(CoapCode::POST, "rd")
        .with(option::URI_QUERY, b"ep=a\x1B]0;owned\x07\x1B[2J")
        .with_payload(b"</5/0>".to_vec());
    coap.send(&register.encode()).expect("a socket");
    assert_eq!(receive(&coap).code(), CoapCode::CREATED);
    let stderr = served.child.stderr.take().expect("its stderr");
    let line = BufReader::new(stderr)
        .lines()
        .map(|line| line.expect("text"))
        .find(|line| line.contains("owned"));
    let line = line.expect("the registration is told");
    assert!(
        !line.contains(char::is_control) && line.contains(r"a\u{1b}]0;owned"),
        "{line:?}"
    );
}
