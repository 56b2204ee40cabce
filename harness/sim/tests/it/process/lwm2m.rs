//! The LwM2M client: its commands byte for byte, its registration, what it answers to a server.

use crate::process::lwm2m_server::{LwServer, Manner, shown};
use crate::process::rig::Rig;
use bc66_sim::coap::option::{ACCEPT, BLOCK1, BLOCK2, CONTENT_FORMAT, OBSERVE, URI_QUERY};
use bc66_sim::coap::{BlockValue, MessageCode, MessageType, RawMessage};
use rstest::rstest;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Long enough for anything that would come, short enough for what must not.
const A_WHILE: Duration = Duration::from_millis(40);

pub(crate) fn configure(rig: &mut Rig, port: u16) {
    let line = format!("AT+QLWCONFIG=0,\"127.0.0.1\",{port},\"urn:imei:e1\",50,3");
    assert!(rig.exchange(&line).ends_with("\r\nOK\r\n"));
}

pub(crate) fn register(rig: &mut Rig, port: u16) {
    configure(rig, port);
    assert!(rig.exchange("AT+QLWREG").ends_with("\r\nOK\r\n"));
    assert_eq!(rig.until("0\r\n"), "\r\n+QLWREG: 0\r\n");
}

fn registered(flags: &[&str]) -> (Rig, LwServer) {
    let server = LwServer::start(Vec::new());
    let mut rig = Rig::without_echo(flags);
    register(&mut rig, server.port);
    (rig, server)
}

#[rstest]
#[case(
    "AT+QLWCONFIG=?",
    "\r\n+QLWCONFIG: (0,1),<server>,(1-65535),<endpoint>,(1-4294967295),(0,3)[,<psk_id>,<psk>]\r\n\r\nOK\r\n"
)]
#[case("AT+QLWCONFIG?", "\r\nOK\r\n")]
#[case(
    "AT+QLWCONFIG=0,\"leshan.eclipse.org\",5683,\"867725030029312\",50,3",
    "\r\nOK\r\n"
)]
#[case(
    "AT+QLWCONFIG=0,\"leshan.eclipse.org\",5683,\"867725030029312\",50,3;+QLWCONFIG?",
    "\r\n+QLWCONFIG:0,leshan.eclipse.org,5683,\"867725030029312\",50,3\r\n\r\nOK\r\n"
)]
#[case(
    "AT+QLWCONFIG=0,\"h\",5684,\"e\",50,0,\"id\",\"key\"",
    "\r\n+CMEE ERROR: 4\r\n"
)]
#[case("AT+QLWCONFIG=0,\"h\",5683,\"e\",50", "\r\n+CMEE ERROR: 50\r\n")]
#[case("AT+CMEE=2;+QLWCONFIG=0", "\r\n+CMEE ERROR: 50\r\n")]
#[case("AT+QLWREG=?", "\r\nOK\r\n")]
#[case("AT+QLWREG", "\r\n+CMEE ERROR: 3\r\n")]
#[case("AT+QLWREG?", "\r\n+CMEE ERROR: 4\r\n")]
#[case("AT+QLWUPDATE=?", "\r\n+QLWUPDATE: (0,1),<value>\r\n\r\nOK\r\n")]
#[case("AT+QLWUPDATE=0,50", "\r\n+CMEE ERROR: 3\r\n")]
#[case("AT+QLWUPDATE=0,0", "\r\n+CMEE ERROR: 50\r\n")]
#[case("AT+QLWUPDATE=1,\"UQ\"", "\r\n+CMEE ERROR: 50\r\n")]
#[case("AT+QLWUPDATE=2,1", "\r\n+CMEE ERROR: 50\r\n")]
#[case("AT+QLWDEREG=?", "\r\nOK\r\n")]
#[case("AT+QLWDEREG", "\r\n+CMEE ERROR: 3\r\n")]
#[case("AT+QLWSTATUS?", "\r\n+QLWSTATUS: 0\r\n\r\nOK\r\n")]
#[case("AT+QLWSTATUS=1", "\r\n+CMEE ERROR: 4\r\n")]
#[case("AT+CFUN=0;+QLWREG", "\r\n+CMEE ERROR: 3\r\n")]
fn replies(#[case] line: &str, #[case] reply: &str) {
    let mut rig = Rig::without_echo(&[]);
    assert_eq!(rig.exchange(line), reply);
}

