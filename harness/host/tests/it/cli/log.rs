//! `judge --log`: logs of many programs, read as a person would read them.

use crate::lab::{Lab, Ran};
use rstest::rstest;
use scraper::{Html, Selector};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The logs of this test.
fn logs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(logs().join(name)).expect(name)
}

/// A laboratory with this log in it.
fn lab(name: &str, bytes: impl AsRef<[u8]>) -> Lab {
    let lab = Lab::new();
    lab.write(name, bytes);
    lab
}

fn judge(name: &str, more: &[&str]) -> Ran {
    lab(name, bytes(name)).run(&[&["judge", "--log", name], more].concat())
}

/// Each log, the format that it is written in, and the exit code that it is worth.
#[rstest]
#[case("plain", "plain", 0)]
#[case("minicom", "minicom", 0)]
#[case("teraterm", "teraterm", 1)]
#[case("teraterm-4", "teraterm", 0)]
#[case("picocom", "picocom", 0)]
#[case("grabserial", "picocom", 1)]
#[case("screen", "screen", 0)]
#[case("labgrid", "labgrid", 0)]
#[case("qcom", "qcom", 1)]
#[case("sscom", "qcom", 1)]
#[case("torn", "plain", 0)]
#[case("reboot-loop", "plain", 0)]
#[case("no-update", "plain", 3)]
fn read_as_a_person_would(#[case] name: &str, #[case] format: &str, #[case] exit: i32) {
    let file = format!("{name}.log");
    let ran = judge(&file, &[]).ends(exit);
    assert_eq!(ran.stderr, "");
    insta::assert_snapshot!(format!("log-{name}"), ran.stdout);
    assert!(
        ran.stdout.contains(&format!("format {format} (detected)")),
        "{}",
        ran.stdout
    );
    // Who says the format himself sees the same.
    let told = judge(&file, &["--format", format]).ends(exit).stdout;
    assert_eq!(told.replace("(as given)", "(detected)"), ran.stdout);
}

/// A snapshot shows none of it by accident.
#[test]
fn no_log_is_ever_called_a_pass() {
    for entry in std::fs::read_dir(logs()).expect("the logs") {
        let name = entry.expect("a log").file_name().into_string().expect("a name");
        let said = judge(&name, &[]).stdout.to_lowercase();
        let said = said.replace("nothing here is a pass", "");
        assert!(!said.contains("pass"), "{name}: {said}");
    }
}

/// What is no log, or cannot be read byte by byte: a sentence that says what to do.
#[rstest]
#[case::utf_16(
    utf_16(),
    "the log `field.log` is UTF-16LE, expected the bytes that the module sent: convert it with `iconv -f UTF-16LE -t UTF-8 field.log > log.txt` and give that file"
)]
#[case::gzip(b"\x1F\x8B\x08\0abc".to_vec(), "the log `field.log` is packed by gzip: unpack it first, or `gunzip -c field.log | dfota-hil judge --log -`")]
#[case::journal(b"{\"seq\":0,\"mono_ns\":1}\n".to_vec(), "`field.log` is the journal of a run, not a serial log: a run is judged by its folder, without `--log`")]
fn unreadable(#[case] log: Vec<u8>, #[case] expected: &str) {
    let ran = lab("field.log", log)
        .run(&["judge", "--log", "field.log"])
        .ends(2);
    let expected = format!("error: {expected}\n");
    assert_eq!((ran.stdout.as_str(), ran.stderr), ("", expected));
}

fn utf_16() -> Vec<u8> {
    let text = String::from_utf8(bytes("plain.log")).expect("text");
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

#[test]
fn nowhere_and_a_folder() {
    let lab = Lab::new();
    lab.run(&["judge", "--log", "nowhere.log"])
        .ends(2)
        .complains("cannot read the log `nowhere.log`: No such file");
    lab.run(&["judge", "--log", "suites"])
        .ends(2)
        .complains("`suites` is a folder, expected a log file; judge a run folder without `--log`");
}

#[rstest]
#[case::empty(Vec::new())]
#[case::zeros(vec![0; 4000])]
#[case::noise(noise())]
#[case::blank(b"\r\n\r\n".to_vec())]
fn nothing_in_it(#[case] log: Vec<u8>) {
    let ran = lab("field.log", log)
        .run(&["judge", "--log", "field.log"])
        .ends(3);
    ran.says("Summary no update in it");
    assert_eq!(ran.stderr, "");
}

/// Bytes without sense; the same each time.
fn noise() -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(200_000).collect()
}

