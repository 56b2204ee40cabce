//! Runs on eight rigs that are told to end.

use super::{arguments, await_told, cuts, nothing_is_left, one_verdict_each, whole};
use crate::cli::live::client::{Events, connect};
use crate::lab::Lab;
use crate::process::{Running, Signal};
use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;

const RIGS: [&str; 8] = ["rig.yaml"; 8];

/// Eight rigs, each in the middle of a case.
fn at_work(lab: &Lab, more: &[&str]) -> Running {
    lab.rig(20, "");
    cuts(lab, 16);
    let running = lab.start(&arguments(&RIGS, &[&["--canary", "0"], more].concat()));
    let mut seen = BTreeSet::new();
    while seen.len() < RIGS.len() {
        let next = await_told(lab, "ordered", |event| !seen.contains(&event["rig"].to_string()));
        seen.insert(next["rig"].to_string());
    }
    running
}

#[test]
fn one_signal_ends_the_cases_of_all_rigs() {
    let lab = Lab::new();
    let running = at_work(&lab, &[]);
    running.signal(Signal::INT);
    let ran = whole(&lab, running.end(), 130);
    // The workers were told so by their parent, and do not say it again.
    assert_eq!(
        ran.stderr,
        "interrupted: every rig is brought to its safe state; interrupt again to stop at once\n"
    );
    all_were_interrupted(&lab);
}

/// Nothing but what passed before, was interrupted, or was not begun.
#[track_caller]
fn all_were_interrupted(lab: &Lab) {
    let verdicts = lab.verdicts("out");
    let interrupted = |verdict: &&String| verdict.ends_with(" inconclusive interrupted");
    assert!(
        verdicts.iter().any(|verdict| interrupted(&verdict)),
        "{verdicts:#?}"
    );
    let rest = verdicts.iter().filter(|verdict| !interrupted(verdict));
    let unexpected: Vec<&String> = rest
        .filter(|verdict| !verdict.ends_with(" not-reached -") && !verdict.ends_with(" pass -"))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

/// Whoever looks on holds nothing up, also who asks and never reads.
#[test]
fn a_signal_while_the_page_is_open() {
    let lab = Lab::new();
    let mut running = at_work(&lab, &["--live", "127.0.0.1:0"]);
    let said = running.stderr();
    let (_, url) = said.split_once("live: http://").expect("an address");
    let (addr, _) = url.split_once('/').expect("a path");
    let addr: SocketAddr = addr.parse().expect("an address");
    let stream = Events::open(addr);
    let mut deaf = connect(addr);
    deaf.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("a request");
    running.signal(Signal::INT);
    stream.until(|event| event.name == "ended");
    let ran = whole(&lab, running.end(), 130);
    ran.complains("interrupted: every rig is brought to its safe state");
    all_were_interrupted(&lab);
}

#[test]
fn a_second_signal_ends_all_of_it_at_once() {
    let lab = Lab::new();
    let mut running = at_work(&lab, &[]);
    running.signal(Signal::INT);
    running.await_stderr("interrupt again to stop at once");
    running.signal(Signal::INT);
    running.end().ends(130);
    nothing_is_left(&lab);
    lab.run(&["report", "out"]).ends(0);
    one_verdict_each(&lab);
    let verdicts = lab.verdicts("out");
    let failed: Vec<&String> = verdicts
        .iter()
        .filter(|verdict| verdict.contains(" fail "))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    lab.run(&["judge", "out"]).ends(0);
}
