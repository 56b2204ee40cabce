//! Logs in short: words become the module's lines.

use dfota_core::log::fold::LogContext;
use dfota_core::log::format::LogFormat;
use dfota_core::log::found::LogUpdate;
use dfota_core::log::reader::LogReader;

/// A block of the boot ROM, with its line ends.
pub(crate) const BROM: &str = "\n\rF1: 0000 0000\n\rV0: 0000 0000 [0001]\n\r00: 0006 000C\n\r01: 0000 0000\n\rU0: 0000 0001 [0000]\n\rT0: 0000 00B4\n\rLeaving the BROM\n\r";
/// The versions of the tests.
pub(crate) const A: &str = "BC66NBR01A01";
pub(crate) const B: &str = "BC66NBR01A02";

/// `rom rdy A B C order-http order-uart block-2 http coap down-43 http-end-0 coap-end-0 start up-20 end-0 torn noise`, and
/// whatever else is a line as it stands.
pub(crate) fn log(words: &str) -> String {
    words.split_whitespace().map(line).collect()
}

fn line(word: &str) -> String {
    let fota = |rest: String| format!("\r\n+QIND: \"FOTA\",{rest}\r\n");
    let (name, value) = word.rsplit_once('-').unwrap_or((word, ""));
    match (word, name) {
        ("rom", _) => BROM.into(),
        ("rdy", _) => "\r\nRDY\r\n\r\n+CFUN: 1\r\n".into(),
        ("A", _) => revision(A),
        ("B", _) => revision(B),
        ("C", _) => revision("BC66NBR01A99"),
        ("order-http", _) => "AT+QFOTADL=\"http://lab.example.com/a.bin\"\r\r\nOK\r\n".into(),
        ("order-uart", _) => "AT+QFOTADL=1\r\r\nOK\r\n".into(),
        ("at", _) => "AT\r\r\nOK\r\n".into(),
        ("http", _) => fota("\"HTTPSTART\"".into()),
        ("coap", _) => fota("\"COAPSTART\"".into()),
        ("start", _) => fota("\"START\"".into()),
        ("torn", _) => "\r\n+QIND: \"FOTA\",\"HTT\r\n".into(),
        ("noise", _) => "\x00\x01\r\n".into(),
        ("putty", _) => {
            "=~=~=~=~=~=~=~=~=~=~=~= PuTTY log 2026.11.22 14:30:05 =~=~=~=~=~=~=~=~=~=~=~=\r\n".into()
        }
        (_, "block") => format!("AT+QFUPLEX=4096,{value},4098\r\r\n>\r\n+QFUPLEX: 4096\r\n\r\nOK\r\n"),
        (_, "down") => fota(format!("\"DOWNLOADING\",{value}%")),
        (_, "http-end") => fota(format!("\"HTTPEND\",{value}")),
        (_, "coap-end") => fota(format!("\"COAPEND\",{value}")),
        (_, "up") => fota(format!("\"UPDATING\",{value}%,1,1")),
        (_, "end") => fota(format!("\"END\",{value}")),
        _ if word.starts_with('A') => format!("{word}\r\r\nOK\r\n"),
        _ => panic!("a word that no log has: {word}"),
    }
}

fn revision(version: &str) -> String {
    format!("\r\nQuectel_Ltd\r\nQuectel_BC66\r\nRevision: {version}\r\n\r\nOK\r\n")
}

/// The updates in a log, with what its owner tells.
pub(crate) fn updates(bytes: &[u8], told: LogContext) -> Vec<LogUpdate> {
    let mut reader = LogReader::new(LogFormat::Plain, b'\n', told);
    let mut found = Vec::new();
    reader.push(bytes, &mut |update| found.push(update));
    reader.finish(&mut |update| found.push(update));
    found
}

/// The only update in a log.
#[track_caller]
pub(crate) fn only(words: &str, told: LogContext) -> LogUpdate {
    let mut found = updates(log(words).as_bytes(), told);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

/// The rules that it breaks.
pub(crate) fn rules(update: &LogUpdate) -> Vec<&'static str> {
    update.findings.iter().map(|found| found.rule.id()).collect()
}

/// What its owner tells.
pub(crate) fn told(from: &str, to: &str) -> LogContext {
    let version = |text: &str| (!text.is_empty()).then(|| text.parse().expect("a version"));
    LogContext {
        from: version(from),
        to: version(to),
        via: None,
    }
}
