//! The keys of a suite file: the fields of these structs, for the reader and, with their texts, for editors. `suite_file` gives
//! them their meaning and their defaults. The deserializer refuses other keys, and so does the schema.

use crate::config::suite::suite_literals::{
    Amount, BlockNumber, Bricks, ClaimWindow, CoapBlockSize, Code, Cuts, Cycles, Depth, Every, HttpStatus,
    IssueKey, Lwm2mResult, Lwm2mState, PositiveCount, Repeat, RigChoice, Sha256Text, Step, TestRailId, Tries,
    UploadBlockSize, UrlBytes,
};
use crate::config::yaml::containers::{ExactlyOne, NotEmpty, OneOrMore, Part};
use crate::config::yaml::literal::{Literal, NonZeroDuration, True};
use crate::config::yaml::scalar::Raw;
use bc66_spec::module::Module;
use dfota_core::case::Anomalies;
use dfota_core::cut::CutKind;
use dfota_core::expect::{Becomes, CommandReply};
use dfota_core::moment::Moment;
use dfota_core::percent::Percent;
use dfota_core::rate::Rate;
use dfota_core::sweep::{Jitter, Over, SweepOrder};
use dfota_core::transport::Via;
use dfota_core::version::Version;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Packages, and the cases that are run with them.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "suite file")]
pub struct SuiteKeys {
    /// The suite's name, for reports and filters.
    pub suite: Raw<String>,
    /// The update packages, each under a name of your own.
    pub packages: Option<NotEmpty<IndexMap<String, PackageKeys>>>,
    /// Longest times that are waited for, in the module's time.
    pub limits: Option<LimitsKeys>,
    /// Measurements that have to be taken, with their limits, in every case in which they can be.
    pub measure: Option<NotEmpty<MeasureKeys>>,
    /// Power cycles after an update that the module must survive unchanged. Default 1.
    pub confirm: Option<Raw<Cycles>>,
    /// How legal but odd behaviour counts: `note` (the default) shows it in every report, `fail` fails the case.
    pub anomalies: Option<Raw<Anomalies>>,
    /// How often a case is tried again after an error that is not the module's.
    pub retries: Option<NotEmpty<RetriesKeys>>,
    /// How the module is brought to the version that a case starts from.
    pub prepare: Option<PrepareKeys>,
    /// `until-stopped`: the cases are run again and again, until a signal or `--max-time` ends the run. Default: once.
    pub repeat: Option<Raw<Repeat>>,
    /// What a rig needs to run its cases. Default: nothing.
    pub needs: Option<NotEmpty<NeedsKeys>>,
    /// The name of the one rig that runs its cases; or `each`: every rig that fits runs every case. Default: each case is
    /// run once, by any rig that fits.
    pub on: Option<Raw<RigChoice>>,
    /// What is run, in this order.
    pub cases: NotEmpty<Vec<CaseKeys>>,
}

/// What a rig needs to run the cases of a suite.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "needs")]
pub struct NeedsKeys {
    /// The type of its module.
    pub module: Option<Raw<Module>>,
    /// Labels that its file has, all of them.
    pub labels: Option<NotEmpty<Vec<Raw<String>>>>,
}

/// How the module is brought to the version that a case starts from.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "prepare")]
pub struct PrepareKeys {
    /// How the packages on the way get into the module. Default uart: it needs no network.
    pub via: Raw<Via>,
}

/// An update package. Its bytes are opaque: `from` and `to` are believed.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "package")]
pub struct PackageKeys {
    /// The file, relative to the suite file.
    pub file: Raw<String>,
    /// The version that it updates from.
    pub from: Raw<Version>,
    /// The version that it updates to.
    pub to: Raw<Version>,
    /// The SHA-256 of the file in hex; another file is refused.
    pub sha256: Option<Raw<Sha256Text>>,
}

/// Longest times that are waited for, in the module's time.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "limits")]
pub struct LimitsKeys {
    /// Power-on to RDY. Default 30s.
    pub boot: Option<Raw<NonZeroDuration>>,
    /// RDY to registered. Default 7m.
    pub attach: Option<Raw<NonZeroDuration>>,
    /// Order to end of the download. Default 15m.
    pub download: Option<Raw<NonZeroDuration>>,
    /// Power-on to the first START or UPDATING of a forced resume. Default 60s.
    pub resume: Option<Raw<NonZeroDuration>>,
    /// First START or UPDATING to END. Default 10m.
    pub update: Option<Raw<NonZeroDuration>>,
    /// After the last boot: how long the module is watched before it is queried once more. Default 45s; `0s` does without.
    pub settle: Option<Raw<Duration>>,
}