#[test]
fn registration_update_and_end() {
    let server = LwServer::start(Vec::new());
    let mut rig = Rig::without_echo(&[]);
    configure(&mut rig, server.port);
    assert_eq!(rig.exchange("AT+QLWREG"), "\r\nOK\r\n");
    assert_eq!(rig.until("0\r\n"), "\r\n+QLWREG: 0\r\n");
    let (request, bytes) = server.requests().remove(0);
    assert_eq!(request, "0.02 /rd?ep=urn:imei:e1&lt=50&lwm2m=1.0&b=U");
    assert_eq!(bytes[..2], [0x44, 0x02]);
    assert_eq!(
        bytes[8..].escape_ascii().to_string(),
        "\\xb2rd\\x11(=\\x01ep=urn:imei:e1\\x05lt=50\\tlwm2m=1.0\\x03b=U\\xff</1/0>,</3/0>,</5/0>"
    );
    assert_eq!(rig.exchange("AT+QLWSTATUS?"), "\r\n+QLWSTATUS: 2\r\n\r\nOK\r\n");

    for (change, query) in [("0,60", "lt=60"), ("1,U", "b=U"), ("1,\"U\"", "b=U")] {
        let reply = rig.exchange(&format!("AT+QLWUPDATE={change}"));
        let id = reply
            .strip_prefix("\r\n+QLWUPDATE: ")
            .and_then(|rest| rest.strip_suffix("\r\n\r\nOK\r\n"))
            .unwrap_or_else(|| panic!("{reply:?}"))
            .to_owned();
        assert_eq!(
            rig.until(&format!("{id}\r\n")),
            format!("\r\n+QLWUPDATE: 0,{id}\r\n")
        );
        let (request, bytes) = server.requests().remove(0);
        assert_eq!(request, format!("0.02 /rd/a1?{query}"));
        assert_eq!(u16::from_be_bytes([bytes[2], bytes[3]]).to_string(), id);
    }
    assert_eq!(server.read("/1/0/1"), "2.05 60");

    register(&mut rig, server.port); // once more: the server replaces the registration
    server.requests();
    assert_eq!(server.read("/1/0/1"), "2.05 50");

    assert_eq!(rig.exchange("AT+QLWDEREG"), "\r\nOK\r\n");
    assert_eq!(rig.until("0\r\n"), "\r\n+QLWDEREG: 0\r\n");
    assert_eq!(server.requests()[0].0, "0.04 /rd/a1?");
    assert_eq!(rig.exchange("AT+QLWSTATUS?"), "\r\n+QLWSTATUS: 0\r\n\r\nOK\r\n");
}

#[rstest]
#[case(Manner::Silent)]
#[case(Manner::Resets)]
fn a_registration_that_fails(#[case] manner: Manner) {
    let server = LwServer::start(Vec::new());
    server.behave(manner);
    let mut rig = Rig::without_echo(&[]);
    configure(&mut rig, server.port);
    rig.send("AT+QLWREG\rAT+QLWREG\r");
    let text = rig.until("+QLWREG: 1\r\n");
    if manner == Manner::Silent {
        assert!(
            text.contains("\r\nOK\r\n\r\n+CMEE ERROR: 3\r\n"),
            "one at a time: {text:?}"
        );
    }
    rig.listen(A_WHILE);
    server.behave(Manner::Sound);
    register(&mut rig, server.port);
}

#[test]
fn no_such_server() {
    let mut rig = Rig::attached(&[]);
    rig.exchange("ATE0;+QLWCONFIG=0,\"nowhere.invalid\",5683,\"e\",50,3");
    assert_eq!(rig.exchange("AT+QLWREG"), "\r\nOK\r\n");
    assert_eq!(rig.until("1\r\n"), "\r\n+QLWREG: 1\r\n");
}

