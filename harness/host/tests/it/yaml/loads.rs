//! Every file of the repository loads, and becomes what it says.

use crate::yaml::bench::{rig, root, suite, suite_of};
use dfota_core::expect::{Becomes, CommandReply, Expect, ExpectedObject};
use dfota_core::fault::{CoapFaults, OrderFault, UartFault};
use dfota_core::measure::MeasureLimits;
use dfota_core::percent::Percent;
use dfota_core::transport::Via;
use dfota_hil::config::rig::reflash::Reflash;
use dfota_hil::config::rig::{Driver, LineId, Link, Rig, Safe};
use dfota_hil::config::suite::Suite;
use rstest::rstest;
use std::path::PathBuf;
use std::time::Duration;

#[rstest]
fn every_rig_of_the_repository_loads() {
    let mut names = Vec::new();
    for file in yaml_files("rigs") {
        let rig = Rig::load(&file).unwrap_or_else(|why| panic!("{}", why.render(false)));
        names.push(rig.name);
    }
    names.sort();
    assert_eq!(names, ["bench-01", "sim", "sim-fast", "sim-slow"]);
}

#[rstest]
fn every_suite_of_the_repository_loads() {
    let mut names = Vec::new();
    for file in yaml_files("suites") {
        let suite = Suite::load(&file).unwrap_or_else(|why| panic!("{}", why.render(false)));
        assert!(suite.warnings.is_empty(), "{:?}", suite.warnings);
        names.push(suite.name);
    }
    names.sort();
    assert_eq!(
        names,
        [
            "bc66-campaign",
            "bc66-download-cuts",
            "bc66-forced-resume",
            "bc66-lossy-coap",
            "bc66-lossy-coap-hard",
            "bc66-quectel-cut-points",
            "bc66-refusals",
            "bc66-smoke",
            "bc66-soak"
        ]
    );
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "yaml"))
        .collect()
}

/// The examples of the two references load as they stand.
#[rstest]
#[case("rigs")]
#[case("suites")]
fn the_examples_of_the_references_load(#[case] folder: &str) {
    let text = std::fs::read_to_string(root().join(folder).join("README.md")).unwrap();
    let examples: Vec<&str> = text
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        let refused = match folder {
            "rigs" => rig(example.as_bytes()).err(),
            _ => suite(
                example
                    .replace("packages/a-to-b", "a")
                    .replace("packages/b-to-a", "b")
                    .as_bytes(),
            )
            .err(),
        };
        if let Some(why) = refused {
            panic!("{}\n{example}", why.render(false));
        }
    }
}

#[test]
fn a_simulated_rig_and_its_defaults() {
    let rig = rig(b"rig: sim\nmodule: bc66\nsimulated: {firmware: BC66NBR01A01}\n").unwrap();
    let Link::Simulated(simulated) = &rig.link else {
        panic!("{:?}", rig.link);
    };
    assert_eq!(simulated.firmware.as_str(), "BC66NBR01A01");
    assert_eq!((simulated.speed, simulated.seed), (1.0, None));
    assert!(simulated.defects.is_empty() && simulated.dialects.is_empty());
    assert_eq!(rig.discharge(), Duration::from_secs(3));
    assert_eq!(rig.sha256.len(), 64);
}

#[test]
fn what_is_odd_about_a_simulated_module() {
    let rig = rig(b"rig: sim\nmodule: bc66\n\
        simulated: {firmware: BC66NBR01A01, defects: [no-backup], dialects: [end-twice, no-start]}\n")
    .unwrap();
    let Link::Simulated(simulated) = &rig.link else {
        panic!("{:?}", rig.link);
    };
    assert_eq!(simulated.defects, ["no-backup"]);
    assert_eq!(simulated.dialects, ["end-twice", "no-start"]);
}

