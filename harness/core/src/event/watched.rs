//! Events that a verdict rests on beside the module's lines: what was planned, what the harness did, what it could not hear.

use crate::capabilities::Capabilities;
use crate::case::Case;
use crate::cut::Cut;
use crate::event::Line;
use crate::expect::CommandReply;
use crate::macros::named_enum;
use crate::percent::Percent;
use crate::verdict::{Finding, Rule};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An update that is to be watched and judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// What it is for.
    pub purpose: Purpose,
    /// What is planned. A preparation is a case of its own.
    pub case: Case,
    /// The cuts to be made, in order.
    pub cuts: Vec<Cut>,
    /// What the module could do before, where that is to be compared.
    pub before: Option<Capabilities>,
    /// The longest time that the procedure may take, in nanoseconds of the module's time.
    #[serde(default)]
    pub bound_ns: u64,
}

named_enum! {
    /// What an update is for.
    pub enum Purpose {
        /// Brings the module to the version that a case starts from.
        Preparation = "preparation",
        /// Gives the same package once more in another way, before an earlier case is convicted by its refusal.
        CounterProof = "counter-proof",
        /// The update of the case.
        Case = "case",
        /// The update of the case again, after a cut that left nothing to resume.
        Again = "again",
    }
}

/// What the harness did, or saw, while an update was watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Watched {
    /// The first byte of a block of the upload is about to be written.
    Block {
        /// Its number.
        number: u32,
    },
    /// The order is about to be given.
    Order,
    /// The harness is about to do what starts the module: give the supply, let go of reset, or press PWRKEY. Told before the
    /// line is moved, for a module can speak before a slow driver has returned.
    Starts {
        /// By which line.
        by: Line,
    },
    /// The module answered the order, the faulty block or the second order.
    Replied {
        /// What it answered.
        to: ReplyTo,
        /// How.
        reply: CommandReply,
    },
    /// The file server saw that the module has so much of the package.
    Served {
        /// How much.
        percent: Percent,
    },
    /// A fault that the case declares was brought about.
    FaultMet,
    /// A wait ended without what was awaited.
    LimitOver {
        /// Which.
        limit: TimedOut,
    },
    /// Requests for the package that the server has seen, also those whose answers were still under way.
    Fetched {
        /// Since the order.
        requests: u32,
        /// After power was lost while UPDATING.
        again: u32,
    },
    /// The module did not answer, and was given another chance.
    Revival {
        /// By what.
        by: String,
    },
    /// It did not answer, whatever the rig could do.
    NoAnswer {
        /// What came in place of an answer, for the middle of a sentence.
        heard: String,
    },
    /// It answered, and what it says of itself cannot be read.
    Unreadable {
        /// What it said, other bytes escaped.
        said: String,
    },
    /// What the firmware update object said or did.
    Object(ObjectFact),
    /// After the last boot the module was watched.
    Settled {
        /// Until so long after the boot, in nanoseconds of the module's time.
        watched_ns: u64,
        /// For so many thousandths of the time in which nobody asked it anything, its line was busy.
        #[serde(default)]
        busy: u64,
    },
}

/// What an answer was an answer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyTo {
    /// The block that a fault was made in.
    FaultyBlock,
    /// The order to update.
    Order,
    /// The second order, while the first was under way.
    SecondOrder,
}

named_enum! {
    /// A wait that ended without what was awaited.
    pub enum TimedOut {
        /// Neither UPDATING nor RDY after the supply returned: limit `resume`.
        Resume = "resume",
        /// UPDATING without END: limit `update`.
        Update = "update",
        /// A download without end: limit `download`.
        Download = "download",
    }
}

/// What the firmware update object (LwM2M TS 1.0.2, E.6) said or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "object", rename_all = "kebab-case")]
pub enum ObjectFact {
    /// It told the value of a resource of `/5/0`.
    Told {
        /// Which resource.
        resource: u16,
        /// Its value.
        value: i64,
    },
    /// Something that is not legal in itself.
    Found {
        /// The rule, and the sentence.
        finding: Finding,
    },
    /// The update is over: the object rests.
    Rests {
        /// `/5/0/3`.
        state: u8,
        /// `/5/0/5`.
        result: u8,
    },
    /// The update is over: an order was refused.
    Refused {
        /// Which, and how.
        words: String,
    },
    /// The update is over: an order was never answered.
    Unanswered {
        /// Which.
        words: String,
    },
    /// The module was asked to register, so that state and result can be read back.
    ReadBack,
}

/// A time in which the harness could not hear the module, or not all of it. No verdict may rest on a line that is missing
/// where a gap could hide it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "gap", rename_all = "kebab-case")]
pub enum Gap {
    /// The serial port has gone.
    PortLost {
        /// Why.
        why: String,
    },
    /// It is there again.
    PortBack,
    /// The reader came late: the system's buffer was full, so that bytes may have been dropped.
    ReaderBehind {
        /// Bytes that were waiting.
        bytes: u64,
    },
}

impl Gap {
    /// Why the module cannot be heard; nothing where it can again.
    pub fn why(&self) -> Option<String> {
        match self {
            Self::PortLost { why } => Some(why.clone()),
            Self::ReaderBehind { bytes } => Some(format!(
                "{bytes} bytes were waiting at once: the system may have dropped some"
            )),
            Self::PortBack => None,
        }
    }
}

/// A procedure could not go on; the try ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Halted {
    /// The rule that ends it.
    pub rule: Rule,
    /// What was expected and seen.
    pub sentence: String,
}
