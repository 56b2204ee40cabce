//! What the scalars of a suite can be read as.

use crate::config::yaml::literal::{
    Literal, Mistake, any_schema, choice_schema, one_of, pattern_schema, whole, whole_schema,
};
use bc66_spec::qfuplex::BLOCK_SIZES;
use dfota_core::case::Anomalies;
use dfota_core::cut::CutKind;
use dfota_core::escape::quoted;
use dfota_core::expect::{Becomes, CommandReply};
use dfota_core::moment::{InvalidMoment, Moment};
use dfota_core::percent::Percent;
use dfota_core::rate::Rate;
use dfota_core::sweep::{InvalidSpan, Over, Span, SweepOrder};
use dfota_core::transport::Via;
use dfota_core::version::Version;
use schemars::{Schema, json_schema};
use std::time::Duration;

macro_rules! word_literal {
    ($type:ty, $name:literal, $what:literal) => {
        impl Literal for $type {
            const NAME: &'static str = $name;

            fn read(text: &str) -> Result<Self, Mistake> {
                one_of(text, $what, &Self::ALL.map(Self::name)).map(|index| Self::ALL[index])
            }

            fn schema() -> Schema {
                choice_schema(&Self::ALL.map(Self::name))
            }
        }
    };
}

word_literal!(Via, "Via", "a transport");
word_literal!(CutKind, "Kind", "a kind of cut");
word_literal!(CommandReply, "Reply", "a reply");
word_literal!(SweepOrder, "Order", "an order of cuts");

macro_rules! number_literal {
    ($(#[doc = $doc:literal])+ $name:ident($type:ty) = $from:literal..=$to:expr;) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub $type);

        impl Literal for $name {
            const NAME: &'static str = stringify!($name);

            fn read(text: &str) -> Result<Self, Mistake> {
                whole::<$type>(text, $from..=$to).map(Self)
            }

            fn schema() -> Schema {
                whole_schema($from, u64::from($to))
            }
        }
    };
}

number_literal! {
    /// How often, or how much: at least 1.
    Count(u32) = 1..=1_000_000_u32;
}
number_literal! {
    /// Every how many: every single one would leave nothing.
    Every(u32) = 2..=1_000_000_u32;
}
number_literal! {
    /// Bytes of a package.
    Bytes(u32) = 0..=16_777_216_u32;
}
number_literal! {
    /// How many further tries: an error that comes back ten times is no passing trouble.
    Tries(u32) = 0..=10_u32;
}
number_literal! {
    /// How many power cycles follow an update.
    Cycles(u32) = 1..=20_u32;
}
number_literal! {
    /// A result code, documented or not.
    Code(u32) = 0..=65_535_u32;
}
number_literal! {
    /// An HTTP status of a final answer that carries no package.
    HttpStatus(u16) = 300..=599_u16;
}
number_literal! {
    /// Length of a URL. Shorter ones the harness makes anyway; 255 is the longest that the module takes (AN §2.2.1).
    UrlBytes(u16) = 240..=1024_u16;
}
number_literal! {
    /// State of the firmware update object.
    Lwm2mState(u8) = 0..=3_u8;
}
number_literal! {
    /// Result of the firmware update object.
    Lwm2mResult(u8) = 0..=9_u8;
}

number_literal! {
    /// How many cuts a sweep may have.
    Cuts(u32) = 1..=50_000_u32;
}
number_literal! {
    /// How deep cuts are nested.
    Depth(u32) = 1..=10_u32;
}
number_literal! {
    /// Bricks that a claim survives.
    Bricks(u32) = 0..=1_000_u32;
}

impl Literal for Rate {
    const NAME: &'static str = "Rate";

    fn read(text: &str) -> Result<Self, Mistake> {
        text.parse()
            .map_err(|why| Mistake::new(format!("expected a rate, found {}", quoted(text))).help(why))
    }

    fn schema() -> Schema {
        pattern_schema(r"[0-9]{1,3}(\.[0-9]{1,4})?%")
    }
}

/// The patterns of moments.
const MOMENT: &str =
    "http-start|coap-start|start|end|(downloading|updating) (100|[0-9]{1,2})%|upload block [0-9]+";

impl Literal for Over {
    const NAME: &'static str = "Over";

    fn read(text: &str) -> Result<Self, Mistake> {
        text.parse().map_err(|why: InvalidSpan| {
            Mistake::new(format!("expected what a sweep goes over, found {}", quoted(text))).help(format!(
                "{why}; take a moment, a window as in `updating 20%..80%`, or `{}`",
                Self::WEAK_SPOTS
            ))
        })
    }

    fn schema() -> Schema {
        let (weak, percent) = (Self::WEAK_SPOTS, "(100|[0-9]{1,2})%");
        pattern_schema(&format!(r"{weak}|({MOMENT})(\.\.({MOMENT}|{percent}))?"))
    }
}

/// How often the cases of a suite are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    Once,
    /// Until the run is told to stop.
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

word_literal!(Repeat, "Repeat", "a repetition");
word_literal!(Anomalies, "Anomalies", "what is made of anomalies");

/// The window of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// From the first byte of the transfer to END.
    All,
    Span(Span),
}

