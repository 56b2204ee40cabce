//! A JUnit file as its readers take it: well-formed, with the elements and attributes of Jenkins's `junit-10.xsd` alone.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;

type Names = &'static [&'static str];

/// What the extended profile allows on a case beside that: children, attributes.
const EXTENDED: (Names, Names) = (&["properties"], &["file", "line", "timestamp"]);

/// Elements: those that may stand in it, attributes that it must have, attributes that it may have.
const ALLOWED: &[(&str, Names, Names, Names)] = &[
    (
        "testsuites",
        &["testsuite"],
        &[],
        &["name", "time", "tests", "failures", "errors"],
    ),
    (
        "testsuite",
        &["testsuite", "properties", "testcase", "system-out", "system-err"],
        &["name", "tests", "failures", "errors"],
        &[
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
            "version",
        ],
    ),
    ("properties", &["property"], &[], &[]),
    ("property", &[], &["name", "value"], &[]),
    (
        "testcase",
        &[
            "skipped",
            "error",
            "failure",
            "rerunFailure",
            "rerunError",
            "flakyFailure",
            "flakyError",
            "system-out",
            "system-err",
        ],
        &["name"],
        &["time", "classname", "group"],
    ),
    ("failure", &[], &[], &["type", "message"]),
    (
        "rerunFailure",
        &["stackTrace", "system-out", "system-err"],
        &["type"],
        &["message"],
    ),
    (
        "flakyFailure",
        &["stackTrace", "system-out", "system-err"],
        &["type"],
        &["message"],
    ),
    ("error", &[], &[], &["type", "message"]),
    ("skipped", &[], &[], &["type", "message"]),
    ("system-out", &[], &[], &[]),
    ("system-err", &[], &[], &[]),
];

/// An element.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub children: Vec<Element>,
    pub text: String,
}

impl Element {
    pub(crate) fn get(&self, attribute: &str) -> &str {
        self.attributes.get(attribute).map_or("", String::as_str)
    }

    fn count(&self, attribute: &str) -> usize {
        self.get(attribute)
            .parse()
            .unwrap_or_else(|_| panic!("{attribute} of {self:?}"))
    }
}

/// A case: `failure`, `error`, `skipped` or nothing, with type and message.
#[derive(Debug)]
pub(crate) struct Case {
    pub name: String,
    pub verdict: String,
    pub kind: String,
    pub message: String,
    pub body: String,
    pub output: String,
    /// The tries before the last one: element and type.
    pub earlier: Vec<String>,
    /// Of the extended profile: attributes, and properties by name.
    pub attributes: BTreeMap<String, String>,
    pub properties: BTreeMap<String, String>,
}

/// Reads and checks a file, and gives its cases.
#[track_caller]
pub(crate) fn cases(xml: &str) -> Vec<Case> {
    cases_of(xml, false)
}

/// The same for a file of the extended profile.
#[track_caller]
pub(crate) fn extended_cases(xml: &str) -> Vec<Case> {
    cases_of(xml, true)
}

#[track_caller]
fn cases_of(xml: &str, extended: bool) -> Vec<Case> {
    let root = parse(xml);
    assert_eq!(root.name, "testsuites");
    check(&root, extended);
    root.children
        .iter()
        .flat_map(|suite| suite.children.iter().filter(|child| child.name == "testcase"))
        .map(case)
        .collect()
}

fn case(element: &Element) -> Case {
    let verdicts: Vec<&Element> = element
        .children
        .iter()
        .filter(|child| ["failure", "error", "skipped"].contains(&child.name.as_str()))
        .collect();
    assert!(verdicts.len() <= 1, "more than one verdict: {element:?}");
    let text = |what: fn(&Element) -> &str| verdicts.first().map_or("", |child| what(child)).to_owned();
    let properties = element.children.iter().filter(|child| child.name == "properties");
    let mut by_name = BTreeMap::new();
    for property in properties.flat_map(|properties| &properties.children) {
        let twice = by_name.insert(property.get("name").to_owned(), property.get("value").to_owned());
        assert!(twice.is_none(), "a property twice: {element:?}");
    }
    let output = element.children.iter().find(|child| child.name == "system-out");
    Case {
        name: element.get("name").into(),
        verdict: text(|child| &child.name),
        kind: text(|child| child.get("type")),
        message: text(|child| child.get("message")),
        body: text(|child| &child.text),
        output: output.map_or("", |child| &child.text).into(),
        earlier: element
            .children
            .iter()
            .filter(|child| ["flakyFailure", "rerunFailure"].contains(&child.name.as_str()))
            .map(|child| format!("{} {}", child.name, child.get("type")))
            .collect(),
        attributes: element.attributes.clone(),
        properties: by_name,
    }
}

