//! Packages: what goes over the wire and what is reported of it.

use crate::coap::bench::{Bench, get, package, size};
use dfota_clock::Clock;
use dfota_core::coap::{BlockOption, CoapCode, CoapMessage, option};
use dfota_core::fault::CoapFaults;
use dfota_core::percent::Percent;
use dfota_servers::coap::CoapEvent;
use dfota_servers::{OfferError, OfferPath};
use rstest::rstest;
use std::time::{Duration, Instant};

#[rstest]
#[case(16)]
#[case(64)]
#[case(512)]
#[case(1024)]
fn a_package_arrives_in_blocks_of_the_size_that_is_asked_for(#[case] bytes: u64) {
    let bench = Bench::new();
    let whole = package(80_000); // more than 12 bits of 16-byte blocks
    let offer = bench.offer(&whole, CoapFaults::default());
    let mut client = bench.client();
    assert_eq!(client.download(offer.path(), 0, size(bytes)), whole);
    let report = bench.report();
    let blocks = 80_000_u64.div_ceil(bytes);
    assert_eq!(report.range, Some(format!("blocks 0-{} of {bytes}", blocks - 1)));
    assert_eq!(
        (report.ours, report.status, report.fault),
        (true, Some(205), None)
    );
    assert_eq!((report.first, report.sent, report.wanted), (0, 80_000, 80_000));
    let served = offer.requests();
    assert_eq!((served.requests, served.bytes), (1, 80_000));
    assert_eq!(served.ranges.first(), Some(&(0..80_000)));
}

#[test]
fn the_bytes_of_one_block() {
    let bench = Bench::new();
    let offer = bench.offer(&package(100), CoapFaults::default());
    let mut client = bench.client();
    let answer = client.ask(&get(offer.path(), BlockOption::new(0, size(64))));
    assert_eq!(answer.option(option::ETAG), Some(&offer.etag()[..]));
    assert_eq!(answer.uint(option::SIZE2), Some(100));
    assert_eq!(answer.uint(option::CONTENT_FORMAT), Some(42));
    assert_eq!(answer.option(option::BLOCK2), Some(&[0x0A][..]));
    assert_eq!(answer.payload(), &package(100)[..64]);
}

#[test]
fn it_goes_on_at_any_block_and_says_how_much_is_acknowledged() {
    let bench = Bench::new();
    let whole = package(1000);
    let offer = bench.offer(&whole, CoapFaults::default());
    let mut client = bench.client();
    for number in 0..3 {
        client.ask(&get(offer.path(), BlockOption::new(number, size(128))));
    }
    let mark = offer.mark();
    assert_eq!(client.download(offer.path(), 5, size(128)), whole[640..]);
    let acknowledged = bench.so_far().into_iter().filter_map(|event| match event {
        CoapEvent::Acknowledged { bytes, len: 1000, .. } => Some(bytes),
        _ => None,
    });
    assert_eq!(acknowledged.collect::<Vec<u64>>(), [128, 256, 768, 896, 1000]);
    let since = offer.requests_since(mark);
    assert_eq!((since.requests, since.bytes), (1, 360));
    let ranges = offer.requests().ranges;
    assert_eq!(ranges, [0..384, 640..1000]);
}

#[test]
fn a_download_that_broke_off_is_reported_when_it_is_settled() {
    let bench = Bench::new();
    let offer = bench.offer(&package(1000), CoapFaults::default());
    let mut client = bench.client();
    for number in [0, 1, 1, 2] {
        client.ask(&get(offer.path(), BlockOption::new(number, size(64))));
    }
    assert!(
        bench
            .so_far()
            .iter()
            .all(|event| !matches!(event, CoapEvent::Request(_)))
    );
    offer.settle();
    let report = bench.report();
    assert_eq!(
        report.range.as_deref(),
        Some("blocks 0-2 of 64, 1 asked for again")
    );
    assert_eq!((report.first, report.sent, report.wanted), (0, 192, 1000));
    let path = offer.path().to_owned();
    drop(offer);
    let answer = client.ask(&get(&path, BlockOption::new(0, size(64))));
    assert_eq!(answer.code(), CoapCode::NOT_FOUND);
    assert!(!bench.report().ours);
}

