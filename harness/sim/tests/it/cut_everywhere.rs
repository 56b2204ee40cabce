//! An update cut at every single flash operation, torn, and booted again; and cut once more while it resumes.
//!
//! In process, over flash in memory: the real bootloader and the real records, without the process around them.

use bc66_sim::bootloader::{Bootloader, Next, UpdateObserver};
use bc66_sim::defect::Defects;
use bc66_sim::delta_area;
use bc66_sim::flash::{Flash, RamFlash, Result};
use bc66_sim::image;
use bc66_sim::layout::{FlashLayout, Region};
use bc66_sim::package::pack_images;
use bc66_sim::random::Random;
use bc66_sim::update_info::UpdateInfo;
use bc66_sim::version::FirmwareVersion;
use bc66_spec::code::UpdateCode;
use rstest::rstest;
use std::time::Duration;

const LAYOUT: FlashLayout = FlashLayout::with_image_sectors(6);

fn version(name: &str) -> FirmwareVersion {
    name.parse().expect("a version")
}

fn image_of(name: &str) -> Vec<u8> {
    image::build(&version(name), LAYOUT.image.size())
}

fn package(from: &str, to: &str) -> Vec<u8> {
    pack_images(&version(from), &version(to), LAYOUT.image.size()).expect("a package")
}

/// Flash with `running` installed and `package` in the delta area.
fn prepared(running: &str, package: &[u8]) -> RamFlash {
    let mut flash = RamFlash::new(LAYOUT.size(), 0);
    flash
        .program_all(LAYOUT.image.start, &image_of(running))
        .expect("powered");
    UpdateInfo::Idle.store(&mut flash, &LAYOUT).expect("powered");
    delta_area::write(&mut flash, LAYOUT.delta, 0, package).expect("powered");
    flash
}

#[derive(Default)]
struct Trace {
    resumed: usize,
    percents: Vec<u8>,
    results: Vec<UpdateCode>,
}

impl UpdateObserver for Trace {
    fn resumes(&mut self) {
        self.resumed += 1;
    }
    fn percent(&mut self, percent: u8) {
        self.percents.push(percent);
    }
    fn computes(&mut self, _: Duration) {}
}

/// The application's order, as it sets the marker.
fn order(flash: &mut RamFlash, package: &[u8]) -> Result<()> {
    UpdateInfo::Ordered {
        package: package.len(),
    }
    .store(flash, &LAYOUT)
}

/// Boots until the application runs, and lets it tell the result.
fn boot(flash: &mut RamFlash, trace: &mut Trace) -> Result<()> {
    loop {
        let defects = Defects::default();
        if Bootloader::new(flash, &LAYOUT, trace, defects).run()? == Next::Application {
            break;
        }
    }
    if let UpdateInfo::Over(code) = UpdateInfo::load(flash, &LAYOUT)? {
        trace.results.push(code);
        UpdateInfo::Idle.store(flash, &LAYOUT)?;
    }
    Ok(())
}

fn bytes(flash: &RamFlash, region: Region) -> &[u8] {
    &flash.bytes()[region.start..region.start + region.size()]
}

/// The one row of states that an update passes, each with what the image may be.
fn rank(flash: &RamFlash, source: &[u8], target: &[u8]) -> u8 {
    let now = bytes(flash, LAYOUT.image);
    match UpdateInfo::load(flash, &LAYOUT).expect("powered") {
        UpdateInfo::Idle if now == source => 0,
        UpdateInfo::Ordered { .. } if now == source => 1,
        UpdateInfo::Patching { .. } => 2,
        UpdateInfo::Over(UpdateCode::Success) if now == target => 3,
        UpdateInfo::Idle if now == target => 4,
        other => panic!("{other:?} with an image that is neither the source nor the target"),
    }
}

/// After the last cut: whatever the flash says is brought to its end, and nothing else happens.
fn check_end(flash: &mut RamFlash, before: &RamFlash, source: &[u8], target: &[u8], cut: &str) {
    flash.power_up(None);
    let rank_at_cut = rank(flash, source, target);
    let mut trace = Trace::default();
    boot(flash, &mut trace).expect("powered");
    let end = if rank_at_cut == 0 { source } else { target };
    assert!(
        bytes(flash, LAYOUT.image) == end,
        "{cut}: the image is wrong after the boot"
    );
    assert_eq!(
        trace.results,
        if (1..=3).contains(&rank_at_cut) {
            vec![UpdateCode::Success]
        } else {
            vec![]
        },
        "{cut}"
    );
    assert_eq!(trace.resumed, usize::from(rank_at_cut == 2), "{cut}");
    assert_eq!(
        trace.percents.first().copied(),
        (1..=2).contains(&rank_at_cut).then_some(20),
        "{cut}"
    );
    for region in [LAYOUT.delta, LAYOUT.nvdm] {
        assert!(
            bytes(flash, region) == bytes(before, region),
            "{cut}: something else was written"
        );
    }
    let mut again = Trace::default();
    boot(flash, &mut again).expect("powered");
    assert!(
        again.percents.is_empty() && again.results.is_empty(),
        "{cut}: the next boot has nothing to do"
    );
}

