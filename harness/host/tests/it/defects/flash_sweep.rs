//! An update cut at every operation on the flash, judged by the verdict code of the harness: for defects that show only
//! inside one of them, which no cut from outside can be aimed at.
//!
//! In process: the simulator's bootloader over flash in memory on one side, the harness's update machine and judge on the
//! other. What passes between them is what would stand on the UART.

use bc66_sim::bootloader::{Bootloader, Next, UpdateObserver};
use bc66_sim::defect::Defects;
use bc66_sim::delta_area;
use bc66_sim::flash::{Flash, FlashError, RamFlash};
use bc66_sim::image;
use bc66_sim::layout::FlashLayout;
use bc66_sim::package::pack_images;
use bc66_sim::update_info::UpdateInfo;
use dfota_core::case::{Case, Package};
use dfota_core::cut::{CutKind, CutPlan};
use dfota_core::event::watched::{Attempt, Purpose};
use dfota_core::event_id::EventId;
use dfota_core::judge::judge;
use dfota_core::moment::Moment;
use dfota_core::observation::{IdentityReply, Observation, Reading};
use dfota_core::percent::Percent;
use dfota_core::transport::Via;
use dfota_core::update::UpdateInput;
use dfota_core::urc::{Fota, Urc};
use std::collections::BTreeSet;
use std::time::Duration;

const LAYOUT: FlashLayout = FlashLayout::with_image_sectors(6);
const SOURCE: &str = "BC66NBR01A01";
const TARGET: &str = "BC66NBR01A02";
/// The second cut meets one of so many operations of the resume, of the first [`SECOND_UNTIL`].
const SECOND_EVERY: usize = 5;
const SECOND_UNTIL: u64 = 80;

/// The rules that fire when power is lost at every operation of an update; with two cuts, also in the resume after it.
pub(crate) fn rules(defects: Defects, cuts: u32) -> BTreeSet<&'static str> {
    let module = SweptModule::new(defects);
    let operations = module.clone().update().operations;
    assert!(operations > 100, "an update has {operations} operations");
    let mut rules = BTreeSet::new();
    for first in 0..operations {
        let mut once = module.clone();
        once.cut_in(first);
        if cuts == 1 {
            rules.extend(once.end().verdict(1));
            continue;
        }
        let resume = once.clone().end().operations;
        for second in (first % SECOND_EVERY as u64..resume.min(SECOND_UNTIL)).step_by(SECOND_EVERY) {
            let mut twice = once.clone();
            twice.cut_again(second);
            rules.extend(twice.end().verdict(2));
        }
    }
    rules
}

/// A module, and what the harness hears of it.
#[derive(Clone)]
struct SweptModule {
    flash: RamFlash,
    defects: Defects,
    package: usize,
    heard: Heard,
}

#[derive(Clone)]
struct Heard(Observation);

impl Heard {
    fn urc(&mut self, urc: Urc) {
        self.0.update.on(UpdateInput::Urc(urc));
    }
}

impl UpdateObserver for Heard {
    fn resumes(&mut self) {
        self.urc(Urc::Fota(Fota::Start));
    }
    fn percent(&mut self, percent: u8) {
        self.urc(Urc::Fota(Fota::Updating {
            percent: Percent::new(percent).expect("at most 100"),
            total: Some(1),
            current: Some(1),
        }));
    }
    fn computes(&mut self, _: Duration) {}
}

/// How it ended.
struct Ended {
    heard: Heard,
    became: IdentityReply,
    /// Operations since the supply came back last.
    operations: u64,
}

impl SweptModule {
    /// With the source version installed, and the package in the delta area.
    fn new(defects: Defects) -> Self {
        let [source, target] = [SOURCE, TARGET].map(|name| name.parse().expect("a version"));
        let old = image::build(&source, LAYOUT.image.size());
        let package = pack_images(&source, &target, LAYOUT.image.size()).expect("a package");
        let mut flash = RamFlash::new(LAYOUT.size(), 0);
        flash.program_all(LAYOUT.image.start, &old).expect("powered");
        UpdateInfo::Idle.store(&mut flash, &LAYOUT).expect("powered");
        delta_area::write(&mut flash, LAYOUT.delta, 0, &package).expect("powered");
        Self {
            flash,
            defects,
            package: package.len(),
            heard: Heard(Observation::new(Attempt {
                purpose: Purpose::Case,
                case: case(0),
                cuts: Vec::new(),
                before: None,
                bound_ns: 0,
            })),
        }
    }