#[test]
fn a_bench_and_its_defaults() {
    let rig = rig(b"rig: b\nmodule: bc66-na\nserial: {port: /dev/ttyS0}\n\
        power: {driver: command, on: [relay, \"1\", on], off: [relay, \"1\", off]}\n\
        reset: {driver: command, pulse: [relay, 2]}\n\
        pwrkey: {driver: gpiochip, line: PWRKEY, active: low}\n")
    .unwrap();
    let Link::Bench(bench) = &rig.link else {
        panic!("{:?}", rig.link);
    };
    assert_eq!(bench.serial.baud, 115_200);
    assert_eq!(bench.serial.latency, Duration::from_millis(20));
    assert_eq!(
        (bench.power.safe, bench.power.discharge),
        (Safe::Off, Duration::from_secs(3))
    );
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let command = Driver::Command {
        on: words(&["relay", "1", "on"]),
        off: words(&["relay", "1", "off"]),
        timeout: Duration::from_secs(5),
    };
    assert_eq!(bench.power.driver, command);
    let reset = bench.reset.as_ref().unwrap();
    assert_eq!(reset.hold, Duration::from_millis(100));
    let pulse = Driver::PulseCommand {
        pulse: words(&["relay", "2"]),
        timeout: Duration::from_secs(5),
    };
    assert_eq!(reset.driver, pulse);
    let pwrkey = bench.pwrkey.as_ref().unwrap();
    assert_eq!(pwrkey.hold, Duration::from_millis(700));
    let line = Driver::GpioChip {
        chip: None,
        line: LineId::Name("PWRKEY".to_owned()),
        active_high: false,
    };
    assert_eq!(pwrkey.driver, line);
}

#[test]
fn the_drivers_that_attach_to_a_simulated_module() {
    let rig = rig(
        b"rig: b\nmodule: bc66\nserial: {port: /dev/pts/3, latency: 0ms}\n\
        power: {driver: simulated, control: /tmp/c.sock, safe: on, discharge: 1s}\n\
        reset: {driver: simulated, control: /tmp/c.sock}\n\
        network: {http: {listen: \"[::1]:8080\", advertise: \"http://[::1]:8080/\"}, pin: \"0000\"}\n",
    )
    .unwrap();
    assert!(rig.has_reset());
    assert_eq!(rig.discharge(), Duration::from_secs(1));
    assert_eq!(rig.network.http.unwrap().advertise, "http://[::1]:8080");
    assert_eq!(rig.network.pin.as_deref(), Some("0000"));
}

#[test]
fn a_sense_line_and_what_isolates_the_uart() {
    let rig = rig(
        b"rig: b\nmodule: bc66\nserial: {port: /dev/ttyUSB0}\npower: {driver: rppal, pin: 17}\n\
        sense: {driver: gpiochip, chip: /dev/gpiochip0, line: 24, active: low}\n\
        isolate: {driver: command, on: [mux, \"off\"], off: [mux, \"on\"]}\n",
    )
    .unwrap();
    let Link::Bench(bench) = &rig.link else {
        panic!("{:?}", rig.link);
    };
    let sense = Driver::GpioChip {
        chip: Some(PathBuf::from("/dev/gpiochip0")),
        line: LineId::Offset(24),
        active_high: false,
    };
    assert_eq!(bench.sense, Some(sense));
    assert_eq!(bench.isolate.as_ref().map(Driver::name), Some("command"));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_mistake() {
    let text = "\u{feff}rig: sim\r\nmodule: bc66\r\nsimulated:\r\n  firmware: BC66NBR01A01\r\n";
    assert_eq!(rig(text.as_bytes()).unwrap().name, "sim");
}

#[test]
fn an_alias_stands_for_what_it_names() {
    let cases = "  - {name: one, update: &how {package: a-to-b, via: uart}}\n  - {name: two, update: *how}\n";
    let suite = suite(suite_of(cases).as_bytes()).unwrap();
    assert_eq!(suite.cases[0].case.package, suite.cases[1].case.package);
}

#[test]
fn a_matrix_multiplies_its_last_key_fastest() {
    let cases = "  - name: Forced resume!\n\
        \x20   matrix: {via: [http, uart], at: [20%, 50%], run: [1, 2]}\n\
        \x20   update: {package: a-to-b, via: \"{via}\"}\n\
        \x20   cut: {at: \"updating {at}\", after: 0ms..400ms, off: 5s}\n";
    let suite = suite(suite_of(cases).as_bytes()).unwrap();
    let ids: Vec<&str> = suite.cases.iter().map(|case| case.case.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "forced-resume[via=http,at=20%,run=1]",
            "forced-resume[via=http,at=20%,run=2]",
            "forced-resume[via=http,at=50%,run=1]",
            "forced-resume[via=http,at=50%,run=2]",
            "forced-resume[via=uart,at=20%,run=1]",
            "forced-resume[via=uart,at=20%,run=2]",
            "forced-resume[via=uart,at=50%,run=1]",
            "forced-resume[via=uart,at=50%,run=2]",
        ]
    );
    let last = &suite.cases[7].case;
    assert_eq!(last.via, Via::Uart);
    assert_eq!(last.place, "suites/try.yaml:6");
    let cut = last.cut.as_ref().unwrap();
    assert_eq!(cut.at.to_string(), "updating 50%");
    assert_eq!(
        (cut.after_max, cut.off, cut.times),
        (Duration::from_millis(400), Duration::from_secs(5), 1)
    );
    assert!(!suite.cases[7].off_is_discharge);
}

