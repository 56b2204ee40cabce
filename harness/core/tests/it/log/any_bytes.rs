//! Any bytes, in any pieces, and any number of them.

use crate::log::script::{BROM, told};
use dfota_core::log::format::LogFormat;
use dfota_core::log::found::LogUpdate;
use dfota_core::log::reader::{LogCounts, LogReader};
use dfota_core::log::steps::LogSteps;
use dfota_core::log::summary::{not_known, steps, summary};
use proptest::prelude::*;

/// Everything that comes of a log in these pieces.
fn read(format: LogFormat, pieces: &[&[u8]]) -> (Vec<LogUpdate>, LogCounts) {
    let mut reader = LogReader::new(format, b'\n', told("", ""));
    let mut found = Vec::new();
    for piece in pieces {
        reader.push(piece, &mut |update| found.push(update));
    }
    reader.finish(&mut |update| found.push(update));
    (found, reader.read())
}

/// Lines of a module in any order, with stamps, noise, and parts of them.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just(BROM.as_bytes().to_vec()),
        (0..130_u32).prop_map(|n| format!("+QIND: \"FOTA\",\"UPDATING\",{n}%,1,1\r\n").into_bytes()),
        (0..101_u32).prop_map(|n| format!("+QIND: \"FOTA\",\"DOWNLOADING\",{n}%\r\n").into_bytes()),
        prop_oneof![Just(0_u32), Just(2), Just(254), Just(502)]
            .prop_map(|n| format!("+QIND: \"FOTA\",\"END\",{n}\r\n").into_bytes()),
        prop_oneof![
            Just("+QIND: \"FOTA\",\"START\"\r\n"),
            Just("+QIND: \"FOTA\",\"HTTPSTART\"\r\n"),
            Just("+QIND: \"FOTA\",\"COAPSTART\"\r\n"),
            Just("+QIND: \"FOTA\",\"HTTPEND\",0\r\n"),
            Just("+QIND: \"FOTA\",\"HTTPEND\",12\r\n"),
            Just("RDY\r\n"),
            Just("AT+QFOTADL=1\r\n"),
            Just("AT+QFOTADL=\"http://h/a\"\r"),
            Just("AT+QFUPLEX=4096,3,4098\r\n"),
            Just("+QFUPLEX: 4096\r\n"),
            Just("ATE0\r\n"),
            Just("Revision: BC66NBR01A01\r\n"),
            Just("Revision: BC66NBR01A02\r\n"),
            Just("+QIND: \"FO\r\n"),
            Just("[2026-11-22 14:30:05.123] "),
            Just("[2026-11-22 14:30:04] \r"),
            Just("Script started on \r\n"),
        ]
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(line, 0..60).prop_map(|lines| lines.concat())
}

fn format() -> impl Strategy<Value = LogFormat> {
    prop::sample::select(LogFormat::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_can_come(format in format(), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (found, read) = read(format, &[&bytes]);
        prop_assert_eq!(read.bytes, bytes.len() as u64);
        for update in &found {
            let _ = (summary(update), steps(update), not_known(update));
        }
    }

    #[test]
    fn any_lines_can_come(format in format(), bytes in lines()) {
        let (found, _) = read(format, &[&bytes]);
        for update in &found {
            prop_assert!(!summary(update).is_empty());
            prop_assert_eq!(steps(update).len(), update.steps.list().len());
            prop_assert!(update.first().line <= update.last.line);
            let _ = not_known(update);
        }
    }

    #[test]
    fn any_split_gives_the_same(format in format(), bytes in lines(), cuts in prop::collection::vec(0..2000_usize, 0..6)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(format, &pieces), read(format, &[&bytes]));
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(read(format, &single), read(format, &[&bytes]));
    }
}

/// One update that never ends: what is kept of it is bounded.
#[test]
fn a_loop_without_end() {
    let mut reader = LogReader::new(LogFormat::Plain, b'\n', told("", ""));
    let mut found = Vec::new();
    for n in 0..20_000_u32 {
        let text = format!(
            "+QIND: \"FOTA\",\"UPDATING\",{}%,1,1\r\n{BROM}RDY\r\n+QIND: \"FOTA\",\"W{n}\"\r\n",
            n % 150
        );
        reader.push(text.as_bytes(), &mut |update| found.push(update));
    }
    reader.finish(&mut |update| found.push(update));
    let [update] = &found[..] else {
        panic!("{} updates", found.len());
    };
    assert_eq!(update.steps.list().len(), LogSteps::MOST);
    assert!(update.steps.left_out > 50_000, "{}", update.steps.left_out);
    assert!(update.steps.points.list().len() <= 2000 && update.notes.len() <= 20);
}

/// A megabyte without a line end, and a URC behind it.
#[test]
fn a_line_of_a_megabyte() {
    let mut bytes = vec![b'x'; 1 << 20];
    bytes.extend_from_slice(b"\r\n+QIND: \"FOTA\",\"END\",0\r\n");
    let (found, read) = read(LogFormat::Plain, &[&bytes]);
    assert_eq!((found.len(), read.long, read.lines), (1, 1, 2));
}