#[test]
fn a_registration_that_the_server_has_forgotten() {
    let (mut rig, server) = registered(&[]);
    server.behave(Manner::Forgetful);
    rig.exchange("AT+QLWUPDATE=0,50");
    assert!(rig.until("\r\n+QLWUPDATE: 1,").starts_with("\r\n+QLWUPDATE: 1,"));
    rig.until("\r\n");
    assert_eq!(rig.exchange("AT+QLWSTATUS?"), "\r\n+QLWSTATUS: 0\r\n\r\nOK\r\n");
}

#[test]
fn it_needs_the_network_and_loses_with_it() {
    let (mut rig, server) = registered(&[]);
    rig.exchange("AT+CFUN=0");
    rig.listen(A_WHILE);
    for command in ["AT+QLWREG", "AT+QLWUPDATE=0,50", "AT+QLWDEREG"] {
        assert_eq!(rig.exchange(command), "\r\n+CMEE ERROR: 30\r\n", "{command}");
    }
    assert_eq!(rig.exchange("AT+QLWSTATUS?"), "\r\n+QLWSTATUS: 0\r\n\r\nOK\r\n");
    rig.exchange("AT+CFUN=1");
    rig.settle();
    register(&mut rig, server.port);
}

#[rstest]
#[case(&[], "\r\n+CMEE ERROR: 3\r\n")]
#[case(&["--lwm2m-config-kept"], "\r\nOK\r\n")]
fn the_configuration_and_a_reboot(#[case] flags: &[&str], #[case] reply: &str) {
    let (mut rig, _server) = registered(flags);
    rig.cycle();
    rig.settle();
    rig.exchange("ATE0");
    assert_eq!(rig.exchange("AT+QLWREG"), reply);
}

/// A request and its answer, both as literal bytes.
#[rstest]
#[case::read_text(b"\x41\x01\x12\x01\x7a\xb15\x010\x013\x60", b"\x61\x45\x12\x01\x7a\xc0\xff0")]
#[case::read_tlv(
    b"\x41\x01\x12\x02\x7b\xb15\x010\x013\x62\x2d\x16",
    b"\x61\x45\x12\x02\x7b\xc2\x2d\x16\xff\xc1\x03\x00"
)]
#[case::not_there(b"\x41\x01\x12\x03\x7c\xb15\x010\x014", b"\x61\x84\x12\x03\x7c")]
#[case::not_readable(b"\x41\x01\x12\x04\x7d\xb15\x010\x011", b"\x61\x85\x12\x04\x7d")]
#[case::execute_in_state_0(b"\x41\x02\x12\x05\x7e\xb15\x010\x012", b"\x61\x85\x12\x05\x7e")]
#[case::write_empty_uri(b"\x41\x03\x12\x06\x7f\xb15\x010\x011\x10", b"\x61\x44\x12\x06\x7f")]
#[case::write_in_tlv(
    b"\x41\x03\x12\x07\x80\xb15\x010\x12\x2d\x16\xff\xc0\x01",
    b"\x61\x44\x12\x07\x80"
)]
#[case::create(b"\x41\x02\x12\x08\x81\xb15", b"\x61\x85\x12\x08\x81")]
#[case::delete(b"\x41\x04\x12\x09\x82\xb15\x010", b"\x61\x85\x12\x09\x82")]
#[case::security_object(b"\x41\x01\x12\x0a\x83\xb10", b"\x61\x84\x12\x0a\x83")]
#[case::unknown_critical_option(b"\x41\x01\x12\x0b\x84\xb15\xd1\x05A", b"\x61\x82\x12\x0b\x84")]
#[case::block_beyond_the_end(b"\x41\x01\x12\x0c\x85\xb15\x010\x013\xc1\x10", b"\x61\x80\x12\x0c\x85")]
#[case::unknown_format(b"\x41\x03\x12\x0d\x86\xb15\x010\x011\x11\x3c\xffx", b"\x61\x8f\x12\x0d\x86")]
#[case::ping(b"\x40\x00\x12\x0e", b"\x70\x00\x12\x0e")]
#[case::malformed(b"\x40\x01\x12\x0f\xff", b"\x70\x00\x12\x0f")]
#[case::answer_to_nothing(b"\x41\x45\x12\x10\x01", b"\x70\x00\x12\x10")]
fn bytes(#[case] request: &[u8], #[case] answer: &[u8]) {
    let (_rig, server) = registered(&[]);
    for _ in 0..2 {
        server.send(request); // a copy is answered alike
        let seen = server.reply(Duration::from_secs(10)).expect("an answer");
        assert_eq!(
            seen.encode().escape_ascii().to_string(),
            answer.escape_ascii().to_string()
        );
    }
}