#[track_caller]
fn check(element: &Element, extended: bool) {
    let (_, children, must, may) = ALLOWED
        .iter()
        .find(|(name, ..)| *name == element.name)
        .unwrap_or_else(|| panic!("no such element: {element:?}"));
    let more = if extended && element.name == "testcase" {
        EXTENDED
    } else {
        (&[][..], &[][..])
    };
    for attribute in *must {
        assert!(
            element.attributes.contains_key(*attribute),
            "no `{attribute}` in {element:?}"
        );
    }
    for attribute in element.attributes.keys().map(String::as_str) {
        assert!(
            must.contains(&attribute) || may.contains(&attribute) || more.1.contains(&attribute),
            "`{attribute}` in {element:?}"
        );
    }
    if let Some(time) = element.attributes.get("time") {
        let (seconds, decimals) = time.split_once('.').unwrap_or((time, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        assert!(
            digits(seconds) && digits(decimals) && decimals.len() <= 3,
            "time `{time}`"
        );
    }
    if element.name == "testsuite" {
        check_counts(element);
    }
    for child in &element.children {
        assert!(
            children.contains(&child.name.as_str()) || more.0.contains(&child.name.as_str()),
            "`{}` in `{}`",
            child.name,
            element.name
        );
        check(child, extended);
    }
}

fn check_counts(suite: &Element) {
    let cases: Vec<&Element> = suite
        .children
        .iter()
        .filter(|child| child.name == "testcase")
        .collect();
    let with = |name: &str| {
        cases
            .iter()
            .filter(|case| case.children.iter().any(|child| child.name == name))
            .count()
    };
    assert_eq!(suite.count("tests"), cases.len(), "tests");
    for (attribute, child) in [
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ] {
        assert_eq!(suite.count(attribute), with(child), "{attribute}");
    }
}

/// Reads XML: one root, every tag closed, no character that XML does not have.
#[track_caller]
pub(crate) fn parse(xml: &str) -> Element {
    let illegal = |c: &char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    assert_eq!(
        xml.chars().find(illegal),
        None,
        "a character that XML does not have"
    );
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Element::default()];
    loop {
        let event = reader
            .read_event()
            .unwrap_or_else(|why| panic!("{why} at byte {}", reader.error_position()));
        match event {
            Event::Eof => break,
            Event::Start(tag) => open.push(element(&tag)),
            Event::Empty(tag) => add(&mut open, element(&tag)),
            Event::End(_) => {
                let closed = open.pop().expect("a closing tag closes something");
                add(&mut open, closed);
            }
            Event::Text(text) => {
                let text = text.decode().expect("UTF-8");
                assert!(!text.contains("]]>"), "`]]>` in text");
                append(&mut open, &text);
            }
            Event::CData(text) => append(&mut open, &text.decode().expect("UTF-8")),
            Event::GeneralRef(name) => append(&mut open, &format!("&{};", name.decode().expect("UTF-8"))),
            Event::Decl(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(open.len(), 1, "an element is never closed");
    let mut roots = open.pop().expect("just counted").children;
    assert_eq!(roots.len(), 1, "one root");
    roots.pop().expect("just counted")
}

fn element(tag: &BytesStart<'_>) -> Element {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let mut attributes = BTreeMap::new();
    for attribute in tag.attributes() {
        let attribute = attribute.expect("an attribute");
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Explicit1_0)
            .expect("known entities alone")
            .into_owned();
        let twice = attributes.insert(text(attribute.key.as_ref()), value);
        assert!(twice.is_none(), "an attribute twice in {tag:?}");
    }
    Element {
        name: text(tag.name().as_ref()),
        attributes,
        ..Element::default()
    }
}

fn add(open: &mut [Element], child: Element) {
    open.last_mut().expect("there is a root").children.push(child);
}

fn append(open: &mut [Element], text: &str) {
    open.last_mut().expect("there is a root").text.push_str(text);
}
