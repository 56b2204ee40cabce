//! What is legal raises no alarm: the sound module, and each dialect of it, over many seeds.

use crate::defects::pool;
use crate::lab::Lab;
use bc66_sim::dialect::Dialect;
use serde_json::Value;

/// Half as fast as a cut can still be aimed.
const SPEED: u32 = 200;
/// A clean update and a forced resume, there and back, so that none has to be prepared.
const CASES: &str = "cases:
  - {name: over http, update: {package: a-to-b, via: http}}
  - {name: forced resume, update: {package: b-to-a, via: uart}, cut: {at: updating 40%, after: 0ms..4s}}
";
/// For those whose lines are others over CoAP.
const OVER_COAP: &str = "  - {name: over coap, update: {package: a-to-b, via: coap}}
";

#[test]
fn no_false_alarm() {
    no_alarm_with(1..2);
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

/// Runs the suite; what it complained about. A cut that came too late is no complaint about the module (3, not 1), and a
/// busy machine may ask so late that a dialect has nothing more to say.
fn alarm(dialect: Option<Dialect>, seed: u64) -> Option<String> {
    let run = || run(dialect, seed);
    let spoilt = |(code, alarm): &(Option<i32>, Option<String>)| match code {
        Some(0) => alarm.is_some(),
        code => *code == Some(3),
    };
    pool::unspoilt(run, spoilt).1
}

/// The exit code, and what is not as it has to be. A dialect that was not heard would prove nothing.
fn run(dialect: Option<Dialect>, seed: u64) -> (Option<i32>, Option<String>) {
    let name = dialect.map_or("", Dialect::name);
    let lab = Lab::new();
    lab.write(
        "rig.yaml",
        format!(
            "rig: lab\nmodule: bc66\nsimulated: {{firmware: BC66NBR01A01, speed: {SPEED}, dialects: [{name}]}}\n"
        ),
    );
    let coap = matches!(
        dialect,
        None | Some(
            Dialect::NoSpaces
                | Dialect::MoreSpaces
                | Dialect::NoStart
                | Dialect::OldRegistration
                | Dialect::QueueMode
        )
    );
    lab.suite(&[CASES, if coap { OVER_COAP } else { "" }].concat());
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
    let heard = Heard::of(&lab.events("out"));
    let spoken: Vec<&str> = Dialect::ALL
        .into_iter()
        .filter(|dialect| heard.has(*dialect))
        .map(Dialect::name)
        .collect();
    let asked = dialect.filter(|dialect| is_audible(*dialect)).map(Dialect::name);
    let as_asked = spoken == asked.into_iter().collect::<Vec<_>>();
    let alarm = (!sound || !as_asked).then(|| {
        format!(
            "dialect `{name}`, seed {seed}: {:?}, heard {spoken:?}\n{}{}",
            ran.code, ran.stdout, ran.stderr
        )
    });
    (ran.code, alarm)
}

/// Does it show on the UART at all? How a client finds a header, or sleeps, does not.
fn is_audible(dialect: Dialect) -> bool {
    !matches!(dialect, Dialect::ExactHeaderNames | Dialect::QueueMode)
}

/// What the module said in a run, and when in its own time, in ns.
struct Heard(Vec<(String, u64)>);

impl Heard {
    fn of(events: &[Value]) -> Self {
        let line = |event: &Value| {
            let text = event["text"].as_str()?.to_owned();
            Some((text, event["module_ns"].as_u64()?))
        };
        Self(
            events
                .iter()
                .filter(|event| event["event"] == "rx")
                .filter_map(line)
                .collect(),
        )
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(text, _)| text.as_str())
    }

    fn any(&self, part: &str) -> bool {
        self.lines().any(|line| line.contains(part))
    }

    fn progress(&self) -> Vec<&str> {
        self.lines().filter(|line| line.contains("UPDATING")).collect()
    }

    /// Is this dialect in it?
    fn has(&self, dialect: Dialect) -> bool {
        let progress = self.progress();
        let ends = self.lines().filter(|line| line.contains("\"END\"")).count();
        match dialect {
            Dialect::EndTwice => ends > 3,
            // An update shows some 80 percentages, and the simulator leaves three of four out.
            Dialect::PercentJumps => progress.len() < 90,
            Dialect::PercentRepeats => progress.windows(2).any(|two| two[0] == two[1]),
            Dialect::PercentRestartsLow => progress.iter().any(|line| line.contains("\"UPDATING\",7%")),
            Dialect::NoStart => !self.any("\"START\""),
            Dialect::NoSpaces => self.any("+QIND:\"FOTA\"") && self.any("+CFUN:1"),
            Dialect::MoreSpaces => self.any("\"UPDATING\", ") && self.any("+CFUN : 1"),
            Dialect::NoPercentSign => !progress.iter().any(|line| line.contains('%')),
            Dialect::ShortUpdating => progress.iter().all(|line| line.ends_with('%')),
            Dialect::NoisyBootRom => self.lines().any(|line| line.len() > 3 && line.ends_with("RDY")),
            Dialect::SlowBoot => self.boots_slowly(),
            Dialect::OldRegistration => self.any("+QLWURC: reg,0"),
            Dialect::Autobaud => !self.any("RDY"),
            Dialect::EndOnSecondBoot => self.ends_late(),
            Dialect::LateAddress => self.any("+CGPADDR: 1,0.0.0.0"),
            Dialect::TwoAddresses => self.any(",254.128.0."),
            Dialect::TornHttpEnd => self.lines().any(|line| line.ends_with("\"HTTPE")),
            Dialect::ExactHeaderNames | Dialect::QueueMode => false,
        }
    }

    /// Is there more than one boot between the last percentage and END?
    fn ends_late(&self) -> bool {
        let mut boots = 0;
        self.lines().any(|line| {
            if line.contains("UPDATING") {
                boots = 0;
            } else if line == "Leaving the BROM" {
                boots += 1;
            }
            line.contains("\"END\"") && boots > 1
        })
    }

    /// From the boot ROM to RDY, where no update comes between them.
    fn boots_slowly(&self) -> bool {
        let mut took = Vec::new();
        let mut rom = None;
        for (text, at) in &self.0 {
            match text.as_str() {
                "Leaving the BROM" => rom = Some(*at),
                "RDY" => took.extend(rom.take().map(|rom| at - rom)),
                text if text.contains("UPDATING") => rom = None,
                _ => {}
            }
        }
        // Which side of 5 s most of them are on: a busy machine shifts one or the other by some milliseconds of real time.
        took.sort_unstable();
        took.get(took.len() / 2).is_some_and(|ns| *ns > 5_000_000_000)
    }
}
