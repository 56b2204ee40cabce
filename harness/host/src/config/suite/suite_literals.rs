//! What the scalars of a suite can be read as.

use crate::config::yaml::literal::{
    InvalidValue, Literal, Whole, any_schema, choice_schema, literals, one_of, or_template, parsed_literals,
    pattern_schema, word_literals,
};
use bc66_spec::qfuplex::BLOCK_SIZES;
use dfota_core::case::Anomalies;
use dfota_core::cut::CutKind;
use dfota_core::escape::quoted;
use dfota_core::expect::{Becomes, CommandReply};
use dfota_core::moment::{InvalidMoment, Moment};
use dfota_core::percent::Percent;
use dfota_core::rate::Rate;
use dfota_core::sweep::{InvalidSpan, Jitter, Over, Span, SweepOrder};
use dfota_core::transport::Via;
use dfota_core::version::Version;
use schemars::{Schema, json_schema};
use std::time::Duration;

/// How often, or how much.
pub type PositiveCount = Whole<u32, 1, 1_000_000>;
/// Every how many: every single one would leave nothing.
pub type Every = Whole<u32, 2, 1_000_000>;
/// Bytes of a package, or how often something may happen.
pub type Amount = Whole<u32, 0, 16_777_216>;
/// How many further tries: an error that comes back ten times does not go away.
pub type Tries = Whole<u32, 0, 10>;
/// How many power cycles follow an update.
pub type Cycles = Whole<u32, 1, 20>;
/// A result code, documented or not.
pub type Code = Whole<u32, 0, 65_535>;
/// An HTTP status of a final answer that carries no package.
pub type HttpStatus = Whole<u16, 300, 599>;
/// Length of a URL. Shorter ones the harness makes anyway; 255 is the longest that the module takes (AN §2.2.1).
pub type UrlBytes = Whole<u16, 240, 1024>;
/// State of the firmware update object.
pub type Lwm2mState = Whole<u8, 0, 3>;
/// Result of the firmware update object.
pub type Lwm2mResult = Whole<u8, 0, 9>;
/// How many cuts a sweep may have.
pub type Cuts = Whole<u32, 1, 50_000>;
/// How deep cuts are nested.
pub type Depth = Whole<u32, 1, 10>;
/// Bricks that a claim survives.
pub type Bricks = Whole<u32, 0, 1_000>;

word_literals! {
    Via: "a transport";
    CutKind: "a kind of cut";
    CommandReply: "a reply";
    SweepOrder: "an order of cuts";
    Repeat: "a repetition";
    Anomalies: "what is made of anomalies";
}

parsed_literals! {
    Rate: "a rate", pattern_schema(r"[0-9]{1,3}(\.[0-9]{1,4})?%");
    Percent: "a percentage", pattern_schema(PERCENT);
    Version: "a version", any_schema();
}

const PERCENT: &str = "(100|[0-9]{1,2})%";
/// The patterns of moments.
const MOMENT: &str =
    "http-start|coap-start|start|end|(downloading|updating) (100|[0-9]{1,2})%|upload block [0-9]+";

impl Literal for Over {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        text.parse().map_err(|why: InvalidSpan| {
            InvalidValue::expected("a moment or window of a sweep", text).help(format!(
                "{why}; take a moment, a window as in `updating 20%..80%`, or `{}`",
                Self::WEAK_SPOTS
            ))
        })
    }

    fn schema() -> Schema {
        let weak = Self::WEAK_SPOTS;
        pattern_schema(&format!(r"{weak}|({MOMENT})(\.\.({MOMENT}|{PERCENT}))?"))
    }
}

/// Which of the rigs that fit run the cases of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RigChoice {
    /// Every rig runs every case.
    Each,
    /// The rig of this name.
    Named(String),
}

impl RigChoice {
    /// Whether the rig of this name is one of them.
    pub fn takes(&self, rig: &str) -> bool {
        match self {
            Self::Each => true,
            Self::Named(name) => name == rig,
        }
    }
}

impl Literal for RigChoice {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "each" => Ok(Self::Each),
            name => String::read(name).map(Self::Named),
        }
    }

    fn schema() -> Schema {
        any_schema()
    }
}

/// How often the cases of a suite are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    Once,
    /// Until the run is stopped.
    UntilStopped,
}

impl Repeat {
    const ALL: [Self; 2] = [Self::Once, Self::UntilStopped];

    const fn name(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::UntilStopped => "until-stopped",
        }
    }
}

/// The window of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimWindow {
    /// From the first byte of the transfer to END.
    All,
    Span(Span),
}

impl Literal for ClaimWindow {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.parse().map(Self::Span).map_err(|why: InvalidSpan| {
            InvalidValue::expected("the window of a claim", text).help(format!("{why}; or `all`"))
        })
    }

    fn schema() -> Schema {
        pattern_schema(&format!(r"all|({MOMENT})\.\.({MOMENT}|{PERCENT})"))
    }
}

