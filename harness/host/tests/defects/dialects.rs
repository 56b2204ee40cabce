//! What is legal raises no alarm: the sound module, and each dialect of it, over many seeds.

use crate::lab::Lab;
use crate::pool;
use bc66_sim::dialect::Dialect;

/// As fast as a cut can still be aimed.
const SPEED: u32 = 400;
/// A clean update and a forced resume, there and back, so that none has to be prepared.
const CASES: &str = "cases:
  - {name: over http, update: {package: a-to-b, via: http}}
  - {name: forced resume, update: {package: b-to-a, via: uart}, cut: {at: updating 40%, after: 0ms..4s}}
  - {name: over coap, update: {package: a-to-b, via: coap}}
";

#[test]
fn no_false_alarm() {
    no_alarm_with(1..3);
}

#[test]
#[ignore = "minutes: `just defects` runs it"]
fn no_false_alarm_with_twenty_seeds() {
    no_alarm_with(1..21);
}

fn no_alarm_with(seeds: std::ops::Range<u64>) {
    let voices: Vec<Option<Dialect>> = std::iter::once(None)
        .chain(Dialect::ALL.into_iter().map(Some))
        .collect();
    let runs: Vec<(Option<Dialect>, u64)> = seeds
        .flat_map(|seed| voices.iter().map(move |dialect| (*dialect, seed)))
        .collect();
    let alarms = pool::each(&runs, |(dialect, seed)| alarm(*dialect, *seed));
    let alarms: Vec<String> = alarms.into_iter().flatten().collect();
    assert!(
        alarms.is_empty(),
        "{} of {} runs:\n{}",
        alarms.len(),
        runs.len(),
        alarms.join("\n")
    );
    println!("{} runs of a sound module, no alarm", runs.len());
}

/// Runs the suite; what it complained about.
fn alarm(dialect: Option<Dialect>, seed: u64) -> Option<String> {
    let name = dialect.map_or("", Dialect::name);
    let lab = Lab::new();
    lab.write(
        "rig.yaml",
        format!(
            "rig: lab\nmodule: bc66\nsimulated: {{firmware: BC66NBR01A01, speed: {SPEED}, dialects: [{name}]}}\n"
        ),
    );
    lab.suite(CASES);
    let seed = seed.to_string();
    let ran = lab.run(&[
        "run",
        "suite.yaml",
        "--rig",
        "rig.yaml",
        "--out",
        "out",
        "--seed",
        &seed,
    ]);
    let sound = ran.code == Some(0) && !ran.stderr.contains("panicked");
    (!sound).then(|| {
        format!(
            "dialect `{name}`, seed {seed}: {:?}\n{}{}",
            ran.code, ran.stdout, ran.stderr
        )
    })
}
