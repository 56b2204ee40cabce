//! `expect:` of a case: what has to happen if the expected result is not success.

use crate::macros::named_enum;
use crate::version::Version;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a case expects. A field that is `None` was not declared and is not judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expect {
    /// The result of the faulty command: of the order, or of the faulty block.
    pub reply: Option<CommandReply>,
    /// `<download_err>` of HTTPEND or COAPEND.
    pub download: Option<u32>,
    /// `<update_err>` of END.
    pub update: Option<u32>,
    /// The version afterwards.
    pub version: Option<Becomes>,
    /// State and result of the firmware update object.
    pub lwm2m: Option<ExpectedObject>,
}

/// Resources of the firmware update object (LwM2M TS 1.0.2, E.6); a field that is `None` was not declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectedObject {
    /// `/5/0/3`: 0 idle, 1 downloading, 2 downloaded, 3 updating.
    pub state: Option<u8>,
    /// `/5/0/5`: 0 initial, 1 success, 2 to 9 failures.
    pub result: Option<u8>,
}

impl Expect {
    /// What an `update` without `expect` expects: result code 0 and the target version.
    pub fn success() -> Self {
        Self {
            reply: None,
            download: None,
            update: Some(0),
            version: Some(Becomes::Target),
            lwm2m: None,
        }
    }
}

named_enum! {
    /// The result of a command (AN §2.2.1, §3.2.1).
    pub enum CommandReply {
        /// `OK`.
        Ok = "OK",
        /// `ERROR`, in any of its forms.
        Error = "ERROR",
        /// `+QFUPLEX: -2,TIMEOUT`.
        Timeout = "TIMEOUT",
        /// `+QFUPLEX: -1,ESC`.
        Esc = "ESC",
    }
}

/// The version that is expected afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Becomes {
    /// The package's `to`.
    Target,
    /// The one that ran before.
    Unchanged,
    /// This one.
    Version(Version),
}
