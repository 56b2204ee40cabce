//! A claim of several modules: what its merged journal has to say before it is shown.

use dfota_core::campaign::{Bin, CampaignPart, Count, Role, Slot, Tallied};
use dfota_core::case::{Case, Package};
use dfota_core::claim::{Claim, ClaimStatus};
use dfota_core::cut::CutKind;
use dfota_core::event::fleet::{FleetEvent, PartEnd, Taken};
use dfota_core::event::{CaseEnded, Event};
use dfota_core::pool::{PoolTally, Stratum, homogeneity, quota};
use dfota_core::pool_fold::PoolFold;
use dfota_core::rng::Rng;
use dfota_core::seed::Seed;
use dfota_core::sweep::{CutPlace, Jitter};
use dfota_core::transport::Via;
use dfota_core::verdict::Verdict;
use std::time::Duration;

const ONE: &str = "867725030000001";
const OTHER: &str = "867725030000002";

/// 20 % at 80 %: eight cuts, none of which may brick the module.
fn claim(bricks: u32) -> Claim {
    let text = format!(
        r#"{{"brick_rate_below": "20%", "confidence": "80%", "bricks": {bricks}, "over": "start..end"}}"#
    );
    serde_json::from_str(&text).expect("a claim")
}

fn case(id: &str) -> Case {
    let package = Package {
        name: "a-to-b".into(),
        from: "BC66NBR01A01".parse().expect("a version"),
        to: "BC66NBR01A02".parse().expect("a version"),
        bytes: 1,
        sha256: String::new(),
    };
    let over = "start..end".parse().expect("a span");
    let slot = Slot {
        place: CutPlace::Anywhere(over),
        jitter: Jitter::from((Duration::ZERO, Duration::ZERO)),
        kind: CutKind::Power,
        off: Duration::from_secs(3),
        times: 1,
        claim: Some(over),
    };
    Case {
        part: Some(CampaignPart {
            campaign: "c".into(),
            role: Role::Cut(slot),
        }),
        ..Case::plain(id, "s", package, Via::Uart)
    }
}

/// A run of several rigs, as its merged journal tells it.
struct Told(PoolFold);

impl Told {
    /// One whose plan has so many slots.
    fn new(slots: usize) -> Self {
        let mut told = Self(PoolFold::default());
        for n in 0..slots {
            told.0.on(&Event::CasePlanned {
                case: Box::new(case(&format!("c{n}"))),
                skip: None,
            });
        }
        told.0.on(&Event::Fleet(FleetEvent::Queued {
            batch: "s-1".into(),
            suite: "s".into(),
            cases: Vec::new(),
            real_ms: 1,
        }));
        told
    }

    fn taken(&mut self, rig: &str) {
        self.0.on(&Event::Fleet(FleetEvent::Taken(Taken {
            batch: "s-1".into(),
            attempt: 1,
            rig: rig.into(),
            folder: format!("rigs/{rig}/s-1"),
        })));
    }

    fn says(&mut self, imei: &str) {
        self.0.on(&Event::Identity {
            model: "BC66".into(),
            version: "BC66NBR01A01".parse().expect("a version"),
            imei: imei.parse().ok(),
        });
    }

    fn begun(&mut self, slot: usize) {
        self.0.on(&Event::CaseStarted {
            id: format!("c{slot}"),
            suite: "s".into(),
        });
    }

    fn cut(&mut self, slot: usize, brick: bool) {
        self.begun(slot);
        self.0.on(&Event::Tallied(tallied(slot, brick, None)));
    }

    fn lost(&mut self, rig: &str, open: &[usize]) {
        self.0.on(&Event::Fleet(FleetEvent::Lost {
            end: PartEnd {
                batch: "s-1".into(),
                attempt: 1,
                rig: rig.into(),
                lines: 1,
                head: String::new(),
            },
            why: "its process ended".into(),
            open: open.iter().map(|slot| format!("c{slot}")).collect(),
        }));
    }

    fn pool(&self) -> PoolTally {
        self.0.pool("s", "c")
    }
}

