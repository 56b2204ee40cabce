//! The transports of an update.

use core::fmt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a package gets into the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// Downloaded over HTTP (AN §2).
    Http,
    /// Uploaded over the UART (AN §3).
    Uart,
    /// Downloaded over CoAP, ordered over LwM2M (AN §4).
    Coap,
}

impl Via {
    /// All, in the order of the application note.
    pub const ALL: [Self; 3] = [Self::Http, Self::Uart, Self::Coap];

    /// As suites write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Uart => "uart",
            Self::Coap => "coap",
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
