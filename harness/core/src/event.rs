//! The vocabulary of the record: everything that a run writes down, in one closed enum.
//!
//! `events.jsonl` holds one [`Record`] a line. Reports are pure functions of them, so whatever a report shows is here,
//! also what varies: paths, dates, figures out of the history.

pub mod bisected;
mod cut_made;
mod ended;
pub mod fleet;
pub mod lab;
mod measured;
mod record;
mod run_started;
pub mod trend;
pub mod watched;

pub use cut_made::{Confirmed, CutMade};
pub use ended::{CaseEnded, TryEnded};
pub use measured::Measured;
pub use record::Record;
pub use run_started::{Attachments, FileFacts, JunitProfile, RigFacts, RunStarted};

use crate::campaign::Tallied;
use crate::capabilities::Capabilities;
use crate::case::Case;
use crate::cut::Cut;
use crate::macros::named_enum;
use crate::rig_check::{Check, CheckTime};
use crate::timeline::Timeline;
use crate::version::{Imei, Version};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use fleet::FleetEvent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use watched::{Attempt, Gap, Halted, ObjectFact, Watched};

/// Version of this vocabulary; readers refuse a newer one.
pub const SCHEMA: u32 = 2;

/// The first schema whose journals hold everything that a verdict rests on.
pub const SCHEMA_OF_VERDICTS: u32 = 2;

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run began. The first event of every journal. Boxed: it would make every other event as large in memory.
    RunStarted(Box<RunStarted>),
    /// A case is planned. All come before the first case starts, but for those of a search, each of which depends on the last.
    CasePlanned {
        /// The case, resolved. Boxed: it is far larger than what happens often.
        case: Box<Case>,
        /// Why it is left out, if it is.
        skip: Option<String>,
    },
    /// A case began.
    CaseStarted {
        /// Its id.
        id: String,
        /// Its suite.
        suite: String,
    },
    /// What the harness does now, for people.
    Step {
        /// In a few words.
        text: String,
    },
    /// Bytes to the module.
    Tx {
        /// As readable text, other bytes escaped.
        text: String,
    },
    /// A line from the module.
    Rx {
        /// As readable text, other bytes escaped.
        text: String,
        /// The line never ended: this is as much as was received.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        partial: bool,
    },
    /// The prompt of data mode.
    Prompt,
    /// Raw data to the module, too long to write down whole.
    TxData {
        /// How many bytes.
        bytes: u64,
        /// Their SHA-256 in hex.
        sha256: String,
    },
    /// A line of the rig was moved.
    Line {
        /// Which.
        line: Line,
        /// Active: supplied, or asserted.
        active: bool,
        /// From the command until it had been carried out, in real nanoseconds.
        took_ns: u64,
    },
    /// A cut waits for its moment.
    CutArmed {
        /// Its id.
        cut: Cut,
    },
    /// A cut was made.
    CutMade(CutMade),
    /// An armed cut never met its moment.
    CutMissed {
        /// Its id.
        cut: Cut,
    },
    /// A request to one of the harness's servers, when it had been answered.
    Request(Request),
    /// Something happened between the LwM2M server and a client.
    Lwm2m {
        /// In words.
        text: String,
        /// What a verdict may rest on, where it is of that kind and of the module of this rig.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fact: Option<ObjectFact>,
    },
    /// A measurement was taken.
    Measured(Measured),
    /// The module said who it is.
    Identity {
        /// Second line of `ATI`.
        model: String,
        /// Its version.
        version: Version,
        /// Its IMEI.
        imei: Option<Imei>,
    },
    /// What the module can do beside answering.
    #[serde(rename = "function")]
    Capabilities {
        /// When it was asked.
        when: CapabilityTime,
        /// What it said.
        #[serde(flatten)]
        capabilities: Capabilities,
    },
    /// A module that did not answer any more was brought back.
    Recovered {
        /// By what.
        by: String,
        /// The version that it runs now.
        version: Version,
    },
    /// No further case is begun.
    GivenUp {
        /// Why, for every case that is not reached.
        cause: String,
    },
    /// An update begins to be watched. Boxed: it holds a case.
    Attempt(Box<Attempt>),
    /// What the harness did or saw while it was watched.
    Watched(Watched),
    /// The harness could not hear the module.
    Gap(Gap),
    /// A procedure could not go on.
    Halted(Halted),
    /// A try of a case ended, and another one follows.
    TryEnded(TryEnded),
    /// A case ended, with its last try.
    CaseEnded(CaseEnded),
    /// The moments of a calibration run were timed; cuts of the campaign are laid out by them.
    Calibrated {
        /// The suite.
        suite: String,
        /// The campaign.
        campaign: String,
        /// The package.
        package: String,
        /// Since the order, in the module's time.
        timeline: Timeline,
    },
    /// A cut of a campaign was judged, now or in an earlier run.
    Tallied(Tallied),
    /// In a masked run these rigs had more than one module, now or in earlier runs of the campaigns. The mask hides which is which.
    ModulesHidden {
        /// Their names.
        rigs: Vec<String>,
    },
    /// A search between two cuts came to an end.
    Bisected(bisected::Bisected),
    /// The rig was checked, before or after the cases of a suite.
    RigChecked {
        /// Which of the two.
        when: CheckTime,
        /// The suite.
        suite: String,
        /// What was looked at.
        checks: Vec<Check>,
    },
    /// What earlier runs of these cases came to, out of the history; before the first case.
    Trend(trend::Trend),
    /// Of a run on several rigs: what became of a batch or a rig.
    Fleet(FleetEvent),
    /// Something worth knowing.
    Note {
        /// The text.
        text: String,
    },
    /// The run ended. A journal without it is of a run that was killed.
    RunEnded {
        /// The exit code.
        exit: u8,
        /// It was interrupted by a signal.
        interrupted: bool,
        /// The lines are in their declared safe state.
        safe: bool,
    },
}

/// When the module was asked for its capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CapabilityTime {
    /// Before the update.
    Before,
    /// After it, and after one more power cycle.
    After,
    /// After yet another power cycle, because something was missing.
    Again,
}

impl CapabilityTime {
    pub const fn words(self) -> &'static str {
        match self {
            Self::Before => "before the update",
            Self::After => "after the update and one more power cycle",
            Self::Again => "after yet another power cycle",
        }
    }
}

named_enum! {
    /// A line of the rig.
    pub enum Line {
        /// The supply.
        Power = "power",
        /// Reset.
        Reset = "reset",
        /// PWRKEY.
        Pwrkey = "pwrkey",
    }
}

/// One request to a server of the harness.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// `http` or `coap`.
    pub server: String,
    /// Address of the peer.
    pub peer: String,
    /// Method.
    pub method: String,
    /// Path, as asked for; other bytes escaped.
    pub path: String,
    /// The path is that of a package which is offered now; any other request is logged and not counted.
    pub ours: bool,
    /// The range that was asked for.
    pub range: Option<String>,
    /// Status of the answer; `None` when there was none.
    pub status: Option<u16>,
    /// Offset of the first byte of the package that was sent.
    pub first: u64,
    /// Bytes of the package that were handed to the socket.
    pub sent: u64,
    /// Bytes of the package that the answer ought to have had.
    pub wanted: u64,
    /// The fault that shaped the answer, if one did.
    pub fault: Option<String>,
}