/// Measurements, each with its limits. A case that never takes a named measurement does not pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, title = "measure")]
pub struct MeasureKeys {
    /// Power-on to the first line that the module sends on its own (a URC).
    pub first_urc: Option<Part<RangeKeys<Duration>>>,
    /// Power-on to the first START or UPDATING of a forced resume.
    pub time_to_resume: Option<Part<RangeKeys<Duration>>>,
    /// The first percentage of UPDATING of a forced resume.
    pub resumed_at: Option<Part<RangeKeys<Percent>>>,
    /// The order to END; download, cuts and resumes included.
    pub update_time: Option<Part<RangeKeys<Duration>>>,
    /// The moment at which a cut was due to the end of its line's move, in real time.
    pub cut_latency: Option<Part<RangeKeys<Duration>>>,
    /// Bytes of the package that a server sent more than once.
    pub bytes_again: Option<Part<RangeKeys<Amount>>>,
    /// RDY to registered, with an address.
    pub attach_time: Option<Part<RangeKeys<Duration>>>,
    /// Boots inside UPDATING without a cut or reset.
    pub unexplained_resets: Option<Part<RangeKeys<Amount>>>,
}

/// What a measurement may be. Neither: it has to be taken, whatever it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(
    deny_unknown_fields,
    title = "range",
    rename = "RangeKeys",
    bound = "T: Literal",
    inline
)]
pub struct RangeKeys<T> {
    /// At least.
    pub min: Option<Raw<T>>,
    /// At most.
    pub max: Option<Raw<T>>,
}

/// Retries of a case that ended with an error, by the class of the error. A failure of the module is never retried.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "retries")]
pub struct RetriesKeys {
    /// After an error of the rig. Default 0.
    pub rig: Option<Raw<Tries>>,
    /// After an error of the network. Default 0.
    pub network: Option<Raw<Tries>>,
    /// After an error of the harness's servers. Default 0.
    pub server: Option<Raw<Tries>>,
}

/// A case. `{name}` in any of its values is replaced by the value of that key of its `matrix`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "case")]
pub struct CaseKeys {
    /// Its name; its id is made of it.
    pub name: Raw<String>,
    /// Multiplies the case: one for each combination. A key that nothing refers to repeats it.
    pub matrix: Option<NotEmpty<IndexMap<String, Values>>>,
    /// What is updated, and how.
    pub update: UpdateKeys,
    /// Where the power is cut.
    pub cut: Option<Part<CutKeys>>,
    /// Many cuts in place of one: the case becomes a campaign.
    pub sweep: Option<SweepKeys>,
    /// A claim on how rarely a cut bricks the module: it sets the number of random cuts.
    pub claim: Option<ClaimKeys>,
    /// What has to happen, for a case that does not expect success.
    pub expect: Option<NotEmpty<ExpectKeys>>,
    /// Faults that the harness injects.
    pub faults: Option<NotEmpty<FaultsKeys>>,
    /// Limits of this case alone.
    pub limits: Option<LimitsKeys>,
    /// Power cycles after the update of this case.
    pub confirm: Option<Raw<Cycles>>,
    /// What is made of something legal and odd in this case.
    pub anomalies: Option<Raw<Anomalies>>,
    /// Measurements of this case, in addition to those of the suite or in their place.
    pub measure: Option<NotEmpty<MeasureKeys>>,
    /// Ids of the requirements that the case covers.
    pub requirements: Option<NotEmpty<Vec<Raw<String>>>>,
    /// What test management systems call it, for their properties in JUnit.
    pub ids: Option<NotEmpty<IdsKeys>>,
    /// Words for `--tag`.
    pub tags: Option<NotEmpty<Vec<Raw<String>>>>,
    /// A reason not to run it.
    pub skip: Option<Raw<String>>,
}

/// What test management systems call a case.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, title = "ids")]
pub struct IdsKeys {
    /// The case in TestRail: `C123`.
    pub testrail: Option<Raw<TestRailId>>,
    /// The test in Xray: `PROJ-45`.
    pub xray: Option<Raw<IssueKey>>,
    /// The issues that the test covers in Xray.
    pub xray_requirements: Option<NotEmpty<Vec<Raw<IssueKey>>>>,
}