#[rstest]
#[case::too_short(b"\x40\x01\x00")]
#[case::another_version(b"\x80\x01\x00\x01")]
#[case::malformed_and_not_confirmable(b"\x50\x01\x00\x01\xff")]
#[case::foreign_acknowledgement(b"\x60\x00\x77\x77")]
#[case::foreign_reset(b"\x70\x00\x77\x77")]
#[case::nothing(b"")]
fn silence(#[case] datagram: &[u8]) {
    let (_rig, server) = registered(&[]);
    server.send(datagram);
    assert_eq!(server.reply(A_WHILE), None);
    assert_eq!(server.read("/5/0/3"), "2.05 0", "it goes on");
}

#[test]
fn not_confirmable_is_answered_alike() {
    let (_rig, server) = registered(&[]);
    let request = RawMessage {
        kind: MessageType::NonConfirmable,
        ..server.message(MessageCode::GET, "/5/0/3")
    };
    let answer = server.ask(&request);
    assert_eq!(
        (answer.kind, shown(&answer).as_str()),
        (MessageType::NonConfirmable, "2.05 0")
    );
}

#[test]
fn discovery_attributes_and_device() {
    let (mut rig, server) = registered(&[]);
    let mut discovery = server.message(MessageCode::GET, "/5");
    discovery.push_uint(ACCEPT, 40);
    assert_eq!(
        shown(&server.ask(&discovery)),
        "2.05 </5>,</5/0>,</5/0/0>,</5/0/1>,</5/0/2>,</5/0/3>,</5/0/5>,</5/0/8>,</5/0/9>"
    );
    let mut attributes = server.message(MessageCode::PUT, "/5/0/3");
    attributes.push(URI_QUERY, "pmin=1");
    assert_eq!(server.ask(&attributes).code, MessageCode::CHANGED);
    assert_eq!(server.read("/3/0/1"), "2.05 BC66");
    let inner = server.read("/3/0/3");
    assert_ne!(
        inner,
        format!("2.05 {}", rig.revision()),
        "not the revision of ATI"
    );
    let mut block = server.message(MessageCode::GET, "/3/0");
    block.push(BLOCK2, BlockValue::at(16, 0).encode());
    let part = server.ask(&block);
    assert_eq!(part.payload.len(), 16);
    assert_eq!(
        part.value(BLOCK2).and_then(BlockValue::decode),
        Some(BlockValue {
            number: 1,
            more: true,
            exponent: 0
        })
    );
    assert_eq!(server.execute("/1/0/8"), MessageCode::CHANGED);
    assert_eq!(server.execute("/3/0/4"), MessageCode::CHANGED);
    rig.until("RDY\r\n");
    assert!(
        server
            .requests()
            .iter()
            .any(|(request, _)| request == "0.02 /rd/a1?lt=50")
    );
}