#[test]
fn a_name_is_replaced_wherever_a_value_stands() {
    let cases = "  - name: \"block of {size} on {v}\"\n\
        \x20   matrix: {size: [128, 8192], v: [1.10], n: [2], t: [90s]}\n\
        \x20   update: {package: a-to-b, via: uart, block_size: \"{size}\", on: \"{v}\"}\n\
        \x20   cut: {at: \"upload block {n}\", times: \"{n}\"}\n\
        \x20   limits: {boot: \"{t}\"}\n\
        \x20   tags: [\"size-{size}\"]\n\
        \x20   requirements: [\"TS 103 701 5.9-1-{n}\"]\n\
        \x20   skip: \"not {t}\"\n";
    let suite = suite(suite_of(cases).as_bytes()).unwrap();
    let planned = &suite.cases[1];
    let case = &planned.case;
    assert_eq!(case.id, "block-of-8192-on-1.10[size=8192,v=1.10,n=2,t=90s]");
    assert_eq!((case.block_size, case.on.as_str()), (8192, "1.10"));
    assert_eq!(case.cut.as_ref().unwrap().times, 2);
    assert_eq!(case.limits.boot, Duration::from_secs(90));
    assert_eq!(case.tags, ["size-8192"]);
    assert_eq!(case.requirements, ["TS 103 701 5.9-1-2"]);
    assert_eq!(planned.skip.as_deref(), Some("not 90s"));
    assert!(planned.off_is_discharge);
}

#[test]
fn what_is_not_expected_is_not_judged() {
    let cases = "  - {name: plain, update: {package: a-to-b, via: uart}}\n\
        \x20 - {name: one, update: {package: a-to-b, via: uart}, expect: {update: 254}}\n\
        \x20 - {name: all, update: {package: a-to-b, via: coap}, expect: {download: 0, update: 0, version: BC66NBR01A09, lwm2m: {state: 0, result: 1}}}\n\
        \x20 - {name: reply, update: {package: a-to-b, via: http}, expect: {reply: ERROR, version: unchanged}}\n";
    let suite = suite(suite_of(cases).as_bytes()).unwrap();
    let expect: Vec<&Expect> = suite.cases.iter().map(|case| &case.case.expect).collect();
    assert_eq!(*expect[0], Expect::success());
    let update = Expect {
        update: Some(254),
        ..Expect::default()
    };
    assert_eq!(*expect[1], update);
    let lwm2m = ExpectedObject {
        state: Some(0),
        result: Some(1),
    };
    assert_eq!(expect[2].lwm2m, Some(lwm2m));
    assert_eq!(
        expect[2].version,
        Some(Becomes::Version("BC66NBR01A09".parse().unwrap()))
    );
    assert_eq!(expect[3].reply, Some(CommandReply::Error));
    assert_eq!(expect[3].version, Some(Becomes::Unchanged));
}