/// The values of one key of a matrix.
pub type Values = NotEmpty<Vec<Raw<String>>>;

/// What is updated, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "update")]
pub struct UpdateKeys {
    /// The package, by its name.
    pub package: Raw<String>,
    /// How it gets into the module.
    pub via: Raw<Via>,
    /// The version that the module is brought to first. Default: the package's `from`.
    pub on: Option<Raw<Version>>,
    /// Bytes in a block of an upload over the UART. Default 1024.
    pub block_size: Option<Raw<UploadBlockSize>>,
}

/// Where the power is cut.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "cut")]
pub struct CutKeys {
    /// The moment: `http-start`, `coap-start`, `downloading N%`, `upload block N`, `start`, `updating N%`, `end`.
    pub at: Raw<Moment>,
    /// A time after the moment, or a range of which each run draws one. Default 0ms.
    pub after: Option<Raw<Jitter>>,
    /// How long the supply stays off. Default: the rig's `discharge`.
    pub off: Option<Raw<NonZeroDuration>>,
    /// What is cut. Default power.
    pub kind: Option<Raw<CutKind>>,
    /// How often: once, or again in each forced resume. Default 1.
    pub times: Option<Raw<PositiveCount>>,
}

/// Many cuts in place of one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, title = "sweep", extend("not" = { "required": ["step", "cuts"] }))]
pub struct SweepKeys {
    /// Moments and windows: `updating 20%..80%`, `start..end`, `end`, `weak-spots`. Default: `updating 20%..100%`, `weak-spots`.
    pub over: Option<OneOrMore<Over>>,
    /// A cut at every so many percent of each window. Default 10%.
    pub step: Option<Raw<Step>>,
    /// So many cuts, spread over the windows, in place of `step`.
    pub cuts: Option<Raw<Cuts>>,
    /// A time that each cut is delayed by, or a range of which each draws one. Default 0ms.
    pub after: Option<Raw<Jitter>>,
    /// What is cut; each cut is made with each. Default power.
    pub kind: Option<OneOrMore<CutKind>>,
    /// How long the supply stays off; each cut is made with each. Default: the rig's `discharge`.
    pub off: Option<OneOrMore<NonZeroDuration>>,
    /// How often: once, or again in each forced resume. Default 1.
    pub depth: Option<Raw<Depth>>,
    /// `linear`, `shuffled` by the seed, or `widest-gap` first. Default linear.
    pub order: Option<Raw<SweepOrder>>,
    /// An uncut control run closes every block of so many cuts. Default 50.
    pub block: Option<Raw<PositiveCount>>,
}

/// How rarely a cut bricks the module.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "claim")]
pub struct ClaimKeys {
    /// The share of the cuts that is claimed not to be reached, as in `1%`.
    pub brick_rate_below: Raw<Rate>,
    /// Confidence of the claim. Default 95%.
    pub confidence: Option<Raw<Rate>>,
    /// Bricks that the claim allows; fixed beforehand, since it sets the number of cuts. Default 0.
    pub bricks: Option<Raw<Bricks>>,
    /// The window that the cuts are drawn from, evenly in time, or `all`. Default `start..end`; over CoAP `updating 0%..end`.
    pub over: Option<Raw<ClaimWindow>>,
    /// What is cut. Default power.
    pub kind: Option<Raw<CutKind>>,
    /// How long the supply stays off. Default: the rig's `discharge`.
    pub off: Option<Raw<NonZeroDuration>>,
}

/// What has to happen; what is left out is not judged.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "expect")]
pub struct ExpectKeys {
    /// The result of the order, or of the faulty block.
    pub reply: Option<Raw<CommandReply>>,
    /// The result code of the download.
    pub download: Option<Raw<Code>>,
    /// The result code of the update.
    pub update: Option<Raw<Code>>,
    /// The version afterwards: `target`, `unchanged`, or a version.
    pub version: Option<Raw<Becomes>>,
    /// State and result of the firmware update object; over CoAP alone.
    pub lwm2m: Option<NotEmpty<Lwm2mKeys>>,
}

/// Resources of the firmware update object.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "lwm2m")]
pub struct Lwm2mKeys {
    /// `/5/0/3`.
    pub state: Option<Raw<Lwm2mState>>,
    /// `/5/0/5`.
    pub result: Option<Raw<Lwm2mResult>>,
}