#[test]
fn a_download_that_rests_is_reported_after_the_life_of_an_exchange() {
    let bench = Bench::with(Clock::scaled(1000.0));
    let offer = bench.offer(&package(1000), CoapFaults::default());
    bench
        .client()
        .ask(&get(offer.path(), BlockOption::new(0, size(64))));
    assert_eq!(bench.report().sent, 64);
}

fn share(percent: u8) -> Option<Percent> {
    Percent::new(percent)
}

#[test]
fn every_third_datagram_gets_lost_each_way() {
    let bench = Bench::new();
    let faults = CoapFaults {
        drop_every: Some(3),
        ..CoapFaults::default()
    };
    let offer = bench.offer(&package(64 * 6), faults);
    let mut client = bench.client();
    // Seven requests: the 3rd and 6th are lost; of five answers the 3rd. Each lost one is asked for again.
    let mut heard = vec![];
    for (number, answered) in [
        (0, true),
        (1, true),
        (2, false),
        (2, false),
        (2, true),
        (3, false),
        (3, true),
    ] {
        client.send(&get(offer.path(), BlockOption::new(number, size(64))));
        if answered {
            heard.push(client.receive().block(option::BLOCK2).unwrap().unwrap().number);
        } else {
            client.hears_nothing_before_a_pong();
        }
    }
    assert_eq!(heard, [0, 1, 2, 3]);
    offer.settle();
    let report = bench.report();
    assert_eq!(
        report.fault.as_deref(),
        Some("lost 2 datagrams to the server and 1 from it")
    );
    assert_eq!(
        report.range.as_deref(),
        Some("blocks 0-3 of 64, 1 asked for again")
    );
}

#[test]
fn a_lost_answer_is_sent_again_for_the_same_message() {
    let bench = Bench::new();
    let faults = CoapFaults {
        drop_every: Some(2),
        ..CoapFaults::default()
    };
    let offer = bench.offer(&package(64 * 2), faults);
    let mut client = bench.client();
    client.ask(&get(offer.path(), BlockOption::new(0, size(64))));
    let last = get(offer.path(), BlockOption::new(1, size(64)));
    client.send(&last); // lost on its way
    client.hears_nothing_before_a_pong();
    let id = client.send(&last); // its answer is lost
    client.hears_nothing_before_a_pong();
    let mut again = last.encode();
    again[2..4].copy_from_slice(&id.to_be_bytes());
    client.socket.send(&again).unwrap(); // lost
    client.socket.send(&again).unwrap(); // answered out of memory
    assert_eq!(client.receive().payload(), &package(128)[64..]);
    assert_eq!(offer.requests().bytes, 128, "it was served once");
}

#[test]
fn faults_show_on_the_wire_and_in_the_report() {
    let bench = Bench::new();
    let faults = CoapFaults {
        max_block: Some(32),
        change_etag_at: share(50),
        duplicate_every: Some(2),
        ..CoapFaults::default()
    };
    let offer = bench.offer(&package(64), faults);
    let mut client = bench.client();
    let first = client.ask(&get(offer.path(), BlockOption::new(0, size(1024))));
    assert_eq!(first.payload().len(), 32);
    let second = client.ask(&get(offer.path(), BlockOption::new(1, size(32))));
    assert_ne!(second.option(option::ETAG), first.option(option::ETAG));
    assert_eq!(client.receive(), second, "twice");
    offer.settle();
    let report = bench.report();
    let fault = report.fault.expect("its faults");
    assert!(
        fault.contains("blocks of 32 instead of 1024") && fault.contains("changed the ETag at 50%"),
        "{fault}"
    );
}

