//! Every fact against literal bytes. Both sides of the wire are built on this crate: nothing else would notice a misreading.

use bc66_spec::code::{DownloadCode, UpdateCode};
use bc66_spec::lwm2m::{State, UpdateResult};
use bc66_spec::module::Module;
use bc66_spec::urc::FotaUrc;
use bc66_spec::{boot, cme, command, crc, lwm2m, module, qfotadl, qfuplex, timing, urc};
use std::time::Duration;

#[test]
fn urcs() {
    let literal: [(FotaUrc, &[u8]); 8] = [
        (FotaUrc::HttpStart, b"HTTPSTART"),
        (FotaUrc::Downloading, b"DOWNLOADING"),
        (FotaUrc::HttpEnd, b"HTTPEND"),
        (FotaUrc::CoapStart, b"COAPSTART"),
        (FotaUrc::CoapEnd, b"COAPEND"),
        (FotaUrc::Start, b"START"),
        (FotaUrc::Updating, b"UPDATING"),
        (FotaUrc::End, b"END"),
    ];
    assert_eq!(literal.map(|(urc, _)| urc), FotaUrc::ALL);
    for (urc, bytes) in literal {
        assert_eq!(urc.token().as_bytes(), bytes);
        assert_eq!(FotaUrc::from_token(bytes), Some(urc));
    }
    for other in [&b""[..], b"start", b"START ", b"RESTORE", b"ENDS"] {
        assert_eq!(FotaUrc::from_token(other), None, "{other:?}");
    }
    assert_eq!(urc::QIND.as_bytes(), b"+QIND:");
    assert_eq!(urc::FOTA.as_bytes(), b"FOTA");
    assert_eq!(
        (urc::TOTAL_NUM, urc::CURRENT_BIN, urc::UPDATING_FIRST_PERCENT),
        (1, 1, 20)
    );
}

#[test]
fn download_codes() {
    let literal = [
        (0, DownloadCode::Success, "0 (downloaded successfully)"),
        (12, DownloadCode::DownloadFailed, "12 (download failed)"),
        (13, DownloadCode::NetworkDeactivated, "13 (network deactivated)"),
        (20, DownloadCode::NetworkActivating, "20 (network activating)"),
        (
            19,
            DownloadCode::Undocumented(19),
            "19 (undocumented; MediaTek: DA)",
        ),
        (701, DownloadCode::Undocumented(701), "701 (undocumented)"),
    ];
    for (raw, code, shown) in literal {
        assert_eq!(DownloadCode::from_raw(raw), code);
        assert_eq!(code.raw(), raw);
        assert_eq!(code.to_string(), shown);
    }
}

#[test]
fn update_codes() {
    let literal = [
        (0, UpdateCode::Success, "0 (updated successfully)"),
        (1, UpdateCode::Unknown, "1 (unknown error)"),
        (2, UpdateCode::Busy, "2 (DFOTA is busy)"),
        (254, UpdateCode::Mismatch, "254 (delta firmware package mismatch)"),
        (255, UpdateCode::Invalid, "255 (delta firmware package invalid)"),
        (
            8,
            UpdateCode::Undocumented(8),
            "8 (undocumented; MediaTek: checksum verify)",
        ),
        (504, UpdateCode::Undocumented(504), "504 (undocumented)"),
    ];
    for (raw, code, shown) in literal {
        assert_eq!(UpdateCode::from_raw(raw), code);
        assert_eq!(code.raw(), raw);
        assert_eq!(code.to_string(), shown);
    }
}