/// Faults that the harness injects.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "faults")]
pub struct FaultsKeys {
    /// Of the HTTP package server; several can hold at once.
    pub http: Option<NotEmpty<HttpFaultKeys>>,
    /// Of the CoAP package server; several can hold at once.
    pub coap: Option<NotEmpty<CoapFaultKeys>>,
    /// Of the upload over the UART: exactly one.
    pub uart: Option<ExactlyOne<UartFaultKeys>>,
    /// Of the order, over HTTP, and `detach` over CoAP too: exactly one.
    pub order: Option<ExactlyOne<OrderFaultKeys>>,
}

/// Faults of the HTTP package server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, title = "http")]
pub struct HttpFaultKeys {
    /// Answer with this status and no package.
    pub status: Option<Raw<HttpStatus>>,
    /// Refuse the connection.
    pub refuse: Option<Raw<bool>>,
    /// Close the connection once this share of the package was sent.
    pub drop: Option<Raw<Percent>>,
    /// Pause once.
    pub stall: Option<StallKeys>,
    /// At most this many bytes a second of the module's time.
    pub throttle: Option<Raw<PositiveCount>>,
    /// Send this share of the package and claim that this was all.
    pub truncate: Option<Raw<Percent>>,
    /// Invert the byte at this share of the package.
    pub corrupt: Option<Raw<Percent>>,
    /// Claim 16 bytes more than are sent.
    pub wrong_length: Option<Raw<bool>>,
    /// Answer 200 and everything, whatever range was requested.
    pub ignore_range: Option<Raw<bool>>,
}

/// A pause of the HTTP server.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "stall")]
pub struct StallKeys {
    /// At this share of the package.
    pub at: Raw<Percent>,
    /// For so long, in the module's time.
    #[serde(rename = "for")]
    pub lasts: Raw<Duration>,
}

/// Faults of the CoAP package server. Those of datagrams act on the package's alone, each direction for itself; the LwM2M
/// dialogue is left alone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, title = "coap")]
pub struct CoapFaultKeys {
    /// Lose every n-th datagram of each direction.
    pub drop_every: Option<Raw<Every>>,
    /// Lose this share of the datagrams of each direction, by the seed.
    pub drop_share: Option<Raw<Percent>>,
    /// Send every n-th answer twice.
    pub duplicate_every: Option<Raw<Every>>,
    /// Send this share of the answers twice, by the seed.
    pub duplicate_share: Option<Raw<Percent>>,
    /// Hold every answer back for so long, in the module's time.
    pub delay: Option<Raw<Duration>>,
    /// Stop answering at this share of the package.
    pub stop: Option<Raw<Percent>>,
    /// Answer 4.04.
    pub not_found: Option<Raw<bool>>,
    /// From this share of the package on, the ETag is another one.
    pub change_etag: Option<Raw<Percent>>,
    /// Blocks have at most this many bytes, whatever size is requested.
    pub max_block: Option<Raw<CoapBlockSize>>,
    /// Order the update over LwM2M while the download still runs: it must be refused.
    pub execute_early: Option<Raw<bool>>,
}

/// A fault of the upload: exactly one. It hits its block once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, title = "uart")]
pub struct UartFaultKeys {
    /// A bit of this block flips after its CRC was computed.
    pub corrupt_block: Option<Raw<BlockNumber>>,
    /// Half of this block is sent, and nothing more until the module gives up.
    pub short_block: Option<Raw<BlockNumber>>,
    /// Sixteen bytes more than announced are sent with this block.
    pub long_block: Option<Raw<BlockNumber>>,
    /// This block's number is one too high.
    pub out_of_order: Option<Raw<BlockNumber>>,
    /// Nothing is sent after the prompt for this block; then ESC.
    pub silence: Option<Raw<BlockNumber>>,
    /// The byte at this share of the package flips before the CRCs are computed.
    pub damage: Option<Raw<Percent>>,
    /// Nothing is uploaded before the order.
    pub nothing: Option<Raw<True>>,
}

/// A fault of the order: exactly one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, title = "order")]
pub struct OrderFaultKeys {
    /// The URL is filled up to this many bytes.
    pub url_bytes: Option<Raw<UrlBytes>>,
    /// The URL begins with `https://`.
    pub https: Option<Raw<True>>,
    /// The order comes before the module has an address.
    pub before_ip: Option<Raw<True>>,
    /// A second order is given at this share of the download.
    pub again: Option<Raw<Percent>>,
    /// `AT+CFUN=0` is sent at this share of the download; over CoAP too.
    pub detach: Option<Raw<Percent>>,
}