#[test]
fn it_stops_at_a_share_and_is_silent_from_there_on() {
    let bench = Bench::new();
    let faults = CoapFaults {
        stop_at: share(50),
        ..CoapFaults::default()
    };
    let offer = bench.offer(&package(256), faults);
    let mut client = bench.client();
    for number in 0..2 {
        client.ask(&get(offer.path(), BlockOption::new(number, size(64))));
    }
    client.send(&get(offer.path(), BlockOption::new(2, size(64))));
    client.hears_nothing_before_a_pong();
    offer.settle();
    let report = bench.report();
    assert_eq!(
        (report.sent, report.wanted, report.fault.as_deref()),
        (128, 256, Some("stopped at 50%"))
    );
    offer.set_faults(CoapFaults::default()).expect("no faults");
    assert_eq!(client.download(offer.path(), 0, size(64)), package(256));
}

#[test]
fn what_stops_before_the_first_block_is_reported_too() {
    let bench = Bench::new();
    let faults = CoapFaults {
        stop_at: share(0),
        ..CoapFaults::default()
    };
    let offer = bench.offer(&package(256), faults);
    let mut client = bench.client();
    client.send(&get(offer.path(), BlockOption::new(0, size(64))));
    client.hears_nothing_before_a_pong();
    let report = bench.report();
    assert_eq!((report.status, report.sent, report.wanted), (None, 0, 256));
    assert_eq!(
        (report.ours, report.fault.as_deref()),
        (true, Some("stopped at 0%"))
    );
}

#[test]
fn an_answer_is_held_back() {
    let bench = Bench::with(Clock::scaled(100.0));
    let delay = Some(Duration::from_secs(5));
    let offer = bench.offer(
        &package(10),
        CoapFaults {
            delay,
            ..CoapFaults::default()
        },
    );
    let begun = Instant::now();
    bench
        .client()
        .ask(&get(offer.path(), BlockOption::new(0, size(64))));
    assert!(begun.elapsed() >= Duration::from_millis(50));
}

#[test]
fn not_found_is_answered_and_reported() {
    let bench = Bench::new();
    let offer = bench.offer(
        &package(10),
        CoapFaults {
            not_found: true,
            ..CoapFaults::default()
        },
    );
    let answer = bench
        .client()
        .ask(&get(offer.path(), BlockOption::new(0, size(64))));
    assert_eq!(answer.code(), CoapCode::NOT_FOUND);
    let report = bench.report();
    assert_eq!(
        (report.ours, report.status, report.fault.as_deref()),
        (true, Some(404), Some("answered 4.04"))
    );
}

#[test]
fn what_can_not_be_offered() {
    let bench = Bench::new();
    let offer = |base: &str, name: &str, faults| {
        let seed = dfota_core::seed::Seed(1);
        bench
            .server
            .offer(
                base,
                OfferPath::Unguessable(name),
                package(1).into(),
                faults,
                seed,
            )
            .map(drop)
    };
    let none = CoapFaults::default;
    assert!(matches!(
        offer("http://h", "p", none()),
        Err(OfferError::Base {
            scheme: "coap://",
            ..
        })
    ));
    assert!(matches!(
        offer("coap://h", &"p".repeat(250), none()),
        Err(OfferError::TooLong { .. })
    ));
    let every = CoapFaults {
        drop_every: Some(1),
        ..none()
    };
    assert!(matches!(offer("coap://h", "p", every), Err(OfferError::Every(1))));
    let odd = CoapFaults {
        max_block: Some(100),
        ..none()
    };
    assert!(matches!(
        offer("coap://h", "p", odd),
        Err(OfferError::BlockSize(100))
    ));
    assert!(offer("coap://h:1", "p", none()).is_ok());
}

#[test]
fn paths_can_not_be_guessed_or_listed() {
    let bench = Bench::new();
    let offers = [0, 1].map(|_| bench.offer(&package(10), CoapFaults::default()));
    assert_ne!(offers[0].path(), offers[1].path());
    let listed = bench
        .client()
        .ask(&CoapMessage::request(CoapCode::GET, ".well-known/core"));
    assert_eq!(listed.payload(), b"</rd>;rt=\"core.rd\"");
}
