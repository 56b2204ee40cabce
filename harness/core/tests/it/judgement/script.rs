//! A script is a list of words, each an event of the journal: `http`/`uart`/`coap` the transport (first word), `order`, `block`
//! (upload of block 2), `start`, `D50` DOWNLOADING, `U50` UPDATING, `hend0` HTTPEND,0, `end0` END,0, `brom`, `rdy`, `cut`, `glitch`,
//! `cycle`, `gap` (the port goes and comes back), `over-update` (a limit is over), `=target` (what the module says of itself).

use dfota_core::case::{Case, Package};
use dfota_core::cut::{Cut, CutKind, CutPlan};
use dfota_core::event::watched::{Attempt, Gap, Purpose, ReplyTo, TimedOut, Watched};
use dfota_core::event::{CutMade, Event, Line};
use dfota_core::event_id::EventId;
use dfota_core::expect::{CommandReply, Expect};
use dfota_core::judge::{Judgement, judge};
use dfota_core::moment::Moment;
use dfota_core::observation::Observation;
use dfota_core::percent::Percent;
use dfota_core::transport::Via;
use dfota_core::update::Phase;
use dfota_core::verdict::{Class, Verdict};
use std::time::Duration;

pub(crate) const SOURCE: &str = "BC66NBR01A01";
pub(crate) const TARGET: &str = "BC66NBR01A02";
pub(crate) const UPDATING_50: Moment = Moment::Updating(Percent::new(50).unwrap());

pub(crate) fn percent(word: &str) -> Percent {
    Percent::new(word.parse().expect("a number")).expect("at most 100")
}

pub(crate) fn rx(text: impl Into<String>) -> Event {
    Event::Rx {
        text: text.into(),
        partial: false,
    }
}

fn fota(rest: &str) -> Vec<Event> {
    vec![rx(format!("+QIND: \"FOTA\",{rest}"))]
}

fn supplied() -> Event {
    Event::Watched(Watched::Starts { by: Line::Power })
}

fn cut(glitch: bool) -> Vec<Event> {
    let made = Event::CutMade(CutMade {
        cut: "updating@50%+0ms/power/5s".parse().expect("a cut"),
        landed: Phase::Idle,
        trigger_ns: 0,
        glitch,
        due_ns: 0,
        commanded_ns: 0,
        returned_ns: 0,
        kind: CutKind::Power,
        confirmed: None,
    });
    vec![made, supplied()]
}

pub(crate) fn replied(to: ReplyTo, reply: CommandReply) -> Event {
    Event::Watched(Watched::Replied { to, reply })
}

/// What the module says of itself.
pub(crate) fn reading(version: &str) -> Event {
    let version = match version {
        "source" => SOURCE,
        "target" => TARGET,
        "dead" => {
            return Event::Watched(Watched::NoAnswer {
                heard: "not a byte came".into(),
            });
        }
        "unreadable" => {
            return Event::Watched(Watched::Unreadable {
                said: "Revision: BC66NBR01A0\\xff\\xfe".into(),
            });
        }
        other => other,
    };
    Event::Identity {
        model: "Quectel_BC66".into(),
        version: version.parse().expect("a version"),
        imei: None,
    }
}