impl Literal for Window {
    const NAME: &'static str = "Window";

    fn read(text: &str) -> Result<Self, Mistake> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.parse().map(Self::Span).map_err(|why: InvalidSpan| {
            Mistake::new(format!("expected the window of a claim, found {}", quoted(text)))
                .help(format!("{why}; or `all`"))
        })
    }

    fn schema() -> Schema {
        pattern_schema(&format!(r"all|({MOMENT})\.\.({MOMENT}|(100|[0-9]{{1,2}})%)"))
    }
}

impl Literal for u32 {
    const NAME: &'static str = "BlockNumber";

    fn read(text: &str) -> Result<Self, Mistake> {
        whole(text, 0..=65_535).map_err(|mistake| mistake.help("blocks are counted from 0"))
    }

    fn schema() -> Schema {
        whole_schema(0, 65_535)
    }
}

/// Bytes in a block of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSize(pub u16);

impl Literal for BlockSize {
    const NAME: &'static str = "BlockSize";

    fn read(text: &str) -> Result<Self, Mistake> {
        size_of(text, &BLOCK_SIZES).map(Self)
    }

    fn schema() -> Schema {
        size_schema(&BLOCK_SIZES)
    }
}

/// Bytes in a block of a download over CoAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoapBlock(pub u16);

/// The sizes that a block option can name (RFC 7959 §2.2).
const COAP_BLOCKS: [u16; 7] = [16, 32, 64, 128, 256, 512, 1024];

impl Literal for CoapBlock {
    const NAME: &'static str = "CoapBlock";

    fn read(text: &str) -> Result<Self, Mistake> {
        size_of(text, &COAP_BLOCKS).map(Self)
    }

    fn schema() -> Schema {
        size_schema(&COAP_BLOCKS)
    }
}

fn size_of(text: &str, sizes: &[u16]) -> Result<u16, Mistake> {
    let names: Vec<String> = sizes.iter().map(u16::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    one_of(text, "a block size", &names).map(|index| sizes[index])
}

fn size_schema(sizes: &[u16]) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "integer", "enum": sizes },
        { "type": "string", "pattern": r"\{[A-Za-z0-9_-]+\}" },
    ] })
}

impl Literal for Percent {
    const NAME: &'static str = "Percent";

    fn read(text: &str) -> Result<Self, Mistake> {
        text.parse()
            .map_err(|why| Mistake::new(format!("expected a percentage, found {}: {why}", quoted(text))))
    }

    fn schema() -> Schema {
        pattern_schema("(100|[0-9]{1,2})%")
    }
}

impl Literal for Version {
    const NAME: &'static str = "Version";