#[rstest]
#[case("BC66NBR01A01", "BC66NBR01A02")]
#[case("BC66NBR01A02", "BC66NBR01A01")]
#[case("BC66NANBR01A01", "BC66NANBR01A03")]
fn cut_everywhere(#[case] from: &str, #[case] to: &str) {
    let package = package(from, to);
    let (source, target) = (image_of(from), image_of(to));
    let before = prepared(from, &package);

    let mut clean = before.clone();
    clean.power_up(None);
    let mut trace = Trace::default();
    order(&mut clean, &package)
        .and_then(|()| boot(&mut clean, &mut trace))
        .expect("powered");
    let operations = clean.operations();
    assert!(operations > 200, "a clean update has {operations} operations");
    assert_eq!(
        (trace.resumed, &trace.percents),
        (0, &vec![20, 33, 46, 60, 73, 86, 100])
    );
    assert_eq!(rank(&clean, &source, &target), 4);

    let mut last_rank = 0;
    let mut random = Random::new(66);
    for first in 0..operations {
        let mut cut = before.clone();
        cut.reseed(first);
        cut.power_up(Some(first));
        let ended = order(&mut cut, &package).and_then(|()| boot(&mut cut, &mut Trace::default()));
        assert!(ended.is_err(), "operation {first} was reached");
        cut.power_up(None);
        let rank = rank(&cut, &source, &target);
        assert!(
            rank >= last_rank,
            "operation {first}: back from state {last_rank} to {rank}"
        );
        last_rank = rank;

        let mut resume = cut.clone();
        boot(&mut resume, &mut Trace::default()).expect("powered");
        let resume_operations = resume.operations();
        check_end(
            &mut cut.clone(),
            &before,
            &source,
            &target,
            &format!("cut {first}"),
        );
        for _ in 0..4 * u64::from(resume_operations > 0) {
            let second = random.bits() % resume_operations;
            let mut twice = cut.clone();
            twice.power_up(Some(second));
            assert!(
                boot(&mut twice, &mut Trace::default()).is_err(),
                "operation {second} was reached"
            );
            check_end(
                &mut twice,
                &before,
                &source,
                &target,
                &format!("cut {first}, then {second} of the resume"),
            );
        }
    }
    assert!(last_rank >= 3, "the last cuts find the update done");
}

fn flipped(mut package: Vec<u8>, at: usize) -> Vec<u8> {
    package[at] ^= 1;
    package
}

#[rstest]
#[case::wrong_source(package("BC66NBR01A02", "BC66NBR01A01"), UpdateCode::Mismatch)]
#[case::other_source(package("BC66NBR01A03", "BC66NBR01A02"), UpdateCode::Mismatch)]
#[case::other_module(package("BC66NANBR01A01", "BC66NANBR01A02"), UpdateCode::Mismatch)]
#[case::other_flash_map(
    bc66_sim::package::pack(&version("BC66NBR01A01"), &version("BC66NBR01A02")).expect("a package"),
    UpdateCode::Mismatch
)]
#[case::header_damaged(flipped(package("BC66NBR01A01", "BC66NBR01A02"), 40), UpdateCode::Invalid)]
#[case::content_damaged(flipped(package("BC66NBR01A01", "BC66NBR01A02"), 1000), UpdateCode::Invalid)]
#[case::cut_short(package("BC66NBR01A01", "BC66NBR01A02")[..900].to_vec(), UpdateCode::Invalid)]
#[case::one_byte_more([package("BC66NBR01A01", "BC66NBR01A02"), vec![0]].concat(), UpdateCode::Invalid)]
#[case::no_package(b"<html>not found</html>".to_vec(), UpdateCode::Invalid)]
fn refusals(#[case] package: Vec<u8>, #[case] code: UpdateCode) {
    let mut flash = prepared("BC66NBR01A01", &package);
    let mut trace = Trace::default();
    order(&mut flash, &package)
        .and_then(|()| boot(&mut flash, &mut trace))
        .expect("powered");
    assert_eq!(trace.results, [code]);
    assert!(trace.percents.is_empty(), "a refused package shows no progress");
    assert!(
        bytes(&flash, LAYOUT.image) == image_of("BC66NBR01A01"),
        "the source version runs on"
    );
}
