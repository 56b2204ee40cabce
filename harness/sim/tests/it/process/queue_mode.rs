//! The LwM2M client in queue mode: it sleeps between exchanges, and keeps its registration over a reboot.

use crate::process::lwm2m::register;
use crate::process::lwm2m_server::{LwServer, Manner};
use crate::process::rig::Rig;
use bc66_sim::coap::MessageCode;
use std::time::{Duration, Instant};

/// It listens for a tenth of a second of real time at this speed: afterwards it does not.
const ASLEEP: Duration = Duration::from_millis(300);

fn registered() -> (Rig, LwServer) {
    let server = LwServer::start(Vec::new());
    let mut rig = Rig::without_echo(&["--dialect", "queue-mode"]);
    register(&mut rig, server.port);
    (rig, server)
}

fn is_asleep(server: &LwServer) -> bool {
    server.reply(ASLEEP);
    server.send(&server.message(MessageCode::GET, "/5/0/3").encode());
    server.reply(ASLEEP).is_none()
}

/// The requests so far, once there are any.
fn next_requests(server: &LwServer) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let requests = server.requests();
        if !requests.is_empty() || Instant::now() > deadline {
            return requests.into_iter().map(|(request, _)| request).collect();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn it_sleeps_until_it_has_something_to_say() {
    let (mut rig, server) = registered();
    let requests = next_requests(&server);
    assert_eq!(requests, ["0.02 /rd?ep=urn:imei:e1&lt=3600&lwm2m=1.0&b=UQ"]);
    assert_eq!(
        server.read("/1/0/1"),
        "2.05 3600",
        "not the 50 that were asked for"
    );
    assert!(is_asleep(&server));
    assert!(rig.exchange("AT+QLWUPDATE=1,UQ").ends_with("\r\nOK\r\n"));
    assert_eq!(server.read("/1/0/7"), "2.05 UQ", "awake again");
    assert!(is_asleep(&server));
}

#[test]
fn a_reboot_is_an_update_of_the_registration() {
    let (mut rig, server) = registered();
    next_requests(&server);
    for _ in 0..2 {
        rig.cycle();
        let boot = rig.until("+IP: ");
        assert_eq!(next_requests(&server), ["0.02 /rd/a1?"], "{boot:?}");
        assert_eq!(server.read("/5/0/3"), "2.05 0");
        assert!(is_asleep(&server));
    }
    // An order to register is one as well.
    rig.sync();
    rig.exchange("ATE0");
    register(&mut rig, server.port);
    assert_eq!(next_requests(&server), ["0.02 /rd/a1?"]);
}

#[test]
fn a_server_that_has_forgotten_it_is_registered_with_anew() {
    let (mut rig, server) = registered();
    next_requests(&server);
    server.behave(Manner::Forgetful);
    rig.cycle();
    rig.until("+IP: ");
    let mut requests = next_requests(&server);
    if requests.len() == 1 {
        requests.extend(next_requests(&server));
    }
    let anew = "0.02 /rd?ep=urn:imei:e1&lt=3600&lwm2m=1.0&b=UQ";
    assert_eq!(requests, ["0.02 /rd/a1?", anew]);
}

#[test]
fn a_registration_that_was_ended_is_not_resumed() {
    let (mut rig, server) = registered();
    rig.exchange("AT+QLWDEREG");
    rig.until("+QLWDEREG: 0\r\n");
    server.requests();
    rig.cycle();
    rig.settle();
    rig.listen(ASLEEP);
    assert!(server.requests().is_empty());
}