/// What the chip vendor calls the numbers that the note does not name.
#[test]
fn names_of_the_chip_vendor() {
    let literal = [
        "ok",
        "common error",
        "busy",
        "header load",
        "header format",
        "body load",
        "write partition",
        "checksum load",
        "checksum verify",
        "marker load",
        "marker erase",
        "security check",
        "download failed",
        "network deactivated",
        "operation invalid",
        "parameter invalid",
        "wrong package",
        "software version invalid",
        "BROM",
        "DA",
        "network activating",
    ];
    for (raw, name) in (0..).zip(literal) {
        let code = UpdateCode::Undocumented(raw);
        assert_eq!(
            code.to_string(),
            format!("{raw} (undocumented; MediaTek: {name})")
        );
    }
    assert_eq!(UpdateCode::Undocumented(21).to_string(), "21 (undocumented)");
}

#[test]
fn upload() {
    assert_eq!(qfuplex::BLOCK_SIZES, [128, 256, 512, 1024, 2048, 4096, 8192]);
    assert_eq!(qfuplex::CRC_BYTES, 2);
    assert_eq!(qfuplex::FIRST_BLOCK, 0);
    assert_eq!((*qfuplex::TIMEOUT_S.start(), *qfuplex::TIMEOUT_S.end()), (1, 60));
    assert_eq!(qfuplex::TIMEOUT_DEFAULT_S, 6);
    assert_eq!(qfuplex::default_length(4096), 4098);
    assert_eq!(qfuplex::PROMPT, 0x3E);
    assert_eq!(qfuplex::ESC.as_bytes(), b"ESC");
    assert_eq!(qfuplex::REPLY_ESC.as_bytes(), b"-1,ESC");
    assert_eq!(qfuplex::REPLY_TIMEOUT.as_bytes(), b"-2,TIMEOUT");
    assert_eq!(
        qfuplex::TEST_REPLY,
        [
            "AT+QFUPLEX=<blocksize>,<blocknum>[,<length>[,<timeout>]]",
            "AT+QFUPLEX=ESC"
        ]
    );
}

#[test]
fn order() {
    assert_eq!((qfotadl::URL_MAX, qfotadl::PORT_DEFAULT), (255, 80));
    assert_eq!(qfotadl::SCHEME.as_bytes(), b"HTTP://");
    assert_eq!(qfotadl::SCHEME_UNSUPPORTED.as_bytes(), b"HTTPS://");
    assert_eq!(qfotadl::FROM_UART.as_bytes(), b"1");
}

#[test]
fn checksum() {
    assert_eq!(crc::CHECK, 0x31C3);
    assert_eq!(crc::to_wire(0x31C3), [0xC3, 0x31]);
}

#[test]
fn times() {
    assert_eq!(timing::MAX_RESPONSE, Duration::from_millis(300));
    assert_eq!(timing::PWRKEY_LOW_MIN, Duration::from_millis(500));
    assert_eq!(timing::RESET_LOW_MIN, Duration::from_millis(50));
    assert_eq!(timing::FIRST_ATTACH_MAX, Duration::from_secs(420));
    assert_eq!(timing::BAUD_DEFAULT, 115_200);
    assert_eq!(timing::BAUD_RATES, [4_800, 9_600, 115_200]);
    assert_eq!(timing::BITS_PER_BYTE, 10);
}

#[test]
fn boot_lines() {
    let block = "F1: 0000 0000|V0: 0000 0000 [0001]|00: 0006 000C|01: 0000 0000|U0: 0000 0001 [0000]|T0: 0000 00B4|Leaving the BROM";
    assert_eq!(boot::BROM.join("|"), block);
    assert_eq!(boot::BROM_LINE_END.as_bytes(), b"\n\r");
    assert_eq!(boot::RDY.as_bytes(), b"RDY");
    assert_eq!(boot::CFUN_FULL.as_bytes(), b"+CFUN: 1");
    assert_eq!(boot::CPIN_READY.as_bytes(), b"+CPIN: READY");
    assert_eq!(boot::IP.as_bytes(), b"+IP:");
}

#[test]
fn modules() {
    assert_eq!(Module::ALL, [Module::Bc66, Module::Bc66Na]);
    assert_eq!(Module::Bc66.ati_model().as_bytes(), b"Quectel_BC66");
    assert_eq!(Module::Bc66Na.ati_model().as_bytes(), b"Quectel_BC66NA");
    assert_eq!(module::ATI_VENDOR.as_bytes(), b"Quectel_Ltd");
    assert_eq!(module::REVISION.as_bytes(), b"Revision:");
}