    /// The order, and everything up to the application.
    fn order_and_boot(&mut self) -> Result<IdentityReply, FlashError> {
        self.heard.0.update.on(UpdateInput::Order);
        self.heard.urc(Urc::Fota(Fota::Start));
        let package = self.package;
        UpdateInfo::Ordered { package }.store(&mut self.flash, &LAYOUT)?;
        self.boot()
    }

    /// Boots until the application runs and has told the result, or nothing that could run is there.
    fn boot(&mut self) -> Result<IdentityReply, FlashError> {
        loop {
            self.heard.urc(Urc::BootRom);
            let mut bootloader = Bootloader::new(&mut self.flash, &LAYOUT, &mut self.heard, self.defects);
            if bootloader.run()? == Next::Application {
                break;
            }
        }
        let Some(version) = image::version(&self.flash, &LAYOUT)? else {
            return Ok(IdentityReply::Nothing("not a byte came".into()));
        };
        self.heard.urc(Urc::Rdy);
        if let UpdateInfo::Over(code) = UpdateInfo::load(&self.flash, &LAYOUT)? {
            self.heard.urc(Urc::Fota(Fota::End(code)));
            UpdateInfo::Idle.store(&mut self.flash, &LAYOUT)?;
        }
        let version = version.as_str().parse().expect("a version for the harness too");
        Ok(IdentityReply::Identity { version, imei: None })
    }

    fn update(mut self) -> Ended {
        self.flash.power_up(None);
        let became = self.order_and_boot().expect("powered");
        self.ended(became)
    }

    fn cut_in(&mut self, operation: u64) {
        self.flash.reseed(operation);
        self.flash.power_up(Some(operation));
        let cut = self.order_and_boot();
        self.is_cut(cut, operation);
    }

    fn cut_again(&mut self, operation: u64) {
        self.flash.power_up(Some(operation));
        let cut = self.boot();
        self.is_cut(cut, operation);
    }

    fn is_cut(&mut self, cut: Result<IdentityReply, FlashError>, operation: u64) {
        assert!(cut.is_err(), "operation {operation} was reached");
        self.heard.0.update.on(UpdateInput::Cut { glitch: false });
    }

    /// After the last cut: what the module does with its supply back.
    fn end(mut self) -> Ended {
        self.flash.power_up(None);
        let became = self.boot().expect("powered");
        self.ended(became)
    }

    fn ended(self, became: IdentityReply) -> Ended {
        Ended {
            operations: self.flash.operations(),
            heard: self.heard,
            became,
        }
    }
}

impl Ended {
    /// The rule that fires.
    fn verdict(self, cuts: u32) -> Option<&'static str> {
        let Self { heard, became, .. } = self;
        let mut seen = heard.0;
        seen.plan.case = case(cuts);
        seen.plan.cuts = vec!["end+0ms/power/5s".parse().expect("a cut"); cuts as usize];
        seen.answers.readings.push(Reading {
            id: EventId(0),
            life: seen.update.lives().len() - 1,
            said: became,
        });
        let verdict = judge(&seen).verdict;
        verdict.finding().map(|finding| finding.rule.id())
    }
}

/// Cuts are where the sweep puts them; armed for the end, none comes too late for the judge.
fn case(times: u32) -> Case {
    let [from, to] = [SOURCE, TARGET].map(|name| name.parse().expect("a version"));
    let package = Package {
        name: "a-to-b".into(),
        from,
        to,
        bytes: 1,
        sha256: String::new(),
    };
    Case {
        cut: Some(CutPlan {
            at: Moment::End,
            after_min: Duration::ZERO,
            after_max: Duration::ZERO,
            off: Duration::from_secs(5),
            kind: CutKind::Power,
            times,
        }),
        ..Case::plain("sweep", "flash", package, Via::Uart)
    }
}