fn tallied(slot: usize, brick: bool, module: Option<&str>) -> Tallied {
    Tallied {
        suite: "s".into(),
        campaign: "c".into(),
        case: format!("c{slot}"),
        cut: "start+0ms/power/3s".parse().expect("a cut"),
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

/// Two modules with four good cuts each, of eight slots.
fn good() -> Told {
    let mut told = Told::new(8);
    for (rig, imei, slots) in [("a", ONE, 0..4), ("b", OTHER, 4..8)] {
        told.taken(rig);
        told.says(imei);
        slots.for_each(|slot| told.cut(slot, false));
    }
    told
}

#[track_caller]
fn is_open(told: &Told, why: &str) {
    let pool = told.pool();
    assert!(
        matches!(pool.status(&claim(0)), ClaimStatus::Open { .. }),
        "{pool:?}"
    );
    let sentence = pool.sentence(&claim(0));
    assert!(sentence.contains(why), "no `{why}` in: {sentence}");
}

#[test]
fn all_slots_judged_and_no_brick() {
    let pool = good().pool();
    assert_eq!(pool.judge(&claim(0)), Verdict::Pass);
    assert_eq!((pool.strata.len(), pool.slots, pool.unjudged), (2, 8, 0));
    let sentence = pool.sentence(&claim(0));
    assert!(
        sentence.contains("in these 2 modules") && sentence.contains("0 of 2 modules bricked"),
        "{sentence}"
    );
}

/// The cut may have bricked its module and, with it, ended the attempt; another module lives through the redo.
#[test]
fn a_redo_hides_no_brick() {
    let mut told = good();
    told.lost("b", &[7]);
    told.taken("a");
    told.says(ONE);
    told.cut(7, false);
    is_open(&told, "`c7` on `b`");
    // Whatever another module on that rig says.
    told.taken("b");
    told.says(ONE);
    is_open(&told, "`c7` on `b`");
    // The module itself has lived through it.
    told.taken("b");
    told.says(OTHER);
    assert_eq!(told.pool().judge(&claim(0)), Verdict::Pass);
}

/// The next night must not forget it: another rig may have made the cut again, and the module may be dead since.
#[test]
fn an_earlier_run_hides_no_brick_either() {
    let lost = Tallied {
        settled: false,
        counts: false,
        unjudged: true,
        ..tallied(7, false, Some(&format!("b/{OTHER}")))
    };
    let mut told = good();
    told.0
        .on(&Event::Fleet(FleetEvent::Paused { why: String::new() }));
    told.0.on(&Event::Tallied(lost));
    is_open(&told, "`c7` on `b`");
    told.taken("b");
    told.says(ONE);
    is_open(&told, "`c7` on `b`");
    told.taken("b");
    told.says(OTHER);
    assert_eq!(told.pool().judge(&claim(0)), Verdict::Pass);
}

#[test]
fn a_module_that_had_to_be_reflashed_was_bricked() {
    let mut told = good();
    told.lost("b", &[7]);
    told.taken("b");
    told.0.on(&Event::Recovered {
        by: "reflash".into(),
        version: "BC66NBR01A01".parse().expect("a version"),
    });
    told.says(OTHER);
    let pool = told.pool();
    assert_eq!((pool.counted().bricks, pool.modules().bricked), (1, 1));
    assert!(matches!(pool.status(&claim(0)), ClaimStatus::NotShown { .. }));
}

#[test]
fn what_is_written_off_is_a_brick() {
    let mut told = good();
    told.lost("b", &[7]);
    told.0.on(&Event::Fleet(FleetEvent::WrittenOff {
        suite: "s".into(),
        case: "c7".into(),
        note: "the module is gone".into(),
    }));
    assert!(matches!(
        told.pool().status(&claim(0)),
        ClaimStatus::NotShown { .. }
    ));
}

/// Never the first that come in: bricks take longer.
#[test]
fn every_slot_is_judged_also_when_enough_have_been() {
    let mut told = good();
    told.0.on(&Event::CasePlanned {
        case: Box::new(case("c8")),
        skip: None,
    });
    is_open(&told, "1 of 9 slots not judged");
    // One that no cut can fill is taken out.
    told.0.on(&Event::CaseEnded(CaseEnded::untried(
        &case("c8"),
        Verdict::Skip {
            reason: "too short for this rig".into(),
        },
    )));
    assert_eq!(told.pool().judge(&claim(0)), Verdict::Pass);
}

#[test]
fn no_module_has_more_than_twice_its_share() {
    let shared = |most: usize| {
        let mut told = Told::new(most + 2);
        told.taken("b");
        told.says(OTHER);
        told.cut(most, false);
        told.taken("c");
        told.says("867725030000003");
        told.cut(most + 1, false);
        told.taken("a");
        told.says(ONE);
        (0..most).for_each(|slot| told.cut(slot, false));
        told
    };
    assert_eq!((quota(8, 3), quota(9, 3)), (6, 6));
    assert_eq!(shared(6).pool().judge(&claim(0)), Verdict::Pass);
    is_open(&shared(7), "more than twice its even share");
}

#[test]
fn a_bricked_module_keeps_its_slots() {
    let mut told = Told::new(20);
    told.taken("b");
    told.says(OTHER);
    told.cut(19, true);
    told.taken("a");
    told.says(ONE);
    (0..19).for_each(|slot| told.cut(slot, false));
    let pool = told.pool();
    assert!(
        matches!(pool.status(&claim(1)), ClaimStatus::Open { .. }),
        "{pool:?}"
    );
    assert!(
        pool.sentence(&claim(1))
            .contains("other modules must not make the rest")
    );
}

/// A masked journal hides the end of every IMEI, and cuts of an earlier run keep their module.
#[test]
fn modules_are_told_apart() {
    let mut told = good();
    told.0
        .on(&Event::Fleet(FleetEvent::Paused { why: String::new() }));
    told.0
        .on(&Event::Tallied(tallied(9, true, Some(&format!("b/{OTHER}")))));
    let pool = told.pool();
    let counts: Vec<Count> = pool.strata.iter().map(|stratum| stratum.counted).collect();
    assert_eq!(counts.iter().map(|count| count.cuts).collect::<Vec<_>>(), [4, 5]);
    assert_eq!((counts[0].bricks, counts[1].bricks, pool.slots), (0, 1, 9));
}

/// What a table of modules says of modules of the type.
#[test]
fn the_module_is_the_unit() {
    for (modules, below) in [(20, "13.9"), (100, "2.9"), (300, "0.9")] {
        let strata = (0..modules).map(|n| stratum(&format!("r{n}"), 10, 0)).collect();
        let pool = PoolTally {
            strata,
            slots: modules * 10,
            unjudged: 0,
        };
        let confidence = "95%".parse().expect("a rate");
        let bound = pool.modules().bounds(confidence).upper * 100.0;
        assert!(format!("{bound:.4}").starts_with(below), "{bound}");
    }
}

fn stratum(rig: &str, cuts: u32, bricks: u32) -> Stratum {
    Stratum {
        rigs: vec![rig.into()],
        counted: Count {
            cuts,
            bricks,
            failed: bricks,
        },
        slots: cuts,
        ..Stratum::default()
    }
}

/// Against every table with the same margins.
#[test]
fn homogeneity_is_that_of_all_tables() {
    let choose = |n: u32, k: u32| (0..k).fold(1.0, |all, i| all * f64::from(n - i) / f64::from(i + 1));
    for table in [
        [(10, 3), (10, 0), (10, 0)],
        [(10, 1), (10, 1), (10, 1)],
        [(4, 2), (20, 1), (6, 0)],
    ] {
        let bricks: u32 = table.iter().map(|(_, bricks)| bricks).sum();
        let weight = |dealt: [u32; 3]| -> f64 {
            table
                .iter()
                .zip(dealt)
                .map(|((cuts, _), bricks)| choose(*cuts, bricks))
                .product()
        };
        let seen = weight(table.map(|(_, bricks)| bricks));
        let (mut all, mut as_rare) = (0.0, 0.0);
        for one in 0..=bricks {
            for two in 0..=bricks - one {
                let dealt = [one, two, bricks - one - two];
                if dealt.iter().zip(table).any(|(bricks, (cuts, _))| *bricks > cuts) {
                    continue;
                }
                all += weight(dealt);
                as_rare += if weight(dealt) <= seen * 1.000_000_1 {
                    weight(dealt)
                } else {
                    0.0
                };
            }
        }
        let counts = table.map(|(cuts, bricks)| Count {
            cuts,
            bricks,
            failed: bricks,
        });
        let p = homogeneity(counts).expect("bricks and three modules");
        assert!(
            (p - as_rare / all).abs() < 0.01,
            "{table:?}: {p} and {}",
            as_rare / all
        );
    }
    assert_eq!(
        homogeneity(
            [Count {
                cuts: 5,
                bricks: 0,
                failed: 0
            }; 2]
        ),
        None
    );
}

/// Bricks that take their attempt along: at a true rate of the claim's limit, ten thousand campaigns each.
#[test]
fn lost_bricks_do_not_show_a_claim() {
    const CAMPAIGNS: u32 = 10_000;
    let claim = claim(0);
    let (mut with, mut without) = (0, 0);
    let mut rng = Rng::new(Seed(7), "campaigns");
    let mut happens = |share: f64| ((rng.next_u64() >> 11) as f64) < share * (1_u64 << 53) as f64;
    for _ in 0..CAMPAIGNS {
        let mut strata = [stratum("a", 0, 0), stratum("b", 0, 0)];
        for slot in 0..claim.cuts() {
            let module = &mut strata[slot as usize % 2];
            module.counted.cuts += 1;
            if happens(0.2) {
                // Nine of ten bricks end their worker as well, and the redo passes.
                if happens(0.9) {
                    module.open.push(format!("c{slot}"));
                } else {
                    module.counted.bricks += 1;
                }
            }
        }
        let counted: Vec<Count> = strata.iter().map(|stratum| stratum.counted).collect();
        let (cuts, bricks) = counted
            .iter()
            .fold((0, 0), |all, one| (all.0 + one.cuts, all.1 + one.bricks));
        without += u32::from(claim.status(bricks, cuts) == ClaimStatus::Shown);
        let pool = PoolTally {
            strata: strata.into(),
            slots: cuts,
            unjudged: 0,
        };
        with += u32::from(pool.status(&claim) == ClaimStatus::Shown);
    }
    let share = |shown: u32| f64::from(shown) / f64::from(CAMPAIGNS);
    // The confidence of this claim is 80 %.
    assert!(share(with) <= 0.212, "{}", share(with));
    assert!(share(without) > 0.6, "{}", share(without));
}