literals! {
    /// The number of a block of an upload.
    BlockNumber -> u32, Code::schema(), block_number;
    /// Bytes in a block of an upload.
    UploadBlockSize -> u16, sizes_schema(&BLOCK_SIZES), |text| one_of_sizes(text, &BLOCK_SIZES);
    /// Bytes in a block of a download over CoAP: the sizes that a block option can name (RFC 7959 §2.2).
    CoapBlockSize -> u16, sizes_schema(&COAP_BLOCK_SIZES), |text| one_of_sizes(text, &COAP_BLOCK_SIZES);
    /// Percent between two cuts: with none the sweep would not end.
    Step -> Percent, Percent::schema(), step;
    /// A case of TestRail: `C` and its number.
    TestRailId -> String, pattern_schema("C[0-9]{1,18}"), testrail_id;
    /// The key of an issue in Jira, where Xray keeps tests and what they cover.
    IssueKey -> String, pattern_schema("[A-Z][A-Z0-9_]*-[0-9]+"), issue_key;
    /// A SHA-256 in hex; becomes lower case.
    Sha256Text -> String, pattern_schema("[0-9A-Fa-f]{64}"), sha256;
}

const COAP_BLOCK_SIZES: [u16; 7] = [16, 32, 64, 128, 256, 512, 1024];

fn block_number(text: &str) -> Result<u32, InvalidValue> {
    Code::read(text).map_err(|why| why.help("blocks are counted from 0"))
}

fn one_of_sizes(text: &str, sizes: &[u16]) -> Result<u16, InvalidValue> {
    let names: Vec<String> = sizes.iter().map(u16::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    one_of(text, "a block size", &names).map(|index| sizes[index])
}

fn sizes_schema(sizes: &[u16]) -> Schema {
    or_template(&json_schema!({ "type": "integer", "enum": sizes }))
}

fn step(text: &str) -> Result<Percent, InvalidValue> {
    match Percent::read(text)? {
        Percent::ZERO => Err(InvalidValue::expected("a percentage above zero", text)),
        percent => Ok(percent),
    }
}

fn testrail_id(text: &str) -> Result<String, InvalidValue> {
    let number = text.strip_prefix('C').unwrap_or_default();
    if (1..=18).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(InvalidValue::expected("a case of TestRail", text).help("it is `C` and a number, as in `C123`"))
}

fn issue_key(text: &str) -> Result<String, InvalidValue> {
    let is_key = text.rsplit_once('-').is_some_and(|(project, number)| {
        let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        project.starts_with(|c: char| c.is_ascii_uppercase())
            && project.bytes().all(legal)
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    if is_key {
        return Ok(text.to_owned());
    }
    let why = InvalidValue::expected("the key of an issue", text);
    Err(why.help("it is a project in capitals and a number, as in `PROJ-45`"))
}

fn sha256(text: &str) -> Result<String, InvalidValue> {
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    let why = InvalidValue::expected("64 hexadecimal digits", text);
    Err(why.help(format!("there are {} characters", text.chars().count())))
}

impl Literal for Becomes {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "target" => Ok(Self::Target),
            "unchanged" => Ok(Self::Unchanged),
            // Versions are upper case: a word in lower case was meant as one of the two.
            word if word.chars().all(|c| c.is_ascii_lowercase()) => Err(InvalidValue::none_of(
                word,
                "a version or one of two words",
                &["target", "unchanged"],
            )),
            version => Version::read(version).map(Self::Version),
        }
    }

    fn schema() -> Schema {
        any_schema()
    }
}

impl Literal for Moment {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        let first = text.split_whitespace().next().unwrap_or("");
        text.parse().map_err(|why: InvalidMoment| {
            let known = Self::FORMS
                .iter()
                .any(|form| form.split(' ').next() == Some(first));
            if known {
                InvalidValue::expected("a moment of an update", text).help(why.to_string())
            } else {
                InvalidValue::none_of(text, "a moment of an update", &Self::FORMS)
            }
        })
    }

    fn schema() -> Schema {
        pattern_schema(MOMENT)
    }
}

/// `after` of a cut: one time, or a range.
impl Literal for Jitter {
    type Value = Self;

    fn read(text: &str) -> Result<Self, InvalidValue> {
        let (min, max) = match text.split_once("..") {
            Some((min, max)) => (Duration::read(min.trim())?, Duration::read(max.trim())?),
            None => {
                let one = Duration::read(text)?;
                (one, one)
            }
        };
        if min > max {
            let why = format!("the range {} ends before it begins", quoted(text));
            return Err(InvalidValue::new(why).help("the shorter time comes first, as in `0ms..400ms`"));
        }
        Ok(Self { min, max })
    }

    fn schema() -> Schema {
        pattern_schema(r"0|([0-9]+ ?[a-z]+ ?)+(\.\.([0-9]+ ?[a-z]+ ?)+)?")
    }
}
