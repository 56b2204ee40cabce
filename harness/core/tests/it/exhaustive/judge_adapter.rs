//! The real judge, asked about a trace: each step becomes the events that a journal would have of it.

use super::trace::{Became, Expectation, Limit, Step, Trace};
use dfota_core::case::{Case, Package};
use dfota_core::cut::{Cut, CutKind, CutPlan};
use dfota_core::event::watched::{Attempt, Gap, Purpose, ReplyTo, TimedOut, Watched};
use dfota_core::event::{CutMade, Event, Line};
use dfota_core::event_id::EventId;
use dfota_core::expect::{Becomes, CommandReply, Expect};
use dfota_core::judge::judge;
use dfota_core::observation::Observation;
use dfota_core::transport::Via;
use dfota_core::update::Phase;
use dfota_core::verdict::Verdict;
use std::time::Duration;

const SOURCE: &str = "BC66NBR01A01";
const TARGET: &str = "BC66NBR01A02";
const OTHER: &str = "BC66NBR01A09";

/// The rule that fires, or `pass`.
pub(crate) fn judged(trace: &Trace) -> Option<String> {
    let mut journal = Journal::new(trace);
    journal.transfer(trace.via);
    for step in trace.steps() {
        journal.step(step);
    }
    // After a limit the supply is taken once before the module is asked.
    if matches!(trace.steps().last(), Some(Step::TimeOut(_))) {
        journal.starts();
    }
    journal.ask(trace.became);
    if trace.became != Became::Dead {
        journal.starts();
        journal.rx("F1: 0000 0000");
        journal.rx("RDY");
        journal.ask(trace.became);
    }
    let verdict = judge(&journal.seen).verdict;
    Some(match (&verdict, verdict.finding()) {
        (_, Some(finding)) => finding.rule.id().to_owned(),
        (Verdict::Pass, None) => "pass".to_owned(),
        (other, None) => panic!("{trace}: {other:?}"),
    })
}

struct Journal {
    seen: Observation,
    next: u64,
}

impl Journal {
    fn new(trace: &Trace) -> Self {
        let plan = Attempt {
            purpose: Purpose::Case,
            case: case(trace),
            cuts: (0..trace.cuts()).map(|_| cut()).collect(),
            before: None,
            bound_ns: 0,
        };
        Self {
            seen: Observation::new(plan),
            next: 0,
        }
    }

    fn take(&mut self, event: &Event) {
        self.seen.on(EventId(self.next), event);
        self.next += 1;
    }

    fn rx(&mut self, text: &str) {
        let text = text.to_owned();
        self.take(&Event::Rx { text, partial: false });
    }

    fn fota(&mut self, rest: &str) {
        self.rx(&format!("+QIND: \"FOTA\",{rest}"));
    }

    fn watched(&mut self, watched: Watched) {
        self.take(&Event::Watched(watched));
    }

    fn starts(&mut self) {
        self.watched(Watched::Starts { by: Line::Power });
    }

    /// Up to where a trace begins.
    fn transfer(&mut self, via: Via) {
        let (requests, again) = (u32::from(via != Via::Uart), 0);
        self.watched(Watched::Order);
        let (to, reply) = (ReplyTo::Order, CommandReply::Ok);
        self.watched(Watched::Replied { to, reply });
        self.watched(Watched::Fetched { requests, again });
        match via {
            Via::Uart => {}
            Via::Http => {
                for rest in [
                    "\"HTTPSTART\"",
                    "\"DOWNLOADING\",1%",
                    "\"DOWNLOADING\",100%",
                    "\"HTTPEND\",0",
                ] {
                    self.fota(rest);
                }
            }
            Via::Coap => {
                self.fota("\"COAPSTART\"");
                self.fota("\"COAPEND\",0");
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Start => self.fota("\"START\""),
            Step::Updating(percent) => self.fota(&format!("\"UPDATING\",{percent}%,1,1")),
            Step::End(code) => self.fota(&format!("\"END\",{code}")),
            Step::BootRom => self.rx("F1: 0000 0000"),
            Step::Rdy => self.rx("RDY"),
            Step::Cut => self.cut(false),
            Step::Glitch => self.cut(true),
            Step::Gap => {
                let why = "serial port `p` failed".to_owned();
                self.take(&Event::Gap(Gap::PortLost { why }));
                self.take(&Event::Gap(Gap::PortBack));
            }
            Step::TimeOut(limit) => self.watched(Watched::LimitOver {
                limit: match limit {
                    Limit::Resume => TimedOut::Resume,
                    Limit::Update => TimedOut::Update,
                },
            }),
        }
    }

    fn cut(&mut self, glitch: bool) {
        self.take(&Event::CutMade(CutMade {
            cut: cut(),
            landed: Phase::Idle,
            trigger_ns: 0,
            glitch,
            due_ns: 0,
            commanded_ns: 0,
            returned_ns: 0,
            kind: CutKind::Power,
            confirmed: None,
        }));
        self.starts();
    }

    fn ask(&mut self, became: Became) {
        let version = match became {
            Became::Source => SOURCE,
            Became::Target => TARGET,
            Became::Other => OTHER,
            Became::Dead => {
                let heard = "not a byte came".to_owned();
                return self.watched(Watched::NoAnswer { heard });
            }
        };
        self.take(&Event::Identity {
            model: "Quectel_BC66".into(),
            version: version.parse().expect("a version"),
            imei: None,
        });
    }
}

fn cut() -> Cut {
    "updating@50%+0ms/power/5s".parse().expect("a cut")
}

fn case(trace: &Trace) -> Case {
    let package = Package {
        name: "a-to-b".into(),
        from: SOURCE.parse().expect("a version"),
        to: TARGET.parse().expect("a version"),
        bytes: 1,
        sha256: String::new(),
    };
    let expect = match trace.expect {
        Expectation::Success => Expect::success(),
        refusal => Expect {
            update: Some(refusal.code()),
            version: Some(Becomes::Unchanged),
            ..Expect::default()
        },
    };
    Case {
        cut: trace.moment().map(|at| CutPlan {
            at,
            after_min: Duration::ZERO,
            after_max: Duration::ZERO,
            off: Duration::from_secs(5),
            kind: CutKind::Power,
            times: trace.cuts() as u32,
        }),
        expect,
        ..Case::plain("case", "suite", package, trace.via)
    }
}