#[test]
fn commands() {
    let literal = [
        (command::ATI, "I"),
        (command::CGMR, "+CGMR"),
        (command::CESQ, "+CESQ"),
        (command::CEREG, "+CEREG"),
        (command::CGPADDR, "+CGPADDR"),
        (command::CPIN, "+CPIN"),
        (command::COPS, "+COPS"),
        (command::CFUN, "+CFUN"),
        (command::CGSN, "+CGSN"),
        (command::CMEE, "+CMEE"),
        (command::QSCLK, "+QSCLK"),
        (command::CPSMS, "+CPSMS"),
        (command::QNBIOTEVENT, "+QNBIOTEVENT"),
        (command::IPR, "+IPR"),
        (command::QPOWD, "+QPOWD"),
        (command::QRST, "+QRST"),
        (command::QFUPLEX, "+QFUPLEX"),
        (command::QFOTADL, "+QFOTADL"),
    ];
    for (name, bytes) in literal {
        assert_eq!(name, bytes);
    }
}

#[test]
fn errors() {
    let numbers = [
        cme::NOT_ALLOWED,
        cme::NOT_SUPPORTED,
        cme::SIM_BUSY,
        cme::BAD_PARAMETER,
    ];
    assert_eq!(numbers, [3, 4, 14, 50]);
    assert_eq!(cme::CME_ERROR.as_bytes(), b"+CME ERROR:");
    assert_eq!(cme::CMEE_ERROR.as_bytes(), b"+CMEE ERROR:");
    let literal = [
        (3, "operation not allowed"),
        (4, "operation not supported"),
        (10, "no SIM"),
        (13, "SIM failure"),
        (14, "SIM busy"),
        (20, "memory full"),
        (30, "no network service"),
        (31, "network time-out"),
        (50, "bad parameter"),
        (100, "unknown"),
        (765, "invalid input value"),
        (766, "unsupported value"),
        (767, "operation failed"),
        (772, "USIM powered down"),
        (840, "no service"),
        (841, "cell search"),
        (842, "ERRC deactivated"),
        (846, "in PSM"),
        (847, "no data in idle"),
    ];
    for (code, name) in literal {
        assert_eq!(cme::name(code), Some(name));
    }
    assert_eq!(cme::name(1), None);
}

#[test]
fn lwm2m_registration() {
    assert_eq!(lwm2m::VERSION, "1.0");
    assert_eq!(lwm2m::PORT, 5683);
    assert_eq!((lwm2m::SCHEME, lwm2m::URI_MAX), ("coap://", 255));
    assert_eq!(lwm2m::REGISTRATION_PATH, "rd");
    assert_eq!(
        (lwm2m::LIFETIME_DEFAULT_S, lwm2m::LIFETIME_EXAMPLE_S),
        (86_400, 50)
    );
    assert_eq!((lwm2m::security::PSK, lwm2m::security::NO_SEC), (0, 3));
}

#[test]
fn lwm2m_objects() {
    use lwm2m::{device, firmware, object};
    assert_eq!(
        [object::SERVER, object::DEVICE, object::FIRMWARE_UPDATE],
        [1, 3, 5]
    );
    let resources = [
        firmware::PACKAGE,
        firmware::PACKAGE_URI,
        firmware::UPDATE,
        firmware::STATE,
        firmware::UPDATE_RESULT,
        firmware::PROTOCOL_SUPPORT,
        firmware::DELIVERY_METHOD,
    ];
    assert_eq!(resources, [0, 1, 2, 3, 5, 8, 9]);
    assert_eq!((firmware::PROTOCOL_COAP, firmware::DELIVERY_PULL), (0, 0));
    let resources = [
        device::MANUFACTURER,
        device::MODEL,
        device::SERIAL,
        device::FIRMWARE_VERSION,
        device::REBOOT,
        device::ERROR_CODE,
        device::BINDING,
    ];
    assert_eq!(resources, [0, 1, 2, 3, 4, 11, 16]);
}

