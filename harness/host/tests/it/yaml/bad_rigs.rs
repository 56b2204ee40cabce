//! Rig files that are refused, with the whole text that their author reads.

use crate::yaml::bench::{rig, same, shown};
use dfota_hil::config::rig::Rig;
use rstest::rstest;
use std::path::Path;

const SIM: &str = "rig: sim\nmodule: bc66\nsimulated: {firmware: BC66NBR01A01}\n";
const BENCH: &str = "rig: bench\nmodule: bc66\nserial: {port: /dev/ttyS0}\n";

#[rstest]
#[case("empty", "")]
#[case("comment-alone", "# nothing yet\n")]
#[case("null", "~\n")]
#[case("a-list", "- rig\n")]
#[case("a-word", "rig\n")]
#[case("tab", "rig: sim\nsimulated:\n\tfirmware: BC66NBR01A01\n")]
#[case("unclosed", "rig: sim\nmodule: bc66\nsimulated: {firmware: BC66NBR01A01\n")]
#[case("unquoted-colon", "rig: sim: two\nmodule: bc66\n")]
#[case("control-character", "rig: si\u{7}m\n")]
#[case(
    "two-documents",
    "rig: sim\nmodule: bc66\nsimulated: {firmware: A}\n---\nrig: other\n"
)]
#[case("unknown-alias", "rig: *nobody\n")]
#[case(
    "unknown-keys",
    "rgi: sim\nmodule: bc66\nsimulated: {firmwear: A, speed: 1}\ncolour: blue\n"
)]
#[case(
    "duplicate-keys",
    "rig: sim\nmodule: bc66\nrig: other\nsimulated: {firmware: A, speed: 1, speed: 2}\n"
)]
#[case("missing", "rig: sim\n")]
#[case("null-value", "rig:\nmodule: bc66\nsimulated: ~\n")]
#[case("wrong-kinds", "rig: [sim]\nmodule: {a: b}\nsimulated: fast\nlabels: bench\n")]
#[case("module", "rig: sim\nmodule: bc68\nsimulated: {firmware: A}\n")]
#[case("speed", "rig: sim\nmodule: bc66\nsimulated: {firmware: A, speed: 0}\n")]
#[case(
    "speed-nan",
    "rig: sim\nmodule: bc66\nsimulated: {firmware: A, speed: .nan, seed: -1}\n"
)]
#[case("version", "rig: sim\nmodule: bc66\nsimulated: {firmware: \"BC66 A01\"}\n")]
#[case(
    "lab-keys",
    "rig: sim\nmodule: bc66\nsimulated: {firmware: A}\nlab: {adress: 1 Example Street, authorised_by: me}\n"
)]
#[case(
    "lab-values",
    "rig: sim\nmodule: bc66\nsimulated: {firmware: A}\nlab: {name: \"\", address: A, customer: \"a\\nb\", item: {received: 3.11.2026}}\n"
)]
#[case(
    "lab-labgrid",
    "rig: sim\nmodule: bc66\nsimulated: {firmware: A}\nlab: {labgrid: -p bench, location: here}\n"
)]
#[case(
    "lab-labgrid-empty",
    "rig: sim\nmodule: bc66\nsimulated: {firmware: A}\nlab: {labgrid: \"\"}\n"
)]
#[case("lab-empty", "rig: sim\nmodule: bc66\nsimulated: {firmware: A}\nlab: {}\n")]
fn refused(#[case] name: &str, #[case] text: &str) {
    same(&format!("rig-{name}"), &shown(rig(text.as_bytes())));
}