    fn read(text: &str) -> Result<Self, Mistake> {
        text.parse()
            .map_err(|why| Mistake::new(format!("expected a version, found {}: {why}", quoted(text))))
    }

    fn schema() -> Schema {
        any_schema()
    }
}

impl Literal for Becomes {
    const NAME: &'static str = "Becomes";

    fn read(text: &str) -> Result<Self, Mistake> {
        match text {
            "target" => Ok(Self::Target),
            "unchanged" => Ok(Self::Unchanged),
            // Versions are upper case: a word in lower case was meant as one of the two.
            word if word.chars().all(|c| c.is_ascii_lowercase()) => Err(Mistake::none_of(
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
    const NAME: &'static str = "Moment";

    fn read(text: &str) -> Result<Self, Mistake> {
        let first = text.split_whitespace().next().unwrap_or("");
        text.parse().map_err(|why: InvalidMoment| {
            let known = Self::FORMS
                .iter()
                .any(|form| form.split(' ').next() == Some(first));
            if known {
                Mistake::new(format!("expected a moment of an update, found {}", quoted(text)))
                    .help(why.to_string())
            } else {
                Mistake::none_of(text, "a moment of an update", &Self::FORMS)
            }
        })
    }

    fn schema() -> Schema {
        pattern_schema(MOMENT)
    }
}

/// `after` of a cut: one time, or a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    pub min: Duration,
    pub max: Duration,
}

impl Literal for After {
    const NAME: &'static str = "After";

    fn read(text: &str) -> Result<Self, Mistake> {
        let (min, max) = match text.split_once("..") {
            Some((min, max)) => (Duration::read(min.trim())?, Duration::read(max.trim())?),
            None => {
                let one = Duration::read(text)?;
                (one, one)
            }
        };
        if min > max {
            let why = format!("the range {} ends before it begins", quoted(text));
            return Err(Mistake::new(why).help("the shorter time comes first, as in `0ms..400ms`"));
        }
        Ok(Self { min, max })
    }

    fn schema() -> Schema {
        pattern_schema(r"0|([0-9]+ ?[a-z]+ ?)+(\.\.([0-9]+ ?[a-z]+ ?)+)?")
    }
}

/// A case of TestRail: `C` and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRailId(pub String);

impl Literal for TestRailId {
    const NAME: &'static str = "TestRailId";

    fn read(text: &str) -> Result<Self, Mistake> {
        let number = text.strip_prefix('C').unwrap_or_default();
        if (1..=18).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        let why = Mistake::new(format!("expected a case of TestRail, found {}", quoted(text)));
        Err(why.help("it is `C` and a number, as in `C123`"))
    }

    fn schema() -> Schema {
        pattern_schema("C[0-9]{1,18}")
    }
}

/// The key of an issue in Jira, where Xray keeps tests and what they cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueKey(pub String);

impl Literal for IssueKey {
    const NAME: &'static str = "IssueKey";

    fn read(text: &str) -> Result<Self, Mistake> {
        let is_key = text.rsplit_once('-').is_some_and(|(project, number)| {
            let letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            project.starts_with(|c: char| c.is_ascii_uppercase())
                && project.bytes().all(letter)
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        if is_key {
            return Ok(Self(text.to_owned()));
        }
        let why = Mistake::new(format!("expected the key of an issue, found {}", quoted(text)));
        Err(why.help("it is a project in capitals and a number, as in `PROJ-45`"))
    }

    fn schema() -> Schema {
        pattern_schema("[A-Z][A-Z0-9_]*-[0-9]+")
    }
}

/// A SHA-256 in hex, lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sha256Text(pub String);

impl Literal for Sha256Text {
    const NAME: &'static str = "Sha256Text";

    fn read(text: &str) -> Result<Self, Mistake> {
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(Mistake::new(format!(
                "expected 64 hexadecimal digits, found {} ({} characters)",
                quoted(text),
                text.chars().count()
            )))
        }
    }

    fn schema() -> Schema {
        pattern_schema("[0-9A-Fa-f]{64}")
    }
}