#[rstest]
#[case("corrupt-block: 1", UartFault::CorruptBlock(1))]
#[case("short-block: 0", UartFault::ShortBlock(0))]
#[case("long-block: 2", UartFault::LongBlock(2))]
#[case("out-of-order: 3", UartFault::OutOfOrder(3))]
#[case("silence: 1", UartFault::Silence(1))]
#[case("nothing: true", UartFault::Nothing)]
fn uart_faults(#[case] fault: &str, #[case] expected: UartFault) {
    let cases =
        format!("  - {{name: x, update: {{package: a-to-b, via: uart}}, faults: {{uart: {{{fault}}}}}}}\n");
    let suite = suite(suite_of(&cases).as_bytes()).unwrap();
    assert_eq!(suite.cases[0].case.faults.uart, Some(expected));
}

#[rstest]
#[case("url-bytes: 256", OrderFault::UrlBytes(256))]
#[case("https: true", OrderFault::Https)]
#[case("before-ip: true", OrderFault::BeforeIp)]
#[case("again: 30%", OrderFault::Again("30%".parse().unwrap()))]
#[case("detach: 30%", OrderFault::Detach("30%".parse().unwrap()))]
fn order_faults(#[case] fault: &str, #[case] expected: OrderFault) {
    let cases =
        format!("  - {{name: x, update: {{package: a-to-b, via: http}}, faults: {{order: {{{fault}}}}}}}\n");
    let suite = suite(suite_of(&cases).as_bytes()).unwrap();
    assert_eq!(suite.cases[0].case.faults.order, Some(expected));
}

#[test]
fn http_faults_can_hold_together() {
    let cases = "  - name: x\n    update: {package: a-to-b, via: http}\n    faults:\n      http: {status: 404, refuse: true, \
        drop: 50%, stall: {at: 25%, for: 90s}, throttle: 500, truncate: 60%, corrupt: 70%, wrong-length: true, ignore-range: true}\n";
    let suite = suite(suite_of(cases).as_bytes()).unwrap();
    let http = &suite.cases[0].case.faults.http;
    assert_eq!((http.status, http.throttle), (Some(404), Some(500)));
    assert!(http.refuse && http.wrong_length && http.ignore_range);
    let stall = http.stall.unwrap();
    assert_eq!((stall.at.get(), stall.lasts), (25, Duration::from_secs(90)));
    let shares = [http.drop, http.truncate, http.corrupt].map(|share| share.unwrap().get());
    assert_eq!(shares, [50, 60, 70]);
}

#[test]
fn coap_faults_can_hold_together() {
    let cases = "  - name: x\n    matrix: {size: [16, 1024]}\n    update: {package: a-to-b, via: coap}\n    faults:\n      \
        coap: {drop-every: 2, drop-share: 5%, duplicate-every: 3, duplicate-share: 6%, delay: 500ms, stop: 50%, not-found: true, \
        change-etag: 60%, max-block: \"{size}\"}\n";
    let suite = suite(suite_of(cases).as_bytes()).unwrap();
    let faults = CoapFaults {
        execute_early: false,
        drop_every: Some(2),
        drop_share: Percent::new(5),
        duplicate_every: Some(3),
        duplicate_share: Percent::new(6),
        delay: Some(Duration::from_millis(500)),
        stop_at: Percent::new(50),
        not_found: true,
        change_etag_at: Percent::new(60),
        max_block: Some(16),
    };
    assert_eq!(suite.cases[0].case.faults.coap, faults);
    assert_eq!(suite.cases[1].case.faults.coap.max_block, Some(1024));
}