pub(crate) fn events(word: &str) -> Vec<Event> {
    let watched = |watched| vec![Event::Watched(watched)];
    match word {
        "order" => watched(Watched::Order),
        "refused" => vec![
            Event::Watched(Watched::Order),
            replied(ReplyTo::Order, CommandReply::Error),
        ],
        "block" => watched(Watched::Block { number: 2 }),
        "cut" => cut(false),
        "glitch" => cut(true),
        "cycle" => vec![supplied()],
        "brom" => vec![rx("F1: 0000 0000")],
        "rdy" => vec![rx("RDY")],
        "start" => fota("\"START\""),
        "hstart" => fota("\"HTTPSTART\""),
        "cstart" => fota("\"COAPSTART\""),
        "gap" => vec![
            Event::Gap(Gap::PortLost {
                why: "serial port `p` failed".into(),
            }),
            Event::Gap(Gap::PortBack),
        ],
        "off" => vec![Event::Line {
            line: Line::Power,
            active: false,
            took_ns: 0,
        }],
        "away" => vec![Event::Gap(Gap::PortLost {
            why: "serial port `p` failed".into(),
        })],
        "back" => vec![Event::Gap(Gap::PortBack)],
        "torn" => vec![rx("+QIND: \"FOTA\",\"HTTPE")],
        "over-update" => watched(Watched::LimitOver {
            limit: TimedOut::Update,
        }),
        "over-resume" => watched(Watched::LimitOver {
            limit: TimedOut::Resume,
        }),
        "over-download" => watched(Watched::LimitOver {
            limit: TimedOut::Download,
        }),
        _ => {
            if let Some(version) = word.strip_prefix('=') {
                vec![reading(version)]
            } else if let Some(code) = word.strip_prefix("hend") {
                fota(&format!("\"HTTPEND\",{code}"))
            } else if let Some(code) = word.strip_prefix("cend") {
                fota(&format!("\"COAPEND\",{code}"))
            } else if let Some(code) = word.strip_prefix("end") {
                fota(&format!("\"END\",{code}"))
            } else if let Some(at) = word.strip_prefix('D') {
                fota(&format!("\"DOWNLOADING\",{at}%"))
            } else if let Some(at) = word.strip_prefix('U') {
                let (at, numbers) = at.split_once(',').unwrap_or((at, "1,1"));
                fota(&format!("\"UPDATING\",{at}%,{numbers}"))
            } else {
                panic!("no word of a script: {word}")
            }
        }
    }
}

/// An update of `case` as a script tells it, each event with the number of its place.
pub(crate) fn observe(case: &Case, script: &str) -> Observation {
    let mut words = script.split_whitespace();
    let via = match words.next() {
        Some("http") => Via::Http,
        Some("uart") => Via::Uart,
        Some("coap") => Via::Coap,
        other => panic!("no transport: {other:?}"),
    };
    let cut = |_| "updating@50%+0ms/power/5s".parse::<Cut>().expect("a cut");
    let planned = case.cut.as_ref().map_or(0, |cut| cut.times);
    let mut seen = Observation::new(Attempt {
        purpose: Purpose::Case,
        case: Case { via, ..case.clone() },
        cuts: (0..planned).map(cut).collect(),
        before: None,
        bound_ns: 0,
    });
    // A download that nobody says otherwise of reached the server.
    seen.fetches.requests = 1;
    for (place, event) in words.flat_map(events).enumerate() {
        seen.on(EventId(place as u64), &event);
    }
    seen
}

/// One more event at the end.
pub(crate) fn then(seen: &mut Observation, event: &Event) {
    seen.on(EventId(1_000), event);
}

pub(crate) fn case(cut: Option<Moment>, expect: Expect) -> Case {
    let package = Package {
        name: "a-to-b".into(),
        from: SOURCE.parse().expect("a version"),
        to: TARGET.parse().expect("a version"),
        bytes: 1,
        sha256: String::new(),
    };
    Case {
        cut: cut.map(|at| CutPlan {
            at,
            after_min: Duration::ZERO,
            after_max: Duration::ZERO,
            off: Duration::from_secs(5),
            kind: CutKind::Power,
            times: 1,
        }),
        expect,
        ..Case::plain("case", "suite", package, Via::Uart)
    }
}

/// The rule id, `pass` otherwise; and the class for a look.
pub(crate) fn ruled(verdict: &Verdict) -> String {
    match verdict.finding() {
        Some(finding) => {
            assert!(!finding.sentence.is_empty());
            assert_eq!(
                matches!(verdict, Verdict::Fail(_)),
                finding.rule.class() == Class::Product
            );
            finding.rule.id().into()
        }
        None => {
            assert_eq!(*verdict, Verdict::Pass);
            "pass".into()
        }
    }
}

/// How an update is judged that went as the script says, and after which the module says that it runs `version`.
pub(crate) fn judged(
    script: &str,
    version: &str,
    cut: Option<Moment>,
    change: impl FnOnce(&mut Observation),
) -> Judgement {
    let case = case(cut, Expect::success());
    let mut seen = observe(&case, script);
    then(&mut seen, &reading(version));
    change(&mut seen);
    judge(&seen)
}

pub(crate) fn verdict(
    script: &str,
    version: &str,
    cut: Option<Moment>,
    change: impl FnOnce(&mut Observation),
) -> Verdict {
    judged(script, version, cut, change).verdict
}