#[test]
fn observations() {
    let (_rig, server) = registered(&[]);
    let first = server.observe("/5/0/5");
    assert_eq!(
        (shown(&first).as_str(), first.uint(OBSERVE).is_some()),
        ("2.05 0", true)
    );
    server.write("/5/0/1", "nonsense");
    let note = server
        .note_within(Duration::from_secs(10))
        .expect("a notification");
    assert_eq!(
        (note.token.clone(), shown(&note).as_str()),
        (first.token.clone(), "2.05 7")
    );
    assert!(note.uint(OBSERVE) > first.uint(OBSERVE));
    server.write("/5/0/1", "http://h/a");
    assert_eq!(server.note().as_deref(), Some("9"));
    let mut cancel = server.message(MessageCode::GET, "/5/0/5");
    cancel.token = first.token;
    cancel.push_uint(OBSERVE, 1);
    assert_eq!(server.ask(&cancel).uint(OBSERVE), None);
    server.write("/5/0/1", "");
    assert_eq!(server.note_within(A_WHILE), None);

    server.observe("/5/0/5");
    server.refuse_notifications();
    server.write("/5/0/1", "nonsense");
    std::thread::sleep(A_WHILE);
    server.write("/5/0/1", "");
    assert_eq!(server.note_within(A_WHILE), None, "a reset cancels");
}

#[test]
fn a_uri_in_blocks() {
    let (_rig, server) = registered(&[]);
    let uri = b"http://a-long-host.example/and/path";
    let block = |number: u32, more: bool| {
        let block = BlockValue {
            number,
            more,
            exponent: 0,
        };
        let mut request = server.message(MessageCode::PUT, "/5/0/1");
        request.push_uint(CONTENT_FORMAT, 0);
        request.push(BLOCK1, block.encode());
        request.payload = uri[block.offset()..uri.len().min(block.offset() + 16)].to_vec();
        server.ask(&request)
    };
    assert_eq!(
        block(1, true).code,
        MessageCode::INCOMPLETE,
        "the first one is missing"
    );
    let first = block(0, true);
    assert_eq!(
        (first.code, first.value(BLOCK1)),
        (MessageCode::CONTINUE, Some(&[8][..]))
    );
    assert_eq!(block(1, true).code, MessageCode::CONTINUE);
    assert_eq!(block(2, false).code, MessageCode::CHANGED);
    assert_eq!(server.firmware(), "0 9");
}

#[test]
fn separate_answers_are_taken() {
    let server = LwServer::start(Vec::new());
    server.behave(Manner::Separate);
    let mut rig = Rig::without_echo(&[]);
    register(&mut rig, server.port);
    let acknowledged = server.reply(Duration::from_secs(10)).expect("an acknowledgement");
    assert_eq!(acknowledged.kind, MessageType::Acknowledgement);
}

/// A resource directory that the project did not write accepts the registration.
#[test]
fn aiocoap_resource_directory() {
    let port = std::net::UdpSocket::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port();
    let mut command = Command::new("aiocoap-rd");
    command
        .args(["--lwm2m-compat", "--bind", &format!("127.0.0.1:{port}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut directory) = command.spawn() else {
        println!("skipped: `aiocoap-rd` is not installed (pip install aiocoap)");
        return;
    };
    let mut rig = Rig::start(&["--speed", "30", "--pwrkey-tied"]); // its start takes longer than its answers
    rig.request("power on");
    rig.settle();
    rig.exchange("ATE0");
    configure(&mut rig, port);
    let deadline = Instant::now() + Duration::from_secs(15);
    let registered = loop {
        rig.exchange("AT+QLWREG");
        rig.until("+QLWREG: ");
        let result = rig.until("\r\n");
        if result == "0\r\n" || Instant::now() > deadline {
            break result == "0\r\n";
        }
    };
    let mut updated = String::new();
    if registered {
        rig.exchange("AT+QLWUPDATE=0,60");
        rig.until("\r\n+QLWUPDATE: ");
        updated = rig.until(",");
    }
    if let Ok(Some(status)) = directory.try_wait() {
        println!("skipped: `aiocoap-rd` ended with {status}");
        return;
    }
    directory.kill().expect("it can be ended");
    directory.wait().expect("it can be reaped");
    assert!(registered, "not registered");
    assert_eq!(updated, "0,");
}