/// A megabyte without a line end between two halves of an update.
#[test]
fn a_line_of_a_megabyte() {
    let mut log = b"+QIND: \"FOTA\",\"START\"\r\n+QIND: \"FOTA\",\"UPDATING\",20%,1,1\r\n".to_vec();
    log.extend(std::iter::repeat_n(b'U', 1 << 20));
    log.extend_from_slice(
        b"\r\n+QIND: \"FOTA\",\"UPDATING\",100%,1,1\r\nRDY\r\n+QIND: \"FOTA\",\"END\",0\r\n",
    );
    let ran = lab("field.log", log)
        .run(&["judge", "--log", "field.log"])
        .ends(0);
    ran.says("UPDATING 20%..100% · END,0 · version not heard")
        .says("1 line longer than 4096 bytes, read in pieces")
        .says("not known: what stood in a damaged line (the first is line 3)");
}

/// Zeros, noise and a megabyte without a line end around an update.
#[test]
fn noise_around_an_update() {
    let mut log = vec![0; 4096];
    log.extend(bytes("plain.log"));
    log.extend(std::iter::repeat_n(b'x', 1 << 20));
    log.extend((0..=255_u8).cycle().take(10_000));
    let ran = lab("field.log", log)
        .run(&["judge", "--log", "field.log"])
        .ends(0);
    ran.says("UPDATING 20%..100% · END,0 · BC66NBR01A02");
}

/// What docs/log.md shows is what is seen.
#[test]
fn the_example_of_the_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/log.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let shown = page
        .split("```console\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let (command, shown) = shown
        .and_then(|block| block.split_once('\n'))
        .expect("an example");
    let name = command
        .strip_prefix("$ dfota-hil judge --log ")
        .expect("the command");
    let ran = lab(name, bytes("minicom.log"))
        .run(&["judge", "--log", name])
        .ends(0);
    assert_eq!(ran.stdout, shown);
}

#[test]
fn its_owner_tells_what_it_does_not() {
    let log = "+QIND: \"FOTA\",\"START\"\r\n+QIND: \"FOTA\",\"UPDATING\",20%,1,1\r\n+QIND: \"FOTA\",\"END\",0\r\nRevision: BC66NBR01A01\r\n";
    let lab = lab("field.log", log);
    let judge = |more: &[&str]| lab.run(&[&["judge", "--log", "field.log"], more].concat());
    judge(&[])
        .ends(0)
        .says("transport not known")
        .says("the version before: none was named (`--from` tells)");
    judge(&["--from", "BC66NBR01A01", "--via", "uart"])
        .ends(1)
        .says("over uart, from BC66NBR01A01")
        .says(
            "end-without-update: END,0 was reported, and the module names BC66NBR01A01 of `--from` (line 4)",
        );
    judge(&["--to", "BC66NBR01A02"])
        .ends(1)
        .says("wrong-version: the module names BC66NBR01A01, which is not BC66NBR01A02 of `--to` (line 4)");
    judge(&["--from", "BC66NBR01A00", "--to", "BC66NBR01A01"]).ends(0);
}

/// As in `gunzip -c field.log.gz | dfota-hil judge --log -`.
#[test]
fn from_the_standard_input() {
    let text = String::from_utf8(bytes("plain.log")).expect("text");
    let ran = Lab::new().run_with_input(&["judge", "--log", "-"], &text).ends(0);
    ran.says("LOG -, format plain (detected)")
        .says("UPDATING 20%..100% · END,0 · BC66NBR01A02");
}

#[test]
fn for_programs() {
    let ran = judge("picocom.log", &["--json"]).ends(0);
    let value: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(
        (&value["log"], &value["format"]),
        (&"picocom.log".into(), &"picocom".into())
    );
    let updates = value["updates"].as_array().expect("updates");
    let told: Vec<_> = updates
        .iter()
        .map(|update| {
            (
                &update["outcome"],
                &update["via"],
                &update["from"],
                &update["runs"],
            )
        })
        .collect();
    let (http, a, b) = (&"http".into(), &"BC66NBR01A01".into(), &"BC66NBR01A02".into());
    assert_eq!(told[0], (&"not-known".into(), http, a, &Value::Null));
    assert_eq!(told[1], (&"nothing-illegal-seen".into(), http, a, b));
    let end = &updates[1]["steps"][9];
    assert_eq!(
        (&end["what"], &end["line"], &end["seconds"]),
        (&"END,0 (updated successfully)".into(), &120.into(), &12.31.into())
    );
    assert_eq!((&value["not_known"], &value["exit"]), (&1.into(), &0.into()));
    for name in ["no-update.log", "qcom.log", "torn.log"] {
        let ran = judge(name, &["--json"]);
        let value: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(value["exit"].as_i64(), ran.code.map(i64::from), "{name}");
    }
}

