//! A run of several rigs, as its merged journal tells it.

use dfota_core::campaign::{Bin, CampaignPart, Role, Slot, Tallied};
use dfota_core::case::{Case, Package};
use dfota_core::claim::{Claim, ClaimStatus};
use dfota_core::cut::{Cut, CutKind};
use dfota_core::event::fleet::{BatchResult, BatchTerms, FleetEvent, PartEnd, Taken};
use dfota_core::event::watched::{Attempt, Purpose};
use dfota_core::event::{CaseEnded, CutMade, Event, TryEnded};
use dfota_core::outcome::Outcome;
use dfota_core::percent::Percent;
use dfota_core::pool::PoolTally;
use dfota_core::pool_fold::PoolFold;
use dfota_core::sweep::{CutPlace, Jitter};
use dfota_core::transport::Via;
use dfota_core::update::Phase;
use dfota_core::verdict::{Rule, Verdict};
use dfota_core::version::Imei;
use std::time::Duration;

pub(super) const ONE: &str = "867725030000001";
pub(super) const OTHER: &str = "867725030000002";
pub(super) const THIRD: &str = "867725030000003";

/// 20 % at 80 %: eight cuts, none of which may brick the module; fourteen, if one may.
pub(super) fn claim(bricks: u32) -> Claim {
    let text = format!(
        r#"{{"brick_rate_below": "20%", "confidence": "80%", "bricks": {bricks}, "over": "start..end"}}"#
    );
    serde_json::from_str(&text).expect("a claim")
}

pub(super) fn case(id: &str) -> Case {
    let over = "start..end".parse().expect("a span");
    let slot = Slot {
        place: CutPlace::Anywhere(over),
        jitter: Jitter::from((Duration::ZERO, Duration::ZERO)),
        kind: CutKind::Power,
        off: Duration::from_secs(3),
        times: 1,
        claim: Some(over),
    };
    part_of_campaign(id, Role::Cut(slot))
}

/// A cut that no claim counts.
pub(super) fn directed(id: &str) -> Case {
    let mut case = case(id);
    if let Some(part) = &mut case.part
        && let Role::Cut(slot) = &mut part.role
    {
        slot.claim = None;
    }
    case
}

pub(super) fn part_of_campaign(id: &str, role: Role) -> Case {
    let package = Package {
        name: "a-to-b".into(),
        from: "BC66NBR01A01".parse().expect("a version"),
        to: "BC66NBR01A02".parse().expect("a version"),
        bytes: 1,
        sha256: String::new(),
    };
    Case {
        part: Some(CampaignPart {
            campaign: "c".into(),
            role,
        }),
        ..Case::plain(id, "s", package, Via::Uart)
    }
}

fn a_cut() -> Cut {
    "start+0ms/power/3s".parse().expect("a cut")
}

/// An error of the rig.
pub(super) fn rig_failed() -> Verdict {
    Verdict::by(Rule::LineFailed, "the relay is stuck".into())
}

pub(super) struct Told(pub(super) PoolFold);

impl Told {
    /// One whose plan has so many slots.
    pub(super) fn new(slots: usize) -> Self {
        let mut told = Self(PoolFold::default());
        (0..slots).for_each(|slot| told.planned(slot));
        told.queued("s-1", 0..0);
        told
    }

    pub(super) fn planned(&mut self, slot: usize) {
        self.plans(case(&format!("c{slot}")));
    }

    pub(super) fn plans(&mut self, case: Case) {
        self.0.on(&Event::CasePlanned {
            case: Box::new(case),
            skip: None,
        });
    }

    pub(super) fn fleet(&mut self, event: FleetEvent) {
        self.0.on(&Event::Fleet(event));
    }

    pub(super) fn queued(&mut self, batch: &str, slots: std::ops::Range<usize>) {
        self.queued_for(batch, slots, &[]);
    }

    /// A batch that these rigs may run.
    pub(super) fn queued_for(&mut self, batch: &str, slots: std::ops::Range<usize>, rigs: &[&str]) {
        let terms = BatchTerms {
            packages: Vec::new(),
            rigs: rigs.iter().map(|rig| (*rig).into()).collect(),
            share: None,
        };
        self.fleet(FleetEvent::Queued {
            batch: batch.into(),
            suite: "s".into(),
            cases: slots.map(|slot| format!("c{slot}")).collect(),
            real_ms: 1,
            terms: Some(terms).filter(|_| !rigs.is_empty()),
        });
    }