#[test]
fn the_network_can_go_over_coap_too() {
    let cases = "  - {name: x, update: {package: a-to-b, via: coap}, faults: {order: {detach: 30%}}}\n";
    let suite = suite(suite_of(cases).as_bytes()).unwrap();
    let detach = OrderFault::Detach("30%".parse().unwrap());
    assert_eq!(suite.cases[0].case.faults.order, Some(detach));
}

#[test]
fn a_cut_below_what_the_vendor_shows_is_worth_a_word() {
    let cases = "  - {name: early, update: {package: a-to-b, via: uart}, cut: {at: updating 5%}}\n";
    let suite = suite(suite_of(cases).as_bytes()).unwrap();
    let [warning] = &suite.warnings[..] else {
        panic!("{:?}", suite.warnings);
    };
    let column = cases.find("updating").unwrap() + 1;
    let start = format!("suites/try.yaml:6:{column}: a cut at `updating 5%`: UPDATING starts at 20% in");
    assert!(warning.starts_with(&start), "{warning}");
}

/// What a suite declares holds where it can be taken at all; what a case declares stands in its place.
#[test]
fn measurements_of_the_suite_and_of_a_case() {
    let cases = "  - {name: clean, update: {package: a-to-b, via: uart}}
  - {name: forced, update: {package: a-to-b, via: http}, cut: {at: updating 50%}}
  - name: own
    update: {package: a-to-b, via: uart}
    cut: {at: end}
    measure: {resumed-at: {min: 20%}, update-time: {max: 7m}}
  - {name: refused, update: {package: b-to-a, via: uart, on: BC66NBR01A01}, expect: {update: 254}}
";
    let declared =
        "measure: {resumed-at: {max: 60%}, bytes-again: {max: 0}, update-time: {max: 5m}, first-urc: {}}\n";
    let suite = suite(format!("{declared}{}", suite_of(cases)).as_bytes()).expect("a suite");
    let measures = |n: usize| -> Vec<(&str, Option<u64>, Option<u64>)> {
        let of = |declared: &MeasureLimits| (declared.measure.name(), declared.min, declared.max);
        suite.cases[n].case.measures.iter().map(of).collect()
    };
    let minutes = |minutes: u64| Some(minutes * 60_000_000_000);
    assert_eq!(
        measures(0),
        [("first-urc", None, None), ("update-time", None, minutes(5))]
    );
    assert_eq!(
        measures(1),
        [
            ("first-urc", None, None),
            ("resumed-at", None, Some(60)),
            ("update-time", None, minutes(5)),
            ("bytes-again", None, Some(0))
        ]
    );
    assert_eq!(
        measures(2),
        [
            ("first-urc", None, None),
            ("resumed-at", Some(20), None),
            ("update-time", None, minutes(7))
        ]
    );
    assert_eq!(measures(3), [("first-urc", None, None)]);
}

#[test]
fn how_a_module_is_restored() {
    let bench = "rig: r\nmodule: bc66\nserial: {port: /dev/x}\npower: {driver: command, on: [a], off: [b]}\n";
    let reflash = |more: &str| match rig(format!("{bench}{more}").as_bytes()).expect("a rig").link {
        Link::Bench(bench) => bench.reflash,
        Link::Simulated(_) => None,
    };
    assert_eq!(reflash(""), None);
    let program = Reflash::Program {
        command: vec!["qflash".into(), "BC66NBR01A01".into()],
        timeout: Duration::from_secs(300),
    };
    assert_eq!(
        reflash("reflash: {command: [qflash, BC66NBR01A01]}\n"),
        Some(program)
    );
    // As a line's program: from the rig file, wherever the program is started.
    let beside = reflash("reflash: {command: [./restore, ./a.bin]}\n");
    assert_eq!(
        beside.map(|reflash| reflash.to_string()),
        Some("`/rigs/restore ./a.bin`".into())
    );
}