/// The page of a log, parsed as a browser does it; what the parser had to guess at is a failure.
#[rstest]
#[case("teraterm", &["UPDATING 20%..50% · reset while UPDATING 50% · resumed 20%..45% · reset while UPDATING 45% · END,502 · BC66NBR01A01", "update-failed", "SOMETHING ILLEGAL SEEN"], 1)]
#[case("torn", &["NOTHING ILLEGAL SEEN, NOT ALL KNOWN", "line 7"], 0)]
#[case("no-update", &["There is no update in this log.", "NO UPDATE"], 3)]
fn page(#[case] name: &str, #[case] parts: &[&str], #[case] exit: i32) {
    let file = format!("{name}.log");
    let lab = lab(&file, bytes(&file));
    lab.run(&["judge", "--log", &file, "--html", "page.html"])
        .ends(exit)
        .says("page.html");
    let text = lab.read("page.html");
    let page = Html::parse_document(&text);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    let said: String = page.root_element().text().collect();
    for part in parts {
        assert!(said.contains(part), "no `{part}` in the page of {name}");
    }
    let count = |selector: &str| {
        page.select(&Selector::parse(selector).expect("a selector"))
            .count()
    };
    assert_eq!(
        (
            count("nav strong.simulated"),
            count("script"),
            count("img, link, iframe")
        ),
        (1, 0, 0)
    );
    assert!(said.contains("LOG") && said.contains("nothing here is a pass"));
    assert_eq!(count("article svg"), count("article"));
    // The same page by the other flag.
    lab.run(&["judge", "--log", &file, "--out", "pages"])
        .ends(exit)
        .says("pages/log.html");
    assert_eq!(lab.read("pages/log.html"), text);
}

/// What stands in a log is text in the page, whatever it is.
#[test]
fn a_hostile_page() {
    let log = "+QIND: \"FOTA\",\"<script>alert(1)</script>\"\r\n+QIND: \"FOTA\",\"START\"\r\n+QIND: \"FOTA\",\"</style>\u{7}&\"\r\n";
    let name = "<b>\"'&.log";
    let lab = lab(name, log);
    let ran = lab.run(&["judge", "--log", name, "--html", "page.html"]).ends(0);
    assert!(!ran.stdout.contains('\u{7}'), "{}", ran.stdout);
    let page = Html::parse_document(&lab.read("page.html"));
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    let count = |selector: &str| {
        page.select(&Selector::parse(selector).expect("a selector"))
            .count()
    };
    assert_eq!((count("script"), count("b"), count("style")), (0, 0, 1));
}

/// The log is evidence.
#[test]
fn the_page_does_not_go_over_the_log() {
    let lab = lab("field.log", bytes("plain.log"));
    let ran = lab
        .run(&["judge", "--log", "field.log", "--html", "./field.log"])
        .ends(2);
    ran.complains("the page would be written over the log `field.log`");
    assert_eq!(lab.read("field.log").as_bytes(), bytes("plain.log"));
    lab.run(&["judge", "--log", "field.log", "--html", "nowhere/page.html"])
        .ends(2)
        .complains("cannot write `nowhere/page.html`");
}

#[rstest]
#[case(&["judge"], "RUN_DIR")]
#[case(&["judge", "run", "--log", "field.log"], "cannot be used with")]
#[case(&["judge", "run", "--from", "BC66NBR01A01"], "cannot be used with")]
#[case(&["judge", "--from", "BC66NBR01A01"], "--log <FILE>")]
#[case(&["judge", "--log", "field.log", "--format", "putty"], "[possible values: auto, plain, minicom, teraterm, picocom, screen, labgrid, qcom]")]
#[case(&["judge", "--log", "field.log", "--via", "ftp"], "[possible values: http, uart, coap]")]
#[case(&["judge", "--log", "field.log", "--from", "A 1"], "a version holds letters")]
fn usage(#[case] args: &[&str], #[case] said: &str) {
    Lab::new().run(args).ends(2).complains(said);
}