    pub(super) fn taken(&mut self, rig: &str) {
        self.fleet(FleetEvent::Taken(Taken {
            batch: "s-1".into(),
            attempt: 1,
            rig: rig.into(),
            folder: format!("rigs/{rig}/s-1"),
        }));
    }

    pub(super) fn closed(&mut self, rig: &str) {
        self.fleet(FleetEvent::Closed(end(rig)));
    }

    pub(super) fn lost(&mut self, rig: &str, open: &[usize]) {
        self.fleet(FleetEvent::Lost {
            end: end(rig),
            why: "its process ended".into(),
            open: open.iter().map(|slot| format!("c{slot}")).collect(),
            unread: Vec::new(),
            parent_ended: false,
        });
    }

    pub(super) fn ordered(&mut self, rig: &str, slot: usize) {
        self.fleet(FleetEvent::Ordered {
            rig: rig.into(),
            suite: "s".into(),
            case: format!("c{slot}"),
            cut: a_cut(),
        });
    }

    /// Something of what the part has told is missing.
    pub(super) fn unread(&mut self, rig: &str) {
        self.fleet(FleetEvent::Unread {
            folder: format!("rigs/{rig}/s-1"),
            why: "its journal is missing".into(),
        });
    }

    pub(super) fn written_off(&mut self, slot: usize) {
        self.fleet(FleetEvent::WrittenOff {
            suite: "s".into(),
            case: format!("c{slot}"),
            note: "the module is gone".into(),
        });
    }

    pub(super) fn says(&mut self, imei: &str) {
        self.0.on(&Event::Identity {
            model: "BC66".into(),
            version: "BC66NBR01A01".parse().expect("a version"),
            imei: imei.parse().ok(),
        });
    }

    /// The same of an IMEI that may be masked.
    pub(super) fn says_any(&mut self, imei: &str) {
        self.0.on(&Event::Identity {
            model: "BC66".into(),
            version: "BC66NBR01A01".parse().expect("a version"),
            imei: Imei::try_from(imei.to_owned()).ok(),
        });
    }

    /// The module had to be reflashed: it is asked first, and then said to be back.
    pub(super) fn reflashed(&mut self, imei: &str) {
        self.says(imei);
        self.0.on(&Event::Recovered {
            by: "reflash".into(),
            version: "BC66NBR01A01".parse().expect("a version"),
        });
    }

    pub(super) fn begun(&mut self, slot: usize) {
        self.started(&format!("c{slot}"));
    }

    fn started(&mut self, id: &str) {
        self.0.on(&Event::CaseStarted {
            id: id.into(),
            suite: "s".into(),
        });
    }

    /// The case's own update begins, and its cut is armed.
    pub(super) fn armed(&mut self, slot: usize) {
        self.begun(slot);
        self.0.on(&Event::Attempt(Box::new(Attempt {
            purpose: Purpose::Case,
            case: case(&format!("c{slot}")),
            cuts: vec![a_cut()],
            before: None,
            bound_ns: 0,
        })));
        self.0.on(&Event::CutArmed { cut: a_cut() });
    }

    pub(super) fn missed(&mut self) {
        self.0.on(&Event::CutMissed { cut: a_cut() });
    }

    /// The cut is made while the module applies the delta.
    pub(super) fn made(&mut self) {
        let percent = Percent::new(40).expect("a percentage");
        self.made_at(Phase::Updating { percent });
    }

    pub(super) fn made_at(&mut self, landed: Phase) {
        self.0.on(&Event::CutMade(CutMade {
            cut: a_cut(),
            landed,
            trigger_ns: 0,
            glitch: false,
            due_ns: 0,
            commanded_ns: 0,
            returned_ns: 0,
            kind: CutKind::Power,
            confirmed: None,
        }));
    }

    pub(super) fn try_ended(&mut self, slot: usize, outcome: Option<Outcome>) {
        self.0.on(&Event::TryEnded(TryEnded {
            id: format!("c{slot}"),
            suite: "s".into(),
            number: 1,
            verdict: rig_failed(),
            outcome,
            evidence: Vec::new(),
            again: String::new(),
            took_ns: 0,
            summary: String::new(),
        }));
    }

    pub(super) fn ended(&mut self, slot: usize, verdict: Verdict, outcome: Option<Outcome>) {
        self.case_ended(&format!("c{slot}"), verdict, outcome);
    }