#[rstest]
#[case("neither", "labels: [a]\n")]
#[case("no-power", BENCH)]
#[case("driver", "power: {driver: gpio, chip: /dev/gpiochip0, line: 17}\n")]
#[case(
    "driver-keys",
    "power: {driver: command, chip: /dev/gpiochip0, on: [relay], off: [relay], pulse: [x]}\n"
)]
#[case(
    "other-drivers-keys",
    "power: {driver: rppal, chip: /dev/gpiochip0, line: 17}\n"
)]
#[case("number-without-a-chip", "power: {driver: gpiochip, line: 17}\n")]
#[case("no-command", "power: {driver: command, on: [], timeout: 5}\n")]
#[case(
    "power-values",
    "power: {driver: rppal, pin: 99, active: hihg, safe: maybe, discharge: soon}\n"
)]
#[case(
    "network",
    "power: {driver: rppal, pin: 17}\nnetwork:\n  http: {listen: \"localhost:8080\", advertise: \"https://lab:8080\"}\n  \
     coap: {listen: \"0.0.0.0:5683\", advertise: \"coap://lab:5683/packages\"}\n  pin: 12\n"
)]
#[case(
    "hold",
    "power: {driver: rppal, pin: 17}\nreset: {driver: rppal, pin: 27, hold: 0s}\n"
)]
#[case(
    "sense-and-isolate",
    "power: {driver: rppal, pin: 17}\nsense: {driver: command, chip: x}\nisolate: {driver: simulated}\n"
)]
#[case(
    "sense-keys",
    "power: {driver: rppal, pin: 17}\nsense: {driver: rppal, line: 24, active: up}\nisolate: {driver: command, on: [mux]}\n"
)]
fn bench_refused(#[case] name: &str, #[case] rest: &str) {
    let head = if rest.starts_with("rig:") || name == "neither" {
        "rig: bench\nmodule: bc66\n"
    } else {
        BENCH
    };
    let text = if rest == BENCH {
        BENCH.to_owned()
    } else {
        format!("{head}{rest}")
    };
    same(&format!("rig-{name}"), &shown(rig(text.as_bytes())));
}

#[test]
fn a_simulated_rig_has_no_wires() {
    let text = format!("{SIM}serial: {{port: /dev/ttyS0, baud: 0}}\npower: {{driver: rppal, pin: 17}}\n");
    same("rig-simulated-and-wires", &shown(rig(text.as_bytes())));
}

#[test]
fn a_baud_rate_of_nothing() {
    let text = "rig: bench\nmodule: bc66\nserial: {port: /dev/ttyS0, baud: 0, latency: 20}\npower: {driver: rppal, pin: 1}\n";
    same("rig-baud", &shown(rig(text.as_bytes())));
}

#[rstest]
#[case("port-scheme", "telnet://pi:23")]
#[case("port-no-port", "socket://pi.example.com")]
#[case("port-not-a-port", "rfc2217://::1:99999")]
fn a_port_that_is_no_place(#[case] name: &str, #[case] port: &str) {
    let text =
        format!("rig: bench\nmodule: bc66\nserial: {{port: \"{port}\"}}\npower: {{driver: rppal, pin: 1}}\n");
    same(&format!("rig-{name}"), &shown(rig(text.as_bytes())));
}

#[test]
fn bytes_that_are_no_utf8() {
    same(
        "rig-no-utf8",
        &shown(rig(b"rig: sim\nmodule: bc66\nlabels: [K\xf6ln]\n")),
    );
}

#[test]
fn utf16() {
    same("rig-utf16", &shown(rig(b"\xff\xfer\0i\0g\0:\0 \0s\0i\0m\0")));
}

#[test]
fn too_deep() {
    let text = format!("rig: {}1{}\n", "[".repeat(60), "]".repeat(60));
    same("rig-too-deep", &shown(rig(text.as_bytes())));
}

#[test]
fn a_file_that_is_none() {
    same("rig-no-file", &shown(Rig::load(Path::new("no/such/rig.yaml"))));
    let folder = shown(Rig::load(Path::new(env!("CARGO_MANIFEST_DIR"))));
    assert!(
        folder.contains("expected a YAML file, found a directory"),
        "{folder}"
    );
}
