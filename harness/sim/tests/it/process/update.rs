//! Updates over the UART: sound, refused, cut.

use crate::process::rig::{BACK, FORWARD, Rig, contains, lacks};
use bc66_sim::flash::{ERASED, SECTOR};
use bc66_sim::image;
use bc66_sim::layout::FlashLayout;
use rstest::rstest;
use std::time::Duration;

fn percents(text: &str) -> Vec<u8> {
    let fields = text.split("\"UPDATING\",").skip(1);
    fields
        .map(|rest| {
            rest.split('%')
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a percentage")
        })
        .collect()
}

/// Boots until the version can be asked for.
fn revision_after_boot(rig: &mut Rig) -> String {
    rig.until("+CPIN: READY\r\n");
    rig.sync();
    rig.revision()
}

#[rstest]
fn end_to_end(#[values(512, 8192)] block: usize) {
    let mut rig = Rig::attached(&[]);
    rig.upload(&FORWARD, block);
    assert_eq!(rig.exchange("AT+QFOTADL=1"), "AT+QFOTADL=1\r\r\nOK\r\n");
    let order = rig.until("\"UPDATING\",20%,1,1\r\n");
    assert!(
        order.starts_with("\r\n+QIND: \"FOTA\",\"START\"\r\n\n\rF1: "),
        "{order:?}"
    );
    assert_eq!(order.matches("Leaving the BROM").count(), 1);
    let update = rig.until("+CPIN: READY\r\n");
    assert_eq!(percents(&update), (21..=100).collect::<Vec<u8>>());
    let end = update.split("\"UPDATING\",100%,1,1\r\n").nth(1).expect("100 %");
    contains(
        end,
        &["Leaving the BROM\n\r\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+QIND: \"FOTA\",\"END\",0\r\n\r\n+CPIN"],
    );
    rig.sync();
    assert_eq!(rig.revision(), "BC66NBR01A02");
    rig.cycle();
    assert!(
        !rig.until("+CPIN: READY\r\n").contains("FOTA"),
        "a result is told once"
    );
}

#[rstest]
fn there_and_back(#[values(21, 50, 80)] percent: u8) {
    let mut rig = Rig::attached(&[]);
    for (package, version) in [(&FORWARD, "BC66NBR01A02"), (&BACK, "BC66NBR01A01")] {
        rig.order_uploaded(package);
        rig.until(&format!("\"UPDATING\",{percent}%"));
        rig.cycle();
        let resumed = rig.until("RDY\r\n");
        contains(
            &resumed,
            &["BROM\n\r\r\n+QIND: \"FOTA\",\"START\"\r\n\r\n+QIND: \"FOTA\",\"UPDATING\",20%,1,1\r\n"],
        );
        assert_eq!(percents(&resumed), (20..=100).collect::<Vec<u8>>());
        assert!(rig.until("+CPIN: READY\r\n").contains("\"END\",0\r\n"));
        rig.settle();
        assert_eq!(rig.revision(), version);
    }
}

#[test]
fn cut_again_in_each_resume() {
    let mut rig = Rig::attached(&[]);
    rig.order_uploaded(&FORWARD);
    for percent in [20, 35, 35, 36, 70, 90] {
        rig.until(&format!("\"UPDATING\",{percent}%"));
        rig.cycle();
    }
    assert_eq!(revision_after_boot(&mut rig), "BC66NBR01A02");
}

#[test]
fn reset_in_updating_resumes_too() {
    let mut rig = Rig::attached(&[]);
    rig.order_uploaded(&FORWARD);
    rig.until("\"UPDATING\",40%");
    rig.request("reset on");
    rig.listen(Duration::from_millis(1));
    rig.request("reset off");
    assert!(rig.until("RDY\r\n").contains("\"UPDATING\",20%"));
    assert_eq!(revision_after_boot(&mut rig), "BC66NBR01A02");
}

fn damaged() -> Vec<u8> {
    let mut package = FORWARD.clone();
    package[5000] ^= 0x40;
    package
}

#[rstest]
#[case(BACK.clone(), "254")]
#[case(damaged(), "255")]
#[case(b"garbage".to_vec(), "255")]
fn refused(#[case] package: Vec<u8>, #[case] code: &str) {
    let mut rig = Rig::attached(&[]);
    rig.order_uploaded(&package);
    let text = rig.until("+CPIN: READY\r\n");
    assert!(
        text.contains(&format!("+CFUN: 1\r\n\r\n+QIND: \"FOTA\",\"END\",{code}\r\n")),
        "{text:?}"
    );
    lacks(&text, &["UPDATING"]);
    assert_eq!(text.matches("Leaving the BROM").count(), 2);
    rig.sync();
    assert_eq!(rig.revision(), "BC66NBR01A01");
}

#[test]
fn a_second_order_is_an_error() {
    let mut rig = Rig::powered("20", &[]);
    rig.settle();
    rig.upload(&FORWARD[..4096], 4096);
    rig.send("AT+QFOTADL=1\rAT+QFOTADL=1\r");
    assert!(rig.until("ERROR\r\n").contains("OK\r\n"));
}

/// A cut some milliseconds after a percentage lands in the erasure of the backup: the file shows it half done.
#[test]
fn the_write_under_way_is_torn() {
    let dir = tempfile::tempdir().expect("a directory");
    let flash = dir.path().join("flash");
    let flags = [
        "--speed",
        "20",
        "--pwrkey-tied",
        "--flash",
        flash.to_str().expect("UTF-8"),
    ];
    let mut rig = Rig::start(&flags);
    rig.request("power on");
    rig.settle();
    rig.order_uploaded(&FORWARD);
    let source = image::build(
        &"BC66NBR01A01".parse().expect("a version"),
        FlashLayout::BC66.image.size(),
    );
    let torn = (21..60).any(|percent| {
        rig.until(&format!("\"UPDATING\",{percent}%"));
        rig.listen(Duration::from_millis(1));
        rig.cycle();
        let backup =
            &std::fs::read(&flash).expect("the flash file")[FlashLayout::BC66.backup.start..][..SECTOR];
        let whole = source.chunks(SECTOR).any(|sector| sector == backup);
        !whole && backup.iter().any(|byte| *byte != ERASED)
    });
    assert!(torn, "no cut of many tore anything");
    rig.settle();
    assert_eq!(rig.revision(), "BC66NBR01A02");
}
