//! A script is a list of words: `http`/`uart` the transport (first word), `order`, `block` (upload of block 2), `start`,
//! `D50` DOWNLOADING, `U50` UPDATING, `hend0` HTTPEND,0, `end0` END,0, `brom`, `rdy`, `cut`, `glitch`, `cycle`.

use bc66_wire::code::{DownloadCode, UpdateCode};
use dfota_core::case::{Case, Package, Via};
use dfota_core::cut::{CutPlan, Kind};
use dfota_core::expect::{Expect, Reply};
use dfota_core::judge::{Asked, Became, Facts, Fetches, judge};
use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use dfota_core::update::{Input, Update};
use dfota_core::urc::{Fota, Urc};
use dfota_core::verdict::{Class, Verdict};
use std::time::Duration;

pub const SOURCE: &str = "BC66NBR01A01";
pub const TARGET: &str = "BC66NBR01A02";

pub fn percent(word: &str) -> Percent {
    Percent::new(word.parse().expect("a number")).expect("at most 100")
}

pub fn input(word: &str) -> Input {
    let fota = |fota| Input::Urc(Urc::Fota(fota));
    match word {
        "order" => Input::Order,
        "refused" => Input::Refused,
        "block" => Input::Block(2),
        "cut" => Input::Cut { glitch: false },
        "glitch" => Input::Cut { glitch: true },
        "cycle" => Input::Cycle,
        "brom" => Input::Urc(Urc::BootRom),
        "rdy" => Input::Urc(Urc::Rdy),
        "start" => fota(Fota::Start),
        "hstart" => fota(Fota::HttpStart),
        "cstart" => fota(Fota::CoapStart),
        _ => {
            if let Some(code) = word.strip_prefix("hend") {
                fota(Fota::HttpEnd(DownloadCode::from_raw(
                    code.parse().expect("a code"),
                )))
            } else if let Some(code) = word.strip_prefix("end") {
                fota(Fota::End(UpdateCode::from_raw(code.parse().expect("a code"))))
            } else if let Some(at) = word.strip_prefix('D') {
                fota(Fota::Downloading(percent(at)))
            } else if let Some(at) = word.strip_prefix('U') {
                fota(Fota::Updating {
                    percent: percent(at),
                    total: Some(1),
                    current: Some(1),
                })
            } else {
                panic!("no word of a script: {word}")
            }
        }
    }
}

pub fn play(script: &str) -> Update {
    let mut words = script.split_whitespace();
    let via = match words.next() {
        Some("http") => Via::Http,
        Some("uart") => Via::Uart,
        other => panic!("no transport: {other:?}"),
    };
    let mut update = Update::new(via);
    for word in words {
        update.on(input(word));
    }
    update
}

pub fn case(cut: Option<Moment>, expect: Expect) -> Case {
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
            kind: Kind::Power,
            times: 1,
        }),
        expect,
        ..Case::plain("case", "suite", package, Via::Uart)
    }
}

pub fn became(version: &str) -> Became {
    match version {
        "source" => Became::Runs(SOURCE.parse().expect("a version")),
        "target" => Became::Runs(TARGET.parse().expect("a version")),
        "dead" => Became::Unresponsive,
        other => Became::Runs(other.parse().expect("a version")),
    }
}

/// The rule id, `pass` otherwise; and the class for a look.
pub fn ruled(verdict: &Verdict) -> String {
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

pub fn verdict(
    script: &str,
    version: &str,
    cut: Option<Moment>,
    change: impl FnOnce(&mut Facts<'_>),
) -> Verdict {
    let (update, case) = (play(script), case(cut, Expect::success()));
    let mut facts = Facts {
        case: &case,
        update: &update,
        became: became(version),
        cuts_planned: u32::from(cut.is_some()),
        timed_out: None,
        reply: Some(Reply::Ok),
        fault_met: true,
        fetches: Fetches {
            requests: 1,
            ..Fetches::default()
        },
        lwm2m: None,
        imei: None,
        asked: Asked::default(),
    };
    change(&mut facts);
    judge(&facts)
}

pub const UPDATING_50: Moment = Moment::Updating(Percent::new(50).unwrap());