    /// A case of this suite bricks the module.
    pub(super) fn bricked_by(&mut self, suite: &str, id: &str) {
        let verdict = Verdict::by(Rule::Unresponsive, "it is silent".into());
        let case = Case {
            suite: suite.into(),
            ..case(id)
        };
        self.0.on(&Event::CaseStarted {
            id: id.into(),
            suite: suite.into(),
        });
        self.0.on(&Event::CaseEnded(CaseEnded {
            outcome: Some(Outcome::Unresponsive),
            ..CaseEnded::untried(&case, verdict)
        }));
    }

    /// The rig cannot make the cut.
    pub(super) fn skipped(&mut self, slot: usize) {
        let reason = "too short for this rig".into();
        self.ended(slot, Verdict::Skip { reason }, None);
    }

    fn case_ended(&mut self, id: &str, verdict: Verdict, outcome: Option<Outcome>) {
        self.0.on(&Event::CaseEnded(CaseEnded {
            outcome,
            ..CaseEnded::untried(&case(id), verdict)
        }));
    }

    /// A good cut that nothing has proven yet.
    pub(super) fn passed(&mut self, slot: usize) {
        self.armed(slot);
        self.made();
        self.ended(slot, Verdict::Pass, Some(Outcome::NewAfterResume));
    }

    /// An update without a cut: the module takes a delta.
    pub(super) fn takes_a_delta(&mut self) {
        self.started("control");
        self.case_ended("control", Verdict::Pass, Some(Outcome::New));
    }

    pub(super) fn tallied(&mut self, tallied: Tallied) {
        self.0.on(&Event::Tallied(tallied));
    }

    /// A cut that is judged.
    pub(super) fn cut(&mut self, slot: usize, brick: bool) {
        self.begun(slot);
        self.tallied(tallied(slot, brick, None));
    }

    pub(super) fn pool(&self) -> PoolTally {
        self.0.pool("s", "c")
    }
}

fn end(rig: &str) -> PartEnd {
    PartEnd {
        batch: "s-1".into(),
        attempt: 1,
        rig: rig.into(),
        lines: 1,
        head: String::new(),
        result: BatchResult::default(),
        left: Vec::new(),
    }
}

/// A settled cut; with a module, one of an earlier run.
pub(super) fn tallied(slot: usize, brick: bool, module: Option<&str>) -> Tallied {
    Tallied {
        suite: "s".into(),
        campaign: "c".into(),
        case: format!("c{slot}"),
        cut: Some(a_cut()),
        landed: None,
        bin: Bin::To40,
        counts: true,
        drawn: true,
        brick,
        failed: brick,
        settled: true,
        unjudged: false,
        run: module.map(|_| "before".into()),
        module: module.map(Into::into),
    }
}

/// A cut that was made, and whose module was not asked.
pub(super) fn unjudged(slot: usize, module: Option<&str>) -> Tallied {
    Tallied {
        settled: false,
        counts: false,
        unjudged: true,
        ..tallied(slot, false, module)
    }
}

/// Two modules with four good cuts each, of eight slots.
pub(super) fn good() -> Told {
    let mut told = all_but_the_last();
    told.cut(7, false);
    told
}

/// The same without the last slot, which the module on `b` is about to fill.
pub(super) fn all_but_the_last() -> Told {
    let mut told = Told::new(8);
    for (rig, imei, slots) in [("a", ONE, 0..4), ("b", OTHER, 4..7)] {
        told.taken(rig);
        told.says(imei);
        slots.for_each(|slot| told.cut(slot, false));
    }
    told
}

#[track_caller]
pub(super) fn is_open(told: &Told, why: &str) {
    let pool = told.pool();
    assert!(
        matches!(pool.status(&claim(0)), ClaimStatus::Open { .. }),
        "{pool:?}"
    );
    let sentence = pool.sentence(&claim(0));
    assert!(sentence.contains(why), "no `{why}` in: {sentence}");
}

#[track_caller]
pub(super) fn is_shown(told: &Told) {
    assert_eq!(told.pool().judge(&claim(0)), Verdict::Pass, "{:?}", told.pool());
}

/// So many bricks, all of them in one module.
#[track_caller]
pub(super) fn is_bricked(told: &Told, bricks: u32) {
    let pool = told.pool();
    assert_eq!(
        (pool.counted().bricks, pool.modules().bricked),
        (bricks, 1),
        "{pool:?}"
    );
    let status = pool.status(&claim(0));
    assert!(
        matches!(status, ClaimStatus::NotShown { .. } | ClaimStatus::Refuted),
        "{status:?}"
    );
}
