//! Who reads the events: a few, a hundred, and one that does not read.

use super::Live;
use super::client::{Events, connect, get};
use std::io::Write;

#[test]
fn a_reader_gets_everything_first_then_what_changes_then_the_end() {
    let live = Live::start(100, "127.0.0.1:0", &[]);
    let events = Events::open(live.addr()).until(|event| event.name == "ended");
    let parts: Vec<&str> = events
        .iter()
        .filter(|event| event.name == "part")
        .filter_map(|event| event.data.lines().next())
        .collect();
    assert_eq!(parts[..5], ["head", "rigs", "queue", "verdicts", "claim"]);
    let later = |part: &str| parts[5..].iter().filter(|name| **name == part).count();
    assert!(later("rig-1") > 3 && later("verdicts") > 1, "{parts:?}");
    let verdicts = events
        .iter()
        .rev()
        .find(|event| event.data.starts_with("verdicts\n"));
    let last = &verdicts.expect("verdicts").data;
    assert!(last.matches("badge pass").count() == 3, "{last}");
    let end = &events.last().expect("an end").data;
    assert!(
        end.starts_with("The run is over. Its report: ") && end.contains("report.html"),
        "{end}"
    );
    live.run.end().ends(0);
}

/// A hundred pages are open, one of them on a machine that has stalled, while cuts land.
#[test]
fn a_hundred_readers_and_a_stalled_one_hold_up_nothing() {
    let live = Live::start(100, "127.0.0.1:0", &[]);
    let addr = live.addr();
    let mut stalled = connect(addr);
    stalled
        .write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("a request");
    let mut half = connect(addr);
    half.write_all(b"GET / HTTP/1.1\r\nHost: loc")
        .expect("a part of a request");
    let readers: Vec<_> = (0..100)
        .map(|_| Events::open(addr))
        .map(|events| std::thread::spawn(move || events.until(|event| event.name == "ended").len()))
        .collect();
    live.await_verdicts(1);
    assert_eq!(get(addr, "/").status, 200, "there is room for one more");
    for reader in readers {
        assert!(reader.join().expect("a reader") > 8);
    }
    drop((stalled, half));
    live.run.end().ends(0).says("3 cases: 3 passed");
}

/// More connections than there may be: those beyond are told so, and the run goes on.
#[test]
fn too_many_pages_are_refused() {
    // It goes on until all are open.
    let live = Live::start(40, "127.0.0.1:0", &[]);
    let addr = live.addr();
    let open: Vec<Events> = (0..256).map(|_| Events::open(addr)).collect();
    let refused = get(addr, "/");
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.body.contains("close one"), "{refused:?}");
    drop(open);
    crate::process::wait_until("room for a page again", || get(addr, "/").status == 200);
    live.run.end().ends(0);
}