#[test]
fn lwm2m_states() {
    let literal = [
        (0, State::Idle, "0 (Idle)"),
        (1, State::Downloading, "1 (Downloading)"),
        (2, State::Downloaded, "2 (Downloaded)"),
        (3, State::Updating, "3 (Updating)"),
    ];
    assert_eq!(literal.map(|(_, state, _)| state), State::ALL);
    for (raw, state, shown) in literal {
        assert_eq!(State::from_raw(raw), Some(state));
        assert_eq!((state.raw(), state.to_string().as_str()), (raw, shown));
    }
    assert_eq!(State::from_raw(4), None);
}

#[test]
fn lwm2m_results() {
    let literal = [
        (0, UpdateResult::Initial, "0 (initial value)"),
        (1, UpdateResult::Success, "1 (updated successfully)"),
        (2, UpdateResult::NoFlash, "2 (not enough flash memory)"),
        (3, UpdateResult::NoRam, "3 (out of RAM)"),
        (4, UpdateResult::ConnectionLost, "4 (connection lost)"),
        (5, UpdateResult::Integrity, "5 (integrity check failure)"),
        (
            6,
            UpdateResult::UnsupportedPackage,
            "6 (unsupported package type)",
        ),
        (7, UpdateResult::InvalidUri, "7 (invalid URI)"),
        (8, UpdateResult::UpdateFailed, "8 (update failed)"),
        (9, UpdateResult::UnsupportedProtocol, "9 (unsupported protocol)"),
        (10, UpdateResult::Cancelled, "10 (cancelled)"),
        (11, UpdateResult::Deferred, "11 (deferred)"),
        (12, UpdateResult::Undocumented(12), "12 (undocumented)"),
    ];
    for (raw, result, shown) in literal {
        assert_eq!(UpdateResult::from_raw(raw), result);
        assert_eq!((result.raw(), result.to_string().as_str()), (raw, shown));
    }
}

#[test]
fn lwm2m_formats() {
    use lwm2m::format::{JSON, JSON_OLD, LINK, OPAQUE, SENML_JSON, TEXT, TLV, TLV_OLD};
    let formats = [TEXT, LINK, OPAQUE, SENML_JSON, TLV_OLD, JSON_OLD, TLV, JSON];
    assert_eq!(formats, [0, 40, 42, 110, 1542, 1543, 11_542, 11_543]);
}

#[test]
fn lwm2m_dialogue() {
    use lwm2m::{command, reply, status};
    let literal = [
        (command::QLWCONFIG, "+QLWCONFIG"),
        (command::QLWREG, "+QLWREG"),
        (command::QLWUPDATE, "+QLWUPDATE"),
        (command::QLWDEREG, "+QLWDEREG"),
        (command::QLWSTATUS, "+QLWSTATUS"),
        (reply::QLWREG, "+QLWREG:"),
        (reply::QLWUPDATE, "+QLWUPDATE:"),
        (reply::QLWDEREG, "+QLWDEREG:"),
        (reply::QLWSTATUS, "+QLWSTATUS:"),
        (reply::QLWURC, "+QLWURC:"),
        (reply::REGISTERED_A06, "reg,0"),
    ];
    for (name, bytes) in literal {
        assert_eq!(name, bytes);
    }
    let updates = (command::UPDATE_LIFETIME, command::UPDATE_BINDING);
    assert_eq!((command::NO_BOOTSTRAP, updates), (0, (0, 1)));
    assert_eq!(reply::SUCCESS, 0);
    let states = (status::NOT_REGISTERED, status::REGISTERING, status::REGISTERED);
    assert_eq!(states, (0, 1, 2));
}
